from __future__ import annotations

import os

import pytest

from tane import errors
from tane.project import additions, projects


def files(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


FINDING = """
from importlib import import_module
from pkgutil import iter_modules

from . import pipelines


def register_pipelines():
    names = [each.name for each in iter_modules(pipelines.__path__)]
    return {name: import_module(f"{pipelines.__name__}.{name}").create_pipeline() for name in names}
"""


def test_a_pipeline_has_code_parameters_and_tests(shop):
    before = files(shop)
    added = additions.add_pipeline(shop, "reporting")
    assert [name for name in files(shop) if name not in before and "__pycache__" not in name] == [
        "conf/base/parameters_reporting.yml",
        "src/shop/pipelines/__init__.py",
        "src/shop/pipelines/reporting/__init__.py",
        "src/shop/pipelines/reporting/nodes.py",
        "src/shop/pipelines/reporting/pipeline.py",
        "tests/pipelines/reporting/test_reporting_pipeline.py",
    ]
    assert all(file.is_file() for file in added.files)


def test_a_registry_that_lists_its_pipelines_gets_the_lines_to_add(shop):
    added = additions.add_pipeline(shop, "reporting")
    assert added.registered is False
    assert added.lines == ("from .pipelines import reporting", '"reporting": reporting.create_pipeline()')


def test_a_registry_that_finds_pipelines_has_it_at_once(write, shop):
    write({"src/shop/pipeline_registry.py": FINDING, "src/shop/pipelines/__init__.py": ""})
    added = additions.add_pipeline(shop, "reporting")
    assert added.registered is True and not added.lines
    project = projects.open_project(shop)
    assert list(project.pipelines()["reporting"].by_name) == ["reporting_mean"]
    assert project.config.parameters["reporting"]["numbers"] == [1, 2, 6]


def test_code_that_does_not_import_leaves_it_open(write, shop):
    write({"src/shop/work.py": "1 / 0\n"})
    added = additions.add_pipeline(shop, "reporting")
    assert added.registered is None and "ZeroDivisionError" in added.why


def test_the_projects_own_layout_is_followed(write):
    root = write(
        {
            "pyproject.toml": '[tool.tane]\npackage = "shop"\nsource = "lib"\nconf = "settings"\n',
            "lib/shop/__init__.py": "",
            "lib/shop/pipeline_registry.py": FINDING,
            "lib/shop/pipelines/__init__.py": "",
        }
    )
    assert additions.add_pipeline(root, "reporting").registered is True
    assert (root / "lib/shop/pipelines/reporting/pipeline.py").is_file()
    assert (root / "settings/base/parameters_reporting.yml").is_file()
    assert not (root / "conf").exists()


def test_the_second_time_it_names_what_is_there_and_changes_nothing(shop):
    additions.add_pipeline(shop, "reporting")
    before = files(shop)
    with pytest.raises(errors.ProjectError, match="src/shop/pipelines/reporting, conf/base/parameters_reporting.yml"):
        additions.add_pipeline(shop, "reporting")
    assert files(shop) == before


@pytest.mark.parametrize(
    "there",
    [
        "src/shop/pipelines/reporting.py",
        "conf/base/parameters_reporting.yaml",
        "tests/pipelines/reporting/test_x.py",
    ],
)
def test_a_part_that_is_there_is_in_the_way(write, shop, there):
    write({there: ""})
    before = files(shop)
    with pytest.raises(errors.ProjectError, match="or a part of one"):
        additions.add_pipeline(shop, "reporting")
    assert files(shop) == before


def test_parameters_of_the_name_are_in_the_way(write, shop):
    write({"conf/base/parameters.yml": "other: 1\nreporting: 2\n"})
    with pytest.raises(errors.ProjectError, match=r"parameters named 'reporting'") as caught:
        additions.add_pipeline(shop, "reporting")
    assert caught.value.where == "conf/base/parameters.yml:2"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("data-prep", "as in 'data_prep'"),
        ("2nd", "as in 'nd'"),
        ("_hidden", "beginning with a letter"),
        ("größe", "letters, digits and _"),
        ("", "letters, digits and _"),
        ("../up", "as in 'up'"),
        ("class", "a word of the Python language"),
        ("match", "a word of the Python language"),
        ("work", "the project has a module of that name"),
        ("pipeline_registry", "the project has a module of that name"),
        ("shop", "the project has a module of that name"),
        ("tane", "the project has a module of that name"),
    ],
)
def test_a_name_that_would_not_work_is_refused(shop, name, message):
    before = files(shop)
    with pytest.raises(errors.ProjectError, match=message):
        additions.add_pipeline(shop, name)
    assert files(shop) == before


@pytest.mark.parametrize("at", [0, 2, 4, 5])
def test_what_fails_midway_leaves_nothing(shop, monkeypatch, at):
    before = files(shop), sorted(path for path in shop.rglob("*") if path.is_dir())
    opened, count = type(shop).open, 0

    def failing(self, mode="r", *rest, **options):
        nonlocal count
        if mode == "x":
            count += 1
            if count > at:
                raise OSError(28, "No space left on device", str(self))
        return opened(self, mode, *rest, **options)

    monkeypatch.setattr(type(shop), "open", failing)
    with pytest.raises(errors.PlaceError, match="No space left"):
        additions.add_pipeline(shop, "reporting")
    monkeypatch.undo()
    assert (files(shop), sorted(path for path in shop.rglob("*") if path.is_dir())) == before


def test_a_folder_that_cannot_be_written_is_a_place_error(shop, monkeypatch):
    monkeypatch.setattr(os, "mkdir", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    with pytest.raises(errors.PlaceError, match="Permission denied"):
        additions.add_pipeline(shop, "reporting")
