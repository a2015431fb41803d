"""What can be known to be wrong before anything runs: parameters that are missing or of the wrong type, datasets that
can only be written but are taken. All faults at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tane import errors
from tane.catalog import catalogs, datasets
from tane.config import checking, origins
from tane.pipeline import graph, nodes
from tane.plan import wants


def check(
    pipeline: graph.Pipeline,
    parameters: Mapping[str, Any],
    origin: Callable[..., origins.Origin],
    catalog: catalogs.Catalog,
    reserved: Mapping[Path, str],
    whole: graph.Pipeline | None = None,
) -> dict[str, dict[str, Any]]:
    """Check parameters and datasets; the parameters that annotations turn into something else, by node and input.

    `reserved` are paths that no output may be written to, or into, with what they are; `whole` is the pipeline that
    `pipeline` is a part of. Raises one error with every fault.
    """
    faults = [
        errors.Fault(
            f"dataset {name!r} ({dataset.type}) can only be written, and {node.name} takes it",
            f"node {node.name!r}",
            "take the value it is made from instead, or choose a type that can be loaded",
        )
        for node in pipeline.nodes
        for name in node.data_inputs
        if (dataset := catalog.find(name)) is not None and dataset.write_only
    ]
    faults += [
        errors.Fault(
            f"output {name!r} of {node.name} is to go to {dataset.place}, which can only be read",
            f"node {node.name!r}",
            "catalogue it at a place that can be written",
        )
        for node in pipeline.nodes
        for name in node.outputs
        if (dataset := catalog.find(name)) is not None and dataset.read_only
    ]
    faults += _places(pipeline, catalog, reserved)
    faults += _apart(pipeline, catalog)
    for node in pipeline.nodes:
        faults += _order(node, whole or pipeline)
        faults += _chunks(node, catalog)
        faults += _forms(node, catalog)
        faults += _confirmed(node, catalog)
    wanted = wants.of(pipeline)
    try:
        checking.check_parameters(wanted, parameters, origin)
    except errors.ConfigError as error:
        faults.extend(error.faults)
    if faults:
        raise errors.ConfigError.of(faults, "the run cannot start")
    return wants.converted(wanted, parameters)


def convert(
    wanted: list[checking.Want], parameters: Mapping[str, Any], origin: Callable[..., origins.Origin]
) -> dict[str, dict[str, Any]]:
    """As `check`, for other parameters of a pipeline that was checked before: nothing else is looked at."""
    checking.check_parameters(wanted, parameters, origin)
    return wants.converted(wanted, parameters)


def _order(node: nodes.Node, whole: graph.Pipeline) -> list[errors.Fault]:
    """Names in `after=` that no node has: most likely misspelt, and then there would be no order at all."""
    return [
        errors.Fault(
            f"after={name!r} names no node of the pipeline",
            f"node {node.name!r}",
            errors.did_you_mean(name, whole.by_name, f"its nodes are: {', '.join(list(whole.by_name)[:12])}"),
        )
        for name in node.after
        if name not in whole.by_name
    ]


def _chunks(node: nodes.Node, catalog: catalogs.Catalog) -> list[errors.Fault]:
    """Outputs made chunk by chunk whose files can neither be written so nor hold a list of the chunks."""
    if not node.streams:
        return []
    return [
        errors.Fault(
            f"{node.name} yields {name!r} chunk by chunk, and a {dataset.type} cannot be written so",
            f"node {node.name!r}",
            "return it whole, or use a type that takes chunks, such as pandas.CSVDataset or pandas.ParquetDataset",
        )
        for name in node.outputs
        if (dataset := catalog.find(name)) is not None
        and not (dataset.kind == "file" and (dataset.streams or dataset.faithful))
    ]


def _forms(node: nodes.Node, catalog: catalogs.Catalog) -> list[errors.Fault]:
    """Transcoded names ("cars@pandas") without a file of their own that both forms could share."""
    return [
        errors.Fault(
            f"dataset {name!r} is one of several forms of a file, and the catalog has no file for it",
            f"node {node.name!r}",
            f"add {name!r} to the catalog, with the filepath of its other forms",
        )
        for name in (*node.data_inputs, *node.outputs)
        if "@" in name and ((dataset := catalog.find(name)) is None or dataset.kind != "file")
    ]


def _apart(pipeline: graph.Pipeline, catalog: catalogs.Catalog) -> list[errors.Fault]:
    """Forms of one dataset ("cars@txt", "cars@json") that a node makes and that lie at different places."""
    forms: dict[str, list[str]] = {}
    for name in sorted(pipeline.datasets()):
        if "@" in name and pipeline.producer(name) is not None:
            forms.setdefault(nodes.base_name(name), []).append(name)
    faults = []
    for base, names in forms.items():
        kept = [(name, dataset) for name in names if (dataset := catalog.find(name)) is not None]
        for name, dataset in kept[1:]:
            first, other = kept[0]
            if _at(dataset) != _at(other):
                faults.append(
                    errors.Fault(
                        f"{first!r} and {name!r} are forms of one dataset {base!r}, but lie at two places: "
                        f"{other.place} and {dataset.place}",
                        dataset.where,
                        "give both the same filepath, or other names than forms of one",
                    )
                )
    return faults


def _at(dataset: datasets.Dataset) -> str:
    return dataset.place if dataset.local is None else os.path.realpath(dataset.local)


def _confirmed(node: nodes.Node, catalog: catalogs.Catalog) -> list[errors.Fault]:
    """Names in `confirms=` that are no datasets, or none that keeps count of what was seen."""
    return [
        errors.Fault(
            f"confirms={name!r} names no incremental dataset of the catalog",
            f"node {node.name!r}",
            errors.did_you_mean(name, catalog.names(), "catalogue it as partitions.IncrementalDataset"),
        )
        for name in node.confirms
        if (dataset := catalog.find(name)) is None
        or not (dataset.kind == "object" or hasattr(dataset.format, "confirm"))
    ]


def _places(pipeline: graph.Pipeline, catalog: catalogs.Catalog, reserved: Mapping[Path, str]) -> list[errors.Fault]:
    """Outputs that would overwrite another dataset, code, configuration or what Tane keeps."""
    local = {
        name: Path(os.path.realpath(dataset.local))
        for name in sorted(pipeline.datasets())
        if (dataset := catalog.find(name)) is not None and dataset.local is not None
    }
    owners: dict[Path, str] = {}
    for name, path in local.items():
        if pipeline.producer(name) is None:
            owners.setdefault(path, name)
    faults = []
    for name, path in local.items():
        if pipeline.producer(name) is None:
            continue
        dataset = catalog.find(name)
        where = dataset.where if dataset is not None else ""
        other = owners.setdefault(path, name)
        if nodes.base_name(other) != nodes.base_name(name):
            faults.append(
                errors.Fault(
                    f"datasets {other!r} and {name!r} have the same file {path}", where, "give each its own filepath"
                )
            )
        for above in path.parents:
            if nodes.base_name(owners.get(above, name)) != nodes.base_name(name):
                faults.append(
                    errors.Fault(
                        f"dataset {name!r} lies inside the folder of dataset {owners[above]!r}",
                        where,
                        "give it a filepath elsewhere",
                    )
                )
        for at in (path, *path.parents):
            if at in reserved:
                faults.append(
                    errors.Fault(
                        f"output {name!r} would be written over {reserved[at]} ({at})",
                        where,
                        "give it a filepath below data/",
                    )
                )
                break
    return faults
