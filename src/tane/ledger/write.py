"""All that enters the ledger. A call is one transaction: when it returns, what it wrote outlives the process.

Runs, tracking and their doors call it. Secrets never come here: callers mask them.
"""

from __future__ import annotations

import os
import sqlite3
import time
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tane import errors, outcomes
from tane.digest import hashing
from tane.ledger import connection, leases, points, records, rows

_CHUNK = 500  # SQLite's oldest limit on parameters is 999
_NONE: Mapping[str, Mapping[str, Any]] = {}
_ENDED_WELL = (outcomes.StepStatus.SUCCEEDED, outcomes.StepStatus.REUSED)


# -- runs --------------------------------------------------------------------------------------------------


def start_run(
    ledger: connection.Ledger, run: records.RunRecord, defaults: Mapping[str, Any] = types.MappingProxyType({})
) -> None:
    """Record a run that begins, and take out its lease. `defaults` are parameters by dotted name that it was not given:
    it is found and compared by them as well.
    """
    columns = rows.of_run(run, time.time() + leases.LEASE, leases.mark(run.pid))
    given = [rows.of_param(name, value) for name, value in {**defaults, **rows.flatten(run.params)}.items()]
    with ledger.writing() as db:
        started = db.execute(f"insert into runs ({rows.RUN}, {rows.TOLD}) values ({_marks(len(columns))})", columns)
        if given:
            db.executemany(PARAM, [(started.lastrowid, 1, *param) for param in given])
        if run.experiment:
            add_experiment(db, run.experiment)


PARAM = (
    f"insert into params (run, given, {rows.PARAM}) values (?, ?, ?, ?, ?, ?, ?) "
    "on conflict (run, name) do update set "
    "given = excluded.given, value = excluded.value, type = excluded.type, number = excluded.number, "
    "start = excluded.start"
)


def use_experiment(ledger: connection.Ledger, name: str) -> bool:
    """Have an experiment of that name. True when it is new."""
    if ledger.rows("select 1 from experiments where name = ?", (rows.clean(name),)):
        return False
    with ledger.writing() as db:
        return add_experiment(db, name)


def add_experiment(db: sqlite3.Connection, name: str) -> bool:
    """Have an experiment of that name, within a transaction. True when it is new."""
    done = db.execute(
        "insert into experiments (name, created) values (?, ?) on conflict (name) do nothing",
        (rows.clean(name), time.time()),
    )
    return bool(done.rowcount)


def delete_run(ledger: connection.Ledger, run: str) -> bool:
    """Hide a run from lists and searches; all else goes on as if it were there. False when it was deleted before.

    Raises `errors.UsageError` for a run that is at work.
    """
    number = ledger.number(run)
    now = time.time()
    with ledger.writing() as db:
        status, host, pid, process, lease = db.execute(
            "select status, host, pid, process, lease from runs where id = ?", (number,)
        ).fetchone()
        gone = leases.is_gone(host, pid, process, lease, here=os.uname().nodename, now=now)
        if status == outcomes.RunStatus.RUNNING and not gone:
            raise errors.UsageError(f"run {run} is still running", hint="wait for its end, or end it first")
        done = db.execute("update runs set deleted = ? where id = ? and deleted = 0", (now, number))
        return bool(done.rowcount)


def restore_run(ledger: connection.Ledger, run: str) -> bool:
    """Show a deleted run again. False when it was not deleted."""
    number = ledger.number(run)
    with ledger.writing() as db:
        return bool(db.execute("update runs set deleted = 0 where id = ? and deleted <> 0", (number,)).rowcount)


def resume_run(ledger: connection.Ledger, run: records.RunRecord, host: str, pid: int) -> bool:
    """Have a run that has ended, or whose process is gone, go on in process `pid`. False when somebody else did."""
    number = ledger.number(run.run)
    was = outcomes.RunStatus.RUNNING if run.status is outcomes.RunStatus.KILLED else run.status
    with ledger.writing() as db:
        done = db.execute(
            "update runs set status = ?, ended = 0, error = '', lease = ?, host = ?, pid = ?, process = ? "
            "where id = ? and status = ? and pid = ?",
            (
                str(outcomes.RunStatus.RUNNING),
                time.time() + leases.LEASE,
                host,
                pid,
                leases.mark(pid),
                number,
                str(was),
                run.pid,
            ),
        )
        return bool(done.rowcount)


def beat(ledger: connection.Ledger, run: str) -> None:
    """Renew the lease of a running run; to be called several times within `leases.LEASE` seconds."""
    number = ledger.number(run)
    with ledger.writing() as db:
        db.execute("update runs set lease = ? where id = ?", (time.time() + leases.LEASE, number))


def end_run(
    ledger: connection.Ledger,
    run: str,
    status: outcomes.RunStatus,
    ended: float,
    error: str = "",
    published: bool | None = None,
) -> None:
    """Record how a run ended; `published` corrects what was said at its start."""
    number = ledger.number(run)
    with ledger.writing() as db:
        db.execute(
            "update runs set status = ?, ended = ?, error = ?, published = coalesce(?, published) where id = ?",
            (str(status), ended, rows.clean(error), None if published is None else int(published), number),
        )
        points.settle(db)


def add_document(ledger: connection.Ledger, content: Mapping[str, Any]) -> str:
    """Keep a JSON document once, and give its digest."""
    written = rows.text(content)
    digest = hashing.combine("document", written)
    with ledger.writing() as db:
        db.execute(DOCUMENT, (digest, written))
    return digest


DOCUMENT = "insert into documents (digest, content) values (?, ?) on conflict (digest) do nothing"


# -- steps -------------------------------------------------------------------------------------------------


def add_steps(
    ledger: connection.Ledger,
    run: str,
    steps: Sequence[records.StepRecord],
    documents: Mapping[str, Mapping[str, Any]] = _NONE,
) -> None:
    """Record steps that ended, with their outputs, in one transaction; a position recorded again is replaced.

    `documents` are those that the steps name, by digest. Reusable steps that ended well become the result
    under their key. Reused steps inherit what their origin has logged.
    """
    number = ledger.number(run)
    steps = list({step.position: step for step in steps}.values())
    bases = [rows.of_basis(step) for step in steps]
    kept = [[rows.of_kept(each) for each in step.outputs] for step in steps]
    with ledger.writing() as db:
        db.executemany(DOCUMENT, ((digest, rows.text(content)) for digest, content in documents.items()))
        basis_numbers, new = intern(db, "bases", BASIS, bases)
        db.executemany(
            "insert into inputs (digest, basis, name) values (?, ?, ?)",
            inputs_of(steps, bases, basis_numbers, new),
        )
        kept_numbers, _ = intern(db, "kept", KEPT, [row for step_rows in kept for row in step_rows])
        _forget(db, number, steps)
        db.executemany(
            STEP,
            [rows.of_step(step, number, basis_numbers[b.identity]) for step, b in zip(steps, bases, strict=True)],
        )
        db.executemany(
            "insert into outputs (run, position, place, kept) values (?, ?, ?, ?)",
            [
                (number, step.position, place, kept_numbers[row.identity])
                for step, step_rows in zip(steps, kept, strict=True)
                for place, row in enumerate(step_rows)
            ],
        )
        db.executemany(
            _RESULT,
            [(s.key, number, s.position) for s in steps if s.reusable and s.key and s.status in _ENDED_WELL],
        )
        # a run that is killed later is known to have lived until now
        db.execute("update runs set lease = max(lease, ?) where id = ?", (time.time() + leases.LEASE, number))
        reused = [(step.node, *step.origin) for step in steps if step.origin]
        whole = [step for step in steps if step.origin and step.position < records.ITEMS]
        fanned = [step.origin for step in whole if step.origin and step.basis.options.get("over")]
        _inherit(db, number, [*reused, *(item for origin in fanned for item in _items(db, *origin))])


def add_sources(ledger: connection.Ledger, run: str, sources: Sequence[records.Kept]) -> None:
    """Record what a run starts from: as the outputs of a step before the first, which no step list shows."""
    _add_given(ledger, run, rows.SOURCES, sources)


def add_inputs(ledger: connection.Ledger, run: str, position: int, inputs: Sequence[records.Kept]) -> None:
    """Record what a step that failed was given, so that it can be done again with the same."""
    _add_given(ledger, run, rows.inputs_position(position), inputs)


def _add_given(ledger: connection.Ledger, run: str, position: int, sources: Sequence[records.Kept]) -> None:
    if not sources:
        return
    number = ledger.number(run)
    nothing = records.Basis("", "", {}, {}, {})
    step = records.StepRecord(position, "", outcomes.StepStatus.SKIPPED, "", nothing, reusable=False)
    basis = rows.of_basis(step)
    kept = [rows.of_kept(each) for each in sources]
    with ledger.writing() as db:
        bases, _ = intern(db, "bases", BASIS, [basis])
        numbers, _ = intern(db, "kept", KEPT, kept)
        _forget(db, number, [step])
        db.execute(STEP, rows.of_step(step, number, bases[basis.identity]))
        db.executemany(
            "insert into outputs (run, position, place, kept) values (?, ?, ?, ?)",
            [(number, position, place, numbers[row.identity]) for place, row in enumerate(kept)],
        )


BASIS = "insert into bases (id, identity, key, code, environment, detail) values (?, ?, ?, ?, ?, ?)"
KEPT = (
    "insert into kept (id, identity, name, digest, codec, value, file, save, bytes, detail) "
    "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
STEP = (
    "insert into steps (run, position, node, status, basis, reusable, origin, origin_position, started, "
    "ended, cpu, peak_memory, detail) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_RESULT = (
    "insert into results (key, run, position) values (?, ?, ?) "
    "on conflict (key) do update set run = excluded.run, position = excluded.position"
)


def drop_results(ledger: connection.Ledger, keys: Iterable[str]) -> None:
    """Have these keys stand for no result any more: an object is damaged or missing."""
    with ledger.writing() as db:
        db.executemany("delete from results where key = ?", [(key,) for key in keys])


def inherit(ledger: connection.Ledger, run: str, position: int, node: str, origin: tuple[str, int]) -> None:
    """Show in `run` too what the step `origin` has logged; `add_steps` does it for reused steps."""
    number = ledger.number(run)
    with ledger.writing() as db:
        _inherit(db, number, [(node, *origin)])


def intern(
    db: sqlite3.Connection, table: str, insert: str, wanted: Sequence[rows.Row]
) -> tuple[dict[bytes, int], set[bytes]]:
    """The numbers of rows in a table of distinct contents, by identity, and which of them are new there."""
    by_identity = {row.identity: row for row in wanted}
    numbers: dict[bytes, int] = {}
    for part in _chunks(list(by_identity)):
        numbers.update(db.execute(f"select identity, id from {table} where identity in ({_marks(len(part))})", part))
    new = [identity for identity in by_identity if identity not in numbers]
    if new:
        highest = db.execute(f"select coalesce(max(id), 0) from {table}").fetchone()[0]
        numbers.update(zip(new, range(highest + 1, highest + 1 + len(new)), strict=True))
        db.executemany(insert, [(numbers[identity], identity, *by_identity[identity].columns) for identity in new])
    return numbers, set(new)


def inputs_of(
    steps: Sequence[records.StepRecord],
    bases: Sequence[rows.Row],
    numbers: Mapping[bytes, int],
    new: set[bytes],
) -> Iterator[tuple[str, int, str]]:
    """The rows of `inputs` for steps whose bases are new, each once."""
    for step, row in zip(steps, bases, strict=True):
        if row.identity in new:
            new.discard(row.identity)  # two steps may share a basis
            for name, digest in step.basis.inputs.items():
                yield digest, numbers[row.identity], name


def _forget(db: sqlite3.Connection, run: int, steps: Sequence[records.StepRecord]) -> None:
    """Make room for steps that are recorded again: a reused one that had to run after all."""
    if not steps:
        return
    positions = {step.position for step in steps}
    known = db.execute(
        "select position from steps where run = ? and position between ? and ?",
        (run, min(positions), max(positions)),
    ).fetchall()
    again = [(run, position) for (position,) in known if position in positions]
    db.executemany("delete from outputs where run = ? and position = ?", again)
    db.executemany("delete from steps where run = ? and position = ?", again)


def _items(db: sqlite3.Connection, run: str, position: int) -> list[tuple[str, str, int]]:
    """The items of a fanned-out step, as those that a reused step inherits from."""
    first = records.item_position(position, 0)
    found = db.execute(
        "select node, position from steps where run = (select id from runs where run = ?) "
        "and position >= ? and position < ?",
        (run, first, first + records.ITEMS),
    )
    return [(node, run, at) for node, at in found]


def _inherit(db: sqlite3.Connection, run: int, reused: Sequence[tuple[str, str, int]]) -> None:
    """Copy summaries and artifacts of origin steps; points stay where they are."""
    if not reused:
        return
    points.settle(db)
    logged: dict[tuple[str, int], tuple[int, str]] = {}
    for part in _chunks(list({origin for _, origin, _ in reused})):
        names = dict(db.execute(f"select id, run from runs where run in ({_marks(len(part))})", part))
        names.pop(run, None)
        marks = _marks(len(names))
        found = db.execute(
            f"select steps.run, steps.position, steps.node from ("
            f"select run, node from metrics where run in ({marks}) "
            f"union select run, node from artifacts where run in ({marks})) as logged "
            "join steps on steps.run = logged.run and steps.node = logged.node",
            [*names, *names],
        )
        for number, position, node in found:
            logged[names[number], position] = (number, node)
    copies = [(run, node, *logged[name, position]) for node, name, position in reused if (name, position) in logged]
    db.executemany(_INHERIT_METRICS, copies)
    db.executemany(_INHERIT_ARTIFACTS, copies)


_INHERIT_METRICS = (
    "insert into metrics (run, node, name, origin, last, min, max, count, at) "
    "select ?, ?, name, coalesce(origin, id), last, min, max, count, at from metrics "
    "where run = ? and node = ? on conflict (run, node, name) do nothing"
)
_INHERIT_ARTIFACTS = (
    "insert into artifacts (run, node, path, file, bytes, kind) "
    "select ?, ?, path, file, bytes, kind from artifacts where run = ? and node = ? "
    "on conflict (run, path) do nothing"
)


# -- what is logged ----------------------------------------------------------------------------------------


def log_params(ledger: connection.Ledger, run: str, params: Mapping[str, Any]) -> None:
    """Record parameters by name; one logged again takes the new value."""
    number = ledger.number(run)
    logged = [rows.of_param(name, value) for name, value in params.items()]
    with ledger.writing() as db:
        db.executemany(PARAM, [(number, 0, *param) for param in logged])


def set_tags(ledger: connection.Ledger, run: str, tags: Mapping[str, str]) -> None:
    """Set tags of a run; one set again takes the new value."""
    number = ledger.number(run)
    with ledger.writing() as db:
        db.executemany(
            "insert into tags (run, name, value) values (?, ?, ?) "
            "on conflict (run, name) do update set value = excluded.value",
            [(number, rows.clean(name), rows.clean(value)) for name, value in tags.items()],
        )


def remove_tags(ledger: connection.Ledger, run: str, names: Iterable[str]) -> int:
    """Remove those of these tags that a run has, and say how many that were."""
    number = ledger.number(run)
    with ledger.writing() as db:
        removed = db.executemany(
            "delete from tags where run = ? and name = ?", [(number, rows.clean(name)) for name in names]
        )
        return max(removed.rowcount, 0)


def log_metric(
    ledger: connection.Ledger, run: str, node: str | None, name: str, value: float, step: int, at: float
) -> None:
    """Record one point of one metric, as fast as can be: a row is appended, and nothing else done."""
    row = (ledger.number(run), node or "", name, step, value, at)
    try:
        place = ledger.append(points.APPEND, row)
    except UnicodeEncodeError:
        place = ledger.append(points.APPEND, points.cleaned(row))
    except OverflowError:
        raise _too_far(step) from None
    if not place % points.TOGETHER:
        with ledger.writing() as db:
            points.settle(db)


def log_metrics(ledger: connection.Ledger, run: str, node: str | None, logged: Sequence[records.MetricPoint]) -> None:
    """Record points of any number of metrics, logged by the step of `node` or by the run as such."""
    log_values(ledger, run, node, [(point.name, int(point.step), float(point.value), point.at) for point in logged])


def log_values(
    ledger: connection.Ledger, run: str, node: str | None, values: Sequence[tuple[str, int, float, float]]
) -> None:
    """Record points of metrics, each its name, step, value and time."""
    if len(values) == 1:
        name, step, value, at = values[0]
        log_metric(ledger, run, node, name, value, step, at)
        return
    number, node = ledger.number(run), node or ""
    logged = [(number, node, *each) for each in values]
    try:
        with ledger.writing() as db:
            points.log(db, logged)
    except UnicodeEncodeError:
        with ledger.writing() as db:
            points.log(db, [points.cleaned(row) for row in logged])
    except OverflowError:
        raise _too_far(max((step for _, step, _, _ in values), key=abs)) from None


def settle(ledger: connection.Ledger) -> None:
    """Bring the summaries of all metrics up to date, which spares later readers some work."""
    if ledger.rows("select 1 from logged limit 1"):
        with ledger.writing() as db:
            points.settle(db)


def _too_far(step: int) -> errors.UsageError:
    return errors.UsageError(f"step {step} of a metric is too large", hint="count steps from 0")


def add_artifact(ledger: connection.Ledger, run: str, node: str | None, artifact: records.Artifact) -> None:
    """Record an artifact; one of the same path takes its place."""
    number = ledger.number(run)
    with ledger.writing() as db:
        db.execute(
            "insert into artifacts (run, path, node, file, bytes, kind) values (?, ?, ?, ?, ?, ?) "
            "on conflict (run, path) do update set "
            "node = excluded.node, file = excluded.file, bytes = excluded.bytes, kind = excluded.kind",
            (number, rows.clean(artifact.path), node or "", artifact.file, artifact.bytes, artifact.kind),
        )


def set_note(ledger: connection.Ledger, run: str, content: str) -> None:
    """Give a run its note, in place of the one it has."""
    number = ledger.number(run)
    with ledger.writing() as db:
        db.execute(
            "insert into notes (run, content, at) values (?, ?, ?) "
            "on conflict (run) do update set content = excluded.content, at = excluded.at",
            (number, rows.clean(content), time.time()),
        )


# -- the project -------------------------------------------------------------------------------------------


def note_placed(ledger: connection.Ledger, path: str, digest: str) -> None:
    """Remember what was last put at a workspace path."""
    with ledger.writing() as db:
        db.execute(
            "insert into placed (path, digest) values (?, ?) on conflict (path) do update set digest = excluded.digest",
            (os.fsencode(path), digest),
        )


def add_event(ledger: connection.Ledger, event: records.Event) -> None:
    """Add to the history, which nothing changes or deletes. A power cut does not undo it either."""
    with ledger.writing(durable=True) as db:
        db.execute(
            "insert into events (kind, subject, at, actor, detail) values (?, ?, ?, ?, ?)",
            (
                event.kind,
                rows.clean(event.subject),
                event.at,
                rows.clean(event.actor),
                rows.text(event.detail),
            ),
        )


def _chunks(items: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]


def _marks(count: int) -> str:
    return ",".join("?" * count)
