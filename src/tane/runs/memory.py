"""`tane.run`: a pipeline in memory. No project, nothing on disk, nothing kept: plain Python in topological order."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from tane import errors, events
from tane.config import checking
from tane.ledger import records
from tane.outcomes import RunStatus, StepStatus
from tane.pipeline import graph, nodes
from tane.runs import results, work
from tane.tracking import sinks


def run(
    pipeline: graph.Pipeline | Iterable[Any],
    *,
    inputs: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
) -> results.Run:
    """Run `pipeline` in this process on values given by name, and give back every value it made.

    `params` may be nested; a node takes them as "params:a.b". Each node gets its own copy of a value that can be
    changed, so that what one does to an argument no other sees. Raises `errors.UsageError` when inputs or parameters
    are missing or unknown, and `errors.UserCodeError` when a node fails.
    """
    whole = pipeline if isinstance(pipeline, graph.Pipeline) else graph.Pipeline(pipeline)
    values, parameters = dict(inputs or {}), params or {}
    _check(whole, values, parameters)
    sink = sinks.MemorySink(records.new_run_id())
    began = time.perf_counter()
    done: list[results.StepResult] = []
    token = events.active.set(sink)
    try:
        for node in whole.nodes:
            started = time.perf_counter()
            _perform(node, values, parameters)
            done.append(results.StepResult(node.name, _SUCCEEDED, _FIRST, time.perf_counter() - started))
    finally:
        events.active.reset(token)
    return results.Run(
        id=sink.run,
        pipeline="",
        status=RunStatus.SUCCEEDED,
        steps=tuple(done),
        params=parameters,
        metrics=_summaries(sink.points),
        seconds=time.perf_counter() - began,
        versions=dict.fromkeys(values, ""),
        published=False,
        _load=values.__getitem__,
    )


_SUCCEEDED = StepStatus.SUCCEEDED
_FIRST = ("never kept",)


def _perform(node: nodes.Node, values: dict[str, Any], parameters: Mapping[str, Any]) -> None:
    positional = [_argument(name, values, parameters) for name in node.positional]
    by_name = {
        argument: _argument(name, values, parameters)
        for argument, name in node.by_name
        if name not in node.optional or _is_set(name, parameters)
    }
    result = work.call(node.func, positional, by_name, node.name)
    returned = work.unpack(result, node.name, node.outputs, node.returns, node.keys)
    values.update(zip(node.outputs, returned, strict=True))


def _is_set(name: str, parameters: Mapping[str, Any]) -> bool:
    try:
        checking.lookup(parameters, nodes.parameter_key(name))
    except KeyError:
        return False
    return True


def _argument(name: str, values: Mapping[str, Any], parameters: Mapping[str, Any]) -> Any:
    if nodes.is_parameter(name):
        return work.handed(checking.lookup(parameters, nodes.parameter_key(name)))
    value = values[name]
    return value if type(value) in _PLAIN else work.handed(value)


_PLAIN = frozenset({int, float, str, bool, bytes, type(None), complex})


def _check(pipeline: graph.Pipeline, given: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
    free = pipeline.free_inputs()
    faults = []
    for name in free:
        if name not in given:
            takers = ", ".join(node.name for node in pipeline.consumers(name))
            near = errors.nearest(name, [*pipeline.datasets() - {name}, *given])
            hint = f"did you mean {near!r}?" if near else f"give it: tane.run(pipeline, inputs={{{name!r}: ...}})"
            faults.append(errors.Fault(f"input {name!r} of {takers} is missing", hint=hint))
    for name in given:
        if name not in free:
            hint = errors.did_you_mean(name, free, f"its inputs are: {', '.join(free) or 'none'}")
            faults.append(errors.Fault(f"the pipeline takes no input {name!r}", hint=hint))
    for node in pipeline.nodes:
        for name in node.parameters:
            if name not in node.optional and not _is_set(name, parameters):
                key = nodes.parameter_key(name)
                hint = errors.did_you_mean(key, parameters, f"give it: tane.run(pipeline, params={{{key!r}: ...}})")
                faults.append(errors.Fault(f"parameter {key!r} of node {node.name!r} is missing", hint=hint))
    faults += _unknown_parameters(pipeline, parameters)
    if faults:
        raise errors.UsageError.of(faults, "the run cannot start")


def _unknown_parameters(pipeline: graph.Pipeline, parameters: Mapping[str, Any]) -> list[errors.Fault]:
    """Parameters that no node takes: misspelt, most likely."""
    taken = {nodes.parameter_key(name) for name in pipeline.parameters()}
    if "" in taken:  # somebody takes them all
        return []
    known = {key.partition(".")[0] for key in taken}
    return [
        errors.Fault(
            f"no node takes a parameter {name!r}",
            hint=errors.did_you_mean(name, known, f"they take: {', '.join(sorted(known)) or 'none'}"),
        )
        for name in parameters
        if name not in known
    ]


def _summaries(points: Iterable[records.MetricPoint]) -> dict[str, records.MetricSummary]:
    found: dict[str, records.MetricSummary] = {}
    for point in points:
        before = found.get(point.name)
        if before is None:
            found[point.name] = records.MetricSummary(point.name, point.value, point.value, point.value, 1)
        else:
            found[point.name] = records.MetricSummary(
                point.name,
                point.value,
                min(before.min, point.value),
                max(before.max, point.value),
                before.count + 1,
            )
    return found
