"""The active run: opens it, logs to it, closes it."""
