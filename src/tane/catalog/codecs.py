"""Faithful formats for kept values: what `decode` gives equals what `encode` took in type, dtype and content.

Called by `runs`, which keeps every value under its digest and hands values from step to step. Formats:
`numpy` for plain arrays, `polars` and `arrow` for frames that the Arrow file and stream formats keep exactly,
`pickle` for the rest, `cloudpickle` where a value holds functions or classes that no module offers.
"""

from __future__ import annotations

import copy as copying
import json
import pickle
import struct
import sys
import types
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, NamedTuple

from tane import errors
from tane.catalog import pickles
from tane.digest import hashing


class Encoded(NamedTuple):
    """A value as bytes: the name of the format and the chunks which, put end to end, `decode` reads."""

    codec: str
    chunks: tuple[hashing.Buffer, ...]


class CannotKeep(errors.UserCodeError):
    """A value that no format can hold: a generator, an open file, a lock, a connection."""


class CannotRestore(errors.UserCodeError):
    """A kept value that can no longer be read: its class is gone, or its package is not installed."""


def encode(value: Any) -> Encoded:
    """`value` as bytes in the first format that keeps it exactly. Raises `CannotKeep` when none does."""
    kind = type(value)
    if kind in _ATOMS:
        return Encoded("pickle", (pickle.dumps(value, 5),))
    writer = _WRITERS.get(kind) or _writer(kind)
    encoded = writer(value)
    return encoded if encoded is not None else _by_pickle(value)


def decode(codec: str, data: hashing.Buffer) -> Any:
    """The value that `encode` wrote. NumPy arrays are writable: over a read-only view they are copied first.

    Raises `CannotRestore` when the value's class or package is not there any more, or the bytes are no such
    value.
    """
    reader = _READERS.get(codec)
    if reader is None:
        raise CannotRestore(
            f"a value was kept in the format {codec!r}, which this version does not know",
            hint=f"update tane; the formats known here are {', '.join(_READERS)}",
        )
    try:
        return reader(data)
    except (MemoryError, errors.TaneError):
        raise
    except ModuleNotFoundError as error:
        raise CannotRestore(
            f"a kept value needs the module {error.name!r}, which is not there",
            hint="install its package, or run its step again with --force",
        ) from error
    except Exception as error:
        raise CannotRestore(
            f"a kept value could not be read again: {type(error).__name__}: {error}",
            hint="run its step again with --force if its class was changed or moved; "
            "else its class pickles into what it cannot be made of again: return plain data",
        ) from error


def is_immutable(value: Any) -> bool:
    """Whether nobody who is handed `value` can change it, so that no copy is needed."""
    kind = type(value)
    if kind in _ATOMS or isinstance(value, _FIXED):
        return True
    if kind is types.FunctionType:
        return _holds_nothing(value)
    if kind is types.BuiltinFunctionType:  # or the method of an object
        return value.__self__ is None or isinstance(value.__self__, (types.ModuleType, type))
    if kind is tuple or kind is frozenset:
        return _ATOMS.issuperset(map(type, value)) or all(map(is_immutable, value))
    home, name = kind.__module__, kind.__name__
    if home.partition(".")[0] == "numpy":
        numpy = sys.modules["numpy"]
        return issubclass(kind, numpy.generic) and not issubclass(kind, numpy.void)
    return (home, name) in _IMMUTABLE


def copy(value: Any) -> Any:
    """A value equal to `value` that shares nothing mutable with it. Raises `CannotKeep` if there is none."""
    if is_immutable(value):
        return value
    kind = type(value)
    if kind is list or kind is set:
        if all(map(is_immutable, value)):
            return kind(value)
    elif kind is dict:
        if all(map(is_immutable, value.values())) and all(map(is_immutable, value)):
            return dict(value)
    else:
        copier = _COPIERS.get((kind.__module__.partition(".")[0], kind.__name__))
        if copier is not None and _is_public(kind):
            copied = copier(value)
            if copied is not None:
                return copied
    for copied in (pickles.copied, pickles.copied_by_value):  # what a later run would read back
        try:
            return copied(value)
        except Exception:
            continue
    try:
        return copying.deepcopy(value)
    except Exception as error:
        raise _cannot_keep(value, error) from None


# --- choosing a format --------------------------------------------------------------------------------------

_Writer = Callable[[Any], Encoded | None]


def _writer(kind: type) -> _Writer:
    found = _FORMATS.get((kind.__module__.partition(".")[0], kind.__name__))
    writer = found if found is not None and _is_public(kind) else _by_pickle
    if len(_WRITERS) < 1024:
        _WRITERS[kind] = writer
    return writer


def _is_public(kind: type) -> bool:
    """Whether `kind` is the class that its library offers under that name, not a namesake or a subclass."""
    return getattr(sys.modules.get(kind.__module__.partition(".")[0]), kind.__name__, None) is kind


def _by_pickle(value: Any) -> Encoded:
    if isinstance(value, _UNKEEPABLE):
        raise _cannot_keep(value, None)
    try:
        chunks = pickles.dump(value)
        if b"__main__" not in chunks[0] and (len(chunks) == 1 or b"__main__" not in chunks[1]):
            return Encoded("pickle", chunks)
    except (pickle.PicklingError, AttributeError, TypeError):
        pass
    except Exception as error:
        raise _cannot_keep(value, error) from None
    try:
        return Encoded("cloudpickle", pickles.dump_by_value(value))
    except Exception as error:
        raise _cannot_keep(value, error) from None


def _cannot_keep(value: Any, error: Exception | None) -> CannotKeep:
    if isinstance(error, RecursionError):
        return CannotKeep(
            f"a {type(value).__name__} nested too deeply cannot be kept",
            hint="return a flatter value, such as a list with references by number",
        )
    where, culprit = _culprit(value, "value", 8)
    kind = type(culprit)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    why = "" if error is None or _UNPICKLABLE in str(error) else f" ({error})"
    return CannotKeep(f"{where} is a {name}, which cannot be kept{why}", hint=_hint(culprit, name))


_UNPICKLABLE = "cannot pickle"


def _hint(culprit: Any, name: str) -> str:
    if isinstance(culprit, types.GeneratorType):
        return "a generator can be read only once: return list(...) of it"
    if name.endswith("LazyFrame"):
        return "a lazy frame is a query, not data: return its .collect()"
    if isinstance(culprit, types.ModuleType):
        return "return what the next node needs of the module; it can import the rest itself"
    if isinstance(culprit, types.CoroutineType):
        return "await it in the node and return the result"
    return "return plain data, and open files, locks and connections in the node that uses them"


def _culprit(value: Any, where: str, depth: int) -> tuple[str, Any]:
    """The innermost part of `value` that cannot be pickled, and the way to it."""
    if depth and not isinstance(value, _UNKEEPABLE) and type(value).__name__ != "LazyFrame":
        for step, part in _parts(value):
            if isinstance(part, _UNKEEPABLE):
                return where + step, part
            try:
                pickles.dump_by_value(part)
            except Exception:
                return _culprit(part, where + step, depth - 1)
    return where, value


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield f"[{key!r}]", part
    elif isinstance(value, list | tuple):
        for i, part in enumerate(value):
            yield f"[{i}]", part
    else:
        for name, part in getattr(value, "__dict__", {}).items():
            yield f".{name}", part


# --- NumPy --------------------------------------------------------------------------------------------------


def _write_array(array: Any) -> Encoded | None:
    dtype = array.dtype
    numpy = sys.modules["numpy"]
    if dtype.kind not in "biufcmMSU" or not dtype.itemsize or dtype.metadata or numpy.dtype(dtype.str) != dtype:
        return None  # objects, records and dtypes of other packages
    flat, axes = pickles.in_a_row(array)
    fortran = flat.flags.f_contiguous and not flat.flags.c_contiguous
    head = json.dumps([dtype.str, flat.shape, "F" if fortran else "C", *([axes] if axes else ())]).encode()
    flat = (flat.T if fortran else flat).reshape(-1)
    start = pickles.aligned(4 + len(head))
    head = struct.pack("<I", len(head)) + head
    return Encoded("numpy", (head.ljust(start, b"\0"), memoryview(flat.view("u1")) if flat.size else b""))


def _read_array(data: hashing.Buffer) -> Any:
    import numpy

    view = memoryview(data).cast("B")
    (length,) = struct.unpack_from("<I", view)
    dtype, shape, order, *axes = json.loads(bytes(view[4 : 4 + length]))
    content = view[pickles.aligned(4 + length) :]
    buffer = bytearray(content) if content.readonly else content
    array = numpy.ndarray(tuple(shape), dtype, buffer, order=order) if buffer else numpy.empty(shape, dtype, order)
    return array.transpose(*axes) if axes else array


# --- polars and Arrow ---------------------------------------------------------------------------------------


def _write_polars(frame: Any) -> Encoded | None:
    if not frame.width:
        return None
    if any(dtype.is_(sys.modules["polars"].Object) for dtype in frame.dtypes):
        raise CannotKeep(
            "value has a polars column of dtype Object, which cannot be kept",
            hint="cast the column to a polars dtype, or return its Python objects as a list",
        )
    file = frame.write_ipc(None, compression="uncompressed")
    return Encoded("polars", (file.getbuffer(),))


def _write_polars_series(series: Any) -> Encoded | None:
    encoded = _write_polars(series.to_frame())
    return encoded and Encoded("polars-series", encoded.chunks)


def _read_polars(data: hashing.Buffer) -> Any:
    import polars

    table = _mapped(data)
    if table is not None:
        return polars.from_arrow(table, rechunk=False)
    return polars.read_ipc(bytes(data))


def _read_polars_series(data: hashing.Buffer) -> Any:
    return _read_polars(data).to_series()


def _mapped(data: hashing.Buffer) -> Any:
    """The frame in `data` as an Arrow table over the same memory, if every column is of a type that polars
    takes over as it is; else None, and polars reads a copy by itself.
    """
    try:
        import pyarrow
    except ImportError:
        return None
    try:
        reader = pyarrow.ipc.open_file(pyarrow.py_buffer(data))
    except pyarrow.ArrowException:  # a column type that only polars knows
        return None
    plain = all(
        not field.metadata and (pyarrow.types.is_primitive(field.type) or field.type in _texts(pyarrow))
        for field in reader.schema
    )
    return reader.read_all() if plain and reader.num_record_batches else None


def _texts(pyarrow: Any) -> tuple[Any, ...]:
    return (pyarrow.string_view(), pyarrow.binary_view(), pyarrow.large_string(), pyarrow.large_binary())


def _write_table(table: Any) -> Encoded | None:
    import pyarrow.ipc

    if not pyarrow.ipc.read_schema(table.schema.serialize()).equals(table.schema, check_metadata=True):
        return None  # an extension type that is not registered
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return Encoded("arrow", (memoryview(sink.getvalue()),))


def _read_table(data: hashing.Buffer) -> Any:
    import pyarrow.ipc

    return pyarrow.ipc.open_stream(pyarrow.py_buffer(data)).read_all()


def _write_lazy(frame: Any) -> Encoded | None:
    raise _cannot_keep(frame, None)


# --- copies -------------------------------------------------------------------------------------------------


def _copy_array(array: Any) -> Any:
    return None if array.dtype.hasobject else array.copy(order="K")


def _copy_frame(frame: Any) -> Any:
    """None, so that it is pickled, where `copy` would share the cells; or would hold the frame twice for a while, for
    it puts the columns of each dtype together.
    """
    if _own_index(frame.columns) or frame.shape[0] * frame.shape[1] > _LARGE:
        return None
    columns = (frame.iloc[:, i] for i in range(frame.shape[1]))
    return frame.copy() if not _own_index(frame.index) and all(map(_holds_atoms, columns)) else None


def _copy_series(series: Any) -> Any:
    return series.copy() if not _own_index(series.index) and _holds_atoms(series) else None


def _own_index(index: Any) -> bool:
    """Whether the labels are kept in an array of a kind that can be written to; `copy` of a frame shares it."""
    return not isinstance(index.dtype, sys.modules["numpy"].dtype) or index.dtype.kind in "mM" or index.nlevels > 1


def _holds_atoms(series: Any) -> bool:
    """Whether no cell is a mutable object: `DataFrame.copy` copies the references only."""
    return series.dtype != object or _ATOMS.issuperset(map(type, series.array))


def _holds_nothing(function: types.FunctionType) -> bool:
    """Whether a function keeps nothing from call to call but what its module holds."""
    if function.__closure__ is None and not function.__defaults__ and not function.__kwdefaults__:
        return True
    if pickles.is_importable(function):
        return True
    try:
        held = [cell.cell_contents for cell in function.__closure__ or ()]
    except ValueError:  # a cell that is empty still
        return False
    held += [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    return all(each is function or is_immutable(each) for each in held)


def _clone(frame: Any) -> Any:
    dtypes = frame.dtypes if hasattr(frame, "dtypes") else [frame.dtype]
    return None if any(str(dtype) == "Object" for dtype in dtypes) else frame.clone()


_ATOMS: frozenset[type] = frozenset({type(None), bool, int, float, complex, str, bytes, range, type(...)})
_LARGE = 1 << 16  # cells
_FIXED = (type, types.ModuleType, Enum)
_IMMUTABLE = {
    *(("datetime", name) for name in ("date", "datetime", "time", "timedelta", "timezone")),
    *(("pyarrow.lib", name) for name in ("Table", "RecordBatch", "ChunkedArray", "Schema")),
    ("decimal", "Decimal"),
    ("fractions", "Fraction"),
    ("uuid", "UUID"),
    *((home, name) for home in ("pathlib", "pathlib._local") for name in ("PosixPath", "PurePosixPath")),
    ("zoneinfo", "ZoneInfo"),
}
_UNKEEPABLE = (types.GeneratorType, types.AsyncGeneratorType, types.CoroutineType, types.ModuleType)
_WRITERS: dict[type, _Writer] = {}
_FORMATS: dict[tuple[str, str], _Writer] = {
    ("numpy", "ndarray"): _write_array,
    ("polars", "DataFrame"): _write_polars,
    ("polars", "Series"): _write_polars_series,
    ("polars", "LazyFrame"): _write_lazy,
    ("pyarrow", "Table"): _write_table,
}
_READERS: dict[str, Callable[[hashing.Buffer], Any]] = {
    "pickle": pickles.load,
    "cloudpickle": pickles.load,
    "numpy": _read_array,
    "polars": _read_polars,
    "polars-series": _read_polars_series,
    "arrow": _read_table,
}
_COPIERS: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("numpy", "ndarray"): _copy_array,
    ("pandas", "DataFrame"): _copy_frame,
    ("pandas", "Series"): _copy_series,
    ("polars", "DataFrame"): _clone,
    ("polars", "Series"): _clone,
}
