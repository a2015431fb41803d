"""The files that user code reads while it is imported: a table loaded at the top of a module is part of the code.

Called by `loading`. Python tells its audit hooks of every file that is opened; a hook cannot be taken away, so there is
one, and it listens only while something is being imported. A file that was looked for in vain is told too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tane.digest import values

_listening: list[set[str]] = []
_hooked = False


@contextmanager
def noted() -> Iterator[set[str]]:
    """Gives a set that holds, at the end, the absolute paths of the files opened inside; none of installed packages."""
    global _hooked
    if not _hooked:
        _hooked = True
        sys.addaudithook(_hear)
    found: set[str] = set()
    _listening.append(found)
    try:
        yield found
    finally:
        _listening.remove(found)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" or not _listening:
        return
    path, mode = arguments[0], arguments[1]
    if not isinstance(path, (str, bytes)) or (isinstance(mode, str) and mode[:1] not in "r"):
        return
    name = os.path.abspath(os.fsdecode(path))
    if name.endswith(".pyc") or values.is_installed_file(name) or name.startswith(("/proc/", "/dev/", "/sys/")):
        return
    for found in _listening:
        found.add(name)
