"""The object store: bytes by digest. Runs, tracking and versions call it.

Small objects share packs, large ones have a file each, folders are trees of them; identical content is
stored once. What is put is readable at once in this process and by others after `flush`. Nothing is created
before the first write. Every object is verified before it is handed out, once per signature of the file
that holds it; a damaged one is set aside and counts as gone. Threads may share a store; a forked child goes
on with connections of its own.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from tane import errors
from tane.digest import hashing
from tane.store import failures, filedigests, index, loose, packs, placing, signatures, sources, trash, trees

Buffer = hashing.Buffer
Handed = packs.Handed
FileDigests = filedigests.FileDigests
_EXECUTABLE = 0o777
_PLAIN = 0o666
_TRIES = 5  # how often an object is looked for that was there a moment ago: collection may be moving it


class Objects:
    """One store, at `root` (a project's `.tane/objects`)."""

    def __init__(self, root: Path, *, read_only: bool = False) -> None:
        self.root = Path(os.path.abspath(root))
        self.index = index.Index(self.root, read_only=read_only)
        self._packs = packs.Packs(self.root, self.index)
        self._loose = loose.Loose(self.root, self.index)

    @property
    def read_only(self) -> bool:
        """Whether nothing can be put: it was opened so, or its disk turned out to be read-only."""
        return self.index.read_only

    # -- putting -------------------------------------------------------------------------------------------

    def put(self, data: Buffer | Sequence[Buffer]) -> str:
        """Store bytes, given whole or in chunks that follow each other."""
        if self.read_only:
            raise failures.read_only(self.root)
        if isinstance(data, bytes) and len(data) < sources.SMALL:
            digest = hashing.of_bytes(data)
            self._packs.put(digest, trees.BLOB, data)
            return digest
        given = (data,) if isinstance(data, bytes | bytearray | memoryview) else data
        chunks = [_flat(chunk) for chunk in given]
        digest = hashing.of_bytes(*chunks)
        self._put(digest, trees.BLOB, chunks)
        return digest

    def put_file(self, path: str | os.PathLike[str], *, digest: str | None = None, take: bool = False) -> str:
        """Store a file, hashed and copied in one pass; `take` moves it in instead.

        With the `digest` it is known to have, a file whose object is here already is not read at all. Raises
        `errors.CatalogError` when the file changes while it is read, or is not what `digest` says.
        """
        if self.read_only:
            raise failures.read_only(self.root)
        name = os.fspath(path)
        if digest is None or self.check(digest) != "ok":
            found = self.put_read(name, take=take).digest
            if digest not in (None, found):
                raise failures.changed(name)
            digest = found
        if take:
            placing.remove(Path(name))
        return digest

    def put_read(self, path: str, *, take: bool = False) -> sources.Read:
        """Store a file and say how it looked when it was read. With `take` the file may be gone after."""
        taken_ns = filedigests.now_ns()
        small = sources.read_small(path)
        if small is not None:
            digest = hashing.of_bytes(small[0])
            self._packs.put(digest, trees.BLOB, small[0])
            return sources.Read(digest, small[1], taken_ns)
        with self._loose.temporary() as temporary:
            source, before = sources.open_file(path)
            try:
                if take and before.st_nlink == 1 and _moved(path, temporary):
                    path = temporary
                    digest = hashing.of_file(path)
                    before_sig, now = signatures.of_stat(before), signatures.of_stat(os.fstat(source))
                    if before_sig[:2] != now[:2]:  # the move itself changes the rest
                        raise failures.changed(path)
                else:
                    digest = self._loose.copy_in(source, temporary)
                    sources.check_unchanged(path, source, before)
            finally:
                os.close(source)
            if not self._is_whole(digest):
                self._loose.adopt(temporary, digest, trees.BLOB)
        return sources.Read(digest, signatures.of_stat(before), taken_ns)

    def put_tree(self, folder: str | os.PathLike[str], *, take: bool = False) -> str:
        """Store a folder with all that is in it; the digest is that of its tree. `take` moves it in."""
        if self.read_only:
            raise failures.read_only(self.root)
        name = os.fspath(folder)
        linked = take and any(os.path.islink(path) for path in placing.below(name))
        moving = take and not linked  # what links lead to must stay until all are followed
        digest, _ = sources.walk(name, lambda path, _: self.put_read(path, take=moving).digest, self.put_tree_bytes)
        if take:
            placing.remove(Path(name))
        return digest

    def put_path(self, path: str | os.PathLike[str], *, take: bool = False) -> str:
        """Store a file or a folder; `take` moves it in, for what was made in `scratch`."""
        return self.put_tree(path, take=take) if os.path.isdir(path) else self.put_file(path, take=take)

    def put_tree_bytes(self, data: bytes) -> str:
        """Store one tree, given as `trees.encode` writes it."""
        digest = trees.digest_of(data)
        self._put(digest, trees.TREE, [data])
        return digest

    def flush(self) -> None:
        """Make all that was put durable and visible to other processes."""
        self._packs.flush()
        self.index.flush()

    def hand_over(self, most: int) -> tuple[Handed, ...]:
        """What was put and is not written yet, taken out for another process to `take_over`. When it is more than
        `most` bytes it is written instead. The rest becomes visible to other processes.
        """
        handed = self._packs.hand_over(most)
        self.index.flush()
        return handed

    def take_over(self, handed: Iterable[Handed]) -> None:
        """Put what another process has handed over."""
        for digest, kind, data in handed:
            self._packs.put(digest, kind, data)

    def _put(self, digest: str, kind: int, chunks: Sequence[Buffer]) -> None:
        if sum(map(len, chunks)) < sources.SMALL:
            self._packs.put(digest, kind, b"".join(chunks))
        else:
            self._loose.put(digest, kind, chunks)

    def _is_whole(self, digest: str) -> bool:
        """Whether a loose object is there and as it was; one in doubt is better replaced than read."""
        seen, sig = self.index.seen(digest), signatures.of(self._loose.path(digest))
        return bool(seen and sig and signatures.is_unchanged(sig, seen.sig, seen.taken_ns))

    # -- asking --------------------------------------------------------------------------------------------

    def has(self, digest: str) -> bool:
        """Whether the object is here; neither it nor what a tree names is verified."""
        if self._packs.pending(digest) or self.index.locate(digest):
            return True
        return bool(digest) and os.path.exists(self._loose.path(digest))

    def check(self, digest: str) -> packs.State:
        """Whether the object, and for a tree all below it, is here and undamaged."""
        return self.check_many((digest,))[digest]

    def check_many(self, digests: Iterable[str]) -> dict[str, packs.State]:
        """`check` for many at once, which costs less than one by one."""
        wanted = list(dict.fromkeys(digests))
        states = self._own_states(wanted)
        inner: dict[str, list[str]] = {}
        for digest in wanted:
            if states[digest] == "ok" and self._kind(digest) == trees.TREE:
                inner[digest] = [entry.digest for entry in self.entries(digest)]
        if inner:
            below = self.check_many(child for children in inner.values() for child in children)
            for digest, children in inner.items():
                found = {below[child] for child in children}
                states[digest] = "corrupt" if "corrupt" in found else "missing" if "missing" in found else "ok"
        return states

    def _own_states(self, digests: Sequence[str]) -> dict[str, packs.State]:
        """The states of objects, not of what trees name. One that was thrown away comes back when it is asked for."""
        states = self._look(digests)
        missing = [digest for digest, state in states.items() if state == "missing"]
        if missing:
            back = trash.bring_back(self.index, missing)
            states.update(self._look([digest for digest in missing if digest in back]))
        return states

    def _look(self, digests: Sequence[str]) -> dict[str, packs.State]:
        states: dict[str, packs.State] = {digest: "ok" for digest in digests if self._packs.pending(digest)}
        rows = self.index.locate_many(digest for digest in digests if digest not in states)
        states.update(self._packs.states(rows))
        moved = [digest for digest in rows if states[digest] == "missing"]
        if moved:  # into another pack, it may be
            again = self.index.locate_many(moved)
            states.update(self._packs.states({digest: row for digest, row in again.items() if row != rows[digest]}))
        for digest in digests:
            if states.get(digest, "missing") == "missing":
                states[digest] = self._loose.state(digest)
        return states

    def _kind(self, digest: str) -> int:
        """The kind of an object whose own state is ok."""
        waiting = self._packs.pending(digest)
        if waiting is not None:
            return waiting[0]
        place = self.index.locate(digest)
        return place.kind if place else self._loose.kind(digest)

    def _whole(self, digest: str) -> index.Packed | None:
        """Verify an object; where it lies when it is packed or waiting to be, None when it is loose."""
        _demand(digest, self._own_states((digest,))[digest])
        waiting = self._packs.pending(digest)
        if waiting is not None:
            return index.Packed(0, 0, len(waiting[1]), waiting[0])
        return self.index.locate(digest)

    def is_tree(self, digest: str) -> bool:
        """Whether the object is a folder. Raises when it is not here or damaged."""
        self._whole(digest)
        return self._kind(digest) == trees.TREE

    def size(self, digest: str) -> int:
        """The number of bytes of an object; of a tree, those of all its files."""
        row = self._whole(digest)
        if self._kind(digest) == trees.TREE:
            return sum(entry.size for entry in self.entries(digest))
        if row is not None:
            return row.length
        with failures.guarding("read", self._loose.path(digest)):
            return os.stat(self._loose.path(digest)).st_size

    def entries(self, digest: str) -> tuple[trees.Entry, ...]:
        """What a tree names, in order."""
        return trees.decode(self.read(digest))

    def files(self, digest: str, prefix: str = "") -> Iterator[tuple[str, trees.Entry]]:
        """All files of a tree with their paths below it."""
        for entry in self.entries(digest):
            path = f"{prefix}{entry.name}"
            if entry.kind == trees.FOLDER:
                yield from self.files(entry.digest, f"{path}/")
            else:
                yield path, entry

    def watched(self, digests: Iterable[str]) -> dict[str, signatures.Signature]:
        """The signatures of the files that hold these objects and all below trees, which are all checked."""
        self.flush()
        wanted = list(dict.fromkeys(digests))
        for _ in range(_TRIES):
            try:
                return self._watched(wanted)
            except errors.MissingObjectError:  # or moved between two looks
                continue
        return self._watched(wanted)

    def _watched(self, wanted: list[str]) -> dict[str, signatures.Signature]:
        found: dict[str, signatures.Signature] = {}
        numbers: set[int] = set()
        while wanted:
            for digest, state in self._own_states(wanted).items():
                _demand(digest, state)
            rows = self.index.locate_many(wanted)
            below: list[str] = []
            for digest in wanted:
                row = rows.get(digest)
                if row is None:
                    _watch(found, self._loose.path(digest), digest)
                elif row.pack not in numbers:
                    numbers.add(row.pack)
                    _watch(found, self._packs.file_of(row), digest)
                if (row.kind if row else self._loose.kind(digest)) == trees.TREE:
                    below += [entry.digest for entry in self.entries(digest)]
            wanted = list(dict.fromkeys(below))
        return found

    # -- getting -------------------------------------------------------------------------------------------

    def read(self, digest: str) -> bytes:
        """The verified bytes of an object. Raises when it is not here or damaged."""
        for _ in range(_TRIES):
            waiting = self._packs.pending(digest)
            if waiting is not None:
                return waiting[1]
            row = self._whole(digest)
            if row is None:
                with failures.guarding("read", self._loose.path(digest)), suppress(FileNotFoundError):
                    return Path(self._loose.path(digest)).read_bytes()
            elif row.pack:
                data = self._packs.read(row)
                if data is not None:
                    return data
            # else it was put again just now by another thread: it waits once more, or has been written meanwhile
        raise errors.MissingObjectError(digest)

    def map(self, digest: str) -> memoryview:
        """The verified bytes of an object: a private copy-on-write map of a large one, or a view."""
        path = self._loose.path(digest)
        for _ in range(_TRIES):
            if self._whole(digest) is not None:
                return memoryview(self.read(digest))
            with failures.guarding("read", path), suppress(FileNotFoundError), open(path, "rb") as file:
                return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
        raise errors.MissingObjectError(digest)

    def place(self, digest: str, target: str | os.PathLike[str], *, link: bool = False) -> None:
        """Put a verified file or folder at `target`, whole or not at all.

        With `link`, large files become hard links of the store's read-only files; small ones, which lie in
        packs, and files on another disk are copied all the same.
        """
        _demand(digest, self.check(digest))
        place = Path(os.path.abspath(target))
        if self._kind(digest) == trees.TREE:
            placing.folder(place, lambda folder: self._fill(digest, folder, link))
        else:
            self._place_file(digest, place, _PLAIN, link)

    def _fill(self, tree: str, folder: Path, link: bool) -> None:
        """Write what a tree names into an empty folder nobody else sees."""
        for entry in self.entries(tree):
            target = folder / entry.name
            if entry.kind == trees.FOLDER:
                target.mkdir()
                self._fill(entry.digest, target, link)
                continue
            mode = _EXECUTABLE if entry.kind == trees.EXECUTABLE else _PLAIN
            if link and mode == _PLAIN and self._link(entry.digest, target):
                continue
            opened = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
            try:
                self._copy_out(entry.digest, opened)
            finally:
                os.close(opened)

    def _place_file(self, digest: str, target: Path, mode: int, link: bool) -> None:
        if not (link and self._link(digest, target)):
            placing.file(target, lambda opened: self._copy_out(digest, opened), mode)

    def _link(self, digest: str, target: Path) -> bool:
        return self._whole(digest) is None and self._loose.link(digest, target)

    def _copy_out(self, digest: str, opened: int) -> None:
        for _ in range(_TRIES):
            if self._whole(digest) is not None:
                placing.write_all(opened, self.read(digest))
                return
            with suppress(FileNotFoundError):
                placing.copy(self._loose.path(digest), opened)
                return
        raise errors.MissingObjectError(digest)

    @contextmanager
    def named(self, digest: str, name: str) -> Iterator[Path]:
        """A path of that file name with the object's content, to read from and only inside the `with`."""
        packed = self._whole(digest)
        with self.scratch() as folder:
            target = folder / name
            if packed is None and self._loose.kind(digest) == trees.BLOB:
                target.symlink_to(self._loose.path(digest))
            else:
                self.place(digest, target)
            try:
                yield target
            except Exception as error:
                if not target.exists():  # collected while it was read: that is what went wrong
                    raise errors.MissingObjectError(digest) from error
                raise

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A fresh folder on the store's disk, from where things can be moved in; deleted at the end."""
        if self.read_only:
            import tempfile  # slow to import and seldom needed

            with tempfile.TemporaryDirectory(prefix="tane-") as place:
                yield Path(place)
            return
        with self._loose.temporary() as path:
            with failures.guarding("write", path):
                os.mkdir(path)
            yield Path(path)

    # -- ending --------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Flush, and let go of all files."""
        try:
            self._packs.close()
        finally:
            self.index.close()

    def __enter__(self) -> Objects:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _flat(chunk: Buffer) -> Buffer:
    """A chunk as plain bytes in a row, so that its length is its size."""
    if not isinstance(chunk, memoryview):
        return chunk
    if not chunk.nbytes:
        return b""
    return chunk.cast("B") if chunk.c_contiguous else chunk.tobytes()


def _moved(path: str, target: str) -> bool:
    """Move a file within its disk; False when that cannot be, or it is a link to a file elsewhere."""
    if os.path.islink(path):
        return False
    try:
        os.rename(path, target)
    except OSError:
        return False
    return True


def _demand(digest: str, state: packs.State) -> None:
    """Raise the error for an object that is not well."""
    if state == "missing":
        raise errors.MissingObjectError(digest)
    if state == "corrupt":
        raise errors.CorruptObjectError(digest)


def _watch(found: dict[str, signatures.Signature], path: str | None, digest: str) -> None:
    sig = signatures.of(path) if path else None
    if path is None or sig is None:
        raise errors.MissingObjectError(digest)
    found[path] = sig
