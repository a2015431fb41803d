"""What the tests of tuning share."""

from __future__ import annotations

from pathlib import Path

import pytest
import sweep_flows


@pytest.fixture
def flow(tmp_path: Path) -> sweep_flows.Flow:
    """A one-file project of three steps, never run."""
    return sweep_flows.Flow(tmp_path)
