"""Names to datasets and formats: load, save, encode."""
