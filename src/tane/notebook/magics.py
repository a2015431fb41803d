"""The magics of a notebook: `%reload`, `%node`, `%run_pipeline`, `%tane`. Registered by `extension`.

IPython is not imported: it hands itself in.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Protocol

from tane import errors, fielded
from tane.notebook import steps
from tane.runs import opening, results
from tane.tuning import workspaces

NAMES = ("reload", "node", "run_pipeline", "tane")


class Opens(Protocol):
    """The session that the magics work for."""

    shell: Any

    def open(
        self, path: str = "", env: Sequence[str] = (), overrides: Sequence[str] = (), *, again: bool = False
    ) -> workspaces.Workspace:
        """Open a project and bind its names."""
        ...

    def need(self) -> workspaces.Workspace:
        """The open project."""
        ...


def register(shell: Any, session: Opens) -> None:
    """Give the shell the magics."""
    magics = Magics(session)
    for name in NAMES:
        shell.register_magic_function(getattr(magics, name), "line", name)


def unregister(shell: Any) -> None:
    """Take them away."""
    for name in NAMES:
        shell.magics_manager.magics["line"].pop(name, None)


class Magics:
    """What each does, in the words of its line."""

    def __init__(self, session: Opens) -> None:
        self._session = session

    def reload(self, line: str = "") -> None:
        """Import the project's code anew, read its configuration again: `%reload [PATH] [-e ENV] [KEY=VALUE ...]`."""
        words = _words(line)
        paths = [word for word in words.rest if word not in words.overrides]
        if len(paths) > 1:
            raise errors.UsageError(f"one project at a time, not {' and '.join(paths)}", hint="%reload PATH")
        again = not words.env and not words.overrides
        opened = self._session.open(paths[0] if paths else "", words.env, words.overrides, again=again)
        print(f"{opened.project.name} is loaded anew: {_counted(opened)}")

    def node(self, line: str = "") -> None:
        """Load the inputs of a node as variables, and its source into the next cell: `%node NAME [RUN]`.

        With the id of a run (or "last") they are the inputs that it had there.
        """
        words = shlex.split(line)
        if not words or len(words) > 2:
            known = ", ".join(sorted(steps.known(self._session.need())))
            raise errors.UsageError("%node takes the name of a node, and of a run if you like", hint=f"nodes: {known}")
        found = steps.find(self._session.need(), words[0])
        loaded = steps.load(self._session.need(), found, words[1] if len(words) == 2 else "")
        self._session.shell.push(loaded.values)
        self._session.shell.set_next_input(loaded.cell, replace=False)
        print(f"{found.name}: {', '.join(loaded.values) or 'no inputs'}; its source is in the next cell")

    def run_pipeline(self, line: str = "") -> results.Run:
        """Run a pipeline and give back the run: `%run_pipeline [PIPELINE] [KEY=VALUE ...] [-e ENV]`."""
        words = _words(line)
        names = [word for word in words.rest if word not in words.overrides]
        if len(names) > 1:
            raise errors.UsageError(
                f"one pipeline at a time, not {' and '.join(names)}", hint="%run_pipeline PIPELINE key=value"
            )
        name = names[0] if names else opening.DEFAULT
        return self._session.need().run(name, overrides=words.overrides, env=words.env or None)

    def tane(self, line: str = "") -> None:
        """Run a command of the command line in the project's folder: `%tane runs`."""
        workspace = self._session.need()
        command = [sys.executable, "-m", "tane", *shlex.split(line)]
        started = subprocess.Popen(
            command,
            cwd=workspace.project.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        assert started.stdout is not None
        try:
            for said in started.stdout:
                print(said, end="")
        except KeyboardInterrupt:
            started.terminate()
            raise
        finally:
            code = started.wait()
        if code:
            raise errors.UsageError(f"tane {line.strip()} ended with code {code}", hint="what it said stands above")


@fielded.frozen
class _Words:
    rest: tuple[str, ...]
    overrides: tuple[str, ...]
    env: tuple[str, ...]


def _words(line: str) -> _Words:
    """The words of a line: overrides as on the command line, `-e NAME` or `--env NAME`, and the rest."""
    words = shlex.split(line)
    rest: list[str] = []
    env: list[str] = []
    while words:
        word = words.pop(0)
        option, equals, value = word.partition("=")
        if option in ("-e", "--env"):
            if not equals and not words:
                raise errors.UsageError(f"{word} takes the name of an environment", hint=f"{word} NAME")
            env += (value if equals else words.pop(0)).split(",")
        elif word.startswith("--"):
            raise errors.UsageError(f"there is no option {word}", hint="%tane takes all options of the command line")
        else:
            rest.append(word)
    overrides = tuple(word for word in rest if "=" in word or word.startswith(("~", "+")))
    return _Words(tuple(rest), overrides, tuple(filter(None, env)))


def _counted(opened: workspaces.Workspace) -> str:
    names = [name for name in opened.pipelines if name != opening.DEFAULT]
    return f"pipelines {', '.join(names)}" if names else f"{len(opened.pipelines[opening.DEFAULT])} nodes"
