"""What points share: which steps are the same, in what order they are done, and that no step is done twice at once."""

from __future__ import annotations

import subprocess
import sys

import sweep_flows
from hypothesis import given
from hypothesis import strategies as st

from tane import Pipeline, node
from tane.tuning import jobs, sharing

Flow = sweep_flows.Flow


def marked(flow: Flow, *points: list[str]) -> list[dict[str, str]]:
    with jobs.Jobs(flow.project) as hands:
        return [hands.marks(hands.open(hands.prepare(point))) for point in points]


def test_a_step_has_the_same_mark_where_nothing_it_rests_on_differs(flow: Flow) -> None:
    one, other = marked(flow, ["model.rate=1"], ["model.rate=2"])
    assert {name for name in one if one[name] == other[name]} == {"clean", "features"}


def test_a_source_with_other_content_makes_another_mark(flow: Flow) -> None:
    flow.edit("conf/base/catalog.yml", "data/table.json", "data/${params:model.kind}.json")
    for name, table in (("ridge", "[1]"), ("lasso", "[10]"), ("copy", "[1]")):
        flow.write(f"data/{name}.json", table)
    ridge, lasso, copy = marked(flow, *([f"model.kind={name}"] for name in ("ridge", "lasso", "copy")))
    assert ridge["clean"] != lasso["clean"]
    assert ridge["clean"] == copy["clean"]


def test_what_is_not_kept_and_all_that_rests_on_it_has_no_mark(flow: Flow) -> None:
    flow.edit("flow.py", '"params:pause"], "features")', '"params:pause"], "features", cache=False)')
    assert marked(flow, []) == [{"clean": marked(flow, [])[0]["clean"]}]


def _step(*inputs: str) -> str:
    return "".join(inputs)


PIPELINE = Pipeline(
    [
        node(_step, ["source"], "a", name="a"),
        node(_step, ["a"], "b", name="b"),
        node(_step, ["a"], "c", name="c"),
        node(_step, ["b", "c"], "d", name="d"),
    ]
)


@given(st.lists(st.tuples(*[st.integers(0, 2)] * 4), min_size=1, max_size=6))
def test_units_can_be_done_in_order_and_do_each_shared_step_once(points: list[tuple[int, ...]]) -> None:
    marks = {}
    for number, (a, b, c, d) in enumerate(points):
        marks[number] = {"a": f"a{a}", "b": f"b{a}{b}", "c": f"c{a}{c}", "d": f"d{a}{b}{c}{d}"}
    units = sharing.units(marks, PIPELINE)
    done: list[str] = []
    for place, unit in enumerate(units):
        assert all(need < place for need in unit.needs)
        assert unit.point in unit.points
        new = [marks[unit.point][name] for name in unit.only or marks[unit.point]]
        known = set(done)
        shared = [mark for mark in new if sum(mark in each.values() for each in marks.values()) > 1]
        if unit.only is None:
            assert set(shared) <= known
        done += [mark for mark in new if mark not in known]
    assert len(done) == len(set(done))
    assert [unit.point for unit in units if unit.only is None] == list(marks)


def test_a_step_that_two_processes_are_about_to_do_is_done_by_one(flow: Flow) -> None:
    flow.edit("conf/base/parameters.yml", "pause: 0.0", "pause: 0.3")
    script = """
import sys
from tane.project import projects
from tane.tuning import jobs

with jobs.Jobs(projects.open_project("flow.py")) as hands:
    print("ready", flush=True)
    sys.stdin.readline()
    ended = hands.perform(["model.rate=2"])
    print(ended.status, ended.metrics["score"])
"""
    both = [
        subprocess.Popen(
            [sys.executable, "-c", script], cwd=flow.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for each in both:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in both:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    assert [each.communicate(timeout=60)[0] for each in both] == ["succeeded 12.0\n"] * 2
    assert set(flow.calls.values()) == {1}
