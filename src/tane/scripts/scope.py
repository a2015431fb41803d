"""The configuration that functions get their arguments from: that of the script that runs, else of the one they belong
to. `mains` sets it, `injecting` asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from tane import errors, fielded
from tane.config import checking, fitting, origins, overrides, scalars, shapes, trees, views

WHOLE = ("cfg", "config", "conf")  # arguments that are given all of it


@fielded.frozen
class Scope:
    """A composed configuration: plain values, where each was written, and the class its values must fit, if any."""

    values: Mapping[str, Any]
    origin: Callable[..., object]
    kind: type | None = None

    @property
    def view(self) -> Any:
        """The values, to be read by name."""
        return views.of(self.values)

    def part(self, prefix: str, where: str) -> Mapping[str, Any]:
        """What stands under the dotted `prefix`. Raises `errors.ConfigError` when nothing does."""
        if not prefix:
            return self.values
        try:
            found = checking.lookup(self.values, prefix)
        except KeyError:
            found = None
        if not isinstance(found, Mapping):
            near = overrides.near_key(prefix, _names(self.values))
            hint = f"did you mean {near!r}?" if near else f"there are: {', '.join(map(str, self.values)) or 'none'}"
            what = f"the configuration has no {prefix!r}" if found is None else f"{prefix} is {trees.kind(found)}"
            raise errors.ConfigError(f"{what}, and {where} takes its arguments from there", where=where, hint=hint)
        return found


class Taken:
    """The arguments of one function, taken from a scope one after the other; mistakes are told together."""

    def __init__(self, scope: Scope, prefix: str, where: str) -> None:
        self._scope = scope
        self._prefix = prefix
        self._where = where
        self._values = scope.part(prefix, where)
        self.faults: list[errors.Fault] = []
        self.found: dict[str, Any] = {}

    def take(self, name: str, annotation: Any, has_default: bool) -> None:
        """Take the argument `name`: by its name, else by its type, else all of the configuration."""
        if name in self._values:
            self._fit(name, self._values[name], annotation, name)
        elif _has_fields(annotation):
            self._by_type(name, annotation, has_default)
        elif name in WHOLE:
            self.found[name] = views.of(self._values, self._prefix)
        elif not has_default:
            self.faults.append(self._missing(name))

    def check(self) -> dict[str, Any]:
        """The arguments. Raises `errors.ConfigError` with all mistakes."""
        if self.faults:
            raise errors.ConfigError.of(self.faults, f"{self._where} cannot be given its arguments")
        return self.found

    def _fit(self, name: str, value: Any, annotation: Any, key: str) -> None:
        full = ".".join(part for part in (self._prefix, key) if part)
        if isinstance(value, str) and value == scalars.MISSING:
            self.faults.append(
                errors.Fault(f"{full} is still to be given (???)", self._place(full), f"write {full}=VALUE")
            )
            return
        if annotation is None:
            self.found[name] = views.of(value, full)
            return
        misfits: list[fitting.Misfit] = []
        taken = fitting.take(value, annotation, (), misfits)
        for misfit in misfits:
            at = ".".join(part for part in (full, *misfit.keys) if part) or "the configuration"
            self.faults.append(
                errors.Fault(f"{at} {misfit.what} ({self._where}, argument {name!r})", self._place(full), misfit.hint)
            )
        self.found[name] = views.of(taken, full) if taken is value else taken

    def _by_type(self, name: str, kind: Any, has_default: bool) -> None:
        """The part of the configuration that is of this class."""
        keys = self._of_type(kind)
        if len(keys) == 1:
            full = ".".join(part for part in (self._prefix, keys[0]) if part)
            value = checking.lookup(self._scope.values, full)
            fields = _fields(kind)
            if not keys[0]:  # its fields may stand among others
                value = {key: value[key] for key in fields if key in value}
            self._fit(name, value, kind, keys[0])
        elif keys:
            hint = f"name the argument so, or say which: @tane.inject({keys[0]!r})"
            what = f"argument {name!r} may be {' or '.join(map(repr, keys))}: all are of {kind.__name__}"
            self.faults.append(errors.Fault(what, self._where, hint))
        elif not has_default:
            what = f"no part of the configuration is a {kind.__name__}"
            hint = f"it has the fields {', '.join(_fields(kind))}: name the argument as the part that has them"
            self.faults.append(errors.Fault(what, f"{self._where}, argument {name!r}", hint))

    def _of_type(self, kind: Any) -> list[str]:
        """The names of the parts that are of a class: by the class of the whole, else those that have its fields alone.

        "" is all there is, where any of its fields stands at the top.
        """
        if self._scope.kind is not None and not self._prefix:
            found = list(_of_type(self._scope.kind, kind))
            if found:
                return found
        fields = _fields(kind)
        if any(field in self._values for field in fields):
            return [""]
        return [key for key, part in _branches(self._values) if part and set(part) <= set(fields)]

    def _missing(self, name: str) -> errors.Fault:
        own = [str(key) for key in self._values]
        near = errors.nearest(name, own)
        there = [key for key in _names(self._scope.values) if key.rpartition(".")[2] == name]
        if near:
            hint = f"did you mean {near!r}{self._written(near)}?"
        elif len(there) == 1:
            hint = f"there is {there[0]!r}: write @tane.inject({there[0].rpartition('.')[0]!r}), or take it from there"
        else:
            hint = f"there are: {', '.join(own)}" if own else "give it a default, or pass it"
        of = f"{self._prefix} has" if self._prefix else "the configuration has"
        return errors.Fault(f"{of} no {name!r}", f"{self._where}, argument {name!r}", hint)

    def _written(self, name: str) -> str:
        where = self._place(".".join(part for part in (self._prefix, name) if part))
        return f" ({where})" if where else ""

    def _place(self, key: str) -> str:
        origin = self._scope.origin("parameters", *key.split("."))
        return "" if getattr(origin, "kind", "") == origins.NOWHERE else str(origin)


def _has_fields(annotation: Any) -> bool:
    return isinstance(annotation, type) and shapes.has_fields(annotation)


def _branches(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield f"{before}{key}", value
            yield from _branches(value, f"{before}{key}.")


def _fields(kind: Any) -> list[str]:
    fields = getattr(kind, "__dataclass_fields__", None) or getattr(kind, "model_fields", None)
    return list(fields if fields is not None else kind.__annotations__)


def _of_type(whole: Any, kind: Any, before: str = "") -> Iterator[str]:
    """The dotted names of the fields of a class that are of another; "" for the class itself."""
    if whole is None:
        return
    if whole is kind:
        yield before
        return
    import typing

    try:
        hints = typing.get_type_hints(whole)
    except (NameError, TypeError, AttributeError):
        return
    for name, annotation in hints.items():
        if _has_fields(annotation) and annotation is not whole:
            yield from _of_type(annotation, kind, f"{before}.{name}" if before else name)


def _names(values: Mapping[str, Any]) -> list[str]:
    return list(trees.paths(trees.of(values, origins.Origin())))


# --- which one ------------------------------------------------------------------------------------------------------

_inside: ContextVar[Scope | None] = ContextVar("tane_script_scope", default=None)
_open: list[Scope] = []  # threads that a script starts know nothing of its context
_mains: dict[str, Callable[[], Scope]] = {}  # by module


def register(module: str, default: Callable[[], Scope]) -> None:
    """Have the functions of a module, where nothing runs, get their arguments from `default`."""
    _mains[module] = default


def find(module: str) -> Scope | None:
    """The scope of what runs around the caller, else the default of its module, else that of the only script."""
    found = _inside.get() or (_open[-1] if _open else None)
    if found is not None:
        return found
    default = _mains.get(module) or (next(iter(_mains.values())) if len(_mains) == 1 else None)
    return default() if default is not None else None


def running() -> bool:
    """Whether the caller is inside of a script's main function."""
    return _inside.get() is not None


@contextmanager
def entered(scope: Scope) -> Iterator[None]:
    """Inside, functions get their arguments from `scope`."""
    token = _inside.set(scope)
    _open.append(scope)
    try:
        yield
    finally:
        _open.remove(scope)
        _inside.reset(token)
