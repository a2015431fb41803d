"""Placing what windows made: files with a path of their own, and partitions in a folder that all windows share.

Done by the one process that leads the backfill, so that windows never write to one place at the same time. What lies
there at the end does not depend on the order in which windows ended: where two made the same partition, the later
window's stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from tane import events, fielded
from tane.catalog import catalogs
from tane.ledger import connection, records
from tane.runs import publishing
from tane.store import filedigests, objects


class Placer:
    """Places outputs of windows in the workspace; holds the right to publish until it is closed."""

    def __init__(
        self,
        lease: publishing.Lease,
        root: Path,
        store: objects.Objects,
        ledger: connection.Ledger,
        tell: Callable[[events.Event], None],
        backfill: str,
    ) -> None:
        self._lease = lease
        self._store = store
        files = filedigests.FileDigests(store)
        self._publisher = publishing.Publisher(root, store, files, ledger, tell, backfill, lambda: None, lease)
        self._owners: dict[Path, tuple[int, str]] = {}  # a partition's path: the window that made it, and its digest
        self.contested = 0

    def place(
        self, at: int, catalog: catalogs.Catalog, outputs: Iterable[tuple[records.Kept, bool]], parts: frozenset[str]
    ) -> None:
        """Place the outputs of window `at`; those in `parts` partition by partition."""
        for kept, fresh in outputs:
            dataset = catalog.find(kept.name)
            if dataset is None or not (kept.file or dataset.kind == "object"):
                continue
            if kept.name not in parts:
                self._publisher.place(dataset, kept, fresh=fresh)
                continue
            assert dataset.local is not None
            for name, entry in self._store.files(kept.file):
                path = dataset.local / name
                if self._is_its(path, at, entry.digest):
                    part = fielded.replace(dataset, local=path, place=f"{dataset.place}/{name}")
                    self._publisher.place(part, records.Kept(kept.name, entry.digest, file=entry.digest), fresh=fresh)

    def close(self) -> None:
        """Let others publish."""
        self._lease.release()

    def _is_its(self, path: Path, at: int, digest: str) -> bool:
        """Whether a partition is this window's to place: no later one made it too."""
        owner = self._owners.get(path)
        if owner is not None and owner[0] != at:
            self.contested += owner[1] != digest
            if owner[0] > at:
                return False
        self._owners[path] = (at, digest)
        return True
