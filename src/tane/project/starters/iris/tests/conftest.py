"""The real flowers, and the parameters of the project. Nothing that tests run touches data/ or what runs have kept."""

import pytest

pytest_plugins = ["tane.testing"]


@pytest.fixture
def flowers(catalog):
    return catalog.load("flowers")


@pytest.fixture
def parameters(project):
    return project.parameters
