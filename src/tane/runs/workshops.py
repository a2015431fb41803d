"""What one process makes many runs of one pipeline with: opened once, and what it has learnt holds for all of them.

`window_runs` does the windows of a backfill with it, `tuning.jobs` the points of sweeps and studies. Whoever makes one
opens and closes ledger and store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tane.catalog import catalogs
from tane.config import checking, compose, origins
from tane.digest import hashing
from tane.executors import routing
from tane.ledger import connection
from tane.pipeline import nodes
from tane.plan import checks, code, environment, scripts, steps, transforms, wants
from tane.project import options, projects
from tane.runs import interrupts, keying, opening, recording, sources
from tane.store import filedigests, objects, signatures


class Workshop:
    """A pipeline of a project with store, ledger and the digests of its code, for any number of runs."""

    def __init__(
        self,
        project: projects.Project,
        name: str,
        selection: opening.Selection,
        ledger: connection.Ledger,
        store: objects.Objects,
    ) -> None:
        self.project = project
        self.name = name
        self.selection = selection
        self.ledger = ledger
        self.store = store
        self.whole = project.pipelines()[name]
        self.pipeline = selection.of(self.whole)
        self.code_cache = code.Cache(project.root)
        self.watched = bool(project.hooks(lambda warning: None))
        self._files = filedigests.FileDigests(store)
        self._transforms = transforms.Transforms(project.transforms(), self.code_cache)
        self._packages = environment.user_cache()
        self._reserved = opening.reserved(project)
        self._versions: keying.Versions = {}
        self._clerk = recording.Clerk()
        self._wants: list[checking.Want] | None = None

    def resolve(self, catalog: catalogs.Catalog, names: frozenset[str], **more: Any) -> sources.Sources:
        """Pin the sources of these names as they are now; `more` is as `sources.resolve` has it."""
        parts = sources.Parts(catalog, self.store, self._files, self.ledger, whole=self.whole)
        given = more.pop("given", {})
        return sources.resolve(self.pipeline, given, parts, only=names, **more)

    def open(
        self,
        config: compose.Config,
        parameters: Mapping[str, Any],
        catalog: catalogs.Catalog,
        start: sources.Sources,
        origin: Callable[..., origins.Origin],
        only: frozenset[str] | None = None,
        *,
        as_before: bool = True,
    ) -> opening.Opened:
        """The pipeline, or the nodes `only` of it, ready to be decided.

        `as_before` says that the catalog names the same places as in a run that was opened before: then nothing but
        parameters is checked. `start` may have more than the pipeline takes.
        """
        pipeline = self.pipeline if only is None else self.pipeline.filter(nodes=only)
        if self._wants is not None and only is None and as_before:
            converted = checks.convert(self._wants, parameters, origin)
        else:
            converted = checks.check(pipeline, parameters, origin, catalog, self._reserved, self.whole)
            if only is None:
                self._wants = wants.of(pipeline)
        return opening.Opened(
            project=self.project,
            name=self.name,
            pipeline=pipeline,
            config=config,
            catalog=catalog,
            ledger=self.ledger,
            store=self.store,
            files=self._files,
            packages=self._packages,
            code_cache=self.code_cache,
            start=among(start, frozenset(pipeline.free_inputs())),
            parameters=parameters,
            selection=self.selection,
            transforms=self._transforms,
            steps=steps.prepare(pipeline, parameters, converted, self.code_cache, self._rests(catalog)),
            versions=self._versions,
            clerk=self._clerk,
        )

    def code(self, parameters: Mapping[str, Any], catalog: catalogs.Catalog) -> str:
        """The digest of all code that the steps rest on."""
        prepared = self._prepared(parameters, catalog)
        return hashing.combine("code", *(part for step in prepared for part in (step.node.name, step.code.digest)))

    def files(
        self, parameters: Mapping[str, Any], catalog: catalogs.Catalog
    ) -> Mapping[str, signatures.Signature | None]:
        """The files of all code that the steps rest on, and how they looked when they said what it does."""
        prepared = self._prepared(parameters, catalog)
        found = {str(path): signatures.of(path) for step in prepared for path in step.code.files}
        return {**found, **self.code_cache.files()}

    def _prepared(self, parameters: Mapping[str, Any], catalog: catalogs.Catalog) -> list[steps.Step]:
        converted = wants.converted(wants.of(self.pipeline), parameters)
        return steps.prepare(self.pipeline, parameters, converted, self.code_cache, self._rests(catalog))

    def _rests(self, catalog: catalogs.Catalog) -> scripts.Rests:
        """What commands rest on."""
        return scripts.Rests(self.project.root, catalog, self._files.of)


def among(found: sources.Sources, names: frozenset[str]) -> sources.Sources:
    """What of `found` has these names, without notices: they were told once, when it was pinned."""
    return sources.Sources(
        kept={name: kept for name, kept in found.kept.items() if name in names},
        held={name: value for name, value in found.held.items() if name in names},
        in_place={name: place for name, place in found.in_place.items() if name in names},
        pinned_by_stat=False,
        left_out=[name for name in found.left_out if name in names],
    )


def joined(parts: list[sources.Sources]) -> sources.Sources:
    """Several as one; where two have a name, the later one stands."""
    return sources.Sources(
        kept={name: kept for part in parts for name, kept in part.kept.items()},
        held={name: value for part in parts for name, value in part.held.items()},
        in_place={name: place for part in parts for name, place in part.in_place.items()},
        notices=[notice for part in parts for notice in part.notices],
        pinned_by_stat=False,
        left_out=[name for part in parts for name in part.left_out],
    )


class Pool(routing.Routed):
    """Executors that outlive each of the runs that work in them: only leaving it as a context closes them."""

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    def close(self) -> None:
        """A run that is over needs no more of it; the others do."""

    def end(self) -> None:
        """Close all of them."""
        with interrupts.held_off():
            super().close()


def at_once(asked: int | None, said: options.RunOptions, touched: Iterable[nodes.Node]) -> int:
    """How many runs at once: as many as asked for, as far as there is enough of what the steps `touched` ask for."""
    jobs = asked if asked is not None else said.jobs or 1
    for node in touched:
        for name, amount in said.demands_for(node).resources.items():
            there = said.resources.get(name)
            if there is not None and amount > 0:
                jobs = min(jobs, max(1, int(there // amount)))
    return jobs
