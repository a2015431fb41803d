"""What an annotation stands for, and how it reads in a message. Called by `fitting`."""

from __future__ import annotations

import collections.abc as abc
import sys
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tane.config import trees

PLAIN: tuple[Any, ...] = (bool, int, float, str, type(None))

# what a list is made into, where the annotation is a kind that a list is not
SEQUENCES: dict[Any, Callable[[list[Any]], Any] | None] = {
    list: None,
    tuple: tuple,
    set: set,
    frozenset: frozenset,
    abc.Set: frozenset,
    abc.MutableSet: set,
    abc.Sequence: None,
    abc.MutableSequence: None,
    abc.Collection: None,
    abc.Iterable: None,
}
MAPPINGS = (dict, abc.Mapping, abc.MutableMapping)


def bare(annotation: Any) -> Any:
    """What stands behind Annotated, Final, NewType, InitVar and `type X = ...`."""
    if type(annotation).__name__ == "InitVar" and type(annotation).__module__ == "dataclasses":
        return annotation.type
    outer = typing.get_origin(annotation)
    if outer is typing.Annotated:
        return annotation.__origin__
    if outer in (typing.Final, typing.ClassVar, typing.Required, typing.NotRequired):
        return typing.get_args(annotation)[0]
    if isinstance(annotation, typing.NewType):
        return annotation.__supertype__
    if type(annotation).__name__ == "TypeAliasType":
        return annotation.__value__
    return annotation


def has_fields(annotation: Any) -> bool:
    """Whether a mapping can fill it: a dataclass, a TypedDict, a pydantic model."""
    return is_dataclass(annotation) or typing.is_typeddict(annotation) or is_model(annotation)


def is_dataclass(kind: Any) -> bool:
    """Whether it is a dataclass."""
    return hasattr(kind, "__dataclass_fields__")  # as `dataclasses` itself asks, which takes long to import


def is_model(kind: Any) -> bool:
    """Whether it is a pydantic model."""
    pydantic = sys.modules.get("pydantic")  # a project that has such a model has imported it
    base = getattr(pydantic, "BaseModel", None)
    return base is not None and isinstance(kind, type) and issubclass(kind, base)


def describe(annotation: Any) -> str:
    """An annotation in words: "a list, each item text", "a number or null"."""
    if annotation is None:
        annotation = type(None)
    annotation = bare(annotation)
    if annotation is Any or isinstance(annotation, type):  # others need not be hashable
        word = _WORDS.get(annotation)
        if word is not None:
            return word
    kind, inner = typing.get_origin(annotation) or annotation, typing.get_args(annotation)
    if kind in (typing.Union, types.UnionType):
        return " or ".join(describe(each) for each in inner)
    if kind is typing.Literal:
        return f"one of {', '.join(trees.shown(each) for each in inner)}"
    if isinstance(kind, type) and kind in SEQUENCES:
        if kind is tuple and inner and inner[-1] is not Ellipsis:
            return f"a list of {len(inner)}: {', '.join(describe(each) for each in inner)}"
        return f"a list, each item {describe(inner[0])}" if inner and inner[0] is not Any else "a list"
    if isinstance(kind, type) and kind in MAPPINGS:
        return "a mapping"
    if isinstance(kind, type) and has_fields(kind):
        return f"a mapping with the fields of {kind.__name__}"
    return str(getattr(kind, "__name__", kind))


_WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    type(None): "null",
    Any: "anything",
    Path: "a path",
}
