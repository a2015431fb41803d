"""Peak memory of a step, sampled: the process-wide maximum never falls, so it cannot tell one step from another.

One thread samples the resident size while steps work; a step shorter than a tick is read once at its end.
"""

from __future__ import annotations

import os
import threading
import time

_TICK = 0.02
_SHORT = 0.005  # seconds; reading the size costs as much as a trivial step


class Watch:
    """One step's sampling; `stop` gives its peak in bytes, 0 for a step too short to matter."""

    __slots__ = ("peak",)

    def __init__(self) -> None:
        self.peak = 0

    def stop(self, seconds: float) -> int:
        """End the sampling of a step that took `seconds`."""
        _watches.discard(self)
        if seconds < _SHORT:
            return 0
        return max(self.peak, resident())


_watches: set[Watch] = set()
_starting = threading.Lock()
_thread: threading.Thread | None = None


def watch() -> Watch:
    """Begin to sample for one step of this process."""
    global _thread
    if _thread is None or not _thread.is_alive():
        with _starting:
            if _thread is None or not _thread.is_alive():
                _thread = threading.Thread(target=_sample, name="tane-memory", daemon=True)
                _thread.start()
    began = Watch()
    _watches.add(began)
    return began


def resident() -> int:
    """The resident size of this process in bytes; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", "rb", buffering=0) as file:
            return int(file.read().split()[1]) * _PAGE
    except OSError:
        return _resident_elsewhere()


def _resident_elsewhere() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def _sample() -> None:
    idle = 0.0
    while idle < 1.0:  # the thread ends when nothing has been watched for a second
        time.sleep(_TICK)
        if not _watches:
            idle += _TICK
            continue
        idle, now = 0.0, resident()
        for one in tuple(_watches):
            one.peak = max(one.peak, now)
