"""A clerk: one thread that looks after what many short runs record, one after the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tane.ledger import connection, read, records, write
from tane.outcomes import StepStatus
from tane.runs import recording
from tane.store import objects

BASIS = records.Basis("", "", {}, {}, {})


@pytest.fixture
def ledger(tmp_path: Path) -> connection.Ledger:
    return connection.open_ledger(tmp_path / "ledger.db")


def a_run(ledger: connection.Ledger, tmp_path: Path, clerk: recording.Clerk, name: str) -> recording.Recorder:
    write.start_run(ledger, records.RunRecord(name, "p"))
    return recording.Recorder(ledger, objects.Objects(tmp_path / "store"), name, lambda: None, clerk)


def a_step(position: int = 0) -> records.StepRecord:
    return records.StepRecord(position, f"step{position}", StepStatus.SUCCEEDED, "", BASIS, reusable=False)


def clerks() -> int:
    return sum(thread.name == "tane-clerk" for thread in threading.enumerate())


def wait_for(what: Callable[[], object]) -> bool:
    until = time.monotonic() + 5
    while not what() and time.monotonic() < until:
        time.sleep(0.01)
    return bool(what())


def test_a_step_is_on_record_while_the_next_one_works(ledger: connection.Ledger, tmp_path: Path) -> None:
    recorder = a_run(ledger, tmp_path, recording.Clerk(), "one")
    recorder.add(a_step())
    assert wait_for(lambda: read.steps(ledger, "one"))
    recorder.add(a_step(1))
    recorder.close()
    assert len(read.steps(ledger, "one")) == 2


def test_one_thread_serves_run_after_run_and_ends_when_none_comes(ledger: connection.Ledger, tmp_path: Path) -> None:
    assert wait_for(lambda: not clerks())  # those of other tests
    clerk = recording.Clerk()
    for name in ("one", "two", "three"):
        recorder = a_run(ledger, tmp_path, clerk, name)
        recorder.add(a_step())
        assert clerks() == 1
        recorder.close()
        assert len(read.steps(ledger, name)) == 1
    assert wait_for(lambda: not clerks())


def test_what_cannot_be_written_comes_out_of_the_next_call(ledger: connection.Ledger, tmp_path: Path) -> None:
    recorder = a_run(ledger, tmp_path, recording.Clerk(), "one")
    ledger.close()
    recorder.add(a_step())
    assert wait_for(lambda: recorder._failure)
    with pytest.raises(Exception, match="closed"):
        recorder.add(a_step(1))
