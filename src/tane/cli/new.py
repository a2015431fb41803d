"""`tane new`."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from tane import errors
from tane.cli import tables
from tane.project import additions, finding, settings, starters

_ABOUT = {
    "blank": "a small pipeline on a small table, and the folders to grow into",
    "fraud": "card fraud from end to end: data, model, honest numbers, scores",
    "iris": "three species told apart: a first pipeline from table to figures",
    "survey": "the quality of wines: models composed, swept, tuned and compared",
}
_DEFAULT = "blank"
_PIPELINE = "pipeline"


@click.command()
@click.argument("name", required=False, default="")
@click.argument("target", required=False, default=None, metavar="[TARGET]")
@click.option("--starter", default=None, metavar="STARTER", help=f"What to begin with ({_DEFAULT}).")
@click.option("--package", default=None, metavar="NAME", help="The Python package's name, if not the project's.")
@click.option("--list", "as_list", is_flag=True, help="List the starters.")
@click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
def command(
    name: str, target: str | None, starter: str | None, package: str | None, as_list: bool, as_json: bool
) -> None:
    """Make a project called NAME from a starter, in the folder TARGET (by default one of that name, here).

    Inside a project, `tane new pipeline NAME` adds a pipeline to it: its functions, its parameters, its tests.

    \b
    Examples:
      tane new my_project
      tane new my-project ~/work/mine --starter fraud --package fraudwatch
      tane new --list
      tane new pipeline reporting
    """
    if as_list:
        click.echo(_listed(as_json))
        return
    if not name:
        raise errors.UsageError("a project needs a name", hint="tane new my_project (tane new --list: starters)")
    if name == _PIPELINE and target is not None:
        if starter or package:
            raise errors.UsageError(
                "--starter and --package are for projects, not for pipelines", hint=f"tane new pipeline {target}"
            )
        _add_pipeline(target, as_json)
        return
    if name == _PIPELINE and _in_project():
        raise errors.UsageError(
            "a pipeline needs a name",
            hint="tane new pipeline NAME adds one to this project: tane new pipeline reporting",
        )
    starter = starter or _DEFAULT
    root = starters.new(name, Path(target) if target is not None else None, starter, package)
    made = settings.read(root)
    if as_json:
        known = {"name": made.name, "root": str(root), "package": made.package, "starter": starter}
        click.echo(tables.as_json(known))
    else:
        click.echo(_next_steps(name, root, starter))


def _in_project() -> bool:
    try:
        finding.find(".")
    except errors.ProjectError:
        return False
    return True


def _add_pipeline(name: str, as_json: bool) -> None:
    place = finding.find(".")
    added = additions.add_pipeline(place.root, name)
    if as_json:
        known = {
            "pipeline": name,
            "root": str(added.root),
            "files": [str(file.relative_to(added.root)) for file in added.files],
            "registered": added.registered,
            "registry": os.path.relpath(added.registry, added.root),
            "lines": list(added.lines),
        }
        click.echo(tables.as_json(known))
        return
    here = Path.cwd()
    lines = [f"made the pipeline {name}:", *(f"  {_shown(file, here)}" for file in added.files), ""]
    if added.lines:
        registry = _shown(added.registry, here)
        seen = (
            f"{registry} does not find it by itself: add" if added.registered is False else f"see that {registry} has"
        )
        lines += [f"{seen}", *(f"  {line}" for line in added.lines), ""]
    if added.why:
        click.echo(f"warning: the project's code does not import: {added.why}", err=True)
    lines += ["next:", f"  tane run {name}", f"  pytest {_shown(added.files[-1].parent, here)}"]
    click.echo("\n".join(lines))


def _listed(as_json: bool) -> str:
    known = {name: _ABOUT.get(name, "") for name in starters.available()}
    return tables.as_json(known) if as_json else tables.table(list(known.items()))


def _next_steps(name: str, root: Path, starter: str) -> str:
    here = Path.cwd()
    steps = [] if root == here else [f"cd {shlex.quote(_shown(root, here))}"]
    if (root / "requirements.txt").is_file():
        steps.append("pip install -r requirements.txt")
    steps += ["tane run", "tane graph"]
    lines = [f"made {name} from the starter {starter} in {root}", "", "next:", *(f"  {step}" for step in steps)]
    if (root / "README.md").is_file():
        lines += ["", "README.md says what is where"]
    return "\n".join(lines)


def _shown(path: Path, here: Path) -> str:
    """A path as one would type it: from here where it lies below, else whole."""
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
