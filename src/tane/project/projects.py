"""Opening a project: finds the root, reads its settings and run.yml, and hands the parts over as one frozen record.

Called by the doors and by `runs`. There is no current project: any number may be open in one process.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from tane import fielded
from tane.catalog import catalogs
from tane.config import compose, layers
from tane.pipeline import graph
from tane.project import (
    bytecode,
    declared,
    finding,
    layout,
    loaded,
    loading,
    options,
    plugins,
    references,
    settings,
    sources,
)

Place = finding.Place
find = finding.find


@fielded.frozen(eq=False, slots=False)
class Project:
    """A project and its parts. Configuration, catalog and pipelines are read when first asked for, once.

    `source` is the folder that user code is imported from. `store`, `ledger`, `keep` ("all" or "none") and `remotes`
    are those of its environments; `sinks` name where else what runs log is kept. `params` is a file that stands in for
    all of its parameters, by absolute path or URL.
    """

    root: Path
    name: str
    package: str
    kind: finding.Kind
    flow: Path | None
    source: Path
    conf: Path
    store: Path
    ledger: Path
    keep: settings.Keep
    remotes: Mapping[str, str]
    sinks: tuple[str, ...]
    environments: tuple[str, ...]
    overrides: tuple[str, ...]
    params: str
    environ: Mapping[str, str] = fielded.field(repr=False)
    _settled: options.Settled = fielded.field(repr=False)

    @property
    def home(self) -> Path:
        """The folder in which Tane keeps what belongs to this copy of the project alone: logs, locks, standings."""
        return self.root / layout.WORK

    @cached_property
    def config(self) -> compose.Config:
        """The composed configuration. Overrides may name what only code declares: it is imported."""
        return self.composed(self.overrides)

    def composed(self, overrides: Sequence[str]) -> compose.Config:
        """The configuration that the project would have with these overrides instead of its own."""
        known: dict[str, Any] = {}
        if overrides or any(name.startswith("TANE_PARAM__") for name in self.environ):
            known = declared.defaults(self._loaded.pipelines.values())
        return self.written.compose(overrides, known)

    @cached_property
    def written(self) -> compose.Files:
        """The files of its configuration, read when first asked for, once. No code is imported, but for resolvers."""
        return compose.read(
            self.root,
            self.environments,
            dict(self.environ),  # as it is now, and quicker to look through
            conf=self.conf,
            loader=self._settled.loader,
            params=self.params,
            own=plugins.resolvers(self._settled.settings, self._settled.finder),
            cache=self.home / layout.FETCHED,
        )

    @property
    def targets(self) -> tuple[str, ...]:
        """What `_target_` in its configuration may name."""
        return self._settled.settings.targets

    @property
    def loader(self) -> layers.Loader | None:
        """The project's own way to read its configuration, where it has one."""
        return self._settled.loader

    def options(self) -> options.RunOptions:
        """How steps are to be run, as run.yml says."""
        return self._settled.options

    def hooks(self, tell: Callable[[str], None]) -> tuple[plugins.Hook, ...]:
        """The plug-ins that watch runs, in the order in which they are called; classes are made anew.

        `tell` gets a warning for each installed one that cannot be used.
        """
        given = self._loaded.hooks if self.flow is not None else ()
        return plugins.hooks(self._settled.settings, self._settled.finder, given, self.flow, tell)

    def transforms(self) -> tuple[plugins.Transform, ...]:
        """The plug-ins that change what steps take, in the order in which they are applied."""
        return plugins.transforms(self._settled.settings, self._settled.finder)

    @cached_property
    def catalog(self) -> catalogs.Catalog:
        """The catalog, its `${params:...}` filled. Dataset classes of the project are importable."""
        self.use_code()
        config = self.config
        entries = references.fill(config.catalog, config.parameters, self._catalog_line)
        return catalogs.Catalog.from_config(entries, config.credentials, self.root, config.origin)

    def pipelines(self) -> dict[str, graph.Pipeline]:
        """The pipelines by name, "__default__" among them. Imports the user's code when first called."""
        loaded = self._loaded
        self.use_code()
        return dict(loaded.pipelines)

    def use_code(self) -> None:
        """Let imports find this project's modules, where another open project has the same names."""
        loaded = self.__dict__.get("_loaded")
        loading.use(self.source, loaded.modules if loaded else None)

    @property
    def code(self) -> tuple[Path, ...]:
        """The file or folders that the code lies in."""
        if self.flow is not None:
            return (self.flow,)
        return (self.source / self.package if self.source == self.root else self.source,)

    def source_files(self) -> list[Path]:
        """All files and folders of the code, and pyproject.toml: when none of them changed, no code did."""
        if self.flow is not None:
            return sources.of_flow(self.flow)
        return sources.of_package(self.root, self.source, self.package)

    def files_read(self) -> frozenset[str]:
        """The files that the user's code read while it was imported, or looked for."""
        return self._loaded.files | self._settled.finder.files

    @cached_property
    def _loaded(self) -> loading.Loaded:
        files = self.source_files()
        bytecode.forget_doubtful(files)
        before = loaded.Before(files)
        found = loading.flow(self.flow) if self.flow is not None else loading.package(self.source, self.package)
        before.note(found.modules.values())
        return found

    def _catalog_line(self, keys: tuple[str, ...]) -> str:
        return str(self.config.origin("catalog", *keys))


def open_project(
    path: str | os.PathLike[str] = ".",
    *,
    env: str | Sequence[str] = (),
    overrides: Sequence[str] = (),
    environ: Mapping[str, str] = os.environ,
    params: str | os.PathLike[str] = "",
) -> Project:
    """The project at `path` or above it, with these environments and overrides.

    The file `params`, a path or URL, stands in for all of its parameters.

    Raises `errors.ProjectError` when there is none or its settings are wrong, `errors.ConfigError` when run.yml is.
    """
    place = find(path)
    environments = (env,) if isinstance(env, str) else tuple(env)
    if place.flow is not None:
        found = settings.defaults(place.root, place.flow.stem)
    else:
        found = settings.read(place.root)
    settled = options.settle(place.root, found, environments, place.flow)
    found = settings.elsewhere(settled.settings, environ)
    return Project(
        root=place.root,
        name=found.name,
        package=found.package,
        kind=place.kind,
        flow=place.flow,
        source=found.source,
        conf=found.conf,
        store=found.store,
        ledger=found.ledger,
        keep=found.keep,
        remotes=found.remotes,
        sinks=found.sinks,
        environments=environments,
        overrides=tuple(overrides),
        environ=environ,
        _settled=settled,
        params=in_full(params),
    )


def recorded_params(asked: Mapping[str, Any], root: Path) -> str:
    """The file of parameters that an earlier run of the project at `root` was asked to take, as it was then."""
    if not asked.get("params"):
        return ""
    source = asked["sources"][0]
    path = root / layout.WORK / layout.FETCHED / str(source["digest"])
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source["content"], encoding="utf-8")
    return str(path)


def in_full(params: str | os.PathLike[str]) -> str:
    """A file of parameters by absolute path, as seen from the current folder, or by URL."""
    given = os.fspath(params)
    return given if not given or "://" in given else os.path.abspath(os.path.expanduser(given))
