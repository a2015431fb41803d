"""Threads: contexts of their own, errors as they are, and none that holds up the end of the program."""

import contextvars
import gc
import subprocess
import sys
import threading
import time
import weakref

import pytest

from tane.executors import calls, threads
from tane.testing.suites.calls import TwoWords, drain


@pytest.fixture
def two():
    made = threads.Threads(2)
    yield made
    made.close()


def end_of(executor, call, *args):
    executor.submit(call, *args)
    [done] = drain(executor, 1).values()
    return done


def test_calls_run_in_other_threads_of_this_process(two):
    assert end_of(two, threading.get_ident).result != threading.get_ident()


def test_no_more_threads_are_started_than_calls_need(two):
    for _ in range(5):
        end_of(two, int)
    assert two._threads == 1


color = contextvars.ContextVar("color", default="none")


def test_a_call_sees_the_context_it_was_submitted_in_and_changes_a_copy(two):
    def paint(name):
        before = color.get()
        color.set(name)
        return before, color.get()

    token = color.set("red")
    try:
        assert end_of(two, paint, "blue").result == ("red", "blue")
        assert end_of(two, paint, "green").result == ("red", "green")
        assert color.get() == "red"
    finally:
        color.reset(token)


@pytest.mark.parametrize("error", [TwoWords("apples", "pears"), SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_what_a_call_raises_is_given_as_it_is_and_the_thread_lives_on(two, error):
    def fail():
        raise error

    for _ in range(5):
        assert end_of(two, fail).error is error
    assert end_of(two, int).result == 0


class Value:
    pass


def test_values_are_let_go_once_they_were_taken(two):
    def give(value):
        return value

    value = Value()
    seen = weakref.ref(value)
    two.submit(give, value)
    del value
    while seen() is not None:
        for _ in two.as_completed(1):
            pass
        del _
        gc.collect()
        time.sleep(0.01)


def test_where_no_thread_can_be_started_the_call_is_refused(two, monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(calls.CallError, match="no thread can be started"):
        two.submit(int)
    monkeypatch.undo()
    assert end_of(two, int).result == 0


def test_a_program_ends_though_a_call_never_does():
    program = """
import threading
from tane.executors import threads
two = threads.Threads(2)
began = threading.Event()
def stick():
    began.set()
    threading.Event().wait()
two.submit(stick)
began.wait()
two.close()
print("end", end="")
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=True)
    assert (ended.stdout, ended.stderr) == (b"end", b"")
