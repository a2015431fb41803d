"""Projects on disk and the command line, for whole journeys."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import builders
import pytest


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[builders.Shop]:
    """A small project, never run; its commands run in this process, which is left as it was."""
    root = tmp_path / "shop"
    path, modules, handler = list(sys.path), set(sys.modules), signal.getsignal(signal.SIGTERM)
    handlers = list(logging.getLogger().handlers)

    def execute(*arguments: str) -> builders.Ended:
        monkeypatch.setattr(sys, "argv", ["tane", *arguments])
        capsys.readouterr()
        code = builders.command(arguments)
        shown = capsys.readouterr()
        return builders.Ended(code, shown.out, shown.err)

    made = builders.make(root, execute)
    monkeypatch.chdir(root)
    yield made
    for process in made.started:
        process.kill()
        process.communicate()
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.partition(".")[0] in ("shop", "flow", "broken"):
            del sys.modules[name]
    signal.signal(signal.SIGTERM, handler)
    assert logging.getLogger().handlers == handlers
