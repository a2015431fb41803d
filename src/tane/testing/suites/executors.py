# ruff: noqa: D102 - the name of a test says what it tests
"""What every executor must do, as tests: subclass `ExecutorSuite` and say how yours is made.

    class TestMine(ExecutorSuite):
        def make(self, count):
            return Mine(count)

An executor whose calls run while they are submitted says so with `waits_in_submit = True`.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tane.executors import calls
from tane.testing.suites import calls as work


class ExecutorSuite:
    """Subclass it and override `make`."""

    waits_in_submit: bool = False

    def make(self, count: int) -> calls.Executor:
        """An executor for `count` calls at once."""
        raise NotImplementedError

    @pytest.fixture
    def executor(self) -> Iterator[calls.Executor]:
        """One for two calls, closed at the end."""
        made = self.make(2)
        yield made
        made.close()

    @pytest.fixture
    def gate(self, tmp_path: Path) -> Iterator[Path]:
        """A file that calls wait for; it comes at the end at the latest, so that none stays for ever."""
        path = tmp_path / "gate"
        yield path
        path.touch()

    # --- results ------------------------------------------------------------------------------------------------------

    def test_it_says_how_many_calls_it_takes_and_whether_they_travel(self, executor: calls.Executor) -> None:
        assert executor.slots == (1 if self.waits_in_submit else 2)
        assert executor.remote in (True, False)

    def test_each_result_comes_back_under_its_ticket(self, executor: calls.Executor) -> None:
        values = {executor.submit(work.double, value): value for value in range(20)}
        assert min(values) > 0
        assert {ticket: done.result for ticket, done in work.drain(executor, 20).items()} == {
            ticket: value * 2 for ticket, value in values.items()
        }

    def test_hundreds_of_calls_come_back_once_each(self, executor: calls.Executor) -> None:
        tickets = [executor.submit(work.double, value) for value in range(300)]
        assert sorted(work.drain(executor, 300)) == sorted(tickets)
        assert list(executor.as_completed()) == []

    def test_calls_can_be_submitted_while_others_are_under_way(self, executor: calls.Executor) -> None:
        results: list[int] = []

        def submit_more() -> bool:
            for done in executor.as_completed():
                results.append(done.result)
                if done.result > 1 and len(results) < 20:
                    executor.submit(work.slowly, 0.001, done.result - 1)
            return len(results) == 20

        executor.submit(work.slowly, 0.01, 20)
        work.until(submit_more)
        assert sorted(results) == list(range(1, 21))

    def test_functions_made_on_the_spot_can_be_called(self, executor: calls.Executor) -> None:
        number = 5
        executor.submit(lambda: number + 1)
        [done] = work.drain(executor, 1).values()
        assert done.result == 6

    def test_there_are_never_more_calls_at_once_than_slots(self, executor: calls.Executor, tmp_path: Path) -> None:
        for _ in range(20):
            executor.submit(work.crowd, str(tmp_path))
        assert max(done.result for done in work.drain(executor, 20).values()) <= executor.slots

    def test_a_result_that_does_not_pickle_is_the_calls_fault_where_it_must_travel(
        self, executor: calls.Executor
    ) -> None:
        executor.submit(work.lock)
        after = executor.submit(work.double, 1)
        done = work.drain(executor, 2)
        first = next(each for ticket, each in done.items() if ticket != after)
        if executor.remote:
            assert isinstance(first.error, calls.CallError)
            assert "cannot be sent back" in str(first.error)
        else:
            assert first.error is None
            assert first.result.acquire(blocking=False)
        assert done[after].result == 2

    # --- errors -------------------------------------------------------------------------------------------------------

    def test_an_exception_is_the_end_of_its_call_alone(self, executor: calls.Executor) -> None:
        bad, good = executor.submit(work.fail, "no"), executor.submit(work.double, 1)
        done = work.drain(executor, 2)
        assert isinstance(done[bad].error, ValueError)
        assert str(done[bad].error) == "no"
        assert done[bad].result is None
        assert (done[good].result, done[good].error) == (2, None)

    def test_an_exception_that_does_not_pickle_is_told_in_words_at_least(self, executor: calls.Executor) -> None:
        executor.submit(work.fail_unpicklably)
        [done] = work.drain(executor, 1).values()
        assert isinstance(done.error, Exception)
        assert "apples" in str(done.error)

    def test_a_call_that_exits_ends_itself_alone(self, executor: calls.Executor) -> None:
        bad, good = executor.submit(work.leave, 3), executor.submit(work.double, 1)
        done = work.drain(executor, 2)
        assert isinstance(done[bad].error, BaseException)
        assert done[good].result == 2

    def test_a_worker_that_dies_fails_its_call_alone(self, executor: calls.Executor, gate: Path) -> None:
        if not executor.remote:
            pytest.skip("its calls die with this process")
        good, bad = executor.submit(work.wait_for, str(gate), "ok"), executor.submit(work.die, 3)
        [first] = work.drain(executor, 1).values()
        assert first.ticket == bad
        assert isinstance(first.error, calls.CallError)
        gate.touch()
        after = executor.submit(work.double, 4)
        done = work.drain(executor, 2)
        assert (done[good].result, done[after].result) == ("ok", 8)

    # --- waiting ------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("timeout", [None, 0, 0.01])
    def test_nothing_is_given_when_nothing_is_under_way(self, executor: calls.Executor, timeout: float | None) -> None:
        assert list(executor.as_completed(timeout)) == []
        executor.submit(work.double, 1)
        work.drain(executor, 1)
        assert list(executor.as_completed(timeout)) == []

    def test_a_slow_call_does_not_hold_up_a_quick_one(self, executor: calls.Executor, gate: Path) -> None:
        if self.waits_in_submit:
            pytest.skip("one call at a time")
        slow, quick = executor.submit(work.wait_for, str(gate)), executor.submit(work.double, 1)
        assert list(work.drain(executor, 1)) == [quick]
        gate.touch()
        assert list(work.drain(executor, 1)) == [slow]

    @pytest.mark.parametrize("timeout", [0, 0.05])
    def test_a_wait_ends_after_its_timeout_and_the_call_goes_on(
        self, executor: calls.Executor, gate: Path, timeout: float | None
    ) -> None:
        if self.waits_in_submit:
            pytest.skip("one call at a time")
        ticket = executor.submit(work.wait_for, str(gate), "ok")
        assert list(executor.as_completed(timeout)) == []
        assert list(executor.as_completed(timeout)) == []
        gate.touch()
        assert work.drain(executor, 1)[ticket].result == "ok"

    def test_a_wait_ends_with_the_call_when_that_is_sooner_than_the_timeout(self, executor: calls.Executor) -> None:
        executor.submit(work.slowly, 0.05, "ok")
        found: list[str] = []

        def take() -> list[str]:
            found.extend(done.result for done in executor.as_completed(work.LONG))
            return found

        work.until(take)
        assert found == ["ok"]

    def test_ends_that_were_not_taken_come_again(self, executor: calls.Executor) -> None:
        tickets = {executor.submit(work.double, value) for value in range(6)}
        seen: set[int] = set()

        def take_one() -> bool:
            for done in executor.as_completed():
                seen.add(done.ticket)
                break
            return len(seen) == 6

        work.until(take_one)
        assert seen == tickets

    def test_an_interrupt_comes_out_of_the_wait(self, executor: calls.Executor, gate: Path) -> None:
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            with pytest.raises(KeyboardInterrupt):
                executor.submit(work.wait_for, str(gate))
                list(executor.as_completed())
        finally:
            signal.signal(signal.SIGINT, before)

    # --- timeouts of calls --------------------------------------------------------------------------------------------

    def test_a_call_that_ends_in_time_is_not_touched_nor_is_the_next(self, executor: calls.Executor) -> None:
        tickets = [
            executor.submit(work.slowly, 0.01, 1, timeout=work.LONG),
            executor.submit(work.double, 1, timeout=work.LONG),
        ]
        assert set(work.drain(executor, 2)) == set(tickets)
        for _ in range(2):
            executor.submit(work.slowly, 0.3, "ok")
        assert [done.result for done in work.drain(executor, 2).values()] == ["ok", "ok"]

    def test_a_timeout_means_nothing_where_no_call_can_be_stopped(self, executor: calls.Executor) -> None:
        if executor.remote:
            pytest.skip("calls can be stopped there")
        executor.submit(work.slowly, 0.05, "ok", timeout=0.001)
        [done] = work.drain(executor, 1).values()
        assert done.result == "ok"

    def test_a_call_that_takes_longer_than_its_timeout_is_stopped_with_all_it_started(
        self, executor: calls.Executor, gate: Path, tmp_path: Path
    ) -> None:
        self._only_where_calls_can_be_stopped(executor)
        good = executor.submit(work.wait_for, str(gate), "ok")
        bad = executor.submit(work.start_child_and_wait, str(tmp_path / "said"), timeout=2)
        pids = work.said(tmp_path / "said")
        done = work.drain(executor, 1)[bad]
        assert isinstance(done.error, calls.TimedOut)
        assert "was stopped after 2 s" in str(done.error)
        assert "longer" in done.error.hint
        work.until(lambda: all(map(work.is_gone, pids)))
        gate.touch()
        after = executor.submit(work.double, 4)
        ends = work.drain(executor, 2)
        assert (ends[good].result, ends[after].result) == ("ok", 8)

    def test_waiting_for_a_slot_is_not_counted(self, executor: calls.Executor) -> None:
        self._only_where_calls_can_be_stopped(executor)
        for _ in range(executor.slots):
            executor.submit(work.slowly, 1.5)
        ticket = executor.submit(work.double, 1, timeout=1)
        assert work.drain(executor, executor.slots + 1)[ticket].result == 2

    def test_a_call_is_stopped_though_nobody_waits_for_it(
        self, executor: calls.Executor, gate: Path, tmp_path: Path
    ) -> None:
        self._only_where_calls_can_be_stopped(executor)
        ticket = executor.submit(work.say_and_wait, str(tmp_path / "said"), str(gate), timeout=0.3)
        [pid] = work.said(tmp_path / "said")
        work.until(lambda: work.is_gone(pid))
        assert isinstance(work.drain(executor, 1)[ticket].error, calls.TimedOut)

    def _only_where_calls_can_be_stopped(self, executor: calls.Executor) -> None:
        if not executor.remote:
            pytest.skip("its calls cannot be stopped")

    # --- closing ------------------------------------------------------------------------------------------------------

    def test_it_can_be_closed_unused_and_twice(self) -> None:
        executor = self.make(1)
        executor.close()
        executor.close()

    def test_closing_does_not_wait_for_a_call_under_way(
        self, executor: calls.Executor, gate: Path, tmp_path: Path
    ) -> None:
        if self.waits_in_submit:
            pytest.skip("its calls have ended when they are submitted")
        executor.submit(work.say_and_wait, str(tmp_path / "said"), str(gate))
        for _ in range(10):
            executor.submit(work.say_and_wait, str(tmp_path / "never"), str(gate))
        [pid] = work.said(tmp_path / "said")
        executor.close()
        if executor.remote:
            work.until(lambda: work.is_gone(pid))
        assert list(executor.as_completed()) == []

    def test_calls_that_had_not_begun_when_it_was_closed_never_do(self, gate: Path, tmp_path: Path) -> None:
        if self.waits_in_submit:
            pytest.skip("its calls have ended when they are submitted")
        executor = self.make(1)
        executor.submit(work.say_and_wait, str(tmp_path / "said"), str(gate))
        executor.submit(work.say_and_wait, str(tmp_path / "never"), str(gate))
        work.said(tmp_path / "said")
        executor.close()
        gate.touch()
        time.sleep(0.05)
        assert not (tmp_path / "never").exists()
