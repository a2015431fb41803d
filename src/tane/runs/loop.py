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
from tane.plan import scripts, steps
from tane.runs import (
    admission,
    arguments,
    calling,
    deciding,
    fanning,
    fans,
    forms,
    givens,
    jobs,
    keeping,
    keying,
    publishing,
    recording,
    remotely,
    results,
    schedule,
    sources,
    surroundings,
    turns,
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
    home: remotely.Home
    force: frozenset[str]
    keep: bool
    keep_going: bool
    rests: scripts.Rests
    turns: turns.Turns | None = None  # where other processes may be about to do the same steps


class Loop:
    """One run's state; `execute` brings it to its end."""

    def __init__(self, parts: Parts, *, pinned_by_stat: bool) -> None:
        self._parts = parts
        self._schedule = schedule.Schedule(parts.pipeline)
        self._surroundings = surroundings.Surroundings(parts.keys, parts.rests)
        self._decider = deciding.Decider(parts.keys, parts.force)
        self._position = {step.node.name: step.position for step in parts.steps}
        self._under: dict[int, jobs.Job] = {}
        self._again: dict[int, Reason] = {}  # steps whose result is known but whose value is needed: why they run
        self._insisted: set[int] = set()  # of those, what a step needs that is done in any case
        self._fans = fans.Fans()
        self._waiting: list[jobs.Job] = []  # until there is enough of what they ask for
        self._delayed: list[tuple[float, int, jobs.Job, Exception]] = []  # until it is time for another attempt
        self._waited: set[str] = set()  # keys whose turn was waited for
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
        for at, job in enumerate(self._waiting):
            goes = job.attempt > 1 or self._goes_on(job.step, job.fan)
            if goes and self._parts.admission.admits(job.demands.resources):
                del self._waiting[at]
                self._submit(job)
                return True
        return False

    def _goes_on(self, step: steps.Step, fan: fanning.Fan | None) -> bool:
        """Whether more of a step may begin: a stopped run ends what is always done, and fan-outs that have failed."""
        return not self._stopped or step.node.always or (fan is not None and bool(fan.failures))

    def _end_delays(self) -> None:
        """Bring back what has waited long enough for its next attempt; nothing waits in a run that has stopped."""
        while self._delayed and (self._stopped or self._delayed[0][0] <= time.monotonic()):
            _, _, job, error = heapq.heappop(self._delayed)
            if self._stopped:
                self._fail(job, error)
            else:
                self._waiting.append(job)

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
        try:
            step = self._surroundings.as_now(step)
        except errors.TaneError as error:  # a source of the command is gone
            self._fail(jobs.without_key(step), error)
            return
        seen = {name: parts.keys.seen(kept, name) for name in step.takes if (kept := self._given.find(name))}
        decided = self._decider.decide(step, seen)
        reasons = decided.decision.reasons
        if decided.decision.action == "reuse" and decided.found is not None:
            if step.position in self._again:
                reasons = (self._again[step.position],)
            else:
                formed = forms.bring(
                    decided.found.outputs,
                    node.outputs,
                    parts.catalog,
                    parts.place,
                    parts.keys,
                    node.name,
                    keep=parts.keep,
                )
                if isinstance(formed, forms.Formed):
                    self._reuse(step, decided, decided.found, formed)
                    return
                reasons = (Reason(Why.OPTION, formed),)
        job = jobs.Job(step, step.position, node.name, decided.key, decided.basis, reasons, parts.demands(node))
        if self._make_inputs_again(step, step.takes):
            return
        if self._was_done_meanwhile(step, job.key):
            self._take(step)
            return
        if node.over:
            self._fan_out(job, seen)
        else:
            self._submit(job)

    def _was_done_meanwhile(self, step: steps.Step, key: str) -> bool:
        """Wait for the turn to do a step; whether another process has done it by then, and it is to be decided anew."""
        turns, before = self._parts.turns, key in self._waited
        if turns is None or before or step.node.name in self._parts.force or not step.node.cache:
            return False
        turns.take(key)
        self._waited.add(key)
        if self._parts.keys.result_by_now(key) is None or step.position in self._again:
            return False
        turns.give(key)
        return True

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
            self._fail(jobs.without_key(step), error)
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

    def _submit(self, job: jobs.Job) -> None:
        """Hand a job to an executor as soon as there is enough of what it asks for."""
        parts, step, wishes = self._parts, job.step, job.demands
        if not parts.admission.admits(wishes.resources):
            self._waiting.append(job)
            return
        if job.fan is None:
            if job.attempt == 1:
                parts.tell(events.StepStarted(parts.run, step.node.name, step.position, job.reasons))
            self._tell_moves("loading", step.node.name, step.takes)
        try:
            route = parts.executor.route(wishes.executor, wishes.timeout)
            remote = job.remote = parts.executor.is_remote(route)
            task = self._given.task(step, job.label, remote=remote, fan=job.fan, index=job.index)
            if self._given.catalogued:
                own_kind = (each.dataset for each in task.outputs if each.dataset and each.dataset.kind == "object")
                publishing.doubt(parts.place.ledger, own_kind)  # they are saved where the step works
            if remote:
                if remotely.is_on_disk(task):
                    parts.place.store.flush()
                ticket = parts.executor.submit(route, remotely.perform, task, parts.home, timeout=wishes.timeout)
            else:
                ticket = parts.executor.submit(route, work.perform, task, parts.place)
        except errors.TaneError as error:
            self._fail(job, error)
        except Exception as error:
            self._fail(job, jobs.cannot_travel(step, error))
        else:
            parts.admission.begin(wishes.resources)
            self._under[ticket] = job

    # --- item by item ----------------------------------------------------------------------------------------------

    def _fan_out(self, job: jobs.Job, seen: Mapping[str, steps.Seen]) -> None:
        """Begin a step that is done once for each item of what it is fanned out over."""
        node = job.step.node
        self._parts.tell(events.StepStarted(self._parts.run, node.name, job.position, job.reasons))
        try:
            fan = self._given.fan(job.step)
        except errors.TaneError as error:
            self._fail(job, error)
            return
        self._fans.begin(job, fan, seen)
        if not fan.count:
            self._end_fan(job, fan)

    def _take_item(self) -> bool:
        """Decide the next item of the first fan that has one: reuse its result or submit it."""
        one = self._fans.next(self._may_begin)
        if one is None:
            return False
        parent, fan, index = one.parent, one.fan, one.fan.next
        fan.next += 1
        step = parent.step
        label, position = fan.label(step.node.name, index), records.item_position(step.position, index)
        key, basis, found, decision = self._decider.decide(step, {**one.seen, **fan.seen(index)}, label, item=True)
        reasons = decision.reasons or (Reason(Why.NEVER_KEPT),)
        job = jobs.Job(step, position, label, key, basis, reasons, parent.demands, fan, index)
        if decision.action == "reuse" and found is not None and all(each.value for each in found.outputs):
            self._parts.recorder.add(jobs.reused(position, label, key, basis, found, found.outputs))
            self._item_ended(parent, job, tuple(keeping.Made(kept) for kept in found.outputs))
        else:
            self._submit(job)
        return True

    def _may_begin(self, one: fans.UnderWay) -> bool:
        """Whether another item of a fan may begin now."""
        admitted = self._parts.admission.admits(one.parent.demands.resources)
        return admitted and self._goes_on(one.parent.step, one.fan)

    def _item_ended(self, parent: jobs.Job, job: jobs.Job, made: tuple[keeping.Made, ...] | errors.TaneError) -> None:
        """Note the end of one item; the last one ends the step."""
        fan = job.fan
        assert fan is not None
        fan.end(job.index, made)
        self._parts.tell(
            events.ItemEnded(self._parts.run, parent.step.node.name, parent.position, fan.ended, fan.count)
        )
        if fan.is_done:
            self._end_fan(parent, fan)

    def _end_fan(self, parent: jobs.Job, fan: fanning.Fan) -> None:
        self._fans.end(fan)
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
        job = self._under.pop(done.ticket)
        if not job.remote and all(other.remote for other in self._under.values()):
            self._surroundings.come_back()
        self._parts.admission.end(job.demands.resources)
        if done.error is not None:
            calling.let_go(done.error)
        if done.error is None:
            self._succeed(job, done.result)
        elif isinstance(done.error, (errors.MissingObjectError, errors.CorruptObjectError)):
            if job.fan is not None or not self._make_inputs_again(job.step, job.step.takes):
                self._fail(job, done.error)
        elif isinstance(done.error, calls.CallError):
            fault = type(done.error)(done.error.what, hint=done.error.hint, where=f"node {job.label!r}")
            self._try_again_or_fail(job, fault)
        elif isinstance(done.error, Exception):
            self._try_again_or_fail(job, done.error)
        else:
            raise done.error

    def _try_again_or_fail(self, job: jobs.Job, error: Exception) -> None:
        retries = job.demands.retries
        if retries is None or self._stopped or not job.tries_again(error):
            self._fail(job, error)
            return
        wait = retries.wait(job.attempt)
        what = error.what if isinstance(error, errors.TaneError) else f"{type(error).__name__}: {error}"
        text = f"{what}; attempt {job.attempt + 1} of {retries.times + 1} in {wait:g} s"
        self._parts.tell(events.Notice(self._parts.run, "warning", text))
        job.attempt += 1
        heapq.heappush(self._delayed, (time.monotonic() + wait, id(job), job, error))

    def _succeed(self, job: jobs.Job, outcome: work.Outcome) -> None:
        if (fault := self._surroundings.other_code(job, outcome.imported)) is not None:
            self._fail(job, fault)
            return
        self._parts.place.store.take_over(outcome.handed)
        step, kept = job.step, tuple([made.kept for made in outcome.outputs])
        reusable = step.node.cache and not any(map(keeping.is_unique, kept)) and not self._given.adds(step)
        reusable = reusable and not self._is_rewritten(step)
        record = job.succeeded(outcome, kept, reusable)
        if reusable and all(each.value or each.file for each in kept):
            self._decider.note(job.key, keying.Result(self._parts.run, job.position, kept))
        if job.fan is not None:
            job.fan.cpu += outcome.cpu
            job.fan.peak_memory = max(job.fan.peak_memory, outcome.peak_memory)
            self._parts.recorder.add(record)
            self._item_ended(self._fans.parent(job.fan), job, outcome.outputs)
            return
        for made in outcome.outputs:
            self._given.add(made.kept)
            if made.held:
                self.held[made.kept.name] = made.value
        self.rests_on_stat = self.rests_on_stat and reusable
        self._again.pop(step.position, None)
        saving: Mapping[str, float] = {}
        if self._given.catalogued:
            self._tell_moves("loaded", step.node.name, step.takes, self._given.seconds_by_input(step, outcome.loading))
            self._tell_moves("saving", step.node.name, step.node.outputs)
            saving = dict(zip(step.node.outputs, outcome.saving, strict=False))
        self._conclude(step, record, kept, fresh=True, saving=saving)

    def _is_rewritten(self, step: steps.Step) -> bool:
        """Whether the files of a command have changed while it worked."""
        changed = self._surroundings.rewritten(step)
        if changed:
            text = f"{changed} while {step.node.name} worked: what it made is not reused"
            self._parts.tell(events.Notice(self._parts.run, "warning", text))
        return bool(changed)

    def _reuse(self, step: steps.Step, decided: deciding.Decided, found: keying.Result, formed: forms.Formed) -> None:
        for kept in formed.kept:
            self._given.add(kept)
        name, fresh = step.node.name, formed.converted
        record = jobs.reused(step.position, name, decided.key, decided.basis, found, formed.kept, reusable=fresh)
        self._conclude(step, record, formed.kept, fresh=fresh)

    def _fail(self, job: jobs.Job, error: Exception) -> None:
        fault = job.as_fault(error)
        record = job.failed(fault)
        if not isinstance(fault, errors.PrunedTrial):
            self._keep_inputs(job)
        if job.fan is not None:
            self._parts.recorder.add(record)
            self._item_ended(self._fans.parent(job.fan), job, fault)
            return
        self.error = self.error or fault
        self._lost.add(job.step.node.name)
        self._given.forget(job.step)
        traceback = fault.traceback if isinstance(fault, errors.UserCodeError) else ""
        self._conclude(job.step, record, (), traceback=traceback)

    def _keep_inputs(self, job: jobs.Job) -> None:
        """Keep what a failed job was given, so that it can be done again with the same and looked into."""
        parts = self._parts
        try:
            given = self._given.inputs(job.step, job.fan, job.index)
            parts.place.store.flush()
            write.add_inputs(parts.place.ledger, parts.run, job.position, given)
        except errors.TaneError:
            pass  # what made the step fail matters more

    def _leave_out(self, step: steps.Step, why: str) -> None:
        """Skip a step whose condition does not hold, or whose inputs were skipped for such a reason."""
        self._given.leave_out(step.node.outputs)
        self._skip(step, why, lost=False)

    def _skip(self, step: steps.Step, why: str, *, lost: bool = True) -> None:
        if lost:
            self._lost.add(step.node.name)
        self._conclude(step, jobs.skipped(step, why), ())

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
        parts, position = self._parts, step.position
        parts.recorder.add(record)
        if parts.turns is not None and parts.turns.has(record.key):
            parts.recorder.flush()  # before others look for it
            parts.turns.give(record.key)
        if self._given.catalogued:
            self._publish(step, kept, fresh, saving)
        first_time = self.results[position] is None
        result = self.results[position] = results.StepResult.of(record)
        node, status, outputs = record.node, record.status, result.outputs
        parts.tell(
            events.StepEnded(parts.run, node, position, status, result.seconds, record.error, traceback, outputs)
        )
        if step.node.confirms and status in (StepStatus.SUCCEEDED, StepStatus.REUSED):
            self._confirm(step)
        if first_time:
            self._given.let_go(step)
        in_memory = bool(self.held) and any(each.name in self.held and not each.value for each in kept)
        self._schedule.ended(position, in_memory=in_memory)

    def _publish(
        self, step: steps.Step, kept: tuple[records.Kept, ...], fresh: bool, saving: Mapping[str, float]
    ) -> None:
        """Place what the catalog has a path for."""
        publisher = self._parts.publisher
        for each in kept:
            dataset = self._given.datasets[each.name]
            if dataset is None:
                continue
            done = publisher.place(dataset, each, fresh=fresh) if publisher is not None else ""
            if done or fresh:
                self._tell_moves(done or "saved", step.node.name, (each.name,), saving)

    def _confirm(self, step: steps.Step) -> None:
        """Note what of incremental datasets is worked off, once the step that was to confirm it has succeeded."""
        for name in step.node.confirms:
            dataset, kept = self._parts.catalog.find(name), self._given.find(name)
            if dataset is not None and kept is not None:
                if self._parts.publisher is not None:
                    self._parts.publisher.announce(dataset.watched)
                sources.confirm(dataset, kept, self._parts.place.store)

    def _tell_moves(self, verb: str, node: str, names: tuple[str, ...], seconds: Mapping[str, float] = {}) -> None:
        """Tell of catalogued datasets on their way in or out."""
        parts, given = self._parts, self._given
        if not given.catalogued:
            return
        only_kept = parts.publisher is None and verb in ("saving", "saved")
        for name in names:
            dataset = given.datasets[name]
            if dataset is not None:
                kept = given.find(name)
                digest, size = (kept.digest, kept.bytes) if kept is not None else ("", 0)
                place = "the store only" if only_kept else dataset.place
                took = seconds.get(name, 0.0)
                parts.tell(events.DatasetMoved(parts.run, verb, name, dataset.type, place, node, took, digest, size))
