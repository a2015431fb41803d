"""A study as people look at it: its trials, which of them are best, which parameters matter."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from tane import errors, fielded
from tane.ledger import connection, studies, trials
from tane.outcomes import TrialState
from tane.tuning import frames, requests, spaces, trying


@fielded.frozen
class Tried:
    """One trial. `values` are those of the study's metrics, in order; `feasible` says that it keeps all constraints.

    `unlogged` are the constraints whose metric it never logged, `reports` what it said on its way, by step.
    """

    number: int
    state: TrialState
    params: Mapping[str, Any]
    values: tuple[float, ...] = ()
    run: str = ""
    seconds: float = 0.0
    feasible: bool = True
    error: str = ""
    reports: Mapping[int, float] = fielded.field(default_factory=dict)
    unlogged: tuple[str, ...] = ()

    @property
    def value(self) -> float:
        """Its value, NaN where it has none."""
        return self.values[0] if self.values else math.nan

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "number": self.number,
            "state": str(self.state),
            "params": dict(self.params),
            "values": list(self.values),
            "run": self.run,
            "seconds": round(self.seconds, 6),
            "feasible": self.feasible,
            "error": self.error,
        }


@fielded.frozen(eq=False, slots=False)
class Tuned:
    """A study as it stood when it was looked at. `error` is what ended the search, where it was not its end."""

    name: str
    goals: tuple[requests.Goal, ...]
    space: spaces.Space
    trials: tuple[Tried, ...]
    total: int | None = None
    spec: Mapping[str, Any] = fielded.field(default_factory=dict)
    error: errors.TaneError | None = None

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {state}" for state, count in self.counts().items()) or "no trials"
        best = f"; best {self.best_value:.6g} with {self.best_params}" if len(self.goals) == 1 and self.front else ""
        return f"<study {self.name}: {counts}{best}>"

    def __len__(self) -> int:
        return len(self.trials)

    def __iter__(self) -> Iterator[Tried]:
        return iter(self.trials)

    @cached_property
    def complete(self) -> tuple[Tried, ...]:
        """The trials that came to their end, with values."""
        return tuple(one for one in self.trials if one.state is TrialState.COMPLETE and one.values)

    @cached_property
    def front(self) -> tuple[Tried, ...]:
        """The trials that no other is better than in every goal, of those that keep the constraints; with one goal the
        first that came to the best value.
        """
        kept = [one for one in self.complete if one.feasible]
        if len(self.goals) == 1:
            return tuple(kept and [min(kept, key=self._scores)])
        scores = [self._scores(one) for one in kept]
        return tuple(
            one
            for one, score in zip(kept, scores, strict=True)
            if not any(other != score and all(map(_no_worse, other, score)) for other in scores)
        )

    @property
    def best(self) -> Tried:
        """The best trial. Raises `errors.UsageError` when there is none, or when several goals leave several."""
        if len(self.goals) > 1:
            raise errors.UsageError(
                f"study {self.name!r} has several goals, so no one best trial",
                hint="look at its front: the trials that no other is better than in every goal",
            )
        if not self.front:
            why = "keeps the constraints" if self.complete else "is complete"
            raise errors.UsageError(
                f"no trial of study {self.name!r} {why}", hint=f"tane tune show {self.name} says how they ended"
            )
        return self.front[0]

    @property
    def best_params(self) -> dict[str, Any]:
        """The parameters of the best trial."""
        return dict(self.best.params)

    @property
    def best_value(self) -> float:
        """The value of the best trial."""
        return self.best.value

    def counts(self) -> dict[str, int]:
        """How many trials ended in each way."""
        found = {str(state): sum(one.state is state for one in self.trials) for state in TrialState}
        return {state: count for state, count in found.items() if count}

    def frame(self) -> Any:
        """A pandas data frame with a row for each trial."""
        return frames.of_trials([goal.metric for goal in self.goals], self.trials)

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "study": self.name,
            "goals": [{"metric": goal.metric, "direction": goal.direction} for goal in self.goals],
            "space": self.space.plain(),
            **{key: self.spec[key] for key in ("sampler", "pruner", "constraints", "seed") if key in self.spec},
            "total": self.total,
            "counts": self.counts(),
            "best": [one.number for one in self.front],
            "trials": [one.as_dict() for one in self.trials],
            "error": None if self.error is None else str(self.error),
        }

    def raise_for_status(self) -> Tuned:
        """Itself; raises what ended the search, where something did."""
        if self.error is not None:
            raise self.error
        return self

    def better(self, goal: int = 0) -> float:
        """By what values of a goal are multiplied to be less where they are better."""
        return -1.0 if self.goals[goal].direction == requests.MAXIMIZE else 1.0

    def _scores(self, one: Tried) -> tuple[float, ...]:
        return tuple(self.better(at) * value for at, value in enumerate(one.values))


def _no_worse(one: float, other: float) -> bool:
    return one <= other


def look(ledger: connection.Ledger, study: studies.Study, error: errors.TaneError | None = None) -> Tuned:
    """How a study stands."""
    with ledger.reading():
        known = studies.trials(ledger, study)
        reports = studies.reports(ledger, study.id)
        bounds = trials.noted(ledger, study.id, trials.SYSTEM, trying.BOUND)
    metrics: Sequence[str] = study.spec.get("metrics") or [f"value{at or ''}" for at in range(len(study.directions))]
    points = [one.point for one in known]
    space = spaces.parse(study.space) if study.space else spaces.guessed(points)
    return Tuned(
        name=study.name,
        goals=tuple(map(requests.Goal, metrics, study.directions)),
        space=space,
        trials=tuple(
            Tried(
                number=one.number,
                state=one.state,
                params=one.point,
                values=one.values,
                run=one.run,
                seconds=max(one.ended - one.started, 0.0) if one.ended else 0.0,
                feasible=all(excess <= 0 for excess in bounds.get(one.id, {}).values()),
                error=one.error,
                reports=reports.get(one.id, {}),
                unlogged=tuple(
                    name.removeprefix(trying.BOUND)
                    for name, excess in bounds.get(one.id, {}).items()
                    if excess == math.inf
                ),
            )
            for one in known
        ),
        total=study.total,
        spec=study.spec,
        error=error,
    )
