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
    return _lay_out(*_pickle(value, _pickler_by_value()))


def _pickler_by_value() -> Any:
    import cloudpickle

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        # the table is read when a pickler is made, from its class
        dispatch_table = {**cloudpickle.Pickler.dispatch_table, **_special(), **_REFUSED}  # noqa: RUF012

    return Pickler


def apart(value: Any) -> tuple[bytes, list[memoryview]]:
    """`value` as a pickle and its large buffers, which are not copied. Raises what the pickler raises."""
    return _pickle(value, _passing_pickler)


def apart_by_value(value: Any) -> tuple[bytes, list[memoryview]]:
    """The same by cloudpickle, for closures and things of `__main__`."""
    import cloudpickle

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        dispatch_table = {**cloudpickle.Pickler.dispatch_table, **_arrays()}  # noqa: RUF012

    return _pickle(value, Pickler)


def copied(value: Any) -> Any:
    """A deep copy of `value` by pickling, each large buffer copied once. Raises what the pickler raises."""
    return _copied(value, _plain_pickler)


def copied_by_value(value: Any) -> Any:
    """The same for values that hold functions and classes that no module offers: what they hold is copied too."""
    return _copied(value, _pickler_by_value())


def _copied(value: Any, pickler: Any) -> Any:
    head, buffers = _pickle(value, pickler)
    return pickle.loads(head, buffers=[bytearray(buffer) for buffer in buffers])


def is_importable(function: Any) -> bool:
    """Whether a function is what its module offers under its name, so that it is pickled by that name."""
    found: Any = sys.modules.get(function.__module__ or "")
    for part in function.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is function


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


def _passing_pickler(file: io.BytesIO, protocol: int, buffer_callback: Any) -> pickle.Pickler:
    writer = pickle.Pickler(file, protocol, buffer_callback=buffer_callback)
    special = _arrays()
    if special:
        writer.dispatch_table = {**copyreg.dispatch_table, **special}
    return writer


def _arrays() -> dict[type, Any]:
    """How arrays are pickled: as a copy of them would lie."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not hasattr(numpy, "ndarray"):  # another thread is importing it
        return {}
    found: dict[type, Any] = {numpy.ndarray: _reduce_array}
    masked = getattr(sys.modules.get("numpy.ma"), "MaskedArray", None)
    if masked is not None:
        found[masked] = _reduce_masked
    return found


def _special() -> dict[type, Any]:
    special, polars = _arrays(), sys.modules.get("polars")
    if polars is not None:
        special[polars.LazyFrame] = _refuse  # a query over files that may change is no value
    return special


def _reduce_array(array: Any) -> Any:
    if array.dtype.kind in "mM" and not array.dtype.isnative:
        # NumPy would read these back in the machine's byte order
        return type(array).view, (array.view(array.dtype.byteorder + "i8"), array.dtype)
    flat, axes = in_a_row(array)
    if axes is not None:
        return sys.modules["numpy"].transpose, (flat, axes)
    # a read-only array would come back read-only, while a copy made in memory is writable: agree on that
    return (flat if flat.flags.writeable else flat.copy(order="K")).__reduce_ex__(5)


def in_a_row(array: Any) -> tuple[Any, tuple[int, ...] | None]:
    """The array without gaps, as a copy of it would lie in memory; and the axes that turn it into the array's shape,
    where neither C's order nor Fortran's is that of a copy. Sums come out the same to the last bit only in one order.
    """
    if array.flags.forc:
        return array, None
    flat = array.copy(order="K")
    if flat.flags.forc:
        return flat, None
    order = sorted(range(flat.ndim), key=lambda axis: -flat.strides[axis])
    turned = flat.transpose(order)
    if not turned.flags.c_contiguous:
        return flat.copy(order="C"), None
    return turned, tuple(sorted(range(flat.ndim), key=order.__getitem__))


def _reduce_masked(array: Any) -> Any:
    """NumPy would make a mask where there is none, and forget that a mask is hard."""
    numpy = sys.modules["numpy"]
    mask = array.mask if array.mask is numpy.ma.nomask else numpy.asarray(array.mask)
    own = {name: held for name, held in vars(array).items() if name not in _OF_MASKED and held}
    fill = array._fill_value  # asking for the public one sets it
    made = (numpy.asarray(array.data), mask, None, False, True, 0, fill, True, bool(array.hardmask), False)
    return (numpy.ma.MaskedArray, made, own) if own else (numpy.ma.MaskedArray, made)


_OF_MASKED = frozenset({"_mask", "_fill_value", "_hardmask", "_sharedmask", "_isfield", "_baseclass", "_basedict"})


def _refuse(value: Any) -> Any:
    raise pickle.PicklingError(f"cannot pickle {type(value).__name__!r} object")


_REFUSED: dict[type, Any] = {io.TextIOWrapper: _refuse, memoryview: _refuse}
