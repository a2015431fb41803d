"""The words for how runs and steps end, and why a step works or rests. One place, so that all pages agree."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class RunStatus(StrEnum):
    """How a run stands. `killed` is never written by the run itself: others see that its process is gone."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    PRUNED = "pruned"  # a trial that was stopped early: others did better
    INTERRUPTED = "interrupted"
    KILLED = "killed"


class StepStatus(StrEnum):
    """How a step ended within one run."""

    SUCCEEDED = "succeeded"
    REUSED = "reused"
    FAILED = "failed"
    PRUNED = "pruned"  # its trial was stopped early, by what it reported
    SKIPPED = "skipped"  # something it needs failed or was not made


class TrialState(StrEnum):
    """How a point of a sweep or study stands."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETE = "complete"
    PRUNED = "pruned"  # stopped early: it did worse than others at the same step
    FAILED = "failed"


class Why(StrEnum):
    """The kinds of reason for which a step runs, waits or is skipped; their order is that in which they are shown."""

    FIRST_RUN = "first run"
    FORCED = "forced"
    NEVER_KEPT = "never kept"
    OUTPUT_MISSING = "output missing"
    CODE = "code changed"
    PARAMETER = "parameter"
    INPUT = "input"
    OPTION = "option"
    ENVIRONMENT = "environment"
    WAITS = "waits on"
    WHEN = "when"  # a step's condition, which does not hold
    WITHOUT = "without"  # something it needs, which is skipped


class Reason(NamedTuple):
    """One reason: `Why.PARAMETER`, "model.lr 0.1 -> 0.2". Reads as "parameter model.lr 0.1 -> 0.2"."""

    why: Why
    detail: str = ""

    def __str__(self) -> str:
        if not self.detail:
            return str(self.why)
        joint = ": " if self.why in (Why.CODE, Why.ENVIRONMENT, Why.OUTPUT_MISSING, Why.NEVER_KEPT) else " "
        return f"{self.why}{joint}{self.detail}"
