"""The loop: decide each step when its inputs are known, execute it, record it, publish what it made.

The loop owns the state of one run. Where steps work is the executor's, what is written the recorder's and the
publisher's, which step may go the schedule's. Its cost is linear in steps.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tane import errors, events, fielded
from tane.catalog import catalogs
from tane.executors import calls, routing
from tane.ledger import records, write
from tane.outcomes import Reason, StepStatus, Why
from tane.pipeline import demands, graph, nodes
from tane.plan import decisions, steps
from tane.runs import (
    admission,
    arguments,
    fanning,
    forms,
    givens,
    keeping,
    keying,
    publishing,
    recording,
    results,
    schedule,
    sources,
    work,
)


@fielded.frozen
class Parts:
    """What a loop works with, opened and closed by its caller."""

    run: str
    pipeline: graph.Pipeline
    steps: list[steps.Step]
    catalog: catalogs.Catalog
    place: arguments.Place
    keys: keying.Keys
    given: givens.Givens
    executor: routing.Routed
    admission: admission.Admission
    demands: Callable[[nodes.Node], demands.Demands]
    recorder: recording.Recorder
    publisher: publishing.Publisher | None
    tell: Callable[[events.Event], None]
    ledger_path: str
    home: work.Home
    force: frozenset[str]
    keep: bool
    keep_going: bool


@fielded.mutable
class _Chosen:
    """A step, or its work on one item, that is to run, with what its record will say."""

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
    began: float = fielded.field(default_factory=time.time)


class Loop:
    """One run's state; `execute` brings it to its end."""

    def __init__(self, parts: Parts, *, pinned_by_stat: bool) -> None:
        self._parts = parts
        self._schedule = schedule.Schedule(parts.pipeline)
        self._position = {step.node.name: step.position for step in parts.steps}
        self._under: dict[int, _Chosen] = {}
        self._again: dict[int, Reason] = {}  # steps whose result is known but whose value is needed: why they run
        self._insisted: set[int] = set()  # of those, what a step needs that is done in any case
        self._fans: list[tuple[_Chosen, fanning.Fan, dict[str, steps.Seen]]] = []
        self._waiting: list[_Chosen] = []  # until there is enough of what they ask for
        self._delayed: list[tuple[float, int, _Chosen, Exception]] = []  # until it is time for another attempt
        self._own: dict[str, keying.Result] = {}  # what this run has made, by key: equal steps work once
        self._lost: set[str] = set()  # nodes that failed, or were skipped because of a failure
        self._given = parts.given
        self.kept: dict[str, records.Kept] = self._given.kept
        self.held: dict[str, Any] = self._given.held
        self.results: list[results.StepResult | None] = [None] * len(parts.steps)
        self.error: errors.TaneError | None = None
        self.rests_on_stat = pinned_by_stat  # False once something cannot be known to be unchanged by stat alone

    def execute(self) -> None:
        """Run until nothing is left to do. After a failure only what is to run in any case goes on, unless asked."""
        while True:
            self._fill()
            if self._under:
                for done in self._parts.executor.as_completed(self._until_due()):
                    self._finish(done)
            elif self._delayed:
                time.sleep(self._until_due() or 0.0)
            elif not self._skip_the_rest():
                return

    @property
    def _stopped(self) -> bool:
        return self.error is not None and not self._parts.keep_going

    # --- what goes next --------------------------------------------------------------------------------------------

    def _fill(self) -> None:
        """Begin work until all hands are busy or everything waits."""
        slots = self._parts.executor.slots
        self._end_delays()
        while len(self._under) < slots:
            if self._waiting and self._take_waiting():
                continue
            if self._fans and self._take_item():
                continue
            position = self._schedule.next()
            if position is None:
                return
            step = self._parts.steps[position]
            if not self._stopped or step.node.always or position in self._insisted:
                self._take(step)
            elif self.results[position] is None:
                self._skip(step, "")
            else:  # it was to be done again, for somebody who will not be done now
                self._schedule.ended(position)

    def _take_waiting(self) -> bool:
        """Submit the first that asked for more than there was, and for which there is enough now."""
        for at, chosen in enumerate(self._waiting):
            goes = chosen.attempt > 1 or self._goes_on(chosen.step, chosen.fan)
            if goes and self._parts.admission.admits(chosen.demands.resources):
                del self._waiting[at]
                self._submit(chosen)
                return True
        return False

    def _goes_on(self, step: steps.Step, fan: fanning.Fan | None) -> bool:
        """Whether more of a step may begin: a stopped run ends what is always done, and fan-outs that have failed."""
        return not self._stopped or step.node.always or (fan is not None and bool(fan.failures))

    def _end_delays(self) -> None:
        """Bring back what has waited long enough for its next attempt; nothing waits in a run that has stopped."""
        while self._delayed and (self._stopped or self._delayed[0][0] <= time.monotonic()):
            _, _, chosen, error = heapq.heappop(self._delayed)
            if self._stopped:
                self._fail(chosen, error)
            else:
                self._waiting.append(chosen)

    def _until_due(self) -> float | None:
        return max(0.0, self._delayed[0][0] - time.monotonic()) if self._delayed else None

    def _skip_the_rest(self) -> bool:
        """Skip what can no longer run; whether any step may go on because of that."""
        left = [step for step in self._parts.steps if self.results[step.position] is None]
        doomed = [step for step in left if not step.node.always] or left
        for step in doomed:
            self._skip(step, "")
        return bool(doomed)

    # --- from ready to submitted -----------------------------------------------------------------------------------

    def _take(self, step: steps.Step) -> None:
        """Decide a step whose producers are done: reuse its result, submit it, or first make its inputs again."""
        parts, node = self._parts, step.node
        if self._is_out(step):
            return
        if node.when is not None and not self._holds(step):
            return
        seen = {name: parts.keys.seen(kept, name) for name in step.takes if (kept := self._given.find(name))}
        key, basis, versions = parts.keys.of(step, seen)
        found = self._own.get(key) or parts.keys.result(key)
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
        chosen = _Chosen(step, step.position, node.name, key, basis, reasons, parts.demands(node))
        if self._make_inputs_again(step, step.takes):
            return
        if node.over:
            self._fan_out(chosen, seen)
        else:
            self._submit(chosen)

    def _is_out(self, step: steps.Step) -> bool:
        """Skip a step that something it needs, or comes after, keeps from running. True when it was skipped."""
        absent = self._given.absent(step)
        if absent.skipped:  # whatever else failed: it would not have run in any case
            verb = "was" if len(absent.skipped) == 1 else "were"
            self._leave_out(step, f"{', '.join(absent.skipped)} {verb} skipped")
            return True
        if absent.unmade:
            self._skip(step, f"{absent.unmade[0]} was not made")
            return True
        if not step.node.always:
            for other in step.node.after:
                if other in self._lost:
                    self._skip(step, f"{other} did not succeed")
                    return True
        return False

    def _holds(self, step: steps.Step) -> bool:
        """Whether a step's condition is true; if not it is skipped, or waits, or fails with what that raised."""
        if self._make_inputs_again(step, step.looks):
            return False
        try:
            holds = self._given.holds(step)
        except errors.TaneError as error:
            chosen = _Chosen(step, step.position, step.node.name, "", _NO_BASIS, (), demands.NONE)
            self._fail(chosen, error)
            return False
        if not holds:
            self._leave_out(step, f"when {step.node.when} does not hold")
        return holds

    def _make_inputs_again(self, step: steps.Step, names: Sequence[str]) -> bool:
        """Park a step when one of `names` is known by digest but not there, its producer reused. True when parked."""
        keys, pipeline = self._parts.keys, self._parts.pipeline
        until: set[int] = set()
        for name in names:
            producer = pipeline.producer(name)
            kept = self._given.find(name)
            if producer is None or kept is None or name in self.held or keys.is_whole(kept):
                continue
            why = (
                Reason(Why.OUTPUT_MISSING, f"{name} was damaged or is gone")
                if kept.file or kept.value
                else Reason(Why.NEVER_KEPT, f"{name} is needed by {step.node.name}")
            )
            at = self._position[producer.name]
            self._again.setdefault(at, why)
            if step.node.always or step.position in self._insisted:
                self._insisted.add(at)
            until.add(at)
        if until:
            self._schedule.park(step.position, until)
        return bool(until)

    def _submit(self, chosen: _Chosen) -> None:
        """Hand a step, or one item of it, to an executor as soon as there is enough of what it asks for."""
        parts, step, wishes = self._parts, chosen.step, chosen.demands
        if not parts.admission.admits(wishes.resources):
            self._waiting.append(chosen)
            return
        if chosen.fan is None:
            if chosen.attempt == 1:
                parts.tell(events.StepStarted(parts.run, step.node.name, step.position, chosen.reasons))
            self._tell_moves("loading", step.node.name, step.takes)
        try:
            route = parts.executor.route(wishes.executor, wishes.timeout)
            remote = parts.executor.is_remote(route)
            task = self._given.task(step, chosen.label, remote=remote, fan=chosen.fan, index=chosen.index)
            if remote:
                parts.place.store.flush()  # a worker reads what is on disk
                store = str(parts.place.store.root)
                ticket = parts.executor.submit(
                    route, work.perform_remotely, task, store, parts.ledger_path, parts.home, timeout=wishes.timeout
                )
            else:
                ticket = parts.executor.submit(route, work.perform, task, parts.place)
        except errors.TaneError as error:
            self._fail(chosen, error)
        except Exception as error:
            self._fail(chosen, _cannot_travel(step, error))
        else:
            parts.admission.begin(wishes.resources)
            self._under[ticket] = chosen

    # --- item by item ----------------------------------------------------------------------------------------------

    def _fan_out(self, chosen: _Chosen, seen: dict[str, steps.Seen]) -> None:
        """Begin a step that is done once for each item of what it is fanned out over."""
        node = chosen.step.node
        self._parts.tell(events.StepStarted(self._parts.run, node.name, chosen.position, chosen.reasons))
        try:
            fan = self._given.fan(chosen.step)
        except errors.TaneError as error:
            self._fail(chosen, error)
            return
        self._fans.append((chosen, fan, seen))
        if not fan.count:
            self._end_fan(chosen, fan)

    def _take_item(self) -> bool:
        """Decide the next item of the first fan that has one: reuse its result or submit it."""
        found = next((each for each in self._fans if self._may_begin(each[0], each[1])), None)
        if found is None:
            return False
        parent, fan, seen = found
        parts, step, index = self._parts, parent.step, fan.next
        fan.next += 1
        key, basis, versions = parts.keys.of(step, seen | fan.seen(index), item=True)
        label = fan.label(step.node.name, index)
        position = records.item_position(step.position, index)
        kept = self._own.get(key) or parts.keys.result(key)
        known = decisions.Known(
            kept is not None,
            parts.keys.damage(kept) if kept else "",
            lambda: parts.keys.before(label),
            parts.keys.document,
        )
        decision = decisions.decide(step, basis, versions, known, forced=step.node.name in parts.force)
        reasons = decision.reasons or (Reason(Why.NEVER_KEPT),)
        chosen = _Chosen(step, position, label, key, basis, reasons, parent.demands, fan, index)
        if decision.action == "reuse" and kept is not None and all(each.value for each in kept.outputs):
            self._reuse_item(parent, chosen, kept)
        else:
            self._submit(chosen)
        return True

    def _may_begin(self, parent: _Chosen, fan: fanning.Fan) -> bool:
        """Whether another item of a fan may begin now."""
        more = fan.next < fan.count and self._parts.admission.admits(parent.demands.resources)
        return more and self._goes_on(parent.step, fan)

    def _reuse_item(self, parent: _Chosen, chosen: _Chosen, found: keying.Result) -> None:
        record = records.StepRecord(
            chosen.position,
            chosen.label,
            StepStatus.REUSED,
            chosen.key,
            chosen.basis,
            outputs=found.outputs,
            origin=(found.run, found.position),
            reusable=False,
        )
        self._parts.recorder.add(record)
        self._item_ended(parent, chosen, tuple(keeping.Made(kept) for kept in found.outputs))

    def _item_ended(self, parent: _Chosen, chosen: _Chosen, made: tuple[keeping.Made, ...] | errors.TaneError) -> None:
        """Note the end of one item; the last one ends the step."""
        fan = chosen.fan
        assert fan is not None
        fan.ended += 1
        if isinstance(made, errors.TaneError):
            fan.failures[chosen.index] = made
        else:
            fan.made[chosen.index] = made
        self._parts.tell(
            events.ItemEnded(self._parts.run, parent.step.node.name, parent.position, fan.ended, fan.count)
        )
        if fan.is_done:
            self._end_fan(parent, fan)

    def _end_fan(self, parent: _Chosen, fan: fanning.Fan) -> None:
        self._fans = [each for each in self._fans if each[1] is not fan]
        error = fan.error(parent.step.node.name)
        if error is not None:
            self._fail(parent, error)
            return
        began = time.perf_counter()
        try:
            outputs = self._given.outputs(parent.step)
            made = fan.outcome(outputs, self._parts.place, parent.step.node.name)
        except errors.TaneError as fault:
            self._fail(parent, fault)
            return
        saving = (time.perf_counter() - began,) * len(made)
        outcome = work.Outcome(made, fan.began, time.time(), fan.cpu, fan.peak_memory, (), saving)
        self._succeed(parent, outcome)

    # --- ends of a step --------------------------------------------------------------------------------------------

    def _finish(self, done: calls.Done) -> None:
        chosen = self._under.pop(done.ticket)
        self._parts.admission.end(chosen.demands.resources)
        if done.error is None:
            self._succeed(chosen, done.result)
        elif isinstance(done.error, (errors.MissingObjectError, errors.CorruptObjectError)):
            if chosen.fan is not None or not self._make_inputs_again(chosen.step, chosen.step.takes):
                self._fail(chosen, done.error)
        elif isinstance(done.error, calls.CallError):
            where = _where(chosen.step)
            error = type(done.error)(f"node {chosen.label!r}: {done.error.what}", hint=done.error.hint, where=where)
            self._try_again_or_fail(chosen, error)
        elif isinstance(done.error, Exception):
            self._try_again_or_fail(chosen, done.error)
        else:
            raise done.error

    def _try_again_or_fail(self, chosen: _Chosen, error: Exception) -> None:
        retries = chosen.demands.retries
        if retries is None or chosen.attempt > retries.times or self._stopped or not retries.covers(_kinds(error)):
            self._fail(chosen, error)
            return
        wait = retries.wait(chosen.attempt)
        what = error.what if isinstance(error, errors.TaneError) else f"{type(error).__name__}: {error}"
        text = f"{what}; attempt {chosen.attempt + 1} of {retries.times + 1} in {wait:g} s"
        self._parts.tell(events.Notice(self._parts.run, "warning", text))
        chosen.attempt += 1
        heapq.heappush(self._delayed, (time.monotonic() + wait, id(chosen), chosen, error))

    def _succeed(self, chosen: _Chosen, outcome: work.Outcome) -> None:
        step, kept = chosen.step, tuple(made.kept for made in outcome.outputs)
        reusable = step.node.cache and not any(map(keeping.is_unique, kept)) and not self._given.adds(step)
        record = records.StepRecord(
            position=chosen.position,
            node=chosen.label,
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
            attempts=chosen.attempt,
        )
        if reusable and all(each.value or each.file for each in kept):
            self._own[chosen.key] = keying.Result(self._parts.run, chosen.position, kept)
        if chosen.fan is not None:
            chosen.fan.cpu += outcome.cpu
            chosen.fan.peak_memory = max(chosen.fan.peak_memory, outcome.peak_memory)
            self._parts.recorder.add(record)
            self._item_ended(self._parent(chosen), chosen, outcome.outputs)
            return
        for made in outcome.outputs:
            self._given.add(made.kept)
            if made.held:
                self.held[made.kept.name] = made.value
        self.rests_on_stat = self.rests_on_stat and reusable
        self._again.pop(step.position, None)
        self._tell_moves("loaded", step.node.name, step.takes, self._given.seconds_by_input(step, outcome.loading))
        saving = dict(zip(step.node.outputs, outcome.saving, strict=False))
        self._tell_moves("saving", step.node.name, step.node.outputs)
        self._conclude(step, record, kept, fresh=True, saving=saving)

    def _parent(self, chosen: _Chosen) -> _Chosen:
        return next(parent for parent, fan, _ in self._fans if fan is chosen.fan)

    def _reuse(
        self, step: steps.Step, key: str, basis: records.Basis, found: keying.Result, formed: forms.Formed
    ) -> None:
        for kept in formed.kept:
            self._given.add(kept)
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
        traceback = error.traceback if isinstance(error, errors.UserCodeError) else ""
        record = records.StepRecord(
            position=chosen.position,
            node=chosen.label,
            status=StepStatus.FAILED,
            key=chosen.key,
            basis=chosen.basis,
            reasons=tuple(map(str, chosen.reasons)),
            started=chosen.began,
            ended=time.time(),
            error=str(error),
            reusable=False,
            attempts=chosen.attempt,
        )
        self._keep_inputs(chosen)
        if chosen.fan is not None:
            self._parts.recorder.add(record)
            self._item_ended(self._parent(chosen), chosen, error)
            return
        self.error = self.error or error
        self._lost.add(chosen.step.node.name)
        self._given.forget(chosen.step)
        self._conclude(chosen.step, record, (), traceback=traceback)

    def _keep_inputs(self, chosen: _Chosen) -> None:
        """Keep what a failed step was given, so that it can be done again with the same and looked into."""
        parts = self._parts
        try:
            given = self._given.inputs(chosen.step, chosen.fan, chosen.index)
            parts.place.store.flush()
            write.add_inputs(parts.place.ledger, parts.run, chosen.position, given)
        except errors.TaneError:
            pass  # what made the step fail matters more

    def _leave_out(self, step: steps.Step, why: str) -> None:
        """Skip a step whose condition does not hold, or whose inputs were skipped for such a reason."""
        self._given.leave_out(step.node.outputs)
        self._skip(step, why, lost=False)

    def _skip(self, step: steps.Step, why: str, *, lost: bool = True) -> None:
        if lost:
            self._lost.add(step.node.name)
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
        saving: Mapping[str, float] = {},
        traceback: str = "",
    ) -> None:
        """Record, publish, tell, and let those go on that waited."""
        parts = self._parts
        parts.recorder.add(record)
        for each in kept:
            dataset = self._given.datasets[each.name]
            if dataset is None:
                continue
            done = parts.publisher.place(dataset, each, fresh=fresh) if parts.publisher is not None else ""
            if done or fresh:
                self._tell_moves(done or "saved", step.node.name, (each.name,), saving)
        seconds = record.ended - record.started
        first_time = self.results[step.position] is None
        made = {each.name: each.digest for each in kept}
        self.results[step.position] = results.StepResult(
            record.node,
            record.status,
            record.reasons,
            seconds,
            record.cpu,
            record.peak_memory,
            made,
            record.error,
            record.attempts,
        )
        node, status = record.node, record.status
        parts.tell(events.StepEnded(parts.run, node, step.position, status, seconds, record.error, traceback, made))
        if record.status in (StepStatus.SUCCEEDED, StepStatus.REUSED):
            self._confirm(step)
        if first_time:
            self._given.let_go(step)
        self._schedule.ended(step.position)

    def _confirm(self, step: steps.Step) -> None:
        """Note what of incremental datasets is worked off, once the step that was to confirm it has succeeded."""
        for name in step.node.confirms:
            dataset, kept = self._parts.catalog.find(name), self._given.find(name)
            if dataset is not None and kept is not None:
                sources.confirm(dataset, kept, self._parts.place.store)

    def _tell_moves(self, verb: str, node: str, names: tuple[str, ...], seconds: Mapping[str, float] = {}) -> None:
        """Tell of catalogued datasets on their way in or out."""
        parts, given = self._parts, self._given
        only_kept = parts.publisher is None and verb in ("saving", "saved")
        for name in names:
            dataset = given.datasets[name]
            if dataset is not None:
                kept = given.find(name)
                digest, size = (kept.digest, kept.bytes) if kept is not None else ("", 0)
                place = "the store only" if only_kept else dataset.place
                took = seconds.get(name, 0.0)
                parts.tell(events.DatasetMoved(parts.run, verb, name, dataset.type, place, node, took, digest, size))


_NO_BASIS = records.Basis("", "", {}, {}, {})


def _where(step: steps.Step) -> str:
    return f"node {step.node.name!r}"


def _kinds(error: Exception) -> tuple[str, ...]:
    """The dotted names of what an error is: of the user's exception where there was one."""
    raised = error.raised if isinstance(error, errors.UserCodeError) else ()
    own = tuple(f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__)
    return raised or ((*own, "builtins.TimeoutError") if isinstance(error, calls.TimedOut) else own)


def _cannot_travel(step: steps.Step, error: Exception) -> errors.UserCodeError:
    return errors.UserCodeError(
        f"node {step.node.name!r} cannot be sent to a worker process: {type(error).__name__}: {error}",
        hint="define its function at the top of a module, or run it where the others do (executor: serial)",
    )
