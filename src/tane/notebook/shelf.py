"""`catalog` as a notebook has it: datasets to load, save and look at by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tane import errors
from tane.catalog import datasets
from tane.pipeline.drawing import wording
from tane.runs import pages
from tane.tuning import workspaces


class Catalog:
    """The datasets of a project. Iterating gives their names; so does completion after `catalog["`."""

    def __init__(self, workspace: workspaces.Workspace) -> None:
        self._workspace = workspace

    def load(self, name: str) -> Any:
        """The value of a dataset: from its place, else the last one that a run has kept.

        Raises `errors.CatalogError` when there is neither.
        """
        return self._workspace.load(name)

    __getitem__ = load

    def save(self, name: str, value: Any) -> None:
        """Write a value to the place of a dataset. Raises `errors.CatalogError` where the catalog has no such name."""
        found = self._workspace.catalog.find(name)
        if found is None:
            hint = errors.did_you_mean(name, self, "add an entry for it to conf/base/catalog.yml, then %reload")
            raise errors.CatalogError(f"dataset {name!r} is not in the catalog", hint=hint)
        found.save(value)

    def entry(self, name: str) -> datasets.Dataset:
        """What the catalog says of a dataset. Raises `errors.CatalogError` when there is none of the name."""
        self._workspace.catalog.check_names([name])
        found = self._workspace.catalog.entry(name)
        assert found is not None
        return found

    def names(self) -> list[str]:
        """The names of its entries, in the order of the files."""
        return self._workspace.catalog.names()

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._workspace.catalog.find(name) is not None

    def _ipython_key_completions_(self) -> list[str]:
        return self.names()

    def __repr__(self) -> str:
        return f"Catalog({', '.join(self.names())})"

    def _repr_html_(self) -> str:
        rows = []
        for name in self.names():
            entry = self.entry(name)
            there = _is_there(entry)
            cells = (f"<b>{wording.xml(name)}</b>", wording.xml(entry.type), wording.xml(entry.place), there)
            rows.append(cells)
        patterns = self._workspace.catalog.patterns()
        rows += [(f"<i>{wording.xml(name)}</i>", "a pattern", "", "") for name in patterns]
        return pages.table(("dataset", "type", "place", ""), rows)


def _is_there(entry: datasets.Dataset) -> str:
    """Whether a local file is there; nothing is said of what would have to be asked over a network."""
    if entry.kind != "file" or entry.local is None:
        return ""
    return "there" if entry.local.exists() else "missing"
