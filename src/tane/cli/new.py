"""`tane new`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from tane import errors
from tane.cli import tables
from tane.project import settings, starters

_ABOUT = {
    "blank": "a small pipeline on a small table, and the folders to grow into",
    "fraud": "card fraud from end to end: data, model, honest numbers, scores",
}


@click.command()
@click.argument("name", required=False, default="")
@click.argument("target", required=False, default=None, type=click.Path(path_type=Path))
@click.option("--starter", default="blank", metavar="STARTER", help="What to begin with (blank).")
@click.option("--package", default=None, metavar="NAME", help="The Python package's name, if not the project's.")
@click.option("--list", "as_list", is_flag=True, help="List the starters.")
@click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
def command(name: str, target: Path | None, starter: str, package: str | None, as_list: bool, as_json: bool) -> None:
    """Make a project called NAME from a starter, in the folder TARGET (by default one of that name, here).

    \b
    Examples:
      tane new my_project
      tane new my-project ~/work/mine --starter fraud --package fraudwatch
      tane new --list
    """
    if as_list:
        click.echo(_listed(as_json))
        return
    if not name:
        raise errors.UsageError("a project needs a name", hint="tane new my_project (tane new --list: starters)")
    root = starters.new(name, target, starter, package)
    made = settings.read(root)
    if as_json:
        known = {"name": made.name, "root": str(root), "package": made.package, "starter": starter}
        click.echo(tables.as_json(known))
    else:
        click.echo(_next_steps(name, root, starter))


def _listed(as_json: bool) -> str:
    known = {name: _ABOUT.get(name, "") for name in starters.available()}
    return tables.as_json(known) if as_json else tables.table(list(known.items()))


def _next_steps(name: str, root: Path, starter: str) -> str:
    steps = [] if root == Path.cwd() else [f"cd {_quoted(os.path.relpath(root))}"]
    if (root / "requirements.txt").is_file():
        steps.append("pip install -r requirements.txt")
    steps += ["tane run", "tane graph"]
    lines = [f"made {name} from the starter {starter} in {root}", "", "next:", *(f"  {step}" for step in steps)]
    if (root / "README.md").is_file():
        lines += ["", "README.md says what is where, and what to put into data/ first"]
    return "\n".join(lines)


def _quoted(path: str) -> str:
    import shlex

    return shlex.quote(path)
