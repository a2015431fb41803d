"""Records: classes of named fields, as `dataclasses` makes them, in a fortieth of the time.

Every room hands the next one such records, and a command loads more than a hundred classes of them while it makes
instances of few: `dataclasses` writes and compiles the methods of each class when it is defined, here `__init__` is
compiled when the first instance is made and all else is shared. `frozen` ones cannot be changed and can be hashed.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeVar, cast, dataclass_transform, overload

T = TypeVar("T")
_NONE: Any = object()


class Field:
    """What is said of a field beside its type."""

    __slots__ = ("compare", "default", "factory", "name", "repr")

    def __init__(self, default: Any, factory: Callable[[], Any] | None, repr: bool, compare: bool) -> None:
        self.name = ""
        self.default = default
        self.factory = factory
        self.repr = repr
        self.compare = compare


def field(
    *,
    default: Any = _NONE,
    default_factory: Callable[[], Any] | None = None,
    repr: bool = True,
    compare: bool = True,
) -> Any:
    """A field with a default made anew for each record, or one that is not shown, or not compared."""
    return Field(default, default_factory, repr, compare)


@overload
def frozen(kind: type[T], /) -> type[T]: ...
@overload
def frozen(*, eq: bool = True, slots: bool = True) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(kind: type[T] | None = None, /, *, eq: bool = True, slots: bool = True) -> Any:
    """A class whose records cannot be changed. Without `slots` they may hold cached properties."""
    return _decorator(kind, True, eq, slots)


@overload
def mutable(kind: type[T], /) -> type[T]: ...
@overload
def mutable(*, eq: bool = True, slots: bool = True) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(field_specifiers=(field,))
def mutable(kind: type[T] | None = None, /, *, eq: bool = True, slots: bool = True) -> Any:
    """A class whose records can be changed."""
    return _decorator(kind, False, eq, slots)


def replace(record: T, /, **changes: Any) -> T:
    """A copy of a record with other values for some fields."""
    return cast(T, _replace(record, **changes))


def fields(record: Any) -> tuple[str, ...]:
    """The names of the fields of a record or of its class, in order."""
    return tuple(record.__fields__)


def asdict(record: Any) -> dict[str, Any]:
    """The fields of a record by name; records in them become dicts as well, containers are copied."""
    return {name: _plain(getattr(record, name)) for name in record.__fields__}


def _plain(value: Any) -> Any:
    if hasattr(type(value), "__fields__"):
        return asdict(value)
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(_plain, value))
    if isinstance(value, (list, tuple)):
        return type(value)(map(_plain, value))
    return value


def _decorator(kind: type[T] | None, is_frozen: bool, eq: bool, slots: bool) -> Any:
    if kind is None:
        return lambda kind: _made(kind, is_frozen, eq, slots)
    return _made(kind, is_frozen, eq, slots)


def _made(kind: type, is_frozen: bool, eq: bool, slots: bool) -> type:
    names = dict(vars(kind))
    own = [_taken(name, names) for name, note in names.get("__annotations__", {}).items() if _is_field(note)]
    known: dict[str, Field] = {}
    for base in reversed(kind.__mro__[1:]):
        known.update(vars(base).get("__fields__", {}))
    fresh = [each.name for each in own if each.name not in known]
    known.update((each.name, each) for each in own)
    given: dict[str, Any] = {"__fields__": known, "__match_args__": tuple(known), "__repr__": _repr}
    given |= {"__replace__": _replace, "__signature__": _Signature()}
    if eq:
        given |= {"__eq__": _eq, "__hash__": _hash if is_frozen else None, "__key__": _Key()}
    if is_frozen:
        given |= {"__setattr__": _refuse_setting, "__delattr__": _refuse_deleting}
    if is_frozen and slots:
        given |= {"__getstate__": _getstate, "__setstate__": _setstate}
    for name, value in given.items():
        if name not in names or (name == "__hash__" and names[name] is None):
            names[name] = value
    made = _with_slots(kind, names, fresh) if slots else _in_place(kind, names)
    _set(made, "__init__", _init_later(made, is_frozen, slots))
    return made


def _with_slots(kind: type, names: dict[str, Any], fresh: list[str]) -> type:
    """The class made anew: slots cannot be added to one that is there."""
    names["__slots__"] = tuple(fresh)
    names.pop("__dict__", None)
    names.pop("__weakref__", None)
    return type(kind)(kind.__name__, kind.__bases__, names)


def _in_place(kind: type, names: dict[str, Any]) -> type:
    for name, value in vars(kind).copy().items():
        if isinstance(value, Field):
            type.__delattr__(kind, name)
        elif names.get(name, value) is not value:
            _set(kind, name, names[name])
    for name in names.keys() - vars(kind).keys():
        _set(kind, name, names[name])
    return kind


def _taken(name: str, names: dict[str, Any]) -> Field:
    """The field `name` of a class body, taken out of it: a default would stand in the way of a slot."""
    found = names.pop(name, _NONE)
    if not isinstance(found, Field):
        found = Field(found, None, True, True)
    found.name = name
    return found


def _is_field(note: Any) -> bool:
    return not (isinstance(note, str) and note.startswith("ClassVar"))


def _init_later(kind: type, is_frozen: bool, slots: bool) -> Callable[..., None]:
    def later(self: Any, *args: Any, **kwargs: Any) -> None:
        _init(kind, is_frozen, slots)(self, *args, **kwargs)

    return later


def _init(kind: Any, is_frozen: bool, slots: bool) -> Any:
    """The `__init__` of a class, written, compiled and put into it."""
    scope: dict[str, Any] = {"_NONE": _NONE}
    parameters, body = ["self"], []
    if is_frozen and not slots:
        body.append("held = self.__dict__")
    for name, one in kind.__fields__.items():
        value = name
        if one.factory is not None:
            scope[f"_make_{name}"] = one.factory
            parameters.append(f"{name}=_NONE")
            value = f"_make_{name}() if {name} is _NONE else {name}"
        elif one.default is not _NONE:
            scope[f"_else_{name}"] = one.default
            parameters.append(f"{name}=_else_{name}")
        else:
            parameters.append(name)
        if not is_frozen:
            body.append(f"self.{name} = {value}")
        elif slots:
            scope[f"_set_{name}"] = getattr(kind, name).__set__
            body.append(f"_set_{name}(self, {value})")
        else:
            body.append(f"held[{name!r}] = {value}")
    if hasattr(kind, "__post_init__"):
        body.append("self.__post_init__()")
    text = f"def __init__({', '.join(parameters)}):\n " + "\n ".join(body or ["pass"])
    exec(compile(text, f"<record {kind.__qualname__}>", "exec"), scope)
    made = scope["__init__"]
    made.__qualname__ = f"{kind.__qualname__}.__init__"
    made.__module__ = kind.__module__
    _set(kind, "__init__", made)
    return made


def _set(kind: Any, name: str, value: Any) -> None:
    type.__setattr__(kind, name, value)


class _Signature:
    """The signature of a class for those who look: that of its `__init__` with the annotations of its fields."""

    def __get__(self, record: Any, kind: Any) -> Any:
        import inspect  # slow to import and rarely needed

        notes = {name: note for base in reversed(kind.__mro__) for name, note in _notes(base).items()}
        taken = []
        for name, one in kind.__fields__.items():
            default = one.default if one.factory is None else one.factory()
            default = inspect.Parameter.empty if default is _NONE else default
            word = inspect.Parameter.POSITIONAL_OR_KEYWORD
            taken.append(inspect.Parameter(name, word, default=default, annotation=notes.get(name)))
        return inspect.Signature(taken, return_annotation=None)


def _notes(kind: type) -> dict[str, Any]:
    return dict(vars(kind).get("__annotations__", {}))


class _Key:
    """What a class compares its records by, made when first asked for."""

    def __get__(self, record: Any, kind: Any) -> Any:
        names = [name for name, one in kind.__fields__.items() if one.compare]
        key = staticmethod(attrgetter(*names) if names else lambda record: ())
        _set(kind, "__key__", key)
        return key.__func__


def _eq(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    key = self.__key__
    return key(self) == key(other)


def _hash(self: Any) -> int:
    return hash(self.__key__(self))


def _repr(self: Any) -> str:
    shown = (name for name, one in self.__fields__.items() if one.repr)
    return f"{self.__class__.__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


def _replace(self: Any, /, **changes: Any) -> Any:
    kept = {name: getattr(self, name) for name in self.__fields__ if name not in changes}
    return self.__class__(**kept, **changes)


def _getstate(self: Any) -> list[Any]:
    return [getattr(self, name) for name in self.__fields__]


def _setstate(self: Any, state: list[Any]) -> None:
    for name, value in zip(self.__fields__, state, strict=True):
        object.__setattr__(self, name, value)


def _refuse_setting(self: Any, name: str, value: Any) -> None:
    raise AttributeError(f"cannot assign to field {name!r}: a {self.__class__.__qualname__} is frozen")


def _refuse_deleting(self: Any, name: str) -> None:
    raise AttributeError(f"cannot delete field {name!r}: a {self.__class__.__qualname__} is frozen")
