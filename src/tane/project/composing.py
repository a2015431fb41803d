"""`tane.compose`: a configuration without a run, and `tane.instantiate`: what it describes.

Called by users. Nothing of the project is run, and no code of it imported but for the loader and the resolvers that
pyproject.toml names. Nothing is remembered between calls, which may come from several threads.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tane import errors
from tane.config import compose as composition
from tane.config import layers, targets, views
from tane.project import finding, layout, projects, settings


def compose(
    path: str | os.PathLike[str] = ".",
    overrides: Sequence[str] = (),
    *,
    env: str | Sequence[str] = (),
    params: str | os.PathLike[str] = "",
    environ: Mapping[str, str] = os.environ,
    resolvers: Mapping[str, Callable[..., Any]] = {},
) -> views.View:
    """The parameters that a configuration composes to, to be read by key or attribute: `cfg.model.lr`.

    `path` is a project or a flow, a folder of layers (with base/ in it), a folder with config.yaml and groups beside
    it, or such a file of any name. `overrides` are as on the command line; the file `params` stands in for all
    parameters. `resolvers` may be called by interpolations, beside those of the project. Raises `errors.ConfigError`
    with all mistakes.
    """
    if isinstance(overrides, str):
        raise errors.ConfigError("overrides is text, not a list of texts", hint=f"write overrides=[{overrides!r}]")
    files, allowed = _files(Path(path), env, projects.in_full(params), environ, resolvers)
    return views.View(files.compose(overrides).parameters, targets=allowed)


def instantiate(config: Any, *args: Any, targets: Sequence[str] | None = None, **kwargs: Any) -> Any:
    """What `config` describes: its `_target_` called with its other keys, those below made first.

    `args` and `kwargs` come over what it says; `_args_`, `_partial_` and `_recursive_` are understood. Only what
    `targets` of the project's [tool.tane] allows is imported, and what is marked with `@tane.factory`; given here,
    `targets` are used instead. Raises `errors.ConfigError`.
    """
    if targets is None:
        targets = views.targets_of(config)
    if targets is None:
        targets = _targets_near(sys._getframe(1).f_code.co_filename)
    return _instantiate(config, *args, targets=targets, **kwargs)


_instantiate = targets.instantiate


def _files(
    path: Path,
    env: str | Sequence[str],
    params: str,
    environ: Mapping[str, str],
    resolvers: Mapping[str, Callable[..., Any]],
) -> tuple[composition.Files, tuple[str, ...]]:
    """The files of the configuration at `path`, and what they may name in `_target_`."""
    environments = (env,) if isinstance(env, str) and env else tuple(env)
    primary = path if path.suffix in layers.SUFFIXES else None
    conf = Path(os.path.abspath(path if primary is None else path.parent))
    if primary is not None and not primary.is_file():
        raise _no_file(primary)
    if primary is None and not ((conf / layers.BASE).is_dir() or layers.primary_of(conf) is not None):
        return _of_project(path, environments, params, environ, resolvers)
    if primary is not None and environments:
        raise errors.ConfigError(
            f"{path} has no environments", hint="give the folder that holds base/ and the environments"
        )
    files = composition.read(
        conf.parent,
        environments,
        environ,
        conf=conf,
        primary=None if primary is None else Path(os.path.abspath(primary)),
        params=params,
        own=resolvers,
        cache=conf.parent / layout.WORK / layout.FETCHED,
    )
    return files, _targets_near(str(conf))


def _of_project(
    path: Path,
    environments: Sequence[str],
    params: str,
    environ: Mapping[str, str],
    resolvers: Mapping[str, Callable[..., Any]],
) -> tuple[composition.Files, tuple[str, ...]]:
    if not path.exists():
        raise _no_file(path)
    try:
        project = projects.open_project(path, env=environments, environ=environ, params=params)
    except errors.ProjectError as error:
        if _is_project(path):
            raise
        if (path / layout.CONF).is_dir():  # a script's folder
            return _files(path / layout.CONF, environments, params, environ, resolvers)
        raise errors.ConfigError(
            f"there is no configuration in {path}",
            hint="give a project, a folder with base/ or config.yaml in it, or a YAML file",
        ) from error
    files = project.written
    files.own = {**files.own, **resolvers}
    return files, project.targets


def _is_project(path: Path) -> bool:
    """Whether there is a project at `path` or above it."""
    try:
        finding.find(path)
    except errors.ProjectError:
        return False
    return True


def _no_file(path: Path) -> errors.ConfigError:
    there = sorted(each.name for each in path.parent.iterdir()) if path.parent.is_dir() else []
    near = errors.did_you_mean(path.name, there, "give the path of a project, a folder or a YAML file")
    return errors.ConfigError(f"there is no {path}", hint=near)


def _targets_near(file: str) -> tuple[str, ...]:
    """What the project may name in whose folder `file` lies; of the project that the process works in, otherwise."""
    for start in (os.path.dirname(file) if os.path.isfile(file) else file, os.getcwd()):
        try:
            place = finding.find(start)
            if place.flow is None:
                return settings.read(place.root).targets
        except errors.ProjectError:
            continue
    return ()
