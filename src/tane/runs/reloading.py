"""Values that are too large to be kept and are read anew by each step that takes them: chunks of a table or a query."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tane.catalog import datasets


class Reloaded(Iterator[Any]):
    """The chunks of a dataset, read when they are asked for. A copy of it starts at the first chunk."""

    def __init__(self, dataset: datasets.Dataset) -> None:
        self._dataset = dataset
        self._chunks: Iterator[Any] | None = None

    def __next__(self) -> Any:
        if self._chunks is None:
            self._chunks = iter(self._dataset.load())
        return next(self._chunks)

    def __reduce__(self) -> tuple[type[Reloaded], tuple[datasets.Dataset]]:
        return Reloaded, (self._dataset,)
