"""The main program of a worker process: `python -m tane.executors.worker CONNECTION HOME NUMBER PARENT`.

Started by `processes` as the leader of a session of its own, with the numbers of two inherited files: the connection
over which calls come, and the line home of its guard. NUMBER and PARENT (a pid) are for those who read `ps`.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
from multiprocessing.connection import Connection
from typing import Any

from tane.executors import calls, guard, wire


def main(descriptor: int, home: int) -> None:
    """Take calls from the connection until it closes, or an empty message says that there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt ends
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    for each in (descriptor, home):
        os.set_inheritable(each, False)  # a program that the user starts would keep the parent from seeing our end
    connection: Connection[Any, Any] = Connection(descriptor)
    try:
        settings = pickle.loads(connection.recv_bytes())
    except (EOFError, OSError):  # interrupted while we were being started
        return
    sys.path[:] = settings["path"]
    os.environ.pop("PYTHONPATH", None)
    if settings["PYTHONPATH"] is not None:
        os.environ["PYTHONPATH"] = settings["PYTHONPATH"]
    os.chdir(settings["cwd"])
    _die_with(settings["parent"])
    clock = guard.start(settings["parent"], home, descriptor)
    os.register_at_fork(after_in_child=lambda: _leave(connection, clock))
    with contextlib.suppress(EOFError, OSError):  # the parent is gone; or this is a fork that has come back to here
        while _serve(connection, clock):
            pass


def _leave(connection: Connection[Any, Any], clock: guard.Clock) -> None:
    """In a fork of this process, which would keep the parent from seeing our end too, and must not reply for us."""
    with contextlib.suppress(OSError):
        connection.close()
    clock.close()


def _serve(connection: Connection[Any, Any], clock: guard.Clock) -> bool:
    """Take one call and reply. False when there is none to come."""
    data = wire.receive(connection)
    if data is None:
        return False
    task: list[Any] = [data]
    del data
    reply = _work(task, clock)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # it may be None, closed, or the user's own
            stream.flush()
    wire.send(connection, reply)
    return True


def _work(task: list[Any], clock: guard.Clock) -> wire.Parcel:
    """Do the one thing that `task` holds; it is emptied on the way, so that nothing large is there twice for long."""
    try:
        call, args, timeout = wire.unpack(*task.pop())
    except BaseException as error:  # whatever the user's modules raise while they are imported
        return _failed(error)
    task.append(args)
    del args
    if timeout is None:
        return _reply(call, task)
    clock.start(timeout)
    reply = _reply(call, task)
    clock.stop()
    return reply


def _reply(call: Any, task: list[Any]) -> wire.Parcel:
    try:
        result = call(*task.pop())
    except BaseException as error:  # whatever user code raises ends its call and not us
        return _failed(error)
    try:
        return wire.pack((result, None))
    except Exception as error:
        return wire.pack((None, calls.cannot_return(error)))


def _failed(error: BaseException) -> wire.Parcel:
    try:
        reply = pickle.dumps((None, error), 5)
        pickle.loads(reply)  # some exceptions pickle but do not come back
        return wire.Parcel(reply, [])
    except Exception:
        return wire.pack((None, RuntimeError(_in_words(error))))


def _in_words(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # of the exception's own making
        return type(error).__name__


def _die_with(parent: int) -> None:
    """On Linux, ask to be killed when the parent is; elsewhere the guard sees to it alone."""
    with contextlib.suppress(OSError, AttributeError):
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
