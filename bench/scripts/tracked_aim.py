from __future__ import annotations

import sys

import aim
import tracked

run = aim.Run(repo=".", system_tracking_interval=None, log_system_params=False, capture_terminal_logs=False)
match sys.argv[1]:
    case "one":
        tracked.median(lambda at: run.track(0.5, name="loss", step=at), tracked.ONCE)
    case "many":
        tracked.median(lambda at: run.track(tracked.BATCH, step=at), 10, warm=2, per=len(tracked.BATCH))
run.close()
