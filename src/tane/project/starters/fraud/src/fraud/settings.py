"""Settings of the project that are code, not configuration."""

# The pipelines that `tane run` runs when none is named.
DEFAULT_PIPELINES = ("data_processing", "training", "evaluation")
