"""A tiny project, and the command called in it within this process or as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tane.cli import group

FILES = {
    "pyproject.toml": '[project]\nname = "tiny"\n\n[tool.tane]\npackage = "tiny"\n',
    "src/tiny/__init__.py": "",
    "src/tiny/nodes.py": """
import tane


def features(table, scale: float):
    if scale < 0:
        raise ValueError("no rows")
    return [row * scale for row in table["x"]]


def fit(features, rate: float = 0.5):
    tane.log_metric("loss", 2.0)
    tane.log_metric("loss", 1.0)
    tane.log_text("fine", "notes/fit.txt")
    return {"weight": sum(features) * rate}


def score(model, features):
    return [model["weight"] * value for value in features]
""",
    "src/tiny/pipeline_registry.py": """
from tane import Pipeline, node

from .nodes import features, fit, score


def register_pipelines():
    training = Pipeline([
        node(features, ["table", "params:scale"], "features", tags="prepare"),
        node(fit, {"features": "features", "rate": "params:model.rate"}, "model"),
    ])
    scoring = Pipeline([node(score, ["model", "features"], "scores")])
    return {"training": training, "scoring": scoring, "__default__": training + scoring}
""",
    "conf/base/catalog.yml": """
table: {type: json.JSONDataset, filepath: data/01_raw/table.json}
model: {type: json.JSONDataset, filepath: data/06_models/model.json, metadata: {layer: models}}
scores: {type: json.JSONDataset, filepath: data/07_model_output/scores.json}
""",
    "conf/base/parameters.yml": "scale: 2.0\nmodel:\n  rate: 0.5\n",
    "conf/staging/parameters.yml": "scale: 3.0\n",
    "data/01_raw/table.json": '{"x": [1, 2, 3]}',
}


@dataclass
class Told:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.out + self.err
        return json.loads(self.out)


class Project:
    """A project folder that the test stands in."""

    def __init__(self, root: Path, captured: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self._captured = captured

    def tane(self, *arguments: str) -> Told:
        """Call the command here and now."""
        self._captured.readouterr()
        code = group.execute(arguments)
        told = self._captured.readouterr()
        return Told(code, told.out, told.err)

    def process(self, *arguments: str) -> Told:
        """Call the command as users do."""
        done = subprocess.run(
            [sys.executable, "-m", "tane", *arguments],
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Told(done.returncode, done.stdout, done.stderr)

    def run(self, *arguments: str) -> str:
        """Run a pipeline; the id of the run."""
        return str(self.tane("run", "--json", *arguments).json["id"])

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


@pytest.fixture
def empty(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty folder."""
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path, capsys)


@pytest.fixture
def tiny(empty: Project) -> Project:
    """Three nodes over one JSON table, never run."""
    for name, text in FILES.items():
        empty.write(name, text)
    return empty


@pytest.fixture
def flow(empty: Project) -> Project:
    """A pipeline in one file, never run."""
    empty.write(
        "flow.py",
        "from tane import Pipeline\n\n\ndef start():\n    return 1\n\n\ndef grown(start, by: int = 2):\n"
        "    return start + by\n\n\npipeline = Pipeline([start, grown])\n",
    )
    return empty


@pytest.fixture(autouse=True)
def imports() -> Iterator[None]:
    """What a test imports is forgotten again."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if "/pytest-" in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]
