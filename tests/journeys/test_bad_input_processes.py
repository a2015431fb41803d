"""Runs that meet each other, are interrupted or killed: the state is clean, and the next run ends as if undisturbed."""

import os
import signal
import subprocess
import time

import pytest
from builders import MADE, REPORT, refused

NODES, FIT = "src/shop/nodes.py", 'return {"weight": sum(cleaned) * rate}'
JOBS = pytest.mark.parametrize("jobs", ["1", "2"])
WAITS = f"""
    import pathlib, time
    pathlib.Path("reached").touch()
    while not pathlib.Path("go").exists():
        time.sleep(0.01)
    {FIT}
"""


@pytest.fixture
def slow(shop):
    """The shop, whose second node says that it is reached and then waits for a file `go`."""
    shop.edit(NODES, FIT, WAITS.strip())
    return shop


def until_gone(pattern):
    """Wait until no process has `pattern` in its command line; the worker processes of a run that was killed."""
    until = time.monotonic() + 10
    while subprocess.run(["pgrep", "-f", pattern], capture_output=True, check=False).stdout:
        assert time.monotonic() < until, f"{pattern} still runs"
        time.sleep(0.02)


def ends_as_if_undisturbed(shop):
    """The next run goes on where the other one stopped, and has the results of one that was never disturbed."""
    (shop.root / "go").touch()
    ended = shop.spawn("run")
    assert ended.code == 0, ended
    assert "reused   clean" in ended.out
    assert [shop.json(name) for name in MADE] == [{"weight": 3.0}, REPORT]
    assert shop.leftovers() == []
    assert "nothing changed" in shop.spawn("run").out


# --- interrupted ------------------------------------------------------------------------------------------------------


@JOBS
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_in_the_middle_ends_with_130_and_a_clean_state(slow, number, jobs):
    process = slow.start("run", "-j", jobs)
    slow.wait_for("reached")
    process.send_signal(number)
    ended = slow.end(process)
    refused(ended, 130, "was interrupted", "run again: what was done is kept")
    assert slow.runs()[0].status == "interrupted"
    assert slow.files().isdisjoint(MADE)
    assert slow.leftovers() == []
    ends_as_if_undisturbed(slow)


@JOBS
def test_an_interrupt_of_the_whole_terminal_is_told_once(slow, jobs):
    """Ctrl-C reaches the worker processes too: none of them adds a traceback of its own."""
    process = slow.start("run", "-j", jobs, start_new_session=True)
    slow.wait_for("reached")
    os.killpg(process.pid, signal.SIGINT)
    refused(slow.end(process), 130, "was interrupted")
    ends_as_if_undisturbed(slow)


@JOBS
@pytest.mark.parametrize("delay", [0.05, 0.15, 0.25, 0.35])
def test_an_interrupt_at_any_time_ends_with_130_without_a_traceback(slow, delay, jobs):
    process = slow.start("run", "-j", jobs, start_new_session=True)
    time.sleep(delay)
    os.killpg(process.pid, signal.SIGINT)
    ended = slow.end(process)
    if ended.code == -signal.SIGINT:  # before Python itself had started
        return
    assert ended.code == 130, ended
    assert "Traceback" not in ended.err, ended
    assert "interrupted" in ended.err
    assert slow.leftovers() == []
    (slow.root / "go").touch()
    slow.recovers()


def test_a_second_interrupt_while_the_first_is_handled_does_no_harm(slow):
    process = slow.start("run", "-j", "2", start_new_session=True)
    slow.wait_for("reached")
    for _ in range(3):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.01)
    ended = slow.end(process)
    assert ended.code == 130, ended
    assert "Traceback" not in ended.err, ended
    ends_as_if_undisturbed(slow)


def test_a_node_that_raises_keyboard_interrupt_is_an_interrupt(shop):
    mend = shop.edit(NODES, FIT, "raise KeyboardInterrupt")
    refused(shop.tane("run"), 130, "was interrupted")
    assert shop.runs()[0].status == "interrupted"
    mend()
    shop.recovers()
    assert shop.steps()["clean"] == "reused"


# --- killed -----------------------------------------------------------------------------------------------------------


@JOBS
def test_after_kill_9_the_next_run_ends_as_if_undisturbed(slow, jobs):
    process = slow.start("run", "-j", jobs)
    slow.wait_for("reached")
    time.sleep(0.2)  # what has ended is on record within a twentieth of a second
    process.kill()
    ended = slow.end(process)
    assert ended.code == -signal.SIGKILL
    until_gone(f"tane.executors.worker.*{process.pid}")
    assert slow.runs()[0].status == "killed"
    assert "killed" in slow.tane("runs").out
    ends_as_if_undisturbed(slow)
    assert [run.status for run in slow.runs()] == ["succeeded", "killed"]


DEATHS = {
    "as a result is moved into place": """
_replace = os.replace
os.replace = lambda old, new, **more: _die() if str(new).endswith("model.json") else _replace(old, new, **more)
""",
    "as a file is begun beside its place": """
_open = os.open
os.open = lambda path, *more, **others: _die() if ".tane-" in os.fsdecode(path) else _open(path, *more, **others)
""",
    "as an object reaches the disk": "os.fsync = os.fdatasync = lambda file: _die()",
    "at any moment": "threading.Timer(0.1, _die).start()",
}


@pytest.mark.parametrize("moment", DEATHS)
def test_a_run_that_dies_in_a_critical_call_leaves_nothing_the_next_one_trips_over(shop, moment):
    """The process ends at once inside the call, as in a power cut: nothing is cleaned up."""
    die = "import os, signal, threading\n\n\ndef _die():\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    mend = shop.edit(NODES, "\ndef clean", f"{die}\n{DEATHS[moment]}\n\ndef clean")
    shop.spawn("run")
    mend()
    ended = shop.spawn("run")
    assert ended.code == 0, ended
    assert [shop.json(name) for name in MADE] == [{"weight": 3.0}, REPORT]
    assert {run.status for run in shop.runs()[1:]} <= {"killed", "succeeded"}


# --- at the same time -------------------------------------------------------------------------------------------------


def test_the_second_of_two_runs_says_that_it_does_not_publish_and_both_are_right(slow):
    first = slow.start("run")
    slow.wait_for("reached")
    (slow.root / "reached").unlink()
    second = slow.start("run", "model.rate=2.0")
    slow.wait_for("reached")
    (slow.root / "go").touch()
    one, two = slow.end(first), slow.end(second)
    assert (one.code, two.code) == (0, 0), f"{one}\n{two}"
    assert "another run is publishing this project" not in one.out
    assert "warning: another run is publishing this project" in two.out
    assert "keeps its results in the store only" in two.out
    assert [slow.json(name) for name in MADE] == [{"weight": 3.0}, REPORT]
    told = slow.spawn("run", "model.rate=2.0")
    assert told.code == 0
    assert "3 reused" in told.out
    assert slow.json(MADE[0]) == {"weight": 12.0}
    assert [run.status for run in slow.runs()] == ["succeeded"] * 3
    assert sorted(run.published for run in slow.runs()) == [False, True, True]


def test_a_run_that_could_not_publish_leaves_no_standing(slow):
    """What only the store holds must be placed by the same command later, not taken for done."""
    first = slow.start("run")
    slow.wait_for("reached")
    (slow.root / "reached").unlink()
    second = slow.start("run", "model.rate=2.0")
    slow.wait_for("reached")
    (slow.root / "go").touch()
    slow.end(first)
    slow.end(second)
    again = slow.spawn("run", "model.rate=2.0")
    assert "nothing changed" not in again.out
    assert slow.json(MADE[0]) == {"weight": 12.0}


def test_six_first_runs_at_once_all_end_well(shop):
    processes = [shop.start("run", f"model.rate={rate}.0") for rate in range(1, 7)]
    ended = [shop.end(process) for process in processes]
    assert [each.code for each in ended] == [0] * 6, "\n".join(map(str, ended))
    assert [run.status for run in shop.runs()] == ["succeeded"] * 6
    shop.recovers()
