"""What every executor must do, as tests: subclass `ExecutorSuite` and say how yours is made.

    class TestMine(ExecutorSuite):
        def make(self, count):
            return Mine(count)

An executor whose calls run while they are submitted says so with `waits_in_submit = True`.
"""

import contextlib
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tane.executors import calls

LONG = 600  # seconds: longer than any test waits


# --- calls, which a worker must be able to import -------------------------------------------------------------------


def double(value):
    return value * 2


def fail(message):
    raise ValueError(message)


def leave(code):
    raise SystemExit(code)


def lock():
    return threading.Lock()


class TwoWords(Exception):
    """It pickles, but does not come back: its constructor takes two arguments, and pickle has one."""

    def __init__(self, one, two):
        super().__init__(one)


def fail_unpicklably():
    raise TwoWords("apples", "pears")


def slowly(seconds, value=None):
    time.sleep(seconds)
    return value


def wait_for(path, value=None):
    until(lambda: os.path.exists(path), LONG)
    return value


def say_and_wait(said, path):
    """Write our pid to the file `said`, then wait for the file `path`."""
    write(said, os.getpid())
    wait_for(path)


def die(code):
    os._exit(code)


def start_child_and_wait(said):
    """What a user does who calls a shell script that hangs; says our pid and the child's."""
    child = subprocess.Popen(["sh", "-c", f"sleep {LONG} & wait"])
    write(said, f"{os.getpid()} {child.pid}")
    child.wait()


def crowd(folder):
    """How many calls there are at once, this one counted."""
    mine = os.path.join(folder, f"{os.getpid()}-{threading.get_ident()}-{time.monotonic_ns()}")
    Path(mine).touch()
    time.sleep(0.01)
    found = len(os.listdir(folder))
    os.remove(mine)
    return found


# --- looking ----------------------------------------------------------------------------------------------------------


def write(path, text):
    """All of it at once, for a reader in another process."""
    Path(f"{path}.part").write_text(str(text))
    os.replace(f"{path}.part", path)


def until(condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def said(path):
    """The pids that a call wrote to the file."""
    until(lambda: os.path.exists(path))
    return [int(word) for word in Path(path).read_text().split()]


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    with contextlib.suppress(OSError):  # one that has ended but was not reaped is gone as well
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return False


def drain(executor, count):
    """The ends of `count` calls by ticket."""
    done = {}
    while len(done) < count:
        for each in executor.as_completed():
            assert each.ticket not in done
            done[each.ticket] = each
    return done


class ExecutorSuite:
    """Subclass it and override `make`."""

    waits_in_submit = False

    def make(self, count):
        """An executor for `count` calls at once."""
        raise NotImplementedError

    @pytest.fixture
    def executor(self):
        made = self.make(2)
        yield made
        made.close()

    @pytest.fixture
    def gate(self, tmp_path):
        """A file that calls wait for; it comes at the end at the latest, so that none stays for ever."""
        path = tmp_path / "gate"
        yield path
        path.touch()

    # --- results ------------------------------------------------------------------------------------------------------

    def test_it_says_how_many_calls_it_takes_and_whether_they_travel(self, executor):
        assert executor.slots == (1 if self.waits_in_submit else 2)
        assert executor.remote in (True, False)

    def test_each_result_comes_back_under_its_ticket(self, executor):
        values = {executor.submit(double, value): value for value in range(20)}
        assert min(values) > 0
        assert {ticket: done.result for ticket, done in drain(executor, 20).items()} == {
            ticket: value * 2 for ticket, value in values.items()
        }

    def test_hundreds_of_calls_come_back_once_each(self, executor):
        tickets = [executor.submit(double, value) for value in range(300)]
        assert sorted(drain(executor, 300)) == sorted(tickets)
        assert list(executor.as_completed()) == []

    def test_calls_can_be_submitted_while_others_are_under_way(self, executor):
        left, results = 20, []
        executor.submit(slowly, 0.01, 20)
        while len(results) < 20:
            for done in executor.as_completed():
                results.append(done.result)
                if left > 1:
                    left -= 1
                    executor.submit(slowly, 0.001, left)
        assert sorted(results) == list(range(1, 21))

    def test_functions_made_on_the_spot_can_be_called(self, executor):
        number = 5
        executor.submit(lambda: number + 1)
        [done] = drain(executor, 1).values()
        assert done.result == 6

    def test_there_are_never_more_calls_at_once_than_slots(self, executor, tmp_path):
        for _ in range(20):
            executor.submit(crowd, str(tmp_path))
        assert max(done.result for done in drain(executor, 20).values()) <= executor.slots

    def test_a_result_that_does_not_pickle_is_the_calls_fault_where_it_must_travel(self, executor):
        executor.submit(lock)
        after = executor.submit(double, 1)
        done = drain(executor, 2)
        first = next(each for ticket, each in done.items() if ticket != after)
        if executor.remote:
            assert isinstance(first.error, calls.CallError)
            assert "cannot be sent back" in str(first.error)
        else:
            assert first.error is None
            assert first.result.acquire(blocking=False)
        assert done[after].result == 2

    # --- errors -------------------------------------------------------------------------------------------------------

    def test_an_exception_is_the_end_of_its_call_alone(self, executor):
        bad, good = executor.submit(fail, "no"), executor.submit(double, 1)
        done = drain(executor, 2)
        assert isinstance(done[bad].error, ValueError)
        assert str(done[bad].error) == "no"
        assert done[bad].result is None
        assert (done[good].result, done[good].error) == (2, None)

    def test_an_exception_that_does_not_pickle_is_told_in_words_at_least(self, executor):
        executor.submit(fail_unpicklably)
        [done] = drain(executor, 1).values()
        assert isinstance(done.error, Exception)
        assert "apples" in str(done.error)

    def test_a_call_that_exits_ends_itself_alone(self, executor):
        bad, good = executor.submit(leave, 3), executor.submit(double, 1)
        done = drain(executor, 2)
        assert isinstance(done[bad].error, BaseException)
        assert done[good].result == 2

    def test_a_worker_that_dies_fails_its_call_alone(self, executor, gate):
        if not executor.remote:
            pytest.skip("its calls die with this process")
        good, bad = executor.submit(wait_for, str(gate), "ok"), executor.submit(die, 3)
        [first] = drain(executor, 1).values()
        assert first.ticket == bad
        assert isinstance(first.error, calls.CallError)
        gate.touch()
        after = executor.submit(double, 4)
        done = drain(executor, 2)
        assert (done[good].result, done[after].result) == ("ok", 8)

    # --- waiting ------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("timeout", [None, 0, 0.01])
    def test_nothing_is_given_when_nothing_is_under_way(self, executor, timeout):
        assert list(executor.as_completed(timeout)) == []
        executor.submit(double, 1)
        drain(executor, 1)
        assert list(executor.as_completed(timeout)) == []

    def test_a_slow_call_does_not_hold_up_a_quick_one(self, executor, gate):
        if self.waits_in_submit:
            pytest.skip("one call at a time")
        slow, quick = executor.submit(wait_for, str(gate)), executor.submit(double, 1)
        assert list(drain(executor, 1)) == [quick]
        gate.touch()
        assert list(drain(executor, 1)) == [slow]

    @pytest.mark.parametrize("timeout", [0, 0.05])
    def test_a_wait_ends_after_its_timeout_and_the_call_goes_on(self, executor, gate, timeout):
        if self.waits_in_submit:
            pytest.skip("one call at a time")
        ticket = executor.submit(wait_for, str(gate), "ok")
        assert list(executor.as_completed(timeout)) == []
        assert list(executor.as_completed(timeout)) == []
        gate.touch()
        assert drain(executor, 1)[ticket].result == "ok"

    def test_a_wait_ends_with_the_call_when_that_is_sooner_than_the_timeout(self, executor):
        executor.submit(slowly, 0.05, "ok")
        found = []
        while not found:
            found = [done.result for done in executor.as_completed(LONG)]
        assert found == ["ok"]

    def test_ends_that_were_not_taken_come_again(self, executor):
        tickets = {executor.submit(double, value) for value in range(6)}
        seen = set()
        while len(seen) < 6:
            for done in executor.as_completed():
                seen.add(done.ticket)
                break
        assert seen == tickets

    def test_an_interrupt_comes_out_of_the_wait(self, executor, gate):
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            with pytest.raises(KeyboardInterrupt):
                executor.submit(wait_for, str(gate))
                list(executor.as_completed())
        finally:
            signal.signal(signal.SIGINT, before)

    # --- timeouts of calls --------------------------------------------------------------------------------------------

    def test_a_call_that_ends_in_time_is_not_touched_nor_is_the_next(self, executor):
        tickets = [executor.submit(slowly, 0.01, 1, timeout=LONG), executor.submit(double, 1, timeout=LONG)]
        assert set(drain(executor, 2)) == set(tickets)
        for _ in range(2):
            executor.submit(slowly, 0.3, "ok")
        assert [done.result for done in drain(executor, 2).values()] == ["ok", "ok"]

    def test_a_timeout_means_nothing_where_no_call_can_be_stopped(self, executor):
        if executor.remote:
            pytest.skip("calls can be stopped there")
        executor.submit(slowly, 0.05, "ok", timeout=0.001)
        [done] = drain(executor, 1).values()
        assert done.result == "ok"

    def test_a_call_that_takes_longer_than_its_timeout_is_stopped_with_all_it_started(self, executor, gate, tmp_path):
        self._only_where_calls_can_be_stopped(executor)
        good = executor.submit(wait_for, str(gate), "ok")
        bad = executor.submit(start_child_and_wait, str(tmp_path / "said"), timeout=2)
        pids = said(tmp_path / "said")
        done = drain(executor, 1)[bad]
        assert isinstance(done.error, calls.TimedOut)
        assert "was stopped after 2 s" in str(done.error)
        assert "longer" in done.error.hint
        until(lambda: all(map(is_gone, pids)))
        gate.touch()
        after = executor.submit(double, 4)
        ends = drain(executor, 2)
        assert (ends[good].result, ends[after].result) == ("ok", 8)

    def test_waiting_for_a_slot_is_not_counted(self, executor):
        self._only_where_calls_can_be_stopped(executor)
        for _ in range(executor.slots):
            executor.submit(slowly, 1.5)
        ticket = executor.submit(double, 1, timeout=1)
        assert drain(executor, executor.slots + 1)[ticket].result == 2

    def test_a_call_is_stopped_though_nobody_waits_for_it(self, executor, gate, tmp_path):
        self._only_where_calls_can_be_stopped(executor)
        ticket = executor.submit(say_and_wait, str(tmp_path / "said"), str(gate), timeout=0.3)
        [pid] = said(tmp_path / "said")
        until(lambda: is_gone(pid))
        assert isinstance(drain(executor, 1)[ticket].error, calls.TimedOut)

    def _only_where_calls_can_be_stopped(self, executor):
        if not executor.remote:
            pytest.skip("its calls cannot be stopped")

    # --- closing ------------------------------------------------------------------------------------------------------

    def test_it_can_be_closed_unused_and_twice(self):
        executor = self.make(1)
        executor.close()
        executor.close()

    def test_closing_does_not_wait_for_a_call_under_way(self, executor, gate, tmp_path):
        if self.waits_in_submit:
            pytest.skip("its calls have ended when they are submitted")
        executor.submit(say_and_wait, str(tmp_path / "said"), str(gate))
        for _ in range(10):
            executor.submit(say_and_wait, str(tmp_path / "never"), str(gate))
        [pid] = said(tmp_path / "said")
        executor.close()
        if executor.remote:
            until(lambda: is_gone(pid))
        assert list(executor.as_completed()) == []

    def test_calls_that_had_not_begun_when_it_was_closed_never_do(self, gate, tmp_path):
        if self.waits_in_submit:
            pytest.skip("its calls have ended when they are submitted")
        executor = self.make(1)
        executor.submit(say_and_wait, str(tmp_path / "said"), str(gate))
        executor.submit(say_and_wait, str(tmp_path / "never"), str(gate))
        said(tmp_path / "said")
        executor.close()
        gate.touch()
        time.sleep(0.05)
        assert not (tmp_path / "never").exists()
