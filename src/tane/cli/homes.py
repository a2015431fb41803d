"""Where the records are that a verb looks back at: the project's, the one-file project's, or a script's.

Verbs that only read the ledger start here: no code of the user is imported and no configuration composed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from tane import errors, fielded
from tane.ledger import connection
from tane.project import finding, layout, options, settings
from tane.store import objects


@fielded.frozen
class Home:
    """A project's root with its store and ledger; `project` is its path, empty where only scripts have been tracked.

    `code` and `conf` are where its code and configuration lie.
    """

    root: Path
    store: Path
    ledger: Path
    source: Path
    project: str
    code: tuple[Path, ...]
    conf: Path

    @property
    def work(self) -> Path:
        """The `.tane` folder."""
        return self.root / layout.WORK


def find(path: str, given: Sequence[str] = ()) -> Home:
    """The records nearest to `path`: of the project there or above it, or of a `.tane` folder without a project.

    A project may keep those of some environments elsewhere: `given` names them, as options do. Raises
    `errors.ProjectError` when there are none.
    """
    environments = split(given)
    try:
        place = finding.find(path)
    except errors.ProjectError:
        recorded = _recorded(path)
        if recorded is None:
            if not os.environ.get("TANE_LEDGER"):
                raise
            recorded = Path(os.path.abspath(path))
        return _without_project(recorded)
    if place.flow is not None:
        found = settings.defaults(place.root, place.flow.stem)
        settled = options.settle(place.root, found, environments, place.flow).settings
        return _home(settled, place.root, path, (place.flow,))
    nearer = _recorded(path)
    if nearer is not None and nearer != place.root and nearer.is_relative_to(place.root):
        return _without_project(nearer)
    found = settings.read(place.root)
    settled = options.settle(place.root, found, environments).settings
    code = settled.source / settled.package if settled.source == place.root else settled.source
    return _home(settled, place.root, path, (code,))


def _home(found: settings.Settings, root: Path, project: str, code: tuple[Path, ...]) -> Home:
    found = settings.elsewhere(found, os.environ)
    return Home(root, found.store, found.ledger, found.source, project, code, found.conf)


def _without_project(root: Path) -> Home:
    return _home(settings.defaults(root, "script"), root, "", tuple(sorted(root.glob("*.py"))))


def _recorded(path: str) -> Path | None:
    """The nearest folder at or above `path` that has a ledger in its `.tane`."""
    start = Path(os.path.abspath(path))
    for folder in (start, *start.parents):
        if (folder / layout.LEDGER).is_file():
            return folder
    return None


@contextmanager
def ledger_of(home: Home) -> Iterator[connection.Ledger]:
    """The ledger, to be read; where nothing was recorded yet, an empty one, and nothing is made."""
    ledger = connection.open_ledger(home.ledger, create=False)
    try:
        yield ledger
    finally:
        ledger.close()


@contextmanager
def store_of(home: Home) -> Iterator[objects.Objects]:
    """The object store."""
    store = objects.Objects(home.store)
    try:
        yield store
    finally:
        store.close()


def where(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option that says where the project is."""
    return click.option(
        "-C", "--project", "path", default=".", metavar="PATH", help="The project's folder or flow file (here)."
    )(command)


def environment(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option that says which environments' records are meant; it gets them as `env`."""
    text = "The environment whose records are meant, where it has its own; repeat for several."
    return click.option("-e", "--env", "env", multiple=True, help=text)(command)


def split(given: Sequence[str]) -> tuple[str, ...]:
    """Names that an option was given, repeated or joined by commas."""
    return tuple(part.strip() for each in given for part in each.split(",") if part.strip())


def words(given: Sequence[str], path: str, what: str) -> tuple[str, str]:
    """Where to look (a word that ends in .py says so) and the one other word of `given`, called `what` in messages."""
    files = [word for word in given if word.endswith(".py")]
    others = [word for word in given if not word.endswith(".py")]
    if len(files) > 1 or len(others) > 1:
        raise errors.UsageError(
            f"one {what} at a time, not {' and '.join(others if len(others) > 1 else files)}",
            hint="call the command once for each",
        )
    return (files[0] if files else path), (others[0] if others else "")
