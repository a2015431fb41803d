"""Packs written anew without what nobody needs any more. `versions` has it done when objects were collected.

A pack only grows, so what is thrown away goes on taking room in it. When that is more than half of a pack, what is
needed of it is copied into a new one, and from one instant to the next the index says so. Whoever reads meanwhile looks
again when a pack is gone; nobody can be appending to it, since whoever does holds a lock on it.
"""

from __future__ import annotations

import bisect
import fcntl
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from tane.digest import hashing
from tane.store import failures, index, objects, packs, placing, quarantine, signatures, trees

_OVERHEAD = packs._HEADER.size


class Sparse(NamedTuple):
    """A pack more than half of which is dead: its number, name and bytes, and how many of those are needed."""

    number: int
    name: str
    bytes: int
    needed: int


class Ages:
    """When what lies in packs came there, at the latest. All in nanoseconds."""

    def __init__(self, sealed: Mapping[int, int], appended: Mapping[int, list[tuple[int, int]]]) -> None:
        self._sealed = sealed
        self._appended = appended

    def of(self, pack: int, offset: int) -> int:
        """When what lies at `offset` of a pack came."""
        noted = self._appended.get(pack)
        if not noted:
            return self._sealed.get(pack, 0)
        at = bisect.bisect_right(noted, (offset, 1 << 63))
        return noted[max(0, at - 1)][1]


def ages(rows: index.Index) -> Ages:
    """The ages of all that lies in packs."""
    with rows.lock:
        sealed = {
            pack: max(taken, _changed(rows.root / "packs" / name))
            for pack, name, taken in rows._rows("select id, name, taken_ns from packs")
        }
        appended: dict[int, list[tuple[int, int]]] = {}
        if not rows.knows("appended"):
            return Ages(sealed, appended)
        for pack, offset, at in rows._rows("select pack, offset, at from appended order by pack, offset"):
            appended.setdefault(pack, []).append((offset, at))
    return Ages(sealed, appended)


def _changed(path: Path) -> int:
    sig = signatures.of(path)
    return sig[2] if sig is not None else 0


def sparse(store: objects.Objects, without: Iterable[str] = ()) -> list[Sparse]:
    """The packs more than half of which is dead. What is in the trash is not, but for `without`."""
    gone = set(without)
    rows = store.index
    needed: dict[int, int] = {}
    with rows.lock:
        for pack, length in rows._rows("select pack, length from packed"):
            needed[pack] = needed.get(pack, 0) + length + _OVERHEAD
        trashed = rows._rows("select digest, pack, length from trashed") if rows.knows("trashed") else []
        for digest, pack, length in trashed:
            if digest.hex() not in gone:
                needed[pack] = needed.get(pack, 0) + length + _OVERHEAD
        known = rows._rows("select id, name from packs order by id")
    found = []
    for number, name in known:
        sig = signatures.of(store.root / "packs" / name)
        if sig is not None and 2 * needed.get(number, 0) < sig[0]:
            found.append(Sparse(number, name, sig[0], needed.get(number, 0)))
    return found


def repack(store: objects.Objects) -> int:
    """Write what is needed of sparse packs into new ones; the bytes that this freed. Packs in use are left alone."""
    freed, weight = 0, 0
    group: list[Sparse] = []
    for each in sparse(store):
        if group and weight + each.needed > packs._FULL:
            freed += _repack(store, group)
            group, weight = [], 0
        group.append(each)
        weight += each.needed
    return freed + (_repack(store, group) if group else 0)


def _repack(store: objects.Objects, group: list[Sparse]) -> int:
    held: list[tuple[Sparse, int]] = []
    try:
        for each in group:
            file = _locked(store.root / "packs" / each.name)
            if file is not None:
                held.append((each, file))
        if not held:
            return 0
        before = sum(os.fstat(file).st_size for _, file in held)
        with store._loose.temporary() as fresh:  # in `packs` others would take it for the pack of a killed process
            after = _write_anew(store, held, Path(fresh))
        for each, _ in held:
            placing.remove(store.root / "packs" / each.name)
        return before - after
    finally:
        for _, file in held:
            os.close(file)


def _locked(path: Path) -> int | None:
    """The pack at `path`, opened, so that nobody appends to it; None when somebody may."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise failures.of_store(error, "write", path) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return file


class _Move(NamedTuple):
    """An object on its way from one pack into another, and when it came to the first."""

    digest: bytes
    pack: int
    offset: int
    to: int
    at: int


def _write_anew(store: objects.Objects, held: list[tuple[Sparse, int]], fresh: Path) -> int:
    """Copy what is needed into the file `fresh`, and make that a pack in place of the old ones; its bytes."""
    rows, known = store.index, ages(store.index)
    moves: list[_Move] = []
    end = 0
    with failures.guarding("write", fresh):
        file = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        for each, old in held:
            parts: list[bytes] = []
            for digest, offset, length, kind in _needed(rows, each.number):
                data = os.pread(old, length, offset)
                if trees.kind_of(digest.hex(), hashing.of_bytes(data), data) != kind:
                    quarantine.note(store.root / "quarantine", digest.hex(), data, f"in pack {each.name}")
                    continue
                parts += (packs._HEADER.pack(packs._MARK, kind, digest, length), data)
                end += _OVERHEAD
                moves.append(_Move(digest, each.number, offset, end, known.of(each.number, offset)))
                end += length
            with failures.guarding("write", fresh):
                placing.write_all(file, b"".join(parts))
        with failures.guarding("write", fresh):
            os.fsync(file)  # the old packs may have been safe from a power cut: so must the new one be
            signatures.seal(file)
        _put_in_place(rows, [each for each, _ in held], moves, fresh, file)
    finally:
        os.close(file)
    return end


def _needed(rows: index.Index, number: int) -> list[tuple[bytes, int, int, int]]:
    with rows.lock:
        found: list[tuple[bytes, int, int, int]] = rows._rows(
            "select digest, offset, length, kind from packed where pack = ? "
            "union select digest, offset, length, kind from trashed where pack = ? order by 2",
            (number, number),
        )
    return found


def _put_in_place(rows: index.Index, old: list[Sparse], moves: list[_Move], fresh: Path, file: int) -> None:
    """From one instant to the next the objects lie in the new pack."""
    with rows.durably(), rows.transaction() as connection:
        if moves:
            name = f"{time.time_ns():016x}-{os.urandom(4).hex()}.pack"
            target = rows.root / "packs" / name
            with failures.guarding("write", target):
                os.rename(fresh, target)
                _sync(target.parent)
            number = rows.add_pack(name)
            changes = [(number, move.to, move.digest, move.pack, move.offset) for move in moves]
            for table in ("packed", "trashed"):
                connection.executemany(
                    f"update {table} set pack = ?, offset = ? where digest = ? and pack = ? and offset = ?", changes
                )
            since = -1
            for move in moves:
                if move.at != since:
                    rows.note_appended(number, move.to, move.at)
                    since = move.at
            rows.seal_pack(number, signatures.of_stat(os.fstat(file)), time.time_ns())
        for each in old:
            rows.forget_pack(each.number)


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
