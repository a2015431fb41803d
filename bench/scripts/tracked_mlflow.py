from __future__ import annotations

import os
import pathlib
import sqlite3
import sys

import mlflow
import tracked
from mlflow.entities import Metric

DATABASE = pathlib.Path("mlflow.db").resolve()
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
mlflow.set_tracking_uri(f"sqlite:///{DATABASE}")
client = mlflow.MlflowClient()
count = 200


def many(run: str, at: int) -> None:
    client.log_batch(run, metrics=[Metric(name, number, 1, at) for name, number in tracked.BATCH.items()])


def fill() -> None:
    """10,000 runs. All but the first go into the tables directly: by its own calls they take minutes."""
    if (DATABASE.parent / "filled").exists():
        return
    with mlflow.start_run() as run:
        mlflow.log_params(tracked.params(0))
        mlflow.log_metrics({name: tracked.value(0, at) for at, name in enumerate(tracked.METRICS)})
        mlflow.set_tags(tracked.tags(0))
    database = sqlite3.connect(DATABASE)
    rows = {
        table: [
            (columns := [column[1] for column in database.execute(f"pragma table_info({table})")], list(row))
            for row in database.execute(f"select * from {table} where run_uuid = ?", (run.info.run_id,))
        ]
        for table in ("runs", "metrics", "latest_metrics", "params", "tags")
    }
    for number in range(1, tracked.RUNS):
        has = {**tracked.params(number), **tracked.tags(number)}
        measured = {name: tracked.value(number, at) for at, name in enumerate(tracked.METRICS)}
        for table, found in rows.items():
            for columns, row in found:
                new = dict(zip(columns, row, strict=True)) | {"run_uuid": f"{number:032x}"}
                if table == "runs":
                    new["start_time"] += number
                elif new["key"] in measured:
                    new["value"] = measured[new["key"]]
                elif new["key"] in has:
                    new["value"] = str(has[new["key"]])
                marks = ",".join("?" * len(new))
                database.execute(f"insert into {table} ({','.join(new)}) values ({marks})", tuple(new.values()))
    database.commit()
    database.close()
    (DATABASE.parent / "filled").touch()


def search(filter: str, order: list[str], many: int) -> None:
    assert len(client.search_runs(["0"], filter, order_by=order, max_results=many)) == many


def frame() -> None:
    assert len(mlflow.search_runs(["0"])) == tracked.RUNS


match sys.argv[1]:
    case "one":
        with mlflow.start_run() as run:
            tracked.median(lambda at: mlflow.log_metric("loss", 0.5, step=at), count // 2)
    case "many":
        with mlflow.start_run() as run:
            tracked.median(lambda at: many(run.info.run_id, at), 6, warm=1, per=len(tracked.BATCH))
    case "four":
        with mlflow.start_run() as run:
            tracked.together(count, run.info.run_id)
        assert len(client.get_metric_history(run.info.run_id, "loss")) == 4 * count, "some were lost"
    case "worker":
        client.get_run(sys.argv[3])
        tracked.worker(lambda at: client.log_metric(sys.argv[3], "loss", 0.5, step=at), int(sys.argv[2]))
    case "newest":
        fill()
        tracked.median(lambda _: search("", ["attributes.start_time DESC"], 100), 7, warm=1)
    case "filter":
        fill()
        best = "metrics.pr_auc > 0.8 and params.`model.name` = 'lightgbm'"
        tracked.median(lambda _: search(best, ["metrics.pr_auc DESC"], 100), 7, warm=1)
    case "frame":
        fill()
        tracked.median(lambda _: frame(), 1, warm=0)
