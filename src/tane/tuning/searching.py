"""`tune`: the best arguments of a function, anywhere: in a script, a notebook, or within a node of a pipeline.

Within a node the search is part of that step: the best parameters it returns are kept as any output is, and a later run
that has the same code, inputs and space takes them without searching. Each trial is a point of a metric of the run.
"""

from __future__ import annotations

import inspect
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tane import errors, events
from tane.ledger import connection, records, studies
from tane.outcomes import TrialState
from tane.project import projects, settings
from tane.tracking import logs, sinks
from tane.tuning import pruners, requests, studying, trying, tuned

_SPACE = "space"


def tune(
    function: Callable[..., Any],
    space: Mapping[str, Any],
    *,
    direction: str | Sequence[str] = "",
    trials: int | None = None,
    timeout: float | str | None = None,
    sampler: str | Mapping[str, Any] = "",
    pruner: str | Mapping[str, Any] = "",
    seed: int | None = None,
    enqueue: Iterable[Mapping[str, Any]] = (),
    catch: tuple[type[Exception], ...] = (),
    study: str = "",
) -> tuned.Tuned:
    """Call `function` with parameters from `space` again and again, and find those for which what it returns is best.

    `space` is as in tune.yml: {"lr": {"low": 0.001, "high": 0.1, "log": True}, "depth": [2, 4, 8]}; or all that
    tune.yml may say, with the space as its "space". The least value is best unless `direction` is "maximize"; several
    directions stand for a function that returns several values. What the function raises ends the search, unless it is
    one of `catch`. With the name of a `study` its trials are kept in the ledger, and a later call goes on with them.
    """
    name = getattr(function, "__name__", type(function).__name__)
    name = "value" if not name.isidentifier() else name
    section = _section(space, name, direction)
    given = {"trials": trials, "timeout": timeout, "sampler": sampler, "pruner": pruner, "seed": seed}
    request = requests.read(requests.over(section, {**given, "enqueue": [dict(point) for point in enqueue]}))
    outer = logs.active()
    with ExitStack() as opened:
        ledger = _ledger(study, opened)
        found = studying.open_study(ledger, study or name, request, request.spec())
        perform = _performer(function, ledger, found, request, outer, catch)
        trying.work(ledger, found, request, perform)
        result = tuned.look(ledger, found)
    if outer is not None:
        _log(result, name)
    return result


def _section(space: Mapping[str, Any], name: str, direction: str | Sequence[str]) -> dict[str, Any]:
    """What is asked for, as tune.yml would say it."""
    section = dict(space) if isinstance(space.get(_SPACE), Mapping) else {_SPACE: dict(space)}
    said = [direction] if isinstance(direction, str) else list(direction)
    if said == [""]:
        there = [key for key in (requests.MAXIMIZE, requests.MINIMIZE) if key in section]
        if there:
            return section
        said = [requests.MINIMIZE]
    for one in said:
        if one not in (requests.MINIMIZE, requests.MAXIMIZE):
            raise errors.UsageError(
                f"{one!r} is no direction",
                hint=errors.did_you_mean(str(one), (requests.MINIMIZE, requests.MAXIMIZE), "minimize or maximize"),
            )
    names = [name] if len(said) == 1 else [f"{name}_{at}" for at in range(len(said))]
    section = {key: value for key, value in section.items() if key not in (requests.MAXIMIZE, requests.MINIMIZE)}
    return {**section, "goals": [requests.Goal(one, way) for one, way in zip(names, said, strict=True)]}


def _ledger(study: str, opened: ExitStack) -> connection.Ledger:
    """The project's ledger for a study that is to be kept, else one for the time being."""
    if not study:
        folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="tane-tune-", ignore_cleanup_errors=True))
        path = Path(folder, "ledger.db")
    else:
        try:
            path = projects.open_project().ledger
        except errors.ProjectError:
            path = settings.elsewhere(settings.defaults(Path.cwd(), "script"), os.environ).ledger
    ledger = connection.open_ledger(path)
    opened.callback(ledger.close)
    return ledger


def _performer(
    function: Callable[..., Any],
    ledger: connection.Ledger,
    study: studies.Study,
    request: requests.Request,
    outer: events.Sink | None,
    catch: tuple[type[Exception], ...],
) -> trying.Perform:
    whole = not all(parameter.name.isidentifier() for parameter in request.space)
    base: events.Sink = outer or sinks.MemorySink(records.new_run_id())

    def perform(trial: studies.Trial) -> trying.Outcome:
        watch = pruners.Watch(
            ledger=str(ledger.path),
            study=study.name,
            trial=trial,
            metric=request.goals[0].metric,
            direction=request.goals[0].direction,
            pruner=request.pruner,
            judged=len(request.goals) == 1,
            silent=True,
        )
        try:
            with events.working(watch(base)):
                values = function(dict(trial.point)) if whole else function(**trial.point)
        except errors.PrunedTrial as pruned:
            last = studies.reports(ledger, study.id, trial.id).get(trial.id, {})
            reported = {events.REPORT: last[max(last)]} if last else {}
            return trying.Outcome(reported, error=pruned)
        except catch as error:
            return trying.Outcome(error=errors.UserCodeError(f"{type(error).__name__}: {error}", hint=""))
        except Exception as error:
            studies.finish(ledger, trial, TrialState.FAILED, error=f"{type(error).__name__}: {error}")
            raise
        return trying.Outcome(_metrics(function, values, request))

    return perform


def _metrics(function: Callable[..., Any], values: Any, request: requests.Request) -> dict[str, float]:
    several = list(values) if isinstance(values, tuple | list) else [values]
    try:
        numbers = [float(value) for value in several]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != len(request.goals):
        where = inspect.getsourcefile(function) if inspect.isfunction(function) else ""
        wanted = "a number" if len(request.goals) == 1 else f"{len(request.goals)} numbers"
        raise errors.UsageError(
            f"the function to be tuned returned {values!r}", hint=f"return {wanted}", where=where or ""
        )
    return {goal.metric: number for goal, number in zip(request.goals, numbers, strict=True)}


def _log(study: tuned.Tuned, name: str) -> None:
    """Put down in the active run what was tried."""
    for one in study.complete:
        values = {goal.metric: value for goal, value in zip(study.goals, one.values, strict=True)}
        logs.log_metrics({f"tune.{metric}": value for metric, value in values.items()}, one.number)
    if len(study.goals) == 1 and study.front:
        logs.log_metric(f"best.{study.goals[0].metric}", study.best_value)
    logs.log_text(json.dumps(study.as_dict(), indent=2, default=str), f"{name}_trials.json")
