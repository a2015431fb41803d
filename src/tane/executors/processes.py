"""Calls in worker processes of our own on this machine.

Each worker is a fresh interpreter started from the command line, never a fork of a process that holds threads or an
open SQLite file. It is fed over a socket pair with one call at a time. A worker that dies fails its call alone.

Each leads a session of its own, so that it can be ended with all the processes that the user's code started in it
(those that went into a session of their own excepted), and so that an interrupt from the terminal reaches us alone:
we decide what it ends. A call that works for longer than its timeout is ended so by the worker's `guard`, whether
anybody waits here for its end or not.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tane.executors import calls, guard, wire
from tane.executors.calls import Done

_GRACE = 1.0  # seconds a resting worker has for its exit, and one that no longer answers for being seen to be gone


class _Task(NamedTuple):
    ticket: int
    parcel: wire.Parcel
    timeout: float | None


class _Worker:
    """One process, the connection to it and the line from its guard; `ticket` is the call it works on, 0 when it
    rests.
    """

    def __init__(self, number: int) -> None:
        import socket
        import subprocess
        from multiprocessing.connection import Connection

        ours, theirs = socket.socketpair()
        self._home, guards = socket.socketpair()
        passed = [theirs.fileno(), guards.fileno()]
        numbers = map(str, [*passed, number, os.getpid()])
        command = [sys.executable, *_flags(), "-m", "tane.executors.worker", *numbers]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        # until it ignores interrupts it inherits that they wait: one that comes while it starts is not its own
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self.process = subprocess.Popen(
                command, pass_fds=passed, stdin=subprocess.DEVNULL, env=environment, start_new_session=True
            )
        except OSError:
            ours.close()
            self._home.close()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()
            guards.close()
        self.connection: Connection[Any, Any] = Connection(ours.detach())
        self.ticket = 0
        self.has_worked = False
        self._timeout = 0.0
        own = os.environ.get("PYTHONPATH")  # ours is for the worker alone, not for what it starts
        settings = {"path": sys.path, "cwd": os.getcwd(), "parent": os.getpid(), "PYTHONPATH": own}
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # receiving from it will tell why
            self.connection.send_bytes(pickle.dumps(settings))

    def take(self, task: _Task) -> bool:
        """Work on `task`, as soon as it can. False when it is known to be dead."""
        self.ticket, self._timeout = task.ticket, task.timeout or 0.0
        return self._send(task.parcel)

    def release(self) -> None:
        """Ask it to end; at once when it is at work."""
        if self.ticket:
            self._kill()
        else:
            self._send(wire.END)

    def end(self, until: float) -> None:
        """Wait for its end until that time, then make it."""
        if not self.ticket:
            self._is_gone(until)
        self._kill()
        self.process.wait()
        self._close()

    def died(self) -> calls.CallError:
        """Why it did not answer: it is gone, or it has lost its connection and must go."""
        gone = self._is_gone(time.monotonic() + _GRACE)
        self._kill()
        code = self.process.wait()
        late = self._was_late()
        self._close()
        if late:
            return calls.timed_out(self._timeout)
        if not gone:
            return calls.CallError(
                "the worker process closed its connection and was ended",
                hint="this step closes files that it has not opened: let it close its own alone",
            )
        return calls.CallError(f"the worker process died ({_ending(code)})", hint=_cure(code))

    def _send(self, parcel: wire.Parcel) -> bool:
        try:
            wire.send(self.connection, parcel)
        except (BrokenPipeError, ConnectionResetError):
            return False  # receiving from it will tell why
        return True

    def _is_gone(self, until: float) -> bool:
        """Whether the process has ended by then. It is not reaped before its group is killed: its number stays its
        own.
        """
        from multiprocessing.connection import wait

        left = max(0.0, until - time.monotonic())
        try:
            descriptor = os.pidfd_open(self.process.pid)
        except (OSError, AttributeError):  # not on this system; the guard keeps the group's number from being reused
            import subprocess

            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(left)
            return self.process.returncode is not None
        try:
            return bool(wait([descriptor], left))
        finally:
            os.close(descriptor)

    def _kill(self) -> None:
        """End the process and all in its group, its guard too."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS has the latter for a group of the dead
            os.killpg(self.process.pid, signal.SIGKILL)

    def _was_late(self) -> bool:
        """Whether its guard ended it because the time was up."""
        self._home.setblocking(False)
        with contextlib.suppress(OSError):
            return self._home.recv(1) == guard.TIME_IS_UP
        return False

    def _close(self) -> None:
        self.connection.close()
        self._home.close()


class Processes:
    """Runs calls in `count` workers, started when first needed."""

    remote = True

    def __init__(self, count: int) -> None:
        self.slots = count
        self._workers: list[_Worker] = []
        self._waiting: deque[_Task] = deque()
        self._ended: deque[Done] = deque()
        self._tickets = 0
        self._started = 0

    def submit(self, call: Callable[..., Any], *args: Any, timeout: float | None = None) -> int:
        """Hand `call` to a free worker, or keep it until one is free.

        Its `timeout` counts from when it begins to work: neither waiting, nor the worker's start, nor importing its
        modules is its time. Raises what pickling raises when the call cannot travel.
        """
        parcel = wire.pack((call, args, timeout))
        self._tickets += 1
        self._waiting.append(_Task(self._tickets, parcel, timeout))
        self._feed()
        return self._tickets

    def as_completed(self, timeout: float | None = None) -> Iterator[Done]:
        """Wait for at least one call under way, at most `timeout` seconds; yield those that have ended."""
        from multiprocessing.connection import wait

        busy = {worker.connection: worker for worker in self._workers if worker.ticket}
        for connection in wait(list(busy), 0 if self._ended else timeout) if busy else ():
            self._ended.append(self._receive(busy[connection]))  # type: ignore[index]
        self._feed()
        while self._ended:
            yield self._ended.popleft()

    def waitables(self) -> list[Any]:
        """What becomes readable when a call has ended."""
        return [worker.connection for worker in self._workers if worker.ticket]

    def close(self) -> None:
        """End the workers and what they started; a call still under way is killed."""
        until = time.monotonic() + _GRACE
        for worker in self._workers:
            worker.release()
        for worker in self._workers:
            worker.end(until)
        self._workers.clear()
        self._waiting.clear()
        self._ended.clear()

    def _feed(self) -> None:
        """Give waiting calls to workers at rest; start workers while there are fewer than asked for."""
        while self._waiting:
            worker = next((w for w in self._workers if not w.ticket), None)
            if worker is None:
                if len(self._workers) >= self.slots:
                    return
                try:
                    worker = _Worker(self._started + 1)
                except OSError as error:
                    if self._workers:  # one of them will take the call
                        return
                    self._ended.append(Done(self._waiting.popleft().ticket, None, _no_worker(error)))
                    continue
                self._started += 1
                self._workers.append(worker)
            if worker.take(self._waiting[0]) or not worker.has_worked:
                self._waiting.popleft()
            else:  # it died while it rested: not this call's doing
                self._workers.remove(worker)
                worker.died()

    def _receive(self, worker: _Worker) -> Done:
        ticket = worker.ticket
        try:
            reply = wire.receive(worker.connection)
            if reply is None:
                raise EOFError
        except (EOFError, OSError):  # the latter also when it died in the middle of its reply
            self._workers.remove(worker)
            return Done(ticket, None, worker.died())
        worker.ticket, worker.has_worked = 0, True
        try:
            result, error = wire.unpack(*reply)
        except Exception as fault:  # of the value's own making
            return Done(ticket, None, calls.cannot_return(fault))
        return Done(ticket, result, error)


def _no_worker(error: OSError) -> calls.CallError:
    return calls.CallError(
        f"no worker process can be started: {error}",
        hint="end other programs or raise the limit of processes (ulimit -u)",
    )


def _ending(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:  # a real-time signal
        return f"signal {-code}"
    return f"{name}; the system kills the largest process when memory runs out" if code == -9 else name


def _cure(code: int) -> str:
    if code == -signal.SIGKILL:
        return "use fewer processes (-j) or less memory in this step"
    if code < 0:
        return (
            "compiled code that this step calls crashed: run it alone (-j 1) under faulthandler, or update the package"
        )
    return "something in this step ends its process (os._exit): let it raise instead"


def _flags() -> list[str]:
    return ["-X", "utf8"] if sys.flags.utf8_mode else []
