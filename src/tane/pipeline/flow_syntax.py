"""The methods of a flow read as text: where a step goes next, and which attributes it uses.

Called by `flow_graph`. Nothing is run. What cannot be told for certain is told to be so (`Uses.opaque`), and whoever
asks takes the safe side.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from types import FunctionType
from typing import Any, NamedTuple, TypeGuard

from tane import errors

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class Uses(NamedTuple):
    """What a function does with attributes. `names` are those it asks of anything, `words` texts in it, which may name
    one; `sets` are those it gives to `self`, `calls` those of `self` that it uses. `opaque`: it hands `self` on, or
    cannot be read, so that it may use and set any.
    """

    names: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    sets: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()
    opaque: bool = False


class Written(NamedTuple):
    """One step as it is written. `targets` are the steps it names in `self.next`, in order; `cases` what leads to each
    of them in a switch on the attribute `condition`; `foreach` the attribute whose items go to the next step one by
    one. `where` is the file and line of the step, `at` that of its `self.next`.
    """

    name: str
    targets: tuple[str, ...]
    cases: tuple[tuple[Any, str], ...]
    condition: str
    foreach: str
    uses: Uses
    where: str
    at: str


OPAQUE = Uses(opaque=True)


def place(function: FunctionType) -> str:
    """The file and line of a function."""
    code = function.__code__
    return f"{code.co_filename}:{code.co_firstlineno}"


def uses(function: FunctionType, *, static: bool = False) -> Uses:
    """What a method does with attributes. Its first argument is the flow, unless it is `static`."""
    tree = _tree(function)
    if tree is None:
        return OPAQUE
    return _uses(tree, "" if static else _own_name(function))


def step(name: str, function: FunctionType, *, last: bool, faults: list[errors.Fault]) -> Written | None:
    """The step `name` as its method is written; `last` is the one after which nothing comes.

    Mistakes go to `faults`; None when it cannot be read at all.
    """
    where = place(function)
    tree = _tree(function)
    if not isinstance(tree, ast.FunctionDef):
        faults.append(
            errors.Fault(
                f"the source of step {name!r} cannot be read",
                where,
                "write the flow into a file or a notebook cell, with `def`; after an edit, import it anew",
            )
        )
        return None
    own = _own_name(function)
    found = [node for node in _walk(tree.body) if _is_next(node, own)]
    empty = Written(name, (), (), "", "", _uses(tree, own), where, where)
    if last:
        if found:
            faults.append(
                errors.Fault(
                    f"step {name!r} is the last: nothing comes after it",
                    _at(where, found[0]),
                    "take its self.next(...) away",
                )
            )
            empty = empty._replace(uses=empty.uses._replace(calls=frozenset()))
        return empty
    if not found:
        faults.append(
            errors.Fault(
                f"step {name!r} does not say where it goes next",
                where,
                "end it with self.next(self.other_step), or with self.next(self.end)"
                if function.__name__ == name
                else f"the decorator of {name!r} hides it: let it use functools.wraps",
            )
        )
        return None
    final = tree.body[-1]
    if len(found) > 1:
        lines = ", ".join(str(node.lineno) for node in found)
        faults.append(
            errors.Fault(
                f"step {name!r} calls self.next {len(found)} times (lines {lines})",
                _at(where, found[1]),
                "call it once, at the end: to go to one of several steps, "
                'self.next({"a": self.a, "b": self.b}, condition="which")',
            )
        )
        return None
    call = found[0]
    if not (isinstance(final, ast.Expr) and final.value is call):
        faults.append(
            errors.Fault(
                f"self.next is not the last statement of step {name!r}",
                _at(where, call),
                "move it to the end of the method, outside of any if, for, with and try; "
                'to go to one of several steps, self.next({"a": self.a, "b": self.b}, condition="which")',
            )
        )
        return None
    body = _uses(ast.Module(tree.body[:-1], []), own)
    return _read_next(empty._replace(uses=body, at=_at(where, call)), call, own, faults)


# --- self.next -----------------------------------------------------------------------------------------------------

_KNOWN = ("foreach", "condition")


def _read_next(step: Written, call: ast.Call, own: str, faults: list[errors.Fault]) -> Written | None:
    before = len(faults)
    options = _options(step, call, faults)
    targets: list[str] = []
    cases: list[tuple[Any, str]] = []
    for argument in call.args:
        if isinstance(argument, ast.Dict):
            cases += _cases(step, argument, own, faults)
            continue
        target = _target(argument, own)
        if not target:
            _refuse(step, argument, faults)
        targets.append(target)
    if cases and (targets or len(call.args) > 1):
        faults.append(errors.Fault("self.next takes either one dict or steps", step.at, "put all steps into the dict"))
    targets += [target for _, target in cases]
    for what, hint in _mismatches(call, targets, cases, options):
        faults.append(errors.Fault(f"step {step.name!r}: {what}", step.at, hint))
    if len(faults) > before:
        return None
    distinct = tuple(dict.fromkeys(targets))
    return step._replace(
        targets=distinct,
        cases=tuple(cases),
        condition=options.get("condition", ""),
        foreach=options.get("foreach", ""),
    )


def _mismatches(
    call: ast.Call, targets: list[str], cases: list[tuple[Any, str]], options: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """What in a call of self.next does not go together."""
    if not call.args:
        yield "self.next names no step", "name one: self.next(self.end)"
    if not cases and len(set(targets)) < len(targets):
        twice = next(target for target in targets if targets.count(target) > 1)
        yield f"self.next names {twice!r} twice", "name each step once; to do it for several values, use foreach="
    if "foreach" in options and (cases or len(targets) > 1):
        yield (
            "foreach= goes with one step",
            "name one step, and let that one go on to several: self.next(self.a, self.b)",
        )
    if cases and "condition" not in options:
        yield (
            "a dict of steps needs the name of the attribute that decides",
            'self.next({"big": self.big, "small": self.small}, condition="size")',
        )
    if "condition" in options and not cases:
        yield (
            "condition= goes with a dict of steps",
            'self.next({"big": self.big, "small": self.small}, condition="size")',
        )


def _options(step: Written, call: ast.Call, faults: list[errors.Fault]) -> dict[str, str]:
    found: dict[str, str] = {}
    for keyword in call.keywords:
        name, value = keyword.arg or "**", keyword.value
        if name not in _KNOWN:
            hint = errors.did_you_mean(name, _KNOWN, "it takes steps, foreach= and condition=")
            if name == "num_parallel":
                hint = "to do a step several times, give it a list: foreach="
            faults.append(errors.Fault(f"step {step.name!r}: self.next takes no {name}=", step.at, hint))
        elif isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value.isidentifier():
            found[name] = value.value
        else:
            hint = f'write the name as text: self.{name[0]} = ... and {name}="{name[0]}"'
            what = f"step {step.name!r}: {name}= is {ast.unparse(value)}, not the name of an attribute"
            faults.append(errors.Fault(what, step.at, hint))
            found[name] = ""
    return found


def _cases(step: Written, given: ast.Dict, own: str, faults: list[errors.Fault]) -> list[tuple[Any, str]]:
    found: list[tuple[Any, str]] = []
    for key, value in zip(given.keys, given.values, strict=True):
        target = _target(value, own)
        if not target:
            _refuse(step, value, faults)
        if isinstance(key, ast.Constant) and isinstance(key.value, (str, int, float, bool, type(None))):
            found.append((key.value, target))
            continue
        shown = "**" if key is None else ast.unparse(key)
        what = f"step {step.name!r}: the case {shown} is no plain value"
        faults.append(errors.Fault(what, step.at, 'write the values themselves: {"big": self.big}'))
        found.append((None, target))
    if not found:
        faults.append(errors.Fault(f"step {step.name!r}: there are no cases", step.at, 'write {"big": self.big, ...}'))
    return found


def _target(node: ast.expr, own: str) -> str:
    """The step that `self.step` names; empty for anything else."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == own:
        return node.attr
    return ""


def _refuse(step: Written, node: ast.expr, faults: list[errors.Fault]) -> None:
    what = f"step {step.name!r}: {ast.unparse(node)} is no step"
    faults.append(errors.Fault(what, step.at, "name steps one by one, as in self.next(self.a, self.b)"))


def _is_next(node: ast.AST, own: str) -> TypeGuard[ast.Call]:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "next":
        return False
    return isinstance(node.func.value, ast.Name) and node.func.value.id == own


# --- attributes ----------------------------------------------------------------------------------------------------


def _uses(tree: ast.AST, own: str) -> Uses:
    names: set[str] = set()
    words: set[str] = set()
    sets: set[str] = set()
    calls: set[str] = set()
    opaque = False
    known: set[int] = set()  # names that are the base of an attribute
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            names.add(node.attr)
            if isinstance(node.value, ast.Name) and node.value.id == own:
                known.add(id(node.value))
                opaque = opaque or (node.attr.startswith("__") and node.attr.endswith("__"))
                (calls if isinstance(node.ctx, ast.Load) else sets).add(node.attr)
        elif isinstance(node, ast.Name):
            if (node.id == own and id(node) not in known) or node.id == "super":
                opaque = True
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            words.add(node.value)
    return Uses(frozenset(names), frozenset(words), frozenset(sets), frozenset(calls), opaque)


def _own_name(function: FunctionType) -> str:
    """What a method calls the flow."""
    code = function.__code__
    return code.co_varnames[0] if code.co_argcount else ""


# --- text ----------------------------------------------------------------------------------------------------------


def _tree(function: FunctionType) -> _Function | None:
    """The tree of a function, or None when it cannot be told which it is."""
    code = function.__code__
    linecache.checkcache(code.co_filename)
    text = "".join(linecache.getlines(code.co_filename, function.__globals__))
    found = _functions(text).get((code.co_firstlineno, code.co_name), ())
    return found[0] if len(found) == 1 else None


@lru_cache(maxsize=16)
def _functions(text: str) -> Mapping[tuple[int, str], list[_Function]]:
    """All functions in a text by first line and name."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found: dict[tuple[int, str], list[_Function]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Lambda):
            found.setdefault((node.lineno, "<lambda>"), []).append(node)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            line = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            found.setdefault((line, node.name), []).append(node)
    return found


def _walk(body: Iterable[ast.stmt]) -> Iterator[ast.AST]:
    """Every part of some statements, in the order of the text."""
    todo: list[ast.AST] = []
    todo.extend(list(body)[::-1])
    while todo:
        node = todo.pop()
        yield node
        todo.extend(list(ast.iter_child_nodes(node))[::-1])


def _at(where: str, node: ast.expr) -> str:
    return f"{where.rpartition(':')[0]}:{node.lineno}"
