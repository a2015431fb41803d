"""Two figures, and which model is the better one."""

from .pipeline import create_pipeline

__all__ = ["create_pipeline"]
