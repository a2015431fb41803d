"""`tane data verify`."""

from __future__ import annotations

from typing import Any

import click

from tane import errors
from tane.cli import homes, tables
from tane.versions import places, verification

_SHOWN = 5


@click.command(short_help="compare every object with its digest")
@click.argument("given", nargs=-1, metavar="[FLOW.py]")
@click.option("--all", "everything", is_flag=True, help="Objects too that no run names.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@homes.environment
@homes.where
def command(given: tuple[str, ...], everything: bool, as_json: bool, env: tuple[str, ...], path: str) -> int:
    """Read every object that a run names, and compare it with its digest.

    What is damaged is set aside, so that the next run that needs it makes it again; what is damaged or gone is told
    with the runs and datasets that name it. The exit code is 0 when all is well, else 4.

    \b
    Examples:
      tane data verify
      tane data verify --all
    """
    path, word = homes.words(given, path, "verification")
    if word:
        raise errors.UsageError(f"{word!r} is no flow file", hint="tane data verify takes options alone")
    home = homes.find(path, env)
    found = verification.verify(places.Place(home.root, home.store, home.ledger), everything=everything)
    click.echo(tables.as_json(_plain(found)) if as_json else _text(found))
    return found.exit_code


def _plain(found: verification.Verification) -> dict[str, Any]:
    faults = [
        {"digest": each.digest, "state": each.state, "named": [who._asdict() for who in each.named]}
        for each in found.faults
    ]
    return {"objects": found.objects, "bytes": found.bytes, "faults": faults}


def _text(found: verification.Verification) -> str:
    lines = [line for each in found.faults for line in _lines(each)]
    read = f"{tables.count(found.objects, 'object')} read ({tables.size(found.bytes)})"
    if not found.faults:
        return f"{read}: each is what its digest says"
    damaged = sum(each.state == "damaged" for each in found.faults)
    lines.append(f"{read}: {damaged} damaged, {len(found.faults) - damaged} missing")
    lines.append("what is damaged was set aside; run again: the steps that make what is gone are repeated")
    return "\n".join(lines)


def _lines(fault: verification.Fault) -> list[str]:
    by_name: dict[str, list[str]] = {}
    for who in fault.named:
        by_name.setdefault(who.name, []).append(who.run)
    said = [f"{fault.state:<8} {fault.digest[:12]}" + ("" if by_name else "  named by no run")]
    for name, runs in list(by_name.items())[:_SHOWN]:
        more = f" and {tables.count(len(runs) - 1, 'run')} more" if len(runs) > 1 else ""
        said.append(f"  {name} of run {runs[0]}{more}")
    if len(by_name) > _SHOWN:
        said.append(f"  and {tables.count(len(by_name) - _SHOWN, 'dataset')} more")
    return said
