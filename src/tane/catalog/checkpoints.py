"""Checkpoints: up to which partition an incremental dataset has been worked off. Called by `partitions`.

A checkpoint is a small text beside the data that holds the last partition's id. It is replaced as a whole.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tane import fielded
from tane.catalog import remotes
from tane.catalog.formats import contract
from tane.store import placing

NAME = "CHECKPOINT"


@fielded.frozen
class Checkpoint:
    """Where the last id is written (`local` or `remote`), or which one is to be taken whatever is written there.

    `inside` is its name in the folder of partitions, where it lies in it. `comparison` is the dotted path of a function
    that says of an id and the checkpoint whether the id is newer; empty for the order of texts.
    """

    place: str
    local: Path | None = None
    remote: remotes.Remote | None = fielded.field(default=None, repr=False)
    inside: str = ""
    forced: str | None = None
    comparison: str = ""

    def newer(self, ids: Iterable[str]) -> list[str]:
        """Those of `ids` that come after the checkpoint, sorted; all of them when there is none yet."""
        last = self.read()
        if last is None:
            return sorted(ids)
        if not self.comparison:
            return sorted(each for each in ids if each > last)
        compare = self._function()
        try:
            return sorted(each for each in ids if compare(each, last))
        except Exception as error:
            raise contract.Problem(
                f"the comparison {self.comparison} failed: {type(error).__name__}: {error}",
                f"it is called with a partition's id and the checkpoint, which is {last!r}",
            ) from error

    def read(self) -> str | None:
        """The id it stands at; None when nothing has been worked off."""
        if self.forced is not None:
            return self.forced
        if self.remote is not None:
            text = self.remote.read_text()
        else:
            assert self.local is not None
            try:
                text = self.local.read_text(encoding="utf-8")
            except FileNotFoundError:
                text = None
        return text.strip("\r\n") if text and text.strip() else None

    def move(self, last: str) -> None:
        """Set it to `last`, whole or not at all."""
        if self.remote is not None:
            self.remote.write_text(last)
        else:
            assert self.local is not None
            placing.file(self.local, lambda opened: placing.write_all(opened, last.encode("utf-8")))

    def _function(self) -> Callable[[str, str], Any]:
        module, _, name = self.comparison.replace(":", ".").rpartition(".")
        try:
            found = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise contract.EntryProblem(
                f"there is no function {self.comparison} to compare with the checkpoint: {error}",
                "give comparison_func the dotted path of a function: my_package.dates.is_newer",
            ) from error
        if not callable(found):
            raise contract.EntryProblem(f"{self.comparison} is no function", "name one of an id and a checkpoint")
        return found  # type: ignore[no-any-return]
