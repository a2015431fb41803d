"""`tane log`."""

from __future__ import annotations

import shlex
from typing import Any

import click

from tane import errors
from tane.cli import facts, homes, tables
from tane.ledger import connection, read


@click.command()
@click.argument("given", nargs=-1, metavar="[FLOW.py] [DATASET]")
@click.option("-n", "limit", default=20, type=click.IntRange(min=1), metavar="N", help="At most N entries (20).")
@click.option("--json", "as_json", is_flag=True, help="Print the history as JSON.")
@homes.environment
@homes.where
def command(given: tuple[str, ...], limit: int, as_json: bool, env: tuple[str, ...], path: str) -> None:
    """The history of runs, newest first; with a dataset's name, the versions it has had.

    \b
    Examples:
      tane log -n 3
      tane log model            each version of model: when, by which run, how large
    """
    path, name = homes.words(given, path, "dataset")
    with homes.ledger_of(homes.find(path, env)) as ledger:
        if name:
            found = _versions(ledger, name, limit)
            shown = _versions_text(found)
        else:
            found = facts.briefs(ledger, read.runs(ledger, limit=limit))
            shown = "\n\n".join(map(_run_text, found))
    if not found:
        click.echo("nothing has run here yet: tane run", err=True)
    if as_json:
        click.echo(tables.as_json(found))
    elif found:
        click.echo(shown)


def _run_text(run: dict[str, Any]) -> str:
    head = f"run {run['id']}  {run['status']}" + (f"  {run['name']}" if run["name"] else "")
    metrics = ", ".join(f"{name} = {tables.number(value)}" for name, value in run["metrics"].items())
    error = run["error"].splitlines()[0] if run["error"] else ""
    said = {
        "date": f"{tables.local(run['started'])}, took {tables.duration(run['seconds'])}",
        "pipeline": run["pipeline"],
        "command": shlex.join(run["command"]),
        "git": facts.git(run["git"]),
        "steps": facts.counted(run["steps"]),
        "metrics": metrics,
        "error": error,
    }
    return f"{head}\n" + tables.table([(f"{word}:", text) for word, text in said.items() if text], indent="  ")


def _versions(ledger: connection.Ledger, name: str, limit: int) -> list[dict[str, Any]]:
    found = []
    for version in read.versions(ledger, name, limit=limit):
        uses = [use for use in read.uses(ledger, name, version.kept.digest) if use.run == version.run]
        found.append(
            {
                "name": name,
                "digest": version.kept.digest,
                "bytes": version.kept.bytes,
                "at": tables.iso(version.at),
                "run": version.run,
                "node": uses[0].node if uses else "",
                "user": read.run(ledger, version.run).user,
                "file": version.kept.file,
                "value": version.kept.value,
            }
        )
    if not found:
        raise unknown(ledger, name)
    return found


def unknown(ledger: connection.Ledger, name: str) -> errors.UsageError:
    """The error for a dataset that no run has made or taken."""
    if any(run.run.startswith(name) for run in read.runs(ledger, limit=1000)):
        hint = f"that is a run: tane show {name}"
    elif name in (known := read.names(ledger)):
        hint = "only windows of backfills had it, and none of them is the newest: tane runs --backfill last"
    else:
        hint = errors.did_you_mean(name, known, "run a pipeline that makes or takes it first")
    return errors.UsageError(f"no version of a dataset {name!r} is on record", hint=hint)


def _versions_text(found: list[dict[str, Any]]) -> str:
    rows = [
        (
            tables.digest(each["digest"]),
            tables.local(each["at"]),
            tables.size(each["bytes"]),
            each["node"] or "(source)",
            each["run"],
            each["user"],
        )
        for each in found
    ]
    return tables.table(rows, ("digest", "since", "size", "made by", "run", "user"), right={2})
