"""Trials bit by bit, for a library that chooses their points itself: each parameter, report and note is a write.

Only the storage that `tuning` gives to Optuna calls it. Each change of a trial gets a number within its study: whoever
has seen all changes up to one of them asks for what is later, and a writer whose change is the next one after that need
not ask at all. A change comes back as None when the trial has ended, or is none.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tane.ledger import connection, leases, rows, studies
from tane.outcomes import TrialState

USER, SYSTEM = "user", "system"
_GOES_ON = "state in ('waiting', 'running')"


class Row(NamedTuple):
    """A trial with all that belongs to it. `choices` say what the values of its point were chosen from."""

    id: int
    number: int
    change: int
    state: TrialState
    point: Mapping[str, Any]
    choices: Mapping[str, str]
    values: tuple[float, ...] | None
    started: float
    ended: float
    user: Mapping[str, Any]
    system: Mapping[str, Any]
    reports: Mapping[int, float]


class Added(NamedTuple):
    """A new trial: its id, its number within the study, and the number of that change."""

    id: int
    number: int
    change: int


def stand(ledger: connection.Ledger, study: int) -> int | None:
    """The number of the newest change of a study's trials, 0 when it has none; None when there is no such study."""
    found = ledger.rows(_STAND, (study,))
    return None if not found else found[0][0] or 0


_STAND = "select (select max(change) from trials where study = studies.id) from studies where id = ?"


def changed(ledger: connection.Ledger, study: int, since: int) -> list[Row]:
    """The trials that have changed after change `since`, by number."""
    later = "select id from trials where study = ? and change > ?"
    with ledger.reading():
        found = ledger.rows(f"{_TRIAL} where study = ? and change > ? order by number", (study, since))
        noted = ledger.rows(
            f"select trial, scope, name, value from attributes where study = ? and trial in ({later})",
            (study, study, since),
        )
        reported = ledger.rows(
            f"select trial, step, value from reports where trial in ({later}) order by trial, step", (study, since)
        )
    notes: dict[tuple[int, str], dict[str, Any]] = {}
    for trial, scope, name, value in noted:
        notes.setdefault((trial, scope), {})[name] = rows.parsed(value)
    reports: dict[int, dict[int, float]] = {}
    for trial, step, value in reported:
        reports.setdefault(trial, {})[step] = rows.number(value)
    return [
        Row(
            id=trial,
            number=number,
            change=change,
            state=TrialState(state),
            point=rows.parsed(point),
            choices=rows.parsed(choices) if choices else {},
            values=None if objective is None else tuple(rows.parsed(objective)),
            started=started,
            ended=ended,
            user=notes.get((trial, USER), {}),
            system=notes.get((trial, SYSTEM), {}),
            reports=reports.get(trial, {}),
        )
        for trial, number, change, state, point, choices, objective, started, ended in found
    ]


_TRIAL = "select id, number, change, state, point, choices, objective, started, ended from trials"


def study_of(ledger: connection.Ledger, trial: int) -> int | None:
    """The study that a trial belongs to."""
    found = ledger.rows("select study from trials where id = ?", (trial,))
    return int(found[0][0]) if found else None


def add(
    ledger: connection.Ledger,
    study: int,
    state: TrialState,
    *,
    started: float = 0.0,
    ended: float = 0.0,
    point: Mapping[str, Any] | None = None,
    choices: Mapping[str, str] | None = None,
    values: Sequence[float] | None = None,
    user: Mapping[str, Any] | None = None,
    system: Mapping[str, Any] | None = None,
    reports: Mapping[int, float] | None = None,
) -> Added | None:
    """Add a trial as it is. None when there is no such study."""
    point = point or {}
    running = state is TrialState.RUNNING
    worker = ("", *studies.process(), time.time() + leases.LEASE, 1) if running else ("", "", 0, "", 0.0, 0)
    finished = state not in (TrialState.WAITING, TrialState.RUNNING)
    with ledger.writing() as db:
        made = db.execute(
            _ADD,
            (
                study,
                study,
                str(state),
                rows.text(point),
                rows.text(choices) if choices else None,
                studies.identity(point) if finished else "",
                None if values is None else rows.text(list(values)),
                started,
                ended,
                *worker,
                study,
            ),
        ).fetchone()
        if made is None:
            return None
        trial = made[0]
        for scope, notes in ((USER, user), (SYSTEM, system)):
            if notes:
                db.executemany(_NOTE, [(study, trial, scope, name, rows.text(value)) for name, value in notes.items()])
        if reports:
            now = time.time()
            db.executemany(_REPORT, [(trial, int(step), float(value), now) for step, value in reports.items()])
    return Added(*made)


_ADD = (
    "insert into trials (study, number, change, state, point, choices, identity, objective, run, started, ended, "
    "worker, host, pid, process, lease, attempts, error) "
    "select id, (select coalesce(max(number), -1) + 1 from trials where study = ?), "
    f"{studies.CHANGE}, ?, ?, ?, ?, ?, '', ?, ?, ?, ?, ?, ?, ?, ?, '' from studies where id = ? "
    "returning id, number, change"
)
_NOTE = (
    "insert into attributes (study, trial, scope, name, value) values (?, ?, ?, ?, ?) "
    "on conflict (study, trial, scope, name) do update set value = excluded.value"
)
_REPORT = (
    "insert into reports (trial, step, value, at) values (?, ?, ?, ?) "
    "on conflict (trial, step) do update set value = excluded.value, at = excluded.at"
)
_TOUCH = f"update trials set change = {studies.CHANGE} where id = ? and {_GOES_ON} returning change"


def choose(
    ledger: connection.Ledger, study: int, trial: int, point: Mapping[str, Any], choices: Mapping[str, str]
) -> int | None:
    """Put down the point a trial is at, as far as it has been chosen."""
    with ledger.writing() as db:
        done = db.execute(
            f"update trials set point = ?, choices = ?, change = {studies.CHANGE} "
            f"where id = ? and {_GOES_ON} returning change",
            (rows.text(point), rows.text(choices), study, trial),
        ).fetchone()
        return None if done is None else int(done[0])


def begin(ledger: connection.Ledger, study: int, trial: int, at: float) -> int | None:
    """Have a waiting trial run in this process. None when it does not wait any more."""
    with ledger.writing() as db:
        done = db.execute(
            "update trials set state = 'running', started = ?, host = ?, pid = ?, process = ?, lease = ?, "
            f"attempts = attempts + 1, change = {studies.CHANGE} where id = ? and state = 'waiting' returning change",
            (at, *studies.process(), at + leases.LEASE, study, trial),
        ).fetchone()
        return None if done is None else int(done[0])


def end(
    ledger: connection.Ledger,
    study: int,
    trial: int,
    state: TrialState,
    values: Sequence[float] | None,
    at: float,
    point: Mapping[str, Any],
) -> int | None:
    """Put down how a trial ended, or, for a state that is no end, its values so far."""
    ended = state not in (TrialState.WAITING, TrialState.RUNNING)
    with ledger.writing() as db:
        done = db.execute(
            "update trials set state = ?, objective = coalesce(?, objective), ended = ?, "
            "identity = case when identity = '' then ? else identity end, "
            f"change = {studies.CHANGE} where id = ? and {_GOES_ON} returning change",
            (
                str(state),
                None if values is None else rows.text([float(value) for value in values]),
                at if ended else 0.0,
                studies.identity(point) if ended else "",
                study,
                trial,
            ),
        ).fetchone()
        return None if done is None else int(done[0])


def report(ledger: connection.Ledger, study: int, trial: int, step: int, value: float) -> int | None:
    """Put down what a trial is at after `step`."""
    with ledger.writing() as db:
        done = db.execute(_TOUCH, (study, trial)).fetchone()
        if done is not None:
            db.execute(_REPORT, (trial, int(step), float(value), time.time()))
        return None if done is None else int(done[0])


def note(ledger: connection.Ledger, study: int, trial: int, scope: str, name: str, value: Any) -> int | None:
    """Note something with a trial; what is noted again takes the new value."""
    with ledger.writing() as db:
        done = db.execute(_TOUCH, (study, trial)).fetchone()
        if done is not None:
            db.execute(_NOTE, (study, trial, scope, name, rows.text(value)))
        return None if done is None else int(done[0])


def note_study(ledger: connection.Ledger, study: int, scope: str, name: str, value: Any) -> bool:
    """Note something with a study. False when there is no such study."""
    with ledger.writing() as db:
        if db.execute("select 1 from studies where id = ?", (study,)).fetchone() is None:
            return False
        db.execute(_NOTE, (study, 0, scope, name, rows.text(value)))
        return True


def study_notes(ledger: connection.Ledger, scope: str) -> dict[int, dict[str, Any]]:
    """What is noted with each study."""
    found: dict[int, dict[str, Any]] = {}
    for study, name, value in ledger.rows(
        "select study, name, value from attributes where trial = 0 and scope = ?", (scope,)
    ):
        found.setdefault(study, {})[name] = rows.parsed(value)
    return found


def notes_of(ledger: connection.Ledger, study: int, scope: str) -> dict[str, Any] | None:
    """What is noted with one study; None when there is no such study."""
    found = ledger.rows(
        "select attributes.name, attributes.value from studies left join attributes "
        "on attributes.study = studies.id and attributes.trial = 0 and attributes.scope = ? where studies.id = ?",
        (scope, study),
    )
    return {name: rows.parsed(value) for name, value in found if name is not None} if found else None


def beat(ledger: connection.Ledger, trial: int) -> None:
    """Show that a running trial is being worked on."""
    with ledger.writing() as db:
        db.execute(
            "update trials set lease = ? where id = ? and state = 'running'", (time.time() + leases.LEASE, trial)
        )


def orphans(ledger: connection.Ledger, study: int) -> list[int]:
    """The ids of the trials that are running according to the ledger, and whose worker is gone."""
    return studies.orphans(ledger.rows, study, time.time())


def noted(ledger: connection.Ledger, study: int, scope: str, prefix: str) -> dict[int, dict[str, Any]]:
    """What is noted with the trials of a study under names that begin so, by trial's id; without the prefix."""
    found: dict[int, dict[str, Any]] = {}
    for trial, name, value in ledger.rows(
        "select trial, name, value from attributes where study = ? and trial > 0 and scope = ? "
        "and substr(name, 1, ?) = ?",
        (study, scope, len(prefix), prefix),
    ):
        found.setdefault(trial, {})[name[len(prefix) :]] = rows.parsed(value)
    return found
