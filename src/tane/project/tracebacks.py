"""Tracebacks as the user wants to read them: the frames of their own code, without ours and import's.

Called when the user's modules fail to import, and by whoever runs the user's functions.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

_OWN = str(Path(__file__).resolve().parents[1]) + "/"
_LIBRARY = sysconfig.get_path("stdlib") + "/"


class Shown(NamedTuple):
    """An exception as text: in one `line`, `where` the user's code raised it, and the whole `text`."""

    line: str
    where: str
    text: str


def show(error: BaseException) -> Shown:
    """What a user should read of `error`. Frames of installed packages are left out while others remain."""
    import traceback

    whole = traceback.TracebackException.from_exception(error)
    where = ""
    for part in _chain(whole):
        part.stack = traceback.StackSummary.from_list(_users(part.stack))
    if isinstance(error, SyntaxError):
        line = f"{type(error).__name__}: {error.msg}"
        if error.filename:
            where = f"{error.filename}:{error.lineno}"
    else:
        text = _text(error)
        line = f"{type(error).__name__}: {text}" if text else type(error).__name__
        if whole.stack:
            where = f"{whole.stack[-1].filename}:{whole.stack[-1].lineno}"
    return Shown(line, where, "".join(whole.format()).rstrip())


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as fault:
        return f"(its message cannot be shown: {type(fault).__name__})"


def is_users(file: str) -> bool:
    """Whether a frame of this file is the user's own code."""
    if file.startswith(("<frozen ", _LIBRARY, _OWN)):
        return False
    return "/site-packages/" not in file and "/dist-packages/" not in file


def _users(stack: Any) -> list[Any]:
    kept = [frame for frame in stack if is_users(frame.filename)]
    if kept:
        return kept
    return [frame for frame in stack if not frame.filename.startswith(("<frozen ", _LIBRARY, _OWN))]


def _chain(whole: Any) -> Iterator[Any]:
    """An exception, its causes and the members of a group, each once."""
    waiting: list[Any] = [whole]
    seen: set[int] = set()
    while waiting:
        part = waiting.pop()
        if part is None or id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        waiting += [part.__cause__, part.__context__, *(getattr(part, "exceptions", None) or ())]
