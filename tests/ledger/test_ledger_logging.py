"""Points are appended as they are logged and moved later: nobody who reads can tell, and nothing is lost."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

import effort
from tane import errors, outcomes
from tane.ledger import connection, points, read, records, search, write

Start = Callable[..., str]

LOG_FOR_EVER = """
import itertools, os, pathlib, sys
from tane.ledger import points
points.TOGETHER = 50
import tane
os.chdir(sys.argv[1])
run = tane.start_run("killed")
print(run.id, flush=True)
for step in itertools.count():
    tane.log_metric("loss", float(step), step=step)
    tane.log_metrics({"a": step, "b": -step}, step=step)
    print(step, flush=True)
"""
LOG = """
import pathlib, sys, threading
from tane.ledger import connection, points, write
points.TOGETHER = 64
ledger = connection.open_ledger(pathlib.Path(sys.argv[1]))
def log(thread):
    for step in range(150):
        write.log_metric(ledger, sys.argv[2], None, "loss", float(step), step, 1.0)
        write.log_values(ledger, sys.argv[2], f"node {thread}", [("own", step, -1.0, 1.0), ("loss", step, -1.0, 1.0)])
threads = [threading.Thread(target=log, args=(number,)) for number in range(2)]
sys.stdin.readline()
for thread in threads: thread.start()
for thread in threads: thread.join()
ledger.close()
"""


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    """Points are moved after so many."""
    monkeypatch.setattr(points, "TOGETHER", 4)
    return 4


def fresh(ledger: connection.Ledger) -> int:
    return int(ledger.rows("select count(*) from logged")[0][0])


def test_one_point_is_one_row_and_nothing_else(ledger: connection.Ledger, start: Start) -> None:
    run = start()
    write.log_metric(ledger, run, None, "loss", 0.5, 3, 1.0)
    assert fresh(ledger) == 1
    assert ledger.rows("select count(*) from metrics") == [(0,)]
    assert read.series(ledger, run, "loss") == [records.MetricPoint("loss", 0.5, 3, 1.0)]
    assert read.metrics(ledger, run) == [records.MetricSummary("loss", 0.5, 0.5, 0.5, 1)]


def test_points_are_moved_now_and_then_and_at_the_end(ledger: connection.Ledger, start: Start, few: int) -> None:
    run = start()
    for step in range(few + 1):
        write.log_metric(ledger, run, None, "loss", float(step), step, 1.0)
    assert fresh(ledger) == 1
    write.log_values(ledger, run, None, [("loss", 9, 9.0, 1.0)] * 2)
    assert fresh(ledger) == 3
    write.log_values(ledger, run, None, [("loss", 10, 9.0, 1.0)] * (few + 1))  # as many as to go straight there
    assert fresh(ledger) == 0
    write.log_metric(ledger, run, None, "loss", -1.0, 11, 1.0)
    write.end_run(ledger, run, outcomes.RunStatus.SUCCEEDED, 2.0)
    assert fresh(ledger) == 0
    assert ledger.rows("select last, min, max, count from metrics") == [(-1.0, -1.0, 9.0, 2 * few + 5)]


def test_what_a_killed_run_logged_is_moved_by_the_next(ledger: connection.Ledger, start: Start) -> None:
    killed, other = start("run-1", pid=0), start("run-2")
    write.log_metric(ledger, killed, None, "loss", 0.5, 0, 1.0)
    write.end_run(ledger, other, outcomes.RunStatus.SUCCEEDED, 2.0)
    assert fresh(ledger) == 0
    assert read.last_values(ledger, [killed]) == {killed: {"loss": 0.5}}


POINTS = some.lists(
    some.tuples(
        some.sampled_from(["", "fit"]),
        some.lists(some.tuples(some.sampled_from("ab"), some.integers(-2, 5), some.floats()), min_size=1, max_size=3),
        some.booleans(),
    ),
    max_size=8,
)


def seen(ledger: connection.Ledger, run: str) -> str:
    told: list[Any] = [
        read.metrics(ledger, run),
        read.metrics(ledger, run, node="fit"),
        read.last_values(ledger, [run]),
    ]
    told += [read.series(ledger, run, name, node=node) for name in "ab" for node in (None, "", "fit")]
    columns = search.columns(ledger)
    told += [
        [columns[name] for name in columns if name.startswith("metrics.")],
        [found.metrics for found in search.runs(ledger)],
        search.names(ledger, "metrics"),
    ]
    return repr(told)


@effort.drawn(50)
@given(POINTS, POINTS)
def test_who_reads_sees_the_same_before_and_after_points_are_moved(origin: Any, logged: Any) -> None:
    """Also where the step was to be reused at first, and so shows what its origin logged until it logs by itself."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = connection.open_ledger(Path(folder) / "ledger.db")
        at = 0.0
        for run, batches in (("first", origin), ("second", logged)):
            write.start_run(ledger, records.RunRecord(run, "p", started=1.0))
            done = outcomes.StepStatus.SUCCEEDED
            step = records.StepRecord(0, "fit", done, "key", records.Basis("", "", {}, {}, {}))
            if run == "first":
                write.add_steps(ledger, run, [step])
            else:
                write.inherit(ledger, run, 0, "fit", ("first", 0))
            for node, points, settled in batches:
                at += 1
                write.log_values(ledger, run, node, [(name, number, value, at) for name, number, value in points])
                if settled:
                    before = seen(ledger, run)
                    write.settle(ledger)
                    assert seen(ledger, run) == before
            write.end_run(ledger, run, outcomes.RunStatus.SUCCEEDED, 2.0)
        ledger.close()


def test_nothing_of_many_threads_and_processes_is_lost(ledger: connection.Ledger, path: Path, start: Start) -> None:
    run = start()
    command = [sys.executable, "-c", LOG, str(path), run]
    found = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    ended = [process.communicate("go\n") for process in found]
    assert [process.returncode for process in found] == [0] * 3, ended
    summaries = {(each.name, each.count) for each in read.metrics(ledger, run, node="")}
    assert summaries == {("loss", 900)}
    for node in ("node 0", "node 1"):
        assert {(each.name, each.count) for each in read.metrics(ledger, run, node=node)} == {
            ("own", 450),
            ("loss", 450),
        }
    assert len(read.series(ledger, run, "loss")) == 1800
    assert sorted(point.step for point in read.series(ledger, run, "own", node="node 0")) == sorted([*range(150)] * 3)
    assert ledger.rows("select metric, number from points group by metric, number having count(*) > 1") == []


@pytest.mark.parametrize("attempt", range(3))
def test_what_a_call_returned_from_survives_kill_9(tmp_path: Path, attempt: int) -> None:
    process = subprocess.Popen([sys.executable, "-c", LOG_FOR_EVER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    run = process.stdout.readline().strip()
    told = [process.stdout.readline() for _ in range(30 + 41 * attempt)]
    process.kill()
    rest, _ = process.communicate()
    last = int((told + rest.split("\n")[:-1])[-1])
    ledger = connection.open_ledger(tmp_path / ".tane" / "ledger.db")
    for name, sign in (("loss", 1), ("a", 1), ("b", -1)):
        points = read.series(ledger, run, name)
        assert [(point.step, point.value) for point in points[: last + 1]] == [(n, sign * n) for n in range(last + 1)]
    assert ledger.rows("pragma integrity_check") == [("ok",)]
    assert read.run(ledger, run).status is outcomes.RunStatus.KILLED
    assert search.runs(ledger, f"metrics.loss >= {last} and status = 'killed'")[0].run.run == run
    ledger.close()


def test_a_name_with_undecodable_bytes_is_kept_escaped(ledger: connection.Ledger, start: Start) -> None:
    run = start()
    write.log_metric(ledger, run, None, "loss \udcff", 1.0, 0, 1.0)
    write.log_values(ledger, run, "node \udcff", [("loss \udcff", 0, 1.0, 1.0)] * 2)
    assert [(each.name, each.count) for each in read.metrics(ledger, run)] == [("loss \\udcff", 3)]


def test_a_step_that_no_database_holds_is_refused(ledger: connection.Ledger, start: Start) -> None:
    run = start()
    with pytest.raises(errors.UsageError, match="too large"):
        write.log_metric(ledger, run, None, "loss", 1.0, 1 << 70, 1.0)
    with pytest.raises(errors.UsageError, match="too large"):
        write.log_values(ledger, run, None, [("loss", 0, 1.0, 1.0), ("loss", -(1 << 70), 1.0, 1.0)])
    assert read.metrics(ledger, run) == []


def test_points_of_an_unknown_run_are_refused(ledger: connection.Ledger) -> None:
    with pytest.raises(errors.UsageError, match="no run"):
        write.log_metric(ledger, "nowhere", None, "loss", math.nan, 0, 1.0)


def test_a_writer_waits_for_one_that_takes_long(ledger: connection.Ledger, path: Path, start: Start) -> None:
    run, other = start(), connection.open_ledger(path)
    holding, done = threading.Event(), threading.Event()

    def hold() -> None:
        with other.writing() as db:
            db.execute("update runs set name = 'held'")
            holding.set()
            done.wait(0.3)

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait()
    write.log_metric(ledger, run, None, "loss", 1.0, 0, 1.0)
    thread.join()
    other.close()
    assert read.run(ledger, run).name == "held"
    assert len(read.series(ledger, run, "loss")) == 1


def test_a_writer_that_waits_too_long_says_why(
    ledger: connection.Ledger, path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, other = start(), connection.open_ledger(path)
    monkeypatch.setattr(connection, "_WAIT", 0.05)
    with other.writing(), pytest.raises(errors.LedgerError, match="locked") as caught:
        write.log_metric(ledger, run, None, "loss", 1.0, 0, 1.0)
    assert "another process keeps it locked" in caught.value.hint
    other.close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # threads of a parallel test run
def test_a_forked_child_logs_beside_its_parent(ledger: connection.Ledger, start: Start) -> None:
    run = start()
    write.log_metric(ledger, run, None, "loss", 0.0, 0, 1.0)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            for step in range(50):
                write.log_metric(ledger, run, None, "loss", 1.0, step, 1.0)
            status = 0
        finally:
            os._exit(status)
    for step in range(50):
        write.log_metric(ledger, run, None, "loss", 2.0, step, 1.0)
    assert os.waitpid(child, 0)[1] == 0
    assert [each.count for each in read.metrics(ledger, run)] == [101]


def test_points_for_a_ledger_that_was_deleted_are_refused(ledger: connection.Ledger, path: Path, start: Start) -> None:
    run = start()
    write.log_metric(ledger, run, None, "loss", 0.0, 0, 1.0)
    path.unlink()
    with pytest.raises(errors.LedgerError, match="deleted or replaced"):
        write.log_metric(ledger, run, None, "loss", 0.0, 1, 1.0)


def test_no_row_is_appended_to_a_transaction_that_only_reads(ledger: connection.Ledger, start: Start) -> None:
    run = start()
    with ledger.reading(), pytest.raises(RuntimeError, match="transaction"):
        write.log_metric(ledger, run, None, "loss", 0.0, 0, 1.0)
