"""An empty folder to work in, and scripts that are run there."""

import subprocess
import sys

import pytest


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder, made the current one; no setting of the environment reaches it."""
    monkeypatch.chdir(tmp_path)
    for name in ("TANE_LEDGER", "TANE_STORE", "TANE_SINKS", "TANE_EXPERIMENT"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def python(here):
    """Runs a script, given as text, in that folder."""

    def run(text, **more):
        (here / "work.py").write_text(text)
        return subprocess.run(
            [sys.executable, "work.py"], cwd=here, capture_output=True, text=True, check=False, timeout=120, **more
        )

    return run
