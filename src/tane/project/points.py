"""Entry points of installed packages: how a plug-in that is installed makes itself known.

`plugins` asks at the start of each run, so the metadata is read directly: `importlib.metadata` takes longer to import
than most projects take to open.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import NamedTuple


class Point(NamedTuple):
    """One entry point: `path` is "module:name", `distribution` the package that has it."""

    name: str
    path: str
    distribution: str
    version: str

    @property
    def whence(self) -> str:
        """The distribution and its version, as messages name them."""
        return f"{self.distribution} {self.version}".rstrip()


def installed(group: str) -> list[Point]:
    """The entry points of `group`, in the order of their names."""
    found: list[Point] = []
    seen: set[str] = set()
    for folder, entry in _metadata():
        stem = entry.rpartition(".")[0]
        distribution = _normalised(stem.partition("-")[0])
        if distribution in seen:  # the first on the path is the one that is imported
            continue
        seen.add(distribution)
        path = os.path.join(folder, entry)
        text = _text(os.path.join(path, "entry_points.txt"))
        if group in text:
            points = _parse(text, group)
            version = _version(path, stem) if points else ""
            found += [Point(name, value, distribution, version) for name, value in points]
    return sorted(found)


def _metadata() -> Iterator[tuple[str, str]]:
    """The folders of metadata on the path, in its order."""
    for folder in dict.fromkeys(sys.path):
        try:
            entries = os.listdir(folder or os.curdir)
        except OSError:  # not there, or an archive
            continue
        for entry in sorted(entries):
            if entry.endswith((".dist-info", ".egg-info")):
                yield folder or os.curdir, entry


def _normalised(name: str) -> str:
    return "-".join(filter(None, name.replace("_", "-").replace(".", "-").split("-"))).lower()


def _parse(text: str, group: str) -> list[tuple[str, str]]:
    """The names and values below `[group]`; extras in brackets are left out."""
    found: list[tuple[str, str]] = []
    inside = False
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            inside = line == f"[{group}]"
        elif inside and not line.startswith(("#", ";")):
            name, equals, value = line.partition("=")
            if equals:
                found.append((name.strip(), value.partition("[")[0].replace(" ", "").strip()))
    return found


def _version(folder: str, stem: str) -> str:
    named = stem.split("-")
    if len(named) > 1:
        return named[1]
    lines = _text(os.path.join(folder, "PKG-INFO")).splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("Version:")), "")


def _text(file: str) -> str:
    try:
        with open(file, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""
