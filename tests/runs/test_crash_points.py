"""Kill -9 at any point of a run: the next run ends as if nothing had been, and no file was ever half written.

`make test` kills at some points of every kind, `make stress` at each.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import crashing
import pytest

import effort
from tane.ledger import connection, read
from tane.store import health, objects

SAMPLE = effort.times(4)
ALL = 1 << 32 if effort.FACTOR >= 20 else SAMPLE  # under stress each point of the commonest runs


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[crashing.Starter]:
    with crashing.starter(tmp_path_factory.mktemp("starter")) as made:
        yield made


class Scenario:
    """A project before the command that is to be killed, and as it must be once that command has been repeated."""

    catalogued = crashing.CATALOGUED

    def __init__(self, starter: crashing.Starter, folder: Path, before: Path, *argv: str) -> None:
        self.starter = starter
        self.folder = folder
        self.before = before
        self.argv = argv
        self.known = self.asked(before, "select max(id) from runs")[0][0] or 0
        self.old = self.contents(before)
        whole = shutil.copytree(before, folder / "whole", symlinks=True)
        self.whole = starter.tane(whole, *argv).json
        self.new = self.contents(whole)
        self.files = crashing.visible(whole)
        self.points = starter.points(self.fresh("counted"), *argv)

    def contents(self, root: Path) -> dict[str, Any]:
        """What lies at each catalogued path."""
        return {name: crashing.content(root / name) for name in self.catalogued}

    def fresh(self, name: str) -> Path:
        """A copy of the project before."""
        root = self.folder / name
        shutil.rmtree(root, ignore_errors=True)
        return shutil.copytree(self.before, root, symlinks=True)

    def killed(self, at: str) -> Path | None:
        """A project whose command was killed at a point; None when it ended before."""
        root = self.fresh("killed")
        return root if self.starter.kill(root, at, *self.argv) else None

    def try_at(self, at: str, *, thoroughly: bool) -> None:
        """Kill the command at a point and check everything."""
        root = self.killed(at)
        if root is not None:
            self.check_killed(root)
            if thoroughly:
                assert self.starter.tane(root, "status").code == 0
            self.check_recovered(root)
            if thoroughly:
                self.check_collected(root)

    def try_some(self, count: int, seed: int = 0) -> None:
        """Do so at `count` points, or at each when there are no more."""
        for number, at in enumerate(crashing.sample(self.points, count, seed)):
            try:
                self.try_at(at, thoroughly=number % 4 == 0)
            except AssertionError as error:
                error.add_note(f"killed at point {at}")
                raise

    def check_killed(self, root: Path) -> None:
        """What holds between the kill and the next run."""
        for name, found in self.contents(root).items():
            assert found in (self.old[name], self.new[name]), f"{name} is partial"
        if not (root / ".tane").exists():
            return
        aside = self.folder / "aside"
        shutil.rmtree(aside, ignore_errors=True)
        shutil.copytree(root / ".tane", aside, symlinks=True)  # looking into a database is also mending it
        for database in (aside / "ledger.db", aside / "objects/index.db"):
            check_database(database)
        begun = self.asked(root, "select max(id) from runs")[0][0] or 0
        ended = self.asked(root, "select status from runs order by id desc limit 1")
        if begun > self.known:
            assert listed(aside)[0] == ("killed" if ended == [("running",)] else "succeeded")

    def check_recovered(self, root: Path) -> None:
        """What holds once the command has been given again."""
        done = self.done(root, above=self.known)
        found = self.starter.tane(root, *self.argv).json
        assert found["datasets"] == self.whole["datasets"]
        assert found["metrics"] == self.whole["metrics"]
        assert crashing.visible(root) == self.files, "files are left behind, or not as they should be"
        statuses = {step["node"]: step["status"] for step in found["steps"]}
        assert set(statuses.values()) <= {"succeeded", "reused"}
        assert [node for node in done if statuses[node] != "reused"] == [], "what was on record was done again"
        self.check_sound(root)
        for path in (root / ".tane/standing").iterdir():
            os.utime(path, (0, 0))
        assert self.starter.tane(root, *[word for word in self.argv if word != "--json"]).code == 0
        assert set(self.done(root).values()) == {"reused"}
        assert crashing.visible(root) == self.files
        assert [path.name for path in (root / ".tane/standing").iterdir() if "." in path.name] == []

    def check_collected(self, root: Path) -> None:
        """Nothing is left over for ever: a collection takes away all that no run names, and nothing else."""
        collect = ("data", "gc", "--grace", "0s", "--empty-trash", "--json")
        for _ in range(2):
            assert self.starter.tane(root, *collect, "--yes").code == 0
        left = self.starter.tane(root, *collect).json
        assert (left["thrown"]["count"], left["emptied"]["count"], left["left"], left["given_up"]) == (0, 0, [], [])
        assert list((root / ".tane/objects/tmp").iterdir()) == []
        again = self.starter.tane(root, *self.argv).json
        assert {step["status"] for step in again.get("steps", ())} <= {"reused"}
        assert crashing.visible(root) == self.files

    def check_sound(self, root: Path) -> None:
        """Nothing is damaged, nothing seems to be at work, and what is left over is known to be nobody's."""
        statuses = listed(root / ".tane")
        assert set(statuses) <= {"succeeded", "killed"}
        assert statuses[0] == "succeeded"
        check_database(root / ".tane/ledger.db")
        with objects.Objects(root / ".tane/objects", read_only=True) as store:
            assert health.damaged(store) == []
            temporary = store.root / "tmp"
            assert set(health.left_behind(store.root)) == set(temporary.iterdir() if temporary.exists() else ())

    def done(self, root: Path, above: int = 0) -> dict[str, str]:
        """The steps that the newest run has on record as done, if its number is above that."""
        found = self.asked(
            root,
            "select node, status from steps where run = (select max(id) from runs) and run > ? and position >= 0 "
            "and position < 1 << 32 and status in ('succeeded', 'reused')",
            above,
        )
        return dict(row for row in found if row[0] is not None)

    def asked(self, root: Path, sql: str, *values: int) -> list[Any]:
        """What a copy of the project's ledger answers."""
        copy = self.folder / "asked"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        for part in (root / ".tane").glob("ledger.db*"):
            shutil.copy2(part, copy)
        database = sqlite3.connect(copy / "ledger.db")
        try:
            return database.execute(sql, values).fetchall()
        except sqlite3.OperationalError as error:
            assert "no such table" in str(error)
            return [(None, None)]
        finally:
            database.close()


class Windows(Scenario):
    """The same for a backfill."""

    catalogued = (
        *(f"data/forecasts/2026-01-0{day}T0000.json" for day in (1, 2, 3)),
        *(f"data/days/2026-01-0{day}T0000.json" for day in (1, 2, 3)),
    )

    def check_recovered(self, root: Path) -> None:
        found = self.starter.tane(root, *self.argv).json
        assert {window["status"] for window in found["windows"]} <= {"succeeded", "reused"}
        assert crashing.visible(root) == self.files, "files are left behind, or not as they should be"
        self.check_sound(root)
        again = self.starter.tane(root, *self.argv).json
        assert again["id"] == found["id"]


def listed(home: Path) -> list[str]:
    """How all runs stand, the newest first."""
    ledger = connection.open_ledger(home / "ledger.db")
    try:
        return [str(run.status) for run in read.runs(ledger, windows=True)]
    finally:
        ledger.close()


def check_database(path: Path) -> None:
    if path.exists() and path.stat().st_size:
        database = sqlite3.connect(path)
        try:
            assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
            assert database.execute("pragma foreign_key_check").fetchall() == []
        finally:
            database.close()


RUN = ("run", "--json")


@pytest.fixture(scope="module")
def never_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return crashing.lay_out(tmp_path_factory.mktemp("never") / "fragile")


@pytest.fixture(scope="module")
def run_once(starter: crashing.Starter, never_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("once") / "fragile"
    shutil.copytree(never_run, root)
    assert starter.tane(root, "run").code == 0
    return root


def test_a_first_run_may_be_killed_anywhere(starter: crashing.Starter, never_run: Path, tmp_path: Path) -> None:
    Scenario(starter, tmp_path, never_run, *RUN).try_some(ALL)


def test_a_run_that_replaces_results_may_be_killed_anywhere(
    starter: crashing.Starter, run_once: Path, tmp_path: Path
) -> None:
    Scenario(starter, tmp_path, run_once, *RUN, "scale=3").try_some(ALL)


def test_workers_and_all_may_be_killed_anywhere(starter: crashing.Starter, run_once: Path, tmp_path: Path) -> None:
    Scenario(starter, tmp_path, run_once, *RUN, "-j", "2", "scale=3").try_some(max(2, SAMPLE // 3))


def test_the_run_after_a_kill_may_be_killed_too(starter: crashing.Starter, run_once: Path, tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    first = Scenario(starter, tmp_path / "first", run_once, *RUN, "scale=3")
    places = [at for at in first.points if crashing.kind_of(at) in ("exchange*", "replace*")]
    for number, at in enumerate(places[:: max(1, 4 * len(places) // SAMPLE)]):
        before = first.killed(at)
        if before is not None:
            (tmp_path / str(number)).mkdir()
            Scenario(starter, tmp_path / str(number), before, *RUN, "scale=3").try_some(max(1, SAMPLE // 10), number)


def test_a_backfill_may_be_killed_anywhere(starter: crashing.Starter, tmp_path: Path) -> None:
    before = crashing.lay_out(tmp_path / "windowed", crashing.WINDOWED)
    Windows(starter, tmp_path, before, *crashing.BACKFILL).try_some(max(2, SAMPLE // 3))


@pytest.mark.stress
def test_a_backfill_with_workers_may_be_killed_anywhere(starter: crashing.Starter, tmp_path: Path) -> None:
    before = crashing.lay_out(tmp_path / "windowed", crashing.WINDOWED)
    Windows(starter, tmp_path, before, *crashing.BACKFILL, "-j", "2").try_some(SAMPLE)
