"""Finds runs by what they have: "metrics.auc > 0.8 and params.model = 'lightgbm'". Doors call it; it only reads.

The language is in `filters`. Runs that were deleted are found only where they are asked for, windows of backfills only
with `windows`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tane import errors, fielded, outcomes
from tane.ledger import connection, filters, leases, matching, read, records, rows

_LOGGED = (filters.PARAMS, filters.METRICS, filters.TAGS)
_AT_ONCE = 1_000
_FEW = 4  # what share of all runs is few: a quarter
_ALL = ("run", "name", "status", "kind", "pipeline", "experiment", "group", "job_type", "parent", "study", "trial",
        "started", "ended", "duration", "user", "host", "git.commit", "git.branch")  # fmt: skip


@fielded.frozen
class Found:
    """A run with what was logged to it: parameters (those it was started with too, flattened), last metrics, tags."""

    run: records.RunRecord
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]


def runs(
    ledger: connection.Ledger,
    filter: str = "",
    *,
    sort: str | Sequence[str] = (),
    limit: int | None = None,
    experiment: str | None = None,
    study: str | None = None,
    deleted: bool = False,
    windows: bool = False,
) -> list[Found]:
    """The runs that `filter` is true of, by `sort`, then newest first.

    A sort key is a name as in a filter, with `-` before or ` desc` behind it for the other direction; runs without it
    come last. With `deleted` those that were deleted are found, and no others. Raises `errors.UsageError`.
    """
    asked = _Asked(filter, sort, limit, experiment, study, deleted, windows)
    with ledger.reading():
        moment = _moment(ledger)
        numbers = [row[0] for row in _found(ledger, asked, moment, "runs.id")]
        by_number: dict[int, Found] = {}
        for part in _parts(numbers):
            logged = _logged(ledger, part, moment)
            found = ledger.rows(f"select {rows.RUN}, id from runs where id in ({_listed(part)})")
            for row, record in zip(found, read.judged([row[:-1] for row in found]), strict=True):
                by_number[row[-1]] = Found(record, *(of_kind[row[-1]] for of_kind in logged.values()))
    return [by_number[number] for number in numbers]


def columns(
    ledger: connection.Ledger,
    filter: str = "",
    *,
    sort: str | Sequence[str] = (),
    limit: int | None = None,
    experiment: str | None = None,
    study: str | None = None,
    deleted: bool = False,
    windows: bool = False,
) -> dict[str, list[Any]]:
    """The same runs as columns of equal length: what each run has, then `params.*`, `metrics.*` and `tags.*` by name.

    None stands where a run does not have something. Times are seconds since the epoch.
    """
    asked = _Asked(filter, sort, limit, experiment, study, deleted, windows)
    with ledger.reading():
        moment = _moment(ledger)
        terms = matching.Terms(moment)
        shown = ", ".join(["runs.id", *(terms.attribute(name) for name in _ALL)])
        table = _found(ledger, asked, moment, shown)
        numbers, *told = zip(*table, strict=True) if table else [() for _ in range(len(_ALL) + 1)]
        told = told[: len(_ALL)]
        found = {name: list(column) for name, column in zip(_ALL, told, strict=True)}
        if len(numbers) * _FEW > ledger.rows("select count(*) from runs")[0][0]:
            for kind in _LOGGED:
                for name in names(ledger, kind):
                    values = _column(ledger, kind, name, moment)
                    found[f"{kind}.{name}"] = list(map(values.get, numbers))
            return found
        parts = [_logged(ledger, part, moment) for part in _parts(numbers)]
    for kind in _LOGGED:
        by_number = {number: values for part in parts for number, values in part[kind].items()}
        for name in sorted({name for values in by_number.values() for name in values}):
            found[f"{kind}.{name}"] = [by_number[number].get(name) for number in numbers]
    return found


def _logged(
    ledger: connection.Ledger, numbers: Sequence[int], moment: matching.Moment
) -> dict[str, dict[int, dict[str, Any]]]:
    """What a few runs have logged: by kind, number of the run, and name."""
    params: dict[int, dict[str, Any]] = {number: {} for number in numbers}
    metrics: dict[int, dict[str, Any]] = {number: {} for number in numbers}
    tags: dict[int, dict[str, Any]] = {number: {} for number in numbers}
    within = f"run in ({_listed(numbers)})"
    for number, name, value, unread in ledger.rows(
        f"select run, name, {_VALUE}, case when {_READ} then value end from params where {within} order by run, name"
    ):
        params[number][name] = value if unread is None else _given(unread)
    for number, name, last in _lasts(ledger, "run, name", within, (), moment):
        metrics[number][name] = rows.number(last)
    for number, name, value in ledger.rows(f"select run, name, value from tags where {within} order by run, name"):
        tags[number][name] = value
    metrics = {number: dict(sorted(values.items())) for number, values in metrics.items()}
    return dict(zip(_LOGGED, (params, metrics, tags), strict=True))


def _column(ledger: connection.Ledger, kind: str, name: str, moment: matching.Moment) -> dict[int, Any]:
    """What each run there is has under a name, by the number of the run."""
    if kind == filters.TAGS:
        return dict(ledger.rows("select run, value from tags where name = ?", (name,)))
    if kind == filters.PARAMS:
        values = dict(ledger.rows(f"select run, {_VALUE} from params where name = ?", (name,)))
        if None in values.values():
            for text, which in (("start", _SHORT), ("value", _LONG)):
                unread = ledger.rows(
                    f"select run, {text} from params where name = ? and run in "
                    f"(select run from params where name = ? and {which})",
                    (name, name),
                )
                values.update((number, _given(json)) for number, json in unread)
        return values
    lasts = dict(_lasts(ledger, "run", "name = ?", (name,), moment))
    if None in lasts.values():
        lasts = {number: rows.number(last) for number, last in lasts.items()}
    return lasts


def doubts(ledger: connection.Ledger, filter: str = "", sort: str | Sequence[str] = ()) -> list[errors.Fault]:
    """The metrics, parameters and tags asked for that no run has, each with the nearest one that some run has."""
    tree = filters.parse(filter)
    asked = [
        (test.kind, test.name, f"filter, column {test.column + 1}") for test in (filters.tests(tree) if tree else ())
    ]
    asked += [(key.kind, key.name, "sort") for key in _keys(sort)]
    faults = []
    for kind, name, where in dict.fromkeys(each for each in asked if each[0] != filters.ATTRIBUTES):
        known = names(ledger, kind)
        if name not in known:
            near = errors.nearest(name, known)
            hint = f"did you mean {kind}.{near}?" if near else f"they have: {', '.join(known[:20]) or 'none'}"
            faults.append(errors.Fault(f"no run has {kind}.{name}", where, hint))
    return faults


def names(ledger: connection.Ledger, kind: str) -> list[str]:
    """The names of all "metrics", "params" or "tags" that runs have."""
    if kind not in _LOGGED:
        raise ValueError(kind)
    found = {row[0] for row in ledger.rows(_DISTINCT.format(table=kind))}
    if kind == filters.METRICS:
        found.update(row[0] for row in ledger.rows("select distinct name from logged"))
    return sorted(found)


# The names there are, each found behind the one before it: `distinct` would go through all rows.
_DISTINCT = (
    "with recursive names (name) as (select min(name) from {table} "
    "union all select (select min(name) from {table} where {table}.name > names.name) from names where names.name "
    "is not null) select name from names where name is not null"
)


@fielded.frozen
class _Asked:
    filter: str
    sort: str | Sequence[str]
    limit: int | None
    experiment: str | None
    study: str | None
    deleted: bool
    windows: bool


def _found(ledger: connection.Ledger, asked: _Asked, moment: matching.Moment, columns: str) -> list[Any]:
    """Rows of these columns, to which nothing is bound, and of what they are sorted by, for the runs that are found."""
    terms = matching.Terms(moment)
    tree = filters.parse(asked.filter)
    order: list[str] = []
    for key in _keys(asked.sort):
        for term in terms.order(key):
            name = f"key{len(order)}"
            columns += f", {term} as {name}"
            order.append(f"{name} {'desc' if key.descending else 'asc'} nulls last")
    where = [terms.condition(tree)] if tree is not None else []
    where.append("runs.deleted <> 0" if asked.deleted else "runs.deleted = 0")
    if not asked.windows:
        where.append(f"runs.kind <> '{records.WINDOW}'")
    for column, value in (("experiment", asked.experiment), ("study", asked.study)):
        if value is not None:
            where.append(f"runs.{column} = ?")
            terms.values.append(value)
    # The index holds all but the long columns. SQLite would look at the rows themselves, where these are in between.
    sql = (
        f"select {columns} from runs indexed by runs_listed where {' and '.join(where)} "
        f"order by {', '.join([*order, 'runs.id desc'])}"
    )
    if asked.limit is not None:
        sql += " limit ?"
        terms.values.append(max(asked.limit, 0))
    return ledger.rows(sql, terms.values)


def _keys(sort: str | Sequence[str]) -> list[filters.Key]:
    return [filters.key(each) for each in ([sort] if isinstance(sort, str) else sort)]


def _moment(ledger: connection.Ledger) -> matching.Moment:
    """What must be known before: which runs have died since they were last heard of, and what was just logged."""
    now = time.time()
    here = os.uname().nodename
    running = ledger.rows(
        "select id, started, lease, host, pid, process from runs where status = ?", (str(outcomes.RunStatus.RUNNING),)
    )
    gone = {
        number: max(started, lease - leases.LEASE)
        for number, started, lease, host, pid, process in running
        if leases.is_gone(host, pid, process, lease, here=here, now=now)
    }
    return matching.Moment(now, gone, bool(ledger.rows("select 1 from logged limit 1")))


# A parameter as it was given, as far as its index tells; else null, and its JSON is to be read. NaN is null.
_CUT = f"length(start) >= {rows.START}"
_VALUE = (
    f"case type when {rows.INTEGER} then cast(start as integer) when {rows.REAL} then number "
    f"when {rows.TEXT} then case when {_CUT} then null else start end end"
)
_SHORT = f"type = {rows.OTHER} and not {_CUT}"
_LONG = f"((type in ({rows.OTHER}, {rows.TEXT}) and {_CUT}) or (type = {rows.REAL} and number is null))"
_READ = f"(({_SHORT}) or {_LONG})"
_CONSTANTS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None}


def _given(text: str) -> Any:
    return _CONSTANTS[text] if text in _CONSTANTS else rows.parsed(text)


def _lasts(
    ledger: connection.Ledger, columns: str, within: str, values: Sequence[Any], moment: matching.Moment
) -> list[Any]:
    """The last values of metrics. Where nodes share a name there are several, and the last is the one that counts."""
    found = ledger.rows(f"select {columns}, last from metrics where {within} order by run, at, id", values)
    if moment.fresh:
        found += ledger.rows(f"select {columns}, value from logged where {within} order by id", values)
    return found


def _parts(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), _AT_ONCE):
        yield numbers[start : start + _AT_ONCE]


def _listed(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))
