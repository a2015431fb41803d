"""Reads the user's files and folders in one consistent pass: what is hashed is what was there.

`objects` and `filedigests` call it. A file that changes while it is read, a link that leaves its folder,
and things that are neither file nor folder are errors that name them.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from typing import NamedTuple

from tane import errors
from tane.digest import hashing
from tane.store import failures, signatures, trees

SMALL = 64 * 1024  # below this an object goes to a pack: creating a file costs more than its bytes

Leaf = Callable[[str, os.stat_result], str]
Keep = Callable[[bytes], str]


class Read(NamedTuple):
    """A file as it was read: its digest, its signature, and when that was taken."""

    digest: str
    sig: signatures.Signature
    taken_ns: int


def open_file(path: str) -> tuple[int, os.stat_result]:
    """An open descriptor of a regular file, and its stat. Raises `errors.CatalogError`."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # not waiting for a pipe's other end
    except OSError as error:
        raise failures.of_source(error, path) from error
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        os.close(file)
        raise _neither(path)
    return file, status


def read_small(path: str) -> tuple[bytes, signatures.Signature] | None:
    """The bytes and signature of a small file; None when it is not small."""
    file, before = open_file(path)
    try:
        if before.st_size >= SMALL:
            return None
        data = os.read(file, SMALL)
        sig = signatures.of_stat(before)
        if len(data) != before.st_size or signatures.of_stat(os.fstat(file)) != sig:
            raise failures.changed(path)
        return data, sig
    except OSError as error:
        raise failures.of_source(error, path) from error
    finally:
        os.close(file)


def digest(path: str) -> Read:
    """Hash a file in one pass."""
    taken_ns = time.time_ns()
    small = read_small(path)
    if small is not None:
        return Read(hashing.of_bytes(small[0]), small[1], taken_ns)
    file, before = open_file(path)
    try:
        found = hashing.of_file(path)
        check_unchanged(path, file, before)
    except OSError as error:
        raise failures.of_source(error, path) from error
    finally:
        os.close(file)
    return Read(found, signatures.of_stat(before), taken_ns)


def check_unchanged(path: str, file: int, before: os.stat_result) -> None:
    """Raise `errors.CatalogError` unless the open `file` at `path` still looks as it did before."""
    same = signatures.of_stat(os.fstat(file)) == signatures.of_stat(before)
    if not same or signatures.of(path) != signatures.of_stat(before):
        raise failures.changed(path)


def walk(folder: str, leaf: Leaf, keep: Keep) -> tuple[str, int]:
    """The digest and size of the tree at `folder`: `leaf` digests each file, `keep` each tree's bytes."""
    root = os.path.realpath(folder)
    try:
        return _walk(folder, root, (root,), leaf, keep)
    except OSError as error:
        raise failures.of_source(error, error.filename or folder) from error


def _walk(folder: str, root: str, above: tuple[str, ...], leaf: Leaf, keep: Keep) -> tuple[str, int]:
    entries = []
    total = 0
    with os.scandir(folder) as found:
        listed = list(found)
    for item in listed:
        path = item.path
        below = above
        if item.is_symlink():
            below = _follow(path, root, above)
        status = item.stat()
        if stat.S_ISREG(status.st_mode):
            kind = trees.EXECUTABLE if status.st_mode & stat.S_IXUSR else trees.FILE
            entry = trees.Entry(item.name, kind, leaf(path, status), status.st_size)
        elif stat.S_ISDIR(status.st_mode):
            entry = trees.Entry(item.name, trees.FOLDER, *_walk(path, root, below, leaf, keep))
        else:
            raise _neither(path)
        entries.append(entry)
        total += entry.size
    return keep(trees.encode(entries)), total


def _follow(path: str, root: str, above: tuple[str, ...]) -> tuple[str, ...]:
    """Check that a link stays in its folder and does not lead back to where we came from."""
    real = os.path.realpath(path)
    if not real.startswith(root + os.sep) and real != root:
        raise errors.CatalogError(
            f"the link {path} leaves its folder (it leads to {real})",
            hint="copy what it leads to into the folder, or name that place in the catalog instead",
        )
    if any(real == place or place.startswith(real + os.sep) for place in above):
        raise errors.CatalogError(
            f"the link {path} leads back to a folder that holds it",
            hint="remove the link: its folder has no end",
        )
    return (*above, real)


def _neither(path: str) -> errors.CatalogError:
    if os.path.isdir(path):
        return errors.CatalogError(f"{path} is a folder where a file is wanted", hint="name a file inside of it")
    return errors.CatalogError(
        f"{path} is neither a file nor a folder", hint="sockets, pipes and devices cannot be kept: remove it"
    )
