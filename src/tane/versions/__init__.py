"""What joins store, ledger, catalog and Git: collection of what nobody needs, verification of what is kept."""
