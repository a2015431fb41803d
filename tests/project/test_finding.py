from __future__ import annotations

import subprocess
import sys

import pytest

from tane import errors
from tane.project import finding


def test_a_project_is_found_from_a_folder_deep_in_it(shop):
    assert finding.find(shop / "src" / "shop") == finding.Place(shop, "project")


def test_a_project_is_found_from_the_folder_one_stands_in(shop, monkeypatch):
    monkeypatch.chdir(shop / "src")
    assert finding.find().root == shop


def test_a_python_file_is_a_project_of_its_own(write):
    root = write({"flow.py": ""})
    assert finding.find(root / "flow.py") == finding.Place(root, "file", root / "flow.py")


@pytest.mark.parametrize(
    "text",
    ["[tool.tane]", "[ tool . tane ]", "tool.tane.package = 'a'", "[tool]\ntane = {}", "[tool.tane.remotes]"],
)
def test_every_spelling_of_the_table_makes_a_project(write, text):
    assert finding.find(write({"pyproject.toml": text})).kind == "project"


def test_a_pyproject_that_only_depends_on_tane_is_passed_over(write):
    root = write({"pyproject.toml": "[tool.tane]", "lib/pyproject.toml": '[project]\ndependencies = ["tane"]'})
    assert finding.find(root / "lib").root == root


def test_without_a_project_the_error_says_how_to_make_one(tmp_path):
    with pytest.raises(errors.ProjectError, match="tane new NAME"):
        finding.find(tmp_path)


def test_without_a_project_a_flow_file_is_pointed_out(write):
    with pytest.raises(errors.ProjectError, match=r"tane run flow\.py"):
        finding.find(write({"flow.py": ""}))


def test_a_pyproject_without_the_table_is_named(write):
    root = write({"pyproject.toml": "[project]"})
    with pytest.raises(errors.ProjectError, match=r"pyproject\.toml has no \[tool\.tane\]"):
        finding.find(root)


def test_a_missing_file_offers_the_near_one(write):
    root = write({"flow.py": "", "flow.txt": ""})
    with pytest.raises(errors.ProjectError, match=r"did you mean 'flow\.py'"):
        finding.find(root / "flwo.py")


def test_a_missing_folder_offers_the_near_one(shop):
    with pytest.raises(errors.ProjectError, match="did you mean 'src'"):
        finding.find(shop / "scr")


def test_finding_loads_nothing_slow(shop):
    code = "import sys; from tane.project import finding; finding.find(sys.argv[1]); print(*sys.modules)"
    command = [sys.executable, "-c", code, str(shop)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert {"tomllib", "yaml", "dataclasses", "inspect", "subprocess"}.isdisjoint(done.stdout.split())
