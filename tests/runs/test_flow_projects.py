"""Flows as one-file projects: what is kept, what an edit repeats, and what is told."""

from __future__ import annotations

import inspect
import textwrap
from pathlib import Path
from typing import Any

import pytest
from boxes import Box
from test_flow_runs import Branches, Loops, Switches, SwitchInLoop, left

import tane

FLOW = '''
"""A flow of four steps, two of them side by side."""

import tane
from tane import Flow, step

OFFSET = 1


class Small(Flow):
    rate: float = 0.5
    LEVEL = 2

    @step
    def start(self):
        self.rows = [1, 2, 3]
        self.next(self.left, self.right)

    @step
    def left(self):
        self.total = self.scaled(sum(self.rows))
        self.next(self.join)

    @step
    def right(self):
        """The largest."""
        self.largest = max(self.rows) + OFFSET
        self.next(self.join)

    @step(outputs="report")
    def join(self, inputs):
        self.merge_artifacts(inputs)
        self.report = {"total": self.total, "largest": self.largest}
        self.next(self.end)

    @step
    def end(self):
        self.done = True

    def scaled(self, value):
        return value * self.rate * self.LEVEL
'''


@pytest.fixture
def file(tmp_path: Path) -> Box:
    made = Box(tmp_path / "flows")
    made.write("small_flow.py", FLOW)
    return made


def own_source(flow: type) -> str:
    """A flow of these tests as a module of its own would have it."""
    return "from tane import step\n\n\n" + textwrap.dedent(inspect.getsource(flow))


def load(box: Box, name: str, file: str = "small_flow.py") -> Any:
    return tane.open_project(box.root / file).load(name)


def test_a_file_with_a_flow_is_a_project(file):
    assert file.run("small_flow.py").ran == [f"Small.{name}" for name in ("start", "left", "right", "join", "end")]
    assert load(file, "end").report == {"total": 6.0, "largest": 4}
    assert load(file, "report") == {"total": 6.0, "largest": 4}


def test_nothing_is_done_twice(file):
    file.tane("run", "small_flow.py")
    assert "nothing changed" in file.tane("run", "small_flow.py").out


@pytest.mark.parametrize(
    ("old", "new", "ran"),
    [
        ("self.done = True", "self.done = False", ["end"]),
        ("self.done = True", "self.done = True  # yes", []),
        ('"""The largest."""', '"""What is largest."""', []),
        ("self.rows = [1, 2, 3]", "self.rows = [1, 1 + 1, 3]", ["start"]),
        ("return value * self.rate", "return self.rate * value", ["left"]),
        ("LEVEL = 2", "LEVEL = 3", ["left", "join", "end"]),
        ("rate: float = 0.5", "rate: float = 1.5", ["left", "join", "end"]),
        ("OFFSET = 1", "OFFSET = 2", ["right", "join", "end"]),
        ("    @step\n    def left", "    @step(retries=2, tags='x')\n    def left", []),
        ("self.next(self.left, self.right)", "self.next(self.right, self.left)", ["join"]),
        ("class Small(Flow)", "class Large(Flow)", []),
    ],
)
def test_an_edit_runs_what_rests_on_it(file, old, new, ran):
    file.run("small_flow.py")
    file.edit("small_flow.py", old, new)
    assert [name.partition(".")[2] for name in file.run("small_flow.py").ran] == ran


def test_reasons_name_what_changed(file):
    file.run("small_flow.py")
    file.edit("small_flow.py", "self.done = True", "self.done = False")
    file.edit("small_flow.py", "return value * self.rate", "return self.rate * value")
    assert file.run("small_flow.py").reasons == {
        "Small.left": ["code changed: helper Small.scaled() in small_flow.py"],
        "Small.end": ["code changed: function Small.end() in small_flow.py"],
    }
    file.edit("small_flow.py", "LEVEL = 2", "LEVEL = 3")
    assert file.run("small_flow.py").reasons["Small.left"] == ["code changed: settings of Small"]
    assert file.run("small_flow.py", "rate=2").reasons["Small.left"] == ["parameter rate 0.5 -> 2"]


def test_a_step_between_is_added_without_repeating_others(file):
    file.run("small_flow.py")
    more = "        self.next(self.more)\n\n    @step\n    def more(self):\n"
    before = "        self.next(self.join)\n\n    @step\n    def right"
    file.edit("small_flow.py", before, more + before)
    assert file.run("small_flow.py").ran == ["Small.more", "Small.join"]


def test_bases_in_other_files_count(file):
    file.write("shared.py", "class Scaling:\n    def scaled(self, value):\n        return value * 3\n")
    file.edit("small_flow.py", "class Small(Flow)", "class Small(shared.Scaling, Flow)")
    file.edit("small_flow.py", "import tane\n", "import shared\n")
    file.run("small_flow.py")
    file.edit("shared.py", "* 3", "* 4")
    assert file.run("small_flow.py").reasons["Small.left"] == ["code changed: helper Scaling.scaled() in shared.py"]


def test_parameters_are_checked_against_their_annotations(file):
    ended = file.tane("run", "small_flow.py", "rate=fast")
    assert ended.code == 2
    assert "rate" in ended.err
    assert "'fast'" in ended.err


def test_a_mistake_is_told_with_its_line(file):
    file.edit("small_flow.py", "self.next(self.left, self.right)", "self.next(self.left, self.rigth)")
    ended = file.tane("run", "small_flow.py")
    assert ended.code == 2
    assert "small_flow.py:17: step 'start' goes to 'rigth', which is no step" in ended.err
    assert "did you mean 'right'?" in ended.err


def test_a_step_that_fails_shows_its_line(file):
    file.edit("small_flow.py", "self.done = True", "self.done = self.totl")
    ended = file.tane("run", "small_flow.py")
    assert ended.code == 1
    assert "no step before 'end' has set 'totl'" in ended.err
    assert "did you mean 'total'?" in ended.err
    line = FLOW[: FLOW.index("self.done")].count("\n") + 1
    assert f'small_flow.py", line {line}, in end' in ended.err


def test_steps_are_chosen_by_their_own_names(file):
    file.run("small_flow.py")
    assert [each["node"] for each in file.run("small_flow.py", "--from", "join").json["steps"]] == [
        "Small.join",
        "Small.end",
    ]
    assert file.run("small_flow.py", "--force-node", "right").ran == ["Small.right"]


def test_results_do_not_depend_on_processes(file):
    assert file.run("small_flow.py", "-j", "2").code == 0
    assert load(file, "end").report == {"total": 6.0, "largest": 4}


def test_flows_of_one_folder_are_told_apart(file):
    file.run("small_flow.py")
    other = FLOW.replace("class Small", "class Other").replace("[1, 2, 3]", "[7]")
    file.write("other_flow.py", other)
    assert file.run("other_flow.py").reasons["Other.start"] == ["first run"]
    assert load(file, "start").rows == [1, 2, 3]
    assert load(file, "start", "other_flow.py").rows == [7]
    file.edit("small_flow.py", "self.total = ", "self.total = 1 + ")
    file.run("small_flow.py", "--from", "left")
    assert load(file, "end").report["total"] == 7.0


def test_several_flows_are_pipelines_by_their_names(file):
    end = "    @step\n    def end(self):\n        self.done = True\n\n"
    file.edit("small_flow.py", "class Small(Flow)", "class Base(Flow)")
    file.edit("small_flow.py", end, "")
    file.write(
        "small_flow.py",
        (file.root / "small_flow.py").read_text()
        + f"\n\nclass One(Base):\n    rate = 1\n\n{end}\n"
        + f"class Two(Base):\n{end.replace('True', '2')}",
    )
    assert set(tane.open_project(file.root / "small_flow.py").pipelines) == {"One", "Two"}
    assert file.run("small_flow.py", "--pipeline", "Two").ran[-1] == "Two.end"
    assert load(file, "Two.end").done == 2
    assert "there are: One, Two" in file.tane("run", "small_flow.py").err


def test_values_need_not_be_kept(file):
    registry = "from keepless.flow import Loops\n\n\ndef register_pipelines():\n    return {'x': Loops.pipeline()}\n"
    file.write("pyproject.toml", '[project]\nname = "keepless"\n[tool.tane]\npackage = "keepless"\nkeep = "none"\n')
    file.write("src/keepless/__init__.py", "")
    file.write("src/keepless/flow.py", "from tane import Flow\n" + own_source(Loops))
    file.write("src/keepless/pipeline_registry.py", registry)
    for options in ({}, {"jobs": 2, "force": True}):
        assert tane.open_project(file.root).run(**options)["end"].rows == left(Loops).rows


WATCHED = '''
from pathlib import Path

from tane import Flow, step

READ = Path(__file__).with_name("read.txt")


class Noted:
    """A value that notes when it is read."""

    def __init__(self, name):
        self.name = name

    def __setstate__(self, state):
        self.__dict__.update(state)
        with READ.open("a") as file:
            file.write(self.name)


class Watched(Flow):
    @step
    def start(self):
        self.large = Noted("L")
        self.used = Noted("U")
        self.items = ["a", "b", "c"]
        self.next(self.each, foreach="items")

    @step
    def each(self):
        if self.input == Path(READ).with_name("bad").read_text():
            raise ValueError("bad item")
        self.name = self.used.name + self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        self.names = [each.name for each in inputs]
        self.merge_artifacts(inputs, exclude=["name"])
        self.next(self.end)

    @step
    def end(self):
        self.done = len(self.items)
'''


@pytest.fixture
def watched(tmp_path: Path) -> Box:
    made = Box(tmp_path / "flows")
    made.write("watched_flow.py", WATCHED)
    made.write("bad", "")
    return made


def read(box: Box) -> str:
    path = box.root / "read.txt"
    text = path.read_text() if path.exists() else ""
    path.write_text("")
    return text


def test_only_what_is_asked_for_is_read(watched):
    assert watched.run("watched_flow.py").code == 0
    assert read(watched) == "UUU"
    assert load(watched, "end", "watched_flow.py").names == ["Ua", "Ub", "Uc"]
    assert read(watched) == ""


def test_a_longer_list_costs_its_new_items(watched):
    watched.run("watched_flow.py")
    watched.edit("watched_flow.py", '["a", "b", "c"]', '["z", "a", "b", "c"]')
    read(watched)
    assert watched.run("watched_flow.py").ran == ["Watched.start", "Watched.each", "Watched.join", "Watched.end"]
    assert read(watched) == "U"
    assert load(watched, "end", "watched_flow.py").items == ["z", "a", "b", "c"]


def test_an_item_that_fails_does_not_cost_the_others(watched):
    watched.write("bad", "b")
    ended = watched.tane("run", "watched_flow.py")
    assert ended.code == 1
    assert "node 'Watched.each[1]' failed: ValueError: bad item" in ended.err
    watched.write("bad", "")
    read(watched)
    assert watched.run("watched_flow.py").code == 0
    assert read(watched) == "U"
    assert load(watched, "end", "watched_flow.py").names == ["Ua", "Ub", "Uc"]


def test_an_artifact_that_cannot_be_kept_is_named(file):
    file.edit("small_flow.py", "self.done = True", "self.done = (row for row in self.rows)")
    ended = file.tane("run", "small_flow.py")
    assert ended.code == 1
    assert "artifact 'done' of step 'Small.end' cannot be kept" in ended.err


def test_artifacts_outlive_the_store_they_were_opened_from(file):
    file.run("small_flow.py")
    workspace = tane.open_project(file.root / "small_flow.py")
    end = workspace.load("end")
    assert workspace.run()["end"].report == end.report


def test_every_form_of_control_is_the_same_in_a_project(tmp_path):
    box = Box(tmp_path)
    for flow in (Loops, SwitchInLoop, Switches, Branches):
        box.write(f"{flow.__name__.lower()}_flow.py", "from tane import Flow\n" + own_source(flow))
    box.write("conf/base/catalog.yml", "notes:\n  type: text.TextDataset\n  filepath: notes.txt\n")
    box.write("notes.txt", "note")
    for arguments in ((), ("-j", "2")):
        box.tane("run", "loops_flow.py", *arguments)
        assert load(box, "end", "loops_flow.py").rows == left(Loops).rows
        box.tane("run", "switchinloop_flow.py", *arguments)
        assert load(box, "end", "switchinloop_flow.py").texts == left(SwitchInLoop).texts
        box.tane("run", "branches_flow.py", *arguments)
        assert load(box, "end", "branches_flow.py").names == left(Branches).names
    for size in ("big", "small", "none"):
        ended = box.run("switches_flow.py", f"size={size}")
        assert ended.code == 0, ended.err
        expected = left(Switches, params={"size": size}, inputs={"notes": "note"}).way
        assert load(box, "end", "switches_flow.py").way == expected
