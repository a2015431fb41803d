from __future__ import annotations

import math
import operator
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

import effort
from tane import errors, outcomes
from tane.ledger import connection, filters, read, records, search, write


def record(
    ledger: connection.Ledger,
    run: str,
    params: Mapping[str, Any] | None = None,
    metrics: Mapping[str, float] | None = None,
    tags: Mapping[str, str] | None = None,
    *,
    end: bool = True,
    **fields: Any,
) -> None:
    write.start_run(ledger, records.RunRecord(run=run, **{"pipeline": "p", "params": params or {}, **fields}))
    for name, value in (metrics or {}).items():
        write.log_metric(ledger, run, None, name, value, 0, 1.0)
    write.set_tags(ledger, run, tags or {})
    if end:
        write.end_run(ledger, run, outcomes.RunStatus.SUCCEEDED, 5.0)


def ids(ledger: connection.Ledger, filter: str = "", **asked: Any) -> list[str]:
    found = [found.run.run for found in search.runs(ledger, filter, **asked)]
    assert search.columns(ledger, filter, **asked)["run"] == found
    return found


BIG = 2**60 + 1


@pytest.fixture
def three(ledger: connection.Ledger) -> connection.Ledger:
    first = {"model": {"name": "lightgbm", "lr": 0.1}, "flag": True, "n": None, "big": BIG, "long": "x" * 300}
    second = {"model": {"name": "CatBoost", "lr": "auto"}, "flag": False, "list": [1, "2"], "long": "x" * 120}
    record(ledger, "r1", first, {"auc": 0.9, "loss": math.nan}, {"owner": "x", "n": "5"}, user="ann", started=1.0)
    record(
        ledger, "r2", second, {"auc": 0.7, "loss": math.inf}, {"owner": "y", "n": "five"}, experiment="E", name="two"
    )
    record(ledger, "r3", {"seed": 3, "nan": math.nan, "low": -math.inf}, kind="script")
    return ledger


@pytest.mark.parametrize(
    ("filter", "runs"),
    [
        ("", "r3 r2 r1"),
        ("metrics.auc > 0.8", "r1"),
        ("metrics.auc > 0.8 and params.model.name = 'lightgbm' and tags.owner != 'y'", "r1"),
        ("params.model.name != 'lightgbm'", "r2"),  # a run without it is not different from it
        ("not params.model.name = 'lightgbm'", "r3 r2"),
        ("tags.owner != 'x'", "r2"),
        ("tags.owner is null or tags.owner = 'y'", "r3 r2"),
        ("params.flag = true", "r1"),
        ("params.flag != true", "r2"),
        ("params.flag = 1", ""),
        ("params.n is null", "r3 r2 r1"),
        ("params.flag is not null", "r2 r1"),
        (f"params.big = {BIG}", "r1"),
        (f"params.big = {BIG - 1}", ""),
        (f"params.long = '{'x' * 300}'", "r1"),
        (f"params.long = '{'x' * 120}'", "r2"),
        (f"params.long != '{'x' * 120}'", "r1"),
        (f"params.long like 'x%{'x' * 121}'", "r1"),
        ("params.long in ('a', 'b')", ""),
        ("metrics.loss = nan", "r1"),
        ("metrics.loss != nan", "r2"),
        ("metrics.loss = inf", "r2"),
        ("metrics.loss != 1", "r2 r1"),
        ("metrics.loss < 1", ""),
        ("metrics.auc in (0.9, 1)", "r1"),
        ("metrics.auc not in (0.9, 1)", "r2"),
        ("metrics.auc is null", "r3"),
        ("params.model.name like '%Boost'", "r2"),
        ("params.model.name like '%boost'", ""),
        ("params.model.name ilike '%boost'", "r2"),
        ("params.model.name like 'C_tB*'", ""),
        ("params.model.name not contains 'gbm'", "r2"),
        ("params.model.lr > 0", "r1"),
        ("params.model.lr = '0.1'", "r1"),  # as MLflow writes it
        ("params.model.lr not in (0.1, 0.2)", "r2"),
        ("params.list contains '\"2\"'", "r2"),
        ("params.nan = nan and params.low = -inf and params.low < 0", "r3"),
        ("tags.n > 4", "r1"),
        ("tags.n = 5", "r1"),
        ("tags.n != 5", "r2"),
        ("user = 'ann'", "r1"),
        ("user is null", "r3 r2"),
        ("experiment = 'E' or kind = 'script'", "r3 r2"),
        ("name = 'two'", "r2"),
        ("name not like 't%'", "r3 r1"),
        ("status = 'FINISHED' and run like 'r_'", "r3 r2 r1"),
        ("status in ('failed', 'running')", ""),
        ("duration > 4.5", "r3 r2"),
        ("started > '1970-01-03' or trial is not null or note is not null", ""),
        ("published = true and not published = false", "r3 r2 r1"),
    ],
)
def test_a_filter_finds_its_runs(three: connection.Ledger, filter: str, runs: str) -> None:
    assert ids(three, filter) == runs.split()


@pytest.mark.parametrize(
    ("sort", "runs"),
    [
        (["metrics.auc"], "r2 r1 r3"),
        (["-metrics.auc"], "r1 r2 r3"),
        (["metrics.auc desc"], "r1 r2 r3"),
        (["params.model.lr"], "r1 r2 r3"),  # numbers before texts
        (["params.model.lr desc"], "r1 r2 r3"),
        (["-tags.owner"], "r2 r1 r3"),
        (["experiment", "run"], "r2 r1 r3"),
        (["-duration", "run"], "r2 r3 r1"),
        ("run", "r1 r2 r3"),
    ],
)
def test_runs_without_what_they_are_sorted_by_come_last(three: connection.Ledger, sort: Any, runs: str) -> None:
    assert ids(three, sort=sort) == runs.split()


def test_a_limit_takes_the_first(three: connection.Ledger) -> None:
    assert ids(three, sort=["run"], limit=2) == ["r1", "r2"]
    assert ids(three, limit=1) == ["r3"]
    assert ids(three, limit=0) == []


def test_a_found_run_brings_what_was_logged(three: connection.Ledger) -> None:
    found = search.runs(three, "run = 'r2'")[0]
    assert found.run == read.run(three, "r2")
    assert found.params == {
        "flag": False, "list": [1, "2"], "long": "x" * 120, "model.lr": "auto", "model.name": "CatBoost",
    }  # fmt: skip
    assert found.metrics == {"auc": 0.7, "loss": math.inf}
    assert found.tags == {"n": "five", "owner": "y"}


@pytest.mark.parametrize("few", [1, 100])
@pytest.mark.parametrize("filter", ["", "run = 'r1'", "run != 'r1'"])
def test_columns_are_what_the_runs_have(
    three: connection.Ledger, filter: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_FEW", few)
    columns = search.columns(three, filter)
    for at, found in enumerate(search.runs(three, filter)):
        row = {name: values[at] for name, values in columns.items()}
        for kind, has in (("params", found.params), ("metrics", found.metrics), ("tags", found.tags)):
            told = {name.partition(".")[2]: value for name, value in row.items() if name.startswith(f"{kind}.")}
            assert repr({name: value for name, value in told.items() if value is not None}) == repr(
                {name: value for name, value in sorted(has.items()) if value is not None}
            )
        assert (row["name"], row["status"], row["user"]) == (found.run.name, str(found.run.status), found.run.user)


def test_of_nodes_that_share_a_metric_the_last_counts(ledger: connection.Ledger, start: Callable[..., str]) -> None:
    run = start()
    for node, value, at in (("a", 1.0, 3.0), ("b", 5.0, 2.0)):
        write.log_metric(ledger, run, node, "m", value, 0, at)
        write.settle(ledger)
    assert ids(ledger, "metrics.m = 1") == [run]
    assert ids(ledger, "metrics.m = 5") == []
    assert search.runs(ledger)[0].metrics == {"m": 1.0}
    write.log_metric(ledger, run, "b", "m", 7.0, 1, 4.0)
    assert ids(ledger, "metrics.m = 7") == [run]
    assert ids(ledger, "metrics.m < 7 or metrics.m > 7 or metrics.m is null") == []
    assert read.last_values(ledger, [run]) == {run: {"m": 7.0}}


def test_a_run_whose_process_is_gone_is_found_as_killed(ledger: connection.Ledger) -> None:
    lived = time.time()
    record(ledger, "dead", end=False, pid=0, host="elsewhere", started=lived - 100)
    record(ledger, "live", end=False, pid=os.getpid(), host=os.uname().nodename, started=lived - 100)
    with ledger.writing() as db:
        db.execute("update runs set lease = ? where run = 'dead'", (lived,))
    assert ids(ledger, "status = 'killed'") == ["dead"]
    assert ids(ledger, "status = 'running' and ended is null") == ["live"]
    assert ids(ledger, "duration < 50") == ["dead"]
    assert search.columns(ledger)["status"] == ["running", "killed"]


def test_deleted_runs_are_found_where_asked_for_alone(three: connection.Ledger) -> None:
    assert write.delete_run(three, "r2")
    assert not write.delete_run(three, "r2")
    assert ids(three) == ["r3", "r1"]
    assert ids(three, deleted=True) == ["r2"]
    assert [run.run for run in read.runs(three)] == ["r3", "r1"]
    assert [run.run for run in read.runs(three, deleted=True)] == ["r2"]
    assert read.run(three, "r2").deleted > 0
    assert write.restore_run(three, "r2")
    assert not write.restore_run(three, "r2")
    assert ids(three) == ["r3", "r2", "r1"]


def test_last_is_no_deleted_run_and_a_prefix_means_one_that_is_not(ledger: connection.Ledger) -> None:
    record(ledger, "20260101-000000-aaaa0001")
    record(ledger, "20260101-000000-aaaa0002")
    write.delete_run(ledger, "20260101-000000-aaaa0002")
    assert read.run(ledger, "last").run == "20260101-000000-aaaa0001"
    assert read.run(ledger, "aaaa").run == "20260101-000000-aaaa0001"
    assert read.run(ledger, "aaaa0002").deleted > 0


def test_a_run_at_work_is_not_deleted(ledger: connection.Ledger, start: Callable[..., str]) -> None:
    run = start()
    with pytest.raises(errors.UsageError, match="still running"):
        write.delete_run(ledger, run)
    write.end_run(ledger, run, outcomes.RunStatus.FAILED, 2.0)
    assert write.delete_run(ledger, run)


def test_windows_experiments_and_studies_are_asked_for(ledger: connection.Ledger) -> None:
    record(ledger, "r1", experiment="E", study="S", trial=3, group="g", job_type="eval", parent="r0")
    record(ledger, "r2", kind=records.WINDOW)
    assert ids(ledger) == ["r1"]
    assert ids(ledger, windows=True) == ["r2", "r1"]
    assert ids(ledger, experiment="E") == ids(ledger, study="S") == ["r1"]
    assert ids(ledger, experiment="") == ids(ledger, study="T") == []
    assert ids(ledger, "trial = 3 and group = 'g' and job_type = 'eval' and parent = 'r0' and study = 'S'") == ["r1"]
    for asked in ({"experiment": "E"}, {"study": "S"}, {"group": "g"}, {"parent": "r0"}):
        assert [run.run for run in read.runs(ledger, **asked)] == ["r1"]
    assert read.run(ledger, "r1").trial == 3


def test_an_experiment_is_made_once(ledger: connection.Ledger) -> None:
    assert write.use_experiment(ledger, "MLMAN-1")
    assert not write.use_experiment(ledger, "MLMAN-1")
    record(ledger, "r1", experiment="other", started=7.0)
    assert [(each.name, each.runs) for each in read.experiments(ledger)] == [("other", 1), ("MLMAN-1", 0)]


@pytest.mark.parametrize("name", ["'; drop table runs; --", 'a"b', "a]b", "%", "?", "?1", ":x", "\u2028", "a'b"])
def test_names_and_values_are_never_part_of_the_statement(ledger: connection.Ledger, name: str) -> None:
    record(ledger, "r1", {name: name}, {name: 1.0}, {name: name})
    quoted = f"`{name}`"
    text = "'" + name.replace("'", "''") + "'"
    assert ids(ledger, f"params.{quoted} = {text} and tags.{quoted} = {text} and metrics.{quoted} = 1") == ["r1"]
    assert ids(ledger, f"params.{quoted} contains {text}", sort=[f"-metrics.{quoted}", f"tags.{quoted}"]) == ["r1"]


def test_many_terms_are_no_expression_too_deep(three: connection.Ledger) -> None:
    long = " or ".join(f"params.seed = {number}" for number in range(400))
    assert ids(three, long) == ["r3"]


def test_a_value_of_a_megabyte_is_kept_and_found(ledger: connection.Ledger) -> None:
    text = "é" * 1_000_000
    record(ledger, "r1", {"text": text, "other": [text]})
    assert ids(ledger, f"params.text = '{text}'") == ids(ledger, "params.text contains 'éé'") == ["r1"]
    assert search.runs(ledger)[0].params == {"text": text, "other": [text]}


def test_names_that_no_run_has_are_told(three: connection.Ledger) -> None:
    told = search.doubts(three, "metrics.acu > 1 and tags.owner = 'x' and params.zzz = 1", ["-metrics.auk"])
    assert [(fault.what, fault.where) for fault in told] == [
        ("no run has metrics.acu", "filter, column 1"),
        ("no run has params.zzz", "filter, column 42"),
        ("no run has metrics.auk", "sort"),
    ]
    assert "metrics.auc" in told[0].hint
    assert "model.name" in told[1].hint


def test_a_ledger_that_may_only_be_read_is_searched_with_what_was_just_logged(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = connection.open_ledger(path)
    record(ledger, "r1", {"long": "x" * 200}, {"a": 1.0}, end=False)

    def refuse(path: Path) -> sqlite3.Connection:
        error = sqlite3.OperationalError("attempt to write a readonly database")
        error.sqlite_errorcode = sqlite3.SQLITE_READONLY
        raise error

    monkeypatch.setattr(connection, "_writable", refuse)
    reader = connection.open_ledger(path)
    assert ids(reader, "metrics.a = 1 and params.long contains 'xx'", sort="-metrics.a") == ["r1"]
    assert search.names(reader, "metrics") == ["a"]
    reader.close()
    ledger.close()


def test_a_ledger_that_is_not_there_has_no_runs(path: Path) -> None:
    ledger = connection.open_ledger(path, create=False)
    assert search.runs(ledger, "metrics.a > 1") == []
    assert search.columns(ledger)["run"] == []
    ledger.close()


# -- the law: what is found is what a filter says of each run ----------------------------------------------

NAMES = ("a", "b", "odd name")
NUMBERS = some.sampled_from([0.0, 1.0, -2.5, math.inf, math.nan, 3])
TEXTS = some.sampled_from(["", "x", "Xy", "3", "%_", "é'"])
VALUES = NUMBERS | TEXTS | some.booleans()
RUNS = some.lists(
    some.fixed_dictionaries(
        {
            "params": some.dictionaries(some.sampled_from(NAMES), VALUES),
            "metrics": some.lists(some.tuples(some.sampled_from(NAMES), some.sampled_from(["", "n"]), NUMBERS)),
            "tags": some.dictionaries(some.sampled_from(NAMES), TEXTS),
        }
    ),
    max_size=5,
)
COMPARED = some.sampled_from(["=", "!=", "<", ">="])


@some.composite
def comparisons(draw: Any) -> filters.Test:
    kind, name = draw(some.sampled_from(["params", "metrics", "tags"])), draw(some.sampled_from(NAMES))
    if draw(some.booleans()):
        return filters.Test(kind, name, draw(some.sampled_from(["null", "not null"])), (), 0)
    value = draw(NUMBERS if kind == "metrics" else TEXTS)
    return filters.Test(kind, name, draw(COMPARED), (value,), 0)


TREES = some.recursive(
    comparisons(),
    lambda inner: (
        inner.map(filters.Not)
        | some.lists(inner, min_size=2, max_size=3).map(lambda parts: filters.Every(tuple(parts)))
        | some.lists(inner, min_size=2, max_size=3).map(lambda parts: filters.Some(tuple(parts)))
    ),
    max_leaves=5,
)


def written(tree: filters.Tree) -> str:
    if isinstance(tree, filters.Test):
        word = f"is {tree.operator}" if "null" in tree.operator else tree.operator
        values = (
            f"'{value.replace(chr(39), chr(39) * 2)}'" if isinstance(value, str) else repr(value)
            for value in tree.values
        )
        return f"{tree.kind}.`{tree.name}` {word} {' '.join(values)}"
    if isinstance(tree, filters.Not):
        return f"not ({written(tree.part)})"
    word = " and " if isinstance(tree, filters.Every) else " or "
    return f"({word.join(map(written, tree.parts))})"


def holds(tree: filters.Tree, has: Mapping[str, Mapping[str, Any]]) -> bool:
    if isinstance(tree, filters.Not):
        return not holds(tree.part, has)
    if isinstance(tree, filters.Every | filters.Some):
        return (all if isinstance(tree, filters.Every) else any)(holds(part, has) for part in tree.parts)
    there = tree.name in has[tree.kind]
    if not tree.values:
        return there == (tree.operator == "not null")
    if not there:
        return False
    value, other = has[tree.kind][tree.name], tree.values[0]
    if isinstance(other, str):
        value = (
            value
            if isinstance(value, str)
            else {True: "true", False: "false"}[value]
            if isinstance(value, bool)
            else json(value)
        )
    elif math.isnan(other) and tree.operator in ("=", "!="):
        return math.isnan(value) == (tree.operator == "=")
    return bool(COMPARE[tree.operator](value, other))


COMPARE = {"=": operator.eq, "!=": operator.ne, "<": operator.lt, ">=": operator.ge}


def json(value: float) -> str:
    return "NaN" if value != value else "Infinity" if value == math.inf else repr(value)


@effort.drawn(60)
@given(RUNS, TREES, some.booleans())
def test_a_run_is_found_when_the_filter_holds_of_it(runs: list[Any], tree: filters.Tree, settled: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ledger = connection.open_ledger(Path(folder) / "ledger.db")
        expected = []
        at = 0.0
        for number, each in enumerate(runs):
            record(ledger, f"r{number}", each["params"], {}, each["tags"])
            last = {}
            for name, node, value in each["metrics"]:
                at += 1
                write.log_metric(ledger, f"r{number}", node, name, value, 0, at)
                last[name] = value
            if holds(tree, {**each, "metrics": last}):
                expected.insert(0, f"r{number}")
        if settled:
            write.settle(ledger)
        found = search.runs(ledger, written(tree))
        ledger.close()
    assert [each.run.run for each in found] == expected
