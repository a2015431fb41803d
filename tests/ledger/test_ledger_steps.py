from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tane.ledger import connection, read, records, write
from tane.outcomes import StepStatus

Start = Callable[..., str]


def kept(name: str = "model", digest: str = "d1", **fields: Any) -> records.Kept:
    return records.Kept(name, digest, **fields)


def step(position: int = 0, key: str = "k1", *outputs: records.Kept, **fields: Any) -> records.StepRecord:
    basis = fields.pop("basis", records.Basis("code", "env", {"returns": "one"}, {"lr": 0.1}, {"train": "t1"}))
    fields = {"node": f"node{position}", "status": StepStatus.SUCCEEDED, "ended": 5.0, **fields}
    return records.StepRecord(position=position, key=key, basis=basis, outputs=outputs, **fields)


FULL = kept(
    codec="pickle",
    value="v1",
    file="f1",
    save="s1",
    bytes=12,
    classes=("m:C",),
    libraries=("numpy", "pandas"),
)


def test_a_step_comes_back_as_it_went_in(ledger: connection.Ledger, start: Start) -> None:
    run = start()
    record = step(
        3,
        "k1",
        FULL,
        kept("scores", "d2"),
        reasons=("first run",),
        origin=("elsewhere", 4),
        started=1.0,
        cpu=0.5,
        peak_memory=2**40,
        error="boom",
        reusable=False,
    )
    write.add_steps(ledger, run, [record])
    assert read.steps(ledger, run) == [record]


def test_steps_come_by_position(ledger: connection.Ledger, start: Start) -> None:
    run = start()
    write.add_steps(ledger, run, [step(2, "k2"), step(0, "k0")])
    write.add_steps(ledger, run, [step(1, "k1")])
    assert [each.position for each in read.steps(ledger, run)] == [0, 1, 2]


def test_many_steps_find_their_own_outputs_again(ledger: connection.Ledger, start: Start) -> None:
    run = start()
    made = [step(number, f"k{number}", kept(f"d{number}", f"x{number}")) for number in range(1200)]
    write.add_steps(ledger, run, made)
    assert read.steps(ledger, run) == made
    found = read.results(ledger, [each.key for each in made])
    assert {key: result.outputs for key, result in found.items()} == {each.key: each.outputs for each in made}


def test_a_step_recorded_again_is_replaced(ledger: connection.Ledger, start: Start) -> None:
    run = start()
    write.add_steps(ledger, run, [step(0, "k1", kept(), kept("more")), step(1, "k2", kept("other"))])
    write.add_steps(ledger, run, [step(0, "k1", kept(digest="d2"))])
    assert [each.outputs for each in read.steps(ledger, run)] == [(kept(digest="d2"),), (kept("other"),)]


def test_a_reusable_success_is_the_result_of_its_key(ledger: connection.Ledger, start: Start) -> None:
    run = start()
    write.add_steps(ledger, run, [step(4, "k1", FULL, kept("b"))])
    assert read.result(ledger, "k1") == read.Result(run, 4, (FULL, kept("b")))


def test_a_step_without_outputs_has_a_result(ledger: connection.Ledger, start: Start) -> None:
    run = start()
    write.add_steps(ledger, run, [step(0, "k1")])
    assert read.result(ledger, "k1") == read.Result(run, 0, ())


@pytest.mark.parametrize(
    "fields", [{"reusable": False}, {"status": StepStatus.FAILED}, {"status": StepStatus.SKIPPED, "key": ""}]
)
def test_other_steps_are_no_results(ledger: connection.Ledger, start: Start, fields: dict[str, Any]) -> None:
    key = fields.pop("key", "k1")
    write.add_steps(ledger, start(), [step(0, key, **fields)])
    assert read.result(ledger, key) is None


def test_the_newest_result_of_a_key_counts(ledger: connection.Ledger, start: Start) -> None:
    first, second = start("run-1"), start("run-2")
    write.add_steps(ledger, first, [step(0, "k1", kept(save="csv"))])
    write.add_steps(ledger, second, [step(2, "k1", kept(save="parquet"), status=StepStatus.REUSED)])
    assert read.result(ledger, "k1") == read.Result(second, 2, (kept(save="parquet"),))


def test_a_dropped_result_is_none(ledger: connection.Ledger, start: Start) -> None:
    write.add_steps(ledger, start(), [step(0, "k1"), step(1, "k2")])
    write.drop_results(ledger, ["k1", "unknown"])
    assert set(read.results(ledger, ["k1", "k2"])) == {"k2"}


def test_documents_come_with_the_steps_that_name_them(ledger: connection.Ledger, start: Start) -> None:
    write.add_steps(ledger, start(), [step()], {"code": {"f": "abc"}})
    assert read.document(ledger, "code") == {"f": "abc"}


def test_a_repeated_step_takes_no_new_content_rows(ledger: connection.Ledger, start: Start) -> None:
    for run in ("run-1", "run-2"):
        write.add_steps(ledger, start(run), [step(0, "k1", FULL)])
    counts = "select (select count(*) from bases), (select count(*) from kept), (select count(*) from inputs)"
    assert ledger.rows(counts) == [(1, 1, 1)]


def test_the_last_step_of_a_name_ended_well(ledger: connection.Ledger, start: Start) -> None:
    first, second, third = start("run-1"), start("run-2"), start("run-3")
    write.add_steps(ledger, first, [step(0, "k1", kept(), node="fit")])
    write.add_steps(ledger, second, [step(0, "k2", kept(digest="d2"), node="fit", status=StepStatus.REUSED)])
    write.add_steps(ledger, third, [step(0, "k3", node="fit", status=StepStatus.FAILED)])
    last = read.last_step(ledger, "fit")
    assert last is not None
    assert (last.key, last.outputs) == ("k2", (kept(digest="d2"),))
    assert read.last_step(ledger, "unknown") is None


def test_a_version_is_a_change_of_digest(ledger: connection.Ledger, start: Start) -> None:
    for number, digest in enumerate("aabba"):
        run = start(f"run-{number}")
        write.add_steps(ledger, run, [step(0, digest, kept(digest=digest), ended=float(number + 1))])
    found = [(version.run, version.at, version.kept.digest) for version in read.versions(ledger, "model")]
    assert found == [("run-4", 5.0, "a"), ("run-2", 3.0, "b"), ("run-0", 1.0, "a")]
    assert [version.run for version in read.versions(ledger, "model", limit=2)] == ["run-4", "run-2"]


def test_a_run_that_took_an_older_version_does_not_bring_it_back(ledger: connection.Ledger, start: Start) -> None:
    write.add_steps(ledger, start("run-1"), [step(0, "one", kept(digest="a"))])
    maker, taker = start("run-2"), start("run-3")
    write.add_sources(ledger, taker, [kept(digest="a")])
    write.add_steps(ledger, maker, [step(0, "two", kept(digest="b"))])
    assert [version.kept.digest for version in read.versions(ledger, "model")] == ["b", "a"]


def test_what_nobody_makes_goes_back_to_what_it_was_as_it_is_taken(ledger: connection.Ledger, start: Start) -> None:
    for number, digest in enumerate("aba"):
        write.add_sources(ledger, start(f"run-{number}"), [kept(digest=digest)])
    assert [version.kept.digest for version in read.versions(ledger, "model")] == ["a", "b", "a"]


def test_a_version_is_given_in_its_newest_form(ledger: connection.Ledger, start: Start) -> None:
    write.add_steps(ledger, start("run-1"), [step(0, "k", kept(file="f1"))])
    write.add_steps(ledger, start("run-2"), [step(0, "k", kept(file="f2"), status=StepStatus.REUSED, ended=0.0)])
    (version,) = read.versions(ledger, "model")
    assert (version.run, version.kept.file) == ("run-1", "f2")


def test_producers_are_the_steps_that_worked(ledger: connection.Ledger, start: Start) -> None:
    write.add_steps(ledger, start("run-1"), [step(0, "k", kept(), node="fit")])
    write.add_steps(ledger, start("run-2"), [step(0, "k", kept(), node="fit", status=StepStatus.REUSED)])
    assert read.producers(ledger, "d1") == [("run-1", 0, "fit", "model")]


def test_consumers_are_the_steps_that_took_it(ledger: connection.Ledger, start: Start) -> None:
    write.add_steps(ledger, start("run-1"), [step(0, "k", node="fit")])
    write.add_steps(ledger, start("run-2"), [step(0, "k", node="fit", status=StepStatus.REUSED)])
    assert read.consumers(ledger, "t1") == [("run-2", 0, "fit", "train"), ("run-1", 0, "fit", "train")]
    assert read.consumers(ledger, "other") == []


def test_the_same_value_saved_the_same_way_is_found(ledger: connection.Ledger, start: Start) -> None:
    write.add_steps(ledger, start(), [step(0, "k", FULL)])
    assert read.saved(ledger, "v1", "s1") == FULL
    assert read.saved(ledger, "v1", "s2") is None


def test_an_output_is_found_by_its_file(ledger: connection.Ledger, start: Start) -> None:
    write.add_steps(ledger, start(), [step(0, "k", FULL)])
    assert read.kept_file(ledger, "f1") == FULL
    assert read.kept_file(ledger, "v1") is None


def test_what_was_placed_last_is_remembered(ledger: connection.Ledger) -> None:
    write.note_placed(ledger, "data/\udcff.csv", "one")
    write.note_placed(ledger, "data/\udcff.csv", "two")
    assert read.placed(ledger, "data/\udcff.csv") == "two"
    assert read.placed(ledger, "data/other.csv") is None


def test_a_reused_step_shows_what_its_origin_logged(ledger: connection.Ledger, start: Start) -> None:
    first, second, third = start("run-1"), start("run-2"), start("run-3")
    point, figure = records.MetricPoint("auc", 0.9, 3, 1.0), records.Artifact("roc.png", "f", 4, "figure")
    write.log_metrics(ledger, first, "fit", [point])
    write.add_artifact(ledger, first, "fit", figure)
    write.log_metrics(ledger, first, "other", [records.MetricPoint("loss", 0.1)])
    write.add_steps(ledger, first, [step(0, "k", node="fit"), step(1, "k2", node="other")])
    reused = step(7, "k", node="fit again", status=StepStatus.REUSED, origin=(first, 0))
    write.add_steps(ledger, second, [reused])
    write.inherit(ledger, third, 0, "fit", (second, 7))
    for run in (second, third):
        assert read.metrics(ledger, run) == [records.MetricSummary("auc", 0.9, 0.9, 0.9, 1)]
        assert read.series(ledger, run, "auc") == [point]
        assert read.artifacts(ledger, run) == [figure]


def test_inheriting_twice_changes_nothing(ledger: connection.Ledger, start: Start) -> None:
    first, second = start("run-1"), start("run-2")
    write.log_metrics(ledger, first, "fit", [records.MetricPoint("auc", 0.9)])
    write.add_steps(ledger, first, [step(0, "k", node="fit")])
    for _ in range(2):
        write.inherit(ledger, second, 0, "fit", (first, 0))
    assert read.metrics(ledger, second)[0].count == 1


def test_what_a_step_logs_itself_replaces_what_it_inherited(ledger: connection.Ledger, start: Start) -> None:
    first, second = start("run-1"), start("run-2")
    write.log_metrics(ledger, first, "fit", [records.MetricPoint("auc", 0.9), records.MetricPoint("auc", 0.1)])
    write.add_steps(ledger, first, [step(0, "k", node="fit")])
    write.add_steps(ledger, second, [step(0, "k", node="fit", status=StepStatus.REUSED, origin=(first, 0))])
    own = records.MetricPoint("auc", 0.5)
    write.log_metrics(ledger, second, "fit", [own])
    assert read.metrics(ledger, second) == [records.MetricSummary("auc", 0.5, 0.5, 0.5, 1)]
    assert read.series(ledger, second, "auc") == [own]
    assert read.metrics(ledger, first)[0].count == 2


def test_an_origin_that_is_not_on_record_is_no_obstacle(ledger: connection.Ledger, start: Start) -> None:
    run = start()
    write.add_steps(ledger, run, [step(0, "k", status=StepStatus.REUSED, origin=("elsewhere", 0))])
    assert read.metrics(ledger, run) == []
