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
from _thread import get_ident
from collections.abc import Sequence
from typing import Any

from tane.store import signatures

_FORMAT = 2
_TICK = 12_000_000  # ns; a file written more recently may be written again within the same timestamp


def holds(home: str, argv: Sequence[str]) -> str | None:
    """What to print when the command `argv` has nothing to do in the project whose `.tane` folder is `home`."""
    global _environment
    _environment = _sums()
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
        if any(listing(path) != names for path, names in known["folders"]):
            return None
        if any(os.path.lexists(path) for path in known["absent"]):
            return None
        if any(modules(path) != names for path, names in known["modules"]):
            return None
        if known["latest"] and _latest(home) != known["latest"]:
            return None
        for path, inode, size in known["places"]:
            now = stat(path)
            if now.st_ino != inode or now.st_size < size:
                return None
    except (OSError, ValueError, EOFError, TypeError, KeyError):
        return None
    return str(known["text"])


class Rests:
    """What a result rests on: files with their signatures (None: not there), folders with the names in them.

    It is made before anything is looked at: a file that changed since, or so shortly before that a further change may
    not show, is no ground to stand on. `made` are files that this run wrote itself. `places` are files that others add
    to as well: they must only be the same file still, and no smaller. `settled` are files that nobody changes without
    changing their size: they need not have aged. `modules` are folders whose modules count, as one added there may hide
    another of its name. `latest`, when not empty, is the run that must be the last one recorded: what it made has no
    place in the workspace and is known as the newest of its name.
    """

    __slots__ = ("began", "files", "folders", "latest", "made", "modules", "places", "settled", "unsure")

    def __init__(self) -> None:
        self.began = time.time_ns()
        self.made: set[str] = set()
        self.unsure = False  # a folder changed before it could be looked at
        self.files: dict[str, signatures.Signature | None] = {}
        self.folders: dict[str, tuple[str, ...]] = {}
        self.places: list[str] = []
        self.settled: set[str] = set()
        self.modules: dict[str, tuple[str, ...]] = {}
        self.latest = ""

    def look(self, path: str, *, late: bool = False) -> None:
        """Note how `path` is now, unless that was noted earlier, when its content was read.

        A folder counts by the names in it: its own times change when Python writes its caches there. They tell whether
        it changed before it was looked at, when that is `late`: after the names in it were read.
        """
        if path in self.files or path in self.folders:
            return
        if os.path.isdir(path):
            self.folders[path] = listing(path)
            signature = signatures.of(path) if late else None
            self.unsure = self.unsure or (signature is not None and signatures.is_racy(signature, self.began))
        else:
            self.files[path] = signatures.of(path)


def modules(folder: str) -> tuple[str, ...]:
    """The modules and packages in a folder."""
    with os.scandir(folder) as entries:
        return tuple(
            sorted(
                entry.name
                for entry in entries
                if entry.name.endswith(".py") or os.path.isfile(os.path.join(entry.path, "__init__.py"))
            )
        )


def mark(home: str, run: str) -> None:
    """Note that `run` is the last one recorded."""
    _write(os.path.join(home, "standing", "latest"), run.encode())


def _latest(home: str) -> str:
    with open(os.path.join(home, "standing", "latest"), "rb") as file:
        return file.read().decode()


def listing(folder: str) -> tuple[str, ...]:
    """The names in a folder, without what tools keep there."""
    return tuple(sorted(name for name in os.listdir(folder) if name != "__pycache__" and not name.startswith(".")))


def leave(home: str, argv: Sequence[str], text: str, rests: Rests) -> bool:
    """Leave a standing on `rests`.

    Nothing is left, and False returned, when something changed since it was looked at, or may have changed without
    showing it. What the run wrote itself is waited for, a few milliseconds, until a further change would show.
    """
    if rests.unsure:
        return False
    now = time.time_ns()
    files: list[tuple[Any, ...]] = []
    absent: list[str] = []
    for path, signature in sorted(rests.files.items()):
        if signatures.of(path) != signature:
            return False
        if signature is None:
            absent.append(path)
            continue
        if path in rests.made:
            now = _wait(signature, now)
            if signatures.is_racy(signature, now, _TICK) or signatures.of(path) != signature:
                return False
        elif path not in rests.settled and signatures.is_racy(signature, rests.began):
            return False
        files.append((path, *signature))
    if any(listing(path) != names for path, names in rests.folders.items()):
        return False
    content = {
        "format": _FORMAT,
        "command": _command(argv),
        "text": text,
        "files": files,
        "folders": sorted(rests.folders.items()),
        "absent": absent,
        "modules": sorted(rests.modules.items()),
        "latest": rests.latest,
        "places": [(path, held.st_ino, held.st_size) for path in rests.places if (held := os.stat(path))],
    }
    target = _path(home, argv)
    _write(target, marshal.dumps(content))
    _forget_old(os.path.dirname(target))
    return True


def _write(target: str, data: bytes) -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    temporary = f"{target}.{os.getpid()}.{get_ident()}"
    with open(temporary, "wb") as file:
        file.write(data)
    os.replace(temporary, target)


def _forget_old(folder: str) -> None:
    """Keep the newest standings: each environment a command was called in has its own. What a process that was killed
    had begun to write goes too.
    """
    with os.scandir(folder) as entries:
        paths = [entry.path for entry in entries]
    found = sorted(((_written(path), path) for path in paths), reverse=True)
    before = time.time_ns() - _BEGUN
    for at, (written, path) in enumerate(found):
        is_begun = "." in os.path.basename(path)
        if (at >= _MOST and not path.endswith("latest")) or (is_begun and written < before):
            try:
                os.unlink(path)
            except FileNotFoundError:  # another process does the same
                pass


def _written(path: str) -> int:
    """When a file was written; 0 when another process has just renamed or deleted it."""
    try:
        return os.stat(path).st_mtime_ns
    except FileNotFoundError:
        return 0


def _wait(signature: signatures.Signature, now: int) -> int:
    """Let a fresh timestamp grow old enough that any later write gets another one. At most a few ticks of the clock."""
    behind = max(signature[1], signature[2]) + _TICK - now
    if not 0 <= behind <= _TICK:
        return now
    time.sleep((behind + 1) / 1e9)
    return time.time_ns()


def _command(argv: Sequence[str]) -> tuple[str, ...]:
    """All that a command's meaning depends on beside files."""
    return (os.getcwd(), sys.executable, sys.version, _environment or _sums(), *argv)


_environment = ""  # as the command found it: libraries set variables of their own when they are imported


def _sums() -> str:
    """What identifies the environment variables; no more than sums of them, for some are secret."""
    variables = sorted(
        f"{name}={value}" for name, value in os.environ.items() if name != "_" and not name.startswith(_OF_THE_TERMINAL)
    )
    settings = "\0".join(variables).encode("utf-8", "surrogateescape")
    return f"{zlib.crc32(settings)} {zlib.adler32(settings)} {len(settings)}"


# Variables that say where a command is typed, not what it means.
_OF_THE_TERMINAL = (
    "COLUMNS",
    "COLORTERM",
    "DBUS_",
    "GPG_",
    "LINES",
    "LS_COLORS",
    "MAKE",
    "MFLAGS",
    "OLDPWD",
    "PS1",
    "PWD",
    "PYTEST_",
    "SHLVL",
    "SSH_",
    "STY",
    "TERM",
    "TMUX",
    "VSCODE_",
    "WINDOWID",
    "XDG_SESSION",
)
_MOST = 64
_BEGUN = 60 * 1_000_000_000  # ns; none takes so long to write


def _path(home: str, argv: Sequence[str]) -> str:
    number = zlib.crc32("\0".join(_command(argv)).encode("utf-8", "surrogateescape"))
    return os.path.join(home, "standing", f"{number:08x}")
