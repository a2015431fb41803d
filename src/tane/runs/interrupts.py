"""A second interrupt while the first is brought to a clean end. Called by `running`."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

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
