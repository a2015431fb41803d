"""`tane.lock`: which bytes each dataset stood for. Committed with the code; read and brought up to date by runs.

Each dataset has a block of its own, blocks are sorted and apart, so that Git merges changes to different datasets. A
lock file that cannot be understood, or holds a Git conflict that a run does not settle, is left as it is: what it says
of other datasets must not be lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tane import errors
from tane.store import failures, placing

NAME = "tane.lock"


class Entry(NamedTuple):
    """One dataset: the digest of its file, its size and its path, relative to the project where it lies inside."""

    digest: str
    bytes: int
    path: str


class Updated(NamedTuple):
    """Whether the lock file says what it should, and what the user should know about it."""

    clean: bool
    notice: str = ""


def read(root: Path) -> dict[str, Entry]:
    """The entries of the lock file of the project at `root`; none when there is no file.

    Raises `errors.ProjectError` when it cannot be understood or holds a Git conflict.
    """
    text = _text(root / NAME)
    if _in_conflict(text):
        raise errors.ProjectError(
            "there is a Git conflict in it", where=NAME, hint="resolve it, or run the pipelines that make its datasets"
        )
    return _entries(text)


def update(root: Path, entries: Mapping[str, Entry]) -> Updated:
    """Bring the lock file up to date with `entries`; those of other datasets stay."""
    path = root / NAME
    try:
        text = _text(path)
        sides = [_entries(side) for side in _sides(text)]
    except errors.ProjectError as error:
        return Updated(False, f"{error.where}: {error.what}; the file is left as it is: {error.faults[0].hint}")
    blocks: dict[str, Entry] = {}
    open_ones = []
    for name in sorted({*entries, *(name for side in sides for name in side)}):
        found = {side[name] for side in sides if name in side}
        if name in entries:
            blocks[name] = entries[name]
        elif len(found) == 1:
            blocks[name] = found.pop()
        else:
            open_ones.append(name)
    if open_ones:
        return Updated(
            False,
            f"{NAME} holds a Git conflict about {', '.join(open_ones)}, which this run does not settle: "
            "it is left as it is; resolve it, or run the pipeline that makes them",
        )
    notice = f"the Git conflict in {NAME} is settled: its datasets stand as this run has them" if len(sides) > 1 else ""
    if blocks:
        _write(path, _document(blocks), text)
    return Updated(True, notice)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise errors.ProjectError("it is not text", where=NAME, hint=_MEND) from None
    except OSError as error:
        raise failures.of_store(error, "read", path) from error


_MEND = f"mend it, take Git's version (git checkout {NAME}), or delete it and run everything once"
_OURS, _BASE, _MIDDLE, _THEIRS = "<<<<<<< ", "||||||| ", "=======", ">>>>>>> "


def _in_conflict(text: str) -> bool:
    return text.startswith(_OURS) or f"\n{_OURS}" in text


def _sides(text: str) -> list[str]:
    """The text as either side of a Git conflict has it; itself when there is none."""
    if not _in_conflict(text):
        return [text]
    ours: list[str] = []
    theirs: list[str] = []
    into: tuple[list[str], ...] = (ours, theirs)
    for line in text.splitlines():
        if line.startswith(_OURS):
            into = (ours,)
        elif line.startswith(_BASE) and into == (ours,):
            into = ()
        elif line == _MIDDLE and into != (ours, theirs):
            into = (theirs,)
        elif line.startswith(_THEIRS):
            into = (ours, theirs)
        else:
            for side in into:
                side.append(line)
    return ["\n".join(ours), "\n".join(theirs)]


def _entries(text: str) -> dict[str, Entry]:
    if not text:
        return {}
    import tomllib

    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise errors.ProjectError(f"it is not TOML: {error}", where=NAME, hint=_MEND) from None
    blocks = content.get("dataset", {})
    if not isinstance(blocks, dict):
        raise errors.ProjectError("dataset is not a table", where=NAME, hint=_MEND)
    return {name: _entry(name, block) for name, block in blocks.items()}


def _entry(name: str, block: Any) -> Entry:
    said: list[Any] = [block.get(key) for key in Entry._fields] if isinstance(block, dict) else []
    if [type(value) for value in said] != [str, int, str]:
        raise errors.ProjectError(f"dataset {name!r} is not digest, bytes and path", where=NAME, hint=_MEND)
    return Entry(*said)


def _document(blocks: Mapping[str, Entry]) -> str:
    lines = ["# Written by tane: which bytes each dataset stood for when this was committed.", ""]
    for name, entry in blocks.items():
        lines += [
            f"[dataset.{_quote(name)}]",
            f"digest = {_quote(entry.digest)}",
            f"bytes = {entry.bytes}",
            f"path = {_quote(entry.path)}",
            "",
            "",
        ]
    return "\n".join(lines).rstrip("\n") + "\n"


def _write(path: Path, text: str, before: str) -> None:
    if text != before:
        placing.file(path, lambda file: placing.write_all(file, text.encode()))


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
