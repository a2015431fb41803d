"""`tane run`."""

from __future__ import annotations

import json
import sys

import click

from tane import errors
from tane.cli import aside, asking, group, progress, sweep
from tane.runs import opening, running
from tane.runs import preview as previews


@click.command()
@asking.what_to_run
@click.option("-m", "--multirun", is_flag=True, help="Run once for each combination of values (as tane sweep).")
@click.option("-j", "--jobs", type=int, default=None, metavar="N", help="Do N steps, or jobs, at once [run.yml, or 1].")
@click.option("--executor", default="", metavar="NAME", help="Where steps work: serial, threads or processes.")
@click.option("--force", is_flag=True, help="Run every step, whatever is known of it.")
@click.option("--force-node", "force_nodes", multiple=True, metavar="NODE", help="Run this step in any case.")
@click.option("--keep-going", is_flag=True, help="After a failure go on with what does not need the failed step.")
@click.option("--dry-run", is_flag=True, help="Only say what would run, and why (as tane plan).")
@click.option("--resume", default="", metavar="RUN", help="Repeat that run, on its parameters and inputs.")
@click.option("--name", default="", help="A name to find the run by.")
@click.option("--json", "as_json", is_flag=True, help="Print the run as JSON.")
def command(
    asked: asking.Asked,
    multirun: bool,
    jobs: int | None,
    executor: str,
    force: bool,
    force_nodes: tuple[str, ...],
    keep_going: bool,
    dry_run: bool,
    resume: str,
    name: str,
    as_json: bool,
) -> int:
    """Run a pipeline: what changed is run, everything else is reused.

    WHAT is the name of a pipeline (__default__ if left out), a file like flow.py, and any number of parameters.

    \b
    Examples:
      tane run                              the default pipeline
      tane run training model.alpha=0.1     one pipeline with another parameter
      tane run --from split --to evaluate   a part of it
      tane run flow.py lr=0.1               a pipeline in one file
      tane run -m model=ridge,lasso         once for each choice (see tane sweep)
      tane run --resume 20261121-1015       an earlier run again, on the data it had
    """
    if resume and (asked.overrides or asked.selection.as_dict() or asked.pipeline != opening.DEFAULT):
        raise errors.UsageError(
            "--resume repeats a run as it was", hint="leave pipeline, parameters and selections away, or --resume"
        )
    if multirun:
        given = {"--resume": resume, "--executor": executor, "--force-node": force_nodes, "--name": name}
        if others := [flag for flag, value in given.items() if value]:
            raise errors.UsageError(
                f"--multirun runs many jobs, and {' and '.join(others)} is about one run", hint="leave that away"
            )
        wanted = sweep.Wanted(jobs, fail_fast=False, force=force, dry_run=dry_run, as_json=as_json)
        return sweep.perform(asked, wanted)
    project = asked.project()
    forced = True if force else force_nodes
    if dry_run:
        planned = previews.preview(project, asked.pipeline, selection=asked.selection, force=forced)
        click.echo(json.dumps(planned.as_dict(), indent=2) if as_json else progress.plan_text(planned))
        return 0
    shown = progress.observer(quiet=as_json)
    with shown, aside.prints(as_json):
        found = running.run(
            project,
            asked.pipeline,
            selection=asked.selection,
            force=forced,
            jobs=jobs,
            executor=executor,
            keep_going=keep_going,
            observers=[shown.observe],
            name=name,
            resume=resume,
        )
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2, default=str))
    else:
        click.echo(progress.run_text(found))
    if found.error is not None:
        group.tell(found.error)
        return found.error.exit_code
    if not as_json and not force and not force_nodes:
        running.leave_standing(project, sys.argv[1:], progress.standing_text(found), found)
    return 0
