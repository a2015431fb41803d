"""Steps: nodes joined with what they rest on: code, parameters, options, libraries. Made once, before anything runs.

A step's key needs the digests of its inputs as well, which are known only as the run goes on: `key` joins them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tane import fielded
from tane.config import checking
from tane.digest import hashing, values
from tane.pipeline import callables, conditions, graph, nodes
from tane.plan import code, scripts, wants

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

Arguments = Mapping[str, Mapping[str, Any]]

_PLAIN = (bool, int, float, str, type(None))
_NO_DEFAULT = object()
_NOTHING: Mapping[str, Any] = {}


@fielded.frozen
class Step:
    """A node ready to be decided.

    `params` are the values it takes, by input name ("params:a.b"); `arguments` those that its annotations turn into
    something else, such as a dataclass. `takes` are the datasets among its inputs; `looks` and `asked` those datasets
    and parameters that its condition looks at.
    """

    position: int
    node: nodes.Node
    takes: tuple[str, ...]
    code: code.CodeDigest
    params: Mapping[str, Any]
    arguments: Mapping[str, Any]
    options: Mapping[str, Any]
    looks: tuple[str, ...] = ()
    asked: Mapping[str, Any] = fielded.field(default_factory=dict)

    @property
    def needs(self) -> tuple[str, ...]:
        """All datasets that must be there before it can go."""
        return (*self.takes, *(name for name in self.looks if name not in self.takes)) if self.looks else self.takes


@fielded.frozen
class Seen:
    """What a step sees of an input: the digest of what is loaded, the libraries its types come from.

    `transformed` is the digest of the transforms that change it after that; empty when there are none.
    """

    digest: str
    libraries: tuple[str, ...] = ()
    transformed: str = ""


def prepare(
    pipeline: graph.Pipeline,
    parameters: Mapping[str, Any],
    arguments: Arguments,
    cache: code.Cache,
    rests: scripts.Rests,
) -> list[Step]:
    """A step for each node, in order. `arguments` are the converted parameters by node and input name; `rests` is what
    commands rest on.
    """
    with cache.reading():
        return [
            Step(
                position,
                node,
                node.data_inputs,
                scripts.of_node(node, rests) or _code(node, arguments.get(node.name), cache),
                taken(node, parameters),
                arguments.get(node.name, _NOTHING),
                _options(node),
                *(_of_condition(node.when, parameters) if node.when is not None else _NO_CONDITION),
            )
            for position, node in enumerate(pipeline.nodes)
        ]


def _code(node: nodes.Node, turned: Mapping[str, Any] | None, cache: code.Cache) -> code.CodeDigest:
    """The code of a node's function, and of what the annotations of its `turned` parameters make of them."""
    if not turned:
        return code.of(node.func, cache=cache)
    hints = wants.hints(node.func)
    makers = {argument: hints[argument] for argument, name in nodes.bound(node) if name in turned and argument in hints}
    return code.of_annotated(node.func, makers, cache=cache)


_NO_CONDITION: tuple[tuple[str, ...], Mapping[str, Any]] = ((), _NOTHING)


def _of_condition(when: conditions.When, parameters: Mapping[str, Any]) -> tuple[tuple[str, ...], Mapping[str, Any]]:
    """The datasets and the parameters that a condition looks at; one that is not set is left to its default."""
    asked = {}
    for name in when.inputs:
        if nodes.is_parameter(name):
            try:
                asked[name] = checking.lookup(parameters, nodes.parameter_key(name))
            except KeyError:
                continue
    return tuple(name for name in when.inputs if not nodes.is_parameter(name)), asked


def taken(node: nodes.Node, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameter values that `node` takes, by input name.

    One that is not set counts with the function's default where that is plain data, so that setting it to that same
    value changes nothing.
    """
    found: dict[str, Any] = {}
    missing: list[str] = []
    for name in node.parameters:
        try:
            found[name] = checking.lookup(parameters, nodes.parameter_key(name))
        except KeyError:
            missing.append(name)
    if missing:
        defaults = callables.defaults(node.func)
        for argument, name in nodes.bound(node):
            if name in missing and type(defaults.get(argument, _NO_DEFAULT)) in _PLAIN:
                found[name] = defaults[argument]
    return found


def key(step: Step, seen: Mapping[str, Seen], environment: str, *, item: bool = False) -> str:
    """The digest of all that a step's result is a function of.

    `environment` is the digest of the installed versions of the libraries it rests on. The names of datasets and of
    the node are no part of the key: only which argument gets what. With `item`, `seen` has one item of each input that
    the step is fanned out over, and the key is that of this part of its work.
    """
    node = step.node
    parts = [step.code.digest, PYTHON, environment, node.returns, *node.keys, str(len(node.outputs))]
    if node.over and not item:
        parts += ("over", *(label for label, name in _arguments(node) if name in node.over))
    for label, name in step.options["inputs"].items():
        at = seen.get(name)
        if at is not None:
            parts += (label, at.digest, at.transformed) if at.transformed else (label, at.digest)
        elif name in step.params:
            parts += (label, values.of(step.params[name]).digest)
        else:
            parts += (label, "default")
    return hashing.combine("step", *parts)


def rests_on(step: Step, seen: Mapping[str, Seen]) -> frozenset[str]:
    """The top-level modules of libraries a step rests on: those its code imports and its inputs' types come from."""
    libraries = [at.libraries for at in seen.values() if at.libraries]
    return step.code.imports.union(*libraries) if libraries else step.code.imports


def _arguments(node: nodes.Node) -> Sequence[tuple[str, str]]:
    return [*((str(index), name) for index, name in enumerate(node.positional)), *node.by_name]


def _options(node: nodes.Node) -> dict[str, Any]:
    """The options a person may have changed, in a form the ledger keeps and a reason can name."""
    arguments = dict(_arguments(node))
    found = {"inputs": arguments, "outputs": list(node.outputs), "returns": node.returns, "keys": list(node.keys)}
    return {**found, "over": list(node.over)} if node.over else found
