"""From an entry of catalog.yml to a dataset. Notes every fault it finds, so that a user mends the file once.

An entry has the keys `type filepath load_args save_args fs_args credentials refresh versioned metadata layer keep`,
and what its type takes besides. `versioned` is accepted: every version of a file is in the store, and the
newest one stands at the plain path.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tane import errors
from tane.catalog import datasets, factories, foreign, kinds, naming, places, written
from tane.catalog.formats import contract, streams
from tane.catalog.web import checks

KEYS = (
    "type",
    "filepath",
    "load_args",
    "save_args",
    "fs_args",
    "credentials",
    "refresh",
    "versioned",
    "metadata",
    "layer",
    "keep",
)
_FOR_MEMORY = ("type", "metadata", "layer", "keep", "copy_mode")
_OF_OBJECTS = (*written.OURS, "load_args", "save_args", "credentials")


def read(
    name: str, body: Any, context: written.Context, factory: str = ""
) -> tuple[datasets.Dataset | None, list[errors.Fault]]:
    """The dataset that an entry describes, or None, and its faults. `factory` is the name of its factory."""
    entry = written.Entry(name, body, context, factory)
    if not isinstance(body, Mapping):
        entry.fault(
            f"the entry is {written.kind_of(body)}, not a mapping",
            "write at least type: and filepath: below its name",
        )
        return None, entry.faults
    dataset = _read(entry)
    return (None if entry.faults else dataset), entry.faults


def check_factory(pattern: str, body: Any, context: written.Context) -> list[errors.Fault]:
    """What is wrong with a factory, whichever dataset it will stand for."""
    entry = written.Entry(pattern, body, context)
    known = list(factories.sample(pattern))
    for placeholder in dict.fromkeys(factories.unknown(pattern, entry.body)):
        entry.fault(
            f"the placeholder {{{placeholder}}} is not in its name",
            errors.did_you_mean(placeholder, known, f"the name has {', '.join(known)}"),
        )
    if any("{" in str(entry.body.get(key, "")) for key in ("type", "credentials", "dataset")):
        return entry.faults  # what these name is known when a dataset fits
    sample = factories.fill(entry.body, factories.sample(pattern)) if isinstance(body, Mapping) else body
    return entry.faults + read(pattern, sample, context)[1]


def _read(entry: written.Entry) -> datasets.Dataset | None:
    wanted = entry.body.get("type")
    if not isinstance(wanted, str) or not wanted:
        entry.fault("it has no type", "add type: pandas.CSVDataset, or another", "type")
        return None
    name = kinds.canonical(wanted)
    if name == kinds.MEMORY:
        entry.check_keys(_FOR_MEMORY, name)
        return datasets.Dataset(entry.name, name, "memory", **entry.said())
    if name in kinds.FOLDERS:
        return _of_folder(entry, name)
    if name in kinds.KINDS:
        return _file(entry, kinds.KINDS[name])
    if name in kinds.OBJECTS:
        return _our_object(entry, kinds.OBJECTS[name])
    paths = naming.paths_of(entry, wanted, name)
    return _their_object(entry, name, paths) if paths else None


def _of_folder(entry: written.Entry, name: str) -> datasets.Dataset | None:
    foldered = importlib.import_module("tane.catalog.foldered")  # few catalogs need it
    dataset: datasets.Dataset | None = foldered.read(entry, name)
    return dataset


# -- files -------------------------------------------------------------------------------------------------


def _file(entry: written.Entry, kind: kinds.Kind) -> datasets.Dataset | None:
    entry.check_keys((*KEYS, *sorted(kind.keys)), kind.name)
    said = entry.said()
    load_args, save_args = dict(entry.mapping("load_args")), dict(entry.mapping("save_args"))
    written.encodings(entry, kind.name, load_args, save_args)
    more = written.own_keys(entry, kind)
    filepath = entry.body.get("filepath")
    place = written.place(entry, "filepath", "data/...")
    if place is None or not isinstance(filepath, str):
        return None
    filename = places.filename(filepath)
    compression = streams.compression_of(filename)
    suffix = Path(filename.rpartition(".")[0] if compression else filename).suffix.lower()
    spec = {"type": kind.name, "format": written.FORMAT, "suffix": suffix, "compression": compression, **more}
    try:
        format_ = kind.make(contract.Options(suffix, compression, load_args, save_args, more))
    except contract.EntryProblem as problem:
        entry.fault(problem.what, problem.hint)
        return None
    return datasets.Dataset(
        entry.name,
        kind.name,
        "file",
        place.shown,
        place.local,
        **said,
        load_spec={**spec, "load_args": load_args},
        save_spec={**spec, "save_args": save_args},
        needs=(kind.module or str(more.get("backend", "")), kind.extra or "all"),
        format=format_,
        remote=place.remote,
        refresh=entry.refresh(local=place.local is not None),
        credentials=entry.credentials_name,
    )


# -- objects -------------------------------------------------------------------------------------------------


def _our_object(entry: written.Entry, kind: kinds.ObjectKind) -> datasets.Dataset | None:
    entry.check_keys((*_OF_OBJECTS, *sorted(kind.keys)), kind.name)
    said = entry.said()
    load_args, save_args = entry.mapping("load_args"), entry.mapping("save_args")
    own = {key: entry.body[key] for key in sorted(kind.keys) if entry.body.get(key) is not None}
    for key in sorted(kind.required):
        if key not in own:
            entry.fault(f"it has no {key}", f"add {key}: ...", key)
    options = {**own, "load_args": load_args, "save_args": save_args}
    if entry.body.get("credentials") is not None:
        options["credentials"] = entry.credentials(pair=True)
    only_written = kind.write_only
    if kind.name == checks.NAME:
        for key, what, hint in checks.faults(own, load_args, save_args):
            entry.fault(what, hint, key)
        load_args, save_args = checks.of_content(load_args), checks.of_content(save_args)
        only_written = checks.is_only_written(own, entry.body)
    spec = {"type": kind.name, "format": written.FORMAT}
    stated = {key: value for key, value in own.items() if key != "url"}
    return datasets.Dataset(
        entry.name,
        kind.name,
        "object",
        _called(own, kind.name),
        None,
        **said,
        load_spec={**spec, "options": {**stated, "load_args": load_args}},
        save_spec={**spec, "options": {**stated, "save_args": save_args}},
        needs=(kind.module, kind.extra or "all"),
        instance=foreign.Foreign((kind.make,), options, ours=True, root=entry.context.root),
        refresh=entry.refresh(local=False),
        credentials=entry.credentials_name,
        only_written=only_written,
        only_read=kind.read_only,
    )


def _called(own: Mapping[str, Any], otherwise: str) -> str:
    """How messages call the place of an object of ours."""
    if isinstance(own.get("url"), str):
        return places.shown(own["url"], Path())
    for key in ("table_name", "filepath"):
        if isinstance(own.get(key), str):
            return str(own[key])
    return otherwise


def _their_object(entry: written.Entry, name: str, paths: tuple[str, ...]) -> datasets.Dataset:
    said = entry.said()
    options = {key: value for key, value in entry.body.items() if key not in written.OURS}
    spec = {
        "type": name,
        "options": {key: value for key, value in options.items() if key not in ("filepath", "credentials")},
    }
    if "credentials" in options:
        options["credentials"] = entry.credentials()
    local, place, filepath = None, name, options.get("filepath")
    if isinstance(filepath, str):
        local = places.local_path(filepath, entry.context.root)
        place = places.shown(filepath, entry.context.root)
        options["filepath"] = filepath if local is None else str(local)
    return datasets.Dataset(
        entry.name,
        name,
        "object",
        place,
        local,
        **said,
        load_spec=spec,
        save_spec=spec,
        instance=foreign.Foreign(paths, options),
        refresh=entry.refresh(local=False),
        credentials=entry.credentials_name,
    )
