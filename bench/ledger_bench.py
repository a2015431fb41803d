"""How long the ledger takes: `python bench/ledger_bench.py [FOLDER]`. Each line is the best of five tries."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tane import outcomes
from tane.digest import hashing
from tane.ledger import connection, read, records, write

STEPS = 1_000
RUNS = 10_000


def run_record(number: int) -> records.RunRecord:
    return records.RunRecord(
        run=f"20260101-000000-{number:08x}",
        pipeline="bench",
        status=outcomes.RunStatus.SUCCEEDED,
        started=float(number),
        ended=number + 1.0,
        params={"model": {"lr": number / 10, "depth": 3}},
    )


def steps(round_: int, origin: tuple[str, ...] = ()) -> list[records.StepRecord]:
    made = []
    for position in range(STEPS):
        digest = hashing.combine("bench", str(round_), str(position))
        basis = records.Basis(digest, digest, {}, {"lr": 0.1}, {f"d{position}": digest})
        kept = records.Kept(f"d{position + 1}", digest, "pickle", digest, bytes=100)
        status = outcomes.StepStatus.REUSED if origin else outcomes.StepStatus.SUCCEEDED
        made.append(
            records.StepRecord(
                position,
                f"node{position}",
                status,
                digest,
                basis,
                () if origin else ("first run",),
                (kept,),
                (origin[0], position) if origin else None,
                reusable=not origin,
            )
        )
    return made


def report(label: str, work: Callable[[int], object], *, times: int = 5, per: int = 1, unit: str = "ms") -> None:
    best = float("inf")
    for attempt in range(times):
        start = time.perf_counter()
        work(attempt)
        best = min(best, time.perf_counter() - start)
    factor = {"ms": 1e3, "us": 1e6}[unit]
    print(f"{label:<44} {best / per * factor:9.2f} {unit}")


def main(folder: Path) -> None:
    path = folder / "ledger.db"
    connection.open_ledger(path).close()
    report("open an existing ledger", lambda _: connection.open_ledger(path).close())

    ledger = connection.open_ledger(path)
    for number in range(12):
        write.start_run(ledger, run_record(number))
    ids = [run_record(number).run for number in range(12)]
    new = [steps(attempt) for attempt in range(5)]
    report("add_steps, 1,000 new", lambda i: write.add_steps(ledger, ids[i], new[i]))
    again = steps(0, (ids[0],))
    report("add_steps, 1,000 reused", lambda i: write.add_steps(ledger, ids[5 + i], again))
    keys = [step.key for step in new[0]]
    report("results, 1,000 keys", lambda _: read.results(ledger, keys))
    report("result, one key", lambda _: [read.result(ledger, key) for key in keys], per=STEPS, unit="us")
    report("last_step", lambda _: [read.last_step(ledger, f"node{i}") for i in range(100)], per=100, unit="us")
    report("steps of a run of 1,000", lambda _: read.steps(ledger, ids[0]))

    def one_by_one(attempt: int) -> None:
        for step in range(1_000):
            write.log_metrics(ledger, ids[10], None, [records.MetricPoint("auc", 0.5, step, 1.0)])

    report("log one metric, one transaction each", one_by_one, per=1_000, unit="us")
    points = [records.MetricPoint("loss", 0.5, step, 1.0) for step in range(1_000)]
    report(
        "log 1,000 points in a batch, each",
        lambda _: write.log_metrics(ledger, ids[11], None, points),
        per=1_000,
        unit="us",
    )
    for number in range(12, RUNS):
        write.start_run(ledger, run_record(number))
    report("newest 100 of 10,000 runs", lambda _: read.runs(ledger, limit=100))
    report("one run of 10,000 by prefix", lambda _: read.run(ledger, "20260101-000000-00000fff"))
    ledger.close()
    print(f"{'size of the ledger':<44} {path.stat().st_size / 2**20:9.2f} MiB")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory(dir=".") as temporary:
            main(Path(temporary))
