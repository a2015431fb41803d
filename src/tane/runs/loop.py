"""The loop: decide each step when its inputs are known, execute it, record it, publish what it made.

The loop owns the state of one run. Where steps work is the executor's, what is written the recorder's and the
publisher's, which step may go the schedule's. Its cost is linear in steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tane import errors, events
from tane.catalog import catalogs
from tane.executors import calls
from tane.ledger import records
from tane.outcomes import Reason, StepStatus, Why
from tane.pipeline import graph
from tane.plan import decisions, steps
from tane.runs import forms, keying, publishing, recording, results, schedule, sources, work


@dataclass(frozen=True, slots=True)
class Parts:
    """What a loop works with, opened and closed by its caller."""

    run: str
    pipeline: graph.Pipeline
    steps: list[steps.Step]
    catalog: catalogs.Catalog
    place: work.Place
    keys: keying.Keys
    executor: calls.Executor
    recorder: recording.Recorder
    publisher: publishing.Publisher | None
    tell: Callable[[events.Event], None]
    ledger_path: str
    force: frozenset[str]
    keep: bool
    keep_going: bool


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A step that is to run, with what its record will say."""

    step: steps.Step
    key: str
    basis: records.Basis
    reasons: tuple[Reason, ...]
    began: float = field(default_factory=time.time)


class Loop:
    """One run's state; `execute` brings it to its end."""

    def __init__(self, parts: Parts, start: sources.Sources) -> None:
        self._parts = parts
        self._schedule = schedule.Schedule(parts.pipeline)
        self._position = {step.node.name: step.position for step in parts.steps}
        self._under: dict[int, _Chosen] = {}
        self._again: dict[int, Reason] = {}  # steps whose result is known but whose value is needed: why they run
        self._in_place = start.in_place
        self._datasets = {name: parts.catalog.find(name) for name in parts.pipeline.datasets()}
        self._takers = {name: len(parts.pipeline.consumers(name)) for name in parts.pipeline.datasets()}
        self.kept: dict[str, records.Kept] = dict(start.kept)
        self.held: dict[str, Any] = dict(start.held)
        self.results: list[results.StepResult | None] = [None] * len(parts.steps)
        self.error: errors.TaneError | None = None
        self.rests_on_stat = start.pinned_by_stat  # False once something cannot be known to be unchanged by stat alone

    def execute(self) -> None:
        """Run until nothing is left to do, or a step failed and the others are not to go on."""
        parts = self._parts
        while True:
            while len(self._under) < parts.executor.slots and not self._stopped:
                position = self._schedule.next()
                if position is None:
                    break
                self._take(parts.steps[position])
            if not self._under:
                break
            for done in parts.executor.as_completed():
                self._finish(done)
        for step in parts.steps:
            if self.results[step.position] is None:
                self._skip(step, "")

    @property
    def _stopped(self) -> bool:
        return self.error is not None and not self._parts.keep_going

    # --- from ready to submitted -----------------------------------------------------------------------------------

    def _take(self, step: steps.Step) -> None:
        """Decide a step whose producers are done: reuse its result, submit it, or first make its inputs again."""
        parts, node = self._parts, step.node
        lost = next((name for name in step.takes if name not in self.kept), None)
        if lost is not None:
            self._skip(step, f"{lost} was not made")
            return
        seen = {name: parts.keys.seen(self.kept[name], name) for name in step.takes}
        key, basis, versions = parts.keys.of(step, seen)
        found = parts.keys.result(key)
        known = decisions.Known(
            found is not None,
            parts.keys.damage(found) if found else "",
            lambda: parts.keys.before(node.name),
            parts.keys.document,
        )
        decision = decisions.decide(step, basis, versions, known, forced=node.name in parts.force)
        reasons = decision.reasons
        if decision.action == "reuse" and found is not None:
            if step.position in self._again:
                reasons = (self._again[step.position],)
            else:
                formed = forms.bring(
                    found.outputs, node.outputs, parts.catalog, parts.place, node.name, keep=parts.keep
                )
                if isinstance(formed, forms.Formed):
                    self._reuse(step, key, basis, found, formed)
                    return
                reasons = (Reason(Why.OPTION, formed),)
        chosen = _Chosen(step, key, basis, reasons)
        if not self._make_inputs_again(chosen):
            self._submit(chosen)

    def _make_inputs_again(self, chosen: _Chosen) -> bool:
        """Park a step whose input is known by digest but not there: its producer was reused. True when parked."""
        keys, pipeline = self._parts.keys, self._parts.pipeline
        until: set[int] = set()
        for name in chosen.step.takes:
            producer = pipeline.producer(name)
            if producer is None or name in self.held or keys.is_whole(self.kept[name]):
                continue
            kept = self.kept[name]
            why = (
                Reason(Why.OUTPUT_MISSING, f"{name} was damaged or is gone")
                if kept.file or kept.value
                else Reason(Why.NEVER_KEPT, f"{name} is needed by {chosen.step.node.name}")
            )
            at = self._position[producer.name]
            self._again.setdefault(at, why)
            until.add(at)
        if until:
            self._schedule.park(chosen.step.position, until)
        return bool(until)

    def _submit(self, chosen: _Chosen) -> None:
        parts, step = self._parts, chosen.step
        parts.tell(events.StepStarted(parts.run, step.node.name, step.position, chosen.reasons))
        for name in step.takes:
            dataset = self._datasets[name]
            if dataset is not None:
                parts.tell(events.DatasetMoved(parts.run, "loading", name, dataset.type, dataset.place))
        try:
            task = self._task(step)
            if parts.executor.remote:
                store = str(parts.place.store.root)
                ticket = parts.executor.submit(work.perform_remotely, task, store, parts.ledger_path)
            else:
                ticket = parts.executor.submit(work.perform, task, parts.place)
        except errors.TaneError as error:
            self._fail(chosen, error)
        except Exception as error:
            self._fail(chosen, _cannot_travel(step, error))
        else:
            self._under[ticket] = chosen

    def _task(self, step: steps.Step) -> work.Task:
        node, parts = step.node, self._parts
        return work.Task(
            run=parts.run,
            node=node.name,
            func=node.func,
            positional=tuple(self._argument(step, name) for name in node.positional),
            by_name=tuple(
                (argument, self._argument(step, name))
                for argument, name in node.by_name
                if name in step.params or name not in node.optional
            ),
            outputs=tuple(self._output(name) for name in node.outputs),
            returns=node.returns,
            keys=node.keys,
        )

    def _argument(self, step: steps.Step, name: str) -> work.Argument:
        if name in step.params:
            return work.Held(step.arguments.get(name, step.params[name]))
        if name in self.held:
            return work.Held(self.held[name])
        parts, kept = self._parts, self.kept[name]
        dataset = self._datasets[name]
        if dataset is not None and dataset.kind == "file" and kept.file:
            path, signature = self._in_place.get(name, (None, None))
            shared = not parts.executor.remote and self._takers[name] > 1
            return work.Filed(dataset, kept.file, path, signature, shared)
        return work.Stored(name, kept.codec, kept.value)

    def _output(self, name: str) -> work.Output:
        entry = self._parts.catalog.entry(name)
        in_memory = entry is not None and (entry.kind == "memory" or entry.keep == "none")
        return work.Output(name, self._datasets[name], self._parts.keep and not in_memory)

    # --- ends of a step --------------------------------------------------------------------------------------------

    def _finish(self, done: calls.Done) -> None:
        chosen = self._under.pop(done.ticket)
        if done.error is None:
            self._succeed(chosen, done.result)
        elif isinstance(done.error, (errors.MissingObjectError, errors.CorruptObjectError)):
            if not self._make_inputs_again(chosen):
                self._fail(chosen, done.error)
        elif isinstance(done.error, calls.CallError):
            self._fail(chosen, calls.CallError(done.error.what, hint=done.error.hint, where=_where(chosen.step)))
        elif isinstance(done.error, Exception):
            self._fail(chosen, done.error)
        else:
            raise done.error

    def _succeed(self, chosen: _Chosen, outcome: work.Outcome) -> None:
        step = chosen.step
        for made in outcome.outputs:
            self.kept[made.kept.name] = made.kept
            if made.held:
                self.held[made.kept.name] = made.value
        reusable = step.node.cache and not any(work.is_unique(made.kept) for made in outcome.outputs)
        self.rests_on_stat = self.rests_on_stat and reusable
        self._again.pop(step.position, None)
        kept = tuple(made.kept for made in outcome.outputs)
        record = records.StepRecord(
            position=step.position,
            node=step.node.name,
            status=StepStatus.SUCCEEDED,
            key=chosen.key,
            basis=chosen.basis,
            reasons=tuple(map(str, chosen.reasons)),
            outputs=kept,
            started=outcome.started,
            ended=outcome.ended,
            cpu=outcome.cpu,
            peak_memory=outcome.peak_memory,
            reusable=reusable,
        )
        self._conclude(step, record, kept, fresh=True)

    def _reuse(
        self, step: steps.Step, key: str, basis: records.Basis, found: keying.Result, formed: forms.Formed
    ) -> None:
        for kept in formed.kept:
            self.kept[kept.name] = kept
        record = records.StepRecord(
            position=step.position,
            node=step.node.name,
            status=StepStatus.REUSED,
            key=key,
            basis=basis,
            outputs=formed.kept,
            origin=(found.run, found.position),
            reusable=formed.converted,
        )
        self._conclude(step, record, formed.kept, fresh=formed.converted)

    def _fail(self, chosen: _Chosen, error: Exception) -> None:
        if not isinstance(error, errors.TaneError):
            error = errors.PlaceError(
                f"{type(error).__name__}: {error}",
                where=_where(chosen.step),
                hint="this is a fault of the engine or of the machine, not of your code: please report it",
            )
        self.error = self.error or error
        record = records.StepRecord(
            position=chosen.step.position,
            node=chosen.step.node.name,
            status=StepStatus.FAILED,
            key=chosen.key,
            basis=chosen.basis,
            reasons=tuple(map(str, chosen.reasons)),
            started=chosen.began,
            ended=time.time(),
            error=str(error),
            reusable=False,
        )
        traceback = error.traceback if isinstance(error, errors.UserCodeError) else ""
        self._conclude(chosen.step, record, (), traceback=traceback)

    def _skip(self, step: steps.Step, why: str) -> None:
        record = records.StepRecord(
            position=step.position,
            node=step.node.name,
            status=StepStatus.SKIPPED,
            key="",
            basis=_NO_BASIS,
            error=why,
            reusable=False,
        )
        self._conclude(step, record, ())

    def _conclude(
        self,
        step: steps.Step,
        record: records.StepRecord,
        kept: tuple[records.Kept, ...],
        *,
        fresh: bool = False,
        traceback: str = "",
    ) -> None:
        """Record, publish, tell, and let those go on that waited."""
        parts = self._parts
        parts.recorder.add(record)
        for each in kept:
            dataset = self._datasets[each.name]
            if dataset is not None and parts.publisher is not None:
                parts.publisher.place(dataset, each, fresh=fresh)
        seconds = record.ended - record.started
        first_time = self.results[step.position] is None
        self.results[step.position] = results.StepResult(
            record.node,
            record.status,
            record.reasons,
            seconds,
            record.cpu,
            record.peak_memory,
            {each.name: each.digest for each in kept},
            record.error,
        )
        parts.tell(
            events.StepEnded(parts.run, record.node, step.position, record.status, seconds, record.error, traceback)
        )
        if first_time:
            self._let_go(step)
        self._schedule.ended(step.position)

    def _let_go(self, step: steps.Step) -> None:
        """Free values whose last taker is done."""
        for name in step.takes:
            self._takers[name] -= 1
            if not self._takers[name]:
                self.held.pop(name, None)
                self._parts.place.shared.pop(name, None)


_NO_BASIS = records.Basis("", "", {}, {}, {})


def _where(step: steps.Step) -> str:
    return f"node {step.node.name!r}"


def _cannot_travel(step: steps.Step, error: Exception) -> errors.UserCodeError:
    return errors.UserCodeError(
        f"node {step.node.name!r} cannot be sent to a worker process: {type(error).__name__}: {error}",
        hint="define its function at the top of a module, or run with one process (-j 1)",
    )
