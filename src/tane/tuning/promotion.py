"""Writes the parameters of a study's best trial into a file of the configuration, for somebody to review.

By default that is an environment of its own, conf/best/parameters.yml, so that nothing else changes: `tane run -e best`
takes it, and Git shows it. A file that is there is not replaced unasked.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tane import errors, fielded
from tane.config import layers
from tane.project import projects
from tane.store import placing
from tane.tuning import requests, tuned
from tane.versions import yaml_edits

ENVIRONMENT = "best"


@fielded.frozen
class Promotion:
    """A file as it is (None: there is none) and as it is to be, and the parameters that this comes down to.

    `environment` is the one that takes it, empty for a file that belongs to none.
    """

    path: Path
    before: str | None
    after: str
    overrides: tuple[str, ...]
    environment: str = ""

    def diff(self, root: Path) -> str:
        """What is to be written, as a unified diff."""
        name = self.path.relative_to(root).as_posix() if self.path.is_relative_to(root) else str(self.path)
        before = (self.before or "").splitlines(keepends=True)
        after = self.after.splitlines(keepends=True)
        return "".join(
            difflib.unified_diff(before, after, "/dev/null" if self.before is None else f"a/{name}", f"b/{name}")
        )


def prepare(project: projects.Project, study: tuned.Tuned, file: str = "") -> Promotion:
    """What promoting the best trial of `study` would write. Raises `errors.UsageError` when there is no best one."""
    best = study.best
    path = Path(file) if file else project.conf / ENVIRONMENT / f"{layers.PARAMETERS}.yml"
    path = path.absolute()
    overrides = tuple(requests.override(name, value) for name, value in best.params.items())
    config = project.composed((*project.overrides, *overrides))
    chosen = dict(config.choices)
    taken = [name for name in best.params if name in chosen]
    lines = [
        f"# Trial {best.number} of study {study.name}: {study.goals[0].metric} = {best.value:.6g}",
        f"# run {best.run}; written by tane tune, to be reviewed",
    ]
    if taken:
        lines += [
            "defaults:",
            *(f"  - {name}: {yaml_edits.flow(value)}" for name, value in chosen.items()),
            "  - _self_",
        ]
    values = {name: value for name, value in best.params.items() if name not in chosen}
    lines += _block(_nested(values), 0)
    try:
        before = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        before = None
    except (OSError, UnicodeDecodeError) as error:
        raise errors.UsageError(f"cannot read {path}: {error}", hint="name another file") from error
    return Promotion(path, before, "\n".join(lines) + "\n", overrides, _environment(project, path))


def carry_out(project: projects.Project, promotion: Promotion, *, force: bool = False) -> None:
    """Write it. Raises `errors.UsageError` when there is another file, or when it would not mean the same."""
    if promotion.before == promotion.after:
        return
    if promotion.before is not None and not force:
        raise errors.UsageError(
            f"{promotion.path} is there already", hint="review the difference, then give --force, or name another file"
        )
    placing.file(promotion.path, lambda opened: placing.write_all(opened, promotion.after.encode()))
    if promotion.environment:
        try:
            _check(project, promotion)
        except BaseException:
            if promotion.before is None:
                placing.remove(promotion.path)
            else:
                before = promotion.before
                placing.file(promotion.path, lambda opened: placing.write_all(opened, before.encode()))
            raise


def _check(project: projects.Project, promotion: Promotion) -> None:
    """Raises when the configuration with this file is not that of the trial."""
    wanted = project.composed((*project.overrides, *promotion.overrides)).parameters
    environments = [name for name in project.environments if name != promotion.environment]
    then = projects.open_project(
        project.flow or project.root,
        env=[*environments, promotion.environment],
        overrides=project.overrides,
        environ=project.environ,
    )
    if dict(then.config.parameters) != dict(wanted):
        raise errors.UsageError(
            f"{promotion.path} cannot say what the trial had: other files say more",
            hint="tane adopt RUN changes the files themselves, for the run of the best trial",
        )


def _environment(project: projects.Project, path: Path) -> str:
    folder = path.parent
    ours = path.stem == layers.PARAMETERS and folder.parent == project.conf.absolute()
    return folder.name if ours and folder.name not in (layers.BASE, layers.LOCAL) else ""


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        at = found
        *path, last = name.split(".")
        for key in path:
            at = at.setdefault(key, {})
        at[last] = value
    return found


def _block(values: Mapping[str, Any], depth: int) -> list[str]:
    found = []
    for key, value in values.items():
        if isinstance(value, dict) and value:
            found += [f"{'  ' * depth}{key}:", *_block(value, depth + 1)]
        else:
            found.append(f"{'  ' * depth}{key}: {yaml_edits.flow(value)}")
    return found
