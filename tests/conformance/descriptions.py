"""Pipelines described in plain values, built by either side: here with Tane, in the other environment with Kedro.

A description is a list whose first item says what it is:

    ["nodes", [node, ...]]            node: {name, inputs, outputs, tags, namespace, confirms, call}
    ["wrap", [description, ...], {namespace, inputs, outputs, parameters, tags}]
    ["+" or "-" or "&" or "|", description, description]
    ["sum", [description, ...]]
    ["tag", description, tags]
    ["filter", description, {from_nodes, to_nodes, from_inputs, to_outputs, node_names, tags, node_namespaces}]

`call` is [arguments, returns], for `function`. Imported in both environments: nothing here needs either package.
"""

import functools
import operator

OPERATORS = {"+": operator.add, "-": operator.sub, "&": operator.and_, "|": operator.or_}


class Side:
    """What builds pipelines: `node` and `pipeline` make them, `part` filters one."""

    def __init__(self, node, pipeline, part):
        self.node = node
        self.pipeline = pipeline
        self.part = part

    def build(self, said):
        """The pipeline that `said` describes."""
        kind, rest = said[0], said[1:]
        if kind == "nodes":
            return self.pipeline([self._node(one) for one in rest[0]])
        if kind == "wrap":
            return self.pipeline([self.build(one) for one in rest[0]], **rest[1])
        if kind == "sum":
            return sum(self.build(one) for one in rest[0])
        if kind == "tag":
            return self.build(rest[0]).tag(rest[1])
        if kind == "filter":
            return self.part(self.build(rest[0]), **rest[1])
        return OPERATORS[kind](self.build(rest[0]), self.build(rest[1]))

    def _node(self, said):
        arguments, returns = said["call"]
        more = {key: said[key] for key in ("name", "tags", "namespace", "confirms") if said.get(key)}
        func = function(arguments, tuple(returns) if isinstance(returns, list) else returns)
        return self.node(func, said["inputs"], said["outputs"], **more)


@functools.cache
def function(arguments, returns):
    """A function of so many arguments, `a` to `c`, the last of which has a default if the number ends in .5.

    It returns a text that shows what it was given: "one" of it, a tuple of `returns`, or a dict with these keys.
    """

    def told(*given):
        text = f"({' '.join(map(str, given))})"
        if returns is None:
            return None
        if returns == "one":
            return text
        if isinstance(returns, int):
            return tuple(f"{n}{text}" for n in range(returns))
        return {key: f"{key}{text}" for key in returns}

    return {
        0: lambda: told(),
        1: lambda a: told(a),
        1.5: lambda a, b="-": told(a, b),
        2: lambda a, b: told(a, b),
        3: lambda a, b, c: told(a, b, c),
        9: lambda *given: told(*given),
    }[arguments]
