"""A run laid out as a folder that needs no Tane to be read: files of datasets, values, artifacts, numbers, log.

    data/...          files of datasets, where the catalog had them
    datasets/NAME/    those that lay elsewhere, or whose place is taken here
    values/           kept values: .json, .npy, .parquet, else .pkl
    artifacts/        what was logged
    metrics/          the points of each metric as CSV
    params.json  metrics.json  run.json  log.jsonl

The folder appears whole or not at all.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from tane import errors, fielded
from tane.catalog import catalogs, datasets
from tane.cli import facts, recorded, tables
from tane.ledger import connection, read, records
from tane.project import loading
from tane.runs import gathered
from tane.store import objects, placing

_OURS = ("artifacts", "datasets", "metrics", "values", "params.json", "metrics.json", "run.json", "log.jsonl")


@fielded.mutable
class Laid:
    """What came of it: how many results lie in the folder, and why others do not."""

    placed: int = 0
    left_out: list[str] = fielded.field(default_factory=list)


@fielded.frozen
class Parts:
    """Where a run's records and results are."""

    ledger: connection.Ledger
    store: objects.Objects
    root: Path
    source: Path  # where the project's classes are imported from, for values that need them
    log: Path


def check_target(target: Path) -> Path:
    """`target` without links. Raises `errors.UsageError` unless it is free: absent, or an empty folder elsewhere."""
    place = target.resolve()
    if place == Path.cwd():
        raise errors.UsageError("the results cannot replace the folder you are in", hint="name a new folder")
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        what = "holds files" if place.is_dir() else "is a file"
        raise errors.UsageError(f"{target} {what}", hint="name a new folder: nothing is overwritten")
    return place


def lay_out(run: records.RunRecord, target: Path, parts: Parts) -> Laid:
    """Make the folder `target` (see `check_target`) of what `run` made and logged."""
    laid = Laid()
    placing.folder(target, lambda folder: _fill(folder, run, parts, laid))
    return laid


def _fill(folder: Path, run: records.RunRecord, parts: Parts, laid: Laid) -> None:
    known = facts.whole(parts.ledger, run)
    catalog = recorded.catalog_of(run, parts.root)
    outputs = {kept.name: kept for step in read.steps(parts.ledger, run.run) for kept in step.outputs}
    for kept in outputs.values():
        why = _lay_output(kept, catalog, folder, parts)
        if why:
            laid.left_out.append(f"{kept.name}: {why}")
        else:
            laid.placed += 1
    for artifact in read.artifacts(parts.ledger, run.run):
        why = _lay_artifact(artifact, folder, parts.store)
        if why:
            laid.left_out.append(f"{artifact.path}: {why}")
        else:
            laid.placed += 1
    _write(folder / "params.json", tables.as_json({**known["params"], **known["logged_params"]}))
    _write(folder / "metrics.json", tables.as_json(known["metrics"]))
    for name in known["metrics"]:
        points = read.series(parts.ledger, run.run, name)
        rows = ((point.step, repr(point.value), tables.iso(point.at)) for point in points)
        _write(folder / "metrics" / f"{_file_name(name)}.csv", tables.csv(("step", "value", "at"), rows))
    _write(folder / "run.json", tables.as_json({**known, "left_out": laid.left_out}))
    if parts.log.is_file():
        shutil.copyfile(parts.log, folder / "log.jsonl")


# --- datasets and values --------------------------------------------------------------------------------------------


def _lay_output(kept: records.Kept, catalog: catalogs.Catalog, folder: Path, parts: Parts) -> str:
    """Lay one output; why that cannot be, when it cannot."""
    wanted = kept.file or kept.value
    if not wanted:
        return "its value was not kept"
    state = parts.store.check(wanted)
    if state != "ok":
        return "it was damaged in the store" if state == "corrupt" else "it is no longer in the store"
    if kept.file:
        parts.store.place(kept.file, _free(folder, kept.name, catalog.find(kept.name), parts.root))
        return ""
    loading.use(parts.source)
    try:
        value = gathered.load(kept.codec, kept.value, parts.store)
    except errors.UserCodeError as error:
        return error.what
    return _write_value(value, folder / "values" / kept.name)


def _free(folder: Path, name: str, dataset: datasets.Dataset | None, root: Path) -> Path:
    """Where a dataset's file goes: as in the workspace, unless that place is outside of it or taken here."""
    if dataset is not None and dataset.local is not None:
        inside = PurePosixPath(os.path.relpath(dataset.local, root))
        if inside.parts[0] not in ("..", *_OURS) and not os.path.lexists(folder / inside):
            return folder / inside
    return folder / "datasets" / name / (dataset.filename if dataset is not None else name)


def _write_value(value: Any, path: Path) -> str:
    """Write `value` in the plainest form that holds it whole; why that cannot be, when it cannot."""
    path.parent.mkdir(exist_ok=True)
    for suffix, write in (*_frames(value), (".json", _as_json), (".pkl", _as_pickle)):
        target = path.with_name(path.name + suffix)
        try:
            write(value, target)
            return ""
        except (OSError, MemoryError):
            raise
        except Exception:  # the form does not fit this value: the next may
            target.unlink(missing_ok=True)
    return f"a {type(value).__name__} cannot be written to a file"


_Writer = Callable[[Any, Path], object]


def _frames(value: Any) -> list[tuple[str, _Writer]]:
    """The forms for arrays and tables."""
    kind = type(value)
    match (kind.__module__.partition(".")[0], kind.__name__):
        case ("numpy", "ndarray"):
            return [(".npy", _as_npy)]
        case ("pandas", "DataFrame"):
            return [(".parquet", lambda frame, path: frame.to_parquet(path))]
        case ("polars", "DataFrame"):
            return [(".parquet", lambda frame, path: frame.write_parquet(path))]
        case ("pyarrow", "Table"):
            return [(".parquet", _as_parquet)]
        case ("numpy", _) if hasattr(value, "item"):
            return [(".json", lambda number, path: _as_json(number.item(), path))]
    return []


def _as_npy(array: Any, path: Path) -> None:
    import numpy

    numpy.save(path, array, allow_pickle=False)


def _as_parquet(table: Any, path: Path) -> None:
    import pyarrow.parquet

    pyarrow.parquet.write_table(table, path)


def _as_json(value: Any, path: Path) -> None:
    if not _is_plain(value):
        raise TypeError("not plain")
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def _is_plain(value: Any) -> bool:
    """Whether JSON says all that `value` is; tuples become lists."""
    kind = type(value)
    if kind is dict:
        return all(type(key) is str for key in value) and all(map(_is_plain, value.values()))
    if kind is list or kind is tuple:
        return all(map(_is_plain, value))
    return value is None or kind in (bool, int, float, str)


def _as_pickle(value: Any, path: Path) -> None:
    import pickle

    try:
        data = pickle.dumps(value)
    except Exception:  # it holds functions or classes that no module offers
        import cloudpickle

        data = cloudpickle.dumps(value)
    path.write_bytes(data)


# --- artifacts and numbers ------------------------------------------------------------------------------------------


def _lay_artifact(artifact: records.Artifact, folder: Path, store: objects.Objects) -> str:
    path = PurePosixPath(artifact.path)
    if path.is_absolute() or ".." in path.parts:
        return "its name leads out of the folder"
    state = store.check(artifact.file)
    if state != "ok":
        return "it was damaged in the store" if state == "corrupt" else "it is no longer in the store"
    store.place(artifact.file, folder / "artifacts" / path)
    return ""


def _file_name(metric: str) -> str:
    """A metric's name as a path: "train/loss" stays, what could lead elsewhere is escaped."""
    if all(part not in ("", ".", "..") and "\0" not in part for part in metric.split("/")):
        return metric
    from urllib.parse import quote

    return quote(metric, safe="")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
