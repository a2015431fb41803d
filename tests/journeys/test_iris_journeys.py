"""The iris project from `tane new` on, through the command line as users type it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tane.project import starters


def call(root, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", *arguments],
        cwd=root,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture
def root(tmp_path):
    done = call(tmp_path, "tane", "new", "my_iris", "--starter", "iris")
    assert done.returncode == 0, done.stderr
    return tmp_path / "my_iris"


@pytest.fixture
def ran(root):
    done = call(root, "tane", "run")
    assert done.returncode == 0, done.stdout + done.stderr
    return root


def steps(root, *arguments):
    """How the steps of a run ended, by node."""
    done = call(root, "tane", "run", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return {step["node"]: step["status"] for step in json.loads(done.stdout)["steps"]}


def rows(root, name):
    return len((root / name).read_text().splitlines()) - 1


def test_113_flowers_are_kept_and_20_to_22_of_23_recognised(ran):
    assert rows(ran, "data/02_intermediate/inliers.csv") == 113
    assert rows(ran, "data/07_model_output/predictions.csv") == 23
    metrics = json.loads((ran / "data/08_reporting/metrics.json").read_text())
    assert metrics["total"] == 23
    assert 20 <= metrics["right"] <= 22
    assert metrics["accuracy"] == metrics["right"] / 23
    assert metrics["right_of_total"] == f"{metrics['right']} of 23"
    assert (ran / "data/08_reporting/confusion_matrix.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_warns_of_nothing_and_counts_its_steps(root):
    done = call(root, "tane", "run")
    assert done.returncode == 0
    assert "arning" not in done.stdout + done.stderr
    assert "Completed 7 of 7" in done.stdout
    assert "nothing changed" in call(root, "tane", "run").stdout


def test_training_again_makes_the_same_model(ran):
    before = (ran / "data/06_models/classifier.pkl.gz").read_bytes()
    assert steps(ran, "--force-node", "train") | {"train": ""} == dict.fromkeys(
        ("remove_outliers", "scale", "split", "predict", "evaluate", "draw_confusion_matrix"), "reused"
    ) | {"train": ""}
    assert (ran / "data/06_models/classifier.pkl.gz").read_bytes() == before


def test_each_pipeline_runs_by_its_name(root):
    assert set(steps(root, "de")) == {"remove_outliers", "scale", "split"}
    assert steps(root, "ds") == dict.fromkeys(("train", "predict", "evaluate", "draw_confusion_matrix"), "succeeded")


def test_a_parameter_moves_only_what_follows(ran):
    moved = steps(ran, "test_data_ratio=0.3")
    assert [node for node, status in moved.items() if status == "reused"] == ["remove_outliers", "scale"]
    assert rows(ran, "data/07_model_output/predictions.csv") == 34


def test_an_unknown_model_is_an_error_of_the_node(ran):
    done = call(ran, "tane", "run", "model.name=lightgmb")
    assert done.returncode == 1
    frames = [line for line in done.stderr.splitlines() if line.lstrip().startswith("File ")]
    assert os.path.join("src", "my_iris", "pipelines", "data_science", "models.py") in frames[0]
    assert "node 'train' failed: ValueError: there is no model 'lightgmb'" in done.stderr
    assert "one of lightgbm, logistic_regression" in done.stderr
    assert (ran / "data/08_reporting/metrics.json").is_file()


def forget_intermediates(root):
    """Keep only what the catalog names."""
    pyproject = root / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("[tool.tane]\n", '[tool.tane]\nkeep = "none"\n'))


def test_data_science_alone_takes_what_was_kept(root):
    assert call(root, "tane", "run", "de").returncode == 0
    assert call(root, "tane", "run", "ds").returncode == 0


@pytest.mark.parametrize("before", [(), ("de",)], ids=["at first", "after de"])
def test_data_science_alone_names_what_was_not_kept_and_does_nothing(root, before):
    forget_intermediates(root)
    for pipeline in before:
        assert call(root, "tane", "run", pipeline).returncode == 0
    done = call(root, "tane", "run", "ds")
    assert done.returncode != 0
    assert "train_flowers" in done.stderr and "test_flowers" in done.stderr
    assert "hint: " in done.stderr
    assert "running" not in done.stdout
    assert not (root / "data/06_models/classifier.pkl.gz").exists()


def test_without_keeping_the_whole_still_runs(root):
    forget_intermediates(root)
    assert call(root, "tane", "run").returncode == 0
    assert rows(root, "data/07_model_output/predictions.csv") == 23


def test_the_package_runs_it_too(root):
    done = call(root / "src", "my_iris")
    assert done.returncode == 0, done.stderr
    assert "Completed 7 of 7" in done.stdout


def test_what_a_node_logs_is_kept_with_the_run(ran):
    told = call(ran, "tane", "show", "last", "--log")
    assert "of 23 flowers are recognised" in told.stdout


def test_the_notebook_runs_from_top_to_bottom(ran):
    notebook = json.loads((ran / "notebooks/look.ipynb").read_text())
    code = "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
    (ran / "cells.py").write_text(code + "\nprint(len(flowers), run.status)\n")
    done = subprocess.run(
        [sys.executable, ran / "cells.py"],
        cwd=ran / "notebooks",
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "150 succeeded"


def test_the_projects_own_tests_pass(tmp_path):
    root = starters.new("fresh-project", tmp_path / "fresh", "iris")
    done = call(root, "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr
