"""Flows as they run: what steps hand on, branches, loops, switches."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tane
from tane import Flow, errors, step


def left(flow: Any, **options: Any) -> Any:
    """What the last step leaves of a run in memory."""
    return tane.run(flow, **options)["end"]


# --- attributes


class Carrying(Flow):
    rate: float = 0.5
    LIMIT = 2

    @step
    def start(self, table):
        self.rows = table[: self.LIMIT]
        self.same = self.rows
        self.next(self.change)

    @step
    def change(self, factor=10):
        self.rows.append(factor)
        self.LIMIT = 9
        self.total = sum(self.rows) * self.rate
        del self.same
        self.next(self.end)

    @step
    def end(self):
        self.seen = (self.LIMIT, hasattr(self, "same"), self.total)


def test_attributes_are_carried_along():
    end = left(Carrying, inputs={"table": [1, 2, 3]})
    assert end.rows == [1, 2, 10]
    assert end["seen"] == (9, False, 6.5)
    assert list(end) == ["LIMIT", "rows", "seen", "total"]


def test_parameters_are_given_by_name():
    assert left(Carrying, inputs={"table": [1, 2, 3]}, params={"rate": 2, "factor": 0}).total == 6


def test_each_step_leaves_what_it_had():
    run = tane.run(Carrying, inputs={"table": [1, 2, 3]})
    assert run["start"].rows == [1, 2]
    assert run["Carrying.start"].same == [1, 2]
    assert run.step("change").status == "succeeded"
    assert "start" in run
    assert "begin" not in run


def test_unknown_parameters_are_told():
    with pytest.raises(errors.UsageError, match="'rat'"):
        tane.run(Carrying, inputs={"table": []}, params={"rat": 1})


class Branches(Flow):
    mode = "merge"

    @step
    def start(self):
        self.shared = [0]
        self.big = {"a": 1}
        self.next(self.left, self.right)

    @step
    def left(self):
        self.shared.append("left")
        self.only_left = 1
        self.next(self.join)

    @step
    def right(self):
        self.shared.append("right")
        self.next(self.join)

    @step
    def join(self, inputs):
        self.names = [each.shared for each in inputs]
        self.modes = [each.mode for each in inputs]
        self.by_name = (inputs.left.shared, inputs.right.shared, inputs[0].only_left, len(inputs))
        if self.mode == "merge":
            self.merge_artifacts(inputs, exclude=["shared"])
        elif self.mode == "own":
            self.shared = "own"
            self.merge_artifacts(inputs)
        elif self.mode == "include":
            self.merge_artifacts(inputs, include=["big"])
        elif self.mode == "all":
            self.merge_artifacts(inputs)
        elif self.mode == "lacking":
            self.merge_artifacts(inputs, include=["nothing"])
        elif self.mode == "both":
            self.merge_artifacts(inputs, include=["big"], exclude="shared")
        elif self.mode == "direct":
            _ = self.big
        elif self.mode == "unknown":
            _ = inputs.middle
        elif self.mode == "misspelt":
            _ = inputs.left.only_lef
        self.next(self.end)

    @step
    def end(self):
        pass


def test_branches_do_not_see_each_other():
    assert left(Branches).names == [[0, "left"], [0, "right"]]
    assert left(Branches).by_name == ([0, "left"], [0, "right"], 1, 2)


@pytest.mark.parametrize(
    ("mode", "names"),
    [
        ("merge", ["big", "by_name", "modes", "names", "only_left"]),
        ("own", ["big", "by_name", "modes", "names", "only_left", "shared"]),
        ("include", ["big", "by_name", "modes", "names"]),
        ("none", ["by_name", "modes", "names"]),
    ],
)
def test_merging(mode, names):
    assert list(left(Branches, params={"mode": mode})) == names


@pytest.mark.parametrize(
    ("mode", "what"),
    [
        ("all", "the inputs differ in 'shared'"),
        ("lacking", "no input has 'nothing'"),
        ("both", "either include= or exclude="),
        ("direct", "no step before 'join' has set 'big'.*take it from inputs"),
        ("unknown", "no input is of a step 'middle'"),
        ("misspelt", "step 'left' has left no 'only_lef'; did you mean 'only_left'"),
    ],
)
def test_what_a_join_cannot_do(mode, what):
    with pytest.raises(errors.UserCodeError, match=what):
        left(Branches, params={"mode": mode})


class Careless(Flow):
    mode = "missing"

    @step
    def start(self):
        self.table = 1
        self.next(self.middle)

    @step
    def middle(self):
        match self.mode:
            case "missing":
                _ = self.tabel
            case "parameter":
                self.mode = 1
            case "step":
                self.middle = 1
            case "reserved":
                self.index = 1
            case "loop":
                _ = self.input
            case "property":
                _ = self.broken
            case "return":
                return
            case "generator":
                self.lines = (line for line in "ab")
            case "forgotten":
                del self.tabel
        self.next(self.end)

    @step
    def end(self):
        pass

    @property
    def broken(self):
        return self.tabel


@pytest.mark.parametrize(
    ("mode", "what"),
    [
        ("missing", r"no step before 'middle' has set 'tabel' \(before it: start\); did you mean 'table'"),
        ("parameter", "'mode' is a parameter"),
        ("step", "'middle' is a step"),
        ("reserved", "'index' is of every flow"),
        ("loop", "step 'middle' is in no foreach"),
        ("property", "no step before 'middle' has set 'tabel'"),
        ("return", "step 'middle' ended without self.next"),
        ("forgotten", "tabel"),
    ],
)
def test_what_a_step_cannot_do(mode, what):
    with pytest.raises(errors.UserCodeError, match=what):
        left(Careless, params={"mode": mode})


# --- loops and switches


class Loops(Flow):
    counts = [2, 0, 1]

    @step
    def start(self):
        self.outer = [{"count": count} for count in self.counts]
        self.base = 100
        self.next(self.row, foreach="outer")

    @step
    def row(self):
        self.number = self.index
        self.inner = range(self.input["count"])
        self.next(self.cell, foreach="inner")

    @step
    def cell(self):
        self.value = (self.base, self.number, self.input, self.index)
        self.next(self.plus, self.minus)

    @step
    def plus(self):
        self.sign = 1
        self.next(self.signs)

    @step
    def minus(self):
        self.sign = -1
        self.next(self.signs)

    @step
    def signs(self, inputs):
        self.signs_ = [each.sign for each in inputs]
        self.merge_artifacts(inputs, exclude=["sign"])
        self.item = self.input
        self.next(self.row_end)

    @step
    def row_end(self, inputs):
        self.values = [(each.value, each.signs_, each.item, each.input) for each in inputs]
        self.own = self.input
        self.next(self.table)

    @step
    def table(self, inputs):
        self.rows = [each.values for each in inputs]
        self.owns = [each.own for each in inputs]
        self.merge_artifacts(inputs, include=["outer"]) if self.counts else None
        self.next(self.end)

    @step
    def end(self):
        pass


def test_loops_in_loops_with_branches():
    end = left(Loops)
    assert end.rows == [
        [((100, 0, 0, 0), [1, -1], 0, 0), ((100, 0, 1, 1), [1, -1], 1, 1)],
        [],
        [((100, 2, 0, 0), [1, -1], 0, 0)],
    ]
    assert end.owns == end.outer == [{"count": 2}, {"count": 0}, {"count": 1}]


@given(st.lists(st.integers(0, 3), max_size=4))
@settings(max_examples=25, deadline=None)
def test_loops_in_loops_are_those_of_python(counts):
    plain = [
        [((100, row, cell, cell), [1, -1], cell, cell) for cell in range(count)] for row, count in enumerate(counts)
    ]
    assert left(Loops, params={"counts": counts}).rows == plain


def test_a_loop_over_nothing():
    assert left(Loops, params={"counts": []}).rows == []


class NoList(Flow):
    items = "ab"

    @step
    def start(self):
        self.next(self.one, foreach="items")

    @step
    def one(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.seen = [each.input for each in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


@pytest.mark.parametrize(
    ("items", "what"), [("ab", "is a str; make it a list"), (3, "is a int, not a list"), ({1}, "is a set")]
)
def test_a_loop_needs_a_list(items, what):
    with pytest.raises(errors.UserCodeError, match=what):
        left(NoList, params={"items": items})


def test_a_loop_over_a_dict_is_one_over_its_keys():
    assert left(NoList, params={"items": {"x": 1, "y": 2}}).seen == ["x", "y"]


class Switches(Flow):
    size = "big"
    second = True

    @step
    def start(self):
        self.way = []
        self.next({"big": self.big, "small": self.small, "none": self.end}, condition="size")

    @step
    def big(self):
        self.way.append("big")
        self.next({True: self.first, False: self.other}, condition="second")

    @step
    def first(self):
        self.way.append("first")
        self.next(self.met)

    @step
    def other(self):
        self.way.append("other")
        self.next(self.met)

    @step
    def met(self, notes):
        self.way.append(notes)
        self.next(self.end)

    @step
    def small(self):
        self.way.append("small")
        self.next(self.left, self.right)

    @step
    def left(self):
        self.next(self.joined)

    @step
    def right(self):
        self.next(self.joined)

    @step
    def joined(self, inputs):
        self.merge_artifacts(inputs)
        self.next(self.end)

    @step
    def end(self):
        self.way.append("end")


@pytest.mark.parametrize(
    ("params", "way"),
    [
        ({}, ["big", "first", "note", "end"]),
        ({"second": False}, ["big", "other", "note", "end"]),
        ({"size": "small"}, ["small", "end"]),
        ({"size": "none"}, ["end"]),
    ],
)
def test_switches(params, way):
    assert left(Switches, params=params, inputs={"notes": "note"}).way == way


def test_a_switch_without_a_case():
    with pytest.raises(errors.UserCodeError, match="self.size is 'huge', and there are steps for: 'big', 'small'"):
        left(Switches, params={"size": "huge"}, inputs={"notes": ""})


class SwitchInLoop(Flow):
    @step
    def start(self):
        self.items = [1, 2, 3, 4]
        self.next(self.each, foreach="items")

    @step
    def each(self):
        self.kind = "even" if self.input % 2 == 0 else "odd"
        self.next({"even": self.even, "odd": self.odd}, condition="kind")

    @step
    def even(self):
        self.text = f"{self.input} even"
        self.next(self.after)

    @step
    def odd(self):
        self.text = f"{self.input} odd"
        self.parts = range(self.input)
        self.next(self.part, foreach="parts")

    @step
    def part(self):
        self.next(self.parts_end)

    @step
    def parts_end(self, inputs):
        self.merge_artifacts(inputs)
        self.text = f"{self.text} {len(inputs)}"
        self.next(self.after)

    @step
    def after(self):
        self.text = self.text.upper()
        self.next(self.join)

    @step
    def join(self, inputs):
        self.texts = [each.text for each in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


def test_a_switch_inside_of_a_loop_goes_its_way_for_each_item():
    assert left(SwitchInLoop).texts == ["1 ODD 1", "2 EVEN", "3 ODD 3", "4 EVEN"]


def test_a_switch_inside_of_branches():
    class Inside(Flow):
        which = "a"

        @step
        def start(self):
            self.next(self.left, self.right)

        @step
        def left(self):
            self.next({"a": self.a, "b": self.b}, condition="which")

        @step
        def a(self):
            self.x = "a"
            self.next(self.join)

        @step
        def b(self):
            self.x = "b"
            self.next(self.join)

        @step
        def right(self):
            self.x = "right"
            self.next(self.join)

        @step
        def join(self, inputs):
            self.seen = [each.x for each in inputs]
            self.next(self.end)

        @step
        def end(self):
            pass

    assert left(Inside).seen == ["a", "right"]
    assert left(Inside, params={"which": "b"}).seen == ["b", "right"]


def test_a_step_may_send_itself_elsewhere():
    class Sending(Flow):
        rate: int = 3

        @step
        def start(self):
            self.rows = [1, 2]
            self.items = [10]
            self.next(self.each, foreach="items")

        @step
        def each(self):
            other = copy.copy(self)
            self.sent = (other.rows, other.rate, other.input, other.own())
            self.next(self.join)

        @step
        def join(self, inputs):
            self.sent = inputs[0].sent
            self.next(self.end)

        @step
        def end(self):
            pass

        def own(self):
            return self.rate * self.input

    assert left(Sending).sent == ([1, 2], 3, 10, 30)


def test_flows_go_into_pipelines_with_functions():
    def doubled(report):
        return 2 * report

    class Reporting(Flow):
        @step
        def start(self):
            self.report = 4
            self.next(self.end)

        @step(outputs="report")
        def end(self):
            pass

    run = tane.run([Reporting, doubled])
    assert (run["doubled"], run["end"].report) == (8, 4)


def test_what_is_to_be_published_must_be_set():
    class Reporting(Flow):
        @step
        def start(self):
            self.next(self.end)

        @step(outputs="report")
        def end(self):
            pass

    with pytest.raises(errors.UserCodeError, match="is to publish 'report', which is not set"):
        left(Reporting)


def test_a_step_is_tried_again_from_where_it_began():
    class Retried(Flow):
        @step
        def start(self):
            self.tries = []
            self.next(self.middle)

        @step(retries={"times": 2, "delay": 0})
        def middle(self):
            ATTEMPTS.append(1)
            self.tries.append(len(ATTEMPTS))
            if len(ATTEMPTS) < 3:
                raise RuntimeError("not yet")
            self.next(self.end)

        @step
        def end(self):
            pass

    ATTEMPTS.clear()
    assert left(Retried).tries == [3]


ATTEMPTS: list[int] = []
