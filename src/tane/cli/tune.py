"""`tane tune`: a study, or with the word `show` what came of one."""

from __future__ import annotations

from typing import Any

import click

from tane import fielded
from tane.cli import aside, asking, group, homes, tables, tuning, verbs
from tane.ledger import studies
from tane.tuning import requests, studying

_VERBS = {"show": "what came of a study, with figures"}


@click.command(cls=verbs.WithVerbs, verbs=_VERBS, home="tune")
@asking.what_to_run
@click.option("-j", "--jobs", type=click.IntRange(min=1), default=1, metavar="N", help="Do N trials at once [1].")
@click.option("--study", default="", metavar="NAME", help="The study to make or to go on with [the pipeline's name].")
@click.option("--new", is_flag=True, help="Begin another study, under a name of its own.")
@click.option("--space", default="", metavar="FILE", help="A file that says what to choose from, instead of tune.yml.")
@click.option("--maximize", multiple=True, metavar="METRIC", help="The metric whose largest value is best.")
@click.option("--minimize", multiple=True, metavar="METRIC", help="The metric whose least value is best.")
@click.option("--trials", type=int, default=None, metavar="N", help="Trials of the study in all [tune.yml, or 50].")
@click.option("--timeout", default="", metavar="TIME", help="Begin no trial after that time: 30m, 2h.")
@click.option("--sampler", default="", metavar="NAME", help="How to choose: tpe, sobol, halton, random, grid, ...")
@click.option("--pruner", default="", metavar="NAME", help="What to stop early: none, median, successive_halving, ...")
@click.option("--constraint", "constraints", multiple=True, metavar="BOUND", help="As in 'latency_ms < 50'.")
@click.option("--seed", type=int, default=None, metavar="N", help="Another seed chooses other points.")
@click.option("--retry-failed", is_flag=True, help="Do the trials that failed once more.")
@click.option(
    "--promote-best",
    is_flag=False,
    flag_value="",
    default=None,
    metavar="[FILE]",
    help="At the end write the best parameters into FILE [conf/best/parameters.yml].",
)
@click.option("--force", is_flag=True, help="Replace that file, where there is one.")
@click.option("--experiment", default="", metavar="NAME", help="The experiment that the trials belong to.")
@click.option("--list", "as_list", is_flag=True, help="Only list the studies there are.")
@click.option("--json", "as_json", is_flag=True, help="Print the study as JSON, with every trial.")
def command(
    asked: asking.Asked,
    jobs: int,
    study: str,
    new: bool,
    retry_failed: bool,
    promote_best: str | None,
    force: bool,
    as_list: bool,
    as_json: bool,
    **given: Any,
) -> int:
    """Search for the best parameters of a pipeline: trials are runs of it, each with parameters chosen by what came of
    those before.

    What to choose from is written in conf/*/tune.yml, or given as words. The same command again goes on with the study
    where it was; several commands at once share its trials.

    \b
    Examples:
      tane tune                                       as tune.yml says
      tane tune training --trials 100 -j 4
      tane tune flow.py 'lr=tag(log,interval(0.001,0.1))' depth=2,4,8 --minimize loss
      tane tune --sampler grid --study small
      tane tune show                                  the newest study
    """
    if as_list:
        return _list(asked, as_json)
    words = requests.split(asked.overrides)
    project = fielded.replace(asked, overrides=words.fixed).project()
    request = tuning.request(project, asked, words, given)
    shown = tuning.observer(request, quiet=as_json)
    how = studying.How(jobs, retry_failed, new)
    with shown, aside.prints(as_json):
        found = studying.tune(
            project, request, study=study, selection=asked.selection, how=how, begin=shown.begin, tell=shown.observe
        )
    if as_json:
        click.echo(tables.as_json(found.as_dict()))
    else:
        click.echo(tuning.ended_text(found))
    if found.error is not None:
        group.tell(found.error)
        return found.error.exit_code
    if promote_best is not None:
        tuning.promote(project, found, promote_best, force=force, quiet=as_json)
    return 0


def _list(asked: asking.Asked, as_json: bool) -> int:
    with homes.ledger_of(homes.find(asked.path, asked.environments)) as ledger:
        known = [study for study in studies.studies(ledger) if study.kind != "sweep"]
        counts = studies.counts(ledger)
    click.echo(tables.as_json(tuning.list_dict(known, counts)) if as_json else tuning.list_text(known, counts))
    return 0
