"""Runs while others change what they rest on: each works with what it pinned at its start, or refuses."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys

import at_once
import pytest
from at_once import wait_until

import effort
import tane
from tane.digest import hashing
from tane.ledger import read
from tane.runs import publishing, windows

GATES = '''
"""Nodes that wait: each says that it has come to a gate, and goes on when the gate is open."""

import os
import pathlib
import time

MARKS = pathlib.Path(os.environ.get("MARKS", "marks"))


def gate(name):
    (MARKS / f"at-{name}").touch()
    until = time.monotonic() + 60
    while not (MARKS / f"open-{name}").exists():
        assert time.monotonic() < until, name
        time.sleep(0.002)
'''


def more(ways: list) -> list:
    """Further ways to go about it, under stress; none where there is no time for them."""
    return ways[: effort.times(1) - 1]


class Gates:
    """The other side of the gates."""

    def __init__(self, box) -> None:
        self.folder = box.root / "marks"
        self.folder.mkdir(exist_ok=True)
        box.write("src/small/gates.py", GATES)

    def wait(self, name: str) -> None:
        wait_until((self.folder / f"at-{name}").exists)

    def open(self, *names: str) -> None:
        for name in names:
            (self.folder / f"open-{name}").touch()

    def renew(self) -> None:
        """All are shut again, and nobody has come."""
        for mark in self.folder.iterdir():
            mark.unlink()


@pytest.fixture
def gates(box) -> Gates:
    return Gates(box)


def finish(process: subprocess.Popen[str]) -> dict:
    code, out, err = at_once.ended(process)
    assert code == 0, err
    return json.loads(out)


def registry(*nodes: str, head: str = "", name: str = "__default__") -> str:
    body = ",\n        ".join(nodes)
    return f"{head}\nfrom tane import Pipeline, node\nfrom . import nodes as n\n\n\n" + (
        f"def register_pipelines():\n    return {{{name!r}: Pipeline([\n        {body},\n    ])}}\n"
    )


# --- code that is edited in mid-run -----------------------------------------------------------------------------------

CODE = """
from .gates import gate
from .late import FACTOR, scaled


def first(table):
    gate("first")
    return sum(table["x"])


def second(table):
    gate("second")
    return len(table["x"])


def third(first):
    return scaled(first) + FACTOR + 1
"""
LATE = """
FACTOR = 100


def scaled(value):
    return value * 10
"""


def outcome(box, *arguments: str):
    """The values of a run of the code as it is now."""
    done = box.run(*arguments)
    with at_once.Kept(box.root) as kept:
        return kept.values(done.json["id"]) | {"ran": done.ran}


EDITS = {
    "its function": ("src/small/nodes.py", "+ FACTOR + 1", "+ FACTOR + 2", 162),
    "a helper": ("src/small/late.py", "value * 10", "value * 20", 221),
    "a constant": ("src/small/late.py", "FACTOR = 100", "FACTOR = 300", 361),
}


@pytest.mark.parametrize(
    ("how", "edit"),
    [
        ("timeout", "a helper"),
        *more([*(("timeout", edit) for edit in EDITS), ("pool", "a helper"), ("serial", "a constant")]),
    ],
)
def test_code_edited_in_mid_run_is_never_taken_for_what_the_run_read(box, gates, how, edit):
    """A worker that starts after the edit has other code than this process: the run refuses what it made."""
    file, old, new, after = EDITS[edit]
    box.write("src/small/nodes.py", CODE)
    box.write("src/small/late.py", LATE)
    third = "node(n.third, 'first', 'third')"
    box.write(
        "src/small/pipeline_registry.py",
        registry("node(n.first, 'table', 'first')", "node(n.second, 'table', 'second')", third),
    )
    if how == "timeout":  # this step alone works in a worker, which starts when it is its turn
        box.write("conf/base/run.yml", "nodes: {third: {timeout: 60s}}\n")
    running = box.start("--json", *(["-j", "2"] if how == "pool" else []))
    gates.wait("first")
    if how == "pool":
        gates.wait("second")
    box.edit(file, old, new)
    gates.open("first", "second")
    code, out, err = at_once.ended(running)
    if how == "timeout":
        assert code == 1, "the worker imported what was edited"
        assert "has changed since this run read it" in err and os.path.basename(file) in err
    else:  # whoever worked had imported it before
        assert code == 0, err
        assert {step["status"] for step in json.loads(out)["steps"]} == {"succeeded"}
    found = outcome(box)
    assert found["third"] == after and "third" in found["ran"]
    box.edit(file, new, old)
    assert outcome(box)["third"] == 161, "and what was kept under the old code was made by it"


DYNAMIC = """
import importlib

from .gates import gate


def third(table, which: str):
    gate("first")
    module = importlib.import_module(f"small.{which}")
    return module.scaled(sum(table["x"])) + module.FACTOR + 1
"""


@pytest.mark.parametrize(
    ("jobs", "change"),
    [("1", "edited"), ("2", "edited"), *more([("1", "added"), ("1", "saved again"), ("2", "added")])],
)
def test_a_module_that_is_imported_by_a_node_after_it_was_edited_is_refused(box, gates, jobs, change):
    box.write("src/small/nodes.py", DYNAMIC)
    box.write("src/small/late.py", LATE)
    box.write("conf/base/parameters.yml", "which: " + ("other" if change == "added" else "late"))
    box.write("src/small/pipeline_registry.py", registry("node(n.third, ['table', 'params:which'], 'third')"))
    running = box.start("--json", "-j", jobs)
    gates.wait("first")
    if change == "added":
        box.write("src/small/other.py", LATE)
    elif change == "edited":
        box.edit("src/small/late.py", "FACTOR = 100", "FACTOR = 300")
    else:
        box.write("src/small/late.py", LATE)
    gates.open("first")
    code, _, err = at_once.ended(running)
    if change == "saved again":
        assert code == 0, err
        assert outcome(box) == {"third": 161, "ran": []}
        return
    assert code == 1
    assert "has changed since this run read it" in err
    assert outcome(box) == {"third": 361 if change == "edited" else 161, "ran": ["third"]}
    if change == "edited":
        box.edit("src/small/late.py", "FACTOR = 300", "FACTOR = 100")
        assert outcome(box) == {"third": 161, "ran": ["third"]}


LONG_LIVED = """
import json, pathlib, sys
import tane
from tane import errors

root = pathlib.Path(sys.argv[1])
project = tane.open_project(root)
first = project.run(jobs=2, overrides=["rate=1"])
late = root / "src/small/late.py"
late.write_text(late.read_text().replace(sys.argv[2], sys.argv[3]))
try:
    print(json.dumps({"first": first["third"], "second": project.run(jobs=2, overrides=["rate=2"])["third"]}))
except errors.TaneError as error:
    print(json.dumps({"first": first["third"], "error": str(error)}))
"""


@pytest.mark.parametrize(("old", "new"), [("FACTOR = 100", "FACTOR = 300"), *more([("value * 10", "value * 20")])])
def test_a_session_that_lives_on_does_not_mix_its_code_with_that_of_its_workers(box, tmp_path, old, new):
    box.write(
        "src/small/nodes.py",
        "from .late import FACTOR, scaled\n\n\n"
        "def third(table, rate: int):\n    return scaled(sum(table['x'])) * rate + FACTOR\n",
    )
    box.write("src/small/late.py", LATE)
    box.write("conf/base/parameters.yml", "rate: 1")
    box.write("src/small/pipeline_registry.py", registry("node(n.third, ['table', 'params:rate'], 'third')"))
    done = subprocess.run(
        [sys.executable, "-c", LONG_LIVED, str(box.root), old, new], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["first"] == 160
    assert "has changed since" in found["error"] and "late.py" in found["error"]


def test_nothing_has_changed_is_not_said_of_what_was_edited_in_mid_run(box, gates):
    """A script, and a file that was read at import: both lie outside of the package, and had been read when they were
    edited.
    """
    box.write("tool.sh", "printf old\n")
    box.write("extra/table.txt", "1")
    box.write(
        "src/small/nodes.py",
        "import pathlib\n\nfrom .gates import gate\n\n"
        "FOUND = int((pathlib.Path(__file__).parents[2] / 'extra/table.txt').read_text())\n\n\n"
        "def last(told):\n    gate('last')\n    return told + str(FOUND)\n",
    )
    box.write(
        "src/small/pipeline_registry.py",
        "from tane import Pipeline, command, node\nfrom . import nodes as n\n\n\ndef register_pipelines():\n"
        "    told = command('sh tool.sh', outputs='told')\n"
        "    return {'__default__': Pipeline([told, node(n.last, 'told', 'last')])}\n",
    )
    running = box.start()
    gates.wait("last")
    box.write("tool.sh", "printf new\n")
    box.write("extra/table.txt", "2")
    gates.open("last")
    code, _, err = at_once.ended(running)
    assert code == 0, err
    again = box.tane("run")
    assert again.code == 0, again.err
    with at_once.Kept(box.root) as kept:
        newest = read.runs(kept.ledger)[0]
        assert kept.values(newest.run)["last"] == "new2"


def test_a_command_works_with_its_script_as_it_is_when_its_turn_comes(box, gates):
    box.write("tool.sh", "printf old\n")
    box.write("src/small/nodes.py", "from .gates import gate\n\n\ndef first():\n    gate('first')\n    return 1\n")
    box.write(
        "src/small/pipeline_registry.py",
        "from tane import Pipeline, command, node\nfrom . import nodes as n\n\n\ndef register_pipelines():\n"
        "    told = command('sh tool.sh {first}', 'first', 'told', name='tell')\n"
        "    return {'__default__': Pipeline([node(n.first, None, 'first'), told])}\n",
    )
    running = box.start()
    gates.wait("first")
    box.write("tool.sh", "printf new\n")
    gates.open("first")
    code, _, err = at_once.ended(running)
    assert code == 0, err
    assert outcome(box) == {"first": 1, "told": "new", "ran": []}
    box.write("tool.sh", "printf old\n")
    assert outcome(box) == {"first": 1, "told": "old", "ran": ["tell"]}


def test_what_a_command_made_while_its_script_was_edited_is_not_reused(box, gates):
    script = "touch marks/at-tell; while [ ! -e marks/open-tell ]; do sleep 0.01; done; printf old\n"
    box.write("tool.sh", script)
    box.write(
        "src/small/pipeline_registry.py",
        "from tane import Pipeline, command\n\n\ndef register_pipelines():\n"
        "    return {'__default__': Pipeline([command('sh tool.sh', None, 'told', name='tell')])}\n",
    )
    running = box.start("--json")
    gates.wait("tell")
    box.write("tool.sh", script.replace("old", "new"))
    gates.open("tell")
    code, out, err = at_once.ended(running)
    assert code == 0 and "tool.sh changed while tell worked" in json.loads(out)["notes"][0], err
    assert outcome(box) == {"told": "new", "ran": ["tell"]}
    box.write("tool.sh", script)
    assert outcome(box) == {"told": "old", "ran": ["tell"]}


# --- data that changes in mid-run -------------------------------------------------------------------------------------

TAKERS = """
from .gates import gate


def first(table):
    gate("first")
    return {"saw": table}


def second(table, first):
    gate("second")
    return {"saw": table, "and": first["saw"]}


def third(table, second):
    return [table, second["saw"], second["and"]]
"""
TAKEN = (
    "node(n.first, 'table', 'first')",
    "node(n.second, ['table', 'first'], 'second')",
    "node(n.third, ['table', 'second'], 'third')",
)
OLD, NEW = {"x": [1, 2, 3]}, {"x": [9, 9, 9]}


@pytest.mark.parametrize(
    ("executor", "how"),
    [
        ("serial", "renamed over"),
        ("processes", "written into"),
        *more(list(itertools.product(["serial", "threads", "processes"], ["renamed over", "written into", "deleted"]))),
    ],
)
def test_each_step_sees_a_source_as_it_was_when_the_run_began(box, gates, executor, how):
    """An outsider changes the file while the first step works, and again while the second does."""
    box.write("src/small/nodes.py", TAKERS)
    box.write("src/small/pipeline_registry.py", registry(*TAKEN))
    source = box.root / "data/01_raw/table.json"
    running = box.start("--json", "--executor", executor, *(["-j", "2"] if executor != "serial" else []))
    gates.wait("first")
    if how == "renamed over":
        box.write("data/new.json", json.dumps(NEW)).replace(source)
    elif how == "written into":
        source.write_text(json.dumps(NEW))
    else:
        source.unlink()
    gates.open("first")
    gates.wait("second")
    source.write_text("not even JSON")
    gates.open("second")
    run = finish(running)
    with at_once.Kept(box.root) as kept:
        assert kept.values(run["id"])["third"] == [OLD, OLD, OLD]
        (pinned,) = read.sources(kept.ledger, run["id"])
        assert pinned.digest == run["datasets"]["table"] and kept.value(pinned) == OLD
    source.write_text(json.dumps(NEW))
    assert outcome(box)["third"] == [NEW, NEW, NEW]


IN_PLACE = """
import functools, pathlib, sys
import tane
from tane import errors
from tane.runs import sources

sources.Parts = functools.partial(sources.Parts, keep_up_to=10)
project = tane.open_project(sys.argv[1])
print(project.run(jobs=int(sys.argv[2]))["third"])
"""


@pytest.mark.parametrize(
    ("kind", "jobs"), [("polars.LazyPolarsDataset", "1"), ("json.JSONDataset", "2"), *more([("json.JSONDataset", "1")])]
)
def test_a_source_too_large_to_be_kept_is_an_error_that_names_it_once_it_is_overwritten(box, gates, kind, jobs):
    """Unless it is in memory already: then all see it as it was."""
    box.write("src/small/nodes.py", TAKERS)
    source = box.root / "data/01_raw/table.json"
    if "polars" in kind:
        pytest.importorskip("polars")
        source = box.write("data/table.csv", "x\n" + "1\n" * 50)
        box.write("conf/base/catalog.yml", f"table: {{type: {kind}, filepath: data/table.csv, file_format: csv}}\n")
        box.write("src/small/nodes.py", LAZY)
    nodes = TAKEN if "json" in kind else ("node(n.first, 'table', 'first')", "node(n.third, 'first', 'third')")
    box.write("src/small/pipeline_registry.py", registry(*nodes))
    running = subprocess.Popen(
        [sys.executable, "-c", IN_PLACE, str(box.root), jobs],
        cwd=box.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    gates.wait("first")
    source.write_text(source.read_text().replace("1", "7"))
    gates.open("first", "second")
    code, out, err = at_once.ended(running)
    if (kind, jobs) == ("json.JSONDataset", "1"):
        assert (code, out) == (0, f"{[OLD, OLD, OLD]}\n"), err
    else:
        assert code == 1, out
        assert source.name in err and "changed after this run had begun" in err, err


LAZY = """
from .gates import gate


def first(table):
    gate("first")
    return int(table.collect().sum().item())


def third(first):
    return first
"""


# --- two pipelines ----------------------------------------------------------------------------------------------------

TWO = """
from .gates import gate


def make(version: int):
    gate("a")
    return [version] * 5


def look(train):
    gate("b1")
    return list(train)


def fit(train, look):
    gate("b2")
    return {"trained on": train, "looked at": look}


def judge(train, fit):
    return {"all": [train, fit["trained on"], fit["looked at"]]}
"""
A = "node(n.make, 'params:version', 'train')"
B = (
    "node(n.look, 'train', 'look')",
    "node(n.fit, ['train', 'look'], 'fit')",
    "node(n.judge, ['train', 'fit'], 'judge')",
)
ORDERS = sorted(set(itertools.permutations("AABBB")))


def orders(count: int) -> list[tuple[tuple[str, ...], str, str]]:
    """Every order in which two pipelines can begin, stop and end, each in some way; `count` of them."""
    ways = list(itertools.product(ORDERS, ("catalogued", "by name"), ("1", "2")))
    first = [(tuple("ABABB"), "catalogued", "2"), (tuple("BAABB"), "by name", "1")]  # A ends while B is at work
    rest = [way for way in ways if way not in first]
    return [*first, *random.Random(7).sample(rest, len(rest))][:count]


@pytest.mark.parametrize(("order", "how", "jobs"), orders(effort.times(2)))
def test_in_whatever_order_two_pipelines_go_one_trains_on_one_version_of_what_the_other_makes(
    box, gates, order, how, jobs
):
    """A makes the data set that B takes. B trains on what there was when it began, in all its steps."""
    box.write("src/small/nodes.py", TWO)
    text = registry(A, name="a").replace("    }\n", "") + ", 'b': Pipeline([" + ", ".join(B) + "])}\n"
    box.write("src/small/pipeline_registry.py", text.replace("])}\n, 'b'", "]), 'b'"))
    entry = "train: {type: json.JSONDataset, filepath: data/train.json}\n" if how == "catalogued" else "{}\n"
    box.write("conf/base/catalog.yml", entry)
    box.write("conf/base/parameters.yml", "version: 1\n")
    gates.open("a")
    first = box.run("a").json
    gates.renew()

    steps = {"A": iter((("start", "a"), ("end", "a"))), "B": iter((("start", "b1"), ("pass", "b1"), ("end", "b2")))}
    running, ended, expected = {}, {}, 1
    for who in order:
        what, gate = next(steps[who])
        if what == "start":
            words = ["a", "--json", "version=2"] if who == "A" else ["b", "--json", "-j", jobs]
            running[who] = box.start(*words)
            if who == "B" and "A" in ended:
                expected = 2
            gates.wait(gate)
        else:
            gates.open(gate)
            if what == "pass":
                gates.wait("b2")
            else:
                ended[who] = finish(running[who])
    run, made = ended["B"], ended["A"]
    with at_once.Kept(box.root) as kept:
        version = [expected] * 5
        assert kept.values(run["id"])["judge"] == {"all": [version] * 3}
        (pinned,) = read.sources(kept.ledger, run["id"])
        assert kept.value(pinned) == version
    assert run["datasets"]["train"] == (made if expected == 2 else first)["datasets"]["train"]
    shown = box.tane("show", run["id"], "--json").json
    assert run["datasets"]["train"] in json.dumps(shown), "who asks is told which it was"
    assert (
        box.run("b").json["datasets"]["train"]
        == (made if how == "by name" or made["published"] else first)["datasets"]["train"]
    ), "latest is found anew by each run"


# --- configuration that changes in mid-run ----------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", ["2", *more(["1"])])
def test_configuration_edited_in_mid_run_counts_from_the_next_run_on(box, gates, jobs):
    box.write(
        "src/small/nodes.py",
        "from .gates import gate\n\n\ndef first(table):\n    gate('first')\n    return len(table['x'])\n\n\n"
        "def second(table, first, rate: int):\n    return {'made': first * rate, 'of': table}\n",
    )
    box.write(
        "src/small/pipeline_registry.py",
        registry("node(n.first, 'table', 'first')", "node(n.second, ['table', 'first', 'params:rate'], 'scores')"),
    )
    box.write("conf/base/parameters.yml", "rate: 2\n")
    box.write("data/other.json", json.dumps(NEW | {"y": 1}))
    running = box.start("-j", jobs)
    gates.wait("first")
    box.write("conf/base/parameters.yml", "rate: 5\n")
    box.edit("conf/base/catalog.yml", "data/01_raw/table.json", "data/other.json")
    box.edit("conf/base/catalog.yml", "data/07_model_output/scores.json", "data/elsewhere.json")
    gates.open("first")
    code, _, err = at_once.ended(running)
    assert code == 0, err
    assert box.read("data/07_model_output/scores.json") == {"made": 6, "of": OLD}
    assert not (box.root / "data/elsewhere.json").exists()
    with at_once.Kept(box.root) as kept:
        assert read.run(kept.ledger, "last").params == {"rate": 2}
    second = box.tane("run")
    assert second.code == 0 and "nothing" not in second.out
    assert box.read("data/elsewhere.json") == {"made": 15, "of": NEW | {"y": 1}}


# --- one project by several paths, and steps that change what belongs to the process ----------------------------------


def test_two_paths_to_a_project_are_one_project(box, tmp_path):
    """By a link, from a folder inside of it, by its name: all reuse what one made, and one publishes at a time."""
    link = tmp_path / "link"
    link.symlink_to(box.root)
    first = box.run().json
    assert first["published"]
    for where in (link, box.root / "conf"):
        done = subprocess.run(box.command("run", "--json"), cwd=where, capture_output=True, text=True, check=True)
        assert {step["status"] for step in json.loads(done.stdout)["steps"]} == {"reused"}
    with at_once.crew(tmp_path) as crew:
        roots = [box.root, link, link]
        running = [
            crew.start(root, "run", "--json", f"model.rate={at / 8}", env={"PWD": str(root)})
            for at, root in enumerate(roots)
        ]
        crew.go()
        runs = [finish(process) for process in running]
    for at, run in enumerate(runs):
        with at_once.Kept(link) as kept:
            assert kept.values(run["id"])["model"] == {"weight": 27 * at / 8}
            kept.sound()
            kept.lock()
    assert any(run["published"] for run in runs)
    lease = publishing.Lease.acquire(link / ".tane")
    try:
        assert box.run().json["published"] is False
    finally:
        lease.release()


WANDERING = """
import os
import shutil
import tempfile
import threading


def first(table, away: str):
    def wander():
        os.environ.update({"HOME": "/nowhere", "TMPDIR": "/nowhere", "PWD": "/nowhere", "XDG_CACHE_HOME": "/nowhere"})
        os.environ.pop("PATH", None)
        if away == "gone":
            folder = tempfile.mkdtemp(dir=os.getcwd())
            os.chdir(folder)
            shutil.rmtree(folder)
        else:
            os.chdir("/")

    other = threading.Thread(target=wander)
    other.start()
    other.join()
    return len(table["x"])


def second(table, first):
    with open("beside.txt") as file:
        return {"read": file.read(), "first": first, "table": table}
"""


@pytest.mark.parametrize(
    ("executor", "away"),
    [("serial", "gone"), ("processes", "elsewhere"), *more([("threads", "elsewhere"), ("processes", "gone")])],
)
def test_a_step_that_goes_to_another_folder_takes_no_other_with_it(box, away, executor):
    """Steps find the same working folder whether those before them worked or were reused; so does the run's end."""
    box.write("src/small/nodes.py", WANDERING)
    box.write("beside.txt", "here")
    box.write("conf/base/parameters.yml", f"away: {away}\n")
    box.write(
        "src/small/pipeline_registry.py",
        registry("node(n.first, ['table', 'params:away'], 'first')", "node(n.second, ['table', 'first'], 'scores')"),
    )
    for more in ([], ["--force-node", "second"]):
        done = box.tane("run", "--executor", executor, *more)
        assert done.code == 0, done.err
        assert box.read("data/07_model_output/scores.json") == {"read": "here", "first": 3, "table": OLD}
    assert [path.name for path in box.root.iterdir() if path.name.startswith("tmp")] == []


# --- versions that are handed on --------------------------------------------------------------------------------------


def test_what_a_run_resolved_travels_with_it_and_can_be_asked_for_by_digest(box):
    """The data set of one run is that of another by its digest, whatever has become of the file meanwhile."""
    first = box.run().json
    box.write("data/01_raw/table.json", json.dumps(NEW))
    second = box.run().json
    assert first["datasets"]["table"] != second["datasets"]["table"]
    with at_once.Kept(box.root) as kept:
        for run, content in ((first, OLD), (second, NEW)):
            assert run["datasets"]["table"] == digest_of(content)
            (source,) = read.sources(kept.ledger, run["id"])
            assert kept.value(source) == content
            assert read.uses(kept.ledger, "table", run["datasets"]["table"])[-1].run == run["id"]
    project = tane.open_project(box.root)
    resumed = box.run("--resume", first["id"]).json
    assert resumed["datasets"] == first["datasets"]
    handed = project.run(inputs={"table": OLD})
    assert handed["scores"] == project.run(inputs={"table": OLD})["scores"]
    assert handed.versions["scores"] == first["datasets"]["scores"]


def digest_of(content) -> str:
    return hashing.of_bytes(json.dumps(content).encode())


# --- backfills that share every name ----------------------------------------------------------------------------------


def test_backfills_at_once_that_share_every_name_and_place_give_what_one_after_the_other_gives(tmp_path):
    """Overlapping ranges, in several workers each; one is killed, both are gone on with."""
    from test_backfills import Flow

    ranges = [windows.cut("2026-01-02", "2026-01-02T16:00", "1h"), windows.cut("2026-01-02T08:00", "2026-01-03", "1h")]
    flow = Flow(tmp_path / "box")
    flow.edit("conf/base/parameters.yml", "pause: 0.0", "pause: 0.03")
    for round_ in range(effort.times(1)):
        shutil.rmtree(flow.root / ".tane", ignore_errors=True)
        shutil.rmtree(flow.root / "data/forecasts", ignore_errors=True)
        (flow.root / "calls.log").unlink(missing_ok=True)
        running = [
            subprocess.Popen(
                flow.command(cut, "-j", "2", "--json", *(["--latest-first"] if at else [])),
                cwd=flow.root,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            for at, cut in enumerate(ranges)
        ]
        drawn = random.Random(round_)
        begun = 2 + drawn.randrange(10)
        wait_until(lambda begun=begun: len(flow.calls) > begun)
        killed = drawn.randrange(2)
        os.killpg(running[killed].pid, signal.SIGKILL)
        running[killed].communicate()
        code, out, err = at_once.ended(running[1 - killed])
        assert code == 0, err
        assert {window["status"] for window in json.loads(out)["windows"]} <= {"succeeded", "reused"}
        again = [
            subprocess.Popen(
                flow.command(cut, "-j", "2", "--json"),
                cwd=flow.root,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for cut in ranges
        ]
        ends = [at_once.ended(process) for process in again]
        assert [code for code, _, _ in ends] == [0, 0], ends
        for cut in ranges:  # whoever could not publish, or was killed before it had, places now what is kept
            assert flow.backfill(cut).done_before == len(cut)
        assert flow.files == plain_forecasts(flow)
        with at_once.Kept(flow.root / "flow.py") as kept:
            kept.sound()
            names = [run.name for run in read.runs(kept.ledger, windows=True) if run.kind == "window"]
            done = {name.partition("/")[2] for name in names} - {"shared"}
            assert {window.label for cut in ranges for window in cut} <= done


def plain_forecasts(flow) -> dict[str, bytes]:
    """What plain Python makes of the whole day, as the files say it."""
    load = json.loads((flow.root / "data/load.json").read_text())
    level = sum(load.values()) / len(load)
    found = {}
    for window in windows.cut("2026-01-02", "2026-01-03", "1h"):
        features = [load[key] for key in sorted(load) if key < window.start][-3:]
        value = (sum(features) + level) / (len(features) + 1)
        found[f"{window.label}.json"] = {"from": window.start, "to": window.end, "value": value}
    assert found.keys() == flow.files.keys()
    return {name: flow.files[name] for name, value in found.items() if json.loads(flow.files[name]) == value}


def test_windows_in_workers_are_done_in_a_session_that_wrote_its_code_itself(tmp_path):
    """What was written after a process began is known to it by what it loaded, and to its workers by their file."""
    from test_backfills import Flow

    flow = Flow(tmp_path / "box")
    flow.edit("flow.py", "def clean(load):", "class Kept(dict):\n    pass\n\n\nTHE = Kept()\n\n\ndef clean(load):")
    flow.edit("flow.py", "return dict(load)", "return Kept(load) | THE")
    found = flow.backfill(windows.cut("2026-01-02", "2026-01-02T02:00", "1h"), jobs=2)
    assert found.counts == {"succeeded": 2}, found.error
