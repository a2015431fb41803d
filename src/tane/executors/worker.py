"""The main program of a worker process: `python -m tane.executors.worker FD NUMBER`. Started by `processes`."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
from multiprocessing.connection import Connection
from typing import Any

from tane.executors import calls


def main(descriptor: int) -> None:
    """Take calls from the connection until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt ends
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    connection: Connection[Any, Any] = Connection(descriptor)
    try:
        settings = pickle.loads(connection.recv_bytes())
    except (EOFError, ConnectionResetError):  # interrupted while we were being started
        return
    sys.path[:] = settings["path"]
    os.chdir(settings["cwd"])
    _die_with(settings["parent"])
    while True:
        try:
            data = connection.recv_bytes()
        except (EOFError, ConnectionResetError):
            return
        reply = _work(data)
        try:
            connection.send_bytes(reply)
        except (BrokenPipeError, ConnectionResetError):
            return


def _work(data: bytes) -> bytes:
    try:
        call, args = pickle.loads(data)
        result = call(*args)
    except BaseException as error:  # whatever user code raises, while it is imported too, ends its call and not us
        try:
            reply = pickle.dumps((None, error), 5)
            pickle.loads(reply)  # some exceptions pickle but do not come back
            return reply
        except Exception:
            return pickle.dumps((None, RuntimeError(f"{type(error).__name__}: {error}")), 5)
    try:
        return _dumps((result, None))
    except Exception as error:
        return pickle.dumps((None, calls.cannot_return(error)), 5)


def _dumps(reply: Any) -> bytes:
    try:
        return pickle.dumps(reply, 5)
    except Exception:
        import cloudpickle

        return bytes(cloudpickle.dumps(reply, 5))


def _die_with(parent: int) -> None:
    """On Linux, ask to be killed when the parent is; elsewhere the closed connection ends us after the call."""
    with contextlib.suppress(OSError, AttributeError):
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
