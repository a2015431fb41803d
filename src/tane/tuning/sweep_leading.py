"""Leading a sweep from its first point to its last: hand errands out, keep count, put down how each ended.

Called by `sweeps`. One process leads; workers do errands and write their runs into the ledger by themselves.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from tane import errors, events, fielded
from tane.executors import calls
from tane.ledger import records, studies, write
from tane.outcomes import RunStatus, TrialState
from tane.project import logs
from tane.runs import interrupts, packing, workshops
from tane.tuning import jobs, sharing, sweep_pins, sweep_points, sweep_records, sweep_values, sweep_work

Sweep = sweep_records.Sweep
State = sweep_records.State

_BEAT = 5.0  # seconds between two signs of life
_AHEAD = 2  # errands handed out for each worker: it finds the next one while its last is looked at


class Began(NamedTuple):
    """A sweep begins, or goes on, with these points, of which those numbered `todo` are to be done now."""

    sweep: str
    pipeline: str
    points: Sequence[sweep_points.Point]
    todo: Sequence[int]
    goes_on: bool


class PointEnded(NamedTuple):
    """One more point has ended: `ended` of the `todo` of this call."""

    state: State
    ended: int
    todo: int


Told = Began | PointEnded | events.Event
Tell = Callable[[Told], None]


@fielded.frozen
class How:
    """How jobs are to be done: none of it changes what they give.

    `jobs` at once (as run.yml says, or one). After a failure the others go on, unless `fail_fast`. With `force` all are
    done, whatever is known of them.
    """

    jobs: int | None = None
    fail_fast: bool = False
    force: bool = False
    tell: Tell = fielded.field(default=lambda told: None, repr=False)

    def __post_init__(self) -> None:
        if self.jobs is not None and self.jobs < 1:
            raise errors.UsageError(f"jobs is {self.jobs}", hint="give 1 or more")


class Asked(NamedTuple):
    """What belongs to a sweep beside its points."""

    metrics: Mapping[str, str] = {}
    experiment: str = ""


class Leading:
    """One call of a sweep: hands errands out and keeps count."""

    def __init__(self, prepared: sweep_pins.Prepared, asked: Asked, how: How) -> None:
        self._prepared = prepared
        self._asked = asked
        self._how = how
        self._hands = prepared.hands
        self._points = prepared.points.points
        self._began = time.time()
        self._beaten = time.monotonic()
        self._study: studies.Study = _NO_STUDY
        self._frame: sweep_work.Frame | None = None
        self._known: dict[int, State] = {}
        self._trials: dict[int, studies.Trial] = {}  # those that this process has claimed
        self._states: dict[int, State] = {}  # those that have ended in this call
        self._todo: list[int] = []
        self._units: list[sharing.Unit] = []
        self._notes: list[str] = []
        self._failures = 0
        self._fatal: errors.TaneError | None = None
        self._traceback = ""
        self._ahead_failed: dict[int, errors.TaneError] = {}  # place of a unit -> why what waits for it cannot be done

    # --- begin or go on ----------------------------------------------------------------------------------------------

    def record(self, earlier: studies.Study | None) -> studies.Study:
        """Put a new sweep on record."""
        prepared, hands = self._prepared, self._hands
        if earlier is not None and not self._how.force:
            prepared.notices.append(
                f"begins anew: code, configuration, sources or packages have changed since sweep {earlier.name} "
                "of the same jobs; steps that nothing changed for are reused"
            )
        spec = {
            "pipeline": hands.shop.name,
            "selection": hands.shop.selection.as_dict(),
            "environments": list(hands.project.environments),
            "overrides": list(hands.overrides),
            "jobs": [list(point.overrides) for point in self._points],
            "metrics": dict(self._asked.metrics),
            "like": prepared.like,
            "basis": prepared.basis,
            "pins": write.add_document(hands.ledger, sweep_pins.as_document(hands.pins)),
            "experiment": self._asked.experiment,
            "params": hands.project.params,
        }
        name, count = records.new_run_id(), len(self._points)
        study = studies.open_study(hands.ledger, name, kind=sweep_records.KIND, spec=spec, total=count)
        studies.enqueue(hands.ledger, study, [point.values for point in self._points])
        return study

    def lead(self, study: studies.Study, *, goes_on: bool) -> Sweep:
        """Do the points of a sweep that is on record: those that have succeeded stay as they are."""
        prepared, ledger = self._prepared, self._hands.ledger
        self._study = study
        if goes_on:
            studies.enqueue(ledger, study, [point.values for point in self._points])  # it was killed before, it may be
            studies.requeue(ledger, study, (TrialState.FAILED,))
            self._known = {state.number: state for state in sweep_records.states(ledger, study)}
            done = [state for state in self._known.values() if state.status == sweep_records.SUCCEEDED]
            if study.spec["basis"] != prepared.basis and done:
                prepared.notices.append(
                    f"code, configuration or packages have changed since it began: {_plural(len(done), 'job')} "
                    "that succeeded before stay as they are, the rest is done on what is there now"
                )
        return self._lead(goes_on=goes_on)

    # --- the points --------------------------------------------------------------------------------------------------

    def _lead(self, *, goes_on: bool) -> Sweep:
        done = {number for number, state in self._known.items() if state.status == sweep_records.SUCCEEDED}
        self._todo = [point.number for point in self._points if point.number not in done]
        error: errors.TaneError | None = None
        status = RunStatus.FAILED
        project = self._hands.project
        section = self._prepared.jobs[0].config
        try:
            with ExitStack() as during:
                during.enter_context(interrupts.insisting())
                self._how.tell(Began(self._study.name, self._hands.shop.name, self._points, self._todo, goes_on))
                for notice in self._prepared.notices:
                    self._note(notice)
                if self._todo:
                    during.enter_context(logs.configured(section.section(logs.SECTION), project.root, section.origin))
                    self._begin()
                    slots = min(self._jobs(), len(self._todo))
                    pool = during.enter_context(workshops.Pool(slots, project.options().executor))
                    error = self._first(pool)
                    if error is None:
                        self._hand_out(pool)
            error = error or self._fatal or self._failed()
            status = RunStatus.FAILED if error is not None else RunStatus.SUCCEEDED
        except KeyboardInterrupt:
            status = RunStatus.INTERRUPTED
            error = errors.InterruptedRun(
                f"sweep {self._study.name} was interrupted",
                hint=f"give the same command again, or tane sweep --resume {self._study.name}: it goes on where it was",
            )
        except errors.TaneError as fault:
            error = fault
        finally:
            with interrupts.held_off():
                ended = self._end(status, error)
        return ended

    def _begin(self) -> None:
        """Find out in what order things are to be done, and what workers have to know."""
        name = self._asked.experiment
        if name and write.use_experiment(self._hands.ledger, name):
            text = f"experiment {name!r} is new: these are its first runs"
            self._how.tell(events.Notice(self._study.name, "info", text))
        prepared, hands, project = self._prepared, self._hands, self._hands.project
        self._units = sharing.units({number: prepared.marks[number] for number in self._todo}, hands.shop.pipeline)
        first = prepared.jobs[0]
        self._frame = sweep_work.Frame(
            sweep=self._study.name,
            path=str(project.flow or project.root),
            environments=project.environments,
            overrides=hands.overrides,
            pipeline=hands.shop.name,
            selection=hands.shop.selection,
            template=hands.template(hands.open(first)),
            first=first.config,
            code=hands.shop.code(first.config.parameters, first.catalog),
            files=hands.shop.files(first.config.parameters, first.catalog),
            experiment=self._asked.experiment,
            params=project.params,
        )

    def _first(self, pool: workshops.Pool) -> errors.TaneError | None:
        """Do once what is the same in all points, its steps several at once; the error that ended it."""
        for unit in self._units:
            if unit.only is not None and len(unit.points) == len(self._todo):
                forced = unit.only if self._how.force else frozenset()
                job = self._prepared.jobs[unit.point]
                run = self._hands.perform_shared(
                    job, unit.only, pool, study=self._study.name, force=forced, observers=[self._how.tell]
                )
                if run.status is RunStatus.INTERRUPTED:
                    raise KeyboardInterrupt
                if run.error is not None:
                    return run.error
        return None

    def _hand_out(self, pool: workshops.Pool) -> None:
        """Have all done, as many at once as asked for, each when what it shares with others has been done."""
        done = {
            place
            for place, unit in enumerate(self._units)
            if unit.only is not None and len(unit.points) == len(self._todo)
        }
        waiting = [place for place in range(len(self._units)) if place not in done]
        serial = pool.slots == 1
        ahead = pool.slots if serial or self._how.fail_fast else pool.slots * _AHEAD
        packed = None if serial else packing.pack(self._frame, self._held(), "do the jobs in this process: -j 1")
        under: dict[int, int] = {}
        while True:
            while len(under) < ahead and not self._stopped:
                place = next((each for each in waiting if self._units[each].needs <= done), None)
                if place is None:
                    break
                waiting.remove(place)
                ticket = self._submit(pool, packed, place)
                if ticket:
                    under[ticket] = place
                else:
                    done.add(place)
            if not under:
                return
            for ended in pool.as_completed(_BEAT):
                place = under.pop(ended.ticket)
                self._count(place, self._taken(place, ended))
                done.add(place)
            self._beat()

    @property
    def _stopped(self) -> bool:
        return self._fatal is not None or (self._failures > 0 and self._how.fail_fast)

    def _submit(self, pool: workshops.Pool, packed: tuple[str, bytes] | None, place: int) -> int:
        """Hand a unit out; 0 when there is nothing to be done, since what it needs has failed or others have it."""
        unit, frame = self._units[place], self._frame
        assert frame is not None
        broken = next((self._ahead_failed[need] for need in sorted(unit.needs) if need in self._ahead_failed), None)
        if unit.only is None:
            trial = studies.take(self._hands.ledger, self._study, unit.point, f"{os.uname().nodename}:{os.getpid()}")
            if trial is None:
                return 0
            self._trials[unit.point] = trial
        job, errand = self._prepared.jobs[unit.point], self._errand(unit)
        if broken is not None:
            if unit.only is None:
                part = sweep_work.part_of(frame, unit.point)
                self._count(place, self._hands.refuse(job.overrides, part, broken, job.config))
            else:
                self._ahead_failed[place] = broken
            return 0
        if packed is None:
            return pool.submit("serial", sweep_work.perform, self._hands, frame, errand, job)
        return pool.submit("processes", sweep_work.perform_remotely, *packed, errand)

    def _errand(self, unit: sharing.Unit) -> sweep_work.Errand:
        job, force = self._prepared.jobs[unit.point], frozenset[str]()
        if self._how.force and unit.only is None:
            before = [other.only for other in self._units if other.only is not None and unit.point in other.points]
            force = frozenset(self._hands.shop.pipeline.by_name).difference(*before)
        elif self._how.force and unit.only is not None:
            before = [self._units[place].only or frozenset() for place in unit.needs]
            force = unit.only.difference(*before)
        return sweep_work.Errand(unit.point, job.overrides, job.config, job.start, unit.only, force)

    def _held(self) -> set[str]:
        return {name for job in self._prepared.jobs for name in job.start.held}

    def _taken(self, place: int, done: calls.Done) -> jobs.Ended:
        """What came back of a unit. What means that no other would do better is noted as fatal."""
        if done.error is None:
            ended: jobs.Ended = done.result
            return ended
        if not isinstance(done.error, errors.TaneError):
            raise done.error
        if not isinstance(done.error, calls.CallError):
            self._fatal = self._fatal or done.error
            return jobs.Ended("", RunStatus.INTERRUPTED)
        unit, error, frame = self._units[place], done.error, self._frame
        assert frame is not None
        if unit.only is not None:
            return jobs.Ended("", RunStatus.FAILED, error=error)
        begun = sweep_records.begun(self._hands.ledger, self._study.name, unit.point)
        if begun is None or begun.status is not RunStatus.KILLED:
            job = self._prepared.jobs[unit.point]
            return self._hands.refuse(job.overrides, sweep_work.part_of(frame, unit.point), error, job.config)
        write.end_run(self._hands.ledger, begun.run, RunStatus.FAILED, time.time(), str(error))
        return jobs.Ended(begun.run, RunStatus.FAILED, error=error)

    def _count(self, place: int, ended: jobs.Ended) -> None:
        """Put down how a unit ended, and tell of it."""
        unit = self._units[place]
        if isinstance(ended.error, errors.PlaceError):
            self._fatal = self._fatal or ended.error
        if isinstance(ended.error, errors.UserCodeError) and not self._traceback:
            self._traceback = ended.error.traceback
        for note in ended.notes:
            self._note(note)
        if unit.only is not None:
            if ended.error is not None:
                self._ahead_failed[place] = _for_those_who_wait(ended.error, unit)
            return
        trial = self._trials.pop(unit.point)
        if ended.status is RunStatus.INTERRUPTED or not ended.run:
            studies.release(self._hands.ledger, trial)
            return
        failed = ended.status is not RunStatus.SUCCEEDED
        state = TrialState.FAILED if failed else TrialState.COMPLETE
        said = str(ended.error) if ended.error is not None else ""
        studies.finish(self._hands.ledger, trial, state, run=ended.run, error=said)
        point = self._points[unit.point]
        self._states[unit.point] = found = State(
            number=unit.point,
            values=point.values,
            overrides=point.overrides,
            status=sweep_records.FAILED if failed else sweep_records.SUCCEEDED,
            run=ended.run,
            seconds=ended.seconds,
            metrics=ended.metrics,
            error=said,
        )
        self._failures += failed
        self._how.tell(PointEnded(found, len(self._states), len(self._todo)))

    def _jobs(self) -> int:
        """How many jobs at once: as many as asked for, as far as there is enough of what their steps ask for."""
        marks = self._prepared.marks
        same = {name for name, mark in marks[0].items() if all(each.get(name) == mark for each in marks)}
        touched = [node for node in self._hands.shop.pipeline.nodes if node.name not in same]
        return workshops.at_once(self._how.jobs, self._hands.project.options(), touched)

    # --- ends --------------------------------------------------------------------------------------------------------

    def _beat(self) -> None:
        if time.monotonic() - self._beaten >= _BEAT:
            self._beaten = time.monotonic()
            studies.renew(self._hands.ledger, self._trials.values())

    def _failed(self) -> errors.TaneError | None:
        """The error that stands for the points that failed."""
        failed = [state for state in self._states.values() if state.status != sweep_records.SUCCEEDED]
        if not failed:
            return None
        first = min(failed, key=lambda state: state.number)
        return errors.UserCodeError(
            f"{len(failed)} of {_plural(len(self._points), 'job')} failed; "
            f"the first was #{first.number}: {first.error.partition(chr(10))[0]}",
            hint="mend it and give the same command again: steps that nothing changed for are reused",
            traceback=self._traceback,
        )

    def _end(self, status: RunStatus, error: errors.TaneError | None) -> Sweep:
        ledger = self._hands.ledger
        try:
            for number, trial in self._trials.items():  # those that were under way when it ended
                begun = sweep_records.begun(ledger, self._study.name, number)
                if begun is not None and begun.status is RunStatus.KILLED and begun.started >= self._began:
                    write.end_run(ledger, begun.run, RunStatus.INTERRUPTED, time.time(), "it was interrupted")
                studies.release(ledger, trial)
        except errors.TaneError as fault:  # the place itself failed: the first error tells more
            error = error or fault
        nothing = {point.number: State(point.number, point.values, point.overrides) for point in self._points}
        found = {**nothing, **self._known, **self._states}
        project, made = self._hands.project, self._prepared.jobs
        return Sweep(
            id=self._study.name,
            pipeline=self._hands.shop.name,
            status=status,
            points=tuple(found[number] for number in sorted(found)),
            metrics=self._asked.metrics,
            seconds=time.time() - self._began,
            error=error,
            notes=tuple(self._notes),
            done_before=len(self._points) - len(self._todo),
            _load=sweep_values.Loader(project, lambda number: made[number].config),
        )

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.append(text)
            self._how.tell(events.Notice(self._study.name, "warning", text))


_NO_STUDY = studies.Study(0, "", sweep_records.KIND, (), {}, {}, None, 0.0)


def _for_those_who_wait(error: errors.TaneError, unit: sharing.Unit) -> errors.TaneError:
    """The error for the points that wait for steps that have failed."""
    first, *others = sorted(unit.points)
    shared = f"shared by #{first} and {_plural(len(others), 'other job')}"
    return errors.UserCodeError(f"{error.faults[0].what} ({shared})", where=error.faults[0].where, hint="")


def _plural(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
