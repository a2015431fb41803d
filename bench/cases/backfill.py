"""A backfill of 1,464 hourly windows, as a whole process: two cheap steps in each, one file placed for each."""

from __future__ import annotations

import shutil
from pathlib import Path

import environments
import timing
from contests import FLOOR, OURS, Case, Contestant

WINDOWS = 1_464
RANGE = ("--from", "2018-06-01", "--to", "2018-08-01", "--every", "1h")
STEPS = """
import json


def mean(load):
    return sum(load) / len(load)


def features(load, start):
    hour = int(start[11:13])
    return [load[(hour + back) % len(load)] for back in range(24)]


def forecast(features, mean, start, end):
    return {"from": start, "to": end, "load": (sum(features) / 24 + mean) / 2}

"""
FLOW = """
from tane import Pipeline, node

pipeline = Pipeline([
    node(mean, "load", "mean"),
    node(features, ["load", "params:window.start"], "features"),
    node(forecast, ["features", "mean", "params:window.start", "params:window.end"], "forecast"),
])
"""
PLAIN = """
from datetime import datetime, timedelta
from pathlib import Path

load = json.loads(Path("load.json").read_text())
level = mean(load)
Path("forecasts").mkdir(exist_ok=True)
begin, hour = datetime(2018, 6, 1), timedelta(hours=1)
for at in range(1464):
    start, end = (begin + at * hour).isoformat(), (begin + (at + 1) * hour).isoformat()
    made = forecast(features(load, start), level, start, end)
    Path("forecasts", start.replace(":", "") + ".json").write_text(json.dumps(made, indent=2))
"""
CATALOG = """
load: {type: json.JSONDataset, filepath: load.json}
forecast: {type: json.JSONDataset, filepath: "forecasts/${params:window.label}.json"}
"""


def cases(folder: Path) -> list[Case]:
    (folder / "conf/base").mkdir(parents=True, exist_ok=True)
    for name, text in (("flow.py", STEPS + FLOW), ("plain.py", STEPS + PLAIN), ("conf/base/catalog.yml", CATALOG)):
        (folder / name).write_text(text)
    (folder / "load.json").write_text(str([hour * 7 % 24 for hour in range(24 * 7)]))

    def plain() -> timing.Sample:
        return timing.process([environments.ensure("tane").python, "plain.py"], folder)

    def again(*more: str) -> timing.Sample:
        return timing.process([environments.ensure("tane").program(), "backfill", "flow.py", *RANGE, *more], folder)

    def first(*more: str) -> timing.Sample:
        for name in (".tane", "forecasts"):
            shutil.rmtree(folder / name, ignore_errors=True)
        return again(*more)

    return [
        Case(
            "one of 1,464 hourly windows",
            [
                Contestant("plain loop", plain, FLOOR),
                Contestant("tane", lambda: first("-j", "2"), OURS),
                Contestant("tane -j 1", first, OURS),
            ],
            per=WINDOWS,
            repeats=3,
            warm=False,
            note="the plain loop records nothing, keeps nothing and works in one process",
        ),
        Case("1,464 hourly windows, all done before", [Contestant("tane", again, OURS)], repeats=5),
    ]
