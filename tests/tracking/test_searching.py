from __future__ import annotations

import math
import sys
from pathlib import Path

import pandas
import pytest

import tane


@pytest.fixture
def tracked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for number, kind in enumerate(("lightgbm", "elastic_net", "lightgbm")):
        with tane.start_run(f"run {number}", params={"model": {"kind": kind, "depth": number}}, tags={"owner": "ann"}):
            tane.log_metric("auc", number / 4)
    return tmp_path


def test_runs_come_as_a_frame_newest_first(tracked: Path) -> None:
    frame = tane.search_runs()
    assert list(frame["name"]) == ["run 2", "run 1", "run 0"]
    assert list(frame.columns[-4:]) == ["params.model.depth", "params.model.kind", "metrics.auc", "tags.owner"]
    assert [str(frame[name].dtype) for name in ("params.model.depth", "metrics.auc", "trial")] == [
        "int64",
        "float64",
        "Int64",
    ]
    assert frame["started"].dt.tz is not None
    assert (frame["ended"] >= frame["started"]).all()
    assert frame["duration"].sum() > 0


def test_a_frame_is_filtered_sorted_and_cut(tracked: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    here = tmp_path_factory.mktemp("elsewhere")
    frame = tane.search_runs("params.model.kind = 'lightgbm'", sort="metrics.auc", path=tracked)
    assert list(frame["metrics.auc"]) == [0.0, 0.5]
    assert list(tane.search_runs(sort=["-metrics.auc"], limit=1)["name"]) == ["run 2"]
    assert len(tane.search_runs("metrics.auc > 9")) == 0
    nothing = tane.search_runs(path=here)
    assert len(nothing) == 0 and "status" in nothing
    assert not list(here.iterdir())


def test_what_a_run_does_not_have_is_missing(tracked: Path) -> None:
    with tane.start_run("other", params={"text": "x"}):
        tane.log_metric("loss", math.inf)
        frame = tane.search_runs()
        assert frame["status"][0] == "running" and pandas.isna(frame["ended"][0])
    assert frame["metrics.loss"][0] == math.inf
    assert frame[["metrics.loss", "params.text", "tags.owner"]].isna().sum().tolist() == [3, 3, 1]


def test_a_mistake_in_a_filter_is_the_users(tracked: Path) -> None:
    with pytest.raises(tane.TaneError, match="column 13"):
        tane.search_runs("metrics.auc => 1")


def test_without_pandas_the_extra_is_named(tracked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(tane.TaneError, match="pandas"):
        tane.search_runs()
