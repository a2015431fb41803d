"""One node to be looked into: its inputs as variables, and a cell that loads them, has its source and calls it.

Called by `%node`. The cell stands by itself: what the function uses of its module is imported in it.
"""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Mapping
from types import FunctionType, ModuleType
from typing import Any

from tane import errors, fielded
from tane.config import checking
from tane.notebook import flow
from tane.pipeline import commands, namespaces, nodes
from tane.tuning import workspaces


@fielded.frozen
class Loaded:
    """The values of a node's inputs by the names of its arguments, and the cell."""

    values: Mapping[str, Any]
    cell: str


def known(workspace: workspaces.Workspace) -> dict[str, nodes.Node]:
    """The nodes of all pipelines, by name."""
    return {node.name: node for each in workspace.pipelines.values() for node in each}


def find(workspace: workspaces.Workspace, name: str) -> nodes.Node:
    """The node of that name; its namespace may be left out. Raises `errors.UsageError` when there is none."""
    there = known(workspace)
    full = namespaces.in_full(name, there)
    if full not in there:
        hint = errors.did_you_mean(name, there, f"nodes: {', '.join(there)}")
        raise errors.UsageError(f"there is no node {name!r}", hint=hint)
    return there[full]


def load(workspace: workspaces.Workspace, node: nodes.Node, run: str = "") -> Loaded:
    """The node's inputs: as they are now, or as they were in a run.

    Raises `errors.UsageError` for a command, and `errors.CatalogError` for an input that was never made.
    """
    if isinstance(node.func, commands.Command):
        raise errors.UsageError(
            f"node {node.name!r} is a command: there is no Python to look into",
            hint=f"%tane run --only {node.name} runs it",
        )
    if run:
        replay = workspace.replay(node.name, run=run)
        lines = [
            f"replay = project.replay({json.dumps(replay.step)}, run={json.dumps(replay.run)})",
            *(f'{name} = replay.arguments["{name}"]' for name in replay.arguments),
        ]
        return Loaded(replay.arguments, _cell(node, lines, list(replay.arguments)))
    values: dict[str, Any] = {}
    lines = []
    for argument, name in _bound(node):
        if nodes.is_parameter(name):
            value, line = _parameter(workspace, node, argument, nodes.parameter_key(name))
            if line is None:
                continue
        else:
            value, line = workspace.load(name), f"catalog.load({json.dumps(name)})"
        values[argument] = value
        lines.append(f"{argument} = {line}")
    return Loaded(values, _cell(node, lines, list(values)))


def _bound(node: nodes.Node) -> list[tuple[str, str]]:
    """Which variable gets which input. Those of `*rest` are called by their own names."""
    named = nodes.bound(node)
    more = node.positional[len(named) - len(node.by_name) :]
    return [*named, *((_word(name), name) for name in more)]


def _word(name: str) -> str:
    word = "".join(letter if letter.isalnum() else "_" for letter in name.removeprefix(nodes.PARAM))
    return word if word.isidentifier() else f"_{word}"


def _parameter(workspace: workspaces.Workspace, node: nodes.Node, argument: str, key: str) -> tuple[Any, str | None]:
    """A parameter's value and how to say it; no way to say one that is not set and has a default."""
    try:
        value = checking.lookup(workspace.parameters, key)
    except KeyError:
        if f"{nodes.PARAM}{key}" in node.optional:
            return None, None
        raise errors.ConfigError(
            f"there is no parameter {key!r}", where=f"node {node.name!r}", hint="add it to conf/base/parameters.yml"
        ) from None
    said = "params" + "".join(f"[{json.dumps(part)}]" for part in (key.split(".") if key else ()))
    annotation = _annotation(node.func, argument)
    return checking.fit(value, annotation) if annotation is not None else value, said


def _annotation(func: Any, argument: str) -> Any:
    import typing

    try:
        return typing.get_type_hints(inspect.unwrap(func)).get(argument)
    except (NameError, TypeError, AttributeError):
        return None


# --- the cell -------------------------------------------------------------------------------------------------------


def _cell(node: nodes.Node, lines: list[str], arguments: list[str]) -> str:
    source, around = _source(node.func)
    head = [f"# node {node.name}: {', '.join(node.inputs) or 'nothing'} -> {', '.join(node.outputs) or 'nothing'}"]
    if source:
        called = getattr(node.func, "__name__", "")
        passed = ", ".join(f"{name}={name}" for name in arguments)
        return "\n".join([*head, *around, "", *lines, "", "", source, "", "", f"{called}({passed})"])
    function = f'next(node for each in pipelines.values() for node in each if node.name == "{node.name}").func'
    return "\n".join([*head, *lines, "", f"function = {function}", f"function({', '.join(arguments)})"])


def _source(func: Any) -> tuple[str, list[str]]:
    """The source of a function and the imports it needs; nothing for what cannot be written down again."""
    if not isinstance(func, FunctionType) or not func.__name__.isidentifier() or func.__closure__:
        return "", []
    try:
        source = textwrap.dedent(inspect.getsource(func)).rstrip()
        tree = ast.parse(source)
    except (OSError, TypeError, SyntaxError):
        return "", []
    if not tree.body or not isinstance(tree.body[0], ast.FunctionDef | ast.AsyncFunctionDef):
        return "", []
    wanted = flow.Flow().run(tree.body).reads
    annotated = [part for part in ast.walk(tree) if isinstance(part, ast.arg) and part.annotation is not None]
    names = dict.fromkeys(
        [*wanted, *(part.id for each in annotated for part in ast.walk(each) if isinstance(part, ast.Name))]
        + [part.id for part in ast.walk(tree.body[0].returns or ast.Pass()) if isinstance(part, ast.Name)]
    )
    there = [name for name in names if name in func.__globals__]
    return source, _imports(func.__globals__, there, func.__module__)


def _imports(around: Mapping[str, Any], names: list[str], module: str) -> list[str]:
    """How a cell gets what a function finds in its module."""
    lines: dict[str, None] = {}
    future = around.get("annotations")
    if type(future).__name__ == "_Feature":
        lines["from __future__ import annotations"] = None
    modules = {name: around[name].__name__ for name in sorted(names) if isinstance(around[name], ModuleType)}
    for name, full in modules.items():
        lines[f"import {full}" if name == full else f"import {full} as {name}"] = None
    own = [name for name in sorted(names) if name not in modules]
    if own:
        lines[f"from {module} import {', '.join(own)}"] = None
    return list(lines)
