from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from code_edits import EDITS, Edit

from tane.plan import code, sources


@pytest.fixture(autouse=True)
def _clean_imports(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    path = list(sys.path)
    yield
    sys.path[:] = path
    forget()


def forget() -> None:
    for name in [name for name in sys.modules if name.startswith("pkg")]:
        del sys.modules[name]


def digest_of(text: str, root: str, folder: Path) -> code.CodeDigest:
    write(text, folder)
    return code.of(load(root, folder), cache=code.Cache(folder))


def write(text: str, folder: Path) -> None:
    (folder / "pkg").mkdir(parents=True, exist_ok=True)
    (folder / "pkg/__init__.py").touch()
    path, lines = "pkg/nodes.py", []
    for line in [*text.splitlines(keepends=True), "# file: end"]:
        if line.startswith("# file: "):
            if lines:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text("".join(lines))
            path, lines = line.removeprefix("# file: ").strip(), []
        lines.append(line)


def load(root: str, folder: Path) -> Any:
    forget()
    sys.path[:] = [str(folder), *(entry for entry in sys.path if "edits" not in entry)]
    importlib.invalidate_caches()
    module, _, name = root.partition(":")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("fresh", [True, False], ids=["loaded", "touched"])
@pytest.mark.parametrize("edit", EDITS, ids=[edit.name for edit in EDITS])
def test_an_edit_changes_the_digest_when_it_must(
    edit: Edit, fresh: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_STARTED", float("inf") if fresh else 0.0)
    before = digest_of(edit.before, edit.root, tmp_path / "edits_before")
    after = digest_of(edit.after, edit.root, tmp_path / "edits_after")
    if not fresh and not edit.changes and (before.whole or any(map(_is_module_code, before.parts))):
        return  # text that may not be what was loaded is never trusted twice
    assert (before.digest != after.digest) is edit.changes, code.diff_parts(before.parts, after.parts)
    if edit.name not in SWAPS:
        assert bool(code.diff_parts(before.parts, after.parts)) is edit.changes


SWAPS = {"compose"}  # the same parts, put together otherwise: none of them is to blame


def _is_module_code(label: str) -> bool:
    return label.startswith("module code of ")
