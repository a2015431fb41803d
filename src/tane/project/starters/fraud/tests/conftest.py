"""Made-up transactions in the layout of the real ones, and small settings, so that tests are quick."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))


def make_transactions(rows: int = 600, frauds: int = 60, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    label = np.zeros(rows, dtype=int)
    label[random.choice(rows, frauds, replace=False)] = 1
    components = random.standard_normal((rows, 28))
    components[:, :4] += 2.5 * label[:, None]
    table = pd.DataFrame(components, columns=[f"V{number}" for number in range(1, 29)])
    table.insert(0, "Time", np.sort(random.integers(0, 10_000, rows)).astype(float))
    table["Amount"] = random.gamma(1.0, 80.0, rows).round(2)
    table["Class"] = label
    return table


@pytest.fixture
def transactions():
    return make_transactions()


@pytest.fixture
def parameters():
    merged = {}
    for file in sorted((ROOT / "conf/base").glob("parameters*.yml")):
        merged.update(yaml.safe_load(file.read_text(encoding="utf-8")))
    merged["model"]["neural_network"].update(members=2, epochs=6, hidden_layers=[8], batch_size=32)
    merged["model"]["gradient_boosting"].update(members=2, iterations=8)
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
