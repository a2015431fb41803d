"""`tane backfill`."""

from __future__ import annotations

import click

from tane import errors
from tane.cli import asking, backfilling, group, homes, tables
from tane.runs import backfills, opening, windows


@click.command()
@asking.what_to_backfill
@click.option("--from", "start", default="", metavar="TIME", help="Where the first window begins: 2026-01-31[T06:00].")
@click.option("--to", "end", default="", metavar="TIME", help="Where the last window ends.")
@click.option("--every", default="", metavar="LENGTH", help="How long a window is: 15min, 1h, 1d, 1w, 1M (months).")
@click.option("--tz", "zone", default="", metavar="ZONE", help="The time zone of it all, such as Europe/Berlin.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), metavar="N", help="Do N windows at once [run.yml, or 1].")
@click.option("-n", "--limit", type=click.IntRange(min=1), metavar="N", help="Do at most N windows now.")
@click.option("--latest-first", is_flag=True, help="Begin with the latest window.")
@click.option("--keep-going", is_flag=True, help="After a window failed go on with the others: so it is anyway.")
@click.option("--stop", is_flag=True, help="After a window failed begin no other.")
@click.option("--force", is_flag=True, help="Do every window and step, whatever is known of it.")
@click.option("--dry-run", is_flag=True, help="Only list the windows, and what would run in them.")
@click.option("--resume", default="", metavar="ID", help="Go on with that backfill, on its parameters and sources.")
@click.option("--status", default="", metavar="ID", help="Only show how the windows of that backfill stand.")
@click.option("--json", "as_json", is_flag=True, help="Print the backfill as JSON, with every window.")
def command(
    asked: asking.Asked,
    start: str,
    end: str,
    every: str,
    zone: str,
    jobs: int | None,
    limit: int | None,
    latest_first: bool,
    keep_going: bool,
    stop: bool,
    force: bool,
    dry_run: bool,
    resume: str,
    status: str,
    as_json: bool,
) -> int:
    """Run a pipeline once for each window of a range of time, as params:window.start, .end and .label say.

    Windows are independent of each other: they may be done in any order and many at once, and what they give is the
    same. The same command again does only what has not succeeded yet.

    \b
    Examples:
      tane backfill --from 2026-01-01 --to 2026-03-01 --every 1h -j 4
      tane backfill scoring --from 2025-01 --to 2026-01 --every 1M
      tane backfill --from 2026-03-01 --to 2026-04-01 --every 1d --tz Europe/Berlin
      tane backfill --status last
      tane backfill --resume 20261121-1015
    """
    ranged = {"--from": start, "--to": end, "--every": every}
    if status or resume:
        _alone("--status" if status else "--resume", asked, {**ranged, "--tz": zone, "--dry-run": dry_run})
    else:
        _all_of(ranged)
    if status:
        with homes.ledger_of(homes.find(asked.path, asked.environments)) as ledger:
            found = backfills.status(ledger, status)
        click.echo(tables.as_json(found.as_dict()) if as_json else backfilling.status_text(found))
        return 0
    if keep_going and stop:
        raise errors.UsageError("--keep-going and --stop exclude each other", hint="choose one of them")
    shown = backfilling.observer(quiet=as_json)
    how = backfills.How(jobs, limit, latest_first, not stop, force, shown.observe)
    project = asked.project()
    if resume:
        with shown:
            found = backfills.resume(project, resume, how=how)
    else:
        cut = windows.cut(start, end, every, zone)
        if dry_run:
            planned = backfills.plan(project, cut, asked.pipeline, selection=asked.selection, how=how)
            given = backfilling.plan_dict(asked.pipeline, planned)
            click.echo(tables.as_json(given) if as_json else backfilling.plan_text(asked.pipeline, planned))
            return 0
        with shown:
            found = backfills.backfill(project, cut, asked.pipeline, selection=asked.selection, how=how)
    click.echo(tables.as_json(found.as_dict()) if as_json else backfilling.ended_text(found))
    if found.error is None:
        return 0
    group.tell(found.error)
    return found.error.exit_code


def _alone(flag: str, asked: asking.Asked, given: dict[str, object]) -> None:
    """Refuse what a backfill that is on record has said already."""
    others = [name for name, value in given.items() if value]
    others += [*asked.overrides, *([asked.pipeline] if asked.pipeline != opening.DEFAULT else [])]
    others += [f"--{name.replace('_', '-')}" for name in asked.selection.as_dict()]
    if others:
        raise errors.UsageError(
            f"{flag} takes a backfill as it was asked for, and {', '.join(others)} says it anew",
            hint=f"leave that away, or {flag}",
        )


def _all_of(ranged: dict[str, str]) -> None:
    missing = [name for name, value in ranged.items() if not value]
    if missing:
        raise errors.UsageError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not said",
            hint="tane backfill --from 2026-01-01 --to 2026-03-01 --every 1h",
        )
