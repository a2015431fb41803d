"""A project whose runs leave no trace: what they write lies in a folder of the test, what they read stays where it is.

Made by the fixtures. Store, ledger, lock file and everything that a node makes are in the test's folder, whatever the
catalog says of their places. Datasets that no node makes are read from their real places, until the test saves one
itself. Hooks are left out unless asked for: one that calls somebody should not do so in a test.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from tane import errors, fielded
from tane.catalog import catalogs, datasets, kinds, places
from tane.config import compose
from tane.pipeline import graph, nodes
from tane.project import layout, loading, options, plugins, projects, references, settings
from tane.testing import clocks
from tane.tuning import workspaces

_ELSEWHERE = "elsewhere"  # where outputs go whose place is outside of the project
_SAVED = "saved"  # where values go that a test saves under names without an entry


@fielded.frozen(eq=False, slots=False)
class Sheltered(projects.Project):
    """`real`, with another root. `extra` are pipelines of the test's own, `saved` the names of what it has saved."""

    real: projects.Project
    extra: Mapping[str, graph.Pipeline]
    saved: set[str]
    with_hooks: bool

    @cached_property
    def config(self) -> compose.Config:
        """That of the real project."""
        return self.real.config

    @cached_property
    def catalog(self) -> catalogs.Catalog:
        """The real one, with outputs in the test's folder."""
        read = self.real.catalog
        config = self.config
        filled = references.fill(config.catalog, config.parameters, lambda keys: str(config.origin("catalog", *keys)))
        entries = {name: _brought_home(body, self.real.root) for name, body in filled.items()}
        written = catalogs.Catalog.from_config(entries, config.credentials, self.root, config.origin)
        made = {nodes.base_name(name) for each in self.pipelines().values() for node in each for name in node.outputs}
        return Parted(read, written, frozenset(made), self.saved, self.root)

    def pipelines(self) -> dict[str, graph.Pipeline]:
        """The real project's pipelines and the test's own."""
        return {**self.real.pipelines(), **self.extra}

    def hooks(self, tell: Callable[[str], None]) -> tuple[plugins.Hook, ...]:
        """The real project's, where the test asks for them."""
        return self.real.hooks(tell) if self.with_hooks else ()

    def use_code(self) -> None:
        """Let imports find the real project's modules."""
        self.real.use_code()

    @property
    def code(self) -> tuple[Path, ...]:
        """The real project's."""
        return self.real.code

    def source_files(self) -> list[Path]:
        """The real project's."""
        return self.real.source_files()

    def files_read(self) -> frozenset[str]:
        """The real project's."""
        return self.real.files_read()


def shelter(
    real: projects.Project,
    folder: Path,
    *,
    extra: Mapping[str, graph.Pipeline] = {},
    saved: set[str] | None = None,
    hooks: bool = False,
) -> Sheltered:
    """`real` with all that its runs write in `folder`."""
    values = {name: getattr(real, name) for name in fielded.fields(projects.Project)}
    values |= {"root": folder, "store": folder / layout.STORE, "ledger": folder / layout.LEDGER, "remotes": {}}
    return Sheltered(**values, real=real, extra=extra, saved=set() if saved is None else saved, with_hooks=hooks)


@fielded.frozen
class Workspace(workspaces.Workspace):
    """A sheltered project as tests see it: what `tane.open_project` gives, and the folder that it writes to."""

    project: Sheltered

    @property
    def folder(self) -> Path:
        """Where all that its runs write lies."""
        return self.project.root

    def backfill(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: its workers open the project by its place, and would work on the real one."""
        raise errors.UsageError(
            "a test's project runs no backfill", hint="run the pipeline for one window: project.run(...), tiny_run(...)"
        )

    def sweep(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse, for the same reason."""
        raise errors.UsageError(
            "a test's project runs no sweep", hint="run the pipeline with each point: project.run(overrides=[...])"
        )

    resume_sweep = sweep

    def replay(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: it opens the project by its place, which in a test has no code."""
        raise errors.UsageError("a test's project replays no step", hint="call the node, or look into it: pytest --pdb")

    def _with(self, overrides: Sequence[str], env: str | Sequence[str] | None) -> Sheltered:
        found = self.altered(overrides, env)
        found.pipelines()
        clocks.spread()
        return found

    def altered(
        self,
        overrides: Sequence[str] = (),
        env: str | Sequence[str] | None = None,
        extra: Mapping[str, graph.Pipeline] | None = None,
    ) -> Sheltered:
        """The same project in the same folder, with other overrides, environments or pipelines of the test's own."""
        here = self.project
        if not overrides and env is None and extra is None:
            return here
        real = here.real
        if overrides or env is not None:
            real = reopened(real, overrides, env)
        return shelter(
            real,
            here.root,
            extra=here.extra if extra is None else extra,
            saved=here.saved,
            hooks=here.with_hooks,
        )


def reopened(real: projects.Project, overrides: Sequence[str], env: str | Sequence[str] | None) -> projects.Project:
    """The same project with more overrides, or in other environments."""
    overrides = (*real.overrides, *overrides)
    environments = real.environments if env is None else (env,) if isinstance(env, str) else tuple(env)
    if isinstance(real, Bare):
        return fielded.replace(real, overrides=overrides, environments=environments)
    return projects.open_project(
        real.flow or real.root, env=environments, overrides=overrides, environ=real.environ, params=real.params
    )


# --- what lies where ------------------------------------------------------------------------------------------------


class Parted(catalogs.Catalog):
    """Two catalogs as one: `read` for what is only read, `written` for what a node makes or the test has saved."""

    def __init__(
        self,
        read: catalogs.Catalog,
        written: catalogs.Catalog,
        made: frozenset[str],
        saved: set[str],
        folder: Path,
    ) -> None:
        super().__init__({name: found for name in read.names() if (found := read.entry(name)) is not None})
        self._read = read
        self._written = written
        self._made = made
        self._saved = saved
        self._folder = folder

    def entry(self, name: str) -> datasets.Dataset | None:
        """The dataset of that name, from whichever side it is on."""
        plain = nodes.base_name(name)
        if plain not in self._made and plain not in self._saved:
            return _unconfirmed(self._read.entry(name))
        found = self._written.entry(name)
        if plain in self._saved and (found is None or not _is_within(found, self._folder)):
            return _pickled(name, found, self._folder)
        if found is not None and not _is_within(found, self._folder):
            return datasets.Dataset(name, kinds.MEMORY, "memory", layer=found.layer, keep=found.keep)
        return found

    def patterns(self) -> list[str]:
        """The names of the factories."""
        return self._read.patterns()


def _is_within(found: datasets.Dataset, folder: Path) -> bool:
    """Whether it writes nowhere but in the test's folder."""
    return found.kind == "memory" or (found.local is not None and found.local.is_relative_to(folder))


def _pickled(name: str, found: datasets.Dataset | None, folder: Path) -> datasets.Dataset:
    """A file for a value that a test saves under a name which is no file."""
    file = re.sub(r"[^\w@.-]", "_", name)
    body = {"type": "pickle.PickleDataset", "filepath": f"{_SAVED}/{file}.pkl", "layer": found.layer if found else ""}
    made = catalogs.Catalog.from_config({name: body}, {}, folder).entry(name)
    assert made is not None
    return made


def _brought_home(body: Any, root: Path) -> Any:
    """An entry with all paths in it below the project's folder, which may then be another one."""
    if not isinstance(body, Mapping):
        return body
    found = dict(body)
    for key in ("filepath", "path"):
        place = body.get(key)
        if not isinstance(place, str) or not place.strip():
            continue
        found[key] = _below(place, root)
        if places.is_url(place):
            found.pop("refresh", None)  # which a local file does not take
    if isinstance(body.get("checkpoint"), Mapping):
        found["checkpoint"] = _brought_home(body["checkpoint"], root)
    return found


def _below(place: str, root: Path) -> str:
    path = places.local_path(place, root)
    if path is not None and path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    outside = path.as_posix() if path is not None else place.rpartition("::")[2].partition("://")[2]
    return f"{_ELSEWHERE}/{outside.lstrip('/')}"


class _Unconfirmed(datasets.Dataset):
    """A dataset of the real place that stays as it is: nothing of it is noted as worked off."""

    __slots__ = ()

    def confirm(self, names: Any = None) -> None:
        """Do nothing."""


def _unconfirmed(found: datasets.Dataset | None) -> datasets.Dataset | None:
    if found is None or (found.instance is None and not hasattr(found.format, "confirm")):
        return found
    return _Unconfirmed(**{name: getattr(found, name) for name in fielded.fields(found)})


# --- no project at all ------------------------------------------------------------------------------------------------


@fielded.frozen(eq=False, slots=False)
class Bare(projects.Project):
    """A project without code: a folder, perhaps with `conf/`, and pipelines and hooks given as they are."""

    given: Mapping[str, graph.Pipeline] = fielded.field(default_factory=dict)
    watching: tuple[Any, ...] = ()
    shelves: catalogs.Catalog | None = None

    @cached_property
    def catalog(self) -> catalogs.Catalog:
        """The one given, else what `conf/` says, which may be nothing."""
        return self.shelves if self.shelves is not None else super().catalog

    def pipelines(self) -> dict[str, graph.Pipeline]:
        """Those given."""
        return dict(self.given)

    def hooks(self, tell: Callable[[str], None]) -> tuple[plugins.Hook, ...]:
        """Those given, checked as a project's own; none that are installed."""
        if not self.watching:
            return ()
        found = self._settled
        return plugins.hooks(found.settings, found.finder, self.watching, None, tell)[: len(self.watching)]

    def use_code(self) -> None:
        """There is none."""

    @property
    def code(self) -> tuple[Path, ...]:
        """There is none."""
        return ()

    def source_files(self) -> list[Path]:
        """There are none."""
        return []

    def files_read(self) -> frozenset[str]:
        """There are none."""
        return frozenset()

    @cached_property
    def _loaded(self) -> loading.Loaded:
        return loading.Loaded(dict(self.given), {}, frozenset())


def bare(
    folder: Path,
    pipelines: Mapping[str, graph.Pipeline] = {},
    hooks: Sequence[Any] = (),
    catalog: catalogs.Catalog | None = None,
) -> Bare:
    """A project in `folder` of these pipelines, watched by these hooks, with this catalog."""
    found = settings.defaults(folder, "tiny")
    finder = plugins.Finder(folder, list)
    return Bare(
        root=folder,
        name=found.name,
        package=found.package,
        kind="project",
        flow=None,
        source=folder,
        conf=found.conf,
        store=found.store,
        ledger=found.ledger,
        keep=found.keep,
        remotes={},
        sinks=(),
        environments=(),
        overrides=(),
        params="",
        environ={},
        _settled=options.Settled(found, options.NOTHING_SAID, None, finder),
        given=pipelines,
        watching=tuple(hooks),
        shelves=catalog,
    )
