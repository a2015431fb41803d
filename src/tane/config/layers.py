"""The files of conf/: which belong to which layer and section, read with their mistakes. Called by `compose`.

    conf/base, conf/<environment> in the order given, conf/local; in each:
        parameters.yml  parameters_*.yml  parameters/**/*.yml    the same for catalog and credentials
        run.yml  gates.yml  logging.yml ...                      one file each

A layer's files of one section must not say two things about one key. Other folders and other kinds of file
are left alone; a YAML file whose name is no section's is a mistake: it would silently do nothing.

A project may read the folder in a way of its own: then its `Loader` gives the sections of each layer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tane import errors, fielded
from tane.config import documents, origins, secret, trees

BASE = "base"
LOCAL = "local"

PARAMETERS = "parameters"
CATALOG = "catalog"
CREDENTIALS = "credentials"
SPREAD = (PARAMETERS, CATALOG, CREDENTIALS)  # may be spread over several files
SINGLE = ("run", "gates", "sweep", "tune", "consumers", "serving", "monitoring", "schedule", "logging")
SECTIONS = SPREAD + SINGLE

_SUFFIXES = (".yml", ".yaml")
_OTHER_SUFFIXES = (".json", ".toml", ".ini", ".properties", ".xml")  # read by others, not here


class Layer(NamedTuple):
    """One folder of conf/ with its sections."""

    name: str
    sections: Mapping[str, trees.Branch]


@fielded.mutable
class Reading:
    """What was read, and what is wrong. `files` are all files and folders that were looked at, in order."""

    layers: list[Layer] = fielded.field(default_factory=list)
    files: list[Path] = fielded.field(default_factory=list)
    faults: list[errors.Fault] = fielded.field(default_factory=list)


@fielded.frozen
class Loader:
    """A project's own way to read its configuration.

    `load(conf, environment)` gives plain sections by name, or None where there is no such environment; `files()` are
    the files it read outside of `conf`. What either raises is the caller's to explain.
    """

    name: str
    load: Callable[[Path, str], Any]
    files: Callable[[], Iterable[Path]]


def read(conf: Path, root: Path, environments: Sequence[str], loader: Loader | None = None) -> Reading:
    """The layers of `conf`, lowest first; a missing folder has none. Places are named relative to `root`."""
    reading = Reading(files=[conf])
    if loader is not None:
        _read_with(loader, conf, environments, reading)
        return reading
    if conf.exists() and not conf.is_dir():
        reading.faults.append(errors.Fault("this is no folder", _name(conf, root), "make it one: it holds conf/base"))
        return reading
    there = _folders(conf, root, reading)
    for name in environments:
        if name not in (BASE, LOCAL) and name not in there:
            reading.faults.append(_unknown_environment(name, there, _name(conf, root)))
    for name in _order(environments):
        if name in there:
            _read_layer(conf / name, root, reading)
    return reading


def read_single(
    section: str, conf: Path, root: Path, environments: Sequence[str], loader: Loader | None = None
) -> Reading:
    """The layers with nothing but one of `SINGLE`: no other file is looked for. Unknown environments have none."""
    if loader is not None:
        return read(conf, root, environments, loader)
    reading = Reading()
    for name in _order(environments):
        files = [path for suffix in _SUFFIXES if (path := conf / name / f"{section}{suffix}").is_file()]
        reading.files += files
        if files:
            reading.layers.append(Layer(name, _sections([(section, file) for file in files], root, reading.faults)))
    return reading


def _order(environments: Sequence[str]) -> list[str]:
    """Base first, local last; an environment named twice counts where it is named last."""
    middle = [name for name in environments if name not in (BASE, LOCAL)]
    middle = [name for i, name in enumerate(middle) if name not in middle[i + 1 :]]
    return [BASE, *middle, LOCAL]


def _folders(conf: Path, root: Path, reading: Reading) -> list[str]:
    return [path.name for path in _listed(conf, root, reading) if path.is_dir()] if conf.is_dir() else []


def _unknown_environment(name: str, there: Iterable[str], conf: str) -> errors.Fault:
    named = [other for other in there if other not in (BASE, LOCAL)]
    those = f"; there are: {', '.join(named)}" if named else ""
    return errors.Fault(
        f"there is no environment {name!r}{those}",
        conf,
        errors.did_you_mean(name, named, f"make the folder {conf}/{name}"),
    )


def _read_layer(folder: Path, root: Path, reading: Reading) -> None:
    found = _section_files(folder, root, reading)
    reading.files += [file for _, file in found]
    reading.layers.append(Layer(folder.name, _sections(found, root, reading.faults)))


def _sections(found: Sequence[tuple[str, Path]], root: Path, faults: list[errors.Fault]) -> dict[str, trees.Branch]:
    sections: dict[str, trees.Branch] = {}
    for section, file in found:
        tree = _read_file(file, section, root, faults)
        if tree is None:
            continue
        there = sections.get(section)
        if there is None:
            sections[section] = tree
            continue
        for keys, first, second in trees.collisions(there, tree, deep=section == PARAMETERS):
            faults.append(
                errors.Fault(
                    f"{section}: {'.'.join(keys)!r} is defined here and in {first.origin}",
                    str(second.origin),
                    "keep one: which file wins within one folder would be chance",
                )
            )
        merged = trees.merge(there, tree)
        assert isinstance(merged, trees.Branch)
        sections[section] = merged
    return {name: _finish(name, tree) for name, tree in sections.items()}


def _finish(section: str, tree: trees.Branch) -> trees.Branch:
    """Holders of anchors ("_...") leave all sections but the parameters; credentials are wrapped."""
    if section != PARAMETERS:
        entries = {key: item for key, item in tree.entries.items() if not trees.key_text(key).startswith("_")}
        tree = fielded.replace(tree, entries=entries)
    if section == CREDENTIALS:
        wrapped = _wrap(tree)
        assert isinstance(wrapped, trees.Branch)
        return wrapped
    return tree


def _wrap(tree: trees.Tree) -> trees.Tree:
    if isinstance(tree, trees.Branch):
        return fielded.replace(tree, entries={key: _wrap(item) for key, item in tree.entries.items()})
    if isinstance(tree, trees.Items):
        return fielded.replace(tree, items=tuple(_wrap(item) for item in tree.items))
    return fielded.replace(tree, value=secret.Secret(tree.value))


def _section_files(folder: Path, root: Path, reading: Reading) -> list[tuple[str, Path]]:
    """Section and file, in an order that does not hang on the file system."""
    reading.files.append(folder)
    found: list[tuple[str, Path]] = []
    for path in _listed(folder, root, reading):
        if path.is_dir():
            if path.name in SPREAD:
                found += [(path.name, file) for file in _deep_files(path, root, reading)]
            continue
        section = _section(path.stem)
        if path.suffix in _SUFFIXES:
            if section is None:
                reading.faults.append(_unknown_file(path, root))
            else:
                found.append((section, path))
        elif section is not None and path.suffix in _OTHER_SUFFIXES:
            reading.faults.append(
                errors.Fault("only YAML is read here", _name(path, root), f"write it as {path.stem}.yml")
            )
    return found


def _section(stem: str) -> str | None:
    if stem in SECTIONS:
        return stem
    first = stem.partition("_")[0]
    return first if first in SPREAD else None


def _unknown_file(path: Path, root: Path) -> errors.Fault:
    names = ", ".join(f"{name}.yml" for name in SECTIONS)
    first, joint, rest = path.stem.partition("_")
    spread = errors.nearest(first, SPREAD)
    near = f"{spread}{joint}{rest}" if spread else errors.nearest(path.stem, SECTIONS)
    if first in SINGLE:
        hint = f"put it into {first}.yml: only {', '.join(SPREAD)} may have several files"
    elif near:
        hint = f"did you mean '{near}{path.suffix}'?"
    else:
        hint = f"files here are {names}; others belong elsewhere"
    return errors.Fault(f"{path.name!r} is no file that configuration is read from", _name(path, root), hint)


def _deep_files(folder: Path, root: Path, reading: Reading) -> list[Path]:
    reading.files.append(folder)
    found: list[Path] = []
    for path in _listed(folder, root, reading):
        if path.is_dir():
            if not path.is_symlink():  # a link could lead in a circle
                found += _deep_files(path, root, reading)
        elif path.suffix in _SUFFIXES:
            found.append(path)
    return found


def _listed(folder: Path, root: Path, reading: Reading) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        reading.faults.append(
            errors.Fault(f"cannot read the folder: {error.strerror}", _name(folder, root), "mend its permissions")
        )
        return []


def _read_file(path: Path, section: str, root: Path, faults: list[errors.Fault]) -> trees.Branch | None:
    name = _name(path, root)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        faults.append(errors.Fault("the file is not UTF-8", f"{name}:{line}", "save it as UTF-8"))
        return None
    except OSError as error:
        faults.append(
            errors.Fault(f"cannot read the file: {error.strerror}", name, "mend its permissions, or the link")
        )
        return None
    tree = documents.read(text, name, faults, hide=section == CREDENTIALS)
    if tree is not None and section in (CATALOG, PARAMETERS):
        faults += _odd_names(tree, section)
    return tree


def _odd_names(tree: trees.Branch, section: str) -> list[errors.Fault]:
    """Datasets and parameters are named by text."""
    return [
        errors.Fault(
            f"{section}: {trees.shown(key)} is {trees.kind(key)}, not a name",
            str(item.origin),
            f"write it in quotes, or give it a name: {trees.key_text(key)!r}",
        )
        for key, item in tree.entries.items()
        if not isinstance(key, str)
    ]


def _name(path: Path, root: Path) -> str:
    """How messages and origins name a file: from the project's root where it lies within."""
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return os.fspath(path)


# --- what a project's own loader gives ----------------------------------------------------------------------


def _read_with(loader: Loader, conf: Path, environments: Sequence[str], reading: Reading) -> None:
    for name in _order(environments):
        found = loader.load(conf, name)
        origin = origins.Origin(f"{loader.name} ({name})", kind=origins.LOADER)
        if found is None:
            if name not in (BASE, LOCAL):
                hint = "correct the name, or let the loader give sections for it"
                reading.faults.append(errors.Fault(f"there is no environment {name!r}", str(origin), hint))
            continue
        if not isinstance(found, Mapping):
            what = f"load() gave {trees.kind(found)}, not sections"
            reading.faults.append(errors.Fault(what, str(origin), 'return {"parameters": {...}, "catalog": {...}}'))
            continue
        before = len(reading.faults)
        for section, values in found.items():
            _check_loaded(section, values, origin, reading.faults)
        if len(reading.faults) == before:
            made = {section: _finish(section, _branch(values, origin)) for section, values in found.items()}
            reading.layers.append(Layer(name, made))
    for folder, folders, files in os.walk(conf):
        reading.files += [Path(folder, name) for name in sorted((*folders, *files))]
    reading.files += loader.files()


def _branch(values: Mapping[Any, Any], origin: origins.Origin) -> trees.Branch:
    tree = trees.of(values, origin)
    assert isinstance(tree, trees.Branch)
    return tree


def _check_loaded(section: object, values: object, origin: origins.Origin, faults: list[errors.Fault]) -> None:
    where = str(origin)
    if section not in SECTIONS:
        hint = errors.did_you_mean(str(section), SECTIONS, f"sections are {', '.join(SECTIONS)}")
        faults.append(errors.Fault(f"load() gave a section {section!r}, which is none", where, hint))
    elif not isinstance(values, Mapping):
        what = f"load() gave {trees.kind(values)} as {section}, not keys and values"
        faults.append(errors.Fault(what, where, "return a mapping for each section"))
    else:
        try:
            faults += _not_plain(values, str(section), where)
        except RecursionError:
            faults.append(errors.Fault(f"{section} is nested too deeply, or in itself", where, "make it flatter"))
        if section in (CATALOG, PARAMETERS):
            faults += [
                errors.Fault(f"{section}: {trees.shown(key)} is {trees.kind(key)}, not a name", where, "make it text")
                for key in values
                if not isinstance(key, str)
            ]


_SCALARS = (str, int, float, bool, type(None))


def _not_plain(value: object, name: str, where: str) -> list[errors.Fault]:
    """Values that YAML could not have said. Credentials may be among them: none is shown."""
    if isinstance(value, Mapping):
        faults = [
            errors.Fault(f"{name}: a key is {trees.kind(key)}", where, "use text or numbers as keys")
            for key in value
            if type(key) not in _SCALARS
        ]
        for key, item in value.items():
            faults += _not_plain(item, f"{name}.{trees.key_text(key)}", where)
        return faults
    if type(value) in (list, tuple):
        assert isinstance(value, list | tuple)
        return [fault for i, item in enumerate(value) for fault in _not_plain(item, f"{name}.{i}", where)]
    if type(value) in _SCALARS:
        return []
    hint = "give plain values: text, numbers, true, false, None, lists, mappings"
    return [errors.Fault(f"{name} is {trees.kind(value)}, which is no plain value", where, hint)]
