"""Which runs a verb is about: named by id, by the beginning of one, by name, or chosen by a filter."""

from __future__ import annotations

from collections.abc import Sequence

from tane import errors
from tane.cli import homes
from tane.ledger import connection, filters, read, records, search


def words(given: Sequence[str], path: str) -> tuple[str, list[str]]:
    """Where to look (a word that ends in .py says so), and the other words."""
    files = [word for word in given if word.endswith(".py")]
    if len(files) > 1:
        raise errors.UsageError(f"one flow file at a time, not {' and '.join(files)}", hint="give one of them")
    return files[0] if files else path, [word for word in given if not word.endswith(".py")]


def runs(
    ledger: connection.Ledger,
    named: Sequence[str],
    filter: str = "",
    *,
    sort: Sequence[str] = (),
    limit: int | None = None,
    deleted: bool = False,
) -> list[records.RunRecord]:
    """The runs `named`, then those that `filter` chooses, each once. Raises with all names that stand for none or for
    several; `deleted` ones are among those that a filter chooses only when they are asked for.
    """
    found: dict[str, records.RunRecord] = {}
    faults: list[errors.Fault] = []
    for word in named:
        try:
            run = _run(ledger, word, deleted=deleted)
            found.setdefault(run.run, run)
        except errors.UsageError as error:
            faults += error.faults
    if faults:
        raise errors.UsageError.of(faults, f"{len(faults)} runs are not known")
    if filter:
        for each in search.runs(ledger, filter, sort=keys(ledger, sort), limit=limit, deleted=deleted):
            found.setdefault(each.run.run, each.run)
    return list(found.values())


def _run(ledger: connection.Ledger, word: str, *, deleted: bool) -> records.RunRecord:
    named = read.runs(ledger, name=word, deleted=True, limit=1) if deleted and word else []
    return named[0] if named else read.run(ledger, word)


def keys(ledger: connection.Ledger, sort: Sequence[str]) -> list[str]:
    """What runs are to be sorted by, newest first unless something is asked for."""
    return [_key(ledger, each) for each in homes.split(sort)]


def names(sort: Sequence[str]) -> list[str]:
    """What the words of a sort name, without the ways."""
    return [_parts(each)[1] for each in homes.split(sort)]


def _parts(word: str) -> tuple[str, str, str]:
    """The sign, the name and the way of a word: `-loss`, `loss desc`."""
    sign, name = ("-", word[1:]) if word.startswith("-") else ("", word)
    way = next((end for end in (" desc", " asc") if name.lower().endswith(end)), "")
    return sign, name[: len(name) - len(way)].rstrip(), way


def _key(ledger: connection.Ledger, word: str) -> str:
    """A sort key; a bare name that runs know as a metric or a parameter means that one."""
    sign, name, way = _parts(word)
    if name.lower() in filters.KNOWN or not name or {*name} & set(' "`'):
        return word
    for kind in (filters.METRICS, filters.PARAMS):
        if name in search.names(ledger, kind):
            return f"{sign}{kind}.`{name}`{way}"
    return word
