from __future__ import annotations

import math
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tane.ledger import connection, read, records, write

Start = Callable[..., str]


def point(value: float, step: int = 0, name: str = "loss", at: float = 1.0) -> records.MetricPoint:
    return records.MetricPoint(name, value, step, at)


def test_a_series_comes_by_step(ledger: connection.Ledger, start: Start) -> None:
    run = start()
    for step in (3, -1, 2):
        write.log_metrics(ledger, run, None, [point(step * 1.0, step)])
    assert [each.step for each in read.series(ledger, run, "loss")] == [-1, 2, 3]


def test_two_points_at_one_step_are_both_kept_in_order(ledger: connection.Ledger, start: Start) -> None:
    run = start()
    write.log_metrics(ledger, run, None, [point(2.0, 1), point(1.0, 1)])
    write.log_metrics(ledger, run, None, [point(3.0, 1)])
    assert [each.value for each in read.series(ledger, run, "loss")] == [2.0, 1.0, 3.0]


def test_nan_and_infinities_come_back(ledger: connection.Ledger, start: Start) -> None:
    run = start()
    write.log_metrics(ledger, run, None, [point(math.nan, 0), point(math.inf, 1), point(-math.inf, 2)])
    values = [each.value for each in read.series(ledger, run, "loss")]
    assert math.isnan(values[0])
    assert values[1:] == [math.inf, -math.inf]


def test_nan_is_neither_least_nor_greatest_unless_alone(ledger: connection.Ledger, start: Start) -> None:
    run = start()
    write.log_metrics(ledger, run, None, [point(math.nan)])
    assert math.isnan(read.metrics(ledger, run)[0].min)
    write.log_metrics(ledger, run, None, [point(1.0)])
    write.log_metrics(ledger, run, None, [point(math.nan)])
    (summary,) = read.metrics(ledger, run)
    assert (summary.min, summary.max, summary.count) == (1.0, 1.0, 3)
    assert math.isnan(summary.last)


@given(some.lists(some.lists(some.floats(), min_size=1, max_size=4), min_size=1, max_size=5))
def test_the_summary_is_that_of_all_points(batches: list[list[float]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ledger = connection.open_ledger(Path(folder) / "ledger.db")
        write.start_run(ledger, records.RunRecord("run", "p"))
        for batch in batches:
            write.log_metrics(ledger, "run", None, [point(value) for value in batch])
        (summary,) = read.metrics(ledger, "run")
        ledger.close()
    logged = [value for batch in batches for value in batch]
    numbers = [value for value in logged if not math.isnan(value)] or [math.nan]
    expected = (logged[-1], min(numbers), max(numbers), len(logged))
    assert repr((summary.last, summary.min, summary.max, summary.count)).replace("-0.0", "0.0") == repr(
        expected
    ).replace("-0.0", "0.0")


def test_metrics_come_by_name_and_by_node(ledger: connection.Ledger, start: Start) -> None:
    run = start()
    write.log_metrics(ledger, run, "fit", [point(1.0, name="b"), point(2.0, name="a")])
    write.log_metrics(ledger, run, None, [point(3.0, name="c")])
    assert [each.name for each in read.metrics(ledger, run)] == ["a", "b", "c"]
    assert [each.name for each in read.metrics(ledger, run, node="fit")] == ["a", "b"]
    assert [each.name for each in read.metrics(ledger, run, node="")] == ["c"]


def test_one_name_of_two_nodes_is_one_metric_of_the_run(ledger: connection.Ledger, start: Start) -> None:
    run = start()
    write.log_metrics(ledger, run, "a", [point(1.0, 0, at=2.0)])
    write.log_metrics(ledger, run, "b", [point(5.0, 0, at=1.0)])
    assert read.metrics(ledger, run) == [records.MetricSummary("loss", 1.0, 1.0, 5.0, 2)]
    assert [each.value for each in read.series(ledger, run, "loss")] == [5.0, 1.0]
    assert [each.value for each in read.series(ledger, run, "loss", node="a")] == [1.0]


def test_params_keep_their_types_and_the_last_value(ledger: connection.Ledger, start: Start) -> None:
    run = start()
    write.log_params(ledger, run, {"lr": 0.1, "layers": [1, 2], "name": None})
    write.log_params(ledger, run, {"lr": "auto"})
    assert read.params(ledger, run) == {"lr": "auto", "layers": [1, 2], "name": None}


def test_a_tag_takes_the_last_value(ledger: connection.Ledger, start: Start) -> None:
    run = start()
    write.set_tags(ledger, run, {"stage": "draft", "who": "me"})
    write.set_tags(ledger, run, {"stage": "final"})
    assert read.tags(ledger, run) == {"stage": "final", "who": "me"}


def test_an_artifact_of_the_same_path_takes_the_place(ledger: connection.Ledger, start: Start) -> None:
    run = start()
    write.add_artifact(ledger, run, None, records.Artifact("b.txt", "f0", 1))
    for digest in ("f1", "f2"):
        write.add_artifact(ledger, run, "fit", records.Artifact("a.png", digest, 3, "figure"))
    figure, text = records.Artifact("a.png", "f2", 3, "figure"), records.Artifact("b.txt", "f0", 1)
    assert read.artifacts(ledger, run) == [figure, text]
    assert read.artifacts(ledger, run, node="fit") == [figure]


def test_a_note_is_replaced(ledger: connection.Ledger, start: Start) -> None:
    run = start()
    assert read.note(ledger, run) == ""
    write.set_note(ledger, run, "good")
    write.set_note(ledger, run, "better")
    assert read.note(ledger, run) == "better"


def test_events_come_newest_first_and_by_subject_or_kind(ledger: connection.Ledger) -> None:
    first = records.Event("promoted", "fraud", 1.0, "ann", {"to": 3})
    second = records.Event("promoted", "churn", 2.0, "bob")
    third = records.Event("refused", "fraud", 3.0, "ann")
    for event in (first, second, third):
        write.add_event(ledger, event)
    assert read.events(ledger) == [third, second, first]
    assert read.events(ledger, subject="fraud", kind="promoted") == [first]
    assert read.events(ledger, limit=1) == [third]


@pytest.mark.parametrize(
    "statement",
    [
        "update events set actor = 'eve'",
        "delete from events",
        "insert or replace into events select id, kind, subject, at, 'eve', detail from events",
    ],
)
def test_events_are_append_only(ledger: connection.Ledger, path: Path, statement: str) -> None:
    event = records.Event("promoted", "fraud", 1.0, "ann")
    write.add_event(ledger, event)
    stranger = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        stranger.execute(statement)
    stranger.close()
    assert read.events(ledger) == [event]
