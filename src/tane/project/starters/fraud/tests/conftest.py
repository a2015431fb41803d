"""A few of the real transactions, and small settings, so that tests are quick."""

import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

pytest_plugins = ["tane.testing"]

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

SMALL = {
    "model.neural_network.members": 2,
    "model.neural_network.epochs": 6,
    "model.neural_network.hidden_layers": [8],
    "model.neural_network.batch_size": 32,
    "model.gradient_boosting.members": 2,
    "model.gradient_boosting.iterations": 8,
}


def make_transactions(rows: int = 600, frauds: int = 60, seed: int = 0) -> pd.DataFrame:
    """A draw of real transactions in order of time; `seed` says which."""
    table = pd.read_csv(ROOT / "data/01_raw/creditcard_sample.csv.gz")
    chosen = pd.concat(
        [
            table[table["Class"] == 1].sample(frauds, random_state=seed),
            table[table["Class"] == 0].sample(rows - frauds, random_state=seed),
        ]
    )
    return chosen.sort_index().reset_index(drop=True)


@pytest.fixture
def transactions():
    return make_transactions()


@pytest.fixture
def small():
    """Parameters for a run that takes seconds, as `tiny_run(..., params=small)` has them."""
    return dict(SMALL)


@pytest.fixture
def parameters():
    merged = {}
    for file in sorted((ROOT / "conf/base").glob("parameters*.yml")):
        merged.update(yaml.safe_load(file.read_text(encoding="utf-8")))
    for name, value in SMALL.items():
        *above, last = name.split(".")
        place = merged
        for key in above:
            place = place[key]
        place[last] = value
    return merged


@pytest.fixture
def parts(transactions, parameters):
    from fraud.pipelines.data_processing import nodes

    return nodes.split_transactions(nodes.check_transactions(transactions), parameters["split"])


@pytest.fixture
def trained(parts, parameters):
    from fraud.pipelines.training import nodes

    train, validation, _ = parts
    return nodes.train_model(train, validation, parameters["model"], parameters["natural_fraud_rate"])
