"""What a run starts from: every dataset that no node of it makes, pinned to a digest before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from tane import errors, fielded
from tane.catalog import catalogs, datasets
from tane.digest import values
from tane.ledger import connection, read, records
from tane.pipeline import graph
from tane.runs import arguments, artifacts, fetching, folders, gathered, keeping, refreshing, reloading
from tane.store import filedigests, objects, signatures

KEEP_UP_TO = 2 * 1024**3


@fielded.mutable
class Sources:
    """Pinned inputs: `kept` by name, values that are only in memory, files too large to be kept twice, and notices."""

    kept: dict[str, records.Kept] = fielded.field(default_factory=dict)
    held: dict[str, Any] = fielded.field(default_factory=dict)
    in_place: dict[str, tuple[Path, signatures.Signature]] = fielded.field(default_factory=dict)
    notices: list[str] = fielded.field(default_factory=list)
    # by path, taken before reading
    signatures: dict[str, signatures.Signature | None] = fielded.field(default_factory=dict)
    pinned_by_stat: bool = True  # False: a source has no digest of its own and must be loaded to be known
    left_out: list[str] = fielded.field(
        default_factory=list
    )  # not chosen and never made: those who take it have a default


@fielded.frozen
class Parts:
    """The parts that resolving needs."""

    catalog: catalogs.Catalog
    store: objects.Objects
    files: filedigests.FileDigests
    ledger: connection.Ledger
    keep_up_to: int = KEEP_UP_TO
    whole: graph.Pipeline | None = None  # the pipeline of which a part was chosen


def resolve(
    pipeline: graph.Pipeline,
    given: Mapping[str, Any],
    parts: Parts,
    *,
    look_only: bool = False,
    pinned: Mapping[str, records.Kept] | None = None,
    only: Collection[str] | None = None,
) -> Sources:
    """Pin every free input of `pipeline`: given values, catalogued sources, or the last kept value of that name.

    With `only`, just those of these names. With `look_only` nothing is put into the store. `pinned` are kept versions
    to use whatever the workspace holds now. Raises one error that names all that is missing.
    """
    sources = Sources()
    faults: list[errors.Fault] = []
    spared: dict[str, list[errors.Fault]] = {}
    free = pipeline.free_inputs()
    for name in given:
        if name not in free:
            hint = errors.did_you_mean(name, free, f"its inputs are: {', '.join(free) or 'none'}")
            faults.append(errors.Fault(f"the pipeline takes no input {name!r}", hint=hint))
    for name in free if only is None else [name for name in free if name in only]:
        wrong: list[errors.Fault] = []
        try:
            if pinned and name in pinned:
                _pinned(pinned[name], parts, sources, wrong)
            elif name in given:
                _given(name, given[name], parts, sources)
            else:
                _resolve_one(name, pipeline, parts, sources, look_only, wrong)
        except errors.CatalogError as error:
            wrong.extend(error.faults)
        if wrong and _has_default(name, pipeline, parts):
            spared[name] = wrong
        else:
            faults += wrong
    _leave_out(spared, pipeline, sources, faults)
    if faults:
        raise errors.CatalogError.of(faults, "the run cannot start: inputs are missing")
    return sources


def _has_default(name: str, pipeline: graph.Pipeline, parts: Parts) -> bool:
    """Whether a dataset is made by a node that was not chosen, and all who take it can do without."""
    if parts.whole is None or parts.whole.producer(name) is None:
        return False
    return all(name in node.optional and name in node.inputs for node in pipeline.consumers(name)) and not any(
        node.when is not None and name in node.when.inputs for node in pipeline.consumers(name)
    )


def _leave_out(
    spared: Mapping[str, list[errors.Fault]], pipeline: graph.Pipeline, sources: Sources, faults: list[errors.Fault]
) -> None:
    """Let those go by their defaults who take something that was never made, unless nothing would be left to them."""
    for name, wrong in spared.items():
        takers = pipeline.consumers(name)
        if any(spared.keys() >= set(node.data_inputs) for node in takers):
            faults += wrong
            continue
        sources.left_out.append(name)
        who = ", ".join(node.name for node in takers)
        sources.notices.append(f"{name} was not made before, and what makes it was not chosen: {who} does without it")


def _pinned(kept: records.Kept, parts: Parts, sources: Sources, faults: list[errors.Fault]) -> None:
    """A version an earlier run used: it must still be in the store."""
    wanted = kept.file or kept.value
    if not wanted or parts.store.check(wanted) != "ok":
        hint = "it was too large to be kept, or was collected: put the old file back and run without --resume"
        faults.append(errors.Fault(f"the version {kept.digest[:12]} of {kept.name!r} is not in the store", hint=hint))
        return
    sources.kept[kept.name] = kept
    dataset = parts.catalog.find(kept.name)
    if dataset is not None and dataset.local is not None and kept.file != _present(dataset, dataset.local, parts):
        sources.notices.append(f"{dataset.place} has changed since: the kept version {kept.file[:12]} is used")


def _resolve_one(
    name: str,
    pipeline: graph.Pipeline,
    parts: Parts,
    sources: Sources,
    look_only: bool,
    faults: list[errors.Fault],
) -> None:
    dataset = parts.catalog.find(name)
    if dataset is None or dataset.kind == "memory":
        _last_kept(name, pipeline, parts, sources, faults)
    elif dataset.write_only:
        faults.append(
            errors.Fault(
                f"dataset {name!r} ({dataset.type}) can only be written",
                hint="take the value it is made from instead",
            )
        )
    elif dataset.kind == "object":
        _loaded(name, dataset, parts, sources, look_only)
    elif dataset.local is None:
        _fetched(name, dataset, parts, sources, look_only)
    else:
        _file(name, dataset, dataset.local, parts, sources, look_only, faults)


def _file(
    name: str,
    dataset: datasets.Dataset,
    path: Path,
    parts: Parts,
    sources: Sources,
    look_only: bool,
    faults: list[errors.Fault],
) -> None:
    if dataset.partitioned and path.is_dir():
        _partitions(name, dataset, path, parts, sources, look_only, faults)
        return
    before = signatures.of(path)
    size = _size(path)
    too_large = size > parts.keep_up_to and path.is_file()
    digest = parts.files.of(path) if look_only or too_large else parts.files.keep(path)
    if digest is None:
        made = _versions(parts, name)
        if made and made[0].file and parts.store.check(made[0].file) == "ok":
            sources.kept[name] = made[0]
            sources.pinned_by_stat = False
            sources.notices.append(f"{dataset.place} is missing: its last kept version {made[0].file[:12]} is used")
            return
        faults.extend(dataset.missing().faults)
        return
    if not (look_only or too_large) and parts.store.check(digest) != "ok":
        parts.store.put_path(path)  # what the store had of it was damaged
    _watch(path, before, sources)
    sources.kept[name] = _as_kept_before(dataset, digest, size, parts, path)
    if too_large and before is not None and not parts.store.has(digest):
        sources.in_place[name] = (path, before)
        sources.notices.append(
            f"{dataset.place} is larger than keep_sources_up_to: recorded by digest, not kept; "
            "once overwritten, this version is gone"
        )


def _partitions(
    name: str,
    dataset: datasets.Dataset,
    folder: Path,
    parts: Parts,
    sources: Sources,
    look_only: bool,
    faults: list[errors.Fault],
) -> None:
    """A folder of partitions: the tree of those to be taken now."""
    before = signatures.of(folder)
    if look_only:
        digest, size = folders.look(dataset, folder, parts.files)
    else:
        digest, size = folders.keep(dataset, folder, parts.files, parts.store)
    _watch(folder, before, sources)
    for beside in dataset.watched:
        sources.signatures[str(beside)] = signatures.of(beside)
    if not size and not dataset.partition_ids(dataset.files()):
        faults.extend(dataset.nothing_in_it().faults)
    sources.kept[name] = _as_kept_before(dataset, digest, size, parts)


_UNREAD = "?"  # stands for the libraries of an object that could not be loaded


def _as_kept_before(
    dataset: datasets.Dataset, digest: str, size: int, parts: Parts, path: Path | None = None
) -> records.Kept:
    """A file or folder of that content, with the classes that it names. They are known if a step made it or a run took
    it; else an object is loaded, from the store or the file at `path`, to see what it is an instance of.
    """
    made = read.kept_file(parts.ledger, digest)
    if made is not None and _UNREAD not in made.libraries:
        classes, libraries = made.classes, made.libraries
    else:
        classes, libraries = _named(dataset, digest, parts, path) if dataset.holds_objects else ((), ())
    return records.Kept(dataset.name, digest, file=digest, bytes=size, classes=classes, libraries=libraries)


def _named(
    dataset: datasets.Dataset, digest: str, parts: Parts, path: Path | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The classes and functions of the project that an object is made of, and the libraries of all others."""
    try:
        if dataset.partitioned:
            return folders.rests_on(dataset, digest, parts.store)
        if parts.store.has(digest):
            with parts.store.named(digest, dataset.filename) as held:
                found = values.of(dataset.read(held))
        elif path is not None:
            found = values.of(dataset.read(path))
        else:
            return (), (_UNREAD,)
    except (errors.TaneError, values.CannotDigest):  # the step that takes it will say so, if any does
        return (), (_UNREAD,)
    return found.classes, found.libraries


def _present(dataset: datasets.Dataset, path: Path, parts: Parts) -> str | None:
    """The digest of what the workspace holds of a source now."""
    if dataset.partitioned and path.is_dir():
        return folders.look(dataset, path, parts.files)[0]
    return parts.files.of(path)


def _watch(path: Path, signature: signatures.Signature | None, sources: Sources) -> None:
    """Note how a source looks: the file, or every file and folder of a folder."""
    sources.signatures[str(path)] = signature
    if path.is_dir():
        sources.signatures.update((str(inner), signatures.of(inner)) for inner in path.rglob("*"))


def _fetched(name: str, dataset: datasets.Dataset, parts: Parts, sources: Sources, look_only: bool) -> None:
    """What is behind a URL: downloaded where the store does not have it yet."""
    known = _good_enough(name, dataset, parts, sources)
    if known is None:
        return
    found = fetching.fetch(dataset, parts.store, look_only=look_only)
    sources.kept[name] = _as_kept_before(dataset, found.digest, found.bytes, parts)
    if not look_only:
        refreshing.note(dataset, sources.kept[name], parts.ledger, known.identity)


def _loaded(name: str, dataset: datasets.Dataset, parts: Parts, sources: Sources, look_only: bool) -> None:
    """What a class loads: only its value tells whether it changed."""
    known = _good_enough(name, dataset, parts, sources)
    if known is None:
        return
    if dataset.lazy:
        identity = known.identity or dataset.digest()
        sources.kept[name] = records.Kept(name, identity or keeping.unique())
        sources.held[name] = reloading.Reloaded(dataset)
        return
    try:
        value = dataset.load()
    except errors.TaneError:
        raise
    except Exception as error:
        raise errors.CatalogError(
            f"cannot be loaded: {type(error).__name__}: {error}",
            where=f"dataset {name!r} ({dataset.type})",
            hint="check the entry in the catalog and that its source is there",
        ) from error
    _given(name, value, parts, sources)
    if sources.kept[name].value and not look_only:
        refreshing.note(dataset, sources.kept[name], parts.ledger, known.identity)


def _good_enough(name: str, dataset: datasets.Dataset, parts: Parts, sources: Sources) -> refreshing.Look | None:
    """None when the version that an earlier run loaded is taken; else what was learnt while looking for one."""
    known = refreshing.look(dataset, parts.ledger, parts.store)
    if known.kept is None or refreshing.rests_on_time(dataset):
        sources.pinned_by_stat = False
    if known.kept is None:
        return known
    sources.kept[name] = known.kept
    if known.why:
        sources.notices.append(f"{name}: {known.why}")
    return None


def _given(name: str, value: Any, parts: Parts, sources: Sources) -> None:
    """A value: kept when it can be, so that the run can be repeated; else held in memory."""
    output = keeping.Output(name, None, keep=not parts.store.read_only)
    place = arguments.Place(parts.store, parts.ledger)
    try:
        sources.kept[name] = keeping.keep(output, value, place, "").kept
        if not output.keep:
            sources.held[name] = value
    except errors.UserCodeError:
        made = keeping.keep(keeping.Output(name, None, keep=False), value, place, "")
        sources.kept[name] = made.kept
        sources.held[name] = value
        sources.pinned_by_stat = False


def _last_kept(name: str, pipeline: graph.Pipeline, parts: Parts, sources: Sources, faults: list[errors.Fault]) -> None:
    """No entry: the value an earlier run kept under this name, if there is one."""
    made = [kept for kept in _versions(parts, name) if kept.value]
    if made and parts.store.check(made[0].value) == "ok":
        sources.kept[name] = made[0]
        sources.pinned_by_stat = False  # another run may bring a newer one
        return
    takers = ", ".join(node.name for node in pipeline.consumers(name))
    known = [*parts.catalog.names(), *pipeline.datasets()]
    known = [other for other in known if other != name]
    near = errors.nearest(name, known)
    maker = parts.whole.producer(name) if parts.whole is not None else None
    if maker is not None:
        faults.append(
            errors.Fault(
                f"input {name!r} of {takers} is made by {maker.name}, which is not among the chosen nodes, "
                "and no earlier value of it is kept",
                hint=f"run what makes it first: tane run --to {maker.name}",
            )
        )
        return
    space, _, plain = name.rpartition(".")
    hint = (
        f"say inputs={plain!r} where the namespace {space!r} is given"
        if space and plain in known
        else f"did you mean {near!r}?"
        if near
        else f"add {name!r} to the catalog, give it as an input, or run the pipeline that makes it first"
    )
    faults.append(errors.Fault(f"input {name!r} of {takers} is neither in the catalog nor made by any node", hint=hint))


def _versions(parts: Parts, name: str) -> list[records.Kept]:
    return [version.kept for version in read.versions(parts.ledger, name, limit=1)]


def _size(path: Path) -> int:
    if not path.is_dir():
        return path.stat().st_size if path.exists() else 0
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def decode(kept: records.Kept, dataset: datasets.Dataset | None, store: objects.Objects) -> Any:
    """The value of something kept: what a consumer would see."""
    if dataset is not None and dataset.kind == "file" and kept.file and not dataset.write_only:
        if dataset.lazy:
            return dataset.read(_lasting(kept.file, dataset.filename, store))
        with store.named(kept.file, dataset.filename) as path:
            return dataset.read(path)
    if kept.value:
        return artifacts.detached(gathered.load(kept.codec, kept.value, store))
    raise errors.UsageError(
        f"dataset {kept.name!r} was not kept", hint="catalogue it, or set keep to 'all', and run again"
    )


_lent: list[Any] = []  # folders that values go on reading from; gone when the process ends


def _lasting(digest: str, filename: str, store: objects.Objects) -> Path:
    """A copy of an object for a value that is read bit by bit, for as long as somebody may use it."""
    import tempfile

    folder = tempfile.TemporaryDirectory(prefix="tane-")
    _lent.append(folder)
    target = Path(folder.name) / filename
    store.place(digest, target)
    return target


def confirm(dataset: datasets.Dataset, kept: records.Kept, store: objects.Objects) -> None:
    """Tell an incremental dataset that what a run saw of it has been worked off."""
    names = [name for name, _ in store.files(kept.file)] if kept.file and store.is_tree(kept.file) else None
    dataset.confirm(names)
