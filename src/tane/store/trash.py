"""Objects thrown away: out of the way, and not gone before the trash is emptied.

`collecting` throws away and empties. `objects` brings back what is asked for after all: a run may have found an object
just before it was thrown away, and may name it just after. Large objects are moved to `objects/trash/<time>/`; small
ones stay where they are in their pack, and only the index says that they are in the trash.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tane import errors
from tane.store import failures, index, placing

_BATCH = 900
_PLACE = "digest, pack, offset, length, kind"


class Thrown(NamedTuple):
    """An object in the trash: since when, and the folder it lies in; empty for one that lies in a pack."""

    digest: str
    bytes: int
    at: float
    folder: str


def folder_of(root: Path) -> Path:
    """Where the large objects lie that were thrown away."""
    return root / "trash"


def lying(rows: index.Index) -> list[Thrown]:
    """Everything in the trash, as far as it can be seen."""
    found = [
        Thrown(name, status.st_size, since, folder)
        for folder, since in _folders(rows.root)
        for name, status in _files(os.path.join(folder_of(rows.root), folder))
    ]
    if not rows.knows("trashed"):
        return found
    with rows.lock:
        packed = rows._rows("select digest, length, at from trashed")
    return found + [Thrown(digest.hex(), length, at / 1e9, "") for digest, length, at in packed]


def _folders(root: Path) -> list[tuple[str, float]]:
    """The folders of the trash, and when something was last moved into or out of each."""
    try:
        with os.scandir(folder_of(root)) as entries:
            return sorted((entry.name, entry.stat().st_mtime) for entry in entries if entry.is_dir())
    except FileNotFoundError:
        return []


def _files(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    yield entry.name, entry.stat()
                except FileNotFoundError:  # brought back meanwhile
                    continue
    except FileNotFoundError:
        return


# -- throwing away -----------------------------------------------------------------------------------------------


def throw_files(rows: index.Index, digests: Iterable[str]) -> None:
    """Throw away large objects. Whatever instant this ends at, each is in the store or in the trash."""
    target = folder_of(rows.root) / time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    with failures.guarding("write", target):
        made = False
        for digest in digests:
            if not made:
                target.mkdir(parents=True, exist_ok=True)
                made = True
            try:
                os.rename(rows.root / digest[:2] / digest[2:], target / digest)
            except FileNotFoundError:  # set aside meanwhile
                continue


def throw_packed(rows: index.Index, digests: Sequence[str]) -> None:
    """Throw away objects that lie in packs."""
    now = time.time_ns()
    for batch in _batches(digests):
        marks = ",".join("?" * len(batch))
        with rows.transaction() as connection:
            connection.execute(
                f"insert or replace into trashed select {_PLACE}, ? from packed where digest in ({marks})",
                (now, *batch),
            )
            connection.execute(f"delete from packed where digest in ({marks})", batch)


def _batches(digests: Sequence[str]) -> Iterator[list[bytes]]:
    for start in range(0, len(digests), _BATCH):
        yield [bytes.fromhex(digest) for digest in digests[start : start + _BATCH]]


# -- bringing back -----------------------------------------------------------------------------------------------


def bring_back(rows: index.Index, digests: Iterable[str]) -> set[str]:
    """Put those of `digests` that are in the trash back into the store. None where nothing can be written."""
    wanted = [digest for digest in digests if _is_digest(digest)]
    if not wanted:
        return set()
    folders = [folder for folder, _ in reversed(_folders(rows.root))]
    found = {digest for digest in wanted if folders and _file_back(rows.root, folders, digest)}
    if not rows.path.exists():
        return found
    try:
        with _writable(rows) as own:
            return found | _packed_back(own, [digest for digest in wanted if digest not in found])
    except errors.StoreError:
        return found


def _is_digest(text: str) -> bool:
    return len(text) == 64 and text.isalnum()


def _file_back(root: Path, folders: Sequence[str], digest: str) -> bool:
    trash, target = folder_of(root), root / digest[:2] / digest[2:]
    for folder in folders:
        try:
            target.parent.mkdir(exist_ok=True)
            os.rename(trash / folder / digest, target)
            return True
        except OSError:
            continue
    return False


@contextmanager
def _writable(rows: index.Index) -> Iterator[index.Index]:
    """The index, or one like it where it was opened to be read only."""
    if not rows.read_only:
        yield rows
        return
    own = index.Index(rows.root)
    try:
        yield own
    finally:
        own.close()


def _packed_back(rows: index.Index, digests: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for batch in _batches(digests):
        marks = ",".join("?" * len(batch))
        with rows.lock:
            here = [row[0] for row in rows._rows(f"select digest from trashed where digest in ({marks})", batch)]
        if not here:
            continue
        marks = ",".join("?" * len(here))
        with rows.transaction() as connection:
            connection.execute(
                f"insert or ignore into packed select {_PLACE} from trashed where digest in ({marks})", here
            )
            connection.execute(f"delete from trashed where digest in ({marks})", here)
        found |= {digest.hex() for digest in here}
    return found


# -- emptying ----------------------------------------------------------------------------------------------------


def drop(rows: index.Index, thrown: Iterable[Thrown]) -> None:
    """Delete these for good. The bytes of those in packs go when their packs are written anew."""
    packed: list[str] = []
    folders: set[str] = set()
    trash = folder_of(rows.root)
    for each in thrown:
        if each.folder:
            folders.add(each.folder)
            with failures.guarding("delete", trash / each.folder / each.digest):
                placing.remove(trash / each.folder / each.digest)
        else:
            packed.append(each.digest)
    for folder in folders:
        try:
            os.rmdir(trash / folder)
        except OSError:  # something is left in it
            continue
    for batch in _batches(packed):
        with rows.transaction() as connection:
            connection.execute(f"delete from trashed where digest in ({','.join('?' * len(batch))})", batch)
