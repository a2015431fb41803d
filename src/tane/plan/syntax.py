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
from tane.plan import telling

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
    `marks` telling words that make plain following of names insufficient; `made` all names that it binds somewhere.
    """

    digest: str
    uses: tuple[tuple[str, Chain], ...]
    imported: tuple[tuple[Import, Chain | None], ...]
    marks: frozenset[str]
    made: frozenset[str]


def read(
    *roots: ast.AST,
    documents: bool = False,
    foreign: Callable[[str], bool] = lambda name: True,
    ours: Callable[[str], bool] = lambda name: False,
) -> Syntax:
    """The syntax of one definition (or of some statements).

    `documents` keeps all docstrings; otherwise those stay that a decorator may read whose first name is `foreign`.
    `ours` says which names lead to Tane: how a step of a flow is run (`@step(...)`) and which comes next
    (`self.next(...)`) is no part of what it does.
    """
    reader = _Reader(documents, foreign, ours)
    reader.run(roots)
    return reader.result()


def start_line(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
    """The line at which Python says the definition begins: that of its first decorator."""
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


# What these decorators make of a function does not depend on its docstring or annotations.
_PLAIN_DECORATORS = frozenset(
    {"staticmethod", "classmethod", "property", "abstractmethod", "setter", "getter", "deleter", "wraps"}
    | {"lru_cache", "contextmanager", "cached_property", "override"}
)
_UNSEEN_FIELDS = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
_FIELDS: dict[type, tuple[str, ...]] = {}
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


class _Scope:
    """The names bound in one scope. Class bodies and modules hide nothing from what stands in them."""

    __slots__ = (
        "bound",
        "globals",
        "hides",
        "imports",
        "is_class",
        "is_comprehension",
        "outer",
        "parent",
        "used",
    )

    def __init__(self, parent: _Scope | None, *, hides: bool, is_class: bool = False, comp: bool = False) -> None:
        self.parent = parent
        self.hides = hides
        self.is_class = is_class
        self.is_comprehension = comp
        self.bound: set[str] = set()
        self.outer: set[str] = set()  # declared global or nonlocal
        self.globals: set[str] = set()  # declared global
        self.imports: dict[str, list[Import]] = {}
        self.used: set[str] = set()


class _Reader:
    def __init__(self, documents: bool, foreign: Callable[[str], bool], ours: Callable[[str], bool]) -> None:
        self.documents = documents
        self.foreign = foreign
        self.ours = ours
        self.out: list[str] = []
        self.scope = _Scope(None, hides=False)
        self.scopes = [self.scope]
        self.classes: list[_Scope] = []  # their names are seen by no one inside of their methods
        self.loads: set[tuple[str, Chain, _Scope]] = set()
        self.marks: set[str] = set()
        self.stack: list[Any] = []

    def run(self, roots: Iterable[ast.AST]) -> None:
        stack, out = self.stack, self.out
        stack.extend(reversed(list(roots)))
        while stack:
            item = stack.pop()
            kind = item.__class__
            if kind is str:
                out.append(item)
            elif kind is _Scope:
                self.scope = item
            else:
                special = _SPECIAL.get(kind)
                if special is None:
                    self.plain(item, kind)
                else:
                    special(self, item)

    def result(self) -> Syntax:
        uses: set[tuple[str, Chain]] = set()
        imported: set[tuple[Import, Chain | None]] = set()
        for name, chain, scope in self.loads:
            owner = _owner(name, scope)
            if owner is None:
                uses.add((name, chain))
            elif name in owner.imports:
                owner.used.add(name)
                imported.update((one, chain) for one in owner.imports[name])
        for scope in self.scopes:
            for name in scope.imports.keys() - scope.used:
                imported.update((one, None) for one in scope.imports[name])
        order = sorted(imported, key=lambda pair: (pair[0], pair[1] or ()))
        digest = hashing.of_bytes("\0".join(self.out).encode("utf-8", "surrogatepass"))
        made = frozenset[str]().union(*(scope.bound | scope.outer for scope in (*self.scopes, *self.classes)))
        return Syntax(digest, tuple(sorted(uses)), tuple(order), frozenset(self.marks), made)

    def plain(self, node: ast.AST, kind: type) -> None:
        self.out.append(kind.__name__)
        fields = _FIELDS.get(kind)
        if fields is None:
            names = tuple(name for name in node._fields if name not in _UNSEEN_FIELDS)
            fields = _FIELDS[kind] = names
        children: list[Any] = []
        for field in fields:
            value = getattr(node, field, None)
            if isinstance(value, list):
                children.append(f"[{len(value)}")
                children.extend(_token(item) for item in value)
            else:
                children.append(_token(value))
        children.reverse()
        self.stack.extend(children)

    def push(self, *items: Any) -> None:
        self.stack.extend(reversed(items))

    def name(self, node: ast.Name) -> None:
        self.out.append("Name " + node.id)
        if isinstance(node.ctx, ast.Load):
            self.loads.add((node.id, (), self.scope))
            return
        self.scope.bound.add(node.id)
        if node.id in self.scope.outer:
            self.loads.add((node.id, (), self.scope))

    def attribute(self, node: ast.Attribute) -> None:
        chain: list[str] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            chain.append(inner.attr)
            inner = inner.value
        self.marks.update(telling.ATTRIBUTES.intersection(chain))
        self.out.append("Attribute " + ".".join(chain))
        if isinstance(inner, ast.Name):
            self.out.append("Name " + inner.id)
            self.loads.add((inner.id, tuple(reversed(chain)), self.scope))
        else:
            self.stack.append(inner)

    def constant(self, node: ast.Constant) -> None:
        self.out.append(_token(node.value))

    def call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in ("locals", "vars") and not node.args and not node.keywords:
            self.marks.add(name + "()")
        self.plain(node, ast.Call)

    def function(self, node: _Function) -> None:
        self.scope.bound.add(node.name)
        arguments = node.args
        decorators = [one for one in node.decorator_list if not self.marks_step(one)]
        telling_ones = [one for one in decorators if _names(one)[1] not in _PLAIN_DECORATORS]
        documents = self.documents or any(self.foreign(_names(one)[0]) for one in telling_ones)
        body = node.body if documents else without_docstring(node.body)
        if len(decorators) < len(node.decorator_list):
            body = _without_next(body, arguments)
        kept: list[ast.expr | None] = []
        if telling_ones:
            named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            named += [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
            kept = [*(argument.annotation for argument in named), node.returns]
        outer, scope = self.scope, self.enter(arguments)
        for parameter in getattr(node, "type_params", ()):
            scope.bound.add(parameter.name)
        self.out.append(type(node).__name__ + " " + node.name)
        self.push(
            *_list(decorators),
            *_list(arguments.defaults),
            *_list(arguments.kw_defaults),
            *_list(kept),
            scope,
            _signature(arguments),
            *_list(body),
            outer,
        )

    def marks_step(self, decorator: ast.expr) -> bool:
        """Whether it is Tane's `@step`."""
        first, last = _names(decorator)
        return last == "step" and self.ours(first)

    def lambda_(self, node: ast.Lambda) -> None:
        outer, scope = self.scope, self.enter(node.args)
        self.out.append("Lambda")
        defaults = (*_list(node.args.defaults), *_list(node.args.kw_defaults))
        self.push(*defaults, scope, _signature(node.args), node.body, outer)

    def enter(self, arguments: ast.arguments) -> _Scope:
        scope = _Scope(self.scope, hides=True)
        self.scopes.append(scope)
        scope.bound.update(a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs))
        scope.bound.update(a.arg for a in (arguments.vararg, arguments.kwarg) if a)
        return scope

    def class_(self, node: ast.ClassDef) -> None:
        self.scope.bound.add(node.name)
        body = node.body if self.documents else without_docstring(node.body)
        scope = _Scope(self.scope, hides=False, is_class=True)
        self.classes.append(scope)
        self.out.append("ClassDef " + node.name)
        headers = (*_list(node.decorator_list), *_list(node.bases), *_list(node.keywords))
        self.push(*headers, scope, *_list(body), self.scope)

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        scope = _Scope(self.scope, hides=True, comp=True)
        self.scopes.append(scope)
        first, *rest = node.generators
        results = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
        self.out.append(f"{type(node).__name__} {first.is_async}")
        # the first iterable is evaluated outside: `[rows for rows in rows]` reads the outer `rows`
        self.push(first.iter, scope, first.target, *_list(first.ifs), *_list(rest), *results, self.scope)

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
            self.loads.add((node.target.id, (), self.scope))
        self.plain(node, ast.AugAssign)

    def walrus(self, node: ast.NamedExpr) -> None:
        scope = self.scope
        while scope.is_comprehension and scope.parent:
            scope = scope.parent
        scope.bound.add(node.target.id)
        if node.target.id in scope.outer:
            self.loads.add((node.target.id, (), scope))
        self.out.append("NamedExpr " + node.target.id)
        self.stack.append(node.value)

    def declared(self, node: ast.Global | ast.Nonlocal) -> None:
        self.scope.outer.update(node.names)
        if isinstance(node, ast.Global):
            self.scope.globals.update(node.names)
        for name in node.names:
            self.loads.add((name, (), self.scope))
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
        self.scope.bound.add(name)
        if self.scope.hides:
            self.scope.imports.setdefault(name, []).append(one)

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


def _owner(name: str, scope: _Scope | None) -> _Scope | None:
    """The scope inside the definition that binds `name`, or None when it comes from outside."""
    while scope is not None:
        if name in scope.globals:
            return None
        if scope.hides and name in scope.bound and name not in scope.outer:
            return scope
        scope = scope.parent
    return None


def _token(value: Any) -> Any:
    if isinstance(value, ast.AST):
        return value
    if value is None:
        return "~"
    if isinstance(value, int) and value.bit_length() > 4096:  # repr refuses very long integers
        return f"int{value:#x}"
    return type(value).__name__ + repr(value)


def _list(items: Iterable[Any]) -> list[Any]:
    tokens = [_token(item) for item in items]
    return [f"[{len(tokens)}", *tokens]


def _signature(arguments: ast.arguments) -> str:
    groups = (arguments.posonlyargs, arguments.args, arguments.kwonlyargs)
    names = ";".join(",".join(argument.arg for argument in group) for group in groups)
    more = [argument.arg if argument else "" for argument in (arguments.vararg, arguments.kwarg)]
    return f"({names};{';'.join(more)})"


def _names(decorator: ast.expr) -> tuple[str, str]:
    """The first and the last name of a decorator: ("app", "task") for `@app.task(queue=1)`."""
    last = ""
    while not isinstance(decorator, ast.Name):
        if isinstance(decorator, ast.Call):
            decorator = decorator.func
        elif isinstance(decorator, ast.Attribute):
            last = last or decorator.attr
            decorator = decorator.value
        else:
            return "", last
    return decorator.id, last or decorator.id


def _without_next(body: list[ast.stmt], arguments: ast.arguments) -> list[ast.stmt]:
    """The statements of a flow's step before its `self.next(...)`."""
    call = body[-1].value if body and isinstance(body[-1], ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or call.func.attr != "next":
        return body
    own = [*arguments.posonlyargs, *arguments.args][:1]
    named = isinstance(call.func.value, ast.Name) and [call.func.value.id] == [each.arg for each in own]
    return body[:-1] if named else body


def without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements behind the docstring, if there is one."""
    first = body[0] if body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return body[1:]
    return body
