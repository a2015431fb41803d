"""`tane new`."""

import subprocess
import sys
from pathlib import Path

from tane.project import starters


def test_a_new_project_is_made_and_the_next_steps_told(empty):
    told = empty.tane("new", "my-project", "--package", "mine")
    assert told.code == 0
    assert (empty.root / "my-project/src/mine/pipeline_registry.py").is_file()
    assert "  cd my-project\n" in told.out and "  tane run\n" in told.out


def test_the_starters_are_listed(empty):
    listed = [line.split(maxsplit=1) for line in empty.tane("new", "--list").out.splitlines()]
    assert [words[0] for words in listed] == starters.available()
    assert all(len(words) == 2 for words in listed)


def test_json_says_what_was_made(empty):
    made = empty.tane("new", "Shop", "place", "--json").json
    assert made == {"name": "Shop", "root": str(empty.root / "place"), "package": "shop", "starter": "blank"}


def test_without_a_name_it_says_how(empty):
    told = empty.tane("new")
    assert told.code == 2
    assert "hint: tane new my_project" in told.err


def test_an_unknown_starter_offers_the_nearest(empty):
    told = empty.tane("new", "shop", "--starter", "frud")
    assert told.code == 2
    assert "did you mean 'fraud'?" in told.err
    assert not (empty.root / "shop").exists()


def test_a_project_elsewhere_is_reached_by_its_whole_path(empty, tmp_path_factory):
    place = tmp_path_factory.mktemp("elsewhere") / "shop"
    told = empty.tane("new", "shop", str(place))
    assert f"  cd {place}\n" in told.out and ".." not in told.out


def test_a_project_may_be_called_pipeline(empty):
    assert empty.tane("new", "pipeline").code == 0
    assert (empty.root / "pipeline/pyproject.toml").is_file()


def test_a_pipeline_is_added_to_the_project_around(tiny, monkeypatch):
    monkeypatch.chdir(tiny.root / "src")
    told = tiny.tane("new", "pipeline", "reporting")
    assert told.code == 0
    assert "  tiny/pipelines/reporting/nodes.py\n" in told.out
    assert (tiny.root / "conf/base/parameters_reporting.yml").is_file()


def test_where_the_registry_finds_nothing_by_itself_the_lines_to_add_are_told(tiny):
    told = tiny.tane("new", "pipeline", "reporting")
    assert "src/tiny/pipeline_registry.py does not find it by itself: add\n" in told.out
    assert '  "reporting": reporting.create_pipeline()\n' in told.out


def test_json_says_what_was_added(tiny):
    made = tiny.tane("new", "pipeline", "reporting", "--json").json
    assert made["registered"] is False
    assert made["files"][-1] == "tests/pipelines/reporting/test_reporting_pipeline.py"
    assert made["lines"] == ["from .pipelines import reporting", '"reporting": reporting.create_pipeline()']


def test_code_that_does_not_import_hinders_nothing(tiny):
    tiny.write("src/tiny/nodes.py", "import nowhere_to_be_found\n")
    told = tiny.tane("new", "pipeline", "reporting")
    assert told.code == 0
    assert "warning: the project's code does not import" in told.err
    assert "see that src/tiny/pipeline_registry.py has\n" in told.out


def test_options_of_projects_are_none_of_pipelines(tiny):
    assert tiny.tane("new", "pipeline", "reporting", "--starter", "fraud").code == 2
    assert not (tiny.root / "src/tiny/pipelines").exists()


def test_a_pipeline_added_to_a_blank_project_runs_at_once_and_its_tests_pass(empty):
    empty.tane("new", "shop")
    empty.root /= "shop"
    told = empty.process("new", "pipeline", "reporting")
    assert told.code == 0 and "does not find it" not in told.out
    assert empty.process("run", "reporting").code == 0
    assert empty.process("run", "--only", "reporting_mean").code == 0
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=empty.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "10 passed" in done.stdout  # eight of the starter, two of the new pipeline


def test_a_pipeline_needs_a_project_around(empty):
    told = empty.tane("new", "pipeline", "reporting")
    assert told.code == 2
    assert not list(Path(empty.root).iterdir())


def test_a_pipeline_inside_a_project_needs_a_name(tiny):
    told = tiny.tane("new", "pipeline")
    assert told.code == 2
    assert "tane new pipeline NAME adds one to this project" in told.err
    assert not (tiny.root / "pipeline").exists()


def test_outside_of_projects_one_may_be_called_pipeline(empty):
    assert empty.tane("new", "pipeline").code == 0
    assert (empty.root / "pipeline/pyproject.toml").is_file()
