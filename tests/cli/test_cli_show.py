"""`tane show`: the project and its runs."""

import subprocess

import pytest


def test_the_project_on_a_page(tiny):
    tiny.run()
    told = tiny.tane("show").out
    for said in ("project       tiny", "environments  staging", "__default__  3 nodes", "1 without an entry", "3 run"):
        assert said in told


def test_the_project_as_json(tiny):
    known = tiny.tane("show", "--json").json
    assert known["last_run"] is None
    assert known["pipelines"]["training"]["inputs"] == ["table"]
    assert [each["name"] for each in known["datasets"]] == ["table", "model", "scores", "features"]


def test_pipelines_with_nodes_inputs_and_outputs(tiny):
    told = tiny.tane("show", "--pipelines").out
    assert "training: 2 nodes" in told
    assert "table, params:scale -> features " in told and "[prepare]" in told


def test_a_flow_file_is_a_project_too(flow):
    assert "__default__  2 nodes" in flow.tane("show", "flow.py").out


def test_broken_user_code_ends_with_1(tiny):
    tiny.write("src/tiny/nodes.py", "import nowhere_at_all\n")
    assert tiny.tane("show").code == 1


def test_a_run_on_a_page(tiny):
    run = tiny.run("model.rate=0.25")
    told = tiny.tane("show", run[:15]).out
    for said in (
        f"run       {run}",
        "status    succeeded",
        'model = {"rate": 0.25}',
        "loss     1    1    2       2",
        "features  succeeded",
        "first run",
        "notes/fit.txt",
    ):
        assert said in told


def test_a_reused_step_says_from_which_run(tiny):
    first = tiny.run()
    tiny.run("model.rate=0.25")
    assert f"from run {first}" in tiny.tane("show", "last").out


def test_a_failed_run_shows_its_error(tiny):
    assert tiny.tane("run", "scale=-1.0").code == 1
    known = tiny.tane("show", "last", "--json").json
    assert known["status"] == "failed"
    assert "no rows" in known["error"] and "no rows" in known["steps"][0]["error"]
    assert "no rows" in tiny.tane("show", "last").out


@pytest.mark.parametrize(
    ("prefix", "hint"), [("19990101", "the newest are"), ("model", "tane log model"), ("", "tane run")]
)
def test_an_unknown_run_says_what_to_do(tiny, prefix, hint):
    if prefix:
        tiny.run()
    told = tiny.tane("show", prefix or "last")
    assert told.code == 2
    assert hint in told.err


def test_what_excludes_each_other_is_refused(tiny):
    told = tiny.tane("show", "last", "--log", "--diff")
    assert told.code == 2
    assert "--log and --diff" in told.err


def test_the_log_of_a_run(tiny):
    run = tiny.run()
    lines = tiny.tane("show", run, "--log").out.splitlines()
    assert "run started (pipeline __default__, steps 3)" in lines[0]
    assert any("fit: step ended (status succeeded" in line for line in lines)
    assert tiny.tane("show", "--log", "--json").out.startswith('{"at"')


def test_the_configuration_a_run_had_is_shown_without_secrets(tiny):
    tiny.write(
        "conf/base/catalog_more.yml",
        "far: {type: json.JSONDataset, filepath: 'https://me:hidden@host/a.json', fs_args: {token: hidden}}\n",
    )
    run = tiny.run("scale=3.0")
    tiny.write("conf/base/parameters.yml", "scale: 9.0\nmodel:\n  rate: 0.5\n")
    told = tiny.tane("show", run, "--config")
    assert "scale: 3.0" in told.out and "host/a.json" in told.out
    assert "hidden" not in told.out
    assert tiny.tane("show", run, "--config", "--json").json["sections"]["parameters"]["scale"] == 3.0


def test_a_log_line_cut_short_is_shown_as_it_is(tiny):
    run = tiny.run()
    with (tiny.root / ".tane/runs" / run / "log.jsonl").open("a") as log:
        log.write('{"at": 12')
    assert tiny.tane("show", run, "--log").out.endswith('{"at": 12\n')


def test_a_run_without_a_log_says_why(empty):
    import tane

    with tane.start_run():
        pass
    told = empty.tane("show", "last", "--log")
    assert told.code == 2
    assert "only runs of a pipeline write one" in told.err


def git(root, *arguments):
    subprocess.run(
        ["git", "-c", "user.email=a@b.c", "-c", "user.name=a", *arguments], cwd=root, check=True, capture_output=True
    )


def test_the_uncommitted_changes_of_a_run(tiny):
    git(tiny.root, "init", "-q")
    git(tiny.root, "add", ".")
    git(tiny.root, "commit", "-qm", "all")
    clean = tiny.process("run", "--json").json["id"]
    tiny.write("conf/base/parameters.yml", "scale: 4.0\nmodel:\n  rate: 0.5\n")
    dirty = tiny.process("run", "--json").json["id"]
    told = tiny.process("show", dirty, "--diff")
    assert "-scale: 2.0\n+scale: 4.0\n" in told.out
    assert "with uncommitted changes" in tiny.process("show", dirty).out
    told = tiny.process("show", clean, "--diff")
    assert (told.code, told.out) == (0, "")
    assert "had no uncommitted changes" in told.err
