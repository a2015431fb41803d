"""Opening files that may be compressed. What is written depends on the bytes alone: no time, no name."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import IO, Any

_METHODS = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz"}


def compression_of(name: str) -> str:
    """The compression that the file name's last suffix stands for: "gzip", "bz2", "xz" or none ("")."""
    return next((method for suffix, method in _METHODS.items() if name.lower().endswith(suffix)), "")


@contextlib.contextmanager
def reading(path: str, compression: str = "") -> Iterator[IO[bytes]]:
    """The file's bytes, decompressed."""
    with open(path, "rb") as file, _unpacked(file, compression) as stream:
        yield stream


@contextlib.contextmanager
def writing(path: str, compression: str = "", level: int = 6) -> Iterator[Any]:
    """A new file for bytes, compressed the same way each time."""
    with open(path, "wb") as file:
        if compression == "gzip":
            import gzip

            with gzip.GzipFile("", "wb", level, file, mtime=0) as packed:
                yield packed
        elif compression:
            with _module(compression).open(file, "wb") as stream:
                yield stream
        else:
            yield file


@contextlib.contextmanager
def reading_text(path: str, compression: str = "", encoding: str = "utf-8") -> Iterator[IO[str]]:
    """The file's text, line ends as `\\n`."""
    with reading(path, compression) as stream, io.TextIOWrapper(stream, encoding) as text:
        yield text


@contextlib.contextmanager
def writing_text(path: str, compression: str = "", encoding: str = "utf-8") -> Iterator[IO[str]]:
    """A new file for text, written as it is given."""
    with writing(path, compression) as stream, io.TextIOWrapper(stream, encoding, newline="") as text:
        yield text


def _unpacked(file: IO[bytes], compression: str) -> Any:
    if not compression:
        return contextlib.nullcontext(file)
    return _module(compression).open(file, "rb")


def _module(compression: str) -> Any:
    if compression == "gzip":
        import gzip

        return gzip
    if compression == "bz2":
        import bz2

        return bz2
    import lzma

    return lzma
