"""Assertions: what is the same, and how what is not is told."""

import copy
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

import tane
from tane import errors
from tane.testing import assert_ran, assert_reused, assert_same

FRAME = pd.DataFrame({"x": [1, 2, 3], "y": [0.5, None, 1.5], "name": ["a", "b", "c"]})
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@dataclass
class Point:
    x: int
    tags: list


def told(actual, expected):
    with pytest.raises(AssertionError) as raised:
        assert_same(actual, expected)
    first, *lines = str(raised.value).splitlines()
    assert first == "they are not the same:"
    return lines


@given(PLAIN)
def test_a_copy_is_the_same(value):
    assert_same(copy.deepcopy(value), value)


@given(PLAIN, PLAIN)
def test_what_is_told_to_differ_is_not_equal_in_words_either(one, other):
    try:
        assert_same(one, other)
    except AssertionError as error:
        assert "nothing that can be named" not in str(error)
        assert repr(one) != repr(other)
    else:
        assert repr(one) == repr(other)


@pytest.mark.parametrize(
    "value",
    [FRAME, FRAME["y"], pl.DataFrame({"x": [1]}), np.array([1.0, math.nan]), {1, 2}, Point(1, ["a"]), math.nan, len],
    ids=lambda value: type(value).__name__,
)
def test_values_of_many_kinds_are_the_same_as_their_copies(value):
    assert_same(copy.deepcopy(value), value)


def test_a_model_is_compared_by_what_it_has_learnt():
    rows = np.arange(6.0).reshape(3, 2)
    first, again, other = (LinearRegression().fit(rows, y) for y in ([1, 2, 3], [1, 2, 3], [3, 2, 1]))
    assert_same(first, again)
    lines = told(first, other)
    assert any(line.startswith("- value.coef_[0]: ") for line in lines)


def test_types_are_told_apart():
    assert told(1, 1.0) == ["- value: int 1, not float 1.0"]
    assert told(True, 1) == ["- value: bool True, not int 1"]
    assert told(FRAME, [1])[0].startswith("- value: pandas DataFrame")


def test_a_difference_deep_inside_is_told_by_its_place():
    assert told({"a": [1, {"b": 2}], "c": 3}, {"a": [1, {"b": 4}], "d": 3}) == [
        "- value['d'] is missing",
        "- value['a'][1]['b']: 2, not 4",
        "- value['c'] should not be there",
    ]
    assert told(Point(1, ["a"]), Point(1, ["b"])) == ["- value.tags[0]: 'a', not 'b'"]
    assert told([1, 2], [1]) == ["- value: 2 items, not 1"]
    assert told({"a": 1, "b": 2}, {"b": 2, "a": 1}) == ["- value: the keys are in another order: ['a', 'b']"]
    assert told({1, 2}, {2, 3}) == ["- value: 3 is missing", "- value: 1 should not be there"]


def test_frames_are_told_apart_by_column_row_and_type():
    assert told(FRAME.assign(x=[1, 5, 3]), FRAME) == ["- value['x'], row 1: 5, not 2"]
    assert told(FRAME.assign(x=[1.0, 2.0, 3.0]), FRAME) == ["- value['x']: dtype float64, not int64"]
    assert told(FRAME.drop(columns="y"), FRAME) == ["- value: column 'y' is missing"]
    assert told(FRAME.assign(z=1), FRAME) == ["- value: column 'z' should not be there"]
    assert "- value: 2 rows, not 3" in told(FRAME.head(2), FRAME)
    assert told(FRAME.set_index("x"), FRAME.set_index("x").reset_index(drop=True))[0].startswith(
        "- value: another index"
    )
    assert told(FRAME[["y", "x", "name"]], FRAME)[0].startswith("- value: the columns are in another order")
    assert told(pl.DataFrame({"x": [1, 2]}), pl.DataFrame({"x": [1, 3]})) == ["- value['x'], row 1: 2, not 3"]
    assert told(FRAME["x"], FRAME["x"].rename("z")) == ["- value: called 'x', not 'z'"]


def test_arrays_are_told_apart_by_place_shape_and_type():
    assert told(np.array([[1, 2], [3, 4]]), np.array([[1, 2], [3, 5]])) == ["- value[1, 1]: 4, not 5"]
    assert told(np.zeros(2), np.zeros(3)) == ["- value: shape (2,), not (3,)"]
    assert told(np.zeros(2, "f4"), np.zeros(2)) == ["- value: dtype float32, not float64"]


def test_long_stories_are_cut():
    lines = told(list(range(100)), list(range(1, 101)))
    assert len(lines) == 9 and "more" in lines[-1]


def test_texts_of_several_lines_are_shown_as_a_diff():
    assert "    -second" in told("first\nother", "first\nsecond")


def test_what_has_no_digest_is_compared_by_itself():
    made = (each for each in ())
    assert_same(made, made)
    assert told(made, (each for each in ()))


# --- runs ---------------------------------------------------------------------------------------------------


def numbers():
    return [1, 2]


def total(numbers, by=1):
    return sum(numbers) * by


def test_steps_that_ran_and_steps_that_were_reused(tiny_run):
    first = tiny_run([numbers, total])
    assert_ran(first)
    assert_ran(first, "numbers", "total", reason="first run")
    second = tiny_run([numbers, total], params={"by": 2})
    assert_reused(second, "numbers")
    assert_ran(second, "total", reason="parameter by 1 -> 2")
    with pytest.raises(AssertionError, match=r"'numbers' should have run; (.|\n)*reused    numbers"):
        assert_ran(second)
    with pytest.raises(AssertionError, match=r"'total' should have been reused; (.|\n)*succeeded total +parameter by"):
        assert_reused(second, "numbers", "total")
    with pytest.raises(AssertionError, match="'total' did not run because of 'code'"):
        assert_ran(second, "total", reason="code")


def test_an_unknown_node_offers_the_near_one():
    with pytest.raises(errors.UsageError, match="did you mean 'total'"):
        assert_ran(tane.run([numbers, total]), "totl")
