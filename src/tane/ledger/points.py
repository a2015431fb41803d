"""Where metrics are: appended to the table `logged` as they come, later moved to `points` with a summary in `metrics`.

`write` and `read` call it. Moving takes longer than appending, so it is done for many points at once, and when a run
ends. Who reads looks in both places, and sees the same before and after.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tane.ledger import connection, records, rows

_CHUNK = 500  # SQLite's oldest limit on parameters is 999
_Logged = tuple[int, str, str, int, float | None, float]  # run, node, name, step, value, at
_Point = tuple[int, float | None, float]
APPEND = "insert into logged (run, node, name, step, value, at) values (?, ?, ?, ?, ?, ?)"
TOGETHER = 4096  # points that are moved at once: few enough for readers to look through
_WORTHWHILE = 64, 8  # points that go where they stay at once: so many in all, and for each metric


def log(db: sqlite3.Connection, logged: Sequence[_Logged]) -> None:
    """Add points; where there are enough of them, to where they stay."""
    many, each = _WORTHWHILE
    if len(logged) >= TOGETHER or (len(logged) >= many and len({row[2] for row in logged}) * each <= len(logged)):
        settle(db)
        _keep(db, logged)
        return
    db.executemany(APPEND, logged)
    (last,) = db.execute("select coalesce(max(id), 0) from logged").fetchone()
    if last % TOGETHER < len(logged) <= last:
        settle(db)


def settle(db: sqlite3.Connection) -> None:
    """Move what was just logged to where it stays."""
    logged = db.execute("select run, node, name, step, value, at from logged order by id").fetchall()
    if logged:
        _keep(db, logged)
        db.execute("delete from logged")


def _keep(db: sqlite3.Connection, logged: Iterable[_Logged]) -> None:
    by_metric: dict[tuple[int, str, str], list[_Point]] = {}
    for run, node, name, step, value, at in logged:
        points = by_metric.get((run, node, name))
        if points is None:
            points = by_metric[run, node, name] = []
        points.append((step, value, at))
    db.executemany(_METRIC, [(*key, *_summary(points)) for key, points in by_metric.items()])
    known: dict[tuple[int, str, str], tuple[int, int]] = {}
    for part in _parts(sorted({run for run, _, _ in by_metric})):
        for number, count, *key in db.execute(
            f"select id, count, run, node, name from metrics where run in ({','.join('?' * len(part))})", part
        ):
            known[tuple(key)] = number, count
    moved: list[tuple[int, int, int, float | None, float]] = []
    for key, points in by_metric.items():
        metric, count = known[key]
        moved += [
            (metric, step, place, value, at) for place, (step, value, at) in enumerate(points, count - len(points))
        ]
    db.executemany("insert into points (metric, step, number, value, at) values (?, ?, ?, ?, ?)", moved)


def _summary(points: Sequence[_Point]) -> tuple[float | None, float, float, int, float]:
    """The last, least and greatest of some points, how many they are, and when the last was."""
    numbers = [value for _, value, _ in points if value is not None and value == value] or [rows.NAN]
    _, last, at = points[-1]
    return last, min(numbers), max(numbers), len(points), at


# What is logged replaces what was inherited: a step that was to be reused has run after all.
_METRIC = """
insert into metrics (run, node, name, last, min, max, count, at) values (?, ?, ?, ?, ?, ?, ?, ?)
on conflict (run, node, name) do update set
    origin = null,
    last = excluded.last,
    at = excluded.at,
    min = case when metrics.origin is null and metrics.min is not null
        and (excluded.min is null or metrics.min <= excluded.min) then metrics.min else excluded.min end,
    max = case when metrics.origin is null and metrics.max is not null
        and (excluded.max is null or metrics.max >= excluded.max) then metrics.max else excluded.max end,
    count = case when metrics.origin is null then metrics.count + excluded.count else excluded.count end
"""


def cleaned(row: _Logged) -> _Logged:
    """A point whose names the database can hold."""
    run, node, name, step, value, at = row
    return run, rows.clean(node), rows.clean(name), step, value, at


# -- reading -----------------------------------------------------------------------------------------------


def summaries(ledger: connection.Ledger, chosen: str, values: Sequence[Any]) -> list[records.MetricSummary]:
    """The metrics of a run or node, by name; `chosen` is the SQL for its rows."""
    with ledger.reading():
        moved = ledger.rows(
            f"select node, name, at, last, min, max, count, origin from metrics where {chosen} order by name, at, id",
            values,
        )
        fresh = ledger.rows(f"select node, name, at, value from logged where {chosen} order by id", values)
    by_node: dict[tuple[str, str], tuple[float, records.MetricSummary]] = {}
    added = {(each[0], each[1]) for each in fresh}
    for node, name, at, last, least, most, count, origin in moved:
        if origin is None or (node, name) not in added:  # what is logged replaces what was inherited
            last, least, most = rows.number(last), rows.number(least), rows.number(most)
            by_node[node, name] = at, records.MetricSummary(name, last, least, most, count)
    for node, name, at, value in fresh:
        value = rows.number(value)
        one = records.MetricSummary(name, value, value, value, 1)
        by_node[node, name] = at, _together(by_node[node, name][1], one) if (node, name) in by_node else one
    found: dict[str, records.MetricSummary] = {}
    for _, summary in sorted(by_node.values(), key=lambda each: (each[1].name, each[0])):
        earlier = found.get(summary.name)
        found[summary.name] = summary if earlier is None else _together(earlier, summary)
    return list(found.values())


def _together(one: records.MetricSummary, other: records.MetricSummary) -> records.MetricSummary:
    """The summary of two parts of a metric, the later one last."""
    return records.MetricSummary(
        one.name,
        other.last,
        _least(one.min, other.min),
        -_least(-one.max, -other.max),
        one.count + other.count,
    )


def _least(one: float, other: float) -> float:
    """The lesser of two numbers; NaN only when both are."""
    return one if other != other or one <= other else other


def lasts(ledger: connection.Ledger, runs: Sequence[str]) -> dict[str, dict[str, float]]:
    """The last value of each metric of a few runs, by run and name."""
    found: dict[str, dict[str, float]] = {}
    within = f"where runs.run in ({','.join('?' * len(runs))})"
    moved = ledger.rows(
        f"select runs.run, metrics.name, metrics.last from runs join metrics on metrics.run = runs.id {within} "
        "order by metrics.name, metrics.at, metrics.id",
        runs,
    )
    fresh = ledger.rows(
        f"select runs.run, logged.name, logged.value from logged join runs on runs.id = logged.run {within} "
        "order by logged.id",
        runs,
    )
    for run, name, last in (*moved, *fresh):
        found.setdefault(run, {})[name] = rows.number(last)
    return {run: dict(sorted(each.items())) for run, each in found.items()} if fresh else found


def series(ledger: connection.Ledger, name: str, chosen: str, values: Sequence[Any]) -> list[records.MetricPoint]:
    """The points of a metric of a run or node, by step; `chosen` is the SQL for its rows."""
    found = ledger.rows(
        "select points.step as step, points.value, points.at as at, metrics.id as metric, points.number as number "
        "from metrics join points on points.metric = coalesce(metrics.origin, metrics.id) "
        f"where {chosen} and metrics.name = ? and (metrics.origin is null or not exists (select 1 from logged "
        "where logged.run = metrics.run and logged.node = metrics.node and logged.name = metrics.name)) "
        f"union all select step, value, at, {_AFTER}, id from logged where {chosen} and name = ? "
        "order by step, at, metric, number",
        [*values, name, *values, name],
    )
    return [records.MetricPoint(name, rows.number(value), step, at) for step, value, at, _, _ in found]


_AFTER = 1 << 62  # behind the numbers of all metrics


def _parts(items: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]
