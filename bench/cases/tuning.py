"""100 trials by TPE of a function that costs nothing: what a search adds to it, kept and not kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import environments
import timing
from contests import FLOOR, OURS, PEER, Case, Contestant
from scripted import SCRIPTS

WAYS = (
    ("Optuna, in memory", "optuna-memory", FLOOR),
    ("tane.LedgerStorage", "storage", OURS),
    ("tane.tune, a kept study", "tane.tune", OURS),
    ("Optuna, journal file", "optuna-journal", PEER),
    ("Optuna, SQLite", "optuna-sqlite", PEER),
)


def cases(folder: Path) -> list[Case]:
    return [
        Case(
            "100 TPE trials of (x-2)^2",
            [Contestant(name, _measure(folder, way, "tane"), role) for name, way, role in WAYS],
            goal=0.150,
            elsewhere={
                "Optuna, in memory": 0.046,
                "Optuna, journal file": 0.16,
                "Optuna, SQLite": 1.28,
            },
            repeats=7,
            note="every trial of all but the first is kept when the next one begins, and survives kill -9",
        ),
        Case(
            "100 trials of (x-2)^2, beside a Gaussian process",
            [
                *(Contestant(name, _measure(folder, way, "tane"), role) for name, way, role in WAYS if role == OURS),
                Contestant("scikit-optimize", _measure(folder, "skopt", "skopt"), PEER),
            ],
            elsewhere={"scikit-optimize": 22.6},
            repeats=1,
            warm=False,
            note="ours by TPE, kept; scikit-optimize's are kept nowhere",
        ),
    ]


def _measure(folder: Path, way: str, environment: str) -> Callable[[], timing.Sample]:
    place = folder / f"tuned-{way}"

    def measure() -> timing.Sample:
        python = environments.ensure(environment).python
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        return timing.inside([python, SCRIPTS / "tuned.py", way], place, {"PYTHONPATH": str(SCRIPTS)})

    return measure
