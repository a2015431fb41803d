"""A one-file project to tune, which notes each call of its functions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from tane.ledger import connection
from tane.project import projects
from tane.tuning import requests, studying, tuned

FLOW = """
import math
import os
import time
from pathlib import Path

import tane
from tane import Pipeline, node

CALLS = Path(__file__).with_name("calls.log")


def note(what):
    at = os.open(CALLS, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(at, f"{what}\\n".encode())
    os.close(at)


def load(rows: int = 3):
    note("load")
    return list(range(rows))


def fit(load, x: float = 0.5, kind: str = "plain", width: int = 1, wait: float = 0.0, epochs: int = 0):
    note(f"fit {x:.4f} {kind}")
    time.sleep(wait)
    if kind == "boom":
        raise ValueError("boom")
    for epoch in range(epochs):
        try:
            tane.report((x - 2) ** 2 + epochs - epoch, epoch)
        except tane.TaneError as error:
            if kind == "wrapping":
                raise RuntimeError("a callback failed") from error
            raise
        note(f"epoch {epoch}")
    tane.log_metrics({"loss": math.nan if kind == "odd" else (x - 2) ** 2 + width, "size": width})
    return {"x": x}


pipeline = Pipeline([load, node(fit, ["load", "params:x", "params:kind", "params:width", "params:wait",
                                       "params:epochs"], "model")])
"""
PARAMETERS = "x: 0.5\nkind: plain\nwidth: 1\nwait: 0.0\nepochs: 0\n"


class Flow:
    """The project, and what its functions were called with."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = root / "flow.py"
        self.file.write_text(FLOW)
        self.conf("parameters", PARAMETERS)

    def conf(self, name: str, text: str, environment: str = "base") -> Path:
        """Write a file of the configuration."""
        path = self.root / "conf" / environment / f"{name}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    @property
    def calls(self) -> list[str]:
        """What the functions noted so far."""
        noted = self.root / "calls.log"
        return noted.read_text().splitlines() if noted.exists() else []

    def project(self, *overrides: str) -> projects.Project:
        """The project, opened."""
        return projects.open_project(self.file, overrides=overrides)

    def tune(self, *words: str, study: str = "s", how: studying.How = studying.How(), **said: Any) -> tuned.Tuned:  # noqa: B008
        """A study that minimizes the loss unless something else is said."""
        split = requests.split(words)
        project = self.project(*split.fixed)
        section = {"minimize": "loss", "trials": 6, "sampler": "random", **said}
        section = {key: value for key, value in section.items() if value is not None}
        return studying.tune(project, requests.of_project(project, section, split), study=study, how=how)

    def ledger(self) -> connection.Ledger:
        """The ledger, opened."""
        return connection.open_ledger(self.project().ledger)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of the command line, done."""
        return subprocess.run(self._words(words), cwd=self.root, capture_output=True, text=True)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A command of the command line, begun."""
        return subprocess.Popen(
            self._words(words), cwd=self.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def _words(self, words: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "tane", *words]


def wait_for(path: Path, text: str) -> None:
    """Until a file has some text."""
    import time

    until = time.monotonic() + 30
    while not (path.exists() and text in path.read_text()):
        assert time.monotonic() < until, f"{text!r} never came"
        time.sleep(0.01)
