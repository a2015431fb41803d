"""`tane.inject`: a function whose arguments come from the configuration of the script that runs, by name or by type."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar, overload

from tane import errors
from tane.scripts import scope

F = TypeVar("F", bound=Callable[..., Any])


@overload
def inject(function: F, /) -> F: ...
@overload
def inject(prefix: str = "", /) -> Callable[[F], F]: ...
def inject(given: Any = "", /) -> Any:
    """Give a function the arguments it is not called with, from the configuration: `@tane.inject` by their names,
    `@tane.inject("model")` from the part of that name.

    An argument annotated with a dataclass gets the part of that type. What is passed wins over the configuration, and
    the configuration over the function's defaults. Outside of a run it is that of the module's `tane.main`.

    Raises `errors.ConfigError`, when it is called, with all arguments that are missing or do not fit.
    """
    if isinstance(given, str):
        return lambda function: _injected(function, given)
    return _injected(given, "")


class Parameter(NamedTuple):
    """One argument of a function: its annotation, None for none, and whether it has a default."""

    name: str
    annotation: Any
    has_default: bool


def _injected(function: Any, prefix: str) -> Any:
    if isinstance(function, type) or not callable(function):
        what = f"the class {function.__name__}" if isinstance(function, type) else repr(function)
        raise errors.UsageError(
            f"{what} cannot be given arguments", hint="decorate a function; of a class its __init__"
        )
    known: list[tuple[Any, list[Parameter]]] = []

    @functools.wraps(function)
    def injected(*args: Any, **kwargs: Any) -> Any:
        if not known:
            known.append(read(function))
        signature, parameters = known[0]
        given = signature.bind_partial(*args, **kwargs).arguments
        wanted = [parameter for parameter in parameters if parameter.name not in given]
        return function(*args, **kwargs, **taken(function, wanted, prefix)) if wanted else function(*args, **kwargs)

    return injected


def taken(
    function: Any, wanted: list[Parameter], prefix: str = "", inside: scope.Scope | None = None
) -> dict[str, Any]:
    """The arguments of a function that are `wanted`, from the scope it is called in."""
    name = f"{getattr(function, '__qualname__', function)}()"
    found = inside or scope.find(function.__module__)
    if found is None:
        needed = [parameter.name for parameter in wanted if not parameter.has_default]
        if not needed:
            return {}
        raise errors.ConfigError(
            f"{name} is not given {', '.join(map(repr, needed))}, and there is no configuration to take it from",
            where=name,
            hint="call it inside of a function decorated with @tane.main, or pass the arguments",
        )
    taking = scope.Taken(found, prefix, name)
    for parameter in wanted:
        taking.take(*parameter)
    return taking.check()


def read(function: Any) -> tuple[Any, list[Parameter]]:
    """The signature of a function and those of its arguments that can be given by name."""
    import inspect
    import typing

    signature = inspect.signature(function)
    hints: Mapping[str, Any] = {}
    if any(each.annotation is not inspect.Parameter.empty for each in signature.parameters.values()):
        try:
            hints = typing.get_type_hints(function)
        except (NameError, TypeError, AttributeError):
            pass  # an annotation that names what is not there says nothing
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return signature, [
        Parameter(name, hints.get(name), each.default is not inspect.Parameter.empty)
        for name, each in signature.parameters.items()
        if each.kind in by_name
    ]
