"""A project from Python: open, run, plan, load; several at once."""

import pytest

import tane
from tane import errors


def test_a_project_runs_and_its_results_load(box):
    project = tane.open_project(box.root)
    run = project.run(overrides=["model.rate=1.0"])
    assert run["model"] == {"weight": 27.0}
    assert run["features"] == [5.0, 9.0, 13.0]
    assert run.metrics["total"].last == 27.0
    assert project.load("model") == {"weight": 27.0}
    assert project.load("features") == [5.0, 9.0, 13.0]
    assert project.load("table") == {"x": [1, 2, 3]}


def test_a_plan_is_a_value(box):
    project = tane.open_project(box.root)
    assert [step.action for step in project.plan().steps] == ["run", "wait", "wait"]
    project.run()
    assert project.plan().nothing_to_do
    [fit, score] = [s for s in project.plan(overrides=["model.rate=2"]).steps if s.action != "reuse"]
    assert (fit.node, str(fit.reasons[0])) == ("fit", "parameter model.rate 0.5 -> 2")
    assert score.action == "wait"


def test_what_ended_a_run_is_raised(box):
    box.edit("src/small/nodes.py", "return {", "raise ValueError('no')\n    return {")
    with pytest.raises(errors.UserCodeError, match="node 'fit' failed: ValueError: no"):
        tane.open_project(box.root).run()


def test_an_unknown_dataset_is_an_error_with_a_near_miss(box):
    with pytest.raises(errors.CatalogError, match="did you mean 'model'"):
        tane.open_project(box.root).load("modle")


def test_inputs_may_be_given_in_place_of_sources(box):
    run = tane.open_project(box.root).run("training", inputs={"table": {"x": [10]}})
    assert run["features"] == [41.0]


def test_two_projects_live_in_one_process(box, tmp_path):
    import shutil

    other = tmp_path / "other"
    shutil.copytree(box.root, other)
    (other / "src/small/deeper.py").write_text("def factor(scale):\n    return scale * 100\n")
    first, second = tane.open_project(box.root), tane.open_project(other)
    assert first.run()["model"] == {"weight": 13.5}
    assert second.run()["model"] == {"weight": 601.5}
    assert first.run(force=True)["model"] == {"weight": 13.5}
