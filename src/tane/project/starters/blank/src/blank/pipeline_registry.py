"""The project's pipelines by name."""

from tane import Pipeline

from .pipelines import iris


def register_pipelines() -> dict[str, Pipeline]:
    """`tane run NAME` runs one of these, `tane run` the one named `__default__`."""
    flowers = iris.create_pipeline()
    return {"iris": flowers, "__default__": flowers}
