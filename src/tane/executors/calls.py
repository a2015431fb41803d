"""The seam of this room: what an executor is, and how a call ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol


class CallError(errors.UserCodeError):
    """A call did not come to its end: its process died, or what it gave cannot travel back."""


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

    def submit(self, call: Callable[..., Any], *args: Any) -> int: ...
    def as_completed(self) -> Iterator[Done]: ...
    def close(self) -> None: ...
