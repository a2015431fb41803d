"""`tane runs delete`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from tane import errors, outcomes
from tane.cli import choosing, homes, tables
from tane.ledger import connection, records, write

_SHOWN = 20


@click.command(short_help="hide runs from lists and searches")
@click.argument("given", nargs=-1, metavar="[FLOW.py] RUN...")
@click.option("--filter", "filter", default="", metavar="FILTER", help="The runs that a filter chooses too.")
@click.option("-y", "--yes", "sure", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print which were deleted as JSON.")
@homes.environment
@homes.where
def command(given: tuple[str, ...], filter: str, sure: bool, as_json: bool, env: tuple[str, ...], path: str) -> None:
    """Hide runs from lists and searches. Nothing else changes: what they kept is still reused, and `tane runs restore`
    brings them back. Runs that a filter chooses are shown first.

    \b
    Examples:
      tane runs delete 20261121-10
      tane runs delete --filter "status = 'failed' and started < '2026-11-01'"
    """
    path, named = choosing.words(given, path)
    if not named and not filter:
        raise errors.UsageError("no runs are named", hint="name some, or choose them with --filter")
    home = homes.find(path, env)
    with homes.ledger_of(home) as looked:
        chosen = choosing.runs(looked, named, filter)
        _check(chosen, filter)
    if filter and chosen and not sure:
        _ask(chosen)
    done = []
    ledger = connection.open_ledger(home.ledger)
    try:
        done = [run.run for run in chosen if write.delete_run(ledger, run.run)]
    finally:
        ledger.close()
    if as_json:
        click.echo(tables.as_json({"deleted": done}))
    else:
        left = len(chosen) - len(done)
        more = f"; {left} {'was' if left == 1 else 'were'} deleted before" if left else ""
        back = f"tane runs restore {done[0]} brings {'it' if len(done) == 1 else 'the first'} back" if done else ""
        click.echo(f"deleted {tables.count(len(done), 'run')}{more}" + (f" ({back})" if back else ""))


def _check(chosen: Sequence[records.RunRecord], filter: str) -> None:
    """None is deleted when one of them cannot be."""
    faults = [
        errors.Fault(f"run {run.run} is still running", hint="wait for its end, or end it first")
        for run in chosen
        if run.status is outcomes.RunStatus.RUNNING
    ]
    if faults:
        raise errors.UsageError.of(faults, f"{len(faults)} runs are still running")
    if not chosen:
        raise errors.UsageError(
            f"no run is chosen by the filter {filter!r}", hint="tane runs --filter shows what a filter finds"
        )


def _ask(chosen: Sequence[records.RunRecord]) -> None:
    rows = [(run.run, run.name, str(run.status), tables.when(run.started)) for run in chosen[:_SHOWN]]
    click.echo(tables.table(rows), err=True)
    if len(chosen) > _SHOWN:
        click.echo(f"and {len(chosen) - _SHOWN} more", err=True)
    if not sys.stdin.isatty():
        raise errors.UsageError(
            f"the filter chooses {tables.count(len(chosen), 'run')}, and nobody can be asked here",
            hint="--yes deletes them",
        )
    if not click.confirm(f"delete {tables.count(len(chosen), 'run')}?", default=False, err=True):
        raise click.Abort
