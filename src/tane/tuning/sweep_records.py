"""What the ledger knows of sweeps: which there are, what each was asked for, how its points stand.

A sweep is a study of kind "sweep" whose trials are its points; each point that has run is a run that names both.
Nothing here runs anything.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tane import errors, fielded
from tane.ledger import connection, read, records, studies
from tane.outcomes import RunStatus, TrialState
from tane.tuning import sweep_points

KIND = "sweep"
SUCCEEDED, FAILED, RUNNING, NOT_RUN = "succeeded", "failed", "running", "not run"
_NONE: Mapping[str, float] = {}


class State(NamedTuple):
    """How one point stands: "succeeded", "failed", "running" or "not run". `run` is empty where there is none yet.

    `values` are what it has of what was swept over, by key; `metrics` the last values of what its run has logged.
    """

    number: int
    values: Mapping[str, Any]
    overrides: tuple[str, ...]
    status: str = NOT_RUN
    run: str = ""
    seconds: float = 0.0
    metrics: Mapping[str, float] = _NONE
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        rest = {"run": self.run, "seconds": round(self.seconds, 6), "metrics": dict(self.metrics), "error": self.error}
        return {
            "number": self.number,
            "overrides": list(self.overrides),
            "values": dict(self.values),
            "status": self.status,
            **rest,
        }


@fielded.frozen
class Sweep:
    """A sweep as it stands: its points in the order of their numbers.

    `sweep[3]` is the state of point 3, `sweep.best` that of the best one, `sweep.load(3, dataset)` a value that its
    run made. `metrics` say what is best of each: "maximize" or "minimize"; the first one is what `ranked` goes by.
    """

    id: str
    pipeline: str
    status: RunStatus
    points: tuple[State, ...]
    metrics: Mapping[str, str] = fielded.field(default_factory=dict)
    seconds: float = 0.0
    error: errors.TaneError | None = None
    notes: tuple[str, ...] = ()
    done_before: int = 0  # points that had succeeded before this call
    _load: Callable[[str, str], Any] = fielded.field(repr=False, compare=False, default=lambda run, name: None)

    def __getitem__(self, number: int) -> State:
        """The point of that number. Raises `errors.UsageError` when there is none."""
        if not 0 <= number < len(self.points):
            raise errors.UsageError(
                f"sweep {self.id} has no job {number}", hint=f"they go from 0 to {len(self.points) - 1}"
            )
        return self.points[number]

    def __iter__(self) -> Iterator[State]:
        return iter(self.points)

    def __len__(self) -> int:
        return len(self.points)

    @property
    def counts(self) -> dict[str, int]:
        """How many points stand in each way."""
        found: dict[str, int] = {}
        for state in self.points:
            found[state.status] = found.get(state.status, 0) + 1
        return found

    @property
    def reported(self) -> tuple[str, ...]:
        """The metrics that any point has, those asked for first."""
        there = dict.fromkeys(name for state in self.points for name in state.metrics)
        return tuple(dict.fromkeys([*(name for name in self.metrics if name in there), *sorted(there)]))

    @property
    def varied(self) -> tuple[str, ...]:
        """The keys whose values differ between points."""
        keys = dict.fromkeys(key for state in self.points for key in state.values)
        return tuple(key for key in keys if any(_other(state, self.points[0], key) for state in self.points))

    @property
    def ranked(self) -> tuple[State, ...]:
        """The points, the best of the first metric first; those that have none of it last, in order."""
        for name, direction in self.metrics.items():
            sign = -1 if direction == sweep_points.MAXIMIZE else 1
            return tuple(sorted(self.points, key=lambda state: _rank(state, name, sign)))
        return self.points

    @property
    def best(self) -> State:
        """The best point. Raises `errors.UsageError` when no metric was named, or no point has it."""
        if not self.metrics:
            raise errors.UsageError(
                f"sweep {self.id} has no metric to go by", hint="name one: metric='accuracy', or sort(...)"
            )
        first, metric = self.ranked[0], next(iter(self.metrics))
        if not math.isfinite(first.metrics.get(metric, math.nan)) and metric not in first.metrics:
            raise no_such_metric(metric, self)
        return first

    def table(self) -> list[dict[str, Any]]:
        """A row for each point, best first: number, values, metrics, status, run, and what it said when it failed."""
        return [
            {
                "number": state.number,
                **{key: state.values.get(key) for key in self.varied},
                **{name: state.metrics.get(name) for name in self.reported},
                "status": state.status,
                "run": state.run,
                "said": state.error.partition("\n")[0],
            }
            for state in self.ranked
        ]

    def load(self, number: int, dataset: str) -> Any:
        """The value of `dataset` in the run of that point. Raises `errors.UsageError` when it has none."""
        state = self[number]
        if not state.run:
            raise errors.UsageError(f"job {number} of sweep {self.id} has not run", hint="resume the sweep")
        return self._load(state.run, dataset)

    def as_dict(self) -> dict[str, Any]:
        """The sweep as plain values, for JSON. Points are sorted as `ranked` has them."""
        return {
            "id": self.id,
            "pipeline": self.pipeline,
            "status": str(self.status),
            "seconds": round(self.seconds, 6),
            "counts": self.counts,
            "metrics": dict(self.metrics),
            "points": [state.as_dict() for state in self.ranked],
            "done_before": self.done_before,
            "notes": list(self.notes),
            "error": str(self.error) if self.error is not None else "",
        }

    def raise_for_status(self) -> Sweep:
        """The sweep itself if all points succeeded; otherwise raises the error that it ended with."""
        if self.error is not None:
            raise self.error
        return self


_ABSENT: Any = object()


def _other(state: State, first: State, key: str) -> bool:
    value, other = state.values.get(key, _ABSENT), first.values.get(key, _ABSENT)
    return type(value) is not type(other) or bool(value != other)


def _rank(state: State, name: str, sign: int) -> tuple[int, float, int]:
    value = state.metrics.get(name)
    if value is None:
        return 2, 0.0, state.number
    return (1, 0.0, state.number) if math.isnan(value) else (0, sign * value, state.number)


def with_error(found: Sweep, error: errors.TaneError) -> Sweep:
    """The same sweep, ended with an error; noted, where it has ended with another."""
    if found.error is not None:
        return fielded.replace(found, notes=(*found.notes, error.what))
    return fielded.replace(found, error=error)


def with_loader(found: Sweep, load: Callable[[str, str], Any]) -> Sweep:
    """The same sweep, whose values are loaded so."""
    return fielded.replace(found, _load=load)


def no_such_metric(name: str, found: Sweep) -> errors.UsageError:
    """The error for a metric to go by that no point has."""
    there = found.reported
    known = f"they have: {', '.join(there)}" if there else "they have none: log some, tane.log_metric(name, value)"
    hint = errors.did_you_mean(name, there, known)
    return errors.UsageError(f"no job of sweep {found.id} has a metric {name!r}", hint=hint)


# --- records ----------------------------------------------------------------------------------------------------------


@fielded.frozen
class Spec:
    """What a sweep's record says of it. `like` digests what was asked for, `basis` all that results depend on."""

    pipeline: str
    selection: Mapping[str, Any]
    environments: tuple[str, ...]
    overrides: tuple[str, ...]
    jobs: tuple[tuple[str, ...], ...]
    metrics: Mapping[str, str]
    like: str
    basis: str
    pins: str
    experiment: str = ""
    params: str = ""

    @classmethod
    def of(cls, study: studies.Study) -> Spec:
        """The spec of a recorded sweep."""
        said = dict(study.spec)
        for name in ("environments", "overrides"):
            said[name] = tuple(said[name])
        said["jobs"] = tuple(tuple(job) for job in said["jobs"])
        return cls(**said)


def sweeps(ledger: connection.Ledger) -> list[studies.Study]:
    """The sweeps there are, newest first."""
    found = [study for study in studies.studies(ledger) if study.kind == KIND]
    return sorted(found, key=lambda study: study.id, reverse=True)


def find(ledger: connection.Ledger, prefix: str) -> studies.Study:
    """The sweep whose id begins so, or has it behind the time; "last": the newest. Raises `errors.UsageError`."""
    known = sweeps(ledger)
    if prefix in ("last", "latest") and known:
        return known[0]
    prefix = prefix.partition("/")[0]
    found = [study for study in known if study.name == prefix]
    found = found or [study for study in known if study.name.startswith(prefix) or study.name[16:].startswith(prefix)]
    if len(found) == 1:
        return found[0]
    names = [study.name for study in known]
    if found:
        shown = ", ".join(study.name for study in found[:_SHOWN]) + (", ..." if len(found) > _SHOWN else "")
        raise errors.UsageError(f"{prefix!r} stands for {len(found)} sweeps", hint=f"write more of it: {shown}")
    otherwise = f"there are: {', '.join(names[:_SHOWN])}" if names else "there has been none yet: tane sweep --help"
    raise errors.UsageError(f"there is no sweep {prefix!r}", hint=errors.did_you_mean(prefix, names, otherwise))


_SHOWN = 5


def standing_on(ledger: connection.Ledger, key: str, digest: str) -> studies.Study | None:
    """The newest sweep whose `key` ("like" or "basis") has that digest."""
    return next((study for study in sweeps(ledger) if study.spec.get(key) == digest), None)


def states(ledger: connection.Ledger, study: studies.Study) -> list[State]:
    """How the points of a sweep stand, by number."""
    jobs = Spec.of(study).jobs
    trials = studies.trials(ledger, study)
    gone = set(studies.orphans(ledger.rows, study.id, time.time()))
    took = {each.run: each.ended - each.started for each in read.runs(ledger, study=study.name) if each.ended}
    return [_state(ledger, trial, jobs[trial.number], trial.id in gone, took) for trial in trials]


def _state(
    ledger: connection.Ledger, trial: studies.Trial, job: Sequence[str], gone: bool, took: Mapping[str, float]
) -> State:
    status = NOT_RUN if gone else _STATUS[trial.state]
    ended = trial.state in (TrialState.COMPLETE, TrialState.FAILED)
    return State(
        number=trial.number,
        values=trial.point,
        overrides=tuple(job),
        status=status,
        run=trial.run if ended else "",
        seconds=max(took.get(trial.run, 0.0), 0.0) if ended else 0.0,  # without what it waited for others
        metrics={each.name: each.last for each in read.metrics(ledger, trial.run)} if ended and trial.run else _NONE,
        error=trial.error,
    )


_STATUS = {
    TrialState.WAITING: NOT_RUN,
    TrialState.RUNNING: RUNNING,
    TrialState.COMPLETE: SUCCEEDED,
    TrialState.PRUNED: SUCCEEDED,
    TrialState.FAILED: FAILED,
}


def look(ledger: connection.Ledger, study: studies.Study) -> Sweep:
    """A sweep as it stands now."""
    spec, found = Spec.of(study), states(ledger, study)
    kinds = {state.status for state in found}
    if RUNNING in kinds:
        status = RunStatus.RUNNING
    elif FAILED in kinds:
        status = RunStatus.FAILED
    else:
        status = RunStatus.INTERRUPTED if NOT_RUN in kinds else RunStatus.SUCCEEDED
    ends = [trial.ended for trial in studies.trials(ledger, study) if trial.ended]
    return Sweep(
        id=study.name,
        pipeline=spec.pipeline,
        status=status,
        points=tuple(found),
        metrics=spec.metrics,
        seconds=max(0.0, max(ends, default=study.created) - study.created),
    )


def name_of_run(sweep: str, number: int) -> str:
    """The name of the run that a point is."""
    return f"{sweep}/{number}"


def begun(ledger: connection.Ledger, sweep: str, number: int) -> records.RunRecord | None:
    """The newest run of a point, if it has begun."""
    found = read.runs(ledger, name=name_of_run(sweep, number), limit=1)
    return found[0] if found else None
