"""Entries whose data are a folder of partitions. Called by `entries`; keys and meaning are Kedro's.

One thing is other than there: a folder holds what the step made, so that the same inputs give the same folder.
`overwrite: false` keeps the partitions that lie there already; such an output is made in every run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tane import errors
from tane.catalog import checkpoints, datasets, foreign, kinds, naming, partitions, remotes, written

_KEYS = (
    *written.OURS,
    "path",
    "dataset",
    "filename_suffix",
    "filepath_arg",
    "load_args",
    "fs_args",
    "credentials",
    "overwrite",
    "save_lazily",
)
_OF_CHECKPOINTS = ("filepath", "force_checkpoint", "comparison_func", "type", "credentials", "fs_args")


def read(entry: written.Entry, name: str) -> datasets.Dataset | None:
    """The dataset that the entry describes, or None; faults are noted in the entry."""
    incremental = name == partitions.INCREMENTAL
    entry.check_keys((*_KEYS, *(("checkpoint",) if incremental else ())), name)
    said = entry.said()
    suffix, depth = entry.text("filename_suffix"), _depth(entry, name)
    adds, lazily = not entry.flag("overwrite", True), entry.flag("save_lazily", True)
    place = written.place(entry, "path", "data/01_raw/parts")
    inner = _inner(entry, said["where"], place.shown if place else "")
    if place is None or inner is None:
        return None
    if place.remote is not None and place.remote.read_only:
        entry.fault(
            f"the files of a folder behind {place.remote.scheme}:// cannot be listed",
            "name the files one by one, or use a store such as s3://",
            "path",
        )
        return None
    base = place.local or place.remote
    options: dict[str, Any] = {"base": base, "keeps_others": adds, "lazily": lazily, "maxdepth": depth}
    if incremental:
        format_: partitions.Partitioned = partitions.Incremental(inner, suffix, _checkpoint(entry, place), **options)
    else:
        format_ = partitions.Partitioned(inner, suffix, **options)
    kind = kinds.KINDS.get(inner.type)
    spec = {"type": name, "format": written.FORMAT, "suffix": suffix}
    load_args = {} if depth is None else {"maxdepth": depth}
    part = {"type": inner.type, **inner.more, **inner.options}
    return datasets.Dataset(
        entry.name,
        name,
        "file",
        place.shown,
        place.local,
        **said,
        load_spec={**spec, "load_args": load_args, "dataset": {**part, "load_args": inner.load_args}},
        save_spec={**spec, "adds": adds, "lazily": lazily, "dataset": {**part, "save_args": inner.save_args}},
        needs=(kind.module or str(inner.more.get("backend", "")), kind.extra or "all") if kind else ("", ""),
        format=format_,
        remote=place.remote,
        refresh=entry.refresh(local=place.local is not None),
        credentials=entry.credentials_name,
    )


def _depth(entry: written.Entry, name: str) -> int | None:
    """`load_args` are those of the search for files, of which only the depth makes sense everywhere."""
    load_args = entry.mapping("load_args")
    for key in load_args:
        if key != "maxdepth":
            entry.fault(
                f"load_args of {name} takes no {key!r}",
                errors.did_you_mean(str(key), ["maxdepth"], "what readers take belongs to dataset: {load_args: ...}"),
                "load_args",
            )
    depth = load_args.get("maxdepth")
    if depth is None or (type(depth) is int and depth > 0):
        return depth
    entry.fault(f"maxdepth is {depth!r}", "write a whole number of folders: 1 is this folder alone", "load_args")
    return None


def _inner(entry: written.Entry, where: str, shown: str) -> partitions.Inner | None:
    """What reads and writes one partition, as `dataset` says: a type, or an entry without a place."""
    body = entry.body.get("dataset")
    given = {"type": body} if isinstance(body, str) else body
    if not isinstance(given, Mapping) or not isinstance(given.get("type"), str):
        entry.fault("it does not say what its partitions are", "add dataset: pandas.CSVDataset, or another", "dataset")
        return None
    inner = entry.inside("dataset", given)
    wanted = str(given["type"])
    name = kinds.canonical(wanted)
    argument = entry.text("filepath_arg") or "filepath"
    if argument in inner.body:
        inner.fault(f"the partitions are given their {argument} by the folder", f"take {argument} away", argument)
    if name in kinds.FOLDERS or name in kinds.OBJECTS or name == kinds.MEMORY:
        inner.fault(f"{name} is no type of a file", "choose one such as pandas.CSVDataset", "type")
        return None
    kind = kinds.KINDS.get(name)
    if kind is not None:
        inner.check_keys(("type", "load_args", "save_args", "metadata", argument, *sorted(kind.keys)), name)
        load_args, save_args = inner.mapping("load_args"), inner.mapping("save_args")
        more = written.own_keys(inner, kind)
        return partitions.Inner(entry.name, name, shown, where, load_args, save_args, more)
    paths = naming.paths_of(inner, wanted, name)
    options = {key: value for key, value in inner.body.items() if key not in (*written.OURS, argument)}
    if "credentials" in options:
        options["credentials"] = inner.credentials()
    made_by = foreign.Foreign(paths, options)
    return partitions.Inner(entry.name, name, shown, where, made_by=made_by, argument=argument) if paths else None


def _checkpoint(entry: written.Entry, place: written.Place) -> checkpoints.Checkpoint:
    """Where the last partition worked off is noted: `checkpoint` as Kedro has it."""
    body = entry.body.get("checkpoint")
    if isinstance(body, str):
        body = {"force_checkpoint": body}
    inner = entry.inside("checkpoint", body if isinstance(body, Mapping) else {})
    if body is not None and not isinstance(body, Mapping):
        inner.fault(f"it is {written.kind_of(body)}", "write checkpoint: {filepath: ...}, or an id")
    inner.check_keys(_OF_CHECKPOINTS, "checkpoint")
    if kinds.canonical(str(inner.body.get("type", "text"))).rpartition(".")[2] != "TextDataset":
        inner.fault("a checkpoint is a text", "take type away", "type")
    forced, comparison = inner.body.get("force_checkpoint"), inner.text("comparison_func")
    at, inside = _place_of_checkpoint(inner, place)
    forced = None if forced is None else str(forced)
    return checkpoints.Checkpoint(at.shown, at.local, at.remote, inside, forced, comparison)


def _place_of_checkpoint(inner: written.Entry, folder: written.Place) -> tuple[written.Place, str]:
    """The place, and the checkpoint's name in the folder of partitions where it lies in it."""
    if inner.body.get("filepath") is None:
        return _beside(folder, checkpoints.NAME), checkpoints.NAME
    at = written.place(inner, "filepath", f"data/{checkpoints.NAME}")
    if at is None:
        return folder, ""
    if at.local is not None:
        is_inside = folder.local is not None and at.local.is_relative_to(folder.local)
        return at, at.local.relative_to(folder.local).as_posix() if is_inside and folder.local else ""
    if at.remote is not None and folder.remote is not None:
        top = folder.remote.url.rstrip("/") + "/"
        inside = at.remote.url.removeprefix(top) if at.remote.url.startswith(top) else ""
        if "credentials" not in inner.body:  # as Kedro does: those of the folder
            options = remotes.merged(folder.remote.options, at.remote.options)
            remote = remotes.Remote(at.remote.url, at.shown, options, folder.remote.credentials)
            at = at._replace(remote=remote)
        return at, inside
    return at, ""


def _beside(folder: written.Place, name: str) -> written.Place:
    shown = f"{folder.shown.rstrip('/')}/{name}"
    if folder.local is not None:
        return written.Place(shown, folder.local / name)
    return written.Place(shown, None, folder.remote.below(name) if folder.remote is not None else None)
