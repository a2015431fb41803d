"""The files of conf/: which belong to which layer and section, read with their mistakes. Called by `compose`.

    conf/base, conf/<environment> in the order given, conf/local; in each:
        parameters.yml  parameters_*.yml  parameters/**/*.yml    the same for catalog and credentials
        run.yml  gates.yml  logging.yml ...                      one file each

A layer's files of one section must not say two things about one key. Other folders are config groups, of which is
read what is chosen (see `groups`); other kinds of file are left alone. A YAML file whose name is no section's is a
mistake: it would silently do nothing.

A folder without conf/base that holds config.yaml is one layer by itself: the file has the parameters, groups and files
of other sections lie beside it.

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

SUFFIXES = (".yml", ".yaml")
_PRIMARY = ("config.yaml", "config.yml")  # of a folder that is one layer by itself
_OTHER_SUFFIXES = (".json", ".toml", ".ini", ".properties", ".xml")  # read by others, not here


class Layer(NamedTuple):
    """One folder of conf/ with its sections."""

    name: str
    sections: Mapping[str, trees.Branch]


@fielded.mutable
class Reading:
    """What was read, and what is wrong. `files` are all files and folders that were looked at, in order.

    `folders` are those of the layers, lowest first, `groups` the names of folders in them that may be config groups.
    `package` is where the parameters land, when the one file they stand in says so. `plain` says that nothing in the
    files can be an interpolation.
    """

    layers: list[Layer] = fielded.field(default_factory=list)
    files: list[Path] = fielded.field(default_factory=list)
    faults: list[errors.Fault] = fielded.field(default_factory=list)
    folders: list[Path] = fielded.field(default_factory=list)
    groups: set[str] = fielded.field(default_factory=set)
    package: str | None = None
    plain: bool = True


@fielded.frozen
class Loader:
    """A project's own way to read its configuration.

    `load(conf, environment)` gives plain sections by name, or None where there is no such environment; `files()` are
    the files it read outside of `conf`. What either raises is the caller's to explain. Values say that they come from a
    loader of this name, or as `kind` has it, from a file that is called so.
    """

    name: str
    load: Callable[[Path, str], Any]
    files: Callable[[], Iterable[Path]]
    kind: str = origins.LOADER


def read(
    conf: Path,
    root: Path,
    environments: Sequence[str],
    loader: Loader | None = None,
    *,
    primary: Path | None = None,
    leave: str = "",
) -> Reading:
    """The layers of `conf`, lowest first; a missing folder has none. Places are named relative to `root`.

    `primary` is the file that has the parameters where the folder is one layer by itself. The section `leave` is not
    read.
    """
    reading = Reading(files=[conf])
    if primary is not None:
        _read_alone(conf, primary, root, reading, leave)
        return reading
    if loader is not None:
        _read_with(loader, conf, environments, reading)
        return reading
    if conf.exists() and not conf.is_dir():
        reading.faults.append(errors.Fault("this is no folder", name_of(conf, root), "make it one: it holds conf/base"))
        return reading
    there = _folders(conf, root, reading)
    alone = None if BASE in there else primary_of(conf)
    if alone is not None:
        reading.faults += [_no_environments(name, name_of(alone, root)) for name in environments if name != BASE]
        _read_alone(conf, alone, root, reading, leave)
        return reading
    for name in environments:
        if name not in (BASE, LOCAL) and name not in there:
            reading.faults.append(_unknown_environment(name, there, name_of(conf, root)))
    for name in _order(environments):
        if name in there:
            _read_layer(conf / name, root, reading, leave)
    return reading


def primary_of(folder: Path) -> Path | None:
    """The file config.yaml of a folder that has one."""
    return next((path for name in _PRIMARY if (path := folder / name).is_file()), None)


def read_single(
    section: str, conf: Path, root: Path, environments: Sequence[str], loader: Loader | None = None
) -> Reading:
    """The layers with nothing but one of `SINGLE`: no other file is looked for. Unknown environments have none."""
    if loader is not None:
        return read(conf, root, environments, loader)
    reading = Reading()
    for name in _order(environments):
        files = [path for suffix in SUFFIXES if (path := conf / name / f"{section}{suffix}").is_file()]
        reading.files += files
        if files:
            reading.layers.append(Layer(name, _sections([(section, file) for file in files], root, reading)))
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


def _no_environments(name: str, primary: str) -> errors.Fault:
    hint = f"keep it in {Path(primary).parent.as_posix()}/base/parameters.yml to have environments beside it"
    return errors.Fault(f"there is no environment {name!r}: all parameters are those of one file", primary, hint)


def _read_layer(folder: Path, root: Path, reading: Reading, leave: str) -> None:
    found = [(section, file) for section, file in _section_files(folder, root, reading) if section != leave]
    reading.files += [file for _, file in found]
    reading.folders.append(folder)
    reading.layers.append(Layer(folder.name, _sections(found, root, reading)))


def _read_alone(folder: Path, primary: Path, root: Path, reading: Reading, leave: str) -> None:
    """A folder that is one layer: `primary` has the parameters, other sections and groups lie beside it."""
    found: list[tuple[str, Path]] = []
    for path in _listed(folder, root, reading):
        if path.is_dir():
            reading.groups.add(path.name)
        elif path.suffix in SUFFIXES and path != primary and path.stem in SECTIONS and path.stem != PARAMETERS:
            found.append((path.stem, path))
    reading.files += [file for _, file in found]
    reading.folders.append(folder)
    sections = _sections(found, root, reading)
    if leave != PARAMETERS:
        reading.files.append(primary)
        name = name_of(primary, root)
        text = read_text(primary, name, reading.faults)
        tree = None if text is None else parameters(text, name, reading)
        if tree is not None:
            sections[PARAMETERS] = tree
    reading.layers.append(Layer(BASE, sections))


def parameters(text: str, name: str, reading: Reading) -> trees.Branch | None:
    """The parameters of the one file that has them."""
    reading.plain = reading.plain and is_plain(text)
    tree = documents.read(text, name, reading.faults)
    reading.package = documents.package(text, name, reading.faults)
    if tree is not None:
        reading.faults += _odd_names(tree, PARAMETERS)
    return tree


def _sections(found: Sequence[tuple[str, Path]], root: Path, reading: Reading) -> dict[str, trees.Branch]:
    sections: dict[str, trees.Branch] = {}
    for section, file in found:
        tree = _read_file(file, section, root, reading)
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
    return {name: _finish(name, tree) for name, tree in sections.items()}


def without_holders(sections: Mapping[str, trees.Branch]) -> dict[str, trees.Branch]:
    """`sections` without what only others repeat: the keys "_..." of all sections but the parameters."""
    found: dict[str, trees.Branch] = {}
    for name, tree in sections.items():
        if name != PARAMETERS and any(trees.key_text(key).startswith("_") for key in tree.entries):
            entries = {key: item for key, item in tree.entries.items() if not trees.key_text(key).startswith("_")}
            tree = fielded.replace(tree, entries=entries)
        found[name] = tree
    return found


def _finish(section: str, tree: trees.Branch) -> trees.Branch:
    """Credentials are wrapped."""
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
            else:
                reading.groups.add(path.name)
            continue
        section = _section(path.stem)
        if path.suffix in SUFFIXES:
            if section is None:
                reading.faults.append(_unknown_file(path, root))
            else:
                found.append((section, path))
        elif section is not None and path.suffix in _OTHER_SUFFIXES:
            reading.faults.append(
                errors.Fault("only YAML is read here", name_of(path, root), f"write it as {path.stem}.yml")
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
    return errors.Fault(f"{path.name!r} is no file that configuration is read from", name_of(path, root), hint)


def _deep_files(folder: Path, root: Path, reading: Reading) -> list[Path]:
    reading.files.append(folder)
    found: list[Path] = []
    for path in _listed(folder, root, reading):
        if path.is_dir():
            if not path.is_symlink():  # a link could lead in a circle
                found += _deep_files(path, root, reading)
        elif path.suffix in SUFFIXES:
            found.append(path)
    return found


def _listed(folder: Path, root: Path, reading: Reading) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        reading.faults.append(
            errors.Fault(f"cannot read the folder: {error.strerror}", name_of(folder, root), "mend its permissions")
        )
        return []


def _read_file(path: Path, section: str, root: Path, reading: Reading) -> trees.Branch | None:
    faults, name = reading.faults, name_of(path, root)
    text = read_text(path, name, faults)
    if text is None:
        return None
    reading.plain = reading.plain and is_plain(text)
    tree = documents.read(text, name, faults, hide=section == CREDENTIALS)
    if tree is not None and section in (CATALOG, PARAMETERS):
        faults += _odd_names(tree, section)
    return tree


def read_text(path: Path, name: str, faults: list[errors.Fault]) -> str | None:
    """What a file holds, which messages call `name`; None, with a fault, when it cannot be read."""
    try:
        return decoded(path.read_bytes(), name, faults)
    except OSError as error:
        faults.append(
            errors.Fault(f"cannot read the file: {error.strerror}", name, "mend its permissions, or the link")
        )
        return None


def is_plain(text: str) -> bool:
    """Whether nothing in a document can be an interpolation, however it is written."""
    return "${" not in text and not ("{" in text and "\\" in text)


def decoded(data: bytes, name: str, faults: list[errors.Fault]) -> str | None:
    """The text of a document; None, with a fault, when it is none."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        faults.append(errors.Fault("the file is not UTF-8", f"{name}:{line}", "save it as UTF-8"))
        return None


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


def name_of(path: Path, root: Path) -> str:
    """How messages and origins name a file: from the project's root where it lies within."""
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return os.fspath(path)


# --- what a project's own loader gives ----------------------------------------------------------------------


def _read_with(loader: Loader, conf: Path, environments: Sequence[str], reading: Reading) -> None:
    reading.plain = False
    for name in _order(environments):
        found = loader.load(conf, name)
        label = f"{loader.name} ({name})" if loader.kind == origins.LOADER else loader.name
        origin = origins.Origin(label, kind=loader.kind)
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
