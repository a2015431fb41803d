"""Runs on a failing ground: full and read-only disks, clocks that go backwards, damaged and locked files, signals."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import crashing
import pytest

import effort
from tane.store import health, objects

PAUSING = """
import pathlib
import time


def words(numbers):
    here = pathlib.Path("pause")
    if here.exists():
        (here / "reached").touch()
        while not (here / "go").exists():
            time.sleep(0.005)
"""


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[crashing.Starter]:
    with crashing.starter(tmp_path_factory.mktemp("starter")) as made:
        yield made


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project, never run."""
    return crashing.lay_out(tmp_path / "fragile")


@pytest.fixture(scope="module")
def expected(starter: crashing.Starter, tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, Any]]:
    """What lies at each catalogued path after an undisturbed run, by scale."""
    place = crashing.lay_out(tmp_path_factory.mktemp("whole") / "fragile")
    found = {}
    for scale in (2, 3, 4):
        assert starter.tane(place, "run", f"scale={scale}").code == 0
        found[scale] = contents(place)
    return found


def contents(root: Path) -> dict[str, Any]:
    return {name: crashing.content(root / name) for name in crashing.CATALOGUED}


def check_whole(root: Path, *allowed: dict[str, Any]) -> None:
    """Each catalogued path holds what one of the runs put there, or nothing, and nothing else lies about."""
    for name, found in contents(root).items():
        assert found is None or found in [each[name] for each in allowed], f"{name} is partial"


def check_tidy(root: Path) -> None:
    """Nothing half-written lies in the workspace, the ledger is sound, no object is damaged."""
    assert [name for name in crashing.visible(root) if ".tane-" in name] == []
    database = sqlite3.connect(root / ".tane/ledger.db")
    try:
        assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
    finally:
        database.close()
    with objects.Objects(root / ".tane/objects", read_only=True) as store:
        assert health.damaged(store) == []


def failed_clearly(ended: crashing.Ended, *words: str) -> None:
    """It says what is wrong and what to do, and that the place is to blame."""
    assert ended.code == 4, ended.out + ended.err
    assert "Traceback" not in ended.err
    assert "hint:" in ended.err
    assert any(word in ended.err for word in words), ended.err


def pausing(root: Path) -> Path:
    """Let the step `words` wait in this project until it is told to go on."""
    path = root / "src/fragile/nodes.py"
    path.write_text(path.read_text().replace("\ndef words(numbers):\n", PAUSING))
    (root / "pause").mkdir()
    return root / "pause"


def wait_for(path: Path) -> None:
    for _ in range(6000):
        if path.exists():
            return
        time.sleep(0.01)
    raise AssertionError(f"{path} did not appear")


# -- signals at any time -----------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_runs_that_are_ended_at_any_time_leave_nothing_half_done(
    starter: crashing.Starter, root: Path, expected: dict[int, dict[str, Any]], jobs: str
) -> None:
    drawn = random.Random(int(jobs))
    began = time.monotonic()
    assert starter.tane(root, "run").code == 0
    took = max(0.3, time.monotonic() - began)
    for _ in range(effort.times(2)):
        scale = drawn.choice([2, 3, 4])
        number = drawn.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
        running = starter.start(root, "run", "-j", jobs, f"scale={scale}")
        time.sleep(drawn.uniform(0, 2 * took))
        running.send_signal(number)
        _, err = running.communicate(timeout=60)
        assert running.returncode in (0, 130, -number, 1 if number == signal.SIGINT else 0), err
        check_whole(root, *expected.values())
    ended = starter.tane(root, "run", "-j", jobs, "scale=4")
    assert ended.code == 0, ended.err
    assert contents(root) == expected[4]
    check_tidy(root)
    statuses = {run["status"] for run in starter.tane(root, "runs", "--json").json}
    assert statuses <= {"succeeded", "killed", "interrupted"}


# -- full and read-only disks ------------------------------------------------------------------------------


@contextmanager
def disk(place: Path, size: int) -> Iterator[Path]:
    """A disk of that size at `place`."""
    place.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting needs root: sudo make test, or docker run --privileged")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def remount(place: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", place], check=True)


def used(place: Path) -> int:
    found = os.statvfs(place)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("where", [".", ".tane", "data"])
def test_a_disk_that_fills_up_is_named_and_the_next_run_ends_well(
    starter: crashing.Starter,
    root: Path,
    expected: dict[int, dict[str, Any]],
    tmp_path: Path,
    where: str,
    jobs: str,
) -> None:
    if effort.FACTOR > 1:
        sizes = [at / 100 for at in range(4, 120, 8)]
    elif jobs == "2" and where != ".":
        pytest.skip("under stress")
    else:
        sizes = {".": [0.15, 0.7] if jobs == "1" else [0.4], ".tane": [0.6], "data": [0.4]}[where]
    before = shutil.copytree(root, tmp_path / "before")
    with disk(root / where, 64 << 20):
        shutil.copytree(before, root, dirs_exist_ok=True)
        at_first = used(root / where)
        assert starter.tane(root, "run", "-j", jobs).code == 0
        grown = used(root / where) - at_first
    for share in sizes:
        with disk(root / where, at_first + int(grown * share)):
            for name in (".tane", "data", "tane.lock"):
                if where != ".":
                    clear(root / name)
            shutil.copytree(before, root, dirs_exist_ok=True)
            ended = starter.tane(root, "run", "-j", jobs)
            if ended.code:
                failed_clearly(ended, "No space left", "disk is full", "disk I/O error")
            check_whole(root, expected[2])
            remount(root / where, "size=64m")
            again = starter.tane(root, "run", "-j", jobs)
            assert again.code == 0, again.err
            assert contents(root) == expected[2]
            check_tidy(root)


def clear(place: Path) -> None:
    """Empty a folder, which may be where a disk is mounted, or delete a file."""
    if place.is_file():
        place.unlink()
    for inner in place.iterdir() if place.is_dir() else ():
        shutil.rmtree(inner) if inner.is_dir() else inner.unlink()


@pytest.mark.parametrize("where", [".", ".tane/objects", "data"])
def test_what_cannot_be_written_is_named_and_can_be_looked_at(
    starter: crashing.Starter, root: Path, expected: dict[int, dict[str, Any]], tmp_path: Path, where: str
) -> None:
    before = shutil.copytree(root, tmp_path / "before")
    with disk(root / where, 64 << 20):
        shutil.copytree(before, root, dirs_exist_ok=True)
        assert starter.tane(root, "run").code == 0
        remount(root / where, "ro")
        failed_clearly(starter.tane(root, "run", "scale=3"), "read-only", "Read-only", "can only be read")
        assert contents(root) == expected[2] or where == ".tane/objects"
        assert starter.tane(root, "runs").code == 0
        assert starter.tane(root, "status").code == 0
        remount(root / where, "rw")
        assert starter.tane(root, "run", "scale=3").code == 0
        assert contents(root) == expected[3]
        check_tidy(root)


# -- clocks ------------------------------------------------------------------------------------------------

DAY = 86_400
CLOCKS = {
    "backwards between runs": (f"0:{DAY}", "", f"0:{-DAY}"),
    "backwards within a run": ("", f"40:{-DAY}", f"0:{-2 * DAY}"),
    "to and fro": (f"20:{DAY},40:{-DAY},60:{DAY},200:0", f"0:{-DAY},50:{DAY}", f"0:{-DAY},90:{-2 * DAY}"),
}


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("clock", CLOCKS)
def test_whatever_the_clock_says_the_newest_run_is_the_last_one(
    starter: crashing.Starter, root: Path, expected: dict[int, dict[str, Any]], clock: str, jobs: str
) -> None:
    if jobs == "2" and effort.FACTOR <= 1:
        pytest.skip("under stress")
    ids = []
    for scale, steps in zip((2, 3, 4), CLOCKS[clock], strict=True):
        found = starter.tane(root, "run", "--json", "-j", jobs, f"scale={scale}", clock=steps).json
        ids.append(found["id"])
        assert contents(root) == expected[scale]
    listed = starter.tane(root, "runs", "--json", clock=f"0:{-3 * DAY}").json
    assert [run["id"] for run in listed] == ids[::-1]
    assert {run["status"] for run in listed} == {"succeeded"}
    for steps in ("", *CLOCKS[clock]):
        assert set(starter.tane(root, "run", "--json", "scale=4", clock=steps).steps.values()) == {"reused"}
    source = root / "data/01_raw/source.json"
    source.write_text(source.read_text().replace("[1, 2, 3]", "[1, 2, 4]"))
    assert starter.tane(root, "run", "--json", "scale=4", clock=f"0:{-DAY}").steps["numbers"] == "succeeded"


@pytest.mark.parametrize("ahead", [DAY, -DAY])
def test_a_run_that_was_killed_is_known_whatever_the_clock_says(
    starter: crashing.Starter, root: Path, ahead: int, tmp_path: Path
) -> None:
    ended = starter.tane(root, "run", points=tmp_path / "points", at="> commit#9", clock=f"0:{ahead}")
    assert ended.code == -signal.SIGKILL
    assert [run["status"] for run in starter.tane(root, "runs", "--json").json] == ["killed"]


# -- damage ------------------------------------------------------------------------------------------------


def flip(path: Path) -> None:
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    for at in range(50, len(data), 100):
        data[at] ^= 4
    path.write_bytes(data)


def halve(path: Path) -> None:
    path.chmod(0o644)
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    path.chmod(0o644)
    os.truncate(path, 0)


@pytest.mark.parametrize(
    ("what", "spoil"),
    [
        ("??/*", flip),
        ("packs/*", flip),
        ("packs/*", halve),
        ("??/*", Path.unlink),
        pytest.param("??/*", halve, marks=pytest.mark.stress),
        pytest.param("??/*", empty, marks=pytest.mark.stress),
        pytest.param("packs/*", empty, marks=pytest.mark.stress),
        pytest.param("packs/*", Path.unlink, marks=pytest.mark.stress),
    ],
)
def test_damaged_objects_are_set_aside_and_made_again(
    starter: crashing.Starter, root: Path, expected: dict[int, dict[str, Any]], spoil: Any, what: str
) -> None:
    assert starter.tane(root, "run", "scale=3").code == 0
    assert starter.tane(root, "run").code == 0
    spoilt = [path for path in (root / ".tane/objects").glob(what) if path.parent.name != "tmp"]
    assert spoilt
    for path in spoilt:
        spoil(path)
    for name in crashing.CATALOGUED:
        path = root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    again = starter.tane(root, "run", "--json")
    assert "succeeded" in again.steps.values(), "something had to be made again"
    assert contents(root) == expected[2]
    assert starter.tane(root, "run", "--json", "scale=3").code == 0
    assert contents(root) == expected[3]
    check_tidy(root)
    assert any((root / ".tane/objects").glob("quarantine/*")) == (spoil is not Path.unlink)


def test_the_index_of_the_store_is_made_again_when_it_is_taken_away(
    starter: crashing.Starter, root: Path, expected: dict[int, dict[str, Any]]
) -> None:
    assert starter.tane(root, "run").code == 0
    (root / ".tane/objects/index.db").write_bytes(b"garbage" * 1000)
    failed_clearly(starter.tane(root, "run", "scale=3"), "index.db is damaged")
    for path in (root / ".tane/objects").glob("index.db*"):
        path.unlink()
    assert set(starter.tane(root, "run", "--json").steps.values()) == {"reused"}
    assert contents(root) == expected[2]


@pytest.mark.parametrize("spoil", ["garbage", "half", "empty", "gone"])
def test_a_spoilt_ledger_is_named_with_the_cure(
    starter: crashing.Starter, root: Path, expected: dict[int, dict[str, Any]], spoil: str
) -> None:
    assert starter.tane(root, "run").code == 0
    path = root / ".tane/ledger.db"
    if spoil == "garbage":
        path.write_bytes(b"garbage" * 10_000)
    elif spoil == "gone":
        path.unlink()
    else:
        os.truncate(path, path.stat().st_size // 2 if spoil == "half" else 0)
    ended = starter.tane(root, "run", "scale=3")
    if spoil in ("garbage", "half"):
        failed_clearly(ended, "is damaged")
        assert f"mv {path} {path}.damaged" in ended.err
        assert contents(root) == expected[2]
        path.rename(f"{path}.damaged")
        ended = starter.tane(root, "run", "scale=3")
    assert ended.code == 0, ended.err
    assert contents(root) == expected[3]
    check_tidy(root)


# -- others in the way -------------------------------------------------------------------------------------

HOLDER = """
import sqlite3, sys, time
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("begin " + sys.argv[2])
print("held", flush=True)
time.sleep(float(sys.argv[3]))
database.execute("rollback")
"""


def hold(path: Path, seconds: float, how: str = "exclusive") -> subprocess.Popen[str]:
    """Another process that keeps the ledger locked."""
    command = [sys.executable, "-c", HOLDER, str(path), how, str(seconds)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


@pytest.mark.parametrize("how", ["exclusive", pytest.param("immediate", marks=pytest.mark.stress)])
@pytest.mark.parametrize("when", ["before", "within"])
@pytest.mark.parametrize(
    "seconds", [1.0, pytest.param(25.0, marks=pytest.mark.stress), pytest.param(75.0, marks=pytest.mark.stress)]
)
def test_a_locked_ledger_is_waited_for(
    starter: crashing.Starter, root: Path, expected: dict[int, dict[str, Any]], when: str, how: str, seconds: float
) -> None:
    pause = pausing(root)
    (pause / "go").touch()
    assert starter.tane(root, "run").code == 0
    if when == "within":
        (pause / "go").unlink()
        (pause / "reached").unlink()
        running = starter.start(root, "run", "scale=3")
        wait_for(pause / "reached")
        holder = hold(root / ".tane/ledger.db", seconds, how)
        (pause / "go").touch()
    else:
        holder = hold(root / ".tane/ledger.db", seconds, how)
        running = starter.start(root, "run", "scale=3")
    out, err = running.communicate(timeout=200)
    with holder:
        pass
    if seconds > 30:
        failed_clearly(crashing.Ended(running.returncode, out, err), "locked")
        assert "another process keeps it locked" in err
    else:
        assert running.returncode == 0, err
        assert contents(root) == expected[3]
    assert starter.tane(root, "run", "scale=3").code == 0
    assert contents(root) == expected[3]
    check_tidy(root)


@pytest.mark.parametrize(
    ("what", "jobs"),
    [
        (".tane", "1"),
        (".tane/objects", "1"),
        (".tane/ledger.db", "2"),
        pytest.param(".tane", "2", marks=pytest.mark.stress),
        pytest.param(".tane/objects", "2", marks=pytest.mark.stress),
        pytest.param(".tane/ledger.db", "1", marks=pytest.mark.stress),
    ],
)
def test_what_is_deleted_during_a_run_is_named_and_the_next_run_ends_well(
    starter: crashing.Starter, root: Path, expected: dict[int, dict[str, Any]], what: str, jobs: str
) -> None:
    pause = pausing(root)
    running = starter.start(root, "run", "-j", jobs)
    wait_for(pause / "reached")
    time.sleep(0.2)  # what was done is on record then
    place = root / what
    for path in [place, *place.parent.glob(f"{place.name}-*")]:
        path.rename(root.parent / path.name)
    (pause / "go").touch()
    out, err = running.communicate(timeout=60)
    failed_clearly(crashing.Ended(running.returncode, out, err), "deleted", "does not exist", "No such file", "gone")
    check_whole(root, expected[2])
    again = starter.tane(root, "run", "--json", "-j", jobs)
    assert again.code == 0, again.err
    assert json.loads(again.out)["status"] == "succeeded"
    assert contents(root) == expected[2]
    check_tidy(root)
