"""Several executors as one: each call says which, and all of them are waited for together.

"serial", "threads" and "processes" are ours. Installed packages may offer others in the entry point group
"tane.executors": a name and "module:Class", a class that is an `calls.Executor` when made with the number of calls
that may be under way at once. Nothing is started before its first call.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from tane import errors
from tane.executors import calls, processes, serial, threads
from tane.executors.calls import Done

GROUP = "tane.executors"
OURS: Mapping[str, Callable[[int], calls.Executor]] = {
    "serial": serial.Serial,
    "threads": threads.Threads,
    "processes": processes.Processes,
}
_PATIENCE = 0.05  # seconds until an executor that cannot be waited for together with others is asked again


class _Route(NamedTuple):
    """An executor in use, and our tickets by its own: those whose end has not been given yet."""

    executor: calls.Executor
    tickets: dict[int, int]


class Routed:
    """`jobs` calls at once over all executors. A call that names none goes to `default`.

    `limits` allows fewer calls at once in an executor, by name: {"processes": 2}. A call beyond it waits, and counts
    as one of the `jobs`.
    """

    def __init__(self, jobs: int, default: str = "", limits: Mapping[str, int] | None = None) -> None:
        if jobs < 1:
            raise errors.UsageError(f"{jobs} is no number of calls at once", hint="give 1 or more")
        self.slots = jobs
        self._limits = dict(limits or {})
        self._routes: dict[str, _Route] = {}
        self._offered: dict[str, Any] | None = None
        self._tickets = 0
        self._default = "serial" if jobs == 1 else "processes"
        self._default = self.route(default)

    def route(self, name: str = "", timeout: float | None = None) -> str:
        """The name of the executor where a call goes.

        One with a timeout goes to "processes", unless the executor that it names keeps timeouts too. Raises
        `errors.UsageError` when there is none of that name.
        """
        name = name or self._default
        if name not in OURS and name not in self._others():
            known = [*OURS, *self._others()]
            raise errors.UsageError(
                f"there is no executor {name!r}",
                hint=errors.did_you_mean(name, known, f"there are {', '.join(known)}"),
            )
        return name if timeout is None or self.is_remote(name) else "processes"

    def is_remote(self, route: str) -> bool:
        """Whether calls and results must travel between processes there."""
        return self._use(route).executor.remote

    def submit(self, route: str, call: Callable[..., Any], *args: Any, timeout: float | None = None) -> int:
        """Hand a call to the executor of that name; a ticket that is unique over all of them."""
        executor, tickets = self._use(route)
        self._tickets += 1
        tickets[executor.submit(call, *args, timeout=timeout)] = ticket = self._tickets
        return ticket

    def as_completed(self, timeout: float | None = None) -> Iterator[Done]:
        """Wait for at least one call under way anywhere, at most `timeout` seconds; yield those that have ended."""
        used = [route for route in self._routes.values() if route.tickets]
        if len(used) == 1:
            return _ended(used[0], timeout)
        return _ended_in_any(used, timeout)

    def close(self) -> None:
        """Close all of them."""
        routes = list(self._routes.values())
        self._routes.clear()
        failed: Exception | None = None
        for route in routes:
            try:
                route.executor.close()
            except Exception as error:  # the others must not be left open
                failed = failed or error
        if failed is not None:
            raise failed

    def _use(self, name: str) -> _Route:
        found = self._routes.get(name)
        if found is None:
            make = OURS.get(name) or self._class(name)
            found = self._routes[name] = _Route(make(min(self.slots, self._limits.get(name, self.slots))), {})
        return found

    def _others(self) -> dict[str, Any]:
        """What installed packages offer, by name. Looked up once, when a name is not ours."""
        if self._offered is None:
            from importlib import metadata

            self._offered = {point.name: point for point in metadata.entry_points(group=GROUP)}
        return self._offered

    def _class(self, name: str) -> Callable[[int], calls.Executor]:
        point = self._others()[name]

        def make(count: int) -> calls.Executor:
            try:
                made: calls.Executor = point.load()(count)
            except errors.TaneError:
                raise
            except Exception as error:
                raise errors.UsageError(
                    f"the executor {name!r} ({point.value}) cannot be started: {type(error).__name__}: {error}",
                    hint="mend or update the package that offers it, or use one of " + ", ".join(OURS),
                ) from error
            return made

        return make


def _ended(route: _Route, timeout: float | None) -> Iterator[Done]:
    executor, tickets = route
    for ticket, result, error in executor.as_completed(timeout):
        yield Done(tickets.pop(ticket), result, error)


def _ended_in_any(used: list[_Route], timeout: float | None) -> Iterator[Done]:
    """Ends of calls in several executors, waiting for all of them at once."""
    from multiprocessing.connection import wait

    until = None if timeout is None else time.monotonic() + timeout
    found = not used
    while not found:
        waitables, patience = _waitables(used)  # before they are asked: what ends after that, wakes us
        for route in used:
            for done in _ended(route, 0):
                found = True
                yield done
        left = None if until is None else until - time.monotonic()
        if found or (left is not None and left <= 0):
            return
        bounds = [seconds for seconds in (left, patience) if seconds is not None]
        wait(waitables, min(bounds, default=None))


def _waitables(used: list[_Route]) -> tuple[list[Any], float | None]:
    """What to wait for together, and for how long at most when some executor has nothing to wait for."""
    waitables: list[Any] = []
    patience = None
    for route in used:
        own = getattr(route.executor, "waitables", None)
        if own:
            waitables.extend(own())
        else:
            patience = _PATIENCE
    return waitables, patience
