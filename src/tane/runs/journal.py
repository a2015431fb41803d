"""A run's log: one JSON object a line in `.tane/runs/<run>/log.jsonl`, events and what nodes log, each with its run
and node. Python's own logging goes in too, from worker processes as well.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tane import encoding, events

_encode = encoding.to_json(default=str)
_WAITING = 1024  # so many lines may wait for the next flush


class Journal:
    """Writes one run's log file. Lines of one process come in order; each line is written whole."""

    def __init__(self, folder: Path, run: str) -> None:
        self.path = folder / run / "log.jsonl"
        self.run = run
        self._waiting: deque[Mapping[str, Any]] = deque()
        self._lock = threading.Lock()
        self._file: int | None = None

    def observe(self, event: events.Event) -> None:
        """Note an event of the run."""
        content = event_fields(event)
        if content is not None:
            self.write(content)

    def write(self, content: Mapping[str, Any]) -> None:
        """Add one line, which is written with the next `flush`."""
        self._waiting.append({"at": round(time.time(), 3), "run": self.run, **content})
        if len(self._waiting) >= _WAITING:
            self.flush()

    def flush(self) -> None:
        """Bring the lines so far to the file."""
        with self._lock:
            waiting = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if not waiting:
                return
            data = ("\n".join(map(_encode, waiting)) + "\n").encode()
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            os.write(self._file, data)

    def close(self) -> None:
        """Write the rest."""
        self.flush()
        if self._file is not None:
            os.close(self._file)
            self._file = None


@contextmanager
def listening(journal: Journal) -> Iterator[None]:
    """While inside, Python's logging goes into `journal` too, from level INFO where nobody has set another.

    Of several runs at the same time each gets what its own steps say, and the last to end puts the level back.
    """
    root = logging.getLogger()
    with _changing:
        others = sum(isinstance(each, Handler) for each in root.handlers)
        handler = Handler(journal, None if len(root.handlers) > others else logging.lastResort)
        if not others:
            _before[:] = [root.level]
            if root.level == logging.WARNING:
                root.setLevel(logging.INFO)
        root.addHandler(handler)
    try:
        yield
    finally:
        with _changing:
            root.removeHandler(handler)
            if not any(isinstance(each, Handler) for each in root.handlers):
                root.setLevel(_before[0])


_changing = threading.Lock()
_before: list[int] = []  # the root logger's level, while somebody listens


_shown: deque[logging.LogRecord] = deque(maxlen=1)  # what belongs to no run comes to each that goes on


class Handler(logging.Handler):
    """Brings log records of user code into a run's log.

    Where logging is not set up, warnings go to `also`, as they would without this handler.
    """

    def __init__(self, journal: Journal, also: logging.Handler | None) -> None:
        super().__init__(logging.INFO)
        self._journal = journal
        self._also = also

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, with the node it comes from."""
        sink = events.current()
        if sink is not None and sink.run != self._journal.run:
            return
        if self._also is not None and record.levelno >= self._also.level and record not in _shown:
            _shown.append(record)
            self._also.handle(record)
        try:
            message = record.getMessage()
        except Exception:  # a log line that does not fit its arguments must not end the node that writes it
            message = str(record.msg)
        try:
            self._journal.write(
                {
                    "event": "log",
                    "level": record.levelname.lower(),
                    "logger": record.name,
                    "node": getattr(sink, "node", None) or "",
                    "message": message,
                }
            )
        except OSError:
            pass  # the log is a convenience; a full disk shows where results are written


_WORTH_A_LINE = ("loading", "saved", "restored", "replaced")


def event_fields(event: events.Event) -> dict[str, Any] | None:
    """An event as plain values; None for those that need no line."""
    told = _TOLD.get(type(event))
    return told(event) if told is not None else None


def _run_started(event: events.RunStarted) -> dict[str, Any]:
    return {"event": "run started", "pipeline": event.pipeline, "steps": event.steps}


def _step_started(event: events.StepStarted) -> dict[str, Any]:
    return {"event": "step started", "node": event.node, "reasons": list(map(str, event.reasons))}


def _step_ended(event: events.StepEnded) -> dict[str, Any]:
    seconds = round(event.seconds, 6)
    told = {"event": "step ended", "node": event.node, "status": str(event.status), "seconds": seconds}
    if event.error:
        told["error"] = event.error
    if event.traceback:
        told["traceback"] = event.traceback
    return told


def _dataset_moved(event: events.DatasetMoved) -> dict[str, Any] | None:
    if event.verb not in _WORTH_A_LINE:
        return None
    return {"event": f"dataset {event.verb}", "dataset": event.name, "type": event.type, "place": event.place}


def _notice(event: events.Notice) -> dict[str, Any]:
    return {"event": "notice", "level": event.level, "message": event.text}


def _run_ended(event: events.RunEnded) -> dict[str, Any]:
    counts = {str(key): count for key, count in event.counts.items()}
    told = {"event": "run ended", "status": str(event.status), "counts": counts, "seconds": round(event.seconds, 6)}
    return told | ({"error": event.error} if event.error else {})


_TOLD: dict[type, Callable[[Any], dict[str, Any] | None]] = {
    events.RunStarted: _run_started,
    events.StepStarted: _step_started,
    events.StepEnded: _step_ended,
    events.DatasetMoved: _dataset_moved,
    events.Notice: _notice,
    events.RunEnded: _run_ended,
}
