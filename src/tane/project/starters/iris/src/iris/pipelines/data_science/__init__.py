"""From flowers to a model, and how many it gets right."""

from .pipeline import create_pipeline

__all__ = ["create_pipeline"]
