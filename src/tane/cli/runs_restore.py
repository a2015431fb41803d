"""`tane runs restore`."""

from __future__ import annotations

import click

from tane import errors
from tane.cli import choosing, homes, tables
from tane.ledger import connection, write


@click.command(short_help="show deleted runs again")
@click.argument("given", nargs=-1, metavar="[FLOW.py] RUN...")
@click.option("--filter", "filter", default="", metavar="FILTER", help="The deleted runs that a filter chooses too.")
@click.option("--json", "as_json", is_flag=True, help="Print which were restored as JSON.")
@homes.environment
@homes.where
def command(given: tuple[str, ...], filter: str, as_json: bool, env: tuple[str, ...], path: str) -> None:
    """Show deleted runs again. `tane runs --deleted` lists them.

    \b
    Examples:
      tane runs restore 20261121-10
      tane runs restore --filter "pipeline = 'training'"
    """
    path, named = choosing.words(given, path)
    if not named and not filter:
        raise errors.UsageError("no runs are named", hint="tane runs --deleted lists those that can be restored")
    home = homes.find(path, env)
    with homes.ledger_of(home) as looked:
        chosen = choosing.runs(looked, named, filter, deleted=True)
    if not chosen:
        raise errors.UsageError(
            f"no deleted run is chosen by the filter {filter!r}", hint="tane runs --deleted lists those there are"
        )
    ledger = connection.open_ledger(home.ledger)
    try:
        done = [run.run for run in chosen if write.restore_run(ledger, run.run)]
    finally:
        ledger.close()
    if as_json:
        click.echo(tables.as_json({"restored": done}))
        return
    left = len(chosen) - len(done)
    more = f"; {left} {'was' if left == 1 else 'were'} not deleted" if left else ""
    click.echo(f"restored {tables.count(len(done), 'run')}{more}")
