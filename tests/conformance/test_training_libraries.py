"""Callbacks beside the real Keras and PyTorch Lightning, which are large: they get an environment of their own."""

import json
import os
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PYTHON = HERE / ".envs" / "torch" / "bin" / "python"

pytestmark = pytest.mark.skipif(
    not PYTHON.exists(),
    reason="1.5 GB more: "
    "PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make tests/conformance/.envs/torch/.installed",
)


def ask(script, folder):
    """What `script` prints last, run beside nothing else."""
    done = subprocess.run(
        [PYTHON, HERE / script],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1] / "src"), "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_keras_logs_what_it_says_of_each_epoch(tmp_path):
    told = ask("training_keras.py", tmp_path)
    assert told["logged"] == told["said"]
    assert set(told["logged"]) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert all(steps == [0, 1, 2] for steps in told["steps"].values())
    assert told["params"]["keras.optimizer.learning_rate"] == pytest.approx(0.001)
    assert (told["params"]["keras.epochs"], told["params"]["keras.batch_size"], told["epochs"]) == (2, 16, [0, 1])
    assert told["artifacts"] == ["keras/model.keras", "keras/summary.txt", "pickled.pkl"]
    assert told["same"] and told["pickled"]


def test_lightning_logs_each_step_to_a_run_of_its_own_or_to_that_around_it(tmp_path):
    told = ask("training_lightning.py", tmp_path)
    own, around = told["own"], told["around"]
    assert own["params"] == {"hidden": 8, "optimizer.rate": 0.01}
    assert own["loss"] == pytest.approx(told["said"]) and own["steps"]["loss"] == list(range(9))
    assert own["steps"]["val_loss"] == [2, 5, 8]
    assert own["status"] == around["status"] == "succeeded"
    assert len(own["artifacts"]) == 1 and own["artifacts"][0].startswith("checkpoints/")
    assert around["steps"]["first.loss"] == around["steps"]["loss"] == list(range(9))
