"""`tane.run`: a pipeline in memory. No project, nothing on disk, nothing kept: plain Python in topological order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tane import errors, events
from tane.config import checking, origins
from tane.executors import calls, processes
from tane.ledger import records
from tane.outcomes import RunStatus, StepStatus
from tane.pipeline import flow_members, graph, nodes
from tane.plan import scripts, wants
from tane.runs import arguments, calling, fanning, figures, lanes, results, streams
from tane.tracking import sinks


def run(
    pipeline: graph.Pipeline | Iterable[Any] | type[Any],
    *,
    inputs: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
) -> results.Run:
    """Run `pipeline`, or a flow, in this process on values given by name, and give back every value it made.

    `params` may be nested; a node takes them as "params:a.b". Each node gets its own copy of a value that can be
    changed, so that what one does to an argument no other sees. Steps are done one after the other, whatever executor
    and resources they ask for; one with a timeout works in a process of its own. Raises `errors.UsageError` when inputs
    or parameters are missing or unknown, and `errors.UserCodeError` when a node fails.
    """
    given: Any = pipeline.pipeline() if flow_members.is_flow(pipeline) else pipeline
    whole = given if isinstance(given, graph.Pipeline) else graph.Pipeline(given)
    values, parameters = dict(inputs or {}), params or {}
    going = _Going(values, parameters, _check(whole, values, parameters))
    sink = sinks.MemorySink(records.new_run_id())
    began = time.perf_counter()
    try:
        with events.working(sink):
            for node in whole.nodes:
                going.step(node)
    finally:
        going.close()
    if going.error is not None:
        raise going.error
    return results.Run(
        id=sink.run,
        pipeline="",
        status=RunStatus.SUCCEEDED,
        steps=tuple(going.done),
        params=going.parameters,
        metrics=_summaries(sink.points),
        seconds=time.perf_counter() - began,
        versions=dict.fromkeys(going.values, ""),
        published=False,
        _load=going.values.__getitem__,
        _figures=partial(figures.in_memory, sink.files),
    )


_SUCCEEDED, _SKIPPED = StepStatus.SUCCEEDED, StepStatus.SKIPPED
_FIRST = ("never kept",)


class _Going:
    """How far a run in memory is: the values made so far, and what became of each step."""

    def __init__(
        self, values: dict[str, Any], parameters: Mapping[str, Any], converted: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self.values = values
        self.parameters = parameters
        self._converted = converted
        self._fitting: Mapping[str, Any] = _NOTHING  # the parameters that the step at hand takes in another form
        self.done: list[results.StepResult] = []
        self.error: Exception | None = None
        self._left_out: set[str] = set()
        self._forms: dict[str, str] = {}
        self._stoppable: processes.Processes | None = None

    def step(self, node: nodes.Node) -> None:
        """Do the node's work, unless something keeps it from running."""
        self._fitting = self._converted.get(node.name, _NOTHING)
        started = time.perf_counter()
        try:
            why = self._out(node) if self.error or self._left_out or node.when or node.always else ""
            if why:
                self._left_out.update(node.outputs)
                self.done.append(results.StepResult(node.name, _SKIPPED, error=why))
                return
            returned = self._item_by_item(node) if node.over else self._attempted(node, node.name)
        except Exception as error:
            self.error = self.error or error
            return
        self.values.update(zip(node.outputs, returned, strict=True))
        if node.outputs and "@" in node.outputs[0]:
            self._forms.update((nodes.base_name(name), name) for name in node.outputs)
        self.done.append(results.StepResult(node.name, _SUCCEEDED, _FIRST, time.perf_counter() - started))

    def close(self) -> None:
        """End what was started for steps with a timeout."""
        if self._stoppable is not None:
            self._stoppable.close()

    def _out(self, node: nodes.Node) -> str:
        """Why a step does not run; empty when it does."""
        if self.error is not None and not node.always:
            return "the run stopped"
        absent = [name for name in node.data_inputs if self._find(name) is None]
        needed = [name for name in absent if name not in node.optional]
        if needed or (absent and len(absent) == len(node.data_inputs) and not node.always):
            return f"{(needed or absent)[0]} was skipped"
        if node.when is None:
            return ""
        seen = {}
        for name in node.when.inputs:
            if nodes.is_parameter(name):
                if _is_set(name, self.parameters):
                    seen[name] = self._argument(name)
            elif self._find(name) is None:
                return f"{name} was skipped"
            else:
                seen[name] = self._argument(name)
        return "" if calling.ask(node.when, seen, node.name) else f"when {node.when} does not hold"

    def _attempted(self, node: nodes.Node, label: str, items: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """What the step, or its work on one item, returns for each of its outputs."""
        retries, attempt = node.demands.retries, 1
        while True:
            try:
                return self._once(node, label, items)
            except errors.UserCodeError as error:
                if retries is None or attempt > retries.times or not retries.covers(error.raised):
                    raise
                time.sleep(retries.wait(attempt))
                attempt += 1

    def _once(self, node: nodes.Node, label: str, items: Mapping[str, Any] | None) -> Sequence[Any]:
        given = {name: arguments.handed(item) for name, item in items.items()} if items else {}
        positional = [given[name] if name in given else self._argument(name) for name in self._positional(node)]
        by_name = {
            argument: given[name] if name in given else self._argument(name)
            for argument, name in self._by_name(node, len(positional))
        }
        if node.demands.timeout is not None:
            result = self._call_within(node, label, positional, by_name)
        else:
            result = calling.call(node.func, positional, by_name, label)
        if node.streams:
            return _gathered(result, node, label)
        return calling.unpack(result, label, node.outputs, node.returns, node.keys)

    def _item_by_item(self, node: nodes.Node) -> Sequence[Any]:
        """The step done for each item of what it is fanned out over; each output is a list, or a dict as they are."""
        whole = {name: self._value(name) for name in node.over}
        by_lane = {name: lanes.keys_of(value, name, node.name) for name, value in whole.items()}
        keys = lanes.common_keys(by_lane, node.name)
        found: list[Sequence[Any]] = []
        failures: dict[int, errors.TaneError] = {}
        for at, key in enumerate(keys):
            items = {name: value[key] for name, value in whole.items()}
            try:
                found.append(self._attempted(node, fanning.label(node.name, key), items))
            except errors.TaneError as error:  # the others are done all the same
                failures[at] = error
        if failures:
            raise fanning.failed(failures, len(keys))
        as_dict = isinstance(next(iter(whole.values())), Mapping)
        columns = [[one[at] for one in found] for at in range(len(node.outputs))]
        return [lanes.joined(keys if as_dict else None, column) for column in columns]

    def _call_within(self, node: nodes.Node, label: str, positional: Sequence[Any], by_name: Mapping[str, Any]) -> Any:
        """Call the function in a process that is stopped when its time is over."""
        if self._stoppable is None:
            self._stoppable = processes.Processes(1)
        function = _listed if node.streams else calling.call
        args = (node.func, positional, by_name, label)
        self._stoppable.submit(function, *args, timeout=node.demands.timeout)
        done = next(iter(self._stoppable.as_completed()))
        if isinstance(done.error, calls.CallError):
            error = type(done.error)(f"node {label!r}: {done.error.what}", hint=done.error.hint)
            error.raised = ("builtins.TimeoutError",) if isinstance(done.error, calls.TimedOut) else ()
            raise error
        if done.error is not None:
            raise done.error
        return iter(done.result) if node.streams else done.result

    def _positional(self, node: nodes.Node) -> Sequence[str]:
        if not self._left_out and not node.always:
            return node.positional
        names = node.positional
        return names[: next((at for at, name in enumerate(names) if self._is_absent(node, name)), len(names))]

    def _by_name(self, node: nodes.Node, given: int) -> Sequence[tuple[str, str]]:
        pairs: Sequence[tuple[str, str]] = node.by_name
        if given < len(node.positional):
            pairs = (*nodes.bound(node)[given : len(node.positional)], *pairs)
        return [pair for pair in pairs if not self._is_absent(node, pair[1])] if node.optional else pairs

    def _is_absent(self, node: nodes.Node, name: str) -> bool:
        if name not in node.optional:
            return False
        return not _is_set(name, self.parameters) if nodes.is_parameter(name) else self._find(name) is None

    def _find(self, name: str) -> str | None:
        """The name under which a dataset's value is there, in whichever of its forms it was made."""
        if name in self.values:
            return name
        return self._forms.get(nodes.base_name(name)) if "@" in name else None

    def _argument(self, name: str) -> Any:
        value = self._value(name)
        return value if type(value) in _PLAIN else arguments.handed(value)

    def _value(self, name: str) -> Any:
        """The value itself, of which nobody may get more than a copy."""
        if nodes.is_parameter(name):
            if name in self._fitting:
                return self._fitting[name]
            return checking.lookup(self.parameters, nodes.parameter_key(name))
        return self.values[name] if name in self.values else self.values[self._find(name) or name]


_NOTHING: Mapping[str, Any] = {}
_PLAIN = frozenset({int, float, str, bool, bytes, type(None), complex})


def _is_set(name: str, parameters: Mapping[str, Any]) -> bool:
    try:
        checking.lookup(parameters, nodes.parameter_key(name))
    except KeyError:
        return False
    return True


def _listed(func: Callable[..., Any], positional: Sequence[Any], by_name: Mapping[str, Any], node: str) -> list[Any]:
    """All that a generator function yields, for it cannot travel between processes."""
    return list(streams.yielded(calling.call(func, positional, by_name, node), node))


def _gathered(chunks: Iterator[Any], node: nodes.Node, label: str) -> Sequence[Any]:
    """What a step yields: each output is the list of its chunks."""
    parts = [
        calling.unpack(chunk, label, node.outputs, node.returns, node.keys) for chunk in streams.yielded(chunks, label)
    ]
    return [[part[at] for part in parts] for at in range(len(node.outputs))]


def _check(
    pipeline: graph.Pipeline, given: Mapping[str, Any], parameters: Mapping[str, Any]
) -> Mapping[str, Mapping[str, Any]]:
    """Raise for all that is missing, unknown or of a wrong type; the parameters that annotations turn into something
    else, by node and input.
    """
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
    faults += scripts.check(pipeline.nodes, Path.cwd())
    if faults:
        raise errors.UsageError.of(faults, "the run cannot start")
    wanted = wants.of(pipeline)
    checking.check_parameters(wanted, parameters, lambda *keys: origins.Origin())
    return wants.converted(wanted, parameters)


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
