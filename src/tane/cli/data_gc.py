"""`tane data gc`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tane import errors, fielded
from tane.catalog import durations
from tane.cli import homes, tables
from tane.versions import collection, places, roots

_SHOWN = 10


@click.command(short_help="throw away objects that nothing names")
@click.argument("given", nargs=-1, metavar="[FLOW.py]")
@click.option("-y", "--yes", "really", is_flag=True, help="Do it; without this it is only shown.")
@click.option("--grace", default="2d", metavar="TIME", help="Leave alone what is younger than this: 0s, 12h, 2d (2d).")
@click.option("--keep-runs", type=click.IntRange(min=0), metavar="N", help="Give up the values of all but the last N.")
@click.option("--older-than", default="", metavar="TIME", help="Give up the values of runs that began longer ago: 30d.")
@click.option("--empty-trash", is_flag=True, help="Delete what is in the trash at once.")
@click.option("--no-git", is_flag=True, help="Do not ask Git which objects the lock files of its commits name.")
@click.option("--without", multiple=True, metavar="LEDGER", help="A ledger that shared the store and is gone for good.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@homes.environment
@homes.where
def command(
    given: tuple[str, ...],
    really: bool,
    grace: str,
    keep_runs: int | None,
    older_than: str,
    empty_trash: bool,
    no_git: bool,
    without: tuple[str, ...],
    as_json: bool,
    env: tuple[str, ...],
    path: str,
) -> None:
    """Throw away the objects that no run and no lock file names, and what killed processes left behind.

    Only shown without --yes. They go into the trash, which a later collection empties after the same grace period. Runs
    may be at work meanwhile. The values of old runs go only when --keep-runs or --older-than asks for it (with both,
    when both hold); their records stay, and a step whose values are gone runs again when it is needed.

    \b
    Examples:
      tane data gc
      tane data gc --yes
      tane data gc --yes --keep-runs 20 --older-than 30d
      tane data gc --yes --empty-trash
    """
    path, word = homes.words(given, path, "collection")
    if word:
        raise errors.UsageError(f"{word!r} is no flow file", hint="tane data gc takes options alone")
    home = homes.find(path, env)
    asked = collection.Asked(
        grace=_seconds(grace, "--grace"),
        old=roots.Old(keep_runs, _seconds(older_than, "--older-than") if older_than else None),
        empty_trash=empty_trash,
        git=not no_git,
        without=tuple(map(Path, without)),
    )
    found = collection.collect(places.Place(home.root, home.store, home.ledger), asked, really=really)
    click.echo(tables.as_json(_plain(found)) if as_json else _text(found, home.root, asked))


def _seconds(text: str, option: str) -> float:
    if text.strip() in ("0", "0s"):
        return 0.0
    found = durations.seconds(text)
    if found is None or text in ("always", "once"):
        raise errors.UsageError(f"{option} {text!r} is no span of time", hint="write 0s, 90m, 12h, 2d or 4w")
    return found


def _plain(found: collection.Collection) -> dict[str, Any]:
    left = [
        {
            "path": str(each.path),
            "what": each.what,
            "bytes": each.bytes,
            "since": tables.iso(each.at),
            "owner": each.owner,
        }
        for each in found.left
    ]
    return {**fielded.asdict(found), "left": left}


def _text(found: collection.Collection, root: Path, asked: collection.Asked) -> str:
    left = collection.Amount(len(found.left), sum(each.bytes for each in found.left))
    rows = [
        _row("into the trash", found.thrown, "named by no run and no lock file"),
        _row("out of the trash", found.emptied, "for good"),
        _row("left behind", left, "by killed processes, or set aside as damaged"),
    ]
    if found.packed:
        rows.append(("packs", "", tables.size(found.packed), "room that thrown objects took in them"))
    shown = [row for row in rows if row]
    parts = [tables.table(shown, right=(1, 2))] if shown else ["nothing to collect"]
    parts += [f"  {_place(each.path, root)}: {each.what}{_of(each.owner)}" for each in found.left[:_SHOWN]]
    if len(found.left) > _SHOWN:
        parts.append(f"  and {len(found.left) - _SHOWN} more")
    return "\n".join([*parts, *_remarks(found, asked)])


def _row(what: str, amount: collection.Amount, why: str) -> tuple[str, ...]:
    return (what, str(amount.count), tables.size(amount.bytes), why) if amount.count else ()


def _of(owner: str) -> str:
    return f" of {owner}" if owner else ""


def _place(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _remarks(found: collection.Collection, asked: collection.Asked) -> list[str]:
    grace = durations.about(asked.grace)
    said = [f"warning: {note}" for note in found.notes]
    if found.given_up:
        verb = "are" if found.done else "would be"
        said.append(f"the values of {tables.count(len(found.given_up), 'run')} {verb} given up; their records stay")
    if found.young.count:
        since = f"younger than {grace}" + (" or than the runs at work" if found.live else "")
        said.append(f"left alone: {_counted(found.young)}, {since}")
    if found.resting.count:
        until = f"for {grace}" if asked.grace else "until the next collection"
        said.append(f"in the trash: {_counted(found.resting)}, {until} (--empty-trash deletes them at once)")
    if not found.done and not found.is_empty:
        said.append("nothing was changed: tane data gc --yes does it")
    return said


def _counted(amount: collection.Amount) -> str:
    return f"{tables.count(amount.count, 'object')} ({tables.size(amount.bytes)})"
