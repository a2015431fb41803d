"""Partitions that hold instances of the project's classes rest on the code of these classes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SHAPES = """
class Square:
    def __init__(self, side):
        self.side = side

    def area(self):
        return self.side ** 2
"""
FLOW = """
from shapes import Square
from tane import Pipeline, node


def make():
    return {"a": Square(2), "b": Square(3)}


def total(squares):
    return sum(one().area() for one in squares.values())


def area(square):
    return square.area()


takers = [node(total, "squares", "total"), node(area, "squares", "areas", over="squares")]
pipeline = Pipeline([node(make, None, "squares"), *takers])
"""
CATALOG = """
squares: {type: partitions.PartitionedDataset, path: data/squares, dataset: pickle.PickleDataset, filename_suffix: .pkl}
total: {type: json.JSONDataset, filepath: data/total.json}
areas: {type: json.JSONDataset, filepath: data/areas.json}
"""


@pytest.fixture
def folder(tmp_path):
    for name, text in (("shapes.py", SHAPES), ("flow.py", FLOW), ("conf/base/catalog.yml", CATALOG)):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def run(folder):
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "tane", "run", "flow.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return (folder / "data/total.json").read_text().strip()


def test_editing_the_class_of_instances_in_partitions_runs_again(folder):
    assert run(folder) == "13"
    assert '"a": 4' in (folder / "data/areas.json").read_text()
    (folder / "shapes.py").write_text(SHAPES.replace("side ** 2", "side ** 3"))
    assert run(folder) == "35"
    assert '"a": 8' in (folder / "data/areas.json").read_text()


def test_so_it_does_where_they_are_a_source(folder):
    run(folder)
    (folder / "flow.py").write_text(FLOW.replace('node(make, None, "squares"), ', ""))
    assert run(folder) == "13"
    (folder / "shapes.py").write_text(SHAPES.replace("side ** 2", "side ** 3"))
    assert run(folder) == "35"
    assert '"a": 8' in (folder / "data/areas.json").read_text()
