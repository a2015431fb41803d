"""Writes what happens in a run into the ledger, in batches, without making the run wait.

A row is committed when every object it names is in place: the store is flushed first. A step is on record at most
`_DELAY` seconds after it ended, whatever the next one does, since a thread of its own writes what has gathered; or that
of a `Clerk`, where many short runs follow each other.
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
_IDLE = 1.0  # seconds without a recorder after which a clerk's thread ends


class Recorder:
    """The one writer of a run's steps."""

    def __init__(
        self,
        ledger: connection.Ledger,
        store: objects.Objects,
        run: str,
        also: Callable[[], None],
        clerk: Clerk | None = None,
    ) -> None:
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
        self._clerk = clerk
        self._attended = False  # somebody looks after it by now
        self._thread: threading.Thread | None = None
        self._beaten = time.monotonic()

    def document(self, digest: str, content: Mapping[str, Any]) -> str:
        """Have `content` kept under `digest` before any step that names it."""
        if digest not in self._known_documents:
            self._known_documents.add(digest)
            with self._gathering:
                self._documents[digest] = content
            if not self._attended:  # a step is about to work: its run is to show that it lives, however long it takes
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
            if not self._attended:
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
        try:
            if self._failure is None:
                self.flush()  # here, and not there: waking the thread takes longer than writing
        finally:
            self._closing.set()
            self._wake.set()
            if self._thread is not None:
                self._thread.join()
            if self._clerk is not None:
                self._clerk.leave(self)
        if self._failure is not None:
            raise self._failure

    def _start(self) -> None:
        if self._clerk is not None:
            self._clerk.attend(self)
            self._attended = True
            return
        thread = threading.Thread(target=self._write_soon, name="tane-recorder", daemon=True)
        thread.start()
        self._thread = thread  # only now: an interrupt may come between, and `close` joins what was started
        self._attended = True

    def _write_soon(self) -> None:
        while not self._closing.is_set():
            self._wake.wait(_BEAT / 2)
            self._wake.clear()
            if self._pending:
                self._closing.wait(_DELAY)  # more steps may come to go with these
            if not self.look():
                return

    def look(self) -> bool:
        """Write what has gathered, and show that the run lives. False when that has failed: `add` raises it."""
        try:
            self.flush()
            self._also()
            self._beat()
        except BaseException as error:
            self._failure = error
            return False
        return True

    def _beat(self) -> None:
        if time.monotonic() - self._beaten >= _BEAT / 2:
            self._beaten = time.monotonic()
            write.beat(self._ledger, self._run)


class Clerk:
    """Looks after one recorder after the other, in a thread that outlives them: a run of a few milliseconds is over
    before one of its own would have begun.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._there = threading.Event()
        self._recorder: Recorder | None = None
        self._thread: threading.Thread | None = None

    def attend(self, recorder: Recorder) -> None:
        """Look after `recorder` until it leaves."""
        with self._lock:
            self._recorder = recorder
            self._there.set()
            if self._thread is None or not self._thread.is_alive():  # a forked process has none
                self._thread = threading.Thread(target=self._work, name="tane-clerk", daemon=True)
                self._thread.start()

    def leave(self, recorder: Recorder) -> None:
        """Let go of `recorder`, as soon as it is not being looked at."""
        with self._lock:
            if self._recorder is recorder:
                self._recorder = None
                self._there.clear()

    def _work(self) -> None:
        while True:
            if not self._there.wait(_IDLE):
                with self._lock:
                    if not self._there.is_set():
                        self._thread = None
                        return
            time.sleep(_DELAY)
            with self._lock:
                if self._recorder is not None and not self._recorder.look():
                    self._recorder = None
                    self._there.clear()
