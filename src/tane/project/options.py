"""conf/*/run.yml: how runs of a project are to be run, and where they keep things, in one environment or in all.

executor: processes         # or serial, threads
jobs: 4
retries: {times: 2, delay: 5s, on: [ConnectionError]}
timeout: 1h
resources: {cpus: 8, memory: 32GB, gpu: 1}      # what there is to share out
nodes:                      # by name, pattern, tag or namespace; a later one wins
  fit: {resources: {gpu: 1}}
  "area_*.fit": {timeout: 4h}
  tag:slow: {executor: threads}
  namespace:area_a: {retries: 0}
store: /big/objects         # these four as in [tool.tane], and before it
ledger: .tane/test.db
keep: none
remotes: {origin: "s3://bucket/test"}

Called by `projects` when a project is opened, and by verbs that look for its records. Only run.yml is read here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

from tane import errors, fielded
from tane.config import compose, layers
from tane.pipeline import demands, graph, nodes
from tane.project import plugins, settings, sources

Node = nodes.Node
SECTION = "run"
RUN_KEYS = (
    "executor",
    "jobs",
    "retries",
    "timeout",
    "resources",
    "nodes",
    "store",
    "ledger",
    "remotes",
    "keep",
)
_TAG = "tag:"
_NAMESPACE = "namespace:"


@fielded.frozen(slots=False)
class RunOptions:
    """How steps are to be run.

    `executor` and `jobs` are empty and None where nothing is said. `default` is asked for every step, `nodes` for those
    that match. `resources` is what there is to share out; what it does not name is not limited.
    """

    executor: str = ""
    jobs: int | None = None
    default: demands.Demands = demands.NONE
    nodes: tuple[tuple[str, demands.Demands], ...] = ()
    resources: Mapping[str, float] = fielded.field(default_factory=dict)
    lines: Mapping[str, str] = fielded.field(default_factory=dict, repr=False, compare=False)

    def demands_for(self, node: Node) -> demands.Demands:
        """What `node` asks for: the default, then what its code says, then each pattern it matches, in order."""
        found = self.default.over(node.demands)
        for pattern, wanted in self.nodes:
            if _matches(pattern, node):
                found = found.over(wanted)
        return found

    def check(self, pipelines: Mapping[str, graph.Pipeline]) -> None:
        """Refuse patterns that match no node, and demands that can never be met.

        Raises `errors.ConfigError` with all of them.
        """
        if not self.nodes and not self.resources:
            return
        known = [node for pipeline in pipelines.values() for node in pipeline.nodes]
        faults = [
            errors.Fault(
                f"nodes: {pattern!r} is no node of any pipeline, and matches none",
                self.lines.get(pattern, ""),
                _near(pattern, known),
            )
            for pattern, _ in self.nodes
            if not any(_matches(pattern, node) for node in known)
        ]
        faults += self._excess(known) if self.resources else []
        if faults:
            raise errors.ConfigError.of(faults, f"run.yml has {len(faults)} mistakes")

    def _excess(self, known: Iterable[Node]) -> list[errors.Fault]:
        where = self.lines.get("resources", "")
        found: dict[str, errors.Fault] = {}
        for node in known:
            for name, amount in self.demands_for(node).resources.items():
                there = self.resources.get(name)
                if there is not None and amount > there:
                    what = f"node {node.name!r} asks for {amount:g} {name}, and there is {there:g} in all"
                    found.setdefault(node.name, errors.Fault(what, where, f"ask for less, or give more {name}"))
                near = errors.nearest(name, self.resources) if there is None else None
                if near is not None:
                    what = f"node {node.name!r} asks for {name!r}, of which there is none"
                    found.setdefault(node.name, errors.Fault(what, where, f"did you mean {near!r}?"))
        return list(found.values())


NOTHING_SAID = RunOptions()


@fielded.frozen(slots=False)
class Settled:
    """What pyproject.toml and run.yml say together."""

    settings: settings.Settings
    options: RunOptions
    loader: layers.Loader | None
    finder: plugins.Finder


def settle(root: Path, found: settings.Settings, environments: Sequence[str], flow: Path | None = None) -> Settled:
    """The settings of the project at `root` in these environments. Raises `errors.ConfigError` with all mistakes."""
    code = partial(sources.of_package, root, found.source, found.package)
    finder = plugins.Finder(found.source, code if flow is None else partial(sources.of_flow, flow))
    loader = plugins.loader(found, finder, root)
    said = compose.section(SECTION, root, environments, conf=found.conf, loader=loader)
    if not said.values:
        return Settled(found, NOTHING_SAID, loader, finder)
    faults: list[errors.Fault] = []
    demands.unknown_keys(said.values, RUN_KEYS, "run.yml", faults, said.place)
    options = _options(said, faults)
    placed = _placed(said, root, found, faults)
    if faults:
        raise errors.ConfigError.of(faults, f"run.yml has {len(faults)} mistakes")
    return Settled(placed, options, loader, finder)


def _options(said: compose.Section, faults: list[errors.Fault]) -> RunOptions:
    values, place = said.values, said.place
    return RunOptions(
        demands.executor(values.get("executor"), faults, partial(place, "executor")),
        demands.whole(values.get("jobs"), "jobs", 1, faults, partial(place, "jobs")),
        demands.gather({key: values[key] for key in ("retries", "timeout") if key in values}, faults, place),
        _nodes(said, faults),
        demands.amounts(values.get("resources"), faults, partial(place, "resources")),
        {str(key): place("nodes", key) for key in _mapping(values.get("nodes"))} | {"resources": place("resources")},
    )


def _nodes(said: compose.Section, faults: list[errors.Fault]) -> tuple[tuple[str, demands.Demands], ...]:
    given = said.values.get("nodes")
    if given is None:
        return ()
    hint = "write fit: {timeout: 1h}"
    if not isinstance(given, Mapping):
        faults.append(errors.Fault("nodes is not names with what each asks for", said.place("nodes"), hint))
        return ()
    found: list[tuple[str, demands.Demands]] = []
    for pattern, wanted in given.items():
        place = partial(said.place, "nodes", pattern)
        if isinstance(wanted, Mapping):
            found.append((str(pattern), demands.gather(wanted, faults, place)))
        else:
            faults.append(errors.Fault(f"nodes: {pattern} is {wanted!r}, not what it asks for", place(), hint))
    return tuple(found)


def _placed(
    said: compose.Section, root: Path, found: settings.Settings, faults: list[errors.Fault]
) -> settings.Settings:
    """`found` with the places that run.yml names."""
    changed: dict[str, Any] = {}
    for key in ("store", "ledger"):
        value = said.values.get(key)
        if value is None:
            continue
        if not isinstance(value, str) or not value:
            faults.append(errors.Fault(f"{key} is {value!r}, not a path", said.place(key), f"write {key}: .tane/..."))
        elif "://" in value:
            hint = "give a path, relative to the project or absolute"
            faults.append(errors.Fault(f"{key} is a URL: {value!r}", said.place(key), hint))
        else:
            changed[key] = root / Path(value).expanduser()
    keep = said.values.get("keep")
    if keep is not None and keep not in settings.KEEPS:
        faults.append(errors.Fault(f"keep is {keep!r}", said.place("keep"), "write keep: all or keep: none"))
    elif keep is not None:
        changed["keep"] = keep
    remotes = said.values.get("remotes")
    if remotes is not None and not (
        isinstance(remotes, Mapping) and all(isinstance(part, str) for pair in remotes.items() for part in pair)
    ):
        what = "remotes is not a mapping of names and URLs"
        faults.append(errors.Fault(what, said.place("remotes"), "write {origin: s3://...}"))
    elif remotes:
        changed["remotes"] = {**found.remotes, **remotes}
    return fielded.replace(found, **changed) if changed else found


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}


def _matches(pattern: str, node: Node) -> bool:
    if pattern.startswith(_TAG):
        return any(fnmatchcase(tag, pattern[len(_TAG) :]) for tag in node.tags)
    if pattern.startswith(_NAMESPACE):
        parts = node.namespace.split(".")
        wanted = pattern[len(_NAMESPACE) :]
        return any(fnmatchcase(".".join(parts[: i + 1]), wanted) for i in range(len(parts)))
    return fnmatchcase(node.name, pattern)


def _near(pattern: str, known: Sequence[Node]) -> str:
    """What to do about a pattern that matches nothing."""
    if pattern.startswith(_TAG):
        names, prefix = {tag for node in known for tag in node.tags}, _TAG
    elif pattern.startswith(_NAMESPACE):
        names, prefix = {node.namespace for node in known if node.namespace}, _NAMESPACE
    else:
        names, prefix = {node.name for node in known}, ""
    near = errors.nearest(pattern[len(prefix) :], sorted(names))
    kind = {_TAG: "tags", _NAMESPACE: "namespaces"}.get(prefix, "nodes")
    few = ", ".join(sorted(names)[:8]) or "none"
    return f"did you mean '{prefix}{near}'?" if near else f"{kind} there are: {few}{', ...' if len(names) > 8 else ''}"
