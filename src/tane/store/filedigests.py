"""The stat cache: the digest of a user's file is known without reading it while its signature stays the same.

The planner calls it for sources and for outputs in the workspace. A file is read again whenever its
signature changed, or was taken too soon after its last change to be believed (`signatures.is_racy`). What
it learns is written with the store's next flush.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from tane.store import failures, index, signatures, sources, trees

now_ns = time.time_ns


class Store(Protocol):
    """What is needed of the object store."""

    index: index.Index

    def put_read(self, path: str) -> sources.Read:
        """Store a file and say how it looked."""
        ...

    def put_tree_bytes(self, data: bytes) -> str:
        """Store one encoded tree."""
        ...

    def has(self, digest: str) -> bool:
        """Whether the object is here."""
        ...

    def files(self, digest: str, prefix: str = "") -> Iterator[tuple[str, trees.Entry]]:
        """All files of a tree with their paths below `prefix`."""
        ...


class FileDigests:
    """Digests of the user's files and folders, remembered in the index of `store`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._index = store.index

    def of(self, path: str | os.PathLike[str]) -> str | None:
        """The digest of a file or folder, None when there is none. Only what changed is read."""
        return self._digest(path, sources.digest, lambda digest: True, trees.digest_of)

    def keep(self, path: str | os.PathLike[str]) -> str | None:
        """The same, and the store has the content afterwards. Only what changed or is not stored is read."""
        return self._digest(path, self._store.put_read, self._store.has, self._store.put_tree_bytes)

    def note(self, path: str | os.PathLike[str], digest: str) -> None:
        """Remember the digest of a file or folder that was just written from the store.

        It is believed once its signature has aged; until then one more look reads the file.
        """
        place = os.path.abspath(path)
        if not os.path.isdir(place):
            self._note_one(place, digest)
            return
        for name, entry in self._store.files(digest, f"{place}/"):
            self._note_one(name, entry.digest)

    def _note_one(self, path: str, digest: str) -> None:
        taken_ns = time.time_ns()
        sig = signatures.of(path)
        if sig is not None:
            self._index.note_file(os.fsencode(path), index.FileRow(sig, digest, taken_ns))

    def _digest(
        self,
        path: str | os.PathLike[str],
        read: Callable[[str], sources.Read],
        enough: Callable[[str], bool],
        keep_tree: Callable[[bytes], str],
    ) -> str | None:
        place = os.path.abspath(path)
        try:
            status = os.stat(place)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise failures.of_source(error, place) from error
        if not stat.S_ISDIR(status.st_mode):
            row = self._index.file(os.fsencode(place))
            known = {} if row is None else {os.fsencode(place): row}
            return self._leaf(place, status, known, read, enough)
        known = self._index.files_under(os.fsencode(place))
        return sources.walk(place, lambda leaf, status: self._leaf(leaf, status, known, read, enough), keep_tree)[0]

    def _leaf(
        self,
        path: str,
        status: os.stat_result,
        known: Mapping[bytes, index.FileRow],
        read: Callable[[str], sources.Read],
        enough: Callable[[str], bool],
    ) -> str:
        name = os.fsencode(path)
        row = known.get(name)
        if (
            row is not None
            and row.sig == signatures.of_stat(status)
            and not signatures.is_racy(row.sig, row.taken_ns)
            and enough(row.digest)
        ):
            return row.digest
        found = read(path)
        self._index.note_file(name, index.FileRow(found.sig, found.digest, found.taken_ns))
        return found.digest
