"""`examine`: all that is not as it should be with a project, its records and its store. Called by `tane doctor`.

Looks only: nothing is mended, recorded, set aside or made. What one thing hides from view (code that does not import, a
ledger that cannot be read) is left out, and everything else is looked at all the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tane import errors, fielded, outcomes
from tane.catalog import catalogs
from tane.config import trees
from tane.ledger import connection, newest, read
from tane.ledger import health as ledger_health
from tane.pipeline import graph, nodes
from tane.plan import duplicates
from tane.project import findings, layout, projects, requirements, settings
from tane.project import health as project_health
from tane.project.findings import Finding
from tane.runs import lockfile
from tane.store import filedigests, objects
from tane.store import health as store_health

RECENT = 20  # runs whose objects are checked
_SHOWN = 5
Upkeep = Callable[[projects.Project], Iterable[Finding]]
_REFERENCE = re.compile(r"\$\{params:([^{}]*)\}")


@fielded.frozen
class Report:
    """What was found, the gravest first; whose project it is, and what could not be looked at."""

    project: str
    root: Path
    findings: tuple[Finding, ...]
    unseen: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 when all is well, or there is but advice; 4 when a place is broken, else 2."""
        levels = {each.level for each in self.findings}
        return 4 if "broken" in levels else 2 if "wrong" in levels else 0


def examine(
    path: str = ".", *, env: Sequence[str] = (), deep: bool = False, upkeep: Upkeep = lambda project: ()
) -> Report:
    """Look at the project at `path` or above it. With `deep` every object of the store is read.

    `upkeep` says what could be tidied up.

    Raises `errors.ProjectError` when there is none.
    """
    place = projects.find(path)
    try:
        project = projects.open_project(path, env=env)
    except errors.UsageError as error:
        check, file = (
            ("configuration", "run.yml") if isinstance(error, errors.ConfigError) else ("settings", "pyproject.toml")
        )
        return Report(place.root.name, place.root, tuple(findings.of(error, check)), (f"what rests on {file}",))
    examination = _Examination(project, deep, upkeep)
    found = findings.unique(examination.all())
    return Report(project.name, project.root, tuple(found), tuple(examination.unseen))


class _Examination:
    """One look at a project."""

    def __init__(self, project: projects.Project, deep: bool, upkeep: Upkeep) -> None:
        self.project = project
        self.deep = deep
        self.upkeep = upkeep
        self.unseen: list[str] = []

    def all(self) -> Iterator[Finding]:
        project = self.project
        if project.flow is None:
            yield from project_health.of_layout(project.root, settings.read(project.root))
            yield from requirements.check(project.root)
            yield from self._duplicates()
        yield from project_health.of_ignored(project.root, project.conf, project.root / layout.WORK)
        yield from self._configuration()
        catalog, pipelines = yield from self._opened()
        yield from self._records(catalog, pipelines)

    # --- code and configuration -------------------------------------------------------------------------------------

    def _duplicates(self) -> Iterator[Finding]:
        project = self.project
        for places in duplicates.find(path for path in project.source_files() if path.suffix == ".py"):
            names = " and ".join(f"{each.name}() ({_name(each.file, project.root)}:{each.line})" for each in places)
            first = places[0]
            package = project.source / project.package
            yield Finding(
                "advice",
                "duplicates",
                f"{names} say the same",
                f"{_name(first.file, project.root)}:{first.line}",
                f"keep one, in a module that both import, as in {_name(package / 'shared.py', project.root)}",
            )

    def _configuration(self) -> Iterator[Finding]:
        """Every environment, composed; and the catalog it gives."""
        project = self.project
        for names in dict.fromkeys([project.environments, (), *((name,) for name in _environments(project.conf))]):
            try:
                one = project if names == project.environments else _with(project, names)
                config = one.config
                yield from project_health.of_secrets(project.root, project.conf, config)
                _ = one.catalog
            except errors.ConfigError as error:
                yield from findings.of(error, "configuration")
            except errors.TaneError as error:
                yield from findings.of(error, "catalog")

    def _opened(self) -> Any:
        """What catalog and pipelines say of each other; gives both, None for what does not hold together."""
        project = self.project
        catalog, pipelines = None, None
        try:
            catalog = project.catalog
        except errors.TaneError:  # told already
            self.unseen.append("what rests on the catalog")
        try:
            pipelines = project.pipelines()
        except errors.TaneError as error:
            yield from findings.of(error, "code")
            self.unseen.append("what rests on the pipelines")
        if catalog is not None and pipelines is not None:
            yield from self._entries(catalog, pipelines)
            yield from self._parameters(pipelines)
        return catalog, pipelines

    def _entries(self, catalog: catalogs.Catalog, pipelines: Mapping[str, graph.Pipeline]) -> Iterator[Finding]:
        used = {name for pipeline in pipelines.values() for name in pipeline.datasets()}
        bases = {nodes.base_name(name) for name in used}
        for name in catalog.names():
            dataset = catalog.entry(name)
            if name not in used and name not in bases and dataset is not None:
                what = f"dataset {name!r} is taken and made by no pipeline"
                yield Finding("advice", "catalog", what, dataset.where, "delete the entry, or use it")
        for name in sorted(used):
            try:
                dataset = catalog.find(name)
                if dataset is not None:
                    dataset.check_ready()
            except errors.MissingExtraError as error:
                yield from findings.of(error, "extras")
            except errors.TaneError as error:
                yield from findings.of(error, "catalog")

    def _sources(
        self, catalog: catalogs.Catalog, pipelines: Mapping[str, graph.Pipeline], known: Iterable[str]
    ) -> Iterator[Finding]:
        """Inputs that no node makes and that are not there."""
        kept = set(known)
        made = {nodes.base_name(name) for one in pipelines.values() for node in one for name in node.outputs}
        for pipeline in pipelines.values():
            for name in pipeline.free_inputs():
                takers = pipeline.consumers(name)
                if nodes.base_name(name) in made or all(name in taker.optional for taker in takers):
                    continue
                try:
                    dataset = catalog.find(name)
                except errors.CatalogError:  # told already
                    continue
                if dataset is None:
                    if nodes.base_name(name) not in kept and catalog.entry(name) is None:
                        what = f"input {name!r} of {takers[0].name} is neither in the catalog nor made by any node"
                        hint = "add it to the catalog, or give it to each run"
                        yield Finding("wrong", "sources", what, "", hint)
                elif dataset.kind == "file" and dataset.local is not None and not dataset.local.exists():
                    yield from findings.of(dataset.missing(), "sources")

    def _parameters(self, pipelines: Mapping[str, graph.Pipeline]) -> Iterator[Finding]:
        """Parameters that neither a node nor the catalog takes."""
        config = self.project.config
        taken = {
            nodes.parameter_key(name)
            for pipeline in pipelines.values()
            for node in pipeline
            for name in node.needs
            if nodes.is_parameter(name)
        }
        taken |= {key.strip() for text in _all_texts(config.catalog) for key in _REFERENCE.findall(text)}
        for keys in _idle(config.parameters, taken, ()):
            what = f"parameter {'.'.join(keys)!r} is taken by no node"
            where = str(config.origin("parameters", *keys))
            yield Finding("advice", "parameters", what, where, "delete it, or let a node take it")

    # --- records and results ----------------------------------------------------------------------------------------

    def _records(
        self, catalog: catalogs.Catalog | None, pipelines: Mapping[str, graph.Pipeline] | None
    ) -> Iterator[Finding]:
        project = self.project
        known: Iterable[str] = ()
        named: set[str] | None = None
        try:
            ledger = connection.open_ledger(project.ledger, create=False)
            try:
                yield from self._ledger(ledger)
                known = newest.newest(ledger)
                named = ledger_health.named_lately(ledger, RECENT)
            finally:
                ledger.close()
        except errors.TaneError as error:
            yield from findings.of(error, "ledger", "broken")
            self.unseen.append("which objects the runs name")
        if catalog is not None and pipelines is not None:
            yield from self._sources(catalog, pipelines, known)
        try:
            with objects.Objects(project.store, read_only=True) as store:
                yield from self._store(store, named)
                yield from self._lock(store)
            if named is not None:
                yield from self.upkeep(project)
        except errors.PlaceError as error:
            yield from findings.of(error, "store", "broken")
        yield from self._leftovers(catalog)

    def _ledger(self, ledger: connection.Ledger) -> Iterator[Finding]:
        file = _name(self.project.ledger, self.project.root)
        for what in ledger_health.faults(ledger):
            hint = f"restore it from a backup, or set it aside and let a new one be made: mv {file} {file}.damaged"
            yield Finding("broken", "ledger", f"the ledger is damaged: {what}", file, hint)
        killed = read.runs(ledger, status=outcomes.RunStatus.KILLED)
        if killed:
            names = ", ".join(run.run for run in killed[:_SHOWN]) + (", ..." if len(killed) > _SHOWN else "")
            counted = "1 run is" if len(killed) == 1 else f"{len(killed)} runs are"
            what = f"{counted} marked as running though the process is gone: {names}"
            hint = "it counts as killed and is in nobody's way: run again for its results"
            yield Finding("advice", "runs", what, file, hint)

    def _store(self, store: objects.Objects, named: set[str] | None) -> Iterator[Finding]:
        root = _name(store.root, self.project.root)
        damaged = set(store_health.damaged(store)) if self.deep else set()
        if named is not None:
            states = store.check_many(sorted(named))
            damaged |= {digest for digest, state in states.items() if state == "corrupt"}
            gone = [digest for digest, state in states.items() if state == "missing"]
            if gone:
                what = f"{_counted(gone)} that the last runs made {'is' if len(gone) == 1 else 'are'} not there"
                yield Finding("wrong", "store", what, root, "run again: the steps that make them are repeated")
        if damaged:
            what = f"{_counted(sorted(damaged))} {'is' if len(damaged) == 1 else 'are'} not what the digest says"
            yield Finding("broken", "store", what, root, "check the disk, then run again: they are made anew")
        aside = store_health.set_aside(store.root)
        if aside:
            what = f"{_count(len(aside), 'damaged object')} set aside earlier"
            hint = f"nothing reads them: tane data gc --yes deletes old ones, rm -r {root}/quarantine all"
            yield Finding("advice", "store", what, f"{root}/quarantine", hint)
        left = store_health.left_behind(store.root)
        if left:
            what = f"{_count(len(left), 'temporary file')} of processes that were killed"
            yield Finding("advice", "leftovers", what, f"{root}/tmp", "delete them: tane data gc --yes")

    def _lock(self, store: objects.Objects) -> Iterator[Finding]:
        root = self.project.root
        try:
            entries = lockfile.read(root)
        except errors.TaneError as error:
            yield from findings.of(error, "lock")
            return
        files = filedigests.FileDigests(store)
        for name, entry in entries.items():
            try:
                digest = files.of(root / entry.path)
            except errors.TaneError as error:
                yield from findings.of(error, "lock")
                continue
            if digest is None:
                what, hint = f"{entry.path} is not there", "a run restores what a node makes; put sources back"
            elif digest != entry.digest:
                what = f"{entry.path} is not what {lockfile.NAME} says of {name}"
                hint = "run again to bring the lock file up to date, or put the file back"
            else:
                continue
            yield Finding("advice", "lock", what, lockfile.NAME, hint)

    def _leftovers(self, catalog: catalogs.Catalog | None) -> Iterator[Finding]:
        folders: set[Path] = set()
        for name in catalog.names() if catalog is not None else ():
            dataset = catalog.entry(name) if catalog is not None else None
            if dataset is not None and dataset.local is not None:
                folders.add(dataset.local.parent)
        yield from project_health.of_leftovers(self.project.root, folders)


def _environments(conf: Path) -> list[str]:
    if not conf.is_dir():
        return []
    found = (entry.name for entry in conf.iterdir() if entry.is_dir() and not entry.name.startswith((".", "_")))
    return sorted(name for name in found if name not in ("base", "local"))


def _with(project: projects.Project, names: tuple[str, ...]) -> projects.Project:
    return projects.open_project(project.flow or project.root, env=names, environ=project.environ)


def _idle(value: Any, taken: set[str], keys: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The outermost parameters that nobody takes: neither they, nor a mapping around them, nor anything in them."""
    here = ".".join(keys)
    if here in taken:
        return
    if keys and not any(key.startswith(f"{here}.") for key in taken):
        if not keys[0].startswith("_"):  # it holds what YAML repeats elsewhere
            yield keys
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _idle(item, taken, (*keys, trees.key_text(key)))


def _all_texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _all_texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _all_texts(item)


def _counted(digests: Sequence[str]) -> str:
    shown = ", ".join(digest[:12] for digest in digests[:_SHOWN]) + (", ..." if len(digests) > _SHOWN else "")
    return f"{_count(len(digests), 'object')} ({shown})"


def _count(number: int, one: str) -> str:
    return f"{number} {one}" if number == 1 else f"{number} {one}s"


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
