"""What the suite for executors has them call, and how it looks at what became of it.

Workers import this module: it imports nothing that takes long.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from tane.executors import calls

LONG = 600  # seconds: longer than any test waits

Paths = str | os.PathLike[str]


# --- calls ------------------------------------------------------------------------------------------------------------


def double(value: Any) -> Any:
    """Twice the value."""
    return value * 2


def fail(message: str) -> NoReturn:
    """Raise a ValueError."""
    raise ValueError(message)


def leave(code: int) -> NoReturn:
    """Say that the program is to end."""
    raise SystemExit(code)


def lock() -> Any:
    """Give something that does not travel."""
    return threading.Lock()


class TwoWords(Exception):
    """It pickles, but does not come back: its constructor takes two arguments, and pickle has one."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one)


def fail_unpicklably() -> NoReturn:
    """Raise what does not travel."""
    raise TwoWords("apples", "pears")


def slowly(seconds: float, value: Any = None) -> Any:
    """The value, after some time."""
    time.sleep(seconds)
    return value


def wait_for(path: Paths, value: Any = None) -> Any:
    """The value, when there is a file at `path`."""
    until(lambda: os.path.exists(path), LONG)
    return value


def say_and_wait(said: Paths, path: Paths) -> None:
    """Write our pid to the file `said`, then wait for the file `path`."""
    write(said, os.getpid())
    wait_for(path)


def die(code: int) -> NoReturn:
    """End the process at once."""
    os._exit(code)


def start_child_and_wait(said: Paths) -> None:
    """What a user does who calls a shell script that hangs; says our pid and the child's."""
    child = subprocess.Popen(["sh", "-c", f"sleep {LONG} & wait"])
    write(said, f"{os.getpid()} {child.pid}")
    child.wait()


def crowd(folder: Paths) -> int:
    """How many calls there are at once, this one counted."""
    mine = os.path.join(folder, f"{os.getpid()}-{threading.get_ident()}-{time.monotonic_ns()}")
    Path(mine).touch()
    time.sleep(0.01)
    found = len(os.listdir(folder))
    os.remove(mine)
    return found


# --- looking ----------------------------------------------------------------------------------------------------------


def write(path: Paths, text: object) -> None:
    """Write a file, all of it at once, for a reader in another process."""
    part = f"{os.fspath(path)}.part"
    Path(part).write_text(str(text))
    os.replace(part, path)


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def said(path: Paths) -> list[int]:
    """The pids that a call wrote to the file."""
    until(lambda: os.path.exists(path))
    return [int(word) for word in Path(path).read_text().split()]


def is_gone(pid: int) -> bool:
    """Whether there is no such process any more."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    with contextlib.suppress(OSError):  # one that has ended but was not reaped is gone as well
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return False


def drain(executor: calls.Executor, count: int, seconds: float = 120.0) -> dict[int, calls.Done]:
    """The ends of `count` calls by ticket."""
    end = time.monotonic() + seconds
    done: dict[int, calls.Done] = {}
    while len(done) < count:
        assert time.monotonic() < end, f"{count - len(done)} of {count} calls never ended"
        for each in executor.as_completed(5.0):
            assert each.ticket not in done
            done[each.ticket] = each
    return done
