"""Digests of values: by content, whatever the identity, the layout or the hash seed."""

import dataclasses
import enum
import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tane.digest import values

atoms = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.complex_numbers())
keys = st.one_of(st.integers(), st.text(), st.booleans())
nested = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner),
        st.tuples(inner, inner),
        st.dictionaries(keys, inner),
        st.frozensets(st.integers()),
        st.sets(st.text()),
    ),
    max_leaves=20,
)


def digest(value):
    return values.of(value).digest


@given(nested)
def test_a_pickled_copy_has_the_same_digest(value):
    assert digest(pickle.loads(pickle.dumps(value))) == digest(value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, 1.0),
        (0.0, -0.0),
        ("1", b"1"),
        ([1], (1,)),
        ([], {}),
        ({1}, frozenset({1})),
        ([[1], 2], [[1, 2]]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (np.float64(1), 1.0),
        (np.zeros(2), np.zeros((2, 1))),
        (np.zeros(2), np.zeros(2, "f4")),
        (bytearray(b"a"), b"a"),
        (None, "None"),
    ],
)
def test_values_that_differ_have_other_digests(one, other):
    assert digest(one) != digest(other)


def test_shared_and_equal_parts_are_the_same():
    part = [1.5, {"a": 2}]
    assert digest([part, part]) == digest([[1.5, {"a": 2}], [1.5, {"a": 2}]])


def test_deep_sharing_is_followed_once():
    value = [1]
    for _ in range(100):
        value = [value, value]
    assert len(digest(value)) == 64


def test_circles_have_a_digest():
    one, other = [1], [1]
    one.append(one)
    other.append(other)
    assert digest(one) == digest(other) != digest([1, [1]])


def test_sets_do_not_depend_on_the_hash_seed():
    program = "from tane.digest import values; print(values.of({'v': {str(i) for i in range(50)}}).digest)"
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(found) == 1


class Color(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Point:
    x: float
    tags: set

    def length(self):
        return abs(self.x)


def test_instances_are_taken_by_class_and_state():
    assert digest(Point(1.0, {"a", "b"})) == digest(Point(1.0, {"b", "a"})) != digest(Point(2.0, {"a", "b"}))
    assert digest(Color.RED) == digest(Color.RED) != digest(1)


def test_project_classes_are_named_and_libraries_too():
    found = values.of([Point(1.0, set()), np.arange(3)])
    assert f"{__name__}:Point" in found.classes
    assert found.libraries == ("numpy",)


def test_libraries_of_a_model_are_named():
    sklearn_linear = pytest.importorskip("sklearn.linear_model")
    model = sklearn_linear.LinearRegression().fit(np.eye(3), np.arange(3))
    found = values.of(model)
    assert {"numpy", "sklearn"} <= set(found.libraries)
    assert found == values.of(pickle.loads(pickle.dumps(model)))


def test_a_generator_has_no_digest():
    with pytest.raises(values.CannotDigest, match="generator"):
        values.of([1, (i for i in range(3))])


def test_a_lock_has_no_digest():
    with pytest.raises(values.CannotDigest, match="lock"):
        values.of({"lock": threading.Lock()})


def test_lambdas_are_taken_by_code_and_what_they_hold():
    def make(n):
        return lambda x: x + n

    assert digest(make(1)) == digest(make(1)) != digest(make(2))


ARRAYS = [
    np.arange(6).reshape(2, 3),
    np.array(3.0),
    np.zeros((0, 3)),
    np.array(["a", "bc"]),
    np.array([1, "a", None], dtype=object),
    np.array(["2020-01-01"], dtype="datetime64[D]"),
    np.array([(1, 2.0)], dtype=[("a", "i1"), ("b", "f8")]),
    np.array([1 + 2j]),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: str(a.dtype))
def test_arrays_are_taken_by_content(array):
    assert digest(array) == digest(array.copy()) == digest(pickle.loads(pickle.dumps(array)))


def test_memory_order_and_slices_do_not_count():
    array = np.arange(24.0).reshape(4, 6)
    assert digest(array) == digest(np.asfortranarray(array))
    assert digest(array[::2]) == digest(array[::2].copy())


def test_padding_of_structured_arrays_does_not_count():
    kind = np.dtype([("a", "i1"), ("b", "f8")], align=True)
    one, other = np.zeros(2, kind), np.zeros(2, kind)
    other.view("u1")[1] = 255
    assert digest(one) == digest(other)


def frame():
    return pd.DataFrame(
        {
            "number": [1.0, None, 3.0],
            "text": ["x", None, "z"],
            "category": pd.Categorical(["a", "b", "a"]),
            "time": pd.date_range("2020", periods=3, tz="UTC"),
            "integer": pd.array([1, None, 3], "Int64"),
            "flag": pd.array([True, None, False], "boolean"),
            "string": pd.array(["a", None, "b"], "string[python]"),
            "period": pd.period_range("2020", periods=3, freq="D"),
            "object": [{1}, [2], None],
        }
    )


def test_frames_are_taken_by_content():
    one = frame()
    assert (
        digest(one) == digest(frame()) == digest(one.iloc[::-1].iloc[::-1]) == digest(pickle.loads(pickle.dumps(one)))
    )


@pytest.mark.parametrize("column", list(frame().columns))
def test_every_column_counts(column):
    changed = frame()
    changed[column] = (
        changed[column].to_numpy()[[1, 0, 2]] if column == "object" else changed[column].iloc[[1, 0, 2]].array
    )
    assert digest(changed) != digest(frame())


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.rename(columns={"number": "n"}),
        lambda f: f.set_index("text"),
        lambda f: f[f.columns[::-1]],
        lambda f: f.astype({"number": "float32"}),
        lambda f: f.set_axis(pd.Index([0, 1, 2], name="i")),
    ],
)
def test_labels_order_and_types_of_a_frame_count(change):
    assert digest(change(frame())) != digest(frame())


def test_polars_chunks_and_slices_do_not_count():
    one = pl.DataFrame({"a": [1, None, 3], "s": ["x", None, "z"], "l": [[1], None, [2, 3]]})
    assert digest(one) == digest(pl.concat([one[:1], one[1:]])) == digest(pl.concat([one, one])[3:])
    assert digest(one) != digest(one.with_columns(a=pl.col("a").fill_null(0)))


def test_golden_digests():
    assert (
        digest({"a": [1, 2.5, "x", None, True], "b": (b"y", {1, 2})})
        == "20d8c19883182b9dc2aab739b76dd3ede80be2fc23728d68b3f5612014aabcfd"
    )
    assert digest(np.arange(3, dtype="i8")) == "700f8614c9bd881a014598f40d44f4f1f5246f47e3a27fc41999432c4ebf79cb"
