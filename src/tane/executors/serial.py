"""One call at a time, here and now."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from tane.executors.calls import Done


class Serial:
    """Runs each call when it is submitted, in this process and thread. Nothing can stop it but an interrupt."""

    slots = 1
    remote = False

    def __init__(self, count: int = 1) -> None:
        self._done: deque[Done] = deque()
        self._count = 0

    def submit(self, call: Callable[..., Any], *args: Any, timeout: float | None = None) -> int:
        """Run `call` now; its end is the next that `as_completed` gives. An interrupt comes out of here."""
        self._count += 1
        try:
            self._done.append(Done(self._count, call(*args), None))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a call that says sys.exit() ends itself, not us
            self._done.append(Done(self._count, None, error))
        return self._count

    def as_completed(self, timeout: float | None = None) -> Iterator[Done]:
        """The calls that have ended since the last time."""
        while self._done:
            yield self._done.popleft()

    def waitables(self) -> list[Any]:
        """Nothing: a call that was submitted has ended."""
        return []

    def close(self) -> None:
        """Nothing to release."""
