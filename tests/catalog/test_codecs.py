"""Kept values come back as they were: in type, dtype, content and digest."""

import datetime
import decimal
import enum
import io
import os
import socket
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tane
from tane.catalog import codecs
from tane.digest import values


def kept(value):
    """`value` after a trip through its format, read from read-only and from writable bytes."""
    encoded = codecs.encode(value)
    data = b"".join(encoded.chunks)
    again = codecs.decode(encoded.codec, memoryview(bytearray(data)))
    assert values.of(codecs.decode(encoded.codec, data)).digest == values.of(again).digest
    return again


def assert_same(value, again):
    assert type(again) is type(value)
    assert values.of(again) == values.of(value)


atoms = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.complex_numbers(),
    st.text(),
    st.binary(),
    st.dates(),
    st.decimals(),
)
keys = st.one_of(st.integers(), st.text(), st.booleans(), st.tuples(st.text(), st.integers()))
plain = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner),
        st.lists(inner).map(tuple),
        st.dictionaries(keys, inner),
        st.sets(keys),
        st.frozensets(keys),
    ),
    max_leaves=20,
)
dtypes = st.one_of(
    hnp.scalar_dtypes(),
    hnp.unicode_string_dtypes(),
    hnp.byte_string_dtypes(),
    hnp.datetime64_dtypes(),
    hnp.timedelta64_dtypes(),
    hnp.array_dtypes(),
)
arrays = dtypes.flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0, max_side=5)))
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(plain)
def test_plain_values_come_back_exactly(value):
    again = kept(value)
    assert_same(value, again)
    assert repr(again) == repr(value) or "{" in repr(value)


@quick
@given(arrays, st.booleans())
def test_arrays_come_back_exactly(array, fortran):
    array = np.asfortranarray(array) if fortran and array.ndim else array
    again = kept(array)
    assert_same(array, again)
    assert again.dtype == array.dtype and again.shape == array.shape
    assert again.flags.f_contiguous == array.flags.f_contiguous
    assert again.flags.writeable


@quick
@given(plain, arrays)
def test_copies_are_equal(value, array):
    for one in (value, array, [array, value], {"a": array}):
        assert_same(one, codecs.copy(one))


def frames():
    index = pd.MultiIndex.from_tuples([("a", 1), ("b", 2), ("b", 3)], names=["x", None])
    zoned = pd.date_range("2024-03-30", periods=3, freq="D", tz="Europe/Paris")
    base = pd.DataFrame(
        {
            "i": [1, 2, 3],
            "f": [1.5, np.nan, -0.0],
            "s": ["x", None, ""],
            "o": pd.Series([1, "a", None], dtype=object),
            "n": pd.array([1, None, 3], dtype="Int64"),
            "b": pd.array([True, None, False], dtype="boolean"),
            "t": pd.array(["q", None, "r"], dtype="string"),
            "c": pd.Categorical(["u", "v", None], categories=["v", "u", "w"], ordered=True),
            "z": zoned,
            "d": pd.to_timedelta([1, 2, None], unit="s"),
            "p": pd.period_range("2024-01", periods=3, freq="M"),
        }
    )
    base.attrs["unit"] = "EUR"
    yield base
    yield base.set_index(index)
    yield base.set_index("z")
    yield base[:0]
    yield base["c"]
    yield base[["i", "f"]].T
    yield pd.DataFrame({"x": np.arange(5000.0), "s": [f"row {i}" for i in range(5000)]})
    yield base.set_axis([1, "two", *range(9)], axis=1)
    yield zoned


@pytest.mark.parametrize("frame", list(frames()), ids=lambda frame: type(frame).__name__)
def test_pandas_comes_back_exactly(frame):
    again = kept(frame)
    assert_same(frame, again)
    if isinstance(frame, pd.DataFrame):
        pd.testing.assert_frame_equal(again, frame, check_freq=True, check_exact=True)
        assert again.attrs == frame.attrs


@quick
@given(st.lists(st.tuples(st.integers(-5, 5), st.floats(), st.none() | st.text()), max_size=8))
def test_small_frames_come_back_exactly(rows):
    frame = pd.DataFrame(rows, columns=["i", "f", "s"])
    pd.testing.assert_frame_equal(kept(frame), frame, check_exact=True)


POLARS = {
    "int": pl.Series([1, None, 3], dtype=pl.UInt64),
    "float": pl.Series([1.0, None, float("nan")]),
    "bool": pl.Series([True, None, False]),
    "text": pl.Series(["a long text that is not inlined", None, ""]),
    "bytes": pl.Series([b"a", None, b""]),
    "date": pl.Series([datetime.date(2020, 1, 1), None, None]),
    "time": pl.Series([datetime.time(1, 2, 3), None, None]),
    "zoned": pl.Series([datetime.datetime(2020, 1, 1), None, None], dtype=pl.Datetime("ms", "Europe/Paris")),
    "duration": pl.Series([1, None, 3], dtype=pl.Duration("ns")),
    "categorical": pl.Series(["a", "b", None], dtype=pl.Categorical),
    "enum": pl.Series(["a", "b", None], dtype=pl.Enum(["b", "a"])),
    "list": pl.Series([[1], None, []], dtype=pl.List(pl.Int16)),
    "array": pl.Series([[1, 2], [3, 4], None], dtype=pl.Array(pl.Int8, 2)),
    "struct": pl.Series([{"x": 1, "y": "q"}, None, {"x": None, "y": None}]),
    "decimal": pl.Series([decimal.Decimal("1.20"), None, None], dtype=pl.Decimal(10, 2)),
    "null": pl.Series([None, None, None]),
    "nested": pl.Series([[{"c": "a"}], None, []], dtype=pl.List(pl.Struct({"c": pl.Categorical}))),
}


@pytest.mark.parametrize("name", [*POLARS, "all", "plain", "empty", "no columns"])
def test_polars_comes_back_exactly(name):
    chosen = {
        "all": list(POLARS),
        "plain": ["int", "float", "bool", "text", "zoned"],
        "empty": ["int", "text"],
    }
    frame = pl.DataFrame({n: POLARS[n] for n in chosen.get(name, [name] if name in POLARS else [])})
    frame = frame.clear() if name == "empty" else frame
    again = kept(frame)
    assert again.schema == frame.schema and again.equals(frame)
    assert_same(frame, again)


def test_polars_keeps_wide_integers():
    frame = pl.DataFrame({"n": pl.Series([2**100, None], dtype=pl.Int128)})
    encoded = codecs.encode(frame)
    again = codecs.decode(encoded.codec, b"".join(encoded.chunks))
    assert again.schema == frame.schema and again.equals(frame)


def test_polars_series_keep_their_name():
    series = pl.Series("price", ["a", None], dtype=pl.Categorical)
    again = kept(series)
    assert again.name == "price" and again.dtype == series.dtype
    assert_same(series, again)


def test_polars_in_chunks_comes_back():
    frame = pl.concat([pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": [3]})], rechunk=False)
    assert kept(frame).equals(frame)


def test_arrow_tables_come_back_exactly():
    table = pa.table(
        {
            "s": pa.chunked_array([["a", None], ["b"]]),
            "d": pa.array(["x", "y", "x"]).dictionary_encode(),
            "l": pa.array([[1], None, []]),
        }
    ).replace_schema_metadata({"made": "here"})
    again = kept(table)
    assert again.equals(table, check_metadata=True)
    assert again.schema.equals(table.schema, check_metadata=True)


def test_arrow_tables_are_mapped_not_copied():
    encoded = codecs.encode(pa.table({"a": np.arange(1000)}))
    data = bytearray(b"".join(encoded.chunks))
    before = codecs.decode(encoded.codec, data)
    at = data.index(np.arange(1000).tobytes())
    data[at] = 7
    assert before["a"][0].as_py() == 7


def test_large_arrays_are_views_of_writable_memory():
    for value in (np.arange(10_000.0), {"a": np.arange(10_000.0)}):
        encoded = codecs.encode(value)
        data = np.frombuffer(bytearray(b"".join(encoded.chunks)), "u1")
        again = codecs.decode(encoded.codec, memoryview(data))
        array = again["a"] if isinstance(again, dict) else again
        assert np.shares_memory(array, data)
        assert array.flags.aligned and array.flags.writeable


def test_read_only_arrays_come_back_writable_wherever_they_stand():
    array = np.arange(5000)
    array.flags.writeable = False
    for value, get in ((array, lambda v: v), ([array], lambda v: v[0]), ((array[:3],), lambda v: v[0])):
        assert get(kept(value)).flags.writeable
        assert get(codecs.copy(value)).flags.writeable


def test_strided_and_object_arrays_come_back():
    for array in (
        np.arange(20)[::3],
        np.arange(24).reshape(4, 6)[:, ::-2],
        np.array([1, "a", None], dtype=object),
    ):
        assert_same(array, kept(array))


def test_array_subclasses_keep_their_type():
    masked = np.ma.masked_array([1, 2, 3], mask=[False, True, False])
    again = kept(masked)
    assert type(again) is type(masked) and again.mask.tolist() == masked.mask.tolist()


def test_lambdas_and_closures_are_kept_by_value():
    rate = 3
    encoded = codecs.encode({"f": lambda x: x * rate})
    assert encoded.codec == "cloudpickle"
    assert codecs.decode(encoded.codec, b"".join(encoded.chunks))["f"](2) == 6


def test_local_classes_are_kept_by_value():
    class Local:
        def answer(self):
            return 42

    assert kept(Local()).answer() == 42


def test_a_class_of_main_is_kept_by_value(tmp_path):
    import subprocess
    import sys

    script = tmp_path / "script.py"
    script.write_text(
        "from tane.catalog import codecs\n"
        "class Model:\n    def predict(self): return 7\n"
        "e = codecs.encode(Model())\n"
        "open('kept', 'wb').write(b''.join(e.chunks)); print(e.codec)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(tane.__path__[0]).parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "cloudpickle"
    assert codecs.decode("cloudpickle", (tmp_path / "kept").read_bytes()).predict() == 7


LAZY = pl.LazyFrame({"a": [1]})
OBJECTS = pl.DataFrame({"o": pl.Series([object()], dtype=pl.Object)})
UNKEEPABLE = [
    ((i for i in range(3)), "value is a generator", "list("),
    ({"db": [threading.Lock()]}, "value['db'][0] is a _thread.lock", "plain data"),
    (os, "value is a module", "import"),
    ({"m": [os, threading.Lock()]}, "value['m'][0] is a module", "import"),
    (LAZY, "LazyFrame", ".collect()"),
    ({"frame": LAZY}, "value['frame'] is a polars", ".collect()"),
    (OBJECTS, "dtype Object", "cast"),
]


def assert_refused(value, what, hint):
    with pytest.raises(codecs.CannotKeep) as raised:
        codecs.encode(value)
    assert what in raised.value.what
    assert hint in raised.value.hint
    assert raised.value.exit_code == 1


@pytest.mark.parametrize(("value", "what", "hint"), UNKEEPABLE)
def test_what_cannot_be_kept_is_named_with_the_way_to_it(value, what, hint):
    assert_refused(value, what, hint)


def test_open_files_sockets_and_connections_are_named():
    with open(os.devnull) as file, socket.socket() as wire, closing(sqlite3.connect(":memory:")) as database:
        assert_refused({"out": file}, "value['out'] is a _io.TextIOWrapper", "open files")
        assert_refused((1, wire), "value[1] is a socket.socket", "connections")
        assert_refused(SimpleNamespace(db=database), "value.db is a sqlite3.Connection", "connections")


def test_a_value_nested_too_deeply_is_refused_in_words():
    value = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(codecs.CannotKeep, match="nested too deeply"):
        codecs.encode(value)
    while value:
        value = value[0]


def test_a_kept_value_whose_module_is_gone_says_so():
    with pytest.raises(codecs.CannotRestore, match="module 'no_such_module'"):
        codecs.decode("pickle", b"cno_such_module\nThing\n.")


def test_damaged_bytes_are_no_traceback():
    with pytest.raises(codecs.CannotRestore, match="could not be read again"):
        codecs.decode("pickle", b"\x80\x05nonsense")


def test_an_unknown_format_names_those_known():
    with pytest.raises(codecs.CannotRestore, match="'future'"):
        codecs.decode("future", b"")


class Colour(enum.Enum):
    RED = 1


@pytest.mark.parametrize(
    "value",
    [
        None,
        1,
        1.5,
        "a",
        b"a",
        (1, ("b", None)),
        frozenset({1}),
        Colour.RED,
        len,
        int,
        range(3),
        np.float64(1),
    ],
    ids=repr,
)
def test_immutable_values_are_handed_over_as_they_are(value):
    assert codecs.is_immutable(value)
    assert codecs.copy(value) is value


@pytest.mark.parametrize(
    "value",
    [[], {}, set(), (1, []), np.zeros(1), bytearray(b"a"), pd.DataFrame(), SimpleNamespace()],
    ids=repr,
)
def test_mutable_values_are_not_called_immutable(value):
    assert not codecs.is_immutable(value)
    assert codecs.copy(value) is not value


def test_a_copy_shares_no_cell_with_its_original():
    frame = pd.DataFrame({"cells": pd.Series([[1], [2]], dtype=object)})
    copied = codecs.copy(frame)
    copied["cells"][0].append(9)
    assert frame["cells"][0] == [1]


def test_changing_a_copy_leaves_the_original():
    for value, change in (
        (np.zeros(3), lambda v: v.__setitem__(0, 1)),
        ([np.zeros(3)], lambda v: v[0].__setitem__(0, 1)),
        ({"a": [1]}, lambda v: v["a"].append(2)),
        (pd.DataFrame({"a": [0]}), lambda v: v.__setitem__("a", 1)),
        (pl.DataFrame({"a": [0]}), lambda v: v.drop_in_place("a")),
        (pd.Series(["a"]), lambda v: v.__setitem__(0, "b")),
    ):
        before = values.of(value)
        change(codecs.copy(value))
        assert values.of(value) == before


def test_values_with_lambdas_are_copied_too():
    value = {"f": lambda: 1, "list": [1]}
    copied = codecs.copy(value)
    copied["list"].append(2)
    assert value["list"] == [1] and copied["f"]() == 1


def counting():
    seen = []

    def count(x):
        seen.append(x)
        return len(seen)

    return count


def test_what_a_function_remembers_is_its_takers_alone():
    count = counting()
    for value, get in ((count, lambda v: v), ({"f": count}, lambda v: v["f"]), ([1].append, None)):
        assert not codecs.is_immutable(value)
        if get is not None:
            assert [get(codecs.copy(value))(1), get(codecs.copy(value))(1)] == [1, 1]
    assert codecs.is_immutable(lambda x: x) and codecs.is_immutable(counting) and codecs.is_immutable(len)


@pytest.mark.parametrize(
    "index",
    [
        pd.date_range("2020", periods=2),
        pd.CategoricalIndex(["a", "b"]),
        pd.interval_range(0, 2),
    ],
    ids=lambda index: type(index).__name__,
)
def test_a_copy_shares_no_labels_with_its_original(index):
    for value in (pd.DataFrame({"a": [1, 2]}, index=index), pd.Series([1, 2], index=index)):
        before = values.of(value)
        array = codecs.copy(value).index._data  # as `.array` was before it became read-only
        array[0] = array[1]
        assert values.of(value) == before


@pytest.mark.parametrize(
    "array",
    [
        np.arange(24.0).reshape(2, 3, 4).transpose(1, 0, 2),
        np.asfortranarray(np.arange(48.0).reshape(6, 8))[::2, 1:7],
        np.arange(24_000.0).reshape(20, 30, 40).transpose(2, 0, 1),
        np.arange(24.0).reshape(4, 6)[::-1, ::-2],
        np.broadcast_to(np.arange(3.0), (4, 3)),
    ],
    ids=lambda array: str(array.strides),
)
def test_arrays_lie_as_a_copy_of_them_would(array):
    """So that sums over them come out the same to the last bit."""
    wanted = array.copy(order="K").strides
    for value, get in ((array, lambda v: v), ([array], lambda v: v[0])):
        assert get(kept(value)).strides == get(codecs.copy(value)).strides == wanted
        assert np.array_equal(get(kept(value)), array)


def test_masked_arrays_keep_what_they_know_of_their_mask():
    for masked in (
        np.ma.masked_array([1, 2]),
        np.ma.masked_array([1, 2], mask=[0, 0], hard_mask=True),
        np.ma.masked_array(np.arange(4000.0), mask=np.arange(4000) % 2, fill_value=-1),
    ):
        for again in (kept(masked), codecs.copy(masked)):
            assert (again.mask is np.ma.nomask) == (masked.mask is np.ma.nomask)
            assert again.hardmask == masked.hardmask and again.fill_value == masked.fill_value
            assert_same(masked, again)


def test_what_cannot_be_copied_is_named():
    with pytest.raises(codecs.CannotKeep, match="lock"):
        codecs.copy({"a": threading.Lock()})


def test_in_memory_files_are_kept():
    file = io.BytesIO(b"abc")
    assert kept(file).getvalue() == b"abc"
