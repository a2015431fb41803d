"""`tane sweep`, and what `tane run --multirun` does."""

from __future__ import annotations

from pathlib import Path

import click

from tane import errors, fielded
from tane.cli import aside, asking, group, homes, sweep_folders, sweeping, tables
from tane.runs import opening
from tane.tuning import sweep_points, sweep_records, sweeps


@fielded.frozen
class Wanted:
    """How a sweep is to be done and shown."""

    jobs: int | None = None
    sort: tuple[str, ...] = ()
    direction: str = ""
    fail_fast: bool = False
    force: bool = False
    dry_run: bool = False
    folders: Path | None = None
    experiment: str = ""
    as_json: bool = False


@click.command()
@asking.what_to_run
@click.option("-j", "--jobs", type=click.IntRange(min=1), metavar="N", help="Do N jobs at once [run.yml, or 1].")
@click.option("--sort", multiple=True, metavar="METRIC", help="Sort by this metric; more of them are columns.")
@click.option("--maximize", is_flag=True, help="The most of that metric is best, whatever sweep.yml says.")
@click.option("--minimize", is_flag=True, help="The least of that metric is best.")
@click.option("--fail-fast", is_flag=True, help="After a job failed begin no other.")
@click.option("--force", is_flag=True, help="Begin anew, and do every job and step, whatever is known of it.")
@click.option("--dry-run", is_flag=True, help="Only list the jobs, and what would run in them.")
@click.option("--resume", default="", metavar="ID", help="Go on with that sweep: the jobs that have not succeeded.")
@click.option("--show", default="", metavar="ID", help="Only show how the jobs of that sweep stand.")
@click.option("--list", "as_list", is_flag=True, help="Only list the sweeps there are.")
@click.option(
    "--folders",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Lay each job out as a folder of its own: DIR/DATE/TIME/NUMBER.",
)
@click.option("--experiment", default="", metavar="NAME", help="The experiment that the jobs belong to.")
@click.option("--json", "as_json", is_flag=True, help="Print the sweep as JSON, with every job.")
def command(
    asked: asking.Asked,
    jobs: int | None,
    sort: tuple[str, ...],
    maximize: bool,
    minimize: bool,
    fail_fast: bool,
    force: bool,
    dry_run: bool,
    resume: str,
    show: str,
    as_list: bool,
    folders: Path | None,
    experiment: str,
    as_json: bool,
) -> int:
    """Run a pipeline once for each combination of some values. What combinations share is computed once.

    The same command again does only the jobs that have not succeeded. Without values, those of conf/*/sweep.yml.

    \b
    Examples:
      tane sweep model.lr=0.01,0.1,1 'model.depth=range(2,6)' -j 2 --sort accuracy
      tane sweep training model=elastic_net,catboost random_state=1,2,3
      tane sweep flow.py 'lr=choice(0.1,0.2)' --dry-run
      tane sweep --show last
      tane sweep --resume 20261121-1015
    """
    if maximize and minimize:
        raise errors.UsageError("--maximize and --minimize exclude each other", hint="choose one of them")
    direction = sweep_points.MAXIMIZE if maximize else sweep_points.MINIMIZE if minimize else ""
    wanted = Wanted(jobs, sort, direction, fail_fast, force, dry_run, folders, experiment, as_json)
    if show or as_list:
        _alone("--show" if show else "--list", asked, {"--resume": resume, "--dry-run": dry_run, "--force": force})
        return _list(asked, as_json) if as_list else _show(asked, show, wanted)
    if resume:
        _alone("--resume", asked, {"--dry-run": dry_run, "--force": force, "--experiment": experiment})
        return _resume(asked, resume, wanted)
    return perform(asked, wanted)


def perform(asked: asking.Asked, wanted: Wanted) -> int:
    """Do the sweep that the command line asks for; the exit code."""
    project = fielded.replace(asked, overrides=()).project()
    filed, section = sweep_points.read(project)
    words = asked.overrides
    points = sweep_points.of_words(project, words, {} if words else filed.axes, section.place)
    pipeline = asked.pipeline if asked.pipeline != opening.DEFAULT else filed.pipeline or opening.DEFAULT
    metrics = sweeps.metrics_of(wanted.sort, wanted.direction, filed.metrics, all_filed=not words)
    if wanted.dry_run:
        planned = sweeps.plan(project, points, pipeline, selection=asked.selection, how=sweeps.How(force=wanted.force))
        given = sweeping.plan_dict(pipeline, planned)
        click.echo(tables.as_json(given) if wanted.as_json else sweeping.plan_text(pipeline, planned))
        return 0
    if wanted.folders is not None:
        sweep_folders.check(wanted.folders)
    shown = sweeping.observer(quiet=wanted.as_json)
    how = sweeps.How(wanted.jobs, wanted.fail_fast, wanted.force, shown.observe)
    about = sweeps.Asked(metrics, wanted.experiment or filed.experiment)
    with shown, aside.prints(wanted.as_json):
        found = sweeps.sweep(project, points, pipeline, selection=asked.selection, asked=about, how=how)
        laid = sweep_folders.lay_out(found, wanted.folders, project) if wanted.folders is not None else None
    return _tell(found, wanted, laid)


def _resume(asked: asking.Asked, sweep: str, wanted: Wanted) -> int:
    project = asked.project()
    shown = sweeping.observer(quiet=wanted.as_json)
    metrics = sweeps.metrics_of(wanted.sort, wanted.direction, {}, all_filed=False)
    how = sweeps.How(wanted.jobs, wanted.fail_fast, tell=shown.observe)
    with shown, aside.prints(wanted.as_json):
        found = sweeps.resume(project, sweep, asked=sweeps.Asked(metrics), how=how)
        laid = sweep_folders.lay_out(found, wanted.folders, project) if wanted.folders is not None else None
    return _tell(found, wanted, laid)


def _tell(found: sweeps.Sweep, wanted: Wanted, laid: Path | None) -> int:
    """Print what came of a sweep; the exit code."""
    if wanted.as_json:
        folder = {} if laid is None else {"folder": str(laid)}
        click.echo(tables.as_json({**found.as_dict(), **folder}))
    else:
        click.echo(sweeping.ended_text(found))
        if laid is not None:
            click.echo(f"laid out in {laid}")
    if found.error is None:
        return 0
    group.tell(found.error)
    missing = [name for name in found.metrics if name not in found.reported]
    if missing and found.reported and not isinstance(found.error, errors.UsageError):
        group.tell(sweep_records.no_such_metric(missing[0], found))
    return found.error.exit_code


def _show(asked: asking.Asked, sweep: str, wanted: Wanted) -> int:
    with homes.ledger_of(homes.find(asked.path, asked.environments)) as ledger:
        found = sweep_records.look(ledger, sweep_records.find(ledger, sweep))
    metrics = sweeps.metrics_of(wanted.sort, wanted.direction, {}, all_filed=False)
    if metrics:
        found = fielded.replace(found, metrics=metrics)
        if next(iter(metrics)) not in found.reported:
            raise sweep_records.no_such_metric(next(iter(metrics)), found)
    if wanted.folders is not None:
        laid = sweep_folders.lay_out(found, sweep_folders.check(wanted.folders), asked.project())
        return _tell(found, wanted, laid)
    click.echo(tables.as_json(found.as_dict()) if wanted.as_json else sweeping.status_text(found))
    return 0


def _list(asked: asking.Asked, as_json: bool) -> int:
    with homes.ledger_of(homes.find(asked.path, asked.environments)) as ledger:
        known = [(study, sweep_records.look(ledger, study)) for study in sweeps.known(ledger)]
    click.echo(tables.as_json(sweeping.list_dict(known)) if as_json else sweeping.list_text(known))
    return 0


def _alone(flag: str, asked: asking.Asked, given: dict[str, object]) -> None:
    """Refuse what a sweep that is on record has said already."""
    others = [name for name, value in given.items() if value]
    others += [*asked.overrides, *([asked.pipeline] if asked.pipeline != opening.DEFAULT else [])]
    others += [f"--{name.replace('_', '-')}" for name in asked.selection.as_dict()]
    if others:
        raise errors.UsageError(
            f"{flag} takes a sweep as it was asked for, and {', '.join(others)} says it anew",
            hint=f"leave that away, or {flag}",
        )
