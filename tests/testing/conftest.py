"""The fixtures themselves, as a conftest of users has them by `pytest_plugins`, which only a topmost one may say."""

from tane.testing import pytest_configure  # noqa: F401
from tane.testing.fixtures import api, catalog, clock, project, tane_shelter, tiny_run  # noqa: F401
