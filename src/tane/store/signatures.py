"""What `stat` says of a file, taken as the sign that its bytes are as they were.

Everybody calls it; it imports only os. Two rules make that sign safe. A file of the user's is believed only
when its signature was taken clearly after its last change (`is_racy`, Git's rule): clocks of file systems
tick in steps, so an edit just after the look would not show. A file of the store's own is sealed: its
modification time is set to a fixed moment of the past, so that any later write shows at once, whatever the
tick.
"""

from __future__ import annotations

import os

Signature = tuple[int, int, int, int]  # size, mtime_ns, ctime_ns, inode

SEALED_NS = 1_000_000_000 * 1_000_000_000  # September 2001: no write of today leaves this time behind
_TICK_NS = 20_000_000  # kernels stamp files in steps of 1 to 10 ms
_COARSE_TICK_NS = 2_000_000_000  # file systems without fractions of a second stamp in steps of 1 or 2 s
_INODE_BITS = (1 << 63) - 1  # SQLite's integers are signed


def of(path: str | os.PathLike[str]) -> Signature | None:
    """The signature of a file or folder (links followed), or None when there is none."""
    try:
        return of_stat(os.stat(path))
    except (FileNotFoundError, NotADirectoryError):
        return None


def of_stat(stat: os.stat_result) -> Signature:
    """The signature that a stat result holds."""
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino & _INODE_BITS


def is_racy(sig: Signature, taken_ns: int, tick: int = _TICK_NS) -> bool:
    """Whether the file may have changed after `taken_ns`, the time of the look, and still look like this.

    A modification time that lay ahead was set by hand, or by an archive: then the time of change tells alone.
    """
    changed = sig[2] if sig[1] > taken_ns else max(sig[1], sig[2])
    coarse = sig[1] % 1_000_000_000 == 0 and sig[2] % 1_000_000_000 == 0
    return changed >= taken_ns - (_COARSE_TICK_NS if coarse else tick)


def is_unchanged(now: Signature, then: Signature, taken_ns: int) -> bool:
    """Whether a file of the store's that looked like `then` at `taken_ns` and like `now` kept its bytes."""
    return now == then and (now[1] == SEALED_NS or not is_racy(then, taken_ns))


def seal(target: str | int) -> None:
    """Set the modification time of a path or open file to the fixed moment, where the file system lets us."""
    try:
        if os.stat(target).st_mtime_ns != SEALED_NS:
            os.utime(target, ns=(SEALED_NS, SEALED_NS))
    except OSError:  # somebody else's file in a shared store, a read-only disk: the racy rule holds for it
        pass
