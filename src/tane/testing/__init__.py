"""For the tests of projects and of plug-ins: fixtures for pytest, fakes, suites to subclass, assertions.

A conftest.py asks for the fixtures with `pytest_plugins = ["tane.testing"]`; nothing is loaded where nobody asks. Each
name is imported when it is first used. What needs pytest says so when it is not installed; the fakes and assertions do
without.

PYTEST_DONT_REWRITE (this module has no assertions; a conftest may import it before it names it as a plug-in)
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from tane import extras

_FIXTURES = "tane.testing.fixtures"
_SUITES = "tane.testing.suites"

_WHERE = {
    "Answer": "tane.testing.services",
    "Asked": "tane.testing.services",
    "DatasetSuite": "tane.testing.suites.datasets",
    "ExecutorSuite": "tane.testing.suites.executors",
    "FakeAPI": "tane.testing.services",
    "FakeClock": "tane.testing.clocks",
    "HookSuite": "tane.testing.suites.hooks",
    "api": _FIXTURES,
    "assert_ran": "tane.testing.comparing",
    "assert_reused": "tane.testing.comparing",
    "assert_same": "tane.testing.comparing",
    "catalog": _FIXTURES,
    "clock": _FIXTURES,
    "project": _FIXTURES,
    "tane_shelter": _FIXTURES,
    "tiny_run": _FIXTURES,
}

__all__ = sorted(name for name, where in _WHERE.items() if where != _FIXTURES)


def __getattr__(name: str) -> Any:
    """Import `name` now, and remember it."""
    where = _WHERE.get(name)
    if where is None:
        raise AttributeError(f"module 'tane.testing' has no attribute {name!r}")
    if where.startswith((_FIXTURES, _SUITES)):
        pytest = extras.require("pytest", "test", f"tane.testing.{name}")
        if where not in sys.modules:
            pytest.register_assert_rewrite(where)
    value = getattr(import_module(where), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_WHERE])


def pytest_configure(config: Any) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        "tane(path='.', env=(), overrides=(), hooks=False): which project the fixtures of tane.testing open, and how",
    )
