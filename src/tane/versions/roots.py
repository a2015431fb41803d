"""What is needed of a store: all that kept runs name in any ledger that shares it, and all that lock files name.

`collection` and `verification` call it. It says also who is at work, and which old runs are to be given up.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tane import fielded
from tane.ledger import connection, read, records, references
from tane.outcomes import RunStatus
from tane.versions import lockfiles, places


@fielded.frozen
class Old:
    """Which runs of the project's own ledger are old: all but the newest `keep_runs` of each kind and pipeline, those
    that began more than `older_than` seconds ago. None where nothing is said; where both are given, both must hold.
    """

    keep_runs: int | None = None
    older_than: float | None = None

    def among(self, lines: list[references.Line], live: set[str], now: float) -> set[str]:
        """Those of `lines` (newest first) that are old. The windows of a backfill are as old as it is."""
        if self.keep_runs is None and self.older_than is None:
            return set()
        counts: dict[tuple[str, str], int] = {}
        old: set[str] = set()
        for each in lines:
            if each.of != each.run:
                continue
            counts[each.line] = counts.get(each.line, 0) + 1
            many = self.keep_runs is None or counts[each.line] > self.keep_runs
            long_ago = self.older_than is None or each.started < now - self.older_than
            if many and long_ago:
                old.add(each.run)
        busy = {each.of for each in lines if each.run in live}
        return {each.run for each in lines if each.of in old and each.of not in busy}


NOTHING_OLD = Old()


@fielded.frozen
class Roots:
    """The digests that are needed; the runs at work; those to be given up; all that the project's own ledgers know."""

    digests: frozenset[str]
    live: tuple[records.RunRecord, ...]
    old: frozenset[str]
    known: frozenset[str]

    @property
    def began(self) -> float:
        """When the longest of the runs at work began; infinity when there is none."""
        return min((run.started for run in self.live), default=float("inf"))


def gather(
    place: places.Place, shared: places.Sharing, now: float, *, old: Old = NOTHING_OLD, git: bool = True
) -> Roots:
    """All that is needed of the store of `place`. Raises when a ledger or Git's history cannot be read."""
    digests: set[str] = set()
    live: list[records.RunRecord] = []
    giving_up: set[str] = set()
    known: set[str] = set()
    for each in shared.all:
        with opened(each.ledger) as ledger:
            busy = read.runs(ledger, status=RunStatus.RUNNING, windows=True)
            lines = references.lines(ledger)
            gone = references.given_up(ledger)
            if each.ledger == Path(os.path.realpath(place.ledger)):
                giving_up = old.among(lines, {run.run for run in busy}, now) - gone
            digests |= references.named(ledger, gone | giving_up)
            live += busy
            if each in shared.own:
                known.update(line.run for line in lines)
    for root in dict.fromkeys([Path(os.path.realpath(place.root)), *(each.root for each in shared.all)]):
        digests |= lockfiles.named(root, git=git)
    return Roots(frozenset(digests), tuple(live), frozenset(giving_up), frozenset(known))


@contextmanager
def opened(path: Path) -> Iterator[connection.Ledger]:
    """The ledger at `path`, to be read."""
    with closing(connection.open_ledger(path, create=False)) as ledger:
        yield ledger
