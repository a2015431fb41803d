"""`tane doctor`."""

from __future__ import annotations

import click

from tane.cli import homes, tables
from tane.pipeline.drawing import wording
from tane.project import findings
from tane.runs import health
from tane.versions import upkeep


@click.command()
@click.argument("given", nargs=-1, metavar="[FLOW.py]")
@click.option("-e", "--env", "env", multiple=True, help="Configuration environments, in order; repeat or use commas.")
@click.option("--deep", is_flag=True, help="Read every object of the store, not those of the last runs alone.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@homes.where
def command(given: tuple[str, ...], env: tuple[str, ...], deep: bool, path: str, as_json: bool) -> int:
    """Look for what is not as it should be: in the project, its configuration, its code, its records, its store.

    Nothing is changed. Each finding is one line: how grave it is, where it stands, what is wrong, what to do. The exit
    code is 0 when all is well or there is only advice, 2 when something is wrong, 4 when the ledger or the store is
    broken.

    \b
    Examples:
      tane doctor
      tane doctor --deep
    """
    path, _ = homes.words(given, path, "project")
    report = health.examine(path, env=homes.split(env), deep=deep, upkeep=upkeep.findings_of)
    if as_json:
        known = {
            "project": report.project,
            "root": str(report.root),
            "findings": [each._asdict() for each in report.findings],
            "unseen": list(report.unseen),
        }
        click.echo(tables.as_json(known))
        return report.exit_code
    for each in report.findings:
        click.echo(_line(each))
    for what in report.unseen:
        click.echo(f"not looked at: {what}")
    click.echo(_summary(report))
    return report.exit_code


def _line(found: findings.Finding) -> str:
    place = f"{found.where}: " if found.where else ""
    hint = f" -> {found.hint}" if found.hint else ""
    return wording.visible(f"{found.level:<6}  {place}{found.what}{hint}".replace("\n", " "))


def _summary(report: health.Report) -> str:
    if not report.findings:
        return f"{report.project}: all is well"
    tally = {level: sum(each.level == level for each in report.findings) for level in findings.LEVELS}
    said = [f"{tally['broken']} broken"] if tally["broken"] else []
    said += [f"{tally['wrong']} wrong"] if tally["wrong"] else []
    said += [tables.count(tally["advice"], "piece of advice", "pieces of advice")] if tally["advice"] else []
    return f"{report.project}: {', '.join(said)}"
