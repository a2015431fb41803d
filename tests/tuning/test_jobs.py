"""Jobs: one pipeline run again and again in a process, each as a fresh `tane run` would."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
import sweep_flows

import tane
from tane import events
from tane.ledger import connection, read
from tane.outcomes import RunStatus
from tane.tuning import jobs

Flow = sweep_flows.Flow


@pytest.fixture
def hands(flow: Flow) -> Any:
    with jobs.Jobs(flow.project) as opened:
        yield opened


def test_a_job_is_an_ordinary_run_that_publishes_nothing(flow: Flow, hands: jobs.Jobs) -> None:
    ended = hands.perform(["model.rate=2"], study="s", trial=3, name="s/3")
    with contextlib.closing(connection.open_ledger(flow.project.ledger)) as ledger:
        run = read.run(ledger, ended.run)
    assert (run.kind, run.study, run.trial, run.name, run.published) == ("run", "s", 3, "s/3", False)
    assert run.params["model"]["rate"] == 2.0
    assert run.config["asked"]["overrides"] == ["model.rate=2"]
    assert not (flow.root / "data/model.json").exists()


def test_a_job_says_what_it_logged_and_what_it_reused(hands: jobs.Jobs) -> None:
    hands.perform([])
    ended = hands.perform(["model.rate=2"])
    assert ended.metrics == {"score": 12.0, "error": 1 / 3}
    assert (ended.reused, ended.ran) == (2, 1)


def test_a_job_has_the_key_that_a_run_with_its_overrides_has(flow: Flow, hands: jobs.Jobs) -> None:
    hands.perform(["model.rate=2", "scale=3"])
    run = flow.workspace.run(overrides=["model.rate=2", "scale=3"])
    assert {str(step.status) for step in run.steps} == {"reused"}


def test_a_choice_of_a_group_is_composed_anew(flow: Flow) -> None:
    flow.write("conf/base/parameters.yml", "defaults: [model: ridge]\npause: 0.0\nscale: 1.0\n")
    flow.write("conf/base/model/ridge.yml", "kind: ridge\nrate: 0.5\n")
    flow.write("conf/base/model/lasso.yml", "kind: lasso\nrate: 0.25\n")
    with jobs.Jobs(flow.project) as hands:
        assert hands.perform(["model=lasso"]).metrics["score"] == 1.5
        assert hands.perform(["model=ridge"]).metrics["score"] == 3.0
        assert hands.perform(["model=lasso", "model.rate=1"]).metrics["score"] == 6.0


def test_what_composing_has_to_say_is_told(flow: Flow) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe("/told/lasso.yml", b"kind: lasso\nrate: 0.25\n")
    flow.write("conf/base/parameters.yml", "defaults: [model: ridge]\npause: 0.0\nscale: 1.0\n")
    flow.write("conf/base/model/ridge.yml", "kind: ridge\nrate: 0.5\n")
    with jobs.Jobs(flow.project) as hands:
        hands.prepare(["model=memory://told/lasso.yml"])
        assert hands.notices == []
    memory.rm("/told/lasso.yml")
    with jobs.Jobs(flow.project) as hands:
        hands.prepare(["model=memory://told/lasso.yml"])
        hands.prepare(["model=memory://told/lasso.yml", "scale=2"])
        (notice,) = hands.notices
    assert "memory://told/lasso.yml cannot be read" in notice


def test_what_ends_a_job_is_recorded_and_comes_back(flow: Flow, hands: jobs.Jobs) -> None:
    failed, refused = hands.perform(["model.rate=-1"]), hands.perform(["model.rate=much"], study="s", trial=1)
    assert failed.status is refused.status is RunStatus.FAILED
    assert "below 0" in str(failed.error)
    assert "'much' is text" in str(refused.error)
    with contextlib.closing(connection.open_ledger(flow.project.ledger)) as ledger:
        assert read.run(ledger, refused.run).trial == 1


def test_sources_and_configuration_are_pinned_when_a_job_first_has_them(flow: Flow, hands: jobs.Jobs) -> None:
    before = hands.perform([]).metrics
    flow.write("data/table.json", "[100]")
    flow.edit("conf/base/parameters.yml", "scale: 1.0", "scale: 7.0")
    assert hands.perform([]).metrics == before


def test_a_source_whose_place_is_a_parameter_is_each_jobs_own(flow: Flow) -> None:
    flow.edit("conf/base/catalog.yml", "data/table.json", "data/${params:model.kind}.json")
    for name, table in (("ridge", "[1]"), ("lasso", "[10]")):
        flow.write(f"data/{name}.json", table)
    with jobs.Jobs(flow.project) as hands:
        found = [hands.perform([f"model.kind={kind}"]).metrics["score"] for kind in ("ridge", "lasso", "ridge")]
    assert found == [0.5, 5.0, 0.5]


def test_a_missing_source_ends_its_job_alone(flow: Flow) -> None:
    flow.edit("conf/base/catalog.yml", "data/table.json", "data/${params:model.kind}.json")
    flow.write("data/ridge.json", "[1]")
    with jobs.Jobs(flow.project) as hands:
        lost = hands.perform(["model.kind=lasso"])
        assert "data/lasso.json" in str(lost.error)
        assert hands.perform(["model.kind=ridge"]).error is None


def test_the_nodes_no_point_touches(hands: jobs.Jobs) -> None:
    assert hands.shared([["model.rate=1"], ["model.rate=2"]]) == {"clean", "features"}
    assert hands.shared([["scale=1"], ["scale=2"]]) == {"clean"}


def test_what_jobs_share_is_done_once_before_them(flow: Flow, hands: jobs.Jobs) -> None:
    points = [["model.rate=1"], ["model.rate=2"]]
    assert hands.perform_shared(points[0], hands.shared(points), study="s").error is None
    assert [hands.perform(point).reused for point in points] == [2, 2]
    assert flow.calls["clean"] == 1


def test_something_may_stand_between_a_step_and_its_log(hands: jobs.Jobs) -> None:
    seen: list[dict[str, float]] = []

    class Between:
        def __init__(self, sink: events.Sink) -> None:
            self._sink = sink

        def __getattr__(self, name: str) -> Any:
            return getattr(self._sink, name)

        def log_metrics(self, metrics: Any, step: int | None) -> None:
            seen.append(dict(metrics))
            self._sink.log_metrics(metrics, step)

    ended = hands.perform([], sink_wrapper=Between)  # type: ignore[arg-type]
    assert seen == [ended.metrics]


def test_what_jobs_made_is_no_newest_version(flow: Flow, hands: jobs.Jobs) -> None:
    flow.workspace.run()
    hands.perform(["scale=100"], study="s", trial=0)
    assert flow.workspace.load("features") == [1.0, 2.0, 3.0]


def test_jobs_of_a_project_on_real_flowers(tmp_path: Path) -> None:
    from tane.project import starters

    root = starters.new("flowers", tmp_path / "flowers", "iris")
    found = tane.open_project(root).sweep(
        "__default__",
        {"model.name": "logistic_regression", "model.logistic_regression.hyper_parameters.C": [0.01, 100.0]},
        metric="accuracy",
    )
    assert found.error is None
    assert [state.number for state in found.ranked] == [1, 0]
    assert found.best.metrics["accuracy"] > 0.9 > found[0].metrics["accuracy"]
