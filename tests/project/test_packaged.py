from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tane import errors
from tane.project import packaged

PACKAGED = {
    "site-packages/till/__init__.py": "",
    "site-packages/till/pipeline_registry.py": (
        "from tane.pipeline.graph import Pipeline\n\n\ndef one(numbers):\n    return 1\n\n\n"
        "def register_pipelines():\n    return {'a': Pipeline([one])}\n"
    ),
    "site-packages/till/conf/base/parameters.yml": "rate: 1\n",
    "site-packages/till/conf/base/catalog.yml": "numbers: {type: json.JSONDataset, filepath: data/numbers.json}\n",
    "site-packages/till/conf/night/parameters.yml": "rate: 2\n",
    "site-packages/till/pyproject.toml": (
        '[project]\nname = "my-till"\n[tool.tane]\npackage = "till"\nsource = "lib"\nstore = "/elsewhere"\n'
        'keep = "none"\nremotes = { a = "s3://b/c" }\n'
    ),
}


@pytest.fixture
def here(write, monkeypatch) -> Path:
    """An empty folder, and the package `till` installed beside it."""
    root = write(PACKAGED)
    monkeypatch.setattr(sys, "path", [str(root / "site-packages"), *sys.path])
    (root / "here").mkdir()
    monkeypatch.chdir(root / "here")
    return root / "here"


def copies(here):
    return [entry.name for entry in (here / ".tane/code").iterdir()]


def test_the_current_folder_is_the_root_and_the_package_says_the_rest(here):
    project = packaged.open_package("till")
    assert (project.root, project.name, project.package, project.keep) == (here, "my-till", "till", "none")
    assert (project.store, project.ledger) == (here / ".tane/objects", here / ".tane/ledger.db")
    assert project.remotes == {"a": "s3://b/c"}
    assert project.config.parameters == {"rate": 1}
    assert project.catalog.entry("numbers").local == here / "data/numbers.json"


def test_the_code_is_a_copy_known_by_its_content(here):
    project = packaged.open_package("till")
    function = project.pipelines()["a"].nodes[0].func
    assert Path(function.__code__.co_filename).is_relative_to(here / ".tane/code")
    packaged.open_package("till")
    assert len(copies(here)) == 1


def test_other_code_is_another_copy_and_old_ones_are_forgotten(here):
    file = here.parent / "site-packages/till/pipeline_registry.py"
    for number in range(7):
        file.write_text(PACKAGED["site-packages/till/pipeline_registry.py"].replace("return 1", f"return {number}"))
        (node,) = packaged.open_package("till").pipelines()["a"].nodes
        assert node.func(0) == number
    assert len(copies(here)) == 4


def test_caches_are_no_content(here):
    packaged.open_package("till")
    cache = here.parent / "site-packages/till/__pycache__"
    cache.mkdir(exist_ok=True)
    (cache / "x.pyc").write_bytes(b"x")
    packaged.open_package("till")
    assert len(copies(here)) == 1


def test_folders_of_configuration_here_come_before_the_packaged_ones(here, write):
    write({"here/conf/night/parameters.yml": "rate: 3\n", "here/conf/local/credentials.yml": "db: {key: x}\n"})
    project = packaged.open_package("till", env=["night"])
    assert project.config.parameters == {"rate": 3}
    assert list(project.config.credentials) == ["db"]
    assert project.catalog.names() == ["numbers"]
    shutil.rmtree(here / "conf/night")
    assert packaged.open_package("till", env=["night"]).config.parameters == {"rate": 2}
    shutil.rmtree(here / "conf")
    assert not packaged.open_package("till").config.credentials


def test_a_package_without_configuration_takes_that_of_this_folder(here, write):
    shutil.rmtree(here.parent / "site-packages/till/conf")
    write({"here/conf/base/parameters.yml": "rate: 5\n"})
    assert packaged.open_package("till").config.parameters == {"rate": 5}


def test_a_package_without_settings_takes_the_usual_ones(here):
    (here.parent / "site-packages/till/pyproject.toml").unlink()
    assert packaged.open_package("till").name == "till"


def test_settings_that_cannot_be_read_are_an_error(here):
    (here.parent / "site-packages/till/pyproject.toml").write_text("[")
    with pytest.raises(errors.ProjectError, match="packaged settings cannot be read"):
        packaged.open_package("till")


def test_a_package_that_is_not_there_is_an_error(here):
    with pytest.raises(errors.ProjectError, match="no package 'tilll'"):
        packaged.folder_of("tilll")


def test_sources_are_told_from_installed_packages(shop):
    assert packaged.source_tree(shop / "src/shop", "shop") == shop
    assert packaged.source_tree(shop / "src/shop", "other") is None
    (shop / "src/shop/pyproject.toml").write_text("")
    assert packaged.source_tree(shop / "src/shop", "shop") is None


def test_an_environment_inside_a_project_is_not_taken_for_its_sources(shop):
    assert packaged.source_tree(shop / ".venv/lib/python3/site-packages/shop", "shop") is None
