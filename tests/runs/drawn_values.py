"""Values of every kind that a pipeline may pass on, and a judge of sameness that knows nothing of the engine.

`MAKERS` has them by name, each made anew: a flow's function calls `make(name)`, wherever it works. `difference` tells
where two values differ, in type, dtype, flags, content or in which of their parts are one object.
"""

from __future__ import annotations

import array as arrays
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import ipaddress
import math
import operator
import pathlib
import random
import re
import struct
import sys
import types
import typing
import uuid
import zoneinfo
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

# --- a project's own classes and functions -------------------------------------------------------------------------


class Colour(enum.Enum):
    RED = "r"
    BLUE = ["b"]


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Level(enum.IntEnum):
    LOW = 1


@dataclasses.dataclass
class Point:
    x: float
    tags: set = dataclasses.field(default_factory=set)
    more: Any = None


@dataclasses.dataclass(frozen=True, slots=True)
class Fixed:
    x: float
    y: tuple = ()


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a: Any) -> None:
        self.a = a


class Pair(typing.NamedTuple):
    left: Any
    right: Any


class Names(list):
    """A list that holds more."""

    def __init__(self, *items: Any) -> None:
        super().__init__(items)
        self.owner = "me"


class Degrees(float):
    unit = "C"


class Wrong(Exception):
    def __init__(self, what: str, code: int) -> None:
        super().__init__(what, code)
        self.code = code


class Dropping:
    """Leaves out of its state what can be made again."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.cache = {"made": n}

    def __getstate__(self) -> dict[str, Any]:
        return {"n": self.n}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, cache={"made": state["n"]})


class Frame(pd.DataFrame):
    """A frame of the project's own."""

    _metadata = ["owner"]

    @property
    def _constructor(self) -> Callable[..., Any]:
        return Frame


class Metres(np.ndarray):
    """An array of the project's own."""

    def __array_finalize__(self, other: Any) -> None:
        self.unit = getattr(other, "unit", "m")


def doubled(x: Any) -> Any:
    return x * 2


def _adder(n: Any) -> Callable[..., Any]:
    total = [n]

    def add(x: Any, times: int = 2) -> Any:
        total[0] += x * times
        return total[0]

    return add


# --- plain Python --------------------------------------------------------------------------------------------------


def _aliased() -> Any:
    one = [1]
    return {"a": one, "b": [one, one], "c": (one,)}


def _round_about() -> Any:
    one: list[Any] = [1]
    other = {"up": one}
    one.append(other)
    one.append(one)
    return one


def _parent_and_child() -> Any:
    parent = types.SimpleNamespace(name="parent", children=[])
    parent.children += [types.SimpleNamespace(parent=parent, n=n) for n in range(2)]
    return parent


def _shared_array() -> Any:
    data = np.arange(6.0)
    return [data, data, {"again": data}]


def _shared_large() -> Any:
    data = np.arange(2000.0)
    return [data, data]


def _error() -> Any:
    error = Wrong("bad", 3)
    error.add_note("look here")
    return error


def _cause() -> Any:
    try:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            raise ValueError("outer", 2) from inner
    except ValueError as outer:
        return outer


PLAIN: dict[str, Callable[[], Any]] = {
    "int": lambda: 7,
    "bool": lambda: True,
    "zero": lambda: 0,
    "huge int": lambda: 3**500,
    "negative": lambda: -(2**63),
    "nan": lambda: math.nan,
    "odd nan": lambda: struct.unpack("<d", b"\x01\0\0\0\0\0\xf8\xff")[0],
    "infinity": lambda: -math.inf,
    "minus zero": lambda: -0.0,
    "complex": lambda: complex(-0.0, math.nan),
    "empty text": lambda: "",
    "text": lambda: "naïve \u2028 \U0001f600 e\u0301 \0",
    "surrogate": lambda: "a\udc80b\ud800",
    "long text": lambda: "ab" * 40_000,
    "bytes": lambda: bytes(range(256)),
    "long bytes": lambda: b"\0" * 100_000,
    "bytearray": lambda: bytearray(b"abc"),
    "date": lambda: datetime.date(1, 1, 1),
    "zoned": lambda: datetime.datetime(2024, 10, 27, 2, 30, tzinfo=zoneinfo.ZoneInfo("Europe/Paris"), fold=1),
    "utc": lambda: datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC),
    "offset": lambda: datetime.time(1, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=1), "X")),
    "timedelta": lambda: datetime.timedelta(days=-1, microseconds=1),
    "decimal": lambda: [decimal.Decimal("1.20"), decimal.Decimal("1.2"), decimal.Decimal("-sNaN3")],
    "fraction": lambda: fractions.Fraction(1, 3),
    "uuid": lambda: uuid.UUID(int=5),
    "path": lambda: pathlib.Path("a/b"),
    "range": lambda: range(0, 10, 3),
    "slice": lambda: [slice(1, None, 2), ..., NotImplemented],
    "address": lambda: ipaddress.ip_network("10.0.0.0/8"),
    "pattern": lambda: re.compile("a+", re.I),
    "enums": lambda: [Colour.RED, Colour.BLUE, Rights.READ | Rights.WRITE, Level.LOW],
    "set": lambda: {"a", "b", "c", 1, (2, "x"), frozenset({3})},
    "empty set": set,
    "frozenset": lambda: frozenset({b"x", "x", 1.5}),
    "dict": lambda: {2: "b", "a": {"deep": {None: [1]}}, (1, 2): 3, 1.5: True, b"x": None, frozenset({1}): 0},
    "dict order": lambda: {"b": 1, "a": 2},
    "mixed": lambda: [1, 1.0, True, "1", b"1", None, -0.0, 0.0, 0],
    "ordered": lambda: collections.OrderedDict([("b", 1), ("a", 2)]),
    "defaults": lambda: collections.defaultdict(list, {"a": [1]}),
    "counter": lambda: collections.Counter("abca"),
    "deque": lambda: collections.deque([1, [2]], maxlen=5),
    "chain map": lambda: collections.ChainMap({"a": 1}, {"b": 2}),
    "proxied": lambda: types.SimpleNamespace(a=1, b=[2]),
    "machine array": lambda: arrays.array("d", [1.5, 2.5]),
    "point": lambda: Point(1.5, {"x", "y"}, [1]),
    "fixed": lambda: Fixed(-0.0, (1, [2])),
    "slotted": lambda: Slotted([1]),
    "pair": lambda: Pair(1, [2]),
    "names": lambda: Names("a", "b"),
    "degrees": lambda: Degrees(1.5),
    "dropping": lambda: Dropping(3),
    "classes": lambda: [Point, int, np.float64, collections.OrderedDict],
    "functions": lambda: [doubled, len, math.sin, operator.itemgetter(1), str.upper, Point.__init__],
    "partial": lambda: functools.partial(doubled, [1]),
    "bound": lambda: Dropping(2).__getstate__,
    "error": _error,
    "cause": _cause,
    "group": lambda: ExceptionGroup("many", [ValueError(1), KeyError("k")]),
    "random": lambda: random.Random(7),
    "aliased": _aliased,
    "not aliased": lambda: {"a": [1], "b": [[1], [1]], "c": ([1],)},
    "round about": _round_about,
    "parent and child": _parent_and_child,
    "shared array": _shared_array,
    "shared large array": _shared_large,
    "deep": lambda: functools.reduce(lambda inner, _: [inner], range(50), []),
    "wide": lambda: [[i] for i in range(3000)],
}
BY_VALUE: dict[str, Callable[[], Any]] = {
    "lambda": lambda: lambda x: x + 1,
    "closure": lambda: _adder(3),
    "closures in a dict": lambda: {"f": _adder(1), "n": 2},
    "local class": lambda: type("Local", (), {"answer": lambda self: 42})(),
}

# --- NumPy ---------------------------------------------------------------------------------------------------------


def _read_only() -> Any:
    found = np.arange(5.0)
    found.flags.writeable = False
    return found


def _mapped() -> Any:
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        found = np.memmap(file.name, "f4", "w+", shape=(3, 4))
        found[:] = np.arange(12).reshape(3, 4)
        return found


_RECORD = np.dtype([("a", "i1"), ("b", "f8"), ("c", "U3"), ("d", "i2", (2,))], align=True)


def _records() -> Any:
    found = np.zeros(3, _RECORD)
    found["a"], found["b"], found["c"] = [1, 2, 3], [np.nan, -0.0, 1], ["x", "yy", ""]
    return found


NUMPY: dict[str, Callable[[], Any]] = {
    "array": lambda: np.arange(6).reshape(2, 3),
    "0-d": lambda: np.array(3.5),
    "0-d text": lambda: np.array("abc"),
    "empty array": lambda: np.zeros((0, 3), "f4"),
    "empty middle": lambda: np.zeros((2, 0, 3)),
    "fortran": lambda: np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "strided": lambda: np.arange(20.0)[::3],
    "backwards": lambda: np.arange(24.0).reshape(4, 6)[::-1, ::-2],
    "transposed": lambda: np.arange(24.0).reshape(2, 3, 4).transpose(1, 0, 2),
    "fortran part": lambda: np.asfortranarray(np.arange(48.0).reshape(6, 8))[::2, 1:7],
    "broadcast": lambda: np.broadcast_to(np.arange(3.0), (4, 3)),
    "large transposed": lambda: np.arange(24_000.0).reshape(20, 30, 40).transpose(1, 0, 2),
    "transposed inside": lambda: {"a": np.arange(24_000.0).reshape(20, 30, 40).transpose(2, 0, 1)},
    "fortran inside": lambda: [np.asfortranarray(np.arange(6000.0).reshape(60, 100))[::2]],
    "read-only": _read_only,
    "read-only inside": lambda: {"a": (_read_only(),)},
    "big endian": lambda: np.arange(4, dtype=">i4"),
    "big endian inside": lambda: [np.array(["2020-01-01"], ">M8[s]"), np.arange(3, dtype=">f8")],
    "bools": lambda: np.array([True, False]),
    "halves": lambda: np.array([1, np.nan, -0.0], "f2"),
    "long doubles": lambda: np.array([1.5], np.longdouble),
    "complexes": lambda: np.array([1 + 2j, complex(np.nan, -0.0)], "c8"),
    "texts": lambda: np.array(["a", "bcd", ""]),
    "byte texts": lambda: np.array([b"a", b"b\0c"]),
    "strings": lambda: np.array(["a", "a long text " * 9], dtype=np.dtypes.StringDType()),
    "nullable strings": lambda: np.array(["a", None], dtype=np.dtypes.StringDType(na_object=None)),
    "times": lambda: np.array(["2020-01-01", "NaT"], "M8[ns]"),
    "times by 25 s": lambda: np.array([1, 2], "M8[25s]"),
    "durations": lambda: np.array([1, -1], "m8[us]"),
    "objects": lambda: np.array([1, "a", None, [2]], dtype=object),
    "objects 2-d": lambda: np.array([[1, "a"], [None, 2.5]], dtype=object).T,
    "records": _records,
    "record array": lambda: _records().view(np.recarray),
    "one record": lambda: _records()[1],
    "voids": lambda: np.array([b"ab", b"cd"], "V2"),
    "sub-arrays": lambda: np.zeros(2, [("m", "f4", (2, 2))]),
    "masked": lambda: np.ma.masked_array([1.0, 2.0, 3.0], mask=[0, 1, 0], fill_value=-9),
    "masked without": lambda: np.ma.masked_array([1, 2]),
    "matrix": lambda: np.arange(4).reshape(2, 2).view(np.matrix),
    "memory map": _mapped,
    "metres": lambda: np.arange(3.0).view(Metres),
    "chars": lambda: np.char.array(["a", "bb"]),
    "large": lambda: np.arange(50_000, dtype="i8"),
    "dtype with metadata": lambda: np.zeros(2, np.dtype("f8", metadata={"unit": "m"})),
    "dtypes": lambda: [np.dtype("f8"), np.dtype(">i4"), _RECORD, np.dtype("M8[us]")],
    "scalars": lambda: [
        np.float32(1.5),
        np.int8(-1),
        np.bool_(True),
        np.str_("x"),
        np.datetime64("2020"),
        np.void(b"a"),
    ],
    "scalar": lambda: np.float64(math.nan),
    "zoned scalar": lambda: np.datetime64("NaT", "25s"),
    "generator of numbers": lambda: np.random.default_rng(3),
    "random state": lambda: np.random.RandomState(3),
    "poly": lambda: np.poly1d([1, 2]),
    "views of one": lambda: (lambda base: [base[:3], base[2:], base])(np.arange(5.0)),
}

# --- pandas --------------------------------------------------------------------------------------------------------


def _frame() -> pd.DataFrame:
    zoned = pd.date_range("2024-03-30", periods=3, freq="D", tz="Europe/Paris")
    return pd.DataFrame(
        {
            "i": np.array([1, 2, 3], "i2"),
            "f": [1.5, np.nan, -0.0],
            "s": ["x", None, ""],
            "o": pd.Series([1, "a", None], dtype=object),
            "n": pd.array([1, None, 3], dtype="Int64"),
            "g": pd.array([1.5, None, 3], dtype="Float32"),
            "b": pd.array([True, None, False], dtype="boolean"),
            "t": pd.array(["q", None, "r"], dtype="string"),
            "tp": pd.array(["q", None, "r"], dtype="string[python]"),
            "c": pd.Categorical(["u", "v", None], categories=["v", "u", "w"], ordered=True),
            "z": zoned,
            "ms": pd.to_datetime(["2020-01-01", None, "2021-01-01"]).as_unit("ms"),
            "d": pd.to_timedelta([1, 2, None], unit="s"),
            "p": pd.period_range("2024-01", periods=3, freq="M"),
            "v": pd.interval_range(0, 3, closed="both"),
            "k": pd.arrays.SparseArray([0, 0, 1]),
            "cp": pd.array([1 + 2j, 0, 1j]),
            "ai": pd.array([1, None, 3], dtype="int32[pyarrow]"),
            "al": pd.array([[1], None, []], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
            "at": pd.array(["a", None, "b"], dtype=pd.ArrowDtype(pa.string())),
            "ad": pd.array(["a", None, "a"], dtype=pd.ArrowDtype(pa.dictionary(pa.int8(), pa.string()))),
        }
    )


def _with_attrs() -> pd.DataFrame:
    frame = pd.DataFrame({"a": [1.5, 2.5]})
    frame.attrs = {"unit": ["EUR"]}
    return frame


def _no_duplicates() -> pd.DataFrame:
    return pd.DataFrame({"a": [1, 2]}).set_flags(allows_duplicate_labels=False)


def _own_frame() -> Frame:
    frame = Frame({"a": [1, 2]})
    frame.owner = "me"
    return frame


def _unused_levels() -> pd.DataFrame:
    index = pd.MultiIndex.from_product([["a", "b", "c"], [1, 2]], names=["x", None])
    return pd.DataFrame({"v": np.arange(6.0)}, index=index).iloc[:3]


def _named_range() -> pd.DataFrame:
    return pd.DataFrame({"a": [1, 2, 3]}, index=pd.RangeIndex(5, 11, 2, name="n"))


PANDAS: dict[str, Callable[[], Any]] = {
    "frame": _frame,
    "frame of every dtype, no rows": lambda: _frame()[:0],
    "empty frame": pd.DataFrame,
    "no columns": lambda: pd.DataFrame(index=["a", "b"]),
    "attrs": _with_attrs,
    "no duplicate labels": _no_duplicates,
    "own frame": _own_frame,
    "duplicated columns": lambda: pd.DataFrame([[1, "x", 2.5]], columns=["a", "a", "b"]),
    "odd columns": lambda: pd.DataFrame([[1, 2, 3, 4]], columns=[1, "two", None, (3, 4)]),
    "integer columns": lambda: pd.DataFrame(np.arange(6.0).reshape(2, 3)),
    "named columns": lambda: pd.DataFrame({"a": [1]}).rename_axis(columns="names"),
    "categorical columns": lambda: pd.DataFrame([[1, 2]], columns=pd.CategoricalIndex(["b", "a"])),
    "two levels of columns": lambda: pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])),
    "date columns": lambda: pd.DataFrame([[1, 2]], columns=pd.date_range("2020", periods=2, freq="D")),
    "named range": _named_range,
    "unused levels": _unused_levels,
    "levels of dtypes": lambda: pd.DataFrame(
        {"v": [1, 2]},
        index=pd.MultiIndex.from_arrays(
            [pd.Categorical(["a", None]), pd.date_range("2020", periods=2, tz="UTC"), pd.array([1, 2], "Int8")]
        ),
    ),
    "frequency": lambda: pd.DataFrame({"v": [1, 2]}, index=pd.date_range("2020", periods=2, freq="MS", name="t")),
    "no frequency": lambda: pd.DataFrame({"v": [1, 2]}, index=pd.DatetimeIndex(["2020-01-01", "2020-02-01"], name="t")),
    "timedelta index": lambda: pd.Series([1, 2], index=pd.timedelta_range("1h", periods=2, freq="h")),
    "period index": lambda: pd.Series([1, 2], index=pd.period_range("2020", periods=2, freq="Q-NOV", name="q")),
    "interval index": lambda: pd.Series([1, 2], index=pd.interval_range(0.0, 2.0, closed="left")),
    "categorical index": lambda: pd.Series(
        [1, 2], index=pd.CategoricalIndex(["b", "a"], ["a", "b", "c"], ordered=True)
    ),
    "series": lambda: pd.Series([1.5, None], name=("a", 1), index=["x", "y"]),
    "series with attrs": lambda: (lambda s: (s.attrs.update(u=1), s)[1])(pd.Series([1])),
    "mixed objects": lambda: pd.DataFrame(
        {"o": pd.Series([1, 2.5, "x", None, np.nan, pd.NA, pd.NaT, [1], {1}], dtype=object)}
    ),
    "objects of decimals": lambda: pd.Series(
        [decimal.Decimal("1.10"), datetime.date(2020, 1, 1), Colour.RED, Point(1.0)]
    ),
    "shared cells": lambda: (lambda one: pd.DataFrame({"o": pd.Series([one, one], dtype=object)}))([1]),
    "python strings": lambda: pd.Series(["a", None], dtype=object),
    "unused categories": lambda: pd.Series(pd.Categorical(["a"], categories=["b", "a"])),
    "categories of numbers": lambda: pd.Series(pd.Categorical([2.5, None], categories=[2.5, -0.0])),
    "categories of times": lambda: pd.Series(pd.Categorical(pd.date_range("2020", periods=2, tz="UTC"))),
    "wide frame": lambda: pd.DataFrame({f"c{i}": np.arange(4.0) + i for i in range(40)}),
    "tall frame": lambda: pd.DataFrame({"x": np.arange(5000.0), "s": [f"row {i}" for i in range(5000)]}),
    "turned frame": lambda: pd.DataFrame(np.arange(6.0).reshape(2, 3)).T,
    "part of a frame": lambda: pd.DataFrame(np.arange(20.0).reshape(5, 4)).iloc[::2, 1:3],
    "read-only frame": lambda: pd.DataFrame({"a": _read_only()}, copy=False),
    "index": lambda: pd.Index(["b", None, "a"], name="i"),
    "integer index": lambda: pd.Index([3, 1], dtype="u1"),
    "object index": lambda: pd.Index([1, "a", (2, 3)], dtype=object),
    "dates": lambda: pd.date_range("2020", periods=3, freq="W-MON", tz="US/Eastern"),
    "range index": lambda: pd.RangeIndex(0, 10, 3, name="r"),
    "multi index": lambda: pd.MultiIndex.from_tuples([("a", 1), (None, 2)], names=["x", "y"]),
    "arrays": lambda: [
        pd.array([1, None], "Int8"),
        pd.Categorical(["a"]),
        pd.arrays.SparseArray([0.0, 1.0], fill_value=0.0),
    ],
    "timestamps": lambda: [
        pd.Timestamp("2024-10-27 03:30", tz="Europe/Paris"),
        pd.Timestamp("2020-01-01").as_unit("s"),
        pd.Timedelta("1ns"),
        pd.Period("2020Q1"),
        pd.Interval(0, 1, closed="neither"),
        pd.NaT,
        pd.NA,
        pd.offsets.BMonthEnd(2),
        pd.CategoricalDtype(["a", "b"], ordered=True),
    ],
    "frames in a dict": lambda: {"train": _frame(), "test": _frame().iloc[:1], "n": 3},
    "one frame twice": lambda: (lambda f: [f, f, f["a"]])(_with_attrs()),
}

# --- polars, Arrow, SciPy ------------------------------------------------------------------------------------------


def _polars() -> pl.DataFrame:
    day = datetime.datetime(2020, 1, 1)
    return pl.DataFrame(
        {
            "i": pl.Series([1, None, 3], dtype=pl.UInt64),
            "f": pl.Series([-0.0, None, float("nan")]),
            "b": pl.Series([True, None, False]),
            "t": pl.Series(["a long text that is not inlined", None, ""]),
            "y": pl.Series([b"a", None, b""]),
            "d": pl.Series([datetime.date(2020, 1, 1), None, None]),
            "tm": pl.Series([datetime.time(1, 2, 3), None, None]),
            "z": pl.Series([day, None, None], dtype=pl.Datetime("ms", "Europe/Paris")),
            "u": pl.Series([1, None, 3], dtype=pl.Duration("ns")),
            "c": pl.Series(["z", "b", None], dtype=pl.Categorical),
            "e": pl.Series(["a", "b", None], dtype=pl.Enum(["b", "a", "c"])),
            "l": pl.Series([[1], None, []], dtype=pl.List(pl.Int16)),
            "a": pl.Series([[1, 2], [3, 4], None], dtype=pl.Array(pl.Int8, 2)),
            "s": pl.Series([{"x": 1, "y": "q"}, None, {"x": None, "y": None}]),
            "m": pl.Series([decimal.Decimal("1.20"), None, None], dtype=pl.Decimal(10, 2)),
            "n": pl.Series([None, None, None]),
        }
    )


def _table() -> pa.Table:
    return pa.table(
        {
            "s": pa.chunked_array([["a", None], ["b"]]),
            "d": pa.array(["x", "y", "x"]).dictionary_encode(),
            "l": pa.array([[1], None, []]),
            "z": pa.array([1, 2, None], pa.timestamp("us", "Europe/Paris")),
            "m": pa.array([decimal.Decimal("1.20"), None, None], pa.decimal128(10, 2)),
            "h": pa.array([1.5, None, -0.0], pa.float32()),
            "x": pa.array([[("a", 1)], None, []], pa.map_(pa.string(), pa.int64())),
            "b": pa.array([True, None, False]),
        }
    ).replace_schema_metadata({"made": "here"})


def _sparse(kind: str) -> Any:
    import scipy.sparse

    rows, columns, cells = [0, 2, 2, 0], [2, 0, 1, 1], [1.5, -0.0, 3.0, 2.0]
    return getattr(scipy.sparse, kind)(scipy.sparse.coo_matrix((cells, (rows, columns)), (3, 4)))


LIBRARIES: dict[str, Callable[[], Any]] = {
    "polars": _polars,
    "polars, no rows": lambda: _polars().clear(),
    "polars, no columns": pl.DataFrame,
    "polars numbers": lambda: pl.DataFrame({"a": np.arange(3000.0), "b": np.arange(3000)}),
    "polars in chunks": lambda: pl.concat([pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": [3]})], rechunk=False),
    "polars part": lambda: _polars()[1:],
    "polars series": lambda: pl.Series("price", ["a", None], dtype=pl.Categorical),
    "polars wide integers": lambda: pl.DataFrame({"n": pl.Series([2**100, None], dtype=pl.Int128)}),
    "polars in a dict": lambda: {"a": _polars(), "s": pl.Series("x", [1.5])},
    "polars twice": lambda: (lambda f: [f, f])(pl.DataFrame({"a": [1]})),
    "table": _table,
    "table, no rows": lambda: _table()[:0],
    "table part": lambda: _table()[1:],
    "table without columns": lambda: pa.table({}),
    "chunked": lambda: pa.chunked_array([[1, None], [3]]),
    "arrow array": lambda: pa.array(["a", None])[1:],
    "arrow dictionary": lambda: pa.array(["x", "y", "x"]).dictionary_encode(),
    "batch": lambda: pa.record_batch({"a": [1, 2]}),
    "schema": lambda: pa.schema([("a", pa.int8())], metadata={"k": "v"}),
    "arrow scalar": lambda: pa.scalar(1.5, pa.float32()),
    "table in a list": lambda: [_table(), pa.array([1, 2])],
    "sparse rows": lambda: _sparse("csr_matrix"),
    "sparse columns": lambda: _sparse("csc_array"),
    "sparse cells": lambda: _sparse("coo_array"),
    "sparse lists": lambda: _sparse("lil_matrix"),
    "sparse keys": lambda: _sparse("dok_array"),
}

# --- models --------------------------------------------------------------------------------------------------------


@functools.cache
def examples() -> tuple[Any, Any]:
    """What models are fitted to, and predict."""
    draw = np.random.default_rng(0)
    features = draw.normal(size=(120, 4))
    return features, (features @ [1.0, -2.0, 0.5, 0.0] + draw.normal(size=120) > 0).astype(int)


def _fitted(kind: str) -> Any:
    from sklearn import compose, ensemble, linear_model, pipeline, preprocessing, svm, tree

    features, target = examples()
    frame = pd.DataFrame(features, columns=list("abcd"))
    made = {
        "linear": lambda: linear_model.LogisticRegression().fit(features, target),
        "tree": lambda: tree.DecisionTreeClassifier(random_state=1).fit(features, target),
        "forest": lambda: ensemble.RandomForestClassifier(5, random_state=1).fit(features, target),
        "boosting": lambda: ensemble.HistGradientBoostingClassifier(max_iter=5, random_state=1).fit(features, target),
        "support": lambda: svm.SVC().fit(features, target),
        "pipe": lambda: pipeline.make_pipeline(
            compose.ColumnTransformer([("s", preprocessing.StandardScaler(), ["a", "b"])], remainder="passthrough"),
            linear_model.LogisticRegression(),
        ).fit(frame, target),
    }
    return made[kind]()


def _lightgbm() -> Any:
    import lightgbm

    features, target = examples()
    return lightgbm.LGBMClassifier(n_estimators=5, min_child_samples=2, verbose=-1, n_jobs=1).fit(features, target)


def _booster() -> Any:
    import lightgbm

    features, target = examples()
    return lightgbm.train({"verbose": -1, "num_threads": 1}, lightgbm.Dataset(features, target), 3)


MODELS: dict[str, Callable[[], Any]] = {
    **{kind: functools.partial(_fitted, kind) for kind in ("linear", "tree", "forest", "boosting", "support", "pipe")},
    "lightgbm": _lightgbm,
    "booster": _booster,
}

MAKERS: dict[str, Callable[[], Any]] = {**PLAIN, **BY_VALUE, **NUMPY, **PANDAS, **LIBRARIES, **MODELS}
UNKEEPABLE: dict[str, Callable[[], Any]] = {
    "iterator": lambda: iter([1, 2]),
    "generator": lambda: (i for i in range(3)),
    "open file": lambda: sys.stdout,
    "module": lambda: math,
    "lazy frame": lambda: pl.LazyFrame({"a": [1]}),
    "lock": lambda: __import__("threading").Lock(),
}


def make(name: str) -> Any:
    """A fresh value of that name."""
    return MAKERS[name]()


# --- changing a value in place -------------------------------------------------------------------------------------


def spoil(value: Any) -> None:
    """Change `value` in place, as deep as can be, where it can be changed."""
    _spoil(value, set())


def _spoil(value: Any, seen: set[int]) -> None:
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, (pd.Index, pd.api.extensions.ExtensionArray)) or type(value).__module__.startswith("scipy"):
        return
    if isinstance(value, np.ma.MaskedArray):
        value[...] = np.ma.masked
    elif isinstance(value, np.ndarray):
        if value.flags.writeable and value.size:
            if value.dtype.kind == "O":
                value.fill("spoilt")
            elif value.dtype.kind in "biufc":
                value[...] = 1
            else:
                value[...] = value.reshape(-1)[-1]
    elif isinstance(value, (pd.DataFrame, pd.Series)):
        value.attrs["spoilt"] = True
        if isinstance(value, pd.DataFrame) and value.shape[1]:
            value.isetitem(0, value.iloc[::-1, 0].array)
            value.isetitem(value.shape[1] - 1, range(len(value)))
        elif isinstance(value, pd.Series) and len(value) and value.dtype.kind in "iuf":
            value.iloc[0] = value.iloc[-1]
    elif isinstance(value, dict):
        for each in list(value.values()):
            _spoil(each, seen)
        value["spoilt"] = True
    elif isinstance(value, (list, collections.deque)):
        for each in list(value):
            _spoil(each, seen)
        value.append("spoilt")
    elif isinstance(value, tuple):
        for each in value:
            _spoil(each, seen)
    elif isinstance(value, set):
        value.add("spoilt")
    elif isinstance(value, bytearray):
        value.append(0)
    elif isinstance(value, pl.DataFrame) and value.width:
        value.drop_in_place(value.columns[0])
    elif isinstance(value, pl.Series):
        value.rename("spoilt")
    elif hasattr(value, "__dict__") and not isinstance(value, (type, types.ModuleType, enum.Enum)):
        for each in list(vars(value).values()):
            _spoil(each, seen)


# --- sameness ------------------------------------------------------------------------------------------------------


def difference(one: Any, other: Any) -> str:
    """Where the second value differs from the first; empty when it does not."""
    return next(_differences(one, other, "value", {}, {}), "")


def _differences(a: Any, b: Any, at: str, there: dict[int, Any], back: dict[int, Any]) -> Iterator[str]:
    kind = type(a)
    if kind is not type(b):
        if kind.__qualname__ != type(b).__qualname__ or kind.__module__ != type(b).__module__:
            yield f"{at}: {kind} and {type(b)}"
            return
        if kind.__qualname__ != "Local":
            yield f"{at}: another class {kind}"
            return
    if isinstance(a, (type(None), bool, int, str, bytes, float, complex, range, types.ModuleType)) and kind in (
        type(None),
        bool,
        int,
        str,
        bytes,
        float,
        complex,
        range,
    ):
        if kind is float or kind is complex:
            parts = [(a.real, b.real), (a.imag, b.imag)] if kind is complex else [(a, b)]
            if any(struct.pack("d", x) != struct.pack("d", y) for x, y in parts):
                yield f"{at}: {a!r} and {b!r}"
        elif a != b:
            yield f"{at}: {a!r:.80} and {b!r:.80}"
        return
    if _may_change(a):
        if id(a) in there or id(b) in back:
            if there.get(id(a), (None, None))[1] is not b or back.get(id(b), (None, None))[1] is not a:
                yield f"{at}: other parts are one object"
            return
        there[id(a)], back[id(b)] = (a, b), (b, a)
    for test, compare in _JUDGES:
        if test(a):
            yield from compare(a, b, at, there, back)
            return
    yield from _reduced(a, b, at, there, back)


def _may_change(value: Any) -> bool:
    return not isinstance(value, _UNCHANGING) and type(value).__module__.partition(".")[0] not in (
        "pyarrow",
        "ipaddress",
    )


_UNCHANGING = (
    *(tuple, frozenset, str, bytes, float, int, type, slice, enum.Enum, decimal.Decimal, fractions.Fraction, uuid.UUID),
    *(types.BuiltinFunctionType, types.FunctionType, types.MethodType, re.Pattern, pathlib.PurePath),
    *(datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo, np.generic, np.dtype, operator.itemgetter),
    *(pd.Period, pd.Interval, pd.offsets.BaseOffset, pd.api.extensions.ExtensionDtype, type(pd.NA), type(pd.NaT)),
)


_Judge = Callable[..., Iterator[str]]


def _listed(a: Any, b: Any, at: str, *seen: Any) -> Iterator[str]:
    if len(a) != len(b):
        yield f"{at}: {len(a)} and {len(b)} items"
        return
    for i, (x, y) in enumerate(zip(a, b, strict=True)):
        yield from _differences(x, y, f"{at}[{i}]", *seen)
    yield from _attributes(a, b, at, *seen)


def _keyed(a: Any, b: Any, at: str, *seen: Any) -> Iterator[str]:
    yield from _listed(list(a), list(b), f"{at} keys", *seen)
    for key, (x, y) in zip(a, zip(a.values(), b.values(), strict=False), strict=False):
        yield from _differences(x, y, f"{at}[{key!r:.40}]", *seen)
    if isinstance(a, collections.defaultdict) and a.default_factory is not b.default_factory:
        yield f"{at}: another default"


def _sets(a: Any, b: Any, at: str, *seen: Any) -> Iterator[str]:
    def told(value: Any) -> list[str]:
        return sorted(f"{type(each)}{each!r}" if not isinstance(each, frozenset) else str(told(each)) for each in value)

    if told(a) != told(b):
        yield f"{at}: {a} and {b}"


def _attributes(a: Any, b: Any, at: str, *seen: Any) -> Iterator[str]:
    one, other = getattr(a, "__dict__", None), getattr(b, "__dict__", None)
    if one or other:
        yield from _keyed(one or {}, other or {}, f"{at}.__dict__", *seen)


def _ndarrays(a: Any, b: Any, at: str, *seen: Any) -> Iterator[str]:
    if a.dtype != b.dtype or a.dtype.str != b.dtype.str or repr(a.dtype) != repr(b.dtype):
        yield f"{at}: dtype {a.dtype!r} and {b.dtype!r}"
    elif (a.dtype.metadata or {}) != (b.dtype.metadata or {}):
        yield f"{at}: dtype metadata {a.dtype.metadata} and {b.dtype.metadata}"
    elif a.shape != b.shape:
        yield f"{at}: shape {a.shape} and {b.shape}"
    elif a.dtype.names:
        for name in a.dtype.names:
            yield from _ndarrays(np.asarray(a[name]), np.asarray(b[name]), f"{at}[{name!r}]", *seen)
    elif a.dtype.hasobject or a.dtype.kind == "T":
        yield from _listed(a.ravel().tolist(), b.ravel().tolist(), at, *seen)
    elif a.dtype.char == "g":  # what fills up its bits may be anything
        if not np.array_equal(a, b, equal_nan=True) or not np.array_equal(np.signbit(a), np.signbit(b)):
            yield f"{at}: cells differ"
    elif a.tobytes() != b.tobytes():
        yield f"{at}: cells differ"
    if isinstance(a, np.ma.MaskedArray):
        if not np.array_equal(np.ma.getmaskarray(a), np.ma.getmaskarray(b)) or (a.mask is np.ma.nomask) != (
            b.mask is np.ma.nomask
        ):
            yield f"{at}: masks differ"
        if repr(a.copy().fill_value) != repr(b.copy().fill_value):  # asking sets it
            yield f"{at}: other fill values"
    elif not isinstance(a, np.memmap):
        yield from _attributes(a, b, at, *seen)
    if a.flags.writeable and not b.flags.writeable:
        yield f"{at}: is read-only"
    first, second = (np.asarray(each).copy(order="K").strides for each in (a, b))
    if first != second and a.size > 1:
        yield f"{at}: lies in another order in memory, {first} and {second}"


def _scalars(a: Any, b: Any, at: str, *seen: Any) -> Iterator[str]:
    yield from _ndarrays(np.array(a), np.array(b), at, *seen)


def _indexes(a: Any, b: Any, at: str, *seen: Any) -> Iterator[str]:
    if type(a) is not type(b):
        yield f"{at}: {type(a)} and {type(b)}"
        return
    if isinstance(a, pd.RangeIndex):
        if (a.start, a.stop, a.step) != (b.start, b.stop, b.step):
            yield f"{at}: {a} and {b}"
    elif isinstance(a, pd.MultiIndex):
        for i, (x, y) in enumerate(zip(a.levels, b.levels, strict=True)):
            yield from _indexes(x, y, f"{at}.levels[{i}]", *seen)
        for x, y in zip(a.codes, b.codes, strict=True):
            if x.tolist() != y.tolist():
                yield f"{at}.codes differ"
    else:
        yield from _columns(a.array, b.array, at, *seen)
        if getattr(a, "freq", None) != getattr(b, "freq", None):
            yield f"{at}: freq {a.freq} and {b.freq}"
    yield from _differences(tuple(a.names), tuple(b.names), f"{at}.names", *seen)


def _columns(a: Any, b: Any, at: str, *seen: Any) -> Iterator[str]:
    if type(a) is not type(b) or a.dtype != b.dtype or repr(a.dtype) != repr(b.dtype):
        yield f"{at}: {type(a).__name__} {a.dtype!r} and {type(b).__name__} {b.dtype!r}"
    elif isinstance(a, pd.Categorical):
        yield from _indexes(a.categories, b.categories, f"{at}.categories", *seen)
        if a.ordered != b.ordered or a.codes.tolist() != b.codes.tolist():
            yield f"{at}: codes differ"
    elif a.dtype == object:
        yield from _listed(a.tolist(), b.tolist(), at, *seen)
    elif a.dtype.kind in "fc" and isinstance(a.dtype, np.dtype):
        if a.to_numpy().tobytes() != b.to_numpy().tobytes():
            yield f"{at}: cells differ"
    elif isinstance(a.dtype, pd.StringDtype):
        yield from _listed(a.astype(object).tolist(), b.astype(object).tolist(), at, *seen)
    elif [repr(x) for x in a] != [repr(x) for x in b]:
        yield f"{at}: cells differ, {a} and {b}"


def _frames(a: Any, b: Any, at: str, *seen: Any) -> Iterator[str]:
    yield from _indexes(a.index, b.index, f"{at}.index", *seen)
    yield from _indexes(a.columns, b.columns, f"{at}.columns", *seen)
    if a.shape != b.shape:
        yield f"{at}: {a.shape} and {b.shape}"
        return
    for i in range(a.shape[1]):
        yield from _columns(a.iloc[:, i].array, b.iloc[:, i].array, f"{at}[{a.columns[i]!r}]", *seen)
    if a.flags.allows_duplicate_labels != b.flags.allows_duplicate_labels:
        yield f"{at}: flags differ"
    yield from _differences(dict(a.attrs), dict(b.attrs), f"{at}.attrs", *seen)
    if getattr(a, "owner", None) != getattr(b, "owner", None):
        yield f"{at}: own attributes differ"


def _seriess(a: Any, b: Any, at: str, *seen: Any) -> Iterator[str]:
    yield from _indexes(a.index, b.index, f"{at}.index", *seen)
    yield from _columns(a.array, b.array, at, *seen)
    yield from _differences([a.name, dict(a.attrs)], [b.name, dict(b.attrs)], f"{at}.name", *seen)


def _polar(a: Any, b: Any, at: str, *seen: Any) -> Iterator[str]:
    frames = [each.to_frame() if isinstance(each, pl.Series) else each for each in (a, b)]
    if frames[0].schema != frames[1].schema or list(frames[0].schema) != list(frames[1].schema):
        yield f"{at}: {frames[0].schema} and {frames[1].schema}"
    elif not frames[0].equals(frames[1], null_equal=True) or repr(frames[0].rows()) != repr(frames[1].rows()):
        yield f"{at}: cells differ"


def _arrow(a: Any, b: Any, at: str, *seen: Any) -> Iterator[str]:
    if isinstance(a, (pa.Table, pa.RecordBatch, pa.Schema)) and not getattr(a, "schema", a).equals(
        getattr(b, "schema", b), check_metadata=True
    ):
        yield f"{at}: schemas differ"
    if getattr(a, "type", None) != getattr(b, "type", None) or not a.equals(b):
        yield f"{at}: cells differ"


def _sparses(a: Any, b: Any, at: str, *seen: Any) -> Iterator[str]:
    if a.format == "dok":
        a, b = ((each.dtype.str, each.shape, dict(each.items())) for each in (a, b))
    else:
        a, b = vars(a), vars(b)
    yield from _differences(a, b, f"{at}.__dict__", *seen)


def _functions(a: Any, b: Any, at: str, *seen: Any) -> Iterator[str]:
    if a is b:
        return
    if a.__name__ != b.__name__ or a.__code__.co_code != b.__code__.co_code or a.__module__ != b.__module__:
        yield f"{at}: other code"
    own, others = ([cell.cell_contents for cell in each.__closure__ or ()] for each in (a, b))
    yield from _differences(
        [own, a.__defaults__, a.__kwdefaults__], [others, b.__defaults__, b.__kwdefaults__], f"{at} closure", {}, {}
    )  # deepcopy leaves functions as they are, with all that they hold


def _raised(a: Any, b: Any, at: str, *seen: Any) -> Iterator[str]:
    yield from _listed(list(a.args), list(b.args), f"{at}.args", *seen)


def _boosters(a: Any, b: Any, at: str, *seen: Any) -> Iterator[str]:
    if a.model_to_string() != b.model_to_string():
        yield f"{at}: trees differ"


def _same(a: Any, b: Any, at: str, *seen: Any) -> Iterator[str]:
    if a is not b and not (getattr(a, "__qualname__", "") == getattr(b, "__qualname__", "") == "Local"):
        yield f"{at}: {a!r} and {b!r}"


def _equal(a: Any, b: Any, at: str, *seen: Any) -> Iterator[str]:
    if repr(a) != repr(b) or (a == a and a != b):
        yield f"{at}: {a!r} and {b!r}"


def _is(*kinds: Any) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kinds)


def _of(module: str) -> Callable[[Any], bool]:
    return lambda value: type(value).__module__.startswith(module)


_JUDGES: tuple[tuple[Callable[[Any], bool], _Judge], ...] = (
    (
        _is(type, enum.Enum, types.BuiltinFunctionType, types.ModuleType),
        lambda a, b, at, *s: (
            _same(a, b, at)
            if not getattr(a, "__self__", None) or isinstance(a.__self__, types.ModuleType)
            else _differences(a.__self__, b.__self__, at, *s)
        ),
    ),
    (_is(np.ndarray), _ndarrays),
    (_is(np.generic), _scalars),
    (_is(np.dtype), lambda a, b, at, *s: _equal(a, b, at)),
    (_is(pd.DataFrame), _frames),
    (_is(pd.Series), _seriess),
    (_is(pd.Index), _indexes),
    (_is(pd.api.extensions.ExtensionArray), _columns),
    (_is(pl.DataFrame, pl.Series), _polar),
    (_of("pyarrow"), _arrow),
    (_of("scipy.sparse"), _sparses),
    (_of("lightgbm.basic"), _boosters),
    (_is(types.FunctionType), _functions),
    (
        _is(types.MethodType),
        lambda a, b, at, *s: _differences([a.__func__, a.__self__], [b.__func__, b.__self__], at, *s),
    ),
    (_is(re.Pattern), lambda a, b, at, *s: _equal(a, b, at)),
    (
        _is(functools.partial),
        lambda a, b, at, *s: _differences([a.func, a.args, a.keywords], [b.func, b.args, b.keywords], at, *s),
    ),
    (_is(BaseException), _raised),
    (_is(dict), _keyed),
    (_is(set, frozenset), _sets),
    (_is(list, tuple, collections.deque), _listed),
    (_is(np.random.Generator), lambda a, b, at, *s: _differences(a.bit_generator.state, b.bit_generator.state, at, *s)),
    (_is(np.random.RandomState), lambda a, b, at, *s: _differences(a.get_state(), b.get_state(), at, *s)),
)


def _reduced(a: Any, b: Any, at: str, *seen: Any) -> Iterator[str]:
    """What is left: objects, by what their pickles would hold."""
    one, other = (each.__reduce_ex__(5) for each in (a, b))
    if isinstance(one, str):
        if one != other:
            yield f"{at}: {one} and {other}"
        return
    for part, (x, y) in enumerate(zip(one, other, strict=True)):
        if part >= 3:
            x, y = (None if each is None else list(each) for each in (x, y))
        yield from _differences(x, y, f"{at}.{type(a).__name__}<{part}>", *seen)
    if not isinstance(one[2] if len(one) > 2 else None, dict):
        yield from _attributes(a, b, at, *seen)
