"""Opens what a project's runs work with: pipeline, ledger, store, keys. Called by `running` and `preview`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tane import errors, events, fielded
from tane.catalog import catalogs, masking
from tane.config import compose
from tane.ledger import connection, read, records
from tane.pipeline import graph, namespaces
from tane.plan import checks, code, environment, scripts, steps, transforms
from tane.project import projects
from tane.runs import arguments, keying, lockfile, recording, sources, turns
from tane.store import filedigests, objects
from tane.tracking import mirrors

DEFAULT = "__default__"


@fielded.frozen
class Selection:
    """Which part of a pipeline to take: each a list of names, as `Pipeline.filter` has them."""

    from_nodes: str | Sequence[str] = ()
    to_nodes: str | Sequence[str] = ()
    from_inputs: str | Sequence[str] = ()
    to_outputs: str | Sequence[str] = ()
    nodes: str | Sequence[str] = ()
    tags: str | Sequence[str] = ()
    namespaces: str | Sequence[str] = ()

    def as_dict(self) -> dict[str, list[str]]:
        """The criteria that name something."""
        found = {name: getattr(self, name) for name in fielded.fields(self)}
        return {name: [value] if isinstance(value, str) else list(value) for name, value in found.items() if value}

    def of(self, pipeline: graph.Pipeline) -> graph.Pipeline:
        """The chosen part; the pipeline itself when nothing is named."""
        chosen = self.as_dict()
        return pipeline.filter(**chosen) if chosen else pipeline


@fielded.mutable
class Opened:
    """A pipeline of a project, ready to be decided."""

    project: projects.Project
    name: str
    pipeline: graph.Pipeline
    config: compose.Config
    catalog: catalogs.Catalog
    ledger: connection.Ledger
    store: objects.Objects
    files: filedigests.FileDigests
    packages: str  # a folder in which the installation's metadata is remembered
    code_cache: code.Cache
    start: sources.Sources
    parameters: Mapping[str, Any]
    selection: Selection
    transforms: transforms.Transforms
    steps: list[steps.Step] = fielded.field(default_factory=list)
    versions: keying.Versions = fielded.field(default_factory=dict)
    wrap: Callable[[events.Sink], events.Sink] | None = None  # around what its steps log to
    turns: turns.Turns | None = None  # with other processes that run it
    clerk: recording.Clerk | None = None  # looks after what is recorded, where many runs follow each other

    @property
    def home(self) -> Path:
        """The `.tane` folder."""
        return self.project.home

    def keys(self, recorder: recording.Recorder | None) -> keying.Keys:
        """The keys of its steps; what they name is put on record by `recorder`."""
        return keying.Keys(
            self.catalog,
            self.ledger,
            self.store,
            recorder,
            self.code_cache,
            self.packages,
            self.transforms,
            self.versions,
        )

    def asked(self) -> dict[str, Any]:
        """What was asked for beside the pipeline, as recorded with a run."""
        return {
            "environments": list(self.config.environments),
            "overrides": list(self.config.overrides),
            "origins": self.config.origins(),
            "selection": self.selection.as_dict(),
            **self.config.composed_from(),
        }

    @property
    def keeps(self) -> bool:
        """Whether values that are not in the catalog are kept."""
        return self.project.keep != "none"

    @property
    def place(self) -> arguments.Place:
        """Where steps work in this process."""
        return arguments.Place(self.store, self.ledger, self.wrap, self.logging)

    @property
    def logging(self) -> mirrors.Setup:
        """What goes with the ledger where steps log."""
        names, credentials = self.project.sinks, self.config.credentials
        if not names and not credentials:
            return mirrors.NOTHING
        others = tuple(name for name in names if name != mirrors.LEDGER)
        secrets = tuple(dict.fromkeys(masking.leaves(credentials)))
        return mirrors.Setup(others, str(self.project.root), str(self.project.source), secrets)


@contextmanager
def open_pipeline(
    project: projects.Project,
    name: str,
    selection: Selection,
    inputs: Mapping[str, Any],
    *,
    look_only: bool = False,
    resume: str = "",
) -> Iterator[Opened]:
    """Check and open everything a run of pipeline `name` needs; closed at the end.

    With `look_only` neither store nor ledger is touched. With `resume`, the parameters, inputs and selection are those
    of that earlier run. Every mistake that can be known before anything runs is raised here, before a run is recorded.
    """
    ledger = connection.open_ledger(project.ledger, create=not look_only)
    store = objects.Objects(project.store, read_only=look_only)
    try:
        pinned = _pin(ledger, resume) if resume else None
        yield _open(project, name, selection, inputs, ledger, store, pinned, look_only)
    finally:
        store.close()
        ledger.close()


class _Pinned(NamedTuple):
    """What a resumed run takes over from an earlier one."""

    pipeline: str
    parameters: Mapping[str, Any]
    sources: Mapping[str, records.Kept]
    selection: Selection


def _pin(ledger: connection.Ledger, prefix: str) -> _Pinned:
    run = read.run(ledger, prefix)
    if run.kind != "run":
        raise errors.UsageError(
            f"{run.run} is no run of a pipeline: it cannot be resumed", hint="tane runs lists the runs there are"
        )
    chosen = run.config.get("asked", {}).get("selection", {})
    found = {kept.name: kept for kept in read.sources(ledger, run.run)}
    return _Pinned(run.pipeline, run.params, found, Selection(**chosen))


def _open(
    project: projects.Project,
    name: str,
    selection: Selection,
    inputs: Mapping[str, Any],
    ledger: connection.Ledger,
    store: objects.Objects,
    pinned: _Pinned | None,
    look_only: bool,
) -> Opened:
    if pinned is not None:
        name, selection = pinned.pipeline, pinned.selection
    pipelines, pipeline = project.pipelines(), chosen(project, name, selection)
    config, catalog = project.config, project.catalog
    catalog.check_ready(pipeline.datasets())
    parameters = config.parameters if pinned is None else pinned.parameters
    arguments = checks.check(pipeline, parameters, config.origin, catalog, reserved(project), pipelines[name])
    if faults := scripts.check(pipeline.nodes, project.root):
        raise errors.PipelineError.of(faults, "the run cannot start: commands cannot be run")
    files = filedigests.FileDigests(store)
    parts = sources.Parts(catalog, store, files, ledger, whole=pipelines[name])
    start = sources.resolve(
        pipeline, inputs, parts, look_only=look_only, pinned=pinned.sources if pinned is not None else {}
    )
    code_cache = code.Cache(project.root)
    rests = scripts.Rests(project.root, catalog, files.of)
    prepared = steps.prepare(pipeline, parameters, arguments, code_cache, rests)
    start.notices += [*config.notices, *_undefined(prepared)]
    return Opened(
        project=project,
        name=name,
        pipeline=pipeline,
        config=config,
        catalog=catalog,
        ledger=ledger,
        store=store,
        files=files,
        packages=environment.user_cache(),
        code_cache=code_cache,
        start=start,
        parameters=parameters,
        selection=selection,
        transforms=transforms.Transforms(project.transforms(), code_cache),
        steps=prepared,
    )


def _undefined(prepared: Sequence[steps.Step]) -> list[str]:
    """A notice for each name that a step's code uses and nothing defines: a forgotten import, or a misspelt name."""
    found = dict.fromkeys(each for step in prepared for each in step.code.undefined)
    return [f"{label} uses the name {name!r}, which nothing defines: is an import missing?" for name, label in found]


def chosen(project: projects.Project, name: str, selection: Selection) -> graph.Pipeline:
    """The part of pipeline `name` that is to run. Raises `errors.PipelineError` when there is none."""
    pipelines = project.pipelines()
    if name not in pipelines:
        known = ", ".join(pipelines)
        raise errors.PipelineError(
            f"there is no pipeline {name!r}", hint=errors.did_you_mean(name, pipelines, f"there are: {known}")
        )
    project.options().check(pipelines)
    pipeline = selection.of(pipelines[name])
    if not len(pipeline):
        raise errors.PipelineError(
            f"nothing of pipeline {name!r} is left to run", hint="the selections exclude each other: take one away"
        )
    return pipeline


def reserved(project: projects.Project) -> dict[Path, str]:
    """Where no output may go."""
    code, ledger = dict.fromkeys(project.code, "the project's code"), project.ledger
    found = {
        **code,
        project.conf: "the configuration",
        project.home: "what Tane keeps",
        ledger if project.root.is_relative_to(ledger.parent) else ledger.parent: "what Tane keeps",
        project.store: "what Tane keeps",
        project.root / "pyproject.toml": "the project's settings",
        project.root / lockfile.NAME: "the lock file",
    }
    return {Path(os.path.realpath(path)): what for path, what in found.items()}


def forced(opened: Opened, force: bool | Iterable[str]) -> frozenset[str]:
    """The names of the nodes to run whatever is known of them. Raises `errors.PipelineError` for unknown ones."""
    names = opened.pipeline.by_name
    if force is True:
        return frozenset(names)
    wanted = frozenset(namespaces.in_full(name, names) for name in force or ())
    for name in wanted:
        if name not in names:
            raise errors.PipelineError(
                f"no node {name!r} to force", hint=errors.did_you_mean(name, names, f"there are: {', '.join(names)}")
            )
    return wanted
