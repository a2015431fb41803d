"""What a cell takes from a project: `catalog.load("x")`, `params["model"]["lr"]`, `catalog.save("x", value)`.

Called by `converting`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from tane import errors

DATA, PARAM = "data", "param"
PARAMS = "params"
NAMES = frozenset({"catalog", PARAMS, "pipelines", "project", "run"})
_METHODS = frozenset({"get", "items", "keys", "values", "copy"})


class Given(NamedTuple):
    """A dataset or a parameter that an expression stands for; a parameter without a name is all of them."""

    kind: str
    name: str

    @property
    def dataset(self) -> str:
        """Its name among a node's inputs."""
        if self.kind == DATA:
            return self.name
        return f"params:{self.name}" if self.name else "parameters"

    @property
    def word(self) -> str:
        """What to call an argument that takes it."""
        return self.name.rpartition(".")[2] or PARAMS


class Saved(NamedTuple):
    """A statement that saves a value as a dataset."""

    name: str
    value: ast.expr


class Seen:
    """What the names that a project gives mean in one notebook: those it gives itself are its own."""

    def __init__(self, own: frozenset[str]) -> None:
        self.names = NAMES - own

    def uses(self, statement: ast.AST) -> list[tuple[ast.expr, Given]]:
        """Each part of a statement that takes something from the project."""
        return list(self._uses(statement, self.names))

    def saved(self, statement: ast.stmt) -> Saved | None:
        """What `catalog.save("x", value)` as a statement saves; None for another."""
        if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
            return None
        call, function = statement.value, statement.value.func
        if not (isinstance(function, ast.Attribute) and function.attr == "save"):
            return None
        if not _is_name(function.value, "catalog", self.names):
            return None
        given = [*call.args, *(word.value for word in call.keywords)]
        name = _text(given[0]) if len(given) == 2 else ""
        return Saved(name, given[1]) if name else None

    def bound(self, statement: ast.stmt) -> tuple[str, Given] | None:
        """The variable and what it stands for, where a statement is `x = catalog.load("x")` or `x = params["x"]`."""
        if not (isinstance(statement, ast.Assign) and len(statement.targets) == 1):
            return None
        target, given = statement.targets[0], _of(statement.value, self.names)
        return (target.id, given) if isinstance(target, ast.Name) and given is not None else None

    def odd(self, statement: ast.AST, where: str) -> list[errors.Fault]:
        """Uses of the project that no input or output can stand for."""
        taken = {id(part) for node, _ in self.uses(statement) for part in ast.walk(node)}
        return [
            errors.Fault(
                f"line {part.lineno} uses {part.id!r} in a way that no input can stand for",
                where,
                'write catalog.load("name"), catalog.save("name", value) as a line of its own, or params["name"]',
            )
            for part in _names(statement, self.names)
            if id(part) not in taken
        ]

    def _uses(self, part: ast.AST, names: frozenset[str]) -> Iterator[tuple[ast.expr, Given]]:
        given = _of(part, names) if isinstance(part, ast.expr) else None
        if given is not None and not isinstance(getattr(part, "ctx", None), ast.Store | ast.Del):
            assert isinstance(part, ast.expr)
            yield part, given
            return
        for child in ast.iter_child_nodes(part):
            yield from self._uses(child, names - _arguments(part))


def _names(part: ast.AST, names: frozenset[str]) -> Iterator[ast.Name]:
    if isinstance(part, ast.Name) and part.id in names and isinstance(part.ctx, ast.Load):
        yield part
    for child in ast.iter_child_nodes(part):
        yield from _names(child, names - _arguments(part))


def _arguments(node: ast.AST) -> frozenset[str]:
    """The names of a function's own arguments: inside they mean nothing else."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return frozenset()
    every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg)
    return frozenset(each.arg for each in every if each is not None)


def _of(node: ast.AST, names: frozenset[str]) -> Given | None:
    """What an expression takes from the project as a whole, or None."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "load":
        of = node.func.value
        if not (_is_name(of, "catalog", names) or _is_name(of, "project", names)):
            return None
        given = [*node.args, *(word.value for word in node.keywords)]
        text = _text(given[0]) if len(given) == 1 else ""
        return Given(DATA, text) if text else None
    if isinstance(node, ast.Subscript) and _is_name(node.value, "catalog", names):
        text = _text(node.slice)
        return Given(DATA, text) if text else None
    keys = _keys(node, names)
    return None if keys is None else Given(PARAM, ".".join(keys))


def _keys(node: ast.AST, names: frozenset[str]) -> tuple[str, ...] | None:
    """The keys of `params["a"]["b"]`, `params.a.b` or `project.parameters["a"]`; none of `params` itself."""
    if _is_name(node, PARAMS, names):
        return ()
    if isinstance(node, ast.Attribute) and node.attr == "parameters" and _is_name(node.value, "project", names):
        return ()
    if isinstance(node, ast.Subscript):
        above, key = _keys(node.value, names), _text(node.slice)
        return (*above, key) if above is not None and key else None
    if isinstance(node, ast.Attribute) and node.attr not in _METHODS:
        above = _keys(node.value, names)
        return (*above, node.attr) if above is not None else None
    return None


def _is_name(node: ast.AST, name: str, names: frozenset[str]) -> bool:
    return isinstance(node, ast.Name) and node.id == name and name in names


def _text(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
