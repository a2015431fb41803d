"""Which run a call belongs to: that of the step it is made in, or one that `start_run` opened around it.

Each thread and each task of asyncio has its own line of open runs, one nested in the other. A thread that has opened
none takes part in the run of the thread that is most likely its parent.
"""

from __future__ import annotations

import logging
import os
import threading
from contextvars import ContextVar
from itertools import pairwise

from tane import events

_log = logging.getLogger("tane.tracking")


class Opened:
    """A run that somebody has opened, with the one around it. `outer` is the step it was opened in."""

    __slots__ = ("above", "closed", "outer", "process", "sink", "thread")

    def __init__(self, sink: events.Sink, outer: events.Sink | None, above: Opened | None) -> None:
        self.sink = sink
        self.outer = outer
        self.above = above
        self.closed = False
        self.thread = threading.get_ident()
        self.process = os.getpid()


_inside: ContextVar[Opened | None] = ContextVar("tane_opened_run", default=None)
_open: list[Opened] = []  # in the order in which they were opened
_told: set[str] = set()


def active() -> events.Sink | None:
    """The run the caller is inside of, or None."""
    step = events.current()
    opened = innermost()
    return opened.sink if opened is not None and opened.outer is step else step


def innermost() -> Opened | None:
    """The innermost run that was opened around the caller and is open still."""
    found = _inside.get()
    while found is not None and found.closed:
        found = found.above
    return found if found is not None or not _open else _of_others()


def enter(sink: events.Sink, *, beside: bool = False) -> Opened:
    """Make `sink` what the caller logs to, until `leave`; `beside` the run it is in rather than within it."""
    found = Opened(sink, events.current(), None if beside else innermost())
    _inside.set(found)
    _open.append(found)
    return found


def leave(found: Opened) -> None:
    """End what `enter` began, in whatever thread."""
    found.closed = True
    if found in _open:
        _open.remove(found)
    if _inside.get() is found:
        _inside.set(found.above)


def _of_others() -> Opened | None:
    """The run for a context that has opened none: the one open in this thread (a notebook gives each cell a context of
    its own), else in the main one, else in any, if they are all of one line.
    """
    here, main = threading.get_ident(), threading.main_thread().ident
    everywhere = list(_open)
    for line in (
        [one for one in everywhere if one.thread == here],
        [one for one in everywhere if one.thread == main],
        everywhere,
    ):
        if line:
            if all(inner.above is outer for outer, inner in pairwise(line)):
                return line[-1]
            break
    _tell_once(everywhere)
    return None


def _tell_once(several: list[Opened]) -> None:
    key = " ".join(one.sink.run for one in several)
    if key not in _told:
        _told.add(key)
        _log.warning(
            "several runs are open, and this thread has opened none of them: what it logs is not recorded; "
            "call the method of the run that is meant, as in run.log_metric(...)"
        )
