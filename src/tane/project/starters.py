"""Making a new project from a starter: a folder of this package that is a working project under its own name.

A starter's package `src/<token>` gets the new package's name; so do the import lines that name it, the paths
`src/<token>`, and `{{ name }}` and `{{ package }}` in any text. Files called `gitignore` and `gitkeep` get
their dot, which packaging tools do not always carry. Called by the command line.
"""

from __future__ import annotations

import keyword
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tane import errors
from tane.project import layout

FOLDER = Path(__file__).parent / "starters"

_TEXT = frozenset({".py", ".toml", ".md", ".rst", ".yml", ".yaml", ".txt", ".cfg", ".ini", ".ipynb", ".sh"})
_DOTTED = {"gitignore": ".gitignore", "gitkeep": ".gitkeep", "gitattributes": ".gitattributes"}
_NAME = re.compile(r"[A-Za-z]([A-Za-z0-9_-]*[A-Za-z0-9])?").fullmatch
_TAKEN = frozenset({"tests", "conf", "data", "docs", "notebooks", "src", "tane"})  # the layout's folders, us


def available() -> list[str]:
    """The names of the starters."""
    return sorted(entry.name for entry in FOLDER.iterdir() if (entry / layout.PYPROJECT).is_file())


def new(name: str, target: Path | None = None, starter: str = "blank", package: str | None = None) -> Path:
    """Make the project `name` in the folder `target` (by default of that name, here) and return the folder.

    The folder appears whole or not at all. Raises `errors.ProjectError` for a name Python cannot import, an
    unknown starter, or a target that holds something.
    """
    package = _check_names(name, package)
    source = _starter(starter)
    root = Path(os.path.abspath(name if target is None else target))
    _check_target(root)
    building = root.parent / f".{root.name}.{os.urandom(4).hex()}"
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        try:
            _build(source, building, name, package)
            _place(building, root)
        finally:
            _remove(building)
    except OSError as error:
        raise errors.PlaceError(
            f"cannot make the project: {error.strerror or error}",
            where=str(root),
            hint="look at the free space and permissions of its folder, or choose another place",
        ) from error
    return root


def _starter(name: str) -> Path:
    known = available()
    if name not in known:
        raise errors.ProjectError(
            f"there is no starter {name!r} (there are: {', '.join(known)})",
            hint=errors.did_you_mean(name, known, f"choose one: {', '.join(known)}"),
        )
    return FOLDER / name


def _check_names(name: str, package: str | None) -> str:
    """The package's name: unless given, the project's in small letters with _ for each hyphen."""
    if not _NAME(name):
        fitting = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-_0123456789")
        raise errors.ProjectError(
            f"{name!r} is not a name for a project",
            hint="use letters, digits, - and _, beginning with a letter" + (f", as in {fitting!r}" if fitting else ""),
        )
    made = package if package is not None else name.lower().replace("-", "_")
    what = f"{made!r} is not a name for a package" if package is not None else f"{name!r} makes a package {made!r}"
    if not (made.isidentifier() and made.isascii()):
        raise errors.ProjectError(what, hint="use letters, digits and _, beginning with a letter")
    if keyword.iskeyword(made) or keyword.issoftkeyword(made):
        raise errors.ProjectError(
            f"{what}, which is a word of the Python language", hint=f"choose another, as in {made}_project"
        )
    whose = ""
    if made in sys.stdlib_module_names or made == "test":
        whose = "a module of Python's standard library"
    elif made in _TAKEN:
        whose = "a name that the layout or Tane itself uses"
    elif _is_installed(made):
        whose = "a package that is installed here"
    if whose:
        raise errors.ProjectError(f"{what}, which is {whose}", hint=f"choose another, as in {made}_project")
    return made


def _is_installed(package: str) -> bool:
    import importlib.util

    try:
        found = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return False
    origin = found.origin if found is not None else None
    return origin is not None and ("site-packages" in origin or "dist-packages" in origin)


def _check_target(root: Path) -> None:
    if not root.exists() and not root.is_symlink():
        return
    if not root.is_dir():
        raise errors.ProjectError("there is a file of that name", where=str(root), hint="choose another place")
    with os.scandir(root) as entries:
        held = sorted(entry.name for entry in entries)
    if held:
        shown = ", ".join(held[:3]) + (", ..." if len(held) > 3 else "")
        raise errors.ProjectError(
            f"the folder is not empty: it holds {shown}", where=str(root), hint="choose another name or place"
        )


# --- copying ------------------------------------------------------------------------------------------------


def _build(source: Path, building: Path, name: str, package: str) -> None:
    token = _token(source)
    building.mkdir()
    for path in _files(source):
        parts = [_DOTTED.get(part, part) for part in path.relative_to(source).parts]
        if parts[:2] == [layout.SOURCE, token]:
            parts[1] = package
        copy = building.joinpath(*parts)
        copy.parent.mkdir(parents=True, exist_ok=True)
        data = path.read_bytes()
        if path.suffix in _TEXT:
            data = _renamed(data.decode("utf-8"), path.suffix, token, name, package).encode("utf-8")
        copy.write_bytes(data)
        if path.stat().st_mode & 0o100:
            copy.chmod(copy.stat().st_mode | 0o111)


def _token(source: Path) -> str:
    """The name of the starter's own package."""
    entries = (source / layout.SOURCE).iterdir()
    return next(entry.name for entry in sorted(entries) if entry.is_dir() and not layout.is_cache(entry.name))


def _files(folder: Path) -> Iterator[Path]:
    """The starter's files, without what running it where it lies has left behind."""
    for entry in sorted(folder.iterdir()):
        if layout.is_cache(entry.name):
            continue
        if entry.is_dir():
            yield from _files(entry)
        else:
            yield entry


def _renamed(text: str, suffix: str, token: str, name: str, package: str) -> str:
    text = text.replace("{{ name }}", name).replace("{{ package }}", package)
    text = re.sub(rf"\b(src/|python -m ){token}\b(?!-)", rf"\g<1>{package}", text)
    if suffix == ".py":
        text = re.sub(
            rf"^([ \t]*(?:>>> )?(?:from|import)[ \t]+){token}(?=[.\s,])", rf"\g<1>{package}", text, flags=re.M
        )
        text = re.sub(rf"""(["']){token}\.(?=[A-Za-z_])""", rf"\g<1>{package}.", text)
    elif suffix == ".md":
        text = re.sub(rf"^# {token}$", f"# {name}", text, flags=re.M)
    elif suffix == ".ipynb":
        text = re.sub(rf'("(?:from|import) ){token}(?=[.\s,\\"])', rf"\g<1>{package}", text)
    elif suffix == ".toml":
        text = re.sub(rf'^(name\s*=\s*)"{token}"', rf'\g<1>"{name}"', text, flags=re.M)
        text = re.sub(rf'^{token}(\s*=\s*"{token}\.)', rf"{name}\1", text, flags=re.M)  # its command
        text = re.sub(rf'"{token}(["./])', rf'"{package}\1', text)
    elif suffix in (".yml", ".yaml"):
        text = re.sub(rf"""^(\s*type:\s*["']?){token}\.""", rf"\g<1>{package}.", text, flags=re.M)
    return text


def _place(building: Path, root: Path) -> None:
    """Move the finished folder in; into an empty one, which may be where the user stands, entry by entry."""
    if not root.exists():
        building.rename(root)
        return
    moved: list[Path] = []
    try:
        for entry in sorted(building.iterdir()):
            moved.append(entry.rename(root / entry.name))
    except BaseException:
        for entry in moved:
            _remove(entry)
        raise


def _remove(path: Path) -> None:
    import shutil

    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
