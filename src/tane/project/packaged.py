"""A project that was installed from a wheel: its code and configuration are in the package, its data are here.

A wheel carries `conf/base` and pyproject.toml inside of the package (the starters' pyproject.toml tells the build so).
`open_package`, which `python -m <package>` calls, lays a copy of the package into `.tane/code` of the current folder
and opens that as the project: what runs is then known by its content, whatever version the wheel claims, and an upgrade
under way changes nothing in it.

Configuration comes from the package; a folder of `./conf` stands in the place of the packaged one of that name, so that
`./conf/local` may hold credentials and nothing else need be copied.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tane import errors, fielded
from tane.digest import hashing
from tane.project import finding, layout, options, projects, settings
from tane.store import placing

_CODE, _CONF = "code", "conf"  # in .tane
_PLACES = ("source", "conf", "store", "ledger")
_KEPT = 3  # copies of earlier versions


def folder_of(package: str) -> Path:
    """The folder of the importable `package`. Raises `errors.ProjectError` when there is none."""
    import importlib.machinery
    import importlib.util

    copies = os.path.join(layout.WORK, _CODE)
    paths = [entry for entry in sys.path if copies not in entry]  # what was opened before is no installed package
    found = importlib.machinery.PathFinder.find_spec(package, paths) or importlib.util.find_spec(package)
    places = list(found.submodule_search_locations or ()) if found is not None else []
    if not places:
        raise errors.ProjectError(f"there is no package {package!r}", hint="install it: pip install PATH_TO_ITS_WHEEL")
    return Path(os.path.abspath(places[0]))


def source_tree(folder: Path, package: str) -> Path | None:
    """The root of the project whose sources the package in `folder` is part of; None when it was installed."""
    if (folder / layout.PYPROJECT).is_file() or {"site-packages", "dist-packages"} & set(folder.parts):
        return None
    try:
        root = finding.find(folder).root
        return root if settings.read(root).package == package else None
    except errors.ProjectError:
        return None


def open_package(
    package: str,
    *,
    env: Sequence[str] = (),
    overrides: Sequence[str] = (),
    environ: Mapping[str, str] = os.environ,
    params: str = "",
) -> projects.Project:
    """The project of the installed `package`, with the current folder as its root.

    Raises what `projects.open_project` raises, and `errors.PlaceError` when nothing can be written here.
    """
    root = Path.cwd()
    source = _laid_out(folder_of(package), root / layout.WORK / _CODE)
    conf = _configuration(source / package / layout.CONF, root / layout.CONF, root / layout.WORK / _CONF)
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]  # of the installed package: from now on they come from the copy
    settled = options.settle(root, _settings(root, source, package, conf), tuple(env))
    names = set(fielded.fields(projects.Project))
    said = settings.elsewhere(settled.settings, environ)
    parts: dict[str, Any] = {name: getattr(said, name) for name in fielded.fields(said) if name in names}
    return projects.Project(
        root=root,
        kind="project",
        flow=None,
        environments=tuple(env),
        overrides=tuple(overrides),
        environ=environ,
        _settled=settled,
        params=projects.in_full(params),
        **parts,
    )


def _settings(root: Path, source: Path, package: str, conf: Path) -> settings.Settings:
    """What the packaged pyproject.toml says of all but places, which are those of this folder."""
    document = _document(source / package / layout.PYPROJECT)
    table = document.get("tool", {}).get("tane", {})
    known = set(fielded.fields(settings.Settings)) - {"name", "package", *_PLACES}
    said: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in table.items() if key in known
    }
    return fielded.replace(
        settings.defaults(root, str(document.get("project", {}).get("name", package))),
        package=package,
        source=source,
        conf=conf,
        **said,
    )


def _document(file: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise errors.ProjectError(
            f"the packaged settings cannot be read: {error}", where=str(file), hint="build and install the wheel anew"
        ) from None


# --- the copy -------------------------------------------------------------------------------------------------------


def _laid_out(folder: Path, place: Path) -> Path:
    """A folder that holds a copy of the package in `folder`, made when there is none of this content yet."""
    files = sorted(_files(folder))
    names = [path.relative_to(folder).as_posix() for path in files]
    digest = hashing.combine(
        "package", *(part for pair in zip(names, map(hashing.of_file, files), strict=True) for part in pair)
    )
    target = place / f"{folder.name}-{digest[:16]}"
    if not target.is_dir():

        def fill(building: Path) -> None:
            import shutil

            for path, name in zip(files, names, strict=True):
                copy = building / folder.name / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)

        placing.folder(target, fill)
        _forget_old(place, folder.name, target)
    return target


def _files(folder: Path) -> list[Path]:
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not layout.is_cache(name)]
        found += [Path(place, name) for name in names if not layout.is_cache(name)]
    return found


def _forget_old(place: Path, package: str, newest: Path) -> None:
    """Delete the copies of earlier versions but for a few: a run on one of them may be under way."""
    copies = [entry for entry in place.iterdir() if entry.name.startswith(f"{package}-") and entry != newest]
    for entry in sorted(copies, key=lambda each: each.stat().st_mtime_ns, reverse=True)[_KEPT:]:
        placing.remove(entry)


def _configuration(packaged: Path, own: Path, joined: Path) -> Path:
    """The folder to read configuration from: the packaged one, that of this folder, or one that joins both."""
    if not own.is_dir():
        return packaged
    if not packaged.is_dir():
        return own
    wanted = {path.name: path for folder in (packaged, own) for path in folder.iterdir() if path.is_dir()}
    joined.mkdir(parents=True, exist_ok=True)
    for entry in joined.iterdir():
        if entry.name not in wanted:
            entry.unlink()
    for name, target in wanted.items():
        link = joined / name
        if not link.is_symlink() or os.readlink(link) != str(target):
            fresh = joined / f".{name}.{os.getpid()}"
            fresh.symlink_to(target)
            os.replace(fresh, link)
    return joined
