"""`tane runs import`."""

from __future__ import annotations

from pathlib import Path

import click

from tane import errors
from tane.cli import homes, tables
from tane.ledger import connection
from tane.store import objects, referrers
from tane.versions import importing


@click.command(short_help="add the runs of a file")
@click.argument("given", nargs=-1, metavar="[FLOW.py] FILE")
@click.option("--json", "as_json", is_flag=True, help="Print what was added as JSON.")
@homes.environment
@homes.where
def command(given: tuple[str, ...], as_json: bool, env: tuple[str, ...], path: str) -> int:
    """Add the runs of a file that `tane runs export` wrote. They can be listed, shown, compared and searched like those
    made here; no step here is skipped because of them. Importing a file again adds nothing.

    \b
    Example:
      tane runs import best.tane
    """
    path, name = homes.words(given, path, "file")
    if not name:
        raise errors.UsageError("no file is named", hint="tane runs import FILE")
    home = homes.find(path, env)
    ledger = connection.open_ledger(home.ledger)
    try:
        with objects.Objects(home.store) as store:
            referrers.note(home.store, home.ledger, home.root)
            found = importing.bring_in(ledger, store, Path(name))
    finally:
        ledger.close()
    for each in found.conflicts:
        click.echo(f"warning: run {each.run} is here and differs in: {', '.join(each.parts)}", err=True)
    if as_json:
        conflicts = [{"run": each.run, "parts": each.parts} for each in found.conflicts]
        known = {"added": found.added, "known": found.known, "conflicts": conflicts, "objects": found.objects}
        click.echo(tables.as_json({**known, "missing": found.missing}))
    else:
        said = [f"added {tables.count(len(found.added), 'run')}"]
        said += [f"{len(found.known)} {'was' if len(found.known) == 1 else 'were'} here already"] if found.known else []
        click.echo(", ".join(said))
    if found.conflicts:
        count = tables.count(len(found.conflicts), "run")
        raise errors.RefusedError(
            f"{count} of the file left as they are here", hint="tane show RUN here and there shows how they differ"
        )
    return 0
