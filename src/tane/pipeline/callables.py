"""What a callable says of itself: its arguments, their defaults, its name, whether it yields.

Cheap for plain functions, since graphs have thousands of them.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, NamedTuple

_VARARGS, _VARKEYWORDS, _GENERATOR = 0x04, 0x08, 0x20
_NONE: frozenset[str] = frozenset()


class Signature(NamedTuple):
    """The arguments of a callable: names in order, names by keyword only, and those with a default."""

    positional: tuple[str, ...]
    keyword: tuple[str, ...]
    defaulted: frozenset[str]
    many_positional: bool
    many_named: bool


def signature(func: Callable[..., Any]) -> Signature | None:
    """The arguments `func` takes, or None when it does not say (some C functions)."""
    if type(func) is FunctionType and not hasattr(func, "__wrapped__"):
        return _function_signature(func)
    import inspect

    try:
        parameters = inspect.signature(func).parameters.values()
    except (TypeError, ValueError):
        return None
    kinds = inspect.Parameter
    return Signature(
        tuple(p.name for p in parameters if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)),
        tuple(p.name for p in parameters if p.kind is kinds.KEYWORD_ONLY),
        frozenset(p.name for p in parameters if p.default is not kinds.empty),
        any(p.kind is kinds.VAR_POSITIONAL for p in parameters),
        any(p.kind is kinds.VAR_KEYWORD for p in parameters),
    )


def _function_signature(func: FunctionType) -> Signature:
    code = func.__code__
    count, keywords = code.co_argcount, code.co_kwonlyargcount
    positional = code.co_varnames[:count]
    keyword = code.co_varnames[count : count + keywords]
    defaulted = _NONE
    if func.__defaults__:
        defaulted = frozenset(positional[count - len(func.__defaults__) :])
    if func.__kwdefaults__:
        defaulted |= func.__kwdefaults__.keys()
    flags = code.co_flags
    return Signature(positional, keyword, defaulted, bool(flags & _VARARGS), bool(flags & _VARKEYWORDS))


def defaults(func: Callable[..., Any]) -> dict[str, Any]:
    """The default values of a callable's arguments, by name."""
    if type(func) is FunctionType and not hasattr(func, "__wrapped__"):
        code, last = func.__code__, func.__defaults__ or ()
        names = code.co_varnames[code.co_argcount - len(last) : code.co_argcount]
        return dict(zip(names, last, strict=True)) | (func.__kwdefaults__ or {})
    import inspect

    try:
        parameters = inspect.signature(func).parameters.values()
    except (TypeError, ValueError):
        return {}
    return {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}


def call_name(func: Any) -> str:
    """The name people know a callable by."""
    named: str | None = getattr(func, "__name__", None)
    if named is not None:
        return named
    inner = getattr(func, "func", None)  # functools.partial
    return call_name(inner) if inner is not None else type(func).__name__


def yields(func: Any) -> bool:
    """Whether calling `func` gives a generator: it makes its output chunk by chunk."""
    while type(func) is not FunctionType:
        inner = getattr(func, "__func__", None) or getattr(func, "func", None)  # a method, a functools.partial
        if inner is None:
            if isinstance(func, type) or not callable(func):
                return False
            call = type(func).__call__
            return type(call) is FunctionType and yields(call)
        func = inner
    return bool(func.__code__.co_flags & _GENERATOR)


def nameless(func: Callable[..., Any]) -> int:
    """How many arguments `func` takes by position only (def f(x, /))."""
    if type(func) is FunctionType and not hasattr(func, "__wrapped__"):
        return func.__code__.co_posonlyargcount
    import inspect

    try:
        parameters = inspect.signature(func).parameters.values()
    except (TypeError, ValueError):
        return 0
    return sum(parameter.kind is inspect.Parameter.POSITIONAL_ONLY for parameter in parameters)
