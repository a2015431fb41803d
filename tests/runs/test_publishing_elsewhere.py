"""Results that are put where Tane cannot look: tables, services, URLs. They hold what the last run says they do."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path
from typing import Any

import pytest

from tane.project import projects
from tane.runs import running

OWN = """
import json
import os
import pathlib


class Table:
    def __init__(self, table):
        self.path = pathlib.Path(__file__).parents[2] / f"{table}.db"

    def save(self, data):
        text = json.dumps(data)
        self.path.write_text(text[: len(text) // 2])
        if os.environ.get("DIE") == "saving":
            os.kill(os.getpid(), 9)
        self.path.write_text(text)

    def load(self):
        return json.loads(self.path.read_text())

    def exists(self):
        return self.path.exists()
"""


@pytest.fixture
def own(box: Any) -> Any:
    """The project with a model in a table of its own kind."""
    box.write("src/small/own.py", OWN)
    file = "type: json.JSONDataset\n  filepath: data/06_models/model.json"
    box.edit("conf/base/catalog.yml", file, "type: small.own.Table\n  table: models")
    return box


def weight(box: Any) -> float:
    return float(box.read("models.db")["weight"])


def test_a_table_holds_what_the_last_run_reused(own: Any) -> None:
    own.run("model.rate=0.5")
    first = weight(own)
    own.run("model.rate=1.0")
    assert weight(own) == 2 * first
    again = own.run("model.rate=0.5")
    assert again.ran == []
    assert weight(own) == first


def test_a_table_that_was_half_saved_by_a_killed_run_is_saved_again(own: Any) -> None:
    own.run("model.rate=0.5")
    first = weight(own)
    killed = own.tane("run", "model.rate=1.0", env={"DIE": "saving"})
    assert killed.code == -9
    with pytest.raises(json.JSONDecodeError):
        weight(own)
    assert own.run("model.rate=0.5").ran == []
    assert weight(own) == first


def test_a_table_that_holds_it_is_not_saved_again(own: Any) -> None:
    own.run("model.rate=0.5")
    os.utime(own.root / "models.db", (0, 0))
    own.run("model.rate=0.5", "--force-node", "score")
    assert (own.root / "models.db").stat().st_mtime == 0


def test_a_file_behind_a_url_holds_what_the_last_run_reused(box: Any) -> None:
    import fsspec

    url = f"memory://{uuid.uuid4().hex}/model.json"
    box.edit("conf/base/catalog.yml", "data/06_models/model.json", url)
    store = fsspec.filesystem("memory")
    found = []
    for rate in (0.5, 1.0, 0.5):
        project = projects.open_project(Path(box.root), overrides=[f"model.rate={rate}"])
        assert running.run(project).error is None
        found.append(json.loads(store.cat(url))["weight"])
    assert found[1] == 2 * found[0]
    assert found[2] == found[0]
