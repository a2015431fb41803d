"""Functions that stand twice in a project: equal when formatting, comments, docstrings and their own names are taken
away. Reads text only; `runs.health` calls it.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tane.plan import bodies, syntax

_SMALLEST = 30  # nodes of a syntax tree: what is smaller is alike by chance


class Place(NamedTuple):
    """A function: the file it stands in, its line and its name."""

    file: Path
    line: int
    name: str


def find(files: Iterable[Path]) -> list[tuple[Place, ...]]:
    """The functions at the top of the modules `files` that say the same in two modules or more."""
    found: dict[str, list[Place]] = {}
    for file in files:
        for function in _functions(file):
            place = Place(file, function.lineno, function.name)
            function.name = "_"
            found.setdefault(syntax.read(function).digest, []).append(place)
    alike = [tuple(places) for places in found.values() if len({place.file for place in places}) > 1]
    return sorted(alike)


def _functions(file: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions at the top of a module that are large enough to be worth a word; none of a broken module."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(file.read_bytes(), str(file))
    except (OSError, SyntaxError, ValueError):
        return []
    return [
        each
        for each in tree.body
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
        and sum(1 for statement in bodies.without_docstring(each.body) for _ in ast.walk(statement)) >= _SMALLEST
    ]
