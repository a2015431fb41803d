"""A small shop on disk, and the command in it: projects are spoilt by editing their files, as users spoil them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tane.cli import group
from tane.ledger import connection, read, records

PYPROJECT = """
[project]
name = "shop"

[tool.tane]
package = "shop"
"""

NODES = """
def clean(orders):
    return [value for value in orders if value > 0]


def fit(cleaned, rate: float):
    return {"weight": sum(cleaned) * rate}


def report(model, cleaned):
    return {"lines": len(cleaned), "weight": model["weight"]}
"""

REGISTRY = """
from tane import Pipeline, node

from .nodes import clean, fit, report


def register_pipelines():
    training = Pipeline([
        node(clean, "orders", "cleaned", tags="prepare"),
        node(fit, ["cleaned", "params:model.rate"], "model"),
    ])
    return {
        "training": training,
        "reporting": Pipeline([node(report, ["model", "cleaned"], "report")]),
        "__default__": training + Pipeline([node(report, ["model", "cleaned"], "report")]),
    }
"""

CATALOG = """
orders:
  type: json.JSONDataset
  filepath: data/01_raw/orders.json

model:
  type: json.JSONDataset
  filepath: data/06_models/model.json

report:
  type: json.JSONDataset
  filepath: data/08_reporting/report.json
"""

PARAMETERS = """
model:
  rate: 0.5
"""

MADE = ("data/06_models/model.json", "data/08_reporting/report.json")
REPORT = {"lines": 3, "weight": 3.0}

Run = Callable[..., "Ended"]
Mount = Callable[..., None]  # a folder, then mount's own arguments


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"exit code {self.code}\n--- out\n{self.out}\n--- err\n{self.err}"


@dataclass
class Shop:
    """The project's folder. `tane` runs a command in this process, `spawn` and `start` in one of its own."""

    root: Path
    execute: Run
    prefix: tuple[str, ...] = ()  # what commands in processes of their own run under
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def edit(self, name: str, old: str, new: str) -> Callable[[], None]:
        """Change a file's text; what is given back undoes it."""
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        return lambda: (path.write_text(text, encoding="utf-8"), None)[1]

    def json(self, name: str) -> Any:
        return json.loads((self.root / name).read_text(encoding="utf-8"))

    # --- the command -----------------------------------------------------------------------------------------------

    def tane(self, *arguments: str) -> Ended:
        return self.execute(*arguments)

    def command(self, *arguments: str) -> list[str]:
        return [*self.prefix, sys.executable, "-m", "tane", *arguments]

    def spawn(self, *arguments: str, **options: Any) -> Ended:
        return self.end(self.start(*arguments, **options))

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            self.command(*arguments),
            cwd=self.root,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **options,
        )
        self.started.append(process)
        return process

    def end(self, process: subprocess.Popen[str]) -> Ended:
        out, err = process.communicate(timeout=60)
        return Ended(process.returncode, out, err)

    def wait_for(self, name: str) -> None:
        """Wait until a node has made the file `name`."""
        until = time.monotonic() + 30
        while not (self.root / name).exists():
            if time.monotonic() > until:
                raise AssertionError(f"{name} was not made in time")
            time.sleep(0.01)

    # --- what there is afterwards ----------------------------------------------------------------------------------

    def files(self) -> set[str]:
        """All files of the workspace: not the store, not what Python caches."""
        found: set[str] = set()
        for place, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if name not in (".tane", "__pycache__")]
            found |= {os.path.relpath(os.path.join(place, name), self.root) for name in names}
        return found

    def leftovers(self) -> list[Path]:
        """Temporary files: in the data folders, beside the lock file, in the store."""
        in_data = [path for path in (self.root / "data").rglob("*") if path.name.startswith(".")]
        locks = list(self.root.glob(".tane.lock*"))
        store = self.root / ".tane" / "objects"
        return in_data + locks + list(store.glob("tmp/*"))

    def ledger(self) -> connection.Ledger:
        return connection.open_ledger(self.root / ".tane" / "ledger.db", create=False)

    def runs(self) -> list[records.RunRecord]:
        """The runs on record, newest first."""
        ledger = self.ledger()
        try:
            return list(read.runs(ledger))
        finally:
            ledger.close()

    def steps(self) -> dict[str, str]:
        """The nodes of the newest run, with how they ended."""
        return {name: str(step.status) for name, step in self.step_records().items()}

    def step_records(self) -> dict[str, records.StepRecord]:
        """The steps of the newest run by node."""
        ledger = self.ledger()
        try:
            newest = read.runs(ledger)[0]
            return {step.node: step for step in read.steps(ledger, newest.run)}
        finally:
            ledger.close()

    def nothing_happened(self) -> None:
        """No run is on record and no dataset was made."""
        assert self.runs() == []
        assert self.files().isdisjoint(MADE)
        assert self.leftovers() == []

    def recovers(self, *arguments: str, expected: Any = REPORT) -> Ended:
        """Once the mistake is mended, a run succeeds, the results are right and nothing else lies about."""
        ended = self.tane("run", *arguments)
        assert ended.code == 0, ended
        assert self.json("data/08_reporting/report.json") == expected
        assert self.leftovers() == []
        return ended


def make(root: Path, execute: Run) -> Shop:
    """A shop that was never run: three steps from `orders` to `report`."""
    shop = Shop(root, execute)
    shop.write("pyproject.toml", PYPROJECT)
    shop.write("src/shop/__init__.py", "")
    shop.write("src/shop/nodes.py", NODES)
    shop.write("src/shop/pipeline_registry.py", REGISTRY)
    shop.write("conf/base/catalog.yml", CATALOG)
    shop.write("conf/base/parameters.yml", PARAMETERS)
    shop.write("data/01_raw/orders.json", "[1, 2, -7, 3]")
    return shop


def refused(ended: Ended, code: int, *fragments: str) -> None:
    """The command ended with `code` and said, once and without our frames, what is wrong, where and what to do."""
    assert ended.code == code, ended
    assert sum(line.startswith("error: ") for line in ended.err.splitlines()) == 1, ended
    assert "hint: " in ended.err, ended
    said = ended.out + ended.err
    for fragment in fragments:
        assert fragment in said, f"{fragment!r} is not said\n{ended}"
    assert code == 1 or "Traceback" not in said, ended
    assert os.path.join("src", "tane") not in said, f"our own frames are shown\n{ended}"


def command(arguments: tuple[str, ...]) -> int:
    """One command in this process."""
    return group.execute(list(arguments))
