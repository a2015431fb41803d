"""Timing one try of one contestant: a whole process, or what a script says of itself."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LIMIT = 900.0  # seconds until a try is given up
QUIET = {
    "DO_NOT_TRACK": "1",
    "KEDRO_DISABLE_TELEMETRY": "1",
    "DVC_NO_ANALYTICS": "1",
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "ZENML_ANALYTICS_OPT_IN": "false",
    "GIT_CONFIG_NOSYSTEM": "1",
    "MPLBACKEND": "Agg",
}
LEFT_OUT = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONUNBUFFERED", "VIRTUAL_ENV", "PYTHONHOME")
ERROR = re.compile(r"\b([A-Z]\w*(?:Error|Exception)): *(.*)")


class Failed(Exception):
    """A contestant cannot do the work. The text says why, short enough for a table."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One try: seconds on the clock, seconds of processor time, which other work on the machine hardly moves, and the
    most bytes that were resident (0: not measured)."""

    wall: float
    cpu: float
    memory: int = 0

    def each(self, count: float) -> Sample:
        """The times of one of `count` items."""
        return Sample(self.wall / count, self.cpu / count, self.memory)


def process(
    argv: Sequence[str | Path], folder: Path, more: Mapping[str, str] | None = None, *, output: int | None = None
) -> Sample:
    """Time a whole process, children included. Raises `Failed` when it fails or takes more than `LIMIT` seconds.

    What it leaves running in its session is killed, so that it does not slow the next contestant down. `output` is a
    file for what it prints, instead of nowhere.
    """
    words = [str(word) for word in argv]
    with tempfile.TemporaryFile() as told:
        began = time.perf_counter()
        started = subprocess.Popen(
            words,
            cwd=folder,
            env=environ(more),
            stdin=subprocess.DEVNULL,
            stdout=told if output is None else output,
            stderr=told,
            start_new_session=True,
        )
        late = threading.Timer(LIMIT, _end, [started.pid])
        late.start()
        try:
            _, status, usage = os.wait4(started.pid, 0)
            wall = time.perf_counter() - began
        finally:
            late.cancel()
            _end(started.pid)
        started.returncode = os.waitstatus_to_exitcode(status)
        if started.returncode:
            told.seek(0)
            text = told.read().decode(errors="replace")
            say(f"{' '.join(words)} in {folder} ended with {started.returncode}:\n{text[-2000:]}")
            raise Failed(reason(text, started.returncode) if wall < LIMIT else f"given up after {LIMIT:.0f} s")
    return Sample(wall, usage.ru_utime + usage.ru_stime)


def inside(argv: Sequence[str | Path], folder: Path, more: Mapping[str, str] | None = None) -> Sample:
    """The times that a script measures itself and prints, on its last line, as `{"wall": ..., "cpu": ...}`."""
    with tempfile.TemporaryFile() as printed:
        process(argv, folder, more, output=printed.fileno())
        printed.seek(0)
        return Sample(**json.loads(printed.read().splitlines()[-1]))


def reason(text: str, code: int) -> str:
    """Why a process failed, from what it told: the recursion limit, the last error, the last line, or its code."""
    text = text.replace("|", " ")  # it goes into a cell of a table
    if "RecursionError" in text or "maximum recursion depth" in text:
        return "RecursionError"
    if errors := ERROR.findall(text):
        return ": ".join(errors[-1])[:100]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"{lines[-1][:100]}" if lines else f"ended with {code}"


def environ(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of contestants: bytecode is cached, nobody phones home."""
    kept = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    return {**kept, **QUIET, **(more or {})}


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _end(session: int) -> None:
    try:
        os.killpg(session, signal.SIGKILL)
    except ProcessLookupError:
        pass
