"""Sources that cannot be seen to have changed: when the version that an earlier run loaded is good enough.

A service or a table must be loaded to be known. `refresh: once` and `refresh: 6h` spare that; so does a dataset whose
own `digest()` says that it is what it was. The ledger's versions do not say when a source was last loaded - a run that
used a kept version has it among its sources too, and an unchanged one keeps its first time -, so each load of such a
source is an event of the ledger that says when, what was loaded, how, and from where.
"""

from __future__ import annotations

import getpass
import math
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from tane import fielded
from tane.catalog import datasets, durations
from tane.digest import hashing, values
from tane.ledger import connection, read, records, write
from tane.store import objects

KIND = "source loaded"
now = time.time


class Look(NamedTuple):
    """What is known of a source before it is loaded.

    `kept` is the version that is good enough, if there is one, and `why` says so in words, where that is worth a word;
    `identity` is what its own `digest()` says of it now.
    """

    kept: records.Kept | None
    why: str = ""
    identity: str | None = None


def look(dataset: datasets.Dataset, ledger: connection.Ledger, store: objects.Objects) -> Look:
    """Look whether the source must be loaded."""
    if dataset.refresh == durations.ALWAYS and not dataset.identifies:
        return Look(None)
    last = None if dataset.lazy else _last(dataset, ledger, store)
    if last is not None:
        kept, at, then = last
        age = max(0.0, now() - at)
        if age < dataset.refresh:
            said = durations.words(dataset.refresh)
            return Look(kept, f"the version loaded {durations.about(age)} ago is used (refresh: {said})")
    identity = dataset.digest() if dataset.identifies else None
    if last is not None and identity is not None and identity == then:
        return Look(kept)
    return Look(None, identity=identity)


def _last(
    dataset: datasets.Dataset, ledger: connection.Ledger, store: objects.Objects
) -> tuple[records.Kept, float, str | None] | None:
    """What was loaded last in this way, when, and what it was identified by; None when it is no longer there."""
    event = next(iter(read.events(ledger, subject=dataset.name, kind=KIND, limit=1)), None)
    if event is None or event.detail.get("loaded_as") != _way(dataset):
        return None
    kept = _kept(event.detail["kept"])
    wanted = kept.file or kept.value
    return (kept, event.at, event.detail.get("identity")) if wanted and store.check(wanted) == "ok" else None


def note(dataset: datasets.Dataset, kept: records.Kept, ledger: connection.Ledger, identity: str | None) -> None:
    """Put on record that the source was loaded now. `identity` is what its own `digest()` said before."""
    if dataset.refresh == durations.ALWAYS and identity is None:
        return
    detail: dict[str, Any] = {"kept": fielded.asdict(kept), "loaded_as": _way(dataset)}
    if identity is not None:
        detail["identity"] = identity
    write.add_event(ledger, records.Event(KIND, dataset.name, now(), _actor(), detail))


def rests_on_time(dataset: datasets.Dataset) -> bool:
    """Whether a kept version stops being good enough by itself."""
    return not math.isinf(dataset.refresh)


def _way(dataset: datasets.Dataset) -> str:
    """How and from where it is loaded: another address or another option makes another source of it."""
    return hashing.combine("loaded as", values.of(dict(dataset.load_spec)).digest, dataset.place)


def _kept(stored: Mapping[str, Any]) -> records.Kept:
    return records.Kept(**{**stored, "classes": tuple(stored["classes"]), "libraries": tuple(stored["libraries"])})


def _actor() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without that user
        return ""
