"""Both executors give back results and errors; a dying worker fails its own call alone."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tane import errors
from tane.executors import processes, serial


def double(value):
    return value * 2


def fail(message):
    raise ValueError(message)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def pid():
    return os.getpid()


def slowly(seconds, value):
    time.sleep(seconds)
    return value


class Unpicklable(Exception):
    def __init__(self, one, two):
        super().__init__(one)


def fail_unpicklably():
    raise Unpicklable(1, 2)


@pytest.fixture(params=["serial", "processes"])
def executor(request):
    made = serial.Serial() if request.param == "serial" else processes.Processes(2)
    yield made
    made.close()


def drain(executor, count):
    done = {}
    while len(done) < count:
        for each in executor.as_completed():
            done[each.ticket] = each
    return done


def test_every_call_comes_back_under_its_ticket(executor):
    tickets = {executor.submit(double, value): value for value in range(20)}
    done = drain(executor, 20)
    assert {ticket: each.result for ticket, each in done.items()} == {t: v * 2 for t, v in tickets.items()}


def test_an_exception_comes_back_and_the_next_call_works(executor):
    executor.submit(fail, "no")
    [first] = drain(executor, 1).values()
    assert isinstance(first.error, ValueError)
    assert str(first.error) == "no"
    executor.submit(double, 1)
    [second] = drain(executor, 1).values()
    assert second.result == 2


def test_nothing_is_given_when_nothing_is_under_way(executor):
    assert list(executor.as_completed()) == []


@pytest.fixture
def two():
    made = processes.Processes(2)
    yield made
    made.close()


def test_calls_work_in_other_processes(two):
    for _ in range(2):
        two.submit(slowly, 0.2, 0)
        two.submit(pid)
    pids = {each.result for each in drain(two, 4).values()} - {0}
    assert os.getpid() not in pids


def test_a_killed_worker_fails_its_call_alone(two):
    bad, good = two.submit(die), two.submit(slowly, 0.1, "ok")
    after = two.submit(double, 4)
    done = drain(two, 3)
    assert isinstance(done[bad].error, errors.UserCodeError)
    assert "SIGKILL" in str(done[bad].error)
    assert (done[good].result, done[after].result) == ("ok", 8)


def test_closures_travel_by_value(two):
    number = 5
    two.submit(lambda: number + 1)
    [done] = drain(two, 1).values()
    assert done.result == 6


def test_an_exception_that_cannot_travel_is_told_in_words(two):
    two.submit(fail_unpicklably)
    [done] = drain(two, 1).values()
    assert "Unpicklable" in str(done.error)


def test_what_cannot_travel_is_refused_where_it_is_submitted(two):
    with pytest.raises(TypeError):
        two.submit(double, (value for value in "abc"))


def test_closing_ends_calls_under_way(two):
    two.submit(slowly, 3600, 0)
    [worker] = two._workers
    two.close()
    assert worker.process.returncode == -signal.SIGKILL


def test_workers_end_with_their_parent(tmp_path):
    program = f"""
import os, time
from tane.executors import processes
import tests.executors.test_executors as here
two = processes.Processes(1)
two.submit(here.write_pid_and_wait, {str(tmp_path / "pid")!r})
while not os.path.exists({str(tmp_path / "pid")!r}): time.sleep(0.01)
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", program], check=False, timeout=60)
    worker = int((tmp_path / "pid").read_text())
    for _ in range(200):
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        with open(f"/proc/{worker}/stat") as file:
            if file.read().rpartition(")")[2].split()[0] == "Z":
                return
        time.sleep(0.05)
    raise AssertionError("the worker outlived its parent")


def write_pid_and_wait(path):
    with open(path + ".part", "w") as file:
        file.write(str(os.getpid()))
    os.replace(path + ".part", path)
    time.sleep(60)
