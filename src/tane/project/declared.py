"""Parameters that functions declare themselves, by a default value: `def fit(features, lr=0.05)`.

Called by `projects`, so that `lr=0.1` on the command line is a known key though no file has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any

from tane.pipeline import graph, nodes


def defaults(pipelines: Iterable[graph.Pipeline]) -> dict[str, Any]:
    """Parameter name -> default, over all nodes; where two functions differ, the first in order stands."""
    found: dict[str, Any] = {}
    for pipeline in pipelines:
        for node in pipeline.nodes:
            if node.optional:
                for key, value in _of_node(node).items():
                    found.setdefault(key, value)
    return found


def _of_node(node: nodes.Node) -> dict[str, Any]:
    values = _argument_defaults(node.func)
    takes = nodes.signature(node.func)
    positional = takes.positional if takes is not None else ()
    bound = [*zip(positional, node.positional, strict=False), *node.by_name]
    return {
        nodes.parameter_key(dataset): values[argument]
        for argument, dataset in bound
        if dataset in node.optional and argument in values
    }


def _argument_defaults(func: Callable[..., Any]) -> dict[str, Any]:
    if type(func) is FunctionType and not hasattr(func, "__wrapped__"):
        code, last = func.__code__, func.__defaults__ or ()
        names = code.co_varnames[code.co_argcount - len(last) : code.co_argcount]
        return dict(zip(names, last, strict=True)) | (func.__kwdefaults__ or {})
    import inspect

    try:
        parameters = inspect.signature(func).parameters.values()
    except (TypeError, ValueError):
        return {}
    return {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}
