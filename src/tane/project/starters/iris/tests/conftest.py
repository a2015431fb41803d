"""The real flowers, and the parameters as they stand in conf/base."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def flowers():
    return pd.read_csv(ROOT / "data/01_raw/iris.csv")


@pytest.fixture
def parameters():
    return yaml.safe_load((ROOT / "conf/base/parameters.yml").read_text(encoding="utf-8"))
