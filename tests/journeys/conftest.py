"""Projects on disk and the command line, for whole journeys."""

from __future__ import annotations

import linecache
import logging
import os
import shutil
import signal
import subprocess
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


@pytest.fixture
def mortal(shop: builders.Shop) -> builders.Shop:
    """The shop, whose commands in processes of their own must obey file modes, though the tests may run as root."""
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root reads everything, and there is no setpriv to take that right away")
        shop.prefix = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
    return shop


@pytest.fixture
def mount() -> Iterator[builders.Mount]:
    """Mounts file systems for a test, and unmounts them after it."""
    if os.geteuid() != 0 or sys.platform != "linux":
        pytest.skip("only root on Linux may mount file systems")
    mounted: list[Path] = []

    def mounting(place: Path, *options: str) -> None:
        done = subprocess.run(["mount", *options, str(place)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"mounting is not permitted here: {done.stderr.strip()}")
        if place not in mounted:
            mounted.append(place)

    yield mounting
    for place in reversed(mounted):
        subprocess.run(["umount", "-l", str(place)], check=True)
