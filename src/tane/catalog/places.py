"""Where datasets lie: a local path, or a URL that fsspec reaches. Called by `entries` and `datasets`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tane import errors
from tane.config import secret

# stores in which an upload appears whole or not at all, and a rename would be a copy
_WHOLE_UPLOADS = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oci", "oss", "hf"})
_PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}


def local_path(filepath: str, root: Path) -> Path | None:
    """The absolute path of a local `filepath` (relative ones stand below `root`), or None for a URL."""
    if filepath.startswith("file://"):
        filepath = filepath.removeprefix("file://")
    elif "://" in filepath:
        return None
    return Path(os.path.normpath(root / Path(filepath).expanduser()))


def shown(filepath: str, root: Path) -> str:
    """How messages call the place: relative to the project if inside of it, a URL without its password."""
    path = local_path(filepath, root)
    if path is None:
        scheme, _, rest = filepath.partition("://")
        authority, slash, tail = rest.partition("/")
        return f"{scheme}://{authority.rpartition('@')[2]}{slash}{tail}"
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


@dataclass(frozen=True, slots=True)
class Remote:
    """A file or folder behind a URL. `options` are for its fsspec file system, credentials among them."""

    url: str
    place: str
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def fetch(self, target: Path) -> None:
        """Download to the local path `target`. Raises FileNotFoundError when nothing is there."""
        system, path = self._open()
        system.invalidate_cache()
        if system.isdir(path):
            system.get(path.rstrip("/") + "/", str(target) + "/", recursive=True)
        else:
            system.get_file(path, str(target))

    def send(self, source: Path) -> None:
        """Upload `source`. Where the store can rename, nothing half-written appears under the URL."""
        system, path = self._open()
        if source.is_dir():
            if system.exists(path):
                system.rm(path, recursive=True)
            system.put(f"{source}/", path.rstrip("/") + "/", recursive=True)
            return
        parent = path.rpartition("/")[0]
        if parent:
            system.makedirs(parent, exist_ok=True)
        if self.url.partition("://")[0].rpartition(":")[2] in _WHOLE_UPLOADS:
            system.put_file(str(source), path)
            return
        part = f"{path}.{os.urandom(4).hex()}.part"
        try:
            system.put_file(str(source), part)
            system.mv(part, path)
        except BaseException:
            if system.exists(part):
                system.rm(part)
            raise

    def exists(self) -> bool:
        """Whether anything is there now."""
        system, path = self._open()
        system.invalidate_cache()
        return bool(system.exists(path))

    def _open(self) -> tuple[Any, str]:
        import fsspec

        try:
            system, path = fsspec.core.url_to_fs(self.url, **revealed(self.options))
        except ImportError as error:
            scheme = self.url.partition("://")[0].partition("::")[0]
            package = _PACKAGES.get(scheme, "")
            raise errors.MissingExtraError(
                f"reading and writing {scheme}:// needs a package: {error}",
                hint=f"pip install {package}" if package else "install the fsspec package for this protocol",
            ) from None
        except ValueError as error:
            raise errors.CatalogError(str(error), where=self.place, hint="check the URL's protocol") from None
        return system, str(path)


def revealed(value: Any) -> Any:
    """`value` with plain containers and its secrets revealed: for the moment when a door is opened."""
    if isinstance(value, Mapping):
        return {key: revealed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [revealed(item) for item in value]
    return value.reveal() if isinstance(value, secret.Secret) else value


def plain(value: Any) -> Any:
    """`value` with plain containers; secrets stay wrapped."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
