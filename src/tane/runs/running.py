"""`run`: one pipeline of a project from start to end. Called by the doors; everything else in this room serves it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tane import errors, events, fielded
from tane.executors import routing
from tane.ledger import read, records, write
from tane.outcomes import RunStatus
from tane.plan import environment, scripts
from tane.project import declared, logs, projects, snapshot
from tane.runs import (
    admission,
    figures,
    following,
    givens,
    interrupts,
    journal,
    lockfile,
    loop,
    observing,
    opening,
    publishing,
    recording,
    remotely,
    results,
    retelling,
    sources,
    standing,
)
from tane.store import objects, referrers, signatures

Selection = opening.Selection


def run(
    project: projects.Project,
    pipeline: str = opening.DEFAULT,
    *,
    selection: Selection | None = None,
    inputs: Mapping[str, Any] | None = None,
    force: bool | Iterable[str] = False,
    jobs: int | None = None,
    executor: str = "",
    keep_going: bool = False,
    observers: Sequence[events.Observer] = (),
    name: str = "",
    resume: str = "",
) -> results.Run:
    """Run a pipeline of `project`: what changed is run, the rest reused; everything is recorded.

    `force` runs all steps, or those named, whatever is known of them. `jobs` steps work at once (as run.yml says, or
    one), in the `executor` of that name: "serial", "threads" or "processes". With `keep_going` a failed step stops only
    what needs it. `resume` repeats an earlier run, by id: with its pipeline, parameters, inputs and selection, as they
    were. Mistakes that can be known before anything runs raise; a run that fails comes back with its status and error
    (`Run.raise_for_status`).
    """
    rests = watch_code(project)
    section = project.config.section(logs.SECTION)
    with (
        logs.configured(section, project.root, project.config.origin),
        opening.open_pipeline(project, pipeline, selection or Selection(), inputs or {}, resume=resume) as opened,
    ):
        forced, hands = opening.forced(opened, force), hands_for(project, jobs, executor)
        return _Running(opened, name, observers).to_its_end(forced, hands, keep_going, rests)


def run_part(
    opened: opening.Opened,
    template: records.RunRecord,
    executor: routing.Routed,
    *,
    force: frozenset[str] = frozenset(),
    observers: Sequence[events.Observer] = (),
    watched: bool = True,
) -> tuple[results.Run, Mapping[str, records.Kept]]:
    """A run that is one of many: it publishes nothing, and its record is `template` with its own id, time and
    parameters. Comes with what it made and took, by dataset. The executor is closed. `watched` says that the project
    has hooks, as far as is known.
    """
    running = _Running(opened, template.name, observers, template, watched=watched)
    ended = running.to_its_end(force, executor, False, standing.Rests())
    return ended, running.kept


def record(opened: opening.Opened, run: str, name: str = "", *, published: bool = False) -> records.RunRecord:
    """What is put on record of a run that begins now: what it was asked for, and where it stands."""
    state = snapshot.take(opened.project.root, opened.project.code, opened.project.conf)
    installed = environment.installed(opened.packages)
    referrers.note(opened.store.root, opened.ledger.path, opened.project.root)
    diff = opened.store.put(state.git.diff) if state.git.diff else ""
    opened.store.flush()
    return records.RunRecord(
        run=run,
        pipeline=opened.name,
        started=time.time(),
        command=state.command,
        params=opened.parameters,
        config={**opened.config.plain(), "asked": opened.asked()},
        git=snapshot.for_ledger(state.git, diff),
        environment=write.add_document(opened.ledger, installed),
        host=state.host,
        user=state.user,
        pid=os.getpid(),
        python=state.python,
        name=name,
        published=published,
        experiment=opened.project.environ.get("TANE_EXPERIMENT", ""),
    )


class _Running:
    """One run between its first and its last line in the ledger."""

    def __init__(
        self,
        opened: opening.Opened,
        name: str,
        observers: Sequence[events.Observer],
        template: records.RunRecord | None = None,
        *,
        watched: bool = True,
    ) -> None:
        self.opened = opened
        self.template = template
        self.kept: Mapping[str, records.Kept] = {}
        self.run = records.new_run_id()
        self.bus = events.Bus()
        self.journal = journal.Journal(opened.home / "runs", self.run)
        self.notes: list[str] = []
        hooks = opened.project.hooks(self._warn) if watched else ()
        if hooks:  # before the others, so that what they have to say about a hook's faults comes before the end
            self.bus.subscribe(observing.Observer(hooks, self._warn))
        for observer in (*observers, self.journal.observe):
            self.bus.subscribe(observer)
        self.retelling = retelling.Retelling(opened, self.run)
        self.recorder = recording.Recorder(opened.ledger, opened.store, self.run, self.journal.flush, opened.clerk)
        self.lease = publishing.Lease.acquire(opened.home) if template is None else None
        self.began = time.time()
        self.name = name

    def to_its_end(
        self,
        force: frozenset[str],
        executor: routing.Routed,
        keep_going: bool,
        rests: standing.Rests,
    ) -> results.Run:
        try:
            self._begin()
        except BaseException:
            if self.lease is not None:
                self.lease.release()
            raise
        publisher = self._publisher()
        if publisher is not None:
            self._look(rests)
        running = self._loop(force, executor, keep_going, publisher)
        status, error = RunStatus.FAILED, None
        locked = False
        try:
            with interrupts.insisting(), journal.listening(self.journal):
                running.execute()
            error = running.error
            self.recorder.close()
            if publisher is not None:
                locked = self._write_lock(publisher)
            status = RunStatus.FAILED if error else RunStatus.SUCCEEDED
            if isinstance(error, errors.PrunedTrial):
                status = RunStatus.PRUNED
        except KeyboardInterrupt:
            status = RunStatus.INTERRUPTED
            following.stop_all()  # threads cannot be interrupted; what they wait for can
            error = errors.InterruptedRun(
                f"run {self.run} was interrupted", hint="run again: what was done is kept, the rest goes on"
            )
        except errors.TaneError as fault:
            # a ledger that is gone knows no run either: what went wrong first tells more
            error = fault if isinstance(fault, errors.PlaceError) else running.error or fault
        finally:
            with interrupts.held_off():
                executor.close()
                ended = self._end(running, status, error)
        on_stat = running.rests_on_stat and publisher is not None and publisher.rests_on_stat
        on_stat = on_stat and not self.opened.config.remote  # what a server says, only it can tell
        if status is RunStatus.SUCCEEDED and publisher is not None and locked and on_stat:
            with contextlib.suppress(errors.StoreError):  # an object is gone already: the next run will see to it
                self._rest_on(rests, running, publisher)
                return fielded.replace(ended, rests=rests)
        return ended

    def _loop(
        self,
        force: frozenset[str],
        executor: routing.Routed,
        keep_going: bool,
        publisher: publishing.Publisher | None,
    ) -> loop.Loop:
        opened, options = self.opened, self.opened.project.options()
        keys, place = opened.keys(self.recorder), opened.place
        given = givens.Givens(
            self.run,
            opened.pipeline,
            opened.catalog,
            place,
            keys,
            opened.transforms,
            opened.start,
            root=opened.project.root,
            keep=opened.keeps,
        )
        parts = loop.Parts(
            run=self.run,
            pipeline=opened.pipeline,
            steps=opened.steps,
            catalog=opened.catalog,
            place=place,
            keys=keys,
            given=given,
            executor=executor,
            admission=admission.Admission(executor.slots, options.resources),
            demands=options.demands_for,
            recorder=self.recorder,
            publisher=publisher,
            tell=self._tell,
            home=remotely.Home(
                str(opened.home),
                str(opened.project.root),
                opened.config.section(logs.SECTION),
                str(opened.store.root),
                str(opened.project.ledger),
                opened.logging,
            ),
            force=force,
            keep=opened.keeps,
            keep_going=keep_going,
            rests=scripts.Rests(opened.project.root, opened.catalog, opened.files.of),
            turns=opened.turns,
        )
        return loop.Loop(parts, pinned_by_stat=opened.start.pinned_by_stat)

    # --- first lines -----------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        opened, template = self.opened, self.template
        if template is None:
            template = record(opened, self.run, self.name, published=self.lease is not None)
        ours: dict[str, Any] = {"run": self.run, "started": self.began, "pid": os.getpid()}
        begun = fielded.replace(template, params=opened.parameters, **ours)
        new = bool(begun.experiment) and self.template is None
        new = new and write.use_experiment(opened.ledger, begun.experiment)
        write.start_run(opened.ledger, begun, declared.plain(opened.pipeline))
        self.retelling.started(begun)
        if self.template is None:
            standing.mark(str(opened.home), self.run)
        write.add_sources(opened.ledger, self.run, list(opened.start.kept.values()))
        self._tell(events.RunStarted(self.run, opened.name, len(opened.steps)))
        if new:
            told = f"experiment {begun.experiment!r} is new: this is its first run"
            self._tell(events.Notice(self.run, "info", told))
        for notice in opened.start.notices:
            self._tell(events.Notice(self.run, "warning", notice))
        if self.template is None and self.lease is None:
            self._tell(
                events.Notice(
                    self.run,
                    "warning",
                    "another run is publishing this project: this one keeps its results in the store only "
                    f"(tane show {self.run} --artifacts DIR lays them out)",
                )
            )

    def _warn(self, text: str) -> None:
        self._tell(events.Notice(self.run, "warning", text))

    def _tell(self, event: events.Event) -> None:
        if isinstance(event, events.Notice):
            self.notes.append(event.text)
        self.bus.publish(event)

    def _publisher(self) -> publishing.Publisher | None:
        if self.lease is None:
            return None
        opened = self.opened
        return publishing.Publisher(
            opened.project.root,
            opened.store,
            opened.files,
            opened.ledger,
            self._tell,
            self.run,
            self.recorder.flush,
            self.lease,
        )

    # --- last lines ------------------------------------------------------------------------------------------------

    def _end(self, running: loop.Loop, status: RunStatus, error: errors.TaneError | None) -> results.Run:
        opened = self.opened
        self.kept = running.kept
        ended = time.time()
        metrics: dict[str, records.MetricSummary] = {}
        try:
            if status is not RunStatus.SUCCEEDED:
                self.recorder.close()
            write.end_run(opened.ledger, self.run, status, ended, str(error) if error else "")
            metrics = {metric.name: metric for metric in read.metrics(opened.ledger, self.run)}
        except errors.TaneError as fault:  # the place itself failed: the first error tells more
            error = error or fault
        finally:
            if self.lease is not None:
                self.lease.release()
        found = results.Run(
            id=self.run,
            pipeline=opened.name,
            status=status,
            steps=tuple(result for result in running.results if result is not None),
            params=opened.parameters,
            metrics=metrics,
            seconds=ended - self.began,
            versions={name: kept.digest for name, kept in running.kept.items()},
            published=self.lease is not None,
            error=error,
            notes=tuple(self.notes),
            _load=_Loader(opened, running),
            _figures=figures.Recorded(opened.project.ledger, opened.project.store, self.run, _images(opened, running)),
        )
        self.retelling.ended(found)
        said = len(self.notes)
        self._tell(events.RunEnded(self.run, status, found.counts, found.seconds, str(error) if error else ""))
        if len(self.notes) > said:
            found = fielded.replace(found, notes=tuple(self.notes))
        try:
            self.journal.close()
        except OSError:
            pass  # the log is a convenience; the ledger has the facts
        return found

    def _write_lock(self, publisher: publishing.Publisher) -> bool:
        """The digests of every file dataset that this run made or took, as the workspace has them now. Says whether the
        lock file is up to date.
        """
        opened, entries = self.opened, {}
        for name, kept in {**opened.start.kept, **publisher.placed}.items():
            dataset = opened.catalog.find(name)
            if dataset is not None and dataset.local is not None and kept.file:
                place = publishing.relative(dataset.local, opened.project.root)
                entries[name] = lockfile.Entry(kept.file, kept.bytes, place)
        if self.lease is not None:
            self.lease.announce(opened.project.root / lockfile.NAME)
        updated = lockfile.update(opened.project.root, entries)
        if updated.notice:
            self._tell(events.Notice(self.run, "warning", updated.notice))
        path = opened.project.root / lockfile.NAME
        publisher.signatures[str(path)] = signatures.of(path)
        publisher.made.add(str(path))
        return updated.clean

    def _look(self, rests: standing.Rests) -> None:
        """Add to `rests` the code and all else that was read to begin this run, before its steps take their time: what
        is edited meanwhile is none of what it rests on.
        """
        opened = self.opened
        rests.files.update((path, signatures.of(path)) for path in environment.watched())
        for read_at_import in opened.project.files_read():
            rests.look(read_at_import, late=True)
        for step in opened.steps:
            for path in step.code.files:
                rests.look(str(path))
        for path in (*opened.transforms.files, *opened.config.files):
            rests.look(str(path))

    def _rest_on(self, rests: standing.Rests, running: loop.Loop, publisher: publishing.Publisher) -> None:
        """Add to `rests` all else that this run read and made, as it looked when that was done."""
        opened = self.opened
        rests.files.update({**opened.start.signatures, **publisher.signatures})
        rests.made.update(publisher.made)
        stored = [kept for name, kept in running.kept.items() if name not in opened.start.in_place]
        digests = {digest for kept in stored for digest in (kept.value, kept.file) if digest}
        held = opened.store.watched(digests)
        rests.files.update(held)
        rests.settled.update(held)
        rests.places.append(str(opened.project.ledger))
        made = {name for step in opened.steps for name in step.node.outputs}
        if any(opened.catalog.find(name) is None for name in made):
            rests.latest = self.run


def _images(opened: opening.Opened, running: loop.Loop) -> dict[str, str]:
    """The objects of the images that steps made, by the names of their files."""
    made = {name: kept for step in opened.steps for name in step.node.outputs if (kept := running.kept.get(name))}
    places = {name: dataset.local for name in made if (dataset := opened.catalog.find(name)) is not None}
    return {place.name: made[name].file for name, place in places.items() if place is not None and made[name].file}


class _Loader:
    """Loads a value of a finished run when it is asked for; opens the store anew, for the run has closed it."""

    def __init__(self, opened: opening.Opened, running: loop.Loop) -> None:
        self._store = opened.project.store
        self._catalog = opened.catalog
        self._kept = dict(running.kept)
        self._held = dict(running.held)

    def __call__(self, name: str) -> Any:
        if name in self._held:
            return self._held[name]
        store = objects.Objects(self._store)
        try:
            return sources.decode(self._kept[name], self._catalog.find(name), store)
        finally:
            store.close()


def watch_code(project: projects.Project) -> standing.Rests:
    """How code and configuration look before either is read.

    Of the project's own folder only the modules in it count: runs write into it.
    """
    rests = standing.Rests()
    for path in project.source_files():
        if path == project.root:
            rests.modules[str(path)] = standing.modules(str(path))
        else:
            rests.look(str(path))
    conf = str(project.conf)
    rests.look(conf)
    for folder, folders, files in os.walk(conf):
        for name in (*folders, *files):
            rests.look(os.path.join(folder, name))
    return rests


def hands_for(project: projects.Project, jobs: int | None, executor: str) -> routing.Routed:
    """Who does the work: as many at once as asked for here, or in run.yml; one at a time otherwise."""
    options = project.options()
    count = jobs if jobs is not None else options.jobs or 1
    if count < 1:
        raise errors.UsageError(f"-j {count} is no number of jobs", hint="give 1 or more")
    return routing.Routed(count, executor or options.executor)


def leave_standing(project: projects.Project, argv: Sequence[str], text: str, found: results.Run) -> None:
    """After a run that ended well: let the same command know that nothing changed (see `standing`)."""
    if found.rests is not None:
        standing.leave(str(project.home), argv, text, found.rests)
