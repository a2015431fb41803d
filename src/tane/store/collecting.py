"""What lies in a store, how old it is, what was left behind in it; and throwing things away. `versions` calls it.

It knows nothing of runs: what is needed it is told. Whatever instant a process is killed at, every object is in the
store or in the trash, and the next collection goes on.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tane import errors
from tane.store import failures, health, index, loose, objects, placing, repacking, trash, trees

_LOCK = "collecting.lock"
_OWNERLESS = 7 * 86400.0  # temporary things of other machines: nobody can say whether their process lives


class Lying(NamedTuple):
    """An object in the store: its kind, its own bytes, and when it came (for a packed one, at the latest)."""

    digest: str
    kind: int
    bytes: int
    at: float
    packed: bool


class Left(NamedTuple):
    """Something that belongs to nobody: where, what it is, its bytes, since when, and whose it was."""

    path: Path
    what: str
    bytes: int
    at: float
    owner: str = ""


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """One collection at a time. Raises `errors.StoreError` when another is at work on the store at `root`."""
    path = root / _LOCK
    with failures.guarding("write", path):
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise errors.StoreError(
                f"another collection is at work on {root}", hint="wait until it has ended, then try again"
            ) from None
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(file)


# -- what there is -----------------------------------------------------------------------------------------------


def lying(store: objects.Objects) -> list[Lying]:
    """Every object in the store, those in the trash left out."""
    return [*_packed(store.index), *_large(store)]


def _packed(rows: index.Index) -> Iterator[Lying]:
    with rows.lock:
        found = rows._rows("select digest, kind, length, pack, offset from packed")
    ages = repacking.ages(rows)
    for digest, kind, length, pack, offset in found:
        yield Lying(digest.hex(), kind, length, ages.of(pack, offset) / 1e9, True)


def _large(store: objects.Objects) -> Iterator[Lying]:
    with store.index.lock:
        kinds = {digest.hex(): kind for digest, kind in store.index._rows("select digest, kind from seen")}
    for digest, path in health.files(store.root):
        try:
            status = os.stat(path)
            kind = kinds[digest] if digest in kinds else _kind(path)
        except FileNotFoundError:
            continue
        yield Lying(digest, kind, status.st_size, status.st_ctime, False)


def _kind(path: str) -> int:
    with open(path, "rb") as file:
        return trees.TREE if file.read(len(trees.MAGIC)) == trees.MAGIC else trees.BLOB


class Reached(NamedTuple):
    """What is needed, and those folders among it that cannot be read: what they name is not known."""

    digests: set[str]
    unreadable: list[str]


def reached(store: objects.Objects, digests: Iterable[str], found: Iterable[Lying]) -> Reached:
    """`digests` and all that the trees among them name. What of it is in the trash is brought back."""
    kinds = {each.digest: each.kind for each in found}
    known: set[str] = set()
    unreadable: list[str] = []
    wanted = {digest for digest in digests if digest}
    while wanted:
        known |= wanted
        for digest in trash.bring_back(store.index, wanted - kinds.keys()):
            kinds[digest] = trees.TREE if _is_tree(store, digest) else trees.BLOB
        below: set[str] = set()
        for digest in wanted:
            if kinds.get(digest) == trees.TREE:
                try:
                    below.update(entry.digest for entry in store.entries(digest))
                except errors.StoreError:
                    unreadable.append(digest)
        wanted = below - known
    return Reached(known, sorted(unreadable))


def _is_tree(store: objects.Objects, digest: str) -> bool:
    try:
        return store.is_tree(digest)
    except errors.StoreError:
        return False


def throw(store: objects.Objects, found: Iterable[Lying]) -> None:
    """Move these into the trash."""
    packed: list[str] = []
    large: list[str] = []
    for each in found:
        (packed if each.packed else large).append(each.digest)
    trash.throw_packed(store.index, packed)
    trash.throw_files(store.index, large)


# -- what was left behind ----------------------------------------------------------------------------------------


def left_behind(root: Path, now: float, grace: float) -> list[Left]:
    """Temporary things of processes that are gone, and damaged objects set aside longer than `grace` seconds ago."""
    found = []
    for path, status in _inside(root / "tmp"):
        owner = _owner(path.name, status.st_ctime, now)
        if owner and now - status.st_ctime >= min(grace, loose._LEFT_BEHIND):
            found.append(Left(path, "temporary file", size_of(path), status.st_ctime, owner))
    for path, status in _inside(root / "quarantine"):
        if now - status.st_ctime >= grace:
            found.append(Left(path, "damaged object", size_of(path), status.st_ctime))
    return found


def _inside(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return
    for name in names:
        try:
            yield folder / name, os.lstat(folder / name)
        except FileNotFoundError:
            continue


def _owner(name: str, at: float, now: float) -> str:
    """Whose a temporary thing was, in words; empty while its owner may still be at work on it."""
    host, _, pid = name.rpartition("-")[0].rpartition("-")
    if host != os.uname().nodename or not pid.isdigit():
        return (f"a process on {host}" if host else "nobody knows whose") if now - at > _OWNERLESS else ""
    return "" if _lives(int(pid), at) else f"process {pid}, which is gone"


def _lives(pid: int, at: float) -> bool:
    """Whether the process that was `pid` at that time is still there: numbers are used again."""
    if not loose._is_alive(pid):
        return False
    try:
        started = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
        boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
        return int(boot.split()[1]) + int(started) / os.sysconf("SC_CLK_TCK") < at + 2
    except (OSError, ValueError, IndexError, StopIteration):
        return True


def size_of(path: Path) -> int:
    """The bytes of a file, or of all files in a folder."""
    try:
        if not path.is_dir() or path.is_symlink():
            return os.lstat(path).st_size
        return sum(os.lstat(inner).st_size for inner in placing.below(str(path)) if not os.path.isdir(inner))
    except FileNotFoundError:
        return 0


def remove(found: Iterable[Left]) -> None:
    """Delete these."""
    for each in found:
        with failures.guarding("delete", each.path):
            placing.remove(each.path)


# -- the index ---------------------------------------------------------------------------------------------------


def take_in(store: objects.Objects) -> None:
    """Tell the index of packs that it has never heard of, so that what they hold is found, or collected."""
    if (store.root / "packs").is_dir():
        with store.index.transaction():
            store._packs._adopt()


def forget_gone(store: objects.Objects, thrown: Iterable[trash.Thrown]) -> None:
    """Have the index remember large objects no longer that are neither in the store nor in the trash."""
    rows = store.index
    there = {digest for digest, _ in health.files(store.root)} | {each.digest for each in thrown}
    with rows.lock:
        gone = [row for row in rows._rows("select digest from seen") if row[0].hex() not in there]
    if gone:
        with rows.transaction() as connection:
            connection.executemany("delete from seen where digest = ?", gone)
