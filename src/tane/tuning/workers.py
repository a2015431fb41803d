"""The trials of a study as runs of a pipeline, in this process or in several.

A worker process opens project, store and ledger once, and takes trials until none is left. One that is killed loses the
trial that it was at: the next worker that asks does it again.
"""

from __future__ import annotations

from collections.abc import Sequence

from tane import events, fielded
from tane.ledger import connection, read, studies
from tane.project import projects
from tane.runs import opening
from tane.tuning import jobs, pruners, requests, trying


@fielded.frozen
class Post:
    """Where a worker works, and at what; it travels to worker processes."""

    path: str
    params: str
    environments: tuple[str, ...]
    overrides: tuple[str, ...]
    pipeline: str
    selection: opening.Selection
    study: str
    request: requests.Request
    deadline: float | None
    label: str = ""


def point_overrides(trial: studies.Trial) -> list[str]:
    """The overrides that a trial's run has on top."""
    return [requests.override(name, value) for name, value in trial.point.items()]


def performer(hands: jobs.Jobs, study: studies.Study, request: requests.Request) -> trying.Perform:
    """Does a trial as a run of the pipeline."""

    def perform(trial: studies.Trial) -> trying.Outcome:
        watch = pruners.Watch(
            ledger=str(hands.ledger.path),
            study=study.name,
            trial=trial,
            metric=request.goals[0].metric,
            direction=request.goals[0].direction,
            pruner=request.pruner,
            judged=len(request.goals) == 1,
        )
        ended = hands.perform(
            point_overrides(trial),
            study=study.name,
            trial=trial.number,
            name=f"{study.name}/{trial.number}",
            experiment=request.experiment,
            sink_wrapper=watch,
        )
        if ended.reused and ended.error is None and watch.judged and request.pruner != pruners.NONE:
            _take_over(hands.ledger, trial, ended.run)
        return trying.Outcome(ended.metrics, ended.run, ended.error)

    return perform


def _take_over(ledger: connection.Ledger, trial: studies.Trial, run: str) -> None:
    """Have what a reused step once reported stand for this trial too, for others to be judged by."""
    if not studies.has_reported(ledger, trial.id):
        for point in read.series(ledger, run, events.REPORT):
            studies.report(ledger, trial.id, point.step, point.value)


def samples(request: requests.Request) -> list[dict[str, object]]:
    """Points that together have every parameter, and every choice of each, once."""
    by_name = request.space.by_name()
    found: list[dict[str, object]] = []
    for parameter in request.space:
        for value in parameter.choices[:_MANY] or (parameter.at(0.0), parameter.at(0.999)):
            given = {parameter.name: value}
            left = [parameter]
            while left:
                for other, values in left.pop().when:
                    if other not in given:
                        given[other] = values[0]
                        left.append(by_name[other])
            point = request.space.point(lambda index, one: one.at(0.5), given)
            if point not in found:
                found.append(point)
    return found


_MANY = 50


def check(hands: jobs.Jobs, points: Sequence[dict[str, object]]) -> None:
    """Raises what `tane run` would have to say to one of these points, before any trial begins."""
    for point in points:
        hands.open(hands.prepare([requests.override(name, value) for name, value in point.items()]))


def work_remotely(post: Post) -> None:
    """Do trials in a worker process, until there are none left."""
    project = projects.open_project(post.path, env=post.environments, overrides=post.overrides, params=post.params)
    with jobs.Jobs(project, post.pipeline, post.selection) as hands:
        study = studies.find(hands.ledger, post.study)
        perform = performer(hands, study, post.request)
        trying.work(hands.ledger, study, post.request, perform, worker=post.label, deadline=post.deadline)
