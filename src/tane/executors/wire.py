"""How calls and results travel between processes: a pickle, and its large buffers beside it.

Arrays and frames are written from where they lie and read to where they stay: neither side ever holds them twice.
Called by `processes` and `worker`, at the two ends of one connection.
"""

from __future__ import annotations

import os
import pickle
import struct
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from tane.catalog import pickles

_HEAD = struct.Struct("<I")
_AT_ONCE = 1 << 24  # bytes of a buffer given to the system in one go


class Parcel(NamedTuple):
    """Something ready to travel. It shows its buffers as they are when it is sent."""

    head: bytes
    buffers: list[memoryview]


END = Parcel(b"", [])


def pack(payload: Any) -> Parcel:
    """Pickle by reference where that reaches, by value (cloudpickle) for closures and __main__."""
    try:
        head, buffers = pickles.apart(payload)
        if b"__main__" not in head:
            return Parcel(head, buffers)
    except (pickle.PicklingError, AttributeError, TypeError):
        pass
    return Parcel(*pickles.apart_by_value(payload))


def unpack(head: bytes, buffers: list[bytearray]) -> Any:
    """What was packed."""
    return pickle.loads(head, buffers=buffers)


def send(connection: Connection[Any, Any], parcel: Parcel) -> None:
    """Write it all. Raises OSError when the other end is gone."""
    if parcel is END:
        connection.send_bytes(b"")
        return
    sizes = [buffer.nbytes for buffer in parcel.buffers]
    connection.send_bytes(_HEAD.pack(len(sizes)) + struct.pack(f"<{len(sizes)}Q", *sizes) + parcel.head)
    for buffer in parcel.buffers:
        _write(connection.fileno(), buffer)


def receive(connection: Connection[Any, Any]) -> tuple[bytes, list[bytearray]] | None:
    """Read all that was sent together; None at the end. Raises EOFError or OSError when the other end is gone."""
    data = connection.recv_bytes()
    if not data:
        return None
    (count,) = _HEAD.unpack_from(data)
    sizes = struct.unpack_from(f"<{count}Q", data, _HEAD.size)
    return data[_HEAD.size + 8 * count :], [_read(connection.fileno(), size) for size in sizes]


def _write(descriptor: int, buffer: memoryview) -> None:
    at = 0
    while at < buffer.nbytes:
        at += os.write(descriptor, buffer[at : at + _AT_ONCE])


def _read(descriptor: int, size: int) -> bytearray:
    found = bytearray(size)
    with memoryview(found) as view:
        at = 0
        while at < size:
            count = os.readv(descriptor, [view[at : at + _AT_ONCE]])
            if not count:
                raise EOFError
            at += count
    return found
