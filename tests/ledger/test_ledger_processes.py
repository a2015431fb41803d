"""Many processes at one ledger file: no row lost, none half there, no lock error, no log that grows without bound."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import effort
from tane import outcomes
from tane.ledger import connection, leases, migrations, read, records, write

WRITERS = 6
TIMES = effort.times(12)

WRITER = """
import sys, pathlib
from tane import outcomes
from tane.ledger import connection, records, write
path, run, times = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
sys.stdin.readline()
ledger = connection.open_ledger(path)
write.start_run(ledger, records.RunRecord(run, "p", params={"who": run}))
write.add_sources(ledger, run, [records.Kept("source", "the same for all")])
for at in range(times):
    basis = records.Basis(f"code {at}", "env", {}, {"params:at": at}, {"source": "the same for all"})
    kept = (records.Kept(f"d{at}", f"{run} {at}"), records.Kept("shared", f"made {at}"))
    steps = [
        records.StepRecord(2 * at + more, f"n{at}", outcomes.StepStatus.SUCCEEDED, f"key {run} {at} {more}", basis,
            (), kept) for more in (0, 1)
    ]
    write.add_steps(ledger, run, steps, {f"code {at}": {"part": at}} if at % 2 else {})
    write.log_metrics(ledger, run, f"n{at}", [records.MetricPoint("loss", float(value), at) for value in (at, -at)])
    write.log_params(ledger, run, {f"p{at}": at})
    write.set_tags(ledger, run, {"last": str(at)})
    write.add_event(ledger, records.Event("noted", run, 0.0, "writer", {"at": at}))
    write.note_placed(ledger, "data/same.json", f"{run} {at}")
    write.beat(ledger, run)
write.end_run(ledger, run, outcomes.RunStatus.SUCCEEDED, 1.0)
ledger.close()
"""


@contextmanager
def scripts(text: str, *arguments: tuple[object, ...]) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that all begin at once; that each ends well is asked at the end."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    found = [subprocess.Popen([sys.executable, "-c", text, *map(str, each)], **pipes) for each in arguments]
    try:
        for process in found:
            process.stdin.write("go\n")
            process.stdin.flush()
        yield found
        ended = [process.communicate(timeout=300) for process in found]
        assert [process.returncode for process in found] == [0] * len(found), ended
    finally:
        for process in found:
            process.kill()
            process.communicate()


@contextmanager
def looking(path: Path) -> Iterator[connection.Ledger]:
    ledger = connection.open_ledger(path)
    try:
        yield ledger
    finally:
        ledger.close()


def test_no_row_of_many_processes_is_lost_from_a_cold_start_on(path: Path) -> None:
    runs = [f"run-{number}" for number in range(WRITERS)]
    with scripts(WRITER, *((path, run, TIMES) for run in runs)):
        pass
    with looking(path) as ledger:
        assert {run.run: run.params for run in read.runs(ledger)} == {run: {"who": run} for run in runs}
        assert all(run.status is outcomes.RunStatus.SUCCEEDED for run in read.runs(ledger))
        for run in runs:
            steps = read.steps(ledger, run)
            assert [step.position for step in steps] == list(range(2 * TIMES))
            for step in steps:
                at = step.position // 2
                assert [kept.digest for kept in step.outputs] == [f"{run} {at}", f"made {at}"]
                assert step.basis.params == {"params:at": at}
            assert [kept.digest for kept in read.sources(ledger, run)] == ["the same for all"]
            series = read.series(ledger, run, "loss")
            assert [(point.step, point.value) for point in series] == [
                (at, value) for at in range(TIMES) for value in (at, -at)
            ], "each point is there, those of one step in the order they were logged"
            assert read.params(ledger, run) == {f"p{at}": at for at in range(TIMES)}
            assert read.tags(ledger, run) == {"last": str(TIMES - 1)}
            events = read.events(ledger, subject=run)
            assert [event.detail["at"] for event in events] == list(range(TIMES))[::-1]
            last = read.results(ledger, [f"key {run} {at} {more}" for at in range(TIMES) for more in (0, 1)])
            assert len(last) == 2 * TIMES and {found.run for found in last.values()} == {run}
        assert len(read.events(ledger)) == WRITERS * TIMES
        assert len(ledger.rows("select 1 from documents")) == TIMES // 2
        (shared,) = ledger.rows("select count(*) from kept where name = 'shared'")
        assert shared == (TIMES,), "what several runs made alike is there once"
        assert ledger.rows("pragma integrity_check") == [("ok",)]
        assert ledger.rows("pragma foreign_key_check") == []


REWRITER = """
import sys, pathlib
from tane import outcomes
from tane.ledger import connection, records, write
ledger = connection.open_ledger(pathlib.Path(sys.argv[1]))
basis = records.Basis("code", "env", {}, {}, {})
sys.stdin.readline()
for at in range(int(sys.argv[2])):
    kept = [records.Kept(f"d{place}", f"round {at}") for place in range(3)]
    steps = [
        records.StepRecord(position, "n", outcomes.StepStatus.SUCCEEDED, f"k{position}",
            records.Basis(f"round {at}", "env", {}, {}, {}), (), tuple(kept))
        for position in (at % 40, 40 + at)
    ]
    write.add_steps(ledger, "run", steps)
ledger.close()
"""


def test_a_reader_never_sees_a_step_without_what_it_made(path: Path) -> None:
    with looking(path) as ledger:
        write.start_run(ledger, records.RunRecord("run", "p"))
        times = effort.times(400)
        with scripts(REWRITER, (path, times)) as (writer,):
            seen = 0
            while writer.poll() is None:
                steps = read.steps(ledger, "run")
                last = read.last_step(ledger, "n")
                for step in [*steps, *([last] if last else [])]:
                    assert [kept.digest for kept in step.outputs] == [step.basis.code] * 3
                assert len(steps) >= seen, "what was there once stays"
                seen = len(steps)
        assert len(read.steps(ledger, "run")) == times + 40


HOLDER = """
import pathlib, sqlite3, sys
database = sqlite3.connect(pathlib.Path(sys.argv[1]), isolation_level=None)
sys.stdin.readline()
database.execute("begin")
print(database.execute("select count(*) from points").fetchone()[0], flush=True)
sys.stdin.readline()
"""


def wal(path: Path) -> int:
    return os.stat(f"{path}-wal").st_size


def fill(ledger: connection.Ledger, megabytes: float) -> None:
    for at in range(round(megabytes * 8)):
        write.log_params(ledger, "run", {f"p{at % 64}": os.urandom(65_536).hex()})


def test_a_long_reader_makes_the_log_grow_no_longer_than_it_reads(path: Path) -> None:
    with looking(path) as ledger:
        write.start_run(ledger, records.RunRecord("run", "p"))
        with scripts(HOLDER, (path,)) as (holder,):
            holder.stdout.readline()
            fill(ledger, 24)
            grown = wal(path)
            assert grown > 20 * 2**20, "nothing can be taken out of the log while somebody reads behind it"
        fill(ledger, 6)
        assert wal(path) < 17 * 2**20, "when the reader is gone, its room is given back"


READER = """
import pathlib, sys, time
from tane.ledger import connection, read
ledger = connection.open_ledger(pathlib.Path(sys.argv[1]), create=False)
sys.stdin.readline()
while not pathlib.Path(sys.argv[2]).exists():
    read.steps(ledger, "run")
    read.params(ledger, "run")
    read.runs(ledger, limit=20)
"""


def test_readers_who_come_again_and_again_do_not_make_the_log_grow(path: Path, tmp_path: Path) -> None:
    done = tmp_path / "done"
    with looking(path) as ledger:
        write.start_run(ledger, records.RunRecord("run", "p"))
        with scripts(READER, *[(path, done)] * 4):
            most = 0
            for _ in range(effort.times(6)):
                fill(ledger, 8)
                most = max(most, wal(path))
            done.touch()
        assert most < 36 * 2**20


MIGRATE = """
import sys, pathlib
from tane.ledger import connection, migrations, records, write
known = migrations.statements
more = ["create table added (run text primary key)", "insert into added select run from runs"]
migrations.statements = lambda file: iter(more) if file == "more.sql" else known(file)
migrations._FILES = (*migrations._FILES, "more.sql")
migrations.VERSION += 1
sys.stdin.readline()
ledger = connection.open_ledger(pathlib.Path(sys.argv[1]))
write.start_run(ledger, records.RunRecord(sys.argv[2], "p"))
assert ledger.rows("select run from added") in ([], [("before",)])
ledger.close()
"""


@pytest.mark.parametrize("there", [False, True])
def test_many_processes_that_migrate_a_ledger_at_once_do_it_once(path: Path, there: bool) -> None:
    if there:
        with looking(path) as ledger:
            write.start_run(ledger, records.RunRecord("before", "p"))
    runs = {f"run-{number}" for number in range(WRITERS)}
    with scripts(MIGRATE, *((path, run) for run in runs)):
        pass
    database = sqlite3.connect(path)
    try:
        found = database.execute("select version, name from migrations order by version").fetchall()
        assert found == list(enumerate((*migrations._FILES, "more.sql"), 1))
        assert {run for (run,) in database.execute("select run from runs")} == runs | ({"before"} if there else set())
        assert database.execute("select run from added").fetchall() == ([("before",)] if there else [])
    finally:
        database.close()


# -- leases of other machines ------------------------------------------------------------------------------


def record(run: str, **fields: object) -> records.RunRecord:
    return records.RunRecord(run, "p", host=os.uname().nodename, pid=os.getpid(), **fields)  # type: ignore[arg-type]


def status(ledger: connection.Ledger, run: str) -> str:
    return str(read.run(ledger, run).status)


def elsewhere(ledger: connection.Ledger, run: str, host: str, process: str, pid: int) -> None:
    with ledger.writing() as db:
        db.execute("update runs set host = ?, process = ?, pid = ? where run = ?", (host, process, pid, run))


@pytest.fixture
def gone() -> int:
    """The number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("host", ["other.host", os.uname().nodename])
def test_a_run_of_another_machine_is_not_judged_by_the_pids_of_this_one(
    ledger: connection.Ledger, host: str, gone: int
) -> None:
    write.start_run(ledger, record("run"))
    elsewhere(ledger, "run", host, "0000-another-boot/pid:[1] 4711", gone)
    assert status(ledger, "run") == "running", "its pid means nothing here, also where the hosts are called alike"
    with ledger.writing() as db:
        db.execute("update runs set lease = 1")
    assert status(ledger, "run") == "killed", "its lease ran out"


def test_a_run_of_another_machine_whose_pid_is_taken_here_is_dead_when_its_lease_is(
    ledger: connection.Ledger,
) -> None:
    write.start_run(ledger, record("run"))
    elsewhere(ledger, "run", "other.host", "0000-another-boot/pid:[1] 4711", os.getpid())
    with ledger.writing() as db:
        db.execute("update runs set lease = 1")
    assert status(ledger, "run") == "killed"


def test_a_run_of_this_machine_lives_as_long_as_its_process_whatever_its_lease_says(
    ledger: connection.Ledger,
) -> None:
    write.start_run(ledger, record("run"))
    with ledger.writing() as db:
        db.execute("update runs set lease = 1")
    assert status(ledger, "run") == "running"


def test_where_processes_cannot_be_told_apart_the_pid_counts_on_its_own_host_alone(
    ledger: connection.Ledger, gone: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "_place", lambda process: "")
    write.start_run(ledger, record("here"))
    write.start_run(ledger, record("there"))
    elsewhere(ledger, "here", os.uname().nodename, "", gone)
    elsewhere(ledger, "there", "other.host", "", gone)
    assert status(ledger, "here") == "killed"
    assert status(ledger, "there") == "running"


def test_two_who_take_up_one_run_are_told_apart(path: Path, start: Callable[..., str]) -> None:
    run = start()
    with looking(path) as one, looking(path) as other:
        write.end_run(one, run, outcomes.RunStatus.FAILED, 1.0)
        found = read.run(one, run)
        took: list[bool] = []
        threads = [
            threading.Thread(target=lambda at=at, pid=pid: took.append(write.resume_run(at, found, f"host-{pid}", pid)))
            for at, pid in ((one, 11), (other, 12))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(took) == [False, True]
