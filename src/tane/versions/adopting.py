"""Brings a run's configuration, and its code on request, into the working tree. Called by `tane adopt`.

`prepare` works on a copy of conf/: it changes values in the files they come from, composes again, and goes on until
what comes out is what the run had; only then is it known what would be written. `carry_out` writes all or nothing.
"""

from __future__ import annotations

import difflib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tane import errors, fielded
from tane.config import groups, layers, origins, trees
from tane.ledger import records
from tane.project import layout, projects
from tane.store import objects, placing
from tane.versions import code_states, comparing, yaml_edits

_ROUNDS = 4
_OVERLAY = "parameters_adopted.yml"
_VARIABLE = "TANE_PARAM__"
_HINT = "adopt a run of a pipeline: tane runs lists them"
_KINDS = {
    "script": "no run of a pipeline, and a script's parameters are given where it is called",
    records.WINDOW: "a window of a backfill, whose parameters are about its span of time",
    records.BACKFILL: "a whole backfill",
}


@fielded.frozen
class Change:
    """A file as it is (None: there is none) and as it is to be."""

    path: Path
    before: bytes | None
    after: bytes


@fielded.frozen
class Adoption:
    """What is to be done: files of the configuration, and before that a patch of the code. `notes` say what the user
    should know; `unsaved` is the patch of changes that nobody has committed and the code's patch would replace.
    """

    changes: tuple[Change, ...]
    patch: bytes = b""
    unsaved: bytes = b""
    notes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.changes or self.patch)


def prepare(
    project: projects.Project, run: records.RunRecord, store: objects.Objects, *, code: bool, force: bool
) -> Adoption:
    """What brings `run`'s parameters into the configuration of `project`; with `code` its code and configuration too.

    With `force` that may replace changes which nobody has committed. Raises when it cannot be done whole.
    """
    if run.kind != "run":
        raise errors.UsageError(
            f"run {run.run} cannot be adopted: it is {_KINDS.get(run.kind, 'no run of a pipeline')}", hint=_HINT
        )
    notes = _surroundings(project, run)
    patch, unsaved = _patch(project, run, store, force=force) if code else (b"", b"")
    with _copied(project, patch) as (copy, there):
        edits = _Edits(copy, dict(run.params), (run.config.get("asked") or {}).get("choices") or {})
        notes += edits.work()
        changes = list(_changes(project.conf, copy.conf, there))
    return Adoption(tuple(changes), patch, unsaved, tuple(notes))


def carry_out(project: projects.Project, adoption: Adoption) -> None:
    """Do it, all or nothing. Raises when the work tree has changed meanwhile."""
    for change in adoption.changes if not adoption.patch else ():
        if _bytes(change.path) != change.before:
            raise errors.UsageError(f"{change.path} was changed meanwhile", hint="adopt again")
    with code_states.opened(project.root, project.code, project.conf) as repository:
        if adoption.patch and (repository is None or not repository.apply(adoption.patch)):
            raise errors.UsageError("the code changed meanwhile: the patch does not fit", hint="adopt again")
        done: list[tuple[Path, bytes | None]] = []
        try:
            for change in adoption.changes:
                path = Path(os.path.realpath(change.path))  # a link stays one
                done.append((path, _bytes(path)))
                placing.file(path, _writer(change.after))
        except BaseException:
            for path, before in reversed(done):
                if before is None:
                    placing.remove(path)
                else:
                    placing.file(path, _writer(before))
            if adoption.patch and repository is not None:
                repository.apply(adoption.patch, back=True)
            raise


def diff(adoption: Adoption, root: Path) -> str:
    """What would be done, as a unified diff. Files in which secrets may stand are not shown."""
    parts = [adoption.patch.decode("utf-8", "replace")] if adoption.patch else []
    for change in adoption.changes:
        name = change.path.relative_to(root).as_posix() if change.path.is_relative_to(root) else str(change.path)
        before = (change.before or b"").decode("utf-8", "replace").splitlines(keepends=True)
        after = change.after.decode("utf-8", "replace").splitlines(keepends=True)
        lines = difflib.unified_diff(
            before, after, f"a/{name}" if change.before is not None else "/dev/null", f"b/{name}"
        )
        parts.append(
            "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
        )
    return "".join(parts)


def _writer(data: bytes) -> Any:
    return lambda opened: placing.write_all(opened, data)


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _surroundings(project: projects.Project, run: records.RunRecord) -> list[str]:
    """What else takes part in a run's configuration, and is not what it was."""
    notes = []
    asked = run.config.get("asked") or {}
    environments = list(asked.get("environments") or ())
    if environments:
        notes.append(f"the run was made with --env {','.join(environments)}: give it to tane run as well")
    if asked.get("params"):
        notes.append(f"the run took its parameters from {asked['params']} (--params): files of conf/ say them now")
    if selection := asked.get("selection"):
        said = "; ".join(f"{name.replace('_', ' ')} {', '.join(map(str, names))}" for name, names in selection.items())
        notes.append(f"only a part of the pipeline ran: {said}")
    set_now = sorted(name for name in project.environ if name.startswith(_VARIABLE))
    if set_now:
        notes.append(f"{', '.join(set_now)} {'is' if len(set_now) == 1 else 'are'} set, and win over what files say")
    return notes


# --- code -----------------------------------------------------------------------------------------------------------


def _patch(
    project: projects.Project, run: records.RunRecord, store: objects.Objects, *, force: bool
) -> tuple[bytes, bytes]:
    """The patch from the work tree to the code and configuration of `run`; and that of changes it would replace."""
    with code_states.opened(project.root, project.code, project.conf) as repository:
        if repository is None:
            raise errors.UsageError(
                "the code can only be adopted in a Git repository", hint="leave --code away to adopt the parameters"
            )
        wanted, now = repository.of_run(run.git, store), repository.of_work_tree()
        for state, whose in ((wanted, f"the code of run {run.run}"), (now, "the code here")):
            if state.why:
                hint = "leave --code away to adopt the parameters alone"
                raise errors.UsageError(f"{whose} is not known: {state.why}", hint=hint)
        patch = repository.diff(now, wanted, to_apply=True)
        head = repository.of_head()
        unsaved = repository.diff(head, now, to_apply=True) if not head.why else b""
        if unsaved and patch and not force:
            raise errors.UsageError(
                "there are changes here that are not committed",
                hint="commit or stash them, or use --force: they are then kept as a patch in .tane/adopted",
            )
        if patch and not repository.apply(patch, check=True):
            raise errors.UsageError(
                "the patch of the run's code does not fit the files here",
                hint="git status shows what is there; files that Git ignores may be in the way",
            )
        return patch, unsaved if patch else b""


# --- configuration --------------------------------------------------------------------------------------------------


@contextmanager
def _copied(project: projects.Project, patch: bytes) -> Iterator[tuple[projects.Project, dict[Path, bytes]]]:
    """The project with a copy of its configuration, as it is once the code's patch is applied; and the files of the
    copy. All else of the project is as it is.
    """
    with tempfile.TemporaryDirectory(prefix="tane-") as scratch:
        root = Path(scratch, "project")
        root.mkdir()
        inside = project.conf.is_relative_to(project.root)
        place = project.conf.relative_to(project.root) if inside else Path(layout.CONF)
        for entry in project.root.iterdir():
            if entry.name != place.parts[0]:
                (root / entry.name).symlink_to(entry)
        conf = root / place
        if project.conf.is_dir():
            shutil.copytree(project.conf, conf)
        if patch and inside:
            _apply_to_copy(project, patch, scratch, conf, place)
        there = {path: path.read_bytes() for path in _files(conf)}
        kept = {name: value for name, value in project.environ.items() if not name.startswith(_VARIABLE)}
        yield fielded.replace(project, root=root, conf=conf, environ=kept, overrides=()), there


def _apply_to_copy(project: projects.Project, patch: bytes, scratch: str, conf: Path, place: Path) -> None:
    """Have the copy of the configuration be what the patch makes of it."""
    with code_states.opened(project.root, project.code, project.conf) as repository:
        assert repository is not None
        within = project.root.relative_to(repository.top)
        tree = Path(scratch, "applied")
        shutil.copytree(project.conf, tree / within / place, dirs_exist_ok=True)
        repository.apply_elsewhere(patch, tree, (within / place).as_posix())
        shutil.rmtree(conf, ignore_errors=True)
        if (tree / within / place).is_dir():
            shutil.copytree(tree / within / place, conf)


def _files(conf: Path) -> list[Path]:
    return [path for path in sorted(conf.rglob("*")) if path.is_file() and path.suffix in (".yml", ".yaml")]


def _changes(conf: Path, copy: Path, there: Mapping[Path, bytes]) -> Iterator[Change]:
    for path in _files(copy):
        data = path.read_bytes()
        if there.get(path) != data:
            yield Change(conf / path.relative_to(copy), there.get(path), data)


class _Edits:
    """Changes to the files of a copied configuration until it composes to what is wanted."""

    def __init__(self, copy: projects.Project, wanted: Mapping[str, Any], choices: Mapping[str, Any]) -> None:
        self.copy = copy
        self.wanted = wanted
        self.choices = choices
        self.refused: set[tuple[str, ...]] = set()

    def work(self) -> list[str]:
        """Change what differs; what the user should know of it."""
        self._look()
        for group, option in self.choices.items():
            wanted = tuple(option) if isinstance(option, list) else option
            if self.config.choices.get(group) != wanted or group not in self.config.choices:
                self._choose(group, option)
        for literal in (True, *(False for _ in range(_ROUNDS))):
            self._look()
            found = [each for each in self._differences() if each.keys not in self.refused]
            if not found:
                break
            for difference in found:
                if not self._change(difference, literal=literal) and not literal:
                    self.refused.add(difference.keys)
        self._look()
        left = list(self._differences())
        notes = self._overlay(left) if left else []
        self._look()
        left = list(self._differences())
        if left:
            names = ", ".join(each.name for each in left)
            raise errors.UsageError(
                f"these parameters cannot be written into the configuration: {names}",
                hint=f"give them to tane run: {' '.join(each.override() for each in left if each.verb != 'remove')}",
            )
        return notes

    def _look(self) -> None:
        """Compose what the files say now."""
        self.config = fielded.replace(self.copy).config

    def _differences(self) -> Iterator[_Difference]:
        return _differences(self.config.parameters, self.wanted)

    def _change(self, difference: _Difference, *, literal: bool) -> bool:
        """Change one value where it stands. With `literal` only what stands there itself, not what refers to others."""
        keys = difference.keys
        above = self.config.origin(layers.PARAMETERS, *keys[:-1])
        origin = self.config.origin(layers.PARAMETERS, *keys) if difference.verb != "add" else above
        path = self._path(origin)
        if difference.verb == "add" and len(keys) == 1:
            path, origin = self._first_file(), origins.Origin()
        if path is None:
            return False
        data = _bytes(path)
        text = yaml_edits.Text((data or b"").decode("utf-8-sig"))
        entry = text.entry(origin.line, origin.column) if origin.line else None
        if entry is None and (difference.verb != "add" or len(keys) > 1):
            return False
        if literal and entry is not None and difference.verb == "set" and "${" in text.raw(entry):
            return False
        if difference.verb == "add":
            new = text.add(entry, keys[-1], difference.value)
        elif entry is None:
            return False
        else:
            new = text.put(entry, difference.value) if difference.verb == "set" else text.remove(entry)
        if new is None:
            return False
        return self._write(path, data, new.text, origin)

    def _choose(self, group: str, option: Any) -> None:
        """Choose another option of a group where the choice stands. Where that cannot be, values say it one by one."""
        origin = self.config.choice_origin(group) if group in self.config.choices else origins.Origin()
        path = self._path(origin) or (None if group in self.config.choices else self._first_file())
        data = _bytes(path) if path is not None else None
        if path is None or data is None:
            return
        text = yaml_edits.Text(data.decode("utf-8-sig"))
        if group in self.config.choices:
            entry = text.on_line(origin.line)
            is_it = entry is not None and str(entry.key.value).split()[-1].partition("@")[0].strip("/") == group
            new = text.put(entry, option) if entry is not None and is_it else None
        else:
            listed = text.at_top(groups.DEFAULTS)
            new = text.append(listed, {group: option}) if listed is not None else None
        if new is not None:
            self._write(path, data, new.text, None)

    def _write(self, path: Path, before: bytes | None, text: str, origin: origins.Origin | None) -> bool:
        """Write a file and compose anew, so that the next value is found where it stands now. A change that breaks the
        configuration, or that changes other values written at its `origin` (through an alias), is undone.
        """
        known = {each.keys for each in self._differences()}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
        try:
            self._look()
            new = {each.keys for each in self._differences()} - known
            if origin is None or all(self.config.origin(layers.PARAMETERS, *keys) != origin for keys in new):
                return True
        except errors.TaneError:
            pass
        if before is None:
            path.unlink()
        else:
            path.write_bytes(before)
        self._look()
        return False

    def _path(self, origin: origins.Origin) -> Path | None:
        """The copied file that an origin names."""
        if origin.kind != origins.FILE or not origin.line:
            return None
        path = Path(os.path.normpath(self.copy.root / origin.file))
        return path if path.is_relative_to(self.copy.conf) and path.is_file() else None

    def _first_file(self) -> Path:
        """Where new parameters go: the file that has them, in the lowest layer."""
        base = self.copy.conf / layers.BASE
        for path in (base / "parameters.yml", base / "parameters.yaml", *layers_alone(self.copy.conf)):
            if path.is_file():
                return path
        return base / "parameters.yml"

    def _overlay(self, left: list[_Difference]) -> list[str]:
        """Say what cannot be changed where it stands in a file of its own, above all others."""
        over = [each for each in left if each.verb != "remove"]
        if not over:
            return []
        named = self.config.environments[-1] if self.config.environments else layers.LOCAL
        path = self.copy.conf / named / _OVERLAY
        tree: trees.Tree = trees.empty()
        for each in over:
            tree = trees.put(tree, each.keys, trees.of(each.value, origins.Origin()))
        text = yaml_edits.Text((_bytes(path) or b"").decode("utf-8-sig"))
        for key, value in trees.plain(tree).items():
            added = text.add(None, key, value)
            if added is None:
                return []
            text = added
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.text, encoding="utf-8", newline="")
        names = ", ".join(each.name for each in over)
        return [f"{names}: cannot be changed where it stands, so conf/{named}/{_OVERLAY} says it"]


def layers_alone(conf: Path) -> list[Path]:
    """The file with the parameters, of a configuration that is one layer by itself."""
    found = layers.primary_of(conf)
    return [found] if found is not None else []


@fielded.frozen
class _Difference:
    """A parameter that is to be set, added or removed."""

    verb: str
    keys: tuple[str, ...]
    value: Any = None

    @property
    def name(self) -> str:
        """Its dotted name."""
        return ".".join(self.keys)

    def override(self) -> str:
        """It as it is given on the command line."""
        return f"'{self.name}={yaml_edits.flow(self.value)}'"


def _differences(have: Any, wanted: Any, keys: tuple[str, ...] = ()) -> Iterator[_Difference]:
    """What is to be done to `have` so that it is `wanted`."""
    if isinstance(have, Mapping) and isinstance(wanted, Mapping) and (wanted or not have):
        there = {trees.key_text(key): value for key, value in have.items()}
        sought = {trees.key_text(key): value for key, value in wanted.items()}
        for key, value in sought.items():
            if key in there:
                yield from _differences(there[key], value, (*keys, key))
            else:
                yield _Difference("add", (*keys, key), value)
        for key in there:
            if key not in sought:
                yield _Difference("remove", (*keys, key))
    elif not _is_same(have, wanted):
        yield _Difference("set", keys, wanted)


def _is_same(one: Any, other: Any) -> bool:
    """Whether a value composed is one that was recorded: the record is JSON, which knows no tuples."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_is_same, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return not list(_differences(one, other))
    return type(one) is type(other) and comparing.same(one, other)
