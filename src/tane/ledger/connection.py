"""An open ledger: one SQLite file in WAL mode. Every room that records or looks back opens it here.

`write` and `read` are the only ones that put statements through it. Threads share a ledger by its lock, a
forked process opens its own connection, other processes open the same file: each write is one short BEGIN
IMMEDIATE transaction that waits its turn. What was committed survives the death of the process.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tane import errors
from tane.ledger import failures, filesystems, migrations, rows

_WAIT = 30.0  # seconds for others that write
_PAUSE = 0.00005  # seconds between two looks whether they have ended, at first
_LONGEST_PAUSE = 0.001
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL)
_CACHE = 16_000  # KiB of pages
_LOG = 3_000  # pages of the log until they are moved to the database, which waits for the disk
_LOOK = 64  # writes after which a look is taken at how long the log is
_CUT_WAIT = 500  # ms for those who read just now
_CUT_AGAIN = 5.0  # seconds until another attempt, where one of them reads for longer
_WAL = 16 * 1024 * 1024  # what a log that had to grow behind a long reader is cut to when it is gone
_ONLY_READABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)


def open_ledger(path: Path, *, create: bool = True) -> Ledger:
    """Open the ledger at `path`, making or migrating it as needed.

    With `create=False` nothing is made: while there is no file, the ledger is empty and cannot be written.
    Raises `errors.LedgerError` for a file that is damaged, not ours, from a newer version, or on a network
    file system.
    """
    return Ledger(path, create=create)


class Ledger:
    """An open ledger; `open_ledger` makes it."""

    def __init__(self, path: Path, *, create: bool) -> None:
        self.path = path
        self._file = os.fspath(path)
        self._create = create
        self._lock = threading.RLock()
        self._numbers: dict[str, int] = {}
        self._connection: sqlite3.Connection | None = None
        self._inode = 0  # 0: there is no file
        self._writes = 0
        self._next_cut = 0.0
        self._writable = True
        self._closed = False
        with self._lock:
            self._open()
        _opened.add(self)

    def close(self) -> None:
        """Let go of the file; a second call does nothing."""
        with self._lock:
            self._closed = True
            self._drop()

    def number(self, run: str) -> int:
        """The number of `run` in this file. Raises `errors.UsageError` when it has no such run."""
        known = self._numbers.get(run)
        if known is None:
            found = self.rows("select id from runs where run = ?", (run,))
            if not found:
                raise errors.UsageError(
                    f"there is no run {run!r} in {self.path}", hint="tane runs lists those there are"
                )
            known = self._numbers[run] = int(found[0][0])
        return known

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows of one select."""
        with self._lock:
            connection = self._ready()
            try:
                return _execute(connection, sql, values).fetchall()
            except sqlite3.Error as error:
                raise failures.of(error, self.path) from error

    def append(self, insert: str, values: Sequence[Any]) -> int:
        """Add one row in a transaction of its own, the shortest there is, and give its number."""
        with self._lock:
            connection = self._ready()
            self._check_place()
            if connection.in_transaction:
                raise RuntimeError("a row is appended within a transaction, whose end would decide on it")
            try:
                number = _execute(connection, insert, values).lastrowid
                self._written(connection)
            except sqlite3.Error as error:
                raise failures.of(error, self.path) from error
        return number or 0

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Several selects of one moment: what others commit meanwhile shows in none of them."""
        with self._lock:
            connection = self._ready()
            if connection.in_transaction:
                yield
                return
            _execute(connection, "begin")
            try:
                yield
            finally:
                if self._connection is connection and connection.in_transaction:
                    connection.execute("rollback")

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """One write transaction, undone when the body raises. `durable`: it survives a power cut as well."""
        with self._lock:
            connection = self._ready()
            self._check_place()
            try:
                if durable:
                    connection.execute("pragma synchronous = full")
                try:
                    _execute(connection, "begin immediate")
                    yield connection
                    connection.execute("commit")
                    self._written(connection)
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("rollback")
                    raise
                finally:
                    if durable:
                        connection.execute("pragma synchronous = normal")
            except sqlite3.Error as error:
                raise failures.of(error, self.path) from error

    def _written(self, connection: sqlite3.Connection) -> None:
        self._writes += 1
        if not self._writes % _LOOK:
            self._cut(connection)

    def _cut(self, connection: sqlite3.Connection) -> None:
        """Have a long log begin anew.

        SQLite does that by itself only at a moment when nobody reads, which does not come while several read again and
        again. One who reads for long is not waited for.
        """
        try:
            if os.stat(f"{self._file}-wal").st_size < _WAL or time.monotonic() < self._next_cut:
                return
        except OSError:
            return
        connection.execute(f"pragma busy_timeout = {_CUT_WAIT}")
        try:
            busy = connection.execute("pragma wal_checkpoint(truncate)").fetchone()[0]
        finally:
            connection.execute("pragma busy_timeout = 0")
        if busy:
            self._next_cut = time.monotonic() + _CUT_AGAIN

    # -- the connection ------------------------------------------------------------------------------------

    def _ready(self) -> sqlite3.Connection:
        if self._closed:
            raise failures.closed(self.path)
        if self._connection is None or (not self._inode and self.path.exists()):
            self._drop()
            self._open()
        if self._connection is None:
            raise failures.closed(self.path)
        return self._connection

    def _open(self) -> None:
        try:
            if not self._create and not self.path.exists():
                self._connection, self._writable, self._inode = _empty(), False, 0
                return
            if self._create:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            mount = filesystems.network_mount(self.path.parent)
            if mount is not None:
                raise failures.on_network(self.path, mount.kind, mount.source)
            self._connection, self._writable = _connect(self.path)
            self._inode = os.stat(self._file).st_ino
        except OSError as error:
            raise failures.of_place(error, self.path) from error

    def _check_place(self) -> None:
        """A deleted file goes on taking writes, for nobody to read: notice it."""
        if not self._writable:
            raise failures.read_only(self.path)
        try:
            if os.stat(self._file).st_ino == self._inode:
                return
        except OSError:
            pass
        self._drop()  # a later call starts anew
        raise failures.lost(self.path)

    def _drop(self) -> None:
        held, self._connection = self._connection, None
        self._numbers.clear()
        if held is not None:
            held.close()

    def _before_fork(self) -> None:
        """Wait for other threads to end their writes, and close: SQLite's locks do not survive a fork whole."""
        self._lock.acquire()
        if self._connection is not None and not self._connection.in_transaction:
            self._drop()

    def _after_in_parent(self) -> None:
        self._lock.release()

    def _after_in_child(self) -> None:
        self._lock = threading.RLock()
        if self._connection is not None:
            _abandoned.append(self._connection)
            self._connection = None


_opened: weakref.WeakSet[Ledger] = weakref.WeakSet()
_abandoned: list[sqlite3.Connection] = []  # of a parent process: closing one here could disturb the parent
_forking = threading.Lock()
_held: list[Ledger] = []  # while a fork is under way


def _before_fork() -> None:
    _forking.acquire()
    for ledger in list(_opened):
        ledger._before_fork()
        _held.append(ledger)


def _after_in_parent() -> None:
    while _held:
        _held.pop()._after_in_parent()
    _forking.release()


def _after_in_child() -> None:
    while _held:
        _held.pop()._after_in_child()
    _forking.release()


os.register_at_fork(before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child)


def _execute(connection: sqlite3.Connection, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
    """Execute a statement, waiting while another process writes.

    SQLite's own way of waiting makes pauses of up to a tenth of a second, which grow: among several that write all the
    time one may wait for seconds. Looking again soon gives each its turn.
    """
    try:
        return connection.execute(sql, values)
    except sqlite3.OperationalError as error:
        if failures.kind_of(error) not in _BUSY:
            raise
    until = time.monotonic() + _WAIT
    pause = _PAUSE
    while True:
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
        try:
            return connection.execute(sql, values)
        except sqlite3.OperationalError as error:
            if failures.kind_of(error) not in _BUSY or time.monotonic() > until:
                raise


def _connect(path: Path) -> tuple[sqlite3.Connection, bool]:
    """A connection to an up-to-date ledger, and whether it may write."""
    try:
        try:
            return _writable(path), True
        except sqlite3.OperationalError as error:
            if failures.kind_of(error) not in _ONLY_READABLE or not path.exists():
                raise
        return _read_only(path), False
    except sqlite3.Error as error:
        raise failures.of(error, path) from error
    except migrations.NotALedgerError:
        raise failures.damaged(path, "it is a database, but not one of tane's") from None


def _writable(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
    try:
        version = migrations.applied(connection)
        if version > migrations.VERSION:
            raise failures.newer(path, version, migrations.VERSION)
        _use_wal(connection)
        connection.execute("pragma synchronous = normal")
        connection.execute(f"pragma journal_size_limit = {_WAL}")
        if version < migrations.VERSION:
            version = migrations.apply(connection)
            if version > migrations.VERSION:
                raise failures.newer(path, version, migrations.VERSION)
        _make_ready(connection)
    except BaseException:
        connection.close()
        raise
    return connection


TEXT_OF = "text_of"  # in SQL: the text that some JSON holds


def _make_ready(connection: sqlite3.Connection) -> None:
    connection.create_function(TEXT_OF, 1, rows.text_of, deterministic=True)
    connection.execute("pragma busy_timeout = 0")  # `_execute` waits
    connection.execute(f"pragma cache_size = -{_CACHE}")
    connection.execute(f"pragma wal_autocheckpoint = {_LOG}")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL. SQLite does not wait for others here by itself."""
    until = time.monotonic() + _WAIT
    while connection.execute("pragma journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as error:
            if failures.kind_of(error) not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            if time.monotonic() > until:
                raise
            time.sleep(0.005)


def _read_only(path: Path) -> sqlite3.Connection:
    """A connection that only reads; as of the last checkpoint where the WAL cannot be shared."""
    for mode in ("mode=ro", "mode=ro&immutable=1"):
        uri = f"{path.absolute().as_uri()}?{mode}"
        connection = sqlite3.connect(uri, uri=True, timeout=_WAIT, isolation_level=None, check_same_thread=False)
        try:
            version = migrations.applied(connection)
            if version > migrations.VERSION:
                raise failures.newer(path, version, migrations.VERSION)
            if version < migrations.VERSION:
                raise failures.older(path, version)
            _make_ready(connection)
            return connection
        except sqlite3.OperationalError:
            connection.close()
            if "immutable" in mode:
                raise
        except BaseException:
            connection.close()
            raise
    raise AssertionError("unreachable")


def _empty() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    migrations.apply(connection)
    _make_ready(connection)
    return connection
