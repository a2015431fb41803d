"""What of a pipeline differs from window to window: which nodes, which sources, which outputs have places of their own.

Found once for a backfill, from the graph and from the catalogs of two windows. Called by `backfills`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tane import errors, fielded
from tane.catalog import catalogs, datasets
from tane.pipeline import graph, nodes
from tane.runs import windows

PARAMETER = "window"
SOMEWHERE = windows.Window("9999-12-30T00:00:00", "9999-12-31T00:00:00", "9999-12-30T0000")
"""A window to compare with another one."""


@fielded.frozen
class Windowed:
    """The parts that differ, by name.

    `nodes` do other work in each window, `sources` are read from another place. `placed` are outputs with a path of
    their own for each window, `parts` those whose partitions go into a folder that the windows share. `unplaced` are
    files that all windows would write to one path.
    """

    nodes: frozenset[str]
    sources: frozenset[str]
    placed: frozenset[str]
    parts: frozenset[str]
    unplaced: tuple[str, ...]


def with_window(parameters: Mapping[str, Any], window: windows.Window) -> dict[str, Any]:
    """The parameters of one window: `window.start`, `window.end` and `window.label` are its own."""
    there = parameters.get(PARAMETER)
    return {**parameters, PARAMETER: {**(there or {}), **window.parameters}}


def without_window(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that all windows have alike."""
    there = parameters.get(PARAMETER)
    rest = {key: value for key, value in (there or {}).items() if key not in windows.Window._fields}
    return {**parameters, PARAMETER: rest}


def check_parameters(parameters: Mapping[str, Any], where: str) -> None:
    """Refuse a parameter called `window` that is something else."""
    there = parameters.get(PARAMETER)
    if there is not None and not isinstance(there, Mapping):
        raise errors.ConfigError(
            f"parameter {PARAMETER!r} is {there!r}, and a backfill sets {PARAMETER}.start, .end and .label",
            where=where,
            hint="give that parameter another name",
        )


def check_overrides(overrides: Sequence[str]) -> None:
    """Refuse overrides of what a backfill sets for each window."""
    own = {PARAMETER, *(f"{PARAMETER}.{name}" for name in windows.Window._fields)}
    for text in overrides:
        if text.strip().lstrip("+~").partition("=")[0].strip() in own:
            raise errors.UsageError(
                f"{text}: a backfill sets {PARAMETER}.start, .end and .label for each window",
                hint="leave it away, or run that one window: tane run",
            )


def look(pipeline: graph.Pipeline, one: catalogs.Catalog, other: catalogs.Catalog) -> Windowed:
    """Compare the catalogs of two windows, and follow what differs through the pipeline.

    Raises one error for all outputs that windows would take from each other, and `errors.PipelineError` when nothing
    differs at all.
    """
    differ = {name for name in pipeline.datasets() if _facts(one.find(name)) != _facts(other.find(name))}
    free = set(pipeline.free_inputs())
    read_differently = {name for name in differ if name in free or _loads(one, name) != _loads(other, name)}
    found = _nodes(pipeline, read_differently)
    if not found:
        takes = sorted({nodes.parameter_key(name) for name in pipeline.parameters()} - {""})
        raise errors.PipelineError(
            "nothing in the pipeline depends on the window: every one would be the same",
            hint="let a node take params:window.start and params:window.end, or write ${params:window.label} into a "
            "path of what it reads" + (f" (it takes: {', '.join(takes[:8])})" if takes else ""),
        )
    made = [name for node in pipeline.nodes for name in node.outputs]
    _check(pipeline, found, differ, one)
    files = {name: dataset for name in made if (dataset := one.find(name)) is not None and dataset.kind != "memory"}
    placed = {name for name, dataset in files.items() if _place(dataset) != _place(other.find(name))}
    parts = {name for name in files.keys() - placed if files[name].partitioned and files[name].local is not None}
    return Windowed(
        nodes=frozenset(found),
        sources=frozenset(differ & free),
        placed=frozenset(placed),
        parts=frozenset(parts),
        unplaced=tuple(name for name in files if name not in placed | parts and files[name].kind == "file"),
    )


def _nodes(pipeline: graph.Pipeline, read_differently: set[str]) -> set[str]:
    found: set[str] = set()
    touched = set(map(nodes.base_name, read_differently))
    for node in pipeline.nodes:
        if any(_is_window(n) if nodes.is_parameter(n) else nodes.base_name(n) in touched for n in node.needs):
            found.add(node.name)
            touched.update(map(nodes.base_name, node.outputs))
    return found


def _is_window(name: str) -> bool:
    """Whether a parameter is the window, or a part of it, or all parameters."""
    return nodes.parameter_key(name).partition(".")[0] in (PARAMETER, "")


def _check(pipeline: graph.Pipeline, found: set[str], differ: set[str], catalog: catalogs.Catalog) -> None:
    """Outputs through which one window would see another."""
    faults: list[errors.Fault] = []
    for node in pipeline.nodes:
        if node.name not in found:
            continue
        for name in node.outputs:
            dataset = catalog.find(name)
            if dataset is None or name in differ:
                continue
            if dataset.accumulates:
                what = f"output {name!r} adds to what lies in its folder: a window would depend on those before it"
                hint = "take overwrite: false away: a backfill puts the partitions of all windows side by side"
                faults.append(errors.Fault(what, dataset.where, hint))
            elif dataset.kind == "object":
                what = f"output {name!r} ({dataset.type}) is saved by every window to the same place"
                hint = "write ${params:window.label} into its entry, or take the entry away: values are kept anyway"
                faults.append(errors.Fault(what, dataset.where, hint))
    if faults:
        raise errors.CatalogError.of(faults, "windows would overwrite each other")


def _facts(dataset: datasets.Dataset | None) -> Mapping[str, Any]:
    return {} if dataset is None else dataset.facts()


def _loads(catalog: catalogs.Catalog, name: str) -> Mapping[str, Any]:
    dataset = catalog.find(name)
    return {} if dataset is None else dataset.load_spec


def _place(dataset: datasets.Dataset | None) -> str:
    """Where it is saved; an object of its own kind may hide that among its options."""
    if dataset is None:
        return ""
    return repr(dataset.facts()) if dataset.kind == "object" else dataset.place
