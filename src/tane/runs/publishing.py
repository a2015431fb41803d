"""Placing results in the workspace: files at their catalog paths.

One run at a time publishes a project; it holds the project's lease, an advisory file lock that the system releases
when its process ends, however it ends. Every other run keeps its results in store and ledger only.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from tane import events
from tane.catalog import datasets
from tane.ledger import connection, read, records, references, write
from tane.runs import fetching, gathered
from tane.store import failures, filedigests, objects, placing, signatures

_LOCK = "publishing.lock"


class Lease:
    """The right to publish. `acquire` gives None when another process has it.

    The file that is locked lists the places where something was about to be put, until the lease is released. Whoever
    finds such a list has it from a process that was killed, and clears away what that left half done beside them.
    """

    def __init__(self, descriptor: int, home: Path) -> None:
        self._descriptor = descriptor
        self._home = home
        self._announced: set[Path] = set()
        _held.add(self)

    @classmethod
    def acquire(cls, home: Path) -> Lease | None:
        """Take the lease of the project whose `.tane` folder is `home`, without waiting."""
        try:
            home.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(home / _LOCK, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise failures.of_store(error, "write", str(home)) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        lease = cls(descriptor, home)
        lease._clear_away()
        return lease

    def announce(self, path: Path) -> None:
        """Note that something is about to be put at `path`."""
        if path not in self._announced:
            with failures.guarding("write", self._home / _LOCK):
                placing.write_all(self._descriptor, os.fsencode(os.path.relpath(path, self._home)) + b"\0")
            self._announced.add(path)

    def _clear_away(self) -> None:
        """Delete what a process that was killed had written beside the places it was about to change."""
        listed = b""
        while part := os.read(self._descriptor, 1 << 20):
            listed += part
        for name in listed.split(b"\0")[:-1]:  # the last of them may be half written, and nothing was put there then
            placing.clear_beside(Path(os.path.normpath(self._home / os.fsdecode(name))))
        if listed:
            os.ftruncate(self._descriptor, 0)

    def release(self) -> None:
        """Let others publish, also while a process that was forked meanwhile is still there."""
        if self._descriptor >= 0:
            if self._announced:
                with suppress(OSError):  # a list that stays costs the next run a look
                    os.ftruncate(self._descriptor, 0)
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            self.let_go()

    def let_go(self) -> None:
        """Forget the lease, which stays with the process that this one was forked from."""
        _held.discard(self)
        os.close(self._descriptor)
        self._descriptor = -1


_held: set[Lease] = set()


def _after_fork() -> None:
    """A forked child, which may outlive this run, must not keep others from publishing."""
    for lease in list(_held):
        lease.let_go()


os.register_at_fork(after_in_child=_after_fork)


class Publisher:
    """Places what a run made. Hand-edited files are kept before they are replaced, and reported."""

    def __init__(
        self,
        root: Path,
        store: objects.Objects,
        files: filedigests.FileDigests,
        ledger: connection.Ledger,
        tell: Callable[[events.Event], None],
        run: str,
        before_placing: Callable[[], None],
        lease: Lease,
    ) -> None:
        self._lease = lease
        self._root = root
        self._store = store
        self._files = files
        self._ledger = ledger
        self._tell = tell
        self._run = run
        self._before_placing = before_placing
        self.placed: dict[str, records.Kept] = {}
        self.signatures: dict[str, signatures.Signature | None] = {}
        self.made: set[str] = set()  # of these, what was written here
        self.rests_on_stat = True  # False once it placed what only its dataset can look at

    def place(self, dataset: datasets.Dataset, kept: records.Kept, *, fresh: bool) -> str:
        """Make the workspace hold `kept` as `dataset`; `fresh` says that this run has just made it.

        What was done, in a word: "saved", "restored" or "replaced"; empty when it held it already.
        """
        if dataset.kind == "memory":
            return ""
        if dataset.local is None or not kept.file:
            self.rests_on_stat = False
            return (self._save_again if dataset.kind == "object" else self._send)(dataset, kept, fresh)
        path = Path(os.path.realpath(dataset.local)) if dataset.local.is_symlink() else dataset.local
        self.placed[dataset.name] = kept
        before = _look(path)
        current = self._files.of(path)
        if current == kept.file:
            self.signatures.update(before)
            self.made.update(before if fresh else ())
            return ""
        self._before_placing()  # what is placed is on record, so that after a crash it is known as ours
        verb = self._verb(path, current, fresh)
        self._lease.announce(path)
        self._store.place(kept.file, path)
        placed = _look(path)
        self.signatures.update(placed)
        self.made.update(placed)
        self._files.note(path, kept.file)
        write.note_placed(self._ledger, relative(path, self._root), kept.file)
        return verb

    def announce(self, paths: Iterable[Path]) -> None:
        """Note that something beside the results themselves is about to be put at these paths."""
        for path in paths:
            self._lease.announce(path)

    def _verb(self, path: Path, current: str | None, fresh: bool) -> str:
        last = read.placed(self._ledger, relative(path, self._root))
        if current is None:
            return "restored" if last is not None and not fresh else "saved"
        word = "saved" if fresh else "replaced"
        if current == last:
            return word
        known = read.kept_file(self._ledger, current) is not None
        if known and self._store.has(current):
            return word
        kept = self._store.put_path(path)
        self._store.flush()
        if known:  # made by a run, but kept in the store of another copy of the project
            return word
        write.add_event(self._ledger, references.replaced(relative(path, self._root), kept, self._run))
        self._notice(
            f"{relative(path, self._root)} was changed by hand; it is replaced, "
            f"and what it held is kept as object {kept[:12]}"
        )
        return "replaced"

    def _save_again(self, dataset: datasets.Dataset, kept: records.Kept, fresh: bool) -> str:
        """A dataset of its own kind was saved where the step worked; one that is gone, or holds what another run saved,
        is saved from the kept value.
        """
        if not fresh:
            there = dataset.exists()
            if not kept.value or (there and self._holds(dataset, kept)):
                return ""
            doubt(self._ledger, (dataset,))
            dataset.save(gathered.load(kept.codec, kept.value, self._store))
        write.note_placed(self._ledger, _key(dataset), kept.digest)
        return "saved" if fresh else "replaced" if there else "restored"

    def _send(self, dataset: datasets.Dataset, kept: records.Kept, fresh: bool) -> str:
        there = not fresh and dataset.exists()
        if there and self._holds(dataset, kept):
            return ""
        doubt(self._ledger, (dataset,))
        with self._store.named(kept.file, dataset.filename) as source:
            dataset.send(source)
        fetching.note_sent(dataset, kept.file, self._store)
        write.note_placed(self._ledger, _key(dataset), kept.digest)
        return "saved" if fresh else "replaced" if there else "restored"

    def _holds(self, dataset: datasets.Dataset, kept: records.Kept) -> bool:
        """Whether a place that we cannot look into is known to hold `kept`, or nothing is known of it."""
        return read.placed(self._ledger, _key(dataset)) in (kept.digest, None)

    def _notice(self, text: str) -> None:
        self._tell(events.Notice(self._run, "warning", text))


def doubt(ledger: connection.Ledger, about_to_change: Iterable[datasets.Dataset | None]) -> None:
    """Note of those of the datasets that cannot be looked into that nobody knows what they hold, until one is saved: a
    process that is killed meanwhile may leave anything there.
    """
    for dataset in about_to_change:
        if dataset is not None and (dataset.kind == "object" or (dataset.kind == "file" and dataset.local is None)):
            write.note_placed(ledger, _key(dataset), "")


def _key(dataset: datasets.Dataset) -> str:
    """How the ledger calls what has no path here: no path begins so."""
    return f"//{dataset.name}//{dataset.place}"


def relative(path: Path, root: Path) -> str:
    """How the ledger and the lock file call a path: relative to the project where it lies inside."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _look(path: Path) -> dict[str, signatures.Signature | None]:
    """How a file looks now; of a folder everything in it."""
    found = {str(path): signatures.of(path)}
    if path.is_dir():
        found.update((str(inner), signatures.of(inner)) for inner in path.rglob("*"))
    return found
