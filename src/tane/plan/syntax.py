"""One definition's syntax: its digest without comments, docstrings and positions, and the names it uses.

`definitions` calls it for every function, class and statement that a step can reach. It promises that two
texts that differ only in formatting, comments, docstrings or idle annotations have the same digest, and
that every name which the definition takes from outside of itself is listed. It reads trees only: nothing is
imported or run. Work is kept on an explicit stack, so deep expressions cannot exhaust Python's.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from tane.digest import hashing
from tane.plan import bodies, telling

Chain = tuple[str, ...]


class Import(NamedTuple):
    """An import inside a definition: `from {level dots}{module} import {attribute}` or `import {module}`.

    `top` is set for `import a.b` without `as`, which binds `a`.
    """

    module: str
    level: int
    attribute: str
    top: bool


class Syntax(NamedTuple):
    """What one definition says.

    `uses` are outer names with the attributes asked of them (`helpers.scale` is `("helpers", ("scale",))`);
    `imported` the imports made inside with the attributes asked of what they bind (None: never named);
    `marks` telling words that make plain following of names insufficient; `made` the names that it binds somewhere;
    `words` are names that may stand in its strings; `reads` tells that it calls what looks names up in a text.
    """

    digest: str
    uses: tuple[tuple[str, Chain], ...] = ()
    imported: tuple[tuple[Import, Chain | None], ...] = ()
    marks: frozenset[str] = frozenset()
    made: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    reads: bool = False


def read(
    *roots: ast.AST,
    documents: bool = False,
    loose: bool = False,
    foreign: Callable[[str], bool] = lambda name: True,
    ours: Callable[[str], bool] = lambda name: False,
) -> Syntax:
    """The syntax of one definition (or of some statements).

    `documents` keeps all docstrings; otherwise those stay that a decorator may read whose first name is `foreign`.
    `loose` is said of a class of which nobody sees the annotations and the order of the methods.
    `ours` says which names lead to Tane: how a step of a flow is run (`@step(...)`) and which comes next
    (`self.next(...)`) is no part of what it does.
    """
    reader = _Reader(documents, foreign, ours, roots[0] if loose else None)
    reader.run(roots)
    return reader.result()


def start_line(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
    """The line at which Python says the definition begins: that of its first decorator."""
    decorators = node.decorator_list
    return decorators[0].lineno if decorators else node.lineno


# What these decorators make of a function does not depend on its docstring or annotations.
_PLAIN_DECORATORS = frozenset(
    {"staticmethod", "classmethod", "property", "abstractmethod", "setter", "getter", "deleter", "wraps"}
    | {"lru_cache", "contextmanager", "cached_property", "override"}
)
_UNSEEN_FIELDS = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_LITERALS = frozenset({str, int, bool, type(None)})  # what fields of trees hold beside trees
_LOGGERS = frozenset({"getLogger", "get_logger"})
_NO_NAMES: frozenset[str] = frozenset()


class _Scope:
    """The names bound in one scope. Class bodies and modules hide nothing from what stands in them."""

    __slots__ = ("bound", "given", "globals", "hides", "imports", "is_class", "is_comprehension", "outer", "parent")

    def __init__(self, parent: _Scope | None, hides: bool, given: Iterable[str] = ()) -> None:
        self.parent = parent
        self.hides = hides
        self.is_class = False
        self.is_comprehension = False
        self.given = set(given)  # parameters: known to be bound before any other name is
        self.bound = set(self.given)
        self.outer = self.globals = _NO_NAMES  # declared global or nonlocal; declared global
        self.imports: dict[str, list[Import]] | None = None


class _Reader:
    __slots__ = (
        "documents",
        "foreign",
        "loads",
        "loose",
        "marks",
        "ours",
        "out",
        "reads",
        "scope",
        "scopes",
        "stack",
        "texts",
    )

    def __init__(
        self, documents: bool, foreign: Callable[[str], bool], ours: Callable[[str], bool], loose: ast.AST | None
    ) -> None:
        self.documents = documents
        self.foreign = foreign
        self.ours = ours
        self.loose = loose
        self.out: list[str] = []
        self.scope = _Scope(None, False)
        self.scopes = [self.scope]
        self.loads: list[tuple[str, Chain, _Scope]] = []
        self.marks: set[str] = set()
        self.stack: list[Any] = []
        self.texts: list[str] = []
        self.reads = False

    def run(self, roots: Iterable[ast.AST]) -> None:
        stack, out = self.stack, self.out
        stack.extend(roots)
        stack.reverse()
        pop = stack.pop
        while stack:
            item = pop()
            kind = item.__class__
            if kind is str:
                out.append(item)
                continue
            special = _SPECIAL.get(kind)
            if special is not None:
                special(self, item)
            else:
                self.plain(item, kind)

    def result(self) -> Syntax:
        uses: set[tuple[str, Chain]] = set()
        imported: set[tuple[Import, Chain | None]] = set()
        used: set[tuple[str, _Scope]] = set()
        for name, chain, scope in set(self.loads):
            owner = _owner(name, scope)
            if owner is None:
                uses.add((name, chain))
            elif owner.imports is not None and name in owner.imports:
                used.add((name, owner))
                imported.update((one, chain) for one in owner.imports[name])
        for scope in self.scopes:
            for name, all_of_them in scope.imports.items() if scope.imports is not None else ():
                if (name, scope) not in used:
                    imported.update((one, None) for one in all_of_them)
        made = words = _NO_NAMES
        if uses:
            made = _NO_NAMES.union(*(scope.bound for scope in self.scopes), *(scope.outer for scope in self.scopes))
        reads = self.reads or not telling.READERS.isdisjoint([name for name, _ in uses])
        if self.texts:
            words = words.union(*(telling.names_in(text, reads) for text in self.texts))
        return Syntax(
            hashing.of_bytes("\0".join(self.out).encode("utf-8", "surrogatepass")),
            tuple(sorted(uses)) if uses else (),
            tuple(sorted(imported, key=lambda pair: (pair[0], pair[1] or ()))) if imported else (),
            frozenset(self.marks) if self.marks else _NO_NAMES,
            made,
            words,
            reads,
        )

    def plain(self, node: ast.AST, kind: type) -> None:
        token, fields = _SHAPES.get(kind) or _shape(node, kind)
        self.out.append(token)
        stack = self.stack
        for field in fields:
            value: Any = getattr(node, field, None)
            kind = value.__class__
            if kind is list:
                if value and value[0].__class__ is str:
                    stack.extend(["str" + repr(item) for item in reversed(value)])
                else:
                    stack.extend(value[::-1])
                stack.append(f"[{len(value)}")
            elif kind in _LITERALS:
                stack.append(_token(value))
            else:
                stack.append(value)

    def push(self, *items: Any) -> None:
        self.stack.extend(reversed(items))

    def nothing(self, _: None) -> None:
        self.out.append("~")

    def enters(self, scope: _Scope) -> None:
        self.scope = scope

    def name(self, node: ast.Name) -> None:
        name, scope = node.id, self.scope
        self.out.append("Name " + name)
        if node.ctx.__class__ is ast.Load:
            if name not in scope.given:
                self.loads.append((name, (), scope))
            return
        scope.bound.add(name)
        if name in scope.outer:
            self.loads.append((name, (), scope))

    def attribute(self, node: ast.Attribute) -> None:
        chain: list[str] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            chain.append(inner.attr)
            inner = inner.value
        for word in chain:
            if word in telling.ATTRIBUTES:
                self.marks.add(word)
            elif word in telling.READERS:
                self.reads = True
            elif word == "__dict__":
                self.marks.add(telling.ORDER)
        self.out.append("Attribute " + ".".join(chain))
        if isinstance(inner, ast.Name):
            self.out.append("Name " + inner.id)
            if inner.id not in self.scope.given:
                self.loads.append((inner.id, tuple(reversed(chain)), self.scope))
        else:
            self.stack.append(inner)

    def constant(self, node: ast.Constant) -> None:
        value = node.value
        if value.__class__ is str:
            self.texts.append(value)
        self.out.append(_token(value))

    def call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        first = node.args[0] if node.args else None
        if isinstance(first, ast.Name) and first.id == "__name__" and bodies.first_and_last(node)[1] in _LOGGERS:
            self.out.append("Call of a logger")
            self.stack.append(node.func)
            return
        if name in telling.VIEWS:
            if node.args or node.keywords:
                self.marks.add(telling.ORDER)
            else:
                self.marks.add(name + "()")
        self.plain(node, ast.Call)

    def function(self, node: _Function) -> None:
        self.scope.bound.add(node.name)
        arguments, body, kept = node.args, node.body, []
        decorators: list[ast.expr] = node.decorator_list
        documents = self.documents
        if decorators:
            decorators = [one for one in decorators if not self.marks_step(one)]
            telling_ones = [one for one in decorators if bodies.first_and_last(one)[1] not in _PLAIN_DECORATORS]
            documents = documents or any(self.foreign(bodies.first_and_last(one)[0]) for one in telling_ones)
            if telling_ones:
                kept = [*(argument.annotation for argument in _parameters(arguments)), node.returns]
        if not documents:
            body = bodies.without_docstring(body)
        if len(decorators) < len(node.decorator_list):
            body = bodies.without_next(body, arguments)
        outer, (scope, signature) = self.scope, self.enter(arguments)
        for parameter in getattr(node, "type_params", ()):
            scope.bound.add(parameter.name)
        counts = f"{len(decorators)} {len(arguments.defaults)} {len(arguments.kw_defaults)} {len(kept)} {len(body)}"
        self.out.append(f"{node.__class__.__name__} {node.name} {counts}{signature}")
        stack = self.stack
        stack.append(outer)
        stack += body[::-1]
        stack.append(scope)
        for items in (kept, arguments.kw_defaults, arguments.defaults, decorators):
            if items:
                stack += items[::-1]

    def marks_step(self, decorator: ast.expr) -> bool:
        """Whether it is Tane's `@step`."""
        first, last = bodies.first_and_last(decorator)
        return last == "step" and self.ours(first)

    def lambda_(self, node: ast.Lambda) -> None:
        arguments, outer = node.args, self.scope
        scope, signature = self.enter(arguments)
        self.out.append(f"Lambda {len(arguments.defaults)} {len(arguments.kw_defaults)}{signature}")
        self.push(*arguments.defaults, *arguments.kw_defaults, scope, node.body, outer)

    def enter(self, arguments: ast.arguments) -> tuple[_Scope, str]:
        names = [one.arg for one in arguments.args]
        shown = ",".join(names)
        if arguments.posonlyargs or arguments.kwonlyargs or arguments.vararg or arguments.kwarg:
            first = [one.arg for one in arguments.posonlyargs]
            last = [one.arg for one in arguments.kwonlyargs]
            rest = [one.arg if one else "" for one in (arguments.vararg, arguments.kwarg)]
            shown = f"{','.join(first)}/{shown};{','.join(last)};{';'.join(rest)}"
            names += [*first, *last, *filter(None, rest)]
        scope = _Scope(self.scope, True, names)
        self.scopes.append(scope)
        return scope, f"({shown})"

    def class_(self, node: ast.ClassDef) -> None:
        self.scope.bound.add(node.name)
        outer = self.scope
        body = node.body if self.documents else bodies.without_docstring(node.body)
        loose = node is self.loose
        if loose:
            body = bodies.in_any_order(body)
        around = outer
        types = getattr(node, "type_params", ())
        if types:  # seen by the bases and the body
            around = _Scope(outer, True, (one.name for one in types))
            self.scopes.append(around)
        scope = _Scope(around, False)
        scope.is_class = not loose
        self.scopes.append(scope)
        counts = f"{len(types)} {len(node.decorator_list)} {len(node.bases)} {len(node.keywords)} {len(body)}"
        self.out.append(f"ClassDef {node.name} {counts}")
        self.push(*node.decorator_list, around, *types, *node.bases, *node.keywords, scope, *body, outer)

    def alias(self, node: Any) -> None:
        """A `type` statement: its parameters are names of its own."""
        outer, scope = self.scope, _Scope(self.scope, True, (one.name for one in node.type_params))
        self.scopes.append(scope)
        self.out.append(f"TypeAlias {len(node.type_params)}")
        self.push(node.name, scope, *node.type_params, node.value, outer)

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        scope = _Scope(self.scope, True)
        scope.is_comprehension = True
        self.scopes.append(scope)
        first, *rest = node.generators
        results = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
        self.out.append(f"{type(node).__name__} {first.is_async} {len(first.ifs)} {len(rest)}")
        # the first iterable is evaluated outside: `[rows for rows in rows]` reads the outer `rows`
        self.push(first.iter, scope, first.target, *first.ifs, *rest, *results, self.scope)

    def annotated(self, node: ast.AnnAssign) -> None:
        if self.scope.is_class:  # dataclasses and models read these
            self.plain(node, ast.AnnAssign)
        elif node.value is not None:
            self.out.append("Assign")
            self.push("[1", node.target, node.value)
        else:
            if isinstance(node.target, ast.Name):
                self.scope.bound.add(node.target.id)
            self.out.append("Pass")

    def augmented(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.loads.append((node.target.id, (), self.scope))
        self.plain(node, ast.AugAssign)

    def walrus(self, node: ast.NamedExpr) -> None:
        scope = self.scope
        while scope.is_comprehension and scope.parent:
            scope = scope.parent
        scope.bound.add(node.target.id)
        if node.target.id in scope.outer:
            self.loads.append((node.target.id, (), scope))
        self.out.append("NamedExpr " + node.target.id)
        self.stack.append(node.value)

    def declared(self, node: ast.Global | ast.Nonlocal) -> None:
        scope = self.scope
        scope.outer = scope.outer.union(node.names)
        if isinstance(node, ast.Global):
            scope.globals = scope.globals.union(node.names)
        for name in node.names:
            self.loads.append((name, (), scope))
        self.out.append(f"{type(node).__name__} {' '.join(node.names)}")

    def import_(self, node: ast.Import) -> None:
        for alias in node.names:
            bound = alias.asname or alias.name.partition(".")[0]
            self.binds(bound, Import(alias.name, 0, "", alias.asname is None))
        self.plain(node, ast.Import)

    def import_from(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self.binds(alias.asname or alias.name, Import(node.module or "", node.level, alias.name, False))
        self.plain(node, ast.ImportFrom)

    def binds(self, name: str, one: Import) -> None:
        scope = self.scope
        scope.bound.add(name)
        if scope.hides:
            scope.given.discard(name)
            if scope.imports is None:
                scope.imports = {}
            scope.imports.setdefault(name, []).append(one)

    def handler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.scope.bound.add(node.name)
        self.plain(node, ast.ExceptHandler)

    def pattern(self, node: ast.MatchAs | ast.MatchStar) -> None:
        if node.name:
            self.scope.bound.add(node.name)
        self.plain(node, type(node))

    def mapping_pattern(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self.scope.bound.add(node.rest)
        self.plain(node, ast.MatchMapping)


_SPECIAL: dict[type, Any] = {
    type(None): _Reader.nothing,
    _Scope: _Reader.enters,
    ast.Name: _Reader.name,
    ast.Attribute: _Reader.attribute,
    ast.Constant: _Reader.constant,
    ast.Call: _Reader.call,
    ast.FunctionDef: _Reader.function,
    ast.AsyncFunctionDef: _Reader.function,
    ast.Lambda: _Reader.lambda_,
    ast.ClassDef: _Reader.class_,
    **dict.fromkeys(_COMPREHENSIONS, _Reader.comprehension),
    ast.AnnAssign: _Reader.annotated,
    ast.AugAssign: _Reader.augmented,
    ast.NamedExpr: _Reader.walrus,
    ast.Global: _Reader.declared,
    ast.Nonlocal: _Reader.declared,
    ast.Import: _Reader.import_,
    ast.ImportFrom: _Reader.import_from,
    ast.ExceptHandler: _Reader.handler,
    ast.MatchAs: _Reader.pattern,
    ast.MatchStar: _Reader.pattern,
    ast.MatchMapping: _Reader.mapping_pattern,
}
if hasattr(ast, "TypeAlias"):
    _SPECIAL[ast.TypeAlias] = _Reader.alias
_SHAPES: dict[type, tuple[str, tuple[str, ...]]] = {}


def _shape(node: ast.AST, kind: type) -> tuple[str, tuple[str, ...]]:
    """How a kind of node is written: its name, and its fields, the last first."""
    fields = tuple(name for name in reversed(node._fields) if name not in _UNSEEN_FIELDS)
    found = _SHAPES[kind] = (kind.__name__, fields)
    return found


def _owner(name: str, scope: _Scope | None) -> _Scope | None:
    """The scope inside the definition that binds `name`, or None when it comes from outside."""
    while scope is not None:
        if name in scope.globals:
            return None
        if scope.hides and name in scope.bound and name not in scope.outer:
            return scope
        scope = scope.parent
    return None


def _token(value: Any) -> str:
    if value is None:
        return "~"
    if isinstance(value, int) and value.bit_length() > 4096:  # repr refuses very long integers
        return f"int{value:#x}"
    return f"{value.__class__.__name__}{value!r}"


def _parameters(arguments: ast.arguments) -> list[ast.arg]:
    last = [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *last]
