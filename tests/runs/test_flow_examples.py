"""The flows of examples/flows, as a reader runs them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from boxes import Box

import tane

FLOWS = Path(__file__).parents[2] / "examples" / "flows"


@pytest.fixture
def flows(tmp_path: Path) -> Box:
    shutil.copytree(FLOWS, tmp_path / "flows", ignore=shutil.ignore_patterns(".tane", "__pycache__"))
    return Box(tmp_path / "flows")


def test_steps_in_a_row(flows):
    ended = flows.tane("run", "hello_flow.py")
    assert ended.code == 0
    assert "HelloFlow ends. It was said: Hello from a step!" in ended.out


def test_parameters_branches_and_a_join(flows):
    assert flows.run("shopping_flow.py").code == 0
    assert yaml.safe_load((flows.root / "data/shopping_plan.yml").read_text()) == {
        "industry": "Clothing retailing",
        "states": {"New South Wales": 527.5, "Victoria": 417.2, "Queensland": 252.7},
        "also look at": "Department stores",
    }
    again = flows.tane("run", "shopping_flow.py", "count=1").out
    assert re.findall(r"^  running +ShoppingFlow\.(\w+)", again, re.M) == ["best_states", "join", "end"]


def test_a_loop_and_its_results(flows):
    assert flows.run("stats_flow.py", "-j", "2").code == 0
    end = tane.open_project(flows.root / "stats_flow.py").load("end")
    assert len(end.industry_stats) == 13
    assert end.industry_stats["Department stores"] == {"low": 1362.6, "median": 1412.0, "high": 1490.7}
    assert flows.run("again_flow.py", "count=1").code == 0
    again = tane.open_project(flows.root / "again_flow.py").load("end")
    assert again.large_ones == ["Supermarket and grocery stores"]
    looked = subprocess.run(
        [sys.executable, "look.py"], cwd=flows.root, capture_output=True, text=True, timeout=120, check=True
    )
    assert looked.stdout.startswith("artifacts: industry_stats\nSupermarket and grocery stores")


def test_the_second_flow_needs_the_first(flows):
    ended = flows.tane("run", "again_flow.py")
    assert ended.code == 2
    assert "input 'industry_stats' of AgainFlow.start" in ended.err
