"""What a loop has decided to do: a step, or its work on one item, from its reasons to its record."""

from __future__ import annotations

import time

from tane import errors, fielded
from tane.executors import calls
from tane.ledger import records
from tane.outcomes import Reason, StepStatus
from tane.pipeline import demands
from tane.plan import steps
from tane.runs import fanning, keying, work

NO_BASIS = records.Basis("", "", {}, {}, {})


@fielded.mutable(eq=False)
class Job:
    """A step, or its work on one item of `fan`, that is to run, with what its record will say."""

    step: steps.Step
    position: int
    label: str
    key: str
    basis: records.Basis
    reasons: tuple[Reason, ...]
    demands: demands.Demands
    fan: fanning.Fan | None = None
    index: int = -1
    attempt: int = 1
    remote: bool = False  # it works in another process
    began: float = fielded.field(default_factory=time.time)

    def succeeded(self, outcome: work.Outcome, kept: tuple[records.Kept, ...], reusable: bool) -> records.StepRecord:
        """Its record when it has ended well."""
        return records.StepRecord(
            self.position,
            self.label,
            StepStatus.SUCCEEDED,
            self.key,
            self.basis,
            tuple(map(str, self.reasons)),
            kept,
            None,
            outcome.started,
            outcome.ended,
            outcome.cpu,
            outcome.peak_memory,
            "",
            reusable,
            self.attempt,
        )

    def failed(self, error: errors.TaneError) -> records.StepRecord:
        """Its record when it has not."""
        return records.StepRecord(
            position=self.position,
            node=self.label,
            status=StepStatus.PRUNED if isinstance(error, errors.PrunedTrial) else StepStatus.FAILED,
            key=self.key,
            basis=self.basis,
            reasons=tuple(map(str, self.reasons)),
            started=self.began,
            ended=time.time(),
            error=str(error),
            reusable=False,
            attempts=self.attempt,
        )

    @property
    def where(self) -> str:
        """Where it stands, as errors say it."""
        return where(self.step)

    def as_fault(self, error: Exception) -> errors.TaneError:
        """What is told of an error; one that is none of ours is a fault of the engine or of the machine."""
        if isinstance(error, errors.TaneError):
            return error
        return errors.PlaceError(
            f"{type(error).__name__}: {error}",
            where=self.where,
            hint="this is a fault of the engine or of the machine, not of your code: please report it",
        )

    def tries_again(self, error: Exception) -> bool:
        """Whether another attempt is to be made after `error`."""
        retries = self.demands.retries
        if retries is None or isinstance(error, errors.PrunedTrial):
            return False
        return self.attempt <= retries.times and retries.covers(_kinds(error))


def without_key(step: steps.Step) -> Job:
    """A step that fails before it could be decided."""
    return Job(step, step.position, step.node.name, "", NO_BASIS, (), demands.NONE)


def reused(
    position: int,
    label: str,
    key: str,
    basis: records.Basis,
    found: keying.Result,
    outputs: tuple[records.Kept, ...],
    *,
    reusable: bool = False,
) -> records.StepRecord:
    """The record of a step, or of its work on one item, whose result was kept before."""
    origin = (found.run, found.position)
    return records.StepRecord(
        position, label, StepStatus.REUSED, key, basis, outputs=outputs, origin=origin, reusable=reusable
    )


def skipped(step: steps.Step, why: str) -> records.StepRecord:
    """The record of a step that is not done."""
    return records.StepRecord(
        step.position, step.node.name, StepStatus.SKIPPED, "", NO_BASIS, error=why, reusable=False
    )


def where(step: steps.Step) -> str:
    """Where a step stands, as errors say it."""
    return f"node {step.node.name!r}"


def cannot_travel(step: steps.Step, error: Exception) -> errors.UserCodeError:
    """The error for a step that no worker process can be given."""
    return errors.UserCodeError(
        f"node {step.node.name!r} cannot be sent to a worker process: {type(error).__name__}: {error}",
        hint="define its function at the top of a module, or run it where the others do (executor: serial)",
    )


def _kinds(error: Exception) -> tuple[str, ...]:
    """The dotted names of what an error is: of the user's exception where there was one."""
    raised = error.raised if isinstance(error, errors.UserCodeError) else ()
    own = tuple(f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__)
    return raised or ((*own, "builtins.TimeoutError") if isinstance(error, calls.TimedOut) else own)
