"""Sweeps and studies: many runs over points of parameters, handed out to any number of workers.

`tuning` calls it. A study keeps its trials in the order in which they were asked for; a trial is claimed by one worker
at a time, atomically, and comes free again when that worker's process is gone or its lease has run out. What a call
wrote outlives the process.
"""

from __future__ import annotations

import functools
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tane import errors, fielded
from tane.digest import hashing
from tane.ledger import connection, leases, rows
from tane.outcomes import TrialState

ATTEMPTS = 3  # how often a trial is begun: one whose process dies each time is what kills it
_OPEN = (str(TrialState.WAITING), str(TrialState.RUNNING))


@fielded.frozen
class Study:
    """A sweep or a study. `total` is how many trials there are to be, over all workers; None: no end.

    `space` says what may be chosen and does not change; `spec` says how, and all else that belongs to it.
    """

    id: int
    name: str
    kind: str
    directions: tuple[str, ...]
    space: Mapping[str, Any]
    spec: Mapping[str, Any]
    total: int | None
    created: float


@fielded.frozen
class Trial:
    """One point of a study. `study` is the study's id, `run` the run that it is, once it has begun.

    `attempts` counts how often it was begun: only who began it last may end it.
    """

    id: int
    study: int
    number: int
    state: TrialState
    point: Mapping[str, Any]
    identity: str
    values: tuple[float, ...] = ()
    run: str = ""
    started: float = 0.0
    ended: float = 0.0
    worker: str = ""
    lease: float = 0.0
    error: str = ""
    attempts: int = 0


def identity(point: Mapping[str, Any]) -> str:
    """The digest of a point: the same for equal points, in whatever order they name their parameters."""
    return hashing.combine("point", rows.text(_in_order(point)))


def _in_order(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _in_order(value[name]) for name in sorted(value, key=str)}
    return [_in_order(each) for each in value] if isinstance(value, list | tuple) else value


# -- studies -----------------------------------------------------------------------------------------------------------


def open_study(
    ledger: connection.Ledger,
    name: str,
    *,
    kind: str,
    directions: Sequence[str] = (),
    space: Mapping[str, Any] = {},
    spec: Mapping[str, Any] = {},
    total: int | None = None,
) -> Study:
    """The study of that name, made when there is none; `spec` and `total` are then those given, where they are.

    Raises `errors.UsageError` when there is one of another kind, with other directions or another space: its trials
    could not be compared with new ones.
    """
    with ledger.writing() as db:
        found = db.execute(f"{_STUDY} where name = ?", (name,)).fetchone()
        if found is None:
            made = db.execute(
                "insert into studies (name, kind, directions, space, spec, total, created) "
                f"values (?, ?, ?, ?, ?, ?, ?) returning {_STUDY_COLUMNS}",
                (name, kind, rows.text(directions), rows.text(space), rows.text(spec), total, time.time()),
            )
            return _study(made.fetchone())
        _check_same(_study(found), kind, directions, space)
        if spec or total is not None:
            db.execute(
                "update studies set spec = coalesce(?, spec), total = coalesce(?, total) where name = ?",
                (rows.text(spec) if spec else None, total, name),
            )
        return _study(db.execute(f"{_STUDY} where name = ?", (name,)).fetchone())


def _check_same(known: Study, kind: str, directions: Sequence[str], space: Mapping[str, Any]) -> None:
    plain = json.loads(rows.text(space))
    hint = "give another name, or begin anew: tane tune --study NAME, tane tune --new"
    if known.kind != kind:
        raise errors.UsageError(f"{known.name!r} is {_KINDS[known.kind]}, not {_KINDS[kind]}", hint=hint)
    if known.directions != tuple(directions):
        was, now = ", ".join(known.directions), ", ".join(directions)
        raise errors.UsageError(f"the directions of study {known.name!r} were {was} and are {now} now", hint=hint)
    if known.space != plain:
        names = sorted({*known.space, *plain})
        changed = [name for name in names if known.space.get(name, _NONE) != plain.get(name, _NONE)]
        listed = "; ".join(_change(name, known.space.get(name, _NONE), plain.get(name, _NONE)) for name in changed)
        raise errors.UsageError(f"the space of study {known.name!r} has changed: {listed}", hint=hint)


_KINDS = {"sweep": "a sweep", "study": "a study", "optuna": "a study made by Optuna"}
_NONE: Any = object()


def _change(name: str, was: Any, now: Any) -> str:
    if was is _NONE:
        return f"{name} is new"
    if now is _NONE:
        return f"{name} is gone"
    return f"{name} was {rows.text(was)} and is {rows.text(now)}"


def create(ledger: connection.Ledger, name: str, *, kind: str, directions: Sequence[str]) -> Study | None:
    """A new study; None when there is one of that name."""
    with ledger.writing() as db:
        made = db.execute(
            "insert into studies (name, kind, directions, space, spec, created) values (?, ?, ?, '{}', '{}', ?) "
            f"on conflict (name) do nothing returning {_STUDY_COLUMNS}",
            (name, kind, rows.text(directions), time.time()),
        ).fetchone()
        return None if made is None else _study(made)


def named(ledger: connection.Ledger, name: str) -> Study | None:
    """The study of exactly that name."""
    found = ledger.rows(f"{_STUDY} where name = ?", (name,))
    return _study(found[0]) if found else None


def numbered(ledger: connection.Ledger, study: int) -> Study | None:
    """The study with that id."""
    found = ledger.rows(f"{_STUDY} where id = ?", (study,))
    return _study(found[0]) if found else None


def find(ledger: connection.Ledger, name_or_prefix: str) -> Study:
    """The study of that name, or the only one whose name begins so. Raises `errors.UsageError`."""
    found = ledger.rows(f"{_STUDY} where name = ?", (name_or_prefix,))
    if found:
        return _study(found[0])
    known = studies(ledger)
    begun = [study for study in known if study.name.startswith(name_or_prefix)] if name_or_prefix else []
    if len(begun) == 1:
        return begun[0]
    names = [study.name for study in known]
    if begun:
        listed = ", ".join(study.name for study in begun[:5])
        raise errors.UsageError(f"{name_or_prefix!r} stands for {len(begun)} studies", hint=f"write more: {listed}")
    otherwise = f"there are: {', '.join(names[:5])}" if names else "there are none yet: tane sweep, tane tune"
    raise errors.UsageError(
        f"there is no study {name_or_prefix!r}", hint=errors.did_you_mean(name_or_prefix, names, otherwise)
    )


def studies(ledger: connection.Ledger) -> list[Study]:
    """All sweeps and studies, the newest first."""
    return [_study(row) for row in ledger.rows(f"{_STUDY} order by id desc")]


def counts(ledger: connection.Ledger) -> dict[int, dict[TrialState, int]]:
    """How many trials of each study stand how."""
    found: dict[int, dict[TrialState, int]] = {}
    for study, state, count in ledger.rows("select study, state, count(*) from trials group by study, state"):
        found.setdefault(study, {})[TrialState(state)] = count
    return found


def states(ledger: connection.Ledger, study: Study) -> dict[TrialState, int]:
    """How many trials of one study stand how."""
    found = ledger.rows("select state, count(*) from trials where study = ? group by state", (study.id,))
    return {TrialState(state): count for state, count in found}


def count_complete(ledger: connection.Ledger, study: int) -> int:
    """How many trials of a study are complete."""
    return int(ledger.rows("select count(*) from trials where study = ? and state = 'complete'", (study,))[0][0])


def set_total(ledger: connection.Ledger, study: Study, total: int | None) -> Study:
    """Say anew how many trials there are to be."""
    with ledger.writing() as db:
        db.execute("update studies set total = ? where id = ?", (total, study.id))
    return fielded.replace(study, total=total)


def delete(ledger: connection.Ledger, study: int) -> bool:
    """Forget a study and its trials; their runs stay. False when there is no such study."""
    with ledger.writing() as db:
        db.execute("delete from reports where trial in (select id from trials where study = ?)", (study,))
        db.execute("delete from attributes where study = ?", (study,))
        db.execute("delete from trials where study = ?", (study,))
        return bool(db.execute("delete from studies where id = ?", (study,)).rowcount)


# -- trials ------------------------------------------------------------------------------------------------------------


def trials(ledger: connection.Ledger, study: Study, states: Iterable[TrialState] | None = None) -> list[Trial]:
    """The trials of a study in order, or those in `states`."""
    wanted = None if states is None else [str(state) for state in states]
    within = "" if wanted is None else f" and state in ({','.join('?' * len(wanted))})"
    return [
        _trial(row)
        for row in ledger.rows(f"{_TRIAL} where study = ?{within} order by number", [study.id, *(wanted or ())])
    ]


def enqueue(ledger: connection.Ledger, study: Study, points: Sequence[Mapping[str, Any]]) -> list[Trial]:
    """Have these points done, in order, and give their trials: one that was asked for before comes back as it is.

    The points of a sweep are whole. Those of a study may leave parameters open, for its sampler to choose.
    """
    found = []
    with ledger.writing() as db:
        for point in points:
            digest = identity(point)
            row = db.execute(
                f"{_TRIAL} where study = ? and identity = ? order by number limit 1", (study.id, digest)
            ).fetchone()
            if row is None:
                row = _insert(db, study.id, TrialState.WAITING, point, digest)
                if study.kind != "sweep":  # by this name Optuna looks for what a point leaves no choice about
                    _note_given(db, study.id, row[0], point)
            found.append(_trial(row))
    return found


def claim(ledger: connection.Ledger, study: Study, worker: str = "", *, fresh: bool = False) -> Trial | None:
    """The next trial for this process to do, or None when there is none: what waits comes first, then what is left of
    workers that are gone. With `fresh` another trial is begun, as long as there are fewer than the study's total.

    One that has been begun in vain several times is put down as failed. `worker` is only to be shown.
    """
    now = time.time()
    mine = (str(TrialState.RUNNING), now, worker, *process(), now + leases.LEASE)
    with ledger.writing() as db:
        taken = (_next_waiting(db, study.id) if _has_room(db, study.id) else None) or _next_orphan(db, study.id, now)
        if taken is not None:
            row = db.execute(f"{_CLAIM} where id = ? returning {_TRIAL_COLUMNS}", (*mine, study.id, taken)).fetchone()
            db.execute("delete from reports where trial = ?", (taken,))
            return _trial(row)
        if not fresh:
            return None
        total = db.execute("select total from studies where id = ?", (study.id,)).fetchone()
        if total is None or (total[0] is not None and _count(db, study.id) >= total[0]):
            return None
        row = _insert(db, study.id, TrialState.WAITING, {}, "")
        return _trial(
            db.execute(f"{_CLAIM} where id = ? returning {_TRIAL_COLUMNS}", (*mine, study.id, row[0])).fetchone()
        )


def take(ledger: connection.Ledger, study: Study, number: int, worker: str = "") -> Trial | None:
    """As `claim`, the trial of that number alone: None when it has ended, or another process has it."""
    now = time.time()
    mine = (str(TrialState.RUNNING), now, worker, *process(), now + leases.LEASE)
    with ledger.writing() as db:
        found = db.execute("select id, state from trials where study = ? and number = ?", (study.id, number)).fetchone()
        if found is None or found[1] not in _OPEN:
            return None
        if found[1] == str(TrialState.RUNNING) and found[0] not in orphans(db.execute, study.id, now):
            return None
        row = db.execute(f"{_CLAIM} where id = ? returning {_TRIAL_COLUMNS}", (*mine, study.id, found[0])).fetchone()
        db.execute("delete from reports where trial = ?", (found[0],))
        return _trial(row)


def renew(ledger: connection.Ledger, trials: Iterable[Trial]) -> None:
    """Show that these trials are still being worked on; several times within `leases.LEASE` seconds."""
    until = time.time() + leases.LEASE
    with ledger.writing() as db:
        db.executemany(
            "update trials set lease = ? where id = ? and attempts = ? and state = 'running'",
            [(until, trial.id, trial.attempts) for trial in trials],
        )


def choose(ledger: connection.Ledger, trial: Trial, point: Mapping[str, Any]) -> Trial:
    """Put down which point a claimed trial is at."""
    return _change_trial(
        ledger, trial, "point = ?, identity = ?", (rows.text(point), trial.identity or identity(point))
    )


def began(ledger: connection.Ledger, trial: Trial, run: str) -> Trial:
    """Put down which run a claimed trial is."""
    return _change_trial(ledger, trial, "run = ?", (run,))


def finish(
    ledger: connection.Ledger,
    trial: Trial,
    state: TrialState,
    *,
    values: Sequence[float] = (),
    run: str = "",
    error: str = "",
) -> bool:
    """Put down how a claimed trial ended. False when it is somebody else's by now, or has ended: nothing is changed."""
    with ledger.writing() as db:
        done = db.execute(
            "update trials set state = ?, objective = ?, run = coalesce(?, run), error = ?, ended = ?, "
            "identity = case when identity = '' then ? else identity end, "
            f"change = {CHANGE} where id = ? and attempts = ? and state = 'running'",
            (
                str(state),
                rows.text([float(value) for value in values]) if len(values) else None,
                run or None,
                rows.clean(error),
                time.time(),
                trial.identity or identity(trial.point),
                trial.study,
                trial.id,
                trial.attempts,
            ),
        )
        return bool(done.rowcount)


def release(ledger: connection.Ledger, trial: Trial) -> bool:
    """Give a claimed trial back, for others to do: its worker stops before it is done. Counts as no attempt."""
    with ledger.writing() as db:
        done = db.execute(
            f"update trials set state = 'waiting', lease = 0, attempts = attempts - 1, change = {CHANGE} "
            "where id = ? and attempts = ? and state = 'running'",
            (trial.study, trial.id, trial.attempts),
        )
        db.execute("delete from reports where trial = ? and ?", (trial.id, done.rowcount))
        return bool(done.rowcount)


def requeue(ledger: connection.Ledger, study: Study, states: Iterable[TrialState]) -> int:
    """Have the trials in `states` done once more; how many they are."""
    wanted = [str(state) for state in states]
    with ledger.writing() as db:
        done = db.execute(
            f"update trials set state = 'waiting', attempts = 0, error = '', objective = null, ended = 0, "
            f"change = {CHANGE} where study = ? and state in ({','.join('?' * len(wanted))})",
            [study.id, study.id, *wanted],
        )
        return done.rowcount


def report(ledger: connection.Ledger, trial: int, step: int, value: float) -> None:
    """Put down what a trial is at after `step`; a step reported again takes the new value."""
    with ledger.writing() as db:
        db.execute(
            "insert into reports (trial, step, value, at) values (?, ?, ?, ?) "
            "on conflict (trial, step) do update set value = excluded.value, at = excluded.at",
            (trial, int(step), float(value), time.time()),
        )
        db.execute(
            "update trials set change = (select max(change) + 1 from trials as other where other.study = trials.study) "
            "where id = ?",
            (trial,),
        )


def has_reported(ledger: connection.Ledger, trial: int) -> bool:
    """Whether a trial has reported anything."""
    return bool(ledger.rows("select 1 from reports where trial = ? limit 1", (trial,)))


def reports(ledger: connection.Ledger, study: int, trial: int | None = None) -> dict[int, dict[int, float]]:
    """What the trials of a study have reported, by trial's id and step; of one `trial` when it is given."""
    chosen, values = ("trials.study = ?", [study]) if trial is None else ("trials.id = ?", [trial])
    found: dict[int, dict[int, float]] = {}
    for one, step, value in ledger.rows(
        "select reports.trial, reports.step, reports.value from trials join reports on reports.trial = trials.id "
        f"where {chosen} order by reports.trial, reports.step",
        values,
    ):
        found.setdefault(one, {})[step] = rows.number(value)
    return found


def reported_at(ledger: connection.Ledger, study: int, step: int) -> list[float]:
    """What the complete trials of a study had reported at one step."""
    found = ledger.rows(
        "select reports.value from trials join reports on reports.trial = trials.id and reports.step = ? "
        "where trials.study = ? and trials.state = 'complete'",
        (step, study),
    )
    return [rows.number(value) for (value,) in found]


def news(ledger: connection.Ledger, study: Study, since: int) -> tuple[list[Trial], int]:
    """The trials that changed after change number `since`, by number, and the number of the newest change."""
    found = ledger.rows(
        f"select {_TRIAL_COLUMNS}, change from trials where study = ? and change > ? order by number", (study.id, since)
    )
    return [_trial(row[:-1]) for row in found], max((row[-1] for row in found), default=since)


# -- rows --------------------------------------------------------------------------------------------------------------

_STUDY_COLUMNS = "id, name, kind, directions, space, spec, total, created"
_STUDY = f"select {_STUDY_COLUMNS} from studies"
_TRIAL_COLUMNS = (
    "id, study, number, state, point, identity, objective, run, started, ended, worker, lease, error, attempts"
)
_TRIAL = f"select {_TRIAL_COLUMNS} from trials"
CHANGE = "(select coalesce(max(change), 0) + 1 from trials where study = ?)"
_CLAIM = (
    "update trials set state = ?, started = ?, worker = ?, host = ?, pid = ?, process = ?, lease = ?, "
    f"attempts = attempts + 1, run = '', change = {CHANGE}"
)


def _study(row: Sequence[Any]) -> Study:
    number, name, kind, directions, space, spec, total, created = row
    return Study(
        number, name, kind, tuple(rows.parsed(directions)), rows.parsed(space), rows.parsed(spec), total, created
    )


def _trial(row: Sequence[Any]) -> Trial:
    number, study, place, state, point, digest, values, run, started, ended, worker, lease, error, attempts = row
    return Trial(
        id=number,
        study=study,
        number=place,
        state=TrialState(state),
        point=rows.parsed(point),
        identity=digest,
        values=tuple(rows.parsed(values)) if values else (),
        run=run,
        started=started,
        ended=ended,
        worker=worker,
        lease=lease,
        error=error,
        attempts=attempts,
    )


def process() -> tuple[str, int, str]:
    """What tells this process from others: host, pid, mark."""
    return _process_of(os.getpid())


@functools.lru_cache(maxsize=1)
def _process_of(pid: int) -> tuple[str, int, str]:
    return os.uname().nodename, pid, leases.mark(pid)


def _insert(db: sqlite3.Connection, study: int, state: TrialState, point: Mapping[str, Any], digest: str) -> Any:
    return db.execute(
        "insert into trials (study, number, change, state, point, identity, run, started, ended, worker, host, pid, "
        "process, lease, attempts, error) "
        "select ?, (select coalesce(max(number), -1) + 1 from trials where study = ?), "
        f"{CHANGE}, ?, ?, ?, '', 0, 0, '', '', 0, '', 0, 0, '' returning {_TRIAL_COLUMNS}",
        (study, study, study, str(state), rows.text(point), digest),
    ).fetchone()


def _count(db: sqlite3.Connection, study: int) -> int:
    return int(db.execute("select coalesce(max(number), -1) + 1 from trials where study = ?", (study,)).fetchone()[0])


def _note_given(db: sqlite3.Connection, study: int, trial: int, point: Mapping[str, Any]) -> None:
    db.execute(
        "insert into attributes (study, trial, scope, name, value) values (?, ?, 'system', 'fixed_params', ?)",
        (study, trial, rows.text(point)),
    )


def _has_room(db: sqlite3.Connection, study: int) -> bool:
    """Whether fewer trials have begun than the study is to have: its total may be less than it once was."""
    return bool(
        db.execute(
            "select total is null or total > (select count(*) from trials where study = ? and state != 'waiting') "
            "from studies where id = ?",
            (study, study),
        ).fetchone()[0]
    )


def _next_waiting(db: sqlite3.Connection, study: int) -> int | None:
    row = db.execute(
        "select id from trials where study = ? and state = 'waiting' and state in ('waiting', 'running') "
        "order by number limit 1",
        (study,),
    ).fetchone()
    return None if row is None else int(row[0])


def _next_orphan(db: sqlite3.Connection, study: int, now: float) -> int | None:
    """A trial whose worker is gone. Those that were begun often enough are ended here."""
    for trial in orphans(db.execute, study, now):
        attempts = db.execute("select attempts from trials where id = ?", (trial,)).fetchone()[0]
        if attempts < ATTEMPTS:
            return trial
        db.execute(
            f"update trials set state = 'failed', ended = ?, error = ?, change = {CHANGE} where id = ?",
            (now, f"its process died {attempts} times", study, trial),
        )
    return None


def orphans(execute: Callable[[str, Sequence[Any]], Iterable[Any]], study: int, now: float) -> list[int]:
    """The ids of the trials of a study that are running according to the ledger, and whose worker is gone."""
    here = os.uname().nodename
    running = execute(
        "select id, host, pid, process, lease from trials "
        "where study = ? and state = 'running' and state in ('waiting', 'running') order by number",
        (study,),
    )
    return [
        trial
        for trial, host, pid, process, lease in running
        if leases.is_gone(host, pid, process, lease, here=here, now=now)
    ]


def _change_trial(ledger: connection.Ledger, trial: Trial, what: str, values: Sequence[Any]) -> Trial:
    with ledger.writing() as db:
        row = db.execute(
            f"update trials set {what}, change = {CHANGE} where id = ? and attempts = ? and state = 'running' "
            f"returning {_TRIAL_COLUMNS}",
            (*values, trial.study, trial.id, trial.attempts),
        ).fetchone()
    if row is None:
        raise errors.UsageError(
            f"trial {trial.number} is done by another worker by now",
            hint="its lease ran out: this process was stopped for longer than a minute",
        )
    return _trial(row)
