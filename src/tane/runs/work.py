"""Performing one step: fetch its arguments, call its function, keep what it returns.

Runs in this process or in a worker: a `Task` travels, an `Outcome` comes back. Nothing is recorded here but what the
function itself logs.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tane import errors, events
from tane.catalog import codecs, datasets
from tane.digest import values
from tane.ledger import connection, records
from tane.pipeline import nodes
from tane.project import tracebacks
from tane.runs import journal, resource_use
from tane.store import failures, objects, signatures
from tane.tracking import sinks


@dataclass(slots=True)
class Place:
    """Where a step works: the open store and ledger, and loaded values that several steps take."""

    store: objects.Objects
    ledger: connection.Ledger
    shared: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Held:
    """An argument that is in memory: a parameter, or a value that is not kept. Each taker gets a copy."""

    value: Any

    def fetch(self, place: Place) -> Any:
        """The value, for this taker alone."""
        return handed(self.value)


@dataclass(frozen=True, slots=True)
class Stored:
    """An argument that the store keeps as a value. `shared`: other steps of this process will take it too."""

    name: str
    codec: str
    digest: str

    def fetch(self, place: Place) -> Any:
        """The value, for this taker alone."""
        try:
            return codecs.decode(self.codec, place.store.map(self.digest))
        except codecs.CannotRestore as error:
            error.where = f"dataset {self.name!r}"
            error.faults = tuple(fault._replace(where=error.where) for fault in error.faults)
            raise


@dataclass(frozen=True, slots=True)
class Filed:
    """An argument that is the content of a dataset's file: an object, or a file too large to be kept twice."""

    dataset: datasets.Dataset
    digest: str
    path: Path | None = None
    signature: signatures.Signature | None = None
    shared: bool = False

    def fetch(self, place: Place) -> Any:
        """The value, for this taker alone."""
        name = self.dataset.name
        if name in place.shared:
            return codecs.copy(place.shared[name])
        value = self._read(place)
        if self.shared:
            place.shared[name] = value
            return codecs.copy(value)
        return value

    def _read(self, place: Place) -> Any:
        if self.path is None:
            with place.store.named(self.digest, self.dataset.filename) as path:
                return self.dataset.read(path)
        value = self.dataset.read(self.path)
        if signatures.of(self.path) != self.signature:
            raise errors.CatalogError(
                f"{self.path} changed while it was read",
                where=f"dataset {self.dataset.name!r}",
                hint="wait until its writer is done, then run again",
            )
        return value


Argument = Held | Stored | Filed


def handed(value: Any) -> Any:
    """A value for one taker: a copy, so that what it does to it no other sees; itself where there is no copy of it."""
    try:
        return codecs.copy(value)
    except codecs.CannotKeep:
        return value


@dataclass(frozen=True, slots=True)
class Output:
    """A dataset to be made: where it goes, and whether its value is kept."""

    name: str
    dataset: datasets.Dataset | None
    keep: bool


@dataclass(frozen=True, slots=True)
class Task:
    """All that performing one step takes."""

    run: str
    node: str
    func: Callable[..., Any]
    positional: tuple[Argument, ...]
    by_name: tuple[tuple[str, Argument], ...]
    outputs: tuple[Output, ...]
    returns: nodes.Returns
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Made:
    """An output as it was kept.

    `held` says that its `value` comes with it, for those who take it: one that is not kept, or one so small and
    unchangeable that fetching it from the store would cost more.
    """

    kept: records.Kept
    held: bool = False
    value: Any = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step made, and what it took: start and end (epoch seconds), CPU seconds, peak memory in bytes."""

    outputs: tuple[Made, ...]
    started: float
    ended: float
    cpu: float
    peak_memory: int


def perform(task: Task, place: Place) -> Outcome:
    """Do the work of `task`. Raises `errors.UserCodeError` when the user's function fails."""
    started, use = time.time(), resource_use.watch()
    sink = sinks.LedgerSink(place.ledger, place.store, task.run, task.node)
    token = events.active.set(sink)
    try:
        positional = [argument.fetch(place) for argument in task.positional]
        by_name = {name: argument.fetch(place) for name, argument in task.by_name}
        result = call(task.func, positional, by_name, task.node)
        del positional, by_name
        names = [output.name for output in task.outputs]
        returned = unpack(result, task.node, names, task.returns, task.keys)
        del result
        outputs = tuple(
            keep(output, value, place, task.node) for output, value in zip(task.outputs, returned, strict=True)
        )
    finally:
        events.active.reset(token)
    ended = time.time()
    cpu, peak = use.stop(ended - started)
    return Outcome(outputs, started, ended, cpu, peak)


def perform_remotely(task: Task, store: str, ledger: str) -> Outcome:
    """`perform` in a worker process, which opens store and ledger once."""
    place = _open(store, ledger, os.getpid())
    log = journal.Journal(Path(ledger).parent / "runs", task.run)
    try:
        with journal.listening(log):
            outcome = perform(task, place)
    finally:
        log.close()
    place.store.flush()
    return outcome


@functools.cache
def _open(store: str, ledger: str, process: int) -> Place:
    root = Path(store)
    return Place(objects.Objects(root), connection.open_ledger(Path(ledger)))


def call(func: Callable[..., Any], positional: Sequence[Any], by_name: Mapping[str, Any], node: str) -> Any:
    """Call the user's function; what it raises becomes an error that shows the user's frames first."""
    try:
        return func(*positional, **by_name)
    except (errors.TaneError, KeyboardInterrupt):
        raise
    except BaseException as error:  # sys.exit() and a cancelled task end the node, not the run
        shown = tracebacks.show(error)
        raise errors.UserCodeError(
            f"node {node!r} failed: {shown.line}",
            where=shown.where,
            hint="mend it and run again: what succeeded is kept",
            traceback=shown.text,
        ) from error


def unpack(result: Any, node: str, names: Sequence[str], returns: nodes.Returns, keys: Sequence[str]) -> Sequence[Any]:
    """The returned values, one for each of the outputs `names`.

    Raises `errors.UserCodeError` when they are too few, too many or None.
    """
    if returns == "nothing":
        return ()
    if returns == "one":
        returned: Sequence[Any] = (result,)
    elif returns == "many":
        returned = _many(result, node, names)
    else:
        returned = _by_key(result, node, keys)
    for name, value in zip(names, returned, strict=True):
        if value is None:
            raise errors.UserCodeError(
                f"node {node!r} returned None for output {name!r}",
                hint="return a value on every path, or describe the node with outputs=None",
            )
    return returned


def _many(result: Any, node: str, names: Sequence[str]) -> Sequence[Any]:
    if not isinstance(result, (tuple, list)):
        raise errors.UserCodeError(
            f"node {node!r} returned one {type(result).__name__}, not the {len(names)} outputs {', '.join(names)}",
            hint="return a tuple or list with one value for each output",
        )
    if len(result) != len(names):
        raise errors.UserCodeError(
            f"node {node!r} returned {len(result)} values for {len(names)} outputs: {', '.join(names)}",
            hint="return one value for each output",
        )
    return result


def _by_key(result: Any, node: str, keys: Sequence[str]) -> Sequence[Any]:
    if not isinstance(result, Mapping):
        raise errors.UserCodeError(
            f"node {node!r} returned one {type(result).__name__}, not a dict with {', '.join(keys)}",
            hint="return a dict with the keys that outputs= names",
        )
    missing = [key for key in keys if key not in result]
    if missing:
        raise errors.UserCodeError(
            f"node {node!r} returned a dict without {', '.join(map(repr, missing))}",
            hint=f"it has the keys {', '.join(map(repr, result))}",
        )
    return [result[key] for key in keys]


def keep(output: Output, value: Any, place: Place, node: str) -> Made:
    """Keep one returned value: in the store as it is, and as its dataset's file where it has one."""
    dataset = output.dataset
    if dataset is None or dataset.kind == "memory":
        return _keep_value(output, value, place, node)
    if dataset.kind == "object":
        return _keep_through_object(output, dataset, value, place, node)
    return _keep_file(output, dataset, value, place, node)


def _keep_value(output: Output, value: Any, place: Place, node: str) -> Made:
    try:
        print_ = values.of(value)
        if not output.keep:
            return Made(records.Kept(output.name, print_.digest, libraries=print_.libraries), True, value)
        encoded = codecs.encode(value)
    except (values.CannotDigest, codecs.CannotKeep) as fault:
        if not output.keep:
            return Made(records.Kept(output.name, _unique()), True, value)
        raise errors.UserCodeError(
            f"output {output.name!r} of node {node!r} cannot be kept: it is {fault.what}",
            hint=f"return plain data, or catalogue {output.name!r} as MemoryDataset to pass it on without keeping it",
        ) from None
    size = sum(memoryview(chunk).nbytes for chunk in encoded.chunks)
    stored = place.store.put(encoded.chunks)
    return Made(
        records.Kept(
            output.name,
            print_.digest,
            codec=encoded.codec,
            value=stored,
            bytes=size,
            classes=print_.classes,
            libraries=print_.libraries,
        ),
        held=type(value) in _ATOMS and size < _SMALL,
        value=value if type(value) in _ATOMS and size < _SMALL else None,
    )


_ATOMS = frozenset({int, float, bool, str, bytes, complex})
_SMALL = 4096


def _keep_file(output: Output, dataset: datasets.Dataset, value: Any, place: Place, node: str) -> Made:
    with place.store.scratch() as folder:
        path = folder / dataset.filename
        _write(dataset, value, path, node)
        digest = place.store.put_path(path, take=True)
    size = place.store.size(digest)
    classes, libraries, codec, stored = _beside(dataset, value, place)
    kept = records.Kept(output.name, digest, codec, stored, digest, save_digest(dataset), size, classes, libraries)
    return Made(kept)


def _beside(dataset: datasets.Dataset, value: Any, place: Place) -> tuple[tuple[str, ...], tuple[str, ...], str, str]:
    """What a file does not say: the code and libraries its value rests on, and the value itself where the file does
    not give it back exactly (so that another format can be written without running the step again).
    """
    if dataset.write_only:
        return (), (), "", ""
    try:
        print_ = values.of(value)
        if dataset.faithful:
            return print_.classes, print_.libraries, "", ""
        encoded = codecs.encode(value)
    except (values.CannotDigest, codecs.CannotKeep):
        return (), (), "", ""
    return print_.classes, print_.libraries, encoded.codec, place.store.put(encoded.chunks)


def _keep_through_object(output: Output, dataset: datasets.Dataset, value: Any, place: Place, node: str) -> Made:
    """A dataset of its own kind: saved, loaded again, and what loading gives is kept for those who take it."""
    _saving(dataset, node, lambda: dataset.save(value))
    if dataset.write_only:
        return Made(records.Kept(output.name, _unique(), save=save_digest(dataset)))
    made = _keep_value(output, dataset.load(), place, node)
    kept = made.kept
    return Made(
        records.Kept(
            kept.name,
            kept.digest,
            kept.codec,
            kept.value,
            "",
            save_digest(dataset),
            kept.bytes,
            kept.classes,
            kept.libraries,
        ),
        made.held,
        made.value,
    )


def _write(dataset: datasets.Dataset, value: Any, path: Path, node: str) -> None:
    _saving(dataset, node, lambda: dataset.write(value, path))


def _saving(dataset: datasets.Dataset, node: str, save: Callable[[], None]) -> None:
    """What a writer raises names the dataset: the value does not fit it, or the disk is full."""
    try:
        save()
    except datasets.EntryError:
        raise
    except errors.CatalogError as error:  # the value does not fit
        raise errors.UserCodeError(
            f"output of node {node!r} cannot be saved: {error.what}", where=error.where, hint=error.faults[0].hint
        ) from error
    except errors.TaneError:
        raise
    except OSError as error:
        raise failures.of_store(error, "write", f"dataset {dataset.name!r} ({dataset.place})") from error
    except Exception as error:
        raise errors.UserCodeError(
            f"output {dataset.name!r} of node {node!r} cannot be saved as {dataset.type}: "
            f"{type(error).__name__}: {error}",
            hint="return what this dataset type can hold, or change its type in the catalog",
        ) from error


def save_digest(dataset: datasets.Dataset) -> str:
    """The digest of how a dataset is saved; empty when it makes no file of its own."""
    return values.of(dict(dataset.save_spec)).digest


def _unique() -> str:
    return "?" + os.urandom(16).hex()


def is_unique(kept: records.Kept) -> bool:
    """Whether the value has no digest of its own (a generator, a lock): nothing that rests on it can be reused."""
    return kept.digest.startswith("?")
