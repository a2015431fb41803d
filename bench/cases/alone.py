"""The store and the ledger by themselves: bench/store_bench.py and bench/ledger_bench.py, without peers."""

from __future__ import annotations

import functools
import json
import tempfile
from pathlib import Path

import environments
import timing
from contests import FLOOR, OURS, Case, Contestant

TIMES = 3  # tries of each figure: the scripts repeat themselves
COPY = "floor: copy a 2 GiB file"
STORE: dict[str, float | None] = {
    "keep a 2 GiB file": 0.9,
    "keep a 2 GiB file by moving it in": 0.35,
    "keep 20,000 files of 10 KiB": 0.6,
    "status of 20,000 files, first look": None,
    "status of 20,000 files, unchanged": 0.15,
    "check the tree of 20,000 files": None,
    "place 20,000 files": None,
    "put 100,000 values of 100 bytes": None,
}
LEDGER: dict[str, float | None] = {
    "open an existing ledger": None,
    "add 1,000 new steps": None,
    "add 1,000 reused steps": None,
    "find the results of 1,000 keys": None,
    "find the result of one key": None,
    "find the last step of a node": None,
    "read the 1,000 steps of a run": None,
    "log one metric in a transaction of its own": 20e-6,
    "log one of 1,000 metrics in a batch": 1.5e-6,
    "newest 100 of 10,000 runs": 0.005,
    "one run of 10,000 by prefix": None,
}


def store(folder: Path) -> list[Case]:
    """Uses up to 4.5 GiB."""
    sheet = _Sheet("store_bench.py", folder)
    floor = Contestant("copy", lambda: sheet.next(COPY), FLOOR)
    return [sheet.case("store", title, goal, floor if "2 GiB" in title else None) for title, goal in STORE.items()]


def ledger(folder: Path) -> list[Case]:
    sheet = _Sheet("ledger_bench.py", folder)
    return [sheet.case("ledger", title, goal) for title, goal in LEDGER.items()]


class _Sheet:
    """What one of the two scripts has measured: run once, told figure by figure."""

    def __init__(self, script: str, folder: Path) -> None:
        self._script, self._folder = script, folder

    def case(self, group: str, title: str, goal: float | None, floor: Contestant | None = None) -> Case:
        ours = Contestant("tane", lambda: self.next(title), OURS)
        contestants = [floor, ours] if floor else [ours]
        return Case(f"{group}: {title}", contestants, goal=goal, repeats=TIMES, warm=False)

    def next(self, title: str) -> timing.Sample:
        """The next try of this figure; they are told in a circle."""
        tries = self._tries[title]
        tries.append(tries.pop(0))
        return timing.Sample(tries[-1], 0.0)

    @functools.cached_property
    def _tries(self) -> dict[str, list[float]]:
        python = environments.ensure("tane").python
        with tempfile.TemporaryFile() as printed:
            script = environments.ROOT / "bench" / self._script
            words: list[str | Path] = [python, script, "--json", "--times", str(TIMES), self._folder]
            timing.process(words, self._folder, output=printed.fileno())
            printed.seek(0)
            found: dict[str, list[float]] = json.loads(printed.read())
            return found
