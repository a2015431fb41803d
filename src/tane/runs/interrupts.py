"""Interrupts that are not lost, and a second one while the first is brought to a clean end. Called by `running`."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NUMBERS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def held_off() -> Iterator[None]:
    """Interrupts inside are ignored: what is done here is short, and must not be left half done.

    Does nothing in threads other than the main one, where no interrupt arrives.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = [(number, signal.signal(number, signal.SIG_IGN)) for number in _NUMBERS]
    try:
        yield
    finally:
        for number, handler in before:
            if handler is not None:  # None: it was not set from Python, and cannot be set back from here
                signal.signal(number, handler)


@contextmanager
def insisting() -> Iterator[None]:
    """An interrupt inside is raised again until it gets through.

    Python drops one that arrives in a callback of the interpreter's own, such as those of the import system. Does
    nothing in threads other than the main one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived, ended = threading.Event(), threading.Event()
    main = threading.get_ident()

    def insist() -> None:
        while not ended.wait(_PATIENCE):
            signal.pthread_kill(main, signal.SIGINT)  # a true signal: it also ends a wait

    def handle(number: int, frame: FrameType | None) -> None:
        if not arrived.is_set():
            arrived.set()
            threading.Thread(target=insist, name="tane-interrupt", daemon=True).start()
        raise KeyboardInterrupt

    before = [(number, signal.signal(number, handle)) for number in _NUMBERS]
    try:
        yield
    finally:
        ended.set()
        for number, handler in before:
            if handler is not None:
                signal.signal(number, handler)


_PATIENCE = 0.3
