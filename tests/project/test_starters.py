from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tane import errors
from tane.project import layout, settings, starters


def files(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_a_new_project_has_the_layout(tmp_path):
    root = starters.new("my-shop", tmp_path / "place")
    assert root == tmp_path / "place"
    assert (root / "src/my_shop/pipeline_registry.py").is_file()
    assert {path.name for path in (root / "data").iterdir()} == set(layout.LAYERS)
    for name in (
        ".gitignore",
        "conf/local/.gitkeep",
        "data/08_reporting/.gitkeep",
        "notebooks",
        "docs",
        "tests",
    ):
        assert (root / name).exists()


def test_a_new_project_bears_its_own_name_everywhere(tmp_path):
    root = starters.new("my-shop", tmp_path / "place")
    assert settings.read(root).package == "my_shop"
    assert tomllib.loads((root / "pyproject.toml").read_text())["project"]["name"] == "my-shop"
    assert (root / "README.md").read_text().startswith("# my-shop\n")
    for name in files(root):
        if not name.endswith(".csv"):
            text = (root / name).read_text()
            assert "blank" not in text
            assert "{{" not in text


def test_the_package_may_have_a_name_of_its_own(tmp_path):
    assert (starters.new("My-Shop", tmp_path / "a", package="Till") / "src/Till").is_dir()


def test_by_default_the_folder_is_called_like_the_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert starters.new("shop") == tmp_path / "shop"


def test_making_it_twice_is_refused_and_changes_nothing(tmp_path):
    root = starters.new("shop", tmp_path / "shop")
    (root / "README.md").write_text("mine")
    with pytest.raises(errors.ProjectError, match="not empty: it holds"):
        starters.new("shop", root)
    assert (root / "README.md").read_text() == "mine"


def test_an_empty_folder_is_filled_where_it_stands(tmp_path):
    (tmp_path / "shop").mkdir()
    before = (tmp_path / "shop").stat().st_ino
    starters.new("shop", tmp_path / "shop")
    assert (tmp_path / "shop").stat().st_ino == before
    assert (tmp_path / "shop/pyproject.toml").is_file()


def test_a_file_in_the_way_is_named(write):
    root = write({"shop": ""})
    with pytest.raises(errors.ProjectError, match="a file of that name"):
        starters.new("shop", root / "shop")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("my shop", "as in 'my-shop'"),
        ("1shop", "beginning with a letter"),
        ("a/b", "not a name for a project"),
        ("café", "not a name for a project"),
        ("", "not a name for a project"),
        ("class", "a word of the Python language"),
        ("match", "a word of the Python language"),
        ("test", "Python's standard library"),
        ("JSON", "Python's standard library"),
        ("tests", "the layout or Tane itself"),
        ("tane", "the layout or Tane itself"),
        ("pytest", "installed here"),
    ],
)
def test_a_name_that_would_not_work_is_refused(tmp_path, name, message):
    with pytest.raises(errors.ProjectError, match=message):
        starters.new(name, tmp_path / "place")
    assert not list(tmp_path.iterdir())


def test_a_package_that_is_no_name_is_refused(tmp_path):
    with pytest.raises(errors.ProjectError, match="'my-till' is not a name for a package"):
        starters.new("shop", tmp_path / "place", package="my-till")


def test_an_unknown_starter_offers_the_near_one(tmp_path):
    with pytest.raises(errors.ProjectError, match="did you mean 'blank'") as caught:
        starters.new("shop", tmp_path / "place", starter="blnak")
    assert "there are: blank" in caught.value.what


@pytest.mark.parametrize("emptied", [False, True])
def test_what_fails_midway_leaves_nothing(tmp_path, monkeypatch, emptied):
    def full(*_):
        raise OSError(28, "No space left on device")

    if emptied:
        (tmp_path / "shop").mkdir()
    monkeypatch.setattr(starters, "_renamed", full)
    with pytest.raises(errors.PlaceError, match="No space left"):
        starters.new("shop", tmp_path / "shop")
    assert [path.name for path in tmp_path.rglob("*")] == (["shop"] if emptied else [])


def test_traces_of_use_are_not_copied(tmp_path):
    for starter in starters.available():
        root = starters.new("shop", tmp_path / starter, starter=starter)
        assert not [name for name in files(root) if "__pycache__" in name or name.startswith(".tane/")]


@pytest.mark.parametrize(
    ("suffix", "before", "after"),
    [
        (
            ".py",
            "from fraud.pipelines import x\n    import fraud\n",
            "from till.pipelines import x\n    import till\n",
        ),
        (".py", "labels come from fraud reports\nfraud = 1\n", "labels come from fraud reports\nfraud = 1\n"),
        (".py", 'patch("fraud.nodes.read")', 'patch("till.nodes.read")'),
        (".toml", 'name = "fraud"\npackage = "fraud"\n', 'name = "my-till"\npackage = "till"\n'),
        (".toml", 'dependencies = ["tane[fraud]"]', 'dependencies = ["tane[fraud]"]'),
        (".md", "`src/fraud/nodes.py`, python -m fraud, fraud", "`src/till/nodes.py`, python -m till, fraud"),
        (".md", "# fraud\n\nfraud\n", "# my-till\n\nfraud\n"),
        (".yml", "  type: fraud.datasets.Pdf", "  type: till.datasets.Pdf"),
        (".ipynb", '"from fraud.nodes import x\\n"', '"from till.nodes import x\\n"'),
    ],
)
def test_only_the_package_is_renamed(suffix, before, after):
    assert starters._renamed(before, suffix, "fraud", "my-till", "till") == after


def test_the_tests_of_a_new_project_pass(tmp_path):
    root = starters.new("shop", tmp_path / "shop")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    own = os.environ | {"PYTHONPATH": str(Path(errors.__file__).parents[1])}
    done = subprocess.run(command, cwd=root, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
