"""`tane tune show`."""

from __future__ import annotations

from pathlib import Path

import click

from tane import errors
from tane.cli import homes, tables, tuning
from tane.project import projects
from tane.tuning import figures, importance, studying, tuned


@click.command()
@click.argument("given", nargs=-1, metavar="[STUDY]")
@homes.environment
@homes.where
@click.option("--html", "page", default="", metavar="FILE", help="Write a page with all figures.")
@click.option(
    "--promote-best",
    is_flag=False,
    flag_value="",
    default=None,
    metavar="[FILE]",
    help="Write the best parameters into FILE [conf/best/parameters.yml].",
)
@click.option("--force", is_flag=True, help="Replace that file, where there is one.")
@click.option("--json", "as_json", is_flag=True, help="Print the study as JSON, with every trial.")
def command(
    given: tuple[str, ...],
    env: tuple[str, ...],
    path: str,
    page: str,
    promote_best: str | None,
    force: bool,
    as_json: bool,
) -> int:
    """Show what came of a study: the best trial, the history, and which parameters matter.

    STUDY is the name of a study, or its beginning; the newest if left out.

    \b
    Examples:
      tane tune show
      tane tune show training --html study.html
      tane tune show training --promote-best
    """
    path, study = homes.words(given, path, "study")
    with homes.ledger_of(homes.find(path, env)) as ledger:
        chosen = studying.chosen(ledger, study)
        found = tuned.look(ledger, chosen)
        if page:
            _write(Path(page), figures.page(found, importance.by_optuna(ledger, found)))
    if as_json:
        click.echo(tables.as_json({**found.as_dict(), "importance": importance.of(found)}))
    else:
        click.echo(tuning.shown_text(found))
        if page:
            click.echo(f"figures are in {page}")
    if promote_best is not None:
        spec = found.spec
        project = projects.open_project(
            path, env=spec.get("environments") or env, overrides=spec.get("overrides") or ()
        )
        tuning.promote(project, found, promote_best, force=force, quiet=as_json)
    return 0


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise errors.UsageError(f"cannot write {path}: {error.strerror}", hint="name another file") from error
