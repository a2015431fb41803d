"""A value that is shown to nobody: credentials are wrapped in it from the moment they are read.

Whoever opens a connection calls `reveal`; everything else sees "***".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MASK = "***"


class Secret:
    """Holds one value. It prints as "***", pickles whole, and JSON refuses it."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def reveal(self) -> Any:
        """The value itself."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> tuple[Any, ...]:
        return Secret, (self._value,)


def mask(value: Any) -> Any:
    """`value` with every leaf of its mappings and lists replaced by "***"."""
    if isinstance(value, Mapping):
        return {key: mask(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [mask(item) for item in value]
    return MASK
