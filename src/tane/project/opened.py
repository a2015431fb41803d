"""The files that user code reads while it is imported: a table loaded at the top of a module is part of the code, and
so are the names in a folder for each of whose files it makes a node.

Called by `loading`. Python tells its audit hooks of every file that is opened and every folder that is listed; a hook
cannot be taken away, so there is one, and it listens only while something is being imported. A file that was looked for
in vain is told too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import source_from_cache
from types import FrameType
from typing import Any

from tane.digest import values

_listening: list[set[str]] = []
_hooked = False


@contextmanager
def noted() -> Iterator[set[str]]:
    """Gives a set that holds, at the end, the absolute paths of the files opened inside, and of the folders that the
    user's code listed; none of installed packages.
    """
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
    if not _listening or event not in _EVENTS:
        return
    if event == "open":
        path, mode = arguments[0], arguments[1]
        if not isinstance(path, (str, bytes)) or (isinstance(mode, str) and mode[:1] not in "r"):
            return
    else:
        path = "." if arguments[0] is None else arguments[0]
        if not isinstance(path, (str, bytes, os.PathLike)) or not _asked_by_user(sys._getframe(1)):
            return
    name = os.path.abspath(os.fsdecode(path))
    if values.is_installed_file(f"{name}/") or name.startswith(("/proc/", "/dev/", "/sys/")):
        return
    if name.endswith(".pyc"):
        name = _source(name)
    for found in _listening:
        found.add(name)


_EVENTS = frozenset({"open", "os.listdir", "os.scandir"})
_OURS = os.path.dirname(os.path.dirname(__file__)) + os.sep


def _asked_by_user(frame: FrameType | None) -> bool:
    """Whether it is the user's code that lists a folder, be it by way of a library; not the search for a module."""
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(("<frozen importlib", _OURS)):
            return False
        if not file.startswith("<frozen") and not values.is_installed_file(file):
            return True
        frame = frame.f_back
    return False


def _source(compiled: str) -> str:
    """The module that was compiled into a file: it counts, though it was not read."""
    try:
        return source_from_cache(compiled)
    except (ValueError, NotImplementedError):  # there is no source
        return compiled
