"""The files that a project's code consists of. Called for the check whether anything has changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tane.project import layout


def of_package(root: Path, source: Path, package: str) -> list[Path]:
    """Everything below the source folder, modules and data files alike, and pyproject.toml.

    Folders are among them: they change when a file is added. A flat layout, where `source` is the root,
    has its package and the modules beside it.
    """
    if source == root:
        found = [root, *_loose_modules(root), *_tree(source / package)]
    else:
        found = list(_tree(source))
    return sorted([*found, root / layout.PYPROJECT])


def of_flow(file: Path) -> list[Path]:
    """The file, the modules and packages beside it, and their folders."""
    folder = file.parent
    found = {file, folder, *_loose_modules(folder)}
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir() and os.path.isfile(os.path.join(entry.path, "__init__.py")):
                found.update(_tree(Path(entry.path)))
    return sorted(found)


def _loose_modules(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py") and entry.is_file():
                yield Path(entry.path)


def _tree(folder: Path) -> Iterator[Path]:
    waiting = [str(folder)]
    while waiting:
        current = waiting.pop()
        yield Path(current)
        with os.scandir(current) as entries:
            for entry in entries:
                if layout.is_cache(entry.name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    yield Path(entry.path)
