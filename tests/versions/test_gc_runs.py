"""Runs of a real project between collections, and beside them: each gives what plain Python gives."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import effort
from tane.project import projects
from tane.runs import running
from tane.versions import collection, places, roots, verification

FLOW = """
from tane import Pipeline, node


def start(table, n: int = 0):
    return [value + n for value in table] * 9000


def halves(start):
    return start[: len(start) // 2], start[len(start) // 2 :]


def squared(item):
    return item * item


def told(squares, left, right):
    return f"{sum(squares)} {sum(left)} {sum(right)}"


def few(start):
    return start[:5]


pipeline = Pipeline([
    node(start, ["table", "params:n"], "start"),
    node(halves, "start", ["left", "right"]),
    node(few, "start", "few"),
    Pipeline([node(squared, "few", "squares")]).map(over="few"),
    node(told, ["squares", "left", "right"], "told"),
])
"""


def expected(table: list[int], n: int) -> str:
    start = [value + n for value in table] * 9000
    half = len(start) // 2
    return f"{sum(value * value for value in start[:5])} {sum(start[:half])} {sum(start[half:])}"


def make(root: Path) -> Path:
    (root / "conf/base").mkdir(parents=True)
    (root / "conf/base/catalog.yml").write_text("table: {type: json.JSONDataset, filepath: data/table.json}\n")
    (root / "conf/base/parameters.yml").write_text("n: 0\n")
    (root / "data").mkdir()
    (root / "data/table.json").write_text("[1, 2, 3]")
    (root / "flow.py").write_text(FLOW)
    return root / "flow.py"


def place(flow: Path) -> places.Place:
    return places.Place(flow.parent, flow.parent / ".tane/objects", flow.parent / ".tane/ledger.db")


RUNS = st.tuples(st.just("run"), st.integers(0, 2), st.sampled_from([[1, 2, 3], [4, 5], [1, 2, 3, 4]]))
COLLECTIONS = st.tuples(st.just("gc"), st.none() | st.integers(0, 2), st.booleans())


@effort.drawn(5)
@given(story=st.lists(RUNS | COLLECTIONS, min_size=3, max_size=8))
def test_between_collections_runs_give_what_they_give_alone(story: list[tuple]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        flow = make(Path(folder))
        for word, one, other in story:
            if word == "gc":
                asked = collection.Asked(grace=0.0, old=roots.Old(keep_runs=one), empty_trash=other, git=False)
                collection.collect(place(flow), asked, really=True)
                assert verification.verify(place(flow)).faults == ()
                continue
            (flow.parent / "data/table.json").write_text(str(other))
            ended = running.run(projects.open_project(flow, overrides=[f"n={one}"]))
            ended.raise_for_status()
            assert ended["told"] == expected(other, one)
            assert all(step.reasons for step in ended.steps if str(step.status) == "succeeded")


def tane(flow: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tane", *arguments]
    return subprocess.Popen(command, cwd=flow.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def beside(flow: Path, rounds: int) -> None:
    for at in range(rounds):
        started = [tane(flow, "run", "flow.py", f"n={(at + other) % 4}") for other in range(3)]
        collecting = tane(flow, "data", "gc", "flow.py", "--yes", "--grace", "0s", "--keep-runs", "1", "--empty-trash")
        for process in (*started, collecting):
            said = process.communicate(timeout=120)[0]
            assert process.returncode == 0, said
        found = verification.verify(place(flow))
        assert found.faults == ()
        ended = running.run(projects.open_project(flow, overrides=[f"n={at % 4}"]))
        assert ended["told"] == expected([1, 2, 3], at % 4)


def test_runs_beside_collections_end_well(tmp_path: Path) -> None:
    beside(make(tmp_path), 2)


@pytest.mark.stress
def test_many_runs_beside_collections_end_well(tmp_path: Path) -> None:
    beside(make(tmp_path), 60)
