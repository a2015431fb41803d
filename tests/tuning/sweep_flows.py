"""A one-file project to sweep over, which notes each call of its functions."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import tane
from tane.project import loading, projects
from tane.tuning import sweep_points, sweeps

FLOW = '''
import os
import time
from pathlib import Path

import tane
from tane import Pipeline, node

CALLS = Path(__file__).with_name("calls.log")


def note(what):
    """One line in one write: several processes write to the file."""
    at = os.open(CALLS, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(at, f"{what}\\n".encode())
    os.close(at)


def clean(table, pause: float):
    note("clean")
    time.sleep(pause)
    return [row for row in table if row is not None]


def features(clean, scale: float, pause: float):
    note(f"features {float(scale)}")
    time.sleep(pause)
    if scale == 13.0:
        raise ValueError("unlucky")
    return [row * scale for row in clean]


def fit(features, kind: str, rate: float, pause: float):
    note(f"fit {kind} {rate} {sum(features)}")
    time.sleep(pause)
    if rate < 0:
        raise ValueError(f"rate {rate} is below 0")
    tane.log_metrics({"score": sum(features) * rate, "error": 1 / (rate + 1)})
    return {"kind": kind, "weight": rate}


pipeline = Pipeline([
    node(clean, ["table", "params:pause"], "clean"),
    node(features, ["clean", "params:scale", "params:pause"], "features"),
    node(fit, ["features", "params:model.kind", "params:model.rate", "params:pause"], "model"),
])
'''

CATALOG = """
table:
  type: json.JSONDataset
  filepath: data/table.json
model:
  type: json.JSONDataset
  filepath: data/model.json
"""

PARAMETERS = """
pause: 0.0
scale: 1.0
model: {kind: ridge, rate: 0.5}
"""


class Flow:
    """The project on disk, and sweeps of it in this process or by the command."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("flow.py", FLOW)
        self.write("conf/base/catalog.yml", CATALOG)
        self.write("conf/base/parameters.yml", PARAMETERS)
        self.write("data/table.json", "[1, 2, null, 3]")

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if path.suffix == ".py":
            loading.forget(self.root)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    @property
    def project(self) -> projects.Project:
        return projects.open_project(self.root / "flow.py")

    @property
    def workspace(self) -> Any:
        return tane.open_project(self.root / "flow.py")

    def sweep(self, *words: str, metrics: dict[str, str] | None = None, **how: Any) -> sweeps.Sweep:
        project = self.project
        asked = sweeps.Asked(metrics or {})
        return sweeps.sweep(project, sweep_points.of_words(project, words), asked=asked, how=sweeps.How(**how))

    @property
    def calls(self) -> Counter[str]:
        """How often each function was called, with what."""
        path = self.root / "calls.log"
        return Counter(path.read_text().splitlines()) if path.exists() else Counter()

    def forget(self) -> None:
        (self.root / "calls.log").unlink(missing_ok=True)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "tane", *arguments]

    def tane(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), cwd=self.root, capture_output=True, text=True, timeout=120, check=False
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.root,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
