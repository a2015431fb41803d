"""Experiments, and where runs are recorded."""

import os
import subprocess
import sys

import pytest

import tane
from tane import errors

TANE = [sys.executable, "-m", "tane"]


def test_the_first_run_of_an_experiment_says_that_it_is_new_and_only_that_one(here, capsys):
    for _ in range(2):
        with tane.start_run(experiment="MLMAN-1") as run:
            pass
    assert capsys.readouterr().err.count("experiment 'MLMAN-1' is new") == 1
    assert tane.get_run(run.id).experiment == "MLMAN-1"


def test_the_environment_names_the_experiment_where_nothing_else_does(here, monkeypatch):
    monkeypatch.setenv("TANE_EXPERIMENT", "from outside")
    with tane.start_run() as one, tane.start_run(experiment="other", nested=False) as two:
        pass
    assert [tane.get_run(run.id).experiment for run in (one, two)] == ["from outside", "other"]


def test_the_environment_names_the_experiment_of_a_pipeline_too(here, monkeypatch):
    monkeypatch.setenv("TANE_EXPERIMENT", "MLMAN-2")
    (here / "flow.py").write_text("import tane\ndef a() -> int:\n    return 1\npipeline = tane.Pipeline([a])\n")
    run = tane.open_project("flow.py").run()
    assert tane.get_run(run.id, path="flow.py").experiment == "MLMAN-2"
    assert any("MLMAN-2" in note for note in run.notes)


def test_the_environment_chooses_ledger_and_store_for_scripts_pipelines_and_commands(
    here, tmp_path_factory, monkeypatch
):
    place = tmp_path_factory.mktemp("shared")
    monkeypatch.setenv("TANE_LEDGER", str(place / "team.db"))
    monkeypatch.setenv("TANE_STORE", str(place / "store"))
    with tane.start_run("a script"):
        tane.log_text("hello", "a.txt")
    (here / "flow.py").write_text("import tane\ndef a() -> int:\n    return 1\npipeline = tane.Pipeline([a])\n")
    subprocess.run([*TANE, "run", "flow.py", "--name", "a pipeline"], check=True, capture_output=True)
    listed = subprocess.run([*TANE, "runs"], check=True, capture_output=True, text=True, cwd=place)
    assert "a script" in listed.stdout and "a pipeline" in listed.stdout
    assert tane.load_artifact("a script", "a.txt") == "hello"
    assert not (here / ".tane/ledger.db").exists() and not (here / ".tane/objects").exists()


def test_unset_means_here(here):
    with tane.start_run():
        pass
    assert (here / ".tane/ledger.db").is_file()


@pytest.mark.parametrize("value", ["postgres://host/db", "."])
def test_what_is_no_path_of_a_file_is_refused(here, monkeypatch, value):
    monkeypatch.setenv("TANE_LEDGER", value)
    with pytest.raises(errors.ProjectError, match="TANE_LEDGER is"):
        tane.start_run()


def test_runs_are_found_from_a_folder_below(here, monkeypatch):
    with tane.start_run("above"):
        pass
    os.mkdir("below")
    monkeypatch.chdir("below")
    assert tane.get_run("above").name == "above"


def test_a_broken_project_is_told_of_rather_than_recorded_elsewhere(here):
    (here / "pyproject.toml").write_text("[tool.tane]\npackage = 3\n")
    with pytest.raises(errors.ProjectError, match="package is 3"):
        tane.start_run()
    assert not (here / ".tane").exists()


def test_outputs_may_lie_beside_a_ledger_that_lies_above_the_project(here, monkeypatch):
    monkeypatch.setenv("TANE_LEDGER", str(here.parent / "team.db"))
    (here / "conf/base").mkdir(parents=True)
    (here / "conf/base/catalog.yml").write_text("x: {type: json, filepath: data/x.json}\n")
    (here / "flow.py").write_text(
        "import tane\ndef a() -> int:\n    return 1\npipeline = tane.Pipeline([tane.node(a, None, 'x')])\n"
    )
    tane.open_project("flow.py").run().raise_for_status()
    assert (here / "data/x.json").is_file()
