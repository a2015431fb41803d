"""Layers, merged, overridden, frozen: the one pure function that makes a project's configuration.

Called by `project`. It keeps no state, may be called from several threads, and reports every mistake of all
files and overrides at once.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tane import errors, fielded
from tane.config import layers, origins, secret, trees
from tane.config import overrides as changes

Origin = origins.Origin
Secret = secret.Secret


@fielded.frozen(eq=False, slots=False)
class Config:
    """A composed configuration: plain dicts, lists and values, to be read and not changed.

    `credentials` have every leaf wrapped in `Secret`. `files` are all files and folders that were looked at:
    while they are as they were (those that are missing still missing), so is the configuration.
    """

    parameters: Mapping[str, Any]
    catalog: Mapping[str, Any]
    credentials: Mapping[str, Any]
    files: tuple[Path, ...]
    environments: tuple[str, ...]
    overrides: tuple[str, ...]
    sections: Mapping[str, Mapping[str, Any]] = fielded.field(repr=False)
    _trees: Mapping[str, trees.Branch] = fielded.field(repr=False)

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

    def origins(self) -> dict[str, str]:
        """Dotted name of each parameter -> where it was written, as recorded with a run."""
        tree = self._trees.get(layers.PARAMETERS, trees.empty())
        return {".".join(keys): str(leaf.origin) for keys, leaf in trees.leaves(tree) if keys}

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
) -> Section:
    """What `<name>.yml` of base, `environments` and local says, without a look at any other file.

    For sections of one file that are needed before all is composed. Raises as `compose` does.
    """
    reading = layers.read_single(name, conf or root / "conf", root, environments, loader)
    if reading.faults:
        raise errors.ConfigError.of(reading.faults, f"the configuration has {len(reading.faults)} mistakes")
    tree = _merge(reading.layers).get(name, trees.empty())
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
) -> Config:
    """The configuration of the project at `root`: conf/base, `environments`, conf/local, then overrides.

    Environment variables TANE_PARAM__... come before `overrides`. `known` are parameters that functions
    declare, by dotted name with their default; `conf` is the folder, "conf" in `root` unless given; `loader` reads it
    in the project's own way. Raises `errors.ConfigError` with all mistakes.
    """
    reading = layers.read(conf or root / "conf", root, environments, loader)
    faults = reading.faults
    wanted = changes.from_environment(environ, faults)
    parsed = (changes.parse(text, faults) for text in overrides)
    wanted += [override for override in parsed if override is not None]
    if faults:  # overrides would meet half the parameters, and complain of what is not their fault
        raise errors.ConfigError.of(faults, f"the configuration has {len(faults)} mistakes")
    merged = _merge(reading.layers)
    if wanted:
        parameters = merged.get(layers.PARAMETERS, trees.empty())
        merged[layers.PARAMETERS] = changes.apply(parameters, wanted, known, faults)
    if faults:
        raise errors.ConfigError.of(faults, f"the configuration has {len(faults)} mistakes")
    return _freeze(merged, reading.files, environments, overrides)


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


def _freeze(
    merged: Mapping[str, trees.Branch],
    files: Sequence[Path],
    environments: Sequence[str],
    overrides: Sequence[str],
) -> Config:
    plain: dict[str, dict[str, Any]] = {name: trees.plain(tree) for name, tree in merged.items()}
    return Config(
        parameters=plain.get(layers.PARAMETERS, {}),
        catalog=plain.get(layers.CATALOG, {}),
        credentials=plain.get(layers.CREDENTIALS, {}),
        files=tuple(dict.fromkeys(files)),
        environments=tuple(environments),
        overrides=tuple(overrides),
        sections=plain,
        _trees=merged,
    )
