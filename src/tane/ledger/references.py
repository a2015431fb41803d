"""Which objects a ledger names, by whom, and whose values were given up. Collection and `health` ask; it only reads.

An object is named by what steps made and took, items and the inputs of failed steps among them; by artifacts; by the
patch of a run's uncommitted code; by what a backfill has pinned for its windows; by the events that say what a source
was when it was last loaded, and what a file held before a run replaced it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from tane.ledger import connection, leases, read, records, rows

GIVEN_UP = "values given up"  # the kind of the event that says whose: their records stay
REPLACED = "file replaced"  # the kind of the event that says what a file held that somebody had changed by hand
_CHUNK = 500
_PATCH = '"diff":"'


class Line(NamedTuple):
    """A run as one of a line of runs of which the newest are kept: those of one kind and pipeline."""

    run: str
    line: tuple[str, str]
    started: float
    of: str  # the run whose fate it shares: its backfill, or itself
    deleted: float = 0.0  # when it was deleted


class Naming(NamedTuple):
    """Who names an object: a run, and the name it has there."""

    run: str
    name: str


def lines(ledger: connection.Ledger) -> list[Line]:
    """All runs, newest first."""
    found = ledger.rows("select run, kind, pipeline, started, name, deleted from runs order by id desc")
    known = {run for run, *_ in found}
    return [
        Line(run, (kind, pipeline), started, _shares(run, kind, name, known), deleted)
        for run, kind, pipeline, started, name, deleted in found
    ]


def _shares(run: str, kind: str, name: str, known: Collection[str]) -> str:
    above = name.partition("/")[0] if kind == records.WINDOW else run
    return above if above in known else run


def given_up(ledger: connection.Ledger) -> set[str]:
    """The runs whose values were given up, and which have not been resumed since."""
    at: dict[str, float] = {}
    for event in read.events(ledger, kind=GIVEN_UP):
        at.update((run, event.at) for run in event.detail["runs"] if run not in at)
    if not at:
        return set()
    lived = {
        run: ended or lease - leases.LEASE for run, ended, lease in ledger.rows("select run, ended, lease from runs")
    }
    return {run for run, since in at.items() if run in lived and lived[run] <= since}


def giving_up(runs: Iterable[str], actor: str) -> records.Event:
    """The event that says that the values of these runs are not needed any more."""
    return records.Event(GIVEN_UP, "runs", time.time(), actor, {"runs": sorted(runs)})


def replaced(path: str, digest: str, run: str) -> records.Event:
    """The event that says what a file held, changed by hand, before `run` replaced it."""
    kept = {"name": path, "digest": digest, "file": digest}
    return records.Event(REPLACED, path, time.time(), run, {"kept": kept, "run": run})


def named(ledger: connection.Ledger, without: Collection[str] = ()) -> set[str]:
    """The digests of all objects that runs name, those of `without` left out."""
    with ledger.reading():
        found = {digest for each in _kept(ledger, without) for digest in each}
        found.update(digest for _, digest in _patches(ledger))
        found.update(digest for digest, _ in _pinned(ledger, without))
        found.update(digest for digest, _ in _told(ledger, without))
    return found - {"", None}


def _numbers(ledger: connection.Ledger, runs: Collection[str]) -> set[int]:
    wanted = sorted(runs)
    found: set[int] = set()
    for start in range(0, len(wanted), _CHUNK):
        part = wanted[start : start + _CHUNK]
        marks = ",".join("?" * len(part))
        found.update(row[0] for row in ledger.rows(f"select id from runs where run in ({marks})", part))
    return found


def _kept(ledger: connection.Ledger, without: Collection[str]) -> Iterator[tuple[str, ...]]:
    left_out = _numbers(ledger, without)
    if left_out:
        used = {kept for run, kept in ledger.rows("select distinct run, kept from outputs") if run not in left_out}
    else:
        used = {kept for (kept,) in ledger.rows("select distinct kept from outputs")}
    for number, value, file in ledger.rows("select id, value, file from kept"):
        if number in used:
            yield value, file
    for run, file in ledger.rows("select run, file from artifacts"):
        if run not in left_out:
            yield (file,)


def _patches(ledger: connection.Ledger) -> Iterator[tuple[str, str]]:
    """The patches of runs: part of the record, whatever becomes of the values."""
    for run, detail in ledger.rows("select run, detail from runs"):
        if detail.count(_PATCH) > detail.count(_PATCH + '"'):  # parsing all of them would take its time
            yield run, (rows.parsed(detail).get("git") or {}).get("diff", "")


def _pinned(ledger: connection.Ledger, without: Collection[str]) -> Iterator[tuple[str, Naming]]:
    """What backfills have pinned for their windows."""
    for run, detail in ledger.rows("select run, detail from runs where kind = ?", (records.BACKFILL,)):
        said = (rows.parsed(detail).get("config") or {}).get("backfill") or {}
        if run in without or not said.get("pins"):
            continue
        for found in read.document(ledger, said["pins"]).values():
            for kept in found:
                yield from _objects(kept, run)


def _told(ledger: connection.Ledger, without: Collection[str]) -> Iterator[tuple[str, Naming]]:
    """What events name: of a source that which was loaded last, since runs may go by it; of replaced files each."""
    last: set[tuple[str, str]] = set()
    for event in read.events(ledger):
        kept = event.detail.get("kept") if isinstance(event.detail, dict) else None
        if not isinstance(kept, dict) or event.detail.get("run") in without:
            continue
        if event.kind != REPLACED:
            if (event.kind, event.subject) in last:
                continue
            last.add((event.kind, event.subject))
        yield from _objects(kept, str(event.detail.get("run", "")))


def _objects(kept: dict[str, Any], run: str) -> Iterator[tuple[str, Naming]]:
    for key in ("value", "file"):
        if kept.get(key):
            yield kept[key], Naming(run, str(kept.get("name", "")))


def namings(ledger: connection.Ledger, digests: Collection[str]) -> dict[str, list[Naming]]:
    """Who names each of `digests`, newest first."""
    wanted = sorted(set(digests))
    found: dict[str, dict[Naming, None]] = {digest: {} for digest in wanted}
    with ledger.reading():
        for start in range(0, len(wanted), _CHUNK):
            part = wanted[start : start + _CHUNK]
            marks = ",".join("?" * len(part))
            for column in ("value", "file"):
                for digest, run, name in ledger.rows(
                    f"select kept.{column}, runs.run, kept.name from kept join outputs on outputs.kept = kept.id "
                    f"join runs on runs.id = outputs.run where kept.{column} in ({marks}) order by runs.id desc",
                    part,
                ):
                    found[digest].setdefault(Naming(run, name))
            for digest, run, path in ledger.rows(
                "select artifacts.file, runs.run, artifacts.path from artifacts join runs on runs.id = artifacts.run "
                f"where artifacts.file in ({marks}) order by runs.id desc",
                part,
            ):
                found[digest].setdefault(Naming(run, path))
        for digest, naming in (*_pinned(ledger, ()), *_told(ledger, ())):
            if digest in found:
                found[digest].setdefault(naming)
        for run, digest in _patches(ledger):
            if digest in found:
                found[digest].setdefault(Naming(run, "its uncommitted changes"))
    return {digest: list(each) for digest, each in found.items()}


def sizes(ledger: connection.Ledger, digests: Collection[str]) -> dict[str, int]:
    """The bytes of those of `digests` that are files of datasets."""
    wanted = sorted(set(digests))
    found: dict[str, int] = {}
    for start in range(0, len(wanted), _CHUNK):
        part = wanted[start : start + _CHUNK]
        marks = ",".join("?" * len(part))
        found.update(ledger.rows(f"select file, bytes from kept where file in ({marks})", part))
    return found
