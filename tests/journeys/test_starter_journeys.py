"""Every starter gives a project whose pipelines run and whose own tests pass."""

import subprocess
import sys

import pytest

from tane.project import starters


def call(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.mark.parametrize("starter", starters.available())
def test_a_new_projects_own_tests_pass(tmp_path, starter):
    root = starters.new("fresh-project", tmp_path / "fresh", starter)
    done = call(root, "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_blank_project_runs_from_its_package_too(tmp_path):
    root = starters.new("fresh-project", tmp_path / "fresh", "blank")
    assert call(root, "tane", "run").returncode == 0
    assert "nothing changed" in call(root, "tane", "run").stdout
    assert call(root / "src", "fresh_project").returncode == 0


SMALL = [
    "model.neural_network.members=1",
    "model.neural_network.epochs=2",
    "model.gradient_boosting.members=1",
    "model.gradient_boosting.iterations=5",
]


def test_the_fraud_project_goes_from_transactions_to_scores(tmp_path):
    root = starters.new("fraud", tmp_path / "fraud", "fraud")
    first = call(root, "tane", "run", *SMALL)
    assert first.returncode == 0, first.stderr
    for name in ("metrics.json", "loss_curve.png", "roc_curve.png", "pr_curve.png", "confusion_matrix.png"):
        assert (root / "data/08_reporting" / name).stat().st_size > 0
    boosted = call(root, "tane", "plan", *SMALL, "model.kind=gradient_boosting")
    assert "parameter model.kind neural_network -> gradient_boosting" in boosted.stdout
    assert "reuse  split_transactions" in boosted.stdout
    scored = call(root, "tane", "run", "inference", *SMALL)
    assert scored.returncode == 0, scored.stderr
    lines = (root / "data/07_model_output/scores.csv").read_text().splitlines()
    rows = (root / "data/01_raw/new_transactions.csv").read_text().splitlines()
    assert lines[0] == "row,score"
    assert [line.partition(",")[0] for line in lines[1:]] == [str(number) for number in range(len(rows) - 1)]
