"""The price of a flight, predicted: once with the active model, once with its candidate."""

from .pipeline import create_pipeline

__all__ = ["create_pipeline"]
