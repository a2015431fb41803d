"""Kept results in the form the catalog asks for today. A changed format is written again; the step is not repeated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tane import errors, fielded
from tane.catalog import catalogs, datasets
from tane.ledger import connection, read, records
from tane.runs import arguments, gathered, keeping, keying


class Formed(NamedTuple):
    """The outputs of a reused step; `converted` when some were written in another form than before."""

    kept: tuple[records.Kept, ...]
    converted: bool


def bring(
    found: Sequence[records.Kept],
    names: Sequence[str],
    catalog: catalogs.Catalog,
    place: arguments.Place,
    keys: keying.Keys,
    node: str,
    *,
    keep: bool,
) -> Formed | str:
    """The kept outputs `found` as outputs called `names`, saved as the catalog says.

    When one cannot be had without running the step again, the result says which and why.
    """
    if missing := lacking(found, names, catalog, keys, keep=keep):
        return missing
    outputs: list[records.Kept] = []
    converted = False
    for name, kept in zip(names, found, strict=True):
        dataset = catalog.entry(name)
        saver = keys.saver(dataset)
        if _fits(kept, dataset, saver, keep):
            outputs.append(kept if kept.name == name else fielded.replace(kept, name=name))
            continue
        try:
            value = gathered.load(kept.codec, kept.value, place.store)
        except errors.StoreError:
            return f"{name} is not in the store"
        made = keeping.keep(keeping.Output(name, dataset, keep, saver), value, place, node)
        if not (made.kept.value or made.kept.file):
            made = keeping.Made(fielded.replace(kept, name=name, file="", save=""))
        outputs.append(made.kept)
        converted = True
    return Formed(tuple(outputs), converted)


def lacking(
    found: Sequence[records.Kept], names: Sequence[str], catalog: catalogs.Catalog, keys: keying.Keys, *, keep: bool
) -> str:
    """Why the kept outputs `found` cannot be brought into the form asked for; empty when they can."""
    for name, kept in zip(names, found, strict=True):
        dataset = catalog.entry(name)
        if not _is_original(kept) and not _fits(kept, dataset, keys.saver(dataset), keep):
            return f"{name} is to be saved as {dataset.type}" if dataset is not None else f"{name} was not kept"
    return ""


def _is_original(kept: records.Kept) -> bool:
    """Whether the very value that was returned is kept: not only its file, nor what a class has loaded from it."""
    return bool(kept.value) and (not kept.save or kept.digest == kept.file)


def known(
    kept: records.Kept,
    name: str,
    catalog: catalogs.Catalog,
    ledger: connection.Ledger,
    keys: keying.Keys,
    *,
    keep: bool,
) -> records.Kept | None:
    """`kept` in the form asked for, as far as that is known without writing anything."""
    dataset = catalog.entry(name)
    saver = keys.saver(dataset)
    if _fits(kept, dataset, saver, keep):
        return kept
    if dataset is None or dataset.kind == "memory" or not kept.value:
        return None
    return read.saved(ledger, kept.value, keeping.save_digest(dataset, saver))


def _fits(kept: records.Kept, dataset: datasets.Dataset | None, saver: str, keep: bool) -> bool:
    """Whether `kept` is in the form that `dataset` asks for."""
    if dataset is None:
        return not kept.save and bool(kept.value or not keep)
    if dataset.kind == "memory":
        return not kept.save
    return kept.save == keeping.save_digest(dataset, saver)
