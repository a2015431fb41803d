"""examples/spaceflights: three tables, one definition in two namespaces, a report; what changes is done again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import examples
import pytest

MODELS = ("active", "candidate")
BEFORE = ["type_companies", "type_shuttles", "join_tables"]
AFTER = ["compare", "draw_prices", "draw_capacity"]


def of(*models):
    return [f"{model}.{node}" for model in models for node in ("split", "fit", "predict", "judge")]


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """The project after its first run, which is told as JSON; for looking only."""
    project = examples.copy("spaceflights", tmp_path_factory.mktemp("spaceflights"))
    done = project.tane("run")
    assert done.returncode == 0, done.stderr
    return project, json.loads(project.tane("show", "last", "--json").stdout)


@pytest.fixture
def ran(once, tmp_path):
    """The same, to be changed."""
    return examples.Example(shutil.copytree(once[0].root, tmp_path / "spaceflights"))


def read(project, name):
    return json.loads((project.root / "data" / "08_reporting" / f"{name}.json").read_text())


def edit(project, name, old, new):
    path = project.root / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_every_step_runs_once(once):
    steps = {step["node"]: step["status"] for step in once[1]["steps"]}
    assert steps == dict.fromkeys([*BEFORE, *of(*MODELS), *AFTER], "succeeded")


def test_two_models_are_judged_and_compared(once):
    project, shown = once
    active, candidate = read(project, "active_metrics"), read(project, "candidate_metrics")
    assert active["r2"] == pytest.approx(0.501475, abs=1e-5)
    assert active["mean_absolute_error"] == pytest.approx(450.427, abs=0.01)
    assert candidate["r2"] == pytest.approx(0.505191, abs=1e-5)
    assert read(project, "comparison") == {"better": "candidate", "r2_gain": pytest.approx(0.003716, abs=1e-5)}
    assert {name: metric["last"] for name, metric in shown["metrics"].items()} == {
        "active.r2": active["r2"],
        "candidate.r2": candidate["r2"],
    }


def test_each_layer_has_its_files(once):
    data = once[0].root / "data"
    made = {path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file() and path.suffix}
    assert made - {"01_raw/README.md", "01_raw/companies.csv", "01_raw/reviews.csv", "01_raw/shuttles.xlsx"} == {
        "02_intermediate/companies.parquet",
        "02_intermediate/shuttles.parquet",
        "03_primary/model_input.parquet",
        "06_models/active.pkl",
        "06_models/candidate.pkl",
        "07_model_output/active.csv",
        "07_model_output/candidate.csv",
        "08_reporting/active_metrics.json",
        "08_reporting/candidate_metrics.json",
        "08_reporting/capacity.json",
        "08_reporting/comparison.json",
        "08_reporting/prices.png",
    }
    assert len((data / "07_model_output" / "active.csv").read_text().splitlines()) == 1 + 215
    assert (data / "08_reporting" / "prices.png").read_bytes().startswith(b"\x89PNG")
    assert read(once[0], "capacity")["data"][0]["type"] == "bar"


def test_a_second_run_does_nothing(once):
    before = {path: path.stat().st_mtime_ns for path in (once[0].root / "data").rglob("*")}
    assert once[0].tane("run").stdout.startswith(f"nothing changed since run {once[1]['id']}: 14 steps up to date")
    assert {path: path.stat().st_mtime_ns for path in (once[0].root / "data").rglob("*")} == before


def test_a_parameter_of_one_model_leaves_the_other_alone(ran):
    plain = read(ran, "candidate_metrics")
    other = ran.run("data_science", "candidate.model.seed=9")
    assert other.steps == dict.fromkeys(of("active"), "reused") | dict.fromkeys(of("candidate"), "succeeded")
    assert other.reasons["candidate.split"] == "parameter candidate.model.seed 8 -> 9"
    assert read(ran, "candidate_metrics") != plain
    assert set(ran.run().steps.values()) == {"reused"}
    assert read(ran, "candidate_metrics") == plain


def test_a_wrong_parameter_is_told_before_anything_runs(ran):
    edit(ran, "conf/base/parameters_data_science.yml", "test_share: 0.2", "test_share: a fifth")
    done = ran.tane("run")
    assert done.returncode == 2
    assert "conf/base/parameters_data_science.yml:3: active.model.test_share is 'a fifth'" in done.stderr
    assert "running" not in done.stdout


def test_a_helper_that_changes_is_named_and_equal_values_stop_there(ran):
    edit(ran, "src/spaceflights/pipelines/data_processing/nodes.py", 'column == "t"', 'column.eq("t")')
    ended = ran.run()
    assert ended.reasons["type_shuttles"] == "code changed: helper _truth() in pipelines/data_processing/nodes.py"
    assert {node for node, status in ended.steps.items() if status == "succeeded"} == {
        "type_companies",
        "type_shuttles",
    }


def test_a_feature_that_is_not_there_fails_in_its_node_and_the_other_model_is_kept(ran):
    edit(ran, "conf/base/parameters_data_science.yml", "[engines, passenger_capacity, crew,", "[engines, seats,")
    before = (ran.root / "data/06_models/candidate.pkl").read_bytes()
    ended = ran.run("data_science", "--keep-going", code=1)
    assert ended.steps == dict.fromkeys(of("active"), "reused") | {
        "candidate.split": "failed",
        "candidate.fit": "skipped",
        "candidate.predict": "skipped",
        "candidate.judge": "skipped",
    }
    assert "node 'candidate.split' failed: KeyError" in ended.err
    assert (ran.root / "data/06_models/candidate.pkl").read_bytes() == before


def test_its_own_tests_pass(tmp_path):
    project = examples.copy("spaceflights", tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=project.root,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
