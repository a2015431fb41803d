from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from tane import errors
from tane.ledger import connection, leases, read, records, write
from tane.outcomes import RunStatus

Start = Callable[..., str]


def gone() -> int:
    """The pid of a process that was and is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_run_comes_back_as_it_went_in(ledger: connection.Ledger) -> None:
    record = records.RunRecord(
        run="20260101-000000-aaaa0001",
        pipeline="train",
        kind="sweep",
        status=RunStatus.FAILED,
        started=1.5,
        ended=2.5,
        command=("tane", "run"),
        params={"model": {"lr": 0.1, "layers": [1, 2]}},
        config={"env": ["prod"]},
        git={"commit": "abc"},
        environment="d" * 64,
        host="h",
        user="u",
        pid=7,
        python="3.12",
        name="trial",
        error="file \\udcff",
        published=False,
    )
    write.start_run(ledger, record)
    assert read.run(ledger, record.run) == record


def test_values_that_json_does_not_know_are_kept_as_text(ledger: connection.Ledger, start: Start) -> None:
    import datetime

    run = start(params={"day": datetime.date(2026, 1, 2), datetime.date(2026, 1, 3): {"tags": {"b", "a"}}})
    assert read.run(ledger, run).params == {"day": "2026-01-02", "2026-01-03": {"tags": ["a", "b"]}}


def test_text_with_undecodable_bytes_is_kept_escaped(ledger: connection.Ledger, start: Start) -> None:
    run = start()
    write.end_run(ledger, run, RunStatus.FAILED, 2.0, "no file \udcff")
    assert read.run(ledger, run).error == "no file \\udcff"


def test_ids_are_times_that_sort_and_never_meet() -> None:
    ids = {records.new_run_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{8}", each) for each in ids)


def test_an_ended_run_says_how(ledger: connection.Ledger, start: Start) -> None:
    run = start()
    write.end_run(ledger, run, RunStatus.FAILED, 9.0, "boom", False)
    ended = read.run(ledger, run)
    assert (ended.status, ended.ended, ended.error, ended.published) == (RunStatus.FAILED, 9.0, "boom", False)


def test_runs_come_newest_first_whatever_the_clock_said(ledger: connection.Ledger, start: Start) -> None:
    for number, at in enumerate((3.0, 1.0, 2.0)):
        start(f"run-{number}", started=at)
    assert [run.run for run in read.runs(ledger)] == ["run-2", "run-1", "run-0"]
    assert [run.run for run in read.runs(ledger, limit=2)] == ["run-2", "run-1"]


def test_runs_are_chosen_by_pipeline_status_and_name(ledger: connection.Ledger, start: Start) -> None:
    start("a", pipeline="train", status=RunStatus.SUCCEEDED, name="x")
    start("b", pipeline="train", status=RunStatus.FAILED)
    start("c", pipeline="score", status=RunStatus.SUCCEEDED)
    assert [run.run for run in read.runs(ledger, pipeline="train", status=RunStatus.SUCCEEDED)] == ["a"]
    assert [run.run for run in read.runs(ledger, name="x")] == ["a"]


def test_a_run_whose_process_is_gone_reads_as_killed(ledger: connection.Ledger, start: Start) -> None:
    start("alive")
    start("dead", pid=gone())
    assert read.run(ledger, "alive").status is RunStatus.RUNNING
    assert read.run(ledger, "dead").status is RunStatus.KILLED
    assert [run.run for run in read.runs(ledger, status=RunStatus.KILLED, limit=1)] == ["dead"]
    assert [run.run for run in read.runs(ledger, status=RunStatus.RUNNING, limit=1)] == ["alive"]


def test_a_run_killed_while_it_works_reads_as_killed(ledger: connection.Ledger, start: Start) -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    run = start(pid=process.pid)
    assert read.run(ledger, run).status is RunStatus.RUNNING
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # a zombie now: nobody has fetched its end
    assert read.run(ledger, run).status is RunStatus.KILLED
    process.wait()


def test_a_run_of_another_host_lives_as_long_as_its_lease(
    ledger: connection.Ledger, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "mark", lambda pid: f"other-boot/ns {pid}")
    run = start(host="elsewhere", started=time.time())
    assert read.run(ledger, run).status is RunStatus.RUNNING
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + leases.LEASE + 1)
    assert read.run(ledger, run).status is RunStatus.KILLED
    write.beat(ledger, run)
    assert read.run(ledger, run).status is RunStatus.RUNNING


def test_a_pid_given_to_another_process_does_not_revive_a_run(ledger: connection.Ledger, start: Start) -> None:
    mark = leases.mark(os.getpid())
    if not mark:
        pytest.skip("the system does not say when processes started")
    place, _, ticks = mark.rpartition(" ")
    lease = time.time() + 60
    here = os.uname().nodename
    assert not leases.is_gone(here, os.getpid(), mark, lease, here=here, now=time.time())
    earlier = f"{place} {int(ticks) - 1}"
    assert leases.is_gone(here, os.getpid(), earlier, lease, here=here, now=time.time())


def test_a_run_that_ended_is_never_killed(ledger: connection.Ledger, start: Start) -> None:
    run = start(pid=gone())
    write.end_run(ledger, run, RunStatus.SUCCEEDED, 5.0)
    assert read.run(ledger, run).status is RunStatus.SUCCEEDED


def test_a_run_is_found_by_the_beginning_of_its_id(ledger: connection.Ledger, start: Start) -> None:
    start("20260101-000000-aaaa0001")
    start("20260102-000000-bbbb0001")
    assert read.run(ledger, "20260101").run == "20260101-000000-aaaa0001"
    assert read.run(ledger, "bbbb").run == "20260102-000000-bbbb0001"


def test_last_is_the_newest_run_whatever_the_clock_said(ledger: connection.Ledger, start: Start) -> None:
    start("a", started=2.0)
    start("b", started=1.0)
    assert read.run(ledger, "last").run == read.run(ledger, "latest").run == "b"


def test_a_whole_id_is_found_though_others_begin_with_it(ledger: connection.Ledger, start: Start) -> None:
    start("run-1")
    start("run-10")
    assert read.run(ledger, "run-1").run == "run-1"


def test_an_ambiguous_beginning_lists_what_it_may_mean(ledger: connection.Ledger, start: Start) -> None:
    start("run-1")
    start("run-2")
    with pytest.raises(errors.UsageError, match="stands for 2 runs") as caught:
        read.run(ledger, "run")
    assert "run-1, run-2" in caught.value.hint


def test_an_unknown_run_offers_a_near_one(ledger: connection.Ledger, start: Start) -> None:
    start("20260101-000000-aaaa0001")
    with pytest.raises(errors.UsageError) as caught:
        read.run(ledger, "20260101-000000-aaab0001")
    assert "20260101-000000-aaaa0001" in caught.value.hint


@pytest.mark.parametrize("wanted", ["last", "x", "", "%"])
def test_an_empty_ledger_says_that_nothing_has_run(ledger: connection.Ledger, wanted: str) -> None:
    with pytest.raises(errors.UsageError) as caught:
        read.run(ledger, wanted)
    assert "nothing has run" in caught.value.hint


def test_writing_to_an_unknown_run_is_an_error(ledger: connection.Ledger) -> None:
    with pytest.raises(errors.UsageError, match="no run 'nowhere'"):
        write.set_tags(ledger, "nowhere", {"a": "b"})


def test_a_document_is_kept_once(ledger: connection.Ledger) -> None:
    first = write.add_document(ledger, {"pandas": "3.0"})
    assert write.add_document(ledger, {"pandas": "3.0"}) == first
    assert read.document(ledger, first) == {"pandas": "3.0"}
    assert ledger.rows("select count(*) from documents") == [(1,)]


def test_an_unknown_document_is_empty(ledger: connection.Ledger) -> None:
    assert read.document(ledger, "nothing") == {}
