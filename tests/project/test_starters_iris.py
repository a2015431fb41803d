"""What the starter `iris` puts into a new project."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
import zipfile

import pytest

from tane.config import compose
from tane.project import layout, settings, starters


@pytest.fixture
def root(tmp_path):
    return starters.new("my-garden", tmp_path / "garden", starter="iris")


def test_it_has_the_whole_layout(root):
    assert {path.name for path in (root / "data").iterdir()} == set(layout.LAYERS)
    for name in (
        "conf/base/catalog.yml",
        "conf/base/parameters.yml",
        "conf/base/logging.yml",
        "conf/local/credentials.yml",
        "data/01_raw/iris.csv",
        "data/01_raw/README.md",
        "notebooks/look.ipynb",
        "src/my_garden/pipelines/data_engineering/nodes.py",
        "src/my_garden/pipelines/data_science/nodes.py",
        "tests/pipelines/test_data_science.py",
    ):
        assert (root / name).is_file()


def test_it_bears_the_new_name(root):
    made = tomllib.loads((root / "pyproject.toml").read_text())
    assert (made["project"]["name"], settings.read(root).package) == ("my-garden", "my_garden")
    assert made["project"]["dependencies"] == ["tane[iris]"]
    code = [path.read_text() for path in root.rglob("*.py")]
    assert not any("import iris" in text or "from iris" in text or "{{" in text for text in code)


def test_every_code_file_can_be_compiled(root):
    for path in root.rglob("*.py"):
        ast.parse(path.read_text())


def test_where_the_flowers_come_from_is_told(root):
    told = (root / "data/01_raw/README.md").read_text()
    assert all(word in told for word in ("Fisher", "CC BY 4.0", "Cite"))


def test_git_leaves_secrets_and_results_out(root):
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    known = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard"], cwd=root, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert "conf/local/credentials.yml" not in known
    assert {"conf/local/.gitkeep", "data/01_raw/iris.csv", "data/08_reporting/.gitkeep"} <= set(known)


def test_the_configuration_holds_together(root):
    config = compose.compose(root)
    assert {entry["metadata"]["layer"] for entry in config.catalog.values()} == {
        "raw",
        "intermediate",
        "feature",
        "models",
        "model_output",
        "reporting",
    }
    assert config.parameters["test_data_ratio"] == 0.2
    assert "your-secret-key" not in json.dumps(config.plain())


def test_the_logging_is_a_dict_config_that_names_its_own_parts(root):
    section = compose.compose(root).section("logging")
    assert set(section["root"]["handlers"]) <= set(section["handlers"])
    assert {handler["formatter"] for handler in section["handlers"].values()} <= set(section["formatters"])


def test_the_notebook_is_one(root):
    notebook = json.loads((root / "notebooks/look.ipynb").read_text())
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    cells = notebook["cells"]
    assert len({cell["id"] for cell in cells}) == len(cells)
    for cell in cells:
        assert cell["cell_type"] in ("code", "markdown")
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None
            ast.parse("".join(cell["source"]))


def test_every_node_has_a_test(root):
    tested = "".join(path.read_text() for path in (root / "tests").rglob("*.py"))
    for name in ("remove_outliers", "scale", "split", "train", "predict", "evaluate", "draw_confusion_matrix"):
        assert f"{name}(" in tested


def test_it_makes_a_wheel(root, tmp_path):
    pytest.importorskip("hatchling")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp_path, root],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
    assert "my_garden/pipelines/data_science/models.py" in names
    assert "my_garden/conf/base/catalog.yml" in names
    assert not [name for name in names if "local" in name or name.startswith(("data/", "tests/"))]
