"""Tells a run that works from one whose process is gone. `write` notes a lease, `read` judges it.

Where the process can be looked at (same machine, same boot, same process namespace) it is the process that
decides, so a run that computes for an hour without a sign of life is not taken for dead. Elsewhere the lease
does.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

LEASE = 60.0  # seconds; a run renews it several times within


def mark(pid: int) -> str:
    """What tells process `pid` of this machine from any other; empty when it is gone or cannot be told."""
    start = _start(pid) if pid else ""
    place = _place(os.getpid())
    return f"{place} {start}" if start and place else ""


def is_gone(host: str, pid: int, process: str, lease: float, *, here: str, now: float) -> bool:
    """Whether the run with this lease has died. `here` is this host's name, `process` what `mark` said."""
    place, _, start = process.rpartition(" ")
    if place and place == _place(os.getpid()):
        return _start(pid) != start
    if not process and pid and host == here and not _exists(pid):
        return True
    return lease < now


@cache
def _place(process: int) -> str:
    """This boot and process namespace; `process` keeps a forked child from using what its parent found."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _start(pid: int) -> str:
    """When `pid` started, in ticks since boot; empty when there is no such process, or only its remains."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()  # the command's name may hold anything, also parentheses
    return "" if fields[0] in "ZX" else fields[19]


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
