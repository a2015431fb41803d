"""`tane adopt`."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import click

from tane import errors, fielded
from tane.cli import homes, recorded, tables
from tane.config import layers
from tane.digest import hashing
from tane.ledger import connection, read, records
from tane.project import projects
from tane.store import objects, placing
from tane.versions import adopting


@click.command()
@click.argument("given", nargs=-1, metavar="[FLOW.py] RUN")
@click.option("--code", is_flag=True, help="Its code and the files of its configuration too, from Git.")
@click.option("-y", "--yes", "sure", is_flag=True, help="Do it without asking.")
@click.option("--dry-run", "dry", is_flag=True, help="Only show what would change.")
@click.option("--force", is_flag=True, help="With --code: replace changes that are not committed; they are kept aside.")
@click.option("-e", "--env", "env", multiple=True, help="Configuration environments, in order; the run's by default.")
@click.option("--json", "as_json", is_flag=True, help="Print what changes as JSON.")
@homes.where
def command(
    given: tuple[str, ...],
    code: bool,
    sure: bool,
    dry: bool,
    force: bool,
    env: tuple[str, ...],
    as_json: bool,
    path: str,
) -> None:
    """Bring the parameters of a run into the files of conf/, so that the next `tane run` is that run.

    Each value is changed in the file it comes from, beside its comment; what the run had and no file says is added. The
    changes are shown first, and git diff shows them after.

    \b
    Examples:
      tane adopt 20261121-10
      tane adopt "best so far" --yes
      tane adopt last --code --dry-run
    """
    path, prefix = homes.words(given, path, "run")
    if not prefix:
        raise errors.UsageError("no run is named", hint="tane runs lists those there are")
    if force and not code:
        raise errors.UsageError("--force is about the code", hint="use it with --code, or leave it away")
    run, took, project = _found(path, prefix, homes.split(env))
    with objects.Objects(project.store, read_only=True) as store:
        adoption = adopting.prepare(project, run, store, code=code, force=force)
    adoption = fielded.replace(adoption, notes=(*adoption.notes, *_changed(project, run, took)))
    shown = adopting.diff(adoption, project.root)
    done = _do(project, run, adoption, shown, sure=sure, dry=dry, quiet=as_json)
    if as_json:
        files = [os.path.relpath(change.path, project.root) for change in adoption.changes]
        known = {"run": run.run, "done": done, "diff": shown, "files": files, "notes": list(adoption.notes)}
        click.echo(tables.as_json(known))


def _found(
    path: str, prefix: str, environments: tuple[str, ...]
) -> tuple[records.RunRecord, list[records.Kept], projects.Project]:
    """The run, what it took, and the project with the environments it was made with, unless others are named."""
    ledger = connection.open_ledger(projects.open_project(path, env=environments).ledger, create=False)
    try:
        run = read.run(ledger, prefix)
        took = read.sources(ledger, run.run)
    finally:
        ledger.close()
    asked = (run.config.get("asked") or {}).get("environments") or ()
    chosen = environments or tuple(name for name in asked if name != layers.BASE)
    return run, took, projects.open_project(path, env=chosen)


def _changed(project: projects.Project, run: records.RunRecord, took: list[records.Kept]) -> list[str]:
    """The files that the run took and that are others now: adopting brings no data."""
    catalog = recorded.catalog_of(run, project.root)
    notes = []
    for kept in took:
        entry = catalog.find(kept.name)
        path = entry.local if entry is not None and kept.file else None
        if path is None or not path.is_file():
            continue
        if path.stat().st_size != kept.bytes or hashing.of_file(path) != kept.file:
            notes.append(f"{kept.name} is not what the run took: what rests on {os.path.relpath(path)} runs anew")
    return notes


def _do(
    project: projects.Project,
    run: records.RunRecord,
    adoption: adopting.Adoption,
    shown: str,
    *,
    sure: bool,
    dry: bool,
    quiet: bool,
) -> bool:
    for note in adoption.notes:
        click.echo(f"note: {note}", err=True)
    if adoption.is_empty:
        if not quiet:
            click.echo(f"nothing to do: the configuration is that of run {run.run}")
        return False
    if not quiet:
        click.echo(tables.visible(shown, "\n\t"), nl=False)
    if dry:
        return False
    if not sure:
        _ask(quiet)
    if adoption.unsaved:
        kept = _keep(project, run, adoption.unsaved)
        click.echo(f"note: your changes are kept in {kept}: git apply {kept} brings them back", err=True)
    adopting.carry_out(project, adoption)
    if not quiet:
        count = (
            len(adoption.changes) + adoption.patch.count(b"\ndiff --git ") + adoption.patch.startswith(b"diff --git ")
        )
        click.echo(f"adopted run {run.run}: {tables.count(count, 'file')} changed; git diff shows how")
    return True


def _ask(quiet: bool) -> None:
    if quiet or not sys.stdin.isatty():
        raise errors.UsageError("nobody can be asked here", hint="--yes does it, --dry-run only shows it")
    if not click.confirm("change these files?", default=True):
        raise click.Abort


def _keep(project: projects.Project, run: records.RunRecord, patch: bytes) -> str:
    """Keep the patch of changes that are about to be replaced; where."""
    name = f"before-{run.run}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}.patch"
    place: Path = project.home / "adopted" / name
    placing.file(place, lambda opened: placing.write_all(opened, patch))
    return os.path.relpath(place)
