"""Does something in a forked process that is killed before or after its n-th write, rename, removal or commit."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import traceback
from collections.abc import Callable
from typing import Any

_CALLS = ("open", "write", "rename", "replace", "unlink", "mkdir", "rmdir", "fsync", "utime", "chmod", "ftruncate")
_STATEMENTS = ("begin", "commit", "insert", "update", "delete", "create", "pragma user_version")


def do(work: Callable[[], object], at: int = 0) -> int:
    """How many points `work` came by; -1 when it was killed at its `at`-th."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            write = os.write
            points = _install(at)
            work()
            write(writer, b"%d" % points())
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader) as said:
        count = said.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL), "it failed: see standard error"
    return int(count) if code == 0 else -1


def _install(at: int) -> Callable[[], int]:
    count = 0

    def reach() -> None:
        nonlocal count
        count += 1
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(call: Callable[..., Any]) -> Callable[..., Any]:
        def traced(*args: Any, **named: Any) -> Any:
            reach()
            result = call(*args, **named)
            reach()
            return result

        return traced

    class Connection(sqlite3.Connection):
        def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:  # type: ignore[override]
            call = super().execute
            return (around(call) if sql.startswith(_STATEMENTS) else call)(sql, *args)

        def executemany(self, sql: str, values: Any) -> sqlite3.Cursor:  # type: ignore[override]
            return around(super().executemany)(sql, values)

    connect = sqlite3.connect
    sqlite3.connect = lambda *args, **named: connect(*args, **{"factory": Connection, **named})  # type: ignore[assignment]
    for name in _CALLS:
        setattr(os, name, around(getattr(os, name)))
    return lambda: count
