"""Finding the project that a folder or file belongs to.

Light: the command line asks before it loads anything else. `projects.find` is this `find`; whoever counts
milliseconds imports it from here.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, NamedTuple

from tane import errors
from tane.project import layout

Kind = Literal["project", "file"]


class Place(NamedTuple):
    """Where a project lies. `flow` is the file of a one-file project."""

    root: Path
    kind: Kind
    flow: Path | None = None


def find(start: str | os.PathLike[str] = ".") -> Place:
    """The project at `start` or above it; a path to a Python file is a one-file project.

    Raises `errors.ProjectError` when there is none.
    """
    given = Path(start)
    path = Path(os.path.abspath(given))
    if path.suffix == ".py" and not path.is_dir():
        return _flow(path, given)
    if not path.exists():
        raise errors.ProjectError(f"there is no {str(given)!r}", hint=_other_names(path))
    folder = path if path.is_dir() else path.parent
    foreign = ""
    for candidate in (folder, *folder.parents):
        file = candidate / layout.PYPROJECT
        text = _text(file)
        if text is None:
            continue
        if names_tane(text, file):
            return Place(candidate, "project")
        foreign = foreign or str(file)
    raise errors.ProjectError(
        f"no Tane project in {folder} or above it" + (f" ({foreign} has no [tool.tane])" if foreign else ""),
        hint=_way_on(folder, foreign),
    )


def names_tane(text: str, file: Path) -> bool:
    """Whether a pyproject.toml of this text has a [tool.tane] table."""
    if "tane" not in text:
        return False
    for line in text.splitlines():
        if line.lstrip().startswith("[") and line.replace(" ", "").startswith(("[tool.tane]", "[tool.tane.")):
            return True
    import tomllib  # the rare spellings: dotted keys, inline tables

    try:
        tool = tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError:
        return False  # somebody else's file for all we can tell
    return isinstance(tool, dict) and "tane" in tool


def _flow(path: Path, given: Path) -> Place:
    if not path.is_file():
        raise errors.ProjectError(f"there is no {str(given)!r}", hint=_other_names(path))
    return Place(path.parent, "file", path)


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise errors.ProjectError(
            f"cannot read the file: {error.strerror}", where=str(file), hint="mend its permissions"
        ) from None


def _other_names(path: Path) -> str:
    try:
        beside = os.listdir(path.parent)
    except OSError:
        return f"there is no folder {path.parent} either"
    names = [name for name in beside if name.endswith(".py") == (path.suffix == ".py")]
    return errors.did_you_mean(path.name, names, f"give the path of a project or of a file in {path.parent}")


def _way_on(folder: Path, foreign: str) -> str:
    flows = [name for name in ("flow.py", "pipeline.py", "main.py") if (folder / name).is_file()]
    if flows:
        return f"name the file: tane run {flows[0]}; other commands take it as -C {flows[0]}"
    if foreign:
        return "make a project with `tane new NAME`, or add a [tool.tane] table with its package to that file"
    return "make a project with `tane new NAME`, or run one file: tane run flow.py"
