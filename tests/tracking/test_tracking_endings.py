"""How a run ends, and what is recorded of it."""

import pytest

import tane
from tane import errors


def status(run):
    found = tane.get_run(run if isinstance(run, str) else run.id)
    return str(found.status), found.error


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("sys.exit(3)", ("failed", "exit code 3")),
        ("sys.exit('no data')", ("failed", "SystemExit: no data")),
        ("sys.exit(0)", ("succeeded", "")),
        ("sys.exit()", ("succeeded", "")),
        ("exit(4)", ("failed", "exit code 4")),
        ("1 / 0", ("failed", "ZeroDivisionError: division by zero")),
        ("raise KeyboardInterrupt", ("interrupted", "")),
        ("pass", ("succeeded", "")),
        ("try:\n    sys.exit(3)\nexcept SystemExit:\n    pass", ("succeeded", "")),
        ("def deep():\n    sys.exit(5)\ndeep()", ("failed", "exit code 5")),
    ],
)
def test_a_script_that_ends_without_ending_its_run(python, line, expected):
    python(f"import sys, tane\ntane.start_run('bare')\n{line}\n")
    assert status("bare") == expected


def test_a_system_exit_of_an_unknown_code_is_not_taken_for_success(python):
    assert python("import tane\ntane.start_run('bare')\nraise SystemExit(3)\n").returncode == 3
    assert status("bare")[0] == "interrupted"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (SystemExit(3), ("failed", "exit code 3")),
        (SystemExit(0), ("succeeded", "")),
        (KeyboardInterrupt(), ("interrupted", "")),
        (ValueError("bad"), ("failed", "ValueError: bad")),
        (errors.PrunedTrial("others do better", hint=""), ("pruned", "PrunedTrial: others do better")),
    ],
)
def test_what_ends_the_block_ends_the_run(here, error, expected):
    with pytest.raises(type(error)), tane.start_run("x") as run:
        raise error
    assert status(run) == expected


def test_a_thread_that_exits_does_not_end_the_run_of_the_script(python):
    python(
        "import sys, threading, tane\ntane.start_run('x')\n"
        "t = threading.Thread(target=sys.exit, args=(3,))\nt.start()\nt.join()\n"
    )
    assert status("x") == ("succeeded", "")


def test_a_fork_does_not_end_the_run_of_its_parent(python):
    done = python(
        "import os, sys, tane\nrun = tane.start_run('x')\npid = os.fork()\n"
        "if not pid:\n    tane.log_metric('child', 1)\n    sys.exit(0)\nos.waitpid(pid, 0)\n"
        "assert str(run.status) == 'running', run.status\ntane.log_metric('parent', 1)\n"
    )
    assert done.returncode == 0, done.stderr
    assert status("x") == ("succeeded", "")
    assert set(tane.get_run("x").metrics) == {"child", "parent"}


def test_end_says_how(here):
    run = tane.start_run("x")
    run.end("failed", "the data were empty")
    run.end()
    assert status(run) == ("failed", "the data were empty")


def test_an_unknown_ending_is_refused_with_the_nearest_one(here):
    with tane.start_run("x") as run, pytest.raises(errors.UsageError, match="did you mean 'succeeded'"):
        run.end("suceeded")
    assert status(run) == ("succeeded", "")


def test_nested_runs_that_are_left_open_end_with_the_script(python):
    python("import tane\ntane.start_run('outer')\ntane.start_run('inner')\nraise ValueError('x')\n")
    assert status("outer")[0] == status("inner")[0] == "failed"


def test_mistakes_in_what_a_run_starts_with_begin_no_run(here):
    for more in ({"params": 3}, {"tags": 5}, {"system_metrics": -1}, {"sinks": []}, {"sinks": "nonsense"}):
        with pytest.raises(errors.UsageError):
            tane.start_run(**more)
    with pytest.raises(errors.UsageError, match="nothing has run here yet"):
        tane.get_run()
