"""A value against an annotation: what does not fit, and the value converted to it. Called by `checking`.

One walk does both, so that what was found to fit is what the function is given.
"""

from __future__ import annotations

import collections.abc as abc
import enum
import numbers
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from tane import errors
from tane.config import shapes, trees


class Misfit(NamedTuple):
    """Why a part of a value does not fit: the keys that lead to it, what is said of it, what to do."""

    keys: tuple[str, ...]
    what: str
    hint: str


def take(value: Any, annotation: Any, keys: tuple[str, ...], misfits: list[Misfit]) -> Any:
    """`value` converted to `annotation`; what does not fit is noted and left as it is."""
    if annotation is None:
        annotation = type(None)
    if annotation in shapes.PLAIN:
        if not _is_plain(value, annotation):
            misfits.append(_misfit(keys, value, shapes.describe(annotation)))
        return value
    bare = shapes.bare(annotation)
    if bare is not annotation:
        return take(value, bare, keys, misfits)
    kind = typing.get_origin(annotation) or annotation
    if kind in (typing.Union, types.UnionType):
        return _take_union(value, annotation, keys, misfits)
    if kind is typing.Literal:
        if not any(type(value) is type(choice) and value == choice for choice in typing.get_args(annotation)):
            misfits.append(_choice(keys, value, typing.get_args(annotation)))
        return value
    if not isinstance(kind, type):
        return value
    if typing.is_typeddict(kind):
        return _take_fields(value, kind, _typed_dict(kind), keys, misfits, dict)
    if kind in shapes.SEQUENCES:
        return _take_items(value, annotation, keys, misfits)
    if kind in shapes.MAPPINGS:
        return _take_mapping(value, annotation, keys, misfits)
    try:
        if isinstance(value, kind):
            return value
    except TypeError:  # a Protocol that cannot be asked
        return value
    return _take_class(value, kind, keys, misfits)


def _is_plain(value: Any, annotation: Any) -> bool:
    if annotation in (int, float):  # NumPy's numbers are numbers too; a bool is not
        wanted = numbers.Integral if annotation is int else numbers.Real
        return isinstance(value, wanted) and not isinstance(value, bool)
    return isinstance(value, annotation)


def _take_union(value: Any, annotation: Any, keys: tuple[str, ...], misfits: list[Misfit]) -> Any:
    """The first alternative that takes the value as it is, else the first that can convert it."""
    choices = typing.get_args(annotation)
    converted: list[Any] = []
    for choice in choices:
        found: list[Misfit] = []
        taken = take(value, choice, keys, found)
        if not found:
            if taken is value:
                return value
            converted.append(taken)
    if converted:
        return converted[0]
    others = [choice for choice in choices if choice is not type(None)]
    likely = [choice for choice in others if isinstance(value, Mapping) and shapes.has_fields(choice)]
    if len(others) == 1 or len(likely) == 1:
        return take(value, (likely or others)[0], keys, misfits)
    misfits.append(_misfit(keys, value, shapes.describe(annotation)))
    return value


def _take_items(value: Any, annotation: Any, keys: tuple[str, ...], misfits: list[Misfit]) -> Any:
    kind = typing.get_origin(annotation) or annotation
    wanted = typing.get_args(annotation)
    if isinstance(value, Mapping) and kind in (abc.Iterable, abc.Collection):
        return value
    if not isinstance(value, list | tuple | set | frozenset):
        misfits.append(_misfit(keys, value, shapes.describe(annotation)))
        return value
    if kind is tuple and wanted and wanted[-1] is not Ellipsis:
        wanted = () if wanted == ((),) else wanted
        if len(wanted) != len(value):
            misfits.append(Misfit(keys, f"has {len(value)} items, expected {len(wanted)}", f"give {len(wanted)} items"))
            return value
    else:
        wanted = (wanted[0] if wanted else Any,) * len(value)
    pairs = enumerate(zip(value, wanted, strict=True))
    taken = [take(item, each, (*keys, str(i)), misfits) for i, (item, each) in pairs]
    make = shapes.SEQUENCES[kind]
    if make is not None and not isinstance(value, kind):
        try:
            return make(taken)
        except TypeError:
            misfits.append(Misfit(keys, "has items that a set cannot hold", "write plain values in the list"))
            return value
    if all(new is old for new, old in zip(taken, value, strict=True)):
        return value
    return type(value)(taken)


def _take_mapping(value: Any, annotation: Any, keys: tuple[str, ...], misfits: list[Misfit]) -> Any:
    if not isinstance(value, Mapping):
        misfits.append(_misfit(keys, value, shapes.describe(annotation)))
        return value
    wanted = typing.get_args(annotation)
    if len(wanted) != 2:
        return value
    taken: dict[Any, Any] = {}
    same = True
    for key, item in value.items():
        below = (*keys, trees.key_text(key))
        found: list[Misfit] = []
        new_key = take(key, wanted[0], below, found)
        misfits += [Misfit(m.keys, f"has a key that {m.what}", m.hint) for m in found]
        taken[new_key] = new = take(item, wanted[1], below, misfits)
        same = same and new is item and new_key is key
    return value if same else taken


# --- classes ---


class _Field(NamedTuple):
    annotation: Any
    required: bool


def _take_class(value: Any, kind: type, keys: tuple[str, ...], misfits: list[Misfit]) -> Any:
    if issubclass(kind, enum.Enum):
        return _take_enum(value, kind, keys, misfits)
    if shapes.is_model(kind):
        return _take_model(value, kind, keys, misfits)
    if shapes.is_dataclass(kind):
        return _take_fields(value, kind, _dataclass_fields(kind), keys, misfits, kind)
    make = _from_text(kind)
    if make is None:
        return value
    if isinstance(value, str):
        try:
            return make(value)
        except ValueError:
            pass
    misfits.append(_misfit(keys, value, shapes.describe(kind)))
    return value


def _take_enum(value: Any, kind: type[enum.Enum], keys: tuple[str, ...], misfits: list[Misfit]) -> Any:
    for member in kind:
        if type(member.value) is type(value) and member.value == value:
            return member
    if isinstance(value, str) and value in kind.__members__:
        return kind[value]
    misfits.append(_choice(keys, value, [member.value for member in kind]))
    return value


def _take_fields(
    value: Any,
    kind: type,
    fields: Mapping[str, _Field],
    keys: tuple[str, ...],
    misfits: list[Misfit],
    make: Callable[..., Any],
) -> Any:
    """A mapping whose keys are the fields of a dataclass or TypedDict."""
    if not isinstance(value, Mapping):
        misfits.append(_misfit(keys, value, shapes.describe(kind)))
        return value
    found: list[Misfit] = []
    for key in value:
        if key not in fields:
            text = trees.key_text(key)
            hint = errors.did_you_mean(text, fields, f"its fields are {', '.join(fields)}")
            found.append(Misfit((*keys, text), f"is no field of {kind.__name__}", hint))
    for name, field in fields.items():
        if field.required and name not in value:
            found.append(Misfit(keys, f"lacks {name!r}, which {kind.__name__} needs", f"add {name}: ..."))
    taken = {
        name: take(value[name], field.annotation, (*keys, name), found)
        for name, field in fields.items()
        if name in value
    }
    misfits += found
    if found or (make is dict and all(item is value[name] for name, item in taken.items())):
        return value
    try:
        return make(**taken)
    except Exception as error:  # whatever the user's __post_init__ raises says why the values do not fit
        misfits.append(Misfit(keys, f"is refused by {kind.__name__}: {error}", "mend the values it names"))
        return value


def _dataclass_fields(kind: type) -> dict[str, _Field]:
    import inspect

    hints = _hints(kind)
    return {
        name: _Field(hints.get(name, Any), parameter.default is inspect.Parameter.empty)
        for name, parameter in inspect.signature(kind).parameters.items()
        if parameter.kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    }


def _typed_dict(kind: Any) -> dict[str, _Field]:
    hints = _hints(kind)
    fields: dict[str, _Field] = {}
    for name in dict.fromkeys((*hints, *sorted(kind.__required_keys__ | kind.__optional_keys__))):
        annotation = hints.get(name, Any)
        mark = typing.get_origin(annotation)  # tells where annotations are text when the class is made
        required = name in kind.__required_keys__ if mark not in _MARKS else mark is typing.Required
        fields[name] = _Field(annotation, required)
    return fields


_MARKS = (typing.Required, typing.NotRequired)


def _hints(kind: type) -> dict[str, Any]:
    """The resolved annotations of a class; none when a name in them cannot be resolved."""
    try:
        return typing.get_type_hints(kind, include_extras=True)
    except (NameError, TypeError, AttributeError):
        return {}


def _take_model(value: Any, kind: Any, keys: tuple[str, ...], misfits: list[Misfit]) -> Any:
    if not isinstance(value, Mapping):
        misfits.append(_misfit(keys, value, shapes.describe(kind)))
        return value
    try:
        return kind.model_validate(value) if hasattr(kind, "model_validate") else kind.parse_obj(value)
    except ValueError as error:  # pydantic's ValidationError is one
        tell = getattr(error, "errors", None)
        if not callable(tell):
            misfits.append(Misfit(keys, f"is refused by {kind.__name__}: {error}", "mend the values it names"))
            return value
        for each in tell():
            below = (*keys, *(str(part) for part in each["loc"]))
            misfits.append(
                Misfit(
                    below,
                    f"does not fit {kind.__name__}: {each['msg']}",
                    _model_hint(kind, [str(part) for part in each["loc"]], each.get("type", "")),
                )
            )
        return value


def _model_hint(kind: Any, keys: Sequence[str], said: str) -> str:
    """What to do about what a model says."""
    if said == "missing":
        return f"add {keys[-1]}: ..."
    if len(keys) == 1 and said == "extra_forbidden":
        names = list(getattr(kind, "model_fields", ()))
        return errors.did_you_mean(keys[0], names, f"its fields are {', '.join(names)}")
    return f"write what {kind.__name__} takes there"


def _from_text(kind: type) -> Callable[[str], Any] | None:
    """How text becomes an instance of `kind`: paths and dates, which YAML here leaves as text."""
    if kind in (Path, PurePath):
        return kind
    datetime = sys.modules.get("datetime")  # an annotation with its classes has imported it
    if datetime is not None and kind in (datetime.date, datetime.datetime, datetime.time):
        make: Callable[[str], Any] = kind.fromisoformat  # type: ignore[attr-defined]
        return make
    return None


def _misfit(keys: tuple[str, ...], value: Any, expected: str) -> Misfit:
    if isinstance(value, Mapping | list | tuple):
        found = trees.kind(value)
    else:
        found = f"{trees.shown(value)} ({trees.kind(value)})" if value is not None else "null"
    return Misfit(keys, f"is {found}, expected {expected}", f"write {expected} there")


def _choice(keys: tuple[str, ...], value: Any, choices: Sequence[Any]) -> Misfit:
    those = ", ".join(trees.shown(choice) for choice in choices)
    texts = [choice for choice in choices if isinstance(choice, str)]
    near = errors.nearest(value, texts) if isinstance(value, str) else None
    hint = f"did you mean {near!r}?" if near else f"write one of {those}"
    return Misfit(keys, f"is {trees.shown(value)}, expected one of {those}", hint)
