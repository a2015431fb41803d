"""CPU time and peak memory of a step.

Memory is sampled: the process-wide maximum never falls, so it cannot tell one step from another. One thread reads the
resident size while steps work; what is shorter than a tick is read once at its end, what is too short to matter not at
all, for reading costs as much as a trivial step. Only a step that raises the process-wide maximum is known to the page:
that maximum is its peak, however short it was reached. For the same reason - what reading costs - the CPU clock and the
maximum are read again only when some time has passed since they were last read.
"""

from __future__ import annotations

import os
import threading
import time

_TICK = 0.02
_SHORT = 0.005  # seconds
_IDLE = 1.0


class Watch:
    """One step's use; `stop` gives its CPU seconds and its peak in bytes (0 for a step too short to matter).

    A step that fails ends it by leaving the `with`.
    """

    __slots__ = ("cpu", "greatest", "peak")

    def __init__(self, cpu: float, greatest: int) -> None:
        self.cpu = cpu
        self.greatest = greatest
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
        cpu = max(0.0, _clock.read() - self.cpu)
        return cpu, max(self.peak, resident(), _clock.greatest if _clock.greatest > self.greatest else 0)


class _Clock:
    """The CPU clock of this process and the greatest size it ever had, read at most once in a while."""

    __slots__ = ("at", "greatest", "value")

    def __init__(self) -> None:
        self.at = -1.0
        self.value = 0.0
        self.greatest = 0

    def lately(self) -> float:
        if time.perf_counter() - self.at > _SHORT:
            self.read()
        return self.value

    def read(self) -> float:
        self.greatest = _greatest()
        self.value = time.process_time()
        self.at = time.perf_counter()
        return self.value


_clock = _Clock()
_watches: set[Watch] = set()
_starting = threading.Lock()
_sampling = False


def watch() -> Watch:
    """Begin to watch one step of this process."""
    began = Watch(_clock.lately(), _clock.greatest)
    _watches.add(began)
    if not _sampling:  # looked at after the watch is there: a thread that is about to end sees either
        _start()
    return began


def _start() -> None:
    global _sampling
    with _starting:
        if not _sampling:
            try:
                threading.Thread(target=_sample, name="tane-memory", daemon=True).start()
            except RuntimeError:  # the machine gives no more threads: what can be read at a step's end must do
                return
            _sampling = True


def resident() -> int:
    """The resident size of this process in bytes; the greatest so far where the system does not say."""
    try:
        with open("/proc/self/statm", "rb", buffering=0) as file:
            return int(file.read().split()[1]) * _PAGE
    except OSError:
        return _greatest()


def _greatest() -> int:
    """The greatest resident size of this process so far, in bytes."""
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT


_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_UNIT = 1 if os.uname().sysname == "Darwin" else 1024


def _sample() -> None:
    global _sampling
    idle = 0.0
    while True:
        time.sleep(_TICK)
        if _watches:
            idle, now = 0.0, resident()
            for one in tuple(_watches):
                one.peak = max(one.peak, now)
            continue
        idle += _TICK
        if idle >= _IDLE:  # the thread ends when nothing has been watched for a second
            with _starting:
                if not _watches:
                    _sampling = False
                    return


def _forget() -> None:
    """In a fork, which has no thread of ours and watches nothing."""
    global _sampling, _starting
    _sampling, _starting = False, threading.Lock()
    _watches.clear()
    _clock.at = -1.0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
