"""How long the ledger takes: `python bench/ledger_bench.py [--times N] [--json] [FOLDER]`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import sheet

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


def main(figures: sheet.Figures, folder: Path, times: int) -> None:
    path = folder / "ledger.db"
    connection.open_ledger(path).close()
    figures.best("open an existing ledger", lambda _: connection.open_ledger(path).close())

    ledger = connection.open_ledger(path)
    for number in range(2 * times + 2):
        write.start_run(ledger, run_record(number))
    ids = [run_record(number).run for number in range(2 * times + 2)]
    new = [steps(attempt) for attempt in range(times)]
    figures.best("add 1,000 new steps", lambda i: write.add_steps(ledger, ids[i], new[i]))
    again = steps(0, (ids[0],))
    figures.best("add 1,000 reused steps", lambda i: write.add_steps(ledger, ids[times + i], again))
    keys = [step.key for step in new[0]]
    figures.best("find the results of 1,000 keys", lambda _: read.results(ledger, keys))
    figures.best("find the result of one key", lambda _: [read.result(ledger, key) for key in keys], per=STEPS)
    names = [f"node{number}" for number in range(100)]
    figures.best("find the last step of a node", lambda _: [read.last_step(ledger, one) for one in names], per=100)
    figures.best("read the 1,000 steps of a run", lambda _: read.steps(ledger, ids[0]))

    def one_by_one(_: int) -> None:
        for step in range(1_000):
            write.log_metrics(ledger, ids[-2], None, [records.MetricPoint("auc", 0.5, step, 1.0)])

    points = [records.MetricPoint("loss", 0.5, step, 1.0) for step in range(1_000)]
    batch = lambda _: write.log_metrics(ledger, ids[-1], None, points)  # noqa: E731
    figures.best("log one metric in a transaction of its own", one_by_one, per=1_000)
    figures.best("log one of 1,000 metrics in a batch", batch, per=1_000)
    for number in range(2 * times + 2, RUNS):
        write.start_run(ledger, run_record(number))
    figures.best("newest 100 of 10,000 runs", lambda _: read.runs(ledger, limit=100))
    figures.best("one run of 10,000 by prefix", lambda _: read.run(ledger, "20260101-000000-00000fff"))
    ledger.close()


if __name__ == "__main__":
    asked = sheet.asked(__doc__)
    figures = sheet.Figures(asked.times)
    with tempfile.TemporaryDirectory(dir=asked.folder) as temporary:
        main(figures, Path(temporary), asked.times)
    figures.tell(asked.json)
