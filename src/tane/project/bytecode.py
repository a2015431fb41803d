"""Python's compiled modules, where they cannot be believed. Called by `projects` before the user's code is imported.

Python takes a compiled module for current when its source still has the same size and, in whole seconds, the same
time. An edit of that size within the second of the last import goes unseen, and so does one whose time was set back
(`cp -p`, `tar`, `touch -d`): the old code runs. Here what runs must be what the key of a step says, so the moment of
the last change counts, which nobody can set.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from importlib.util import cache_from_source
from pathlib import Path

_GRAIN = 20_000_000  # ns; file times are no finer than a tick of the clock


def forget_doubtful(files: Iterable[Path]) -> None:
    """Delete the compiled form of each module in `files` that may be older than the source's last change."""
    for file in files:
        if file.suffix != ".py":
            continue
        with contextlib.suppress(OSError, NotImplementedError):  # none there, no cache at all, or not ours to delete
            compiled = cache_from_source(str(file))
            source = os.stat(file)
            if os.stat(compiled).st_mtime_ns <= max(source.st_mtime_ns, source.st_ctime_ns) + _GRAIN:
                os.unlink(compiled)
