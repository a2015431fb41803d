"""Sources behind URLs: what the store has already is not downloaded again.

What a server says of a file - its checksum, or its size and an older time - is the file's signature, as stat's answer
is a local file's. It is remembered with the digest in the same table, the store's index, under the URL: a cache that
may be lost, is shared by all that share the store, and says nothing that is secret. A file whose server says nothing
is fetched every time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import NamedTuple

from tane import errors
from tane.catalog import datasets, remotes
from tane.digest import hashing
from tane.runs import folders
from tane.store import index, objects, signatures, trees

_TRIES = 3


class Fetched(NamedTuple):
    """The content of a source: its object and size, and how many files were downloaded for it."""

    digest: str
    bytes: int
    downloaded: int


def fetch(dataset: datasets.Dataset, store: objects.Objects, *, look_only: bool) -> Fetched:
    """Bring what lies behind the dataset's URL into the store. With `look_only` nothing is stored, only digested."""
    listed = dataset.listing()
    for _ in range(_TRIES):
        known = (_remembered if look_only else _known)(dataset, listed, store)
        wanted = {name: file for name, file in listed.items() if name not in known}
        taken = _download(dataset, wanted, store, look_only=look_only)
        again = dataset.listing() if wanted else listed
        if _same(listed, again, wanted):
            if not look_only:
                _note(dataset, {name: (listed[name], taken[name].digest) for name in wanted}, store)
            entries = {**known, **taken}
            return Fetched(*_whole(entries, store, look_only=look_only), len(wanted))
        listed = again
    raise errors.CatalogError(
        f"dataset {dataset.name!r} changes while it is fetched",
        where=dataset.place,
        hint="wait until its writer is done, then run again",
    )


def note_sent(dataset: datasets.Dataset, digest: str, store: objects.Objects) -> None:
    """Remember what was just uploaded, so that a run that starts from it need not download it."""
    listed = dataset.listing()
    if store.is_tree(digest):
        sent = {name: entry.digest for name, entry in store.files(digest)}
    else:
        sent = {"": digest}
    _note(dataset, {name: (file, sent[name]) for name, file in listed.items() if name in sent}, store)


def _same(before: Mapping[str, remotes.File], after: Mapping[str, remotes.File], names: Mapping[str, object]) -> bool:
    """Whether nothing changed while it was fetched, as far as the server says."""
    return before.keys() == after.keys() and all(before[name] == after[name] for name in names)


def _download(
    dataset: datasets.Dataset, wanted: Mapping[str, remotes.File], store: objects.Objects, *, look_only: bool
) -> dict[str, trees.Entry]:
    if not wanted:
        return {}
    found = {}
    with store.scratch() as folder:
        targets = {name: folder / "files" / name if name else folder / dataset.filename for name in wanted}
        dataset.fetch_files(wanted, targets)
        for name, target in targets.items():
            size = target.stat().st_size
            digest = hashing.of_file(str(target)) if look_only else store.put_file(target, take=True)
            found[name] = trees.Entry(name.rpartition("/")[2], trees.FILE, digest, size)
    return found


def _whole(entries: Mapping[str, trees.Entry], store: objects.Objects, *, look_only: bool) -> tuple[str, int]:
    if "" in entries:
        return entries[""].digest, entries[""].size
    digest = folders.tree(entries, trees.digest_of if look_only else store.put_tree_bytes)
    return digest, sum(entry.size for entry in entries.values())


# -- the cache ---------------------------------------------------------------------------------------------


def _known(
    dataset: datasets.Dataset, listed: Mapping[str, remotes.File], store: objects.Objects
) -> dict[str, trees.Entry]:
    """Those of the listed files that are unchanged and whose objects are here, undamaged."""
    found = _remembered(dataset, listed, store)
    states = store.check_many(entry.digest for entry in found.values())
    return {
        name: entry._replace(size=store.size(entry.digest))
        for name, entry in found.items()
        if states[entry.digest] == "ok"
    }


def _remembered(
    dataset: datasets.Dataset, listed: Mapping[str, remotes.File], store: objects.Objects
) -> dict[str, trees.Entry]:
    found = {}
    for name, file in listed.items():
        row = store.index.file(_key(dataset, name)) if file.sign else None
        if row is not None and tuple(row.sig) == _signature(file):
            found[name] = trees.Entry(name.rpartition("/")[2], trees.FILE, row.digest, file.size or 0)
    return found


def _note(dataset: datasets.Dataset, files: Mapping[str, tuple[remotes.File, str]], store: objects.Objects) -> None:
    for name, (file, digest) in files.items():
        if file.sign:
            store.index.note_file(_key(dataset, name), index.FileRow(_signature(file), digest, time.time_ns()))


def _key(dataset: datasets.Dataset, name: str) -> bytes:
    assert dataset.remote is not None
    return os.fsencode(f"{dataset.remote.identity}\n{name}")


def _signature(file: remotes.File) -> signatures.Signature:
    """What the server says, as the four numbers of a signature."""
    sign = bytes.fromhex(hashing.of_bytes(file.sign.encode()))
    numbers = [int.from_bytes(sign[at : at + 8], "big") >> 1 for at in (0, 8, 16)]
    return file.size or 0, numbers[0], numbers[1], numbers[2]
