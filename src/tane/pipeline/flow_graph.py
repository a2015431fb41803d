"""A flow as a pipeline: a node for each step.

Called by `flows`. A node rests on what its step can use, found by name in its text: parameters, other methods, the
list of a loop.

Inside of a `foreach` a node is fanned out over a list of what its steps have left, one for each item. A loop inside of
a loop works on one flat list: a node before it takes the inner lists apart, a node before the step that joins it puts
them together again.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache, partial
from typing import Any

from tane import fielded
from tane.pipeline import conditions, flow_inputs, flow_members, flow_plan, flow_steps, flow_syntax, graph, nodes
from tane.pipeline.flow_inputs import BASE, GATE, STATE, Route, Source


def pipeline(flow: type) -> graph.Pipeline:
    """The nodes of a flow. Raises `errors.PipelineError` with all that is wrong with it."""
    known: Hashable = flow
    return _made(known)


@lru_cache(maxsize=128)
def _made(flow: Any) -> graph.Pipeline:
    return graph.Pipeline(_Nodes(flow_plan.plan(flow)).all())


class _Nodes:
    """The nodes of one flow."""

    def __init__(self, plan: flow_plan.Plan) -> None:
        self._plan = plan
        self._name = plan.flow.__name__

    def all(self) -> list[nodes.Node]:
        """A node for each step, and those that loops in loops need between."""
        found: list[nodes.Node] = []
        for name, step in self._plan.written.items():
            route = self._route(step)
            found += self._grouping(route)
            found.append(self._node(step, route))
            if step.foreach and route.depth:
                lists = self._dataset(name, step.foreach)
                label = f"{name}.{step.foreach}.{_FLAT}"
                flat = nodes.node(flow_inputs.flattened, lists, self._dataset(label), name=label)
                found.append(nodes.in_namespace(flat, self._name))
        return found

    def _dataset(self, *names: str) -> str:
        return ".".join([self._name, *names])

    def _handed(self, source: flow_syntax.Written) -> str:
        """The dataset by which a step hands on what it leaves."""
        if not source.foreach:
            return self._dataset(source.name)
        return self._dataset(source.name, source.foreach, *([_FLAT] if self._plan.depth(source.name) else []))

    def _route(self, step: flow_syntax.Written) -> Route:
        name = step.name
        top = self._plan.joined.get(name)
        spared = self._spared(name)
        sources = tuple(
            Source(each.name, decides=bool(each.cases), spared=each.name in spared) for each in self._plan.sources[name]
        )
        extras = self._plan.extras(name)
        regains = self._plan.written[top.at].foreach if top is not None and top.kind == "loop" else ""
        return Route(
            flow=self._name,
            step=name,
            sources=self._in_order(sources, top),
            targets=step.targets,
            joins=top.kind if top is not None else "",
            depth=self._plan.depth(name),
            foreach=step.foreach,
            leaves_out=bool(step.foreach) and not self._plan.used_inside(name, step.foreach),
            numbered=bool(step.foreach) and self._plan.used_inside(name, flow_inputs.INDEX),
            regains=regains,
            gated=bool(spared) and any(default is flow_members.REQUIRED for default in extras.values()),
            condition=step.condition,
            cases=step.cases,
            parameters=self._plan.parameters(name),
            publishes=tuple(self._plan.members.steps[name].outputs),
            before=tuple(self._plan.before[name]),
        )

    def _in_order(self, sources: tuple[Source, ...], top: flow_plan.Open | None) -> tuple[Source, ...]:
        """The sources in the order in which the split that they come from names its branches."""
        if top is None:
            return sources
        targets = self._plan.written[top.at].targets
        branches = {
            each.step: next(
                open_.branch for open_ in self._plan.arrive(self._plan.written[each.step], "") if open_.at == top.at
            )
            for each in sources
            if each.step != top.at
        }
        return tuple(sorted(sources, key=lambda each: targets.index(branches.get(each.step, targets[0]))))

    def _spared(self, name: str) -> set[str]:
        """The sources of a step that are not always done, for a switch decides between them. Inside of a loop all are:
        there the steps themselves see to it.
        """
        sources = self._plan.sources[name]
        if self._plan.depth(name) or (name in self._plan.joined and self._plan.joined[name].kind == "loop"):
            return set()
        ways: dict[flow_plan.Stack, list[str]] = {}
        for source in sources:
            ways.setdefault(self._plan.arrive(source, name), []).append(source.name)
        return {each for way in ways.values() if len(way) > 1 for each in way}

    def _node(self, step: flow_syntax.Written, route: Route) -> nodes.Node:
        name, marked = step.name, self._plan.members.steps[step.name]
        inputs, inner = self._inputs(route)
        if inner is not None:
            route = inner
        states = [taken for taken in inputs.values() if not nodes.is_parameter(taken)]
        inputs |= self._settings(route)
        outputs = [self._dataset(name)]
        if step.foreach:
            outputs.append(self._dataset(name, step.foreach))
        outputs += marked.outputs.values()
        task = flow_steps.Task(self._plan.flow, route, self._plan.members, self._rests_on(route))
        made = nodes.node(
            task,
            inputs,
            outputs[0] if len(outputs) == 1 else outputs,
            name=name,
            over=states if route.depth else (),
            **marked.options,
        )
        optional = {taken for argument, taken in inputs.items() if self._has_default(route, argument)}
        made = fielded.replace(made, optional=made.optional | optional, when=self._condition(route))
        return nodes.in_namespace(made, self._name)

    def _inputs(self, route: Route) -> tuple[dict[str, str], Route | None]:
        """What a step takes of others, by argument; and its route, where a node before it has put that together."""
        handed = {source.step: self._handed(self._plan.written[source.step]) for source in route.sources}
        if route.joins == "loop":
            base = {BASE: self._dataset(self._plan.joined[route.step].at)}
            if route.depth:
                one = (Source(route.sources[0].step),)
                return {f"{STATE}0": self._dataset(route.step, flow_plan.INPUTS), **base}, fielded.replace(
                    route, sources=one
                )
        else:
            base = {}
        inputs = {f"{STATE}{number}": handed[source.step] for number, source in enumerate(route.sources)}
        if route.gated:
            inputs[GATE] = self._dataset(self._gate(route.step))
        return inputs | base, None

    def _gate(self, name: str) -> str:
        """The last step that comes before `name` whichever way is taken."""
        always: dict[str, set[str]] = {}
        for step, sources in self._plan.sources.items():
            ways = [always[source.name] for source in sources]
            always[step] = {step}.union(set.intersection(*ways) if ways else set())
        return next(other for other in reversed(self._plan.before[name]) if other in always[name])

    def _settings(self, route: Route) -> dict[str, str]:
        """The parameters and datasets of a step, by argument."""
        known = self._plan.members.parameters
        found = {name: nodes.PARAM + known[name].key for name in route.parameters}
        for name, default in self._plan.extras(route.step).items():
            found.setdefault(name, name if default is flow_members.REQUIRED else nodes.PARAM + name)
        return found

    def _has_default(self, route: Route, argument: str) -> bool:
        parameter = self._plan.members.parameters.get(argument)
        if argument in route.parameters and parameter is not None:
            return parameter.default is not flow_members.REQUIRED
        extras = self._plan.extras(route.step)
        return extras.get(argument, flow_members.REQUIRED) is not flow_members.REQUIRED

    def _condition(self, route: Route) -> conditions.When | None:
        """What must hold for a step that a switch leads to. Inside of a loop the step itself sees to that."""
        if route.depth or len(route.sources) != 1 or not route.sources[0].decides:
            return None
        switch = self._plan.written[route.sources[0].step]
        wanted = " or ".join(repr(key) for key, target in switch.cases if target == route.step)
        words = f"{switch.condition} is {wanted}"
        return conditions.When((self._dataset(switch.name),), flow_inputs.Chose(route.step), words)

    def _rests_on(self, route: Route) -> dict[str, Any]:
        """What beside its own method the result of a step rests on: what it reaches of the class, and its place."""
        _, reached = self._plan.reach[route.step]
        found = {f"{other.depth} {other.name}": other.value for other in reached}
        for name in route.parameters:
            default = self._plan.members.parameters[name].default
            if type(default) not in _COUNTED and default is not flow_members.REQUIRED:
                found[f"default {name}"] = default
        return {"route": route.counts, **{name: found[name] for name in sorted(found)}}

    def _grouping(self, route: Route) -> list[nodes.Node]:
        """The node that puts together what arrives at a step that joins a loop inside of another."""
        if route.joins != "loop" or not route.depth:
            return []
        at = self._plan.written[self._plan.joined[route.step].at]
        lists = self._dataset(at.name, at.foreach)
        states = [self._handed(self._plan.written[source.step]) for source in route.sources]
        label = f"{route.step}.{flow_plan.INPUTS}"
        func: Callable[..., Any] = partial(flow_inputs.grouped, route.sources, route.step)
        grouping = nodes.node(func, [lists, *states], self._dataset(label), name=label)
        return [nodes.in_namespace(grouping, self._name)]


_FLAT = "flat"
_COUNTED = (bool, int, float, str, type(None))  # defaults that a key has among its parameters
