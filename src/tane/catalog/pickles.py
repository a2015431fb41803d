"""The pickle layout of kept values: protocol 5, large buffers beside the pickle so that they can be mapped.

A value without large buffers is a plain pickle. Otherwise: magic, length of the pickle, number of buffers,
their lengths, the pickle, then each buffer at the next multiple of 64 bytes. Called by `codecs` alone.
"""

from __future__ import annotations

import copyreg
import io
import pickle
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tane.digest import hashing

ALIGN = 64
_MAGIC = b"TANEPKL1"
_OUT_OF_BAND_FROM = 4096  # smaller buffers cost less inside of the pickle than their padding beside it

Chunks = tuple[hashing.Buffer, ...]


def dump(value: Any) -> Chunks:
    """`value` as chunks that `load` reads when they are put end to end. Raises what the pickler raises."""
    return _lay_out(*_pickle(value, _plain_pickler))


def dump_by_value(value: Any) -> Chunks:
    """The same for values that hold lambdas, closures, local classes or things of `__main__`: by cloudpickle.

    Open files and memory views are refused: cloudpickle would turn them into something else.
    """
    import cloudpickle

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        # the table is read when a pickler is made, from its class
        dispatch_table = {**cloudpickle.Pickler.dispatch_table, **_special(), **_REFUSED}  # noqa: RUF012

    return _lay_out(*_pickle(value, Pickler))


def copied(value: Any) -> Any:
    """A deep copy of `value` by pickling, each large buffer copied once. Raises what the pickler raises."""
    head, buffers = _pickle(value, _plain_pickler)
    return pickle.loads(head, buffers=[bytearray(buffer) for buffer in buffers])


def load(data: hashing.Buffer) -> Any:
    """The value in `data`. Its arrays are writable; over a writable (copy-on-write) view they are views."""
    view = memoryview(data).cast("B")
    if view[: len(_MAGIC)] != _MAGIC:
        return pickle.loads(view)
    start = len(_MAGIC)
    length, count = struct.unpack_from("<QQ", view, start)
    start += 16
    sizes = struct.unpack_from(f"<{count}Q", view, start)
    start += 8 * count
    head = view[start : start + length]
    return pickle.loads(head, buffers=list(_cut(view, start + length, sizes)))


def aligned(position: int) -> int:
    """The first multiple of the alignment that is not before `position`."""
    return -(-position // ALIGN) * ALIGN


def _cut(view: memoryview, start: int, sizes: Sequence[int]) -> Iterator[hashing.Buffer]:
    for size in sizes:
        start = aligned(start)
        part = view[start : start + size]
        yield bytearray(part) if view.readonly else part
        start += size


def _lay_out(head: bytes, buffers: list[memoryview]) -> Chunks:
    if not buffers:
        return (head,)
    sizes = [buffer.nbytes for buffer in buffers]
    count = len(sizes)
    chunks: list[hashing.Buffer] = [_MAGIC + struct.pack(f"<QQ{count}Q", len(head), count, *sizes), head]
    position = len(chunks[0]) + len(head)
    for buffer in buffers:
        gap = aligned(position) - position
        if gap:
            chunks.append(bytes(gap))
        chunks.append(buffer)
        position += gap + buffer.nbytes
    return tuple(chunks)


def _pickle(value: Any, pickler: Callable[..., Any]) -> tuple[bytes, list[memoryview]]:
    buffers: list[memoryview] = []

    def beside(buffer: pickle.PickleBuffer) -> bool:
        raw = buffer.raw()
        if raw.nbytes < _OUT_OF_BAND_FROM:
            return True
        buffers.append(raw)
        return False

    file = io.BytesIO()
    pickler(file, 5, buffer_callback=beside).dump(value)
    return file.getvalue(), buffers


def _plain_pickler(file: io.BytesIO, protocol: int, buffer_callback: Any) -> pickle.Pickler:
    writer = pickle.Pickler(file, protocol, buffer_callback=buffer_callback)
    special = _special()
    if special:
        writer.dispatch_table = {**copyreg.dispatch_table, **special}
    return writer


def _special() -> dict[type, Any]:
    special: dict[type, Any] = {}
    numpy, polars = sys.modules.get("numpy"), sys.modules.get("polars")
    if numpy is not None:
        special[numpy.ndarray] = _reduce_array
    if polars is not None:
        special[polars.LazyFrame] = _refuse  # a query over files that may change is no value
    return special


def _reduce_array(array: Any) -> Any:
    if array.dtype.kind in "mM" and not array.dtype.isnative:
        # NumPy would read these back in the machine's byte order
        return type(array).view, (array.view(array.dtype.byteorder + "i8"), array.dtype)
    # a read-only array would come back read-only, while a copy made in memory is writable: agree on that
    return (array if array.flags.writeable else array.copy(order="K")).__reduce_ex__(5)


def _refuse(value: Any) -> Any:
    raise pickle.PicklingError(f"cannot pickle {type(value).__name__!r} object")


_REFUSED: dict[type, Any] = {io.TextIOWrapper: _refuse, memoryview: _refuse}
