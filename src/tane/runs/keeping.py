"""Keeping what a step made: values in the store, files as their datasets write them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tane import errors, fielded
from tane.catalog import codecs, datasets
from tane.digest import hashing, values
from tane.ledger import records
from tane.runs import arguments, artifacts, folders, gathered, reloading
from tane.store import failures


@fielded.frozen
class Output:
    """A dataset to be made: where it goes, and whether its value is kept. `saver` is the digest of a class that saves
    it by itself.
    """

    name: str
    dataset: datasets.Dataset | None
    keep: bool
    saver: str = ""

    @property
    def entry(self) -> str:
        """Its name in the catalog, which items of a fanned-out step share."""
        return self.name.partition("[")[0]


@fielded.frozen
class Made:
    """An output as it was kept.

    `held` says that its `value` comes with it, for those who take it: one that is not kept, or one so small and
    unchangeable that fetching it from the store would cost more.
    """

    kept: records.Kept
    held: bool = False
    value: Any = None


def keep(output: Output, value: Any, place: arguments.Place, node: str) -> Made:
    """Keep one returned value: in the store as it is, and as its dataset's file where it has one."""
    dataset = output.dataset
    if dataset is None or dataset.kind == "memory":
        return _keep_value(output, value, place, node)
    if dataset.kind == "object":
        return _keep_through_object(output, dataset, value, place, node)
    return _keep_file(output, dataset, value, place, node)


def _keep_value(output: Output, value: Any, place: arguments.Place, node: str) -> Made:
    if output.keep and artifacts.are_artifacts(value):
        return Made(_keep_artifacts(output.name, value, place, node))
    try:
        print_ = values.of(value)
        if not output.keep:
            return Made(records.Kept(output.name, print_.digest, libraries=print_.libraries), True, value)
        encoded = codecs.encode(value)
    except (values.CannotDigest, codecs.CannotKeep) as fault:
        if not output.keep:
            return Made(records.Kept(output.name, unique()), True, value)
        raise errors.UserCodeError(
            f"output {output.name!r} of node {node!r} cannot be kept: it is {fault.what}",
            hint=f"return plain data, or catalogue {output.entry!r} as MemoryDataset to pass it on without keeping it",
        ) from None
    chunks = encoded.chunks
    size = sum([memoryview(chunk).nbytes for chunk in chunks])
    stored = place.store.put(chunks[0] if len(chunks) == 1 else chunks)
    kept = records.Kept(
        output.name, print_.digest, encoded.codec, stored, "", "", size, print_.classes, print_.libraries
    )
    if type(value) in _ATOMS and size < _SMALL:
        return Made(kept, True, value)
    return Made(kept)


def _keep_artifacts(name: str, value: Any, place: arguments.Place, node: str) -> records.Kept:
    """What a step of a flow leaves, or a list of such, value by value."""
    if not isinstance(value, list):
        return artifacts.keep(name, value, place.store, node)
    items = tuple(_keep_artifacts(name, each, place, node) for each in value)
    return gathered.keep(name, gathered.Gathered(None, items), place.store)


_ATOMS = frozenset({int, float, bool, str, bytes, complex})
_SMALL = 4096


def _keep_file(output: Output, dataset: datasets.Dataset, value: Any, place: arguments.Place, node: str) -> Made:
    with place.store.scratch() as folder:
        path = folder / dataset.filename
        _write(dataset, value, path, node)
        digest = place.store.put_path(path, take=True)
    size = place.store.size(digest)
    classes, libraries, codec, stored = _beside(dataset, value, digest, place)
    kept = records.Kept(output.name, digest, codec, stored, digest, save_digest(dataset), size, classes, libraries)
    return Made(kept)


def keep_chunks(
    output: Output, dataset: datasets.Dataset, first: Any, rest: Iterator[Any], place: arguments.Place, node: str
) -> Made:
    """Keep a file that is written chunk by chunk. What code and libraries it rests on, the first chunk says."""
    with place.store.scratch() as folder:
        path = folder / dataset.filename
        _saving(dataset, node, lambda: dataset.write_chunks(itertools.chain((first,), rest), path))
        digest = place.store.put_path(path, take=True)
    try:
        print_ = values.of(first)
    except values.CannotDigest:
        print_ = values.Fingerprint("", (), ())
    size, save = place.store.size(digest), save_digest(dataset)
    return Made(records.Kept(output.name, digest, "", "", digest, save, size, print_.classes, print_.libraries))


def _beside(
    dataset: datasets.Dataset, value: Any, digest: str, place: arguments.Place
) -> tuple[tuple[str, ...], tuple[str, ...], str, str]:
    """What a file does not say: the code and libraries its value rests on, and the value itself where the file does
    not give it back exactly (so that another format can be written without running the step again).
    """
    if dataset.write_only or (dataset.partitioned and not dataset.holds_objects):
        return (), (), "", ""
    try:
        if dataset.partitioned:  # its value may have been made of functions, each called when its turn came
            return *folders.rests_on(dataset, digest, place.store), "", ""
        print_ = values.of(value)
        if dataset.faithful:
            return print_.classes, print_.libraries, "", ""
        encoded = codecs.encode(value)
    except (values.CannotDigest, codecs.CannotKeep):
        return (), (), "", ""
    return print_.classes, print_.libraries, encoded.codec, place.store.put(encoded.chunks)


def _keep_through_object(
    output: Output, dataset: datasets.Dataset, value: Any, place: arguments.Place, node: str
) -> Made:
    """A dataset of its own kind: saved, loaded again, and what loading gives is kept for those who take it."""
    _saving(dataset, node, lambda: dataset.save(value))
    save = save_digest(dataset, output.saver)
    if dataset.write_only:
        return Made(records.Kept(output.name, unique(), save=save))
    if dataset.lazy:
        digest = dataset.digest() or unique()
        return Made(records.Kept(output.name, digest, save=save), True, reloading.Reloaded(dataset))
    made = _keep_value(output, dataset.load(), place, node)
    kept = made.kept
    return Made(
        records.Kept(
            kept.name,
            kept.digest,
            kept.codec,
            kept.value,
            _own_file(output, dataset, place),
            save,
            kept.bytes,
            kept.classes,
            kept.libraries,
        ),
        made.held,
        made.value,
    )


def _own_file(output: Output, dataset: datasets.Dataset, place: arguments.Place) -> str:
    """The object that holds the file which a class has written by itself: to be put back when it is lost or changed."""
    path = dataset.local
    if not output.keep or path is None or dataset.accumulates or not path.exists():
        return ""
    return place.store.put_path(path)


def _write(dataset: datasets.Dataset, value: Any, path: Path, node: str) -> None:
    _saving(dataset, node, lambda: dataset.write(value, path))


def _saving(dataset: datasets.Dataset, node: str, save: Callable[[], None]) -> None:
    """What a writer raises names the dataset: the value does not fit it, or the disk is full."""
    try:
        save()
    except datasets.EntryError:
        raise
    except errors.CatalogError as error:  # the value does not fit
        raise errors.UserCodeError(
            f"output of node {node!r} cannot be saved: {error.what}", where=error.where, hint=error.faults[0].hint
        ) from error
    except errors.TaneError:
        raise
    except OSError as error:
        raise failures.of_store(error, "write", f"dataset {dataset.name!r} ({dataset.place})") from error
    except Exception as error:
        raise errors.UserCodeError(
            f"output {dataset.name!r} of node {node!r} cannot be saved as {dataset.type}: "
            f"{type(error).__name__}: {error}",
            hint="return what this dataset type can hold, or change its type in the catalog",
        ) from error


def save_digest(dataset: datasets.Dataset, saver: str = "") -> str:
    """The digest of how a dataset is saved, with that of the project's class that does it."""
    found = values.of(dict(dataset.save_spec)).digest
    return hashing.combine("saved by", found, saver) if saver else found


def unique() -> str:
    """A digest that no other value will ever have: for one that cannot be digested."""
    return "?" + os.urandom(16).hex()


def is_unique(kept: records.Kept) -> bool:
    """Whether the value has no digest of its own (a generator, a lock): nothing that rests on it can be reused."""
    return kept.digest.startswith("?")
