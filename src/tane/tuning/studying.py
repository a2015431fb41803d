"""`tune`: the best parameters of a pipeline, found by running it again and again.

Called by the doors. A study goes on where it was: its trials count over all sessions and workers, and those that are
under way elsewhere are left to whoever is at them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any

from tane import errors, fielded
from tane.executors import calls
from tane.ledger import connection, studies
from tane.outcomes import RunStatus, TrialState
from tane.project import projects
from tane.runs import opening, workshops
from tane.tuning import jobs, requests, samplers, trying, tuned, workers

KIND = "study"
_LOOK = 0.2  # seconds between looks at what other processes have done
Tell = Callable[[studies.Trial], None]
Begin = Callable[[studies.Study, Sequence[studies.Trial]], None]


@fielded.frozen
class How:
    """How to go about it: `jobs` trials at once, `retry` those that failed before, in a study of a `new` name."""

    jobs: int = 1
    retry: bool = False
    new: bool = False


_PLAINLY = How()


def _tell_nobody(trial: studies.Trial) -> None:
    """For those who do not look."""


def _tell_of_nothing(study: studies.Study, done: Sequence[studies.Trial]) -> None:
    """For those who do not look."""


def tune(
    project: projects.Project,
    request: requests.Request,
    *,
    study: str = "",
    selection: opening.Selection | None = None,
    how: How = _PLAINLY,
    begin: Begin = _tell_of_nothing,
    tell: Tell = _tell_nobody,
) -> tuned.Tuned:
    """Do trials of a pipeline of `project` until the study has as many as asked for; give how it stands then.

    Mistakes that can be known before a trial begins raise; what ends the search later comes back in `error`.
    """
    if how.jobs < 1:
        raise errors.UsageError(f"{how.jobs} is no number of trials at once", hint="give -j 1 or more")
    pipeline = request.pipeline or opening.DEFAULT
    selection = selection or opening.Selection()
    with jobs.Jobs(project, pipeline, selection) as hands:
        samples = workers.samples(request)
        workers.check(hands, samples)
        found = _open(hands, project, request, study, pipeline, selection, how)
        if how.retry:
            studies.requeue(hands.ledger, found, [TrialState.FAILED])
        begin(found, studies.trials(hands.ledger, found, _ENDED))
        deadline = None if request.timeout is None else time.time() + request.timeout
        error: errors.TaneError | None = None
        try:
            if how.jobs == 1:
                perform = workers.performer(hands, found, request)
                trying.work(hands.ledger, found, request, perform, deadline=deadline, tell=tell)
            else:
                _share(hands, found, samples)
                post = workers.Post(
                    path=str(project.flow or project.root),
                    params=project.params,
                    environments=project.environments,
                    overrides=project.overrides,
                    pipeline=pipeline,
                    selection=selection,
                    study=found.name,
                    request=request,
                    deadline=deadline,
                )
                _at_once(hands.ledger, found, post, how.jobs, tell)
        except KeyboardInterrupt:
            error = errors.InterruptedRun(
                f"study {found.name} was interrupted", hint="give the same command again: it goes on where it was"
            )
        except errors.TaneError as fault:
            error = fault
        return tuned.look(hands.ledger, found, error)


def _open(
    hands: jobs.Jobs,
    project: projects.Project,
    request: requests.Request,
    name: str,
    pipeline: str,
    selection: opening.Selection,
    how: How,
) -> studies.Study:
    """The study, with all that it is to begin with. Raises `errors.UsageError` when it is another one by now."""
    ledger = hands.ledger
    name = name or (pipeline if pipeline != opening.DEFAULT else "tuning")
    if how.new:
        taken = {study.name for study in studies.studies(ledger)}
        number, first = 2, name
        while name in taken:
            name, number = f"{first}-{number}", number + 1
    spec = {
        **request.spec(),
        "pipeline": pipeline,
        "selection": selection.as_dict(),
        "environments": list(project.environments),
        "overrides": list(project.overrides),
    }
    known = studies.named(ledger, name)
    if known is not None and known.kind == KIND and not studies.states(ledger, known).keys() - {TrialState.FAILED}:
        studies.delete(ledger, known.id)  # nothing has come of it: it may be about something else now
    elif known is not None:
        _check_same(known, spec)
    return open_study(ledger, name, request, spec)


def open_study(
    ledger: connection.Ledger, name: str, request: requests.Request, spec: Mapping[str, Any]
) -> studies.Study:
    """The study of that name with the points that it is to have in any case: those asked for, those of a grid."""
    sampler = samplers.settled(request.sampler, request.space)
    points = samplers.grid(sampler, request.space)
    total = request.trials
    if points:
        total = min(total or len(points), len(points))
    found = studies.open_study(
        ledger,
        name,
        kind=KIND,
        directions=request.directions,
        space=request.space.plain(),
        spec={**spec, "sampler": sampler.plain()},
        total=total,
    )
    if total is None and found.total is not None:
        found = studies.set_total(ledger, found, None)
    asked = [*request.enqueue, *points]
    if asked:
        studies.enqueue(ledger, found, asked[: total if total is not None else len(asked)])
    return found


_SAME = {
    "metrics": "the metrics",
    "pipeline": "the pipeline",
    "selection": "the selection of nodes",
    "environments": "the environments",
    "overrides": "the overrides",
    "constraints": "the constraints",
}


def _check_same(known: studies.Study, spec: Mapping[str, Any]) -> None:
    for key, what in _SAME.items():
        was, now = known.spec.get(key), spec[key]
        if known.kind == KIND and was is not None and was != now:
            raise errors.UsageError(
                f"{what} of study {known.name!r} were {_shown(was)} and are {_shown(now)} now: "
                "its trials could not be compared",
                hint="give another name with --study NAME, or --new",
            )


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) and value else str(value or "none")


def _share(hands: jobs.Jobs, study: studies.Study, samples: Sequence[Mapping[str, Any]]) -> None:
    """Do once what all trials have alike, before several begin at the same time; not again when that was done."""
    if studies.states(hands.ledger, study).get(TrialState.COMPLETE):
        return
    points = [[requests.override(name, value) for name, value in point.items()] for point in samples]
    only = hands.shared(points)
    if only:
        run = hands.perform_shared(hands.prepare(points[0]), only, study=study.name)
        if run.status is RunStatus.INTERRUPTED:
            raise KeyboardInterrupt
        run.raise_for_status()


def _at_once(ledger: connection.Ledger, study: studies.Study, post: workers.Post, count: int, tell: Tell) -> None:
    """Have several processes do the trials. One that dies is replaced; what it was at is done again by another."""
    seen = studies.news(ledger, study, 0)[1]
    with workshops.Pool(count, "processes") as pool:
        under = {
            pool.submit("processes", workers.work_remotely, fielded.replace(post, label=str(number))): number
            for number in range(count)
        }
        while under:
            for done in pool.as_completed(_LOOK):
                number = under.pop(done.ticket)
                if isinstance(done.error, calls.CallError) and _is_open(ledger, study, post.deadline):
                    again = fielded.replace(post, label=str(number))
                    under[pool.submit("processes", workers.work_remotely, again)] = number
                elif done.error is not None:
                    raise done.error
            changed, seen = studies.news(ledger, study, seen)
            for trial in changed:
                if trial.state in _ENDED:
                    tell(trial)


def _is_open(ledger: connection.Ledger, study: studies.Study, deadline: float | None) -> bool:
    if deadline is not None and time.time() >= deadline:
        return False
    states = studies.states(ledger, study)
    total = study.total
    begun = sum(states.values()) - states.get(TrialState.WAITING, 0)
    return bool(states.get(TrialState.RUNNING)) or total is None or begun < total


_ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED)


def look(project: projects.Project, prefix: str = "") -> tuned.Tuned:
    """How a study stands, by name; the newest where none is given."""
    with closing(connection.open_ledger(project.ledger, create=False)) as ledger:
        return tuned.look(ledger, chosen(ledger, prefix))


def chosen(ledger: connection.Ledger, prefix: str = "") -> studies.Study:
    """A study by name; the newest where none is given. Raises `errors.UsageError` when there is none."""
    if prefix:
        found = studies.find(ledger, prefix)
        if found.kind == "sweep":
            raise errors.UsageError(f"{found.name} is a sweep", hint="tane sweep shows sweeps, tane tune show studies")
        return found
    known = [study for study in studies.studies(ledger) if study.kind != "sweep"]
    if not known:
        raise errors.UsageError("there are no studies yet", hint="tane tune makes one")
    return known[0]
