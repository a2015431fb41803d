from __future__ import annotations

import sys

import tracked
from dvclive import Live

live = Live("live", save_dvc_exp=False)


def one(at: int) -> None:
    live.step = at
    live.log_metric("loss", 0.5)


def many(at: int) -> None:
    live.step = at
    for name, number in tracked.BATCH.items():
        live.log_metric(name, number)


match sys.argv[1]:
    case "one":
        tracked.median(one, tracked.ONCE)
    case "many":
        tracked.median(many, 10, warm=2, per=len(tracked.BATCH))
