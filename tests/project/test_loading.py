from __future__ import annotations

import pickle
import sys

import pytest

from tane import errors
from tane.project import loading

FLOW = """
from tane.pipeline.graph import Pipeline

def first(raw): return raw
def second(first): return first
"""


def flow(write, text, name="flow.py"):
    return loading.flow(write({name: FLOW + text}) / name).pipelines


def failure(root, package="shop"):
    with pytest.raises(errors.UserCodeError) as caught:
        loading.package(root / "src", package)
    return caught.value


# --- a package


def test_the_registry_names_the_pipelines(shop):
    found = loading.package(shop / "src", "shop").pipelines
    assert [node.name for node in found["numbers"]] == ["double"]


def test_without_a_default_all_pipelines_are_it(shop, write):
    write({"src/shop/more.py": "def triple(double): return 3 * double"})
    text = "from tane.pipeline.graph import Pipeline\nfrom .work import double\nfrom .more import triple\n"
    text += "def register_pipelines(): return {'a': Pipeline([double]), 'b': Pipeline([double, triple])}"
    write({"src/shop/pipeline_registry.py": text})
    found = loading.package(shop / "src", "shop").pipelines
    assert [node.name for node in found["__default__"]] == ["double", "triple"]


def test_functions_pickle_by_module_and_name(shop):
    (node,) = loading.package(shop / "src", "shop").pipelines["numbers"]
    assert pickle.loads(pickle.dumps(node.func)) is node.func
    assert node.func.__module__ == "shop.work"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"no function register_pipelines\(\)"),
        ("def register_pipeline(): return {}", "did you mean 'register_pipeline'"),
        ("def register_pipelines(): return []", "gave a list, not a dict"),
        ("def register_pipelines(): return {'a': [1]}", "'a': a list, not a Pipeline"),
        ("def register_pipelines(): return {'a': lambda: 1}", "call it"),
    ],
)
def test_a_registry_must_give_pipelines(shop, write, text, message):
    write({"src/shop/pipeline_registry.py": text})
    with pytest.raises(errors.ProjectError, match=message):
        loading.package(shop / "src", "shop")


def test_a_package_without_a_registry_is_told_to_have_one(write):
    root = write({"src/shop/__init__.py": ""})
    with pytest.raises(errors.ProjectError, match=r"has no pipeline_registry\.py"):
        loading.package(root / "src", "shop")


# --- code that fails


def test_a_broken_import_shows_the_users_frames_only(shop, write):
    write({"src/shop/work.py": "x = 1\n1 / 0\n"})
    error = failure(shop)
    assert error.exit_code == 1
    assert error.where == f"{shop}/src/shop/work.py:2"
    assert "ZeroDivisionError" in error.what
    assert f'File "{shop}/src/shop/pipeline_registry.py"' in error.traceback
    assert "importlib" not in error.traceback
    assert "loading.py" not in error.traceback


def test_a_syntax_error_is_shown_at_its_line(shop, write):
    write({"src/shop/work.py": "x = 1\ndef double(:\n"})
    error = failure(shop)
    assert error.where == f"{shop}/src/shop/work.py:2"
    assert "def double(:" in error.hint


def test_a_missing_module_of_the_project_offers_the_near_one(shop, write):
    write({"src/shop/pipeline_registry.py": "from shop.wrok import double"})
    assert "did you mean 'work'" in failure(shop).hint


def test_a_missing_package_is_to_be_installed(shop, write):
    write({"src/shop/work.py": "import no_such_package_here.part"})
    error = failure(shop)
    assert error.hint == "install the package of 'no_such_package_here'"
    assert error.where == f"{shop}/src/shop/work.py:1"


def test_a_module_that_ends_the_process_is_an_error(shop, write):
    write({"src/shop/work.py": "import sys\nsys.exit(3)"})
    assert "must not end the process" in failure(shop).hint


def test_a_registry_that_raises_is_the_users_error(shop, write):
    write({"src/shop/pipeline_registry.py": "def register_pipelines():\n    raise KeyError('a')"})
    assert failure(shop).where == f"{shop}/src/shop/pipeline_registry.py:2"


def test_a_mistake_in_a_node_is_shown_at_its_line(shop, write):
    text = "from tane.pipeline.nodes import node\n\ndef register_pipelines():\n    node(len, ['a', 'b'], 'c')"
    write({"src/shop/pipeline_registry.py": text})
    with pytest.raises(errors.PipelineError, match=r"pipeline_registry\.py:4 \(node 'len'\)"):
        loading.package(shop / "src", "shop")


def test_a_mended_module_imports_the_second_time(shop, write):
    write({"src/shop/work.py": "broken"})
    failure(shop)
    write({"src/shop/work.py": "def double(number):\n    return 2 * number + 0"})
    assert loading.package(shop / "src", "shop").pipelines["numbers"]


# --- one file


def test_the_variable_pipeline_is_the_default(write):
    found = flow(write, "pipeline = Pipeline([first, second])")
    assert list(found) == ["__default__"]
    assert len(found["__default__"]) == 2


def test_variables_that_are_pipelines_go_by_their_names(write):
    found = flow(write, "one = Pipeline([first])\ntwo = Pipeline([second])\n_three = one")
    assert set(found) == {"one", "two", "__default__"}
    assert len(found["__default__"]) == 2


def test_a_dict_of_pipelines_goes_by_its_keys(write):
    found = flow(write, "pipelines = {'a': Pipeline([first]), '__default__': Pipeline([second])}")
    assert [len(found[name]) for name in ("a", "__default__")] == [1, 1]


def test_a_file_is_a_real_module(write):
    (node,) = flow(write, "pipeline = Pipeline([first])")["__default__"]
    assert pickle.loads(pickle.dumps(node.func)) is node.func
    assert node.func.__module__ == "flow"


def test_a_file_imports_what_lies_beside_it(write):
    write({"beside.py": "def helper(x): return x"})
    assert flow(write, "from beside import helper\npipeline = Pipeline([helper])")["__default__"].nodes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "makes no pipeline"),
        ("pipeline = [first]", "is a list"),
        ("pipelines = {'a': first}", "'a': a function"),
    ],
)
def test_a_file_must_make_a_pipeline(write, text, message):
    with pytest.raises(errors.ProjectError, match=message):
        flow(write, text)


@pytest.mark.parametrize("name", ["random.py", "yaml.py", "flow.v2.py", "tane.py"])
def test_a_file_whose_name_is_taken_is_refused(write, name):
    import yaml  # noqa: F401 - an installed package that is loaded

    with pytest.raises(errors.ProjectError, match="rename it"):
        flow(write, "pipeline = Pipeline([first])", name)


# --- two in one process


def two_flows(write):
    paths = []
    for name, value in (("a", 1), ("b", 2)):
        text = "from tane.pipeline.graph import Pipeline\nfrom numbers_here import VALUE\n"
        text += f"def {name}(): return VALUE\npipeline = Pipeline([{name}])\n"
        root = write({f"{name}/flow.py": text, f"{name}/numbers_here.py": f"VALUE = {value}"})
        paths.append(root / name / "flow.py")
    return paths


def test_two_files_of_one_name_give_their_own_functions(write):
    results = []
    for path in two_flows(write):
        (node,) = loading.flow(path).pipelines["__default__"]
        results.append(node.func())
    assert results == [1, 2]


def test_the_first_project_gets_its_modules_back_when_it_is_used_again(write):
    first, second = two_flows(write)
    loaded = loading.flow(first)
    loading.flow(second)
    loading.use(first.parent, loaded.modules)
    (node,) = loaded.pipelines["__default__"]
    assert pickle.loads(pickle.dumps(node.func)) is node.func
    assert sys.modules["numbers_here"].VALUE == 1


def test_two_packages_of_one_name_give_their_own_functions(shop, write):
    names = ("pipeline_registry.py", "work.py", "__init__.py")
    for name in names:
        write({f"other/src/shop/{name}": (shop / "src/shop" / name).read_text().replace("2 *", "20 *")})
    results = []
    for root in (shop, shop / "other"):
        (node,) = loading.package(root / "src", "shop").pipelines["numbers"]
        results.append(node.func(1))
    assert results == [2, 20]


def test_a_link_to_a_project_is_that_project(shop, tmp_path):
    module = loading.package(shop / "src", "shop").modules["shop.work"]
    (tmp_path / "link").symlink_to(shop / "src")
    loading.use(tmp_path / "link")
    assert sys.modules["shop.work"] is module
