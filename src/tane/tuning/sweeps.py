"""`sweep`: a pipeline run once for each of many points of its parameters.

Called by the doors. A sweep pins configuration, sources and code when it begins, does once what several points share,
then the points, in this process or in several. What has succeeded stays done: the same command again, or `resume`, goes
on with the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Any, NamedTuple

from tane import errors
from tane.ledger import connection, read, studies
from tane.project import projects
from tane.runs import opening, preview
from tane.tuning import jobs, sweep_leading, sweep_lock, sweep_pins, sweep_points, sweep_records, sweep_values

Sweep = sweep_records.Sweep
State = sweep_records.State
Points = sweep_points.Points
How = sweep_leading.How
Asked = sweep_leading.Asked

_AS_ASKED = Asked()
_NOW = How()


class Planned(NamedTuple):
    """A point of a sweep that was not begun: whether it is done already, and what would run in it."""

    point: sweep_points.Point
    done: bool
    plan: preview.Preview | None


def sweep(
    project: projects.Project,
    points: Points,
    pipeline: str = opening.DEFAULT,
    *,
    selection: opening.Selection | None = None,
    asked: Asked = _AS_ASKED,
    how: How = _NOW,
) -> Sweep:
    """Do every point that has not succeeded yet, on what the project has now.

    If code, configuration and sources are what they were, the newest such sweep goes on. Mistakes that can be known
    before anything runs raise; what failed comes back in the points' states and in `error`.
    """
    with jobs.Jobs(project, pipeline, selection) as hands, ExitStack() as during:
        prepared = sweep_pins.prepare(hands, points)
        leading = sweep_leading.Leading(prepared, asked, how)
        with sweep_lock.alone(project.home):
            known = None if how.force else sweep_records.standing_on(hands.ledger, "basis", prepared.basis)
            earlier = None if known else sweep_records.standing_on(hands.ledger, "like", prepared.like)
            study = known or leading.record(earlier)
            during.enter_context(sweep_lock.held(project.home, study.name))
        return _judged(leading.lead(study, goes_on=known is not None))


def resume(project: projects.Project, prefix: str, *, asked: Asked = _AS_ASKED, how: How = _NOW) -> Sweep:
    """Go on with a sweep, by id: with its points and sources as they were, on the code and configuration of today.

    Without metrics in `asked`, those that it began with.
    """
    with closing(connection.open_ledger(project.ledger)) as ledger:
        study = sweep_records.find(ledger, prefix)
        spec = sweep_records.Spec.of(study)
        pins = sweep_pins.from_document(read.document(ledger, spec.pins))
    then = projects.open_project(
        project.flow or project.root,
        env=spec.environments,
        overrides=spec.overrides,
        environ=project.environ,
        params=spec.params,
    )
    points = sweep_points.of_jobs(spec.jobs)
    asked = Asked(asked.metrics or spec.metrics, spec.experiment)
    selection = opening.Selection(**spec.selection)
    with jobs.Jobs(then, spec.pipeline, selection, pins=pins) as hands:
        prepared = sweep_pins.prepare(hands, points)
        with sweep_lock.held(project.home, study.name):
            return _judged(sweep_leading.Leading(prepared, asked, how).lead(study, goes_on=True))


def _judged(found: Sweep) -> Sweep:
    """The sweep, told when it is to be sorted by a metric that none of its jobs has."""
    there = found.reported
    wrong = [name for name in found.metrics if name not in there]
    if not wrong or sweep_records.SUCCEEDED not in found.counts:
        return found
    return sweep_records.with_error(found, sweep_records.no_such_metric(wrong[0], found))


def plan(
    project: projects.Project,
    points: Points,
    pipeline: str = opening.DEFAULT,
    *,
    selection: opening.Selection | None = None,
    how: How = _NOW,
) -> list[Planned]:
    """What would be done now for each point. Nothing is recorded or run."""
    with jobs.Jobs(project, pipeline, selection, look_only=True) as hands:
        prepared = sweep_pins.prepare(hands, points)
        known = None if how.force else sweep_records.standing_on(hands.ledger, "basis", prepared.basis)
        done: set[int] = set()
        if known is not None:
            states = sweep_records.states(hands.ledger, known)
            done = {state.number for state in states if state.status == sweep_records.SUCCEEDED}
        return [
            Planned(point, point.number in done, None if point.number in done else preview.look(hands.open(job)))
            for point, job in zip(prepared.points.points, prepared.jobs, strict=True)
        ]


def look(project: projects.Project, prefix: str) -> Sweep:
    """How a sweep stands, by id. Nothing is run; its values can be loaded."""
    with closing(connection.open_ledger(project.ledger, create=False)) as ledger:
        study = sweep_records.find(ledger, prefix)
        found = sweep_records.look(ledger, study)
    spec = sweep_records.Spec.of(study)

    def configured(number: int) -> Any:
        return project.composed((*spec.overrides, *spec.jobs[number]))

    return sweep_records.with_loader(found, sweep_values.Loader(project, configured))


def known(ledger: connection.Ledger) -> list[studies.Study]:
    """The sweeps there are, newest first."""
    return sweep_records.sweeps(ledger)


def metrics_of(names: Sequence[str], direction: str, filed: Mapping[str, str], *, all_filed: bool) -> dict[str, str]:
    """The metrics to go by: those named here, and with `all_filed` those of sweep.yml. What is best of each is what
    `direction` says, else what sweep.yml does, else the most.
    """
    chosen = {name: direction or filed.get(name, sweep_points.MAXIMIZE) for name in names}
    return {**chosen, **{name: said for name, said in filed.items() if all_filed and name not in chosen}}


def check_metrics(metric: object) -> dict[str, str]:
    """Metrics as Python callers name them: one name, several, or a mapping to "maximize" or "minimize"."""
    faults: list[errors.Fault] = []
    found = sweep_points.directions(metric or {}, lambda *keys: "metric", faults)
    if faults:
        raise errors.UsageError.of(faults, "the metrics cannot be read")
    return found
