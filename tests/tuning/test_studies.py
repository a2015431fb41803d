"""Studies of pipelines: trials are runs that share what is upstream, counted over all workers, resumable."""

from __future__ import annotations

import math
import re
import signal
from pathlib import Path
from typing import Any

import pytest
import study_flows

import tane
from tane import errors
from tane.ledger import read, studies
from tane.outcomes import RunStatus, TrialState
from tane.tuning import choices, figures, importance, studying

Flow = study_flows.Flow
WIDE = "x=interval(-10,10)"


@pytest.fixture
def tuned_flow(tmp_path: Path) -> Flow:
    """A one-file project, never run."""
    return Flow(tmp_path)


def states(found: Any) -> list[str]:
    return [str(one.state) for one in found]


def test_a_trial_is_a_run_with_its_study_and_number_and_shares_what_is_upstream(tuned_flow: Flow) -> None:
    found = tuned_flow.tune(WIDE, trials=4)
    assert states(found) == ["complete"] * 4
    assert tuned_flow.calls.count("load") == 1
    ledger = tuned_flow.ledger()
    run = read.run(ledger, found.best.run)
    assert (run.study, run.trial, run.kind, run.published) == ("s", found.best.number, "run", False)
    assert run.params["x"] == found.best.params["x"]
    ledger.close()


def test_the_best_trial_is_that_with_the_least_loss_or_the_largest(tuned_flow: Flow) -> None:
    found = tuned_flow.tune("x=1.0,2.0,5.0", trials=None, sampler="grid")
    assert (found.best_params, found.best_value) == ({"x": 2.0}, 1.0)
    other = tuned_flow.tune("x=1.0,2.0,5.0", trials=None, sampler="grid", study="up", minimize=None, maximize="loss")
    assert other.best_params == {"x": 5.0}


def test_the_same_seed_gives_the_same_trials_whether_interrupted_or_not(tuned_flow: Flow) -> None:
    whole = tuned_flow.tune(WIDE, "width=range(1,5)", trials=8, seed=3)
    tuned_flow.tune(WIDE, "width=range(1,5)", trials=3, seed=3, study="parts")
    parts = tuned_flow.tune(WIDE, "width=range(1,5)", trials=8, seed=3, study="parts")
    assert [one.params for one in parts] == [one.params for one in whole]
    other = tuned_flow.tune(WIDE, "width=range(1,5)", trials=8, seed=4, study="other")
    assert [one.params for one in other] != [one.params for one in whole]


def test_known_good_points_come_first_and_may_leave_parameters_open(tuned_flow: Flow) -> None:
    found = tuned_flow.tune(WIDE, "width=range(1,5)", trials=3, enqueue=[{"x": 2.0, "width": 1}, {"x": 3.0}])
    assert found.trials[0].params == {"x": 2.0, "width": 1}
    assert found.trials[1].params["x"] == 3.0
    assert found.trials[1].params["width"] in range(1, 5)
    again = tuned_flow.tune(WIDE, "width=range(1,5)", trials=3, enqueue=[{"x": 2.0, "width": 1}, {"x": 3.0}])
    assert len(again) == 3


def test_tpe_finds_the_best_and_goes_on_where_it_was(tuned_flow: Flow) -> None:
    pytest.importorskip("optuna")
    tuned_flow.tune(WIDE, sampler="tpe", trials=20, seed=1)
    found = tuned_flow.tune(WIDE, sampler="tpe", trials=40, seed=1)
    assert len(found) == 40
    assert abs(found.best_params["x"] - 2) < 0.3


def test_a_failing_trial_does_not_stop_the_others(tuned_flow: Flow) -> None:
    found = tuned_flow.tune("kind=plain,boom", trials=None, sampler="grid")
    assert states(found) == ["complete", "failed"]
    assert "ValueError: boom" in found.trials[1].error
    assert found.error is None


def test_a_study_whose_first_trials_all_fail_ends_with_their_error(tuned_flow: Flow) -> None:
    found = tuned_flow.tune(WIDE, "kind=boom")
    assert states(found) == ["failed"] * 3
    with pytest.raises(errors.UserCodeError, match="boom"):
        found.raise_for_status()
    tuned_flow.tune(WIDE, "kind=plain")  # nothing had come of it: it may be about something else


def test_a_loss_that_is_not_a_number_is_a_failure(tuned_flow: Flow) -> None:
    found = tuned_flow.tune("kind=plain,odd", trials=None, sampler="grid")
    assert [(str(one.state), one.error) for one in found] == [("complete", ""), ("failed", "loss is not a number")]


def test_a_metric_that_is_never_logged_ends_the_study_at_once(tuned_flow: Flow) -> None:
    found = tuned_flow.tune(WIDE, minimize="los")
    assert states(found) == ["failed"]
    with pytest.raises(errors.UsageError, match="never logs the metric 'los'.*\n.*did you mean 'loss'"):
        found.raise_for_status()


@pytest.mark.parametrize("words", [("xx=interval(0,1)",), ("width=interval(0.5,1)",), ("x=low,high",)])
def test_parameters_that_do_not_fit_are_told_before_anything_runs(tuned_flow: Flow, words: tuple[str, ...]) -> None:
    with pytest.raises(errors.ConfigError):
        tuned_flow.tune(*words)
    assert tuned_flow.calls == []


def test_a_changed_space_or_metric_is_refused_until_there_is_a_new_study(tuned_flow: Flow) -> None:
    tuned_flow.tune(WIDE)
    with pytest.raises(errors.UsageError, match="the space of study 's' has changed: x was"):
        tuned_flow.tune("x=interval(-5,10)")
    with pytest.raises(errors.UsageError, match="metrics of study 's' were loss and are size"):
        tuned_flow.tune(WIDE, minimize="size")
    with pytest.raises(errors.UsageError, match="overrides of study"):
        tuned_flow.tune(WIDE, "width=3")
    found = tuned_flow.tune("x=interval(-5,10)", how=studying.How(new=True))
    assert found.name == "s-2"


def test_several_goals_have_a_front_and_no_best(tuned_flow: Flow) -> None:
    found = tuned_flow.tune("width=1,2", "x=2.0,3.0", minimize="loss", maximize="size", sampler="grid", trials=None)
    assert [(one.params["width"], one.params["x"]) for one in found.front] == [(1, 2.0), (2, 2.0)]
    with pytest.raises(errors.UsageError, match="several goals"):
        found.best  # noqa: B018


def test_a_trial_that_breaks_a_bound_is_none_of_the_best(tuned_flow: Flow) -> None:
    found = tuned_flow.tune("width=1,2,3", constraints=["size >= 2"], sampler="grid", trials=None)
    assert [one.feasible for one in found] == [False, True, True]
    assert found.best.params == {"width": 2}


def test_a_bound_whose_metric_nobody_logs_is_told_from_one_that_is_broken(tuned_flow: Flow) -> None:
    found = tuned_flow.tune("width=1,2", constraints=["size > 9", "sizee < 9"], sampler="grid", trials=None)
    assert [one.unlogged for one in found] == [("sizee < 9",)] * 2
    assert repr(found) == "<study s: 2 complete>"


@pytest.mark.parametrize("bound", ["size << 9", "size < nan", "< 9", "size = 9"])
def test_what_is_no_bound_is_refused(tuned_flow: Flow, bound: str) -> None:
    with pytest.raises(errors.ConfigError, match="is no constraint"):
        tuned_flow.tune(WIDE, constraints=[bound])


def test_nodes_report_and_are_pruned_without_a_trace(tuned_flow: Flow) -> None:
    found = tuned_flow.tune(
        "x=2.0,1.0,5.0", "epochs=3", sampler="grid", trials=None, pruner={"name": "median", "n_startup_trials": 2}
    )
    assert states(found) == ["complete", "complete", "pruned"]
    assert found.trials[2].error.startswith("pruned at step 0: loss = 12, worse than 3.5")
    assert found.trials[0].reports == {0: 3.0, 1: 2.0, 2: 1.0}
    ledger = tuned_flow.ledger()
    run = read.run(ledger, found.trials[2].run)
    steps = {step.node: str(step.status) for step in read.steps(ledger, run.run)}
    assert run.status is RunStatus.PRUNED
    assert "Traceback" not in run.error
    assert steps == {"load": "reused", "fit": "pruned"}
    ledger.close()
    again = tane.open_project(tuned_flow.file).run(overrides=["x=5.0", "epochs=3"])
    assert str(again.steps[1].status) == "succeeded", "what was pruned has no result"


def test_a_library_that_makes_an_error_of_its_own_of_it_is_pruned_too(tuned_flow: Flow) -> None:
    found = tuned_flow.tune(
        *("x=2.0,5.0", "kind=wrapping", "epochs=3"),
        sampler="grid",
        trials=None,
        pruner={"name": "median", "n_startup_trials": 1},
    )
    assert states(found) == ["complete", "pruned"]
    assert found.trials[1].error.startswith("pruned at step 0")


def test_a_node_with_a_timeout_is_pruned_in_its_own_process(tuned_flow: Flow) -> None:
    tuned_flow.conf("run", "nodes: {fit: {timeout: 60}}")
    found = tuned_flow.tune(
        "x=2.0,5.0", "epochs=3", sampler="grid", trials=None, pruner={"name": "median", "n_startup_trials": 1}
    )
    assert states(found) == ["complete", "pruned"]


def test_what_a_reused_step_once_reported_counts_for_those_after_it(tuned_flow: Flow) -> None:
    pruner = {"name": "median", "n_startup_trials": 1}
    tuned_flow.tune("x=2.0", "kind=plain,other", "epochs=3", sampler="grid", trials=None, study="first")
    found = tuned_flow.tune("x=2.0,5.0", "epochs=3", sampler="grid", trials=None, pruner=pruner)
    assert states(found) == ["complete", "pruned"]


def test_outside_a_study_a_report_is_a_metric(tuned_flow: Flow) -> None:
    run = tane.open_project(tuned_flow.file).run(overrides=["epochs=2"])
    assert (run.metrics["report"].count, run.metrics["report"].last) == (2, 3.25)


def test_workers_share_a_study_and_the_last_one_ends_it(tuned_flow: Flow) -> None:
    found = tuned_flow.tune(WIDE, trials=9, how=studying.How(jobs=2))
    assert states(found) == ["complete"] * 9
    assert sorted(one.number for one in found) == list(range(9))
    assert tuned_flow.calls.count("load") == 1


def test_a_killed_search_loses_only_its_trial_which_is_done_again(tuned_flow: Flow) -> None:
    words = ("tune", "flow.py", WIDE, "wait=0.4", "--minimize", "loss", "--trials", "4", "--sampler", "random")
    process = tuned_flow.start(*words, "--study", "s")
    study_flows.wait_for(tuned_flow.root / "calls.log", "fit")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with_trial = tuned_flow.ledger()
    study = studies.find(with_trial, "s")
    (left,) = studies.trials(with_trial, study, [TrialState.RUNNING])
    with_trial.close()
    found = tuned_flow.tune(WIDE, "wait=0.4", trials=4)
    assert states(found) == ["complete"] * 4
    assert found.trials[left.number].params == left.point


def test_a_killed_worker_is_replaced(tuned_flow: Flow) -> None:
    tuned_flow.file.write_text(
        study_flows.FLOW.replace(
            "    time.sleep(wait)\n",
            '    if not Path(__file__).with_name("died").exists():\n'
            '        Path(__file__).with_name("died").touch()\n'
            "        os.kill(os.getpid(), 9)\n",
        )
    )
    found = tuned_flow.tune(WIDE, trials=4, how=studying.How(jobs=2))
    assert states(found) == ["complete"] * 4
    assert found.error is None


def test_no_trial_begins_after_the_time_is_over(tuned_flow: Flow) -> None:
    found = tuned_flow.tune(WIDE, "wait=0.2", trials=None, timeout="0.3s")
    assert 1 <= len(found) <= 3
    assert found.total is None


def test_without_optuna_the_default_is_sobol_and_others_say_what_is_missing(
    tuned_flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choices, "has_optuna", lambda: False)
    found = tuned_flow.tune(WIDE, sampler=None)
    assert found.spec["sampler"] == {"name": "sobol"}
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(errors.MissingExtraError, match="sampler 'tpe' needs the package 'optuna'"):
        tuned_flow.tune(WIDE, sampler="tpe", study="other")


def test_a_project_is_tuned_from_python(tuned_flow: Flow) -> None:
    pytest.importorskip("pandas")
    tuned_flow.conf("tune", "minimize: loss\nspace: {x: {low: -3, high: 7, step: 1, type: float}}\nsampler: grid\n")
    project = tane.open_project(tuned_flow.file)
    found = project.tune(study="s")
    assert found.best_params == {"x": 2.0}
    frame = project.study("s").frame()
    assert list(frame.columns) == ["number", "state", "run", "seconds", "feasible", "metrics.loss", "params.x"]
    assert len(frame) == 11


def test_mistakes_in_tune_yml_are_told_with_their_lines(tuned_flow: Flow) -> None:
    tuned_flow.conf("tune", "minimize: loss\ntrails: 3\nspace:\n  x: {low: 3, high: 1}\n")
    with pytest.raises(errors.ConfigError) as raised:
        tane.open_project(tuned_flow.file).tune()
    assert "conf/base/tune.yml:2: tuning has no setting 'trails'" in str(raised.value)
    assert "conf/base/tune.yml:4: x: low 3 is greater than high 1" in str(raised.value)


def test_importance_tells_what_matters_from_what_does_not(tuned_flow: Flow) -> None:
    found = tuned_flow.tune(WIDE, "kind=a,b,c", trials=40, sampler="sobol")
    shares = importance.of(found)
    assert list(shares) == ["x", "kind"]
    assert shares["x"] > 0.5 > 0.1 > shares["kind"]


def test_the_library_gives_its_fanova_without_a_word(tuned_flow: Flow) -> None:
    found = tuned_flow.tune(WIDE, "width=1,2", trials=10)
    shares = importance.by_optuna(tuned_flow.ledger(), found)
    assert set(shares) == {"x", "width"}
    assert math.isclose(sum(shares.values()), 1.0)


def test_a_study_is_one_page_with_all_its_figures(tuned_flow: Flow) -> None:
    found = tuned_flow.tune(WIDE, "kind=a,b", "epochs=2", trials=12, sampler="sobol")
    text = figures.page(found)
    for title in ("History", "Reported on the way", "Importance", "Each parameter", "All parameters", "Trials"):
        assert title in text
    assert not re.search(r"(src|href)=", text), "it needs nothing else"
    assert math.isfinite(found.best_value)


# --- commands ---------------------------------------------------------------------------------------------------------


def test_the_command_shows_each_trial_and_the_best(tuned_flow: Flow) -> None:
    done = tuned_flow.command(
        "tune", "flow.py", "x=1.0,2.0", "--minimize", "loss", "--sampler", "grid", "--study", "s", "--promote-best"
    )
    assert done.returncode == 0, done.stderr
    assert "done     #0    loss = 2                 x=1 *" in done.stdout
    assert "best: trial 1, loss = 1: x=2" in done.stdout
    assert "+x: 2.0" in done.stdout
    assert (tuned_flow.root / "conf" / "best" / "parameters.yml").read_text().endswith("\nx: 2.0\n")
    took = tuned_flow.command("run", "flow.py", "-e", "best")
    assert "reused   fit" in took.stdout
    shown = tuned_flow.command("tune", "show", "flow.py", "s", "--html", "page.html")
    assert "best: trial 1" in shown.stdout
    assert (tuned_flow.root / "page.html").stat().st_size > 1000
    listed = tuned_flow.command("tune", "flow.py", "--list")
    assert "2 of 2" in listed.stdout


def test_the_command_says_where_a_mistake_stands_and_why_no_trial_is_best(tuned_flow: Flow) -> None:
    tuned_flow.conf("tune", "minimize: loss\nsampler: random\nspace:\n  x: [1.0, 2.0]\n")
    refused = tuned_flow.command("tune", "flow.py", "--sampler", "tppe")
    assert "command line: there is no sampler 'tppe'" in refused.stderr
    done = tuned_flow.command("tune", "flow.py", "--sampler", "grid", "--constraint", "sizee < 9")
    assert "none that is complete keeps sizee < 9; nothing logs the metric of sizee < 9" in done.stdout


def test_a_file_that_is_there_is_not_replaced_unasked(tuned_flow: Flow) -> None:
    mine = tuned_flow.conf("parameters", "x: 9.0\n", "best")
    words = ("tune", "flow.py", "x=1.0,2.0", "--minimize", "loss", "--sampler", "grid", "--promote-best")
    refused = tuned_flow.command(*words)
    assert refused.returncode == 2
    assert "-x: 9.0" in refused.stdout
    assert "is there already" in refused.stderr
    assert mine.read_text() == "x: 9.0\n"
    tuned_flow.command(*words, "--force")
    assert "x: 2.0" in mine.read_text()


def test_the_best_choice_of_a_group_is_written_as_a_default(tuned_flow: Flow) -> None:
    tuned_flow.conf("parameters", "defaults: [model: small]\n" + study_flows.PARAMETERS)
    (tuned_flow.root / "conf" / "base" / "model").mkdir()
    for name, x in (("small", 1.0), ("large", 2.0)):
        (tuned_flow.root / "conf" / "base" / "model" / f"{name}.yml").write_text(f"x: {x}\n")
    tuned_flow.file.write_text(study_flows.FLOW.replace('"params:x"', '"params:model.x"'))
    words = ("model=small,large", "--minimize", "loss", "--sampler", "grid", "--study", "s")
    done = tuned_flow.command("tune", "flow.py", *words, "--promote-best")
    assert done.returncode == 0, done.stderr + done.stdout
    text = (tuned_flow.root / "conf" / "best" / "parameters.yml").read_text()
    assert "defaults:\n  - model: large\n  - _self_\n" in text
    assert "reused   fit" in tuned_flow.command("run", "flow.py", "-e", "best").stdout


def test_a_space_may_come_from_a_file_and_output_be_json(tuned_flow: Flow) -> None:
    import json

    (tuned_flow.root / "space.yml").write_text("x: [1.0, 2.0]\n")
    done = tuned_flow.command(
        "tune", "flow.py", "--space", "space.yml", "--minimize", "loss", "--sampler", "grid", "--json"
    )
    said = json.loads(done.stdout)
    assert (said["study"], said["best"], said["counts"]) == ("tuning", [1], {"complete": 2})
