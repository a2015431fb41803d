from __future__ import annotations

import pickle
import sys

import pytest

from tane import errors
from tane.project import projects

FLOW = """
from tane.pipeline.graph import Pipeline

def fit(raw, lr=0.05):
    return raw * lr

pipeline = Pipeline([fit])
"""

CONF = {
    "conf/base/parameters.yml": "import:\n  path: data/01_raw/a.csv\nrows: 10\n",
    "conf/prod/parameters.yml": "import:\n  path: data/01_raw/b.csv\n",
    "conf/base/catalog.yml": (
        "raw:\n  type: pandas.CSVDataset\n  filepath: ${params:import.path}\n  load_args:\n    nrows: ${params:rows}\n"
    ),
}


def test_an_open_project_has_all_its_parts(shop, write):
    write(CONF)
    project = projects.open_project(shop / "src", environ={})
    assert (project.root, project.name, project.package, project.kind) == (shop, "shop", "shop", "project")
    assert project.config.parameters["rows"] == 10
    assert project.catalog.find("raw").local == shop / "data/01_raw/a.csv"
    assert [node.name for node in project.pipelines()["numbers"]] == ["double"]
    assert project.code == (shop / "src",)
    assert shop / "src/shop/work.py" in project.source_files()


def test_opening_imports_and_writes_nothing(shop):
    (shop / "src/shop/work.py").write_text("1 / 0")
    before = sorted(shop.rglob("*"))
    projects.open_project(shop, environ={})
    assert sorted(shop.rglob("*")) == before


def test_environments_and_overrides_reach_the_catalog(shop, write):
    write(CONF)
    project = projects.open_project(shop, env="prod", overrides=["rows=3"], environ={})
    raw = project.catalog.find("raw")
    assert raw.local == shop / "data/01_raw/b.csv"
    assert raw.load_spec != projects.open_project(shop, env="prod", environ={}).catalog.find("raw").load_spec


def test_an_unknown_parameter_in_the_catalog_is_shown_at_its_line(shop, write):
    write(CONF | {"conf/base/catalog.yml": "raw:\n  type: text.TextDataset\n  filepath: ${params:import.pth}\n"})
    with pytest.raises(errors.CatalogError, match=r"catalog\.yml:3: .*import\.pth"):
        _ = projects.open_project(shop, environ={}).catalog


def test_a_project_can_have_datasets_of_its_own(shop, write):
    write({"src/shop/pdf.py": "class Pdf:\n    def load(self): return 7\n    def save(self, data): pass\n"})
    write({"conf/base/catalog.yml": "page:\n  type: shop.pdf.Pdf\n"})
    assert projects.open_project(shop, environ={}).catalog.find("page").load() == 7


def test_a_project_cannot_be_changed(shop):
    with pytest.raises(AttributeError, match="frozen"):
        projects.open_project(shop).name = "other"


def test_the_environments_values_do_not_show(shop):
    assert "hush" not in repr(projects.open_project(shop, environ={"TOKEN": "hush"}))


def test_a_file_is_a_project_with_conf_beside_it(write):
    root = write({"flow.py": FLOW, "conf/base/parameters.yml": "lr: 0.3\n"})
    project = projects.open_project(root / "flow.py", environ={})
    assert (project.root, project.name, project.kind) == (root, "flow", "file")
    assert project.store == root / ".tane/objects"
    assert project.config.parameters["lr"] == 0.3
    assert [node.name for node in project.pipelines()["__default__"]] == ["fit"]


def test_a_file_without_conf_takes_overrides_of_its_defaults(write):
    root = write({"flow.py": FLOW})
    assert projects.open_project(root / "flow.py", overrides=["lr=0.1"], environ={}).config.parameters["lr"] == 0.1


def test_an_override_that_nothing_declares_is_refused(write):
    root = write({"flow.py": FLOW})
    with pytest.raises(errors.ConfigError, match="rate"):
        _ = projects.open_project(root / "flow.py", overrides=["rate=0.1"], environ={}).config


def test_two_open_projects_of_one_package_name_keep_apart(shop, write):
    for name in (
        "pyproject.toml",
        "src/shop/__init__.py",
        "src/shop/pipeline_registry.py",
        "src/shop/work.py",
    ):
        write({f"other/{name}": (shop / name).read_text().replace("2 *", "20 *")})
    pair = [projects.open_project(root, environ={}) for root in (shop, shop / "other")]
    for _ in range(2):
        for project, result in zip(pair, (2, 20), strict=True):
            (node,) = project.pipelines()["numbers"]
            assert node.func(1) == result
            assert pickle.loads(pickle.dumps(node.func)) is node.func
            assert sys.modules["shop.work"].__file__ == str(project.root / "src/shop/work.py")


def test_the_users_code_is_imported_once(shop, write):
    write({"src/shop/work.py": "print('imported')\ndef double(number): return 2 * number"})
    project = projects.open_project(shop, environ={})
    assert project.pipelines()["numbers"] is project.pipelines()["numbers"]
