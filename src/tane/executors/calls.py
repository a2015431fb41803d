"""The seam of this room: what an executor is, and how a call ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

from tane import errors


class CallError(errors.UserCodeError):
    """A call did not come to its end: its process died, or what it gave cannot travel back."""


class TimedOut(CallError):
    """A call was stopped: it worked for longer than its timeout."""


def cannot_return(error: BaseException) -> CallError:
    """The error for a result that does not get through between two processes."""
    return CallError(
        f"what it gave cannot be sent back from a worker process: {type(error).__name__}: {error}",
        hint="give back plain data, or run with one process (-j 1)",
    )


def timed_out(seconds: float) -> TimedOut:
    """The error for a call that was stopped after `seconds`."""
    return TimedOut(
        f"was stopped after {seconds:g} s: it took longer than its timeout",
        hint="give it a longer timeout, or find out what it waits for",
    )


class Done(NamedTuple):
    """The end of a submitted call: its result, or the exception it ended with."""

    ticket: int
    result: Any
    error: BaseException | None


class Executor(Protocol):
    """Runs submitted calls somewhere. It knows nothing of steps and records nothing.

    `slots` is how many calls may be under way at once; `remote` says that calls and results travel between
    processes, so they must pickle, and that a call's `timeout` is kept: a call that works for longer is stopped and
    ends with `TimedOut`. Where `remote` is False nothing can stop a call, and `timeout` means nothing.

    `submit` returns a ticket, a number above 0 that no other call of this executor has. `as_completed` waits until at
    least one call that is under way has ended, and yields each that has; it yields nothing when none is under way, or
    when none has ended after `timeout` seconds (0: it does not wait). Ends that are not taken from it come again the
    next time. Whatever a call raises is its end; only an interrupt of the program itself comes out of a wait, at once.
    `close` does not wait for calls under way: it ends them where it can, and forgets them where it cannot.

    One thread at a time uses an executor. It may have a method `waitables() -> list`: what
    `multiprocessing.connection.wait` is to wait for, together with others', to know that a call may have ended. One
    that has none is asked again and again (`as_completed(0)`) while calls of other executors are under way too.
    """

    slots: int
    remote: bool

    def submit(self, call: Callable[..., Any], *args: Any, timeout: float | None = None) -> int:
        """Hand over a call that may work for `timeout` seconds; its ticket."""
        ...

    def as_completed(self, timeout: float | None = None) -> Iterator[Done]:
        """Wait for at least one call under way, at most `timeout` seconds; yield those that have ended."""
        ...

    def close(self) -> None:
        """End calls under way; forget those that cannot be ended."""
        ...
