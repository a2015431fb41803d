"""The pictures that belong to a run, for whoever shows it: figures it logged, and images its nodes made.

Called by `results.Run` when a notebook shows one. Ledger and store are opened then: the run has closed them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tane import errors
from tane.ledger import connection, read
from tane.store import objects

_MEDIA = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}
_PAGE = "text/html"
_MOST = 24
_LARGEST = 8_000_000  # bytes; a page of Plotly with its library in it has about five million


class Figure(NamedTuple):
    """A picture, or a page that draws one: its bytes, or none where they are too many."""

    name: str
    media: str
    data: bytes


def media(name: str, kind: str = "") -> str:
    """The media type of what can be shown; empty for another file. Only a page that was logged as a figure is one."""
    suffix = Path(name).suffix.lower()
    return _PAGE if suffix in (".html", ".htm") and kind == "figure" else _MEDIA.get(suffix, "")


class Recorded:
    """Those of a recorded run. `made` are objects of images that its nodes made, by the name of the file."""

    def __init__(self, ledger: Path, store: Path, run: str, made: Mapping[str, str]) -> None:
        self._ledger = ledger
        self._store = store
        self._run = run
        self._made = dict(made)

    def __call__(self) -> Sequence[Figure]:
        """The pictures, as far as they can be read."""
        try:
            ledger = connection.open_ledger(self._ledger, create=False)
            try:
                logged = {
                    artifact.path: (artifact.file, kind)
                    for artifact in read.artifacts(ledger, self._run)
                    if (kind := media(artifact.path, artifact.kind))
                }
            finally:
                ledger.close()
            made = {name: (digest, media(name)) for name, digest in self._made.items() if media(name)}
            with objects.Objects(self._store, read_only=True) as store:
                every = {**logged, **made}
                return [_read(store, name, *each) for name, each in list(every.items())[:_MOST]]
        except errors.TaneError:  # a result is shown without its pictures rather than not at all
            return ()


def in_memory(files: Mapping[str, bytes]) -> Sequence[Figure]:
    """Those among the files that a run in memory was given."""
    return [
        Figure(name, kind, data if len(data) <= _LARGEST else b"")
        for name, data in files.items()
        if (kind := media(name, "figure"))
    ][:_MOST]


def _read(store: objects.Objects, name: str, digest: str, kind: str) -> Figure:
    small = not store.is_tree(digest) and store.size(digest) <= _LARGEST
    return Figure(name, kind, store.read(digest) if small else b"")
