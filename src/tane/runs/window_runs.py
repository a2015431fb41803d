"""Doing one window of a backfill: an ordinary run on what all windows share.

A process opens project, store and ledger once (`Hands`) and does many windows with them, one after the other. What they
share is pinned in a `Frame`, found out by `backfills` when the backfill began: configuration, parameters, sources.
"""

from __future__ import annotations

import functools
import os
import pickle
import time
from collections.abc import Mapping, Sequence
from typing import Any

from tane import errors, events, fielded
from tane.catalog import catalogs
from tane.config import checking, compose, origins
from tane.digest import hashing
from tane.executors import routing
from tane.ledger import connection, records, write
from tane.outcomes import RunStatus, StepStatus
from tane.pipeline import graph
from tane.plan import checks, code, environment, scripts, steps, transforms, wants
from tane.project import projects, references
from tane.runs import keying, opening, results, running, sources, windowed, windows
from tane.store import filedigests, objects, signatures


@fielded.frozen
class Frame:
    """What all windows of a backfill share.

    `sources` are pinned for all, `report` the outputs that are to come back for placing. `record` is what each window's
    run has in common, `code` the digest of the code that is to do them, `files` how the files of that code looked.
    """

    backfill: str
    path: str
    pipeline: str
    selection: opening.Selection
    config: compose.Config
    parameters: Mapping[str, Any]
    sources: sources.Sources
    record: records.RunRecord
    code: str = ""
    files: Mapping[str, signatures.Signature | None] = fielded.field(default_factory=dict)
    report: frozenset[str] = frozenset()
    force: frozenset[str] = frozenset()


@fielded.frozen
class Ended:
    """How one window ended. `outputs` are those to be placed, with whether this run made them; no run id: it could not
    begin.
    """

    run: str
    status: RunStatus
    counts: Mapping[StepStatus, int] = fielded.field(default_factory=dict)
    seconds: float = 0.0
    error: errors.TaneError | None = None
    outputs: tuple[tuple[records.Kept, bool], ...] = ()
    notes: tuple[str, ...] = ()


class Hands:
    """What one process works on windows with."""

    def __init__(
        self, frame: Frame, project: projects.Project, ledger: connection.Ledger, store: objects.Objects
    ) -> None:
        self.frame = frame
        self.ledger = ledger
        self.store = store
        self.project = project
        self._whole = project.pipelines()[frame.pipeline]
        self.pipeline = frame.selection.of(self._whole)
        self._files = filedigests.FileDigests(store)
        self._code_cache = code.Cache(project.root)
        self._transforms = transforms.Transforms(project.transforms(), self._code_cache)
        self._packages = environment.user_cache()
        self._reserved = opening.reserved(project)
        self._versions: keying.Versions = {}
        self._watched = bool(project.hooks(lambda warning: None))
        self._base: catalogs.Catalog | None = None
        self._varying: Mapping[str, Any] = {}
        self._last: tuple[str, catalogs.Catalog | None] = ("", None)
        self._wants: list[checking.Want] | None = None
        plain = frame.config.plain()
        self._config = {**{name: part for name, part in plain.items() if name != "parameters"}}
        self._origins = frame.config.origins()

    def catalog(self, window: windows.Window) -> catalogs.Catalog:
        """The catalog of one window. Entries that are the same in all windows are read once."""
        if self._base is None:
            everywhere = self._filled(windowed.SOMEWHERE, self.frame.config.catalog)
            here = self._filled(window, self.frame.config.catalog)
            config = self.frame.config
            self._base = catalogs.Catalog.from_config(everywhere, config.credentials, self.project.root, config.origin)
            self._varying = {name: config.catalog[name] for name in here if here[name] != everywhere[name]}
            for name in self._whole.datasets():
                self._base.entry(name)
        if not self._varying:
            return self._base
        label, found = self._last
        if found is None or label != window.label:
            found = self._base.with_entries(self._filled(window, self._varying))
            self._last = (window.label, found)
        return found

    def _filled(self, window: windows.Window, entries: Mapping[str, Any]) -> dict[str, Any]:
        parameters, origin = windowed.with_window(self.frame.parameters, window), self.frame.config.origin
        return references.fill(entries, parameters, lambda keys: str(origin("catalog", *keys)))

    def resolve(
        self, window: windows.Window, names: Sequence[str] | frozenset[str], *, look_only: bool = False, **more: Any
    ) -> sources.Sources:
        """Pin the sources of these names as they are now."""
        parts = sources.Parts(self.catalog(window), self.store, self._files, self.ledger, whole=self._whole)
        given = more.pop("given", {})
        return sources.resolve(self.pipeline, given, parts, look_only=look_only, only=frozenset(names), **more)

    def open(
        self, window: windows.Window, own: sources.Sources | None = None, only: frozenset[str] | None = None
    ) -> opening.Opened:
        """The pipeline, or these nodes of it, ready to be decided for one window. `own` are sources of its own."""
        frame = self.frame
        catalog = self.catalog(window)
        parameters = windowed.with_window(frame.parameters, window)
        pipeline = self.pipeline if only is None else self.pipeline.filter(nodes=only)
        if self._wants is not None and only is None:
            converted = checks.convert(self._wants, parameters, self._origin)
        else:
            converted = checks.check(pipeline, parameters, self._origin, catalog, self._reserved, self._whole)
            self._wants = wants.of(pipeline) if only is None else None
        return opening.Opened(
            project=self.project,
            name=frame.pipeline,
            pipeline=pipeline,
            config=frame.config,
            catalog=catalog,
            ledger=self.ledger,
            store=self.store,
            files=self._files,
            packages=self._packages,
            code_cache=self._code_cache,
            start=_start(pipeline, frame.sources, own),
            parameters=parameters,
            selection=frame.selection,
            transforms=self._transforms,
            steps=steps.prepare(pipeline, parameters, converted, self._code_cache, self._rests(catalog)),
            versions=self._versions,
        )

    def _rests(self, catalog: catalogs.Catalog) -> scripts.Rests:
        """What commands rest on."""
        return scripts.Rests(self.project.root, catalog, self._files.of)

    def code(self, window: windows.Window) -> str:
        """The digest of all code that the steps rest on."""
        prepared = self._prepared(window)
        return hashing.combine("code", *(part for step in prepared for part in (step.node.name, step.code.digest)))

    def files(self, window: windows.Window) -> Mapping[str, signatures.Signature | None]:
        """The files of all code that the steps rest on, and how they looked when they said what it does."""
        found = {str(path): signatures.of(path) for step in self._prepared(window) for path in step.code.files}
        return {**found, **self._code_cache.files()}

    def _prepared(self, window: windows.Window) -> list[steps.Step]:
        parameters = windowed.with_window(self.frame.parameters, window)
        rests = self._rests(self.catalog(window))
        converted = wants.converted(wants.of(self.pipeline), parameters)
        return steps.prepare(self.pipeline, parameters, converted, self._code_cache, rests)

    def is_of_the_code(self) -> bool:
        """Whether this process, which has just imported the code, has what the one has that leads the backfill."""
        if all(signatures.of(file) == sig for file, sig in self.frame.files.items()):
            return True
        return self.code(windowed.SOMEWHERE) == self.frame.code  # a file was written anew, and says the same

    def perform(self, window: windows.Window, own: sources.Sources | None = None) -> Ended:
        """Do one window. Whatever ends it is in what comes back; only an interrupt of this process is raised."""
        try:
            opened = self.open(window, own)
        except errors.TaneError as error:
            return self.refuse(window, error)
        hands = routing.Routed(1, "serial")
        found, kept = running.run_part(
            opened, self.record(window), hands, force=self.frame.force, watched=self._watched
        )
        self.store.flush()
        fresh = {name for step in found.steps if step.status is StepStatus.SUCCEEDED for name in step.outputs}
        return Ended(
            run=found.id,
            status=found.status,
            counts=found.counts,
            seconds=found.seconds,
            error=found.error,
            outputs=tuple((kept[name], name in fresh) for name in sorted(self.frame.report & kept.keys())),
            notes=found.notes,
        )

    def refuse(self, window: windows.Window, error: errors.TaneError) -> Ended:
        """Record a window that cannot begin, or whose process is gone, as one that failed."""
        run, now = records.new_run_id(), time.time()
        parameters = windowed.with_window(self.frame.parameters, window)
        record = fielded.replace(self.record(window), run=run, started=now, params=parameters, pid=os.getpid())
        write.start_run(self.ledger, record)
        write.end_run(self.ledger, run, RunStatus.FAILED, now, str(error))
        return Ended(run, RunStatus.FAILED, error=error)

    def perform_shared(
        self,
        window: windows.Window,
        only: frozenset[str],
        executor: routing.Routed,
        force: frozenset[str],
        observers: Sequence[events.Observer],
    ) -> results.Run:
        """Do the nodes that are the same in all windows, once, so that no two windows do them at the same time."""
        opened = self.open(window, only=only)
        template = fielded.replace(self.record(window), name=f"{self.frame.backfill}/{records.SHARED}")
        return running.run_part(opened, template, executor, force=force, observers=observers)[0]

    def record(self, window: windows.Window) -> records.RunRecord:
        """What the run of a window has on record. Its overrides are those that `tane run` would need."""
        frame = self.frame
        asked = frame.record.config["asked"]
        own = {f"{windowed.PARAMETER}.{name}": value for name, value in window.parameters.items()}
        of_window = {
            **asked,
            "overrides": [*asked["overrides"], *(f"++{name}={value}" for name, value in own.items())],
            "origins": {**self._origins, **dict.fromkeys(own, f"backfill {frame.backfill}")},
        }
        return fielded.replace(
            frame.record,
            kind=records.WINDOW,
            name=f"{frame.backfill}/{window.label}",
            config={**self._config, "asked": of_window},
            published=False,
        )

    def _origin(self, *keys: object) -> origins.Origin:
        if keys[:2] == ("parameters", windowed.PARAMETER) and keys[2:] and str(keys[2]) in windows.Window._fields:
            return origins.Origin(self.frame.backfill, 0, "backfill")
        return self.frame.config.origin(*keys)


def _start(pipeline: graph.Pipeline, shared: sources.Sources, own: sources.Sources | None) -> sources.Sources:
    """What a window, or a part of it, starts from."""
    free = set(pipeline.free_inputs())
    parts = [shared] if own is None else [shared, own]
    return sources.Sources(
        kept={name: kept for part in parts for name, kept in part.kept.items() if name in free},
        held={name: value for part in parts for name, value in part.held.items() if name in free},
        in_place={name: place for part in parts for name, place in part.in_place.items() if name in free},
        pinned_by_stat=False,
        left_out=[name for part in parts for name in part.left_out if name in free],
    )


# --- in a worker process ----------------------------------------------------------------------------------------------


def pack(frame: Frame) -> tuple[str, bytes]:
    """A frame as it travels with every window: workers open it once. Raises `errors.UsageError` when it cannot."""
    try:
        data = pickle.dumps(frame, 5)
    except Exception as error:
        held = ", ".join(sorted(frame.sources.held)) or "its sources"
        raise errors.UsageError(
            f"the values of {held} cannot be sent to worker processes: {type(error).__name__}: {error}",
            hint="do the windows in this process: -j 1",
        ) from error
    return hashing.of_bytes(data), data


class Frozen:
    """A packed frame, told apart by its digest."""

    __slots__ = ("_data", "_digest")

    def __init__(self, digest: str, data: bytes) -> None:
        self._digest = digest
        self._data = data

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Frozen) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)

    def frame(self) -> Frame:
        """The frame itself."""
        found: Frame = pickle.loads(self._data)
        return found


def perform_remotely(digest: str, data: bytes, window: windows.Window, own: sources.Sources | None) -> Ended:
    """Do one window in a worker process."""
    return _hands(Frozen(digest, data), os.getpid()).perform(window, own)


@functools.lru_cache(maxsize=1)
def _hands(frozen: Frozen, process: int) -> Hands:
    frame = frozen.frame()
    asked = frame.record.config["asked"]
    project = projects.open_project(frame.path, env=asked["environments"], overrides=asked["overrides"])
    hands = Hands(frame, project, connection.open_ledger(project.ledger), objects.Objects(project.store))
    if not hands.is_of_the_code():
        hands.ledger.close()
        hands.store.close()
        raise CodeChangedError(
            "the code has changed since this backfill began, and another worker process is needed",
            hint="give the same command again: the windows that need it are done anew on the code as it is now",
        )
    return hands


class CodeChangedError(errors.UsageError):
    """A worker that starts late would work on other code than those before it."""
