"""Tracked runs: what it takes to log a metric, and to find runs among ten thousand, beside those who do that as well.

Only Tane and MLflow have it on record when the call returns: of what the others were given, some is lost when the
process is killed.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import environments
import timing
from contests import FLOOR, OURS, PEER, Case, Contestant

SCRIPTS = environments.ROOT / "bench" / "scripts"
ALL = (("sqlite", FLOOR), ("tane", OURS), ("mlflow", PEER), ("aim", PEER), ("wandb", PEER), ("dvclive", PEER))
NAMES = {"sqlite": "SQLite insert", "wandb": "wandb, offline", "mlflow": "mlflow, SQLite"}
SEARCHED = (("tane", OURS), ("mlflow", PEER))


def cases(folder: Path) -> list[Case]:
    def of(what: str, *peers: tuple[str, str], kept: bool = False) -> list[Contestant]:
        return [Contestant(NAMES.get(name, name), _measure(folder, name, what, kept), role) for name, role in peers]

    return [
        Case(
            "log one metric",
            of("one", *ALL),
            goal=20e-6,
            elsewhere={
                "SQLite insert": 8.9e-6,
                "dvclive": 30e-6,
                "aim": 46e-6,
                "wandb, offline": 57e-6,
                "mlflow, SQLite": (2.2e-3, 3.8e-3),
            },
            repeats=5,
            warm=False,
            note="the median call; of Tane and MLflow what a call returned from survives kill -9",
        ),
        Case(
            "log 1,000 metrics at once, each",
            of("many", *ALL),
            goal=1.5e-6,
            elsewhere={"SQLite insert": 0.43e-6, "mlflow, SQLite": 65e-6},
            repeats=5,
            warm=False,
        ),
        Case(
            "4 processes log 5,000 metrics each into one ledger, each",
            of("four", *SEARCHED),
            goal=50e-6,
            elsewhere={"mlflow, SQLite": 1 / 311},
            repeats=5,
            warm=False,
            note="MLflow logs 200 each",
        ),
        Case(
            "find the newest 100 of 10,000 runs",
            of("newest", *SEARCHED, kept=True),
            goal=0.005,
            elsewhere={"mlflow, SQLite": 0.022},
            repeats=5,
            warm=False,
        ),
        Case(
            "find the best 100 of 10,000 runs by a filter on a metric and a parameter",
            of("filter", *SEARCHED, kept=True),
            goal=0.010,
            elsewhere={"mlflow, SQLite": 0.065},
            repeats=5,
            warm=False,
        ),
        Case(
            "10,000 runs as a data frame",
            of("frame", *SEARCHED, kept=True),
            goal=0.2,
            elsewhere={"mlflow, SQLite": 3.9},
            repeats=3,
            warm=False,
        ),
    ]


def _measure(folder: Path, name: str, what: str, kept: bool):  # type: ignore[no-untyped-def]
    """A try: the script in a fresh folder, or in one where the runs that it makes stay for the next."""
    place = folder / name / ("runs" if kept else what)

    def measure() -> timing.Sample:
        python = environments.ensure("tane" if name == "sqlite" else name).python
        if not kept:
            shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True, exist_ok=True)
        return timing.inside([python, SCRIPTS / f"tracked_{name}.py", what], place, {"WANDB_SILENT": "true"})

    return measure
