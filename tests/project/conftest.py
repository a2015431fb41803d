from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PYPROJECT = '[project]\nname = "shop"\n\n[tool.tane]\npackage = "shop"\n'

REGISTRY = """
from tane.pipeline.graph import Pipeline
from .work import double

def register_pipelines():
    return {"numbers": Pipeline([double])}
"""

WORK = """
def double(number):
    return 2 * number
"""

Write = Callable[[dict[str, str]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes files below the test's folder and returns that folder."""

    def write_all(files: dict[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return write_all


@pytest.fixture
def shop(write: Write) -> Path:
    """A project of one node."""
    return write(
        {
            "pyproject.toml": PYPROJECT,
            "src/shop/__init__.py": "",
            "src/shop/pipeline_registry.py": REGISTRY,
            "src/shop/work.py": WORK,
        }
    )


@pytest.fixture(autouse=True)
def imports() -> Iterator[None]:
    """What a test imports is forgotten again."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if "/pytest-" in file:
            del sys.modules[name]
