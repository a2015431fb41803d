"""`collect`: throw away what nobody needs. Called by `tane data gc`, and by `tane doctor` for a look.

Needed is what kept runs name, in any ledger that shares the store, and what lock files name, in the work tree and in
Git. What nobody needs and came more than a grace period ago goes into the trash; a later collection empties the trash
after the same time. A run may be at work all the while. It may find something just before it is thrown away, and name
it just after; then it comes back out of the trash, which is not emptied while such a run goes on. Whatever instant a
collection is killed at, nothing needed is lost, and the next one goes on.
"""

from __future__ import annotations

import getpass
import time
from contextlib import nullcontext
from pathlib import Path

from tane import fielded
from tane.ledger import references, write
from tane.store import collecting, objects, repacking, trash
from tane.versions import leavings, places, roots

GRACE = 2 * 86400.0
_SLACK = 1.0  # seconds by which the clock of a file system may lag behind ours


@fielded.frozen
class Asked:
    """What to collect.

    `grace` is how many seconds what nobody needs is left alone, and how long it stays in the trash. `old` says of which
    runs the values are not needed any more. With `empty_trash` the trash is emptied at once. Without `git` its history
    is not asked what it names. `without` are ledgers that shared the store and are gone for good.
    """

    grace: float = GRACE
    old: roots.Old = roots.NOTHING_OLD
    empty_trash: bool = False
    git: bool = True
    without: tuple[Path, ...] = ()


@fielded.frozen
class Amount:
    """A number of things and their bytes."""

    count: int = 0
    bytes: int = 0


@fielded.frozen
class Collection:
    """What was collected, or would be (`done` False).

    `thrown` went into the trash; `young` is not needed either, and left alone for now. `given_up` are the runs whose
    values are not needed any more. Of the trash, `emptied` was deleted and `resting` stays. `left` are temporary files,
    damaged objects and folders of unknown runs, `packed` bytes in packs that were written anew. `live` are the runs at
    work, `notes` what the user should know.
    """

    done: bool
    thrown: Amount = Amount()
    young: Amount = Amount()
    given_up: tuple[str, ...] = ()
    emptied: Amount = Amount()
    resting: Amount = Amount()
    left: tuple[collecting.Left, ...] = ()
    packed: int = 0
    live: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing to do."""
        return not (self.thrown.count or self.given_up or self.emptied.count or self.left or self.packed)


def collect(place: places.Place, asked: Asked, *, really: bool, now: float | None = None) -> Collection:
    """Collect what nobody needs in the store of `place`; without `really` only say what would go. Ages are counted from
    `now`.

    Raises when it cannot be known what is needed: a ledger or Git's history cannot be read, a ledger is not there.
    """
    if not place.store.is_dir():
        return Collection(really)
    shared = places.sharing(place, asked.without)
    with (
        collecting.alone(place.store) if really else nullcontext(),
        objects.Objects(place.store, read_only=not really) as store,
    ):
        collector = _Collector(place, asked, shared, store, time.time() if now is None else now)
        return collector.collect() if really else collector.look()


class _Collector:
    """One collection."""

    def __init__(
        self, place: places.Place, asked: Asked, shared: places.Sharing, store: objects.Objects, now: float
    ) -> None:
        self.place = place
        self.asked = asked
        self.shared = shared
        self.store = store
        self.now = now
        self.notes: list[str] = []

    def look(self) -> Collection:
        """What would be done."""
        needed = self._needed()
        garbage, young = self._survey(needed)
        resting = trash.lying(self.store.index)
        emptied = self._to_empty(needed, resting, resting)
        left = self._left(needed)
        packed = {each.digest for each in emptied if not each.folder}
        freed = sum(each.bytes - each.needed for each in repacking.sparse(self.store, packed))
        return self._said(False, needed, garbage, young, emptied, len(resting), _sum(resting), left, freed)

    def collect(self) -> Collection:
        """Do it, step by step. Each leaves everything in order, should it be the last."""
        places.forget(self.place, self.asked.without)
        collecting.take_in(self.store)
        needed = self._needed()
        garbage, young = self._survey(needed)
        if needed.old:
            self._give_up(needed)
        before = trash.lying(self.store.index)
        collecting.throw(self.store, garbage)
        again = roots.gather(self.place, self.shared, self.now, git=self.asked.git)
        self._reach(again, collecting.lying(self.store))  # what was named meanwhile comes back
        resting = trash.lying(self.store.index)
        emptied = self._empty(again, resting, before)
        left = self._left(again)
        collecting.remove(left)
        leavings.clear_workspace(self.place.root, self.place.home)
        freed = repacking.repack(self.store)
        collecting.forget_gone(self.store, trash.lying(self.store.index))
        return self._said(True, needed, garbage, young, emptied, len(resting), _sum(resting), left, freed)

    # -- what is needed --------------------------------------------------------------------------------------------

    def _needed(self) -> roots.Roots:
        return roots.gather(self.place, self.shared, self.now, old=self.asked.old, git=self.asked.git)

    def _survey(self, needed: roots.Roots) -> tuple[list[collecting.Lying], list[collecting.Lying]]:
        """What nobody needs: that which is to go, and that which came too lately."""
        found = collecting.lying(self.store)
        reached = self._reach(needed, found)
        idle = [each for each in found if each.digest not in reached]
        before = min(self.now - self.asked.grace, needed.began - _SLACK)
        return [each for each in idle if each.at <= before], [each for each in idle if each.at > before]

    def _reach(self, needed: roots.Roots, found: list[collecting.Lying]) -> set[str]:
        reached = collecting.reached(self.store, needed.digests, found)
        if reached.unreadable:
            count = len(reached.unreadable)
            note = f"{count} folder{'s are' if count > 1 else ' is'} damaged: what they hold is not known to be needed"
            if note not in self.notes:
                self.notes.append(note)
        return reached.digests

    def _give_up(self, needed: roots.Roots) -> None:
        with roots.opened(self.place.ledger) as ledger:
            write.add_event(ledger, references.giving_up(needed.old, _user()))
        leavings.forget_standings(self.place.home)

    # -- the trash -------------------------------------------------------------------------------------------------

    def _to_empty(
        self, needed: roots.Roots, resting: list[trash.Thrown], before: list[trash.Thrown]
    ) -> list[trash.Thrown]:
        """What of the trash goes for good: nobody that is at work can have seen it before it was thrown away. What was
        not there `before` this collection goes only when that is asked for.
        """
        if self.asked.empty_trash:
            due = resting
        else:
            old = {each.digest for each in before if each.at <= self.now - self.asked.grace}
            due = [each for each in resting if each.digest in old]
        return [each for each in due if each.at < needed.began - _SLACK]

    def _empty(
        self, needed: roots.Roots, resting: list[trash.Thrown], before: list[trash.Thrown]
    ) -> list[trash.Thrown]:
        due = self._to_empty(needed, resting, before)
        if not due:
            return []
        with self.store.index.unshared() as alone:
            if not alone:
                self.notes.append("the trash is not emptied: another process is at work on this store")
                return []
            trash.drop(self.store.index, due)
        return due

    # -- the rest --------------------------------------------------------------------------------------------------

    def _left(self, needed: roots.Roots) -> list[collecting.Left]:
        before = min(self.now - self.asked.grace, needed.began - _SLACK)
        return [
            *collecting.left_behind(self.place.store, self.now, self.asked.grace),
            *leavings.found(self.place.home, needed.known, before),
        ]

    def _said(
        self,
        done: bool,
        needed: roots.Roots,
        garbage: list[collecting.Lying],
        young: list[collecting.Lying],
        emptied: list[trash.Thrown],
        count: int,
        size: int,
        left: list[collecting.Left],
        freed: int,
    ) -> Collection:
        return Collection(
            done=done,
            thrown=Amount(len(garbage), sum(each.bytes for each in garbage)),
            young=Amount(len(young), sum(each.bytes for each in young)),
            given_up=tuple(sorted(needed.old)),
            emptied=Amount(len(emptied), _sum(emptied)),
            resting=Amount(count - len(emptied), size - _sum(emptied)),
            left=tuple(left),
            packed=freed,
            live=tuple(run.run for run in needed.live),
            notes=tuple(self.notes),
        )


def _sum(thrown: list[trash.Thrown]) -> int:
    return sum(each.bytes for each in thrown)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without that user
        return ""
