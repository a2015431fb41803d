"""The iris project, and kernels to look at it from."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tane.project import starters

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The iris project as it is made, never run."""
    return starters.new("iris", tmp_path_factory.mktemp("pristine") / "iris", "iris", None)


@pytest.fixture
def iris(pristine: Path, tmp_path: Path) -> Path:
    """A copy of the iris project, never run."""
    return Path(shutil.copytree(pristine, tmp_path / "iris"))


@pytest.fixture(autouse=True)
def imports() -> Iterator[None]:
    """What a test imports is forgotten again."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if "/pytest-" in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]
