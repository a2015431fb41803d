"""Pipelines: nodes joined by the names of what they take and make. Building and sorting are linear in nodes.

A pipeline is a value: its operations give new ones. Its order depends on names alone, never on how it was listed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from tane import errors, fielded
from tane.pipeline import callables, namespaces, selection
from tane.pipeline import nodes as described
from tane.pipeline.binding import base_name
from tane.pipeline.nodes import Node


class Pipeline:
    """Nodes in topological order. Raises `errors.PipelineError` naming every mistake at once.

    A bare function among `items` is a node: its inputs are its arguments, its output its own name; an argument with
    a default that no node makes is a parameter.

    `namespace` goes in front of every name ("area_a.fit", "params:area_a.lr"), but those that `inputs`, `outputs` and
    `parameters` say: a name, or several, stay as they are; a dict gives them new ones. So one definition serves twice.
    """

    __slots__ = ("_consumers", "_depends", "_producers", "by_name", "nodes")

    def __init__(
        self,
        items: Iterable[Node | Pipeline | Callable[..., Any]],
        *,
        namespace: str = "",
        inputs: namespaces.Mapped = None,
        outputs: namespaces.Mapped = None,
        parameters: namespaces.Mapped = None,
        tags: str | Iterable[str] = (),
    ) -> None:
        items = list(items)
        faults = _listed_twice(items)
        found = _distinct(_flatten(items))
        extra = frozenset((tags,)) if isinstance(tags, str) else frozenset(tags)
        if extra:
            found = [fielded.replace(node, tags=node.tags | extra) for node in found]
        self._producers = _producers(found, faults)
        if any(node.bare for node in found):
            made = self._producers.keys()
            found = [described.rebind(node, made) if node.bare else node for node in found]
        self.by_name = _name(found, faults)
        if faults:
            raise errors.PipelineError.of(faults, "the pipeline does not hold together")
        if namespace or inputs or outputs or parameters:
            _sort(self.by_name, self._producers)  # a circle is told in the names it was written with
            renamed = namespaces.applied(list(self.by_name.values()), namespace, inputs, outputs, parameters)
            self._producers = _producers(renamed, faults)
            self.by_name = _name(renamed, faults)
            if faults:
                raise errors.PipelineError.of(faults, "the pipeline does not hold together under its new names")
        self._producers = {base_name(output): node for node in self.by_name.values() for output in node.outputs}
        _check_forms(self.by_name.values())
        _check_confirms(self.by_name.values())
        _check_always(self.by_name.values(), self._producers)
        self._consumers: dict[str, list[Node]] | None = None
        self.nodes, self._depends = _sort(self.by_name, self._producers)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pipeline) and self.nodes == other.nodes

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Pipeline({len(self.nodes)} nodes: {', '.join(list(self.by_name)[:5])}{', ...' * (len(self) > 5)})"

    # --- what there is ---------------------------------------------------------------------------------------------

    def inputs(self) -> set[str]:
        """Datasets and parameters that no node here makes."""
        producers = self._producers
        return {name for node in self.nodes for name in node.needs if base_name(name) not in producers}

    def free_inputs(self) -> list[str]:
        """The datasets (no parameters) that no node here makes, in order of first use."""
        free = (n for node in self.nodes for n in node.needs if base_name(n) not in self._producers)
        return list(dict.fromkeys(name for name in free if not described.is_parameter(name)))

    def outputs(self) -> set[str]:
        """Datasets that some node makes and none here takes."""
        taken = {base_name(name) for node in self.nodes for name in node.needs}
        return {output for node in self.nodes for output in node.outputs if base_name(output) not in taken}

    def datasets(self) -> set[str]:
        """All datasets taken or made here, as they are named where they are taken or made."""
        taken = {n for node in self.nodes for n in node.needs if not described.is_parameter(n)}
        return taken.union(*(node.outputs for node in self.nodes))

    def parameters(self) -> set[str]:
        """All parameter inputs ("params:a.b", "parameters")."""
        return {n for node in self.nodes for n in node.needs if described.is_parameter(n)}

    def producer(self, dataset: str) -> Node | None:
        """The node that makes `dataset`, in this or another form of it ("cars@pandas", "cars@polars"), or None."""
        return self._producers.get(base_name(dataset))

    def consumers(self, dataset: str) -> Sequence[Node]:
        """The nodes that take `dataset` in any form, or whose condition looks at it, in order."""
        if self._consumers is None:
            self._consumers = {}
            for node in self.nodes:
                needs = node.needs
                for name in dict.fromkeys(map(base_name, needs)) if any("@" in name for name in needs) else needs:
                    self._consumers.setdefault(name, []).append(node)
        return self._consumers.get(base_name(dataset), ())

    def depends(self, node: Node) -> Sequence[Node]:
        """The nodes that must come before `node`, directly: they make what it needs, or it goes after them."""
        return [self.by_name[name] for name in self._depends[node.name]]

    # --- algebra ---------------------------------------------------------------------------------------------------

    def __add__(self, other: Pipeline) -> Pipeline:
        return Pipeline([self, other]) if isinstance(other, Pipeline) else NotImplemented

    __or__ = __add__

    def __radd__(self, other: object) -> Pipeline:
        return self if other == 0 else NotImplemented  # sum(pipelines)

    def __sub__(self, other: Pipeline) -> Pipeline:
        if not isinstance(other, Pipeline):
            return NotImplemented
        theirs = set(map(_identity, other.nodes))
        return Pipeline(node for node in self.nodes if _identity(node) not in theirs)

    def __and__(self, other: Pipeline) -> Pipeline:
        if not isinstance(other, Pipeline):
            return NotImplemented
        theirs = set(map(_identity, other.nodes))
        return Pipeline(node for node in self.nodes if _identity(node) in theirs)

    def tag(self, tags: str | Iterable[str]) -> Pipeline:
        """The same nodes with `tags` added to each."""
        return Pipeline(self.nodes, tags=tags)

    def filter(
        self,
        *,
        from_nodes: str | Iterable[str] = (),
        to_nodes: str | Iterable[str] = (),
        from_inputs: str | Iterable[str] = (),
        to_outputs: str | Iterable[str] = (),
        nodes: str | Iterable[str] = (),
        tags: str | Iterable[str] = (),
        namespaces: str | Iterable[str] = (),
    ) -> Pipeline:
        """The nodes that meet every criterion given.

        `from_nodes`, `from_inputs`: those and all that follows; `to_nodes`, `to_outputs`: those and all they need;
        `nodes`: exactly these; `tags`: with any of these; `namespaces`: in any of these, or below. Raises
        `errors.PipelineError` for names that are not here.
        """
        return Pipeline(
            selection.select(
                self,
                from_nodes=_names(from_nodes),
                to_nodes=_names(to_nodes),
                from_inputs=_names(from_inputs),
                to_outputs=_names(to_outputs),
                nodes=_names(nodes),
                tags=_names(tags),
                namespaces=_names(namespaces),
            )
        )

    def map(self, over: str | Iterable[str]) -> Pipeline:
        """The same nodes, done once for each item of the datasets `over`: lists, dicts or partitions.

        A node that takes one of them takes one item at a time, and so does, in lockstep, each that takes what such a
        node makes; what they make are lists in the same order, or dicts with the same keys. Nodes that take neither
        are done once. Raises `errors.PipelineError` when nothing takes `over`.
        """
        lanes = set(_names(over))
        for name in lanes:
            if not any(name in node.inputs for node in self.nodes):
                known = {taken for node in self.nodes for taken in node.inputs}
                hint = errors.did_you_mean(name, known, f"they take: {', '.join(sorted(known)) or 'nothing'}")
                raise errors.PipelineError(f"no node here takes {name!r}, to be mapped over it", hint=hint)
        mapped: list[Node] = []
        for node in self.nodes:
            fanned = tuple(name for name in node.inputs if name in lanes or base_name(name) in lanes)
            if fanned:
                node = fielded.replace(node, over=fanned, bare=False, optional=node.optional - set(fanned))
                lanes.update(map(base_name, node.outputs))
            mapped.append(node)
        return Pipeline(mapped)


def _names(given: str | Iterable[str]) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


def _flatten(items: Iterable[Node | Pipeline | Callable[..., Any]]) -> Iterator[Node]:
    for item in items:
        if isinstance(item, Node):
            yield item
        elif isinstance(item, Pipeline):
            yield from item.nodes
        elif isinstance(item, type) and callable(flow := getattr(item, "pipeline", None)):
            yield from flow().nodes
        elif callable(item):
            yield described.bare(item)
        else:
            raise errors.PipelineError(
                f"{item!r} is not a node", hint="a pipeline holds node(...), functions and other pipelines"
            )


def _listed_twice(items: Iterable[Node | Pipeline | Callable[..., Any]]) -> list[errors.Fault]:
    """Faults for nodes without outputs that one list has twice: both were meant, and nothing tells them apart.

    What comes in twice with pipelines that are added is one node.
    """
    seen: dict[tuple[str, tuple[str, ...]], Node] = {}
    found: dict[str, errors.Fault] = {}
    for item in items:
        if not isinstance(item, Node) or item.outputs:
            continue
        key = item.name, item.inputs
        other = seen.get(key)
        if other is None:
            seen[key] = item
        elif fielded.replace(other, tags=item.tags) == item:
            found[item.name] = errors.Fault(
                f"node {item.name!r} is listed twice, and nothing tells the two apart",
                hint="take one away, or give each a name= of its own if both are to run",
            )
    return list(found.values())


def _identity(node: Node) -> Hashable:
    """What makes two nodes the same one to `-` and `&`: name and bindings. Tags may differ, and so may the function.

    A pipeline that is made twice has other lambdas and partials the second time.
    """
    outputs = frozenset(zip(node.keys, node.outputs, strict=True)) if node.keys else node.outputs
    return node.name, node.positional, frozenset(node.by_name), outputs, node.returns


def _distinct(found: Iterable[Node]) -> list[Node]:
    """Each node once, with all its tags: the same node may come in with two pipelines that are added."""
    seen: dict[tuple[str, tuple[str, ...], tuple[str, ...]], int] = {}
    kept: list[Node] = []
    for node in found:
        at = seen.setdefault((node.name, node.inputs, node.outputs), len(kept))
        if at == len(kept):
            kept.append(node)
        elif kept[at] != node:
            if fielded.replace(kept[at], tags=node.tags) == node:
                kept[at] = fielded.replace(node, tags=kept[at].tags | node.tags)
            else:
                kept.append(node)
    return kept


def _producers(found: Sequence[Node], faults: list[errors.Fault]) -> dict[str, Node]:
    producers: dict[str, Node] = {}
    for node in found:
        for output in node.outputs:
            other = producers.setdefault(base_name(output), node)
            if other is not node:
                faults.append(
                    errors.Fault(
                        f"{output!r} is made by two nodes: {other.name!r} and {node.name!r}",
                        hint="a dataset has one maker: rename one output or leave one node out",
                    )
                )
    return producers


def _name(found: Sequence[Node], faults: list[errors.Fault]) -> dict[str, Node]:
    """The nodes by unique names. Nodes nobody named and that share a function are told apart by their outputs."""
    by_name: dict[str, Node] = {node.name: node for node in found}
    if len(by_name) == len(found):
        return by_name
    groups: dict[str, list[Node]] = {}
    for node in found:
        groups.setdefault(node.name, []).append(node)
    by_name = {}
    for name, group in groups.items():
        for node in group:
            label = name
            if len(group) > 1 and not node.named:
                label = f"{name} -> {','.join(node.outputs)}" if node.outputs else f"{','.join(node.inputs)} -> {name}"
                node = fielded.replace(node, name=label)
            if label in by_name:
                faults.append(errors.Fault(f"two nodes are called {label!r}", hint="give one of them another name="))
            by_name[label] = node
    return by_name


def _check_forms(found: Iterable[Node]) -> None:
    """Refuse a dataset that is named both plainly and in a form ("cars", "cars@pandas"): which would be meant?"""
    named = {name for node in found for name in (*node.needs, *node.outputs)}
    faults = [
        errors.Fault(
            f"dataset {base_name(name)!r} is named both as it is and as {name!r}",
            hint="name its form everywhere, as in 'cars@pandas' and 'cars@polars'",
        )
        for name in sorted(named)
        if "@" in name and base_name(name) in named
    ]
    if faults:
        raise errors.PipelineError.of(faults, "the pipeline does not hold together")


def _check_confirms(found: Iterable[Node]) -> None:
    """Refuse two nodes that confirm one dataset: the first would note as worked off what the second has yet to do."""
    by: dict[str, Node] = {}
    faults = [
        errors.Fault(
            f"{base_name(name)!r} is confirmed by two nodes: {by[base_name(name)].name!r} and {node.name!r}",
            hint="let one node confirm it, the last that takes it",
        )
        for node in found
        for name in node.confirms
        if by.setdefault(base_name(name), node) is not node
    ]
    if faults:
        raise errors.PipelineError.of(faults, "the pipeline does not hold together")


def _check_always(found: Iterable[Node], producers: dict[str, Node]) -> None:
    """Refuse a function that runs in any case, but cannot without what another node may not have made.

    What is taken item by item, or by a shell command, has no default: without it these are left out.
    """
    faults = [
        errors.Fault(
            f"{node.name!r} runs in any case, also when {name!r} was not made",
            f"node {node.name!r}",
            "give the argument that takes it a default, such as None",
        )
        for node in found
        if node.always and type(node.func).__module__ != _COMMANDS and callables.signature(node.func) is not None
        for name in node.data_inputs
        if base_name(name) in producers and name not in node.optional and name not in node.over
    ]
    if faults:
        raise errors.PipelineError.of(faults, "the pipeline does not hold together")


_COMMANDS = "tane.pipeline.commands"


def _sort(by_name: dict[str, Node], producers: dict[str, Node]) -> tuple[tuple[Node, ...], dict[str, list[str]]]:
    """Kahn's algorithm by generations, each in order of names."""
    depends: dict[str, list[str]] = {}
    followers: dict[str, list[str]] = {}
    waiting: dict[str, int] = {}
    ready: list[str] = []
    for name, node in by_name.items():
        before = [maker.name for dataset in node.needs if (maker := producers.get(base_name(dataset))) is not None]
        if node.after:  # a part of a pipeline may be without some of them
            before += [other for other in node.after if other in by_name]
        elif node.always:
            before += [other.name for other in by_name.values() if not other.always]
        if len(before) > 1:
            before = list(dict.fromkeys(before))
        depends[name] = before
        if before:
            waiting[name] = len(before)
            for other in before:
                followers.setdefault(other, []).append(name)
        else:
            ready.append(name)
    order: list[Node] = []
    while ready:
        ready.sort()
        following: list[str] = []
        for name in ready:
            order.append(by_name[name])
            for other in followers.get(name, ()):
                waiting[other] -= 1
                if not waiting[other]:
                    following.append(other)
        ready = following
    if len(order) < len(by_name):
        raise _cycle_error(by_name.keys() - {node.name for node in order}, depends, by_name)
    return tuple(order), depends


def _cycle_error(stuck: set[str], depends: dict[str, list[str]], by_name: dict[str, Node]) -> errors.PipelineError:
    """Walk back from any stuck node until one repeats: that stretch is a cycle."""
    name = min(stuck)
    path: list[str] = []
    while name not in path:
        path.append(name)
        name = min(other for other in depends[name] if other in stuck)
    cycle = [*path[path.index(name) :], name][::-1]
    for one, other in pairwise(cycle):
        if by_name[one].always and not by_name[one].after:
            return errors.PipelineError(
                f"{one!r} comes after all others, for it is always=True without after=; {other!r} takes what it makes",
                where=f"node {one!r}",
                hint=f"say which nodes {one!r} comes after: after=...",
            )
    through = [_link(by_name[a], by_name[b]) for a, b in pairwise(cycle)]
    return errors.PipelineError(
        f"the pipeline goes in a circle: {' -> '.join(cycle)} (through {', '.join(through)})",
        hint="rename the output of one of these nodes, or take away an after=, so that none feeds an earlier one",
    )


def _link(one: Node, other: Node) -> str:
    """What makes `other` wait on `one`."""
    shared = set(map(base_name, one.outputs)) & set(map(base_name, other.needs))
    return min(shared) if shared else f"{other.name} after {one.name}"
