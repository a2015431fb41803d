"""Incremental equals clean: after each of a project's edits, which are random, a run gives what one from scratch gives.

Every step that ran had a reason, of the kind that the edit is; no step without one ran; and a command that says that
nothing changed said so of the very files that the last run left, without the user's code.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from pathlib import Path
from typing import Any

import edited_projects as project
import forked_commands
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

import effort
from tane.ledger import connection, read
from tane.outcomes import StepStatus
from tane.runs import standing
from tane.store import signatures

AGED = 0.03  # seconds; a command does not begin sooner after an edit: Python takes as long to start

STYLES = st.sampled_from(["in place", "renamed", "set back"])
EDITS = st.sampled_from([(knob, value) for knob, count in project.KNOBS.items() for value in range(count)])
# what can be edited without a file changing its size
SAME_SIZE = ("raw", "limits", "constant", "default", "level", "rate", "outer", "method", "closure", "body", "prod_rate")


class Found:
    """What the last run of a project has on record."""

    def __init__(self, root: Path) -> None:
        ledger = connection.open_ledger(root / ".tane/ledger.db", create=False)
        try:
            self.run = read.runs(ledger, limit=1)[0]
            self.steps = {step.node: step for step in read.steps(ledger, self.run.run)}
            self.digests = {kept.name: kept.digest for kept in read.sources(ledger, self.run.run)}
        finally:
            ledger.close()
        self.digests |= {kept.name: kept.digest for step in self.steps.values() for kept in step.outputs}

    @property
    def ran(self) -> dict[str, tuple[str, ...]]:
        return {name: step.reasons for name, step in self.steps.items() if step.status is StepStatus.SUCCEEDED}


class Place:
    """A folder that holds the project."""

    def __init__(self, root: Path, commands: forked_commands.Commands) -> None:
        self.root = root
        self.veils = forked_commands.Veils(root.with_suffix(".veils"))
        self.bytecode = False
        self._commands = commands
        self._written: dict[str, bytes] = {}

    def write(self, state: project.State, style: str = "in place") -> None:
        """Make the folder hold what `state` means."""
        wanted = project.files(state)
        (self.root / "site-packages/__pycache__").mkdir(parents=True, exist_ok=True)  # making it changes the folder
        (self.root / "data/parts").mkdir(parents=True, exist_ok=True)  # a folder that is not there is not listed
        for name in self._written.keys() - wanted.keys():
            path = self.root / name
            path.unlink()
            if path.parent.name.endswith(".dist-info") and not any(path.parent.iterdir()):
                path.parent.rmdir()
        for name, data in wanted.items():
            if self._written.get(name) != data:
                self._write_one(self.root / name, data, style)
        self._written = wanted

    def _write_one(self, path: Path, data: bytes, style: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.parent.name in ("site-packages", "lib"):  # as installers do: Python may believe what is compiled
            for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
                compiled.unlink()
        if style == "renamed":
            beside = path.with_name(f"{path.name}.new")
            beside.write_bytes(data)
            beside.replace(path)
            return
        before = path.stat() if path.exists() else None
        path.write_bytes(data)
        if style == "set back" and before is not None:
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def write_again(self) -> None:
        """Write every file anew, as Git does when it checks out another branch and this one again."""
        for name, data in self._written.items():
            self._write_one(self.root / name, data, "renamed")

    def run(self, state: project.State, *more: str) -> forked_commands.Ended:
        return self._commands.tane(
            self.root,
            *project.arguments(state),
            *more,
            env={**project.variables(state), "TANE_CACHE": str(self.root.parent / "cache")},
            path=(self.root / "lib", self.root / "site-packages"),
            veils=self.veils.file,
            bytecode=self.bytecode,
        )

    def contents(self) -> dict[str, str]:
        """A digest of every file but what Tane and Python keep for themselves."""
        found = {}
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if name not in (".tane", "__pycache__")]
            for name in names:
                path = Path(folder, name)
                found[str(path.relative_to(self.root))] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found

    def made(self, state: project.State) -> dict[str, bytes | None]:
        """What lies where the outputs should be."""
        paths = {name: self.root / path for name, path in project.outputs(state).items()}
        return {name: path.read_bytes() if path.is_file() else None for name, path in paths.items()}

    def clear(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir()
        self._written = {}


class Clean:
    """What a run from scratch gives, for each state of the project that was asked for."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._known: dict[str, tuple[dict[str, bytes | None], dict[str, str]]] = {}

    def of(self, state: project.State) -> tuple[dict[str, bytes | None], dict[str, str]]:
        key = repr(sorted(state.items()))
        if key not in self._known:
            self._place.clear()
            self._place.write(state)
            ended = self._place.run(state, "--force")
            assert ended.code == 0, ended.out + ended.err
            self._known[key] = (self._place.made(state), Found(self._place.root).digests)
        return self._known[key]


class Editing(RuleBasedStateMachine):
    """A user who edits, and runs, and edits again."""

    commands: forked_commands.Commands
    folder: Path
    clean: Clean
    count = 0

    def __init__(self) -> None:
        super().__init__()
        Editing.count += 1
        self.place = Place(self.folder / f"ward{Editing.count}", self.commands)
        self.place.root.mkdir()
        self.state = project.fresh()
        self.history = [dict(self.state)]
        self.standing: dict[str, dict[str, str]] = {}  # by command: the files it left
        self.forget()

    def forget(self) -> None:
        self.seen: dict[tuple[str, str], list[int]] = {}  # step and view: what beside these its result was made with
        self.unsure: set[tuple[str, str]] = set()  # of these, what may have been damaged
        self.last: dict[str, tuple[project.View, list[int]]] = {}  # by the name of the node
        self.said = ""

    def teardown(self) -> None:
        shutil.rmtree(self.place.root, ignore_errors=True)

    # --- what is done --------------------------------------------------------------------------------------------

    @initialize(bytecode=st.booleans())
    def begin(self, bytecode: bool) -> None:
        self.place.bytecode = bytecode
        self.place.write(self.state)
        self.settle()

    @rule(edit=EDITS, style=STYLES)
    def edit(self, edit: tuple[str, int], style: str) -> None:
        self.state |= [edit]
        self.change(style)

    @rule(edits=st.lists(EDITS, min_size=2, max_size=4), style=STYLES)
    def edit_much(self, edits: list[tuple[str, int]], style: str) -> None:
        self.state |= edits
        self.change(style)

    @rule(edit=EDITS, style=STYLES)
    def edit_and_undo(self, edit: tuple[str, int], style: str) -> None:
        before = dict(self.state)
        self.edit(edit, style)
        self.state = before
        self.change(style)

    @rule(back=st.integers(1, 5), style=STYLES)
    def undo(self, back: int, style: str) -> None:
        self.state = dict(self.history[-1 - min(back, len(self.history) - 1)])
        self.change(style)

    @rule(knob=st.sampled_from(SAME_SIZE))
    def edit_within_a_tick(self, knob: str) -> None:
        """Edit, run, and edit again before the clock of the file system has moved on: nothing shows in the times.

        That of some moves on every other second.
        """
        self.tick(knob)

    @rule(again=st.booleans())
    def touch(self, again: bool) -> None:
        """Change times, not content."""
        if again:
            self.place.write_again()
        else:
            for name in project.files(self.state):
                os.utime(self.place.root / name)
        self.settle(idle=True)

    @rule(which=st.sampled_from(sorted(project.outputs(project.fresh()))), how=st.sampled_from(["gone", "cut", "bit"]))
    def damage_output(self, which: str, how: str) -> None:
        self.damage(which, how)

    @rule(number=st.integers(0, 50), how=st.sampled_from(["gone", "cut", "bit"]))
    def damage_object(self, number: int, how: str) -> None:
        objects = self.place.root / ".tane/objects"
        found = sorted(path for path in objects.rglob("*") if path.is_file() and "index.db" not in path.name)
        found = [path for path in found if "quarantine" not in path.parts]
        _damage(found[number % len(found)], how)
        self.settle(damaged=True)

    @rule(what=st.sampled_from(["ledger", "objects", "index", "all", "lock", "standings"]))
    def delete(self, what: str) -> None:
        names = {"ledger": "ledger.db*", "objects": "objects", "index": "objects/index.db*", "standings": "standing"}
        if what == "all":
            shutil.rmtree(self.place.root / ".tane")
        elif what == "lock":
            (self.place.root / "tane.lock").unlink()
        else:
            for path in self.place.root.joinpath(".tane").glob(names[what]):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        if what in ("ledger", "all"):
            self.forget()
        self.settle(damaged=what in ("objects", "index"), idle=what in ("lock", "standings"))

    def tick(self, knob: str) -> None:
        values = [value for value in range(project.KNOBS[knob]) if value != self.state[knob]]
        if len(values) < 2:
            values.append(self.state[knob])
        old = project.files(self.state)
        for value in values[:2]:  # what takes time is done before
            self.clean.of({**self.state, knob: value})
        self.state[knob] = values[0]
        self.place.write(self.state)
        second = time.time_ns() // 10**9 + 1  # it rounds up
        for name, data in project.files(self.state).items():
            if old.get(name) != data:
                self.place.veils.put(self.place.root / name, second * 10**9)
        self.settle(rests=False)
        if time.time() < second + 2:  # else this machine is too slow to do it
            self.state[knob] = values[1]
            self.place.write(self.state)
            self.settle(rests=False)
        self.place.veils.lift()
        self.change("in place")

    def damage(self, which: str, how: str) -> None:
        _damage(self.place.root / project.outputs(self.state)[which], how)
        self.settle(idle=True)

    # --- what is checked -----------------------------------------------------------------------------------------

    def change(self, style: str) -> None:
        self.place.write(self.state, style)
        self.history.append(dict(self.state))
        self.settle()

    def settle(self, *, damaged: bool = False, idle: bool = False, rests: bool = True) -> None:
        """Run; compare with a run from scratch; hold the run's reasons to what was edited; run once more for nothing.

        `damaged`: results may be gone; `idle`: no step may run; `rests`: the next run has nothing to do.
        """
        time.sleep(AGED)
        command = repr((project.arguments(self.state), project.variables(self.state)))
        contents = self.place.contents()
        ended = self.place.run(self.state)
        assert ended.code == 0, ended.out + ended.err
        if ended.early:
            assert contents == self.standing.get(command), f"the no-op answered: {ended.out}"
        else:
            self._check_reasons(Found(self.place.root), damaged, idle)
        files, digests = self.clean.of(self.state)
        if not ended.early:
            found = Found(self.place.root).digests
            other = [name for name in sorted({*found, *digests}) if found.get(name) != digests.get(name)]
            assert not other, f"{other} are not what a run from scratch makes:\n{ended.out}"
        made = self.place.made(self.state)
        for name, data in files.items():
            assert made[name] == data, f"{name} is not what a run from scratch makes"
        self.standing[command] = self.place.contents()
        if not rests:
            return
        again = self.place.run(self.state)
        assert again.code == 0, again.out + again.err
        assert again.early, f"there was something to do again:\n{ended.out}\n{again.out}"
        assert not {name.partition(".")[0] for name in again.imported} & {*forked_commands.HEAVY, "ward", "gauge"}
        assert "nothing changed since run " in again.out

    def _check_reasons(self, found: Found, damaged: bool, idle: bool) -> None:
        if damaged:
            self.unsure.update(self.seen)
        ran = found.ran
        names = {project.node_name(step, self.state) for step in project.steps(self.state)}
        assert found.steps.keys() == names
        assert not (idle and ran), ran
        for step in project.steps(self.state):
            name = project.node_name(step, self.state)
            view = project.view(step, self.state, found.digests)
            beside = project.beside(step, self.state)
            was = self.seen.get((step, view.key))
            kinds = {_kind(reason) for reason in ran.get(name, ())}
            if was is None:
                assert name in ran, f"{name} was not run, and what it rests on is new"
                self._check_kinds(name, view, kinds)
            elif name in ran:
                allowed = project.MISSING if (step, view.key) in self.unsure else set()
                allowed = allowed | (project.beside_reasons(step) if was != beside else set())
                assert kinds and kinds <= allowed, f"{name} was run, for {ran[name]}"
            self.seen[step, view.key] = beside
            self.unsure.discard((step, view.key))
            self.last[name] = (view, project.wiring(step, self.state))

    def _check_kinds(self, name: str, view: project.View, kinds: set[str]) -> None:
        if name not in self.last:
            assert kinds == {"first run"}, f"{name}: {kinds}"
            return
        before, wiring = self.last[name]
        either = {project.INPUT, project.OPTION} if wiring != project.wiring(_step(name), self.state) else set()
        wanted = view.differs(before)
        assert kinds and kinds - either == wanted - either, f"{name} was run for {kinds}, and {wanted} differ"


def _step(name: str) -> str:
    return "scores" if name == "predict" else name


def _kind(reason: str) -> str:
    kinds = ("code changed", "parameter", "input", "option", "environment", "output missing", "never kept", "first run")
    return next(kind for kind in kinds if reason.startswith(kind))


def _damage(path: Path, how: str) -> None:
    if how == "gone":
        path.unlink()
        return
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    if how == "cut" or not data:
        path.write_bytes(data[: len(data) // 2])
    else:
        data[len(data) // 2] ^= 1
        path.write_bytes(data)


@pytest.fixture(scope="module")
def editing(tmp_path_factory: pytest.TempPathFactory) -> Any:
    Editing.folder = tmp_path_factory.mktemp("edited")
    Editing.commands = forked_commands.Commands()
    Editing.clean = Clean(Place(Editing.folder / "clean", Editing.commands))
    yield Editing
    Editing.commands.close()


def test_running_after_any_edit_is_running_from_scratch(editing):
    run_state_machine_as_test(editing, settings=effort.edited(3, 8))


@pytest.fixture
def story(editing: type[Editing]) -> Any:
    """A project after its first run, to be edited step by step; every step is checked as the machine checks it."""
    told = editing()
    told.place.bytecode = True
    told.place.write(told.state)
    told.settle()
    yield told
    told.teardown()


NAMED = {
    "rule_method": "a class of which a source is a pickle",
    "method": "a class whose instances a step is fanned out over",
    "class_moved": "the module of a pickled class",
    "lists_save": "how a class of the project writes a dataset",
    "lists_load": "how it reads one",
    "parts": "a file for which a node is made",
    "options": "the dataclass that a parameter becomes",
    "format": "the format of an output",
    "raw_load": "the load options of a source",
    "gauge": "an installed package",
}


@pytest.mark.parametrize("knob", NAMED, ids=NAMED.values())
def test_an_edit_and_its_undoing(story, knob):
    for value in (1, 0):
        story.state |= {knob: value}
        story.change("renamed")


@pytest.mark.stress
def test_every_edit_and_its_undoing(story):
    for knob, count in project.KNOBS.items():
        for value in (*range(1, count), 0):
            story.state |= {knob: value}
            story.change("in place")


@pytest.mark.parametrize("knob", ["raw", "constant"])
def test_an_edit_of_the_same_size_whose_time_was_set_back(story, knob):
    for value in (1, 2):
        story.state |= {knob: value}
        story.change("set back")


@pytest.mark.parametrize("how", ["gone", "cut", "bit"])
def test_damaged_objects_are_made_again(story, how):
    for path in sorted(story.place.root.joinpath(".tane/objects").rglob("*")):
        if path.is_file() and "index.db" not in path.name:
            _damage(path, how)
    story.settle(damaged=True)


@pytest.mark.parametrize("knob", ["raw", "level", "rate", "constant"], ids=["data", "read at import", "conf", "code"])
def test_an_edit_that_no_time_shows(story, knob):
    story.tick(knob)


def test_a_class_has_one_digest_however_lately_its_file_was_written(story):
    story.tick("raw")
    story.tick("method")


@pytest.mark.parametrize("how", ["gone", "cut", "bit"])
def test_a_file_that_a_class_of_the_project_wrote_is_put_back(story, how):
    story.state |= {"lists_save": 1}  # saving what was loaded would write another file
    story.change("in place")
    story.damage("notes", how)


def test_a_module_outside_of_the_project_counts_when_it_was_loaded_compiled(story):
    shutil.rmtree(story.place.root / ".tane")
    story.forget()
    story.settle()
    story.state |= {"outer": 1}
    story.change("in place")


@pytest.fixture
def stood(tmp_path: Path) -> Any:
    """A standing that rests on the file `data`, which is old, and the ledger."""
    (tmp_path / "data").write_text("1")
    (tmp_path / "ledger.db").write_text("12345")
    time.sleep(AGED)
    rests = standing.Rests()
    rests.look(str(tmp_path / "data"))
    rests.places.append(str(tmp_path / "ledger.db"))
    assert standing.leave(str(tmp_path), ["run"], "nothing", rests)
    assert standing.holds(str(tmp_path), ["run"]) == "nothing"
    return tmp_path


def test_a_ledger_that_lost_something_holds_nothing(stood):
    (stood / "ledger.db").write_text("1234567")
    assert standing.holds(str(stood), ["run"]) == "nothing"
    (stood / "ledger.db").write_text("1")
    assert standing.holds(str(stood), ["run"]) is None


def test_what_changed_since_the_run_began_is_no_ground_to_stand_on(stood):
    rests = standing.Rests()
    (stood / "data").write_text("2")
    rests.look(str(stood / "data"))
    assert not standing.leave(str(stood), ["run"], "nothing", rests)


def test_a_folder_that_changed_before_it_was_looked_at_is_none_either(stood):
    rests = standing.Rests()
    (stood / "folder").mkdir()
    rests.look(str(stood / "folder"), late=True)
    assert not standing.leave(str(stood), ["run"], "nothing", rests)


def test_a_time_ahead_of_the_clock_was_set_by_hand():
    now, hour = 10**18 + 5, 3600 * 10**9
    assert not signatures.is_racy((1, now + hour, now - hour, 1), now)
    assert signatures.is_racy((1, now + hour, now - 1, 1), now)
    assert signatures.is_racy((1, now + hour, now + hour, 1), now)
