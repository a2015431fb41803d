"""From wines to a model, and how far off it is."""

from .pipeline import create_pipeline

__all__ = ["create_pipeline"]
