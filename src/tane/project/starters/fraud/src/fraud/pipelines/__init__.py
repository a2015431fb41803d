"""The pipelines of this project, one package each."""
