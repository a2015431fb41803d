"""CPU time and peak memory of a step.

Memory is sampled: the process-wide maximum never falls, so it cannot tell one step from another. One thread reads the
resident size while steps work; what is shorter than a tick is read once at its end, what is too short to matter not at
all, for reading costs as much as a trivial step. For the same reason the CPU clock is read again only when some time
has passed since it was last read.
"""

from __future__ import annotations

import os
import threading
import time

_TICK = 0.02
_SHORT = 0.005  # seconds


class Watch:
    """One step's use; `stop` gives its CPU seconds and its peak in bytes (0 for a step too short to matter).

    A step that fails ends it by leaving the `with`.
    """

    __slots__ = ("cpu", "peak")

    def __init__(self, cpu: float) -> None:
        self.cpu = cpu
        self.peak = 0

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *failure: object) -> None:
        if failure[0] is not None:
            _watches.discard(self)

    def stop(self, seconds: float) -> tuple[float, int]:
        """End the watching of a step that took `seconds`. A short one is taken to have worked all the time."""
        _watches.discard(self)
        if seconds < _SHORT:
            return seconds, 0
        return max(0.0, _clock.read() - self.cpu), max(self.peak, resident())


class _Clock:
    """The CPU clock of this process, read at most once in a while."""

    def __init__(self) -> None:
        self.at = -1.0
        self.value = 0.0

    def lately(self) -> float:
        now = time.perf_counter()
        if now - self.at > _SHORT:
            self.read()
        return self.value

    def read(self) -> float:
        self.value = time.process_time()
        self.at = time.perf_counter()
        return self.value


_clock = _Clock()
_watches: set[Watch] = set()
_starting = threading.Lock()
_thread: threading.Thread | None = None


def watch() -> Watch:
    """Begin to watch one step of this process."""
    global _thread
    if _thread is None or not _thread.is_alive():
        with _starting:
            if _thread is None or not _thread.is_alive():
                _thread = threading.Thread(target=_sample, name="tane-memory", daemon=True)
                _thread.start()
    began = Watch(_clock.lately())
    _watches.add(began)
    return began


def resident() -> int:
    """The resident size of this process in bytes; the greatest so far where the system does not say."""
    try:
        with open("/proc/self/statm", "rb", buffering=0) as file:
            return int(file.read().split()[1]) * _PAGE
    except OSError:
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
