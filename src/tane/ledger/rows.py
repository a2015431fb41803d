"""Between records and rows: what `write` puts into columns, and `read` makes of them."""

from __future__ import annotations

import json
import marshal
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from tane import encoding, outcomes
from tane.digest import hashing
from tane.ledger import records

NAN = float("nan")


SOURCES = -1  # the position of the step that stands for what a run starts from


def inputs_position(position: int) -> int:
    """The position of the step that stands for the inputs of a failed one."""
    return SOURCES - 1 - position


class Row(NamedTuple):
    """A row of a table that holds each distinct content once. `identity` is the digest of the others."""

    identity: bytes
    columns: tuple[Any, ...]


def text(content: Any) -> str:
    """JSON. What JSON does not know becomes the nearest thing it knows: mappings, lists, else text."""
    try:
        return _encode(content)
    except TypeError:  # a key that is no text, such as a date
        return _encode(_named(content))


def _named(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else str(key): _named(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_named(item) for item in value]
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    if isinstance(value, Iterable) and not isinstance(value, bytes | bytearray | memoryview):
        return list(value)
    return str(value)


_encode = encoding.to_json(default=_plain, separators=(",", ":"))
_decode = json.JSONDecoder().decode


def parsed(content: str) -> Any:
    """What `text` was given."""
    return _decode(content)


def text_of(content: str) -> str:
    """The text that some JSON holds."""
    return clean(str(_decode(content)))


def clean(free: str) -> str:
    """Free text as the database can hold it: undecodable bytes of file names are escaped."""
    try:
        free.encode()
    except UnicodeEncodeError:
        return free.encode("utf-8", "backslashreplace").decode()
    return free


def number(value: float | None) -> float:
    """A double as it was logged; NaN is kept as null."""
    return NAN if value is None else value


def _row(*columns: Any) -> Row:
    # version 2 of marshal writes numbers, text and None by content alone, and takes a fraction of JSON's time
    return Row(bytes.fromhex(hashing.of_bytes(marshal.dumps(columns, 2))), columns)


# -- runs --------------------------------------------------------------------------------------------------

RUN = (
    "run, pipeline, kind, name, status, started, ended, lease, host, pid, process, published, environment, "
    "error, detail, experiment, grouped, job_type, parent, study, trial, deleted"
)

TOLD = "account, command, python, git_commit, git_branch, git_dirty"


def told(detail: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns `TOLD`: what is searched for in the column `detail`."""
    git = detail.get("git") or {}
    return (
        clean(str(detail.get("user") or "")),
        clean(" ".join(map(str, detail.get("command") or ()))),
        clean(str(detail.get("python") or "")),
        *(clean(str(git.get(name) or "")) for name in ("commit", "branch", "dirty")),
    )


def of_run(record: records.RunRecord, lease: float, process: str) -> tuple[Any, ...]:
    """The columns `RUN` and `TOLD` of a run."""
    detail = {
        "command": record.command,
        "params": record.params,
        "config": record.config,
        "git": record.git,
        "user": record.user,
        "python": record.python,
    }
    return (
        record.run,
        record.pipeline,
        record.kind,
        clean(record.name),
        str(record.status),
        record.started,
        record.ended,
        lease,
        record.host,
        record.pid,
        process,
        int(record.published),
        record.environment,
        clean(record.error),
        text(detail),
        clean(record.experiment),
        clean(record.group),
        clean(record.job_type),
        record.parent,
        clean(record.study),
        record.trial,
        record.deleted,
        *told(detail),
    )


def run(row: Sequence[Any], status: outcomes.RunStatus, ended: float) -> records.RunRecord:
    """The run of the columns `RUN`; status and end are as the reader judges them."""
    name, pipeline, kind, title, _, started, _, _, host, pid, _, published, environment, error, detail = row[:15]
    experiment, group, job_type, parent, study, trial, deleted = row[15:]
    more = parsed(detail)
    return records.RunRecord(
        run=name,
        pipeline=pipeline,
        kind=kind,
        status=status,
        started=started,
        ended=ended,
        command=tuple(more["command"]),
        params=more["params"],
        config=more["config"],
        git=more["git"],
        environment=environment,
        host=host,
        user=more["user"],
        pid=pid,
        python=more["python"],
        name=title,
        error=error,
        published=bool(published),
        experiment=experiment,
        group=group,
        job_type=job_type,
        parent=parent,
        study=study,
        trial=trial,
        deleted=deleted,
    )


# -- parameters --------------------------------------------------------------------------------------------

PARAM = "name, value, type, number, start"
START = 120  # characters of a text that are looked up by
OTHER, TEXT, INTEGER, REAL = range(4)
_WHOLE = 1 << 62


def of_param(name: str, value: Any) -> tuple[str, str, int, float | None, str]:
    """The columns `PARAM` of a parameter: its JSON, and the number or text it is compared as."""
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()  # a NumPy number
    if isinstance(value, str):
        return clean(name), text(value), TEXT, None, start(value)
    kind, number, shown = OTHER, None, text(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
            kind = REAL if isinstance(value, float) else INTEGER if abs(value) < _WHOLE else OTHER
        except OverflowError:
            pass
    return clean(name), shown, kind, number, shown[:START]


def start(word: str) -> str:
    """The part of a text that it is looked up by."""
    return clean(word[:START])[:START]


def flatten(params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one level of dotted names; empty mappings stay as they are."""
    flat: dict[str, Any] = {}
    for key, value in params.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            flat.update(flatten(value, name + "."))
        else:
            flat[name] = value
    return flat


# -- steps -------------------------------------------------------------------------------------------------

STEP = (
    "steps.position, steps.node, steps.status, steps.reusable, steps.origin, steps.origin_position, "
    "steps.started, steps.ended, steps.cpu, steps.peak_memory, steps.detail, bases.key, bases.code, "
    "bases.environment, bases.detail"
)


_SILENT: Mapping[str, Any] = {"reasons": (), "error": ""}


def of_basis(step: records.StepRecord) -> Row:
    """The row of `bases` for a step: key, code, environment, detail."""
    basis = step.basis
    detail = text({"options": basis.options, "params": basis.params, "inputs": basis.inputs})
    return _row(step.key, basis.code, basis.environment, detail)


def of_step(step: records.StepRecord, run: int, basis: int) -> tuple[Any, ...]:
    """The row of `steps`."""
    origin, origin_position = step.origin or (None, None)
    return (
        run,
        step.position,
        step.node,
        str(step.status),
        basis,
        int(step.reusable),
        origin,
        origin_position,
        step.started,
        step.ended,
        step.cpu,
        step.peak_memory,
        _said(step.reasons, step.error, step.attempts) if step.reasons or step.error else None,
    )


@lru_cache(maxsize=256)
def _said(reasons: tuple[str, ...], error: str, attempts: int) -> str:
    """Many steps of a run say the same."""
    said = {"reasons": reasons, "error": error}
    return text(said if attempts == 1 else {**said, "attempts": attempts})


def step(row: Sequence[Any], outputs: tuple[records.Kept, ...]) -> records.StepRecord:
    """The step of the columns `STEP`."""
    position, node, status, reusable, origin, origin_position, started, ended, cpu, memory, detail = row[:11]
    key, code, environment, rest = row[11:]
    basis = parsed(rest)
    more = parsed(detail) if detail else _SILENT
    return records.StepRecord(
        position=position,
        node=node,
        status=outcomes.StepStatus(status),
        key=key,
        basis=records.Basis(code, environment, basis["options"], basis["params"], basis["inputs"]),
        reasons=tuple(more["reasons"]),
        outputs=outputs,
        origin=None if origin is None else (origin, origin_position),
        started=started,
        ended=ended,
        cpu=cpu,
        peak_memory=memory,
        error=more["error"],
        reusable=bool(reusable),
        attempts=more.get("attempts", 1),
    )


# -- outputs -----------------------------------------------------------------------------------------------

KEPT = "kept.name, kept.digest, kept.codec, kept.value, kept.file, kept.save, kept.bytes, kept.detail"


def of_kept(kept: records.Kept) -> Row:
    """The row of `kept`, with the columns `KEPT`."""
    detail = text([kept.classes, kept.libraries]) if kept.classes or kept.libraries else None
    return _row(
        kept.name,
        kept.digest,
        kept.codec,
        kept.value or None,
        kept.file or None,
        kept.save,
        kept.bytes,
        detail,
    )


def kept(row: Sequence[Any]) -> records.Kept:
    """The output of the columns `KEPT`."""
    name, digest, codec, value, file, save, size, detail = row
    classes, libraries = parsed(detail) if detail else ((), ())
    return records.Kept(name, digest, codec, value or "", file or "", save, size, tuple(classes), tuple(libraries))
