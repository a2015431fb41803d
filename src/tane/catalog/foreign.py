"""Dataset classes: any class with `load()` or `save(data)`, named by its dotted path.

    class PdfDataset:
        def __init__(self, filepath): self.path = filepath
        def load(self): ...
        def save(self, data): ...          # exists() and digest() are optional

It is made with the entry's own keys: a local `filepath` absolute, `credentials` looked up. Packages may offer
names in the entry point group "tane.datasets". The types of kedro_datasets work when that package is
installed. Types of ours that are no files - tables of databases, services - are such classes too.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tane import errors, fielded
from tane.catalog import places
from tane.catalog.formats import contract
from tane.digest import values

GROUP = "tane.datasets"


@fielded.frozen
class Foreign:
    """A class and what to make it with. `paths` are the dotted paths where it may be, in order.

    A class of `ours` is given the project's folder too, when its `__init__` takes `root`.
    """

    paths: tuple[str, ...]
    options: Mapping[str, Any] = fielded.field(default_factory=dict, repr=False)
    ours: bool = False
    root: Path | None = None

    def find(self) -> type:
        """The class. Raises `contract.EntryProblem` when it is not there, or is no dataset class."""
        missing, lacking = "", None
        for path in self._everywhere():
            module_name, _, name = path.replace(":", ".").rpartition(".")
            try:
                module = importlib.import_module(module_name)
            except ModuleNotFoundError as error:
                if error.name and not (module_name + ".").startswith(error.name + "."):
                    raise contract.EntryProblem(
                        f"its class {path} needs the module {error.name!r}, which is not there",
                        f"install the package that has {error.name!r}",
                    ) from error
                missing = missing or str(error.name)
                continue
            except Exception as error:
                raise contract.EntryProblem(
                    f"the module of its class {path} failed: {type(error).__name__}: {error}",
                    "mend that module",
                ) from error
            kind = getattr(module, name, None)
            if kind is None:
                lacking = lacking or contract.EntryProblem(
                    f"the module {module_name} has no {name}",
                    errors.did_you_mean(name, vars(module), "correct the type to a class of that module"),
                )
                continue
            if not isinstance(kind, type) or not (hasattr(kind, "load") or hasattr(kind, "save")):
                raise contract.EntryProblem(f"{path} is no dataset class", "give the class load() and save(data)")
            return kind
        raise lacking or contract.EntryProblem(
            f"there is no class {self.paths[0]}: no module {missing!r}",
            "correct the type; a class of the project is named by its module's full path",
        )

    def _everywhere(self) -> Iterator[str]:
        """The paths, then what an installed package offers under the name of the first."""
        yield from self.paths
        if not self.ours and self.paths:
            offered = entry_points().get(self.paths[0])
            if offered:
                yield offered

    def make(self) -> Any:
        """A fresh instance."""
        kind = self.find()
        options = places.revealed(self.options)
        if self.ours and self.root is not None:
            import inspect

            if "root" in inspect.signature(kind).parameters:
                options["root"] = self.root
        return contract.call(kind, **options)

    def method(self, name: str) -> Callable[..., Any] | None:
        """The method of a fresh instance, or None when the class has none of that name."""
        if not callable(getattr(self.find(), name, None)):
            return None
        found = getattr(self.make(), name)
        return found if callable(found) else None

    @property
    def code(self) -> str:
        """The class as "module:qualname" when it is code of the project, else empty."""
        kind = self.find()
        return f"{kind.__module__}:{kind.__qualname__}" if values.is_project_module(kind.__module__) else ""


def entry_points() -> dict[str, str]:
    """The names that installed packages offer, with "module:Class"."""
    from importlib import metadata

    return {point.name: point.value for point in metadata.entry_points(group=GROUP)}
