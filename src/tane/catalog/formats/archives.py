"""Archives: a zip or tar file as a mapping of names to bytes, each member read when it is asked for.

Nothing is unpacked to disk. An archive is refused as a whole if a member's name leads out of it, if it is a link or
a device, or if the members are larger together than `load_args: {max_bytes: N}` allows. What is written holds neither
times nor owners, so the same members give the same bytes.
"""

from __future__ import annotations

import io
import lzma
import posixpath
import re
import stat
import tarfile
import threading
import weakref
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from tane.catalog.formats import contract, streams

MAX_BYTES = 4 * 2**30
MAX_FILES = 1_000_000
_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, zlib.error, lzma.LZMAError, NotImplementedError)
_TARS = {".tgz": "gzip", ".tbz2": "bz2", ".tbz": "bz2", ".txz": "xz"}


class Members(contract.Deferred, Mapping[str, bytes]):
    """The files of an archive by name, in the archive's order. Faster in that order than in another."""

    __slots__ = ("__weakref__", "_lock", "_read", "_sizes")

    def __init__(self, sizes: dict[str, int], read: Callable[[str], bytes], close: Callable[[], None]) -> None:
        super().__init__()
        self._sizes, self._read, self._lock = sizes, read, threading.Lock()
        weakref.finalize(self, close)

    def __getitem__(self, name: str) -> bytes:
        if name not in self._sizes:
            raise KeyError(name)
        with self.within(), self._lock:
            return self._read(name)

    def __contains__(self, name: object) -> bool:
        return name in self._sizes

    def __iter__(self) -> Iterator[str]:
        return iter(self._sizes)

    def __len__(self) -> int:
        return len(self._sizes)

    def __repr__(self) -> str:
        return f"<{len(self)} files, {sum(self._sizes.values())} bytes>"


class _Archive(contract.Whole):
    """What both share."""

    __slots__ = ()
    lazy: ClassVar[bool] = True
    streams: ClassVar[bool] = True

    def write(self, value: Any, path: str) -> None:
        """Write a mapping of names to bytes, sorted by name."""
        self.write_chunks(iter([value]), path)

    def write_chunks(self, chunks: Iterator[Any], path: str) -> None:
        """Write several such mappings into one archive."""
        raise NotImplementedError


class Zip(_Archive):
    """A zip file; members are deflated unless `save_args: {compression: stored}`."""

    __slots__ = ()

    def read(self, path: str) -> Members:
        """Its files."""
        try:
            archive = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise contract.Problem(f"it is not a zip file, or it is damaged: {error}", "make it again") from None
        found: dict[str, zipfile.ZipInfo] = {}
        try:
            census = _Census(self.options.load_args)
            for info in archive.infolist():
                kind = stat.S_IFMT(info.external_attr >> 16)
                if info.is_dir():
                    continue
                if info.flag_bits & 1:
                    raise contract.Problem(f"{info.filename!r} is encrypted", "pack it without a password")
                found[census.add(info.filename, info.file_size, kind in (0, stat.S_IFREG))] = info
        except BaseException:
            archive.close()
            raise

        def member(name: str) -> bytes:
            try:
                return archive.read(found[name])
            except _DAMAGE as error:
                raise contract.Problem(f"its member {name!r} is damaged: {error}", "make the archive again") from error

        return Members(census.sizes, member, archive.close)

    def write_chunks(self, chunks: Iterator[Any], path: str) -> None:
        """Write several mappings of names to bytes into one zip file."""
        said = self.options.save_args.get("compression", "deflated")
        methods = {"deflated": zipfile.ZIP_DEFLATED, "stored": zipfile.ZIP_STORED}
        if said not in methods:
            raise contract.EntryProblem(f"there is no compression {said!r}", "choose deflated or stored")
        with streams.writing(path) as file, zipfile.ZipFile(file, "w", strict_timestamps=True) as archive:
            for name, content in _sorted(chunks):
                info = zipfile.ZipInfo(name)
                info.external_attr = (stat.S_IFREG | 0o644) << 16
                info.create_system = 3
                archive.writestr(info, content, methods[said], 6)


class Tar(_Archive):
    """A tar file; `.tar.gz`, `.tgz`, `.tar.bz2` and `.tar.xz` are packed."""

    __slots__ = ()

    def read(self, path: str) -> Members:
        """Its files. A packed archive is gone through once to list them."""
        try:
            archive = tarfile.open(path, "r:*")  # noqa: SIM115 (closed with the members)
        except tarfile.TarError as error:
            raise contract.Problem(f"it is not a tar file, or it is damaged: {error}", "make it again") from None
        found: dict[str, tarfile.TarInfo] = {}
        try:
            census = _Census(self.options.load_args)
            for info in archive:
                if info.isdir():
                    continue
                found[census.add(info.name, info.size, info.isreg())] = info
        except _DAMAGE as error:
            archive.close()
            raise contract.Problem(f"the archive is damaged: {error}", "make it again") from error
        except BaseException:
            archive.close()
            raise

        def member(name: str) -> bytes:
            try:
                file = archive.extractfile(found[name])
                assert file is not None  # it is a regular file
                content = file.read()
            except _DAMAGE as error:
                raise contract.Problem(f"its member {name!r} is damaged: {error}", "make the archive again") from error
            if len(content) != found[name].size:
                raise contract.Problem(f"its member {name!r} is cut off", "make the archive again")
            return content

        return Members(census.sizes, member, archive.close)

    def write_chunks(self, chunks: Iterator[Any], path: str) -> None:
        """Write several mappings of names to bytes into one tar file."""
        compression = self.options.compression or _TARS.get(self.options.suffix, "")
        with streams.writing(path, compression) as file, tarfile.open(fileobj=file, mode="w|") as archive:
            for name, content in _sorted(chunks):
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))


class _Census:
    """Counts an archive's members while they are listed, and refuses what does not belong there."""

    def __init__(self, args: Mapping[str, Any]) -> None:
        for key in args:
            if key not in ("max_bytes", "max_files"):
                raise contract.EntryProblem(f"an archive takes no option {key!r}", "it takes max_bytes and max_files")
        self._max_bytes = contract.count(args, "max_bytes") or MAX_BYTES
        self._max_files = contract.count(args, "max_files") or MAX_FILES
        self._bytes = 0
        self.sizes: dict[str, int] = {}

    def add(self, written: str, size: int, is_file: bool) -> str:
        """Count a member; its name without a leading "./"."""
        name = _plain(written)
        if not is_file:
            raise contract.Problem(f"{written!r} is a link or a device, no file", "pack the file itself instead")
        if name in self.sizes:
            raise contract.Problem(f"{written!r} is in it twice", "make the archive again, each file once")
        self._bytes += size
        self.sizes[name] = size
        if self._bytes > self._max_bytes:
            raise contract.Problem(
                f"its files are larger together than {self._max_bytes} bytes",
                f"if you trust it, allow more: load_args: {{max_bytes: {self._max_bytes * 4}}}",
            )
        if len(self.sizes) > self._max_files:
            raise contract.Problem(
                f"it has more than {self._max_files} files",
                f"if you trust it, allow more: load_args: {{max_files: {self._max_files * 4}}}",
            )
        return name


def _plain(written: str) -> str:
    name = posixpath.normpath(written)
    parts = written.replace("\\", "/").split("/")
    if name in (".", "") or "\0" in written or ".." in parts or re.match(r"[/\\]|[A-Za-z]:[/\\]", written):
        raise contract.Problem(f"the name {written!r} leads out of the archive", "pack it again with relative names")
    return name


def _sorted(chunks: Iterator[Any]) -> Iterator[tuple[str, bytes]]:
    seen: set[str] = set()
    for chunk in chunks:
        if not isinstance(chunk, Mapping):
            raise contract.wrong_type(chunk, "a dict of names to bytes", "return {name: bytes, ...}")
        for name in sorted(map(str, chunk)):
            content = chunk[name]
            if not isinstance(content, bytes | bytearray | memoryview):
                problem = contract.wrong_type(content, "bytes", "return {name: bytes, ...}; text has .encode()")
                raise contract.Problem(f"{name!r}: {problem.what}", problem.hint)
            if _plain(name) != name or name in seen:
                raise contract.Problem(f"{name!r} is no name for a new member", "give each a plain name, once")
            seen.add(name)
            yield name, bytes(content)
