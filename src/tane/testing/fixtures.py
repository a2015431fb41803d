"""The fixtures of `pytest_plugins = ["tane.testing"]`: all of them last for one test, and leave nothing behind."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tane import errors
from tane.project import projects
from tane.testing import clocks, services, sheltered, shelves, tiny

_OPTIONS = ("path", "env", "overrides", "hooks")


class Opened:
    """What the fixtures of one test share: the sheltered project, or an empty one where there is none."""

    def __init__(self, workspace: sheltered.Workspace, missing: errors.ProjectError | None) -> None:
        self.workspace = workspace
        self.missing = missing


@pytest.fixture
def tane_shelter(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    """The project that the test's file or its marker names, in a folder of the test. Asked for by the others."""
    asked = _asked(request)
    before = list(sys.path)
    real, missing = _open(request.path.parent, asked)
    folder = tmp_path / "project"
    folder.mkdir()
    if real is None:
        real = sheltered.bare(folder)
    yield Opened(sheltered.Workspace(sheltered.shelter(real, folder, hooks=bool(asked.get("hooks")))), missing)
    sys.path[:] = before


@pytest.fixture
def project(tane_shelter: Opened) -> sheltered.Workspace:
    """The project of the test file's folder, as `tane.open_project` gives it, its outputs in a folder of the test."""
    if tane_shelter.missing is not None:
        raise tane_shelter.missing
    return tane_shelter.workspace


@pytest.fixture
def catalog(tane_shelter: Opened) -> shelves.Shelf:
    """Datasets by name, to load and to save: the project's, or none but those that the test saves."""
    return shelves.Shelf(tane_shelter.workspace)


@pytest.fixture
def tiny_run(tane_shelter: Opened) -> tiny.TinyRun:
    """Runs a pipeline of the project, or nodes: `tiny_run("training", inputs={...}, params={...})`."""
    return tiny.TinyRun(tane_shelter.workspace)


@pytest.fixture
def clock() -> Iterator[clocks.FakeClock]:
    """A clock that goes on when it is told to, or somebody sleeps."""
    with clocks.FakeClock() as found:
        yield found


@pytest.fixture
def api() -> Iterator[services.FakeAPI]:
    """A web service on this machine, with scripted answers."""
    with services.FakeAPI() as found:
        yield found


def _asked(request: pytest.FixtureRequest) -> Mapping[str, Any]:
    """Which project, and how: what the markers say, the nearest first, over it what `project` is parametrized with."""
    found: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("tane"))):
        found |= {**({"path": marker.args[0]} if marker.args else {}), **marker.kwargs}
    callspec = getattr(request.node, "callspec", None)
    given = callspec.params.get("project") if callspec is not None else None
    if isinstance(given, Mapping):
        found |= given
    elif given is not None:
        found |= {"env": given}
    for name in found:
        if name not in _OPTIONS:
            raise errors.UsageError(
                f"the marker tane takes no {name!r}",
                where=request.node.nodeid,
                hint=errors.did_you_mean(name, _OPTIONS, f"it takes {', '.join(_OPTIONS)}"),
            )
    return found


def _open(folder: Path, asked: Mapping[str, Any]) -> tuple[projects.Project | None, errors.ProjectError | None]:
    """The project, or why there is none. One that is named must be there."""
    place = folder / asked.get("path", ".")
    try:
        opened = projects.open_project(place, env=asked.get("env", ()), overrides=asked.get("overrides", ()))
    except errors.ProjectError as error:
        if "path" in asked or not error.what.startswith("no Tane project"):
            raise
        hint = "put the test below the project's folder, or name it: @pytest.mark.tane('path/to/project or flow.py')"
        return None, errors.ProjectError(error.what, hint=hint)
    return opened, None
