"""Folders as objects: a tree lists names, digests and sizes, so that one changed file costs one file.

A tree is canonical: the same names and contents give the same bytes. Its digest is tagged, so that a file
which happens to hold the bytes of a tree is another object.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tane.digest import hashing

BLOB, TREE = 0, 1  # the kinds of objects
FILE, EXECUTABLE, FOLDER = "f", "x", "d"  # the kinds of entries
MAGIC = b"tane tree 1\0"


class Entry(NamedTuple):
    """One name in a folder. `size` of a folder is that of all files below it."""

    name: str
    kind: str
    digest: str
    size: int


def encode(entries: Iterable[Entry]) -> bytes:
    """The bytes of a tree; the order of `entries` does not matter."""
    lines = [
        (name.encode("utf-8", "surrogateescape"), f"{kind} {digest} {size} ".encode())
        for name, kind, digest, size in entries
    ]
    lines.sort()
    return MAGIC + b"".join([b"%b%b\0" % (rest, name) for name, rest in lines])


def decode(data: bytes) -> tuple[Entry, ...]:
    """The entries of a tree, in order of their names."""
    found = []
    for line in data[len(MAGIC) :].split(b"\0")[:-1]:
        kind, digest, size, name = line.split(b" ", 3)
        found.append(Entry(name.decode("utf-8", "surrogateescape"), kind.decode(), digest.decode(), int(size)))
    return tuple(found)


def digest_of(data: bytes) -> str:
    """The digest of a tree of these bytes."""
    return tagged(hashing.of_bytes(data))


def tagged(content: str) -> str:
    """The digest of a tree whose bytes have the digest `content`."""
    return hashing.combine("tree", content)


def kind_of(digest: str, content: str, head: bytes) -> int | None:
    """The kind of object `digest`, if it stands for bytes with digest `content` that begin with `head`."""
    if content == digest:
        return BLOB
    if head.startswith(MAGIC) and tagged(content) == digest:
        return TREE
    return None
