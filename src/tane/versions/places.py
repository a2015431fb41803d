"""Where a project keeps things, and which ledgers name the objects of a store. The others of this room call it.

A store may be shared: by the environments of a project, each with a ledger of its own, and by projects that name the
same folder. What any of them names is needed.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from tane import errors, fielded
from tane.project import finding, layout, options, settings
from tane.store import referrers

Referrer = referrers.Referrer


@fielded.frozen
class Place:
    """A project's folder with its store and its ledger."""

    root: Path
    store: Path
    ledger: Path

    @property
    def home(self) -> Path:
        """The `.tane` folder."""
        return self.root / layout.WORK


class Sharing(NamedTuple):
    """The ledgers that name objects of a store: those of the project itself, and those of others."""

    own: tuple[Referrer, ...]
    others: tuple[Referrer, ...]

    @property
    def all(self) -> tuple[Referrer, ...]:
        """Every one of them."""
        return (*self.own, *self.others)


def sharing(place: Place, without: Collection[Path] = ()) -> Sharing:
    """Who names objects of the store of `place`. `without` are ledgers that are gone for good.

    Raises `errors.StoreError` when a ledger of another project cannot be found: its disk may be away, and what it names
    must not be taken for garbage. Raises `errors.ConfigError` when an environment's run.yml cannot be understood.
    """
    here = Path(os.path.realpath(place.root))
    gone = {Path(os.path.realpath(path)) for path in without}
    found = {Referrer(Path(os.path.realpath(place.ledger)), here): None, referrers.beside(place.store): None}
    found.update((each, None) for each in _of_environments(place))
    found.update((each, None) for each in referrers.noted(place.store).values() if each.ledger not in gone)
    there = [each for each in found if each.ledger.exists()]
    lost = [each for each in found if each not in there and not _is_within(each, here) and each.ledger not in gone]
    lost = [each for each in lost if each != referrers.beside(place.store)]
    if lost:
        faults = [
            errors.Fault(
                f"the ledger {each.ledger}, which shares this store, is not there",
                hint=f"mount its disk; or, if it is gone for good: --without {each.ledger}",
            )
            for each in lost
        ]
        raise errors.StoreError.of(faults, "what is needed cannot be known")
    own = tuple(each for each in there if each.root == here)
    return Sharing(own, tuple(each for each in there if each not in own))


def _is_within(each: Referrer, here: Path) -> bool:
    return each.root == here and each.ledger.is_relative_to(here)


def forget(place: Place, without: Collection[Path]) -> None:
    """Do not look for these ledgers any more."""
    gone = {Path(os.path.realpath(path)) for path in without}
    for file, each in referrers.noted(place.store).items():
        if each.ledger in gone:
            file.unlink(missing_ok=True)


def _of_environments(place: Place) -> list[Referrer]:
    """The ledgers that environments of the project have of their own while they share its store."""
    try:
        found = finding.find(str(place.root))
    except errors.ProjectError:  # only scripts were tracked here
        return []
    if found.flow is not None or found.root != place.root:
        return []
    said = settings.read(place.root)
    store = os.path.realpath(place.store)
    ledgers = []
    for names in ((), *((name,) for name in _environments(said.conf))):
        settled = options.settle(place.root, said, names).settings
        if os.path.realpath(settled.store) == store:
            ledgers.append(Referrer(Path(os.path.realpath(settled.ledger)), Path(os.path.realpath(place.root))))
    return ledgers


def _environments(conf: Path) -> list[str]:
    if not conf.is_dir():
        return []
    found = (entry.name for entry in conf.iterdir() if entry.is_dir() and not entry.name.startswith((".", "_")))
    return sorted(name for name in found if name not in ("base", layout.LOCAL))
