"""examples/tasks: commands without data, in their order, in every run."""

from __future__ import annotations

import datetime
import json

import examples
import pytest


@pytest.fixture
def tasks(tmp_path):
    return examples.copy("tasks", tmp_path)


def of(log, node):
    return [line for name, line in log if name == node]


def test_the_date_is_printed_and_the_template_filled(tasks):
    ended = tasks.run("tutorial.py", "day=2026-02-25", "-j", "2")
    assert ended.steps == dict.fromkeys(("print_date", "sleep", "templated"), "succeeded")
    log = tasks.log("-C", "tutorial.py")
    assert str(datetime.date.today().year) in of(log, "print_date")[0]
    assert of(log, "templated") == ["2026-02-25", "2026-03-04"] * 5
    assert of(log, "sleep") == []


def test_tasks_run_every_time_and_their_order_holds(tasks):
    tasks.run("shell.py")
    again = tasks.run("shell.py", "-j", "2")
    assert again.steps == dict.fromkeys(("task1", "task2", "task3"), "succeeded")
    assert set(again.reasons.values()) == {"never kept: cache=False"}
    shown = json.loads(tasks.tane("show", "last", "--json", "-C", "shell.py").stdout)
    started = {step["node"]: step["started"] for step in shown["steps"]}
    assert started["task1"] <= min(started["task2"], started["task3"])
    assert of(tasks.log("-C", "shell.py"), "task3") == ["three"]


def test_sleep_is_tried_four_times_and_the_other_goes_on(tasks):
    # a sleep that fails: GNU sleep takes no negative time
    conf = tasks.root / "conf" / "base" / "parameters.yml"
    conf.write_text(conf.read_text().replace("nap: 0.2", "nap: -1"))
    run_settings = tasks.root / "conf" / "base" / "run.yml"
    run_settings.write_text("nodes: {sleep: {retries: {times: 3, delay: 0.01}}}\n")
    ended = tasks.run("tutorial.py", "--keep-going", code=1)
    assert ended.steps == {"print_date": "succeeded", "sleep": "failed", "templated": "succeeded"}
    assert ended.attempts == {"print_date": 1, "sleep": 4, "templated": 1}


def test_a_value_is_never_read_as_code(tasks):
    ended = tasks.run("tutorial.py", "day='$(touch here)'", code=1)
    assert ended.steps["templated"] == "failed"
    assert "invalid date" in ended.err
    assert not (tasks.root / "here").exists()
    assert of(tasks.log("-C", "tutorial.py"), "templated")[0] == "$(touch here)"


def test_commands_are_drawn_as_such(tasks):
    drawn = tasks.tane("graph", "tutorial.py")
    assert drawn.returncode == 0, drawn.stderr
    assert drawn.stdout.count("after print_date (shell command)") == 2
