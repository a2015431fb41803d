"""The fixtures open the project of a test, and nothing that is done with them leaves the test's folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tane import Pipeline, errors, node
from tane.testing import assert_ran, assert_reused

HERE = Path(__file__).parent
SHOP = HERE / "shop"

pytestmark = pytest.mark.tane("shop")


def files(folder):
    """Every file below a folder with its content, compiled ones left out."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


@pytest.fixture(autouse=True)
def untouched():
    before = files(SHOP)
    yield
    assert files(SHOP) == before
    assert not Path("/nowhere").exists()


# --- project ------------------------------------------------------------------------------------------------


def test_a_project_runs_in_the_tests_folder(project, tmp_path):
    run = project.run("totals")
    assert run["report"] == "12 in all"
    totals = project.catalog.find("totals").local
    assert totals.is_file() and totals.is_relative_to(tmp_path)
    assert project.folder.is_relative_to(tmp_path)
    assert (project.folder / "tane.lock").is_file() and (project.folder / ".tane").is_dir()
    assert project.load("report") == "12 in all"


def test_a_second_run_of_a_test_reuses_what_the_first_made(project):
    assert_ran(project.run("totals"), "total", "report", reason="first run")
    assert_reused(project.run("totals"))
    assert_ran(project.run("totals", overrides=["rate=3.0"]), "total", reason="parameter rate 2.0 -> 3.0")


@pytest.mark.parametrize("again", [1, 2])
def test_tests_know_nothing_of_each_other(project, again):
    assert_ran(project.run("totals"))


def test_what_a_node_makes_is_not_taken_from_the_real_place(project):
    with pytest.raises(errors.CatalogError, match="report"):
        project.run("stamping")


def test_outputs_outside_of_the_project_stay_in_the_tests_folder(project, tiny_run):
    run = tiny_run("spreading", inputs={"report": "hello"})
    assert_ran(run)
    assert [run[name] for name in ("archive", "cloud", "table")] == ["hello"] * 3
    assert project.catalog.find("archive").local == project.folder / "elsewhere/nowhere/at/all/archive.txt"
    assert project.catalog.find("cloud").local.read_text() == "hello"
    assert project.catalog.find("table") is None


def test_nothing_is_noted_as_worked_off_at_the_real_place(project):
    assert project.run("counting")["day_count"] == 2
    assert project.run("counting")["day_count"] == 2
    assert project.catalog.find("day_count").local == project.folder / "data/02_intermediate/count.json"


def test_hooks_are_left_out(project):
    project.run("totals")
    from shop_sample import watching

    assert watching.seen == []


@pytest.mark.tane(hooks=True)
def test_hooks_take_part_when_asked_for(project):
    project.run("totals")
    from shop_sample import watching

    assert watching.seen == ["total", "report"]
    watching.seen.clear()


@pytest.mark.tane(env="dear")
def test_a_marker_names_the_environment(project):
    assert project.run("totals")["report"] == "60 in all"
    assert project.run("totals", overrides=["rate=1.0"])["report"] == "6 in all"


@pytest.mark.tane(overrides=["rate=5.0"])
def test_a_marker_gives_overrides(project):
    assert project.parameters["rate"] == 5.0
    assert project.run("totals", env="dear")["report"] == "30 in all"


@pytest.mark.parametrize("project", ["dear", {"overrides": ["rate=1.5"]}], indirect=True)
def test_projects_can_be_parametrized(project):
    assert project.parameters["rate"] in (10.0, 1.5)


@pytest.mark.tane("no_such_folder")
def test_a_named_project_must_be_there(request):
    with pytest.raises(errors.ProjectError, match="no_such_folder"):
        request.getfixturevalue("project")


@pytest.mark.tane(enviroment="dear")
def test_a_misspelt_option_of_the_marker_is_refused(request):
    with pytest.raises(errors.UsageError, match="takes no 'enviroment'"):
        request.getfixturevalue("project")


@pytest.mark.parametrize("verb", ["backfill", "replay"])
def test_what_would_open_the_real_project_is_refused(project, verb):
    with pytest.raises(errors.UsageError, match=verb):
        getattr(project, verb)("2024-01-01", "2024-01-03", every="1d")


def test_processes_work_in_the_tests_folder_too(project):
    assert project.run("totals", jobs=2, executor="processes")["report"] == "12 in all"


# --- catalog ------------------------------------------------------------------------------------------------


def test_inputs_are_loaded_from_their_real_place(catalog):
    assert catalog.load("prices") == {"x": [1, 2, 3]}
    assert catalog.path("prices") == SHOP / "data/01_raw/prices.json"


def test_an_input_that_a_test_saves_is_what_runs_take(catalog, project, tmp_path):
    catalog.save("prices", {"x": [5]})
    assert catalog.load("prices") == {"x": [5]}
    assert catalog.path("prices").is_relative_to(tmp_path)
    assert project.run("totals")["report"] == "10 in all"
    assert project.run("totals", overrides=["rate=1.0"])["report"] == "5 in all"


def test_what_a_run_made_is_loaded(catalog, project):
    assert not catalog.exists("totals")
    project.run("totals")
    assert catalog.exists("totals")
    assert (catalog.load("totals"), catalog.load("report")) == ({"sum": 12.0}, "12 in all")


@pytest.mark.parametrize("name", ["report", "table", "no_such_name"])
def test_values_without_a_file_can_be_saved(catalog, name):
    catalog.save(name, "anything")
    assert catalog.exists(name)
    assert catalog.load(name) == "anything"
    assert name in catalog.names()


def test_a_value_saved_under_a_name_without_an_entry_is_taken_by_runs(catalog, tiny_run):
    catalog.save("report", "saved")
    assert "saved" in tiny_run("stamping")["stamped"]


def test_a_value_that_does_not_fit_is_refused_and_changes_nothing(catalog):
    with pytest.raises(errors.CatalogError, match="prices"):
        catalog.save("prices", {"x": object()})
    assert catalog.load("prices") == {"x": [1, 2, 3]}


def test_what_is_not_there_is_told(catalog):
    with pytest.raises(errors.CatalogError, match="totals"):
        catalog.load("totals")
    with pytest.raises(errors.CatalogError, match="did you mean 'prices'"):
        catalog.load("pricse")
    with pytest.raises(errors.CatalogError, match="no local file"):
        catalog.path("items")


# --- tiny_run -----------------------------------------------------------------------------------------------


def test_a_pipeline_runs_on_given_inputs_and_parameters(tiny_run):
    run = tiny_run("totals", inputs={"prices": {"x": [1]}}, params={"rate": 0.5})
    assert run["report"] == "0.5 in all"


def test_the_default_pipeline_needs_no_name(tiny_run):
    assert tiny_run(params={"rate": 1})["report"] == "6 in all"


def test_a_part_can_be_chosen(tiny_run):
    assert [step.node for step in tiny_run("totals", nodes=["total"]).steps] == ["total"]


def test_nodes_of_the_test_run_with_the_projects_data(tiny_run):
    def scaled(prices, by, deep):
        return [row * by + deep for row in prices["x"]]

    steps = [node(scaled, ["prices", "params:by", "params:a.deep"], "scaled")]
    assert tiny_run(steps, params={"by": 2, "a.deep": 1})["scaled"] == [3, 5, 7]
    assert_reused(tiny_run(Pipeline(steps), params={"by": 2, "a.deep": 1}))


def test_a_misspelt_parameter_or_input_is_told(tiny_run):
    with pytest.raises(errors.ConfigError, match="did you mean 'rate'"):
        tiny_run("totals", params={"rtae": 1})
    with pytest.raises(errors.CatalogError, match="did you mean 'prices'"):
        tiny_run("totals", inputs={"price": {}})


def test_what_fails_is_raised(tiny_run):
    with pytest.raises(errors.UserCodeError, match="KeyError"):
        tiny_run("totals", inputs={"prices": {}})


@pytest.mark.parametrize("value", ["a, b: 'c' é", True, None, 0.1, 3, [1, "x"], {"k": [1]}, "", "yes"])
def test_parameters_of_every_kind_arrive_as_they_are(tiny_run, value):
    run = tiny_run([node(lambda it: [it], "params:it", "seen", name="see")], params={"it": value})
    assert run["seen"] == [value]


# --- clock and api in runs ------------------------------------------------------------------------------------


def test_time_is_what_the_clock_says(clock, tiny_run):
    clock.set("2024-02-29T13:45:00+00:00")
    stamped = tiny_run("stamping", inputs={"report": "it"})["stamped"]
    assert stamped == f"{clock.now().astimezone().date()}: it at 13:45"


@pytest.mark.parametrize("executor", ["serial", "threads"])
def test_nobody_waits_for_another_attempt(tiny_run, clock, executor):
    run = tiny_run("trying", executor=executor)
    assert (run["tried"], run.step("flaky").attempts) == (3, 3)
    assert clock.slept == pytest.approx([20.0, 20.0])


def test_a_kept_version_of_a_source_grows_old(tiny_run, clock, api):
    api.gives("/items", [1, 2, 3])

    def count():
        return tiny_run("fetching", params={"service": api.url})["item_count"]

    assert count() == 3
    api.gives("/items", [1])
    clock.advance(5 * 3600)
    assert count() == 3
    clock.advance(3600)
    assert count() == 1


# --- as users have it ---------------------------------------------------------------------------------------

SETTINGS = """
[tool.pytest.ini_options]
pythonpath = ["src"]
filterwarnings = ["error"]
addopts = "--strict-markers"
"""
CONFTEST = """
from tane.testing import FakeAPI  # before it is named as a plug-in

pytest_plugins = ["tane.testing"]
"""
TESTS = """
import threading
import pytest
from tane.testing import DatasetSuite, FakeClock, assert_same
from shop_sample import nodes


@pytest.mark.parametrize("number", range(4))
def test_the_code_of_a_run_is_the_code_that_tests_import(project, monkeypatch, number):
    monkeypatch.setattr(nodes, "date", None)
    assert project.run("totals")["report"] == "12 in all"
    import shop_sample.nodes
    assert project.pipelines["totals"].by_name["total"].func is shop_sample.nodes.total is nodes.total


@pytest.mark.tane(env="dear")
def test_a_marker_is_known(project, clock, api):
    assert project.run()["report"] == "60 in all"


class TestText(DatasetSuite):
    entry = {"type": "text", "filepath": "note.txt"}
    value = "hello"


def test_fail_inside_an_assertion():
    assert_same({"a": [1, 2]}, {"a": [1, 3]})


class TestBroken(DatasetSuite):
    entry = {"type": "text", "filepath": "note.txt"}
    value = "hello"
    other = "hello"

    def test_what_was_saved_is_loaded(self, dataset, tmp_path):
        super().test_what_was_saved_is_loaded(dataset, tmp_path)
        assert dataset.exists() == "rewritten"


@pytest.fixture(autouse=True, scope="module")
def nothing_is_left():
    yield
    known = ("Main", "execnet", "tane-memory")
    assert [thread.name for thread in threading.enumerate() if not thread.name.startswith(known)] == []
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What pytest says of a project's tests, with and without xdist."""
    import shutil

    root = tmp_path_factory.mktemp("users") / "shop"
    shutil.copytree(SHOP, root, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "tests").mkdir()
    (root / "tests/conftest.py").write_text(CONFTEST)
    (root / "tests/test_all.py").write_text(TESTS)
    with (root / "pyproject.toml").open("a") as file:
        file.write(SETTINGS)
    before = files(root)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    found = []
    for options in ([], ["-n", "2"]):
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", *options]
        found.append(subprocess.run(command, cwd=root, env=kept, capture_output=True, text=True, check=False).stdout)
    assert files(root) == before
    return found


@pytest.mark.parametrize("way", [0, 1], ids=["alone", "xdist"])
def test_it_works_as_a_plug_in_that_a_conftest_names(told, way):
    assert "2 failed" in told[way] and "error" not in told[way].lower().replace("assertionerror", "")
    assert "value['a'][1]: 2, not 3" in told[way]
    assert "warning" not in told[way]


def test_assertions_of_a_suite_are_rewritten(told):
    assert "'rewritten'" in told[0]
