"""Which trials are stopped early, and the sink through which a trial's report comes to be judged.

A `Watch` goes with a trial to wherever its nodes work. `median`, `percentile` and `successive_halving` need nothing but
the ledger, and judge as Optuna's of that name; all others are Optuna's.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from tane import errors, events, fielded
from tane.ledger import connection, studies
from tane.tuning import choices

NONE = choices.Choice("none")
_STEPS = {"n_startup_trials": 5, "n_warmup_steps": 0, "interval_steps": 1, "n_min_trials": 1}
OURS: Mapping[str, Mapping[str, float]] = {
    "none": {},
    "median": _STEPS,
    "percentile": {"percentile": 50.0, **_STEPS},
    "successive_halving": {"min_resource": 1, "reduction_factor": 4, "min_early_stopping_rate": 0},
}
THEIRS = ("hyperband", "patient", "threshold", "wilcoxon")


def read(said: Any, where: Callable[..., str], faults: list[errors.Fault]) -> choices.Choice:
    """The pruner that a name, or a mapping with a name and settings, asks for."""
    if said is None:
        return NONE
    return choices.read(said, "pruner", OURS, THEIRS, where, faults) or NONE


@fielded.frozen
class Watch:
    """Watches one trial, in whatever process its nodes work: what they report is put down and judged.

    `judged` is False for a study with several goals: its trials only report. With `silent` reports are put down with
    the trial alone: the run has other trials too.
    """

    ledger: str
    study: str
    trial: studies.Trial
    metric: str
    direction: str
    pruner: choices.Choice
    judged: bool = True
    silent: bool = False

    def __call__(self, sink: events.Sink) -> events.Sink:
        """What a node of this trial logs to."""
        return cast(events.Sink, Reporting(sink, self))


class Reporting:
    """Logs to `sink`, and judges what is reported. Once pruned, a trial that goes on is stopped at its next report."""

    def __init__(self, sink: events.Sink, watch: Watch) -> None:
        self.run = sink.run
        self._sink = sink
        self._watch = watch
        self._next = 0
        self.pruned: errors.PrunedTrial | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sink, name)

    def whole(self) -> events.Sink:
        """The same run, of no step in particular."""
        return self._watch(self._sink.whole())

    def report(self, value: float, step: int | None, name: str) -> None:
        """Record how far the trial has come. Raises `errors.PrunedTrial` when others do better."""
        watch = self._watch
        at = self._next if step is None else int(step)
        self._next = at + 1
        if name or not watch.silent:
            self._sink.log_metrics({name or events.REPORT: value}, at)
        if name not in ("", watch.metric) or not watch.judged:
            return
        ledger = _open(watch.ledger, os.getpid())
        studies.report(ledger, watch.trial.id, at, value)
        if watch.pruner.name == NONE.name:
            return
        why = judge(ledger, watch, at)
        if why:
            self.pruned = errors.PrunedTrial(f"pruned at step {at}: {watch.metric} = {value:.6g}, {why}", hint="")
            raise self.pruned


@functools.lru_cache(maxsize=4)
def _open(path: str, process: int) -> connection.Ledger:
    return connection.open_ledger(Path(path))


def judge(ledger: connection.Ledger, watch: Watch, step: int) -> str:
    """Why the trial is to be pruned after what it reported at `step`; empty when it goes on."""
    if watch.pruner.name not in OURS:
        return str(choices.optunas(f"pruner {watch.pruner.name!r}").prunes(watch))
    options = {**OURS[watch.pruner.name], **watch.pruner.options}
    sign = -1.0 if watch.direction == "maximize" else 1.0  # from here on less is better
    study, own = watch.trial.study, watch.trial.id
    mine = {at: sign * value for at, value in studies.reports(ledger, study, own).get(own, {}).items()}
    if watch.pruner.name == "successive_halving":
        if not rungs(mine, step, options):
            return ""
        others = [
            {at: sign * value for at, value in said.items()}
            for trial, said in studies.reports(ledger, study).items()
            if trial != own
        ]
        return halved(mine, others, step, options)
    there = [sign * value for value in studies.reported_at(ledger, study, step)]
    complete = studies.count_complete(ledger, study)
    return behind(mine, there, complete, step, options)


def behind(
    mine: Mapping[int, float], there: Sequence[float], complete: int, step: int, options: Mapping[str, float]
) -> str:
    """Whether the best of `mine` up to `step` is worse than a share of what others had there; less is better."""
    if complete == 0 or complete < options["n_startup_trials"]:
        return ""
    warmup, interval = int(options["n_warmup_steps"]), max(1, int(options["interval_steps"]))
    if step < warmup or not _is_first_of_interval(step, sorted(mine), warmup, interval):
        return ""
    values = [value for value in mine.values() if not math.isnan(value)]
    if not values:
        return "not a number"
    others = sorted(value for value in there if not math.isnan(value))
    if len(others) < max(1, options["n_min_trials"]):
        return ""
    line = _percentile(others, options.get("percentile", 50.0))
    return f"worse than {abs(line):.6g}, what others had there" if min(values) > line else ""


def _is_first_of_interval(step: int, steps: Sequence[int], warmup: int, interval: int) -> bool:
    begin = (step - warmup) // interval * interval + warmup
    before = [each for each in steps if each < step]
    return not before or before[-1] < begin


def _percentile(ordered: Sequence[float], percentile: float) -> float:
    place = (len(ordered) - 1) * min(percentile, 100.0) / 100.0
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    if ordered[low] == ordered[high]:  # infinities too
        return ordered[low]
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def halved(
    mine: Mapping[int, float], others: Sequence[Mapping[int, float]], step: int, options: Mapping[str, float]
) -> str:
    """Whether a trial that has come to a rung is none of the best that have; less is better."""
    factor = max(2, int(options["reduction_factor"]))
    for line in rungs(mine, step, options):
        value = mine[step]
        if math.isnan(value):
            return "not a number"
        there = [each for each in (_at_rung(said, line) for said in others) if each is not None]
        there = sorted([*(each for each in there if not math.isnan(each)), value])
        if value > there[max(len(there) // factor - 1, 0)]:
            return f"none of the best {max(len(there) // factor, 1)} of {len(there)} that have come so far"
    return ""


def rungs(mine: Mapping[int, float], step: int, options: Mapping[str, float]) -> list[int]:
    """The rungs that a trial has come to with `step`, and not before."""
    factor, least = max(2, int(options["reduction_factor"])), max(1, int(options["min_resource"]))
    before = max((at for at in mine if at < step), default=-1)
    line = least * factor ** int(options["min_early_stopping_rate"])
    found = []
    while line <= step:
        if before < line:
            found.append(line)
        line *= factor
    return found


def _at_rung(said: Mapping[int, float], line: int) -> float | None:
    reached = [at for at in said if at >= line]
    return said[min(reached)] if reached else None
