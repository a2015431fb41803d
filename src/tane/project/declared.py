"""Parameters that functions declare themselves, by a default value: `def fit(features, lr=0.05)`.

Called by `projects`, so that `lr=0.1` on the command line is a known key though no file has it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tane.pipeline import callables, graph, nodes


def defaults(pipelines: Iterable[graph.Pipeline]) -> dict[str, Any]:
    """Parameter name -> default, over all nodes; where two functions differ, the first in order stands."""
    found: dict[str, Any] = {}
    for pipeline in pipelines:
        for node in pipeline.nodes:
            if node.optional:
                for key, value in _of_node(node).items():
                    found.setdefault(key, value)
    return found


def plain(pipeline: graph.Pipeline) -> dict[str, Any]:
    """Those whose values a record can hold as they are."""
    return {key: value for key, value in defaults([pipeline]).items() if isinstance(value, _PLAIN)}


_PLAIN = (str, int, float, type(None))


def _of_node(node: nodes.Node) -> dict[str, Any]:
    values = callables.defaults(node.func)
    return {
        nodes.parameter_key(dataset): values[argument]
        for argument, dataset in nodes.bound(node)
        if dataset in node.optional and nodes.is_parameter(dataset) and argument in values
    }
