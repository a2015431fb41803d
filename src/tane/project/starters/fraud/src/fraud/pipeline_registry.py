"""The pipelines of this project by name. Tane asks for them here."""

from tane import Pipeline

from . import settings
from .pipelines import data_processing, evaluation, inference, training


def register_pipelines() -> dict[str, Pipeline]:
    """Every pipeline by the name that `tane run NAME` knows it by."""
    pipelines = {
        "data_processing": data_processing.create_pipeline(),
        "training": training.create_pipeline(),
        "evaluation": evaluation.create_pipeline(),
        "inference": inference.create_pipeline(),
    }
    pipelines["__default__"] = sum(pipelines[name] for name in settings.DEFAULT_PIPELINES)
    return pipelines
