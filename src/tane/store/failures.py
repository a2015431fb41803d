"""Turns what the operating system says into errors that name the path and the next step.

The store's modules call it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from tane import errors

_IN_THE_WAY = "a file stands where a folder is needed: move it away, then run again"
_HINTS = {
    errno.ENOSPC: "free some space there, then run again: nothing half-written is left behind",
    errno.EDQUOT: "your disk quota is used up: free some space, then run again",
    errno.EFBIG: "the file system or a limit (ulimit -f) refuses files of that size",
    errno.EROFS: "the file system is read-only: mount it writable, or put the project elsewhere",
    errno.EACCES: "make the folder writable for you (ls -ld), then run again",
    errno.EPERM: "make the folder writable for you (ls -ld), then run again",
    errno.EEXIST: _IN_THE_WAY,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EISDIR: "a folder stands where a file is needed: move it away, then run again",
    errno.ENOENT: "its folder was deleted or moved while in use: run again, and what is missing is made anew",
    errno.EMFILE: "raise the limit on open files (ulimit -n), then run again",
}


def of_store(error: OSError, doing: str, path: str | os.PathLike[str]) -> errors.StoreError:
    """The error for a failure of the store's own place: "cannot write PATH: No space left on device"."""
    text = error.strerror or str(error)
    hint = _HINTS.get(error.errno or 0, "check the disk and the permissions there, then run again")
    return errors.StoreError(f"cannot {doing} {os.fspath(path)}: {text}", hint=hint)


def of_source(error: OSError, path: str | os.PathLike[str]) -> errors.CatalogError:
    """The error for a file or folder of the user's that cannot be read."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return errors.CatalogError(
            f"{os.fspath(path)} does not exist, or was deleted while it was read",
            hint="put the file there, or correct the path in the catalog",
        )
    text = error.strerror or str(error)
    return errors.CatalogError(
        f"cannot read {os.fspath(path)}: {text}",
        hint="make the file readable for you (ls -l), then run again",
    )


def changed(path: str | os.PathLike[str]) -> errors.CatalogError:
    """The error for a file whose bytes moved under our eyes."""
    return errors.CatalogError(
        f"{os.fspath(path)} changed while it was read", hint="wait until its writer is done, then run again"
    )


def closed(root: str | os.PathLike[str]) -> errors.StoreError:
    """The error for a store used after its end."""
    return errors.StoreError(f"the store {os.fspath(root)} was closed", hint="open the project again")


def read_only(root: str | os.PathLike[str]) -> errors.StoreError:
    """The error for a write into a store that was opened, or can only be opened, for reading."""
    return errors.StoreError(
        f"the store {os.fspath(root)} is read-only", hint="make it writable for you, or name another store"
    )


@contextmanager
def guarding(doing: str, path: str | os.PathLike[str]) -> Iterator[None]:
    """Every OSError inside becomes the store's error for `doing` something at `path`."""
    try:
        yield
    except OSError as error:
        raise of_store(error, doing, path) from error
