"""`tane runs export`."""

from __future__ import annotations

from pathlib import Path

import click

from tane import errors
from tane.cli import choosing, homes, tables
from tane.versions import exporting


@click.command(short_help="write runs into one file")
@click.argument("given", nargs=-1, metavar="[FLOW.py] RUN...")
@click.option("-o", "--output", default="runs.tane", metavar="FILE", type=click.Path(path_type=Path), help="The file.")
@click.option("--filter", "filter", default="", metavar="FILTER", help="The runs that a filter chooses too.")
@click.option("--with-data", "data", is_flag=True, help="What their steps took and made too, not only artifacts.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
@homes.environment
@homes.where
def command(
    given: tuple[str, ...], output: Path, filter: str, data: bool, as_json: bool, env: tuple[str, ...], path: str
) -> None:
    """Write runs into one file, for another project or another machine: parameters, metrics with all their points,
    tags, notes, steps, packages, artifacts, uncommitted code.

    \b
    Examples:
      tane runs export 20261121-10 -o best.tane
      tane runs export --filter "tags.keep = 'yes'" -o kept.tane --with-data
    """
    path, named = choosing.words(given, path)
    if not named and not filter:
        raise errors.UsageError("no runs are named", hint="name some, or choose them with --filter")
    if output.is_dir():
        raise errors.UsageError(f"{str(output)!r} is a folder", hint="give the name of a file in it")
    home = homes.find(path, env)
    with homes.ledger_of(home) as ledger, homes.store_of(home) as store:
        runs = choosing.runs(ledger, named, filter)
        if not runs:
            raise errors.UsageError(
                f"no run is chosen by the filter {filter!r}", hint="tane runs --filter shows what a filter finds"
            )
        found = exporting.export(ledger, store, runs, output.resolve(), data=data)
    for each in found.missing:
        click.echo(f"left out: {each} is no longer in the store", err=True)
    if as_json:
        known = {"file": str(output), "runs": found.runs, "objects": found.objects, "missing": found.missing}
        click.echo(tables.as_json({**known, "bytes": output.stat().st_size}))
        return
    size = tables.size(output.stat().st_size)
    objects = tables.count(found.objects, "object")
    click.echo(f"wrote {tables.count(len(found.runs), 'run')} and {objects} into {output} ({size})")
