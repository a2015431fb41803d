"""Which statements of a definition count, and in which order. Called by `syntax`."""

from __future__ import annotations

import ast


def first_and_last(decorator: ast.expr) -> tuple[str, str]:
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


def without_next(body: list[ast.stmt], arguments: ast.arguments) -> list[ast.stmt]:
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


_MOVABLE = frozenset({"staticmethod", "classmethod", "property", "cached_property", "abstractmethod"})
_SIMPLE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Assign, ast.AnnAssign, ast.Expr, ast.Pass)


def in_any_order(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements of a class, methods that could stand anywhere last and by name."""
    functions = [one for one in body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    if len(functions) < 2 or not all(isinstance(one, _SIMPLE) for one in body):
        return body
    names = [one.name for one in functions]
    movable = {
        one.name: one
        for one in functions
        if names.count(one.name) == 1 and all(first_and_last(each)[1] in _MOVABLE for each in one.decorator_list)
    }
    for one in body:  # what the class itself uses or binds while it is made has to be there in time
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
            run: list[ast.AST] = [*one.decorator_list, *one.args.defaults, *filter(None, one.args.kw_defaults)]
        else:
            run = [one]
        for part in run:
            for node in ast.walk(part):
                if isinstance(node, ast.Name):
                    movable.pop(node.id, None)
    stay = [
        one
        for one in body
        if not (isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and movable.get(one.name) is one)
    ]
    return [*stay, *(movable[name] for name in sorted(movable))]
