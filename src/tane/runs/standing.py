"""Knowing in milliseconds that nothing changed: the stat signatures of all that a finished run rests on.

A run that ended well leaves a standing: every file its result depends on - code, configuration, sources, outputs,
objects, ledger, installed packages - with size, times and inode. The same command with the same standing has nothing
to do. This module and `store.signatures` import nothing but the smallest parts of the standard library: the check
runs before user code, click or YAML is imported.
"""

from __future__ import annotations

import marshal
import os
import sys
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tane.store import signatures

_FORMAT = 1
_GRANULARITY = 12_000_000  # ns; a file written more recently may be written again within the same timestamp


def holds(home: str, argv: Sequence[str]) -> str | None:
    """What to print when the command `argv` has nothing to do in the project whose `.tane` folder is `home`."""
    try:
        with open(_path(home, argv), "rb") as file:
            known = marshal.load(file)
        if known["format"] != _FORMAT or known["command"] != _command(argv):
            return None
        stat = os.stat
        for path, size, modified, changed, inode in known["files"]:
            now = stat(path)
            if (now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_ino) != (size, modified, changed, inode):
                return None
        if any(os.path.lexists(path) for path in known["absent"]):
            return None
    except (OSError, ValueError, EOFError, TypeError, KeyError):
        return None
    return str(known["text"])


def leave(home: str, argv: Sequence[str], text: str, paths: Iterable[str], known: Mapping[str, Any]) -> bool:
    """Leave a standing: `paths` must stay as they are; `known` are signatures taken earlier, when contents were read.

    Nothing is left, and False returned, when a path was touched so recently that a further change might not show, or
    when it changed since it was read.
    """
    now = time.time_ns()
    files: list[tuple[Any, ...]] = []
    absent: list[str] = []
    for path in sorted({*paths, *known}):
        signature = signatures.of(path)
        if path in known and signature != known[path]:
            return False
        if signature is None:
            absent.append(path)
            continue
        if max(signature[1], signature[2]) > now - _GRANULARITY:
            now = _wait(signature)
            if signatures.of(path) != signature:
                return False
        files.append((path, *signature))
    content = {
        "format": _FORMAT,
        "command": _command(argv),
        "text": text,
        "files": files,
        "absent": absent,
    }
    target = _path(home, argv)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    temporary = f"{target}.{os.getpid()}"
    with open(temporary, "wb") as file:
        marshal.dump(content, file)
    os.replace(temporary, target)
    return True


def _wait(signature: signatures.Signature) -> int:
    """Let a fresh timestamp grow old enough that any later write gets another one. At most a few ticks of the clock."""
    behind = max(signature[1], signature[2]) + _GRANULARITY - time.time_ns()
    if 0 < behind <= _GRANULARITY:
        time.sleep(behind / 1e9)
    return time.time_ns()


def _command(argv: Sequence[str]) -> tuple[str, ...]:
    """All that a command's meaning depends on beside files."""
    settings = [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith(("TANE_", "PYTHON"))]
    return (os.getcwd(), sys.executable, sys.version, *argv, "", *settings)


def _path(home: str, argv: Sequence[str]) -> str:
    number = zlib.crc32("\0".join((os.getcwd(), sys.executable, *argv)).encode("utf-8", "surrogateescape"))
    return os.path.join(home, "standing", f"{number:08x}")
