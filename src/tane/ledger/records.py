"""The frozen records that go into the ledger and come out of it. Times are seconds since the epoch (UTC)."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from tane import fielded, outcomes


@fielded.frozen
class Kept:
    """One output of a step as it was kept.

    `digest` identifies what a consumer sees (the value, or the file of a catalogued dataset). `value` is the
    object that holds the value itself in the format `codec` (empty when it was not kept), `file` the object
    (blob or tree) that holds the dataset's file, written as `save` (a digest of how it was saved) says.
    `classes` are the project classes and functions a stored value names as "module:qualname": their code is
    part of the value; `libraries` are the top-level modules of the installed packages its types come from.
    """

    name: str
    digest: str
    codec: str = ""
    value: str = ""
    file: str = ""
    save: str = ""
    bytes: int = 0
    classes: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()


@fielded.frozen
class Basis:
    """What the key of a step was made from, kept so that a later plan can say what changed.

    `code` and `environment` are digests of documents (`write.add_document`) that map labels to digests and
    distributions to versions; `inputs` maps dataset names to digests; `params` names to JSON values.
    """

    code: str
    environment: str
    options: Mapping[str, Any]
    params: Mapping[str, Any]
    inputs: Mapping[str, str]


@fielded.frozen
class StepRecord:
    """One step of one run. A reused step names the run and position where it was made (`origin`)."""

    position: int
    node: str
    status: outcomes.StepStatus
    key: str
    basis: Basis
    reasons: tuple[str, ...] = ()
    outputs: tuple[Kept, ...] = ()
    origin: tuple[str, int] | None = None
    started: float = 0.0
    ended: float = 0.0
    cpu: float = 0.0
    peak_memory: int = 0
    error: str = ""
    reusable: bool = True  # False: the result must not be offered to later runs (cache=False, keep="none")
    attempts: int = 1


WINDOW = "window"  # the kind of a run that is one window of a backfill
BACKFILL = "backfill"  # the kind of the record that stands for the backfill itself; its windows are "ID/label"
SHARED = "shared"  # the label of the run of what all windows of a backfill share
ITEMS = 1 << 32  # positions from here on are those of items: parts of a fanned-out step


def item_position(step: int, index: int) -> int:
    """The position of one item's work among the steps of a run."""
    return (step + 1) * ITEMS + index


@fielded.frozen
class RunRecord:
    """One run. `git` holds commit, branch and the digest of the dirty diff, `environment` a document.

    `experiment` and `group` are names that put runs together, `job_type` says what kind of work it is. `parent` is the
    run that this one is nested in; `study` the sweep or study whose point number `trial` it is. `deleted` is when it
    was deleted, 0 when it was not.
    """

    run: str
    pipeline: str
    kind: str = "run"
    status: outcomes.RunStatus = outcomes.RunStatus.RUNNING
    started: float = 0.0
    ended: float = 0.0
    command: tuple[str, ...] = ()
    params: Mapping[str, Any] = fielded.field(default_factory=dict)
    config: Mapping[str, Any] = fielded.field(default_factory=dict)  # environments, overrides, origins of leaves
    git: Mapping[str, str] = fielded.field(default_factory=dict)
    environment: str = ""
    host: str = ""
    user: str = ""
    pid: int = 0
    python: str = ""
    name: str = ""
    error: str = ""
    published: bool = True
    experiment: str = ""
    group: str = ""
    job_type: str = ""
    parent: str = ""
    study: str = ""
    trial: int = -1
    deleted: float = 0.0


@fielded.frozen
class MetricPoint:
    """One logged number. `at` is its time, `step` the iteration; NaN and infinities are kept as such."""

    name: str
    value: float
    step: int = 0
    at: float = 0.0


@fielded.frozen
class MetricSummary:
    """One metric of one run: last, least, greatest and number of points."""

    name: str
    last: float
    min: float
    max: float
    count: int


@fielded.frozen
class Artifact:
    """A file, figure or folder logged to a run: `file` is its object, `path` its name among the run's."""

    path: str
    file: str
    bytes: int
    kind: str = "file"


@fielded.frozen
class Event:
    """An entry of the append-only history: who did what, when, on what evidence."""

    kind: str
    subject: str
    at: float
    actor: str
    detail: Mapping[str, Any] = fielded.field(default_factory=dict)


def new_run_id() -> str:
    """A name for a new run, unique everywhere: UTC time, so that names sort, and eight random hex digits."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.urandom(4).hex()}"
