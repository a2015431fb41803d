"""Definitions read for what they use: functions, classes and top-level statements of the project.

`reach` hands every definition here; the values its names lead to are handed back through `visit`. It
promises that each outer name of a definition becomes an edge, and that what cannot be followed takes the
whole package in.
"""

from __future__ import annotations

import ast
import builtins
import enum
import functools
import importlib
import sys
import types
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tane.digest import hashing
from tane.plan import anatomy, bodies, parts, places, sources, syntax, telling, texts


class Definitions:
    """The definitions of one project, each read once."""

    def __init__(
        self,
        read: texts.Texts,
        visit: Callable[[Any, parts.At], parts.Part],
        todo: deque[Callable[[], None]],
    ) -> None:
        self.texts = read
        self._visit = visit
        self._todo = todo
        self._statements: dict[tuple[int, str], parts.Part | None] = {}
        self._effects_around: dict[int, list[tuple[str, parts.Part]]] = {}
        self._imported_by: dict[int, list[parts.Namespace]] = {}

    # -- functions -----------------------------------------------------------------------------------------

    def function(self, part: parts.Part, function: types.FunctionType) -> None:
        """Fill the part of a function: its syntax (else its bytecode), defaults, attributes and closure."""
        code, namespace = function.__code__, function.__globals__
        tree = self.texts.source(code.co_filename, namespace).function(code)
        cells = dict(anatomy.cells(function)) if function.__closure__ else {}
        if tree is not None:
            read = self.texts.read(tree, namespace)
            part.own = read.digest
            self._uses(part, read, namespace, cells)
        else:
            part.own = hashing.combine("function", sources.bytecode(code))
            self._bytecode_uses(part, code, namespace)
        self._module_effects(part, namespace)
        for name, value in anatomy.defaults(function):
            part.edges.append((name, self._visit(value, parts.At(part.label, namespace))))
        for name, value in sorted(function.__dict__.items()) if function.__dict__ else ():
            child = self._visit(value, parts.At(part.label, namespace, soft=True))
            part.edges.append((name, child))
            if name == "__wrapped__":
                part.wraps = child
        for name, value in cells.items():
            if not _is_our_module(value):  # those are followed by the attributes asked of them
                at = parts.At(f"closure value {name} of {part.label.partition(' ')[2]}", namespace)
                part.edges.append((f"closure {name}", self._visit(value, at)))

    def _uses(self, part: parts.Part, read: syntax.Syntax, namespace: parts.Namespace, cells: parts.Namespace) -> None:
        """Follow every outer name of a definition."""
        for name, chain in read.uses:
            if name in cells:
                if _is_our_module(cells[name]):
                    self._follow(part, name, cells[name], chain, parts.At(part.label, namespace))
            elif name in telling.MODULE_NAMES and name in namespace:
                self._take_whole(part, namespace, telling.Sign(name, name == "__doc__"))
            elif name in namespace:
                if name not in telling.IGNORED_NAMES:
                    self._follow(part, name, namespace[name], chain, self.texts.at(namespace, name))
            elif name in telling.BUILTINS and hasattr(builtins, name):
                self._take_whole(part, namespace, telling.Sign(f"{name}()"))
            elif not hasattr(builtins, name) and name not in telling.IGNORED_NAMES and name not in read.made:
                part.undefined = (*part.undefined, name)
        for one, asked in read.imported:
            self._imported(part, one, asked, namespace)
        for word in sorted(read.marks):
            if word == telling.ORDER:
                part.looks = True
            else:
                self._take_whole(part, namespace, telling.mark(word))
        self._read_in_texts(part, read, namespace)

    def _read_in_texts(self, part: parts.Part, read: syntax.Syntax, namespace: parts.Namespace) -> None:
        """Follow the names that stand in a definition's strings, or in the strings it names."""
        words = set(read.words)
        for name, _ in read.uses:
            if type(namespace.get(name)) is str:
                words |= telling.names_in(namespace[name], read.reads)
        for name in sorted(words):
            value = namespace.get(name)
            if value is not None and name not in telling.NOT_FOLLOWED and not isinstance(value, types.ModuleType):
                self._follow(part, name, value, (), self.texts.at(namespace, name))

    def _bytecode_uses(self, part: parts.Part, code: types.CodeType, namespace: parts.Namespace) -> None:
        """The same from the names in compiled code, where attributes and imports cannot be told apart."""
        todo = [code]
        while todo:
            code = todo.pop()
            todo.extend(const for const in code.co_consts if isinstance(const, types.CodeType))
            for name in code.co_names:
                if name in telling.IGNORED_NAMES:
                    continue
                if name in namespace:
                    part.edges.append((name, self._visit(namespace[name], self.texts.at(namespace, name))))
                elif name in telling.BUILTINS or name in telling.MODULE_NAMES or name in telling.ATTRIBUTES:
                    self._take_whole(part, namespace, telling.mark(name))
            for name in anatomy.imported_by(code):
                if not name or anatomy.is_project_top(name.partition(".")[0]):
                    self._take_whole(part, namespace, telling.Sign("an import"))
                else:
                    self._note_library(part, name, "", namespace)

    def _take_whole(self, part: parts.Part, namespace: parts.Namespace, sign: telling.Sign) -> None:
        self.texts.take_whole(part, namespace, sign, part.label)

    def _follow(self, part: parts.Part, name: str, value: Any, chain: syntax.Chain, at: parts.At) -> None:
        """Join what `name` with the attributes `chain` means, through modules of the project."""
        path, rest = [name], list(chain)
        while _is_our_module(value):
            namespace = vars(value)
            if not rest:
                word = f"{value.__name__.rpartition('.')[2]} as a value"
                self._take_whole(part, namespace, telling.Sign(word))
                return
            attribute = rest.pop(0)
            path.append(attribute)
            if attribute in telling.MODULE_NAMES:
                self._take_whole(part, namespace, telling.Sign(attribute))
                return
            if attribute in namespace:
                value, at = namespace[attribute], self.texts.at(namespace, attribute)
            elif f"{value.__name__}.{attribute}" in sys.modules:
                value = sys.modules[f"{value.__name__}.{attribute}"]
            else:
                if "__getattr__" in namespace:
                    self._take_whole(part, namespace, telling.Sign("module __getattr__"))
                return
        if path[-1] in telling.IGNORED_NAMES:
            return
        if isinstance(value, types.ModuleType):
            self._note_library(part, value.__name__, rest[0] if rest else "", at.namespace)
            own = hashing.combine("library", value.__name__, "")
            found = parts.Part(f"import {value.__name__}", own)
        else:
            found = self._visit(value, at)
        part.edges.append((".".join(path), found))

    def _note_library(self, part: parts.Part, module: str, name: str, namespace: parts.Namespace) -> None:
        part.imports |= anatomy.outside_top(module)
        sign = telling.outside(module, name)
        if sign is not None:
            self._take_whole(part, namespace, sign)

    def _imported(
        self, part: parts.Part, one: syntax.Import, asked: syntax.Chain | None, namespace: parts.Namespace
    ) -> None:
        """Follow an import made inside of a definition."""
        name = places.imported_module(one.module, one.level, namespace)
        top = name.partition(".")[0]
        if not anatomy.is_project_top(top):
            self._note_library(part, name, one.attribute or (asked[0] if asked else ""), namespace)
            return
        try:
            module = importlib.import_module(name)
            value: Any = sys.modules[top] if one.top else module
            if one.attribute:
                value = places.attribute(module, one.attribute)
        except (Exception, SystemExit) as error:  # an import runs user code
            self._take_whole(part, namespace, telling.Sign(f"{type(error).__name__} on import of {name}"))
            return
        if asked is None and _is_our_module(value):
            self._take_whole(part, vars(module), telling.Sign(f"import of {name}"))
            return
        self._module_effects(part, vars(module))
        at = parts.At(part.label, vars(module))
        if one.attribute in vars(module):
            at = self.texts.at(vars(module), one.attribute)
        self._follow(part, f"import {one.attribute or 'module'}", value, asked or (), at)

    # -- classes -------------------------------------------------------------------------------------------

    def class_(self, part: parts.Part, kind: type, home: str, namespace: parts.Namespace, at: parts.At) -> None:
        """Fill the part of a class: its statement, what that uses, its bases, and what its members hold."""
        source = self.texts.source(home, namespace)
        members = list(anatomy.class_members(kind))
        functions = [function for _, member in members for function in anatomy.functions_of(member)]
        trees = self._class_trees(kind, source, functions)
        documents = bool(anatomy.outside_top(type(kind).__module__))  # such a metaclass may read docstrings
        loose = _is_loose(kind, trees)
        reads = [self.texts.read(tree, namespace, documents, loose) for tree in trees]
        part.own = hashing.combine("class", kind.__name__, *(read.digest for read in reads))
        if not reads or not source.fresh:
            part.own = hashing.combine("class as it is", part.own, *anatomy.live_shape(kind, loose))
        part.order = self._as_written(trees, namespace) if loose else ""
        cells = {name: value for function in functions for name, value in anatomy.cells(function)}
        for read in reads:
            self._uses(part, read, namespace, cells)
        if not reads:
            self._without_statement(part, kind, namespace, at)
        for number, base in enumerate((*kind.__bases__, type(kind))):
            if base is not object and base is not type:
                found = self._visit(base, parts.At(part.label, namespace))
                part.edges.append((f"base {number}", found))
                part.edges += [] if loose else self._inherited(base, found)
        spans = [(syntax.start_line(tree), tree.end_lineno or 0) for tree in trees]
        for name, member in members:
            self._member(part, name, member, namespace, home, spans)
        self._module_effects(part, namespace)

    def _as_written(self, trees: list[ast.ClassDef], namespace: parts.Namespace) -> str:
        return hashing.combine("as written", *(self.texts.read(tree, namespace).digest for tree in trees))

    def _inherited(self, base: type, found: parts.Part) -> parts.Edges:
        """The order and annotations of a base, which its subclasses may have looked at."""
        if not anatomy.is_project_class(base):
            return []
        home, namespace = anatomy.home_of(base)
        members = anatomy.class_members(base)
        functions = [function for _, member in members for function in anatomy.functions_of(member)]
        trees = self._class_trees(base, self.texts.source(home, namespace), functions)
        if not _is_loose(base, trees):
            return []
        return [("base as written", parts.Part(found.label, self._as_written(trees, namespace), file=found.file))]

    def _class_trees(
        self, kind: type, source: sources.Source, functions: list[types.FunctionType]
    ) -> list[ast.ClassDef]:
        """The class statement; all it may be when conditions leave several; none when the file changed."""
        trees = source.classes(kind.__qualname__)
        codes = [function.__code__ for function in functions]
        codes = [code for code in codes if code.co_qualname == f"{kind.__qualname__}.{code.co_name}"]
        codes = [code for code in codes if code.co_filename == source.name]
        if not all(map(source.holds, codes)):
            return []
        if len(trees) > 1 and codes:
            line = codes[0].co_firstlineno
            trees = [tree for tree in trees if tree.lineno <= line <= (tree.end_lineno or 0)] or trees
        return trees

    def _without_statement(self, part: parts.Part, kind: type, namespace: parts.Namespace, at: parts.At) -> None:
        """A class that no statement defines: the assignment that made it, and the members of an enum."""
        if not at.name and namespace.get(kind.__name__) is kind:
            at = self.texts.at(namespace, kind.__name__)
        made = self.statement(at)
        part.edges += [("bound by", made)] if made else []
        if issubclass(kind, enum.Enum):
            found = parts.At(part.label, namespace, soft=True)
            part.edges += [(name, self._visit(one._value_, found)) for name, one in kind._member_map_.items()]

    def _member(
        self,
        part: parts.Part,
        name: str,
        member: Any,
        namespace: parts.Namespace,
        home: str,
        spans: list[tuple[int, int]],
    ) -> None:
        """A member counts by what the class statement does not say: values, defaults, code from elsewhere."""
        functions = anatomy.functions_of(member)
        at = parts.At(part.label, namespace, soft=True)
        if not functions:
            part.edges.append((name, self._visit(member, at)))
        for function in functions:
            code = function.__code__
            if code.co_filename == home and any(a <= code.co_firstlineno <= b for a, b in spans):
                inside = [
                    *anatomy.defaults(function),
                    *anatomy.cells(function),
                    *sorted(vars(function).items()),
                ]
                inside = [(word, value) for word, value in inside if not _is_our_module(value)]
                part.edges += [(f"{name} {word}", self._visit(value, at)) for word, value in inside]
            elif spans and anatomy.is_generated(function):
                continue
            else:
                part.edges.append((name, self._visit(function, at)))

    # -- statements ----------------------------------------------------------------------------------------

    def statement(
        self, at: parts.At, *, only_assigned: bool = False, acting: bool = False, live: bool = False
    ) -> parts.Part | None:
        """The top-level statements that bind a name (and those that are `acting` on it), for values that have
        no content of their own. What is `live` is also known as it was loaded: any text will do for the rest.
        """
        file = at.namespace.get("__file__")
        if not at.name or not file:
            return None
        source = self.texts.source(str(file), at.namespace)
        found = source.bindings(at.name)
        if not found or (only_assigned and isinstance(found[-1], (ast.FunctionDef, ast.AsyncFunctionDef))):
            return None
        if acting:
            found = [*found, *(one for roots, one in source.effects() if at.name in roots and one not in found)]
        key = (id(at.namespace), at.name + " acting" * acting + " live" * live)
        if key not in self._statements:
            read = syntax.read(*found)
            own = hashing.combine("statement", read.digest, "" if source.fresh or live else self.texts.once)
            part = self._statements[key] = parts.Part(at.label, own, file=Path(file))
            if not all(isinstance(one, (ast.Import, ast.ImportFrom)) for one in found):
                self._todo.append(functools.partial(self._uses, part, read, at.namespace, {}))
        return self._statements[key]

    def _module_effects(self, part: parts.Part, namespace: parts.Namespace) -> None:
        """Join what a module's statements do to others: `np.random.seed(0)`, `pd.options.x = y`. The modules of
        the project that it imports ran as well, and so on.
        """
        found = self._effects_around.get(id(namespace))
        if found is None:
            found = self._effects_around[id(namespace)] = []
            order, seen = [namespace], {id(namespace)}
            for one in order:
                effects = self._effects_of(one)
                found += [] if effects is None else [("module code", effects)]
                for other in self._imports_of(one):
                    if id(other) not in seen:
                        seen.add(id(other))
                        order.append(other)
        part.edges += found

    def _effects_of(self, namespace: parts.Namespace) -> parts.Part | None:
        key = (id(namespace), "")
        if key not in self._statements:
            self._statements[key] = self._effects(namespace)
        return self._statements[key]

    def _imports_of(self, namespace: parts.Namespace) -> list[parts.Namespace]:
        """The modules of the project that run when a module does: its packages, and what it imports."""
        found = self._imported_by.get(id(namespace))
        if found is None:
            names = dict.fromkeys(places.with_packages(str(namespace.get("__name__", ""))))
            file = namespace.get("__file__")
            if file and str(file).endswith((".py", ".pyw")):
                for statement in self.texts.source(str(file), namespace).imports():
                    names.update(dict.fromkeys(places.imported_modules(statement, namespace)))
            else:  # a notebook
                names.update(dict.fromkeys(places.modules_in(namespace)))
            modules = [sys.modules.get(name) for name in names]
            found = [vars(one) for one in modules if isinstance(one, types.ModuleType) and _is_our_module(one)]
            self._imported_by[id(namespace)] = found
        return found

    def _acts_outside(self, root: str, source: sources.Source, namespace: parts.Namespace) -> bool:
        """Whether acting on `root` acts on more than its module: objects taken out of a library count as well."""
        value = namespace.get(root)
        bound = source.bindings(root)
        if places.acts_outside(value) or not bound:
            return places.acts_outside(value)
        for one in bound:
            if not isinstance(one, ast.ImportFrom) or one.level:
                return False
            if anatomy.is_project_top((one.module or "").partition(".")[0]):
                return False
        return type(value).__module__ != "logging"

    def _effects(self, namespace: parts.Namespace) -> parts.Part | None:
        file = str(namespace.get("__file__") or "")
        if not file.endswith((".py", ".pyw")):
            return None
        part = parts.Part(f"module code of {places.short(file, str(namespace.get('__name__', '')))}", "")
        source = self.texts.source(file, namespace)
        said: list[str] = []
        for roots, statement in source.effects():
            read = syntax.read(statement)
            used = {name: namespace.get(name) for name, _ in read.uses}
            if any(map(places.is_ours, used.values())):  # building or running pipelines is no part of a step
                continue
            if not any(root in _SETTERS or self._acts_outside(root, source, namespace) for root in roots):
                continue
            said.append(read.digest)
            # what is called counts, and the data given to it; functions given to it count where they are used,
            # but those put into a library, or handed to it, are seen nowhere else
            patched = any(root in _SETTERS or _is_library(used.get(root)) for root in roots)
            kept = [
                (name, chain)
                for name, chain in read.uses
                if (patched or name in roots or not isinstance(used.get(name), (type, types.FunctionType)))
                and name not in telling.MODULE_NAMES
            ]
            follow = read._replace(uses=tuple(kept))
            self._todo.append(functools.partial(self._uses, part, follow, namespace, {}))
        for statement in source.decorated():
            value = namespace.get(statement.name)
            if isinstance(value, (type, types.FunctionType)) and _registers(statement, namespace):
                said.append(statement.name)
                self._todo.append(functools.partial(self._registered, part, statement.name, value, namespace))
        if not said:
            return None
        part.file = Path(file)
        part.own = hashing.combine("effects", *said, "" if source.fresh else self.texts.once)
        return part

    def _registered(self, part: parts.Part, name: str, value: Any, namespace: parts.Namespace) -> None:
        part.edges.append((name, self._visit(value, self.texts.at(namespace, name))))


_SETTERS = frozenset({"setattr", "delattr"})
# What decorators of these modules make counts where it is used: they tell nobody else of it.
_TELLING_NOBODY = frozenset(
    {"functools", "dataclasses", "enum", "abc", "contextlib", "typing", "collections", "types", "warnings", "builtins"}
    | {"attr", "attrs", "pydantic", "numba", "pytest", "hypothesis", "typing_extensions", "beartype", "typeguard"}
)


def _is_library(target: Any) -> bool:
    """Whether `target` is a module, class or function of a library."""
    return places.acts_outside(target) and not sources.is_project_name(_home(target))


def _home(target: Any) -> str:
    return str(target.__name__ if isinstance(target, types.ModuleType) else target.__module__)


def _registers(statement: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, namespace: parts.Namespace) -> bool:
    """Whether a library is told of a definition by a decorator, and may then use it where no name shows it."""
    for decorator in statement.decorator_list:
        root = namespace.get(bodies.first_and_last(decorator)[0])
        told = _is_library(root) and not places.is_ours(root)
        if told and _home(root).partition(".")[0] not in _TELLING_NOBODY:
            return True
    return False


def _is_loose(kind: type, trees: list[ast.ClassDef]) -> bool:
    """Whether nobody sees the annotations of a class and the order of its methods."""
    return anatomy.is_unwatched(kind) and not any(tree.decorator_list or tree.keywords for tree in trees)


def _is_our_module(value: Any) -> bool:
    return isinstance(value, types.ModuleType) and sources.is_project_module(value)
