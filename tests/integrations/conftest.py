"""A run in an empty folder, and real data: iris for classes, diabetes for numbers."""

import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import train_test_split

import tane


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TANE_LEDGER", raising=False)
    with tane.start_run("fit", sinks=["ledger"]) as opened:
        yield opened
    tane.autolog(off=True)


@pytest.fixture(scope="session")
def iris():
    """X_train, X_valid, y_train, y_valid of 150 flowers of three kinds."""
    return train_test_split(*load_iris(return_X_y=True), random_state=0, stratify=load_iris().target)


@pytest.fixture(scope="session")
def diabetes():
    """The same of 442 patients and how their illness went on in a year."""
    return train_test_split(*load_diabetes(return_X_y=True), random_state=0)
