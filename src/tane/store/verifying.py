"""Reads objects and compares them with their digests, whatever is remembered of them. `versions` calls it.

Several threads read, in large pieces. What turns out damaged is looked at once more before it is set aside: it may have
been replaced meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from tane import errors
from tane.digest import hashing
from tane.store import health, index, objects, quarantine, trash, trees

_THREADS = min(4, os.cpu_count() or 1)
_PIECE = 8 * 1024 * 1024  # so much of a pack is read at once
_GAP = 256 * 1024  # so much between two objects is rather read than skipped
_TRIES = 3

Progress = Callable[[int], None]  # told how many bytes were read


class Verified(NamedTuple):
    """How many objects and bytes were read, and which objects are damaged or not there."""

    objects: int
    bytes: int
    damaged: tuple[str, ...]
    missing: tuple[str, ...]


def verify(
    store: objects.Objects, wanted: Iterable[str] | None = None, progress: Progress = lambda read: None
) -> Verified:
    """Read the objects `wanted`, or all there are. Damaged ones are set aside where the store can be written."""
    asked = set() if wanted is None else set(wanted)
    trash.bring_back(store.index, asked)
    held = health.held(store)
    missing = sorted(asked - held.keys())
    asked = set(held) if wanted is None else asked & held.keys()
    doubtful = asked
    for _ in range(_TRIES):  # what is moved while it is read is read again
        doubtful = set(_unlike(store, doubtful, progress)) if doubtful else doubtful
    damaged = []
    for digest in sorted(doubtful):
        state = _settle(store, digest)
        if state == "corrupt":
            damaged.append(digest)
        elif state == "missing":
            missing.append(digest)
    return Verified(len(asked), sum(held.get(digest, 0) for digest in asked), tuple(damaged), tuple(sorted(missing)))


def _unlike(store: objects.Objects, digests: Iterable[str], progress: Progress) -> Iterator[str]:
    """Those of the objects whose bytes are not what their digests say, or could not be read."""
    wanted = sorted(digests)
    by_pack: dict[int, list[tuple[str, index.Packed]]] = {}
    packed = store.index.locate_many(wanted)
    for digest, row in packed.items():
        by_pack.setdefault(row.pack, []).append((digest, row))
    large = [digest for digest in wanted if digest not in packed]
    large.sort(key=lambda digest: -_bytes(store, digest))  # the largest first, so that none is waited for in the end
    with ThreadPoolExecutor(_THREADS, "tane-verify") as pool:
        jobs = [pool.submit(_unlike_file, store, digest, progress) for digest in large]
        for rows in by_pack.values():
            path = store._packs.file_of(rows[0][1])
            rows.sort(key=lambda item: item[1].offset)
            jobs += [pool.submit(_unlike_piece, path, piece, progress) for piece in _pieces(rows)]
        for job in jobs:
            yield from job.result()


def _bytes(store: objects.Objects, digest: str) -> int:
    try:
        return os.stat(store._loose.path(digest)).st_size
    except OSError:
        return 0


def _unlike_file(store: objects.Objects, digest: str, progress: Progress) -> list[str]:
    path = store._loose.path(digest)
    try:
        with open(path, "rb") as file:
            head = file.read(len(trees.MAGIC))
            size = os.fstat(file.fileno()).st_size
        content = hashing.of_file(path)
    except OSError:
        return [digest]
    progress(size)
    return [] if trees.kind_of(digest, content, head) is not None else [digest]


def _pieces(rows: Sequence[tuple[str, index.Packed]]) -> Iterator[list[tuple[str, index.Packed]]]:
    """Objects of one pack that lie close together, no more at a time than are read at once."""
    piece: list[tuple[str, index.Packed]] = []
    for item in rows:
        if piece:
            first, last = piece[0][1], piece[-1][1]
            far = item[1].offset - (last.offset + last.length) > _GAP
            if far or item[1].offset + item[1].length - first.offset > _PIECE:
                yield piece
                piece = []
        piece.append(item)
    if piece:
        yield piece


def _unlike_piece(path: str | None, rows: Sequence[tuple[str, index.Packed]], progress: Progress) -> list[str]:
    start = rows[0][1].offset
    length = rows[-1][1].offset + rows[-1][1].length - start
    try:
        if path is None:
            return [digest for digest, _ in rows]
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            data = memoryview(os.pread(file, length, start))
        finally:
            os.close(file)
    except OSError:
        return [digest for digest, _ in rows]
    progress(length)
    return [digest for digest, row in rows if not _is_whole(digest, row, data[row.offset - start :][: row.length])]


def _is_whole(digest: str, row: index.Packed, data: memoryview) -> bool:
    if len(data) != row.length:
        return False
    return trees.kind_of(digest, hashing.of_bytes(data), bytes(data[: len(trees.MAGIC)])) == row.kind


def _settle(store: objects.Objects, digest: str) -> str:
    """What an object is that looked damaged; one that is, is set aside."""
    rows = store.index
    place = rows.locate(digest)
    if place is None:
        rows.forget_seen(digest)
        return store._loose.state(digest)
    data = store._packs.read(place) or b""
    if _is_whole(digest, place, memoryview(data)):
        return "ok"
    pack = rows.pack(place.pack)
    if pack is None or rows.locate(digest) != place:  # moved just now
        return store.check(digest)
    if not rows.read_only:
        quarantine.note(store.root / "quarantine", digest, data, f"in pack {pack.name}")
        rows.drop_packed(pack, [digest])
    return "corrupt"


def named_by(store: objects.Objects, roots: Iterable[str], wanted: Iterable[str]) -> Mapping[str, set[str]]:
    """Which of `roots` are, or name by way of folders, each of the objects `wanted`."""
    asked = set(wanted)
    found: dict[str, set[str]] = {digest: set() for digest in asked}
    for root in roots:
        seen: set[str] = set()
        waiting = [root]
        while waiting:
            digest = waiting.pop()
            if digest in seen:
                continue
            seen.add(digest)
            if digest in asked:
                found[digest].add(root)
            try:
                if store.is_tree(digest):
                    waiting += [entry.digest for entry in store.entries(digest)]
            except errors.StoreError:
                continue
    return found
