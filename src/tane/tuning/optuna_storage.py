"""The ledger as a storage of Optuna: `optuna.create_study(storage=tane.LedgerStorage())`.

Whatever is written for Optuna - samplers, pruners, visualisations, optuna-dashboard - works on it, from many threads
and processes at once. Trials are remembered here and the ledger is asked only for what has changed: who wrote last
need not ask at all. Each call is one transaction; what it wrote outlives the process.

The one file that imports Optuna when it is loaded.
"""

# ruff: noqa: D102  the methods and what they promise are those of `BaseStorage` and `BaseHeartbeat`

from __future__ import annotations

import copy
import functools
import math
import os
import threading
import uuid
import weakref
from collections.abc import Callable, Container, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
from optuna import distributions
from optuna.exceptions import DuplicatedStudyError, UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.storages._heartbeat import BaseHeartbeat
from optuna.study import StudyDirection
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as State

from tane import errors, fielded
from tane.ledger import connection, studies, trials
from tane.outcomes import TrialState
from tane.project import projects, settings
from tane.tuning import spaces

_PREFIX = "no-name-"  # what Optuna calls studies that were given no name
_THEIRS = {
    TrialState.WAITING: State.WAITING,
    TrialState.RUNNING: State.RUNNING,
    TrialState.COMPLETE: State.COMPLETE,
    TrialState.PRUNED: State.PRUNED,
    TrialState.FAILED: State.FAIL,
}
_OURS = {theirs: ours for ours, theirs in _THEIRS.items()}
_DIRECTIONS = {
    "minimize": StudyDirection.MINIMIZE,
    "maximize": StudyDirection.MAXIMIZE,
    "not set": StudyDirection.NOT_SET,
}
_DIRECTION_NAMES = {theirs: ours for ours, theirs in _DIRECTIONS.items()}


@fielded.mutable
class _Held:
    """What is known of a study: its trials by number, up to the change number `seen`."""

    study: studies.Study
    space: dict[str, spaces.Parameter]
    directions: list[StudyDirection]
    trials: list[FrozenTrial] = fielded.field(default_factory=list)
    distributions: dict[str, distributions.BaseDistribution] = fielded.field(default_factory=dict)
    open: dict[int, None] = fielded.field(default_factory=dict)  # numbers of trials that have not ended
    best: FrozenTrial | None = None
    seen: int = 0


class LedgerStorage(BaseStorage, BaseHeartbeat):
    """The ledger of a project as a storage of Optuna.

    `path` is a ledger's file, or a folder in or below a project; the current one by default, where there need be no
    project. With a `heartbeat_interval` (seconds) Optuna puts down trials as failed whose process is gone, before the
    next one begins, and calls `heartbeat_stale_trial_callback` with each.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | connection.Ledger | None = None,
        *,
        heartbeat_interval: int | None = None,
        heartbeat_stale_trial_callback: Callable[[optuna.Study, FrozenTrial], None] | None = None,
    ) -> None:
        if heartbeat_interval is not None and heartbeat_interval <= 0:
            raise errors.UsageError(
                f"heartbeat_interval is {heartbeat_interval}", hint="give seconds greater than 0, or None"
            )
        given = path if isinstance(path, connection.Ledger) else None
        self._path = path.path if isinstance(path, connection.Ledger) else _ledger_of(path)
        self._interval = heartbeat_interval
        self._stale_callback = heartbeat_stale_trial_callback
        self._ledger = given or connection.open_ledger(self._path)
        self._begin_anew()
        _opened.add(self)

    def _begin_anew(self) -> None:
        """Know nothing: at first, and in a forked process, where another thread may have been at work on it."""
        self._lock = threading.RLock()
        self._held: dict[int, _Held] = {}
        self._place: dict[int, tuple[int, int]] = {}  # study and number of each trial

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self._path, "interval": self._interval, "callback": self._stale_callback}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(  # type: ignore[misc]
            state["path"],
            heartbeat_interval=state["interval"],
            heartbeat_stale_trial_callback=state["callback"],
        )

    # -- studies -------------------------------------------------------------------------------------------------------

    def create_new_study(self, directions: Sequence[StudyDirection], study_name: str | None = None) -> int:
        name = f"{_PREFIX}{uuid.uuid4()}" if study_name is None else study_name
        made = studies.create(self._ledger, name, kind="optuna", directions=[_DIRECTION_NAMES[d] for d in directions])
        if made is None:
            raise DuplicatedStudyError(f"there is a study {name!r} already: take another name, or load_if_exists=True")
        return made.id

    def delete_study(self, study_id: int) -> None:
        with self._lock:
            if not studies.delete(self._ledger, study_id):
                raise _no_study(study_id)
            self._held.pop(study_id, None)

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        self._note_study(study_id, trials.USER, key, value)

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        self._note_study(study_id, trials.SYSTEM, key, value)

    def _note_study(self, study_id: int, scope: str, key: str, value: Any) -> None:
        if not trials.note_study(self._ledger, study_id, scope, key, value):
            raise _no_study(study_id)

    def get_study_id_from_name(self, study_name: str) -> int:
        found = studies.named(self._ledger, study_name)
        if found is None:
            raise KeyError(f"there is no study {study_name!r}")
        return found.id

    def get_study_name_from_id(self, study_id: int) -> str:
        return self._study(study_id).name

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        with self._lock:
            held = self._held.get(study_id)
            if held is not None and trials.stand(self._ledger, study_id) is not None:
                return list(held.directions)
            return _directions(self._study(study_id))

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        return self._notes(study_id, trials.USER)

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        return self._notes(study_id, trials.SYSTEM)

    def _notes(self, study_id: int, scope: str) -> dict[str, Any]:
        found = trials.notes_of(self._ledger, study_id, scope)
        if found is None:
            raise _no_study(study_id)
        return found

    def get_all_studies(self) -> list[FrozenStudy]:
        user = trials.study_notes(self._ledger, trials.USER)
        system = trials.study_notes(self._ledger, trials.SYSTEM)
        return [
            FrozenStudy(
                study_name=study.name,
                direction=None,
                directions=_directions(study),
                user_attrs=user.get(study.id, {}),
                system_attrs=system.get(study.id, {}),
                study_id=study.id,
            )
            for study in reversed(studies.studies(self._ledger))
            if study.kind != "sweep"
        ]

    def _study(self, study_id: int) -> studies.Study:
        found = studies.numbered(self._ledger, study_id)
        if found is None:
            raise _no_study(study_id)
        return found

    # -- trials: writing -----------------------------------------------------------------------------------------------

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        with self._lock:
            held = self._knowing(study_id)
            trial = _running() if template_trial is None else copy.deepcopy(template_trial)
            added = trials.add(
                self._ledger,
                study_id,
                _OURS[trial.state],
                started=_seconds(trial.datetime_start),
                ended=_seconds(trial.datetime_complete),
                point={name: _actual(held, name, value) for name, value in trial.params.items()},
                choices={name: _written(one) for name, one in trial.distributions.items() if name not in held.space},
                values=trial.values,
                user=trial.user_attrs,
                system=trial.system_attrs,
                reports=trial.intermediate_values,
            )
            if added is None:
                raise _no_study(study_id)
            trial._trial_id, trial.number = added.id, added.number
            self._place[added.id] = (study_id, added.number)
            self._put(held, trial, added.change)
            return added.id

    def set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: distributions.BaseDistribution,
    ) -> None:
        with self._lock:
            held, trial = self._find(trial_id)
            self.check_trial_is_updatable(trial_id, trial.state)
            if param_name in held.distributions:
                distributions.check_distribution_compatibility(held.distributions[param_name], distribution)
            trial = copy.copy(trial)
            trial.params = {**trial.params, param_name: distribution.to_external_repr(param_value_internal)}
            trial.distributions = {**trial.distributions, param_name: distribution}
            change = trials.choose(
                self._ledger,
                held.study.id,
                trial_id,
                {name: _actual(held, name, value) for name, value in trial.params.items()},
                {name: _written(one) for name, one in trial.distributions.items() if name not in held.space},
            )
            self._put(held, trial, self._still(trial_id, change))

    def set_trial_state_values(self, trial_id: int, state: State, values: Sequence[float] | None = None) -> bool:
        with self._lock:
            held, trial = self._find(trial_id)
            self.check_trial_is_updatable(trial_id, trial.state)
            now = datetime.now()
            trial = copy.copy(trial)
            if state == State.RUNNING:
                change = trials.begin(self._ledger, held.study.id, trial_id, now.timestamp())
                if change is None:  # it is begun already, or has ended meanwhile
                    self.check_trial_is_updatable(trial_id, self._find(trial_id)[1].state)
                    return False
                trial.datetime_start = now
            else:
                point = {name: _actual(held, name, value) for name, value in trial.params.items()}
                ours = _OURS[state]
                change = trials.end(self._ledger, held.study.id, trial_id, ours, values, now.timestamp(), point)
                if state.is_finished():
                    trial.datetime_complete = now
            trial.state = state
            if values is not None:
                trial.values = list(values)
            self._put(held, trial, self._still(trial_id, change))
            return True

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        with self._lock:
            held, trial = self._find(trial_id)
            self.check_trial_is_updatable(trial_id, trial.state)
            change = trials.report(self._ledger, held.study.id, trial_id, step, intermediate_value)
            trial = copy.copy(trial)
            trial.intermediate_values = {**trial.intermediate_values, step: intermediate_value}
            self._put(held, trial, self._still(trial_id, change))

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        with self._lock:
            held, trial = self._find(trial_id)
            self.check_trial_is_updatable(trial_id, trial.state)
            change = trials.note(self._ledger, held.study.id, trial_id, trials.USER, key, value)
            trial = copy.copy(trial)
            trial.user_attrs = {**trial.user_attrs, key: value}
            self._put(held, trial, self._still(trial_id, change))

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        with self._lock:
            held, trial = self._find(trial_id)
            self.check_trial_is_updatable(trial_id, trial.state)
            change = trials.note(self._ledger, held.study.id, trial_id, trials.SYSTEM, key, value)
            trial = copy.copy(trial)
            trial.system_attrs = {**trial.system_attrs, key: value}
            self._put(held, trial, self._still(trial_id, change))

    def _still(self, trial_id: int, change: int | None) -> int:
        """The number of a change, which another process may have been too late for."""
        if change is None:
            number = self._find(trial_id)[1].number
            raise UpdateFinishedTrialError(f"trial {number} has ended and cannot be changed any more")
        return change

    # -- trials: reading -----------------------------------------------------------------------------------------------

    def get_trial_id_from_study_id_trial_number(self, study_id: int, trial_number: int) -> int:
        with self._lock:
            known = self._up_to_date(study_id).trials
            if not 0 <= trial_number < len(known):
                raise KeyError(f"study {study_id} has no trial {trial_number}")
            return int(known[trial_number]._trial_id)

    def get_trial_number_from_id(self, trial_id: int) -> int:
        with self._lock:
            return self._find(trial_id)[1].number

    def get_trial(self, trial_id: int) -> FrozenTrial:
        with self._lock:
            return self._find(trial_id)[1]

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[State] | None = None
    ) -> list[FrozenTrial]:
        with self._lock:
            held = self._up_to_date(study_id)
            if states is None:
                found = list(held.trials)
            elif not any(state in states for state in (State.COMPLETE, State.PRUNED, State.FAIL)):
                found = [held.trials[number] for number in sorted(held.open)]
                found = [trial for trial in found if trial.state in states]
            else:
                found = [trial for trial in held.trials if trial.state in states]
        return copy.deepcopy(found) if deepcopy else found

    def get_best_trial(self, study_id: int) -> FrozenTrial:
        with self._lock:
            held = self._up_to_date(study_id)
            if held.best is None:
                raise ValueError("No trials are completed yet.")
            if len(held.directions) > 1:
                raise RuntimeError("Best trial can be obtained only for single-objective optimization.")
            return held.best

    # -- heartbeat -----------------------------------------------------------------------------------------------------

    def record_heartbeat(self, trial_id: int) -> None:
        trials.beat(self._ledger, trial_id)

    def _get_stale_trial_ids(self, study_id: int) -> list[int]:
        return trials.orphans(self._ledger, study_id)

    def get_heartbeat_interval(self) -> int | None:
        return self._interval

    def get_heartbeat_stale_trial_callback(self) -> Callable[[optuna.Study, FrozenTrial], None] | None:
        return self._stale_callback

    # -- what is known -------------------------------------------------------------------------------------------------

    def _knowing(self, study_id: int) -> _Held:
        """What is known of a study, as old as it may be."""
        held = self._held.get(study_id)
        if held is None:
            study = self._study(study_id)
            space = spaces.parse(study.space).by_name() if study.kind == "study" and study.space else {}
            held = self._held[study_id] = _Held(study, space, _directions(study))
        return held

    def _up_to_date(self, study_id: int) -> _Held:
        """What is known of a study, after a look at the ledger."""
        stand = trials.stand(self._ledger, study_id)
        if stand is None:
            self._held.pop(study_id, None)
            raise _no_study(study_id)
        held = self._knowing(study_id)
        if stand != held.seen:
            for row in trials.changed(self._ledger, study_id, held.seen):
                self._place[row.id] = (study_id, row.number)
                self._remember(held, _frozen(held, row))
                held.seen = max(held.seen, row.change)
        return held

    def _find(self, trial_id: int) -> tuple[_Held, FrozenTrial]:
        """A trial as it stands now, with its study."""
        place = self._place.get(trial_id)
        if place is None:
            study_id = trials.study_of(self._ledger, trial_id)
            if study_id is None:
                raise KeyError(f"there is no trial {trial_id}")
            self._up_to_date(study_id)
            place = self._place[trial_id]
        try:
            held = self._up_to_date(place[0])
        except KeyError:
            self._place.pop(trial_id, None)
            raise
        return held, held.trials[place[1]]

    def _put(self, held: _Held, trial: FrozenTrial, change: int) -> None:
        """Know of a change made here, if none was missed; otherwise it is read with the others."""
        if change == held.seen + 1:
            self._remember(held, trial)
            held.seen = change

    def _remember(self, held: _Held, trial: FrozenTrial) -> None:
        number = trial.number
        if number == len(held.trials):
            held.trials.append(trial)
        else:
            held.trials[number] = trial
        held.distributions.update(trial.distributions)
        if not trial.state.is_finished():
            held.open[number] = None
            return
        held.open.pop(number, None)
        if trial.state is State.COMPLETE and len(held.directions) == 1:
            held.best = _better(held, trial)
        elif held.best is None and trial.state is State.COMPLETE:
            held.best = trial


def _better(held: _Held, trial: FrozenTrial) -> FrozenTrial:
    best = held.best
    value, known = trial.value, None if best is None else best.value
    if best is None or known is None or value is None:
        return trial if best is None or value is not None else best
    greater = held.directions[0] is StudyDirection.MAXIMIZE
    return trial if (value > known if greater else value < known) else best


def _directions(study: studies.Study) -> list[StudyDirection]:
    return [_DIRECTIONS[each] for each in study.directions]


def _running() -> FrozenTrial:
    return FrozenTrial(
        number=-1,
        trial_id=-1,
        state=State.RUNNING,
        value=None,
        datetime_start=datetime.now(),
        datetime_complete=None,
        params={},
        distributions={},
        user_attrs={},
        system_attrs={},
        intermediate_values={},
    )


def _frozen(held: _Held, row: trials.Row) -> FrozenTrial:
    known = {
        name: _read(row.choices[name]) if name in row.choices else distribution(held.space[name])
        for name in row.point
        if name in row.choices or name in held.space
    }
    done = row.state not in (TrialState.WAITING, TrialState.RUNNING)
    values = None if row.values is None or any(map(math.isnan, row.values)) else list(row.values)
    return FrozenTrial(
        number=row.number,
        trial_id=row.id,
        state=_THEIRS[row.state],
        value=None,
        values=values if values is not None or row.state is not TrialState.COMPLETE else [math.nan],
        datetime_start=datetime.fromtimestamp(row.started) if row.started else None,
        datetime_complete=datetime.fromtimestamp(row.ended) if done and row.ended else None,
        params={name: spaces.label(row.point[name]) for name in known},
        distributions=known,
        user_attrs=dict(row.user),
        system_attrs=dict(row.system),
        intermediate_values=dict(row.reports),
    )


def _actual(held: _Held, name: str, value: Any) -> Any:
    """A value as it is kept: a choice that was written as text for Optuna is itself again."""
    parameter = held.space.get(name)
    if parameter is not None and parameter.kind == "choice":
        return next((each for each in parameter.choices if spaces.label(each) == value), value)
    if parameter is not None and parameter.kind == "float" and parameter.step is not None:
        return parameter.tidy(float(value))
    if isinstance(value, bool | str) or value is None:
        return value
    return int(value) if isinstance(value, int) or hasattr(value, "bit_length") else float(value)


def distribution(one: spaces.Parameter) -> distributions.BaseDistribution:
    """What Optuna chooses a parameter from."""
    kinds = tuple(map(type, one.labels))  # True is 1 as a key
    return _distribution(one.kind, one.low, one.high, one.step, one.log, one.labels, kinds)


@functools.lru_cache(maxsize=1024)
def _distribution(
    kind: str, low: float, high: float, step: float | None, log: bool, labels: tuple[Any, ...], kinds: tuple[type, ...]
) -> distributions.BaseDistribution:
    if kind == "choice":
        return distributions.CategoricalDistribution(labels)
    if kind == "int":
        return distributions.IntDistribution(int(low), int(high), log=log, step=int(step or 1))
    return distributions.FloatDistribution(low, high, log=log, step=step)


@functools.lru_cache(maxsize=1024)
def _read(text: str) -> distributions.BaseDistribution:
    return distributions.json_to_distribution(text)


def _written(one: distributions.BaseDistribution) -> str:
    found = _texts.get(id(one))
    if found is None or found[0] is not one:
        if len(_texts) > 1024:
            _texts.clear()
        found = _texts[id(one)] = (one, distributions.distribution_to_json(one))
    return found[1]


_texts: dict[int, tuple[distributions.BaseDistribution, str]] = {}


def _seconds(at: datetime | None) -> float:
    return 0.0 if at is None else at.timestamp()


def _no_study(study_id: int) -> KeyError:
    return KeyError(f"there is no study {study_id}")


def _ledger_of(path: str | os.PathLike[str] | None) -> Path:
    """The ledger that a path stands for."""
    here = Path.cwd() if path is None else Path(path)
    if here.suffix == ".db" or here.is_file():
        return here
    try:
        return projects.open_project(here).ledger
    except errors.ProjectError:
        return settings.elsewhere(settings.defaults(here, "script"), os.environ).ledger


_opened: weakref.WeakSet[LedgerStorage] = weakref.WeakSet()


def _after_in_child() -> None:
    for storage in list(_opened):
        storage._begin_anew()


os.register_at_fork(after_in_child=_after_in_child)
