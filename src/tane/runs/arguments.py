"""What a step is given: arguments that know where their value is and how each taker gets one of its own.

An argument travels to where the step works and fetches its value there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tane import errors, events, fielded
from tane.catalog import codecs, datasets
from tane.ledger import connection
from tane.plan import transforms
from tane.runs import artifacts, gathered
from tane.store import objects, signatures
from tane.tracking import mirrors


@fielded.mutable
class Place:
    """Where a step works: the open store and ledger, and loaded values that several steps take.

    `wrap` may put something between a step that works in this process and what it logs to; `logging` is what goes with
    the ledger.
    """

    store: objects.Objects
    ledger: connection.Ledger
    wrap: Callable[[events.Sink], events.Sink] | None = None
    logging: mirrors.Setup = mirrors.NOTHING
    shared: dict[str, tuple[str, Any]] = fielded.field(default_factory=dict)  # with the digest of what was loaded


@fielded.frozen
class Held:
    """An argument that is in memory: a parameter, or a value that is not kept. Each taker gets a copy."""

    value: Any

    def fetch(self, place: Place, during: ExitStack) -> Any:
        """The value, for this taker alone."""
        return handed(self.value)


@fielded.frozen
class Own:
    """An argument that came with its task from another process: here nobody else has it."""

    value: Any

    def fetch(self, place: Place, during: ExitStack) -> Any:
        """The value itself."""
        return self.value


@fielded.frozen
class Stored:
    """An argument that the store keeps as a value. `shared`: other steps of this process will take it too."""

    name: str
    codec: str
    digest: str

    def fetch(self, place: Place, during: ExitStack) -> Any:
        """The value, for this taker alone."""
        try:
            return gathered.load(self.codec, self.digest, place.store)
        except codecs.CannotRestore as error:
            error.where = f"dataset {self.name!r}"
            error.faults = tuple(fault._replace(where=error.where) for fault in error.faults)
            raise


@fielded.frozen
class Filed:
    """An argument that is the content of a dataset's file: an object, or a file too large to be kept twice."""

    dataset: datasets.Dataset
    digest: str
    path: Path | None = None
    signature: signatures.Signature | None = None
    shared: bool = False

    def fetch(self, place: Place, during: ExitStack) -> Any:
        """The value, for this taker alone; one that goes on reading may do so until `during` ends."""
        if self.dataset.lazy:
            if self.path is None:
                return self.dataset.read(during.enter_context(place.store.named(self.digest, self.dataset.filename)))
            self._check(self.path)
            during.callback(self._check, self.path)  # it is read for as long as its taker works
            return self.dataset.read(self.path)
        name = self.dataset.name
        digest, found = place.shared.get(name, ("", None))  # in one look: another thread may let go of it
        if digest == self.digest:
            return codecs.copy(found)
        value = self._read(place)
        if self.shared:
            place.shared[name] = (self.digest, value)
            return codecs.copy(value)
        return value

    def _read(self, place: Place) -> Any:
        if self.path is None:
            with place.store.named(self.digest, self.dataset.filename) as path:
                return self.dataset.read(path)
        value = self.dataset.read(self.path)
        self._check(self.path)
        return value

    def _check(self, path: Path) -> None:
        """Raise when a file that is read where it lies is no longer what the run began with."""
        if signatures.of(path) != self.signature:
            raise errors.CatalogError(
                f"{path} changed after this run had begun, or while it was read",
                where=f"dataset {self.dataset.name!r}",
                hint="wait until its writer is done, then run again",
            )


@fielded.frozen
class Part:
    """An argument that is one partition of a dataset's folder."""

    dataset: datasets.Dataset
    digest: str
    filename: str

    def fetch(self, place: Place, during: ExitStack) -> Any:
        """The partition's value, for this taker alone."""
        path = during.enter_context(place.store.named(self.digest, self.filename))
        return self.dataset.read_partition(path)


Source = Held | Own | Stored | Filed | Part


@fielded.frozen
class Transformed:
    """An argument that input transforms change after it was loaded."""

    argument: Source
    name: str
    transforms: tuple[transforms.Reference, ...]

    def fetch(self, place: Place, during: ExitStack) -> Any:
        """The changed value, for this taker alone."""
        return transforms.apply(self.transforms, self.name, self.argument.fetch(place, during))


Argument = Source | Transformed


def travelled(given: Sequence[Argument]) -> tuple[Argument, ...]:
    """The arguments of a task that came from another process: a value that shares nothing with others need not be
    copied once more.
    """
    held = [at for at, each in enumerate(given) if isinstance(each, Held) and not codecs.is_immutable(each.value)]
    if len(held) != 1 or any(isinstance(each, Transformed) for each in given):
        return tuple(given)
    (at,) = held
    value = given[at].value  # type: ignore[union-attr]
    if artifacts.are_artifacts(value):
        return tuple(given)
    return (*given[:at], Own(value), *given[at + 1 :])


def handed(value: Any) -> Any:
    """A value for one taker: a copy, so that what it does to it no other sees; itself where there is no copy of it."""
    if artifacts.are_artifacts(value):
        return artifacts.handed(value)
    try:
        return codecs.copy(value)
    except codecs.CannotKeep:
        return value
