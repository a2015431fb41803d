from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tane import errors
from tane.config import sweeping

GROUPS = {"model": ["catboost", "elastic_net", "lightgbm"]}


def expand(*overrides):
    return sweeping.expand(overrides, options=lambda group: GROUPS.get(group, []))


def points(mapping, *overrides):
    where = lambda *keys: f"sweep.yml {'.'.join(map(str, keys))}"  # noqa: E731
    return sweeping.points(mapping, overrides, options=lambda group: GROUPS.get(group, []), where=where)


def told(call, *arguments):
    with pytest.raises(errors.ConfigError) as raised:
        call(*arguments)
    return str(raised.value)


def test_the_last_key_changes_fastest():
    assert expand("a=1,2", "b=x", "c=range(2)") == [
        ("a=1", "b=x", "c=0"),
        ("a=1", "b=x", "c=1"),
        ("a=2", "b=x", "c=0"),
        ("a=2", "b=x", "c=1"),
    ]


def test_without_a_sweep_there_is_one_job():
    assert expand() == [()]
    assert expand("a='1'", "~b") == [("a='1'", "~b")]


def test_a_key_named_again_takes_the_later_values():
    assert expand("a=1,2", "b=1", "a=3") == [("a=3", "b=1")]
    assert expand("a=1,2", "+a=3") == [("a=1", "+a=3"), ("a=2", "+a=3")]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a=choice('1',1,null,'a b',[1,x],{k: v})", ["'1'", "1", "null", "a b", "[1,x]", "{k:v}"]),
        ("a=range(0,1,0.25)", ["0.0", "0.25", "0.5", "0.75"]),
        ("a=range(5,0,-2)", ["5", "3", "1"]),
        ("a=sort(range(1,6,2),reverse=true)", ["4", "2", "0"]),
        ("a='x,y',z", ["'x,y'", "z"]),
        ("+db@p=a,b", ["a", "b"]),
    ],
)
def test_the_values_of_a_sweep(text, values):
    key = text.partition("=")[0]
    assert expand(text) == [(f"{key}={value}",) for value in values]


def test_glob_takes_the_choices_of_a_group():
    assert expand("model=glob(*, exclude=[c*])") == [("model=elastic_net",), ("model=lightgbm",)]


def test_a_shuffled_sweep_has_all_values_in_the_same_order_each_time():
    first, second = expand("a=shuffle(range(30))"), expand("a=shuffle(range(30))")
    assert first == second != expand("a=range(30)")
    assert sorted(first) == sorted(expand("a=range(30)"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a=range(0)", "the sweep is over nothing\n  hint: range(0, 0, 1) has no values"),
        ("model=glob(x*)", "over nothing\n  hint: model has the choices catboost, elastic_net, lightgbm"),
        ("modle=glob(*)", "over nothing\n  hint: modle is no group"),
        ("a=interval(0,1)", "an interval has no values to take one by one"),
        ("a=range(0,1e12)", "range(0, 1000000000000.0, 1) has more than 1,000,000 values"),
    ],
)
def test_a_sweep_over_nothing_is_told(text, message):
    assert f"command line {text}: " in told(expand, text)
    assert message in told(expand, text)


def test_all_mistakes_are_told_at_once():
    message = told(expand, "a=range(0)", "b=[1", "c=rnage(1)")
    assert ["over nothing" in message, "is not closed" in message, "rnage" in message] == [True] * 3


def test_too_many_jobs_are_refused():
    assert "the sweep has 1,002,001 jobs" in told(expand, "a=range(1001)", "b=range(1001)")


def test_a_file_says_values_as_data():
    mapping = {
        "model": ["elastic_net", "catboost"],
        "lr": "range(0, 1, 0.5)",
        "seed": {"range": [0, 2]},
        "name": "x",
        "depth": 3,
    }
    jobs = points(mapping)
    assert len(jobs) == 8
    assert jobs[0] == ("model=elastic_net", "lr=0.0", "seed=0", "name=x", "depth=3")
    assert jobs[-1] == ("model=catboost", "lr=0.5", "seed=1", "name=x", "depth=3")


def test_a_file_may_name_functions():
    assert points({"a": {"choice": [1, "b"]}}) == [("a=1",), ("a=b",)]
    assert points({"a": {"range": {"start": 1, "stop": 3}}}) == [("a=1",), ("a=2",)]
    assert points({"model": {"glob": "cat*"}}) == [("model=catboost",)]
    assert points({"model": {"glob": {"include": ["*"], "exclude": "*boost"}}}) == [
        ("model=elastic_net",),
        ("model=lightgbm",),
    ]
    assert points({"model": "glob(l*)"}) == [("model=lightgbm",)]


def test_explicit_points_are_taken_with_all_else():
    mapping = {"points": [{"lr": 0.1, "depth": 3}, {"lr": 0.01, "depth": 6}], "seed": [1, 2]}
    assert points(mapping) == [
        ("lr=0.1", "depth=3", "seed=1"),
        ("lr=0.1", "depth=3", "seed=2"),
        ("lr=0.01", "depth=6", "seed=1"),
        ("lr=0.01", "depth=6", "seed=2"),
    ]


def test_the_command_line_replaces_what_a_file_says_of_the_same_key():
    mapping = {"lr": [1, 2], "points": [{"depth": 3, "seed": 1}, {"depth": 4, "seed": 1}]}
    assert points(mapping, "++lr=5,6", "depth=9") == [("seed=1", "++lr=5", "depth=9"), ("seed=1", "++lr=6", "depth=9")]


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"a": []}, "sweep.yml a: the sweep is over nothing"),
        ({"a": {"rnage": [1]}}, "sweep.yml a: a is a mapping, which says no values\n  hint: did you mean 'range'?"),
        ({"a": {"range": [0, 1], "choice": [1]}}, "a is a mapping, which says no values"),
        ({"a": {"range": ["x"]}}, "stop of range() is str"),
        ({"a": "choice(1"}, "sweep.yml a: the bracket is not closed, at column 7"),
        ({"a b..c": [1]}, "'a b..c' names no parameter"),
        ({"points": []}, "sweep.yml points: points is empty"),
        ({"points": {"a": 1}}, "points is a mapping"),
        ({"points": [1]}, "sweep.yml points.0: points.0 is a whole number, not parameters with their values"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_place(mapping, message):
    assert message in told(points, mapping)


value = st.integers(-3, 3) | st.sampled_from(["a", "b c", "1", "null", "x,y"])


@given(st.dictionaries(st.sampled_from("abcd"), st.lists(value, min_size=1, max_size=3)))
def test_a_file_gives_every_combination_once(mapping):
    jobs = points(mapping)
    assert len(jobs) == len(list(itertools.product(*mapping.values())))
    assert all([word.partition("=")[0] for word in job] == list(mapping) for job in jobs)
