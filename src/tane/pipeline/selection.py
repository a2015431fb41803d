"""Choosing part of a pipeline by names and tags. Called by `graph.Pipeline.filter`; walks each edge once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

from tane import errors
from tane.pipeline import namespaces
from tane.pipeline.nodes import Node, base_name


class Graph(Protocol):
    """What a selection needs to know of a pipeline."""

    nodes: tuple[Node, ...]
    by_name: dict[str, Node]

    def producer(self, dataset: str) -> Node | None:
        """The node that makes it."""
        ...

    def consumers(self, dataset: str) -> Sequence[Node]:
        """The nodes that take it."""
        ...

    def depends(self, node: Node) -> Sequence[Node]:
        """The nodes that come before."""
        ...

    def datasets(self) -> set[str]:
        """All datasets."""
        ...


def select(
    graph: Graph,
    *,
    from_nodes: Sequence[str],
    to_nodes: Sequence[str],
    from_inputs: Sequence[str],
    to_outputs: Sequence[str],
    nodes: Sequence[str],
    tags: Sequence[str],
    namespaces: Sequence[str] = (),
) -> list[Node]:
    """The nodes of `graph` that meet every criterion that is not empty, in order.

    The namespace of a node or dataset may be left out where only one is so called. A dataset without its form stands
    for all its forms.
    """
    from_nodes, to_nodes, nodes = (_in_full(some, graph.by_name) for some in (from_nodes, to_nodes, nodes))
    datasets = _and_bases(graph.datasets())
    from_inputs, to_outputs = (_in_full(some, datasets) for some in (from_inputs, to_outputs))
    faults = _unknown(graph, [*from_nodes, *to_nodes, *nodes], from_inputs, to_outputs, tags, namespaces)
    if faults:
        raise errors.PipelineError.of(faults, "the selection names what is not in the pipeline")
    kept = set(graph.by_name)
    followers = _followers(graph) if from_nodes or from_inputs else {}
    if from_nodes:
        kept &= _reach(from_nodes, lambda name: followers.get(name, ()))
    if to_nodes:
        kept &= _reach(to_nodes, lambda name: _needs(graph, name))
    if from_inputs:
        first = [
            node.name
            for dataset in from_inputs
            for node in graph.consumers(dataset)
            if "@" not in dataset or dataset in node.needs
        ]
        kept &= _reach(first, lambda name: followers.get(name, ()))
    if to_outputs:
        last = [node.name for dataset in to_outputs if (node := graph.producer(dataset))]
        kept &= _reach(last, lambda name: _needs(graph, name))
    if nodes:
        kept &= set(nodes)
    if tags:
        kept &= {node.name for node in graph.nodes if node.tags.intersection(tags)}
    if namespaces:
        kept &= {node.name for node in graph.nodes if any(is_within(node.namespace, one) for one in namespaces)}
    return [node for node in graph.nodes if node.name in kept]


def _in_full(names: Sequence[str], known: Collection[str]) -> list[str]:
    return [namespaces.in_full(name, known) for name in names]


def _and_bases(names: Iterable[str]) -> set[str]:
    found = set(names)
    return found | set(map(base_name, found))


def is_within(namespace: str, outer: str) -> bool:
    """Whether a node's namespace is `outer` or lies below it."""
    return namespace == outer or namespace.startswith(f"{outer}.")


def _followers(graph: Graph) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for node in graph.nodes:
        for other in graph.depends(node):
            if not (node.always and not node.after):  # one that closes every run follows nobody in particular
                found.setdefault(other.name, []).append(node.name)
    return found


def _needs(graph: Graph, name: str) -> Iterable[str]:
    return (node.name for node in graph.depends(graph.by_name[name]))


def _reach(start: Iterable[str], step: Callable[[str], Iterable[str]]) -> set[str]:
    seen = set(start)
    work = list(seen)
    while work:
        for name in step(work.pop()):
            if name not in seen:
                seen.add(name)
                work.append(name)
    return seen


def _unknown(
    graph: Graph,
    nodes: Collection[str],
    inputs: Sequence[str],
    outputs: Sequence[str],
    tags: Sequence[str],
    namespaces: Sequence[str],
) -> list[errors.Fault]:
    taken = _and_bases(name for node in graph.nodes for name in node.needs)
    known_tags = {tag for node in graph.nodes for tag in node.tags}
    spaces = {node.namespace for node in graph.nodes if node.namespace}
    known_namespaces = {".".join(one.split(".")[:depth]) for one in spaces for depth in range(1, one.count(".") + 2)}
    made = {name for name in _and_bases(graph.datasets()) if graph.producer(name) is not None}
    known: Mapping[str, tuple[Collection[str], Collection[str]]] = {
        "node": (nodes, graph.by_name),
        "input": (inputs, taken),
        "output": (outputs, made),
        "tag": (tags, known_tags),
        "namespace": (namespaces, known_namespaces),
    }
    faults = []
    for what, (asked, there) in known.items():
        for name in asked:
            if name not in there:
                listed = ", ".join(sorted(there)[:12]) or "none"
                hint = errors.did_you_mean(name, there, f"there are: {listed}")
                faults.append(errors.Fault(f"no {what} {name!r} in this pipeline", hint=hint))
    return faults
