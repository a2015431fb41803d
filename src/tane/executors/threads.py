"""Calls in threads of this process: for work that waits (network, other programs) or leaves the interpreter's lock.

The threads are daemons of our own, not those of `concurrent.futures`: that waits at exit for each of its threads, so
one call that never comes back would keep the program from ending. A thread cannot be killed. `close` leaves a call
that is under way to itself; it works on until it ends or the program does, and what it gives is dropped.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tane.executors import calls
from tane.executors.calls import Done


class _Task(NamedTuple):
    ticket: int
    context: contextvars.Context
    call: Callable[..., Any]
    args: tuple[Any, ...]


class Threads:
    """Runs calls in up to `count` threads, started when first needed."""

    remote = False

    def __init__(self, count: int) -> None:
        from queue import SimpleQueue

        self.slots = count
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._ended: SimpleQueue[Done] = SimpleQueue()
        self._bell = _Bell()
        self._threads = 0
        self._tickets = 0
        self._open = 0  # calls whose end nobody has been given yet

    def submit(self, call: Callable[..., Any], *args: Any, timeout: float | None = None) -> int:
        """Hand `call` to a thread, which runs it in a copy of the context (`contextvars`) there is now."""
        if self._threads < self.slots and self._threads <= self._open:
            self._start()
        self._tickets += 1
        self._open += 1
        self._tasks.put(_Task(self._tickets, contextvars.copy_context(), call, args))
        return self._tickets

    def as_completed(self, timeout: float | None = None) -> Iterator[Done]:
        """Wait for at least one call under way, at most `timeout` seconds; yield those that have ended."""
        from queue import Empty

        self._bell.quiet()
        wait = timeout if timeout is None else max(0.0, timeout)
        while self._open:
            try:
                done = self._ended.get(timeout=wait)
            except Empty:
                return
            self._open -= 1
            wait = 0.0
            yield done
            del done  # its value is the taker's alone

    def waitables(self) -> list[Any]:
        """What becomes readable when a call has ended."""
        return [self._bell.listen()]

    def close(self) -> None:
        """Let the threads go, without waiting; a call under way cannot be killed and goes on unheeded."""
        from queue import Empty

        try:
            while True:
                self._tasks.get_nowait()
        except Empty:
            pass
        for _ in range(self._threads):
            self._tasks.put(None)
        self._threads = self._open = 0
        self._bell.close()
        self._ended, self._bell = type(self._ended)(), _Bell()
        self._tasks = type(self._tasks)()

    def _start(self) -> None:
        name = f"tane-{self._threads + 1}"
        thread = threading.Thread(target=_serve, args=(self._tasks, self._ended, self._bell), name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the machine gives no more of them
            if not self._threads:
                raise calls.CallError(
                    f"no thread can be started: {error}", hint="raise the limit of processes (ulimit -u)"
                ) from error
        else:
            self._threads += 1


class _Bell:
    """Tells a waiter in another thread, by a byte in a socket, that something has ended.

    It has a socket only from when somebody listens: whoever waits for the queue alone pays nothing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: tuple[Any, Any] | None = None

    def listen(self) -> Any:
        """The end that becomes readable."""
        with self._lock:
            if self._sockets is None:
                import socket

                self._sockets = socket.socketpair()
                for each in self._sockets:
                    each.setblocking(False)
                self._sockets[1].send(b"!")  # for all that ended before
            return self._sockets[0]

    def ring(self) -> None:
        """Make it readable. The lock keeps `close` from giving its number to another file meanwhile."""
        with self._lock:
            if self._sockets is not None:
                try:
                    self._sockets[1].send(b"!")
                except OSError:
                    pass  # it is full of rings that nobody has heard yet

    def quiet(self) -> None:
        """Forget the rings so far."""
        if self._sockets is not None:
            try:
                while self._sockets[0].recv(4096):
                    pass
            except BlockingIOError:
                pass

    def close(self) -> None:
        """Give the sockets back."""
        with self._lock:
            sockets, self._sockets = self._sockets, None
        for each in sockets or ():
            each.close()


def _serve(tasks: Any, ended: Any, bell: _Bell) -> None:
    """The life of a thread. It holds neither executor nor values while it waits."""
    while (task := tasks.get()) is not None:
        ended.put(_end_of(*task))
        del task
        bell.ring()


def _end_of(ticket: int, context: contextvars.Context, call: Callable[..., Any], args: tuple[Any, ...]) -> Done:
    try:
        return Done(ticket, context.run(call, *args), None)
    except BaseException as error:  # SystemExit and KeyboardInterrupt too: they end the call, not the thread
        return Done(ticket, None, error)
