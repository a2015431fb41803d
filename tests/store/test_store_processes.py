"""Many processes at one store, and processes that die at any instant."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from store_files import leftovers, loose_files, pack_files

from tane.digest import hashing
from tane.store import health, objects

WRITER = """
import sys
from tane.store import health, objects
store = objects.Objects(sys.argv[1])
number = 0
while True:
    data = b"%d" % number * 1000
    print(store.put(data), store.put(data * 40), sep="\\n")
    store.flush()
    print("flushed", flush=True)
    number += 1
"""

SHARER = """
import sys
from tane.store import health, objects
with objects.Objects(sys.argv[1]) as store:
    for number in range(60):
        store.put(b"shared %d " % number * 100)
        store.put(b"own %s %d " % (sys.argv[2].encode(), number) * 100)
        store.put(b"large %d " % (number % 3) * 20_000)
        if number % 7 == 0:
            store.flush()
"""


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", script, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("after", [1, 4, 9, 15])
def test_what_was_flushed_survives_a_kill(root: Path, after: int) -> None:
    with start(WRITER, root) as child:
        assert child.stdout is not None
        promised: list[str] = []
        waiting: list[str] = []
        flushes = 0
        while flushes < after:
            line = child.stdout.readline().strip()
            if line == "flushed":
                promised += waiting
                waiting.clear()
                flushes += 1
            else:
                waiting.append(line)
        child.send_signal(signal.SIGKILL)
    with objects.Objects(root) as store:
        assert set(store.check_many(promised).values()) == {"ok"}
        for path in loose_files(root):
            assert store.check(path.parent.name + path.name) == "ok"
        assert store.check(store.put(b"next")) == "ok"


def test_four_processes_write_the_same_and_different_objects(root: Path) -> None:
    children = [start(SHARER, root, name) for name in "abcd"]
    assert [child.wait() for child in children if child.stdout and not child.stdout.close()] == [0] * 4
    contents = [b"shared %d " % number * 100 for number in range(60)]
    contents += [b"own %c %d " % (name, number) * 100 for name in b"abcd" for number in range(60)]
    contents += [b"large %d " % number * 20_000 for number in range(3)]
    with objects.Objects(root) as store:
        digests = [hashing.of_bytes(content) for content in contents]
        assert set(store.check_many(digests).values()) == {"ok"}
        assert [store.read(digest) for digest in digests] == contents
    assert len(loose_files(root)) == 3
    headers = 45 * 300
    small = sum(len(content) for content in contents[:300])
    assert sum(path.stat().st_size for path in pack_files(root)) == small + headers


def test_a_forked_child_writes_beside_its_parent(store: objects.Objects, root: Path) -> None:
    store.put(b"before")
    store.flush()
    waiting = store.put(b"waiting")
    child = os.fork()
    if child == 0:
        try:
            good = store.read(waiting) == b"waiting"
            store.put(b"child")
            store.flush()
            os._exit(0 if good else 1)
        except BaseException:
            os._exit(2)
    store.put(b"parent")
    store.flush()
    assert os.waitpid(child, 0)[1] == 0
    store.put(b"after")
    store.flush()
    wanted = [hashing.of_bytes(data) for data in (b"before", b"waiting", b"child", b"parent", b"after")]
    with objects.Objects(root) as other:
        assert set(other.check_many(wanted).values()) == {"ok"}


def test_a_dead_process_that_nobody_asked_for_is_dead(root: Path) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    (root / "tmp").mkdir(parents=True)
    left = root / "tmp" / f"{os.uname().nodename}-{child}-00"
    left.touch()
    try:
        assert health.left_behind(root) == [left]
    finally:
        os.waitpid(child, 0)


def test_what_dead_processes_left_is_cleared_away(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with start("pass") as child:
        pass
    host = os.uname().nodename
    (root / "tmp").mkdir(parents=True)
    dead, alive = root / "tmp" / f"{host}-{child.pid}-00", root / "tmp" / f"{host}-{os.getpid()}-00"
    dead.touch()
    alive.touch()
    later = time.time() + 3600
    monkeypatch.setattr(time, "time", lambda: later)
    with objects.Objects(root) as store:
        store.put(b"x" * 100_000)
    assert leftovers(root) == [alive]
