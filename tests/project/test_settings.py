from __future__ import annotations

import pytest

from tane import errors
from tane.project import settings


def read(write, text, package="shop", source="src"):
    return settings.read(write({"pyproject.toml": text, f"{source}/{package}/pipeline_registry.py": ""}))


def test_what_is_not_said_has_the_layouts_names(write, tmp_path):
    found = read(write, '[project]\nname = "my-shop"\n[tool.tane]\npackage = "shop"')
    assert found == settings.Settings(
        "my-shop",
        "shop",
        tmp_path / "src",
        tmp_path / "conf",
        tmp_path / ".tane/objects",
        tmp_path / ".tane/ledger.db",
    )


def test_what_is_said_stands(write, tmp_path):
    text = '[tool.tane]\npackage = "shop"\nsource = "lib"\nstore = "/big/objects"\nkeep = "none"\n'
    found = read(write, text + '[tool.tane.remotes]\norigin = "s3://bucket"', source="lib")
    assert (found.source, str(found.store), found.keep) == (tmp_path / "lib", "/big/objects", "none")
    assert found.remotes == {"origin": "s3://bucket"}


def test_the_only_package_with_pipelines_needs_no_naming(write):
    assert read(write, "[tool.tane]").package == "shop"


def test_a_project_without_a_name_is_called_like_its_folder(write, tmp_path):
    assert read(write, "[tool.tane]").name == tmp_path.name


def test_all_mistakes_are_reported_at_once_with_their_lines(write):
    with pytest.raises(errors.ProjectError) as caught:
        read(write, '[tool.tane]\npackge = "shop"\nkeep = "some"\nledger = "postgresql://host"')
    text = str(caught.value)
    assert "pyproject.toml:2: [tool.tane] has no key 'packge'" in text
    assert "did you mean 'package'?" in text
    assert "pyproject.toml:3: keep is 'some'" in text
    assert "pyproject.toml:4: ledger is a URL" in text


@pytest.mark.parametrize("value", ["3", '""', '"my-shop"', '"a.b"'])
def test_a_package_must_be_a_name(write, value):
    with pytest.raises(errors.ProjectError, match="package"):
        read(write, f"[tool.tane]\npackage = {value}")


def test_broken_toml_is_shown_with_its_line(write):
    with pytest.raises(errors.ProjectError, match=r"pyproject\.toml:2: this is not TOML") as caught:
        read(write, '[tool.tane]\npackage = shop"')
    assert "package = shop" in caught.value.hint


def test_an_unknown_package_offers_the_near_one(write):
    with pytest.raises(errors.ProjectError, match="did you mean 'shop'"):
        read(write, '[tool.tane]\npackage = "shopp"')


def test_a_missing_source_folder_is_named(write):
    with pytest.raises(errors.ProjectError, match=r"source folder .*lib does not exist"):
        read(write, '[tool.tane]\npackage = "shop"\nsource = "lib"')


def test_several_packages_with_pipelines_must_be_chosen_from(write):
    write({"src/other/pipeline_registry.py": ""})
    with pytest.raises(errors.ProjectError, match="other, shop"):
        read(write, "[tool.tane]")
