"""All that is asked of the ledger. Nothing here writes: whether a lease ran out is judged anew each time.

Planner, runs and all doors call it. Lists of runs and versions come newest first.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from tane import errors, outcomes
from tane.ledger import connection, leases, points, records, rows

_CHUNK = 500  # SQLite's oldest limit on parameters is 999
_NEWEST = ("last", "latest")
_SHOWN = 5
_EARLIER = 200


class Result(NamedTuple):
    """What may stand for a step of some key: where it was made, and its outputs in order."""

    run: str
    position: int
    outputs: tuple[records.Kept, ...]


class Version(NamedTuple):
    """One content a dataset has had: the run that brought it, when, and how it was kept."""

    run: str
    at: float
    kept: records.Kept


class Use(NamedTuple):
    """A step that made or took something, and the name it knew it by."""

    run: str
    position: int
    node: str
    name: str


class Experiment(NamedTuple):
    """A name that puts runs together: when it was first used, how many runs it has, when the newest began."""

    name: str
    created: float
    runs: int
    newest: float


# -- runs --------------------------------------------------------------------------------------------------


def runs(
    ledger: connection.Ledger,
    *,
    limit: int | None = None,
    pipeline: str | None = None,
    status: outcomes.RunStatus | None = None,
    name: str | None = None,
    kind: str | None = None,
    windows: bool = False,
    experiment: str | None = None,
    group: str | None = None,
    study: str | None = None,
    parent: str | None = None,
    deleted: bool = False,
) -> list[records.RunRecord]:
    """The newest runs, of one pipeline, status, name, kind, experiment, group, study or parent where that is given.

    The windows of backfills are among them only with `windows`, or where they are asked for by name or kind. Runs that
    were deleted are there with `deleted` alone, and then no others.
    """
    terms: list[str] = [] if windows or name is not None or kind is not None else [f"kind <> '{records.WINDOW}'"]
    terms.append("deleted <> 0" if deleted else "deleted = 0")
    values: list[Any] = []
    for column, wanted in (
        ("pipeline", pipeline),
        ("name", name),
        ("kind", kind),
        ("experiment", experiment),
        ("grouped", group),
        ("study", study),
        ("parent", parent),
    ):
        if wanted is not None:
            terms.append(f"{column} = ?")
            values.append(wanted)
            if wanted and column in ("experiment", "study", "parent"):
                terms.append(f"{column} <> ''")  # what their indexes are of
    living = status in (outcomes.RunStatus.RUNNING, outcomes.RunStatus.KILLED)
    if status is not None:
        terms.append("status in (?, ?)")
        values += [str(status), str(outcomes.RunStatus.RUNNING if living else status)]
    where = f"where {' and '.join(terms)} "
    cut = ""
    if limit is not None and not living:
        cut = "limit ?"
        values.append(limit)
    found = judged(ledger.rows(f"select {rows.RUN} from runs {where}order by id desc {cut}", values))
    return [run for run in found if run.status is status][:limit] if living else found


def experiments(ledger: connection.Ledger) -> list[Experiment]:
    """The experiments, the one with the newest run first; deleted runs do not count."""
    found = ledger.rows(
        "select experiments.name, created, count(runs.id), coalesce(max(runs.started), 0) from experiments "
        "left join runs on runs.experiment = experiments.name and runs.experiment <> '' and runs.deleted = 0 "
        "group by experiments.name order by 4 desc, created desc"
    )
    return [Experiment(*row) for row in found]


def windows(ledger: connection.Ledger, backfill: str) -> list[records.RunRecord]:
    """The runs of the windows of a backfill, oldest first; one that was run again is there each time."""
    name = f"{backfill}/"
    return judged(
        ledger.rows(
            f"select {rows.RUN} from runs where kind = ? and substr(name, 1, ?) = ? order by id",
            (records.WINDOW, len(name), name),
        )
    )


def windows_done(ledger: connection.Ledger, backfill: str) -> int:
    """How many windows of a backfill have succeeded, each counted as its last run ended."""
    name = f"{backfill}/"
    last: dict[str, str] = dict(
        ledger.rows(
            "select name, status from runs where kind = ? and substr(name, 1, ?) = ? order by id",
            (records.WINDOW, len(name), name),
        )
    )
    last.pop(name + records.SHARED, None)
    return sum(status == outcomes.RunStatus.SUCCEEDED for status in last.values())


def run(ledger: connection.Ledger, prefix: str) -> records.RunRecord:
    """The one run whose id begins with `prefix`, or has it behind the time; "last", "latest": the newest.

    One that was deleted is found where no other is meant. Raises `errors.UsageError` when there is none, or more than
    one.
    """
    if prefix in _NEWEST:
        newest = runs(ledger, limit=1)
        if newest:
            return newest[0]
        raise _unknown(ledger, prefix)
    found = ledger.rows(
        f"select {rows.RUN} from runs where substr(run, 1, ?) = ? order by run", (len(prefix), prefix)
    ) or ledger.rows(
        f"select {rows.RUN} from runs where run like '%-%-%' and substr(run, 17, ?) = ? order by run",
        (len(prefix), prefix),
    )
    if not found and prefix:
        named = runs(ledger, name=prefix, limit=1)
        if named:
            return named[0]
    if not found or not prefix:
        raise _unknown(ledger, prefix)
    exact = [row for row in found if row[0] == prefix] or [row for row in found if not row[-1]] or found
    if len(exact) > 1:
        listed = ", ".join(row[0] for row in found[:_SHOWN]) + (", ..." if len(found) > _SHOWN else "")
        raise errors.UsageError(f"{prefix!r} stands for {len(found)} runs", hint=f"write more of it: {listed}")
    return judged(exact)[0]


_NEWEST_IDS = "select run from runs where kind <> ? and deleted = 0 order by id desc limit 1000"


def _unknown(ledger: connection.Ledger, prefix: str) -> errors.UsageError:
    deleted = ledger.rows("select run from runs where name = ? and deleted > 0 order by id desc limit 1", (prefix,))
    if deleted:
        run = deleted[0][0]
        return errors.UsageError(f"run {prefix!r} was deleted", hint=f"its id finds it: {run}; tane runs restore {run}")
    ids = [row[0] for row in ledger.rows(_NEWEST_IDS, (records.WINDOW,))]
    otherwise = f"the newest are: {', '.join(ids[:_SHOWN])}" if ids else "nothing has run here yet: tane run"
    return errors.UsageError(f"there is no run {prefix!r}", hint=errors.did_you_mean(prefix, ids, otherwise))


def judged(found: Sequence[Sequence[Any]]) -> list[records.RunRecord]:
    """Runs of the columns `rows.RUN` as they stand now.

    One whose process is gone was killed, when it last gave a sign of life.
    """
    found_so = []
    here, now = "", time.time()
    for row in found:
        status, ended = outcomes.RunStatus(row[4]), row[6]
        if status is outcomes.RunStatus.RUNNING:
            here = here or os.uname().nodename
            lease, host, pid, process = row[7:11]
            if leases.is_gone(host, pid, process, lease, here=here, now=now):
                status, ended = outcomes.RunStatus.KILLED, max(row[5], lease - leases.LEASE)
        found_so.append(rows.run(row, status, ended))
    return found_so


def counts(ledger: connection.Ledger, runs: Iterable[str]) -> dict[str, dict[outcomes.StepStatus, int]]:
    """How many steps of each of `runs` ended in each way so far."""
    found: dict[str, dict[outcomes.StepStatus, int]] = {}
    for part in _parts(runs):
        for run, status, count in ledger.rows(
            "select runs.run, steps.status, count(*) from runs join steps on steps.run = runs.id "
            f"where runs.run in ({','.join('?' * len(part))}) and steps.position >= 0 and steps.position < ? "
            "group by runs.run, steps.status",
            [*part, records.ITEMS],
        ):
            found.setdefault(run, {})[outcomes.StepStatus(status)] = count
    return found


# -- steps -------------------------------------------------------------------------------------------------


def steps(ledger: connection.Ledger, run: str) -> list[records.StepRecord]:
    """The steps of a run that have ended so far, by position; the items of fanned-out ones are not among them."""
    return _steps(ledger, run, 0, records.ITEMS)


def items(ledger: connection.Ledger, run: str, position: int) -> list[records.StepRecord]:
    """The items of the fanned-out step at `position` that have ended so far, in order."""
    first = records.item_position(position, 0)
    return _steps(ledger, run, first, first + records.ITEMS)


def _steps(ledger: connection.Ledger, run: str, first: int, end: int) -> list[records.StepRecord]:
    within = (ledger.number(run), first, end)
    with ledger.reading():
        made = ledger.rows(
            f"select outputs.position, {rows.KEPT} from outputs join kept on kept.id = outputs.kept "
            "where outputs.run = ? and outputs.position >= ? and outputs.position < ? "
            "order by outputs.position, outputs.place",
            within,
        )
        found = ledger.rows(
            f"select {rows.STEP} from steps join bases on bases.id = steps.basis where steps.run = ? "
            "and steps.position >= ? and steps.position < ? order by steps.position",
            within,
        )
    outputs: dict[int, list[records.Kept]] = {}
    for position, *kept in made:
        outputs.setdefault(position, []).append(rows.kept(kept))
    return [rows.step(row, tuple(outputs.get(row[0], ()))) for row in found]


def outputs(
    ledger: connection.Ledger, runs: Iterable[str]
) -> dict[str, list[tuple[outcomes.StepStatus, records.Kept]]]:
    """What the steps of each of `runs` made, with how the step ended; without what its items did."""
    found: dict[str, list[tuple[outcomes.StepStatus, records.Kept]]] = {}
    for part in _parts(runs):
        for run, status, *kept in ledger.rows(
            f"select runs.run, steps.status, {rows.KEPT} from runs join steps on steps.run = runs.id "
            "join outputs on outputs.run = steps.run and outputs.position = steps.position "
            "join kept on kept.id = outputs.kept "
            f"where runs.run in ({','.join('?' * len(part))}) and steps.position >= 0 "
            f"and steps.position < {records.ITEMS} order by runs.id, steps.position, outputs.place",
            part,
        ):
            found.setdefault(run, []).append((outcomes.StepStatus(status), rows.kept(kept)))
    return found


def sources(ledger: connection.Ledger, run: str) -> list[records.Kept]:
    """What a run started from: the datasets no node of it made."""
    return _given(ledger, run, rows.SOURCES)


def inputs(ledger: connection.Ledger, run: str, position: int) -> list[records.Kept]:
    """What the failed step at `position` was given; nothing for one that did not fail."""
    return _given(ledger, run, rows.inputs_position(position))


def _given(ledger: connection.Ledger, run: str, position: int) -> list[records.Kept]:
    return [
        rows.kept(row)
        for row in ledger.rows(
            f"select {rows.KEPT} from outputs join kept on kept.id = outputs.kept "
            "where outputs.run = ? and outputs.position = ? order by outputs.place",
            (ledger.number(run), position),
        )
    ]


def last_step(ledger: connection.Ledger, node: str) -> records.StepRecord | None:
    """The step of that name that ended well in the newest run, whether it worked or was reused."""
    with ledger.reading():
        found = ledger.rows(
            f"select steps.run, {rows.STEP} from steps join bases on bases.id = steps.basis "
            "where steps.node = ? and steps.status in (?, ?) "
            "order by steps.run desc, steps.position desc limit 1",
            (node, str(outcomes.StepStatus.SUCCEEDED), str(outcomes.StepStatus.REUSED)),
        )
        if not found:
            return None
        number, *row = found[0]
        outputs = ledger.rows(_OUTPUTS, (number, row[0]))
    return rows.step(row, tuple(map(rows.kept, outputs)))


def result(ledger: connection.Ledger, key: str) -> Result | None:
    """What was kept under `key`."""
    return results(ledger, (key,)).get(key)


def results(ledger: connection.Ledger, keys: Iterable[str]) -> dict[str, Result]:
    """What was kept under those of `keys` that have a result."""
    wanted = list(dict.fromkeys(keys))
    found: dict[str, Result] = {}
    outputs: dict[str, list[records.Kept]] = {}
    for start in range(0, len(wanted), _CHUNK):
        part = wanted[start : start + _CHUNK]
        for key, run, position, *kept in ledger.rows(
            f"select results.key, runs.run, results.position, {rows.KEPT} from results "
            "join runs on runs.id = results.run "
            "left join outputs on outputs.run = results.run and outputs.position = results.position "
            "left join kept on kept.id = outputs.kept "
            f"where results.key in ({','.join('?' * len(part))}) order by results.key, outputs.place",
            part,
        ):
            found[key] = Result(run, position, ())
            if kept[0] is not None:
                outputs.setdefault(key, []).append(rows.kept(kept))
    return {key: each._replace(outputs=tuple(outputs.get(key, ()))) for key, each in found.items()}


def earlier_results(ledger: connection.Ledger, key: str, node: str) -> list[Result]:
    """What the last steps of that name kept under `key`, newest first."""
    with ledger.reading():
        found = ledger.rows(
            "select runs.run, steps.run, steps.position "
            "from (select * from steps where node = ? order by run desc limit ?) as steps "
            "join bases on bases.id = steps.basis join runs on runs.id = steps.run "
            "where bases.key = ? and steps.reusable = 1 and steps.status in (?, ?) order by steps.run desc",
            (node, _EARLIER, key, str(outcomes.StepStatus.SUCCEEDED), str(outcomes.StepStatus.REUSED)),
        )
        return [
            Result(run, position, tuple(map(rows.kept, ledger.rows(_OUTPUTS, (number, position)))))
            for run, number, position in found
        ]


_OUTPUTS = (
    f"select {rows.KEPT} from outputs join kept on kept.id = outputs.kept "
    "where outputs.run = ? and outputs.position = ? order by outputs.place"
)


def has_results(ledger: connection.Ledger) -> bool:
    """Whether anything has ever been kept."""
    return bool(ledger.rows("select 1 from results limit 1"))


def document(ledger: connection.Ledger, digest: str) -> dict[str, Any]:
    """The JSON document of that digest; empty when there is none."""
    found = ledger.rows("select content from documents where digest = ?", (digest,))
    return dict(rows.parsed(found[0][0])) if found else {}


# -- values ------------------------------------------------------------------------------------------------


def versions(ledger: connection.Ledger, name: str, *, limit: int | None = None) -> list[Version]:
    """What dataset `name` was, newest first: one for each change of digest, as of the run that made it.

    What windows of backfills and points of sweeps made is not among them: none is the newest; nor is what imported runs
    made elsewhere, for loading it would run whatever its pickle says. A run that has only taken what another made
    before does not bring it back.
    """
    found: list[Version] = []
    for run, started, ended, *kept in ledger.rows(
        f"select runs.run, runs.started, steps.ended, {rows.KEPT} from kept "
        "join outputs on outputs.kept = kept.id "
        "join steps on steps.run = outputs.run and steps.position = outputs.position "
        f"join runs on runs.id = outputs.run where kept.name = ? and runs.id > 0 and runs.kind <> ? "
        f"and runs.study = '' and not {_ONLY_TAKEN} "
        "order by outputs.run desc, outputs.position desc",
        (name, records.WINDOW),
    ):
        same = bool(found) and found[-1].kept.digest == kept[1]
        if not same and len(found) == limit:
            break
        newest = found.pop().kept if same else rows.kept(kept)  # of equal ones, the newest form of the oldest run
        found.append(Version(run, ended or started, newest))
    return found


_ONLY_TAKEN = (
    "(outputs.position < 0 "
    "and exists (select 1 from kept as other join outputs as made on made.kept = other.id "
    "where other.name = kept.name and made.position >= 0) "
    "and exists (select 1 from kept as other join outputs as older on older.kept = other.id "
    "where other.name = kept.name and other.digest = kept.digest and older.run < outputs.run))"
)


def names(ledger: connection.Ledger) -> list[str]:
    """The names under which anything was kept."""
    return [row[0] for row in ledger.rows("select distinct name from kept order by name")]


def beginning(ledger: connection.Ledger, prefix: str) -> list[records.Kept]:
    """What was kept under a digest that begins with `prefix`, newest first: one for each digest and name."""
    found = ledger.rows(
        f"select {rows.KEPT} from kept where digest >= ? and digest < ? order by id desc", (prefix, prefix + "g")
    )
    return list({(row[0], row[1]): rows.kept(row) for row in reversed(found)}.values())[::-1]


def uses(ledger: connection.Ledger, name: str, digest: str) -> list[Use]:
    """The steps that had this content as output `name`, newest first; position -1: a run started from it."""
    return [
        Use(*row)
        for row in ledger.rows(
            "select runs.run, steps.position, steps.node, kept.name from kept "
            "join outputs on outputs.kept = kept.id "
            "join steps on steps.run = outputs.run and steps.position = outputs.position "
            "join runs on runs.id = steps.run where kept.digest = ? and kept.name = ? "
            "order by steps.run desc, steps.position",
            (digest, name),
        )
    ]


def producers(ledger: connection.Ledger, digest: str) -> list[Use]:
    """The steps that worked and made this content, newest first."""
    return [
        Use(*row)
        for row in ledger.rows(
            "select runs.run, steps.position, steps.node, kept.name from kept "
            "join outputs on outputs.kept = kept.id "
            "join steps on steps.run = outputs.run and steps.position = outputs.position "
            "join runs on runs.id = steps.run where kept.digest = ? and steps.status = ? "
            "order by steps.run desc, steps.position",
            (digest, str(outcomes.StepStatus.SUCCEEDED)),
        )
    ]


def consumers(ledger: connection.Ledger, digest: str) -> list[Use]:
    """The steps that had this digest as an input, newest first; reused ones too."""
    return [
        Use(*row)
        for row in ledger.rows(
            "select runs.run, steps.position, steps.node, inputs.name from inputs "
            "join steps on steps.basis = inputs.basis join runs on runs.id = steps.run "
            "where inputs.digest = ? "
            "order by steps.run desc, steps.position",
            (digest,),
        )
    ]


def saved(ledger: connection.Ledger, value_object: str, save: str) -> records.Kept | None:
    """The output whose value is this object and whose file was written this way, if there has been one."""
    found = ledger.rows(
        f"select {rows.KEPT} from kept where value = ? and save = ? and save <> '' order by id desc limit 1",
        (value_object, save),
    )
    return rows.kept(found[0]) if found else None


def kept_file(ledger: connection.Ledger, digest: str) -> records.Kept | None:
    """The newest output whose file is this object."""
    found = ledger.rows(f"select {rows.KEPT} from kept where file = ? order by id desc limit 1", (digest,))
    return rows.kept(found[0]) if found else None


def placed(ledger: connection.Ledger, path: str) -> str | None:
    """What was last put at a workspace path."""
    found = ledger.rows("select digest from placed where path = ?", (os.fsencode(path),))
    return str(found[0][0]) if found else None


# -- what was logged ---------------------------------------------------------------------------------------


def metrics(ledger: connection.Ledger, run: str, *, node: str | None = None) -> list[records.MetricSummary]:
    """The metrics of a run by name, or of one of its nodes. What several nodes logged as one name is one."""
    return points.summaries(ledger, *_of_node(ledger, run, node))


def last_values(ledger: connection.Ledger, runs: Iterable[str]) -> dict[str, dict[str, float]]:
    """The last value of each metric of each of `runs`, by run and name."""
    found: dict[str, dict[str, float]] = {}
    with ledger.reading():
        for part in _parts(runs):
            found.update(points.lasts(ledger, part))
    return found


def series(ledger: connection.Ledger, run: str, name: str, *, node: str | None = None) -> list[records.MetricPoint]:
    """The points of one metric by step; those of one step in the order they were logged."""
    return points.series(ledger, name, *_of_node(ledger, run, node))


def params(ledger: connection.Ledger, run: str, *, whole: bool = False) -> dict[str, Any]:
    """The parameters logged to a run by dotted name; the `whole` of them with those it was started with, and the
    defaults of its functions.
    """
    which = "" if whole else "and given = 0 "
    found = ledger.rows(f"select name, value from params where run = ? {which}order by name", (ledger.number(run),))
    return {name: rows.parsed(value) for name, value in found}


def tags(ledger: connection.Ledger, run: str) -> dict[str, str]:
    """The tags of a run, by name."""
    return dict(ledger.rows("select name, value from tags where run = ? order by name", (ledger.number(run),)))


def artifacts(ledger: connection.Ledger, run: str, *, node: str | None = None) -> list[records.Artifact]:
    """The artifacts of a run by path, or of one of its nodes."""
    chosen, values = _of_node(ledger, run, node)
    found = ledger.rows(f"select path, file, bytes, kind from artifacts where {chosen} order by path", values)
    return [records.Artifact(*row) for row in found]


def in_the_way(ledger: connection.Ledger, run: str, path: str) -> str:
    """An artifact of a run that cannot lie in one folder with one called `path`, as "a" and "a/b"; empty if none."""
    above = [path[:at] for at, letter in enumerate(path) if letter == "/"]
    found = ledger.rows(
        f"select path from artifacts where run = ? and (path in ({','.join('?' * len(above))}) "
        "or (path > ? and path < ?)) limit 1",
        [ledger.number(run), *above, f"{path}/", f"{path}0"],  # "0" is the letter behind "/"
    )
    return str(found[0][0]) if found else ""


def note(ledger: connection.Ledger, run: str) -> str:
    """The note of a run; empty when it has none."""
    found = ledger.rows("select content from notes where run = ?", (ledger.number(run),))
    return str(found[0][0]) if found else ""


def events(
    ledger: connection.Ledger,
    *,
    subject: str | None = None,
    kind: str | None = None,
    limit: int | None = None,
) -> list[records.Event]:
    """The history, newest first: all of it, or what concerns one subject or kind."""
    terms: list[str] = []
    values: list[Any] = []
    for column, wanted in (("subject", subject), ("kind", kind)):
        if wanted is not None:
            terms.append(f"{column} = ?")
            values.append(wanted)
    where = f"where {' and '.join(terms)} " if terms else ""
    cut = ""
    if limit is not None:
        cut = "limit ?"
        values.append(limit)
    found = ledger.rows(f"select kind, subject, at, actor, detail from events {where}order by id desc {cut}", values)
    return [records.Event(what, about, at, actor, rows.parsed(detail)) for what, about, at, actor, detail in found]


def _parts(runs: Iterable[str]) -> list[list[str]]:
    wanted = list(dict.fromkeys(runs))
    return [wanted[start : start + _CHUNK] for start in range(0, len(wanted), _CHUNK)]


def _of_node(ledger: connection.Ledger, run: str, node: str | None) -> tuple[str, list[Any]]:
    number = ledger.number(run)
    return ("run = ?", [number]) if node is None else ("run = ? and node = ?", [number, node])
