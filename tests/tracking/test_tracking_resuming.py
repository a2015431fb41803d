"""Going on with a run by its id."""

import os
import subprocess
import sys

import pytest

import tane
from tane import errors


def test_steps_go_on_where_they_were_and_the_start_stays(here):
    with tane.start_run("long", tags={"a": "1"}) as run:
        tane.log_metric("loss", 3)
        tane.log_metric("loss", 2, step=10)
    before = tane.get_run(run.id).record
    with tane.start_run(run=run.id) as again:
        assert again.id == run.id
        assert str(again.status) == "running"
        tane.log_metric("loss", 1)
        tane.log_metric("other", 1)
    after = tane.get_run(run.id)
    assert after.metrics["loss"].steps == [0, 10, 11] and after.metrics["other"].steps == [0]
    assert (after.record.started, after.name, after.tags) == (before.started, "long", {"a": "1"})
    assert after.record.ended > before.ended and str(after.status) == "succeeded"


def test_a_killed_run_can_be_gone_on_with(here, python):
    done = python("import os, tane\nrun = tane.start_run('x')\ntane.log_metric('m', 1)\nprint(run.id)\nos._exit(9)\n")
    name = done.stdout.strip()
    assert str(tane.get_run(name).status) == "killed"
    with tane.start_run(run=name):
        tane.log_metric("m", 2)
    assert tane.get_run(name).metrics["m"].steps == [0, 1]
    assert str(tane.get_run(name).status) == "succeeded"


def test_a_run_that_is_open_here_or_elsewhere_is_refused(here):
    with tane.start_run() as run:
        with pytest.raises(errors.UsageError, match="open in this process"):
            tane.start_run(run=run.id)
        other = subprocess.run(
            [sys.executable, "-c", f"import tane; tane.start_run(run={run.id!r})"], capture_output=True, text=True
        )
        assert other.returncode == 1 and f"open in process {os.getpid()}" in other.stderr
    assert str(tane.get_run(run.id).status) == "succeeded"


def test_joining_logs_to_a_run_that_another_process_leads_and_does_not_end_it(here):
    with tane.start_run() as run:
        code = f"import tane\nwith tane.start_run(run={run.id!r}, join=True):\n    tane.log_metric('x', 7, step=1)\n"
        subprocess.run([sys.executable, "-c", code], check=True)
        assert str(run.status) == "running"
        assert run.metrics["x"].last == 7


def test_a_run_of_a_pipeline_is_not_gone_on_with(here):
    (here / "flow.py").write_text(
        "import tane\ndef one() -> int:\n    return 1\npipeline = tane.Pipeline([tane.node(one, None, 'x')])\n"
    )
    run = tane.open_project("flow.py").run()
    with pytest.raises(errors.UsageError, match="is one of a pipeline"):
        tane.start_run(run=run.id)


def test_another_name_or_experiment_is_refused(here):
    with tane.start_run("a", experiment="one") as run:
        pass
    with pytest.raises(errors.UsageError, match="has the experiment 'one', not 'two'"):
        tane.start_run(run=run.id, experiment="two")
    with pytest.raises(errors.UsageError, match="has the name 'a'"):
        tane.start_run("b", run=run.id)
    assert str(tane.get_run(run.id).status) == "succeeded"


def test_an_unknown_run_is_refused_and_nothing_begins(here):
    with tane.start_run():
        pass
    with pytest.raises(errors.UsageError, match="there is no run"):
        tane.start_run(run="nonsense")
    assert len(list((here / ".tane").glob("*.db"))) == 1 and str(tane.get_run().status) == "succeeded"
