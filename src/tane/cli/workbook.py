"""A notebook in which a step can be looked into: its inputs as variables, its source to be changed, the call."""

from __future__ import annotations

import inspect
import json
import os
import textwrap
from pathlib import Path

from tane import errors
from tane.project import projects
from tane.runs import debugging


def write(file: Path, project: projects.Project, replay: debugging.Replay) -> None:
    """Write the notebook. Raises `errors.UsageError` when there is such a file already."""
    if file.exists():
        raise errors.UsageError(f"{file} is there already", hint="name another file: it may hold your work")
    source = _source(replay)
    called = replay.func.__name__ if source else "replay.func"
    here = os.path.relpath(project.flow or project.root, file.resolve().parent)
    cells = [
        _text(f"# {replay.step}\n\nas it was in run `{replay.run}`" + _said(replay)),
        _code(
            f"import tane\n\nproject = tane.open_project({here!r})\n"
            f"replay = project.replay({replay.step!r}, run={replay.run!r})\n\n"
            "# the names its function uses, then its arguments\n"
            "globals().update(vars(__import__('sys').modules[replay.func.__module__]))\n"
            "globals().update(replay.arguments)\n" + ", ".join(replay.arguments)
        ),
        _code(source or "# its source cannot be read: it is called as it is\nreplay.func"),
        _code(f"{called}({', '.join(f'{name}={name}' for name in replay.arguments)})"),
    ]
    notebook = {
        "cells": [cell | {"id": f"cell-{number}"} for number, cell in enumerate(cells)],
        "metadata": {"language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(notebook, indent=1) + "\n", encoding="utf-8")


def _said(replay: debugging.Replay) -> str:
    return f", where it failed:\n\n```\n{replay.error}\n```" if replay.error else ""


def _source(replay: debugging.Replay) -> str:
    """The function's source, to be changed; empty when it cannot be read or has no name to be called by."""
    named = getattr(replay.func, "__name__", "")
    if not named.isidentifier() or not inspect.isfunction(replay.func):
        return ""
    try:
        return textwrap.dedent(inspect.getsource(replay.func)).rstrip()
    except (OSError, TypeError):
        return ""


def _text(content: str) -> dict[str, object]:
    return {"cell_type": "markdown", "metadata": {}, "source": content}


def _code(content: str) -> dict[str, object]:
    return {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [], "source": content}
