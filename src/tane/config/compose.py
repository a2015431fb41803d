"""Layers merged, groups chosen, overridden, interpolated, frozen: the one pure function that makes a configuration.

Called by `project`. It keeps no state, may be called from several threads, and reports every mistake of all
files and overrides at once. Who composes many times, with other overrides each time, reads the files once: `read`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tane import errors, fielded
from tane.config import choosing, fetched, groups, interpolations, layers, origins, resolvers, secret, trees
from tane.config import overrides as changes

Origin = origins.Origin
Secret = secret.Secret
Source = fetched.Source


Choice = str | tuple[str, ...] | None  # of a group: one option, several, none


@fielded.frozen(eq=False, slots=False)
class Config:
    """A composed configuration: plain dicts, lists and values, to be read and not changed.

    `credentials` have every leaf wrapped in `Secret`. `files` are all files and folders that were looked at:
    while they are as they were (those that are missing still missing), so is the configuration; unless part of it is
    `remote`.

    `choices` are the options chosen of each group, `sources` what was read from elsewhere, `params` the name of the
    file that stands in for all parameters. `notices` are for people.
    """

    parameters: Mapping[str, Any]
    catalog: Mapping[str, Any]
    credentials: Mapping[str, Any]
    files: tuple[Path, ...]
    environments: tuple[str, ...]
    overrides: tuple[str, ...]
    sections: Mapping[str, Mapping[str, Any]] = fielded.field(repr=False)
    _trees: Mapping[str, trees.Branch] = fielded.field(repr=False)
    choices: Mapping[str, Choice] = fielded.field(default_factory=dict)
    sources: tuple[Source, ...] = ()
    params: str = ""
    remote: bool = False
    notices: tuple[str, ...] = fielded.field(default=(), repr=False)
    _chosen: Mapping[str, Origin] = fielded.field(default_factory=dict, repr=False)

    def section(self, name: str) -> Mapping[str, Any]:
        """What `<name>.yml` says, over all layers; empty when there is none."""
        return self.sections.get(name, {})

    def origin(self, *keys: object) -> Origin:
        """Where the value at `keys` was written: `origin("parameters", "model", "lr")`.

        Keys that are not there have the origin of the nearest part around them that is.
        """
        if not keys:
            return Origin()
        return _origin(self._trees.get(trees.key_text(keys[0]), trees.empty()), keys[1:])

    def choice_origin(self, group: str) -> Origin:
        """Where the option of `group` was chosen."""
        return self._chosen.get(group, Origin())

    def origins(self) -> dict[str, str]:
        """Dotted name of each parameter -> where it was written, as recorded with a run."""
        tree = self._trees.get(layers.PARAMETERS, trees.empty())
        return {".".join(keys): str(leaf.origin) for keys, leaf in trees.leaves(tree) if keys}

    def composed_from(self) -> dict[str, Any]:
        """What a run records of it beside values: the options chosen, and files from elsewhere as they were."""
        found: dict[str, Any] = {}
        if self.choices:
            found["choices"] = dict(self.choices)
        if self.params:
            found["params"] = self.params
        if self.sources:
            found["sources"] = [
                {"place": each.place, "digest": each.digest, "content": each.content.decode("utf-8", "replace")}
                for each in self.sources
            ]
        return found

    def plain(self) -> dict[str, Any]:
        """All sections as may be recorded and shown: secrets are "***"."""
        made: dict[str, Any] = {name: trees.plain(tree) for name, tree in self._trees.items()}
        if layers.CREDENTIALS in made:
            made[layers.CREDENTIALS] = secret.mask(made[layers.CREDENTIALS])
        for entry in made.get(layers.CATALOG, {}).values():
            if isinstance(entry, dict) and isinstance(entry.get("credentials"), dict):
                entry["credentials"] = secret.mask(entry["credentials"])
        return made


class Section(NamedTuple):
    """One section by itself, over all layers."""

    values: Mapping[str, Any]
    tree: trees.Branch

    def place(self, *keys: object) -> str:
        """Where the value at `keys` was written, as messages name it."""
        return str(_origin(self.tree, keys))


def section(
    name: str,
    root: Path,
    environments: Sequence[str] = (),
    *,
    conf: Path | None = None,
    loader: layers.Loader | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Section:
    """What `<name>.yml` of base, `environments` and local says, without a look at any other file.

    For sections of one file that are needed before all is composed: interpolations find what it says itself, variables
    and facts. Raises as `compose` does.
    """
    reading = layers.read_single(name, conf or root / "conf", root, environments, loader)
    _raise(reading.faults)
    alone = {name: _merge(reading.layers).get(name, trees.empty())}
    made = interpolations.resolve(alone, {}, environ, resolvers.facts(root, environments), reading.faults)
    _raise(reading.faults)
    tree = layers.without_holders(made)[name]
    return Section(trees.plain(tree), tree)


def compose(
    root: Path,
    environments: Sequence[str] = (),
    overrides: Sequence[str] = (),
    environ: Mapping[str, str] = os.environ,
    *,
    known: Mapping[str, Any] = {},
    conf: Path | None = None,
    loader: layers.Loader | None = None,
    primary: Path | None = None,
    params: str = "",
    own: Mapping[str, resolvers.Resolver] = {},
    cache: Path | None = None,
) -> Config:
    """The configuration of the project at `root`: conf/base, `environments`, conf/local, then overrides.

    Environment variables TANE_PARAM__... come before `overrides`. `known` are parameters that functions
    declare, by dotted name with their default. Raises `errors.ConfigError` with all mistakes. The rest as for `read`.
    """
    read_once = read(
        root,
        environments,
        environ,
        conf=conf,
        loader=loader,
        primary=primary,
        params=params,
        own=own,
        cache=cache,
    )
    return read_once.compose(overrides, known)


def read(
    root: Path,
    environments: Sequence[str] = (),
    environ: Mapping[str, str] = os.environ,
    *,
    conf: Path | None = None,
    loader: layers.Loader | None = None,
    primary: Path | None = None,
    params: str = "",
    own: Mapping[str, resolvers.Resolver] = {},
    cache: Path | None = None,
) -> Files:
    """The files of a configuration, read once. Mistakes in them are told by `Files.compose`.

    `conf` is the folder, "conf" in `root` unless given; `loader` reads it in the project's own way. `primary` is the
    one file with parameters, where `conf` has groups beside it rather than layers. `params` is a file, by path or URL,
    that stands in for all files of parameters. `own` are the project's resolvers. What is fetched is kept in the folder
    `cache`.
    """
    place = conf or root / "conf"
    reading = layers.read(place, root, environments, loader, primary=primary, leave=layers.PARAMETERS if params else "")
    fetcher = fetched.Fetcher(root, cache, reading.files)
    if params:
        _read_params(params, reading, fetcher)
    return Files(reading, fetcher, tuple(environments), environ, params, own)


@fielded.mutable
class Files:
    """The files of a configuration as they were read. It may be composed any number of times, from several threads."""

    reading: layers.Reading
    fetcher: fetched.Fetcher
    environments: tuple[str, ...]
    environ: Mapping[str, str]
    params: str
    own: Mapping[str, resolvers.Resolver]
    _merged: dict[str, trees.Branch] | None = None
    _primary: groups.Document | None = None
    _groups: groups.Groups | None = None

    def compose(self, overrides: Sequence[str] = (), known: Mapping[str, Any] = {}) -> Config:
        """The configuration with these overrides. Raises `errors.ConfigError` with all mistakes."""
        reading = self.reading
        faults = list(reading.faults)
        wanted = changes.from_environment(self.environ, faults)
        parsed = (changes.parse(text, faults) for text in overrides)
        wanted += [override for override in parsed if override is not None]
        _raise(faults)  # else overrides would meet half the parameters, and complain of what is not their fault
        if self._merged is None:
            self._merged = _merge(reading.layers)
        merged = dict(self._merged)
        choices: Mapping[str, choosing.Choice] = {}
        if self._has_groups(wanted):
            chosen = self._choose(wanted, faults)
            merged[layers.PARAMETERS], wanted, choices = chosen.tree, chosen.values, chosen.choices
        if wanted and not faults:
            parameters = merged.get(layers.PARAMETERS, trees.empty())
            merged[layers.PARAMETERS] = changes.apply(parameters, wanted, known, faults)
        _raise(faults)
        made = merged
        if not self._is_plain(overrides):
            facts = resolvers.facts(self.fetcher.root, self.environments)
            made = interpolations.resolve(merged, self.own, self.environ, facts, faults)
            _raise(faults)
        return self._frozen(layers.without_holders(made), overrides, choices)

    def options(self, group: str) -> list[str]:
        """The options of a group."""
        return self._repository().options(group)

    def _is_plain(self, overrides: Sequence[str]) -> bool:
        """Whether there is nothing to resolve, as far as can be told without a look at every value."""
        written = self.reading.plain and (self._groups is None or self._groups.plain)
        return (
            written
            and all(layers.is_plain(text) for text in overrides)
            and not any(name.startswith(changes.VARIABLE) and "$" in value for name, value in self.environ.items())
        )

    def _has_groups(self, wanted: Sequence[changes.Override]) -> bool:
        parameters = (self._merged or {}).get(layers.PARAMETERS)
        if self.reading.package is not None or (parameters is not None and groups.DEFAULTS in parameters.entries):
            return bool(self.reading.folders)
        tops = self.reading.groups
        return any(
            override.package is not None or override.keys[0].partition("/")[0] in tops or "/" in override.keys[0]
            for override in wanted
        )

    def _choose(self, wanted: Sequence[changes.Override], faults: list[errors.Fault]) -> choosing.Chosen:
        if self._primary is None:
            parts = [layer.sections[layers.PARAMETERS] for layer in self.reading.layers if _has_parameters(layer)]
            self._primary = groups.document(parts, self.reading.package)
        return choosing.choose(self._primary, self._repository(), wanted, faults, self._interpolated)

    def _repository(self) -> groups.Groups:
        """The groups; each thread that composes for the first time may make them, and one of them stays."""
        if self._groups is None:
            reading = self.reading
            self._groups = groups.Groups(
                reading.folders, self.fetcher.root, reading.files, tops=reading.groups, fetch=self.fetcher.text
            )
        return self._groups

    def _interpolated(self, text: str, known: Mapping[str, str | None], origin: Origin) -> str | None:
        """A text of a defaults list that names more than other choices."""
        tree = trees.of({**known, _TEXT: text}, origin)
        assert isinstance(tree, trees.Branch)
        found: list[errors.Fault] = []
        facts = resolvers.facts(self.fetcher.root, self.environments)
        made = interpolations.resolve({layers.PARAMETERS: tree}, self.own, self.environ, facts, found)
        value = None if found else trees.plain(made[layers.PARAMETERS])[_TEXT]
        return value if isinstance(value, str) else None

    def _frozen(
        self, made: Mapping[str, trees.Branch], overrides: Sequence[str], choices: Mapping[str, choosing.Choice]
    ) -> Config:
        plain: dict[str, dict[str, Any]] = {name: trees.plain(tree) for name, tree in made.items()}
        return Config(
            parameters=plain.get(layers.PARAMETERS, {}),
            catalog=plain.get(layers.CATALOG, {}),
            credentials=plain.get(layers.CREDENTIALS, {}),
            files=tuple(dict.fromkeys(self.reading.files)),
            environments=self.environments,
            overrides=tuple(overrides),
            sections=plain,
            _trees=made,
            choices={group: _told(choice.value) for group, choice in choices.items()},
            sources=tuple(self.fetcher.sources.values()),
            params=self.params,
            remote=self.fetcher.remote,
            notices=tuple(self.fetcher.notices),
            _chosen={group: choice.origin for group, choice in choices.items()},
        )


_TEXT = "_text_"


def _told(chosen: Choice) -> Choice:
    """What was chosen, without what may be secret in a URL."""
    if isinstance(chosen, tuple):
        return tuple(fetched.shown(each) if "://" in each else each for each in chosen)
    return fetched.shown(chosen) if chosen is not None and "://" in chosen else chosen


def _raise(faults: Sequence[errors.Fault]) -> None:
    if faults:
        raise errors.ConfigError.of(faults, f"the configuration has {len(faults)} mistakes")


def _has_parameters(layer: layers.Layer) -> bool:
    return layers.PARAMETERS in layer.sections


def _read_params(params: str, reading: layers.Reading, fetcher: fetched.Fetcher) -> None:
    """Let the file `params` stand in for all parameters."""
    source = fetcher.source(params, "--params", reading.faults)
    text = None if source is None else layers.decoded(source.content, source.place, reading.faults)
    if source is None or text is None:
        return
    tree = layers.parameters(text, source.place, reading)
    if tree is not None:
        reading.layers.append(layers.Layer(source.place, {layers.PARAMETERS: tree}))


def _origin(tree: trees.Tree, keys: Sequence[object]) -> Origin:
    for key in keys:
        below = trees.child(tree, trees.key_text(key))
        if below is None:
            break
        tree = below
    return tree.origin


def _merge(read: Sequence[layers.Layer]) -> dict[str, trees.Branch]:
    merged: dict[str, trees.Branch] = {}
    for layer in read:
        for name, tree in layer.sections.items():
            below = merged.get(name, trees.empty())
            if name == layers.CATALOG:
                below = trees.without_other_types(below, tree)
            whole = trees.merge(below, tree)
            assert isinstance(whole, trees.Branch)
            merged[name] = whole
    return merged
