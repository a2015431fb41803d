"""`tane runs`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from tane import errors, outcomes
from tane.cli import facts, homes, tables
from tane.ledger import connection, read, records
from tane.runs import backfill_records

_METRICS = 3


@click.command()
@click.argument("given", nargs=-1, metavar="[FLOW.py]")
@click.option("-n", "limit", default=20, type=click.IntRange(min=1), metavar="N", help="At most N runs (20).")
@click.option("--status", type=click.Choice([str(each) for each in outcomes.RunStatus]), help="Runs that stand so.")
@click.option("-p", "--pipeline", default=None, help="Runs of this pipeline.")
@click.option("-m", "--metric", "metrics", multiple=True, metavar="NAME", help="Show this metric; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print the runs as JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the runs as CSV, with all metrics.")
@click.option("--backfill", default="", metavar="ID", help="The windows of this backfill.")
@click.option("--all", "everything", is_flag=True, help="The windows of backfills too, each a run of its own.")
@homes.environment
@homes.where
def command(
    given: tuple[str, ...],
    limit: int,
    status: str | None,
    pipeline: str | None,
    metrics: tuple[str, ...],
    as_json: bool,
    as_csv: bool,
    backfill: str,
    everything: bool,
    env: tuple[str, ...],
    path: str,
) -> None:
    """List runs, newest first: those of pipelines and those that scripts tracked. A backfill is one line.

    \b
    Examples:
      tane runs -n 5
      tane runs --pipeline training --status failed
      tane runs -m pr_auc -m roc_auc
      tane runs --csv > runs.csv
    """
    if as_json and as_csv:
        raise errors.UsageError("--json and --csv exclude each other", hint="choose one of them")
    path, word = homes.words(given, path, "list")
    if word:
        raise errors.UsageError(f"{word!r} is no flow file", hint=f"one run: tane show {word}; one pipeline: -p {word}")
    with homes.ledger_of(homes.find(path, env)) as ledger:
        wanted = outcomes.RunStatus(status) if status else None
        if backfill:
            listed = read.windows(ledger, backfill_records.find(ledger, backfill).run)[::-1]
            listed = [run for run in listed if wanted is None or run.status is wanted][:limit]
        else:
            listed = read.runs(ledger, limit=limit, pipeline=pipeline, status=wanted, windows=everything)
        found = [
            _with_windows(ledger, run, each) for run, each in zip(listed, facts.briefs(ledger, listed), strict=True)
        ]
        if not found:
            click.echo(_none(ledger, pipeline, status), err=True)
    if as_json:
        click.echo(tables.as_json(found))
    elif as_csv:
        click.echo(_csv(found), nl=False)
    elif found:
        click.echo(text(found, _known(metrics, found)))


def _with_windows(ledger: connection.Ledger, run: records.RunRecord, brief: dict[str, Any]) -> dict[str, Any]:
    """A run's facts; those of a backfill with how many of its windows have succeeded."""
    if run.kind != records.BACKFILL:
        return brief
    done = read.windows_done(ledger, run.run)
    return {**brief, "windows": {"succeeded": done, "all": run.config["backfill"]["windows"]}}


def _steps(brief: dict[str, Any]) -> str:
    windows = brief.get("windows")
    return f"{windows['succeeded']} of {windows['all']} windows" if windows else facts.counted(brief["steps"])


def _known(wanted: Sequence[str], found: Sequence[dict[str, Any]]) -> Sequence[str]:
    known = {name for each in found for name in each["metrics"]}
    for name in wanted:
        if name not in known:
            hint = errors.did_you_mean(name, known, f"they have: {', '.join(sorted(known)) or 'none'}")
            raise errors.UsageError(f"no run listed here has a metric {name!r}", hint=hint)
    return wanted


def text(found: Sequence[dict[str, Any]], wanted: Sequence[str] = ()) -> str:
    """Runs as a table with the metrics `wanted`, else with those that most of them have."""
    metrics = wanted or facts.metric_names(found, _METRICS)
    header = ["run", "name", "status", "started", "took", "pipeline", "steps", *metrics]
    rows = [
        [
            each["id"],
            each["name"],
            each["status"],
            tables.local(each["started"]),
            tables.duration(each["seconds"]),
            each["pipeline"] or "(script)",
            _steps(each),
            *(tables.number(each["metrics"][name]) if name in each["metrics"] else "" for name in metrics),
        ]
        for each in found
    ]
    filled = [at for at, word in enumerate(header) if word != "name" or any(row[at] for row in rows)]
    right = {filled.index(at) for at in (4, *range(7, len(header)))}
    return tables.table([[row[at] for at in filled] for row in rows], [header[at] for at in filled], right)


def _csv(found: Sequence[dict[str, Any]]) -> str:
    plain = ["id", "name", "kind", "status", "pipeline", "started", "ended", "seconds"]
    steps = [str(each) for each in outcomes.StepStatus]
    metrics = sorted({name for each in found for name in each["metrics"]})
    header = [*plain, *(f"steps.{step}" for step in steps), *(f"metrics.{name}" for name in metrics)]
    return tables.csv(
        header,
        (
            [
                *(each[name] for name in plain),
                *(each["steps"][step] for step in steps),
                *(each["metrics"].get(name, "") for name in metrics),
            ]
            for each in found
        ),
    )


def _none(ledger: connection.Ledger, pipeline: str | None, status: str | None) -> str:
    known = {run.pipeline for run in read.runs(ledger, limit=1000)}
    if not known:
        return "nothing has run here yet: tane run"
    if pipeline is not None and pipeline not in known:
        near = errors.nearest(pipeline, known)
        return f"no run of pipeline {pipeline!r}" + (f": did you mean {near!r}?" if near else "")
    return f"no run here is {status}"
