"""What autologging puts in place of a library's functions, and takes away again; and the calls it makes on the side.

Nothing a library does may fail because of what is logged: what goes wrong there is told of as a warning.
"""

from __future__ import annotations

import functools
import importlib
import logging
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from tane import errors, events
from tane.tracking import current

_log = logging.getLogger("tane.integrations")
Around = Callable[..., Any]  # called with the function in whose place it stands, and what that is called with


def library(name: str, package: str = "") -> ModuleType:
    """Import a library. Raises `errors.MissingExtraError`, which says how to install it."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        top = name.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != top:
            raise
        raise errors.MissingExtraError(
            f"tane.integrations.{top} needs the package {top!r}, which is not installed",
            hint=f"pip install {package or top}",
        ) from None


class _Call:
    """The call that stands for another; pickled, it is the function it stands for."""

    def __init__(self, original: Callable[..., Any], around: Around) -> None:
        self.original = original
        self.around = around

    def __reduce__(self) -> tuple[Any, ...]:
        return _itself, (self.original,)


def _itself(function: Any) -> Any:
    return function


def _replacement(original: Callable[..., Any], around: Around) -> Any:
    """A function that stands for `original`. A class of a script that has it can be pickled with the model."""
    instead: Any = _Call(original, around)

    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        around = getattr(instead, "around", None)  # unpickled, it is the original
        return instead(*args, **kwargs) if around is None else around(instead.original, *args, **kwargs)

    setattr(call, _MARK, True)
    return call


_MARK = "__tane_autolog__"


class Patches:
    """What has been put in place of something else."""

    def __init__(self) -> None:
        self._before: list[tuple[Any, str, Any]] = []

    def __bool__(self) -> bool:
        return bool(self._before)

    def replace(self, owner: Any, name: str, around: Around) -> None:
        """Have `around` called in place of `owner`'s function; nothing where that is done already."""
        original = vars(owner).get(name)
        if callable(original) and not hasattr(original, _MARK):
            self._before.append((owner, name, original))
            setattr(owner, name, _replacement(original, around))

    def undo(self) -> None:
        """Put back what was there."""
        while self._before:
            owner, name, original = self._before.pop()
            setattr(owner, name, original)


def on_the_side(act: Callable[[], None]) -> None:
    """Do what logs; a failure of it is told of and ends nothing."""
    try:
        act()
    except Exception as error:
        _log.warning("autologging left something out: %s: %s", type(error).__name__, error)


_used: dict[str, dict[str, int]] = {}  # by run: how often each name was taken
_REMEMBERED = 1000


def label(name: str) -> str:
    """A name for what a fit logs, which no other fit of this run has."""
    sink = current.active()
    run = sink.run if sink is not None else ""
    while run not in _used and len(_used) >= _REMEMBERED:
        del _used[next(iter(_used))]
    used = _used.setdefault(run, {})
    used[name] = used.get(name, 0) + 1
    return name if used[name] == 1 else f"{name}_{used[name]}"


def params(sink: events.Sink, prefix: str, values: Mapping[str, Any]) -> None:
    """Log parameters below `prefix`: what is an object of its own by the name of its class."""
    sink.log_params({f"{prefix}.{name}": _short(value) for name, value in values.items()})


def _short(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple) and len(value) <= 100:
        return [_short(item) for item in value]
    if isinstance(value, Mapping) and len(value) <= 100:
        return {str(key): _short(item) for key, item in value.items()}
    if callable(value) and hasattr(value, "__qualname__"):
        return value.__qualname__
    if hasattr(value, "dtype") and getattr(value, "ndim", 1) == 0:
        return value
    return type(value).__name__
