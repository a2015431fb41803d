"""Live functions and classes back to their source: which file, which syntax tree, and whether the file still
says what was loaded.

`definitions` calls it. It promises never to pair a live function with text it was not made from: when a
file was touched after the process began, the loaded code is compared with the compiled file, and what
differs is reported as not found, so that the caller takes the bytecode instead.
"""

from __future__ import annotations

import ast
import linecache
import os
import sys
import time
import types
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tane.digest import hashing, values
from tane.plan import syntax

_OWN = str(Path(__file__).parents[1]) + os.sep  # Tane itself is no project code, wherever it is installed from
_Definition = ast.FunctionDef | ast.AsyncFunctionDef
_Compound = (
    ast.If,
    ast.Try,
    ast.With,
    ast.For,
    ast.While,
    ast.TryStar,
    ast.AsyncFor,
    ast.AsyncWith,
    ast.Match,
)


def is_project_code(code: types.CodeType, namespace: Mapping[str, Any]) -> bool:
    """Whether a function with this code, defined in this module namespace, is the project's."""
    file = code.co_filename
    if file.startswith("<"):  # a notebook, a REPL or generated code: the module decides
        return not file.startswith("<frozen") and is_project_name(str(namespace.get("__name__", "__main__")))
    return is_project_file(file)


def is_project_file(file: str) -> bool:
    """Whether `file` is neither the standard library's, nor an installed package's, nor Tane's."""
    return not values.is_installed_file(file) and not file.startswith(_OWN)


def is_project_name(name: str) -> bool:
    """Whether code that calls its module `name` is the project's; what nobody knows counts as such."""
    top = name.partition(".")[0]
    if name == "__main__":
        return True
    if _comes_with_python(top):
        return False
    module = sys.modules.get(name) or sys.modules.get(top)
    return module is None or is_project_module(module)


def is_project_module(module: types.ModuleType) -> bool:
    """Whether a loaded module is the project's; folders without `__init__.py` count by where they lie."""
    name = module_attribute(module, "__name__")
    if name == "__main__":
        return True
    if isinstance(name, str) and _comes_with_python(name.partition(".")[0]):
        return False
    file = file_of(module)
    if file:
        return is_project_file(file)
    folders = folders_of(module)
    return any(is_project_file(folder + os.sep) for folder in folders) if folders else True


def module_attribute(module: object, name: str) -> Any:
    """What a loaded module holds under a name, or None. Its own `__getattr__` is not asked: it may say anything."""
    try:
        return object.__getattribute__(module, "__dict__").get(name)
    except AttributeError:  # something else put into `sys.modules`
        return None


def file_of(module: object) -> str | None:
    """The file of a loaded module."""
    file = module_attribute(module, "__file__")
    return file if isinstance(file, str) and file else None


def folders_of(module: object) -> list[str]:
    """The folders of a loaded package; none for other modules."""
    folders = module_attribute(module, "__path__")
    if isinstance(folders, (str, bytes)) or not isinstance(folders, Iterable):
        return []
    return [folder for folder in folders if isinstance(folder, str)]


def _comes_with_python(top: str) -> bool:
    return top in sys.stdlib_module_names or top in sys.builtin_module_names or top == "tane"


def bytecode(code: types.CodeType) -> str:
    """The digest of a code object without line numbers and file name."""
    consts = [_const(const) for const in code.co_consts]
    shape = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    instructions = hashing.of_bytes(code.co_code, code.co_exceptiontable)
    return hashing.combine("bytecode", code.co_name, instructions, repr(shape), repr(names), *consts)


def _const(const: object) -> str:
    if isinstance(const, types.CodeType):
        return bytecode(const)
    if isinstance(const, frozenset):
        return "frozenset" + repr(sorted(map(repr, const)))
    return type(const).__name__ + repr(const)


class Source:
    """One source file (or notebook cell), parsed once."""

    def __init__(self, name: str, namespace: Mapping[str, Any]) -> None:
        self.name = name
        self.tree: ast.Module | None = None
        self.fresh = True  # unchanged since the process began
        self._text: bytes = b""
        self._functions: dict[tuple[int, str], list[_Definition]] = defaultdict(list)
        self._classes: dict[str, list[ast.ClassDef]] = defaultdict(list)
        self._lambdas: dict[int, list[ast.Lambda]] | None = None
        self._bindings: dict[str, list[ast.stmt]] | None = None
        self._compiled: dict[tuple[int, str], set[str]] | None = None
        self._read(namespace)

    def _read(self, namespace: Mapping[str, Any]) -> None:
        path = Path(self.name)
        try:
            stat = path.stat()
            self._text = path.read_bytes()
            changed = stat.st_ctime if sys.platform == "linux" else stat.st_mtime
            self.fresh = changed < _STARTED
        except OSError:  # a notebook cell, or a module inside of an archive
            self.fresh = False
            self._text = "".join(linecache.getlines(self.name, dict(namespace))).encode()
        self.tree = parse(self._text, self.name)
        if self.tree is not None:
            self._index(self.tree)

    def _index(self, tree: ast.Module) -> None:
        todo: list[tuple[Any, str]] = [(tree, "")]
        while todo:
            node, prefix = todo.pop()
            for child in _statements(node):
                if isinstance(child, _Definition):
                    self._functions[syntax.start_line(child), child.name].append(child)
                    todo.append((child, f"{prefix}{child.name}.<locals>."))
                elif isinstance(child, ast.ClassDef):
                    self._classes[prefix + child.name].append(child)
                    todo.append((child, f"{prefix}{child.name}."))
                elif isinstance(child, _Compound):
                    todo.append((child, prefix))

    def function(self, code: types.CodeType) -> _Definition | ast.Lambda | None:
        """The tree that `code` was compiled from, or None when it cannot be told for certain."""
        if self.tree is None or not self.holds(code):
            return None
        line = code.co_firstlineno
        if code.co_name == "<lambda>":
            return self._lambda(code, line)
        found = self._functions.get((line, code.co_name), [])
        return found[0] if len(found) == 1 else None

    def holds(self, code: types.CodeType) -> bool:
        """Whether the file, as it is now, compiles to `code`."""
        if self.fresh:
            return True
        if self._compiled is None:
            self._compiled = self._compile()
        return bytecode(code) in self._compiled.get((code.co_firstlineno, code.co_name), ())

    def _compile(self) -> dict[tuple[int, str], set[str]]:
        found: dict[tuple[int, str], set[str]] = defaultdict(set)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            todo = [compile(self._text, self.name, "exec", dont_inherit=True)]
        while todo:
            code = todo.pop()
            found[code.co_firstlineno, code.co_name].add(bytecode(code))
            todo.extend(const for const in code.co_consts if isinstance(const, types.CodeType))
        return found

    def _lambda(self, code: types.CodeType, line: int) -> ast.Lambda | None:
        if self._lambdas is None:
            self._lambdas = defaultdict(list)
            for node in ast.walk(self.tree) if self.tree else ():
                if isinstance(node, ast.Lambda):
                    self._lambdas[node.lineno].append(node)
        found = self._lambdas.get(line, [])
        if len(found) > 1:
            spots = set(code.co_positions())
            found = [node for node in found if _spot(node.body) in spots]
        return found[0] if len(found) == 1 else None

    def classes(self, qualname: str) -> list[ast.ClassDef]:
        """Every class statement of that qualified name; several when it is defined under conditions."""
        return self._classes.get(qualname, [])

    def bindings(self, name: str) -> list[ast.stmt]:
        """The top-level statements that bind `name`."""
        if self._bindings is None:
            self._bindings = defaultdict(list)
            for statement in self.tree.body if self.tree else ():
                for bound in set(_bound(statement)):
                    self._bindings[bound].append(statement)
        return self._bindings.get(name, [])

    def effects(self) -> Iterator[tuple[set[str], ast.stmt]]:
        """The top-level statements that do something other than bind names, with the names they act on."""
        for statement in self.tree.body if self.tree else ():
            roots = set(_acted_on(statement))
            if roots and not _is_main_guard(statement):
                yield roots, statement

    def imports(self) -> Iterator[ast.Import | ast.ImportFrom]:
        """The import statements that run when the module does."""
        todo: list[ast.AST] = list(self.tree.body) if self.tree else []
        while todo:
            node = todo.pop()
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                yield node
            elif isinstance(node, (*_Compound, ast.ClassDef)):
                todo.extend(_statements(node))

    def star_imports(self) -> Iterator[ast.ImportFrom]:
        """The top-level `from x import *` statements."""
        for statement in self.tree.body if self.tree else ():
            if isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*":
                yield statement


def parse(text: bytes, name: str) -> ast.Module | None:
    """The tree of a file's text, or None when it is not Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text, name)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def imported_names(tree: ast.AST) -> set[str]:
    """The top-level names of all modules imported anywhere in a tree by absolute name."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names.add(node.module.partition(".")[0])
    return names


def _statements(node: Any) -> Iterator[ast.stmt]:
    for field in ("body", "orelse", "finalbody"):
        yield from getattr(node, field, ())
    for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield from part.body


def _bound(statement: ast.stmt) -> Iterator[str]:
    todo: list[ast.AST] = [statement]
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
            continue
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        todo.extend(ast.iter_child_nodes(node))


def _acted_on(statement: ast.stmt) -> Iterator[str]:
    todo: list[Any] = [statement]
    while todo:
        node = todo.pop()
        if isinstance(node, _Compound):
            todo.extend(_statements(node))
            continue
        targets: list[ast.expr] = []
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            targets = [node.value.func]
        elif isinstance(node, ast.Assign):
            targets = [target for target in node.targets if isinstance(target, (ast.Attribute, ast.Subscript))]
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, (ast.Attribute, ast.Subscript)):
            targets = [node.target]
        for target in targets:
            inner: ast.expr = target
            while isinstance(inner, (ast.Attribute, ast.Subscript, ast.Call)):
                inner = inner.func if isinstance(inner, ast.Call) else inner.value
            if isinstance(inner, ast.Name):
                yield inner.id


def _is_main_guard(statement: ast.stmt) -> bool:
    test = statement.test if isinstance(statement, ast.If) else None
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


def _spot(node: ast.expr) -> tuple[int | None, int | None, int | None, int | None]:
    return node.lineno, node.end_lineno, node.col_offset, node.end_col_offset


def _process_start() -> float:
    """When this process began: all project modules were loaded later. Elsewhere than on Linux, now."""
    now = time.time()
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        began = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        now = time.time()  # right before the other clock: what passes between the two makes us seem older
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - began
    except (OSError, AttributeError, ValueError, IndexError):
        return now
    # the ages of both clocks are known to a tick of 10 ms each; no module is loaded in the first three
    return now - age + 0.03 if age > 0 else now


_STARTED = _process_start()
