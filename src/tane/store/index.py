"""The store's index, `objects/index.db`: what lies where in which pack, and which signatures were verified.

`packs`, `loose` and `filedigests` call it. It promises: nothing is created before the first transaction;
each transaction is one short BEGIN IMMEDIATE, so that many processes may write; a row is there only after
the bytes it speaks of. It holds nothing that could not be found again: packs name their objects themselves,
signatures are verified anew. Signatures to remember are buffered until `flush`.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tane import errors
from tane.store import failures, signatures

_VERSION = 2
_SCHEMA = """
create table packs (id integer primary key autoincrement, name text not null unique, size integer not null,
    mtime_ns integer not null, ctime_ns integer not null, inode integer not null, taken_ns integer not null);
create table packed (digest blob primary key, pack integer not null, offset integer not null,
    length integer not null, kind integer not null) without rowid;
create table seen (digest blob primary key, kind integer not null, size integer not null,
    mtime_ns integer not null, ctime_ns integer not null, inode integer not null,
    taken_ns integer not null) without rowid;
create table files (path blob primary key, size integer not null, mtime_ns integer not null,
    ctime_ns integer not null, inode integer not null, digest blob not null,
    taken_ns integer not null) without rowid;
"""
# When what lies in packs came there: what `appended` says of an offset holds for all behind it. And objects that were
# thrown away: their bytes stay where they are until the trash is emptied (see `trash`).
_SINCE_2 = """
create table appended (pack integer not null, offset integer not null, at integer not null,
    primary key (pack, offset)) without rowid;
create table trashed (digest blob primary key, pack integer not null, offset integer not null,
    length integer not null, kind integer not null, at integer not null) without rowid;
"""
_BATCH = 900  # SQLite's oldest limit on parameters is 999
_WAIT = 30.0
_living: weakref.WeakSet[Index] = weakref.WeakSet()
_abandoned: list[sqlite3.Connection] = []  # of a parent process: closing one here could disturb the parent


class Packed(NamedTuple):
    """Where an object lies in a pack."""

    pack: int
    offset: int
    length: int
    kind: int


PackedRow = tuple[bytes, int, int, int, int]  # a digest and its place, as the table holds them


class Pack(NamedTuple):
    """A pack, and how it looked when it was last known to be whole."""

    id: int
    name: str
    sig: signatures.Signature
    taken_ns: int


class Seen(NamedTuple):
    """A loose object, and how its file looked when it was last verified."""

    kind: int
    sig: signatures.Signature
    taken_ns: int


class FileRow(NamedTuple):
    """A file of the user's, how it looked when it was last read, and the digest it had."""

    sig: signatures.Signature
    digest: str
    taken_ns: int


class Index:
    """The index of one store. Threads share it by its lock; each process has its own connection."""

    def __init__(self, root: Path, *, read_only: bool = False) -> None:
        self.root = root
        self.path = root / "index.db"
        self.lock = threading.RLock()
        self.read_only = read_only
        self.rebuild: Callable[[Index], None] | None = None  # told once, when a new index is made
        self._connection: sqlite3.Connection | None = None
        self.generation = 0  # numbers of packs mean something within one generation only
        self.losses = 0  # how often the place went away
        self.closed = False
        self._inode = 0
        self._use = _Use(root / "users.lock")
        self._seen: dict[str, Seen] = {}
        self._files: dict[bytes, FileRow] = {}
        _living.add(self)

    # -- connection ----------------------------------------------------------------------------------------

    def _reader(self) -> sqlite3.Connection | None:
        """The connection, or None when there is nothing to index yet."""
        if self._connection is None:
            self.check_open()
            lost = not self.read_only and (self.root / "packs").is_dir()
            if self.path.exists() or lost:
                self._connect()
        return self._connection

    def _connect(self) -> sqlite3.Connection | None:
        if not os.access(self.root, os.W_OK):
            self.read_only = True
        with _translated(self.path):
            if self.read_only:
                found = _open_read_only(self.path)
                return None if found is None else self._settle(found)
            self._use.begin()
            return self._settle(_open_writable(self.path, self._create))

    def _settle(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        self._connection = connection
        self.generation += 1
        self._inode = os.stat(self.path).st_ino
        return connection

    def _create(self, connection: sqlite3.Connection) -> None:
        """Make the tables inside an open transaction, and find again what packs hold."""
        for statement in _SCHEMA.split(";")[:-1]:
            connection.execute(statement)
        _bring_up(connection)
        if self.rebuild is not None:
            self._connection = connection
            try:
                self.rebuild(self)
            finally:
                self._connection = None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One short write transaction; rolled back when the body raises."""
        with self.lock:
            if self.read_only:
                raise failures.read_only(self.root)
            if self._connection is None:
                self.check_open()
                with failures.guarding("make", self.root):
                    self.root.mkdir(parents=True, exist_ok=True)
            connection = self._connection or self._connect()
            if self.read_only or connection is None:
                raise failures.read_only(self.root)
            self._check_place()
            with _translated(self.path):
                connection.execute("begin immediate")
                try:
                    yield connection
                    connection.execute("commit")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("rollback")
                    raise

    @contextmanager
    def unshared(self) -> Iterator[bool]:
        """Whether nobody else has the store open to write, as far as that can be told."""
        with self.lock:
            self._reader()
            alone = self._use.alone()
        try:
            yield alone
        finally:
            self._use.begin()

    @contextmanager
    def durably(self) -> Iterator[None]:
        """Transactions inside survive a power cut as well."""
        with self.lock:
            connection = self._reader()
            if connection is not None:
                connection.execute("pragma synchronous = full")
            try:
                yield
            finally:
                if connection is not None and connection is self._connection:
                    connection.execute("pragma synchronous = normal")

    def _check_place(self) -> None:
        """A deleted database goes on working, for nobody: notice it."""
        try:
            if os.stat(self.path).st_ino == self._inode:
                return
            error = FileNotFoundError(2, "it was replaced while in use")
        except FileNotFoundError as gone:
            error = gone
        self.give_up()
        raise failures.of_store(error, "write", self.path) from None

    def give_up(self) -> None:
        """The place is gone: say so once, then start anew."""
        with self.lock:
            self.losses += 1
            self._seen.clear()
            lost, self._connection = self._connection, None
            if lost is not None:
                lost.close()

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        connection = self._reader()
        if connection is None:
            return []
        with _translated(self.path):
            return connection.execute(sql, values).fetchall()

    def close(self) -> None:
        """Write what is buffered and let go of the database, for good."""
        with self.lock:
            try:
                if not self.closed:
                    self.flush()
            finally:
                self.closed = True
                if self._connection is not None:
                    self._connection.close()
                    self._connection = None
                self._use.end()

    def check_open(self) -> None:
        """Raise when the store was closed: a thread that nobody could stop may still be at work on it."""
        if self.closed:
            raise failures.closed(self.root)

    def knows(self, table: str) -> bool:
        """Whether there is such a table: an index of an older version that cannot be written lacks the newest."""
        with self.lock:
            return bool(self._rows("select 1 from sqlite_master where name = ?", (table,)))

    # -- packs ---------------------------------------------------------------------------------------------

    def locate(self, digest: str) -> Packed | None:
        """Where `digest` lies in a pack."""
        with self.lock:
            rows = self._rows("select pack, offset, length, kind from packed where digest = ?", (_raw(digest),))
        return Packed(*rows[0]) if rows else None

    def locate_many(self, digests: Iterable[str]) -> dict[str, Packed]:
        """Where those of `digests` lie that are in packs."""
        wanted = [bytes.fromhex(digest) for digest in digests]
        found: dict[str, Packed] = {}
        with self.lock:
            for start in range(0, len(wanted), _BATCH):
                batch = wanted[start : start + _BATCH]
                marks = ",".join("?" * len(batch))
                for digest, *place in self._rows(
                    f"select digest, pack, offset, length, kind from packed where digest in ({marks})", batch
                ):
                    found[digest.hex()] = Packed(*place)
        return found

    def pack(self, number: int) -> Pack | None:
        """The pack of that number."""
        with self.lock:
            rows = self._rows(f"{_PACK} where id = ?", (number,))
        return _pack(rows[0]) if rows else None

    def pack_names(self) -> set[str]:
        """The names of all packs."""
        with self.lock:
            return {row[0] for row in self._rows("select name from packs")}

    def small_packs(self, limit: int) -> list[Pack]:
        """The newest packs of less than `limit` bytes: one of them may be continued."""
        with self.lock:
            return [_pack(row) for row in self._rows(f"{_PACK} where size < ? order by id desc limit 4", (limit,))]

    def objects_in(self, number: int) -> list[tuple[str, Packed]]:
        """All objects of a pack, as they lie."""
        with self.lock:
            rows = self._rows(
                "select digest, pack, offset, length, kind from packed where pack = ? order by offset",
                (number,),
            )
        return [(row[0].hex(), Packed(*row[1:])) for row in rows]

    def add_pack(self, name: str) -> int:
        """The number of a new pack. Call inside a transaction."""
        made = self._rows(
            "insert into packs (name, size, mtime_ns, ctime_ns, inode, taken_ns) values (?, 0, 0, 0, 0, 0)"
            " returning id",
            (name,),
        )
        return int(made[0][0])

    def add_packed(self, rows: Iterable[PackedRow]) -> None:
        """Say where objects lie. Call inside a transaction, when their bytes are written."""
        assert self._connection is not None
        self._connection.executemany("insert or ignore into packed values (?, ?, ?, ?, ?)", sorted(rows))

    def seal_pack(self, number: int, sig: signatures.Signature, taken_ns: int) -> None:
        """Say how a whole pack looks. Call inside a transaction."""
        self._rows(
            "update packs set size = ?, mtime_ns = ?, ctime_ns = ?, inode = ?, taken_ns = ? where id = ?",
            (*sig, taken_ns, number),
        )

    def note_appended(self, number: int, offset: int, taken_ns: int) -> None:
        """Say when what lies in a pack from `offset` on came there. Call inside a transaction."""
        self._rows("insert or replace into appended values (?, ?, ?)", (number, offset, taken_ns))

    def drop_packed(self, pack: Pack, digests: Iterable[str]) -> None:
        """Forget objects of a pack that turned out damaged."""
        with self.transaction() as connection:
            connection.executemany(
                "delete from packed where digest = ? and pack = ?",
                [(_raw(digest), pack.id) for digest in digests],
            )

    def drop_pack(self, number: int) -> None:
        """Forget a pack that is gone, and all it held."""
        with self.transaction():
            self.forget_pack(number)

    def forget_pack(self, number: int) -> None:
        """The same, inside a transaction."""
        for table in ("packed", "trashed", "appended"):
            self._rows(f"delete from {table} where pack = ?", (number,))
        self._rows("delete from packs where id = ?", (number,))

    def reseal(self, pack: Pack, sig: signatures.Signature, taken_ns: int) -> None:
        """Say how a pack looks that was just verified, unless its writer has said more since."""
        with self.transaction() as connection:
            rows = connection.execute(f"{_PACK} where id = ?", (pack.id,)).fetchall()
            if rows and _pack(rows[0]) == pack:
                self.seal_pack(pack.id, sig, taken_ns)

    # -- loose objects and the user's files ----------------------------------------------------------------

    def seen(self, digest: str) -> Seen | None:
        """How the file of a loose object looked when it was last verified."""
        with self.lock:
            noted = self._seen.get(digest)
            if noted is not None:
                return noted
            rows = self._rows(
                "select kind, size, mtime_ns, ctime_ns, inode, taken_ns from seen where digest = ?",
                (_raw(digest),),
            )
        return Seen(rows[0][0], tuple(rows[0][1:5]), rows[0][5]) if rows else None

    def note_seen(self, digest: str, seen: Seen) -> None:
        """Remember a verified loose object (for this process at once, for others at the next flush)."""
        with self.lock:
            self._seen[digest] = seen

    def forget_seen(self, digest: str) -> None:
        """A loose object is gone or damaged."""
        with self.lock:
            self._seen.pop(digest, None)
            if not self.read_only and self._reader() is not None:
                with self.transaction() as connection:
                    connection.execute("delete from seen where digest = ?", (_raw(digest),))

    def file(self, path: bytes) -> FileRow | None:
        """What is remembered of a user's file."""
        with self.lock:
            noted = self._files.get(path)
            if noted is not None:
                return noted
            rows = self._rows(f"{_FILE} where path = ?", (path,))
        return FileRow(tuple(rows[0][1:5]), rows[0][5].hex(), rows[0][6]) if rows else None

    def files_under(self, folder: bytes) -> dict[bytes, FileRow]:
        """What is remembered of the files below a folder."""
        start, end = folder + b"/", folder + b"0"  # "0" is the character after "/"
        with self.lock:
            rows = self._rows(f"{_FILE} where path > ? and path < ?", (start, end))
            found = {row[0]: FileRow(row[1:5], row[5].hex(), row[6]) for row in rows}
            found.update((path, row) for path, row in self._files.items() if start < path < end)
        return found

    def note_file(self, path: bytes, row: FileRow) -> None:
        """Remember the digest of a user's file."""
        with self.lock:
            self._files[path] = row

    def flush(self) -> None:
        """Write what is buffered. For files of the user's alone no index is made."""
        with self.lock:
            wanted = self._seen or self._files
            if self.read_only or not wanted or not (self._seen or self._reader() is not None):
                return
            with self.transaction() as connection:
                connection.executemany(
                    "insert or replace into seen values (?, ?, ?, ?, ?, ?, ?)",
                    [(_raw(digest), s.kind, *s.sig, s.taken_ns) for digest, s in sorted(self._seen.items())],
                )
                connection.executemany(
                    "insert or replace into files values (?, ?, ?, ?, ?, ?, ?)",
                    [(path, *f.sig, _raw(f.digest), f.taken_ns) for path, f in sorted(self._files.items())],
                )
            self._seen.clear()
            self._files.clear()


_PACK = "select id, name, size, mtime_ns, ctime_ns, inode, taken_ns from packs"
_FILE = "select path, size, mtime_ns, ctime_ns, inode, digest, taken_ns from files"


def _raw(digest: str) -> bytes:
    return bytes.fromhex(digest)


def _pack(row: Sequence[Any]) -> Pack:
    return Pack(row[0], row[1], (row[2], row[3], row[4], row[5]), row[6])


class _Use:
    """A lock that all share who have a store open to write: what was thrown away is not deleted while one of them may
    have found it before that. A process that ends, however it ends, lets go of it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1

    def begin(self) -> None:
        """Be one of them, where the file system has locks and nobody is just deleting."""
        try:
            if self._file < 0:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            pass

    def alone(self) -> bool:
        """Try to be the only one."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # no locks here: nobody can tell
            return True
        return True

    def end(self) -> None:
        """Be none of them."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def __del__(self) -> None:
        self.end()


def _open_writable(path: Path, create: Callable[[sqlite3.Connection], None]) -> sqlite3.Connection:
    connection = _connected(f"{path.absolute().as_uri()}?mode=rwc")
    try:
        _use_wal(connection)
        connection.execute("pragma synchronous = normal")
        version = _version(connection)
        if version != _VERSION:
            connection.execute("begin immediate")
            version = _version(connection)
            if version == 0:
                create(connection)
            elif version < _VERSION:
                _bring_up(connection)
            connection.execute("commit")
        if version > _VERSION:
            raise _newer(path, version)
    except BaseException:
        connection.close()
        raise
    return connection


def _bring_up(connection: sqlite3.Connection) -> None:
    """Add what version 1 did not have."""
    for statement in _SINCE_2.split(";")[:-1]:
        connection.execute(statement)
    connection.execute(f"pragma user_version = {_VERSION}")


def _connected(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, timeout=_WAIT, isolation_level=None, check_same_thread=False)


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL; SQLite does not wait for others here by itself."""
    until = time.monotonic() + _WAIT
    while connection.execute("pragma journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.005)


def _open_read_only(path: Path) -> sqlite3.Connection | None:
    """A connection that only reads; a read-only file system refuses even the WAL's shared memory.

    None when there is nothing in the index: whoever was about to make it was killed.
    """
    uri = f"{path.absolute().as_uri()}?mode=ro"
    connection = _connected(uri)
    try:
        try:
            version = _version(connection)
        except sqlite3.OperationalError:
            connection.close()
            connection = _connected(f"{uri}&immutable=1")
            version = _version(connection)
        if version > _VERSION:
            raise _newer(path, version)
    except BaseException:
        connection.close()
        raise
    if version:
        return connection
    connection.close()
    return None


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("pragma user_version").fetchone()[0])


def _newer(path: Path, version: int) -> errors.StoreError:
    return errors.StoreError(f"{path} was made by a newer Tane (layout {version})", hint="pip install --upgrade tane")


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        text = str(error)
        if isinstance(error, sqlite3.OperationalError):
            hint = "free some space and check that the folder exists and is writable, then run again"
            if "locked" in text:
                hint = "another process holds it for long: wait for it, or end it, then run again"
            raise errors.StoreError(f"cannot use {path}: {text}", hint=hint) from error
        hint = f"delete {path} (with its -wal and -shm): it is made again from the packs, no object is lost"
        raise errors.StoreError(f"{path} is damaged: {text}", hint=hint) from error


def _after_fork() -> None:
    """A child must not use its parent's connection, or a lock that another thread of the parent held."""
    for index in _living:
        index.lock = threading.RLock()
        index._use.end()  # the parent's goes on
        if index._connection is not None:
            _abandoned.append(index._connection)
            index._connection = None


os.register_at_fork(after_in_child=_after_fork)
