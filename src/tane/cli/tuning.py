"""What a study looks like while it goes on and when it has ended; and what the command line asks of it."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import click

from tane import errors
from tane.cli import asking, tables
from tane.config import documents, grammar, trees
from tane.ledger import studies
from tane.outcomes import TrialState
from tane.project import projects
from tane.runs import opening
from tane.tuning import importance, promotion, requests, tuned

_WIDE = 9
_ROWS = 20
_BAR = 24


def request(
    project: projects.Project, asked: asking.Asked, words: requests.Words, given: Mapping[str, Any]
) -> requests.Request:
    """What is asked for: what tune.yml says, or another file, with options and words of the command line on top."""
    said: dict[str, Any] = {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}
    file = said.pop("space")
    filed = _filed(file) if file else {}
    pipeline = asked.pipeline if asked.pipeline != opening.DEFAULT else ""
    options = requests.over({}, {**said, "pipeline": pipeline})
    said_in = {**dict.fromkeys(filed, file), **dict.fromkeys(options, "command line")}
    return requests.of_project(project, requests.over(filed, options), words, said_in)


def _filed(file: str) -> dict[str, Any]:
    """What a file says: settings as those of tune.yml, or just a space."""
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise errors.UsageError(f"cannot read {file}: {error}", hint="name a YAML file") from error
    faults: list[errors.Fault] = []
    found = documents.read(text, file, faults)
    if faults or found is None:
        raise errors.ConfigError.of(faults or [errors.Fault("there is nothing in it", file, "write a space")])
    said = trees.plain(found)
    return said if "space" in said else {"space": said}


class Lines:
    """A line for each trial that has ended."""

    def __init__(self, out: TextIO, asked: requests.Request, quiet: bool) -> None:
        self._out = out
        self._quiet = quiet
        self._goals = asked.goals
        self._ranked = len(asked.goals) == 1 and not asked.constraints
        self._best: float | None = None
        self._study: studies.Study | None = None

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(OSError, ValueError):  # nobody reads any more, or user code closed it
            self._out.flush()

    def begin(self, study: studies.Study, done: Sequence[studies.Trial]) -> None:
        """Say what begins, or goes on."""
        self._study = study
        for trial in done:
            self._is_best(trial)
        count = "without end" if study.total is None else f"of {study.total}"
        sampler = study.spec.get("sampler", {}).get("name", "")
        goals = ", ".join(f"{goal.direction} {goal.metric}" for goal in self._goals)
        far = f"; {len(done)} done before" if done else ""
        self._say(f"study {study.name}: trials {count} by {sampler}, {goals}{far}")

    def observe(self, trial: studies.Trial) -> None:
        """Write how a trial ended."""
        mark = " *" if self._is_best(trial) else ""
        word = {TrialState.COMPLETE: "done", TrialState.PRUNED: "pruned", TrialState.FAILED: "FAILED"}[trial.state]
        values = [f"{g.metric} = {value:.6g}" for g, value in zip(self._goals, trial.values, strict=False)]
        said = ", ".join(values) if trial.state is not TrialState.FAILED else trial.error.splitlines()[0]
        self._say(f"  {word:<{_WIDE}}#{trial.number:<4} {said:<24} {point_text(trial.point)}{mark}")

    def _is_best(self, trial: studies.Trial) -> bool:
        if trial.state is not TrialState.COMPLETE or not self._ranked or not trial.values:
            return False
        value = trial.values[0] * (-1 if self._goals[0].direction == requests.MAXIMIZE else 1)
        if self._best is not None and value >= self._best:
            return False
        self._best = value
        return True

    def _say(self, text: str) -> None:
        if not self._quiet:
            print(text, file=self._out, flush=True)


def observer(asked: requests.Request, *, quiet: bool = False) -> Lines:
    """What shows the trials of a study as they end."""
    return Lines(sys.stdout, asked, quiet)


def point_text(point: Mapping[str, Any]) -> str:
    """A point as the command line has it; numbers are cut to what can be read."""
    return " ".join(
        f"{name}={value:.6g}" if isinstance(value, float) else f"{name}={grammar.written(value)}"
        for name, value in point.items()
    )


def ended_text(study: tuned.Tuned) -> str:
    """What is said when the search has ended."""
    counts = ", ".join(f"{count} {state}" for state, count in study.counts().items()) or "no trials"
    lines = [f"study {study.name}: {counts}"]
    if not study.front:
        return "\n".join([*lines, f"no trial is the best: {_why_none(study)}"])
    if len(study.goals) > 1:
        lines.append(f"{len(study.front)} trials that no other is better than in every goal:")
    for one in study.front[:_ROWS]:
        values = ", ".join(f"{goal.metric} = {value:.6g}" for goal, value in zip(study.goals, one.values, strict=True))
        head = "best: " if len(study.goals) == 1 else "  "
        lines.append(f"{head}trial {one.number}, {values}: {point_text(one.params)}")
        if one.run:
            lines.append(f"{' ' * len(head)}run {one.run}")
    return "\n".join(lines)


def _why_none(study: tuned.Tuned) -> str:
    if not study.complete:
        return "none is complete"
    unlogged = set.intersection(*(set(one.unlogged) for one in study.complete))
    missing = f"; nothing logs the metric of {' and '.join(sorted(unlogged))}" if unlogged else ""
    return f"none that is complete keeps {' and '.join(study.spec.get('constraints', ()))}{missing}"


def shown_text(study: tuned.Tuned) -> str:
    """A study for people: the best, what matters, the trials in the order of how good they are."""
    parts = [ended_text(study)]
    for at, goal in enumerate(study.goals):
        shares = importance.of(study, at)
        if shares:
            parts.append(f"\nwhat {goal.metric} depends on (share of its variance that each explains by itself):")
            wide = max(map(len, shares))
            parts += [f"  {name:<{wide}}  {share:>4.0%} {'#' * round(share * _BAR)}" for name, share in shares.items()]
    sign = study.better()
    ordered = sorted(study.trials, key=lambda one: (one.state is not TrialState.COMPLETE, sign * one.value, one.number))
    rows = [_row(study, one) for one in ordered[:_ROWS]]
    if rows:
        heads = ["trial", "state", *(goal.metric for goal in study.goals)]
        heads += [parameter.name for parameter in study.space]
        parts.append("")
        parts.append(tables.table(rows, heads))
        if len(study.trials) > _ROWS:
            parts.append(f"... and {len(study.trials) - _ROWS} more: --json, --html FILE")
    return "\n".join(parts)


def _row(study: tuned.Tuned, one: tuned.Tried) -> list[str]:
    state = str(one.state) if one.feasible else "broke a bound"
    values = [f"{value:.6g}" for value in one.values] or [""] * len(study.goals)
    point = [
        "" if parameter.name not in one.params else _short(one.params[parameter.name]) for parameter in study.space
    ]
    return [str(one.number), state, *values, *point]


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else grammar.written(value)


def list_dict(known: Sequence[studies.Study], counts: Mapping[int, Mapping[TrialState, int]]) -> list[dict[str, Any]]:
    """The studies there are, as JSON has it."""
    return [
        {
            "study": study.name,
            "kind": study.kind,
            "metrics": study.spec.get("metrics", []),
            "directions": list(study.directions),
            "total": study.total,
            "counts": {str(state): count for state, count in counts.get(study.id, {}).items()},
            "created": tables.iso(study.created),
        }
        for study in known
    ]


def list_text(known: Sequence[studies.Study], counts: Mapping[int, Mapping[TrialState, int]]) -> str:
    """The studies there are, one line each."""
    if not known:
        return "there are no studies yet: tane tune makes one"
    rows = []
    for study in known:
        of_study = counts.get(study.id, {})
        done = sum(of_study.values())
        rows.append(
            [
                study.name,
                f"{done} of {study.total}" if study.total is not None else str(done),
                ", ".join(f"{count} {state}" for state, count in of_study.items()),
                ", ".join(study.spec.get("metrics", [])),
                time.strftime("%Y-%m-%d %H:%M", time.localtime(study.created)),
            ]
        )
    return tables.table(rows, ["study", "trials", "of these", "metrics", "created"])


def promote(project: projects.Project, study: tuned.Tuned, file: str, *, force: bool, quiet: bool) -> None:
    """Write the best parameters into a file, and show how it differs."""
    what = promotion.prepare(project, study, file)
    diff = what.diff(Path.cwd())
    if diff:
        click.echo(diff, nl=False, err=quiet)
    promotion.carry_out(project, what, force=force)
    take = f": tane run -e {what.environment} takes it" if what.environment else ""
    click.echo(f"{what.path} {'says so already' if not diff else 'is written'}{take}", err=quiet)
