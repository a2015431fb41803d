"""`python -m <package>`: what a project does when it is called by its own name. Its `__main__` calls `main`.

In the project's sources it is `tane run` in the project's folder. Installed from a wheel it runs here: code and
configuration are those of the wheel, data and what Tane keeps lie in the current folder.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from tane import errors, fielded
from tane.cli import asking, group, run
from tane.cli import main as entry
from tane.project import packaged, projects


@fielded.frozen
class _Asked(asking.Asked):
    """What the command line says, of an installed project."""

    package: str

    def project(self) -> projects.Project:
        """The installed project; a flow file on the command line is itself one."""
        if self.path != ".":
            return super().project()
        return packaged.open_package(self.package, env=self.environments, overrides=self.overrides, params=self.params)


def main(package: str, arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the project of `package` with `arguments` (the process's own by default), and exit with the code of that."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        folder = packaged.folder_of(package)
    except errors.TaneError as error:
        group.tell(error)
        sys.exit(error.exit_code)
    tree = packaged.source_tree(folder, package)
    if tree is not None and given not in (["-h"], ["--help"]):
        os.chdir(tree)
        entry.main(["run", *given])
    code = group.execute(given, _command(package), _called(package))
    if code == errors.InterruptedRun.exit_code:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)


def _called(package: str) -> str:
    """How the user called it."""
    name = os.path.basename(sys.argv[0]) if sys.argv else ""
    return f"python -m {package}" if not name or name.startswith("__main__") else name


def _command(package: str) -> click.Command:
    """`tane run`, with the same options, for an installed project."""
    whole: Any = run.command.callback
    inner = whole.__wrapped__  # what takes `asked`, below the options that say what to run

    def call(asked: asking.Asked, **rest: Any) -> Any:
        fields = (asked.path, asked.pipeline, asked.environments, asked.overrides, asked.selection, asked.params)
        return inner(asked=_Asked(*fields, package), **rest)

    help_text = f"""Run a pipeline of {package}: what changed is run, everything else is reused.

    WHAT is the name of a pipeline (__default__ if left out), and any number of parameters. Code and configuration are
    those of the installed package; a folder of ./conf stands in the place of the packaged one of that name. Data and
    what Tane keeps (.tane) lie in the current folder.
    """
    return click.Command(
        package,
        params=run.command.params,
        callback=asking.what_to_run(call),
        help=help_text,
        context_settings=group.CONTEXT,
    )
