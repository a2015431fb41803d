"""The guard of a worker: a small process beside it that ends it, with all it started, when it must end.

A worker may be deep in a library that never looks up, so neither its own signal handlers nor its threads can be
relied on; and the parent may be busy, or killed. The guard does nothing but wait, for the parent to be gone or for a
call's time to be up, and then kills the process group of the worker: the worker, the user's children, itself.

Started by `worker`. It is a grandchild, which is reaped by the system: user code that waits for all of its children
does not find a stranger among them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import struct
import time

TIME_IS_UP = b"t"
_FRAME = struct.Struct("d")
_STOP = -1.0
_LONGEST = 3600.0  # of one wait: poll takes no more than 24 days


class Clock:
    """The worker's line to its guard."""

    def __init__(self, line: int) -> None:
        self._line = line

    def start(self, seconds: float) -> None:
        """From now on the worker has so long."""
        os.write(self._line, _FRAME.pack(max(0.0, seconds)))

    def stop(self) -> None:
        """The call has ended. When this returns, it will not be killed any more: the guard has answered."""
        os.write(self._line, _FRAME.pack(_STOP))
        if not os.read(self._line, 1):
            raise BrokenPipeError("the guard of this worker is gone")

    def close(self) -> None:
        """Give the line back; for a fork of the worker, whose business this is not."""
        line, self._line = self._line, -1  # the number may soon be another file's
        with contextlib.suppress(OSError):
            os.close(line)


def start(parent: int, home: int, connection: int) -> Clock:
    """Start the guard of this process and its group. `parent` is whose end it waits for, `home` the file over which it
    tells that parent why; the guard keeps it, and not the worker's `connection`.
    """
    import socket

    ours, theirs = socket.socketpair()
    group = os.getpgrp()
    between = os.fork()
    if not between:
        try:
            if not os.fork():
                for descriptor in (0, 1, 2, connection, ours.fileno()):
                    with contextlib.suppress(OSError):
                        os.close(descriptor)
                _guard(group, parent, home, theirs.fileno())
        finally:
            os._exit(0)
    os.waitpid(between, 0)
    theirs.close()
    os.close(home)
    return Clock(ours.detach())


def _guard(group: int, parent: int, home: int, line: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    try:
        _watch(parent, home, line)
    finally:  # whatever ended the watch: a worker does not go on without one
        os.killpg(group, signal.SIGKILL)


def _watch(parent: int, home: int, line: int) -> None:
    """Return when the worker must end."""
    import select

    poll = select.poll()
    poll.register(home, select.POLLIN)  # nothing ever comes; it is at its end when the parent is
    gone = _exit_of(parent)
    if gone >= 0:
        poll.register(gone, select.POLLIN)
    poll.register(line, select.POLLIN)
    deadline = float("inf")
    while True:
        left = deadline - time.monotonic()
        ready = {descriptor for descriptor, _ in poll.poll(max(0.0, min(left, _LONGEST)) * 1000)}
        if home in ready or gone in ready:
            return
        if line in ready:  # before the time is looked at: a call that has ended has not run out of time
            seconds = _heard(line)
            deadline = float("inf")
            if seconds is None:
                poll.unregister(line)  # the worker is gone; its children stay, until the parent ends them or is gone
            elif seconds >= 0:
                deadline = time.monotonic() + seconds
        elif time.monotonic() >= deadline:
            with contextlib.suppress(OSError):
                os.write(home, TIME_IS_UP)
            return


def _heard(line: int) -> float | None:
    """What the worker says: seconds for a call, less than 0 at its end, None when the worker is gone."""
    try:
        frame = os.read(line, _FRAME.size)
        if len(frame) < _FRAME.size:
            return None
        seconds = float(_FRAME.unpack(frame)[0])
        if seconds < 0:
            os.write(line, b".")
        return seconds
    except OSError:
        return None


def _exit_of(process: int) -> int:
    """A file that is readable when `process` is gone, or -1 where there is no such thing.

    Forks of the parent hold its end of our line open after it was killed; this they do not.
    """
    with contextlib.suppress(OSError, AttributeError):
        return os.pidfd_open(process)
    return -1
