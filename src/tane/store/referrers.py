"""Who names the objects of a store: ledgers that are not where one would look for them. Runs note, collection asks.

The ledger beside a store is known. Another one - of an environment, of a second project that shares the store - is
noted in `objects/ledgers/`, one small file each, before it names anything of the store: those who do not know of it
must not collect that. What lies in the same project is noted by the way to it, so that a project that is moved or
copied keeps its own.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from tane.digest import hashing
from tane.store import failures, placing

_BESIDE = "ledger.db"


class Referrer(NamedTuple):
    """A ledger that names objects of the store, and the folder of its project."""

    ledger: Path
    root: Path


def beside(store: Path) -> Referrer:
    """The ledger that is looked for beside a store (`.tane/objects` and `.tane/ledger.db`)."""
    real = Path(os.path.realpath(store))
    return Referrer(real.parent / _BESIDE, real.parent.parent)


def note(store: Path, ledger: Path, root: Path) -> None:
    """Note that the ledger of the project at `root` names objects of the store."""
    real, found = Path(os.path.realpath(store)), Referrer(Path(os.path.realpath(ledger)), Path(os.path.realpath(root)))
    if found == beside(store):
        return
    near = real.is_relative_to(found.root) and found.ledger.is_relative_to(found.root)
    lines = [os.path.relpath(path, real) if near else str(path) for path in found]
    data = b"".join(os.fsencode(line) + b"\0" for line in lines)
    target = real / "ledgers" / hashing.of_bytes(data)[:16]
    if not target.exists():
        placing.file(target, lambda file: placing.write_all(file, data))


def noted(store: Path) -> dict[Path, Referrer]:
    """The ledgers that were noted, each by the file that says so."""
    real = Path(os.path.realpath(store))
    folder = real / "ledgers"
    found: dict[Path, Referrer] = {}
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return found
    for name in names:
        if not name.isalnum():  # on its way to its name
            continue
        with failures.guarding("read", folder / name):
            lines = (folder / name).read_bytes().split(b"\0")
        ledger, root = (Path(os.path.normpath(real / os.fsdecode(line))) for line in lines[:2])
        found[folder / name] = Referrer(ledger, root)
    return found
