"""A folder for each pipeline."""
