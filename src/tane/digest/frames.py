"""Canonical encodings of arrays and data frames: NumPy, pandas, polars and Arrow, by content.

Nothing is imported here: a handler is chosen by the name of the value's type, so its library is loaded already.
Called by `values` with `encode`, which writes any nested value.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from tane.digest import hashing

Encode = Callable[[Any], bytes]
Encoder = Callable[[Any, Encode], bytes]


def encoder(kind: type) -> Encoder | None:
    """The encoder for exactly this type, or None. Subclasses are ordinary objects: they may hold more."""
    found = _CACHE.get(kind)
    if found is not None:
        return found
    library = kind.__module__.partition(".")[0]
    if library == "numpy" and issubclass(kind, sys.modules["numpy"].generic):
        found = _numpy_scalar
    elif library == "numpy" and issubclass(kind, sys.modules["numpy"].dtype):
        found = _dtype
    elif library == "pandas" and issubclass(kind, sys.modules["pandas"].api.extensions.ExtensionArray):
        found = _column
    elif library == "pyarrow" and issubclass(kind, sys.modules["pyarrow"].Array):
        found = _arrow_array
    else:
        name = _NAMES.get((library, kind.__name__))
        found = name if name is not None and _is_the_librarys(kind, library) else None
    if found is not None:
        _CACHE[kind] = found
    return found


_CACHE: dict[type, Encoder] = {}


def _is_the_librarys(kind: type, library: str) -> bool:
    public = getattr(sys.modules.get(library), kind.__name__, None)
    return public is kind or kind.__module__.startswith(library + ".")


def _hash(data: Any) -> bytes:
    return bytes.fromhex(hashing.of_bytes(data))


# --- NumPy ---------------------------------------------------------------------------------------------------------


def _numpy_scalar(value: Any, encode: Encode) -> bytes:
    np = sys.modules["numpy"]
    return b"ns" + _ndarray(np.asarray(value), encode)


def _ndarray(array: Any, encode: Encode) -> bytes:
    dtype = array.dtype
    head = b"nd" + encode((str(dtype.str), tuple(array.shape)))
    if dtype.kind in "TV" or dtype.metadata:  # the short name leaves out fields, what stands for null, and notes
        head += encode((repr(dtype), dict(dtype.metadata or {})))
    if array.dtype.names is not None:  # padding between fields holds anything: take each field by itself
        fields = [(name, array[name]) for name in array.dtype.names]
        return head + b"".join(encode(name) + _ndarray(field, encode) for name, field in fields)
    if array.dtype.hasobject:
        return head + encode(array.ravel().tolist())
    if array.dtype.kind == "T":
        return head + encode(array.ravel().tolist())
    flat = array if array.flags.c_contiguous else array.copy(order="C")
    if dtype.char in "gG" and flat.size and sys.modules["numpy"].finfo(dtype).nmant == 63:
        # numbers of 80 bits in 128: what fills them up may be anything
        return head + _hash(flat.reshape(-1).view("u1").reshape(-1, 16)[:, :10].tobytes())
    return head + _hash(flat.reshape(-1).view("u1") if flat.size and flat.ndim else flat.tobytes())


def _record_array(array: Any, encode: Encode) -> bytes:
    return b"nr" + _ndarray(sys.modules["numpy"].asarray(array), encode)


def _dtype(dtype: Any, encode: Encode) -> bytes:
    return b"ny" + encode((repr(dtype), dict(dtype.metadata or {})))


def _masked(array: Any, encode: Encode) -> bytes:
    """A masked array: what lies behind the mask can be uncovered, so it counts."""
    np = sys.modules["numpy"]
    mask = None if array.mask is np.ma.nomask else np.asarray(array.mask)
    fill = array._fill_value  # asking for the public one sets it
    fill = np.asarray(np.ma.default_fill_value(array.dtype) if fill is None else fill)
    head = b"nm" + encode((fill, bool(array.hardmask), vars(array).get("_optinfo")))
    return head + _ndarray(np.asarray(array.data), encode) + (b"-" if mask is None else _ndarray(mask, encode))


# --- pandas --------------------------------------------------------------------------------------------------------


def _data_frame(frame: Any, encode: Encode) -> bytes:
    columns = [_column(frame.iloc[:, i].array, encode) for i in range(frame.shape[1])]
    labels = _index(frame.columns, encode) + _index(frame.index, encode)
    return b"pf" + _flags(frame) + labels + encode(dict(frame.attrs)) + b"".join(columns)


def _series(series: Any, encode: Encode) -> bytes:
    return (
        b"ps"
        + _flags(series)
        + encode(series.name)
        + _index(series.index, encode)
        + encode(dict(series.attrs))
        + _column(series.array, encode)
    )


def _flags(frame: Any) -> bytes:
    return b"" if frame.flags.allows_duplicate_labels else b"!"


def _index(index: Any, encode: Encode) -> bytes:
    kind = type(index).__name__
    if kind == "RangeIndex":
        return b"pr" + encode((index.start, index.stop, index.step, index.name))
    if kind == "MultiIndex":
        levels = [_index(level, encode) for level in index.levels]  # those that nothing uses can be seen too
        codes = [_ndarray(code, encode) for code in index.codes]
        return b"pm" + encode(tuple(index.names)) + b"".join(levels + codes)
    frequency = getattr(index, "freqstr", None)
    return b"pi" + encode((kind, index.name, frequency)) + _column(index.array, encode)


def _column(array: Any, encode: Encode) -> bytes:
    pd = sys.modules["pandas"]
    np = sys.modules["numpy"]
    kind = type(array)
    if kind.__name__ == "NumpyExtensionArray":
        return _ndarray(array.to_numpy(), encode)
    dtype = array.dtype
    head = b"pe" + encode((str(dtype), kind.__name__))
    if isinstance(array, pd.Categorical):
        return head + encode(dtype.ordered) + _index(dtype.categories, encode) + _ndarray(array.codes, encode)
    if kind.__name__ in ("DatetimeArray", "TimedeltaArray", "PeriodArray"):
        return head + encode(getattr(dtype, "tz", None)) + _ndarray(array.asi8, encode)
    if kind.__name__ == "IntervalArray":
        return head + _index(array.left, encode) + _index(array.right, encode)
    if kind.__name__ == "SparseArray":
        where = (type(array.sp_index).__name__, array.fill_value, array.sp_index.to_int_index().indices)
        return head + encode(where) + _ndarray(array.sp_values, encode)
    if hasattr(array, "__arrow_array__") and kind.__name__.startswith("Arrow"):
        return head + _arrow(array.__arrow_array__(), encode)
    if kind.__name__ in ("IntegerArray", "FloatingArray", "BooleanArray"):
        missing = array.isna()
        filled = array.copy()
        filled[missing] = False if kind.__name__ == "BooleanArray" else 0
        return head + _ndarray(missing, encode) + _ndarray(filled.to_numpy(dtype.numpy_dtype), encode)
    if kind.__name__ == "StringArray" or isinstance(dtype, pd.StringDtype):
        return head + _ndarray(np.asarray(array, dtype=object), encode)
    make, arguments, *rest = array.__reduce_ex__(5)
    return head + encode((make, arguments, *(r for r in rest if r is not None)))


# --- Arrow and polars ----------------------------------------------------------------------------------------------


def _polars_frame(frame: Any, encode: Encode) -> bytes:
    return b"lf" + encode(tuple(frame.columns)) + b"".join(_polars_column(c, encode) for c in frame)


def _polars_series(series: Any, encode: Encode) -> bytes:
    return b"ls" + encode(series.name) + _polars_column(series, encode)


def _polars_column(series: Any, encode: Encode) -> bytes:
    if str(series.dtype) == "Object":
        return b"lo" + encode(series.to_list())
    head = encode(str(series.dtype))
    try:
        return b"lc" + head + _arrow(series.to_arrow(), encode)
    except Exception:  # pyarrow is not there, or does not know the type
        return b"ll" + head + encode(series.to_list())


def _table(table: Any, encode: Encode) -> bytes:
    fields = [(field.name, str(field.type), field.nullable, _metadata(field)) for field in table.schema]
    head = b"at" + encode((type(table).__name__, table.num_rows, fields, _metadata(table.schema)))
    return head + b"".join(_arrow(column, encode) for column in table.columns)


def _metadata(described: Any) -> tuple[tuple[bytes, bytes], ...]:
    return tuple(sorted((described.metadata or {}).items()))


def _arrow_array(array: Any, encode: Encode) -> bytes:
    pa = sys.modules["pyarrow"]
    return (b"aa" if isinstance(array, pa.ChunkedArray) else b"ab") + _arrow(array, encode)


def _arrow(array: Any, encode: Encode) -> bytes:
    """An Arrow array by content: validity and values; offsets, chunks and hidden bytes behind nulls do not count."""
    pa = sys.modules["pyarrow"]
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks() if array.num_chunks != 1 else array.chunk(0)
        if isinstance(array, pa.ChunkedArray):  # some types stay chunked (over 2 GiB of text)
            return b"ac" + b"".join(_arrow(chunk, encode) for chunk in array.chunks)
    head = b"ar" + encode((str(array.type), len(array), array.null_count))
    if array.null_count:
        head += _hash(array.is_null().to_numpy(zero_copy_only=False).tobytes())
    return head + _arrow_values(array, encode, pa)


def _arrow_values(array: Any, encode: Encode, pa: Any) -> bytes:
    types = pa.types
    kind = array.type
    if types.is_null(kind):
        return b""
    if isinstance(kind, pa.BaseExtensionType):
        return _arrow(array.storage, encode)
    if types.is_dictionary(kind):
        if not len(array):  # what no chunk holds has no dictionary
            return b"-"
        return _arrow(array.indices, encode) + _arrow(array.dictionary, encode)
    if types.is_struct(kind):
        return b"".join(_arrow(field, encode) for field in array.flatten())
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        lengths = array.value_lengths().fill_null(0) if not types.is_fixed_size_list(kind) else None
        return (b"" if lengths is None else _arrow(lengths, encode)) + _arrow(array.flatten(), encode)
    if types.is_string_view(kind):
        array = array.cast(pa.large_string())
        kind = array.type
    elif types.is_binary_view(kind):
        array = array.cast(pa.large_binary())
        kind = array.type
    if types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind) or types.is_large_binary(kind):
        return _arrow_text(array, pa)
    if types.is_primitive(kind) and not types.is_boolean(kind):
        return _arrow_fixed(array, kind.bit_width // 8, pa)
    if types.is_boolean(kind):
        return _hash(array.fill_null(False).to_numpy(zero_copy_only=False).tobytes())
    return encode(array.to_pylist())


def _arrow_fixed(array: Any, width: int, pa: Any) -> bytes:
    np = sys.modules["numpy"]
    if array.null_count:
        zero = pa.scalar(0, pa.int64()).cast(array.type, safe=False) if width == 8 else None
        try:
            array = array.fill_null(zero if zero is not None else 0)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError, TypeError):
            return _hash(repr(array.to_pylist()).encode())
    data = array.buffers()[1]
    if data is None:
        return b"-"
    start = array.offset * width
    return _hash(np.frombuffer(data, "u1")[start : start + len(array) * width])


def _arrow_text(array: Any, pa: Any) -> bytes:
    np = sys.modules["numpy"]
    if array.null_count:
        empty = "" if pa.types.is_string(array.type) or pa.types.is_large_string(array.type) else b""
        array = array.fill_null(empty)
    wide = pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type)
    _, offsets, data = array.buffers()
    if offsets is None or not len(array):
        return b"-"
    bounds = np.frombuffer(offsets, "i8" if wide else "i4")[array.offset : array.offset + len(array) + 1]
    text = np.frombuffer(data, "u1")[bounds[0] : bounds[-1]] if data is not None else b""
    return _hash(np.diff(bounds).astype("i8").tobytes()) + _hash(np.ascontiguousarray(text) if len(text) else b"")


_NAMES: dict[tuple[str, str], Encoder] = {
    ("numpy", "ndarray"): _ndarray,
    ("numpy", "MaskedArray"): _masked,
    ("numpy", "recarray"): _record_array,
    ("pandas", "DataFrame"): _data_frame,
    ("pandas", "Series"): _series,
    **{
        ("pandas", name): _index
        for name in (
            "Index",
            "RangeIndex",
            "MultiIndex",
            "DatetimeIndex",
            "TimedeltaIndex",
            "CategoricalIndex",
            "PeriodIndex",
            "IntervalIndex",
        )
    },
    ("polars", "DataFrame"): _polars_frame,
    ("polars", "Series"): _polars_series,
    ("pyarrow", "Table"): _table,
    ("pyarrow", "RecordBatch"): _table,
    ("pyarrow", "ChunkedArray"): _arrow_array,
}
