"""examples/experiments: sweep with tracking, tracking with a workflow, tuning with both."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import examples
import pytest

pytest.importorskip("sklearn")


def told(example, *words):
    done = example.tane(*words, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_a_sweep_of_a_script_tracks_every_job(tmp_path):
    example = examples.copy("experiments/sweep_tracking", tmp_path)
    words = ["train.py", "-m", "model=tree", "model.depth=1,2,4", "seed=3,5"]
    done = subprocess.run(
        [sys.executable, *words], cwd=example.root, env=os.environ, capture_output=True, text=True, check=True
    )
    assert "6 of 6 jobs succeeded" in done.stdout
    best = told(example, "runs", "--sort", "-accuracy")[0]
    assert best["params"]["model.depth"] == 4
    assert best["metrics"]["accuracy"] > 0.95


def test_a_workflow_tracks_what_its_steps_log_and_reuses_the_rest(tmp_path):
    example = examples.copy("experiments/tracking_workflow", tmp_path)
    first, second = example.run("flow.py"), example.run("flow.py", "depth=4")
    assert second.steps == {"whole": "reused", "split": "reused", "fit": "succeeded", "judge": "succeeded"}
    compared = told(example, "compare", "-C", "flow.py", first.run["id"], second.run["id"])
    assert "depth" in json.dumps(compared["params"])
    assert second.run["metrics"]["accuracy"]["last"] > first.run["metrics"]["accuracy"]["last"]


def test_a_search_over_a_workflow_goes_on_where_it_was(tmp_path):
    pytest.importorskip("optuna")
    example = examples.copy("experiments/tuning_tracking_workflow", tmp_path)
    for trials, there in ((4, 4), (6, 6)):
        assert example.tane("tune", "flow.py", "--trials", str(trials)).returncode == 0
        shown = told(example, "tune", "show", "-C", "flow.py")
        assert len(shown["trials"]) == there
    best = next(trial for trial in shown["trials"] if trial["number"] in shown["best"])
    assert best["values"][0] > 0.9
    split = [run for run in told(example, "runs", "flow.py", "--all") if run["steps"].get("succeeded", 0) > 2]
    assert len(split) == 1, "the parts that no trial touches run once"
