from __future__ import annotations

import sys

import tracked
import wandb

run = wandb.init(
    project="bench",
    mode="offline",
    dir=".",
    settings=wandb.Settings(console="off", x_disable_stats=True, x_disable_meta=True, silent=True),
)
match sys.argv[1]:
    case "one":
        tracked.median(lambda at: run.log({"loss": 0.5}, step=at), tracked.ONCE)
    case "many":
        tracked.median(lambda at: run.log(tracked.BATCH, step=at), 10, warm=2, per=len(tracked.BATCH))
sys.stdout.flush()
run.finish()
