"""The rows and columns of what runs have kept, each object looked at once. `comparing` asks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from tane import errors
from tane.catalog import shapes
from tane.ledger import records
from tane.store import objects

Shape = shapes.Shape
_LARGEST = 512 * 1024 * 1024  # bytes; what is larger is verified for too long to be looked at in passing


class Shapes:
    """The shapes of objects in `store`."""

    def __init__(self, store: objects.Objects) -> None:
        self._store = store
        self._known: dict[tuple[str, str], Shape | None] = {}

    def of(self, kept: records.Kept, run: records.RunRecord) -> Shape | None:
        """The shape of what `run` kept; None where it is not known cheaply."""
        suffix = _suffix(kept.name, run) if kept.file else ""
        key = (kept.file, suffix) if kept.file else (kept.value, kept.codec)
        if not key[0] or kept.bytes > _LARGEST:
            return None
        if key not in self._known:
            self._known[key] = self._look(kept, suffix)
        return self._known[key]

    def _look(self, kept: records.Kept, suffix: str) -> Shape | None:
        try:
            for digest in (kept.file, kept.value):
                if not digest or self._store.is_tree(digest):
                    continue
                data = self._store.map(digest)
                found = shapes.of_file(suffix, data) if digest == kept.file else shapes.of_value(kept.codec, data)
                if found is not None:
                    return found
        except errors.StoreError:  # collected, or damaged: the next run will see to it
            return None
        return None


def _suffix(name: str, run: records.RunRecord) -> str:
    """How the name of a dataset's file ends, as the catalog had it when the run began."""
    entry = (run.config.get("catalog") or {}).get(name.partition("@")[0])
    place = entry.get("filepath") if isinstance(entry, Mapping) else None
    return PurePosixPath(place).suffix.lower() if isinstance(place, str) else ""
