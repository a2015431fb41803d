"""`tane plan`."""

from __future__ import annotations

import json

import click

from tane.cli import asking, progress
from tane.runs import preview


@click.command()
@asking.what_to_run
@click.option("--force", is_flag=True, help="As if every step were to run.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def command(asked: asking.Asked, force: bool, as_json: bool) -> None:
    """Say what a run would do now, and why. Nothing is run, recorded or written to the workspace.

    \b
    Example:
      tane plan training model.alpha=0.1
    """
    planned = preview.preview(asked.project(), asked.pipeline, selection=asked.selection, force=force)
    click.echo(json.dumps(planned.as_dict(), indent=2) if as_json else progress.plan_text(planned))
