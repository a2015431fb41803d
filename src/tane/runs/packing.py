"""What many calls share, as it travels to worker processes: packed once, opened once by each of them."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from typing import Any

from tane import errors
from tane.digest import hashing


def pack(shared: object, held: Iterable[str], instead: str) -> tuple[str, bytes]:
    """What is shared, with its digest, as it travels with every call.

    `held` are the names of values in it. Raises `errors.UsageError`, with `instead` as what to do, when it cannot.
    """
    try:
        data = pickle.dumps(shared, 5)
    except Exception as error:
        named = ", ".join(sorted(held)) or "its sources"
        raise errors.UsageError(
            f"the values of {named} cannot be sent to worker processes: {type(error).__name__}: {error}", hint=instead
        ) from error
    return hashing.of_bytes(data), data


class Packed:
    """Something packed, told apart by its digest."""

    __slots__ = ("_data", "_digest")

    def __init__(self, digest: str, data: bytes) -> None:
        self._digest = digest
        self._data = data

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Packed) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)

    def open(self) -> Any:
        """What was packed."""
        return pickle.loads(self._data)


class CodeChangedError(errors.UsageError):
    """A worker that starts late would work on other code than those before it."""


def code_changed(what: str, parts: str) -> CodeChangedError:
    """The error for a worker of `what` ("backfill") that finds other code; `parts` are what it is made of."""
    return CodeChangedError(
        f"the code has changed since this {what} began, and another worker process is needed",
        hint=f"give the same command again: the {parts} that need it are done anew on the code as it is now",
    )
