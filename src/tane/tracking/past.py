"""A run as Python sees it: `tane.get_run`. Also what an open run has so far.

Everything is read when it is asked for, so a run that goes on shows what it has got to. Nothing stays open.
"""

from __future__ import annotations

import builtins
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from tane import errors, fielded, outcomes
from tane.ledger import connection, read, records
from tane.store import objects
from tane.tracking import media, places


@fielded.frozen(eq=False)
class Series:
    """One metric of a run: `last`, `min`, `max` and `count` of its points, and the points themselves."""

    name: str
    last: float
    min: float
    max: float
    count: int
    _run: RecordedRun = fielded.field(repr=False)

    @property
    def points(self) -> list[records.MetricPoint]:
        """Its points by step; each has `step`, `value` and `at`, the time in seconds since 1970."""
        with self._run.ledger() as ledger:
            return read.series(ledger, self._run.id, self.name)

    @property
    def steps(self) -> list[int]:
        """The step of each point."""
        return [point.step for point in self.points]

    @property
    def values(self) -> list[float]:
        """The value of each point."""
        return [point.value for point in self.points]

    def best(self, mode: Literal["min", "max"] = "min") -> records.MetricPoint:
        """The first point with the least value, with "max" the greatest. Raises `errors.UsageError` if all are NaN."""
        if mode not in ("min", "max"):
            raise errors.UsageError(f"mode is {mode!r}", hint='write "min" or "max"')
        known = [point for point in self.points if point.value == point.value]
        if not known:
            raise errors.UsageError(f"metric {self.name!r} has no number but NaN", hint="look at its points")
        return min(known, key=lambda point: point.value if mode == "min" else -point.value)

    def __float__(self) -> float:
        return self.last

    def __len__(self) -> int:
        return self.count


@fielded.frozen(eq=False)
class LoggedFile:
    """One artifact of a run: `kind` is how it was logged ("file", "folder", "text", "table", "model", ...)."""

    name: str
    kind: str
    bytes: int
    digest: str
    _store: Path = fielded.field(repr=False)

    def read(self) -> builtins.bytes:
        """The bytes of a file, checked against its digest."""
        with objects.Objects(self._store, read_only=True) as store:
            if store.is_tree(self.digest):
                raise errors.UsageError(f"artifact {self.name!r} is a folder", hint="call save(path) to lay it out")
            return store.read(self.digest)

    def load(self) -> Any:
        """What was logged: a model as the object, a table as a data frame or rows, a document, a text, an image.

        It is checked against its digest first. A model is unpickled, which runs code: load none of a ledger you do not
        trust.
        """
        with objects.Objects(self._store, read_only=True) as store:
            if store.is_tree(self.digest):
                raise errors.UsageError(f"artifact {self.name!r} is a folder", hint="call save(path) to lay it out")
            with store.named(self.digest, Path(self.name).name) as path:
                return media.read(path, self.name, self.kind)

    def save(self, path: str | Path) -> Path:
        """Write the file or folder to `path`, whole or not at all."""
        with objects.Objects(self._store, read_only=True) as store:
            store.place(self.digest, path)
        return Path(path)


class RecordedRun:
    """A run in a ledger: what it was, what it logged. Made by `tane.get_run`."""

    def __init__(self, run: str, ledger: Path, store: Path) -> None:
        self.id = run
        self._places = (ledger, store)

    def __repr__(self) -> str:
        found = self.record
        return f"<run {self.id}{f' {found.name!r}' if found.name else ''}: {found.status}>"

    @contextmanager
    def ledger(self) -> Iterator[connection.Ledger]:
        """Its ledger, open to be read."""
        opened = connection.open_ledger(self._places[0], create=False)
        try:
            yield opened
        finally:
            opened.close()

    @property
    def record(self) -> records.RunRecord:
        """All that the ledger has of the run as such."""
        with self.ledger() as ledger:
            return read.run(ledger, self.id)

    @property
    def name(self) -> str:
        """Its name."""
        return self.record.name

    @property
    def status(self) -> outcomes.RunStatus:
        """How it stands: "running", "succeeded", "failed", "interrupted", "killed"."""
        return self.record.status

    @property
    def error(self) -> str:
        """What ended it, where it failed."""
        return self.record.error

    @property
    def experiment(self) -> str:
        """The experiment it belongs to; empty when to none."""
        return self.record.experiment

    @property
    def parent(self) -> str:
        """The run it is nested in; empty when in none."""
        return self.record.parent

    @property
    def children(self) -> list[str]:
        """The runs nested in it, oldest first."""
        with self.ledger() as ledger:
            return [run.run for run in reversed(read.runs(ledger, parent=self.id))]

    @property
    def seconds(self) -> float:
        """How long it took, or has taken so far."""
        found = self.record
        return (found.ended or time.time()) - found.started

    @property
    def params(self) -> dict[str, Any]:
        """Its parameters by dotted name: those it was started with, and those logged."""
        with self.ledger() as ledger:
            return read.params(ledger, self.id, whole=True)

    @property
    def metrics(self) -> dict[str, Series]:
        """Its metrics by name, each with its points."""
        with self.ledger() as ledger:
            found = read.metrics(ledger, self.id)
        return {each.name: Series(each.name, each.last, each.min, each.max, each.count, self) for each in found}

    @property
    def tags(self) -> dict[str, str]:
        """Its tags."""
        with self.ledger() as ledger:
            return read.tags(ledger, self.id)

    @property
    def note(self) -> str:
        """Its note, in Markdown."""
        with self.ledger() as ledger:
            return read.note(ledger, self.id)

    @property
    def artifacts(self) -> dict[str, LoggedFile]:
        """What it keeps as files, by name."""
        with self.ledger() as ledger:
            found = read.artifacts(ledger, self.id)
        return {one.path: LoggedFile(one.path, one.kind, one.bytes, one.file, self._places[1]) for one in found}

    def artifact(self, name: str) -> LoggedFile:
        """The artifact of that name, with or without its suffix. Raises `errors.UsageError` when there is none."""
        found = self.artifacts
        chosen = [each for each in found if each == name] or [each for each in found if _stem(each) == name]
        if len(chosen) == 1:
            return found[chosen[0]]
        if chosen:
            raise errors.UsageError(f"{name!r} stands for {len(chosen)} artifacts", hint=f"write {', '.join(chosen)}")
        otherwise = f"it has: {', '.join(found)}" if found else "it has none"
        raise errors.UsageError(
            f"run {self.id} has no artifact {name!r}", hint=errors.did_you_mean(name, found, otherwise)
        )


def get_run(run: str = "last", *, path: str | Path = ".") -> RecordedRun:
    """The run of that id (or its beginning, or its name; "last": the newest) in the records of the folder `path`.

    Raises `errors.UsageError` when there is none.
    """
    home = places.looked_for(path)
    ledger = connection.open_ledger(home.ledger, create=False)
    try:
        return RecordedRun(read.run(ledger, run).run, home.ledger, home.store)
    finally:
        ledger.close()


def load_artifact(run: str | RecordedRun, name: str, *, path: str | Path = ".") -> Any:
    """What `run` has logged as `name`, checked against its digest: a model, a table, a text, an image, ...

    A model is unpickled, which runs code: load none of a ledger you do not trust. Files are given as bytes.
    """
    found = run if isinstance(run, RecordedRun) else get_run(run, path=path)
    return found.artifact(name).load()


def _stem(name: str) -> str:
    return Path(name).with_suffix("").as_posix()
