"""examples/scripts, and of examples/experiments hyper-parameters, logging and workflow, each alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import examples
import pytest

pytest.importorskip("sklearn")


def python(example, *words):
    done = subprocess.run(
        [sys.executable, *words],
        cwd=example.root,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def result(out):
    return float(re.search(r"^Result: \{?(?:'r2': )?([-\d.]+)\}?$", out, re.M)[1])


def shown(example, *words):
    done = example.tane(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_hyper_parameters_alone(tmp_path):
    example = examples.copy("experiments/hyperparameters", tmp_path / "experiments")
    assert (example.root / "train.py").read_text().count("import tane") == 1
    default, other = result(python(example, "train.py")), result(python(example, "train.py", "l1_ratio=0.01"))
    assert default != other
    swept = python(example, "train.py", "-m", "l1_ratio=0.9,0.01")
    assert f"{default:.6g}" in swept and f"{other:.6g}" in swept


def test_logging_alone(tmp_path):
    example = examples.copy("experiments/logging", tmp_path / "experiments")
    python(example, "train.py")
    run = shown(example, "show", "last")
    assert run["metrics"]["r2"]["count"] == 20 and run["metrics"]["r2"]["last"] > 0.2
    assert [each["path"] for each in run["artifacts"]] == ["weights.json"]


def test_a_workflow_alone(tmp_path):
    example = examples.copy("experiments/workflow", tmp_path / "experiments")
    first = example.run("flow.py")
    assert set(first.steps.values()) == {"succeeded"}
    assert example.nothing_to_do("flow.py")
    other = example.run("flow.py", "alpha=0.1")
    assert other.steps == {"data": "reused", "parts": "reused", "model": "succeeded", "r2": "succeeded"}
    assert first.values["r2"] != other.values["r2"]


def test_a_script_on_real_data_composes_overrides_and_sweeps(tmp_path):
    example = examples.copy("scripts", tmp_path)
    out = python(example, "train.py")
    assert "elastic_net 0.0005 0.9 3\n" in out
    changed = python(example, "train.py", "model.l1_ratio=0.01")
    assert "elastic_net 0.0005 0.01 3\n" in changed
    assert result(changed) != result(out)
    assert "random_forest 50 4 3\n" in python(example, "train.py", "model=random_forest")
    swept = python(example, "train.py", "-m", "model=elastic_net,random_forest")
    assert "#0 model=elastic_net" in swept and "#1 model=random_forest" in swept
    assert f"{result(out):.6g}" in swept
    assert len(shown(example, "runs")) == 5


def test_local_variables_and_injected_arguments_give_the_same_numbers(tmp_path):
    example = examples.copy("scripts", tmp_path)
    out = python(example, "capture.py")
    assert "0.0005 0.9 3\n" in out
    changed = python(example, "capture.py", "with", "l1_ratio=0.01")
    assert "0.0005 0.01 3\n" in changed
    assert [result(out), result(changed)] == pytest.approx(
        [result(python(example, "train.py")), result(python(example, "train.py", "model.l1_ratio=0.01"))]
    )
