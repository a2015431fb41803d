"""Calls in worker processes of our own on this machine.

Each worker is a fresh interpreter started from the command line, never a fork of a process that holds threads or an
open SQLite file. It is fed over a socket pair with one call at a time. A worker that dies fails its call alone.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from tane.executors import calls
from tane.executors.calls import Done


class _Worker:
    """One process and the connection to it; `ticket` is the call it works on, 0 when it rests."""

    def __init__(self, number: int) -> None:
        import socket
        import subprocess
        from multiprocessing.connection import Connection

        ours, theirs = socket.socketpair()
        command = [sys.executable, *_flags(), "-m", "tane.executors.worker", str(theirs.fileno()), str(number)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        # until it ignores interrupts it inherits that they wait: one that comes while it starts is not its own
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self.process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=environment
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        self.connection = Connection(ours.detach())
        self.connection.send_bytes(pickle.dumps({"path": sys.path, "cwd": os.getcwd(), "parent": os.getpid()}))
        self.ticket = 0

    def stop(self) -> None:
        self.connection.close()
        if self.ticket:
            self.process.kill()
        self.process.wait()

    def end(self) -> str:
        """How the process ended, in words."""
        self.connection.close()
        code = self.process.wait()
        if code >= 0:
            return f"exit code {code}"
        name = signal.Signals(-code).name
        return f"{name}; the system kills the largest process when memory runs out" if code == -9 else name


class Processes:
    """Runs calls in `count` workers, started when first needed."""

    remote = True

    def __init__(self, count: int) -> None:
        self.slots = count
        self._workers: list[_Worker] = []
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._tickets = 0
        self._started = 0

    def submit(self, call: Callable[..., Any], *args: Any) -> int:
        """Hand `call` to a free worker, or keep it until one is free.

        Raises what pickling raises when the call cannot travel.
        """
        data = _dumps((call, args))
        self._tickets += 1
        self._waiting.append((self._tickets, data))
        self._feed()
        return self._tickets

    def as_completed(self) -> Iterator[Done]:
        """Wait for at least one call under way; yield each that has ended."""
        from multiprocessing.connection import wait

        while any(worker.ticket for worker in self._workers):
            busy = {worker.connection: worker for worker in self._workers if worker.ticket}
            ended = [self._receive(busy[connection]) for connection in wait(list(busy))]  # type: ignore[index]
            self._feed()
            yield from ended

    def close(self) -> None:
        """End the workers; a call still under way is killed."""
        for worker in self._workers:
            worker.stop()
        self._workers.clear()
        self._waiting.clear()

    def _feed(self) -> None:
        while self._waiting:
            worker = next((w for w in self._workers if not w.ticket), None)
            if worker is None:
                if len(self._workers) >= self.slots:
                    return
                self._started += 1
                worker = _Worker(self._started)
                self._workers.append(worker)
            worker.ticket, data = self._waiting.popleft()
            try:
                worker.connection.send_bytes(data)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it died while it rested: receiving from it will tell

    def _receive(self, worker: _Worker) -> Done:
        ticket = worker.ticket
        try:
            reply = worker.connection.recv_bytes()
        except (EOFError, ConnectionResetError):
            self._workers.remove(worker)
            return Done(ticket, None, _died(worker.end()))
        worker.ticket = 0
        try:
            result, error = pickle.loads(reply)
        except Exception as fault:  # of the value's own making
            return Done(ticket, None, calls.cannot_return(fault))
        return Done(ticket, result, error)


def _died(how: str) -> calls.CallError:
    return calls.CallError(
        f"the worker process died ({how})", hint="use fewer processes (-j) or less memory in this step"
    )


def _flags() -> list[str]:
    return ["-X", "utf8"] if sys.flags.utf8_mode else []


def _dumps(payload: Any) -> bytes:
    """Pickle by reference where that reaches, by value (cloudpickle) for closures and __main__."""
    try:
        data = pickle.dumps(payload, 5)
    except (pickle.PicklingError, AttributeError, TypeError):
        data = b""
    if data and b"__main__" not in data:
        return data
    import cloudpickle

    return bytes(cloudpickle.dumps(payload, 5))
