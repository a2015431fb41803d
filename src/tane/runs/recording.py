"""Writes what happens in a run into the ledger, in batches, without making the run wait.

A row is committed when every object it names is in place: the store is flushed first. A step is on record at most
`_DELAY` seconds after it ended, whatever the next one does, since a thread of its own writes what has gathered.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from tane.ledger import connection, records, write
from tane.store import objects

_DELAY = 0.05
_BATCH = 512
_BEAT = 10.0


class Recorder:
    """The one writer of a run's steps."""

    def __init__(self, ledger: connection.Ledger, store: objects.Objects, run: str, also: Callable[[], None]) -> None:
        self._ledger = ledger
        self._also = also  # what else is to be written as often: the log
        self._store = store
        self._run = run
        self._pending: list[records.StepRecord] = []
        self._documents: dict[str, Mapping[str, Any]] = {}
        self._known_documents: set[str] = set()
        self._gathering = threading.Lock()
        self._writing = threading.Lock()  # apart, so that the run can go on while a batch is written
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._beaten = time.monotonic()

    def document(self, digest: str, content: Mapping[str, Any]) -> str:
        """Have `content` kept under `digest` before any step that names it."""
        if digest not in self._known_documents:
            self._known_documents.add(digest)
            with self._gathering:
                self._documents[digest] = content
            if self._thread is None:  # a step is about to work: its run is to show that it lives, however long it takes
                self._start()
        return digest

    def add(self, step: records.StepRecord) -> None:
        """Have a step recorded soon. Raises what an earlier attempt in the background failed with."""
        if self._failure is not None:
            raise self._failure
        with self._gathering:
            self._pending.append(step)
            count = len(self._pending)
        if count >= _BATCH:
            self.flush()
        elif count == 1:
            self._wake.set()
            if self._thread is None:
                self._start()

    def flush(self) -> None:
        """Write what has gathered, now."""
        with self._writing:
            with self._gathering:
                pending, self._pending = self._pending, []
                documents, self._documents = self._documents, {}
            if pending or documents:
                self._store.flush()
                write.add_steps(self._ledger, self._run, pending, documents)

    def close(self) -> None:
        """Write the rest and end the thread."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        if self._failure is not None:
            raise self._failure
        self.flush()

    def _start(self) -> None:
        thread = threading.Thread(target=self._write_soon, name="tane-recorder", daemon=True)
        thread.start()
        self._thread = thread  # only now: an interrupt may come between, and `close` joins what was started

    def _write_soon(self) -> None:
        while not self._closing.is_set():
            self._wake.wait(_BEAT / 2)
            self._wake.clear()
            if self._pending:
                self._closing.wait(_DELAY)  # more steps may come to go with these
            try:
                self.flush()
                self._also()
                self._beat()
            except BaseException as error:
                self._failure = error
                return

    def _beat(self) -> None:
        if time.monotonic() - self._beaten >= _BEAT / 2:
            self._beaten = time.monotonic()
            write.beat(self._ledger, self._run)
