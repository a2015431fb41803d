"""The parameters that nodes take, with what their arguments' annotations ask of them, and turn them into."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tane.config import checking
from tane.pipeline import graph, nodes


def of(pipeline: graph.Pipeline) -> list[checking.Want]:
    """The parameters that the nodes of `pipeline` take, in order."""
    return [want for node in pipeline.nodes for want in _of_node(node)]


def _of_node(node: nodes.Node) -> list[checking.Want]:
    if not any(nodes.is_parameter(name) for name in node.inputs):
        return _condition_wants(node)
    asked = hints(node.func)
    return [
        checking.Want(
            node=node.name,
            argument=argument,
            key=nodes.parameter_key(name),
            annotation=_each(asked.get(argument, Any), fanned_out=name in node.over),
            has_default=name in node.optional,
        )
        for argument, name in nodes.bound(node)
        if nodes.is_parameter(name)
    ] + _condition_wants(node)


def _each(annotation: Any, *, fanned_out: bool) -> Any:
    """What a parameter must be for an argument of this annotation, which takes it whole or item by item."""
    if not fanned_out or annotation is Any:
        return annotation
    return list[annotation] | dict[str, annotation]


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


def hints(func: Callable[..., Any]) -> Mapping[str, Any]:
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


def converted(wanted: Sequence[checking.Want], parameters: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The parameters that annotations turn into something else, by node and input."""
    found: dict[str, dict[str, Any]] = {}
    for want in wanted:
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
