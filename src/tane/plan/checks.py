"""What can be known to be wrong before anything runs: parameters that are missing or of the wrong type, datasets that
can only be written but are taken. All faults at once.
"""

from __future__ import annotations

import os
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tane import errors
from tane.catalog import catalogs
from tane.config import checking, origins
from tane.pipeline import graph, nodes


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
    for node in pipeline.nodes:
        faults += _order(node, whole or pipeline)
        faults += _chunks(node, catalog)
        faults += _forms(node, catalog)
        faults += _confirmed(node, catalog)
    wants = [want for node in pipeline.nodes for want in _wants(node)]
    try:
        checking.check_parameters(wants, parameters, origin)
    except errors.ConfigError as error:
        faults.extend(error.faults)
    if faults:
        raise errors.ConfigError.of(faults, "the run cannot start")
    return _converted(wants, parameters)


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


def _wants(node: nodes.Node) -> list[checking.Want]:
    if not any(nodes.is_parameter(name) for name in node.inputs):
        return _condition_wants(node)
    annotations = _annotations(node.func)
    return [
        checking.Want(
            node=node.name,
            argument=argument,
            key=nodes.parameter_key(name),
            annotation=annotations.get(argument, Any),
            has_default=name in node.optional,
        )
        for argument, name in nodes.bound(node)
        if nodes.is_parameter(name)
    ] + _condition_wants(node)


def _condition_wants(node: nodes.Node) -> list[checking.Want]:
    """The parameters that a node's condition looks at."""
    when = node.when
    if when is None:
        return []
    return [
        checking.Want(
            node=node.name,
            argument="when",
            key=nodes.parameter_key(name),
            annotation=Any,
            has_default=name in when.optional,
        )
        for name in when.inputs
        if nodes.is_parameter(name)
    ]


def _annotations(func: Callable[..., Any]) -> Mapping[str, Any]:
    """The annotations of a callable's arguments; none where they cannot be resolved (names that are not imported)."""
    target: Any = func
    while hasattr(target, "func"):  # functools.partial
        target = target.func
    if isinstance(target, type):
        target = getattr(target, "__init__")  # noqa: B009 - of the class itself, whatever its instances have
    elif not hasattr(target, "__code__") and callable(target):
        target = type(target).__call__
    if not getattr(target, "__annotations__", None):
        return {}
    try:
        return typing.get_type_hints(target)
    except (NameError, TypeError, AttributeError, SyntaxError):
        return {}


def _converted(wants: list[checking.Want], parameters: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for want in wants:
        if want.annotation is Any:
            continue
        try:
            value = checking.lookup(parameters, want.key)
        except KeyError:
            continue
        fitted = checking.fit(value, want.annotation)
        if fitted is not value:
            name = nodes.PARAM + want.key if want.key else nodes.PARAMETERS
            found.setdefault(want.node, {})[name] = fitted
    return found
