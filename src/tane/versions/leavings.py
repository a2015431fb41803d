"""What runs that were killed, and ledgers that are gone, left in a project's `.tane` folder. `collection` calls it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from tane.runs import lockfile, publishing
from tane.store import collecting, loose, placing

_LATEST = "latest"


def found(home: Path, known: Collection[str], before: float) -> list[collecting.Left]:
    """Folders of runs that no ledger knows and that nobody wrote into since `before`; notes half written."""
    return [*_folders(home / "runs", known, before), *_notes(home / "standing")]


def _folders(folder: Path, known: Collection[str], before: float) -> Iterator[collecting.Left]:
    for name in _names(folder):
        path = folder / name
        if name in known or not path.is_dir():
            continue
        try:
            at = max(os.stat(inner).st_mtime for inner in (path, *map(Path, placing.below(str(path)))))
        except FileNotFoundError:
            continue
        if at < before:
            yield collecting.Left(path, "folder of a run that no ledger knows", collecting.size_of(path), at)


def _notes(folder: Path) -> Iterator[collecting.Left]:
    """A note is written as `<name>.<pid>.<thread>` and renamed."""
    for name in _names(folder):
        parts = name.split(".")
        if len(parts) == 3 and parts[1].isdigit() and not loose._is_alive(int(parts[1])):
            path = folder / name
            owner = f"process {parts[1]}, which is gone"
            yield collecting.Left(path, "temporary file", collecting.size_of(path), path.stat().st_mtime, owner)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def forget_standings(home: Path) -> None:
    """Have no command take the word of an earlier one that nothing changed: what it rested on may be gone."""
    for name in _names(home / "standing"):
        if name != _LATEST:
            placing.remove(home / "standing" / name)


def clear_workspace(root: Path, home: Path) -> None:
    """Delete what a killed run had half written beside its outputs, unless a run is publishing now."""
    if not home.is_dir():
        return
    lease = publishing.Lease.acquire(home)  # whoever takes the lease clears that away
    if lease is not None:
        try:
            placing.clear_beside(root / lockfile.NAME)
        finally:
            lease.release()
