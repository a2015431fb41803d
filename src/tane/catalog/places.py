"""Where datasets lie: a path of the workspace, or a URL; and how messages call that place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tane.catalog import masking
from tane.config import secret


def is_url(filepath: str) -> bool:
    """Whether fsspec is needed to reach it: a URL or a chain of them ("zip://a.csv::data/all.zip")."""
    return "::" in filepath or ("://" in filepath and not filepath.startswith("file://"))


def local_path(filepath: str, root: Path) -> Path | None:
    """The absolute path of a local `filepath` (relative ones stand below `root`), or None for a URL."""
    if is_url(filepath):
        return None
    return Path(os.path.normpath(root / Path(filepath.removeprefix("file://")).expanduser()))


def absolute(url: str, root: Path) -> str:
    """A URL with what it names of the workspace made absolute: the last link of a chain may be a path."""
    *links, last = url.split("::")
    if not links or "://" in last or not last:
        return url
    return "::".join((*links, str(local_path(last, root))))


def shown(filepath: str, root: Path) -> str:
    """How messages call the place: relative to the project if inside of it, a URL without its secrets."""
    path = local_path(filepath, root)
    if path is None:
        return masking.url(filepath)
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def filename(place: str) -> str:
    """The last part of a path or URL: "a.csv" of "zip://in/a.csv::https://host/b.zip" and of "https://host/a.csv?b=c"."""
    for link in place.split("::"):
        scheme, mark, path = link.rpartition("://")
        if mark and scheme in ("http", "https"):
            path = path.partition("#")[0].partition("?")[0]
        name = path.rstrip("/").rpartition("/")[2]
        if name and (mark or "::" not in place or "/" in link or "." in link):
            return name
    return ""


def scheme(url: str) -> str:
    """What carries the bytes of a URL: the protocol of its last link ("s3" of "zip://a.csv::s3://bucket/a.zip")."""
    return url.rpartition("::")[2].partition("://")[0] if "://" in url.rpartition("::")[2] else "file"


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
