"""Graph, catalog and ledger to steps: reuse or run, and why."""
