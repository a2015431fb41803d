"""The survey project from `tane new` on: composed, overridden, swept and tuned through the command line."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys

import pytest

from tane.project import starters

pytest.importorskip("catboost")
pytest.importorskip("lightgbm")

SHARED = ("clean", "add_ratios", "split", "measure", "scale")


def call(root, *words):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", *words],
        cwd=root,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def told(root, *words):
    return json.loads(call(root, "tane", *words, "--json").stdout)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    root = starters.new("my-survey", tmp_path_factory.mktemp("survey") / "my_survey", "survey")
    call(root, "tane", "run")
    return root


def listed(root, *words):
    return list(csv.DictReader(io.StringIO(call(root, "tane", "runs", *words, "--csv").stdout)))


def test_the_survey_s_settings_are_those_of_the_group(ran):
    shown = told(ran, "config", "show", "model")
    assert shown == {"name": "elastic_net", "alpha": 0.0005, "l1_ratio": 0.9, "random_state": 3}
    origins = call(ran, "tane", "config", "show", "model", "--origin").stdout
    assert "conf/base/model/elastic_net.yml:" in origins
    assert "conf/base/parameters.yml:" in origins


def test_an_override_changes_the_result_and_runs_no_step_before_training(ran):
    plain, other = (told(ran, "run", *words) for words in ((), ("model.l1_ratio=0.01",)))
    assert {step["node"] for step in other["steps"] if step["status"] == "reused"} >= set(SHARED)
    assert other["metrics"]["r2"]["last"] != plain["metrics"]["r2"]["last"]


def test_two_models_are_two_numbered_jobs_of_one_sweep(ran):
    done = call(ran, "tane", "run", "-m", "model=elastic_net,catboost")
    assert "#0    model=elastic_net" in done.stdout
    assert "#1    model=catboost" in done.stdout
    assert "2 jobs: 2 succeeded" in done.stdout
    assert done.stdout.count("reused   ") == len(SHARED)
    again = told(ran, "run", "model=catboost")
    assert {step["status"] for step in again["steps"] if step["node"] == "train"} == {"reused"}


def test_the_sweep_file_is_swept(ran):
    swept = told(ran, "sweep")
    assert [job["status"] for job in swept["points"]] == ["succeeded"] * 3


def test_a_search_does_better_than_what_is_written(ran):
    call(ran, "tane", "tune", "--trials", "6", "-j", "2")
    shown = told(ran, "tune", "show")
    trials = listed(ran, "--filter", "study = 'tuning' and trial >= 0")
    assert len(trials) == 6
    written = listed(ran, "--filter", "params.model.name = 'elastic_net' and params.model.l1_ratio = 0.9")[0]
    best = next(trial for trial in shown["trials"] if trial["number"] in shown["best"])
    assert best["values"][0] < float(written["metrics.rmse"])


def test_the_projects_own_tests_pass(tmp_path):
    root = starters.new("fresh-survey", tmp_path / "fresh", "survey")
    call(root, "pytest", "-q", "-p", "no:cacheprovider")
