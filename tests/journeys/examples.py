"""Examples as users try them: in a copy of their folder, through the command line in a process of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[2] / "examples"
_LEFT_BEHIND = shutil.ignore_patterns(".tane", "__pycache__", "tane.lock", ".pytest_cache")


@dataclass
class Ended:
    """How a run ended, as `tane run --json` says it, and what it made, as `tane show` lays it out."""

    example: Example
    where: list[str]
    out: str
    err: str

    @cached_property
    def run(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.out[self.out.index("{\n") :])
        return document

    @property
    def steps(self) -> dict[str, str]:
        return {step["node"]: step["status"] for step in self.run["steps"]}

    @property
    def reasons(self) -> dict[str, str]:
        return {step["node"]: "; ".join(step["reasons"]) for step in self.run["steps"]}

    @property
    def attempts(self) -> dict[str, int]:
        return {step["node"]: step["attempts"] for step in self.run["steps"]}

    @cached_property
    def values(self) -> dict[str, Any]:
        """What the run made and the catalog does not name: such values are laid out as JSON."""
        laid = self.example.root.parent / self.run["id"]
        shown = self.example.tane("show", self.run["id"], "--artifacts", str(laid), *self.where)
        assert shown.returncode == 0, shown.stderr
        return {path.stem: json.loads(path.read_text()) for path in laid.glob("values/*.json")}

    def printed(self) -> list[str]:
        """What nodes printed, wherever it went."""
        said = self.out[: self.out.index("{\n")] + self.err
        return [line for line in said.splitlines() if line]


@dataclass
class Example:
    """One example's copy."""

    root: Path

    def tane(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command; a warning is an error."""
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "tane", *arguments],
            cwd=self.root,
            env={**os.environ, "COLUMNS": "160"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def run(self, *arguments: str, code: int = 0) -> Ended:
        """`tane run` with these arguments, which ends with this code."""
        done = self.tane("run", "--json", *arguments)
        assert done.returncode == code, done.stdout + done.stderr
        where = ["-C", arguments[0]] if arguments and arguments[0].endswith(".py") else []
        return Ended(self, where, done.stdout, done.stderr)

    def nothing_to_do(self, *arguments: str) -> bool:
        """Whether the same run again finds everything done."""
        done = self.tane("run", *arguments)
        assert done.returncode == 0, done.stderr
        return bool(re.search(r"^nothing changed since run |^(\d+) steps?: \1 reused in ", done.stdout, re.M))

    def log(self, *where: str) -> list[tuple[str, str]]:
        """What the last run's commands printed, as node and line, in the order in which each node printed it."""
        shown = self.tane("show", "last", "--log", *where)
        assert shown.returncode == 0, shown.stderr
        lines = [line.partition("  ")[2] for line in shown.stdout.splitlines()]
        parts = [line.partition(": info tane.command ") for line in lines]
        return [(node, text) for node, found, text in parts if found]


def copy(name: str, tmp_path: Path) -> Example:
    """A copy of one of the folders in `examples/`, without what runs have left there."""
    return Example(Path(shutil.copytree(EXAMPLES / name, tmp_path / name, ignore=_LEFT_BEHIND)))
