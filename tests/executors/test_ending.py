"""However the program ends, nothing that it or the user's calls started in workers is left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tane.testing.suites.calls import is_gone, said, until

PROGRAM = """
import os, sys
from tane.testing.suites import calls as suite
from tane.executors import routing
folder = sys.argv[1]
routed = routing.Routed(4)
if __name__ == "__main__":
    try:
        for number in range(2):
            routed.submit("processes", suite.start_child_and_wait, f"{folder}/process{number}")
            routed.submit("threads", suite.wait_for, f"{folder}/gate")
        for number in range(2):
            suite.until(lambda: os.path.exists(f"{folder}/process{number}"))
        suite.write(f"{folder}/busy", os.getpid())
        WAIT
    except KeyboardInterrupt:
        routed.close()
        suite.write(f"{folder}/closed", "")
        sys.exit(130)
"""
WAITS = {
    "all": "list(routed.as_completed())",
    "here": "routed.submit('serial', suite.wait_for, f'{folder}/gate')",
}


@pytest.fixture(params=list(WAITS))
def busy(request, tmp_path):
    """A program that is waiting for threads and workers, the latter with children; its process group is its own."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.replace("WAIT", WAITS[request.param]))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    running = subprocess.Popen(
        [sys.executable, str(program), str(tmp_path)],
        env=environment,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    said(tmp_path / "busy")
    time.sleep(0.1)
    yield running
    running.kill()
    running.communicate()


def in_sessions(sessions):
    """The living processes of these sessions: workers, their guards and all they started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, session = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(session) in sessions and state != "Z":
            found.append(int(stat.parent.name))
    return found


@pytest.fixture
def started(busy, tmp_path):
    """Workers and their children, and the sessions that they are in."""
    pids = [pid for number in range(2) for pid in said(tmp_path / f"process{number}")]
    assert not any(map(is_gone, pids))
    assert len(in_sessions(pids)) >= 8  # two workers, each with a guard, a shell and its sleep
    return pids


def nothing_is_left(pids):
    until(lambda: all(map(is_gone, pids)))
    until(lambda: not in_sessions(pids))


def test_an_interrupt_from_the_terminal_ends_it_all(busy, started):
    os.killpg(busy.pid, signal.SIGINT)
    out, err = busy.communicate(timeout=30)
    assert (busy.returncode, out, err) == (130, b"", b"")
    nothing_is_left(started)


def test_when_the_program_is_killed_its_workers_and_their_children_are_too(busy, started):
    busy.kill()
    busy.wait()
    nothing_is_left(started)


def test_when_the_program_ends_without_closing_nothing_is_left(busy, started):
    busy.terminate()
    busy.wait()
    nothing_is_left(started)


def test_nobody_who_reads_the_output_waits_for_a_guard(busy, started):
    """Guards keep no end of the program's pipes: whoever reads them sees their end when the workers are gone."""
    os.kill(busy.pid, signal.SIGKILL)
    busy.communicate(timeout=30)
