"""`%load_ext tane`: what a project holds under short names, its magics, and pages for what notebooks show.

IPython calls `load` through `tane.load_ipython_extension`. It never fails: where no project can be opened it says why,
and `%reload` tries again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tane import errors
from tane.notebook import magics, shelf, showing
from tane.project import loading
from tane.tuning import workspaces


class Session:
    """The project that a notebook works on, and the namespace its names are in."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.workspace: workspaces.Workspace | None = None
        self._asked: tuple[Path, tuple[str, ...], tuple[str, ...]] | None = None
        self._bound: dict[str, Any] = {}

    def open(
        self, path: str = "", env: Sequence[str] = (), overrides: Sequence[str] = (), *, again: bool = False
    ) -> workspaces.Workspace:
        """Open a project, its code imported anew, and bind the names. Without a path it is the one that is open, else
        that of the notebook's folder. `again` keeps environments and overrides as they are.
        """
        root = Path(path).absolute() if path else None
        if self._asked is not None:
            root = root or self._asked[0]
            if again:
                env, overrides = self._asked[1:]
        root = root or home(self.shell)
        opened = workspaces.open_project(root, env=tuple(env), overrides=tuple(overrides))
        loading.forget(opened.project.source)
        names = {
            "project": opened,
            "catalog": shelf.Catalog(opened),
            "params": opened.parameters,
            "pipelines": opened.pipelines,
            "run": opened.run,
        }
        self._asked = (opened.project.flow or opened.project.root, tuple(env), tuple(overrides))
        self.workspace = opened
        self._bound = names
        self.shell.push(names)
        return opened

    def need(self) -> workspaces.Workspace:
        """The open project. Raises `errors.ProjectError` when there is none."""
        if self.workspace is None:
            raise errors.ProjectError("no project is open", hint="%reload PATH opens one")
        return self.workspace

    def close(self) -> None:
        """Take the names away again, as far as they still mean what they did."""
        self.shell.drop_by_id(self._bound)
        self.workspace, self._bound = None, {}


def load(shell: Any) -> None:
    """Bind the names and register the magics; what stands in the way is said, not raised."""
    session = Session(shell)
    magics.register(shell, session)
    showing.register(shell)
    try:
        opened = session.open()
    except errors.TaneError as error:
        print(f"tane: no project is open: {error}", file=sys.stderr)
        print("tane: %reload PATH opens one, %reload tries again", file=sys.stderr)
    else:
        print(f"{opened.project.name}: {', '.join(session._bound)}; %reload, %node, %run_pipeline, %tane")
    shell._tane = session


def unload(shell: Any) -> None:
    """Take names and magics away."""
    session = getattr(shell, "_tane", None)
    if session is not None:
        session.close()
        magics.unregister(shell)


def home(shell: Any) -> Path:
    """The folder that a notebook lies in, as far as its editor says so; else where its kernel stands."""
    named = shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME", "")
    if named and os.path.isabs(str(named)) and Path(str(named)).parent.is_dir():
        return Path(str(named)).parent
    return Path.cwd()
