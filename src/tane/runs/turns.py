"""Turns: processes that run many jobs of one project at the same time do no step twice at once.

Who is about to work on a step takes the turn of its key, and gives it back when the result is on record; meanwhile
others wait, and then find that result. A turn is a lock on one byte of a file, which the system releases when its
process ends, however it ends. Called by the loop, one step at a time.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

NAME = "turns.lock"
_DIGITS = 15  # of a key: the place of its byte


class Turns:
    """The turns of one process. To be closed."""

    def __init__(self, home: Path) -> None:
        self._path = home / NAME
        self._descriptor = -1
        self._taken: set[str] = set()

    def take(self, key: str) -> None:
        """Wait for the turn of `key`. Where the file system knows no locks, there are no turns."""
        with suppress(OSError):
            if self._descriptor < 0:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX, 1, _place(key))
            self._taken.add(key)

    def has(self, key: str) -> bool:
        """Whether the turn of `key` was taken and is to be given back."""
        return key in self._taken

    def give(self, key: str) -> None:
        """Let others have the turn of `key`."""
        if key in self._taken:
            self._taken.discard(key)
            with suppress(OSError):
                fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, _place(key))

    def close(self) -> None:
        """Give all of them back."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1
        self._taken.clear()


def _place(key: str) -> int:
    return int(key[:_DIGITS], 16)
