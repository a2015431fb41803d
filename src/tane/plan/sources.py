"""Live functions and classes back to their source: which file, which syntax tree, and whether the file still
says what was loaded.

`definitions` calls it. It promises never to pair a live function with text it was not made from: when a
file was touched after the process began, the loaded code is compared with the compiled file, and what
differs is reported as not found, so that the caller takes the bytecode instead.
"""

from __future__ import annotations

import ast
import contextlib
import gc
import linecache
import os
import sys
import time
import types
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tane.digest import hashing, values
from tane.plan import syntax
from tane.project import loaded
from tane.store import signatures

_OWN = str(Path(__file__).parents[1]) + os.sep  # Tane itself is no project code, wherever it is installed from
_LONGEST_NAME = 200
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
    """One source file (or notebook cell), read once. Its syntax trees can be forgotten and made again."""

    __slots__ = ("_compiled", "_index", "_text", "fresh", "name", "sig")

    def __init__(self, name: str, namespace: Mapping[str, Any]) -> None:
        self.name = name
        self.fresh = False  # unchanged since it was imported, or since the process began
        self.sig: signatures.Signature | None = None  # how the file looked when it was read
        self._compiled: dict[tuple[int, str], list[types.CodeType]] | None = None
        self._index: _Index | None = None
        try:
            with open(name, "rb", buffering=0) as file:
                self._text: bytes = file.read()
                stat = os.fstat(file.fileno())
            self.sig = signatures.of_stat(stat)
            old = (stat.st_ctime if sys.platform == "linux" else stat.st_mtime) < _STARTED
            self.fresh = old or loaded.is_still(name, self.sig, self._text)
        except (OSError, ValueError):  # a notebook cell, or a module inside of an archive
            self._text = "".join(linecache.getlines(name, dict(namespace))).encode()

    def is_as_it_was(self) -> bool:
        """Whether the file holds what was read from it."""
        try:
            return Path(self.name).read_bytes() == self._text
        except OSError:
            return False

    def rest(self) -> None:
        """Forget the trees: the next question makes them again."""
        self._index = self._compiled = None

    @property
    def tree(self) -> ast.Module | None:
        """The tree of the whole file; None when it is not Python."""
        return self._read().tree

    def _read(self) -> _Index:
        if self._index is None:
            self._index = _Index(parse(self._text, self.name))
        return self._index

    def function(self, code: types.CodeType) -> _Definition | ast.Lambda | None:
        """The tree that `code` was compiled from, or None when it cannot be told for certain."""
        if not self.holds(code):
            return None
        if code.co_name == "<lambda>":
            return self._read().lambda_(code)
        found = self._read().at(code.co_firstlineno, "<locals>" in code.co_qualname)
        return found if found is not None and found.name == code.co_name else None

    def holds(self, code: types.CodeType) -> bool:
        """Whether the file, as it is now, compiles to `code`."""
        if self.fresh:
            return True
        if self._compiled is None:
            self._compiled = self._compile()
        found = self._compiled.get((code.co_firstlineno, code.co_name), [])
        return code in found or bytecode(code) in map(bytecode, found)

    def _compile(self) -> dict[tuple[int, str], list[types.CodeType]]:
        found: dict[tuple[int, str], list[types.CodeType]] = {}
        todo: list[types.CodeType] = []
        with warnings.catch_warnings(), contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
            warnings.simplefilter("ignore")
            todo = [compile(self._text, self.name, "exec", dont_inherit=True)]
        while todo:
            code = todo.pop()
            found.setdefault((code.co_firstlineno, code.co_name), []).append(code)
            todo.extend(const for const in code.co_consts if isinstance(const, types.CodeType))
        return found

    def classes(self, qualname: str) -> list[ast.ClassDef]:
        """Every class statement of that qualified name; several when it is defined under conditions."""
        return self._read().classes_of(qualname)

    def bindings(self, name: str) -> list[ast.stmt]:
        """The top-level statements that bind `name`."""
        return self._read().bindings().get(name, [])

    def effects(self) -> Iterator[tuple[set[str], ast.stmt]]:
        """The top-level statements that do something other than bind names, with the names they act on."""
        for statement in self._read().others:
            roots = set(_acted_on(statement))
            if roots and not _is_main_guard(statement):
                yield roots, statement

    def decorated(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
        """The functions and classes at the top that have decorators."""
        tree = self._read().tree
        for one in tree.body if tree is not None else ():
            if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and one.decorator_list:
                yield one

    def imports(self) -> Iterator[ast.Import | ast.ImportFrom]:
        """The import statements that run when the module does."""
        index = self._read()
        todo: list[ast.AST] = [*index.others, *index.top_classes]
        while todo:
            node = todo.pop()
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                yield node
            elif isinstance(node, (*_Compound, ast.ClassDef)):
                todo.extend(_statements(node))

    def star_imports(self) -> Iterator[ast.ImportFrom]:
        """The top-level `from x import *` statements."""
        for statement in self._read().others:
            if isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*":
                yield statement


class _Index:
    """Where the definitions of one tree stand. What functions hold is looked through when first asked for."""

    __slots__ = ("_bindings", "_classes", "_deep", "_functions", "_lambdas", "others", "top_classes", "tree")

    def __init__(self, tree: ast.Module | None) -> None:
        self.tree = tree
        self.others: list[ast.stmt] = []  # at the top, and no definitions
        self.top_classes: list[ast.ClassDef] = []
        self._deep = False
        self._functions: dict[int, _Definition] = {}  # no two begin on one line
        self._classes: dict[str, list[ast.ClassDef]] = {}
        self._lambdas: dict[int, list[ast.Lambda]] | None = None
        self._bindings: dict[str, list[ast.stmt]] | None = None
        body = tree.body if tree is not None else []
        for one in body:
            kind = one.__class__
            if kind is ast.FunctionDef or kind is ast.AsyncFunctionDef:
                continue
            if kind is ast.ClassDef:
                self.top_classes.append(one)  # type: ignore[arg-type]
            else:
                self.others.append(one)
        self._look(body)

    def _look(self, body: Iterable[ast.stmt]) -> None:
        todo: list[tuple[Iterable[ast.stmt], str]] = [(body, "")]
        while todo:
            statements, prefix = todo.pop()
            for one in statements:
                if isinstance(one, _Definition):
                    self._functions[syntax.start_line(one)] = one
                    if self._deep:
                        todo.append((_statements(one), f"{prefix}{one.name}.<locals>."))
                elif isinstance(one, ast.ClassDef):
                    self._classes.setdefault(prefix + one.name, []).append(one)
                    todo.append((_statements(one), f"{prefix}{one.name}."))
                elif isinstance(one, _Compound):
                    todo.append((_statements(one), prefix))

    def _deepen(self) -> None:
        if not self._deep and self.tree is not None:
            self._deep = True
            self._classes = {}
            self._look(self.tree.body)

    def at(self, line: int, inside: bool) -> _Definition | None:
        """The definition that begins on a line, which may stand inside of another function."""
        if inside:
            self._deepen()
        return self._functions.get(line)

    def classes_of(self, qualname: str) -> list[ast.ClassDef]:
        """The class statements of a qualified name."""
        if "<locals>" in qualname:
            self._deepen()
        return self._classes.get(qualname, [])

    def lambda_(self, code: types.CodeType) -> ast.Lambda | None:
        """The lambda that `code` was compiled from."""
        if self._lambdas is None:
            self._lambdas = {}
            for node in ast.walk(self.tree) if self.tree else ():
                if isinstance(node, ast.Lambda):
                    self._lambdas.setdefault(node.lineno, []).append(node)
        found = self._lambdas.get(code.co_firstlineno, [])
        if len(found) > 1:
            spots = set(code.co_positions())
            found = [node for node in found if _spot(node.body) in spots]
        return found[0] if len(found) == 1 else None

    def bindings(self) -> dict[str, list[ast.stmt]]:
        """The top-level statements by the names they bind."""
        if self._bindings is None:
            self._bindings = {}
            for statement in self.tree.body if self.tree else ():
                for bound in set(_bound(statement)):
                    self._bindings.setdefault(bound, []).append(statement)
        return self._bindings


def parse(text: bytes, name: str) -> ast.Module | None:
    """The tree of a file's text, or None when it is not Python."""
    collecting = gc.isenabled()
    gc.disable()  # a tree is many objects and no garbage: looking for some takes as long as parsing
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text, name)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    finally:
        if collecting:
            gc.enable()


def imported_names(tree: ast.AST) -> tuple[set[str], set[str]]:
    """The top-level names of all modules imported anywhere in a tree by absolute name, and those that its strings may
    name ("models" in "models.linear").
    """
    names: set[str] = set()
    said: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            top = node.value[:_LONGEST_NAME].partition(".")[0].partition(":")[0]
            if top.isidentifier():
                said.add(top)
    return names, said


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
