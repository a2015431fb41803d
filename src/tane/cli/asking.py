"""The options that several verbs share: which project, which pipeline, which part of it, with which settings."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from tane import errors, fielded
from tane.project import projects
from tane.runs import opening


@fielded.frozen
class Asked:
    """What the command line says of the pipeline to take."""

    path: str
    pipeline: str
    environments: tuple[str, ...]
    overrides: tuple[str, ...]
    selection: opening.Selection
    params: str

    def project(self) -> projects.Project:
        """The project it names, opened with its environments, file of parameters and overrides."""
        return projects.open_project(self.path, env=self.environments, overrides=self.overrides, params=self.params)


_SELECTIONS = (
    ("from_nodes", ("--from", "--from-nodes"), "NODE", "Begin at these nodes; what follows them is taken too."),
    ("to_nodes", ("--to", "--to-nodes"), "NODE", "End at these nodes; what they need is taken too."),
    ("nodes", ("--only", "--nodes"), "NODE", "Take exactly these nodes."),
    ("from_inputs", ("--from-inputs",), "DATASET", "Begin where these datasets are taken."),
    ("to_outputs", ("--to-outputs",), "DATASET", "End where these datasets are made."),
    ("tags", ("--tags",), "TAG", "Take nodes with any of these tags."),
    ("namespaces", ("--namespaces",), "NAMESPACE", "Take nodes of these namespaces."),
)


def what_to_run(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the argument WHAT and the options that choose; it gets them as `asked`."""
    return _choosing(command, _TAKEN_NOWHERE)


def what_to_backfill(command: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a command in which --from and --to are points in time."""
    return _choosing(command, ("--from", "--to"))


_TAKEN_NOWHERE: tuple[str, ...] = ()


def _choosing(command: Callable[..., Any], taken: tuple[str, ...]) -> Callable[..., Any]:

    @click.argument("what", nargs=-1, metavar="[PIPELINE | FLOW.py] [KEY=VALUE]...")
    @click.option(
        "-e", "--env", "env", multiple=True, help="Configuration environments, in order; repeat or use commas."
    )
    @click.option("-p", "--pipeline", "pipeline", default=None, help="The pipeline, by name.")
    @params
    @functools.wraps(command)
    def asking(what: tuple[str, ...], env: tuple[str, ...], pipeline: str | None, params: str, **rest: Any) -> Any:
        selection = opening.Selection(**{name: _split(rest.pop(name)) for name, *_ in _SELECTIONS})
        return command(asked=_read(what, _split(env), pipeline, selection, params), **rest)

    wrapped: Callable[..., Any] = asking
    for name, flags, metavar, text in reversed(_SELECTIONS):
        own = [flag for flag in flags if flag not in taken]
        wrapped = click.option(*own, name, multiple=True, metavar=metavar, help=text)(wrapped)
    return wrapped


def params(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option --params."""
    text = "A file, or URL, that stands in for all files of parameters."
    return click.option("--params", "params", default="", metavar="FILE", help=text)(command)


def is_override(word: str) -> bool:
    """Whether a word of the command line changes the configuration."""
    return "=" in word or word.startswith(("~", "+"))


def _split(given: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.strip() for each in given for part in each.split(",") if part.strip())


def _read(
    what: tuple[str, ...], env: tuple[str, ...], pipeline: str | None, selection: opening.Selection, params: str
) -> Asked:
    overrides = tuple(word for word in what if is_override(word))
    words = [word for word in what if word not in overrides]
    files = [word for word in words if word.endswith(".py")]
    names = [word for word in words if not word.endswith(".py")] + ([pipeline] if pipeline else [])
    if len(files) > 1 or len(names) > 1:
        raise errors.UsageError(
            f"one pipeline at a time, not {' and '.join(files or names)}",
            hint="parameters are given as key=value, parts of a pipeline with --only, --from and --to",
        )
    path, name = files[0] if files else ".", names[0] if names else opening.DEFAULT
    return Asked(path, name, env, overrides, selection, params)
