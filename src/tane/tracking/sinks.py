"""Where logged things go: the ledger and the store, or memory for a run that keeps nothing.

A sink stands for one run (and one of its steps). Every call is written when it returns, so it survives a crash.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tane.ledger import connection, records, write
from tane.store import objects


class LedgerSink:
    """Writes into the ledger and the store; usable from any process that can open them."""

    def __init__(self, ledger: connection.Ledger, store: objects.Objects, run: str, node: str | None = None) -> None:
        self.run = run
        self._ledger = ledger
        self._store = store
        self.node = node
        self._next: dict[str, int] = {}
        self._counting = threading.Lock()
        self._whole: LedgerSink | None = None

    def whole(self) -> LedgerSink:
        """The same run, of no step in particular."""
        with self._counting:
            if self._whole is None:
                self._whole = LedgerSink(self._ledger, self._store, self.run)
            return self._whole

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record parameters; nested mappings are flattened to dotted names."""
        write.log_params(self._ledger, self.run, flatten(params))

    def log_metrics(self, metrics: Mapping[str, float], step: int | None) -> None:
        """Record one point of each metric; without a step the points are counted from 0."""
        now = time.time()
        points = [
            records.MetricPoint(name, float(value), self._step(name, step), now) for name, value in metrics.items()
        ]
        write.log_metrics(self._ledger, self.run, self.node, points)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags; a tag set again takes the new value."""
        write.set_tags(self._ledger, self.run, {name: str(value) for name, value in tags.items()})

    def log_file(self, path: str, name: str, kind: str) -> None:
        """Keep a file or folder as an artifact called `name`."""
        source = Path(path)
        digest = self._store.put_path(source)
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

    def __init__(self, run: str) -> None:
        self.run = run
        self.params: dict[str, Any] = {}
        self.points: list[records.MetricPoint] = []
        self.tags: dict[str, str] = {}
        self.files: dict[str, bytes] = {}
        self._next: dict[str, int] = {}

    def whole(self) -> MemorySink:
        """Itself: it knows nothing of steps."""
        return self

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Keep parameters, flattened."""
        self.params.update(flatten(params))

    def log_metrics(self, metrics: Mapping[str, float], step: int | None) -> None:
        """Keep one point of each metric."""
        for name, value in metrics.items():
            at = self._next.get(name, 0) if step is None else step
            self._next[name] = at + 1
            self.points.append(records.MetricPoint(name, float(value), at, time.time()))

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Keep tags."""
        self.tags.update({name: str(value) for name, value in tags.items()})

    def log_file(self, path: str, name: str, kind: str) -> None:
        """Keep the bytes of a file, or of each file of a folder."""
        source = Path(path)
        if source.is_dir():
            for file in sorted(f for f in source.rglob("*") if f.is_file()):
                self.files[f"{name}/{file.relative_to(source).as_posix()}"] = file.read_bytes()
        else:
            self.files[name] = source.read_bytes()


def flatten(params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one level of dotted names; empty mappings stay as they are."""
    flat: dict[str, Any] = {}
    for key, value in params.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            flat.update(flatten(value, name + "."))
        else:
            flat[name] = value
    return flat
