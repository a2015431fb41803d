"""`tane compare`."""

from __future__ import annotations

from pathlib import Path

import click

from tane import errors
from tane.cli import choosing, comparison, homes, tables
from tane.ledger import records
from tane.store import placing
from tane.versions import comparing, comparison_page, curves

_MOST = 200


@click.command()
@click.argument("given", nargs=-1, metavar="[FLOW.py] RUN RUN...")
@click.option("--filter", "filter", default="", metavar="FILTER", help="Compare the runs that a filter chooses too.")
@click.option("--sort", multiple=True, metavar="KEY", help="Order those by this, -KEY from the highest.")
@click.option("-n", "limit", default=20, type=click.IntRange(1, _MOST), metavar="N", help="At most N of those (20).")
@click.option(
    "--html",
    "page",
    default=None,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Make a page of it, with the curves of metrics over each other.",
)
@click.option("--diff", "whole", is_flag=True, help="Show the differing lines of code whole, however many.")
@click.option("--all", "everything", is_flag=True, help="Show parameters and packages that do not differ as well.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, with the points of the curves.")
@homes.environment
@homes.where
def command(
    given: tuple[str, ...],
    filter: str,
    sort: tuple[str, ...],
    limit: int,
    page: Path | None,
    whole: bool,
    everything: bool,
    as_json: bool,
    env: tuple[str, ...],
    path: str,
) -> None:
    """Say how runs differ: parameters, metrics, code, data, packages. A run is named by its id, the beginning of it, or
    its name.

    \b
    Examples:
      tane compare 20261121-10 20261121-11
      tane compare last "first try" --html comparison.html
      tane compare --filter "metrics.pr_auc > 0.8" -n 10
    """
    path, named = choosing.words(given, path)
    home = homes.find(path, env)
    if page is not None and page.is_dir():
        raise errors.UsageError(f"{str(page)!r} is a folder", hint="give the name of a file in it")
    with homes.ledger_of(home) as ledger, homes.store_of(home) as store:
        runs = choosing.runs(ledger, named, filter, sort=sort, limit=limit)
        _check(runs, named, filter)
        found = comparing.compare(comparing.Place(ledger, store, home.root, home.code, home.conf), runs)
        drawn = curves.curves(ledger, runs) if page is not None or as_json else []
    if page is not None:
        data = comparison_page.draw(found, drawn).encode("utf-8")
        placing.file(page.resolve(), lambda opened: placing.write_all(opened, data))
    if as_json:
        click.echo(tables.as_json(comparison.as_dict(found, drawn)))
    elif page is not None:
        click.echo(f"compared {tables.count(len(runs), 'run')} in {page}")
    else:
        click.echo(comparison.text(found, whole=whole, everything=everything))


def _check(runs: list[records.RunRecord], named: list[str], filter: str) -> None:
    if len(runs) > _MOST:
        raise errors.UsageError(f"{len(runs)} runs are too many to be looked at", hint=f"name at most {_MOST}")
    if len(runs) > 1:
        return
    if len(named) > 1:
        names = " and ".join(map(repr, named))
        raise errors.UsageError(f"{names} are the same run, {runs[0].run}", hint="name another one beside it")
    if filter:
        what = f"only {runs[0].run} is chosen" if runs else "no run is chosen"
        raise errors.UsageError(f"{what} by the filter {filter!r}", hint="tane runs --filter shows what a filter finds")
    if named:
        raise errors.UsageError("one run alone cannot be compared", hint=f"name another: tane compare {named[0]} last")
    raise errors.UsageError("no runs are named", hint="tane compare RUN RUN, or tane compare --filter FILTER")
