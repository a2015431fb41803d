"""The seam of this room: what an executor is, and how a call ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

from tane import errors


class CallError(errors.UserCodeError):
    """A call did not come to its end: its process died, or what it gave cannot travel back."""


def cannot_return(error: BaseException) -> CallError:
    """The error for a result that does not get through between two processes."""
    return CallError(
        f"what it gave cannot be sent back from a worker process: {type(error).__name__}: {error}",
        hint="give back plain data, or run with one process (-j 1)",
    )


class Done(NamedTuple):
    """The end of a submitted call: its result, or the exception it ended with."""

    ticket: int
    result: Any
    error: BaseException | None


class Executor(Protocol):
    """Runs submitted calls somewhere. It knows nothing of steps and records nothing.

    `slots` is how many calls may be under way at once; `remote` says that calls and results travel between
    processes, so they must pickle. `submit` returns a ticket; `as_completed` waits until at least one call that is
    under way has ended and yields each that has; it yields nothing when none is under way. `close` ends calls that
    are still under way.
    """

    slots: int
    remote: bool

    def submit(self, call: Callable[..., Any], *args: Any) -> int:
        """Hand over a call; its ticket."""
        ...

    def as_completed(self) -> Iterator[Done]:
        """Wait for at least one call under way; yield those that have ended."""
        ...

    def close(self) -> None:
        """End calls under way."""
        ...
