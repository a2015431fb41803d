"""Commands of one project that begin at the same instant, and what their runs left in ledger, store and workspace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tane.ledger import connection, read, records
from tane.project import projects
from tane.runs import sources
from tane.store import filedigests, objects

# Imports what a command needs, says so, and begins with all others. HOST_NAME makes it one of another machine: what it
# calls itself, and what tells its processes from those of other machines, are its own.
STARTER = """
import os, pathlib, sys, time
if host := os.environ.get("HOST_NAME"):
    from tane.ledger import leases
    uname = os.uname()
    os.uname = lambda: os.uname_result((uname.sysname, host, *uname[2:]))
    leases._place = lambda process: host + "/pid:[1]"
from tane.cli import main, group
import click, yaml, tane.runs.running, tane.cli.run
go, ready = map(pathlib.Path, sys.argv[1:3])
del sys.argv[1:3]
ready.touch()
while not go.exists():
    time.sleep(0.001)
main.main()
"""


class Crew:
    """Commands that wait for each other before they begin."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def start(self, root: Path, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        self.count += 1
        ready = self.folder / f"ready-{self.count}"
        return subprocess.Popen(
            [sys.executable, "-c", STARTER, str(self.folder / "go"), str(ready), *arguments],
            cwd=root,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, **(env or {})},
        )

    def go(self) -> None:
        """Let all begin that were started."""
        wait_until(lambda: len(list(self.folder.glob("ready-*"))) == self.count)
        (self.folder / "go").touch()


@contextmanager
def crew(tmp_path: Path) -> Iterator[Crew]:
    """A crew with a folder of its own."""
    folder = tmp_path / f"crew-{os.urandom(4).hex()}"
    folder.mkdir()
    yield Crew(folder)


def alone(tmp_path: Path, root: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Any:
    """What one command says in JSON."""
    with crew(tmp_path) as one:
        running = one.start(root, *arguments, env=env)
        one.go()
        code, out, err = ended(running)
    assert code == 0, out + err
    return json.loads(out)


def wait_until(holds: Any, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.002)


def at_once(tmp_path: Path, root: Path, commands: Sequence[Sequence[str]]) -> list[tuple[int, str, str]]:
    """How commands end that begin at once: code, output, errors."""
    with crew(tmp_path) as all_of_them:
        running = [all_of_them.start(root, *command) for command in commands]
        all_of_them.go()
        return [ended(process) for process in running]


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    try:
        out, err = process.communicate(timeout=180)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, out, err


class Watcher:
    """Looks at a project by the commands that only look, again and again; none may fail."""

    def __init__(self, root: Path, *commands: Sequence[str]) -> None:
        self.root = root
        self.commands = commands
        self.faults: list[str] = []
        self.looks = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            for command in self.commands:
                done = subprocess.run(
                    [sys.executable, "-m", "tane", *command], cwd=self.root, capture_output=True, text=True, timeout=120
                )
                self.looks += 1
                nothing_yet = done.returncode == 2 and "nothing has run here yet" in done.stderr
                if done.returncode and not nothing_yet:
                    self.faults.append(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
                if self._done.wait(0.2):
                    return


class Kept:
    """What a project's ledger and store hold."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.project = projects.open_project(root)
        self.ledger = connection.open_ledger(self.project.ledger)
        self.store = objects.Objects(self.project.store)

    def __enter__(self) -> Kept:
        return self

    def __exit__(self, *error: object) -> None:
        self.store.close()
        self.ledger.close()

    def values(self, run: str) -> dict[str, Any]:
        """All that the steps of a run made, as a consumer would see it."""
        made = [kept for step in read.steps(self.ledger, run) for kept in step.outputs]
        return {kept.name: self.value(kept) for kept in made}

    def value(self, kept: records.Kept) -> Any:
        return sources.decode(kept, self.project.catalog.find(kept.name), self.store)

    def sound(self) -> None:
        """Neither file is damaged, and all that the ledger names as kept is in the store, whole."""
        assert self.ledger.rows("pragma integrity_check") == [("ok",)]
        assert self.ledger.rows("pragma foreign_key_check") == []
        named = self.ledger.rows("select value, file from kept where value is not null or file is not null")
        wanted = {digest for row in named for digest in row if digest}
        states = self.store.check_many(wanted)
        assert {digest: state for digest, state in states.items() if state != "ok"} == {}

    def lock(self) -> dict[str, dict[str, Any]]:
        """The blocks of tane.lock, whose digests all exist."""
        path = self.root / "tane.lock"
        found = tomllib.loads(path.read_text())["dataset"] if path.exists() else {}
        for name, block in found.items():
            assert self.store.check(block["digest"]) == "ok", name
        return found

    def lies(self, path: str) -> str | None:
        """The digest of what lies in the workspace."""
        return filedigests.FileDigests(self.store).of(self.root / path)
