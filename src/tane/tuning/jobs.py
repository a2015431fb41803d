"""Jobs: one pipeline, run many times in one process, each time with other overrides.

Sweeps and studies do their points with it. Project, store, ledger, sources and the digests of code are opened and
pinned once; a job composes its configuration anew, just as `tane run` with these overrides would, and checks what that
touches. Each job is an ordinary recorded run that publishes nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from tane import errors, events, fielded
from tane.catalog import catalogs, datasets
from tane.config import compose
from tane.digest import hashing
from tane.executors import routing
from tane.ledger import connection, records, write
from tane.outcomes import RunStatus, StepStatus
from tane.plan import scripts, steps
from tane.project import projects, references
from tane.runs import opening, results, running, sources, turns, workshops
from tane.store import objects
from tane.tuning import sharing

Wrap = Callable[[events.Sink], events.Sink]


@fielded.frozen
class Ended:
    """How a job ended. `metrics` are the last values; `reused` steps had a result, `ran` steps had to work."""

    run: str
    status: RunStatus
    metrics: Mapping[str, float] = fielded.field(default_factory=dict)
    seconds: float = 0.0
    error: errors.TaneError | None = None
    reused: int = 0
    ran: int = 0
    notes: tuple[str, ...] = ()


@fielded.frozen
class Job:
    """A job that has been composed and checked. `start` is what it starts from."""

    overrides: tuple[str, ...]
    config: compose.Config
    catalog: catalogs.Catalog
    start: sources.Sources


class Pin(NamedTuple):
    """A version of a source, and the digest of the entry that it was read by."""

    entry: str
    kept: records.Kept


class Part(NamedTuple):
    """Which part of which study a job is."""

    study: str = ""
    trial: int = -1
    name: str = ""
    experiment: str = ""
    job_type: str = ""


_NO_PART = Part()


class Jobs:
    """Runs one pipeline of a project again and again. To be closed; usable as a context.

    `overrides` hold for all jobs, beneath those of each. `pins` are versions of sources to use whatever is there now.
    """

    def __init__(
        self,
        project: projects.Project,
        pipeline: str = opening.DEFAULT,
        selection: opening.Selection | None = None,
        *,
        overrides: Sequence[str] = (),
        pins: Iterable[Pin] = (),
        look_only: bool = False,
    ) -> None:
        self.project = project
        self.overrides = (*project.overrides, *overrides)
        self._pins = {(pin.kept.name, pin.entry): pin.kept for pin in pins}
        self._look_only = look_only
        selection = selection or opening.Selection()
        chosen = opening.chosen(project, pipeline, selection)
        if faults := scripts.check(chosen.nodes, project.root):
            raise errors.PipelineError.of(faults, "the run cannot start: commands cannot be run")
        self._open = ExitStack()
        with ExitStack() as opened:
            self.ledger = connection.open_ledger(project.ledger, create=not look_only)
            opened.callback(self.ledger.close)
            self.store = objects.Objects(project.store, read_only=look_only)
            opened.callback(self.store.close)
            self.shop = workshops.Workshop(project, pipeline, selection, self.ledger, self.store)
            self._pool = opened.enter_context(workshops.Pool(1, "serial"))
            self._turns = turns.Turns(project.home)
            opened.callback(self._turns.close)
            self._open = opened.pop_all()
        self._catalogs = _Catalogs(project, self.shop)
        self._sources: dict[str, list[_Pinned]] = {}
        self._template: records.RunRecord | None = None
        self._checked: catalogs.Catalog | None = None
        self._seen: dict[tuple[int, str, str], tuple[catalogs.Catalog, steps.Seen]] = {}
        self.notices: list[str] = []

    def __enter__(self) -> Jobs:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of ledger, store and workers."""
        self._open.close()

    # --- before a job ------------------------------------------------------------------------------------------------

    def composed(self, overrides: Sequence[str]) -> compose.Config:
        """The configuration with these overrides on top: what `tane run` with all of them would have."""
        return self.project.composed((*self.overrides, *overrides))

    def prepare(self, overrides: Sequence[str]) -> Job:
        """Compose and check a job, and pin its sources. Raises what `tane run` would have to say."""
        return self.prepared(overrides, self.composed(overrides))

    def prepared(self, overrides: Sequence[str], config: compose.Config, start: sources.Sources | None = None) -> Job:
        """As `prepare`, of what has been composed and pinned before."""
        self.notices += [notice for notice in config.notices if notice not in self.notices]
        catalog = self._catalogs.of(config)
        return Job(tuple(overrides), config, catalog, self._pinned(catalog) if start is None else start)

    def _pinned(self, catalog: catalogs.Catalog) -> sources.Sources:
        """The sources as they were when a job first had them: one whose entry is the same has the same content."""
        found: list[sources.Sources] = []
        missing: list[str] = []
        for name in self.shop.pipeline.free_inputs():
            dataset = catalog.find(name)
            known = next((pinned for pinned in self._sources.get(name, ()) if pinned.fits(dataset)), None)
            if known is None:
                missing.append(name)
            else:
                found.append(known.sources)
        entries = {name: catalog.find(name) for name in missing}
        pinned = {name: kept for name in missing if (kept := self._pins.get((name, _entry(entries[name]))))}
        new = self.shop.resolve(catalog, frozenset(missing), pinned=pinned, look_only=self._look_only)
        self.notices += [notice for notice in new.notices if notice not in self.notices]
        for name, dataset in entries.items():
            of_name = workshops.among(new, frozenset((name,)))
            self._sources.setdefault(name, []).append(_Pinned(dataset, _facts(dataset), of_name))
            found.append(of_name)
        return workshops.joined(found)

    @property
    def pins(self) -> list[Pin]:
        """The sources that jobs have had so far, as they were."""
        found = [(name, pinned) for name, each in self._sources.items() for pinned in each]
        return [Pin(_entry(pinned.dataset), pinned.sources.kept[name]) for name, pinned in found if pinned.sources.kept]

    def open(self, job: Job, only: frozenset[str] | None = None, wrap: Wrap | None = None) -> opening.Opened:
        """The pipeline of a job, or these nodes of it, ready to be decided; its parameters are checked."""
        config = job.config
        opened = self.shop.open(
            config,
            config.parameters,
            job.catalog,
            job.start,
            config.origin,
            only,
            as_before=self._checked is job.catalog,
        )
        if only is None:
            self._checked = job.catalog
        opened.wrap = wrap
        opened.turns = self._turns
        return opened

    def seen(self, opened: opening.Opened, name: str) -> steps.Seen:
        """What steps see of a source of a job."""
        kept = opened.start.kept[name]
        key = (id(opened.catalog), name, kept.digest)
        known = self._seen.get(key)
        if known is None:  # the catalog is held with it, so that no other gets its number
            known = self._seen[key] = (opened.catalog, opened.keys(None).seen(kept, name))
        return known[1]

    def marks(self, opened: opening.Opened) -> dict[str, str]:
        """The marks by which the steps of a job are told from those of others."""
        return sharing.marks(opened, lambda name: self.seen(opened, name))

    # --- a job -------------------------------------------------------------------------------------------------------

    def perform(
        self,
        overrides: Sequence[str] = (),
        *,
        study: str = "",
        trial: int = -1,
        name: str = "",
        experiment: str = "",
        sink_wrapper: Wrap | None = None,
        observers: Sequence[events.Observer] = (),
    ) -> Ended:
        """Run the pipeline with these overrides. Whatever ends it is in what comes back; only an interrupt raises."""
        part = Part(study, trial, name, experiment)
        try:
            job = self.prepare(overrides)
        except errors.TaneError as error:
            return self.refuse(overrides, part, error)
        return self.perform_job(job, part, wrap=sink_wrapper, observers=observers)

    def perform_job(
        self,
        job: Job,
        part: Part = _NO_PART,
        *,
        force: frozenset[str] = frozenset(),
        wrap: Wrap | None = None,
        observers: Sequence[events.Observer] = (),
    ) -> Ended:
        """As `perform`, of a job that was prepared before."""
        try:
            opened = self.open(job, wrap=wrap)
        except errors.TaneError as error:
            return self.refuse(job.overrides, part, error, job.config)
        found = self._run(opened, part, self._pool, force, observers)
        if found.status is RunStatus.INTERRUPTED:
            self._pool.end()
            raise KeyboardInterrupt
        counts = found.counts
        return Ended(
            run=found.id,
            status=found.status,
            metrics={each.name: each.last for each in found.metrics.values()},
            seconds=found.seconds,
            error=found.error,
            reused=counts.get(StepStatus.REUSED, 0),
            ran=counts.get(StepStatus.SUCCEEDED, 0) + counts.get(StepStatus.FAILED, 0),
            notes=found.notes,
        )

    def refuse(
        self, overrides: Sequence[str], part: Part, error: errors.TaneError, config: compose.Config | None = None
    ) -> Ended:
        """Record a job that cannot begin, or whose process is gone, as one that failed."""
        run, now = records.new_run_id(), time.time()
        described: Mapping[str, Any] = {"asked": {"overrides": [*self.overrides, *overrides]}}
        if config is not None:
            described = {**config.plain(), "asked": {**described["asked"], "origins": config.origins()}}
        record = records.RunRecord(
            run=run,
            pipeline=self.shop.name,
            started=now,
            params=config.parameters if config is not None else {},
            config=described,
            pid=os.getpid(),
        )
        write.start_run(self.ledger, _as_part(record, part))
        write.end_run(self.ledger, run, RunStatus.FAILED, now, str(error))
        return Ended(run, RunStatus.FAILED, error=error)

    # --- what jobs share ---------------------------------------------------------------------------------------------

    def shared(self, points: Sequence[Sequence[str]]) -> frozenset[str]:
        """The nodes that are the same whichever of these overrides a job has, and whose results are kept."""
        first, *others = (self.marks(self.open(self.prepare(point))) for point in points)
        return frozenset(name for name, mark in first.items() if all(each.get(name) == mark for each in others))

    def perform_shared(
        self,
        point: Sequence[str] | Job,
        only: frozenset[str],
        executor: routing.Routed | None = None,
        *,
        study: str = "",
        force: frozenset[str] = frozenset(),
        observers: Sequence[events.Observer] = (),
    ) -> results.Run:
        """Do the nodes `only`, once, so that no two jobs do them at the same time. Several steps may go at once."""
        job = point if isinstance(point, Job) else self.prepare(point)
        part = Part(study, name=f"{study}/{records.SHARED}" if study else "", job_type=records.SHARED)
        return self._run(self.open(job, only), part, executor or self._pool, force, observers)

    def _run(
        self,
        opened: opening.Opened,
        part: Part,
        executor: routing.Routed,
        force: frozenset[str],
        observers: Sequence[events.Observer],
    ) -> results.Run:
        template = self._record(opened, part)
        watched = self.shop.watched
        run, _ = running.run_part(opened, template, executor, force=force, observers=observers, watched=watched)
        self.store.flush()
        return run

    def _record(self, opened: opening.Opened, part: Part) -> records.RunRecord:
        """What a job's run has on record. Where it stands is looked at once."""
        config = {**opened.config.plain(), "asked": opened.asked()}
        return _as_part(fielded.replace(self.template(opened), config=config), part)

    def template(self, opened: opening.Opened) -> records.RunRecord:
        """What the runs of all jobs have on record: where they stand."""
        if self._template is None:
            self._template = running.record(opened, "")
        return self._template

    def stand(self, template: records.RunRecord) -> None:
        """Take over where another process says that all jobs stand."""
        self._template = template


def _as_part(record: records.RunRecord, part: Part) -> records.RunRecord:
    return fielded.replace(
        record,
        name=part.name,
        study=part.study,
        trial=part.trial,
        experiment=part.experiment or record.experiment,
        job_type=part.job_type,
        published=False,
    )


class _Pinned(NamedTuple):
    """A source as it was pinned, and the entry that it was pinned by."""

    dataset: datasets.Dataset | None
    facts: Mapping[str, Any]
    sources: sources.Sources

    def fits(self, dataset: datasets.Dataset | None) -> bool:
        return dataset is self.dataset or _facts(dataset) == self.facts


def _facts(dataset: datasets.Dataset | None) -> Mapping[str, Any]:
    return {} if dataset is None else dataset.facts()


def _entry(dataset: datasets.Dataset | None) -> str:
    return hashing.combine("entry", repr(_facts(dataset)))


class _Catalogs:
    """The catalogs of jobs. Entries that are the same in all of them are read once."""

    def __init__(self, project: projects.Project, shop: workshops.Workshop) -> None:
        self._project = project
        self._shop = shop
        self._base: catalogs.Catalog | None = None
        self._entries: Mapping[str, Any] = {}
        self._credentials: Mapping[str, Any] = {}
        self._others: list[tuple[Mapping[str, Any], catalogs.Catalog]] = []

    def of(self, config: compose.Config) -> catalogs.Catalog:
        """The catalog that this configuration describes."""
        self._project.use_code()
        entries = references.fill(config.catalog, config.parameters, lambda keys: str(config.origin("catalog", *keys)))
        if self._base is None:
            self._base, self._entries, self._credentials = self._read(entries, config), entries, config.credentials
        if config.credentials != self._credentials or not self._entries.keys() <= entries.keys():
            return self._read(entries, config)
        own = {name: body for name, body in entries.items() if name not in self._entries or body != self._entries[name]}
        if not own:
            return self._base
        for known, catalog in self._others:
            if known == own:
                return catalog
        catalog = self._base.with_entries(own)
        catalog.check_ready(self._shop.pipeline.datasets())
        self._others = [*self._others[-_REMEMBERED:], (own, catalog)]
        return catalog

    def _read(self, entries: Mapping[str, Any], config: compose.Config) -> catalogs.Catalog:
        root = self._project.root
        catalog = catalogs.Catalog.from_config(entries, config.credentials, root, config.origin)
        for name in self._shop.whole.datasets():
            catalog.entry(name)  # those that a factory stands for are known from now on
        catalog.check_ready(self._shop.pipeline.datasets())
        return catalog


_REMEMBERED = 64
