"""Plug-ins in runs of a small project: they watch, change what steps take where asked to, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TIMING = Path(__file__).parents[1] / "plugins/tane_timing"

HOOKS = '''
"""Notes each call in a file."""


def note(*words):
    with open("calls.txt", "a") as file:
        print(*words, file=file)


class Noting:
    def before_run(self, event):
        note("before_run", event.pipeline, event.steps)

    def before_step(self, event):
        note("before_step", event.node, event.reasons[0])

    def after_load(self, event):
        note("after_load", event.node, event.name, event.type)

    def after_save(self, event):
        note("after_save", event.name, event.verb)

    def after_step(self, event):
        note("after_step", event.node, event.status, *sorted(event.outputs))

    def on_error(self, event):
        note("on_error", event.node or "-", event.error.splitlines()[0][-16:], "Traceback" in event.traceback)

    def after_run(self, event):
        note("after_run", event.status, event.pipeline)


class Faulty:
    def after_step(self, event):
        raise ValueError(event.node)


class Misspelt:
    def befor_run(self, event):
        pass


class Scale:
    datasets = ["table"]

    def transform(self, name, value):
        return {"x": [10 * number for number in value["x"]]}


class Failing(Scale):
    def transform(self, name, value):
        raise KeyError("y")
'''


@pytest.fixture
def small(box):
    box.write("src/small/hooks.py", HOOKS)
    return box


def plug(box, line):
    """Put a line into [tool.tane]."""
    path = box.root / "pyproject.toml"
    path.write_text(path.read_text().rstrip() + f"\n{line}\n")


def calls(box):
    path = box.root / "calls.txt"
    found = path.read_text().splitlines()
    path.unlink()
    return found


def test_a_hook_sees_the_whole_run(small):
    plug(small, 'hooks = ["small.hooks:Noting"]')
    assert small.run().code == 0
    seen = calls(small)
    assert seen[0] == "before_run __default__ 3"
    assert seen[1:4] == [
        "before_step features first run",
        "after_load features table json.JSONDataset",
        "after_step features succeeded features",
    ]
    assert "after_save model saved" in seen
    assert seen[-1] == "after_run succeeded __default__"


def test_what_is_saved_is_told_once_and_before_its_step_ends(small):
    plug(small, 'hooks = ["small.hooks:Noting"]')
    small.run()
    seen = calls(small)
    assert seen.count("after_save model saved") == 1
    assert seen.index("after_save model saved") < seen.index("after_step fit succeeded model")


def test_a_reused_step_ends_without_having_begun(small):
    plug(small, 'hooks = ["small.hooks:Noting"]')
    small.run()
    calls(small)
    small.run("model.rate=0.7")
    assert [call for call in calls(small) if "_step" in call] == [
        "after_step features reused features",
        "before_step fit parameter model.rate 0.5 -> 0.7",
        "after_step fit succeeded model",
        "before_step score input model changed",
        "after_step score succeeded scores",
    ]


def test_what_fails_is_seen_for_the_step_and_the_run(small):
    plug(small, 'hooks = ["small.hooks:Noting"]')
    small.edit("src/small/nodes.py", "return [scaled", "raise KeyError('lost')\n    return [scaled")
    assert small.tane("run").code == 1
    assert [call for call in calls(small) if call.startswith("on_error")] == [
        "on_error features KeyError: 'lost' True",
        "on_error - KeyError: 'lost' True",
    ]


def test_a_hook_that_fails_changes_nothing_and_is_told_once(small):
    plain = small.run().json
    plug(small, 'hooks = ["small.hooks:Faulty"]')
    again = small.tane("run", "--force")
    assert again.code == 0
    assert again.out.count("the hook Faulty failed in after_step() 3 times, first: ValueError: features") == 1
    assert "src/small/hooks.py:" in again.out
    reused = small.run().json
    assert {step["status"] for step in reused["steps"]} == {"reused"}
    assert [step["outputs"] for step in reused["steps"]] == [step["outputs"] for step in plain["steps"]]


def test_a_misspelt_method_is_told_before_anything_runs(small):
    plug(small, 'hooks = ["small.hooks:Misspelt"]')
    ended = small.tane("run")
    assert ended.code == 2
    assert "befor_run() would never be called" in ended.err
    assert "did you mean 'before_run'?" in ended.err
    assert small.tane("runs", "--json").json == []


def weight(box):
    return box.read("data/06_models/model.json")["weight"]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_transform_changes_what_steps_take(small, jobs):
    small.run("-j", jobs)
    before = weight(small)
    plug(small, 'transforms = ["small.hooks:Scale"]')
    changed = small.run("-j", jobs)
    assert changed.ran == ["features", "fit", "score"]
    assert any("transform Scale" in reason for reason in changed.reasons["features"])
    assert weight(small) != before
    assert small.run("-j", jobs).ran == []

    small.edit("src/small/hooks.py", "10 * number", "20 * number")
    assert small.run("-j", jobs).ran == ["features", "fit", "score"]

    small.edit("pyproject.toml", 'transforms = ["small.hooks:Scale"]', "")
    assert small.run("-j", jobs).ran == []
    assert weight(small) == before


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_transform_that_fails_is_named_with_the_dataset(small, jobs):
    plug(small, 'transforms = ["small.hooks:Failing"]')
    ended = small.tane("run", "-j", jobs)
    assert ended.code == 1
    assert "transform 'Failing' failed on 'table': KeyError: 'y'" in ended.err
    assert "raise KeyError" in ended.err


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A package of plug-ins, installed into a folder of its own."""
    folder = tmp_path_factory.mktemp("installed")
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(folder), str(TIMING)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return {"PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}


def test_an_installed_hook_is_found_by_its_entry_point(small, installed):
    assert "timing: features succeeded" in small.tane("run", env=installed).out
    plug(small, 'without = ["timing"]')
    quiet = small.tane("run", "--force", env=installed)
    assert quiet.code == 0
    assert "timing:" not in quiet.out


def test_an_installed_transform_works_only_where_it_is_named(box, installed):
    box.write("src/small/pipeline_registry.py", DOUBLING)
    box.write("conf/base/catalog.yml", "")
    box.tane("run", env=installed)
    assert box.read("out.json") == 3
    plug(box, 'transforms = ["doubling"]')
    box.tane("run", env=installed)
    assert box.read("out.json") == 6


DOUBLING = """
import json
from tane import Pipeline, node


def number():
    return 3


def write(number):
    with open("out.json", "w") as file:
        json.dump(number, file)


def register_pipelines():
    return {"__default__": Pipeline([number, node(write, "number", None, cache=False)])}
"""
