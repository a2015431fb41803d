"""What the tests of runs share."""

from __future__ import annotations

from pathlib import Path

import boxes
import pytest


@pytest.fixture
def box(tmp_path: Path) -> boxes.Box:
    """A project of three steps over one JSON table, never run."""
    return boxes.small(tmp_path / "small")
