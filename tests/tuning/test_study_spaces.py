"""Search spaces: what may be written, what is wrong with it, and the points that come of it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tane import errors
from tane.tuning import requests, samplers, spaces

LR = {"low": 0.001, "high": 0.1, "log": True}


def faults(entries: dict[str, Any]) -> list[str]:
    with pytest.raises(errors.ConfigError) as raised:
        spaces.parse(entries)
    return [fault.what for fault in raised.value.faults]


def test_ranges_are_whole_where_both_ends_are() -> None:
    space = spaces.parse({"a": {"low": 1, "high": 3}, "b": {"low": 1, "high": 3.0}, "c": [1, "x", None, [2]]})
    assert [parameter.kind for parameter in space] == ["int", "float", "choice"]


def test_a_space_as_data_reads_as_itself() -> None:
    space = spaces.parse({"m": ["a", "b"], "lr": {**LR, "when": {"m": "a"}}, "d": {"low": 0, "high": 1, "step": 0.25}})
    assert spaces.parse(space.plain()) == space


def test_all_mistakes_are_told_at_once() -> None:
    assert faults(
        {
            "a": {"low": 5, "high": 1},
            "b": {"low": 0, "high": 1, "log": True},
            "c": {"low": 0.0, "high": 1.0, "step": 0},
            "d": [],
            "e": {"low": 0, "hihg": 1},
            "f": 3,
            "g": ["x", "x"],
            "h": {"low": 0, "high": math.inf},
            "i": {"low": 0.5, "high": 1, "type": "int"},
            "j": {"choices": [1], "low": 0},
        }
    ) == [
        "a: low 5 is greater than high 1",
        "b: low 0 has no logarithm",
        "c: step is 0",
        "d has no choices",
        "e has an unknown key 'hihg'",
        "e has no high",
        "f is 3, nothing to choose from",
        "g lists a choice twice",
        "h: high is inf, no number",
        "i: 0.5 to 1 is no range of whole numbers",
        "j has choices and low",
    ]


def test_conditions_name_others_and_values_that_they_can_have() -> None:
    assert faults({"m": ["a"], "x": {"low": 0, "high": 1, "when": {"n": "a"}}}) == [
        "x depends on 'n', not in the space"
    ]
    assert faults({"m": ["a"], "x": {"low": 0, "high": 1, "when": {"m": "b"}}}) == [
        "x depends on m: 'b' is none of 'a'"
    ]
    circle = {"x": {"choices": [1], "when": {"y": 1}}, "y": {"choices": [1], "when": {"x": 1}}}
    assert faults(circle) == ["conditions run in a circle: x, y"]


def test_what_depends_on_another_is_chosen_after_it_and_only_where_it_applies() -> None:
    space = spaces.parse({"lr": {**LR, "when": {"m": ["a", "b"]}}, "m": ["a", "b", "c"]})
    assert [parameter.name for parameter in space] == ["m", "lr"]
    assert space.point(lambda index, one: one.at(0.99)) == {"m": "c"}
    assert space.point(lambda index, one: one.at(0.0)) == {"m": "a", "lr": pytest.approx(0.001)}


def test_a_grid_has_each_combination_once() -> None:
    space = spaces.parse(
        {"m": ["a", "b"], "x": {"low": 0, "high": 4, "step": 2, "when": {"m": "a"}}, "lr": {**LR, "when": {"m": "b"}}}
    )
    points = space.grid(3)
    assert points[:3] == [{"m": "a", "x": 0}, {"m": "a", "x": 2}, {"m": "a", "x": 4}]
    assert [point["lr"] for point in points[3:]] == [pytest.approx(0.001), pytest.approx(0.01), pytest.approx(0.1)]


def test_a_grid_that_is_too_large_is_refused() -> None:
    with pytest.raises(errors.ConfigError, match="more than 100,000 points"):
        spaces.parse({name: {"low": 0, "high": 99} for name in "abc"}).grid()


@given(
    st.floats(1e-6, 1e6),
    st.floats(1e-6, 1e6),
    st.booleans(),
    st.sampled_from(["int", "float", "step"]),
    st.sampled_from(["random", "sobol", "halton"]),
    st.integers(0, 10_000),
    st.integers(0, 3),
)
@settings(max_examples=200, deadline=None)
def test_what_is_drawn_lies_in_the_space(
    one: float, other: float, log: bool, kind: str, sampler: str, number: int, seed: int
) -> None:
    low, high = sorted((one, other))
    entry: dict[str, Any] = {"low": low, "high": high, "log": log and kind != "step"}
    if kind == "int":
        entry = {"low": math.ceil(low), "high": math.ceil(high) + 1, "log": log}
    if kind == "step":
        entry["step"] = max((high - low) / 7, 1e-3)
    (parameter,) = spaces.parse({"x": entry})
    share = {"random": samplers._random, "sobol": samplers._sobol, "halton": samplers._halton}[sampler]
    value = parameter.at(share(number, 0, seed))
    assert parameter.fault(value) == ""
    assert isinstance(value, int) == (kind == "int")


def test_sobol_is_that_of_scipy() -> None:
    qmc = pytest.importorskip("scipy.stats.qmc")
    theirs = qmc.Sobol(21, scramble=False, bits=32).random(32)
    for number in range(32):
        for index in range(21):
            ours = samplers._sobol(number, index, 0)  # moved by a half
            assert (ours + 0.5) % 1.0 == pytest.approx(theirs[number][index], abs=1e-9)


def test_quasi_random_points_fill_the_space_evenly() -> None:
    for share in (samplers._sobol, samplers._halton):
        for seed in (0, 7):
            filled = {(int(share(n, 0, seed) * 8), int(share(n, 1, seed) * 8)) for n in range(256)}
            assert len(filled) == 64


def test_words_of_a_command_line_are_ranges_or_overrides() -> None:
    words = requests.split(
        ["a=interval(0.5,2)", "b=tag(log,int(interval(1,9)))", "c=x,y", "d=range(0,10,5)", "e=1", "~f", "g=[1,2]"]
    )
    assert words.fixed == ("e=1", "~f", "g=[1,2]")
    assert words.space == {
        "a": {"low": 0.5, "high": 2.0},
        "b": {"low": 1, "high": 9, "log": True},
        "c": {"choices": ["x", "y"]},
        "d": {"low": 0, "high": 5, "step": 5},
    }


def test_words_go_over_the_file_and_plain_ones_take_a_parameter_out() -> None:
    section = {"minimize": "loss", "space": {"a": [1, 2], "b": "interval(0, 1)", "c": [1]}}
    found = requests.read(section, words=requests.split(["a=1,2,3", "c=5"]))
    assert found.space.plain() == {
        "a": {"type": "choice", "choices": [1, 2, 3]},
        "b": {"type": "float", "low": 0.0, "high": 1.0},
    }


def test_what_depends_on_a_value_that_is_given_is_chosen_without_condition_or_not_at_all() -> None:
    section = {
        "minimize": "loss",
        "space": {
            "m": ["a", "b"],
            "x": {"low": 0, "high": 1, "when": {"m": "a"}},
            "y": {"choices": [1], "when": {"m": "b"}},
        },
        "enqueue": [{"m": "a", "x": 1}, {"m": "b", "y": 1}],
    }
    found = requests.read(section, words=requests.split(["m=a"]))
    assert found.space.plain() == {"x": {"type": "int", "low": 0, "high": 1, "step": 1}}
    assert found.enqueue == ({"x": 1},)


def test_mistakes_of_a_request_are_told_at_once() -> None:
    section = {
        "maximise": "auc",
        "space": {"a": [1, 2], "b": "wide"},
        "trials": 0,
        "timeout": "soon",
        "sampler": "tepe",
        "pruner": {"name": "median", "n_startup": 3},
        "constraints": ["size is small"],
        "enqueue": [{"a": 3}, {"aa": 1}],
    }
    with pytest.raises(errors.ConfigError) as raised:
        requests.read(section)
    text = str(raised.value)
    for part in (
        "no setting 'maximise'",
        "did you mean 'maximize'",
        "b is 'wide'",
        "trials is 0",
        "timeout is 'soon'",
        "no sampler 'tepe'",
        "no setting 'n_startup'",
        "'size is small' is no constraint",
        "a: 3 is none of 1, 2",
        "'aa' is not in the space",
    ):
        assert part in text


def test_several_goals_and_a_pruner_exclude_each_other() -> None:
    with pytest.raises(errors.ConfigError, match="several goals cannot prune"):
        requests.read({"minimize": ["a", "b"], "space": {"x": [1]}, "pruner": "median"})


@pytest.mark.parametrize(
    ("text", "value", "kept"),
    [("size < 4", 3.9, True), ("size < 4", 4.0, False), ("size <= 4", 4.0, True), ("metrics.size >= 2", 1.0, False)],
)
def test_constraints_are_bounds_of_metrics(text: str, value: float, kept: bool) -> None:
    (bound,) = requests.read({"minimize": "a", "space": {"x": [1]}, "constraints": [text]}).constraints
    assert (bound.excess({"size": value}) <= 0) is kept
    assert bound.excess({}) == math.inf
