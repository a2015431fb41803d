"""Where logged things go: the ledger and the store, or memory for a run that keeps nothing.

A sink stands for one run (and one of its steps). Every call is written when it returns, so it survives a crash.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tane import errors, events
from tane.ledger import connection, read, records, rows, write
from tane.store import objects
from tane.tracking import plain

TEXTS = ("text", "document", "table")  # kinds of artifacts that are made of what a caller says
flatten = rows.flatten


class LedgerSink:
    """Writes into the ledger and the store; usable from any process that can open them."""

    pruned: errors.PrunedTrial | None = None

    def __init__(
        self,
        ledger: connection.Ledger,
        store: objects.Objects,
        run: str,
        node: str | None = None,
        secrets: plain.Secrets = (),
    ) -> None:
        self.run = run
        self._ledger = ledger
        self._store = store
        self.node = node
        self._secrets = secrets
        self._next: dict[str, int] = {}
        self._counting = threading.Lock()
        self._whole: LedgerSink | None = None

    def whole(self) -> LedgerSink:
        """The same run, of no step in particular."""
        with self._counting:
            if self._whole is None:
                self._whole = LedgerSink(self._ledger, self._store, self.run, secrets=self._secrets)
            return self._whole

    @property
    def place(self) -> tuple[Path, Path]:
        """The files of the ledger and the store."""
        return self._ledger.path, self._store.root

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record parameters; nested ones are flattened to dotted names."""
        write.log_params(self._ledger, self.run, plain.params(params, self._secrets))

    def log_metrics(self, metrics: Mapping[str, float], step: int | None) -> None:
        """Record one point of each metric; without a step the points are counted from 0."""
        now = time.time()
        if len(metrics) == 1:
            ((name, value),) = metrics.items()
            write.log_metric(self._ledger, self.run, self.node, name, float(value), self._step(name, step), now)
        else:
            points = [(name, self._step(name, step), float(value), now) for name, value in metrics.items()]
            write.log_values(self._ledger, self.run, self.node, points)

    def report(self, value: float, step: int | None, name: str) -> None:
        """Record one point of how far it has come; a run that is no trial just goes on."""
        self.log_metrics({name or events.REPORT: value}, step)

    def log_points(self, points: Sequence[records.MetricPoint]) -> None:
        """Record points that have their steps and times."""
        write.log_metrics(self._ledger, self.run, self.node, points)

    def go_on_from(self, steps: Mapping[str, int]) -> None:
        """Count points without a step from here, by metric."""
        with self._counting:
            self._next.update(steps)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags; a tag set again takes the new value."""
        write.set_tags(self._ledger, self.run, plain.tags(tags, self._secrets))

    def set_note(self, note: str) -> None:
        """Give the run its note."""
        write.set_note(self._ledger, self.run, plain.said(note, self._secrets))

    def log_file(self, path: str, name: str, kind: str) -> None:
        """Keep a file or folder as an artifact called `name`."""
        self._keep(self._store.put_path(Path(path)), name, kind)

    def log_data(self, data: bytes, name: str, kind: str) -> None:
        """Keep bytes as an artifact called `name`; of text, without known secrets."""
        if self._secrets and kind in TEXTS:
            data = plain.text(data.decode(), self._secrets).encode()
        self._keep(self._store.put(data), name, kind)

    def _keep(self, digest: str, name: str, kind: str) -> None:
        other = read.in_the_way(self._ledger, self.run, name)
        if other:
            raise errors.UsageError(
                f"{name!r} cannot name an artifact beside {other!r}: one would be a file and a folder",
                hint="choose another name",
            )
        self._store.flush()
        artifact = records.Artifact(name, digest, self._store.size(digest), kind)
        write.add_artifact(self._ledger, self.run, self.node, artifact)

    def _step(self, name: str, step: int | None) -> int:
        with self._counting:
            chosen = self._next.get(name, 0) if step is None else step
            self._next[name] = chosen + 1
        return chosen


class MemorySink:
    """Keeps what is logged in lists: for runs in memory and for tests."""

    pruned: errors.PrunedTrial | None = None

    def __init__(self, run: str) -> None:
        self.run = run
        self.params: dict[str, Any] = {}
        self.points: list[records.MetricPoint] = []
        self.tags: dict[str, str] = {}
        self.note = ""
        self.files: dict[str, bytes] = {}
        self._next: dict[str, int] = {}

    def whole(self) -> MemorySink:
        """Itself: it knows nothing of steps."""
        return self

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Keep parameters, flattened."""
        self.params.update(plain.params(params))

    def log_metrics(self, metrics: Mapping[str, float], step: int | None) -> None:
        """Keep one point of each metric."""
        for name, value in metrics.items():
            at = self._next.get(name, 0) if step is None else step
            self._next[name] = at + 1
            self.points.append(records.MetricPoint(name, float(value), at, time.time()))

    def report(self, value: float, step: int | None, name: str) -> None:
        """Keep one point of how far it has come."""
        self.log_metrics({name or events.REPORT: value}, step)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Keep tags."""
        self.tags.update(plain.tags(tags))

    def set_note(self, note: str) -> None:
        """Keep the note."""
        self.note = note

    def log_data(self, data: bytes, name: str, kind: str) -> None:
        """Keep bytes."""
        self.files[name] = data

    def log_file(self, path: str, name: str, kind: str) -> None:
        """Keep the bytes of a file, or of each file of a folder."""
        source = Path(path)
        if source.is_dir():
            for file in sorted(f for f in source.rglob("*") if f.is_file()):
                self.files[f"{name}/{file.relative_to(source).as_posix()}"] = file.read_bytes()
        else:
            self.files[name] = source.read_bytes()
