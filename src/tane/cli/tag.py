"""`tane tag`."""

from __future__ import annotations

import click

from tane import errors
from tane.cli import choosing, homes, tables
from tane.ledger import connection, read, write


@click.command()
@click.argument("given", nargs=-1, metavar="[FLOW.py] RUN [KEY=VALUE]...")
@click.option("--remove", multiple=True, metavar="KEY", help="Remove this tag; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print the run's tags as JSON.")
@homes.environment
@homes.where
def command(given: tuple[str, ...], remove: tuple[str, ...], as_json: bool, env: tuple[str, ...], path: str) -> None:
    """Set or remove tags of a run; without any, show those it has. Filters know them as tags.KEY.

    \b
    Examples:
      tane tag last owner=ada stage=candidate
      tane tag 20261121-10 --remove stage
    """
    path, words = choosing.words(given, path)
    if not words or "=" in words[0]:
        raise errors.UsageError("no run is named", hint="tane tag RUN KEY=VALUE; tane runs lists the runs there are")
    wanted = _tags(words[1:])
    both = sorted(wanted.keys() & set(remove))
    if both:
        raise errors.UsageError(f"the tag {both[0]!r} is to be set and removed", hint="do one of them")
    home = homes.find(path, env)
    with homes.ledger_of(home) as looked:
        run = read.run(looked, words[0]).run
        tags = read.tags(looked, run)
    faults = [
        errors.Fault(
            f"run {run} has no tag {name!r}",
            hint=errors.did_you_mean(name, tags, f"it has: {', '.join(tags) or 'none'}"),
        )
        for name in remove
        if name not in tags
    ]
    if faults:
        raise errors.UsageError.of(faults, f"{len(faults)} tags are not there")
    if wanted or remove:
        ledger = connection.open_ledger(home.ledger)
        try:
            if wanted:
                write.set_tags(ledger, run, wanted)
            if remove:
                write.remove_tags(ledger, run, remove)
            tags = read.tags(ledger, run)
        finally:
            ledger.close()
    if as_json:
        click.echo(tables.as_json({"run": run, "tags": tags}))
    else:
        click.echo(f"run {run}" + ("" if tags else " has no tags"))
        if tags:
            click.echo(tables.values(tags))


def _tags(words: list[str]) -> dict[str, str]:
    faults = []
    found: dict[str, str] = {}
    for word in words:
        name, sign, value = word.partition("=")
        name = name.strip()
        if not sign or not name:
            faults.append(errors.Fault(f"{word!r} is no tag", hint="write key=value, in quotes when it has blanks"))
        elif name in found:
            faults.append(errors.Fault(f"the tag {name!r} is given twice", hint="keep one"))
        else:
            found[name] = value
    if faults:
        raise errors.UsageError.of(faults, f"{len(faults)} words are no tags")
    return found
