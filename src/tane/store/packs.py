"""Small objects, many to a file. `objects` calls it.

A pack only grows. Each object in it is preceded by a header with its digest, so that the index can be made
again from the packs alone. A process appends only to a pack that it holds a lock on, and rows enter the
index after the bytes, in one transaction: what a process that is killed leaves behind the end that the index
knows is found later, taken in where it is whole and else cut off. Until `flush`, new objects are in memory and
readable by this process alone.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

from tane.digest import hashing
from tane.store import failures, index, placing, quarantine, signatures, trees

State = Literal["ok", "missing", "corrupt"]
Pending = tuple[int, bytes]  # kind and content of an object on its way into a pack

_HEADER = struct.Struct(">4sB32sQ")  # mark, kind, digest, length
_MARK = b"tane"
_FULL = 256 * 1024 * 1024  # a pack of this size is not continued
_SPILL = 8 * 1024 * 1024  # so much may wait in memory
_SPILL_COUNT = 50_000
_GROWING = 60 * 1_000_000_000  # a pack changed within this time may have a writer at work
_OPEN_FILES = 32
_LOOK = 1024 * 1024  # so much is looked through at once for the next header


class Handed(NamedTuple):
    """An object on its way from one process to another."""

    digest: str
    kind: int
    data: bytes


class _Writer(NamedTuple):
    """The pack this process may append to."""

    pid: int
    generation: int
    file: int
    path: str
    number: int


class Packs:
    """The packs of one store."""

    def __init__(self, root: Path, rows: index.Index) -> None:
        self._folder = root / "packs"
        self._quarantine = root / "quarantine"
        self._index = rows
        self._pending: dict[str, Pending] = {}
        self._waiting = 0
        self._writer: _Writer | None = None
        self._files: dict[tuple[int, int], int] = {}  # (generation, pack) -> open file, for reading
        self._verified: dict[str, signatures.Signature] = {}  # object -> its growing pack when it was read
        rows.rebuild = self._rebuild

    # -- writing -------------------------------------------------------------------------------------------

    def put(self, digest: str, kind: int, data: bytes) -> None:
        """Take in an object; it is written with the next `flush`, which comes by itself when many wait."""
        with self._index.lock:
            self._index.check_open()
            if digest in self._pending:
                return
            self._pending[digest] = (kind, data)
            self._waiting += len(data)
            if self._waiting > _SPILL or len(self._pending) > _SPILL_COUNT:
                self.flush()

    def hand_over(self, most: int) -> tuple[Handed, ...]:
        """Take out what waits, for another process to put; more than `most` bytes are written here instead."""
        with self._index.lock:
            if self._waiting > most:
                self.flush()
                return ()
            handed = tuple([Handed(digest, kind, data) for digest, (kind, data) in self._pending.items()])
            self._pending.clear()
            self._waiting = 0
            return handed

    def pending(self, digest: str) -> Pending | None:
        """An object that is not written yet."""
        return self._pending.get(digest)

    def flush(self) -> None:
        """Write what waits and is not stored already. When that fails, it goes on waiting."""
        with self._index.lock:
            waiting = dict(self._pending)
            if not waiting:
                return
            self.states(self._index.locate_many(waiting))  # what is damaged is forgotten, and so written again
            try:
                with self._index.transaction():
                    known = self._known(waiting)
                    self._append([(digest, item) for digest, item in waiting.items() if digest not in known])
            except BaseException:
                self._let_go()  # its number may have been rolled back
                raise
            for digest, item in waiting.items():
                if self._pending.pop(digest, None) is not None:
                    self._waiting -= len(item[1])

    def _known(self, digests: Iterable[str]) -> set[str]:
        """Those of `digests` whose bytes are in a pack that is still there."""
        found = self._index.locate_many(digests)
        lost = {number for number in {row.pack for row in found.values()} if not self._is_there(number)}
        return {digest for digest, row in found.items() if row.pack not in lost}

    def _is_there(self, number: int) -> bool:
        pack = self._index.pack(number)
        there = pack is not None and self._path(pack).exists()
        if pack is not None and not there:
            self._index.forget_pack(number)
        return there

    def _append(self, fresh: list[tuple[str, Pending]]) -> None:
        """Write objects behind each other, then say where. Runs inside a transaction."""
        if not fresh:
            return
        writer = self._open_writer()
        start = at = os.fstat(writer.file).st_size
        parts: list[bytes] = []
        rows: list[index.PackedRow] = []
        for digest, (kind, data) in fresh:
            raw, length = bytes.fromhex(digest), len(data)
            parts += (_HEADER.pack(_MARK, kind, raw, length), data)
            at += _HEADER.size
            rows.append((raw, writer.number, at, length, kind))
            at += length
        try:
            placing.write_all(writer.file, b"".join(parts))
            signatures.seal(writer.file)
            sig = signatures.of_stat(os.fstat(writer.file))
            if sig[0] != at:
                raise OSError(errno.EIO, "another process writes to it")
        except OSError as error:
            self._cut(writer, start)
            raise failures.of_store(error, "write", writer.path) from error
        taken_ns = time.time_ns()
        self._index.add_packed(rows)
        self._index.note_appended(writer.number, start, taken_ns)
        self._index.seal_pack(writer.number, sig, taken_ns)

    def _cut(self, writer: _Writer, size: int) -> None:
        """Take back a half-written batch; if even that fails, bytes that nobody refers to remain."""
        try:
            os.ftruncate(writer.file, size)
            if size == 0:
                os.unlink(writer.path)
        except OSError:
            pass

    def _open_writer(self) -> _Writer:
        writer = self._writer
        if writer is not None:
            mine = (writer.pid, writer.generation) == (os.getpid(), self._index.generation)
            sig = signatures.of_stat(os.fstat(writer.file))
            if mine and sig[0] < _FULL and sig == signatures.of(writer.path):
                return writer
            self._let_go()
        self._writer = self._continue_one() or self._begin()
        return self._writer

    def _continue_one(self) -> _Writer | None:
        """A pack with room that nobody writes to, which is as it was when it was last known to be whole."""
        for pack in self._index.small_packs(_FULL):
            path = self._path(pack)
            try:
                file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
            except OSError:
                continue
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if signatures.is_unchanged(signatures.of_stat(os.fstat(file)), pack.sig, pack.taken_ns):
                    return _Writer(os.getpid(), self._index.generation, file, str(path), pack.id)
            except OSError:
                pass
            os.close(file)
        return None

    def _begin(self) -> _Writer:
        name = f"{time.time_ns():016x}-{os.urandom(4).hex()}.pack"
        path = self._folder / name
        with failures.guarding("write", path):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._adopt()
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            file = os.open(path, flags, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # a file system without locks: nobody can continue the pack there, nor need they
            pass
        return _Writer(os.getpid(), self._index.generation, file, str(path), self._index.add_pack(name))

    def _adopt(self) -> None:
        """Tell the index of packs that it has never heard of: whoever made them was killed before he could. Runs inside
        a transaction, as the making of a pack does.
        """
        known = self._index.pack_names()
        for path in self._folder.glob("*.pack"):
            if path.name not in known:
                with path.open("rb") as file:
                    number = self._index.add_pack(path.name)
                    self._index.add_packed(_scan(file.fileno(), number))

    def _let_go(self) -> None:
        if self._writer is not None:
            os.close(self._writer.file)
            self._writer = None

    # -- reading -------------------------------------------------------------------------------------------

    def read(self, row: index.Packed) -> bytes | None:
        """The bytes at a place, unverified; None when the pack is gone or shorter."""
        with self._index.lock:
            file = self._open(row.pack)
            if file is None:
                return None
            with failures.guarding("read", self._folder):
                data = os.pread(file, row.length, row.offset)
        return data if len(data) == row.length else None

    def states(self, rows: Mapping[str, index.Packed]) -> dict[str, State]:
        """How the objects at these places are; damaged ones are set aside."""
        found: dict[str, State] = {}
        by_pack: dict[int, list[str]] = {}
        for digest, row in rows.items():
            by_pack.setdefault(row.pack, []).append(digest)
        with self._index.lock:
            for number, digests in by_pack.items():
                found.update(self._states_in(number, {digest: rows[digest] for digest in digests}))
        return found

    def _states_in(self, number: int, rows: Mapping[str, index.Packed]) -> dict[str, State]:
        pack = self._index.pack(number)
        sig = signatures.of(self._path(pack)) if pack else None
        if pack is None or sig is None:
            if pack is not None and not self._index.read_only:
                self._index.drop_pack(number)
            return dict.fromkeys(rows, "missing")
        if signatures.is_unchanged(sig, pack.sig, pack.taken_ns):
            return dict.fromkeys(rows, "ok")
        doubtful = {digest: row for digest, row in rows.items() if self._verified.get(digest) != sig}
        states: dict[str, State] = dict.fromkeys(rows, "ok")
        if doubtful:
            growing = sig[0] > pack.sig[0] and time.time_ns() - sig[2] < _GROWING
            whole = not growing and not self._index.read_only
            damaged = self._verify_all(pack) if whole else self._verify(pack, doubtful, sig)
            states.update((digest, "corrupt") for digest in rows if digest in damaged)
        return states

    def _verify_all(self, pack: index.Pack) -> set[str]:
        """Read a pack that is not as it was; what is whole in it is believed from now on."""
        path = self._path(pack)
        signatures.seal(str(path))
        taken_ns = time.time_ns()
        sig = signatures.of(path)
        damaged = self._verify(pack, dict(self._index.objects_in(pack.id)), sig)
        if sig is not None and sig[0] > pack.sig[0] > 0:
            self._mend_end(pack, sig)
        elif sig is not None:
            self._index.reseal(pack, sig, taken_ns)
        return damaged

    def _mend_end(self, pack: index.Pack, sig: signatures.Signature) -> None:
        """Have a verified pack that looks like `sig` end where the index says.

        What lies behind that was written by a process that was killed before it could tell the index: whole objects are
        told now, the rest is cut off. Does nothing while a process has the pack open for writing.
        """
        with suppress(OSError), self._index.transaction():
            file = os.open(self._path(pack), os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._index.pack(pack.id) == pack and signatures.of_stat(os.fstat(file)) == sig:
                    end = pack.sig[0]
                    rows = [row for row in _scan(file, pack.id, end) if _is_whole(file, row)]
                    os.ftruncate(file, max((row[2] + row[3] for row in rows), default=end))
                    signatures.seal(file)
                    self._index.add_packed(rows)
                    self._index.seal_pack(pack.id, signatures.of_stat(os.fstat(file)), time.time_ns())
            finally:
                os.close(file)

    def _verify(self, pack: index.Pack, rows: Mapping[str, index.Packed], sig: signatures.Signature | None) -> set[str]:
        """Which of these objects are not what their digests say."""
        damaged: dict[str, bytes] = {}
        for digest, row in rows.items():
            data = self.read(row)
            if data is not None and trees.kind_of(digest, hashing.of_bytes(data), data) == row.kind:
                if sig is not None and sig[1] == signatures.SEALED_NS:
                    self._verified[digest] = sig
            else:
                damaged[digest] = data or b""
        if damaged and self._index.pack(pack.id) is None:  # it was written anew meanwhile, and is to be looked up again
            return set()
        if damaged and not self._index.read_only:
            for digest, data in damaged.items():
                quarantine.note(self._quarantine, digest, data, f"in pack {pack.name}")
            self._index.drop_packed(pack, damaged)
        return set(damaged)

    def file_of(self, row: index.Packed) -> str | None:
        """The path of the pack that holds an object."""
        pack = self._index.pack(row.pack)
        return str(self._path(pack)) if pack else None

    def _path(self, pack: index.Pack) -> Path:
        return self._folder / pack.name

    def _open(self, number: int) -> int | None:
        key = (self._index.generation, number)
        file = self._files.get(key)
        if file is not None:
            return file
        pack = self._index.pack(number)
        if pack is None:
            return None
        if len(self._files) >= _OPEN_FILES:
            self._close_files()
        try:
            file = os.open(self._path(pack), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise failures.of_store(error, "read", self._path(pack)) from error
        self._files[key] = file
        return file

    def _close_files(self) -> None:
        for file in self._files.values():
            os.close(file)
        self._files.clear()

    def close(self) -> None:
        """Write what waits and let go of all files, the failure of that writing notwithstanding."""
        with self._index.lock:
            try:
                self.flush()
            finally:
                self._let_go()
                self._close_files()

    # -- the index made again ------------------------------------------------------------------------------

    def _rebuild(self, rows: index.Index) -> None:
        """Fill a new index with what the packs hold. Bytes are verified when they are asked for."""
        try:
            paths = sorted(self._folder.glob("*.pack"))
        except FileNotFoundError:
            return
        for path in paths:
            with failures.guarding("read", path), path.open("rb") as file:
                number = rows.add_pack(path.name)
                rows.add_packed(_scan(file.fileno(), number))


def _scan(file: int, number: int, at: int = 0) -> list[index.PackedRow]:
    """The objects of a pack from `at` on, by their headers. Where it is broken, the next whole one is looked for."""
    found: list[index.PackedRow] = []
    size = os.fstat(file).st_size
    while at + _HEADER.size <= size:
        mark, kind, digest, length = _HEADER.unpack(os.pread(file, _HEADER.size, at))
        start = at + _HEADER.size
        end = start + length
        row = (digest, number, start, length, kind)
        there = mark == _MARK and end <= size
        if there and (end == size or os.pread(file, len(_MARK), end) == _MARK or _is_whole(file, row)):
            found.append(row)
            at = end
        else:
            at = _next_mark(file, at + 1, size)
    return found


def _is_whole(file: int, row: index.PackedRow) -> bool:
    """Whether the object at a place is what its digest says."""
    digest, _, start, length, kind = row
    data = os.pread(file, length, start)
    return trees.kind_of(digest.hex(), hashing.of_bytes(data), data) == kind


def _next_mark(file: int, at: int, size: int) -> int:
    """Where what may be a header stands next; the end of the pack when there is none."""
    while at < size:
        block = os.pread(file, _LOOK, at)
        place = block.find(_MARK)
        if place >= 0:
            return at + place
        at += max(1, len(block) - len(_MARK) + 1)
    return size
