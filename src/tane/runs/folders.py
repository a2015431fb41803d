"""Folders of partitions as sources: the tree of those files that a run takes, and of no others.

So a note beside the data, a checkpoint or a partition that has been worked off does not change what a step sees.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from tane.catalog import datasets
from tane.digest import values
from tane.store import failures, filedigests, objects, trees


def look(dataset: datasets.Dataset, folder: Path, files: filedigests.FileDigests) -> tuple[str, int]:
    """The same as `keep`, without anything being stored."""
    return _chosen(dataset, folder, files.of, trees.digest_of)


def keep(
    dataset: datasets.Dataset, folder: Path, files: filedigests.FileDigests, store: objects.Objects
) -> tuple[str, int]:
    """Store the chosen partitions of a local folder: the digest of their tree, and their size."""
    return _chosen(dataset, folder, files.keep, store.put_tree_bytes)


def rests_on(dataset: datasets.Dataset, digest: str, store: objects.Objects) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The classes of the project that the objects in a kept folder are made of, and the libraries of all others.

    Raises `values.CannotDigest` for an object that has no digest.
    """
    files = {path: entry.digest for path, entry in store.files(digest)}
    classes: set[str] = set()
    libraries: set[str] = set()
    for name in dataset.partition_ids(files).values():
        with store.named(files[name], name.rpartition("/")[2]) as held:
            found = values.of(dataset.read_partition(held))
        classes.update(found.classes)
        libraries.update(found.libraries)
    return tuple(sorted(classes)), tuple(sorted(libraries))


def _chosen(
    dataset: datasets.Dataset,
    folder: Path,
    digest_of: Callable[[Path], str | None],
    keep_tree: Callable[[bytes], str],
) -> tuple[str, int]:
    entries: dict[str, trees.Entry] = {}
    for name in dataset.select(dataset.files()).values():
        path = folder / name
        digest = digest_of(path)
        if digest is None:  # gone since it was listed
            raise failures.changed(str(path))
        status = os.stat(path)
        kind = trees.EXECUTABLE if status.st_mode & stat.S_IXUSR else trees.FILE
        entries[name] = trees.Entry(name.rpartition("/")[2], kind, digest, status.st_size)
    return tree(entries, keep_tree), sum(entry.size for entry in entries.values())


def tree(entries: Mapping[str, trees.Entry], keep_tree: Callable[[bytes], str]) -> str:
    """The digest of the tree that has `entries` at their relative paths; `keep_tree` is given each tree's bytes."""
    here: list[trees.Entry] = []
    below: dict[str, dict[str, trees.Entry]] = {}
    for path, entry in entries.items():
        head, slash, rest = path.partition("/")
        if slash:
            below.setdefault(head, {})[rest] = entry
        else:
            here.append(entry)
    for head, inner in below.items():
        size = sum(entry.size for entry in inner.values())
        here.append(trees.Entry(head, trees.FOLDER, tree(inner, keep_tree), size))
    return keep_tree(trees.encode(here))
