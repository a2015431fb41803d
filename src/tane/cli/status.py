"""`tane status`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from tane import outcomes, patterns
from tane.cli import asking, facts, main, tables
from tane.ledger import connection, read
from tane.project import projects
from tane.runs import preview, standing

_RUN = patterns.lazily(r"\d{8}-\d{6}-[0-9a-f]{8}")
_FILES = {
    "restore": "missing, a run restores it",
    "replace": "changed by hand, a run keeps it aside and replaces it",
    "place": "holds what another run made, a run replaces it",
}
_GIVEN = "tane.given"
_ACTIONS = (("run", "to run"), ("wait", "waiting for those"), ("reuse", "to reuse"))


class _Given(click.Command):
    """Notes the words it was called with: `tane run` with the same words may have left a standing."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_GIVEN] = [word for word in args if word != "--json"]
        return super().parse_args(ctx, args)


@click.command(cls=_Given)
@asking.what_to_run
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_context
def command(context: click.Context, asked: asking.Asked, as_json: bool) -> None:
    """Say whether anything changed since the last run, and if so what would run and why.

    \b
    Examples:
      tane status
      tane status training --env staging
    """
    like = ["run", *context.meta[_GIVEN]]
    text = standing.holds(main.home(like), like)
    project = asked.project()
    last = _last_run(project, asked.pipeline)
    if text is not None:
        found = _RUN.search(text)
        known = {"changed": False, "since": found[0] if found else "", "last_run": last, "plan": None}
        shown = text.splitlines()[0]
    else:
        planned = preview.preview(project, asked.pipeline, selection=asked.selection)
        known = {"changed": not planned.nothing_to_do, "since": "", "last_run": last, "plan": planned.as_dict()}
        shown = _plan_text(planned)
    click.echo(tables.as_json(known) if as_json else f"{_last_text(last)}\n{shown}")


def _last_run(project: projects.Project, pipeline: str) -> dict[str, Any] | None:
    ledger = connection.open_ledger(project.ledger, create=False)
    try:
        found = facts.briefs(ledger, read.runs(ledger, limit=1, pipeline=pipeline, kind="run"))
    finally:
        ledger.close()
    return found[0] if found else None


def _last_text(run: Mapping[str, Any] | None) -> str:
    if run is None:
        return "last run: none yet"
    steps = facts.counted(run["steps"])
    line = f"last run: {run['id']} {run['status']}, {tables.local(run['started'])}" + (f", {steps}" if steps else "")
    if run["status"] != str(outcomes.RunStatus.FAILED) or not run["error"]:
        return line
    return f"{line}\n  {run['error'].splitlines()[0]}\n  (tane show {run['id']} tells more)"


def _plan_text(planned: preview.Preview) -> str:
    """What is not as it was: steps that would run, files that would be put right."""
    if planned.nothing_to_do:
        lines = [f"pipeline {planned.pipeline}: nothing to do, all {len(planned.steps)} steps are up to date"]
    else:
        tally = {action: sum(step.action == action for step in planned.steps) for action, _ in _ACTIONS}
        told = ", ".join(f"{tally[action]} {word}" for action, word in _ACTIONS if tally[action])
        lines = [f"pipeline {planned.pipeline}: {told}"]
    rows = [
        (step.action, step.node, "; ".join(map(str, step.reasons))) for step in planned.steps if step.action != "reuse"
    ]
    lines += [tables.table(rows, indent="  ")] if rows else []
    for note in planned.files:
        lines.append(f"  file  {note.path}: {_FILES[note.action]}")
    lines += [f"  note  {notice}" for notice in planned.notices]
    return "\n".join(lines)
