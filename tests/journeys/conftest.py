"""Projects on disk and the command line, for whole journeys."""

from __future__ import annotations

import linecache
import logging
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import builders
import pytest

_PROJECT = ("shop", "flow")  # the modules that projects here are made of


@pytest.fixture
def shop(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[builders.Shop]:
    """A small project, never run; its commands run in this process, which is left as it was."""
    root = tmp_path / "shop"
    path, handler = list(sys.path), signal.getsignal(signal.SIGTERM)
    handlers = list(logging.getLogger().handlers)

    def forget() -> None:
        """Each command of a user is a fresh process: it imports the code as it is now."""
        for name in [name for name in sys.modules if name.partition(".")[0] in _PROJECT]:
            del sys.modules[name]
        linecache.checkcache()

    def execute(*arguments: str) -> builders.Ended:
        forget()
        monkeypatch.setattr(sys, "argv", ["tane", *arguments])
        capsys.readouterr()
        code = builders.command(arguments)
        shown = capsys.readouterr()
        return builders.Ended(code, shown.out, shown.err)

    made = builders.make(root, execute)
    monkeypatch.chdir(root)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield made
    for process in made.started:
        process.kill()
        process.communicate()
    sys.path[:] = path
    forget()
    signal.signal(signal.SIGTERM, handler)
    assert logging.getLogger().handlers == handlers
