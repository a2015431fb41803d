"""Turns what SQLite says into errors that name the ledger and the next step. The ledger's modules call it."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

from tane import errors

_PRIMARY = 0xFF  # the low byte of an extended result code says what kind it is
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_WRITABLE = "make the file and its folder writable for you (ls -ld), then run again"
_LOCKED = "another process keeps it locked for long: end that one (fuser shows it), then run again"
_HINTS = {
    sqlite3.SQLITE_FULL: "free some space there, then run again: nothing half-written is left behind",
    sqlite3.SQLITE_IOERR: "check the disk and the space left there (df), then run again",
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_READONLY: _WRITABLE,
    sqlite3.SQLITE_PERM: _WRITABLE,
    sqlite3.SQLITE_CANTOPEN: _WRITABLE,
}


def kind_of(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 when it is Python's own complaint."""
    return int(getattr(error, "sqlite_errorcode", 0)) & _PRIMARY


def of(error: sqlite3.Error, path: Path) -> Exception:
    """The error to raise for `error`: the ledger's own, or `error` itself when our statement was wrong."""
    kind = kind_of(error)
    if kind in _DAMAGED:
        return damaged(path, str(error))
    if kind in _HINTS:
        return errors.LedgerError(f"the ledger {path} cannot be used: {error}", hint=_HINTS[kind])
    return error


def damaged(path: Path, why: str) -> errors.LedgerError:
    """The error for a file that is no ledger, or no longer one."""
    return errors.LedgerError(
        f"the ledger {path} is damaged: {why}",
        hint=f"restore it from a backup, or set it aside and let a new one be made: mv {path} {path}.damaged "
        "(files and kept objects stay; steps run once more)",
    )


def newer(path: Path, version: int, known: int) -> errors.LedgerError:
    """The error for a ledger with migrations we do not know."""
    return errors.LedgerError(
        f"the ledger {path} was written by a newer tane (layout {version}, this one knows {known})",
        hint="pip install --upgrade tane",
    )


def older(path: Path, version: int) -> errors.LedgerError:
    """The error for a ledger that must be migrated but cannot be written."""
    return errors.LedgerError(
        f"the ledger {path} has the older layout {version} and cannot be written to bring it up to date",
        hint=_WRITABLE,
    )


def read_only(path: Path) -> errors.LedgerError:
    """The error for a write into a ledger that can only be read."""
    return errors.LedgerError(f"the ledger {path} can only be read", hint=_WRITABLE)


def lost(path: Path) -> errors.LedgerError:
    """The error for a ledger that was deleted or replaced under our feet."""
    return errors.LedgerError(
        f"the ledger {path} was deleted or replaced while in use",
        hint="run again: what is missing is made anew",
    )


def closed(path: Path) -> errors.LedgerError:
    """The error for a ledger used after its end."""
    return errors.LedgerError(f"the ledger {path} was closed", hint="open the project again")


def on_network(path: Path, kind: str, source: str) -> errors.LedgerError:
    """The error for a ledger on a file system whose locks do not hold between machines."""
    return errors.LedgerError(
        f"the ledger {path} is on a network file system ({kind}, from {source}), where SQLite loses data",
        hint='put it on a local disk: in pyproject.toml, [tool.tane] ledger = "/local/disk/ledger.db"',
    )


def of_place(error: OSError, path: Path) -> errors.LedgerError:
    """The error for a folder that cannot be made or looked at."""
    if isinstance(error, (FileExistsError, NotADirectoryError)):
        hint = f"{path.parent} or a part of it is a file, and must be a folder: move that file away, then run again"
    elif error.errno == errno.EROFS:
        hint = "the file system is read-only: mount it writable, or put the project elsewhere"
    else:
        hint = _WRITABLE
    return errors.LedgerError(f"cannot use {os.fspath(path)}: {error.strerror or error}", hint=hint)
