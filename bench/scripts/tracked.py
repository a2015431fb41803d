"""What the scripts `tracked_*.py` share. They are called with the name of what is to be timed, and time it themselves.

one     the median of a call that logs one metric
many    a metric of a call that logs 1,000, the median of such calls
four    a metric of 5,000 that each of four processes logs one by one
newest  the newest 100 of 10,000 runs
filter  the 100 best of those runs that a filter on a metric and a parameter finds
frame   all of them as a data frame
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

RUNS = 10_000
METRICS = ("pr_auc", "roc_auc", "f1", "precision", "recall", "loss", "brier", "log_loss", "seconds", "threshold")
MODELS = ("lightgbm", "catboost", "elastic_net")
BATCH = {f"metric{number}": number / 7 for number in range(1_000)}
ONCE = 3_000


def value(run: int, place: int) -> float:
    """A number between 0 and 1 that looks random and is the same for everyone."""
    return ((run * 2654435761 + place * 40503 + 12345) % 1_000_003) / 1_000_003


def params(run: int) -> dict[str, Any]:
    return {
        "model.name": MODELS[run % 3],
        **{f"model.{name}": value(run, 20 + at) for at, name in enumerate(("rate", "alpha", "l1_ratio"))},
        **{name: run % (at + 5) for at, name in enumerate(("depth", "seed", "rounds", "folds", "window", "lag"))},
    }


def tags(run: int) -> dict[str, str]:
    return {"owner": "xyz"[run % 3], "stage": "draft"}


def tell(wall: float, cpu: float) -> None:
    print(json.dumps({"wall": wall, "cpu": cpu}), flush=True)


def median(call: Callable[[int], object], times: int, *, warm: int = 20, per: int = 1) -> None:
    """Tell the median of `times` calls, for each of `per` items, and the mean of their processor time."""
    for at in range(warm):
        call(at)
    took = []
    cpu = time.process_time()
    for at in range(warm, warm + times):
        began = time.perf_counter()
        call(at)
        took.append(time.perf_counter() - began)
    tell(statistics.median(took) / per, (time.process_time() - cpu) / times / per)


def together(count: int, *words: str) -> None:
    """Have four copies of the script log `count` metrics each, and tell what one of all took."""
    command = [sys.executable, sys.argv[0], "worker", str(count), *words]
    found = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for each in found:
        assert each.stdout and each.stdout.readline() == "ready\n"
    began = time.perf_counter()
    for each in found:
        assert each.stdin
        each.stdin.write("go\n")
        each.stdin.flush()
    told = [json.loads(each.communicate()[0].splitlines()[-1]) for each in found]
    wall = time.perf_counter() - began
    assert [each.returncode for each in found] == [0] * 4, "one of them failed"
    print(f"the longest call took {max(one['longest'] for one in told) * 1e3:.1f} ms", file=sys.stderr)
    tell(wall / 4 / count, sum(one["cpu"] for one in told) / 4 / count)


def worker(call: Callable[[int], object], count: int) -> None:
    """Be one of the four."""
    print("ready", flush=True)
    sys.stdin.readline()
    cpu, longest = time.process_time(), 0.0
    for at in range(count):
        began = time.perf_counter()
        call(at)
        longest = max(longest, time.perf_counter() - began)
    print(json.dumps({"longest": longest, "cpu": time.process_time() - cpu}), flush=True)
