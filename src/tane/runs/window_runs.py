"""Doing one window of a backfill: an ordinary run on what all windows share.

A process opens project, store and ledger once (`Hands`) and does many windows with them, one after the other. What they
share is pinned in a `Frame`, found out by `backfills` when the backfill began: configuration, parameters, sources.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tane import errors, events, fielded
from tane.catalog import catalogs
from tane.config import compose, origins
from tane.executors import routing
from tane.ledger import connection, records, write
from tane.outcomes import RunStatus, StepStatus
from tane.project import projects, references
from tane.runs import opening, packing, results, running, sources, windowed, windows, workshops
from tane.store import objects, signatures


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
        self._shop = workshops.Workshop(project, frame.pipeline, frame.selection, ledger, store)
        self.pipeline = self._shop.pipeline
        self._base: catalogs.Catalog | None = None
        self._varying: Mapping[str, Any] = {}
        self._last: tuple[str, catalogs.Catalog | None] = ("", None)
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
            for name in self._shop.whole.datasets():
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
        return self._shop.resolve(self.catalog(window), frozenset(names), look_only=look_only, **more)

    def open(
        self, window: windows.Window, own: sources.Sources | None = None, only: frozenset[str] | None = None
    ) -> opening.Opened:
        """The pipeline, or these nodes of it, ready to be decided for one window. `own` are sources of its own."""
        frame = self.frame
        start = frame.sources if own is None else workshops.joined([frame.sources, own])
        parameters = windowed.with_window(frame.parameters, window)
        return self._shop.open(frame.config, parameters, self.catalog(window), start, self._origin, only)

    def code(self, window: windows.Window) -> str:
        """The digest of all code that the steps rest on."""
        return self._shop.code(windowed.with_window(self.frame.parameters, window), self.catalog(window))

    def files(self, window: windows.Window) -> Mapping[str, signatures.Signature | None]:
        """The files of all code that the steps rest on, and how they looked when they said what it does."""
        return self._shop.files(windowed.with_window(self.frame.parameters, window), self.catalog(window))

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
            opened, self.record(window), hands, force=self.frame.force, watched=self._shop.watched
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


# --- in a worker process ----------------------------------------------------------------------------------------------


def pack(frame: Frame) -> tuple[str, bytes]:
    """A frame as it travels with every window. Raises `errors.UsageError` when it cannot."""
    return packing.pack(frame, frame.sources.held, "do the windows in this process: -j 1")


def perform_remotely(digest: str, data: bytes, window: windows.Window, own: sources.Sources | None) -> Ended:
    """Do one window in a worker process."""
    return _hands(packing.Packed(digest, data), os.getpid()).perform(window, own)


@functools.lru_cache(maxsize=1)
def _hands(packed: packing.Packed, process: int) -> Hands:
    frame: Frame = packed.open()
    asked = frame.record.config["asked"]
    root = frame.path if os.path.isdir(frame.path) else os.path.dirname(frame.path)
    params = projects.recorded_params(asked, Path(root))
    project = projects.open_project(frame.path, env=asked["environments"], overrides=asked["overrides"], params=params)
    hands = Hands(frame, project, connection.open_ledger(project.ledger), objects.Objects(project.store))
    if not hands.is_of_the_code():
        hands.ledger.close()
        hands.store.close()
        raise packing.code_changed("backfill", "windows")
    return hands
