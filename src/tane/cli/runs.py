"""`tane runs`: the list of runs; and the verbs that delete, restore, export, import and follow them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from tane import errors, outcomes
from tane.cli import choosing, facts, homes, listing, tables, verbs
from tane.ledger import connection, filters, read, records, search
from tane.runs import backfill_records
from tane.tracking import sinks

_MOST = 20
_VERBS = {
    "delete": "hide runs from lists and searches",
    "restore": "show deleted runs again",
    "export": "write runs into one file",
    "import": "add the runs of a file",
    "tail": "follow a run that is at work",
}


@click.command(cls=verbs.WithVerbs, verbs=_VERBS, home="runs")
@click.argument("given", nargs=-1, metavar="[FLOW.py]")
@click.option("--filter", "filter", default="", metavar="FILTER", help="Runs of which this is true (see examples).")
@click.option("--sort", multiple=True, metavar="KEY", help="Order by this, -KEY from the highest; may be repeated.")
@click.option("--columns", multiple=True, metavar="A,B,...", help="Show these; tane runs --json has all names.")
@click.option("-n", "limit", type=click.IntRange(min=1), metavar="N", help=f"At most N runs ({_MOST}).")
@click.option("--status", type=click.Choice([str(each) for each in outcomes.RunStatus]), help="Runs that stand so.")
@click.option("-p", "--pipeline", default=None, help="Runs of this pipeline.")
@click.option("--experiment", default=None, metavar="NAME", help="Runs of this experiment.")
@click.option("--group", default=None, metavar="NAME", help="Runs of this group.")
@click.option("--study", default=None, metavar="NAME", help="The runs of this sweep or study.")
@click.option("-m", "--metric", "metrics", multiple=True, metavar="NAME", help="Show this metric; may be repeated.")
@click.option("--deleted", is_flag=True, help="The deleted runs.")
@click.option("--json", "as_json", is_flag=True, help="Print the runs as JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the runs as CSV, with all parameters, metrics and tags.")
@click.option("--backfill", default="", metavar="ID", help="The windows of this backfill.")
@click.option("--all", "everything", is_flag=True, help="The windows of backfills too, each a run of its own.")
@homes.environment
@homes.where
def command(
    given: tuple[str, ...],
    filter: str,
    sort: tuple[str, ...],
    columns: tuple[str, ...],
    limit: int | None,
    status: str | None,
    pipeline: str | None,
    experiment: str | None,
    group: str | None,
    study: str | None,
    metrics: tuple[str, ...],
    deleted: bool,
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
      tane runs --filter "metrics.pr_auc > 0.8 and params.model.name = 'lightgbm'" --sort -metrics.pr_auc
      tane runs --columns run,params.model.rate,metrics.loss,tags.owner
      tane runs --csv > runs.csv
    """
    if as_json and as_csv:
        raise errors.UsageError("--json and --csv exclude each other", hint="choose one of them")
    path, word = homes.words(given, path, "list")
    if word:
        raise _no_list(word)
    if backfill and (filter or sort):
        raise errors.UsageError(
            "--backfill lists windows in their order", hint="with --all a filter finds windows too: --filter ... --all"
        )
    wanted = {"status": status, "pipeline": pipeline, "group": group}
    with homes.ledger_of(homes.find(path, env)) as ledger:
        if backfill:
            found = _windows(ledger, backfill, status, _MOST if limit is None else limit)
        else:
            most = _MOST if limit is None else limit
            found = _search(ledger, _whole(filter, wanted), sort, most + 1, experiment, study, deleted, everything)
            if len(found) > most:
                found = found[:most]
                if limit is None:
                    click.echo(f"note: there are more runs than these {most}: -n N shows N", err=True)
        if not found:
            click.echo(_none(ledger, filter, wanted, experiment, study, deleted), err=True)
        if filter or sort:
            _tell_doubts(ledger, filter, sort)
        asked = homes.split(columns)
        chosen = list(asked)
        if found:
            by = choosing.names(sort)
            chosen = listing.columns(found, asked, metrics, by, lambda kind: search.names(ledger, kind))
    if as_json:
        click.echo(tables.as_json(found))
    elif as_csv:
        click.echo(listing.csv(found, chosen if columns else ()), nl=False)
    elif found:
        click.echo(listing.text(found, chosen))


def _no_list(word: str) -> errors.UsageError:
    near = errors.nearest(word, _VERBS)
    if near:
        return errors.UsageError(f"there is no command {word!r}", hint=f"did you mean 'tane runs {near}'?")
    return errors.UsageError(f"{word!r} is no flow file", hint=f"one run: tane show {word}; one pipeline: -p {word}")


def _whole(filter: str, wanted: dict[str, str | None]) -> str:
    """The filter with what options ask for beside it."""
    filters.parse(filter)  # so that a mistake is told by its column in what the user wrote
    parts = [f"({filter})"] if filter.strip() else []
    for name, value in wanted.items():
        if value is not None:
            quoted = value.replace("'", "''")
            parts.append(f"{name} = '{quoted}'")
    return " and ".join(parts)


def _search(
    ledger: connection.Ledger,
    filter: str,
    sort: Sequence[str],
    limit: int,
    experiment: str | None,
    study: str | None,
    deleted: bool,
    windows: bool,
) -> list[dict[str, Any]]:
    found = search.runs(
        ledger,
        filter,
        sort=choosing.keys(ledger, sort),
        limit=limit,
        experiment=experiment,
        study=study,
        deleted=deleted,
        windows=windows,
    )
    counts = read.counts(ledger, [each.run.run for each in found])
    return [_brief(ledger, each, counts.get(each.run.run, {})) for each in found]


def _brief(ledger: connection.Ledger, found: search.Found, counts: Any) -> dict[str, Any]:
    """A run's facts; those of a backfill with how many of its windows have succeeded."""
    brief = facts.brief(found.run, counts, found.metrics) | {"params": dict(found.params), "tags": dict(found.tags)}
    if found.run.kind != records.BACKFILL:
        return brief
    done = read.windows_done(ledger, found.run.run)
    return {**brief, "windows": {"succeeded": done, "all": found.run.config["backfill"]["windows"]}}


def _windows(ledger: connection.Ledger, backfill: str, status: str | None, limit: int) -> list[dict[str, Any]]:
    listed = read.windows(ledger, backfill_records.find(ledger, backfill).run)[::-1]
    kept = [run for run in listed if status is None or run.status == status][:limit]
    return [
        {**brief, "params": sinks.flatten(run.params), "tags": read.tags(ledger, run.run)}
        for run, brief in zip(kept, facts.briefs(ledger, kept), strict=True)
    ]


def _tell_doubts(ledger: connection.Ledger, filter: str, sort: Sequence[str]) -> None:
    """Warn of names that no run has: a filter with them is no mistake, but hardly what was meant."""
    for doubt in search.doubts(ledger, filter, choosing.keys(ledger, sort)):
        click.echo(f"warning: {doubt}", err=True)


def _none(
    ledger: connection.Ledger,
    filter: str,
    wanted: dict[str, str | None],
    experiment: str | None,
    study: str | None,
    deleted: bool,
) -> str:
    newest = read.runs(ledger, limit=1000)
    if not newest:
        if deleted:
            return "no run here is deleted"
        hidden = read.runs(ledger, limit=1, deleted=True)
        return "all runs here are deleted: tane runs --deleted" if hidden else "nothing has run here yet: tane run"
    asked: list[tuple[str, str | None, set[str]]] = [
        ("pipeline", wanted["pipeline"], {run.pipeline for run in newest}),
        ("experiment", experiment, {run.experiment for run in newest}),
        ("group", wanted["group"], {run.group for run in newest}),
        ("study", study, {run.study for run in newest}),
    ]
    for what, name, known in asked:
        if name is not None and name not in known:
            near = errors.nearest(name, known - {""})
            return f"no run of {what} {name!r}" + (f": did you mean {near!r}?" if near else "")
    if deleted:
        return "no run here is deleted" if not filter else "no deleted run is found by this filter"
    return "no run is found by this filter" if filter else f"no run here is {wanted['status']}"
