"""The real wines, and the parameters of the project. Nothing that tests run touches data/ or what runs have kept."""

import pytest

pytest_plugins = ["tane.testing"]


@pytest.fixture
def wines(catalog):
    return catalog.load("wines")


@pytest.fixture
def parameters(project):
    return project.parameters
