"""A worker of a study: takes the next trial, chooses its point, has it done, puts down how it ended.

Any number of workers, in any number of processes, take from one study: which trial is whose is decided in the ledger.
What is done with a point is the caller's: a run of a pipeline, or a call of a function.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from tane import errors, events, fielded
from tane.ledger import connection, leases, studies, trials
from tane.outcomes import TrialState
from tane.tuning import choices, requests, samplers

HOPELESS = 3  # failed trials in a row, at the very beginning, after which a study is given up


@fielded.frozen
class Outcome:
    """What came of a trial. `run` is the run that it was, `error` what ended it."""

    metrics: Mapping[str, float] = fielded.field(default_factory=dict)
    run: str = ""
    error: errors.TaneError | None = None


Perform = Callable[[studies.Trial], Outcome]
Tell = Callable[[studies.Trial], None]


def _tell_nobody(trial: studies.Trial) -> None:
    """For those who do not look."""


def work(
    ledger: connection.Ledger,
    study: studies.Study,
    request: requests.Request,
    perform: Perform,
    *,
    worker: str = "",
    deadline: float | None = None,
    tell: Tell = _tell_nobody,
) -> None:
    """Do trials until there are as many as asked for, or none begins before `deadline` (seconds since the epoch).

    An interrupted trial is given back. Raises what made the first trials fail, when all of them did.
    """
    sampler = samplers.settled(request.sampler, request.space)
    choose = _chooser(ledger, study, request, sampler)
    fresh = sampler.name != "grid"
    with _Living(ledger) as living:
        while deadline is None or time.time() < deadline:
            trial = studies.claim(ledger, study, worker, fresh=fresh)
            if trial is None:
                return
            living.trial = trial
            try:
                trial = _at(ledger, trial, choose(trial), sampler)
                outcome = perform(trial)
                ended = _end(ledger, study, request, trial, outcome)
            except BaseException:
                with contextlib.suppress(errors.TaneError):
                    studies.release(ledger, trial)
                raise
            finally:
                living.trial = None
            tell(ended)
            if ended.state is TrialState.FAILED:
                _stop_if_hopeless(ledger, study, outcome, ended)


def _chooser(
    ledger: connection.Ledger, study: studies.Study, request: requests.Request, sampler: choices.Choice
) -> samplers.Chooser:
    if sampler.name in samplers.OURS:
        return samplers.ours(sampler, request.space, request.seed)
    library: Any = choices.optunas(f"sampler {sampler.name!r}")
    found: samplers.Chooser = library.chooser(ledger, study, request.space, sampler, request.pruner, request.seed)
    return found


def _at(
    ledger: connection.Ledger, trial: studies.Trial, point: Mapping[str, Any], sampler: choices.Choice
) -> studies.Trial:
    """The trial at its point. Optuna has put down already what it has chosen, where nothing was given."""
    if sampler.name in samplers.OURS or trial.point:
        return studies.choose(ledger, trial, point)
    return fielded.replace(trial, point=point)


def _end(
    ledger: connection.Ledger,
    study: studies.Study,
    request: requests.Request,
    trial: studies.Trial,
    outcome: Outcome,
) -> studies.Trial:
    state, values, error = judge(request, outcome)
    for constraint in request.constraints if state is TrialState.COMPLETE else ():
        name = f"{BOUND}{constraint}"
        trials.note(ledger, study.id, trial.id, trials.SYSTEM, name, constraint.excess(outcome.metrics))
    studies.finish(ledger, trial, state, values=values, run=outcome.run, error=error)
    now = time.time()
    return fielded.replace(trial, state=state, values=tuple(values), run=outcome.run, ended=now, error=error)


BOUND = "constraints:"  # by this name Optuna looks for what must not be above 0


def judge(request: requests.Request, outcome: Outcome) -> tuple[TrialState, tuple[float, ...], str]:
    """How a trial ended, its values, and what is wrong with it."""
    if isinstance(outcome.error, errors.PrunedTrial):
        last = outcome.metrics.get(events.REPORT, math.nan)
        return TrialState.PRUNED, () if math.isnan(last) else (last,), outcome.error.what
    if outcome.error is not None:
        return TrialState.FAILED, (), str(outcome.error)
    found = [_value(request, goal, outcome.metrics) for goal in request.goals]
    for goal, value in zip(request.goals, found, strict=True):
        if value is None:
            return TrialState.FAILED, (), str(never_reported(goal.metric, outcome.metrics))
        if math.isnan(value):
            return TrialState.FAILED, (), f"{goal.metric} is not a number"
    return TrialState.COMPLETE, tuple(value for value in found if value is not None), ""


def _value(request: requests.Request, goal: requests.Goal, metrics: Mapping[str, float]) -> float | None:
    if goal.metric in metrics:
        return metrics[goal.metric]
    return metrics.get("report") if len(request.goals) == 1 else None


def never_reported(metric: str, metrics: Mapping[str, float]) -> errors.UsageError:
    """The error for a metric to be tuned for that nobody logs."""
    there = f"there are: {', '.join(sorted(metrics))}" if metrics else "no step logs any: call tane.log_metric in one"
    return errors.UsageError(
        f"the pipeline never logs the metric {metric!r}", hint=errors.did_you_mean(metric, metrics, there)
    )


def _stop_if_hopeless(ledger: connection.Ledger, study: studies.Study, outcome: Outcome, trial: studies.Trial) -> None:
    """Give up a study whose first trials all failed, or whose metric nobody logs: the others would as well."""
    known = studies.states(ledger, study)
    failed = known.get(TrialState.FAILED, 0)
    if known.get(TrialState.COMPLETE) or known.get(TrialState.PRUNED):
        return
    if outcome.error is None and "never logs" in trial.error:
        what, _, hint = trial.error.partition("\n  hint: ")
        raise errors.UsageError(what, hint=hint)
    if failed < HOPELESS:
        return
    if outcome.error is None:
        raise errors.UsageError(
            f"the first {failed} trials all failed: {trial.error}", hint="mend the pipeline, then give --retry-failed"
        )
    raise outcome.error


class _Living:
    """Renews the lease of the trial under way, for those on other machines who cannot look at this process."""

    def __init__(self, ledger: connection.Ledger) -> None:
        self.trial: studies.Trial | None = None
        self._ledger = ledger
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._live, name="tane-trial", daemon=True)

    def __enter__(self) -> _Living:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _live(self) -> None:
        while not self._ended.wait(leases.LEASE / 6):
            trial = self.trial
            if trial is not None:
                with contextlib.suppress(errors.TaneError):  # what is written next tells
                    studies.renew(self._ledger, [trial])
