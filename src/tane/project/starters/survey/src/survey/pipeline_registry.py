"""The project's pipelines by name."""

from tane import Pipeline

from .pipelines import modelling, preparation


def register_pipelines() -> dict[str, Pipeline]:
    """`tane run NAME` runs one of these, `tane run` the one named `__default__`."""
    first, then = preparation.create_pipeline(), modelling.create_pipeline()
    return {"preparation": first, "modelling": then, "__default__": first + then}
