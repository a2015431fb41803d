"""What of a sweep is done in one go, here or in a worker process: a job, or before it steps that several jobs share.

A worker opens project, store and ledger once. What each errand needs of configuration and sources travels with it: an
edit while the sweep goes on changes nothing of it.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping

from tane import errors, fielded
from tane.config import compose
from tane.ledger import records
from tane.outcomes import RunStatus
from tane.project import projects
from tane.runs import opening, packing, sources
from tane.store import signatures
from tane.tuning import jobs, sweep_records


@fielded.frozen
class Frame:
    """What all errands of a sweep share.

    `template` is what each run has on record, `code` the digest of the code that is to do them, as `first` sees it, and
    `files` how the files of that code looked.
    """

    sweep: str
    path: str
    environments: tuple[str, ...]
    overrides: tuple[str, ...]
    pipeline: str
    selection: opening.Selection
    template: records.RunRecord
    first: compose.Config
    code: str
    files: Mapping[str, signatures.Signature | None]
    experiment: str = ""
    params: str = ""


@fielded.frozen
class Errand:
    """The job of point `number`, or the steps `only` of it. `force` are the steps that run whatever is known."""

    number: int
    overrides: tuple[str, ...]
    config: compose.Config
    start: sources.Sources
    only: frozenset[str] | None
    force: frozenset[str]


def perform(hands: jobs.Jobs, frame: Frame, errand: Errand, job: jobs.Job | None = None) -> jobs.Ended:
    """Do an errand. Whatever ends it is in what comes back; only an interrupt of this process is raised."""
    try:
        job = job or hands.prepared(errand.overrides, errand.config, errand.start)
        if errand.only is not None:
            run = hands.perform_shared(job, errand.only, study=frame.sweep, force=errand.force)
            if run.status is RunStatus.INTERRUPTED:
                raise KeyboardInterrupt
            return jobs.Ended(run.id, run.status, seconds=run.seconds, error=run.error, notes=run.notes)
        return hands.perform_job(job, part_of(frame, errand.number), force=errand.force)
    except errors.TaneError as error:
        if errand.only is not None:
            return jobs.Ended("", RunStatus.FAILED, error=error)
        return hands.refuse(errand.overrides, part_of(frame, errand.number), error, errand.config)


def part_of(frame: Frame, number: int) -> jobs.Part:
    """Which part of its sweep a job is."""
    name = sweep_records.name_of_run(frame.sweep, number)
    return jobs.Part(frame.sweep, number, name, frame.experiment)


def perform_remotely(digest: str, data: bytes, errand: Errand) -> jobs.Ended:
    """Do an errand in a worker process."""
    hands, frame = _hands(packing.Packed(digest, data), os.getpid())
    return perform(hands, frame, errand)


@functools.lru_cache(maxsize=1)
def _hands(packed: packing.Packed, process: int) -> tuple[jobs.Jobs, Frame]:
    frame: Frame = packed.open()
    project = projects.open_project(frame.path, env=frame.environments, overrides=frame.overrides, params=frame.params)
    hands = jobs.Jobs(project, frame.pipeline, frame.selection)
    hands.stand(frame.template)
    if not all(signatures.of(file) == sig for file, sig in frame.files.items()) and frame.code != code(
        hands, frame.first
    ):
        hands.close()
        raise packing.code_changed("sweep", "jobs")
    return hands, frame


def code(hands: jobs.Jobs, first: compose.Config) -> str:
    """The digest of all code that the steps of a job rest on, whichever of its files was written anew."""
    return hands.shop.code(first.parameters, hands.prepared((), first, sources.Sources()).catalog)
