"""A ledger that an older version has written comes up to date with all it holds."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tane import errors, outcomes
from tane.ledger import connection, migrations, read, records, search, write

FIRST, SECOND, THIRD = "20260101-000000-aaaa0001", "20260102-000000-bbbb0002", "20260103-000000-cccc0003"


@pytest.fixture
def old(path: Path) -> Path:
    """A ledger as version 1 wrote it: its dump in data/version1.sql."""
    path.parent.mkdir(parents=True)
    database = sqlite3.connect(path)
    database.executescript(Path(__file__).with_name("data").joinpath("version1.sql").read_text())
    database.execute(f"pragma application_id = {migrations.APPLICATION}")
    database.execute("pragma user_version = 1")
    database.execute("pragma journal_mode = wal")
    database.close()
    return path


@pytest.fixture
def migrated(old: Path) -> Iterator[connection.Ledger]:
    ledger = connection.open_ledger(old)
    yield ledger
    ledger.close()


def test_runs_of_an_older_ledger_are_all_there(migrated: connection.Ledger) -> None:
    first, second, third = reversed(read.runs(migrated))
    assert [run.run for run in (first, second, third)] == [FIRST, SECOND, THIRD]
    assert first.params["model"] == {"name": "lightgbm", "lr": 0.1, "layers": [1, 2]}
    assert (first.experiment, first.study, first.trial, first.deleted) == ("", "", -1, 0.0)
    assert third.status is outcomes.RunStatus.KILLED
    assert read.note(migrated, FIRST) == "good"
    assert read.result(migrated, "key-1") is not None
    assert migrated.rows("pragma user_version") == [(migrations.VERSION,)]
    assert migrated.rows("pragma integrity_check") == [("ok",)]
    assert migrated.rows("pragma foreign_key_check") == []


def test_metrics_of_an_older_ledger_go_on(migrated: connection.Ledger) -> None:
    write.log_metric(migrated, FIRST, "fit", "loss", -1.0, 4, 1.7e9 + 9)
    values = [point.value for point in read.series(migrated, FIRST, "loss")]
    assert values[0] == 3.0 and math.isnan(values[1]) and values[2:] == [math.inf, 0.5, -1.0]
    assert read.metrics(migrated, FIRST, node="fit") == [records.MetricSummary("loss", -1.0, -1.0, math.inf, 5)]
    assert len(read.series(migrated, SECOND, "loss")) == 4


@pytest.mark.parametrize(
    ("filter", "runs"),
    [
        ("params.model.lr = 0.1", [FIRST]),
        ("params.model.name in ('lightgbm', 'catboost')", [SECOND, FIRST]),
        ("params.seed = 8", [FIRST]),  # logged later than it was given
        ("params.text = 'é''\"x'", [FIRST]),
        ("params.nothing is null and params.`odd key.a.b` is null and params.flag = true", [FIRST]),
        ("params.long contains 'xxx' and params.nan = nan and params.limit = inf", [FIRST]),
        ("user = 'ann' and git.commit = 'c0ffee' and git.dirty = 'yes'", [THIRD, SECOND, FIRST]),
        ("metrics.pr_auc > 0.8 and tags.owner = 'ann'", [FIRST]),
        ("status = 'killed' and kind = 'script'", [THIRD]),
    ],
)
def test_an_older_ledger_is_searched(migrated: connection.Ledger, filter: str, runs: list[str]) -> None:
    assert [found.run.run for found in search.runs(migrated, filter)] == runs


def test_what_was_logged_and_what_was_given_are_told_apart(migrated: connection.Ledger) -> None:
    logged = read.params(migrated, FIRST)
    assert sorted(logged) == ["flag2", "list", "long", "nan", "nothing", "seed", "text", "threshold"]
    assert (logged["list"], logged["nothing"], logged["flag2"]) == ([1, "a"], None, False)
    assert read.params(migrated, SECOND) == {}
    assert search.runs(migrated, "params.model.name = 'catboost'")[0].params == {"model.name": "catboost"}


def test_an_older_ledger_that_cannot_be_written_says_so(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> sqlite3.Connection:
        error = sqlite3.OperationalError("attempt to write a readonly database")
        error.sqlite_errorcode = sqlite3.SQLITE_READONLY
        raise error

    monkeypatch.setattr(connection, "_writable", refuse)
    with pytest.raises(errors.LedgerError, match="older layout 1 and cannot be written") as caught:
        connection.open_ledger(old)
    assert "writable" in caught.value.hint
