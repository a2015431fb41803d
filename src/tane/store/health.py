"""All that lies in a store: what there is, what of it is damaged, what was left behind. Looks only; `runs.health` calls
it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from tane import errors, patterns
from tane.digest import hashing
from tane.store import index, loose, objects, packs, trees

_FOLDER = patterns.lazily(r"[0-9a-f]{2}")
_FILE = patterns.lazily(r"[0-9a-f]{62}")


def held(store: objects.Objects) -> dict[str, int]:
    """The digest of every object in the store, with its bytes."""
    found = {digest: row.length for digest, row in _packed(store)}
    for digest, path in files(store.root):
        try:
            found[digest] = os.stat(path).st_size
        except FileNotFoundError:  # set aside or collected meanwhile
            continue
    return found


def damaged(store: objects.Objects) -> list[str]:
    """The objects whose bytes are not what their digests say. Every byte is read, whatever is remembered of it."""
    found = [digest for digest, path in files(store.root) if not _is_whole_file(digest, path)]
    reader = packs.Packs(store.root, store.index)
    try:
        for digest, row in _packed(store):
            data = reader.read(row)
            if data is None or trees.kind_of(digest, hashing.of_bytes(data), data) != row.kind:
                found.append(digest)
    finally:
        reader.close()
    return sorted(found)


def reached(store: objects.Objects, digests: Iterable[str]) -> set[str]:
    """`digests` and all that the trees among them name, as far as they can be read."""
    known = held(store)
    found: set[str] = set()
    waiting = [digest for digest in digests if digest]
    while waiting:
        digest = waiting.pop()
        if digest in found:
            continue
        found.add(digest)
        if digest in known and _is_tree(store, digest):
            waiting += [entry.digest for entry in store.entries(digest)]
    return found


def _is_tree(store: objects.Objects, digest: str) -> bool:
    try:
        return store.is_tree(digest)
    except errors.StoreError:  # damaged: what it named cannot be known
        return False


def left_behind(root: Path) -> list[Path]:
    """Temporary things in the store at `root` whose process is gone."""
    folder = root / "tmp"
    return sorted(item for item in folder.iterdir() if _is_nobodys(item)) if folder.is_dir() else []


def set_aside(root: Path) -> list[Path]:
    """The damaged objects that were set aside."""
    folder = root / "quarantine"
    return sorted(item for item in folder.iterdir() if item.suffix != ".txt") if folder.is_dir() else []


def _packed(store: objects.Objects) -> list[tuple[str, index.Packed]]:
    """Every packed object, in the order in which packs hold them."""
    with store.index.lock:
        rows = store.index._rows("select digest, pack, offset, length, kind from packed order by pack, offset")
    return [(row[0].hex(), index.Packed(*row[1:])) for row in rows]


def files(root: Path) -> list[tuple[str, str]]:
    """The large objects, and the file of each."""
    if not root.is_dir():
        return []
    found = []
    for folder in sorted(entry.path for entry in os.scandir(root) if _FOLDER.fullmatch(entry.name) and entry.is_dir()):
        found += [
            (os.path.basename(folder) + entry.name, entry.path)
            for entry in os.scandir(folder)
            if _FILE.fullmatch(entry.name)
        ]
    return found


def _is_whole_file(digest: str, path: str) -> bool:
    try:
        with open(path, "rb") as file:
            head = file.read(len(trees.MAGIC))
        return trees.kind_of(digest, hashing.of_file(path), head) is not None
    except OSError:
        return False


def _is_nobodys(item: Path) -> bool:
    """Whether the process that made a temporary thing has ended; of another machine's nobody knows."""
    host, _, pid = item.name.rpartition("-")[0].rpartition("-")
    return host == os.uname().nodename and pid.isdigit() and not loose._is_alive(int(pid))
