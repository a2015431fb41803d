"""Whether parameters are there and fit the functions that take them. `plan` calls it, and `runs` for `fit`.

Annotations are taken as `typing.get_type_hints` gives them. What is understood: bool, int, float, str, None,
Any, unions, Literal, Enum, lists, tuples, sets and mappings with or without their items' types, TypedDict,
dataclasses, pydantic models (when pydantic is loaded), paths and dates written as text. Any other annotation
accepts everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tane import errors
from tane.config import fitting, origins, overrides, scalars, shapes, trees


class Want(NamedTuple):
    """One parameter that one argument of a node takes. `key` is dotted, or "" for all as one mapping."""

    node: str
    argument: str
    key: str
    annotation: Any = Any
    has_default: bool = False


def check_parameters(
    wanted: Sequence[Want], parameters: Mapping[str, Any], origin: Callable[..., origins.Origin]
) -> None:
    """Raise `errors.ConfigError` with every parameter that is missing or does not fit its annotation.

    `origin` is that of the configuration: it is asked for ("parameters", key, ...).
    """
    faults: list[errors.Fault] = []
    to_give = dict(_to_give(parameters, ()))
    for want in wanted:
        for key in to_give if to_give else ():
            if f"{key}.".startswith(f"{want.key}.") or f"{want.key}.".startswith(f"{key}.") or not want.key:
                to_give[key].append(f"{want.node!r}")
        if want.annotation is Any and want.key in parameters:
            continue
        try:
            value = lookup(parameters, want.key)
        except KeyError:
            if not want.has_default:
                faults.append(_missing(want, parameters, origin))
            continue
        misfits: list[fitting.Misfit] = []
        if not any(takers and f"{key}.".startswith(f"{want.key}.") for key, takers in to_give.items()):
            fitting.take(value, want.annotation, (), misfits)
        faults += [_fault(want, misfit, origin) for misfit in misfits]
    faults += [
        errors.Fault(
            f"{key} is still to be given (???)", str(origin("parameters", *key.split("."))), _give(key, takers)
        )
        for key, takers in to_give.items()
        if takers
    ]
    if faults:
        raise errors.ConfigError.of(faults, f"{len(faults)} parameters do not fit their functions")


def _to_give(value: Any, keys: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    """The dotted names of all values that are still to be given; for each a list of those that take it, empty yet."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if item.__class__ is str:
                if item == scalars.MISSING:
                    yield ".".join((*keys, trees.key_text(key))), []
            elif isinstance(item, Mapping | list):
                yield from _to_give(item, (*keys, trees.key_text(key)))
    elif scalars.MISSING in value:
        yield from ((".".join((*keys, str(at))), []) for at, item in enumerate(value) if item == scalars.MISSING)
    else:
        for at, item in enumerate(value):
            if isinstance(item, Mapping | list):
                yield from _to_give(item, (*keys, str(at)))


def _give(key: str, takers: Sequence[str]) -> str:
    return f"write {key}=VALUE; taken by {', '.join(dict.fromkeys(takers))}"


def fit(value: Any, annotation: Any) -> Any:
    """`value` as a function with this annotation wants it: its dataclass, model or Enum, a tuple, a Path.

    What needs no conversion is given back itself. Raises `errors.ConfigError` when the value does not fit.
    """
    if annotation in shapes.PLAIN and type(value) is annotation:
        return value
    misfits: list[fitting.Misfit] = []
    taken = fitting.take(value, annotation, (), misfits)
    if misfits:
        faults = [errors.Fault(f"{'.'.join(m.keys) or 'the value'} {m.what}", "", m.hint) for m in misfits]
        raise errors.ConfigError.of(faults)
    return taken


def lookup(parameters: Mapping[str, Any], key: str) -> Any:
    """The value at the dotted `key`; "" is all of them. Raises KeyError."""
    found: Any = parameters
    for part in key.split(".") if key else ():
        if not isinstance(found, Mapping):
            raise KeyError(key)
        found = found[part]
    return found


def _missing(want: Want, parameters: Mapping[str, Any], origin: Callable[..., origins.Origin]) -> errors.Fault:
    where = f"node {want.node!r}, argument {want.argument!r}"
    keys = want.key.split(".")
    for depth in range(1, len(keys)):
        try:
            above = lookup(parameters, ".".join(keys[:depth]))
        except KeyError:
            break
        if not isinstance(above, Mapping):
            place = origin("parameters", *keys[:depth])
            return errors.Fault(
                f"there is no parameter {want.key!r}: {'.'.join(keys[:depth])} is {trees.kind(above)} ({place})",
                where,
                f"take {'.'.join(keys[:depth])!r} itself, or make it a mapping that holds {keys[depth]!r}",
            )
    names = list(trees.paths(trees.of(parameters, origins.Origin())))
    near = overrides.near_key(want.key, names)
    hint = f"add it to the parameters, or give {want.argument!r} a default"
    if near:
        hint = f"did you mean {near!r} ({origin('parameters', *near.split('.'))})?"
    return errors.Fault(f"there is no parameter {want.key!r}", where, hint)


def _fault(want: Want, misfit: fitting.Misfit, origin: Callable[..., origins.Origin]) -> errors.Fault:
    keys = (*(want.key.split(".") if want.key else ()), *misfit.keys)
    where = origin("parameters", *keys)
    name = ".".join(keys) or "the parameters"
    taker = f"node {want.node!r}, argument {want.argument!r}"
    place = str(where) if where.kind != origins.NOWHERE else taker
    return errors.Fault(f"{name} {misfit.what} ({taker})", place, misfit.hint)
