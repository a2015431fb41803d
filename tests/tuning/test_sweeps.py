"""Sweeps: one run for each point, what points share done once, resumable, one failure kept from the others."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy
import pytest
import sweep_flows

from tane import errors
from tane.ledger import connection, read, studies
from tane.outcomes import RunStatus
from tane.runs import opening
from tane.tuning import sweep_leading, sweep_lock, sweep_points, sweep_records, sweeps

Flow = sweep_flows.Flow


def statuses(found: sweeps.Sweep) -> list[str]:
    return [state.status for state in found]


# --- points -----------------------------------------------------------------------------------------------------------


def test_every_combination_is_a_point_the_last_key_fastest(flow: Flow) -> None:
    found = flow.sweep("model.kind=ridge,lasso", "model.rate=range(1,3)")
    assert [tuple(state.values.values()) for state in found] == [("ridge", 1), ("ridge", 2), ("lasso", 1), ("lasso", 2)]
    assert [state.number for state in found] == [0, 1, 2, 3]
    assert statuses(found) == ["succeeded"] * 4


def test_a_value_that_all_points_have_is_no_column(flow: Flow) -> None:
    found = flow.sweep("model.rate=1,2", "scale=3")
    assert found.varied == ("model.rate",)
    assert [state.metrics["score"] for state in found] == [18.0, 36.0]


def test_the_same_point_twice_is_done_once_and_told(flow: Flow) -> None:
    found = flow.sweep("model.rate=1,2,1")
    assert len(found) == 2
    assert any("asked for twice, and done once: model.rate=1" in note for note in found.notes)


def test_a_sweep_over_nothing_is_refused(flow: Flow) -> None:
    with pytest.raises(errors.UsageError, match="nothing to sweep over"):
        flow.sweep()
    with pytest.raises(errors.ConfigError, match="over nothing"):
        flow.sweep("model.rate=range(3,3)")


def test_all_that_is_wrong_in_any_point_is_told_before_anything_runs(flow: Flow) -> None:
    with pytest.raises(errors.ConfigError) as raised:
        flow.sweep("model.rate=1,much,2", "scale=1,wide")
    told = str(raised.value)
    assert "'much' is text" in told
    assert "'wide' is text" in told
    assert "#2, #3: " in told
    assert not flow.calls


def test_an_unknown_key_is_told_with_the_nearest(flow: Flow) -> None:
    with pytest.raises(errors.ConfigError, match=r"did you mean 'model.rate'\?"):
        flow.sweep("model.rat=1,2")


def test_numbers_of_numpy_and_ranges_are_values() -> None:
    words = sweep_points.of_mapping({"a": numpy.linspace(0, 1, 3), "b": range(2), "c": "x,y", "d": 0.5})
    assert words == ["a=0.0,0.5,1.0", "b=0,1", "c=x,y", "d=0.5"]
    with pytest.raises(errors.UsageError, match="no values"):
        sweep_points.of_mapping({"a": []})


# --- what points share ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 2])
def test_no_step_is_done_twice_however_many_jobs_go_at_once(flow: Flow, jobs: int) -> None:
    flow.edit("conf/base/parameters.yml", "pause: 0.0", "pause: 0.05")
    found = flow.sweep("scale=1,2,3", "model.rate=1,2", jobs=jobs)
    assert statuses(found) == ["succeeded"] * 6
    assert set(flow.calls.values()) == {1}
    assert flow.calls["clean"] == 1
    assert sum(name.startswith("features") for name in flow.calls) == 3


def test_in_several_processes_all_comes_out_as_in_one(flow: Flow) -> None:
    words = ("scale=1,2", "model.rate=1,2", "model.kind=ridge,lasso")
    alone = flow.sweep(*words)
    together = flow.sweep(*words, jobs=2, force=True)
    assert [state.metrics for state in alone] == [state.metrics for state in together]
    assert alone.id != together.id


def test_a_step_that_all_share_and_that_fails_ends_the_sweep_at_once(flow: Flow) -> None:
    flow.edit("flow.py", "return [row for row in table if row is not None]", "raise ValueError('no table')")
    found = flow.sweep("model.rate=1,2,3")
    assert statuses(found) == ["not run"] * 3
    assert "no table" in str(found.error)
    assert flow.calls == {"clean": 1}


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_step_that_some_share_and_that_fails_ends_these(flow: Flow, jobs: int) -> None:
    found = flow.sweep("scale=1,13", "model.rate=1,2", jobs=jobs)
    assert statuses(found) == ["succeeded", "succeeded", "failed", "failed"]
    assert "unlucky" in found[3].error
    assert "shared by #2 and 1 other job" in found[3].error
    assert flow.calls["features 13.0"] == 1


def test_a_step_that_is_never_reused_is_done_in_each_job(flow: Flow) -> None:
    flow.edit("flow.py", '"params:pause"], "features")', '"params:pause"], "features", cache=False)')
    found = flow.sweep("model.rate=1,2,3", jobs=2)
    assert statuses(found) == ["succeeded"] * 3
    assert flow.calls["features 1.0"] == 3
    assert flow.calls["clean"] == 1


# --- failures and going on --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 2])
def test_one_failing_job_does_not_stop_the_rest(flow: Flow, jobs: int) -> None:
    found = flow.sweep("model.rate=1,-1,2", jobs=jobs)
    assert statuses(found) == ["succeeded", "failed", "succeeded"]
    assert found.status is RunStatus.FAILED
    with pytest.raises(errors.UserCodeError, match="1 of 3 jobs failed; the first was #1") as raised:
        found.raise_for_status()
    assert 'raise ValueError(f"rate {rate} is below 0")' in raised.value.traceback


def test_fail_fast_begins_no_other(flow: Flow) -> None:
    found = flow.sweep("model.rate=1,-1,2,3", fail_fast=True)
    assert statuses(found) == ["succeeded", "failed", "not run", "not run"]


def test_the_same_sweep_again_has_nothing_to_do(flow: Flow) -> None:
    first = flow.sweep("model.rate=1,2")
    flow.forget()
    again = flow.sweep("model.rate=1,2")
    assert (again.id, again.done_before, [state.run for state in again]) == (first.id, 2, [s.run for s in first])
    assert not flow.calls


def test_the_same_sweep_again_does_what_failed(flow: Flow) -> None:
    first = flow.sweep("model.rate=1,-2")
    flow.edit("flow.py", "if rate < 0:", "if rate < -5:")
    resumed = sweeps.resume(flow.project, first.id)
    assert (resumed.id, statuses(resumed)) == (first.id, ["succeeded", "succeeded"])
    assert resumed[0].run == first[0].run
    assert any("have changed since it began: 1 job that succeeded before stay" in note for note in resumed.notes)


def test_other_code_begins_anew_and_says_so(flow: Flow) -> None:
    first = flow.sweep("model.rate=1,2")
    flow.edit("flow.py", "sum(features) * rate", "sum(features) + rate")
    again = flow.sweep("model.rate=1,2")
    assert again.id != first.id
    assert any(
        f"begins anew: code, configuration, sources or packages have changed since sweep {first.id}" in note
        for note in again.notes
    )
    assert flow.calls["clean"] == 1


def test_a_resumed_sweep_sees_the_sources_it_began_with(flow: Flow) -> None:
    first = flow.sweep("model.rate=1,-2")
    flow.write("data/table.json", "[100]")
    flow.edit("flow.py", "if rate < 0:", "if rate < -5:")
    resumed = sweeps.resume(flow.project, first.id)
    assert resumed[1].metrics["score"] == -12.0
    assert any("data/table.json has changed since" in note for note in resumed.notes)
    assert flow.sweep("model.rate=1,-2")[0].metrics["score"] == 100.0


def test_forced_every_step_is_done_once_more(flow: Flow) -> None:
    flow.sweep("model.rate=1,2")
    flow.sweep("model.rate=1,2", force=True)
    assert set(flow.calls.values()) == {2}


def test_one_process_at_a_time_leads_a_sweep(flow: Flow) -> None:
    first = flow.sweep("model.rate=1,-2")
    with sweep_lock.held(flow.project.home, first.id), pytest.raises(errors.UsageError, match="in another process"):
        flow.sweep("model.rate=1,-2")


def test_an_interrupt_leaves_what_is_done_and_gives_the_rest_back(flow: Flow) -> None:
    def interrupt(told: sweep_leading.Told) -> None:
        if isinstance(told, sweep_leading.PointEnded):
            raise KeyboardInterrupt

    stopped = flow.sweep("model.rate=1,2,3", tell=interrupt)
    assert stopped.status is RunStatus.INTERRUPTED
    assert statuses(stopped) == ["succeeded", "not run", "not run"]
    again = flow.sweep("model.rate=1,2,3")
    assert (again.id, again.done_before, statuses(again)) == (stopped.id, 1, ["succeeded"] * 3)


# --- what comes of it -------------------------------------------------------------------------------------------------


def test_jobs_are_sorted_by_the_chosen_metric(flow: Flow) -> None:
    words = ("model.rate=2,-1,3,1",)
    assert [state.number for state in flow.sweep(*words, metrics={"score": "maximize"}).ranked] == [2, 0, 3, 1]
    least = flow.sweep(*words, metrics={"score": "minimize", "error": "minimize"})
    assert [state.number for state in least.ranked] == [3, 0, 2, 1]
    assert least.best.number == 3
    assert list(least.table()[0]) == ["number", "model.rate", "score", "error", "status", "run", "said"]


def test_nan_is_worse_than_any_number(flow: Flow) -> None:
    flow.edit("flow.py", '"score": sum(features) * rate', '"score": float("nan") if rate == 2 else rate')
    found = flow.sweep("model.rate=2,1,3", metrics={"score": "maximize"})
    assert [state.number for state in found.ranked] == [2, 1, 0]


def test_a_metric_that_no_job_reports_is_told_with_those_there_are(flow: Flow) -> None:
    found = flow.sweep("model.rate=1,2", metrics={"scor": "maximize"})
    assert statuses(found) == ["succeeded", "succeeded"]
    with pytest.raises(errors.UsageError, match=r"has a metric 'scor'\n  hint: did you mean 'score'\?"):
        found.raise_for_status()


def test_values_of_a_job_can_be_loaded(flow: Flow) -> None:
    found = flow.sweep("model.rate=1,2", "model.kind=ridge,lasso")
    assert found.load(3, "model") == {"kind": "lasso", "weight": 2.0}
    assert sweeps.look(flow.project, found.id).load(2, "model") == {"kind": "ridge", "weight": 2.0}
    with pytest.raises(errors.UsageError, match="no job 9"):
        found.load(9, "model")


def test_a_sweep_looked_at_later_is_the_same(flow: Flow) -> None:
    found = flow.sweep("model.rate=1,-1", metrics={"score": "minimize"})
    seen = sweeps.look(flow.project, "last")
    assert (seen.id, seen.status, seen.metrics) == (found.id, found.status, found.metrics)
    assert [state[:5] for state in seen] == [state[:5] for state in found]
    assert [state.metrics for state in seen] == [state.metrics for state in found]


def test_a_job_took_as_long_as_its_run_however_long_it_waited_for_others(flow: Flow) -> None:
    found = flow.sweep("model.rate=1,2", "scale=1,2", jobs=2)
    with contextlib.closing(connection.open_ledger(flow.project.ledger)) as ledger:
        runs = {run.run: run.ended - run.started for run in read.runs(ledger, study=found.id)}
    later = sweeps.look(flow.project, found.id)
    assert [state.seconds for state in later] == [runs[state.run] for state in later]


def test_jobs_are_runs_of_the_sweep_and_publish_nothing(flow: Flow) -> None:
    found = flow.sweep("model.rate=1,2")
    with contextlib.closing(connection.open_ledger(flow.project.ledger)) as ledger:
        runs = {state.number: read.run(ledger, state.run) for state in found}
        assert read.run(ledger, f"{found.id}/1").run == found[1].run
        study = sweep_records.find(ledger, found.id)
        assert [trial.run for trial in studies.trials(ledger, study)] == [state.run for state in found]
    assert [(run.study, run.trial, run.published) for run in runs.values()] == [
        (found.id, 0, False),
        (found.id, 1, False),
    ]
    assert not (flow.root / "data/model.json").exists()


def test_an_id_that_is_unknown_or_means_several_is_refused(flow: Flow) -> None:
    with pytest.raises(errors.UsageError, match="there has been none yet"):
        sweeps.look(flow.project, "last")
    first, second = flow.sweep("model.rate=1,2"), flow.sweep("model.rate=3,4")
    with pytest.raises(
        errors.UsageError, match=f"stands for 2 sweeps\n  hint: write more of it: {second.id}, {first.id}"
    ):
        sweeps.look(flow.project, "20")
    with pytest.raises(errors.UsageError, match=f"there is no sweep 'x'\n  hint: there are: {second.id}"):
        sweeps.resume(flow.project, "x")


def test_a_dataset_that_saves_itself_to_one_place_is_told(flow: Flow) -> None:
    flow.write("data/model.json", "0")
    flow.edit("conf/base/catalog.yml", "model:\n  type: json.JSONDataset", "model:\n  type: flow.Own")
    flow.write(
        "flow.py",
        sweep_flows.FLOW
        + """
from pathlib import Path as _Path


class Own:
    def __init__(self, filepath):
        self._path = _Path(__file__).with_name(filepath)

    def load(self):
        return self._path.read_text()

    def save(self, data):
        self._path.write_text(str(data))

    def _describe(self):
        return {"filepath": str(self._path)}
""",
    )
    found = flow.sweep("model.rate=1,2")
    assert any("model (flow.Own) is saved to the same place by each job" in note for note in found.notes)


# --- doors ------------------------------------------------------------------------------------------------------------


def test_a_plan_runs_and_records_nothing(flow: Flow) -> None:
    project = flow.project
    points = sweep_points.of_words(project, ["model.rate=1,2"])
    planned = sweeps.plan(project, points)
    assert [(each.point.number, each.done) for each in planned] == [(0, False), (1, False)]
    assert not (flow.root / ".tane/ledger.db").exists()
    flow.sweep("model.rate=1,2")
    assert [each.done for each in sweeps.plan(flow.project, points)] == [True, True]


def test_from_python(flow: Flow) -> None:
    found: Any = flow.workspace.sweep(opening.DEFAULT, {"model.rate": [1.0, 2.0]}, jobs=2, metric="score")
    assert found.best.values == {"model.rate": 2.0}
    assert [row["score"] for row in found.table()] == [12.0, 6.0]
    again = flow.workspace.resume_sweep(found.id)
    assert again.done_before == 2


def test_a_sweep_file_says_what_to_sweep_over(flow: Flow) -> None:
    flow.write("conf/base/sweep.yml", "model.rate: [1, 2]\nscale: range(1, 3)\nmetrics: {error: minimize}\n")
    found = flow.workspace.sweep()
    assert len(found) == 4
    assert found.metrics == {"error": "minimize"}
    assert found.best.values["model.rate"] == 2


def test_mistakes_in_a_sweep_file_are_told_together(flow: Flow) -> None:
    flow.write("conf/base/sweep.yml", "model.rate: [1]\nmetrics: {error: smallest}\npipeline: [a]\n")
    with pytest.raises(errors.ConfigError) as raised:
        flow.workspace.sweep()
    assert "'smallest' is no direction" in str(raised.value)
    assert "conf/base/sweep.yml:3: pipeline is a list" in str(raised.value)
