"""One process at a time leads a sweep: it holds a file lock, which the system releases when the process ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tane import errors
from tane.store import failures


@contextmanager
def held(home: Path, sweep: str) -> Iterator[None]:
    """Lead the sweep of that id inside. Raises `errors.UsageError` while another process does."""
    path = home / "sweeps" / f"{sweep}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise failures.of_store(error, "write", str(path)) from error
    try:
        if not _taken(descriptor, path):
            raise errors.UsageError(
                f"sweep {sweep} is at work in another process",
                hint=f"wait for it, or look at it: tane sweep --show {sweep}",
            )
        try:
            yield
        finally:
            with suppress(OSError):
                path.unlink()
    finally:
        os.close(descriptor)


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Inside, no other process begins a sweep or takes one up; it waits. Short."""
    path = home / "sweeps" / "any.lock"
    with failures.guarding("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        with suppress(OSError):  # a file system without locks: two might begin the same one
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int, path: Path) -> bool:
    """Whether the lock is ours, on the file that others would open."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:  # somebody has it, or had it until just now
        return False
