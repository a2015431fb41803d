"""The loop: decide, execute, record, publish."""
