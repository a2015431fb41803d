"""`tane.tune`: the best arguments of a function, in a script or within a node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tane
from tane import errors
from tane.tracking import sinks

LINE = {"x": {"low": -10.0, "high": 10.0}}
WHOLE = {"x": {"low": -10, "high": 10}}


def square(x: float) -> float:
    return (x - 2) ** 2


@pytest.mark.parametrize("seed", range(3))
def test_tpe_comes_near_the_best_of_a_line(seed: int) -> None:
    pytest.importorskip("optuna")
    assert abs(tane.tune(square, LINE, trials=100, sampler="tpe", seed=seed).best_params["x"] - 2) < 0.05


@pytest.mark.parametrize("seed", range(3))
def test_the_best_whole_number_is_found_soon(seed: int) -> None:
    pytest.importorskip("optuna")
    assert tane.tune(square, WHOLE, trials=30, sampler="tpe", seed=seed).best_params == {"x": 2}


def test_a_grid_of_whole_numbers_has_each_once() -> None:
    found = tane.tune(square, WHOLE, sampler="grid")
    assert sorted(one.params["x"] for one in found) == list(range(-10, 11))
    assert found.best_params == {"x": 2}


def test_the_largest_value_is_best_where_that_is_said() -> None:
    assert tane.tune(square, {"x": [1, 2, 5]}, sampler="grid", direction="maximize").best_params == {"x": 5}
    with pytest.raises(errors.UsageError, match="did you mean 'maximize'"):
        tane.tune(square, {"x": [1]}, direction="maximise")


def test_dotted_names_come_as_one_mapping() -> None:
    found = tane.tune(lambda point: point["model.x"], {"model.x": [3, 1]}, sampler="grid")
    assert found.best_params == {"model.x": 1}


def test_what_a_function_raises_ends_the_search_unless_it_is_expected() -> None:
    def fails(x: int) -> float:
        if x == 2:
            raise ZeroDivisionError
        return x

    with pytest.raises(ZeroDivisionError):
        tane.tune(fails, {"x": [1, 2, 3]}, sampler="grid")
    found = tane.tune(fails, {"x": [1, 2, 3]}, sampler="grid", catch=(ZeroDivisionError,))
    assert [str(one.state) for one in found] == ["complete", "failed", "complete"]


def test_a_function_that_returns_no_number_is_told() -> None:
    with pytest.raises(errors.UsageError, match="returned None"):
        tane.tune(lambda x: None, {"x": [1]}, sampler="grid")


def test_several_values_are_several_goals() -> None:
    found = tane.tune(lambda x: (x**2, (x - 2) ** 2), WHOLE, sampler="grid", direction=["minimize", "minimize"])
    assert [one.params["x"] for one in found.front] == [0, 1, 2]


def test_what_falls_behind_is_pruned() -> None:
    def score(x: float) -> float:
        for step in range(4):
            tane.report((x - 2) ** 2 + 4 - step, step)
        return (x - 2) ** 2

    found = tane.tune(score, {"x": [2.0, 1.0, 9.0]}, sampler="grid", pruner={"name": "median", "n_startup_trials": 2})
    assert [str(one.state) for one in found] == ["complete", "complete", "pruned"]
    assert found.trials[2].value == 53.0


def test_a_named_study_is_kept_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    calls: list[int] = []

    def score(x: int) -> float:
        calls.append(x)
        return x

    tane.tune(score, WHOLE, trials=3, sampler="sobol", study="kept")
    assert len(tane.tune(score, WHOLE, trials=5, sampler="sobol", study="kept")) == 5
    assert len(calls) == 5


def test_a_report_outside_of_a_trial_is_a_metric() -> None:
    from tane import events

    sink = sinks.MemorySink("r")
    with events.working(sink):
        tane.report(0.5, 3)
        tane.report(0.7, name="auc")
    assert [(point.name, point.value, point.step) for point in sink.points] == [("report", 0.5, 3), ("auc", 0.7, 0)]
    tane.report(1.0)
    with events.working(sink), pytest.raises(errors.UsageError, match="str, not a number"):
        tane.report("high")


FLOW = """
import tane
from tane import Pipeline, node

CALLS = __import__("pathlib").Path(__file__).with_name("calls.log")

def choose(data, search):
    with CALLS.open("a") as log:
        log.write("choose\\n")
    return tane.tune(lambda x: (x - len(data)) ** 2, search).best_params

def fit(data, chosen):
    return chosen["x"] * 10

def data():
    return [1, 2, 3]

pipeline = Pipeline([data, node(choose, ["data", "params:search"], "chosen"), fit])
"""


def test_a_search_within_a_node_is_kept_and_reused_until_its_space_changes(tmp_path: Path) -> None:
    (tmp_path / "flow.py").write_text(FLOW)
    (tmp_path / "conf" / "base").mkdir(parents=True)
    (tmp_path / "conf" / "base" / "parameters.yml").write_text(
        "search: {space: {x: {low: 0, high: 9}}, sampler: grid, minimize: distance}\n"
    )
    project = tane.open_project(tmp_path / "flow.py")

    def run(*overrides: str) -> Any:
        return project.run(overrides=list(overrides))

    first = run()
    assert first["fit"] == 30
    assert first.metrics["tune.distance"].count == 10
    assert first.metrics["best.distance"].last == 0
    run()
    assert (tmp_path / "calls.log").read_text() == "choose\n"
    assert run("search.space.x.high=2")["fit"] == 20
    assert (tmp_path / "calls.log").read_text() == "choose\nchoose\n"
