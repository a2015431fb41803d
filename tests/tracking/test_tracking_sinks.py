"""Several sinks at once: what each of them holds is the same."""

import json
import math
import subprocess
import sys

import pytest

import tane
from tane import errors
from tane.tracking import jsonlines


def content(run, path="."):
    """A run of the ledger in the form of a run of a folder."""
    found = tane.get_run(run, path=path)
    points = {name: [(p.step, str(p.value), p.at) for p in each.points] for name, each in sorted(found.metrics.items())}
    files = {name: each.kind for name, each in sorted(found.artifacts.items())}
    return (found.params, points, found.tags, found.note, files, str(found.status))


def beside(folder):
    found = jsonlines.read(folder)
    points = {name: [(p.step, str(p.value), p.at) for p in each] for name, each in sorted(found.points.items())}
    files = dict(sorted(found.artifacts.items()))
    return (dict(sorted(found.params.items())), points, found.tags, found.note, files, found.ended["status"])


def log_everything(here):
    (here / "folder").mkdir()
    (here / "folder/a.txt").write_text("Hello world!")
    tane.log_params({"model": {"rate": 0.1, "layers": [8, 4]}})
    for epoch in range(3):
        tane.log_metrics({"loss": 1 / (epoch + 1), "acc": epoch / 2})
    tane.log_metric("odd", float("nan"), step=5)
    tane.log_metric("odd", math.inf, step=2)
    tane.set_tags({"owner": "me"})
    tane.set_note("# It went well")
    tane.log_text("notes", "docs/notes.md")
    tane.log_table("rows", [{"a": 1}])
    tane.log_model({"w": 1}, "m")
    tane.log_artifact("folder")


def test_the_ledger_and_a_folder_of_json_lines_hold_the_same(here):
    with tane.start_run("both", params={"seed": 1}, tags={"k": "v"}, sinks=["ledger", "jsonl:runs"]) as run:
        log_everything(here)
    assert content(run.id) == beside(here / "runs" / run.id)
    for name, each in run.artifacts.items():
        path = here / "runs" / run.id / "artifacts" / name
        assert path.is_dir() or path.read_bytes() == each.read()
    assert (here / "runs" / run.id / "artifacts/folder/a.txt").read_text() == "Hello world!"


def test_each_line_is_strict_json(here):
    with tane.start_run(sinks=["jsonl"]) as run:
        tane.log_metric("odd", float("nan"))
    lines = (here / "runs" / run.id / "log.jsonl").read_text().splitlines()
    facts = [json.loads(line, parse_constant=pytest.fail) for line in lines]
    assert [fact["event"] for fact in facts] == ["started", "metrics", "ended"]


def test_without_the_ledger_nothing_else_is_made(here):
    with tane.start_run(params={"a": 1}, sinks="jsonl:elsewhere") as run:
        log_everything(here)
    assert not (here / ".tane").exists()
    assert beside(here / "elsewhere" / run.id)[0]["a"] == 1


def test_a_run_that_is_gone_on_with_goes_on_in_each(here):
    with tane.start_run(sinks=["ledger", "jsonl"]) as run:
        tane.log_metric("x", 1)
    with tane.start_run(run=run.id, sinks=["ledger", "jsonl"]):
        tane.log_metric("x", 2)
    assert content(run.id) == beside(here / "runs" / run.id)


class Own:
    """A sink of a user's: one method."""

    def __init__(self, place=""):
        self.place = place
        self.facts = []

    def write(self, fact):
        self.facts.append(dict(fact))


def test_a_small_class_is_a_sink(here):
    own = Own()
    with tane.start_run("mine", sinks=["ledger", own]) as run:
        tane.log_metrics({"a": 1, "b": 2}, step=4)
    started, metrics, ended = own.facts
    assert (started["event"], started["name"], started["run"]) == ("started", "mine", run.id)
    assert (metrics["step"], metrics["metrics"]) == (4, {"a": 1.0, "b": 2.0})
    assert (ended["event"], ended["status"]) == ("ended", "succeeded")


def test_a_class_is_named_by_its_module(here, monkeypatch):
    monkeypatch.syspath_prepend(here)
    (here / "mysinks.py").write_text(
        "class Told:\n    def __init__(self, place):\n        self.place = place\n"
        "    def write(self, fact):\n        with open(self.place, 'a') as file:\n"
        "            file.write(fact['event'] + '\\n')\n"
    )
    with tane.start_run(sinks=["ledger", f"mysinks:Told:{here / 'told.txt'}"]):
        pass
    assert (here / "told.txt").read_text() == "started\nended\n"


class Broken(Own):
    def write(self, fact):
        super().write(fact)
        if fact["event"] == "metrics":
            raise OSError("disk full")


def test_a_sink_that_fails_is_left_out_and_the_run_goes_on(here, caplog):
    broken, own = Broken(), Own()
    with tane.start_run(sinks=["ledger", broken, own]) as run:
        for value in range(3):
            tane.log_metric("x", value)
    assert run.metrics["x"].count == 3 and len(own.facts) == 5
    assert len(broken.facts) == 2
    assert caplog.text.count("Broken gets nothing more") == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("jsonlines", "there is no sink 'jsonlines'"),
        ("nomodule:Class", "there is no module 'nomodule'"),
        (object(), "is no sink"),
    ],
)
def test_what_is_no_sink_is_refused_before_anything_begins(here, name, message):
    with pytest.raises(errors.TaneError, match=message):
        tane.start_run(sinks=["ledger", name])
    assert not (here / ".tane/ledger.db").exists()


FLOW = """
import tane


def early(seed: int = 1) -> int:
    tane.log_metric("early", seed)
    tane.log_text("kept", "early.txt")
    return seed


def train(seed_: int, rate: float = 0.5) -> float:
    for epoch in range(3):
        tane.log_metric("loss", rate / (epoch + 1))
    tane.set_tag("kind", "toy")
    return rate


pipeline = tane.Pipeline([tane.node(early, "params:seed", "seed_"), tane.node(train, ["seed_", "params:rate"], "x")])
"""


@pytest.mark.parametrize("executor", ["serial", "threads", "processes"])
def test_nodes_of_a_pipeline_log_to_each_and_what_was_reused_is_there_too(here, monkeypatch, executor):
    (here / "conf/base").mkdir(parents=True)
    (here / "conf/base/parameters.yml").write_text("seed: 1\nrate: 0.5\n")
    (here / "flow.py").write_text(FLOW)
    monkeypatch.setenv("TANE_SINKS", "jsonl:kept")
    for overrides, reused in (([], 0), (["rate=0.25"], 1)):
        run = tane.open_project("flow.py", overrides=overrides).run(executor=executor)
        run.raise_for_status()
        assert run.counts.get("reused", 0) == reused
        found, other = content(run.id, "flow.py"), beside(here / "kept" / run.id)
        assert found == other
        assert set(found[1]) == {"early", "loss"} and found[5] == "succeeded"


def test_a_project_names_its_sinks(here):
    subprocess.run([sys.executable, "-m", "tane", "new", "work", "."], capture_output=True, check=False, cwd=here)
    (here / "src/work").mkdir(parents=True, exist_ok=True)
    (here / "pyproject.toml").write_text('[tool.tane]\npackage = "work"\nsinks = ["jsonl:told"]\n')
    (here / "src/work/pipeline_registry.py").write_text("def register_pipelines():\n    return {}\n")
    with tane.start_run() as run:
        tane.log_metric("x", 1)
    assert content(run.id) == beside(here / "told" / run.id)


def test_a_node_that_is_killed_leaves_each_line_whole(here, python):
    done = python(
        "import os, tane\nrun = tane.start_run(sinks=['ledger', 'jsonl'])\n"
        "for i in range(50):\n    tane.log_metric('x', i)\nprint(run.id, flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    run = done.stdout.strip()
    assert [p.value for p in jsonlines.read(here / "runs" / run).points["x"]] == list(range(50))
    assert tane.get_run(run).metrics["x"].values == list(range(50))
