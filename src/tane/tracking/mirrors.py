"""Several sinks at once: what is logged goes to the ledger and to every other sink that is named, the same to each.

A sink is a small class. It is made with the text behind its name ("jsonl:runs" makes one with "runs"), `write` gets one
fact after the other as a plain mapping, and `close`, if it has one, is called when its run or step ends. Facts are

    {"event": "started", "run": ..., "name": ..., "params": {...}, ...}
    {"event": "params", "params": {name: value}}
    {"event": "metrics", "step": 3, "metrics": {name: number}}
    {"event": "tags", "tags": {name: text}}
    {"event": "note", "note": "..."}
    {"event": "artifact", "name": ..., "kind": ..., "file": the path of a file or folder, to be copied in the call}
    {"event": "ended", "status": ..., "error": ...}

each with "run", "node" and "at". A sink that fails is told of once and left out from then on: the run goes on.
"""

from __future__ import annotations

import functools
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from tane import errors, events, fielded
from tane.ledger import connection, records, rows
from tane.project import loading, points
from tane.store import objects
from tane.tracking import jsonlines, plain, sinks

GROUP = "tane.sinks"  # the entry points by which installed packages offer sinks
LEDGER = "ledger"
_OWN: dict[str, Callable[[str], Any]] = {"jsonl": jsonlines.JsonLines}
_log = logging.getLogger("tane.tracking")


class Mirror(Protocol):
    """What a sink beside the ledger is."""

    def write(self, fact: Mapping[str, Any]) -> None:
        """Take one fact; when it returns, the fact is kept."""


@fielded.frozen
class Setup:
    """What goes with the ledger: other sinks as they were named, seen from which folder, with the folder of the modules
    that they may name; and the secrets that must not be shown.
    """

    names: tuple[str, ...] = ()
    root: str = ""
    source: str = ""
    secrets: tuple[str, ...] = ()


NOTHING = Setup()


class First(Protocol):
    """The sink that all others follow: the ledger's, or `Nowhere`."""

    run: str
    node: str | None

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record parameters."""

    def log_points(self, points: Sequence[records.MetricPoint]) -> None:
        """Record points."""

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags."""

    def set_note(self, note: str) -> None:
        """Give the run its note."""

    def log_file(self, path: str, name: str, kind: str) -> None:
        """Keep a file or folder."""

    def log_data(self, data: bytes, name: str, kind: str) -> None:
        """Keep bytes as a file."""


class Nowhere:
    """In place of the ledger, for a run that is to be kept by other sinks alone."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.node: str | None = None

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Nothing."""

    def log_points(self, points: Sequence[records.MetricPoint]) -> None:
        """Nothing."""

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Nothing."""

    def set_note(self, note: str) -> None:
        """Nothing."""

    def log_file(self, path: str, name: str, kind: str) -> None:
        """Nothing."""

    def log_data(self, data: bytes, name: str, kind: str) -> None:
        """Nothing."""


class Mirrored:
    """A sink that hands on what the first has taken to all others."""

    pruned: errors.PrunedTrial | None = None

    def __init__(self, first: First, others: Sequence[Mirror], secrets: plain.Secrets = ()) -> None:
        self.run = first.run
        self.node = first.node
        self._first = first
        self._others = list(others)
        self._secrets = secrets
        self._next: dict[str, int] = {}
        self._counting = threading.Lock()
        self._whole: Mirrored | None = None

    @property
    def place(self) -> tuple[Path, Path] | None:
        """The files of the ledger and the store, where the first sink is the ledger's."""
        return self._first.place if isinstance(self._first, sinks.LedgerSink) else None

    def whole(self) -> Mirrored:
        """The same run, of no step in particular."""
        with self._counting:
            if self._whole is None:
                first = self._first.whole() if isinstance(self._first, sinks.LedgerSink) else self._first
                self._whole = Mirrored(first, self._others, self._secrets)
            return self._whole

    def go_on_from(self, steps: Mapping[str, int]) -> None:
        """Count points without a step from here, by metric."""
        with self._counting:
            self._next.update(steps)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record parameters."""
        found = plain.params(params, self._secrets)
        self._first.log_params(found)
        self.tell("params", params=found)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None) -> None:
        """Record one point of each metric."""
        now = time.time()
        logged = [
            records.MetricPoint(rows.clean(name), value, self._step(name, step), now) for name, value in metrics.items()
        ]
        self._first.log_points(logged)
        by_step: dict[int, dict[str, float]] = {}
        for point in logged:
            by_step.setdefault(point.step, {})[point.name] = point.value
        for at, values in by_step.items():
            self.tell("metrics", now, step=at, metrics=values)

    def report(self, value: float, step: int | None, name: str) -> None:
        """Record one point of how far it has come."""
        self.log_metrics({name or events.REPORT: value}, step)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags."""
        found = plain.tags(tags, self._secrets)
        self._first.set_tags(found)
        self.tell("tags", tags=found)

    def set_note(self, note: str) -> None:
        """Give the run its note."""
        found = plain.said(note, self._secrets)
        self._first.set_note(found)
        self.tell("note", note=found)

    def log_file(self, path: str, name: str, kind: str) -> None:
        """Keep a file or folder."""
        self._first.log_file(path, name, kind)
        self.tell("artifact", name=name, kind=kind, file=path)

    def log_data(self, data: bytes, name: str, kind: str) -> None:
        """Keep bytes as a file."""
        if self._secrets and kind in sinks.TEXTS:
            data = plain.text(data.decode(), self._secrets).encode()
        self._first.log_data(data, name, kind)
        import tempfile  # slow to import

        with tempfile.TemporaryDirectory(prefix="tane-") as folder:
            file = Path(folder, "data")
            file.write_bytes(data)
            self.tell("artifact", name=name, kind=kind, file=str(file))

    def tell(self, event: str, at: float = 0.0, **content: Any) -> None:
        """Have all others take a fact."""
        fact = {"event": event, "run": self.run, "node": self.node or "", "at": at or time.time(), **content}
        for other in tuple(self._others):
            try:
                other.write(fact)
            except Exception as error:
                self._others.remove(other)
                _log.warning(
                    "the sink %s gets nothing more of run %s: it failed with %s: %s",
                    type(other).__name__,
                    self.run,
                    type(error).__name__,
                    error,
                )

    def close(self) -> None:
        """Let the others end what they have open."""
        for other in tuple(self._others):
            close = getattr(other, "close", None)
            if close is not None:
                try:
                    close()
                except Exception as error:
                    _log.warning("the sink %s failed to close: %s", type(other).__name__, error)

    def _step(self, name: str, step: int | None) -> int:
        with self._counting:
            chosen = self._next.get(name, 0) if step is None else step
            self._next[name] = chosen + 1
        return chosen


def opened(names: Sequence[Any], root: Path, source: Path) -> list[Mirror]:
    """The sinks of these names, places seen from `root`, modules from `source`. An object is taken as it is.

    A name is "jsonl:FOLDER", "NAME:place" of an installed one, or "module:Class" with ":place" behind it. Raises
    `errors.UsageError` with all that are none.
    """
    found: list[Mirror] = []
    faults: list[errors.Fault] = []
    for name in names:
        if name == LEDGER:
            continue
        try:
            found.append(_open(name, root, source) if isinstance(name, str) else _checked(name, repr(name)))
        except errors.TaneError as error:
            faults += error.faults
    if faults:
        raise errors.UsageError.of(faults, f"{len(faults)} sinks cannot be used")
    return found


def of_step(ledger: connection.Ledger, store: objects.Objects, run: str, node: str, setup: Setup) -> events.Sink:
    """What a step of a run logs to."""
    first = sinks.LedgerSink(ledger, store, run, node, setup.secrets)
    if not setup.names:
        return first
    return Mirrored(first, _of_process(setup, os.getpid()), setup.secrets)


def of_run(run: str, setup: Setup, node: str | None = None) -> Mirrored:
    """The other sinks of a run, or of one of its steps, without the ledger."""
    first = Nowhere(run)
    first.node = node
    return Mirrored(first, _of_process(setup, os.getpid()), setup.secrets)


def described(run: records.RunRecord, secrets: plain.Secrets = ()) -> dict[str, Any]:
    """What the other sinks are told of a run that begins."""
    return {
        "name": run.name,
        "kind": run.kind,
        "pipeline": run.pipeline,
        "experiment": run.experiment,
        "group": run.group,
        "job_type": run.job_type,
        "parent": run.parent,
        "study": run.study,
        "trial": run.trial,
        "command": list(run.command),
        "git": dict(run.git),
        "host": run.host,
        "user": run.user,
        "python": run.python,
        "params": plain.params(run.params, secrets),
    }


@functools.lru_cache(maxsize=8)
def _of_process(setup: Setup, process: int) -> tuple[Mirror, ...]:
    """The sinks that all steps of a process share."""
    return tuple(opened(setup.names, Path(setup.root), Path(setup.source)))


def split(text: str) -> tuple[str, ...]:
    """The names in a list with commas between them."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _open(name: str, root: Path, source: Path) -> Mirror:
    head, _, place = name.partition(":")
    make: Any = _OWN.get(head)
    if make is not None:
        return _checked(make(str(root / (place or "runs"))), name)
    installed = {point.name: point for point in points.installed(GROUP)}
    if head in installed:
        target = loading.named(installed[head].path, source, installed[head].whence).target
    elif place:
        word, _, place = place.partition(":")
        target = loading.named(f"{head}:{word}", source, f"sink {name!r}").target
    else:
        known = [LEDGER, *_OWN, *installed]
        hint = errors.did_you_mean(head, known, f"there are {', '.join(known)}, and your own as 'module:Class'")
        raise errors.UsageError(f"there is no sink {name!r}", hint=hint)
    try:
        return _checked(target(place) if isinstance(target, type) else target, name)
    except errors.TaneError:
        raise
    except Exception as error:
        raise errors.UsageError(
            f"the sink {name!r} cannot be made: {type(error).__name__}: {error}",
            hint="its class is called with one text, what stands behind its name",
        ) from error


def _checked(target: Any, name: str) -> Mirror:
    if not callable(getattr(target, "write", None)):
        raise errors.UsageError(f"{name} is no sink: it has no write()", hint="write def write(self, fact)")
    found: Mirror = target
    return found
