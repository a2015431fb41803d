"""The project's pipelines by name."""

from tane import Pipeline

from .pipelines import data_engineering, data_science


def register_pipelines() -> dict[str, Pipeline]:
    """`tane run NAME` runs one of these, `tane run` the one named `__default__`."""
    de, ds = data_engineering.create_pipeline(), data_science.create_pipeline()
    return {"de": de, "ds": ds, "__default__": de + ds}
