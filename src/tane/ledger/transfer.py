"""Whole runs out of a ledger and into another, as plain lines. `versions.exporting` and `versions.importing` call it.

`lines` says all that is on record of a run; `add` puts what it said into a ledger, in one transaction, and `fill` adds
what values came later. A run that came
from elsewhere is history: its steps are shown and compared, and never stand for a step here.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from tane import errors, fielded, outcomes
from tane.ledger import connection, read, records, rows, write

_AT_ONCE = 1000  # points of a line
_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_ALL = 1 << 62
_BELOW = -(1 << 62)

Line = dict[str, Any]


def lines(ledger: connection.Ledger, run: records.RunRecord) -> Iterator[Line]:
    """All that is on record of a run, in an order that does not hang on the ledger."""
    with ledger.reading():
        yield {"run": {**fielded.asdict(run), "status": str(run.status), "deleted": 0.0}}
        number = ledger.number(run.run)
        documents: dict[str, None] = {run.environment: None}
        pins = (run.config.get("backfill") or {}).get("pins") if isinstance(run.config, Mapping) else ""
        documents[pins or ""] = None
        steps = list(_steps(ledger, number))
        for step in steps:
            documents.update({step.basis.code: None, step.basis.environment: None})
        for digest in sorted(documents.keys() - {""}):
            found = ledger.rows("select content from documents where digest = ?", (digest,))
            if found:
                yield {"document": {"digest": digest, "content": rows.parsed(found[0][0])}}
        for step in steps:
            yield {"step": _plain(step)}
        logged = read.params(ledger, run.run)
        for name, value in read.params(ledger, run.run, whole=True).items():
            yield {"param": {"name": name, "value": value, "logged": name in logged}}
        for name, text in read.tags(ledger, run.run).items():
            yield {"tag": {"name": name, "value": text}}
        yield from _metrics(ledger, run.run, number)
        for path, node, file, size, kind in ledger.rows(
            "select path, node, file, bytes, kind from artifacts where run = ? order by path", (number,)
        ):
            yield {"artifact": {"path": path, "node": node, "file": file, "bytes": size, "kind": kind}}
        note = read.note(ledger, run.run)
        if note:
            yield {"note": {"content": note}}


def _steps(ledger: connection.Ledger, number: int) -> Iterator[records.StepRecord]:
    """Steps, items, what the run started from and what failed steps were given: by position, from the lowest."""
    outputs: dict[int, list[records.Kept]] = {}
    for position, *kept in ledger.rows(
        f"select outputs.position, {rows.KEPT} from outputs join kept on kept.id = outputs.kept "
        "where outputs.run = ? order by outputs.position, outputs.place",
        (number,),
    ):
        outputs.setdefault(position, []).append(rows.kept(kept))
    for row in ledger.rows(
        f"select {rows.STEP} from steps join bases on bases.id = steps.basis where steps.run = ? "
        "order by steps.position",
        (number,),
    ):
        yield rows.step(row, tuple(outputs.get(row[0], ())))


def _plain(step: records.StepRecord) -> Line:
    return {**fielded.asdict(step), "status": str(step.status), "reusable": False}


def _metrics(ledger: connection.Ledger, run: str, number: int) -> Iterator[Line]:
    pairs = ledger.rows(
        "select node, name from metrics where run = ? union select node, name from logged where run = ? "
        "order by node, name",
        (number, number),
    )
    by_node = {node: {each.name: each for each in read.metrics(ledger, run, node=node)} for node, _ in pairs}
    for node, name in pairs:
        summary = by_node[node][name]
        points = read.series(ledger, run, name, node=node)
        yield {
            "metric": {
                "node": node,
                "name": name,
                "last": _number(summary.last),
                "min": _number(summary.min),
                "max": _number(summary.max),
                "count": summary.count,
                "at": max((point.at for point in points), default=0.0),
            }
        }
        for start in range(0, len(points), _AT_ONCE):
            part = points[start : start + _AT_ONCE]
            yield {"points": [[point.step, _number(point.value), point.at] for point in part]}


def _number(value: float) -> float | str:
    """A number as JSON has it; what JSON has no word for is text."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


# --- into another ledger --------------------------------------------------------------------------------------------


def add(ledger: connection.Ledger, told: Iterable[Line]) -> bool:
    """Record a run as `lines` told of it, all or nothing. False when it is here already, put by somebody else just now.

    Raises `errors.UsageError` for lines that tell of no run, `ValueError` for those that say a thing twice or have
    numbers beyond reason.
    """
    try:
        return _add(ledger, _Told(told))
    except (sqlite3.IntegrityError, OverflowError) as error:
        raise ValueError(str(error)) from None


def _add(ledger: connection.Ledger, found: _Told) -> bool:
    run, steps = found.run, found.steps
    bases = [rows.of_basis(step) for step in steps]
    kept = [[rows.of_kept(each) for each in step.outputs] for step in steps]
    with ledger.writing() as db:
        if db.execute("select 1 from runs where run = ?", (run.run,)).fetchone():
            return False
        number = _new_number(db, run)
        columns = rows.of_run(run, run.ended or run.started, "")
        db.execute(
            f"insert into runs (id, {rows.RUN}, {rows.TOLD}) values ({','.join('?' * (len(columns) + 1))})",
            (number, *columns),
        )
        if run.experiment:
            write.add_experiment(db, run.experiment)
        db.executemany(write.DOCUMENT, ((digest, rows.text(content)) for digest, content in found.documents.items()))
        numbers, new = write.intern(db, "bases", write.BASIS, bases)
        db.executemany(
            "insert into inputs (digest, basis, name) values (?, ?, ?)", write.inputs_of(steps, bases, numbers, new)
        )
        kept_numbers, _ = write.intern(db, "kept", write.KEPT, [row for each in kept for row in each])
        db.executemany(
            write.STEP,
            [rows.of_step(step, number, numbers[basis.identity]) for step, basis in zip(steps, bases, strict=True)],
        )
        db.executemany(
            "insert into outputs (run, position, place, kept) values (?, ?, ?, ?)",
            [
                (number, step.position, place, kept_numbers[row.identity])
                for step, each in zip(steps, kept, strict=True)
                for place, row in enumerate(each)
            ],
        )
        for given, params in ((1, found.given), (0, found.logged)):
            named = (rows.of_param(name, value) for name, value in params.items())
            db.executemany(write.PARAM, [(number, given, *param) for param in named])
        db.executemany(
            "insert into tags (run, name, value) values (?, ?, ?)",
            [(number, rows.clean(name), rows.clean(value)) for name, value in found.tags.items()],
        )
        _add_metrics(db, number, found.metrics)
        db.executemany(
            "insert into artifacts (run, path, node, file, bytes, kind) values (?, ?, ?, ?, ?, ?)",
            [(number, *artifact) for artifact in found.artifacts],
        )
        if found.note:
            db.execute(
                "insert into notes (run, content, at) values (?, ?, ?)", (number, rows.clean(found.note), time.time())
            )
    return True


def fill(ledger: connection.Ledger, told: Iterable[Line]) -> None:
    """Note where the values of a run lie that came without them before."""
    found = _Told(told)
    number = ledger.number(found.run.run)
    kept = [[rows.of_kept(each) for each in step.outputs] for step in found.steps]
    with ledger.writing() as db:
        numbers, _ = write.intern(db, "kept", write.KEPT, [row for each in kept for row in each])
        db.executemany(
            "update outputs set kept = ? where run = ? and position = ? and place = ?",
            [
                (numbers[row.identity], number, step.position, place)
                for step, each in zip(found.steps, kept, strict=True)
                for place, row in enumerate(each)
            ],
        )


def _new_number(db: sqlite3.Connection, run: records.RunRecord) -> int:
    """A number for a run from elsewhere: below those of all runs made here, so that none of them is the newest; among
    themselves they stand in order of time.
    """
    number = _BELOW + int(run.started * 1e6)
    while db.execute("select 1 from runs where id = ?", (number,)).fetchone():
        number += 1
    return number


def _add_metrics(db: sqlite3.Connection, number: int, metrics: Iterable[_Metric]) -> None:
    for each in metrics:
        added = db.execute(
            "insert into metrics (run, node, name, last, min, max, count, at) values (?, ?, ?, ?, ?, ?, ?, ?)",
            (number, *each.columns),
        )
        db.executemany(
            "insert into points (metric, step, number, value, at) values (?, ?, ?, ?, ?)",
            [(added.lastrowid, step, place, value, at) for place, (step, value, at) in enumerate(each.points)],
        )


# --- what lines say -------------------------------------------------------------------------------------------------


def check(told: Iterable[Line]) -> None:
    """Raises `errors.UsageError` for lines that tell of no run."""
    _Told(told)


class _Metric(NamedTuple):
    """A metric of a run, as columns of its table, with its points."""

    columns: tuple[Any, ...]
    points: list[tuple[int, float | None, float]]


class _Told:
    """A run read from lines, checked as far as a ledger needs it."""

    def __init__(self, told: Iterable[Line]) -> None:
        self.documents: dict[str, Any] = {}
        self.steps: list[records.StepRecord] = []
        self.given: dict[str, Any] = {}
        self.logged: dict[str, Any] = {}
        self.tags: dict[str, str] = {}
        self.metrics: list[_Metric] = []
        self.artifacts: list[tuple[str, str, str, int, str]] = []
        self.note = ""
        found: records.RunRecord | None = None
        try:
            for line in told:
                ((kind, content),) = line.items()
                if kind == "run":
                    found = _run(content)
                else:
                    self._take(kind, content)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
            raise _broken(f"{type(error).__name__}: {error}") from None
        if found is None:
            raise _broken("no line tells of the run")
        self.run = found

    def _take(self, kind: str, content: Any) -> None:
        match kind:
            case "document":
                self.documents[str(content["digest"])] = content["content"]
            case "step":
                self.steps.append(_step(content))
            case "param":
                params = self.logged if content["logged"] else self.given
                params[str(content["name"])] = content["value"]
            case "tag":
                self.tags[str(content["name"])] = str(content["value"])
            case "metric":
                name = rows.clean(content["name"]), rows.clean(content["node"])
                numbers = (_stored(content[key]) for key in ("last", "min", "max"))
                columns = (name[1], name[0], *numbers, int(content["count"]), float(content["at"]))
                self.metrics.append(_Metric(columns, []))
            case "points":
                self.metrics[-1].points.extend((_whole(step), _stored(value), float(at)) for step, value, at in content)
            case "artifact":
                self.artifacts.append(
                    (
                        rows.clean(content["path"]),
                        str(content["node"]),
                        str(content["file"]),
                        int(content["bytes"]),
                        str(content["kind"]),
                    )
                )
            case "note":
                self.note = str(content["content"])
            case _:
                raise ValueError(f"there is no kind of line {kind!r}")


def _stored(value: float | str) -> float | None:
    """A number as the ledger has it."""
    found = _WORDS[value] if isinstance(value, str) else float(value)
    return None if math.isnan(found) else found


def _whole(value: Any) -> int:
    if type(value) is not int or not -_ALL < value < _ALL:
        raise ValueError(f"{value!r} is no step")
    return value


_TEXT, _NUMBER, _INTEGER, _LIST, _MAPPING = (str,), (int, float), (int,), (list,), (dict,)
_RUN = {
    **dict.fromkeys(("run", "pipeline", "kind", "name", "environment", "host", "user", "python", "error"), _TEXT),
    **dict.fromkeys(("experiment", "group", "job_type", "parent", "study"), _TEXT),
    **dict.fromkeys(("started", "ended"), _NUMBER),
    **dict.fromkeys(("pid", "trial", "published"), _INTEGER),
    **dict.fromkeys(("params", "config", "git"), _MAPPING),
    "command": _LIST,
}
_STEP = {
    **dict.fromkeys(("node", "key", "error"), _TEXT),
    **dict.fromkeys(("started", "ended", "cpu"), _NUMBER),
    **dict.fromkeys(("peak_memory", "attempts"), _INTEGER),
    **dict.fromkeys(("reasons", "outputs"), _LIST),
    "basis": _MAPPING,
}
_BASIS = {
    **dict.fromkeys(("code", "environment"), _TEXT),
    **dict.fromkeys(("options", "params", "inputs"), _MAPPING),
}
_KEPT = {
    **dict.fromkeys(("name", "digest", "codec", "value", "file", "save"), _TEXT),
    **dict.fromkeys(("classes", "libraries"), _LIST),
    "bytes": _INTEGER,
}


def _typed(content: Mapping[str, Any], wanted: Mapping[str, tuple[type, ...]]) -> dict[str, Any]:
    """The fields `wanted`, each of a type that it may have."""
    for name, kinds in wanted.items():
        if not isinstance(content[name], kinds):
            raise TypeError(f"{name} is a {type(content[name]).__name__}")
    return {name: content[name] for name in wanted}


def _run(content: Mapping[str, Any]) -> records.RunRecord:
    status = outcomes.RunStatus(content["status"])
    if status is outcomes.RunStatus.RUNNING:
        raise ValueError("the run had not ended")
    known = _typed(content, _RUN)
    return records.RunRecord(**{**known, "status": status, "command": tuple(map(str, known["command"]))})


def _step(content: Mapping[str, Any]) -> records.StepRecord:
    known = _typed(content, _STEP)
    origin = content["origin"]
    return records.StepRecord(
        **{
            **known,
            "position": _whole(content["position"]),
            "status": outcomes.StepStatus(content["status"]),
            "basis": records.Basis(**_typed(known["basis"], _BASIS)),
            "reasons": tuple(map(str, known["reasons"])),
            "outputs": tuple(_kept(each) for each in known["outputs"]),
            "origin": (str(origin[0]), _whole(origin[1])) if origin else None,
            "reusable": False,
        }
    )


def _kept(content: Mapping[str, Any]) -> records.Kept:
    known = _typed(content, _KEPT)
    return records.Kept(**{**known, "classes": tuple(known["classes"]), "libraries": tuple(known["libraries"])})


def _broken(why: str) -> errors.UsageError:
    return errors.UsageError(
        f"a run in the file cannot be understood: {why}", hint="export it again, with the version of tane used here"
    )
