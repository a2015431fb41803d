"""From an entry of catalog.yml to a dataset. Notes every fault it finds, so that a user mends the file once.

An entry has the keys `type filepath load_args save_args fs_args credentials versioned metadata layer keep`,
and what its type takes besides. `versioned` is accepted: every version of a file is in the store, and the
newest one stands at the plain path.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tane import errors
from tane.catalog import datasets, factories, foreign, kinds, places
from tane.catalog.formats import contract, objects, streams
from tane.config import origins

Origin = Callable[..., origins.Origin]  # the keys that lead to a value -> where it was written

KEYS = (
    "type",
    "filepath",
    "load_args",
    "save_args",
    "fs_args",
    "credentials",
    "versioned",
    "metadata",
    "layer",
    "keep",
)
_FOR_MEMORY = ("type", "metadata", "layer", "keep", "copy_mode")
_OURS = ("type", "versioned", "metadata", "layer", "keep")
_KEEP = ("all", "last", "none")
_FORMAT = 1  # raised when a format of ours starts to read or write otherwise


@dataclass(frozen=True, slots=True)
class Context:
    """What entries refer to."""

    credentials: Mapping[str, Any]
    root: Path
    origin: Origin | None = None


class Entry:
    """One entry while it is read: its name, its name in the file, its body and the faults found in it."""

    def __init__(self, name: str, body: Any, context: Context, written: str = "") -> None:
        self.name = name
        self.written = written or name
        self.body: dict[str, Any] = places.plain(body) if isinstance(body, Mapping) else {}
        self.context = context
        self.faults: list[errors.Fault] = []

    def where(self, *keys: str) -> str:
        """File and line of the entry or one of its keys; empty when unknown."""
        if self.context.origin is None:
            return ""
        found = self.context.origin("catalog", self.written, *keys)
        return "" if found.kind == origins.NOWHERE else str(found)

    def fault(self, what: str, hint: str, *keys: str) -> None:
        """Note a mistake at one of the entry's keys."""
        self.faults.append(errors.Fault(f"dataset {self.written!r}: {what}", self.where(*keys), hint))

    def mapping(self, key: str) -> dict[str, Any]:
        """The value of a key that takes a mapping."""
        value = self.body.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.fault(f"{key} is {_kind_of(value)}, not a mapping", f"write {key}: {{key: value}}", key)
            return {}
        return value


def read(
    name: str, body: Any, context: Context, written: str = ""
) -> tuple[datasets.Dataset | None, list[errors.Fault]]:
    """The dataset that an entry describes, or None, and its faults. `written` is the name of its factory."""
    entry = Entry(name, body, context, written)
    if not isinstance(body, Mapping):
        entry.fault(
            f"the entry is {_kind_of(body)}, not a mapping",
            "write at least type: and filepath: below its name",
        )
        return None, entry.faults
    dataset = _read(entry)
    return (None if entry.faults else dataset), entry.faults


def check_factory(pattern: str, body: Any, context: Context) -> list[errors.Fault]:
    """What is wrong with a factory, whichever dataset it will stand for."""
    entry = Entry(pattern, body, context)
    known = list(factories.sample(pattern))
    for placeholder in dict.fromkeys(factories.unknown(pattern, entry.body)):
        entry.fault(
            f"the placeholder {{{placeholder}}} is not in its name",
            errors.did_you_mean(placeholder, known, f"the name has {', '.join(known)}"),
        )
    if any("{" in str(entry.body.get(key, "")) for key in ("type", "credentials")):
        return entry.faults  # what these name is known when a dataset fits
    sample = factories.fill(entry.body, factories.sample(pattern)) if isinstance(body, Mapping) else body
    return entry.faults + read(pattern, sample, context)[1]


def _read(entry: Entry) -> datasets.Dataset | None:
    written = entry.body.get("type")
    if not isinstance(written, str) or not written:
        entry.fault("it has no type", "add type: pandas.CSVDataset, or another", "type")
        return None
    name = kinds.canonical(written)
    if name == kinds.MEMORY:
        _check_keys(entry, _FOR_MEMORY, name)
        return datasets.Dataset(entry.name, name, "memory", **_said(entry))
    kind = kinds.KINDS.get(name)
    if kind is not None:
        return _file(entry, kind)
    paths = _foreign_paths(entry, written, name)
    return _object(entry, name, paths) if paths else None


def _said(entry: Entry) -> dict[str, Any]:
    """The keys that every dataset has, checked."""
    keep = entry.body.get("keep")
    if keep is not None and keep not in _KEEP:
        entry.fault(f"keep is {keep!r}", f"choose one of {', '.join(_KEEP)}", "keep")
    versioned = entry.body.get("versioned", False)
    if not isinstance(versioned, bool):
        entry.fault(f"versioned is {versioned!r}", "write true or false", "versioned")
    metadata = entry.mapping("metadata")
    viz = metadata.get("kedro-viz")
    layer = entry.body.get("layer") or metadata.get("layer") or (viz.get("layer") if isinstance(viz, dict) else None)
    return {
        "layer": str(layer or ""),
        "metadata": metadata,
        "keep": keep,
        "versioned": versioned,
        "where": entry.where(),
    }


def _file(entry: Entry, kind: kinds.Kind) -> datasets.Dataset | None:
    _check_keys(entry, (*KEYS, *sorted(kind.keys)), kind.name)
    said = _said(entry)
    load_args, save_args, fs_args = (entry.mapping(key) for key in ("load_args", "save_args", "fs_args"))
    credentials = _credentials(entry)
    more = {key: entry.body[key] for key in sorted(kind.keys) if entry.body.get(key) is not None}
    _check_more(entry, more)
    filepath = entry.body.get("filepath")
    if not isinstance(filepath, str) or not filepath.strip():
        entry.fault("it has no filepath", "add filepath: data/...", "filepath")
        return None
    local = places.local_path(filepath, entry.context.root)
    place = places.shown(filepath, entry.context.root)
    compression = streams.compression_of(filepath)
    stem = filepath.rpartition(".")[0] if compression else filepath
    suffix = Path(stem.rstrip("/").rpartition("/")[2]).suffix.lower()
    spec = {"type": kind.name, "format": _FORMAT, "suffix": suffix, "compression": compression, **more}
    remote = None
    if local is None:
        opened = {k: v for k, v in fs_args.items() if not k.startswith("open_args_")}
        remote = places.Remote(filepath, place, {**opened, **credentials})
    return datasets.Dataset(
        entry.name,
        kind.name,
        "file",
        place,
        local,
        **said,
        load_spec={**spec, "load_args": load_args},
        save_spec={**spec, "save_args": save_args},
        needs=(kind.module or str(more.get("backend", "")), kind.extra or "all"),
        format=kind.make(contract.Options(suffix, compression, load_args, save_args, more)),
        remote=remote,
    )


def _object(entry: Entry, name: str, paths: tuple[str, ...]) -> datasets.Dataset:
    said = _said(entry)
    options = {key: value for key, value in entry.body.items() if key not in _OURS}
    spec = {
        "type": name,
        "options": {key: value for key, value in options.items() if key not in ("filepath", "credentials")},
    }
    if "credentials" in options:
        options["credentials"] = _credentials(entry)
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
    )


def _foreign_paths(entry: Entry, written: str, name: str) -> tuple[str, ...]:
    """Where the class of a type that is not ours may be; empty, with a fault noted, if it can be nowhere."""
    head, dot, _ = name.partition(".")
    if not dot:
        points = foreign.entry_points()
        if written in points:
            return (points[written],)
        known = [*kinds.names(), *points]
        otherwise = f"choose one of {', '.join(sorted(kinds.KINDS))}, or give your class's dotted path"
        entry.fault(f"there is no type {written!r}", errors.did_you_mean(written, known, otherwise), "type")
        return ()
    if head in kinds.FAMILIES:
        if importlib.util.find_spec("kedro_datasets") is not None:
            return (f"kedro_datasets.{name}",)
        family = [known for known in kinds.KINDS if _head(known) == head]
        import difflib  # only a mistake needs it

        # all these names end alike: only a slip of the pen is near
        near = difflib.get_close_matches(name, family, n=1, cutoff=0.9)
        otherwise = f"ours are {', '.join(family)}; pip install kedro-datasets for Kedro's others"
        entry.fault(f"there is no type {written!r}", f"did you mean {near[0]!r}?" if near else otherwise, "type")
        return ()
    if importlib.util.find_spec(head) is None:
        last = name.rpartition(".")[2]
        near = [known for known in kinds.KINDS if known.endswith("." + last) and errors.nearest(head, [_head(known)])]
        if near:
            entry.fault(f"there is no type {written!r}", f"did you mean {near[0]!r}?", "type")
            return ()
    return (name, f"kedro_datasets.{name}")


def _head(name: str) -> str:
    return name.partition(".")[0]


def _credentials(entry: Entry) -> dict[str, Any]:
    named = entry.body.get("credentials")
    if named is None:
        return {}
    if isinstance(named, dict):
        return named
    if not isinstance(named, str):
        entry.fault(f"credentials is {_kind_of(named)}", "give the name of an entry of credentials.yml", "credentials")
        return {}
    known = entry.context.credentials
    if named not in known:
        hint = errors.did_you_mean(named, map(str, known), "add it to conf/local/credentials.yml")
        entry.fault(f"there are no credentials {named!r}", hint, "credentials")
        return {}
    found = places.plain(known[named])
    if not isinstance(found, dict):
        entry.fault(
            f"the credentials {named!r} are no mapping",
            "write them as keys and values in credentials.yml",
            "credentials",
        )
        return {}
    return found


def _check_more(entry: Entry, more: Mapping[str, Any]) -> None:
    backend = more.get("backend", "pickle")
    if backend not in objects.BACKENDS:
        hint = errors.did_you_mean(str(backend), objects.BACKENDS, f"choose one of {', '.join(objects.BACKENDS)}")
        entry.fault(f"there is no backend {backend!r}", hint, "backend")
    packing = more.get("compression", "gzip")
    if packing not in ("gzip", "bz2", "xz"):
        entry.fault(f"there is no compression {packing!r}", "choose one of gzip, bz2, xz", "compression")


def _check_keys(entry: Entry, known: Iterable[str], kind: str) -> None:
    allowed = list(known)
    for key in entry.body:
        if key not in allowed:
            hint = errors.did_you_mean(str(key), allowed, f"{kind} takes {', '.join(allowed)}")
            entry.fault(f"{kind} takes no key {str(key)!r}", hint, str(key))


def _kind_of(value: Any) -> str:
    if value is None:
        return "empty"
    return {str: "text", list: "a list", bool: "true or false", int: "a number", float: "a number"}.get(
        type(value), f"a {type(value).__name__}"
    )
