"""The numbered migrations of a ledger. Each is one transaction with its record; `connection` applies them.

`pragma user_version` says how many have been applied; `application_id` says that the file is a ledger at all.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tane.ledger import filling

_FILES = ("schema.sql", "experiments.sql", "studies.sql")  # in order; a released one is never edited again
_FILLING: Mapping[str, Callable[[sqlite3.Connection], None]] = {"experiments.sql": filling.searched}
VERSION = len(_FILES)
APPLICATION = 0x54616E65  # "Tane"


class NotALedgerError(Exception):
    """The file is a database of somebody else."""


def apply(connection: sqlite3.Connection) -> int:
    """Bring the database up to date and give its version, which may be newer than ours.

    Processes that come at the same time wait for each other; each finds what the one before it has done.
    Raises `NotALedgerError`.
    """
    while True:
        connection.execute("begin immediate")
        try:
            version = applied(connection)
            if version >= VERSION:
                connection.execute("rollback")
                return version
            for statement in statements(_FILES[version]):
                connection.execute(statement)
            if fill := _FILLING.get(_FILES[version]):
                fill(connection)
            connection.execute(
                "insert into migrations (version, name, at) values (?, ?, ?)",
                (version + 1, _FILES[version], time.time()),
            )
            connection.execute(f"pragma application_id = {APPLICATION}")
            connection.execute(f"pragma user_version = {version + 1}")
            connection.execute("commit")
        except BaseException:
            if connection.in_transaction:
                connection.execute("rollback")
            raise


def applied(connection: sqlite3.Connection) -> int:
    """How many migrations the database has seen. Raises `NotALedgerError`."""
    if not _is_ours(connection):
        used = connection.execute("select count(*) from sqlite_master").fetchone()[0]
        if not used:
            return 0
        if not _is_ours(connection):  # it may have become ours since we looked
            raise NotALedgerError
    return int(connection.execute("pragma user_version").fetchone()[0])


def _is_ours(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("pragma application_id").fetchone()[0] == APPLICATION)


def statements(file: str) -> Iterator[str]:
    """The statements of one migration; a trigger's body is part of its statement."""
    text = ""
    for line in Path(__file__).with_name(file).read_text(encoding="utf-8").splitlines(keepends=True):
        text += line
        if sqlite3.complete_statement(text):
            yield text
            text = ""
