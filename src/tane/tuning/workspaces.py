"""A project as Python sees it: `tane.open_project(".")`, with the verbs that run a pipeline many times."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from tane import fielded
from tane.project import projects
from tane.runs import opening, sessions
from tane.tuning import requests, studying, sweep_points, sweeps, tuned


@fielded.frozen
class Workspace(sessions.Workspace):
    """An open project. Several may be open in one process."""

    def sweep(
        self,
        pipeline: str = "",
        values: Mapping[str, Any] | Sequence[str] = (),
        *,
        metric: str | Sequence[str] | Mapping[str, str] = (),
        jobs: int | None = None,
        overrides: Sequence[str] = (),
        env: str | Sequence[str] | None = None,
        fail_fast: bool = False,
        force: bool = False,
        experiment: str = "",
        **selection: Sequence[str],
    ) -> sweeps.Sweep:
        """Run a pipeline once for each combination of `values`: {"model.lr": [0.1, 0.2]}, or words as on the command
        line ("model.lr=0.1,0.2"); without any, those of sweep.yml.

        Points that have succeeded already are not done again. `metric` is what to sort by: one name, several, or
        {"rmse": "minimize"}. What failed is told by the points' states: ask `raise_for_status()` for an error.
        """
        project = self._with(overrides, env)
        filed, section = sweep_points.read(project)
        words = sweep_points.of_mapping(values) if isinstance(values, Mapping) else list(values)
        points = sweep_points.of_words(project, words, {} if words else filed.axes, section.place)
        metrics = sweeps.check_metrics(metric) or (dict(filed.metrics) if not words else {})
        return sweeps.sweep(
            project,
            points,
            pipeline or filed.pipeline or opening.DEFAULT,
            selection=opening.Selection(**selection),
            asked=sweeps.Asked(metrics, experiment or filed.experiment),
            how=sweeps.How(jobs, fail_fast, force),
        )

    def resume_sweep(self, sweep: str, *, jobs: int | None = None, fail_fast: bool = False) -> sweeps.Sweep:
        """Go on with a sweep, by id: with its points and sources as they were, on the code of today."""
        return sweeps.resume(self.project, sweep, how=sweeps.How(jobs, fail_fast))

    def tune(
        self,
        pipeline: str = "",
        space: Mapping[str, Any] | None = None,
        *,
        maximize: str | Sequence[str] = (),
        minimize: str | Sequence[str] = (),
        trials: int | None = None,
        timeout: float | str | None = None,
        sampler: str | Mapping[str, Any] = "",
        pruner: str | Mapping[str, Any] = "",
        constraints: Sequence[str] = (),
        enqueue: Sequence[Mapping[str, Any]] = (),
        seed: int | None = None,
        study: str = "",
        new: bool = False,
        retry_failed: bool = False,
        jobs: int = 1,
        overrides: Sequence[str] = (),
        env: str | Sequence[str] | None = None,
        experiment: str = "",
        **selection: Sequence[str],
    ) -> tuned.Tuned:
        """Search for the best parameters of a pipeline. What is not given here is as tune.yml says.

        A study of that name goes on where it was. What ended the search, where it was not its end, is its `error`: ask
        `raise_for_status()`.
        """
        words = requests.split(overrides)
        project = self._with(words.fixed, env)
        given = {
            **{"pipeline": pipeline, "space": space, "maximize": maximize, "minimize": minimize, "trials": trials},
            **{"timeout": timeout, "sampler": sampler, "pruner": pruner, "constraints": list(constraints)},
            **{"enqueue": list(enqueue), "seed": seed, "experiment": experiment},
        }
        return studying.tune(
            project,
            requests.of_project(project, given, words),
            study=study,
            selection=opening.Selection(**selection),
            how=studying.How(jobs, retry_failed, new),
        )

    def study(self, name: str = "") -> tuned.Tuned:
        """How a study stands, by name; the newest by default."""
        return studying.look(self.project, name)


def open_project(
    path: str | os.PathLike[str] = ".",
    *,
    env: str | Sequence[str] = (),
    overrides: Sequence[str] = (),
    params: str | os.PathLike[str] = "",
) -> Workspace:
    """Open the project at `path` or above it, or the one-file project `path`.

    The file `params`, a path or URL, stands in for all of its parameters. Raises `errors.ProjectError` when there is
    none.
    """
    return Workspace(projects.open_project(path, env=env, overrides=overrides, params=params))
