"""`verify`: read what is kept and compare it with its digests. Called by `tane data verify`.

Damaged objects are set aside, so that the next run makes them again. What is damaged or gone is told with the runs and
datasets that name it, in any ledger that shares the store.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from tane import fielded
from tane.ledger import references
from tane.runs import sources
from tane.store import collecting, objects, verifying
from tane.versions import places, roots

Naming = references.Naming


@fielded.frozen
class Fault:
    """An object that is "damaged" or "missing", and who names it, by itself or in a folder."""

    digest: str
    state: str
    named: tuple[Naming, ...]


@fielded.frozen
class Verification:
    """How many objects and bytes were read, and what is wrong with them."""

    objects: int = 0
    bytes: int = 0
    faults: tuple[Fault, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 when every object is there and what its digest says, else 4."""
        return 4 if self.faults else 0


def verify(
    place: places.Place, *, everything: bool = False, progress: verifying.Progress = lambda read: None
) -> Verification:
    """Read every object that a run names, or with `everything` all that are in the store of `place`."""
    if not place.store.is_dir():
        return Verification()
    shared = places.sharing(place)
    with objects.Objects(place.store) as store:
        named = _named(shared)
        reached = collecting.reached(store, named, collecting.lying(store)).digests
        wanted = reached | {each.digest for each in collecting.lying(store)} if everything else reached
        found = verifying.verify(store, wanted, progress)
        missing = set(found.missing) - _never_kept(shared, found.missing)
        wrong = {**dict.fromkeys(sorted(missing), "missing"), **dict.fromkeys(found.damaged, "damaged")}
        by = _who(store, shared, named, wrong) if wrong else {}
    faults = tuple(Fault(digest, state, tuple(by[digest])) for digest, state in wrong.items())
    return Verification(found.objects, found.bytes, faults)


def _named(shared: places.Sharing) -> set[str]:
    found: set[str] = set()
    for each in shared.all:
        with roots.opened(each.ledger) as ledger:
            found |= references.named(ledger, references.given_up(ledger))
    return found


def _never_kept(shared: places.Sharing, missing: Collection[str]) -> set[str]:
    """Sources so large that they were recorded by digest alone."""
    found: set[str] = set()
    for each in shared.all if missing else ():
        with roots.opened(each.ledger) as ledger:
            found |= {digest for digest, size in references.sizes(ledger, missing).items() if size > sources.KEEP_UP_TO}
    return found


def _who(
    store: objects.Objects, shared: places.Sharing, named: Iterable[str], wrong: Collection[str]
) -> dict[str, list[Naming]]:
    """Who names each of the objects that are `wrong`; nobody, one that only lies in the store."""
    above = verifying.named_by(store, named, wrong)
    tops = {top for each in above.values() for top in each}
    by_top: dict[str, list[Naming]] = {top: [] for top in tops}
    for each in shared.all:
        with roots.opened(each.ledger) as ledger:
            for top, found in references.namings(ledger, tops).items():
                by_top[top] += found
    return {
        digest: list(dict.fromkeys(who for top in sorted(above[digest]) for who in by_top[top])) for digest in wrong
    }
