"""The files of conf/: which belong to which layer and section, read with their mistakes. Called by `compose`.

    conf/base, conf/<environment> in the order given, conf/local; in each:
        parameters.yml  parameters_*.yml  parameters/**/*.yml    the same for catalog and credentials
        run.yml  gates.yml  logging.yml ...                      one file each

A layer's files of one section must not say two things about one key. Other folders and other kinds of file
are left alone; a YAML file whose name is no section's is a mistake: it would silently do nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from tane import errors
from tane.config import documents, secret, trees

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


@dataclass
class Reading:
    """What was read, and what is wrong. `files` are all files and folders that were looked at, in order."""

    layers: list[Layer] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    faults: list[errors.Fault] = field(default_factory=list)


def read(conf: Path, root: Path, environments: Sequence[str]) -> Reading:
    """The layers of `conf`, lowest first; a missing folder has none. Places are named relative to `root`."""
    reading = Reading(files=[conf])
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
    sections: dict[str, trees.Branch] = {}
    for section, file in _section_files(folder, root, reading):
        reading.files.append(file)
        tree = _read_file(file, section, root, reading.faults)
        if tree is None:
            continue
        there = sections.get(section)
        if there is None:
            sections[section] = tree
            continue
        for keys, first, second in trees.collisions(there, tree, deep=section == PARAMETERS):
            reading.faults.append(
                errors.Fault(
                    f"{section}: {'.'.join(keys)!r} is defined here and in {first.origin}",
                    str(second.origin),
                    "keep one: which file wins within one folder would be chance",
                )
            )
        merged = trees.merge(there, tree)
        assert isinstance(merged, trees.Branch)
        sections[section] = merged
    reading.layers.append(Layer(folder.name, {name: _finish(name, tree) for name, tree in sections.items()}))


def _finish(section: str, tree: trees.Branch) -> trees.Branch:
    """Holders of anchors ("_...") leave all sections but the parameters; credentials are wrapped."""
    if section != PARAMETERS:
        entries = {key: item for key, item in tree.entries.items() if not trees.key_text(key).startswith("_")}
        tree = replace(tree, entries=entries)
    if section == CREDENTIALS:
        wrapped = _wrap(tree)
        assert isinstance(wrapped, trees.Branch)
        return wrapped
    return tree


def _wrap(tree: trees.Tree) -> trees.Tree:
    if isinstance(tree, trees.Branch):
        return replace(tree, entries={key: _wrap(item) for key, item in tree.entries.items()})
    if isinstance(tree, trees.Items):
        return replace(tree, items=tuple(_wrap(item) for item in tree.items))
    return replace(tree, value=secret.Secret(tree.value))


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
