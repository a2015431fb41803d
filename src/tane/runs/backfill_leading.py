"""Leading a backfill from its first window to its last: hand windows out, place what they made, keep count.

Called by `backfills`. One process leads; workers do windows and write their runs into the ledger by themselves.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Any, NamedTuple

from tane import errors, events, fielded
from tane.executors import calls
from tane.ledger import connection, read, records, write
from tane.outcomes import RunStatus
from tane.project import projects
from tane.runs import (
    backfill_pins,
    backfill_placing,
    backfill_records,
    interrupts,
    publishing,
    running,
    sources,
    window_runs,
    windows,
    workshops,
)
from tane.store import objects

Backfill = backfill_records.Backfill
State = backfill_records.State
Ended = window_runs.Ended

_BEAT = 5.0  # seconds between two signs of life
_AHEAD = 2  # windows handed out for each worker: it finds the next one while its last is looked at


class Began(NamedTuple):
    """A backfill begins, or goes on: of `count` windows, `todo` are to be done now."""

    backfill: str
    pipeline: str
    cut: windows.Windows
    todo: int
    goes_on: bool


class WindowEnded(NamedTuple):
    """One more window has ended: `ended` of the `todo` of this call."""

    state: State
    ended: int
    todo: int


Told = Began | WindowEnded | events.Event
Tell = Callable[[Told], None]


@fielded.frozen
class How:
    """How windows are to be done: none of it changes what they give.

    `jobs` at once (as run.yml says, or one), at most `limit` of them, the latest first or the earliest. After a failure
    the others go on, unless `keep_going` is False. With `force` all are done, whatever is known of them.
    """

    jobs: int | None = None
    limit: int | None = None
    latest_first: bool = False
    keep_going: bool = True
    force: bool = False
    tell: Tell = fielded.field(default=lambda told: None, repr=False)

    def __post_init__(self) -> None:
        for name, count in (("jobs", self.jobs), ("limit", self.limit)):
            if count is not None and count < 1:
                raise errors.UsageError(f"{name} is {count}", hint="give 1 or more")


def in_order(positions: Sequence[int], how: How) -> list[int]:
    """Those windows that are to be done, first things first."""
    ordered = sorted(positions, reverse=how.latest_first)
    return ordered if how.limit is None else ordered[: how.limit]


class Leading:
    """One call of a backfill: hands out windows, places what they made, and keeps count."""

    def __init__(self, prepared: backfill_pins.Prepared, how: How) -> None:
        self._prepared = prepared
        self._how = how
        self._cut = prepared.cut
        self._project = prepared.hands.project
        self._ledger = prepared.hands.ledger
        self._store = prepared.hands.store
        self._hands = prepared.hands
        self._id = ""
        self._done: dict[str, str] = {}  # label: the run that succeeded before this call
        self._ended: dict[str, State] = {}
        self._began = time.time()
        self._beaten = time.monotonic()
        self._placer: backfill_placing.Placer | None = None
        self._notes: list[str] = []
        self._known: Mapping[str, State] = {}
        self._todo = 0  # how many windows this call is to do
        self._failures = 0
        self._serial = True
        self._fatal: errors.TaneError | None = None
        self._traceback = ""

    # --- begin or go on ----------------------------------------------------------------------------------------------

    def from_start(self, earlier: records.RunRecord | None) -> Backfill:
        """Record a new backfill and do its windows."""
        prepared, hands = self._prepared, self._hands
        self._id = records.new_run_id()
        template = running.record(hands.open(self._cut[0]), self._id)
        own = {label: found for label, found in prepared.own.items() if isinstance(found, sources.Sources)}
        pins = write.add_document(self._ledger, backfill_pins.as_document(own)) if own else ""
        said = backfill_records.spec(self._cut, prepared.like, prepared.basis, pins)
        config = {**template.config, "backfill": said}
        template = fielded.replace(template, kind=records.BACKFILL, params=hands.frame.parameters, config=config)
        write.start_run(self._ledger, template)
        write.add_sources(self._ledger, self._id, list(hands.frame.sources.kept.values()))
        self._take(template)
        if earlier is not None and not self._how.force:
            prepared.notices.append(
                f"begins anew: code, configuration, sources or packages have changed since backfill {earlier.run} "
                "of the same windows; steps that nothing changed for are reused"
            )
        return self._lead(goes_on=False)

    def further(self, record: records.RunRecord) -> Backfill:
        """Go on with a backfill that is on record."""
        if record.status is RunStatus.RUNNING:
            raise errors.UsageError(
                f"backfill {record.run} is at work (process {record.pid} on {record.host})",
                hint=f"wait for it, or look at it: tane backfill --status {record.run}",
            )
        self._id = record.run
        self._take(running.record(self._hands.open(self._cut[0]), self._id))
        self._known = backfill_records.states(self._ledger, self._id)
        self._done = {} if self._how.force else self._whole(self._known)
        if len(self._done) == len(self._cut) and record.status is RunStatus.SUCCEEDED:
            return self._nothing_to_do(record)
        if not write.resume_run(self._ledger, record, os.uname().nodename, os.getpid()):
            raise errors.UsageError(
                f"backfill {record.run} has been taken up by another process",
                hint=f"wait for it, or look at it: tane backfill --status {record.run}",
            )
        if record.config["backfill"]["basis"] != self._prepared.basis and self._done:
            self._prepared.notices.append(
                f"code, configuration or packages have changed since it began: {_plural(len(self._done), 'window')} "
                "that succeeded before stay as they are, the rest is done on what is there now"
            )
        return self._lead(goes_on=True)

    def _take(self, template: records.RunRecord) -> None:
        """Let the hands know whose windows they do."""
        frame = fielded.replace(self._hands.frame, backfill=self._id, record=template, force=self._forced())
        self._hands = window_runs.Hands(frame, self._project, self._ledger, self._store)

    def _forced(self) -> frozenset[str]:
        return self._prepared.windowed.nodes if self._how.force else frozenset()

    def _whole(self, known: Mapping[str, State]) -> dict[str, str]:
        """The windows that have succeeded, and all that they made is there; by label."""
        done = {label: state.run for label, state in known.items() if state.status in backfill_records.DONE}
        done = {window.label: done[window.label] for window in self._cut if window.label in done} if done else done
        made = read.outputs(self._ledger, done.values())
        wanted = {
            run: {digest for _, kept in outputs for digest in (kept.value, kept.file) if digest}
            for run, outputs in made.items()
        }
        here = self._store.check_many({digest for digests in wanted.values() for digest in digests})
        return {
            label: run for label, run in done.items() if all(here[digest] == "ok" for digest in wanted.get(run, ()))
        }

    def _nothing_to_do(self, record: records.RunRecord) -> Backfill:
        self._how.tell(Began(self._id, record.pipeline, self._cut, 0, True))
        with ExitStack() as during:
            self._open_placer(during)
            self._place_again()
        return self._result(RunStatus.SUCCEEDED, None)

    # --- the windows -------------------------------------------------------------------------------------------------

    def _lead(self, *, goes_on: bool) -> Backfill:
        todo = [at for at in range(len(self._cut)) if self._cut[at].label not in self._done]
        todo = in_order(todo, self._how)
        self._todo = len(todo)
        error: errors.TaneError | None = None
        status = RunStatus.FAILED
        try:
            with ExitStack() as during:
                during.enter_context(interrupts.insisting())
                self._how.tell(Began(self._id, self._hands.frame.pipeline, self._cut, len(todo), goes_on))
                for notice in self._prepared.notices:
                    self._note(notice)
                self._open_placer(during)
                self._place_again()
                if todo:
                    jobs = min(self._jobs(), len(todo))
                    pool = during.enter_context(workshops.Pool(jobs, self._project.options().executor))
                    error = self._shared(self._cut[todo[0]], pool)
                    if error is None:
                        self._hand_out(todo, pool)
            error = error or self._fatal or self._failed()
            status = RunStatus.FAILED if error is not None else RunStatus.SUCCEEDED
        except KeyboardInterrupt:
            status = RunStatus.INTERRUPTED
            error = errors.InterruptedRun(
                f"backfill {self._id} was interrupted", hint="give the same command again: it goes on where it was"
            )
        except errors.TaneError as fault:
            error = fault
        finally:
            with interrupts.held_off():
                ended = self._end(status, error)
        return ended

    def _shared(self, window: windows.Window, pool: workshops.Pool) -> errors.TaneError | None:
        """Do once what is the same in all windows; the error that ended it."""
        only = self._prepared.shared
        if not only:
            return None
        forced = only if self._how.force else frozenset()
        run = self._hands.perform_shared(window, only, pool, forced, [self._how.tell])
        if run.status is RunStatus.INTERRUPTED:
            raise KeyboardInterrupt
        return run.error

    def _hand_out(self, todo: Sequence[int], pool: workshops.Pool) -> None:
        """Have the windows done, as many at once as asked for, until none is left or it is of no use to go on."""
        self._serial = pool.slots == 1
        ahead = 1 if self._serial else pool.slots * _AHEAD
        packed = None if self._serial else window_runs.pack(self._hands.frame)
        waiting, under = iter(todo), dict[int, int]()
        while True:
            while len(under) < ahead and not self._stopped:
                at = next(waiting, None)
                if at is None:
                    break
                ticket = self._submit(pool, packed, at)
                if ticket:
                    under[ticket] = at
            if not under:
                return
            for done in pool.as_completed(_BEAT):
                at = under.pop(done.ticket)
                self._count(at, self._taken(at, done))
            self._beat()

    @property
    def _stopped(self) -> bool:
        return self._fatal is not None or (self._failures > 0 and not self._how.keep_going)

    def _submit(self, pool: workshops.Pool, packed: tuple[str, bytes] | None, at: int) -> int:
        """Hand out window `at`; 0 when it cannot begin, since a source of its own is missing."""
        window = self._cut[at]
        own = self._prepared.own.get(window.label)
        if isinstance(own, errors.TaneError):
            self._count(at, self._hands.refuse(window, own))
            return 0
        if packed is None:
            return pool.submit("serial", self._hands.perform, window, own)
        return pool.submit("processes", window_runs.perform_remotely, *packed, window, own)

    def _taken(self, at: int, done: calls.Done) -> Ended:
        """What came back of window `at`. What means that no other would do better is noted as fatal."""
        if done.error is None:
            ended: Ended = done.result
            if ended.status is RunStatus.INTERRUPTED and self._serial:
                raise KeyboardInterrupt
            return ended
        if not isinstance(done.error, errors.TaneError):
            raise done.error
        if not isinstance(done.error, calls.CallError):
            self._fatal = self._fatal or done.error
            return Ended("", RunStatus.INTERRUPTED)
        window, error = self._cut[at], done.error
        begun = read.runs(self._ledger, name=f"{self._id}/{window.label}", limit=1)
        if not begun or begun[0].status is not RunStatus.KILLED:
            return self._hands.refuse(window, error)
        write.end_run(self._ledger, begun[0].run, RunStatus.FAILED, time.time(), str(error))
        return Ended(begun[0].run, RunStatus.FAILED, error=error)

    def _count(self, at: int, ended: Ended) -> None:
        """Place what a window made, and tell of its end."""
        window = self._cut[at]
        if ended.status is RunStatus.SUCCEEDED and self._placer is not None and ended.outputs:
            self._placer.place(at, self._hands.catalog(window), ended.outputs, self._prepared.windowed.parts)
        if isinstance(ended.error, errors.PlaceError):
            self._fatal = self._fatal or ended.error
        if isinstance(ended.error, errors.UserCodeError) and not self._traceback:
            self._traceback = ended.error.traceback
        for note in ended.notes:
            self._note(note)
        if ended.run or ended.status is RunStatus.FAILED:
            word = backfill_records.word(ended.status, ended.counts)
            said = str(ended.error) if ended.error is not None else ""
            state = State(window, word, ended.run, ended.seconds, said)
            self._ended[window.label] = state
            self._failures += word not in backfill_records.DONE
            self._how.tell(WindowEnded(state, len(self._ended), self._todo))

    def _jobs(self) -> int:
        """How many windows at once: as many as asked for, as far as there is enough of what their steps ask for."""
        touched = [node for node in self._hands.pipeline.nodes if node.name in self._prepared.windowed.nodes]
        return workshops.at_once(self._how.jobs, self._project.options(), touched)

    # --- placing ---------------------------------------------------------------------------------------------------

    def _open_placer(self, during: ExitStack) -> None:
        found = self._prepared.windowed
        if found.unplaced and self._todo:
            self._note(
                f"{', '.join(found.unplaced)}: one path for all windows, so kept in the store only "
                "(write ${params:window.label} into the path to have a file for each)"
            )
        if not found.placed | found.parts:
            return
        lease = publishing.Lease.acquire(self._project.home)
        if lease is None:
            self._note(
                "another run is publishing this project: files are kept in the store only; "
                "the same command again places them"
            )
            return
        self._placer = backfill_placing.Placer(
            lease, self._project.root, self._store, self._ledger, self._how.tell, self._id
        )
        during.callback(self._placer.close)

    def _place_again(self) -> None:
        """Put right what lies in the workspace of windows that have succeeded before."""
        report = self._hands.frame.report
        if self._placer is None or not self._done:
            return
        made = read.outputs(self._ledger, self._done.values())
        for at, window in enumerate(self._cut):
            outputs = [(kept, False) for _, kept in made.get(self._done.get(window.label, ""), ())]
            mine = [(kept, fresh) for kept, fresh in outputs if kept.name in report]
            if mine:
                self._placer.place(at, self._hands.catalog(window), mine, self._prepared.windowed.parts)

    # --- ends ------------------------------------------------------------------------------------------------------

    def _beat(self) -> None:
        if time.monotonic() - self._beaten >= _BEAT:
            self._beaten = time.monotonic()
            write.beat(self._ledger, self._id)

    def _failed(self) -> errors.TaneError | None:
        """The error that stands for the windows that failed."""
        failed = [state for state in self._ended.values() if state.status not in backfill_records.DONE]
        if not failed:
            return None
        first = failed[0]
        return errors.UserCodeError(
            f"{len(failed)} of {_plural(len(self._cut), 'window')} failed; "
            f"the first was {first.window.label}: {first.error.partition(chr(10))[0]}",
            hint="mend it and give the same command again: windows that succeeded are not done again unless it "
            "concerns them",
            traceback=self._traceback,
        )

    def _end(self, status: RunStatus, error: errors.TaneError | None) -> Backfill:
        if self._placer is not None and self._placer.contested:
            self._note(
                f"{_plural(self._placer.contested, 'partition')} made by several windows: the latest window's stands"
            )
        try:
            for run in read.windows(self._ledger, self._id):  # those that a worker had in hand when it was ended
                if run.status is RunStatus.KILLED and run.started >= self._began:
                    write.end_run(self._ledger, run.run, RunStatus.INTERRUPTED, time.time(), "it was interrupted")
            write.end_run(self._ledger, self._id, status, time.time(), str(error) if error is not None else "")
        except errors.TaneError as fault:  # the place itself failed: the first error tells more
            error = error or fault
        return self._result(status, error)

    def _result(self, status: RunStatus, error: errors.TaneError | None) -> Backfill:
        found = [
            self._ended.get(window.label) or self._known.get(window.label, State(window))._replace(window=window)
            for window in self._cut
        ]
        return Backfill(
            id=self._id,
            pipeline=self._hands.frame.pipeline,
            status=status,
            every=str(self._cut.every),
            windows=tuple(found),
            seconds=time.time() - self._began,
            error=error,
            notes=tuple(self._notes),
            done_before=len(self._done),
            _load=_Loader(self._project, self._hands.frame, {state.run: state.window for state in found if state.run}),
        )

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.append(text)
            self._how.tell(events.Notice(self._id, "warning", text))


class _Loader:
    """Loads a value that a window's run made, when it is asked for."""

    def __init__(
        self, project: projects.Project, frame: window_runs.Frame, by_run: Mapping[str, windows.Window]
    ) -> None:
        self._project = project
        self._frame = frame
        self._windows = dict(by_run)

    def __call__(self, run: str, name: str) -> Any:
        with ExitStack() as during:
            ledger = during.enter_context(closing(connection.open_ledger(self._project.ledger)))
            store = during.enter_context(objects.Objects(self._project.store))
            made = {kept.name: kept for _, kept in read.outputs(ledger, [run]).get(run, ())}
            if name not in made:
                hint = errors.did_you_mean(name, made, f"it made: {', '.join(made) or 'nothing'}")
                raise errors.UsageError(f"run {run} made no dataset {name!r}", hint=hint)
            hands = window_runs.Hands(self._frame, self._project, ledger, store)
            return sources.decode(made[name], hands.catalog(self._windows[run]).find(name), store)


def _plural(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
