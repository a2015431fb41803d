"""The project's pipelines by name."""

from importlib import import_module
from pkgutil import iter_modules

from tane import Pipeline

from . import pipelines


def register_pipelines() -> dict[str, Pipeline]:
    """`tane run NAME` runs one of these, `tane run` the one named `__default__`: here all of them together."""
    found = find_pipelines()
    return {**found, "__default__": Pipeline(found.values())}


def find_pipelines() -> dict[str, Pipeline]:
    """What each folder of `pipelines/` with a `create_pipeline()` makes, by the folder's name."""
    modules = {
        each.name: import_module(f"{pipelines.__name__}.{each.name}") for each in iter_modules(pipelines.__path__)
    }
    return {name: module.create_pipeline() for name, module in modules.items() if hasattr(module, "create_pipeline")}
