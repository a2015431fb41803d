from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tane.ledger import connection, records, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".tane" / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[connection.Ledger]:
    opened = connection.open_ledger(path)
    yield opened
    opened.close()


@pytest.fixture
def start(ledger: connection.Ledger) -> Callable[..., str]:
    """Starts a run of this process and gives its id."""

    def start(run: str = "20260101-000000-aaaa0001", **fields: Any) -> str:
        fields = {"pipeline": "p", "host": os.uname().nodename, "pid": os.getpid(), **fields}
        write.start_run(ledger, records.RunRecord(run=run, **fields))
        return run

    return start
