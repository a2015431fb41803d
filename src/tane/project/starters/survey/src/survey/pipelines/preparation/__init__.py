"""From the raw table to wines to train and to test with."""

from .pipeline import create_pipeline

__all__ = ["create_pipeline"]
