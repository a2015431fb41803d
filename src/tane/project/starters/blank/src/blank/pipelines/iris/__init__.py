"""Telling three species of iris apart."""

from .pipeline import create_pipeline

__all__ = ["create_pipeline"]
