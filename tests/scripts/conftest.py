"""Scripts as users run them: files in a folder, started by Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tane.cli import group
from tane.scripts import scope


@dataclass
class Told:
    """How a process ended and what it said."""

    code: int
    out: str
    err: str


@dataclass
class Folder:
    """A folder that the test stands in."""

    root: Path
    captured: pytest.CaptureFixture[str]

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def start(self, *words: str, **environ: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-W", "error", *words],
            cwd=self.root,
            env={**os.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def python(self, *words: str, **environ: str) -> Told:
        process = self.start(*words, **environ)
        out, err = process.communicate(timeout=120)
        return Told(process.returncode, out, err)

    def tane(self, *words: str) -> Any:
        """A command's JSON."""
        self.captured.readouterr()
        code = group.execute([*words, "--json"])
        told = self.captured.readouterr()
        assert code == 0, told.out + told.err
        return json.loads(told.out)

    def runs(self) -> list[dict[str, Any]]:
        """The runs, oldest first."""
        found: list[dict[str, Any]] = self.tane("runs")
        return found[::-1]


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    """An empty folder."""
    monkeypatch.chdir(tmp_path)
    known = dict(scope._mains)
    scope._mains.clear()
    yield Folder(tmp_path, capsys)
    scope._mains.clear()
    scope._mains.update(known)
