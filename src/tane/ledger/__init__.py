"""What happened: runs, steps, values, metrics, tags, events. Only `write` inserts, only `read` selects."""
