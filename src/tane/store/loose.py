"""Large objects, each in a file of its own: `objects/ab/cdef...`, mode 0444. `objects` calls it.

A file gets its name only when it is whole: it is written in `objects/tmp`, sealed, and renamed. Nothing is
synced to the disk: an object that a power cut takes away is found missing or damaged, and made again.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue

from tane.digest import hashing
from tane.store import failures, index, packs, placing, quarantine, signatures, trees

_BLOCK = 4 * 1024 * 1024  # measured: the best size for reading and hashing one block while another is written
_BLOCKS = 3
_MODE = 0o444
_LEFT_BEHIND = 600  # seconds after which what a dead process left in tmp is deleted
_FORGOTTEN = 7 * 86400  # and what nobody knows


class Loose:
    """The loose objects of one store."""

    def __init__(self, root: Path, rows: index.Index) -> None:
        self._root = root
        self._tmp = root / "tmp"
        self._index = rows
        self._prepared = -1

    def path(self, digest: str) -> str:
        """Where the file of `digest` lies or would lie."""
        return f"{self._root}/{digest[:2]}/{digest[2:]}"

    # -- writing -------------------------------------------------------------------------------------------

    def put(self, digest: str, kind: int, chunks: Sequence[hashing.Buffer]) -> None:
        """Write an object from memory, unless it is there."""
        if self.state(digest) == "ok":
            return
        with self.temporary() as path, failures.guarding("write", path):
            file = os.open(path, _WRITE, 0o600)
            try:
                for chunk in chunks:
                    placing.write_all(file, chunk)
            finally:
                os.close(file)
            self.adopt(path, digest, kind)

    def copy_in(self, source: int, target: str) -> str:
        """Copy the open file `source` into the new file `target`, and the digest of what was copied."""
        with failures.guarding("write", target):
            file = os.open(target, _WRITE, 0o600)
            try:
                if placing.clone(source, file):
                    return hashing.of_file(target)
                return _copy_and_hash(source, file)
            finally:
                os.close(file)

    def adopt(self, path: str, digest: str, kind: int) -> None:
        """Rename the whole and finished file at `path` into the store."""
        target = self.path(digest)
        with failures.guarding("write", target):
            os.chmod(path, _MODE)
            signatures.seal(path)
            try:
                os.replace(path, target)
            except FileNotFoundError:
                with suppress(FileExistsError):
                    os.mkdir(target[:-63])  # not its parents: a store deleted while in use stays deleted
                os.replace(path, target)
        self._note(digest, kind, target)

    @contextmanager
    def temporary(self) -> Iterator[str]:
        """A fresh path in the store's own folder for temporary things; what is left there is deleted."""
        self._prepare()
        path = self._tmp / f"{os.uname().nodename}-{os.getpid()}-{os.urandom(6).hex()}"
        try:
            yield str(path)
        finally:
            placing.remove(path)

    def _prepare(self) -> None:
        """Make the folder; when it goes away later, that is said once before it is made anew."""
        self._index.check_open()
        if self._index.read_only:
            raise failures.read_only(self._root)
        if self._prepared == self._index.losses:
            if self._tmp.is_dir():
                return
            self._index.give_up()
            raise failures.of_store(FileNotFoundError(errno.ENOENT, "it is gone"), "write", self._tmp)
        with failures.guarding("write", self._tmp):
            self._tmp.mkdir(parents=True, exist_ok=True)
            for item in self._tmp.iterdir():
                if _is_left_behind(item):
                    placing.remove(item)
        self._prepared = self._index.losses

    def _note(self, digest: str, kind: int, path: str) -> None:
        taken_ns = time.time_ns()
        sig = signatures.of(path)
        if sig is not None:
            self._index.note_seen(digest, index.Seen(kind, sig, taken_ns))

    # -- reading -------------------------------------------------------------------------------------------

    def state(self, digest: str) -> packs.State:
        """How the file of `digest` is; a damaged one is set aside."""
        path = self.path(digest)
        sig = signatures.of(path) if digest else None
        if sig is None:
            return "missing"
        seen = self._index.seen(digest)
        if seen is not None and signatures.is_unchanged(sig, seen.sig, seen.taken_ns):
            return "ok"
        return self._verify(digest, path)

    def kind(self, digest: str) -> int:
        """The kind of an object whose state is ok."""
        seen = self._index.seen(digest)
        assert seen is not None
        return seen.kind

    def _verify(self, digest: str, path: str) -> packs.State:
        if not self._index.read_only:
            signatures.seal(path)
        taken_ns = time.time_ns()
        sig = signatures.of(path)
        try:
            content = hashing.of_file(path)
            with open(path, "rb") as file:
                head = file.read(len(trees.MAGIC))
        except FileNotFoundError:
            return "missing"
        except OSError as error:
            if error.errno != errno.EIO:  # a disk that cannot give the bytes back has damaged them
                raise failures.of_store(error, "read", path) from error
            content, head = "", b""
        kind = trees.kind_of(digest, content, head)
        if kind is None:
            if not self._index.read_only:
                quarantine.move(self._root / "quarantine", digest, path)
                self._index.forget_seen(digest)
            return "corrupt"
        if sig is not None:
            self._index.note_seen(digest, index.Seen(kind, sig, taken_ns))
        return "ok"

    def link(self, digest: str, target: Path) -> bool:
        """Make `target` another name of the object's file; a link changes its signature, not its bytes."""
        path = self.path(digest)
        before = signatures.of(path)
        if not placing.link(path, target):
            return False
        after = signatures.of(path)
        if before and after and (before[0], before[1], before[3]) == (after[0], after[1], after[3]):
            self._note(digest, self.kind(digest), path)
        return True


_WRITE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def _copy_and_hash(source: int, target: int) -> str:
    """Read and hash here while a thread writes. A file that grows meanwhile is not followed for ever."""
    state = hashing.hasher()
    left = os.fstat(source).st_size
    free: SimpleQueue[bytearray] = SimpleQueue()
    full: SimpleQueue[tuple[bytearray, int]] = SimpleQueue()
    faults: list[OSError] = []

    def write() -> None:
        while True:
            block, count = full.get()
            if not count:
                return
            if not faults:
                try:
                    placing.write_all(target, memoryview(block)[:count])
                except OSError as error:
                    faults.append(error)
            free.put(block)

    for _ in range(_BLOCKS):
        free.put(bytearray(_BLOCK))
    writer = threading.Thread(target=write, name="tane-store-writer")
    writer.start()
    try:
        while not faults and left >= 0:
            block = free.get()
            count = os.readv(source, [block])
            if not count:
                break
            left -= count
            full.put((block, count))
            state.update(memoryview(block)[:count])
    finally:
        full.put((bytearray(), 0))
        writer.join()
    if faults:
        raise faults[0]
    return str(state.hexdigest())


def _is_left_behind(item: Path) -> bool:
    """Whether something in tmp belongs to nobody any more."""
    try:
        status = os.lstat(item)
    except FileNotFoundError:
        return False
    age = time.time() - status.st_ctime
    host, _, rest = item.name.rpartition("-")[0].rpartition("-")
    if host != os.uname().nodename or not rest.isdigit():
        return age > _FORGOTTEN
    return age > _LEFT_BEHIND and not _is_alive(int(rest))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            state = file.read().rpartition(b")")[2].split()[0]  # the name before it may hold anything
    except (OSError, IndexError):  # not on this system
        return True
    return state not in (b"Z", b"X")  # the remains of a process whose parent does not ask how it ended
