"""`backfill`: one run for each window of a range of time, all independent of each other.

Called by the doors. A backfill pins what all windows share when it begins - configuration, parameters, sources, code -,
does once what does not depend on the window, then the windows, in any order, in this process or in several. What has
succeeded stays done: the same command again, or `resume`, goes on with the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, closing
from typing import Any

from tane import errors
from tane.ledger import connection, read
from tane.project import projects
from tane.runs import backfill_leading, backfill_pins, backfill_records, opening, preview, windowed, windows
from tane.store import objects

Backfill = backfill_records.Backfill
State = backfill_records.State
How = backfill_leading.How


def backfill(
    project: projects.Project,
    cut: windows.Windows,
    pipeline: str = opening.DEFAULT,
    *,
    selection: opening.Selection | None = None,
    inputs: Mapping[str, Any] | None = None,
    how: How | None = None,
) -> Backfill:
    """Do every window of `cut` that has not succeeded yet, on what the project has now.

    If code, configuration, parameters and sources are what they were, the newest such backfill goes on. Mistakes that
    can be known before anything runs raise; what failed comes back in the windows' states and in `error`.
    """
    how = how or How()
    windowed.check_overrides(project.overrides)
    with ExitStack() as during:
        ledger = during.enter_context(closing(connection.open_ledger(project.ledger)))
        store = during.enter_context(objects.Objects(project.store))
        base = backfill_pins.Base(project, pipeline, selection or opening.Selection(), project.config.parameters)
        prepared = backfill_pins.prepare(base, cut, ledger, store, inputs or {})
        record = None if how.force else backfill_records.standing_on(ledger, pipeline, "basis", prepared.basis)
        if record is None:
            earlier = backfill_records.standing_on(ledger, pipeline, "like", prepared.like)
            return backfill_leading.Leading(prepared, how).from_start(earlier)
        return backfill_leading.Leading(prepared, how).further(record)


def resume(project: projects.Project, prefix: str, *, how: How | None = None) -> Backfill:
    """Go on with a backfill, by id: with its windows, parameters and sources as they were, on the code of today."""
    with ExitStack() as during:
        ledger = during.enter_context(closing(connection.open_ledger(project.ledger)))
        store = during.enter_context(objects.Objects(project.store))
        record = backfill_records.find(ledger, prefix)
        asked = record.config["asked"]
        then = projects.open_project(
            project.flow or project.root,
            env=asked["environments"],
            overrides=asked["overrides"],
            environ=project.environ,
            params=projects.recorded_params(asked, project.root),
        )
        base = backfill_pins.Base(then, record.pipeline, opening.Selection(**asked["selection"]), record.params)
        pinned = {kept.name: kept for kept in read.sources(ledger, record.run)}
        pins = read.document(ledger, record.config["backfill"]["pins"])
        cut = backfill_records.windows_of(record)
        prepared = backfill_pins.prepare(base, cut, ledger, store, {}, pinned, backfill_pins.from_document(pins))
        return backfill_leading.Leading(prepared, how or How()).further(record)


def status(project_ledger: connection.Ledger, prefix: str) -> Backfill:
    """How a backfill stands, by id. Nothing is run or imported."""
    return backfill_records.look(project_ledger, backfill_records.find(project_ledger, prefix))


def plan(
    project: projects.Project,
    cut: windows.Windows,
    pipeline: str = opening.DEFAULT,
    *,
    selection: opening.Selection | None = None,
    how: How | None = None,
) -> list[tuple[windows.Window, preview.Preview | errors.TaneError | None]]:
    """What would be done in each window now, in the order in which it would; None for those that have succeeded.

    Nothing is recorded, run or placed.
    """
    how = how or How()
    windowed.check_overrides(project.overrides)
    with ExitStack() as during:
        ledger = during.enter_context(closing(connection.open_ledger(project.ledger, create=False)))
        store = during.enter_context(objects.Objects(project.store, read_only=True))
        base = backfill_pins.Base(project, pipeline, selection or opening.Selection(), project.config.parameters)
        prepared = backfill_pins.prepare(base, cut, ledger, store, {}, look_only=True)
        record = None if how.force else backfill_records.standing_on(ledger, pipeline, "basis", prepared.basis)
        known = backfill_records.states(ledger, record.run) if record is not None else {}
        done = {label for label, state in known.items() if state.status in backfill_records.DONE}
        return [(cut[at], _planned(prepared, at, done)) for at in backfill_leading.in_order(range(len(cut)), how)]


def _planned(prepared: backfill_pins.Prepared, at: int, done: set[str]) -> preview.Preview | errors.TaneError | None:
    window = prepared.cut[at]
    if window.label in done:
        return None
    own = prepared.own.get(window.label)
    if isinstance(own, errors.TaneError):
        return own
    try:
        return preview.look(prepared.hands.open(window, own))
    except errors.TaneError as error:
        return error
