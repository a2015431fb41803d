from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tane.store import objects


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / ".tane" / "objects"


@pytest.fixture
def store(root: Path) -> Iterator[objects.Objects]:
    with objects.Objects(root) as store:
        yield store
