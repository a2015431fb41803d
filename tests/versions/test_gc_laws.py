"""Collections that anything may happen between, at the same time, and in the middle of: nothing needed is ever lost."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import cut_short
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from kept_projects import LARGE, KeptProject

import effort
from tane.ledger import connection
from tane.runs import lockfile
from tane.store import objects

WHICH = st.lists(st.tuples(st.integers(0, 5), st.sampled_from((10, 3000, LARGE))), min_size=1, max_size=4)


def made(which: list[tuple[int, int]]) -> list[bytes]:
    return [b"%d" % number * size for number, size in which]


class Collections(RuleBasedStateMachine):
    """Objects come, are named by runs, folders and the lock file, are given up, and are collected."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp()
        self.project = KeptProject(Path(self.folder))
        self.known: dict[str, bytes] = {}  # every object there has been that is no folder
        self.trees: dict[str, set[str]] = {}
        self.runs: list[set[str]] = []  # what each names, the oldest first; nothing for one given up
        self.locked: set[str] = set()
        self.thrown: set[str] = (
            set()
        )  # what may be in the trash: the next collection, without a grace period, deletes it
        self.gone: set[str] = set()  # what may be gone for good

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @initialize()
    def begin(self) -> None:
        self.put_all(made([(0, 10), (0, LARGE)]))
        self.project.run()
        self.runs.append(set())

    def put_all(self, contents: list[bytes]) -> list[str]:
        digests = self.project.put(*contents)
        self.known.update(zip(digests, contents, strict=True))
        self.is_back(digests)
        return digests

    def is_back(self, digests: Iterable[str]) -> None:
        self.gone -= set(digests)
        self.thrown -= set(digests)

    @property
    def all(self) -> set[str]:
        return self.known.keys() | self.trees.keys()

    @property
    def there(self) -> list[str]:
        """What can be named: it is not gone, nor is anything that it holds."""
        return sorted(each for each in self.all - self.gone if not self.trees.get(each, set()) & self.gone)

    @property
    def needed(self) -> set[str]:
        named = {digest for run in self.runs for digest in run} | self.locked
        return named | {inner for digest in named for inner in self.trees.get(digest, ())}

    @rule(which=WHICH)
    def put(self, which: list[tuple[int, int]]) -> None:
        self.put_all(made(which))

    @rule(which=WHICH)
    def work(self, which: list[tuple[int, int]]) -> None:
        digests = self.put_all(made(which))
        self.project.run(*digests)
        self.runs.append(set(digests))

    @rule(which=WHICH, named=st.booleans())
    def work_with_a_folder(self, which: list[tuple[int, int]], named: bool) -> None:
        tree = self.project.put_tree(*made(which))
        self.put_all(made(which))
        with objects.Objects(self.project.place.store) as store:
            inner = {entry.digest for entry in store.entries(tree)}
            inner |= {each.digest for digest in inner if store.is_tree(digest) for each in store.entries(digest)}
        self.trees[tree] = inner
        self.is_back({tree, *inner})
        if named:
            self.project.run(tree)
            self.runs.append({tree})

    @precondition(lambda self: self.there)
    @rule(data=st.data())
    def name_what_is_not_gone(self, data: st.DataObject) -> None:
        digest = data.draw(st.sampled_from(self.there))
        self.project.run(digest)
        self.runs.append({digest})

    @precondition(lambda self: self.there)
    @rule(data=st.data())
    def lock(self, data: st.DataObject) -> None:
        digest = data.draw(st.sampled_from(self.there))
        lockfile.update(self.project.root, {"d": lockfile.Entry(digest, 1, "d.csv")})
        self.locked = {digest}

    @rule()
    def take_it_back_out_of_the_trash(self) -> None:
        assert self.project.states(self.there) <= {"ok"}
        self.is_back(self.there)

    @rule(empty=st.booleans(), keep=st.none() | st.integers(0, 3))
    def collect(self, empty: bool, keep: int | None) -> None:
        if keep is not None:
            self.give_up(keep)
        self.project.collect(empty_trash=empty, **({} if keep is None else {"keep_runs": keep}))
        self.note(empty)
        assert self.project.lying() == self.needed
        with objects.Objects(self.project.place.store) as store:
            for digest in sorted(self.needed & self.known.keys()):
                assert store.read(digest) == self.known[digest]

    @rule(at=st.integers(1, 120), empty=st.booleans())
    def begin_a_collection_that_is_killed(self, at: int, empty: bool) -> None:
        killed(self.project, at, empty_trash=empty)
        self.note(empty)
        assert self.project.states(self.needed) <= {"ok"}

    def give_up(self, keep: int) -> None:
        for at in range(len(self.runs) - keep):
            self.runs[at] = set()

    def note(self, empty: bool) -> None:
        """What a collection may have done to what nobody needs."""
        idle = self.all - self.needed
        self.gone |= idle if empty else idle & self.thrown
        self.thrown = idle - self.gone


def killed(project: KeptProject, at: int, **asked: object) -> bool:
    """Begin a collection in a process that is killed at its `at`-th point; whether it came so far."""
    return cut_short.do(lambda: project.collect(**asked), at) < 0


def test_any_story_of_runs_and_collections() -> None:
    run_state_machine_as_test(Collections, settings=effort.edited(6, 14))


# -- kill points -------------------------------------------------------------------------------------------------------


class Prepared:
    """A store in which a collection has something of every kind to do."""

    def __init__(self, folder: Path) -> None:
        self.before = KeptProject(folder / "before")
        project = self.before
        small = [b"%d small" % number * 300 for number in range(12)]
        self.contents = {**dict(zip(project.put(*small), small, strict=True))}
        large = [b"%d" % number * LARGE for number in range(4)]
        self.contents.update(zip(project.put(*large), large, strict=True))
        digests = list(self.contents)
        tree = project.put_tree(b"in a folder", b"in a folder" * LARGE)
        project.run(digests[5], digests[14])
        project.run(*digests[:2], *digests[12:14], tree)
        project.collect()  # something for the trash
        project.put(*(b"%d later" % number * 300 for number in range(4)), b"later" * LARGE)
        with objects.Objects(project.place.store) as store:
            (store.root / "tmp").mkdir(exist_ok=True)
        (project.place.store / "tmp" / f"{os.uname().nodename}-4194303-00").write_bytes(b"x")
        self.needed = [*digests[:2], *digests[12:14], tree]

    def fresh(self, folder: Path) -> KeptProject:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.before.root, folder)
        return KeptProject(folder)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return Prepared(tmp_path_factory.mktemp("prepared"))


def test_a_collection_may_be_killed_at_any_point(prepared: Prepared, tmp_path: Path) -> None:
    whole = prepared.fresh(tmp_path / "whole")
    count = cut_short.do(lambda: whole.collect(keep_runs=1, empty_trash=True))
    assert count > 60 and len(whole.lying()) == 8
    some = random.Random(0).sample(range(1, count + 1), min(count, effort.times(12)))
    for at in some:
        project = prepared.fresh(tmp_path / "killed")
        assert killed(project, at, keep_runs=1, empty_trash=True), at
        check(prepared, project)
        project.collect(keep_runs=1, empty_trash=True)
        check(prepared, project)
        assert project.lying() == whole.lying() and project.bytes() == whole.bytes(), at


def check(prepared: Prepared, project: KeptProject) -> None:
    with objects.Objects(project.place.store) as store:
        assert set(store.check_many(prepared.needed).values()) == {"ok"}
        for digest in prepared.needed[:-1]:
            assert store.read(digest) == prepared.contents[digest]


# -- at the same time --------------------------------------------------------------------------------------------------

COLLECTOR = """
import sys, time
sys.path[:0] = [sys.argv[2]]
from pathlib import Path
from kept_projects import KeptProject
from tane import errors
project = KeptProject(Path(sys.argv[1]))
until = time.time() + float(sys.argv[3])
while time.time() < until:
    try:
        project.collect(keep_runs=3, empty_trash=True)
    except errors.StoreError as error:
        if "another collection" not in str(error):
            raise
"""

WORKER = """
import random, sys, time
from contextlib import closing
from pathlib import Path
sys.path[:0] = [sys.argv[2]]
from kept_projects import LARGE, NOTHING, kept
from tane.ledger import connection, records, write
from tane.outcomes import RunStatus, StepStatus
from tane.store import objects
root, draw = Path(sys.argv[1]), random.Random(int(sys.argv[4]))
until, lost = time.time() + float(sys.argv[3]), 0
rounds = 0
while time.time() < until:
    rounds += 1
    store, ledger = objects.Objects(root / ".tane/objects"), connection.open_ledger(root / ".tane/ledger.db")
    run = records.new_run_id()
    with store, closing(ledger):
        write.start_run(ledger, records.RunRecord(run, "p", started=time.time()))
        contents = [b"%d" % draw.randrange(8) * draw.choice([20, 3000, LARGE]) for _ in range(4)]
        for at, content in enumerate(contents):  # seen before by others, named by some, perhaps just being collected
            digest = store.put(content)
            assert store.check(digest) == "ok"
            store.flush()
            if draw.random() < 0.3:
                time.sleep(draw.random() * 0.01)
            step = records.StepRecord(at, f"n{at}", StepStatus.SUCCEEDED, digest, NOTHING, outputs=(kept("d", digest),))
            write.add_steps(ledger, run, [step])
            assert store.read(digest) == content
        write.end_run(ledger, run, RunStatus.SUCCEEDED, time.time())
print(rounds)
"""


@contextmanager
def processes(*programs: tuple[str, tuple[object, ...]]) -> Iterator[list[subprocess.Popen[str]]]:
    started = [
        subprocess.Popen([sys.executable, "-c", program, *map(str, given)], stdout=subprocess.PIPE, text=True)
        for program, given in programs
    ]
    yield started
    for process in started:
        if process.stdout is not None:
            process.stdout.close()


def work_while_collecting(root: Path, seconds: float) -> None:
    here = str(Path(__file__).parent)
    workers = [(WORKER, (root, here, seconds, seed)) for seed in range(3)]
    with processes((COLLECTOR, (root, here, seconds)), *workers) as started:
        said = [process.communicate(timeout=seconds + 120)[0] for process in started]
        assert [process.returncode for process in started] == [0] * 4
        assert all(int(text) > 2 for text in said[1:])


def test_runs_find_and_name_what_is_collected_at_the_same_time(tmp_path: Path) -> None:
    KeptProject(tmp_path).run(*KeptProject(tmp_path).put(b"first"))
    work_while_collecting(tmp_path, 2.0)
    named = KeptProject(tmp_path)
    named.collect(keep_runs=3, empty_trash=True)
    assert everything_named_is_there(named)


@pytest.mark.stress
def test_runs_find_and_name_what_is_collected_for_minutes(tmp_path: Path) -> None:
    KeptProject(tmp_path).run(*KeptProject(tmp_path).put(b"first"))
    for _ in range(8):
        work_while_collecting(tmp_path, 15.0)
        named = KeptProject(tmp_path)
        named.collect(keep_runs=3, empty_trash=True)
        assert everything_named_is_there(named)


def everything_named_is_there(project: KeptProject) -> bool:
    from tane.ledger import references

    with closing(connection.open_ledger(project.place.ledger)) as ledger:
        named = references.named(ledger, references.given_up(ledger))
    return bool(named) and project.states(named) == {"ok"}
