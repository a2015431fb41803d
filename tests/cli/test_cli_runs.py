"""`tane runs` and `tane log`."""

import csv
import io
import subprocess
import sys

import pytest


def test_runs_come_newest_first_with_counts_and_metrics(tiny):
    first, second = tiny.run(), tiny.run("model.rate=0.25")
    lines = tiny.tane("runs").out.splitlines()
    assert lines[0].split() == ["run", "status", "started", "took", "pipeline", "steps", "model.rate", "loss"]
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


@pytest.fixture
def three(tiny):
    """Three runs: rates 0.5, 0.25 and 0.1; the last one tagged and noted."""
    tiny.ids = [tiny.run("training", "--name", "first"), tiny.run("model.rate=0.25"), tiny.run("model.rate=0.1")]
    tiny.tane("tag", "last", "owner=ada")
    return tiny


def ids(project, *arguments):
    return [run["id"] for run in project.tane("runs", "--json", *arguments).json]


def test_a_filter_chooses_by_parameters_metrics_and_tags(three):
    first, second, third = three.ids
    assert ids(three, "--filter", "params.model.rate < 0.4 and metrics.loss > 0.5") == [third, second]
    assert ids(three, "--filter", "tags.owner = 'ada'") == [third]
    assert ids(three, "--filter", "name = 'first' or tags.owner is not null") == [third, first]


def test_a_mistake_in_a_filter_is_pointed_at(three):
    told = three.tane("runs", "-p", "training", "--filter", "metrics.loss >> 1")
    assert told.code == 2
    assert "filter, column 15" in told.err


def test_a_name_that_no_run_has_is_a_warning_with_the_nearest(three):
    told = three.tane("runs", "--filter", "metrics.los > 0.5")
    assert (told.code, told.out) == (0, "")
    assert "did you mean" in told.err and "loss" in told.err.partition("did you mean")[2]


def test_runs_are_sorted_by_what_they_have(three):
    first, second, third = three.ids
    assert ids(three, "--sort", "params.model.rate") == [third, second, first]
    assert ids(three, "--sort", "-model.rate") == [first, second, third]
    assert ids(three, "--sort", "model.rate desc") == [first, second, third]


def test_options_and_filter_are_both_held(three):
    assert ids(three, "-p", "training", "--filter", "metrics.loss = 1 or metrics.loss = 2") == three.ids[:1]


def test_columns_are_chosen_by_name(three):
    lines = three.tane("runs", "--columns", "run,params.model.rate,loss,tags.owner").out.splitlines()
    assert lines[0].split() == ["run", "model.rate", "loss", "owner"]
    assert lines[1].split() == [three.ids[2], "0.1", "1", "ada"]


def test_an_unknown_column_offers_the_nearest(three):
    told = three.tane("runs", "--columns", "run,metrics.lss")
    assert told.code == 2
    assert "did you mean 'metrics.loss'?" in told.err


def test_csv_has_the_columns_that_are_asked_for(three):
    told = three.tane("runs", "--csv", "--columns", "run,params.model.rate", "-n", "1").out
    assert told.splitlines() == ["run,params.model.rate", f"{three.ids[2]},0.1"]


def test_an_unknown_column_names_some_of_many(empty):
    import tane

    with tane.start_run(params={f"p{number}": number for number in range(500)}):
        pass
    told = empty.tane("runs", "--columns", "nix")
    assert told.code == 2
    assert "tane runs --json has all" in told.err and "p499" not in told.err


def test_a_list_that_is_cut_says_so_unless_it_was_asked_for(empty):
    import tane

    for _ in range(21):
        with tane.start_run():
            pass
    told = empty.tane("runs", "--json")
    assert (len(told.json), "more runs than these 20" in told.err) == (20, True)
    assert empty.tane("runs", "-n", "20").err == empty.tane("runs", "-n", "30").err == ""


def test_where_all_runs_are_deleted_it_says_so(three):
    three.tane("runs", "delete", *three.ids)
    assert "tane runs --deleted" in three.tane("runs").err


def test_a_deleted_run_is_hidden_until_it_is_restored(three):
    first, second, third = three.ids
    assert three.tane("runs", "delete", "first", third).code == 0
    assert (ids(three), ids(three, "--deleted")) == ([second], [third, first])
    assert "deleted" in three.tane("show", third).out
    assert three.tane("runs", "restore", "--filter", "pipeline = 'training'").code == 0
    assert ids(three) == [second, first]


def test_what_a_filter_would_delete_is_asked_for(three):
    told = three.tane("runs", "delete", "--filter", "metrics.loss = 1")
    assert told.code == 2
    assert "the filter chooses 3 runs" in told.err and "--yes" in told.err
    assert len(ids(three)) == 3
    assert three.tane("runs", "delete", "--filter", "metrics.loss = 1", "--yes", "--json").json["deleted"]
    assert "no run here is deleted" not in three.tane("runs", "--deleted").err


def test_what_a_deleted_run_kept_is_still_reused(three):
    three.tane("runs", "delete", three.ids[2])
    assert three.tane("run", "model.rate=0.1", "--json").json["id"]
    (run,) = three.tane("runs", "-n", "1", "--json").json
    assert run["steps"]["reused"] == 3


@pytest.mark.parametrize("verb", ["delete", "restore", "export"])
def test_the_verbs_about_runs_want_some_named(three, verb):
    told = three.tane("runs", verb)
    assert told.code == 2
    assert "no runs are named" in told.err


def test_all_unknown_runs_are_told_at_once(three):
    told = three.tane("runs", "delete", "nix", three.ids[0], "nox")
    assert told.code == 2
    assert "'nix'" in told.err and "'nox'" in told.err
    assert len(ids(three)) == 3


def test_a_misspelt_verb_offers_the_nearest(three):
    told = three.tane("runs", "delet")
    assert "did you mean 'tane runs delete'?" in told.err


def test_nested_runs_are_shown_with_their_parent(empty):
    import tane

    with tane.start_run("outer") as outer, tane.start_run("inner", nested=True) as inner:
        pass
    assert f"parent    {outer.id}" in empty.tane("show", inner.id).out
    assert f"nested runs\n  {inner.id}  inner" in empty.tane("show", outer.id).out


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


@pytest.mark.parametrize(
    "verb", ["new", "run", "plan", "status", "show", "log", "graph", "runs", "compare", "tag", "note", "adopt"]
)
def test_every_verb_has_help_with_an_example(empty, verb):
    told = empty.tane(verb, "--help")
    assert told.code == 0
    assert "Example" in told.out and "--json" in told.out


def test_the_verbs_load_no_data_libraries(empty):
    names = ["new", "runs", "log", "show", "status", "graph", "compare", "tag", "note", "runs_tail", "runs_export"]
    loading = f"import sys, {', '.join('tane.cli.' + name for name in names)}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", loading], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pandas", "numpy", "polars", "pyarrow", "yaml", "rich", "fsspec"} & set(loaded)


def test_a_run_is_found_by_the_defaults_of_its_functions(empty):
    (empty.root / "flow.py").write_text(
        "from tane import Pipeline\ndef fit(rate: float = 0.5):\n    return rate\npipeline = Pipeline([fit])\n"
    )
    assert empty.tane("run", "flow.py").code == 0
    assert empty.tane("run", "flow.py", "rate=0.25").code == 0
    found = empty.tane("runs", "flow.py", "--filter", "params.rate = 0.5", "--json").json
    assert [run["params"] for run in found] == [{"rate": 0.5}]
    assert "rate = 0.5" in empty.tane("show", found[0]["id"], "-C", "flow.py").out
    assert "rate  0.5  0.25" in " ".join(empty.tane("compare", "-C", "flow.py", found[0]["id"], "last").out.split(" "))


def test_what_runs_are_sorted_by_is_shown(empty, monkeypatch):
    import tane

    monkeypatch.chdir(empty.root)
    for score in (1, 2):
        with tane.start_run("trial"):
            tane.log_metrics({"a": 1, "b": 1, "c": 1, "worst": score})
    head, *lines = empty.tane("runs", "--sort", "worst desc").out.splitlines()
    assert head.split()[-1] == "worst"
    assert [line.split()[-1] for line in lines] == ["2", "1"]
