"""The fixture `catalog`: datasets by name, to load and to save without a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tane import errors
from tane.pipeline import nodes
from tane.testing import moving, sheltered


class Shelf:
    """The datasets of a sheltered project. What is saved lies in the test's folder, and is what runs take from then on.

    A name without an entry can be saved too, as in a catalog that is in memory alone.
    """

    def __init__(self, workspace: sheltered.Workspace) -> None:
        self._workspace = workspace

    def load(self, name: str) -> Any:
        """The value of a dataset: what the test saved, what a run made last, or what lies at its real place.

        Raises `errors.CatalogError` when there is none.
        """
        found = self._workspace.catalog.find(name)
        if found is not None and found.kind == "file" and found.local is None:
            return moving.load(found, self._scratch)
        return self._workspace.load(name)

    def save(self, name: str, value: Any) -> None:
        """Put a value under the name. Raises `errors.CatalogError` when its dataset does not take it."""
        saved = self._workspace.project.saved
        before = set(saved)
        saved.add(nodes.base_name(name))
        found = self._workspace.catalog.find(name)
        assert found is not None  # what is saved has a place
        try:
            moving.save(found, value, self._scratch)
        except errors.TaneError:
            saved.intersection_update(before)
            raise

    def exists(self, name: str) -> bool:
        """Whether there is something to load at the dataset's place; a name without an entry has none until saved."""
        found = self._workspace.catalog.find(name)
        return found is not None and found.exists()

    def path(self, name: str) -> Path:
        """The file or folder of a dataset: in the test's folder, or its real place when nobody but its source makes it.

        Raises `errors.CatalogError` for a dataset that is no local file.
        """
        found = self._workspace.catalog.find(name)
        if found is None or found.local is None:
            raise errors.CatalogError(
                f"dataset {name!r} is no local file" if found else f"dataset {name!r} is not in the catalog",
                hint=errors.did_you_mean(name, [other for other in self.names() if other != name], "load its value"),
            )
        return found.local

    def names(self) -> list[str]:
        """The names that have an entry, and those that the test has saved."""
        return list(dict.fromkeys([*self._workspace.catalog.names(), *sorted(self._workspace.project.saved)]))

    @property
    def _scratch(self) -> Path:
        return self._workspace.folder / ".scratch"
