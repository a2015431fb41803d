"""Workers survive what user code does to them, or die alone and say how."""

import ctypes
import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest

from tane import errors
from tane.executors import calls, processes
from tane.testing.suites.calls import (
    LONG,
    die,
    double,
    drain,
    is_gone,
    lock,
    said,
    say_and_wait,
    slowly,
    start_child_and_wait,
    until,
    wait_for,
    write,
)


@pytest.fixture
def two():
    made = processes.Processes(2)
    yield made
    made.close()


@pytest.fixture
def one():
    made = processes.Processes(1)
    yield made
    made.close()


def end_of(executor, call, *args, timeout=None):
    ticket = executor.submit(call, *args, timeout=timeout)
    return drain(executor, 1)[ticket]


def still_works(executor):
    return end_of(executor, double, 4).result == 8


def pid():
    return os.getpid()


# --- how a call goes there and back -----------------------------------------------------------------------------------


def test_calls_work_in_other_processes(two):
    for _ in range(2):
        two.submit(slowly, 0.2, 0)
        two.submit(pid)
    pids = {each.result for each in drain(two, 4).values()} - {0}
    assert os.getpid() not in pids


def test_what_cannot_travel_is_refused_where_it_is_submitted(two):
    with pytest.raises(TypeError):
        two.submit(double, (value for value in "abc"))
    assert still_works(two)


def test_a_free_worker_gets_the_next_call_while_another_is_busy(two, tmp_path):
    """A wait gives what has ended, not all that is under way: a step that can go must not wait for the slowest."""
    slow = two.submit(wait_for, str(tmp_path / "gate"))
    for value in range(3):
        assert end_of(two, double, value).result == value * 2
    (tmp_path / "gate").touch()
    assert list(drain(two, 1)) == [slow]


def big_and_wait(path):
    """A result that does not fit into the connection at once: the worker is in the middle of sending it."""
    write(path, os.getpid())
    return b"x" * 50_000_000


def test_a_worker_that_dies_in_the_middle_of_its_reply_fails_its_call_alone(two, tmp_path):
    two.submit(big_and_wait, str(tmp_path / "said"))
    [worker] = said(tmp_path / "said")
    until(lambda: two.waitables()[0].poll(0))
    os.kill(worker, signal.SIGKILL)
    [done] = drain(two, 1).values()
    assert "SIGKILL" in str(done.error)
    assert still_works(two)


def test_a_worker_that_died_while_it_rested_costs_no_call(one):
    worker = end_of(one, pid).result
    os.kill(worker, signal.SIGKILL)
    until(lambda: is_gone(worker))
    assert still_works(one)


def test_where_no_worker_can_be_started_each_call_ends_with_that(two, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    tickets = [two.submit(double, 1), two.submit(double, 2)]
    done = drain(two, 2)
    assert set(done) == set(tickets)
    assert all("no worker process can be started" in str(each.error) for each in done.values())


# --- code that breaks its process -------------------------------------------------------------------------------------


def segfault():
    ctypes.string_at(0)


def dive():
    """Recursion in C, deeper than its stack where Python does not keep count of that."""
    sys.setrecursionlimit(10**9)
    deep = []
    for _ in range(500_000):
        deep = [deep]
    return len(repr(deep))


def recur(depth=0):
    return recur(depth + 1)


def kill_self(number):
    os.kill(os.getpid(), number)
    time.sleep(LONG)


@pytest.mark.parametrize(
    ("call", "args", "said"),
    [
        (die, (3,), "exit code 3"),
        (die, (0,), "exit code 0"),
        (segfault, (), "SIGSEGV"),
        (kill_self, (signal.SIGTERM,), "SIGTERM"),
        (kill_self, (signal.SIGKILL,), "SIGKILL; the system kills the largest process when memory runs out"),
        (kill_self, (signal.SIGRTMIN + 5,), f"signal {signal.SIGRTMIN + 5}"),
    ],
)
def test_a_call_whose_worker_dies_says_how(two, call, args, said):
    error = end_of(two, call, *args).error
    assert isinstance(error, errors.UserCodeError)
    assert not isinstance(error, calls.TimedOut)
    assert f"the worker process died ({said})" in str(error)
    assert still_works(two)


def test_endless_recursion_is_an_exception(two):
    assert isinstance(end_of(two, recur).error, RecursionError)
    assert still_works(two)


def test_recursion_that_overflows_the_stack_fails_its_call_alone(two):
    error = end_of(two, dive).error
    assert isinstance(error, RecursionError | MemoryError | calls.CallError)
    assert still_works(two)


class Mute(Exception):
    def __str__(self):
        raise ValueError("no words")

    def __reduce__(self):
        raise ValueError("no pickle")


def fail_mutely():
    raise Mute


def test_an_exception_that_can_be_neither_sent_nor_told_is_named(two):
    assert "Mute" in str(end_of(two, fail_mutely).error)
    assert still_works(two)


def close_files_and_wait():
    os.closerange(3, 256)
    time.sleep(LONG)


def close_files():
    os.closerange(3, 256)


@pytest.mark.parametrize("call", [close_files, close_files_and_wait])
@pytest.mark.parametrize("timeout", [None, LONG])
def test_a_call_that_closes_all_files_ends_without_being_waited_for(two, call, timeout):
    error = end_of(two, call, timeout=timeout).error
    assert isinstance(error, calls.CallError)
    assert "the worker process" in str(error)
    assert still_works(two)


def close_output():
    sys.stdout.close()
    os.close(1)
    return "ok"


def test_a_call_that_closes_its_output_comes_back(two):
    assert end_of(two, close_output).result == "ok"
    assert still_works(two)


def shout(lines):
    for number in range(lines):
        print(f"{number:>99}")
    print("the last words", end="")


def test_all_that_a_call_prints_is_out_when_it_has_ended(two, capfd):
    end_of(two, shout, 20_000)
    out = capfd.readouterr().out
    assert len(out) == 20_000 * 100 + len("the last words")
    assert out.endswith("the last words")


# --- code that starts processes ---------------------------------------------------------------------------------------


def fork_and_return():
    return os.fork() and "parent"


def test_a_fork_that_comes_back_from_the_call_does_not_reply_for_it(one):
    ends = [end_of(one, fork_and_return, timeout=timeout).result for timeout in (None, LONG, None)]
    assert ends == ["parent"] * 3
    assert still_works(one)


def fork_and_die():
    if not os.fork():
        time.sleep(LONG)
    os._exit(5)


def shell_and_die():
    os.system(f"sleep {LONG} &")
    os._exit(5)


@pytest.mark.parametrize("call", [fork_and_die, shell_and_die])
def test_the_death_of_a_worker_is_seen_though_its_children_live(two, call):
    assert "exit code 5" in str(end_of(two, call).error)


def reap_all():
    for code in range(3):
        if not os.fork():
            os._exit(code)
    codes = []
    try:
        while True:
            codes.append(os.waitstatus_to_exitcode(os.wait()[1]))
    except ChildProcessError:
        return sorted(codes)


def test_a_call_that_waits_for_all_of_its_children_finds_its_own_alone(two):
    assert end_of(two, reap_all, timeout=LONG).result == [0, 1, 2]


def test_children_go_with_a_worker_that_dies(two, tmp_path):
    two.submit(start_child_and_wait, str(tmp_path / "said"))
    worker, child = said(tmp_path / "said")
    os.kill(worker, signal.SIGKILL)
    drain(two, 1)
    until(lambda: is_gone(child))


# --- timeouts ---------------------------------------------------------------------------------------------------------


def deaf(path):
    """Neither a signal nor a thread of this process can end it; its child is as deaf."""
    signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP})
    child = subprocess.Popen(["sh", "-c", f"trap '' TERM INT HUP; while :; do sleep {LONG}; done"])
    write(path, f"{os.getpid()} {child.pid}")
    sum(range(10**12))  # holds the interpreter's lock


def test_a_call_that_hears_no_signal_is_stopped_all_the_same(two, tmp_path):
    assert isinstance(end_of(two, deaf, str(tmp_path / "said"), timeout=0.5).error, calls.TimedOut)
    until(lambda: all(map(is_gone, said(tmp_path / "said"))))
    assert still_works(two)


def swallow():
    while True:
        try:
            time.sleep(LONG)
        except BaseException:
            pass


def test_a_call_that_catches_everything_is_stopped(two):
    assert isinstance(end_of(two, swallow, timeout=0.05).error, calls.TimedOut)


def test_a_call_that_dies_before_its_time_has_not_timed_out(two):
    error = end_of(two, die, 3, timeout=LONG).error
    assert not isinstance(error, calls.TimedOut)
    assert "exit code 3" in str(error)


def test_the_time_its_modules_take_to_import_is_not_the_calls(two, tmp_path, monkeypatch):
    (tmp_path / "slow_to_import.py").write_text("import time\ndef call(): return 'ok'\ntime.sleep(0.6)\n")
    monkeypatch.syspath_prepend(tmp_path)
    import slow_to_import

    assert end_of(two, slow_to_import.call, timeout=0.5).result == "ok"


def test_a_timeout_of_nothing_stops_the_call(two):
    assert isinstance(end_of(two, slowly, LONG, timeout=0).error, calls.TimedOut)


def test_hundreds_of_calls_with_all_kinds_of_timeouts_each_end_as_they_must():
    """Some must end, some must be stopped, some may do either: each does once, and none for another's sake."""
    chance = random.Random(7)
    executor = processes.Processes(3)
    must = {}
    for number in range(200):
        kind = chance.choices(["free", "quick", "stuck", "close"], [3, 3, 1, 2])[0]
        seconds = {"free": 0.002, "quick": 0.001, "stuck": LONG, "close": 0.02}[kind]
        timeout = {"free": None, "quick": LONG, "stuck": chance.uniform(0.0, 0.05), "close": 0.02}[kind]
        must[executor.submit(slowly, seconds, number, timeout=timeout)] = (kind, number)
    try:
        for ticket, done in drain(executor, 200).items():
            kind, number = must[ticket]
            if kind == "stuck" or (kind == "close" and done.error is not None):
                assert isinstance(done.error, calls.TimedOut), (kind, done)
            else:
                assert (done.result, done.error) == (number, None), (kind, done)
    finally:
        executor.close()


# --- closing ----------------------------------------------------------------------------------------------------------


def leave_words(path):
    import atexit

    atexit.register(write, path, "bye")


def test_a_worker_at_rest_may_leave_in_order(one, tmp_path):
    end_of(one, leave_words, str(tmp_path / "words"))
    one.close()
    assert (tmp_path / "words").read_text() == "bye"


def leave_a_thread(path):
    write(path, os.getpid())
    threading.Thread(target=time.sleep, args=(LONG,), daemon=False).start()


def test_a_worker_that_does_not_leave_is_ended(one, tmp_path):
    end_of(one, leave_a_thread, str(tmp_path / "said"))
    one.close()
    assert all(map(is_gone, said(tmp_path / "said")))


def leave_a_child(path):
    child = subprocess.Popen(["sleep", str(LONG)])
    write(path, child.pid)
    child.returncode = 0  # it is left on purpose: no warning


def test_children_that_a_call_left_behind_end_with_the_executor(one, tmp_path):
    end_of(one, leave_a_child, str(tmp_path / "said"))
    [child] = said(tmp_path / "said")
    assert not is_gone(child)
    one.close()
    until(lambda: is_gone(child))


def test_closing_ends_calls_under_way_with_all_they_started(two, tmp_path):
    two.submit(start_child_and_wait, str(tmp_path / "said"))
    pids = said(tmp_path / "said")
    two.close()
    until(lambda: all(map(is_gone, pids)))


def test_it_can_be_used_again_after_closing(two, tmp_path):
    two.submit(say_and_wait, str(tmp_path / "said"), str(tmp_path / "gate"))
    said(tmp_path / "said")
    two.close()
    assert still_works(two)


def test_a_result_that_cannot_travel_says_what_to_do(two):
    assert "-j 1" in end_of(two, lock).error.hint
