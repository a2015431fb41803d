"""Files and folders behind URLs, reached through fsspec. Called by `datasets`, `checkpoints` and `partitions`.

What is sent is looked at afterwards, what is fetched has the size that was announced. Whatever goes wrong becomes a
`contract.Problem` within seconds: what happened, in words without secrets, and what to do. Only "there is nothing"
stays a FileNotFoundError, for callers word that themselves.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tane import errors, fielded
from tane.catalog import masking, outages, places
from tane.catalog.formats import contract
from tane.digest import hashing

# stores in which an upload appears whole or not at all, a rename would be a copy, and folders are not made
_WHOLE_UPLOADS = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oci", "oss", "hf"})
_PACKAGES = {
    "s3": "'tane[s3]'",
    "s3a": "'tane[s3]'",
    "http": "'tane[http]'",
    "https": "'tane[http]'",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "sftp": "paramiko",
    "ssh": "paramiko",
}
READ_ONLY = frozenset({"http", "https"})
_SERVERS = ("endpoint_url", "endpoint", "host", "account_name", "project", "base_url")
_CHECKSUMS = (
    "ETag",
    "etag",
    "md5Hash",
    "md5",
    "Content-MD5",
    "content_md5",
    "crc32c",
    "checksum",
    "CRC",
    "Digest",
    "generation",
)
_TIMES = ("LastModified", "last_modified", "Last-Modified", "mtime", "modified", "updated")
_SETTLED = 3.0  # seconds after which a second change would have got another time
_CONNECT, _READ = 5, 30  # seconds; a server that says nothing for so long is taken for gone


class File(NamedTuple):
    """A file behind a URL as its server describes it. `sign` changes when its content does; "" when nothing says so."""

    size: int | None
    sign: str


@fielded.frozen
class Remote:
    """A file or folder behind a URL. `options` are for its fsspec file system, credentials among them.

    `place` is the URL for messages, `credentials` the name of its entry of credentials.yml.
    """

    url: str
    place: str
    options: Mapping[str, Any] = fielded.field(default_factory=dict, repr=False)
    credentials: str = ""

    @property
    def scheme(self) -> str:
        """The protocol that carries its bytes."""
        return places.scheme(self.url)

    @property
    def read_only(self) -> bool:
        """Whether nothing can be sent there, whatever the rights."""
        return self.scheme in READ_ONLY or "::" in self.url

    @property
    def identity(self) -> str:
        """What tells it from the same URL at another server: two stores may call a bucket alike."""
        found = places.revealed(self.options)
        inner = found.get("client_kwargs") or {}
        given = [each for each in (found, inner) if isinstance(each, dict)]
        server = [str(each[key]) for each in given for key in _SERVERS if key in each]
        return f"{self.url}#{hashing.of_bytes(repr(server).encode())[:16]}" if server else self.url

    def below(self, name: str) -> Remote:
        """A file of the folder."""
        url, place = f"{self.url.rstrip('/')}/{name}", f"{self.place.rstrip('/')}/{name}"
        return Remote(url, place, self.options, self.credentials)

    # -- looking -------------------------------------------------------------------------------------------

    def exists(self) -> bool:
        """Whether anything is there now."""
        with self._reaching() as (system, path):
            system.invalidate_cache()
            return bool(system.exists(path))

    def listing(self, maxdepth: int | None = None) -> dict[str, File]:
        """The file, under the name "", or all files of the folder by their names below it.

        Raises FileNotFoundError when nothing is there.
        """
        with self._reaching() as (system, path):
            system.invalidate_cache()
            info = system.info(path)
            if info.get("type") != "directory":
                return {"": _described(info)}
            top = str(info.get("name") or path).rstrip("/") + "/"
            depth = {} if maxdepth is None else {"maxdepth": maxdepth}
            found = system.find(path, detail=True, **depth)
            files = {_below(name, top, path): _described(each) for name, each in found.items()}
            return {name: file for name, file in sorted(files.items()) if name}

    # -- fetching ------------------------------------------------------------------------------------------

    def fetch(self, target: Path) -> None:
        """Download the file or folder to the local path `target`."""
        files = self.listing()
        self.fetch_files(files, {name: target / name if name else target for name in files})
        if not files:
            target.mkdir(parents=True, exist_ok=True)

    def fetch_files(self, files: Mapping[str, File], targets: Mapping[str, Path]) -> None:
        """Download some of the files that `listing` gave, many at once. Each has the size that was announced."""
        if not targets:
            return
        for target in targets.values():
            target.parent.mkdir(parents=True, exist_ok=True)
        with self._reaching() as (system, path):
            if list(targets) == [""]:
                system.get_file(path, str(targets[""]))
            else:
                top = path.rstrip("/")
                system.get([f"{top}/{name}" for name in targets], [str(target) for target in targets.values()])
            for name, target in targets.items():
                _check_size(name or self.place, target.stat().st_size, files[name].size)

    # -- sending -------------------------------------------------------------------------------------------

    def send(self, source: Path) -> None:
        """Upload a file or folder; of a folder, what else lies there goes afterwards, so that it is never empty.

        Where the store can rename, nothing half-written appears under the URL.
        """
        if self.read_only:
            raise contract.Problem(
                f"{self.scheme}:// URLs can only be read", "save it to a local path or to a store such as s3://"
            )
        with self._reaching(sending=True) as (system, path):
            if not source.is_dir():
                self._send_file(system, source, path)
                return
            top = path.rstrip("/")
            system.invalidate_cache()
            before = set(system.find(top)) if system.exists(top) else set()
            sent = set()
            for file in sorted(each for each in source.rglob("*") if each.is_file()):
                name = f"{top}/{file.relative_to(source).as_posix()}"
                self._send_file(system, file, name)
                sent.add(str(system._strip_protocol(name)))
            stale = sorted(name for name in before if str(system._strip_protocol(name)) not in sent)
            if stale:
                system.rm(stale)
            if not sent and not self._whole_uploads:
                system.makedirs(top, exist_ok=True)

    def _send_file(self, system: Any, source: Path, path: str) -> None:
        if self._whole_uploads:
            system.put_file(str(source), path)
        else:
            parent = path.rpartition("/")[0]
            if parent:
                system.makedirs(parent, exist_ok=True)
            part = f"{path}.{os.urandom(4).hex()}.part"
            try:
                system.put_file(str(source), part)
                system.mv(part, path)
            except BaseException:
                if system.exists(part):
                    system.rm(part)
                raise
        system.invalidate_cache()
        _check_size(path, system.info(path).get("size"), source.stat().st_size)

    @property
    def _whole_uploads(self) -> bool:
        return self.scheme in _WHOLE_UPLOADS

    # -- small texts ---------------------------------------------------------------------------------------

    def read_text(self) -> str | None:
        """The text of a small file; None when there is none."""
        with self._reaching() as (system, path):
            system.invalidate_cache()
            try:
                return bytes(system.cat_file(path)).decode("utf-8")
            except FileNotFoundError:
                return None

    def write_text(self, text: str) -> None:
        """Put a small file there, whole or not at all."""
        import tempfile  # slow to import and seldom needed

        with tempfile.TemporaryDirectory(prefix="tane-") as folder:
            source = Path(folder) / "text"
            source.write_text(text, encoding="utf-8")
            self.send(source)

    # -- opening -------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _reaching(self, *, sending: bool = False) -> Iterator[tuple[Any, str]]:
        """The open file system and the path in it. What fails inside is told in words."""
        try:
            yield self._open()
        except (errors.TaneError, contract.Problem, MemoryError):
            raise
        except Exception as error:
            known = outages.explain(error, self.place, self.credentials, self.secrets(), sending=sending)
            if known is None:
                raise FileNotFoundError(self.place) from None
            raise known from None  # the original may hold secrets

    def secrets(self) -> list[str]:
        """What no message may show. Where the server is may be told: nobody can mend that unseen."""
        return masking.leaves(_without_addresses(self.options))

    def _open(self) -> tuple[Any, str]:
        import fsspec

        options = self._options()
        try:
            system, path = fsspec.core.url_to_fs(self.url, **options)
        except ImportError as error:
            package = _PACKAGES.get(self.scheme, "")
            raise errors.MissingExtraError(
                f"reading and writing {self.scheme}:// needs a package: {error}",
                hint=f"pip install {package}" if package else "install the fsspec package for this protocol",
            ) from None
        except ValueError as error:
            what = masking.text(str(error), self.secrets())
            raise errors.CatalogError(what, where=self.place, hint="check the URL's protocol") from None
        if self.scheme in ("s3", "s3a") and "::" not in self.url:
            system.retries = 2  # of s3fs's own, on top of botocore's: its five make minutes of a dead line
        return system, str(path)

    def _options(self) -> dict[str, Any]:
        """The options of the file system, with limits on how long it may wait for its server."""
        options = places.revealed(self.options)
        if self.scheme in ("s3", "s3a"):
            config = options.get("config_kwargs") or {}
            quick = {"connect_timeout": _CONNECT, "read_timeout": _READ, "retries": {"max_attempts": 1}}
            options["config_kwargs"] = {**quick, **config}
        elif self.scheme in READ_ONLY:
            options = _for_http(options)
        if "::" not in self.url:
            return dict(options)
        nested = {key: value for key, value in options.items() if f"{key}://" in self.url or f"{key}::" in self.url}
        rest = {key: value for key, value in options.items() if key not in nested}
        return {**nested, self.scheme: {**rest, **nested.get(self.scheme, {})}}


def _for_http(options: dict[str, Any]) -> dict[str, Any]:
    """Options as fsspec's HTTP file system takes them: a user and a token become what the client sends."""
    try:
        aiohttp: Any = importlib.import_module("aiohttp")
    except ImportError:  # opening it says what to install
        return options
    options = dict(options)
    client: dict[str, Any] = {"timeout": aiohttp.ClientTimeout(sock_connect=_CONNECT, sock_read=_READ)}
    user, password = options.pop("username", options.pop("user", None)), options.pop("password", None)
    if user is not None:
        client["auth"] = aiohttp.BasicAuth(str(user), str(password or ""))
    token = options.pop("token", None)
    if token is not None:
        options["headers"] = {"Authorization": f"Bearer {token}", **(options.get("headers") or {})}
    options["client_kwargs"] = {**client, **(options.get("client_kwargs") or {})}
    return options


_ADDRESSES = frozenset({"endpoint_url", "endpoint", "region_name", "region", "host", "port", "project"})


def _without_addresses(options: Any) -> Any:
    if not isinstance(options, Mapping):
        return options
    return {
        key: _without_addresses(value)
        for key, value in options.items()
        if key not in _ADDRESSES or "@" in str(places.revealed(value))
    }


def _below(name: str, *tops: str) -> str:
    """The name of a file below its folder, however its file system spells both."""
    for top in tops:
        for spelt in (top, "/" + top.lstrip("/"), top.lstrip("/")):
            folder = spelt.rstrip("/") + "/"
            if name.startswith(folder):
                return name[len(folder) :]
    return name.rpartition("/")[2]


def _described(info: Mapping[str, Any]) -> File:
    size = info.get("size")
    return File(int(size) if isinstance(size, int) else None, _sign(info))


def _sign(info: Mapping[str, Any]) -> str:
    """What changes with the content: checksums if the server gives any, else size and time of an older change."""
    sums = [f"{key}={info[key]}" for key in _CHECKSUMS if info.get(key)]
    if sums:
        return " ".join([*sums, f"size={info.get('size')}"])
    changed = next((info[key] for key in _TIMES if info.get(key)), None)
    at = _epoch(changed)
    if at is None or info.get("size") is None or at > time.time() - _SETTLED:
        return ""
    return f"changed={at} size={info['size']}"


def _epoch(changed: Any) -> float | None:
    if isinstance(changed, int | float):
        return float(changed)
    if hasattr(changed, "timestamp"):
        return float(changed.timestamp())
    if isinstance(changed, str):
        from datetime import datetime
        from email.utils import parsedate_to_datetime

        for parse in (datetime.fromisoformat, parsedate_to_datetime):
            with contextlib.suppress(ValueError, TypeError):
                return parse(changed).timestamp()
    return None


def _check_size(name: str, found: int | None, wanted: int | None) -> None:
    if None not in (found, wanted) and found != wanted:
        raise contract.Problem(
            f"{masking.url(name)} arrived with {found} bytes instead of {wanted}",
            "run again: the connection broke, or the file was changed meanwhile",
        )


def merged(first: Mapping[str, Any], *others: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a file system put together: what both nest is put together too, later ones win."""
    found: dict[str, Any] = dict(first)
    for other in others:
        for key, value in other.items():
            mine = found.get(key)
            both = isinstance(mine, Mapping) and isinstance(value, Mapping)
            found[key] = merged(mine, value) if both and mine is not None and isinstance(value, Mapping) else value
    return found
