"""What a script prints, kept in a file while it is shown. Called by `performing`."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO


@contextmanager
def kept(file: Path) -> Iterator[None]:
    """Inside, what is written to standard output and error goes to `file` as well, line by line."""
    before = sys.stdout, sys.stderr
    with file.open("w", encoding="utf-8", errors="backslashreplace", buffering=1) as copy:
        lock = threading.Lock()
        mine = _Both(before[0], copy, lock), _Both(before[1], copy, lock)
        sys.stdout, sys.stderr = mine
        try:
            yield
        finally:
            if sys.stdout is mine[0]:  # else the script has put something of its own there
                sys.stdout = before[0]
            if sys.stderr is mine[1]:
                sys.stderr = before[1]
            for each in mine:
                each.let_go()


class _Both:
    """A text stream that writes to another one, and a copy to a file until it is let go."""

    def __init__(self, shown: TextIO, copy: TextIO, lock: threading.Lock) -> None:
        self._shown = shown
        self._copy: TextIO | None = copy
        self._lock = lock

    def write(self, text: str) -> int:
        """Write to both; what the file cannot take is shown all the same."""
        count = self._shown.write(text)
        with self._lock:
            if self._copy is not None:
                try:
                    self._copy.write(text)
                except (OSError, ValueError):
                    self._copy = None
        return count

    def writelines(self, lines: Any) -> None:
        """Write several."""
        for line in lines:
            self.write(line)

    def let_go(self) -> None:
        """From now on, only show: a logger may still hold this."""
        with self._lock:
            self._copy = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shown, name)
