"""A run's log: one JSON object a line in `.tane/runs/<run>/log.jsonl`, events and what nodes log, each with its run
and node. Python's own logging goes in too, from worker processes as well.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tane import events

_encode = json.JSONEncoder(default=str).encode  # made once: json.dumps makes one a call


class Journal:
    """Writes one run's log file. Lines of one process come in order; each line is written whole."""

    def __init__(self, folder: Path, run: str) -> None:
        self.path = folder / run / "log.jsonl"
        self.run = run
        self._lines: list[str] = []
        self._lock = threading.Lock()
        self._file: int | None = None

    def observe(self, event: events.Event) -> None:
        """Note an event of the run."""
        content = event_fields(event)
        if content is not None:
            self.write(content)

    def write(self, content: Mapping[str, Any]) -> None:
        """Add one line."""
        line = _encode({"at": round(time.time(), 3), "run": self.run, **content})
        with self._lock:
            self._lines.append(line)
            if len(self._lines) < 64:
                return
        self.flush()

    def flush(self) -> None:
        """Bring the lines so far to the file."""
        with self._lock:
            if not self._lines:
                return
            data = ("\n".join(self._lines) + "\n").encode()
            self._lines.clear()
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
    match event:
        case events.RunStarted(pipeline=pipeline, steps=steps):
            return {"event": "run started", "pipeline": pipeline, "steps": steps}
        case events.StepStarted(node=node, reasons=reasons):
            return {"event": "step started", "node": node, "reasons": [str(reason) for reason in reasons]}
        case events.StepEnded(node=node, status=status, seconds=seconds, error=error, traceback=traceback):
            ended = {"event": "step ended", "node": node, "status": str(status), "seconds": round(seconds, 6)}
            return ended | ({"error": error} if error else {}) | ({"traceback": traceback} if traceback else {})
        case events.DatasetMoved(verb=verb, name=name, type=kind, place=place) if verb in _WORTH_A_LINE:
            return {"event": f"dataset {verb}", "dataset": name, "type": kind, "place": place}
        case events.Notice(level=level, text=text):
            return {"event": "notice", "level": level, "message": text}
        case events.RunEnded(status=status, counts=counts, seconds=seconds, error=error):
            return {
                "event": "run ended",
                "status": str(status),
                "counts": {str(key): count for key, count in counts.items()},
                "seconds": round(seconds, 6),
            } | ({"error": error} if error else {})
    return None
