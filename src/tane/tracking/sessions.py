"""Runs that need no pipeline: `start_run` in a script, a notebook or a REPL.

The run is recorded from its first line. A script that crashes leaves it marked failed, one that is killed leaves a
lease that runs out, and a script that just ends closes it.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from tane import errors, outcomes
from tane.ledger import connection, leases, records, write
from tane.plan import environment
from tane.project import projects, settings, snapshot
from tane.store import objects, referrers
from tane.tracking import logs, sinks


class TrackedRun:
    """An open run. Use it as a context manager, or call `end`."""

    def __init__(self, ledger: connection.Ledger, store: objects.Objects, run: str) -> None:
        self.id = run
        self._ledger = ledger
        self._store = store
        self._sink = sinks.LedgerSink(ledger, store, run)
        self._open = True
        self._ended = threading.Event()
        threading.Thread(target=self._live, name="tane-lease", daemon=True).start()
        logs.enter(self._sink)

    def __enter__(self) -> TrackedRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.end()
        elif isinstance(error, KeyboardInterrupt):
            self.end(outcomes.RunStatus.INTERRUPTED)
        else:
            self.end(outcomes.RunStatus.FAILED, f"{type(error).__name__}: {error}")

    def end(self, status: outcomes.RunStatus = outcomes.RunStatus.SUCCEEDED, error: str = "") -> None:
        """Close the run; a second call does nothing."""
        if not self._open:
            return
        self._open = False
        self._ended.set()
        logs.leave(self._sink)
        self._store.flush()
        write.end_run(self._ledger, self.id, status, time.time(), error)
        self._store.close()
        self._ledger.close()
        _left_open.discard(self)

    def _live(self) -> None:
        """Show those on other machines, who cannot look at this process, that it lives."""
        while not self._ended.wait(leases.LEASE / 6):
            try:
                write.beat(self._ledger, self.id)
            except errors.TaneError:  # closed; or lost, which the next that is logged tells
                return


def start_run(
    name: str = "", *, tags: Mapping[str, str] | None = None, params: Mapping[str, Any] | None = None
) -> TrackedRun:
    """Open a run here and make it the active one.

    It is recorded in the project the current folder belongs to, else in `.tane` of the current folder.
    """
    home = _home()
    ledger = connection.open_ledger(home.ledger)
    store = objects.Objects(home.store)
    state = snapshot.take(home.root, home.code, home.conf)
    referrers.note(home.store, home.ledger, home.root)
    diff = store.put(state.git.diff) if state.git.diff else ""
    store.flush()
    record = records.RunRecord(
        run=records.new_run_id(),
        pipeline="",
        kind="script",
        started=time.time(),
        command=state.command,
        git=snapshot.for_ledger(state.git, diff),
        host=state.host,
        user=state.user,
        pid=os.getpid(),
        python=state.python,
        name=name,
        environment=write.add_document(ledger, environment.installed(environment.user_cache())),
    )
    write.start_run(ledger, record)
    run = TrackedRun(ledger, store, record.run)
    _watch_for_the_end(run)
    if tags:
        logs.set_tags(tags)
    if params:
        logs.log_params(params)
    return run


class _Home(NamedTuple):
    """Where a script's runs are recorded, and what of its surroundings is noted with them."""

    root: Path
    ledger: Path
    store: Path
    code: tuple[Path, ...]
    conf: Path


def _home() -> _Home:
    here = Path.cwd()
    try:
        project = projects.open_project(here)
    except errors.ProjectError:
        found = settings.defaults(here, "script")
        return _Home(here, found.ledger, found.store, tuple(sorted(here.glob("*.py"))), found.conf)
    return _Home(project.root, project.ledger, project.store, project.code, project.conf)


_left_open: set[TrackedRun] = set()


def _watch_for_the_end(run: TrackedRun) -> None:
    """Close the run when the interpreter ends, as failed if an exception ended it."""
    if not _left_open:
        _hook_exceptions()
        atexit.register(_close_all)
    _left_open.add(run)


_crash: list[BaseException] = []


def _hook_exceptions() -> None:
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        _crash.append(error)
        before(kind, error, trace)

    sys.excepthook = hook


def _close_all() -> None:
    for run in list(_left_open):
        if not _crash:
            run.end()
        elif isinstance(_crash[-1], KeyboardInterrupt):
            run.end(outcomes.RunStatus.INTERRUPTED)
        else:
            run.end(outcomes.RunStatus.FAILED, f"{type(_crash[-1]).__name__}: {_crash[-1]}")
