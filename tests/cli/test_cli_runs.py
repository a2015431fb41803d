"""`tane runs` and `tane log`."""

import csv
import io
import subprocess
import sys

import pytest


def test_runs_come_newest_first_with_counts_and_metrics(tiny):
    first, second = tiny.run(), tiny.run("model.rate=0.25")
    lines = tiny.tane("runs").out.splitlines()
    assert lines[0].split() == ["run", "status", "started", "took", "pipeline", "steps", "loss"]
    assert [line.split()[0] for line in lines[1:]] == [second, first]
    assert "2 run, 1 reused" in lines[1] and "3 run" in lines[2]


def test_n_cuts_the_list(tiny):
    tiny.run()
    second = tiny.run("scale=3.0")
    assert [run["id"] for run in tiny.tane("runs", "-n", "1", "--json").json] == [second]


def test_runs_are_chosen_by_pipeline_and_status(tiny):
    training = tiny.run("training")
    tiny.run()
    assert [run["id"] for run in tiny.tane("runs", "-p", "training", "--json").json] == [training]
    assert tiny.tane("runs", "--status", "failed", "--json").json == []


def test_csv_has_a_row_for_each_run(tiny):
    run = tiny.run()
    (row,) = csv.DictReader(io.StringIO(tiny.tane("runs", "--csv").out))
    assert (row["id"], row["steps.succeeded"], row["metrics.loss"]) == (run, "3", "1.0")


def test_a_misspelt_pipeline_offers_the_nearest(tiny):
    tiny.run("training")
    told = tiny.tane("runs", "-p", "trainin")
    assert (told.code, told.out) == (0, "")
    assert "did you mean 'training'?" in told.err


def test_a_wrong_status_is_a_usage_error(tiny):
    told = tiny.tane("runs", "--status", "done")
    assert told.code == 2
    assert "succeeded" in told.err


def test_nothing_is_made_where_nothing_has_run(tiny):
    told = tiny.tane("runs")
    assert (told.code, told.out) == (0, "")
    assert "nothing has run here yet" in told.err
    assert not (tiny.root / ".tane").exists()


def test_tracked_scripts_are_listed_where_there_is_no_project(empty, monkeypatch):
    import tane

    with tane.start_run("trial"):
        tane.log_metric("auc", float("nan"))
    (run,) = empty.tane("runs", "--json").json
    assert (run["name"], run["kind"], run["metrics"]) == ("trial", "script", {"auc": "NaN"})
    assert "(script)" in empty.tane("runs").out


def test_outside_of_everything_it_says_where_to_begin(empty):
    told = empty.tane("runs")
    assert told.code == 2
    assert "tane new NAME" in told.err


def test_a_flow_file_says_where_to_look(flow, monkeypatch, tmp_path_factory):
    run = flow.run("flow.py")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    for arguments in (["runs", str(flow.root / "flow.py")], ["runs", "-C", str(flow.root)]):
        assert run in flow.tane(*arguments).out


def test_log_tells_each_run(tiny):
    run = tiny.run("training", "scale=3.0")
    told = tiny.tane("log").out
    assert told.startswith(f"run {run}  succeeded\n")
    for said in ("pipeline:  training", "steps:     2 run", "metrics:   loss = 1"):
        assert said in told


def test_log_of_a_dataset_has_one_entry_for_each_content(tiny):
    first = tiny.run()
    tiny.run()
    second = tiny.run("model.rate=0.25")
    versions = tiny.tane("log", "model", "--json").json
    assert [(version["run"], version["node"]) for version in versions] == [(second, "fit"), (first, "fit")]
    assert versions[0]["digest"] != versions[1]["digest"]


def test_log_of_a_source_says_so(tiny):
    tiny.run()
    assert "(source)" in tiny.tane("log", "table").out


@pytest.mark.parametrize(("name", "hint"), [("modle", "did you mean 'model'?"), ("zzz", "run a pipeline")])
def test_log_of_an_unknown_dataset_says_what_to_do(tiny, name, hint):
    tiny.run()
    told = tiny.tane("log", name)
    assert told.code == 2
    assert hint in told.err


@pytest.mark.parametrize("verb", ["new", "run", "plan", "status", "show", "log", "graph", "runs"])
def test_every_verb_has_help_with_an_example(empty, verb):
    told = empty.tane(verb, "--help")
    assert told.code == 0
    assert "Example" in told.out and "--json" in told.out


def test_the_verbs_load_no_data_libraries(empty):
    names = ["new", "runs", "log", "show", "status", "graph"]
    loading = f"import sys, {', '.join('tane.cli.' + name for name in names)}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", loading], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pandas", "numpy", "polars", "pyarrow", "yaml", "rich", "fsspec"} & set(loaded)
