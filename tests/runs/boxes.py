"""A small project on disk, driven as a user drives it: by editing files and calling the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PYPROJECT = """
[project]
name = "small"

[tool.tane]
package = "small"
"""

NODES = '''
"""Three steps and their helpers."""

import tane

from .helpers import scaled

OFFSET = 1


def features(table, scale: float):
    """Scale the numbers."""
    return [scaled(row, scale) + OFFSET for row in table["x"]]


def fit(features, rate: float = 0.5):
    tane.log_metric("total", sum(features))
    return {"weight": sum(features) * rate}


def score(model, features):
    return [model["weight"] * value for value in features]
'''

HELPERS = """
from .deeper import factor


def scaled(value, scale):
    return value * factor(scale)


def unused(value):
    return value
"""

DEEPER = """
def factor(scale):
    return scale * 2
"""

REGISTRY = """
from tane import Pipeline, node

from .nodes import features, fit, score


def register_pipelines():
    training = Pipeline([
        node(features, ["table", "params:scale"], "features"),
        node(fit, {"features": "features", "rate": "params:model.rate"}, "model"),
    ])
    scoring = Pipeline([node(score, ["model", "features"], "scores")])
    return {"training": training, "scoring": scoring, "__default__": training + scoring}
"""

CATALOG = """
table:
  type: json.JSONDataset
  filepath: data/01_raw/table.json
model:
  type: json.JSONDataset
  filepath: data/06_models/model.json
scores:
  type: json.JSONDataset
  filepath: data/07_model_output/scores.json
"""

PARAMETERS = """
scale: 2.0
model:
  rate: 0.5
"""


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.out + self.err
        return json.loads(self.out)

    @property
    def ran(self) -> list[str]:
        """The nodes that worked."""
        return [step["node"] for step in self.json["steps"] if step["status"] == "succeeded"]

    @property
    def reasons(self) -> dict[str, list[str]]:
        return {step["node"]: step["reasons"] for step in self.json["steps"] if step["reasons"]}


class Box:
    """A project folder and the command in it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.root / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def read(self, name: str) -> Any:
        return json.loads((self.root / name).read_text())

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "tane", *arguments]

    def tane(self, *arguments: str, env: dict[str, str] | None = None) -> Ended:
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.root,
            capture_output=True,
            text=True,
            env={**os.environ, **(env or {})},
            timeout=120,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def run(self, *arguments: str) -> Ended:
        return self.tane("run", "--json", *arguments)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command("run", *arguments),
            cwd=self.root,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )


def small(folder: Path) -> Box:
    """A project of three steps over one JSON table, never run."""
    made = Box(folder)
    made.write("pyproject.toml", PYPROJECT)
    made.write("src/small/__init__.py", "")
    made.write("src/small/nodes.py", NODES)
    made.write("src/small/helpers.py", HELPERS)
    made.write("src/small/deeper.py", DEEPER)
    made.write("src/small/pipeline_registry.py", REGISTRY)
    made.write("conf/base/catalog.yml", CATALOG)
    made.write("conf/base/parameters.yml", PARAMETERS)
    made.write("data/01_raw/table.json", json.dumps({"x": [1, 2, 3]}))
    return made
