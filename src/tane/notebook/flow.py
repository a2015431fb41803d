"""Which names some lines of Python read before they write them, which they write, and which they change in place.

Called by `converting`. The lines are taken in the order in which they are run; where it depends (a branch, a loop) a
name counts as read, and as written, when it may be.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# methods that change what they are called on, even where their result is used
_CHANGING = _words("""
    add append clear compile discard extend fit fit_predict fit_resample fit_transform insert load_state_dict
    load_weights partial_fit pop popitem put remove reverse set_params setdefault sort step train update write
""")
# methods that only look, where their result is not used
LOOKING = _words("""
    agg corr count cov describe display duplicated get_params groupby head info isna isnull items keys max
    mean median memory_usage min nlargest notna nsmallest nunique predict predict_proba print quantile round
    sample score show std sum summary tail unique value_counts values view
""")
_LOOKING = ("to_", "save", "dump", "print", "show", "log", "export")
# functions that change what they are given
_CHANGERS = _words("""
    copyto delattr fill_diagonal heapify heappop heappush insort next place put setattr shuffle
""")


class Flow:
    """What some statements do with names. `reads` are in the order in which they are met, with their lines.

    `changes` are changed in place for certain, `touched` by a method of which nothing is known.
    """

    def __init__(self, changers: Mapping[str, frozenset[int | str]] | None = None) -> None:
        self.reads: dict[str, int] = {}
        self.writes: dict[str, int] = {}
        self.changes: dict[str, int] = {}
        self.touched: dict[str, int] = {}
        self.certain: set[str] = set()
        self._changers = changers or {}
        self._same: dict[str, str] = {}  # names that are other names for a value

    def run(self, body: Iterable[ast.stmt]) -> Flow:
        """Take the statements, and give back itself."""
        self.certain = self._statements(body, self.certain)
        for found in (self.changes, self.touched):
            for name in list(found):
                while name in self._same:
                    name = self._same[name]
                    if name in found:
                        break
                    found[name] = 0
        return self

    # --- statements ---------------------------------------------------------------------------------------------------

    def _statements(self, body: Iterable[ast.stmt], known: set[str]) -> set[str]:
        known = set(known)
        for statement in body:
            known = self._statement(statement, known)
        return known

    def _statement(self, node: ast.stmt, known: set[str]) -> set[str]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self._definition(node, known)
            return self._write(node.name, node, known)
        if isinstance(node, ast.If):
            self._look(node.test, known)
            return self._statements(node.body, known) & self._statements(node.orelse, known)
        if isinstance(node, ast.For | ast.AsyncFor):
            self._look(node.iter, known)
            self._statements(node.body, self._store(node.target, set(known)))
            self._statements(node.orelse, known)
            return known
        if isinstance(node, ast.While):
            self._look(node.test, known)
            self._statements(node.body, known)
            self._statements(node.orelse, known)
            return known
        if isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                self._look(item.context_expr, known)
                if item.optional_vars is not None:
                    known = self._store(item.optional_vars, known)
            return self._statements(node.body, known)
        if isinstance(node, ast.Try) or type(node).__name__ == "TryStar":
            return self._try(node, known)  # type: ignore[arg-type]
        if isinstance(node, ast.Match):
            return self._match(node, known)
        return self._simple(node, known)

    def _simple(self, node: ast.stmt, known: set[str]) -> set[str]:
        if isinstance(node, ast.Assign):
            self._look(node.value, known)
            for target in node.targets:
                known = self._store(target, known)
                if isinstance(target, ast.Name) and isinstance(node.value, ast.Name):
                    self._same[target.id] = node.value.id
            return known
        if isinstance(node, ast.AugAssign):
            if isinstance(node.target, ast.Name):
                self._read(node.target.id, node, known)
                self.changes.setdefault(node.target.id, node.lineno)  # `x += [1]` changes a list that is x
            self._look(node.value, known)
            return self._store(node.target, known)
        if isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self._look(node.value, known)
                return self._store(node.target, known)
            return known
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                known = self._write(alias.asname or alias.name.partition(".")[0], node, known)
            return known
        if isinstance(node, ast.Delete):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    self._read(target.id, target, known)
                    self.writes.pop(target.id, None)
                    known = known - {target.id}
                else:
                    known = self._store(target, known)
            return known
        if isinstance(node, ast.Expr):
            self._look(node.value, known, used=False)
            return known
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._look(child, known)
        return known

    def _try(self, node: ast.Try, known: set[str]) -> set[str]:
        after = self._statements(node.orelse, self._statements(node.body, known))
        for handler in node.handlers:
            if handler.type is not None:
                self._look(handler.type, known)
            inside = known | {handler.name} if handler.name else known
            after &= self._statements(handler.body, inside) - ({handler.name} if handler.name else set())
        return after | self._statements(node.finalbody, known)

    def _match(self, node: ast.Match, known: set[str]) -> set[str]:
        self._look(node.subject, known)
        for case in node.cases:
            inside = set(known)
            for part in ast.walk(case.pattern):
                name = getattr(part, "name", None) or getattr(part, "rest", None)
                if isinstance(name, str):
                    inside = self._write(name, node, inside)
                if isinstance(part, ast.expr):
                    self._look(part, inside)
            if case.guard is not None:
                self._look(case.guard, inside)
            self._statements(case.body, inside)
        return known

    def _definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, known: set[str]) -> None:
        """What a definition reads when it is made, and what its body will read when it is called."""
        for part in node.decorator_list:
            self._look(part, known)
        if isinstance(node, ast.ClassDef):
            for part in (*node.bases, *(word.value for word in node.keywords)):
                self._look(part, known)
        else:
            for default in (*node.args.defaults, *node.args.kw_defaults):
                if default is not None:
                    self._look(default, known)
        for name, line in free_names(node).items():
            self._read_at(name, line, known | {node.name})

    # --- names --------------------------------------------------------------------------------------------------------

    def _read(self, name: str, node: ast.AST, known: set[str]) -> None:
        self._read_at(name, getattr(node, "lineno", 0), known)

    def _read_at(self, name: str, line: int, known: set[str]) -> None:
        if name not in known:
            self.reads.setdefault(name, line)

    def _write(self, name: str, node: ast.AST, known: set[str]) -> set[str]:
        self.writes.setdefault(name, getattr(node, "lineno", 0))
        self._same.pop(name, None)
        return known | {name}

    def _store(self, target: ast.expr, known: set[str]) -> set[str]:
        if isinstance(target, ast.Name):
            return self._write(target.id, target, known)
        if isinstance(target, ast.Tuple | ast.List):
            for part in target.elts:
                known = self._store(part, known)
            return known
        if isinstance(target, ast.Starred):
            return self._store(target.value, known)
        self._look(target, known)
        self._change(target)
        return known

    def _change(self, node: ast.expr, found: dict[str, int] | None = None) -> None:
        """What `node` stands for is changed: so is the name at its root, where there is one."""
        while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
            node = node.value
        if isinstance(node, ast.Name):
            (self.changes if found is None else found).setdefault(node.id, node.lineno)

    # --- expressions --------------------------------------------------------------------------------------------------

    def _look(self, node: ast.expr, known: set[str], used: bool = True) -> None:
        if isinstance(node, ast.Name):
            self._read(node.id, node, known)
        elif isinstance(node, ast.NamedExpr):
            self._look(node.value, known)
            known.add(node.target.id)
            self.writes.setdefault(node.target.id, node.lineno)
        elif isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            for name, line in free_names(node).items():
                self._read_at(name, line, known)
        else:
            if isinstance(node, ast.Call):
                self._call(node, used)
            for child in ast.iter_child_nodes(node):
                self._within(child, known)

    def _within(self, node: ast.AST, known: set[str]) -> None:
        if isinstance(node, ast.expr):
            self._look(node, known)
        else:
            for child in ast.iter_child_nodes(node):
                self._within(child, known)

    def _call(self, node: ast.Call, used: bool) -> None:
        """What a call changes: what its method is called on, what a function that is known to do so is given."""
        function = node.func
        if isinstance(function, ast.Attribute):
            if function.attr in _CHANGING or _is_true(node, "inplace"):
                self._change(function.value)
            elif not used and function.attr not in LOOKING and not function.attr.startswith(_LOOKING):
                self._change(function.value, self.touched)
            if function.attr in _CHANGERS and node.args:
                self._change(node.args[0])
        elif isinstance(function, ast.Name):
            if function.id in _CHANGERS and node.args:
                self._change(node.args[0])
            changed = self._changers.get(function.id, frozenset())
            for at, given in enumerate(node.args):
                if at in changed:
                    self._change(given)
            for word in node.keywords:
                if word.arg in changed:
                    self._change(word.value)
        for word in node.keywords:
            if word.arg == "out":
                self._change(word.value)


def free_names(node: ast.AST) -> dict[str, int]:
    """The names that a function, class, lambda or comprehension takes from around it, with a line that reads them."""
    bound, read, outer = _bindings(node)
    return {name: line for name, line in read.items() if name not in bound or name in outer}


def changed_arguments(function: ast.FunctionDef | ast.AsyncFunctionDef) -> frozenset[int | str]:
    """Which arguments a function changes in place: by position and by name."""
    flow = Flow().run(function.body)
    found = {**flow.changes, **flow.touched}
    positional = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    named = {*positional, *(argument.arg for argument in function.args.kwonlyargs)}
    return frozenset([at for at, name in enumerate(positional) if name in found] + [n for n in named if n in found])


def awaits(part: ast.AST) -> bool:
    """Whether a statement awaits something outside of any function."""
    if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return False
    if isinstance(part, ast.Await | ast.AsyncFor | ast.AsyncWith):
        return True
    return any(awaits(child) for child in ast.iter_child_nodes(part))


def _is_true(call: ast.Call, name: str) -> bool:
    """Whether a call says `name=True`, or something else than False."""
    return any(
        word.arg == name and not (isinstance(word.value, ast.Constant) and not word.value.value)
        for word in call.keywords
    )


def is_read_within(names: Iterable[str], body: Sequence[ast.stmt]) -> bool:
    """Whether statements name any of `names`."""
    wanted = set(names)
    return any(isinstance(part, ast.Name) and part.id in wanted for each in body for part in ast.walk(each))


def _bindings(node: ast.AST) -> tuple[set[str], dict[str, int], set[str]]:
    """The names bound in the scope of `node`, those read there or in scopes within, those declared of outside."""
    bound: set[str] = set()
    read: dict[str, int] = {}
    outer: set[str] = set()
    arguments = getattr(node, "args", None)
    if isinstance(arguments, ast.arguments):
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        bound.update(each.arg for each in every if each is not None)
    body = getattr(node, "body", None)
    waiting: list[ast.AST] = list(body) if isinstance(body, list) else [body] if isinstance(body, ast.AST) else []
    for field in ("elt", "key", "value"):
        inner = getattr(node, field, None)
        if isinstance(inner, ast.AST):
            waiting.append(inner)
    for generator in getattr(node, "generators", ()):
        waiting += [generator.target, generator.iter, *generator.ifs]
    if isinstance(node, ast.Lambda) and isinstance(arguments, ast.arguments):
        waiting += [default for default in (*arguments.defaults, *arguments.kw_defaults) if default is not None]
    while waiting:
        part = waiting.pop()
        if isinstance(part, ast.Name):
            if isinstance(part.ctx, ast.Load):
                read.setdefault(part.id, part.lineno)
            else:
                bound.add(part.id)
            continue
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(part.name)
            read.update({name: line for name, line in free_names(part).items() if name not in read})
            waiting += part.decorator_list
            if isinstance(part, ast.ClassDef):
                waiting += [*part.bases, *(word.value for word in part.keywords)]
            else:
                waiting += [each for each in (*part.args.defaults, *part.args.kw_defaults) if each is not None]
            continue
        if isinstance(part, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            read.update({name: line for name, line in free_names(part).items() if name not in read})
            continue
        if isinstance(part, ast.Global | ast.Nonlocal):
            outer.update(part.names)
        elif isinstance(part, ast.Import | ast.ImportFrom):
            bound.update(alias.asname or alias.name.partition(".")[0] for alias in part.names)
        elif isinstance(part, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and part.name:
            bound.add(part.name)
        elif isinstance(part, ast.MatchMapping) and part.rest:
            bound.add(part.rest)
        waiting += ast.iter_child_nodes(part)
    return bound, read, outer
