"""Where runs without a pipeline are recorded and looked for: in the project around a folder, else in its `.tane`."""

from __future__ import annotations

import os
from pathlib import Path

from tane import errors, fielded
from tane.catalog import masking
from tane.config import layers
from tane.project import layout, projects, settings


@fielded.frozen
class Home:
    """A ledger and a store, and what of their surroundings is noted with a run: code, configuration, secrets."""

    root: Path
    ledger: Path
    store: Path
    source: Path
    code: tuple[Path, ...]
    conf: Path
    sinks: tuple[str, ...]
    secrets: tuple[str, ...]


def here(path: str | os.PathLike[str] = ".") -> Home:
    """Where a run that starts in `path` is recorded."""
    folder = Path(os.path.abspath(path))
    try:
        projects.find(path)
    except errors.ProjectError:
        if folder.suffix == ".py" or not folder.exists():
            raise
        return _without_project(folder)
    project = projects.open_project(path)
    return Home(
        project.root,
        project.ledger,
        project.store,
        project.source,
        project.code,
        project.conf,
        project.sinks,
        _secrets(project),
    )


def looked_for(path: str | os.PathLike[str] = ".") -> Home:
    """The records nearest to `path`: those of a folder with a ledger of its own, at or above it, or of the project."""
    folder = Path(os.path.abspath(path))
    if os.environ.get("TANE_LEDGER") or folder.suffix == ".py":
        return here(path)
    for candidate in (folder, *folder.parents):
        if (candidate / layout.PYPROJECT).is_file() and _is_project(candidate):
            break
        if (candidate / layout.LEDGER).is_file():
            return _without_project(candidate)
    return here(path)


def _is_project(folder: Path) -> bool:
    try:
        return projects.find(folder).root == folder
    except errors.ProjectError:
        return False


def _without_project(folder: Path) -> Home:
    found = settings.elsewhere(settings.defaults(folder, "script"), os.environ)
    code = tuple(sorted(folder.glob("*.py")))
    return Home(folder, found.ledger, found.store, folder, code, found.conf, found.sinks, ())


def _secrets(project: projects.Project) -> tuple[str, ...]:
    """What a project's credentials hold. A configuration that cannot be read is told of by what needs it."""
    if not any(project.conf.glob(f"*/{layers.CREDENTIALS}*")):
        return ()
    try:
        return tuple(dict.fromkeys(masking.leaves(project.config.credentials)))
    except errors.TaneError:
        return ()
