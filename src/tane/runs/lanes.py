"""What has items: lists and dicts, by index or key, and several of them that go together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tane import errors


def keys_of(value: Any, name: str, node: str) -> Sequence[Any]:
    """What the items of a value go by: a dict's keys, a list's indexes. Raises when it has no items."""
    if isinstance(value, (list, tuple)):
        return range(len(value))
    if isinstance(value, Mapping):
        return tuple(value)
    raise errors.UserCodeError(
        f"node {node!r} is fanned out over {name!r}, which is a {type(value).__name__}",
        where=f"node {node!r}",
        hint="make it a list or a dict, catalogue it as a partitioned dataset, or take over= away",
    )


def common_keys(lanes: Mapping[str, Sequence[Any]], node: str) -> Sequence[Any]:
    """The keys by which the items of all `lanes` go. Raises `errors.UserCodeError` when they differ."""
    (first, keys), *others = lanes.items()
    for name, other in others:
        if other != keys:
            raise errors.UserCodeError(
                f"node {node!r} takes {first!r} and {name!r} item by item, and they do not go together: "
                f"{_described(keys)} and {_described(other)}",
                where=f"node {node!r}",
                hint="make lists of one length, or dicts with the same keys in the same order",
            )
    return keys


def _described(keys: Sequence[Any]) -> str:
    if isinstance(keys, range):
        return f"{len(keys)} items"
    shown = ", ".join(map(str, keys[:4])) + (", ..." if len(keys) > 4 else "")
    return f"{len(keys)} items ({shown})"


def joined(keys: Sequence[Any] | None, items: Sequence[Any]) -> Any:
    """Items as the list, or dict, that a consumer sees."""
    return list(items) if keys is None else dict(zip(keys, items, strict=True))
