"""How many rows and columns kept data has, where its bytes say so without being loaded. `versions` calls it to compare.

Arrays and Arrow tables say it in their heads, Parquet files in their feet; lines of CSV are counted. Nothing is
unpickled, so no code of anybody runs.
"""

from __future__ import annotations

import csv
import io
import json
import struct
from typing import Any, NamedTuple

from tane.digest import hashing

_MOST_LINES = 64 * 1024 * 1024  # bytes of a text whose lines are counted
_LONGEST_HEAD = 1024 * 1024
_SEPARATORS = {".csv": ",", ".tsv": "\t"}


class Shape(NamedTuple):
    """Rows, columns, and the columns' names where they have some."""

    rows: int
    columns: int
    names: tuple[str, ...] = ()


def of_value(codec: str, data: hashing.Buffer) -> Shape | None:
    """The shape of a value that `codecs` has kept; None for one that has none, or does not say it cheaply."""
    try:
        if codec == "numpy":
            return _array(data)
        if codec in ("arrow", "polars", "polars-series"):
            return _arrow(codec, data)
    except Exception:  # bytes of another version or of a damaged object: their shape is not known
        return None
    return None


def of_file(suffix: str, data: hashing.Buffer) -> Shape | None:
    """The shape of a file whose name ends so; None for one that has none, or does not say it cheaply."""
    try:
        if suffix in (".parquet", ".pq"):
            return _parquet(data)
        if suffix in _SEPARATORS and len(memoryview(data)) <= _MOST_LINES:
            return _lines(bytes(data), _SEPARATORS[suffix])
    except Exception:  # not what its name says
        return None
    return None


def _array(data: hashing.Buffer) -> Shape | None:
    view = memoryview(data).cast("B")
    (length,) = struct.unpack_from("<I", view)
    shape = json.loads(bytes(view[4 : 4 + length]))[1]
    return Shape(shape[0], shape[1] if len(shape) > 1 else 1) if shape and len(shape) < 3 else None


def _arrow(codec: str, data: hashing.Buffer) -> Shape:
    import pyarrow.ipc

    buffer = pyarrow.py_buffer(data)
    reader: Any = pyarrow.ipc.open_stream(buffer) if codec == "arrow" else pyarrow.ipc.open_file(buffer)
    batches = reader if codec == "arrow" else map(reader.get_batch, range(reader.num_record_batches))
    names = tuple(reader.schema.names)
    return Shape(sum(batch.num_rows for batch in batches), len(names), names)


def _parquet(data: hashing.Buffer) -> Shape:
    import pyarrow.parquet

    found = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(pyarrow.py_buffer(data)))
    names = tuple(found.schema_arrow.names)
    return Shape(found.metadata.num_rows, len(names), names)


def _lines(data: bytes, separator: str) -> Shape | None:
    """Rows below a header. A text with line breaks within quotes is read as CSV, since its lines are not its rows."""
    head, _, rest = data.partition(b"\n")
    if len(head) > _LONGEST_HEAD:
        return None
    text = data.decode("utf-8-sig")
    if b'"' in rest:
        rows = sum(1 for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row) - 1
    else:
        rows = sum(1 for line in rest.split(b"\n") if line.strip())
    names = tuple(next(csv.reader([text.partition("\n")[0].rstrip("\r")], delimiter=separator), ()))
    return Shape(rows, len(names), names)
