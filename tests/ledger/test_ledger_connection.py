from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tane import errors
from tane.ledger import connection, failures, filesystems, migrations, read, records, write

OPEN = """
import sys, pathlib
from tane.ledger import connection, records, write
sys.stdin.readline()
ledger = connection.open_ledger(pathlib.Path(sys.argv[1]))
write.start_run(ledger, records.RunRecord(sys.argv[2], "p"))
ledger.close()
"""
LOG = """
import sys, pathlib
from tane.ledger import connection, records, write
ledger = connection.open_ledger(pathlib.Path(sys.argv[1]))
for step in range(200):
    write.log_metrics(ledger, sys.argv[2], None, [records.MetricPoint("loss", float(step), step)])
ledger.close()
"""
ADD = """
import sys, pathlib
from tane import outcomes
from tane.ledger import connection, records, write
ledger = connection.open_ledger(pathlib.Path(sys.argv[1]))
basis = records.Basis("code", "env", {}, {}, {})
for position in range(100):
    kept = records.Kept(f"d{position}", sys.argv[2])
    step = records.StepRecord(position, "n", outcomes.StepStatus.SUCCEEDED, f"k{position}", basis, (), (kept,))
    write.add_steps(ledger, sys.argv[2], [step])
ledger.close()
"""
LOG_FOR_EVER = """
import sys, pathlib, itertools
from tane.ledger import connection, records, write
ledger = connection.open_ledger(pathlib.Path(sys.argv[1]))
for step in itertools.count():
    write.log_metrics(ledger, sys.argv[2], None, [records.MetricPoint("loss", float(step), step)])
    print(step, flush=True)
"""


def script(text: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", text, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def pragma(path: Path, name: str) -> str:
    database = sqlite3.connect(path)
    try:
        return str(database.execute(f"pragma {name}").fetchone()[0])
    finally:
        database.close()


def test_six_processes_that_open_a_fresh_ledger_at_once_all_succeed(path: Path) -> None:
    processes = [script(OPEN, path, f"run-{number}") for number in range(6)]
    time.sleep(0.3)  # let each get as far as the line it waits for
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0] * 6
    ledger = connection.open_ledger(path)
    assert {run.run for run in read.runs(ledger)} == {f"run-{number}" for number in range(6)}
    assert ledger.rows("select version, name from migrations") == list(enumerate(migrations._FILES, 1))
    ledger.close()


def test_no_point_of_four_processes_is_lost(ledger: connection.Ledger, path: Path, start: Callable[..., str]) -> None:
    run = start()
    processes = [script(LOG, path, run) for _ in range(4)]
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0] * 4
    (summary,) = read.metrics(ledger, run)
    assert (summary.count, summary.min, summary.max) == (800, 0.0, 199.0)
    assert len(read.series(ledger, run, "loss")) == 800


def test_no_step_of_four_processes_is_lost(ledger: connection.Ledger, path: Path, start: Callable[..., str]) -> None:
    runs = [start(f"run-{number}") for number in range(4)]
    processes = [script(ADD, path, run) for run in runs]
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0] * 4
    for run in runs:
        assert [step.outputs[0].digest for step in read.steps(ledger, run)] == [run] * 100


def test_threads_share_a_ledger(ledger: connection.Ledger, start: Callable[..., str]) -> None:
    run = start()

    def log() -> None:
        for step in range(100):
            write.log_metrics(ledger, run, None, [records.MetricPoint("loss", 1.0, step)])

    threads = [threading.Thread(target=log) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read.metrics(ledger, run)[0].count == 400


def test_what_was_written_survives_kill_9(ledger: connection.Ledger, path: Path, start: Callable[..., str]) -> None:
    for attempt in range(4):
        run = start(f"run-{attempt}")
        process = script(LOG_FOR_EVER, path, run)
        assert process.stdout is not None
        acknowledged = [process.stdout.readline() for _ in range(20 + 7 * attempt)]
        process.kill()
        rest, _ = process.communicate()
        last = int((acknowledged + rest.split("\n")[:-1])[-1])
        assert len(read.series(ledger, run, "loss")) >= last + 1
        assert ledger.rows("pragma integrity_check") == [("ok",)]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # threads of a parallel test run
def test_a_child_forked_while_a_thread_writes_can_write(ledger: connection.Ledger, start: Callable[..., str]) -> None:
    run, writing = start(), threading.Event()

    def write_slowly() -> None:
        with ledger.writing():
            writing.set()
            time.sleep(0.1)

    thread = threading.Thread(target=write_slowly)
    thread.start()
    writing.wait()
    child = os.fork()
    if child == 0:
        signal.alarm(5)  # ends a child that waits for a lock nobody holds any more
        status = 1
        try:
            write.set_tags(ledger, run, {"who": "child"})
            status = 0
        finally:
            os._exit(status)
    thread.join()
    write.set_tags(ledger, run, {"me": "parent"})
    assert os.waitpid(child, 0)[1] == 0
    assert read.tags(ledger, run) == {"who": "child", "me": "parent"}


def test_what_a_forked_child_writes_outlives_its_parents_close(path: Path) -> None:
    parent = """if 1:
        import os, sys, pathlib, time
        from tane.ledger import connection, records, write
        path = pathlib.Path(sys.argv[1])
        ledger = connection.open_ledger(path)
        write.start_run(ledger, records.RunRecord("run", "p"))
        go, wait = os.pipe()
        if os.fork() == 0:
            write.set_tags(ledger, "run", {"first": "1"})
            os.read(go, 1)
            write.set_tags(ledger, "run", {"second": "2"})
            os._exit(0)
        while not ledger.rows("select 1 from tags"):
            time.sleep(0.01)
        ledger.close()
        os.write(wait, b"x")
        os.wait()
    """
    process = script(parent, path)
    process.communicate()
    assert process.returncode == 0
    ledger = connection.open_ledger(path)
    assert read.tags(ledger, "run") == {"first": "1", "second": "2"}
    assert ledger.rows("pragma integrity_check") == [("ok",)]
    ledger.close()


def test_a_write_that_fails_leaves_nothing(ledger: connection.Ledger, start: Callable[..., str]) -> None:
    run = start()
    with pytest.raises(ValueError):
        write.log_metrics(
            ledger,
            run,
            None,
            [records.MetricPoint("good", 1.0), records.MetricPoint("bad", "x")],  # type: ignore[arg-type]
        )
    assert read.metrics(ledger, run) == []


def test_a_ledger_is_in_wal_mode_and_knows_its_version(ledger: connection.Ledger, path: Path) -> None:
    assert pragma(path, "journal_mode") == "wal"
    assert pragma(path, "user_version") == str(migrations.VERSION)


def test_a_newer_ledger_is_refused(path: Path) -> None:
    connection.open_ledger(path).close()
    database = sqlite3.connect(path)
    database.execute(f"pragma user_version = {migrations.VERSION + 1}")
    database.close()
    with pytest.raises(errors.LedgerError, match="written by a newer tane") as caught:
        connection.open_ledger(path)
    assert "upgrade" in caught.value.hint


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is not a database, whatever its name may say. " * 100)
    with pytest.raises(errors.LedgerError, match=r"ledger\.db is damaged") as caught:
        connection.open_ledger(path)
    assert "mv" in caught.value.hint


def test_a_database_of_somebody_else_is_refused_and_left_alone(path: Path) -> None:
    path.parent.mkdir()
    database = sqlite3.connect(path)
    database.execute("create table theirs (x)")
    database.close()
    before = path.read_bytes()
    with pytest.raises(errors.LedgerError, match="not one of tane's"):
        connection.open_ledger(path)
    assert path.read_bytes() == before


def test_damage_met_while_reading_names_the_file(path: Path) -> None:
    ledger = connection.open_ledger(path)
    for number in range(200):
        write.start_run(ledger, records.RunRecord(f"run-{number}", "p" * 200))
    ledger.close()
    size = path.stat().st_size
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    with pytest.raises(errors.LedgerError, match="is damaged"):
        ledger = connection.open_ledger(path)
        try:
            read.runs(ledger)
        finally:
            ledger.close()


def test_a_full_disk_says_so(path: Path) -> None:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    told = failures.of(error, path)
    assert isinstance(told, errors.LedgerError)
    assert "free some space" in told.hint


def test_a_ledger_deleted_while_in_use_is_noticed(
    ledger: connection.Ledger, path: Path, start: Callable[..., str]
) -> None:
    run = start()
    path.unlink()
    with pytest.raises(errors.LedgerError, match="deleted or replaced"):
        write.set_tags(ledger, run, {"a": "b"})


def test_without_create_nothing_is_made_and_the_ledger_is_empty(path: Path) -> None:
    ledger = connection.open_ledger(path, create=False)
    assert read.runs(ledger) == []
    with pytest.raises(errors.LedgerError):
        write.note_placed(ledger, "a", "b")
    assert not path.parent.exists()
    ledger.close()


def test_without_create_a_ledger_made_meanwhile_is_found(path: Path) -> None:
    ledger = connection.open_ledger(path, create=False)
    other = connection.open_ledger(path)
    write.start_run(other, records.RunRecord("run-1", "p"))
    assert [run.run for run in read.runs(ledger)] == ["run-1"]
    other.close()
    ledger.close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.LedgerError, match="file/"):
        connection.open_ledger(tmp_path / "file" / "ledger.db")


def test_a_ledger_that_may_only_be_read_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = connection.open_ledger(path)
    write.start_run(ledger, records.RunRecord("run-1", "p"))
    ledger.close()

    def refuse(path: Path) -> sqlite3.Connection:
        error = sqlite3.OperationalError("attempt to write a readonly database")
        error.sqlite_errorcode = sqlite3.SQLITE_READONLY
        raise error

    monkeypatch.setattr(connection, "_writable", refuse)
    ledger = connection.open_ledger(path)
    assert [run.run for run in read.runs(ledger)] == ["run-1"]
    with pytest.raises(errors.LedgerError, match="can only be read"):
        write.set_tags(ledger, "run-1", {"a": "b"})
    ledger.close()


def test_a_closed_ledger_says_so(ledger: connection.Ledger) -> None:
    ledger.close()
    with pytest.raises(errors.LedgerError, match="was closed"):
        read.runs(ledger)


def test_a_network_file_system_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mount = filesystems.Mount("nfs4", "filer:/home")
    monkeypatch.setattr(filesystems, "network_mount", lambda folder: mount)
    with pytest.raises(errors.LedgerError, match=r"nfs4, from filer:/home") as caught:
        connection.open_ledger(path)
    assert "local disk" in caught.value.hint
    assert not path.exists()


MOUNTS = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
31 22 0:52 / /home rw,relatime shared:9 - nfs4 filer:/home rw,vers=4.2
32 22 0:53 / /tmp rw - tmpfs tmpfs rw
33 22 0:54 / /mnt/s rw - fuse.sshfs me@host:/data rw
34 22 0:55 / /mnt/a rw - fuse.portal portal rw
"""


@pytest.mark.parametrize(
    ("device", "mount"),
    [
        ("0:52", ("nfs4", "filer:/home")),
        ("0:54", ("fuse.sshfs", "me@host:/data")),
        ("0:53", None),
        ("0:55", None),
        ("0:5", None),
    ],
)
def test_the_mount_table_tells_network_from_local(device: str, mount: tuple[str, str] | None) -> None:
    assert filesystems.find(MOUNTS, device) == mount


def test_a_failed_migration_leaves_the_version_before_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(file: str) -> list[str]:
        return ["create table half (x)", "create table half (x)"]

    with monkeypatch.context() as patched:
        patched.setattr(migrations, "statements", broken)
        with pytest.raises(sqlite3.OperationalError):
            connection.open_ledger(path)
    assert pragma(path, "user_version") == "0"
    connection.open_ledger(path).close()
