"""What stands around the nodes in the module that a notebook becomes: imports, helper functions and classes, constants.

Called by `converting`, which asks for the names its nodes use.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Mapping

from tane import errors, fielded
from tane.notebook import flow, reading, texts

BUILTINS = frozenset(dir(builtins)) | {"__name__", "__file__"}
IPYTHON = frozenset({"display", "get_ipython"})


@fielded.frozen
class Definition:
    """A statement of the module: the names it defines and those it needs, and the cell it comes from.

    `whole` ones are kept whether or not they are asked for; `star` may define any name.
    """

    names: tuple[str, ...]
    text: str
    cell: int
    is_import: bool
    needs: tuple[str, ...] = ()
    whole: bool = False
    star: bool = False
    changes: frozenset[int | str] = frozenset()


class Definitions:
    """All that a notebook defines, by name."""

    def __init__(self, cells: Iterable[reading.Cell], hoisted: Mapping[int, frozenset[str]]) -> None:
        self.all: list[Definition] = []
        self._twice: dict[str, errors.Fault] = {}
        self.by_name: dict[str, Definition] = {}
        for cell in cells:
            self._read(cell, hoisted.get(cell.number, frozenset()))

    @property
    def changers(self) -> dict[str, frozenset[int | str]]:
        """The functions that change arguments, and which."""
        return {name: each.changes for name, each in self.by_name.items() if each.changes}

    @property
    def has_star(self) -> bool:
        """Whether any name may come from `from x import *`."""
        return any(each.star for each in self.all)

    def faults(self, chosen: Iterable[Definition]) -> list[errors.Fault]:
        """What is wrong with definitions that are used: they are made twice."""
        return [self._twice[name] for each in chosen for name in each.names if name in self._twice]

    def needed(self, names: Iterable[str]) -> tuple[list[Definition], dict[str, int]]:
        """The definitions that `names` need, in the notebook's order, and the names that they need in turn and that
        nothing here defines, with their cells.
        """
        chosen = {id(each) for each in self.all if each.whole or each.star}
        waiting = [*names, *(name for each in self.all if id(each) in chosen for name in each.needs)]
        lacking: dict[str, int] = {}
        while waiting:
            name = waiting.pop()
            found = self.by_name.get(name)
            if found is None or id(found) in chosen:
                continue
            chosen.add(id(found))
            waiting += found.needs
        for each in self.all:
            if id(each) in chosen:
                for name in each.needs:
                    if name not in self.by_name and name not in BUILTINS:
                        lacking.setdefault(name, each.cell)
        return [each for each in self.all if id(each) in chosen], lacking

    def _read(self, cell: reading.Cell, hoisted: frozenset[str]) -> None:
        text = texts.Text(cell.source, cell.tree)
        keeps_all = cell.tag in (reading.IMPORTS, reading.HELPERS)
        for statement in cell.tree.body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                self._add(_import(statement, text.of(statement), cell.number, cell.tag == reading.IMPORTS))
            elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                if cell.tag != reading.NODE or statement.name in hoisted:
                    self._add(_definition(statement, text.of(statement), cell.number, keeps_all))
            elif keeps_all and not is_shown(statement):
                found = flow.Flow().run([statement])
                names = tuple(found.writes)
                needs = tuple(found.reads)
                self._add(Definition(names, text.of(statement), cell.number, False, needs, whole=True))
            elif not cell.tag and (name := constant(statement)):
                self._add(Definition((name,), text.of(statement), cell.number, False))

    def _add(self, made: Definition) -> None:
        for name in made.names:
            before = self.by_name.get(name)
            if before is not None and before.text != made.text and not (before.is_import and made.is_import):
                self._twice[name] = errors.Fault(
                    f"{name!r} is defined in cell {before.cell} and differently in cell {made.cell}",
                    hint="give one of them another name: a module has one of each",
                )
        if made.star or any(name not in self.by_name for name in made.names) or (made.whole and not made.names):
            self.all.append(made)
            self.by_name.update({name: made for name in made.names if name not in self.by_name})


def is_shown(statement: ast.stmt) -> bool:
    """Whether a statement does nothing but show something."""
    if not isinstance(statement, ast.Expr):
        return False
    value = statement.value
    if not isinstance(value, ast.Call):
        return not isinstance(value, ast.Await | ast.Yield | ast.YieldFrom)
    function = value.func
    if isinstance(function, ast.Name):
        return function.id in IPYTHON
    if isinstance(function, ast.Attribute):
        within = function.value
        if isinstance(within, ast.Call):  # df.groupby("x").mean(): whatever a method gave is thrown away
            return function.attr in flow.LOOKING
        return function.attr in flow.LOOKING and function.attr != "print"
    return False


def constant(statement: ast.stmt) -> str:
    """The name that a statement gives to a plain value; empty for another statement."""
    if not (isinstance(statement, ast.Assign) and len(statement.targets) == 1):
        return ""
    target = statement.targets[0]
    try:
        ast.literal_eval(statement.value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return ""
    return target.id if isinstance(target, ast.Name) else ""


def _import(statement: ast.Import | ast.ImportFrom, text: str, cell: int, whole: bool) -> Definition:
    star = any(alias.name == "*" for alias in statement.names)
    names = tuple(alias.asname or alias.name.partition(".")[0] for alias in statement.names if alias.name != "*")
    return Definition(names, text, cell, True, whole=whole, star=star)


def _definition(
    statement: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, text: str, cell: int, whole: bool
) -> Definition:
    found = flow.Flow().run([statement])
    needs = tuple(name for name in found.reads if name != statement.name)
    changes = frozenset() if isinstance(statement, ast.ClassDef) else flow.changed_arguments(statement)
    return Definition((statement.name,), text, cell, False, needs, whole, changes=changes)
