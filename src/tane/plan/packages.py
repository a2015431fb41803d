"""A whole project package as one digest: the answer where names do not tell what code reaches.

`texts` asks for it when code looks things up at run time (`importlib`, `getattr` on a module, package data
files). It promises to cover every Python file and every data file of the package; caches, hidden folders
and the project's own `data/` are left out. A module outside of any package stands for the Python files
beside it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tane.digest import hashing
from tane.plan import bodies, sources, syntax

_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "venv", "htmlcov"})
_SKIPPED_AT_ROOT = frozenset({"data", "conf", "notebooks", "docs", "logs", "tests", "mlruns", "build", "dist"})


class Whole(NamedTuple):
    """A package's digest, the modules it imports, its files, and whether all are as they were loaded."""

    name: str
    digest: str
    imports: frozenset[str]
    files: frozenset[Path]
    fresh: bool


def folder_of(module: str, file: str | None) -> Path | None:
    """The folder of the top-level package that `module` belongs to, or None outside of packages."""
    top = sys.modules.get(module.partition(".")[0])
    for folder in sources.folders_of(top):
        inside = file is None or file.startswith(folder + os.sep)
        if inside and sources.is_project_file(folder + os.sep):
            return Path(folder)
    return None


def whole(
    module: str, file: str | None, root: Path, *, as_text: bool, source: Callable[[str], sources.Source]
) -> Whole:
    """The digest of the package around `module`. `as_text` takes comments and docstrings in as well."""
    folder = folder_of(module, file)
    loaded = {sources.file_of(one) for one in list(sys.modules.values())}
    if not module:  # nobody knows where it belongs: all that was loaded from the project
        folder, around, name = root, root, "of the project"
        paths = [Path(one) for one in loaded if one and _is_inside(one, root)]
    elif folder is not None:
        around, name, paths = folder.parent, folder.name, list(_walk(folder, root))
    else:
        folder = Path(file).parent if file and not file.startswith("<") else root
        around, name, paths = folder, module, [path for path in folder.glob("*.py") if path.is_file()]
    entries: list[str] = []
    imports: set[str] = set()
    beside: set[str] = {name}
    fresh = True
    paths.sort()
    for path in paths:
        entries.append(Path(os.path.relpath(path, folder)).as_posix())
        digest = ""
        if path.suffix == ".py":
            text = source(str(path))
            fresh = fresh and (text.fresh or str(path) not in loaded)
            if text.tree is not None:
                taken, said = sources.imported_names(text.tree)
                imports |= taken
                if module:
                    for other in sorted((taken | said) - beside):
                        paths += sorted({*_beside(around / other, root)}.difference(paths))
                    beside |= taken | said
                body = bodies.without_docstring(text.tree.body)
                digest = "" if as_text else syntax.read(*body).digest
        entries.append(digest or hashing.of_file(path))
    return Whole(name, hashing.combine("package", *entries), frozenset(imports), frozenset(paths), fresh)


def _beside(place: Path, root: Path) -> Iterator[Path]:
    """The files of a package or module that lies beside one and may be imported by it."""
    if place.name in _SKIPPED_AT_ROOT or not sources.is_project_file(f"{place}{os.sep}"):
        return
    if place.is_dir():
        yield from _walk(place, root) if any(place.glob("*.py")) else ()
    elif place.with_suffix(".py").is_file():
        yield place.with_suffix(".py")


def _is_inside(file: str, root: Path) -> bool:
    return sources.is_project_file(file) and file.startswith(f"{root}{os.sep}") and os.path.isfile(file)


def _walk(folder: Path, root: Path) -> Iterator[Path]:
    for where, folders, files in os.walk(folder):
        at_root = Path(where) == root
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".")
            and name not in _SKIPPED_FOLDERS
            and not name.endswith(".egg-info")
            and not (at_root and name in _SKIPPED_AT_ROOT)
        ]
        for name in files:
            path = Path(where, name)
            if not name.startswith(".") and not name.endswith((".pyc", ".pyo", "~")) and path.is_file():
                yield path
