"""`tane debug`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from tane import errors
from tane.cli import homes, tables, workbook
from tane.pipeline.drawing import wording
from tane.project import projects, tracebacks
from tane.runs import debugging


@click.command()
@click.argument("given", nargs=-1, metavar="[FLOW.py] [STEP]")
@click.option("--run", default="", metavar="RUN", help="The step as it was in that run (its last failure).")
@click.option("--pdb/--no-pdb", default=None, help="Enter the debugger where it fails [on a terminal].")
@click.option("--break", "from_start", is_flag=True, help="Enter the debugger at the first line of its function.")
@click.option("--notebook", default=None, metavar="FILE", type=click.Path(path_type=Path), help="Write a notebook.")
@homes.environment
@homes.where
def command(
    given: tuple[str, ...],
    run: str,
    pdb: bool | None,
    from_start: bool,
    notebook: Path | None,
    env: tuple[str, ...],
    path: str,
) -> int:
    """Do a step that failed again, with the very inputs it had, and enter the debugger where it fails.

    Nothing is recorded. STEP is the name of a node, or of one item of it; without one it is the step that failed last.

    \b
    Examples:
      tane debug                          the last failure, in pdb
      tane debug fit --break              step through fit from its first line
      tane debug "score[north]" --no-pdb  only show what it raises
      tane debug fit --notebook fit.ipynb its inputs and its source in a notebook
    """
    path, step = homes.words(given, path, "step")
    project = projects.open_project(path, env=homes.split(env))
    replay = debugging.replay(project, step, run)
    if notebook is not None:
        workbook.write(notebook, project, replay)
        click.echo(f"wrote {notebook}: the inputs of {replay.step} and its source; jupyter lab {notebook}")
        return 0
    click.echo(f"step {replay.step} of run {replay.run}, on the inputs it had:")
    rows = [(f"{name}:", _short(value)) for name, value in replay.arguments.items()]
    click.echo(tables.table(rows, indent="  ") if rows else "  none")
    enter = sys.stdin.isatty() if pdb is None else pdb
    return _from_the_start(replay) if from_start else _until_it_fails(replay, enter)


def _short(value: Any) -> str:
    return wording.visible(wording.shorten(repr(value), 160))


def _from_the_start(replay: debugging.Replay) -> int:
    import pdb

    result: Any = pdb.Pdb().runcall(replay.call)
    click.echo(f"it returned {_short(result)}")
    return 0


def _until_it_fails(replay: debugging.Replay, enter: bool) -> int:
    try:
        result = replay.call()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        shown = tracebacks.show(error)
        click.echo(shown.text.rstrip(), err=True)
        if enter:
            import pdb

            pdb.post_mortem(error.__traceback__)
        else:
            click.echo(f"error: {shown.where}: {shown.line}\n  hint: --pdb enters the debugger there", err=True)
        return errors.UserCodeError.exit_code
    click.echo(f"this time it did not fail; it returned {_short(result)}")
    return 0
