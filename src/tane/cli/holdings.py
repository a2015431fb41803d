"""What a project holds, gathered for `tane data`: its datasets, who makes and takes them, what they were last.

User code is imported for producers and consumers alone: while it does not import, they are unknown and the rest is told
all the same.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tane import errors, fielded
from tane.catalog import catalogs, datasets, factories, masking
from tane.cli import glimpse, tables
from tane.ledger import connection, newest, read, records
from tane.pipeline import graph, nodes
from tane.project import layout, projects
from tane.runs import sources
from tane.store import objects

_FACTS = ("metadata", "load_args", "save_args", "options", "credentials", "refresh", "keep", "versioned")
_TOLD = frozenset({"type", "filepath", "layer", *_FACTS})  # of an entry: elsewhere


@fielded.mutable
class Holdings:
    """A project looked at. `pipelines` is None while its code does not import; `notes` say what could not be seen."""

    project: projects.Project
    catalog: catalogs.Catalog
    pipelines: Mapping[str, graph.Pipeline] | None
    last: Mapping[str, newest.Newest]
    notes: list[str] = fielded.field(default_factory=list)

    def names(self) -> list[str]:
        """Every dataset: those with an entry in the order of the files, then those that only pipelines name."""
        used = {name for pipeline in (self.pipelines or {}).values() for name in pipeline.datasets()}
        return list(dict.fromkeys([*self.catalog.names(), *sorted(used)]))

    def producer(self, name: str) -> str | None:
        """The node that makes a dataset; empty when none does, None when nobody knows."""
        if self.pipelines is None:
            return None
        found = (pipeline.producer(name) for pipeline in self.pipelines.values())
        return next((node.name for node in found if node is not None), "")

    def consumers(self, name: str) -> list[str] | None:
        """The nodes that take a dataset; None when nobody knows."""
        if self.pipelines is None:
            return None
        found = (node.name for pipeline in self.pipelines.values() for node in pipeline.consumers(name))
        return list(dict.fromkeys(found))


def look(path: str, environments: Sequence[str]) -> Holdings:
    """The project at `path`. Raises for a configuration or catalog that does not hold together."""
    project = projects.open_project(path, env=environments)
    catalog = project.catalog
    notes: list[str] = []
    pipelines: Mapping[str, graph.Pipeline] | None = None
    try:
        pipelines = project.pipelines()
    except (errors.UserCodeError, errors.PipelineError, errors.ProjectError) as error:
        fault = error.faults[0]
        place = f"{fault.where}: " if fault.where else ""
        notes.append(f"producers and consumers are unknown: {place}{fault.what}")
    ledger = connection.open_ledger(project.ledger, create=False)
    try:
        last = newest.newest(ledger)
    finally:
        ledger.close()
    return Holdings(project, catalog, pipelines, last, notes)


# --- all of them ----------------------------------------------------------------------------------------------------


def listing(held: Holdings) -> dict[str, Any]:
    """Every dataset in short, and the factories with what comes out of them."""
    names = held.names()
    return {
        "datasets": [_brief(held, name) for name in names],
        "factories": [{"pattern": each, "matches": _matches(held, each)} for each in held.catalog.patterns()],
        "notes": held.notes,
    }


def _brief(held: Holdings, name: str) -> dict[str, Any]:
    dataset = held.catalog.entry(name)
    last = held.last.get(nodes.base_name(name))
    return {
        "name": name,
        "type": dataset.type if dataset else "",
        "place": dataset.place if dataset and dataset.kind != "memory" else "",
        "layer": _layer(dataset, held.project.root),
        "version": last.kept.digest if last else "",
        "written": tables.iso(_written(dataset) or (last.at if last and dataset is None else 0.0)),
        "producer": held.producer(name),
    }


def _layer(dataset: datasets.Dataset | None, root: Path) -> str:
    """The layer an entry names, else the one its folder stands for."""
    if dataset is None or dataset.layer or dataset.local is None or not dataset.local.is_relative_to(root):
        return dataset.layer if dataset else ""
    parts = dataset.local.relative_to(root).parts
    return next((part for part in parts if part in layout.LAYERS), "")


def _written(dataset: datasets.Dataset | None) -> float:
    """When a dataset's file was last written; 0 when that cannot be seen from here."""
    if dataset is None or dataset.local is None:
        return 0.0
    try:
        return os.stat(dataset.local).st_mtime
    except OSError:
        return 0.0


def _matches(held: Holdings, pattern: str) -> list[str]:
    """The datasets of pipelines that come out of this factory."""
    return [name for name in held.names() if _factory(held.catalog, name) == pattern]


def _factory(catalog: catalogs.Catalog, name: str) -> str:
    if name in catalog.names():
        return ""
    found = (pattern for pattern in catalog.patterns() if factories.match(pattern, name) is not None)
    return next(found, "")


# --- one of them ----------------------------------------------------------------------------------------------------


def describe(held: Holdings, name: str, *, preview: bool) -> dict[str, Any]:
    """All that is known of one dataset, or of one factory. Raises `errors.UsageError` for a name nobody has."""
    if name in held.catalog.patterns():
        return {
            "pattern": name,
            "entry": _entry(held, name, name),
            "matches": _matches(held, name),
            "notes": held.notes,
        }
    if name not in held.names() and held.catalog.entry(name) is None and name not in held.last:
        raise _unknown(held, name)
    dataset = held.catalog.entry(name)
    factory = _factory(held.catalog, name)
    facts = dataset.facts() if dataset else {}
    body = _entry(held, factory or name, name)
    known = {
        **_brief(held, name),
        "kind": dataset.kind if dataset else "memory",
        "where": dataset.where if dataset else "",
        "factory": factory,
        "exists": dataset.local.exists() if dataset and dataset.local else None,
        **{key: facts.get(key) for key in _FACTS},
        "checks": body.get("checks"),
        "settings": {
            key: each for key, each in body.items() if key not in {*_TOLD, "checks", *facts.get("options", ())}
        },
        "consumers": held.consumers(name),
        "pipelines": _pipelines(held, name),
        "notes": held.notes,
    }
    ledger = connection.open_ledger(held.project.ledger, create=False)
    try:
        versions = read.versions(ledger, nodes.base_name(name))
    finally:
        ledger.close()
    kept = versions[0].kept if versions else None
    known |= {
        "versions": len(versions),
        "since": tables.iso(versions[0].at) if versions else None,
        "run": versions[0].run if versions else "",
        "bytes": kept.bytes if kept else _size(dataset),
    }
    known["preview"] = _preview(held, dataset, kept) if preview else None
    return known


def _unknown(held: Holdings, name: str) -> errors.UsageError:
    known = [*held.names(), *held.catalog.patterns(), *held.last]
    if name.startswith(nodes.PARAM) or name == nodes.PARAMETERS:
        hint = f"parameters are shown by tane config show {name.removeprefix(nodes.PARAM)}".replace(" parameters", "")
        return errors.UsageError(f"{name!r} is a parameter, not a dataset", hint=hint)
    return errors.UsageError(
        f"there is no dataset {name!r}", hint=errors.did_you_mean(name, known, "tane data list shows those there are")
    )


def _entry(held: Holdings, written: str, name: str) -> dict[str, Any]:
    """The entry as it was composed, of a factory filled in, without what is secret; of its credentials the name."""
    body = held.project.config.plain().get("catalog", {}).get(written)
    if not isinstance(body, dict):
        return {}
    meaning = factories.match(written, name) if written != name else None
    found = dict(factories.fill(body, meaning)) if meaning else dict(body)
    named = found.pop("credentials", None)
    shown = dict(masking.arguments(found))
    if named is not None:
        shown["credentials"] = named if isinstance(named, str) else "(in the entry itself)"
    return shown


def _pipelines(held: Holdings, name: str) -> list[str] | None:
    if held.pipelines is None:
        return None
    return [label for label, pipeline in held.pipelines.items() if name in pipeline.datasets()]


def _size(dataset: datasets.Dataset | None) -> int | None:
    if dataset is None or dataset.local is None or not dataset.local.is_file():
        return None
    return dataset.local.stat().st_size


# --- a look at its value --------------------------------------------------------------------------------------------


def _preview(held: Holdings, dataset: datasets.Dataset | None, kept: records.Kept | None) -> dict[str, Any]:
    """What the value looks like. Whatever goes wrong is said in its place: a look must not fail."""
    try:
        with _quiet():
            return _look_at(held, dataset, kept)
    except errors.TaneError as error:
        return {"is": f"cannot be shown: {error.faults[0].what}", "lines": []}
    except Exception as error:  # formats, values and their classes are others' code
        return {"is": f"cannot be shown: {type(error).__name__}: {error}".rstrip(": "), "lines": []}


def _look_at(held: Holdings, dataset: datasets.Dataset | None, kept: records.Kept | None) -> dict[str, Any]:
    local = dataset.local if dataset is not None else None
    if dataset is not None and dataset.write_only:
        return {"is": "made to be looked at, not to be loaded", "lines": []}
    if dataset is not None and dataset.kind == "file" and local is not None and local.exists():
        if local.is_dir() or local.stat().st_size > glimpse.LARGEST:
            return glimpse.of_file(local)
        return glimpse.of_value(dataset.read(local))
    if kept is not None and (kept.value or kept.file):
        if kept.bytes > glimpse.LARGEST:
            return {"is": f"{tables.size(kept.bytes)}, too large to be loaded for a look", "lines": []}
        held.project.use_code()
        with objects.Objects(held.project.store, read_only=True) as store:
            return glimpse.of_value(sources.decode(kept, dataset, store))
    if dataset is not None and dataset.kind == "object" and local is not None and local.is_file():
        return glimpse.of_value(dataset.load())
    if dataset is not None and dataset.kind != "memory" and local is None:
        return {"is": "lies elsewhere: tane.open_project().load(...) loads it", "lines": []}
    return {"is": "nothing yet: run the pipeline that makes it", "lines": []}


@contextmanager
def _quiet() -> Any:
    """Inside, warnings of those who read a value are for nobody."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
