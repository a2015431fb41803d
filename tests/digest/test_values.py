"""Digests of values: by content, whatever the identity, the layout or the hash seed."""

import dataclasses
import datetime
import enum
import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
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


def test_parts_that_are_one_object_are_not_two_equal_parts():
    part = [1.5, {"a": 2}]
    one = digest([part, part])
    assert one == digest([part.copy()] * 2)
    assert one != digest([[1.5, {"a": 2}], [1.5, {"a": 2}]])
    assert digest([(part,), (part,)]) != digest([([1.5, {"a": 2}],), ([1.5, {"a": 2}],)])


def test_it_does_not_count_whether_parts_that_nobody_can_change_are_one_object():
    day, pair = datetime.date(2020, 1, 1), (1.5, ("a", frozenset({2})))
    others = [datetime.date(2020, 1, 1), datetime.date(2020, 1, 1), (1.5, ("a", frozenset({2}))), (1.5, ("a", {2}))]
    others[3] = (1.5, ("a", frozenset({2})))
    assert digest([day, day, pair, pair, []]) == digest([*others, []])


def test_what_elements_of_a_set_share_does_not_make_their_order_count():
    shared = [1]
    things = [Named(name, shared) for name in "abcdef"]
    assert digest([set(things), shared]) == digest([{things[at] for at in range(5, -1, -1)}, shared])


class Named:
    def __init__(self, name, more):
        self.name, self.more = name, more

    def __hash__(self):
        return hash((self.name, os.environ.get("PYTHONHASHSEED")))


def test_local_classes_are_taken_by_what_they_are_made_of():
    def model(n, base=object):
        class Model(base):
            factor = n

            def predict(self, x):
                return x * self.factor

            @property
            def twice(self):
                return self.predict(2)

        return Model()

    assert digest(model(1)) == digest(model(1)) != digest(model(2))
    assert digest(type(model(1))) == digest(type(model(1))) != digest(type(model(1, dict)))


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


def test_what_fills_up_long_doubles_does_not_count():
    one, other = np.array([1.5], np.longdouble), np.array([1.5], np.longdouble)
    if np.finfo(np.longdouble).nmant == 63:
        other.view("u1")[10:] = 7
    assert digest(one) == digest(other) != digest(-one)


def test_what_lies_behind_nulls_does_not_count_in_arrays_of_their_own():
    hidden = pd.arrays.IntegerArray(np.array([1, 77], "i8"), np.array([False, True]))
    assert digest(hidden) == digest(pd.array([1, None], "Int64"))


def test_polars_types_that_arrow_does_not_know_have_digests():
    wide = [pl.DataFrame({"n": pl.Series([n, None], dtype=pl.Int128)}) for n in (2**100, 2**100, 1)]
    assert digest(wide[0]) == digest(wide[1]) != digest(wide[2])


TABLE = pa.table({"a": [1]})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (frame(), frame().set_flags(allows_duplicate_labels=False)),
        (frame(), frame().rename_axis("i")),
        (pd.arrays.SparseArray([0, 1]), pd.arrays.SparseArray([0, 1], fill_value=1)),
        (pd.Categorical(["a"], ["a"]), pd.Categorical(["a"], ["a", "b"])),
        (pd.MultiIndex.from_product([["a", "b"], [1]])[:1], pd.MultiIndex.from_product([["a"], [1]])),
        (np.ma.masked_array([1.0]), np.ma.masked_array([1.0], mask=[0])),
        (np.ma.masked_array([1.0], mask=[1]), np.ma.masked_array([1.0], mask=[1], hard_mask=True)),
        (np.zeros(1), np.zeros(1, np.dtype("f8", metadata={"unit": "m"}))),
        (np.array(["a"], np.dtypes.StringDType()), np.array(["a"], np.dtypes.StringDType(na_object=None))),
        (TABLE, TABLE.cast(pa.schema([pa.field("a", pa.int64(), metadata={"note": "x" * 500})]))),
        (TABLE, TABLE.to_batches()[0]),
        (TABLE["a"], TABLE["a"].combine_chunks()),
    ],
)
def test_what_can_be_seen_of_a_frame_or_array_counts(one, other):
    assert digest(one) != digest(other)


def test_empty_tables_and_parts_of_arrays_are_taken_by_content():
    table = pa.table({"d": pa.array(["x", "y"]).dictionary_encode()})[:0]
    assert digest(table) == digest(pa.Table.from_batches([], table.schema))
    assert digest(pa.array(["a", None, "b"])[1:]) == digest(pa.array([None, "b"]))


def test_golden_digests():
    assert (
        digest({"a": [1, 2.5, "x", None, True], "b": (b"y", {1, 2})})
        == "20d8c19883182b9dc2aab739b76dd3ede80be2fc23728d68b3f5612014aabcfd"
    )
    assert digest(np.arange(3, dtype="i8")) == "700f8614c9bd881a014598f40d44f4f1f5246f47e3a27fc41999432c4ebf79cb"
