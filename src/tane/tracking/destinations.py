"""Where an open run logs to: the ledger, other sinks, or both. `sessions` makes one for each run that it opens.

The open runs of a process share their ledger and their store, so that a run within a run is opened in a millisecond.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tane import errors, events, outcomes
from tane.ledger import connection, read, records, write
from tane.store import objects
from tane.tracking import mirrors, places, plain, sinks


class Destination:
    """Where one run logs to. Raises `errors.UsageError` for sinks that are none."""

    def __init__(self, home: places.Home, names: Sequence[Any], run: str) -> None:
        self.places = home.ledger, home.store
        others = mirrors.opened(names, home.root, home.source)
        self.ledger: connection.Ledger | None = None
        self.store: objects.Objects | None = None
        self._others: mirrors.Mirrored | None = None
        self.run = run
        self.home = home
        if mirrors.LEDGER in names:
            self.ledger, self.store = _borrow(home.ledger, home.store)
        elif not others:
            raise errors.UsageError("there is no sink to log to", hint='write sinks=["ledger"], or leave it out')
        self._wanted = others
        self.sink: events.Sink  # from `begin` on

    def begin(self, record: records.RunRecord, event: str = "started") -> None:
        """Make the sink, and tell those beside the ledger that the run begins."""
        secrets = self.home.secrets
        first: mirrors.First = mirrors.Nowhere(record.run)
        if self.ledger is not None and self.store is not None:
            first = self.sink = sinks.LedgerSink(self.ledger, self.store, record.run, secrets=secrets)
        if self._wanted:
            self.sink = self._others = mirrors.Mirrored(first, self._wanted, secrets)
            self._others.tell(event, **mirrors.described(record, secrets))

    def go_on(self, run: str) -> None:
        """Count the points without a step from where the run is."""
        if self.ledger is not None and isinstance(self.sink, sinks.LedgerSink | mirrors.Mirrored):
            found = [each.name for each in read.metrics(self.ledger, run, node="")]
            last = {name: read.series(self.ledger, run, name, node="")[-1].step for name in found}
            self.sink.go_on_from({name: step + 1 for name, step in last.items()})

    def end(self, run: str, status: outcomes.RunStatus, error: str, leads: bool) -> None:
        """Record how the run ended, if this process leads it, and let go of everything."""
        error = plain.said(error, self.home.secrets)
        try:
            if self.store is not None and self.ledger is not None:
                self.store.flush()
                if leads:
                    write.end_run(self.ledger, run, status, time.time(), error)
        finally:
            if self._others is not None:
                if leads:
                    self._others.tell("ended", status=str(status), error=error)
                self._others.close()
            self.close()

    def close(self) -> None:
        """Let go of store and ledger."""
        if self.ledger is not None and self.store is not None:
            ledger, store, self.ledger, self.store = self.ledger, self.store, None, None
            _give_back(ledger, store)


_Places = tuple[Path, Path, int]
_borrowed: dict[_Places, tuple[connection.Ledger, objects.Objects]] = {}
_borrowers: dict[_Places, int] = {}
_borrowing = threading.Lock()


def _borrow(ledger: Path, store: Path) -> tuple[connection.Ledger, objects.Objects]:
    """The open ledger and store of these places, which all open runs of this process share."""
    key = (ledger, store, os.getpid())
    with _borrowing:
        if key not in _borrowed:
            _borrowed[key] = connection.open_ledger(ledger), objects.Objects(store)
        _borrowers[key] = _borrowers.get(key, 0) + 1
        return _borrowed[key]


def _give_back(ledger: connection.Ledger, store: objects.Objects) -> None:
    """Close what nobody else has."""
    with _borrowing:
        key = next((key for key, pair in _borrowed.items() if pair == (ledger, store)), None)
        if key is not None:
            _borrowers[key] -= 1
            if _borrowers[key]:
                return
            del _borrowed[key], _borrowers[key]
    try:
        store.close()
    finally:
        ledger.close()
