from __future__ import annotations

import pathlib
import sys

import tracked

import tane
from tane import outcomes
from tane.ledger import connection, records, write
from tane.tracking import sinks

LEDGER = pathlib.Path(".tane/ledger.db")


def fill() -> None:
    if LEDGER.exists():
        return
    ledger = connection.open_ledger(LEDGER)
    for number in range(tracked.RUNS):
        run = f"20260101-000000-{number:08x}"
        write.start_run(
            ledger, records.RunRecord(run, "train", started=1.7e9 + number, params=tracked.params(number), user="me")
        )
        write.log_values(
            ledger, run, None, [(name, 0, tracked.value(number, at), 1.7e9) for at, name in enumerate(tracked.METRICS)]
        )
        write.set_tags(ledger, run, tracked.tags(number))
        write.end_run(ledger, run, outcomes.RunStatus.SUCCEEDED, 1.7e9 + number + 1)
    ledger.close()


def found(filter: str, **asked: object) -> None:
    frame = tane.search_runs(filter, **asked)
    assert len(frame) == asked.get("limit", tracked.RUNS)


BEST = "metrics.pr_auc > 0.8 and params.model.name = 'lightgbm'"
match sys.argv[1]:
    case "one":
        with tane.start_run("bench"):
            tracked.median(lambda at: tane.log_metric("loss", 0.5, step=at), tracked.ONCE)
    case "many":
        with tane.start_run("bench"):
            tracked.median(lambda at: tane.log_metrics(tracked.BATCH, step=at), 40, per=len(tracked.BATCH))
    case "four":
        with tane.start_run("bench") as run:
            tracked.together(5_000, run.id)
        assert len(tane.get_run(run.id).metrics["loss"].points) == 20_000, "some were lost"
    case "worker":
        sink = sinks.LedgerSink(connection.open_ledger(LEDGER), None, sys.argv[3])  # type: ignore[arg-type]
        tracked.worker(lambda at: sink.log_metrics({"loss": 0.5}, at), int(sys.argv[2]))
    case "newest":
        fill()
        tracked.median(lambda _: found("", limit=100), 15, warm=2)
    case "filter":
        fill()
        tracked.median(lambda _: found(BEST, sort="-metrics.pr_auc", limit=100), 15, warm=2)
    case "frame":
        fill()
        tracked.median(lambda _: found(""), 5, warm=1)
