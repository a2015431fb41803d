"""A project as Python sees it, as far as one run at a time goes. Thin: each call goes to the verb that does it.

`tuning.workspaces` opens it, with more verbs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from tane import errors, fielded
from tane.catalog import catalogs
from tane.ledger import connection, read
from tane.pipeline import graph, namespaces
from tane.project import projects
from tane.runs import backfills, debugging, opening, preview, results, running, sources, windows
from tane.store import objects


@fielded.frozen
class Workspace:
    """An open project. Several may be open in one process."""

    project: projects.Project

    @property
    def catalog(self) -> catalogs.Catalog:
        """The datasets by name."""
        return self.project.catalog

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The composed parameters."""
        return self.project.config.parameters

    @property
    def pipelines(self) -> Mapping[str, graph.Pipeline]:
        """The registered pipelines by name."""
        return self.project.pipelines()

    def run(
        self,
        pipeline: str = opening.DEFAULT,
        *,
        overrides: Sequence[str] = (),
        env: str | Sequence[str] | None = None,
        inputs: Mapping[str, Any] | None = None,
        force: bool | Iterable[str] = False,
        jobs: int | None = None,
        executor: str = "",
        keep_going: bool = False,
        **selection: Sequence[str],
    ) -> results.Run:
        """Run a pipeline; `overrides` are as on the command line ("model.lr=0.1"), `selection` as `Pipeline.filter`.

        Raises what ended a run that failed.
        """
        return running.run(
            self._with(overrides, env),
            pipeline,
            selection=opening.Selection(**selection),
            inputs=inputs,
            force=force,
            jobs=jobs,
            executor=executor,
            keep_going=keep_going,
        ).raise_for_status()

    def backfill(
        self,
        pipeline: str = opening.DEFAULT,
        *,
        start: str | date,
        end: str | date,
        every: str,
        tz: str = "",
        overrides: Sequence[str] = (),
        env: str | Sequence[str] | None = None,
        inputs: Mapping[str, Any] | None = None,
        jobs: int | None = None,
        limit: int | None = None,
        latest_first: bool = False,
        keep_going: bool = True,
        force: bool = False,
        **selection: Sequence[str],
    ) -> backfills.Backfill:
        """Run a pipeline once for each window of `every` ("1h", "1d", "1M") from `start` up to `end`.

        What has succeeded already is not done again. What failed is told by the windows' states: ask
        `raise_for_status()` for an error.
        """
        return backfills.backfill(
            self._with(overrides, env),
            windows.cut(start, end, every, tz, words=_WORDS),
            pipeline,
            selection=opening.Selection(**selection),
            inputs=inputs,
            how=backfills.How(jobs, limit, latest_first, keep_going, force),
        )

    def plan(
        self,
        pipeline: str = opening.DEFAULT,
        *,
        overrides: Sequence[str] = (),
        env: str | Sequence[str] | None = None,
        **selection: Sequence[str],
    ) -> preview.Preview:
        """What a run would do now, and why."""
        return preview.preview(self._with(overrides, env), pipeline, selection=opening.Selection(**selection))

    def load(self, dataset: str) -> Any:
        """The value of a dataset: from its place in the workspace, else the last one that was kept.

        Its namespace may be left out where only one is so called. Raises `errors.CatalogError` when there is neither.
        """
        found = self.catalog.find(dataset)
        if found is not None and found.kind == "object":
            return found.load()
        if found is not None and found.local is not None and found.local.exists():
            return found.read(found.local)
        ledger = connection.open_ledger(self.project.ledger)
        store = objects.Objects(self.project.store)
        try:
            for name in self._meanings(dataset):
                versions = read.versions(ledger, name, limit=1)
                if versions:
                    return sources.decode(versions[0].kept, found, store)
        finally:
            store.close()
            ledger.close()
        known = [*self.catalog.names(), *(name for one in self.pipelines.values() for name in one.datasets())]
        raise errors.CatalogError(
            f"there is no dataset {dataset!r} to load",
            hint=errors.did_you_mean(dataset, [name for name in known if name != dataset], "run its pipeline first"),
        )

    def replay(self, step: str = "", run: str = "") -> debugging.Replay:
        """A step of an earlier run with the inputs it had then, to look into: `arguments`, `call()`.

        Without names, the step that failed last.
        """
        return debugging.replay(self.project, step, run)

    def _meanings(self, dataset: str) -> Iterator[str]:
        """What `dataset` may mean: itself, and what is so called in a namespace. A file of its own asks that first."""
        if self.project.flow is None:
            yield dataset
        yield namespaces.in_full(dataset, {name for one in self.pipelines.values() for name in one.datasets()})

    def _with(self, overrides: Sequence[str], env: str | Sequence[str] | None) -> projects.Project:
        """The same project with other overrides or environments."""
        if not overrides and env is None:
            return self.project
        here = self.project
        return projects.open_project(
            here.flow or here.root,
            env=here.environments if env is None else env,
            overrides=(*here.overrides, *overrides),
            environ=here.environ,
            params=here.params,
        )


_WORDS = windows.Words("start", "end", "every", "tz")
