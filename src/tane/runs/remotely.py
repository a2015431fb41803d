"""Performing steps in a worker process: it opens store, ledger and log once, and hands back what it has made.

Small objects travel with the outcome and are written by the process that leads the run, many at a time.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from tane import fielded
from tane.ledger import connection
from tane.project import loaded, logs
from tane.runs import arguments, journal, work
from tane.store import objects
from tane.tracking import mirrors

_SMALL = 256 * 1024  # bytes of objects that travel with an outcome; more is written where it was made


@fielded.frozen
class Home:
    """Where a worker process works: the project's `.tane` and root, what logging.yml says, store, ledger and sinks."""

    folder: str
    root: str
    logging: Mapping[str, Any]
    store: str
    ledger: str
    sinks: mirrors.Setup = mirrors.NOTHING


def perform(task: work.Task, home: Home) -> work.Outcome:
    """`work.perform` in a worker process."""
    place = _open(home.store, home.ledger, home.sinks, os.getpid())
    given = arguments.travelled([*task.positional, *(each for _, each in task.by_name)])
    by_name = zip((name for name, _ in task.by_name), given[len(task.positional) :], strict=True)
    task = fielded.replace(task, positional=given[: len(task.positional)], by_name=tuple(by_name))
    _imported.extend(_news())  # at once: later their files may have changed
    log, here = _log(task.run, home), work.folder()
    try:
        outcome = work.perform(task, place)
    finally:
        log.flush()
        with contextlib.suppress(OSError):  # it is gone
            if here != work.folder():
                os.chdir(here or ".")
    handed = place.store.hand_over(_SMALL)
    _imported.extend(_news())
    imported = tuple(_imported)
    _imported.clear()
    return fielded.replace(outcome, handed=handed, imported=imported) if handed or imported else outcome


def is_on_disk(task: work.Task) -> bool:
    """Whether some argument of `task` is not sent along: the worker reads it from the store."""
    given = (*task.positional, *(argument for _, argument in task.by_name))
    return not all(isinstance(argument, arguments.Held) for argument in given)


class _Listening(NamedTuple):
    """The run whose log this process writes to."""

    run: str
    log: journal.Journal
    until: ExitStack


_news = loaded.News()
_imported: list[loaded.Module] = []  # and not told yet: the step that they were imported for has failed
_listening: list[_Listening] = []  # one, or none before the first step


def _log(run: str, home: Home) -> journal.Journal:
    """The log of a run; logging is set up for it as in the process that leads it."""
    if _listening and _listening[0].run == run:
        return _listening[0].log
    while _listening:
        _listening.pop().until.close()
    with ExitStack() as until:
        log = journal.Journal(Path(home.folder) / "runs", run)
        until.callback(log.close)
        until.enter_context(logs.configured(home.logging, Path(home.root), lambda *keys: "conf/*/logging.yml"))
        until.enter_context(journal.listening(log))
        _listening.append(_Listening(run, log, until.pop_all()))
    return log


@functools.cache
def _open(store: str, ledger: str, sinks: mirrors.Setup, process: int) -> arguments.Place:
    root = Path(store)
    return arguments.Place(objects.Objects(root), connection.open_ledger(Path(ledger)), logging=sinks)
