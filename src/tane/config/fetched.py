"""Configuration that lies elsewhere: a file given by path or URL, kept by content so that it can be had again.

Called by `compose`. A file on a server is asked for each time; what came is kept in `.tane/fetched` under its digest.
When the server cannot be reached, what it gave last is used. That one or the other happened, or that the content has
changed since the last time, is told in `notices`. A URL that ends in # and the beginning of a digest takes no other
content than that, and once it is kept the server is not asked again. Nothing that is read is run.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from tane import errors, fielded, patterns
from tane.config import groups, layers, origins
from tane.digest import hashing

_PATIENCE = 30  # seconds without a byte
_MOST = 16 * 1024 * 1024  # bytes: more is no configuration
_PIN = 8  # letters of a digest that tell it from others
_SECRET = patterns.lazily(r"(?<=://)[^/@]*@")


@fielded.frozen
class Source:
    """A file that was read from elsewhere. `place` is how messages name it, `digest` is that of its content."""

    place: str
    digest: str
    content: bytes = fielded.field(repr=False)


@fielded.mutable
class Fetcher:
    """Reads files from elsewhere, each once. Relative paths count from `root`; without a `cache` nothing is kept.

    `files` gets the local files that were read.
    """

    root: Path
    cache: Path | None
    files: list[Path]
    sources: dict[str, Source] = fielded.field(default_factory=dict)
    notices: list[str] = fielded.field(default_factory=list)
    remote: bool = False  # a server was asked: its answer may be another the next time

    def text(self, place: str, origin: origins.Origin, faults: list[errors.Fault]) -> groups.Text | None:
        """The document at `place`; None, with a fault, when it cannot be had."""
        source = self.source(place, str(origin), faults)
        if source is None:
            return None
        content = layers.decoded(source.content, source.place, faults)
        return None if content is None else groups.Text(source.place, content)

    def source(self, place: str, where: str, faults: list[errors.Fault]) -> Source | None:
        """The file at `place`, and what it holds; None, with a fault, when it cannot be had."""
        if place not in self.sources:
            local = _local(place, self.root)
            if local is not None:
                found = self._of_file(local, where, faults)
            else:
                found = self._of_server(place, where, faults)
            if found is None:
                return None
            self.sources[place] = found
        return self.sources[place]

    def _of_file(self, path: Path, where: str, faults: list[errors.Fault]) -> Source | None:
        self.files.append(path)
        try:
            content = path.read_bytes()
        except OSError as error:
            near = errors.nearest(path.name, [name for name in _names(path.parent) if name != path.name])
            hint = f"did you mean {near!r}?" if near else "give the path of a YAML file"
            what = f"cannot read {layers.name_of(path, self.root)}: {error.strerror or error}"
            faults.append(errors.Fault(what, where, hint))
            return None
        return Source(layers.name_of(path, self.root), hashing.of_bytes(content), content)

    def _of_server(self, given: str, where: str, faults: list[errors.Fault]) -> Source | None:
        url, _, pin = given.partition("#")
        place = shown(url)
        pinned = self._pinned(place, pin)
        if pinned is not None:
            return pinned
        self.remote = True
        earlier = self._kept(url)
        try:
            content = _asked(url)
        except _Unreachable as error:
            if earlier is None or not earlier[0].digest.startswith(pin):
                faults.append(errors.Fault(f"cannot read {place}: {error}", where, error.hint))
                return None
            at = time.strftime("%Y-%m-%d %H:%M", time.localtime(earlier[1]))
            self.notices.append(
                f"{place} cannot be read ({error}): its content of {at} is used, {earlier[0].digest[:12]}"
            )
            return earlier[0]
        source = Source(place, hashing.of_bytes(content), content)
        if not source.digest.startswith(pin):
            what = f"the content of {place} is {source.digest[:12]}, not {pin[:12]}"
            faults.append(errors.Fault(what, where, "it has changed: look at it, and write the digest it has now"))
            return None
        if earlier is not None and earlier[0].digest != source.digest:
            self.notices.append(f"{place} has changed: it was {earlier[0].digest[:12]} and is {source.digest[:12]} now")
        if earlier is None or earlier[0].digest != source.digest:
            self._keep(url, source)
        return source

    def _pinned(self, place: str, pin: str) -> Source | None:
        """The content of that digest, when it is kept."""
        if self.cache is None or len(pin) < _PIN:
            return None
        for path in self.cache.glob(f"{pin}*") if pin.isalnum() else ():
            content = path.read_bytes()
            if path.name == hashing.of_bytes(content):
                return Source(place, path.name, content)
        return None

    def _kept(self, url: str) -> tuple[Source, float] | None:
        """What `url` gave last, and when that was first seen."""
        if self.cache is None:
            return None
        try:
            note = json.loads(self._note(url).read_bytes())
            content = (self.cache / note["digest"]).read_bytes()
            if hashing.of_bytes(content) != note["digest"]:
                return None
            return Source(shown(url), note["digest"], content), float(note["at"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _keep(self, url: str, source: Source) -> None:
        """Keep what came. A place that cannot be written is no reason not to use it."""
        if self.cache is None:
            return
        note = {"url": source.place, "digest": source.digest, "at": time.time()}
        try:
            self.cache.mkdir(parents=True, exist_ok=True)
            _write(self.cache / source.digest, source.content)
            _write(self._note(url), json.dumps(note).encode())
        except OSError:
            pass

    def _note(self, url: str) -> Path:
        assert self.cache is not None
        return self.cache / f"{hashing.of_bytes(url.encode())}.json"


def shown(url: str) -> str:
    """A URL without what may be secret in it: names and passwords, and what follows a question mark."""
    return _SECRET.sub("", url).partition("?")[0]


def _local(place: str, root: Path) -> Path | None:
    """The file that `place` is, unless it lies on a server."""
    if place.startswith("file://"):
        from urllib.parse import unquote, urlsplit

        return Path(unquote(urlsplit(place).path))
    return None if "://" in place else root / Path(place).expanduser()


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []


class _Unreachable(Exception):
    """Why a server gave nothing, and what to do."""

    def __init__(self, why: str, hint: str) -> None:
        super().__init__(why)
        self.hint = hint


def _asked(url: str) -> bytes:
    """What a server gives."""
    content = _over_http(url) if url.startswith(("http://", "https://")) else _with_fsspec(url)
    if len(content) > _MOST:
        raise _Unreachable(f"it is larger than {_MOST >> 20} MB", "give the URL of a YAML file")
    return content


def _over_http(url: str) -> bytes:
    import http.client
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(url, timeout=_PATIENCE) as answer:
            content: bytes = answer.read(_MOST + 1)
            return content
    except urllib.error.HTTPError as error:
        raise _Unreachable(f"the server says {error.code} {error.reason}", "see whether the URL is right") from None
    except urllib.error.URLError as error:
        raise _Unreachable(str(error.reason), "see whether the URL is right and the network there") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = str(error) or type(error).__name__
        raise _Unreachable(why, "see whether the URL is right and the network there") from None


def _with_fsspec(url: str) -> bytes:
    import fsspec

    try:
        with fsspec.open(url, "rb") as file:
            content: bytes = file.read(_MOST + 1)
            return content
    except ImportError as error:
        raise _Unreachable(str(error), "install what this kind of URL needs") from None
    except Exception as error:  # each kind of place has errors of its own
        why = str(error) or type(error).__name__
        raise _Unreachable(why, "see whether the URL is right and the place can be reached") from None


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    temporary.write_bytes(content)
    os.replace(temporary, path)
