"""Timing contestants against each other: in turns, so that a noisy minute of the machine falls on all of them."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

QUIET = {
    "DO_NOT_TRACK": "1",
    "KEDRO_DISABLE_TELEMETRY": "1",
    "DVC_NO_ANALYTICS": "1",
    "GIT_CONFIG_NOSYSTEM": "1",
    "MPLBACKEND": "Agg",
}
LEFT_OUT = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONUNBUFFERED", "VIRTUAL_ENV", "PYTHONHOME")


@dataclass(frozen=True, slots=True)
class Sample:
    """One try: seconds on the clock, and seconds of processor time, which other work on the machine hardly moves."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way of doing the work of a case. `measure` prepares untimed, then times one try."""

    name: str
    measure: Callable[[], Sample]


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the comparison. `goal` is what Tane wants to reach, in seconds for each of `per` items."""

    title: str
    contestants: Sequence[Contestant]
    goal: float | None = None
    per: int = 1
    repeats: int = 9
    note: str = ""
    ours: str = "tane"


@dataclass(slots=True)
class Result:
    """What a case measured: seconds of each try by contestant, each for one of `per` items."""

    case: Case
    tries: dict[str, list[Sample]] = field(default_factory=dict)
    load: tuple[float, float] = (0.0, 0.0)

    def best(self, name: str) -> float:
        return min(sample.wall for sample in self.tries[name])

    def median(self, name: str) -> float:
        return statistics.median(sample.wall for sample in self.tries[name])

    def cpu(self, name: str) -> float:
        return statistics.median(sample.cpu for sample in self.tries[name])


def contest(case: Case, *, quick: bool = False, budget: float = 40.0) -> Result:
    """Let the contestants take turns. One that has used up `budget` seconds after three tries stops early."""
    repeats = min(3, case.repeats) if quick else case.repeats
    least = 1 if quick else 3
    result = Result(case)
    before = os.getloadavg()[0]
    spent = dict.fromkeys((one.name for one in case.contestants), 0.0)
    for one in case.contestants:  # a first try that does not count: bytecode, page cache
        if repeats > least:
            one.measure()
    for turn in range(repeats):
        for one in case.contestants:
            if turn >= least and spent[one.name] > budget:
                continue
            began = time.perf_counter()
            sample = one.measure()
            spent[one.name] += time.perf_counter() - began
            result.tries.setdefault(one.name, []).append(Sample(sample.wall / case.per, sample.cpu / case.per))
    result.load = (before, os.getloadavg()[0])
    return result


def process(argv: Sequence[str | Path], folder: Path, more: Mapping[str, str] | None = None) -> Sample:
    """Time a whole process, children included. Raises RuntimeError with its output when it fails."""
    words = [str(word) for word in argv]
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        started = subprocess.Popen(words, cwd=folder, env=environ(more), stdout=output, stderr=output)
        _, status, usage = os.wait4(started.pid, 0)
        wall = time.perf_counter() - began
        started.returncode = os.waitstatus_to_exitcode(status)
        if started.returncode:
            output.seek(0)
            text = output.read().decode(errors="replace")
            raise RuntimeError(f"{' '.join(words)} in {folder} ended with {started.returncode}:\n{text[-4000:]}")
    return Sample(wall, usage.ru_utime + usage.ru_stime)


def inside(argv: Sequence[str | Path], folder: Path, more: Mapping[str, str] | None = None) -> Sample:
    """The times that a script measures itself and prints, on its last line, as `{"wall": ..., "cpu": ...}`."""
    words = [str(word) for word in argv]
    done = subprocess.run(words, cwd=folder, env=environ(more), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} in {folder} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    return Sample(**json.loads(done.stdout.splitlines()[-1]))


def environ(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of contestants: bytecode is cached, nobody phones home."""
    kept = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    return {**kept, **QUIET, **(more or {})}


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
