"""The catalog: names to datasets. Made once per project from the composed configuration; frozen afterwards.

Called by `project`, which makes it, and by `plan`, `runs` and the doors, which ask it. A name that it does
not have is a value in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tane import errors
from tane.catalog import datasets, entries, factories, written


class Catalog:
    """Datasets by name. Entries are checked when it is made, factories again when a name first fits one."""

    def __init__(
        self,
        explicit: Mapping[str, datasets.Dataset] | None = None,
        patterns: Mapping[str, Any] | None = None,
        context: written.Context | None = None,
    ) -> None:
        self._known = dict(explicit or {})
        self._names = tuple(self._known)
        self._patterns = {name: (patterns or {})[name] for name in factories.ranked(patterns or {})}
        self._context = context or written.Context({}, Path())

    @classmethod
    def from_config(
        cls,
        config: Mapping[str, Any],
        credentials: Mapping[str, Any],
        root: Path,
        origin: written.Origin | None = None,
    ) -> Catalog:
        """The catalog that `config` describes, with relative file paths below `root`.

        `origin("catalog", name, key)` says where an entry stands. Names that start with
        "_" only hold what others repeat. Raises `errors.CatalogError` with all faults.
        """
        context = written.Context(credentials, root, origin)
        explicit: dict[str, datasets.Dataset] = {}
        patterns: dict[str, Any] = {}
        faults: list[errors.Fault] = []
        for name, body in config.items():
            if isinstance(name, str) and name.startswith("_"):
                continue
            misnamed = _misnamed(name)
            if misnamed is not None:
                what, hint = misnamed
                faults.append(errors.Fault(what, written.Entry(name, body, context).where(), hint))
                continue
            if factories.is_pattern(name):
                patterns[name] = body
                faults += entries.check_factory(name, body, context)
                continue
            dataset, found = entries.read(name, body, context)
            faults += found
            if dataset is not None:
                explicit[name] = dataset
        every = [name for name in patterns if factories.fits_all(name)]
        faults += [
            errors.Fault(
                f"dataset {name!r}: {every[0]!r} stands for every name too",
                written.Entry(name, patterns[name], context).where(),
                "keep one of them, or give one a part that names must have: '{name}_table'",
            )
            for name in every[1:]
        ]
        if faults:
            raise errors.CatalogError.of(faults, f"the catalog has {len(faults)} mistakes")
        return cls(explicit, patterns, context)

    def with_entries(self, config: Mapping[str, Any]) -> Catalog:
        """This catalog with the entries that `config` describes in place of its own of those names.

        What was read for it is not read again. Raises as `from_config`.
        """
        context = self._context
        made = Catalog.from_config(config, context.credentials, context.root, context.origin)
        known = {
            name: dataset
            for name, dataset in self._known.items()
            if name in self._names or not any(factories.match(pattern, name) for pattern in made._patterns)
        }
        found = Catalog({**known, **made._known}, {**self._patterns, **made._patterns}, context)
        found._names = tuple(dict.fromkeys((*self._names, *made._names)))
        return found

    def find(self, name: str) -> datasets.Dataset | None:
        """The dataset of that name, or None for a value that lives in memory (also one declared so)."""
        found = self.entry(name)
        return None if found is None or found.kind == "memory" else found

    def entry(self, name: str) -> datasets.Dataset | None:
        """As `find`, but a `MemoryDataset` entry too: it may say which layer it is in and what to keep."""
        if name in self._known:
            return self._known[name]
        if name == "parameters" or name.startswith("params:"):
            return None
        for pattern, body in self._patterns.items():
            meaning = factories.match(pattern, name)
            if meaning is None:
                continue
            dataset, faults = entries.read(name, factories.fill(body, meaning), self._context, pattern)
            if faults or dataset is None:
                raise errors.CatalogError.of(faults, f"dataset {name!r} does not come out of {pattern!r}")
            self._known[name] = dataset
            return dataset
        return None

    def names(self) -> list[str]:
        """The names that have an entry of their own, in the order of the files."""
        return list(self._names)

    def patterns(self) -> list[str]:
        """The names of the factories, in the order in which they are tried."""
        return list(self._patterns)

    def check_names(self, names: Iterable[str]) -> None:
        """Raise `errors.CatalogError` for all of `names` that are not in the catalog, with near misses."""
        faults = [
            errors.Fault(
                f"dataset {name!r} is not in the catalog",
                hint=errors.did_you_mean(name, self._names, "add an entry for it to conf/base/catalog.yml"),
            )
            for name in dict.fromkeys(names)
            if self.entry(name) is None
        ]
        if faults:
            raise errors.CatalogError.of(faults, f"{len(faults)} datasets are not in the catalog")

    def check_ready(self, names: Iterable[str]) -> None:
        """Raise for all of `names` whose package or class is not there, before any work is begun."""
        faults: list[errors.Fault] = []
        missing: list[errors.MissingExtraError] = []
        for name in dict.fromkeys(names):
            dataset = self.find(name)
            if dataset is None:
                continue
            try:
                dataset.check_ready()
            except errors.TaneError as error:
                faults += error.faults
                missing += [error] if isinstance(error, errors.MissingExtraError) else []
        if faults:
            kind = errors.MissingExtraError if len(missing) == len(faults) else errors.CatalogError
            raise kind.of(faults, f"{len(faults)} datasets cannot work")


def _misnamed(name: object) -> tuple[str, str] | None:
    """What is wrong with the name of an entry, and what to do; None when nothing is."""
    if not isinstance(name, str):
        return f"{name!r} is no name for a dataset", f'put it in quotes: "{name}":'
    if factories.is_malformed(name):
        hint = "write {name}: letters, digits and _ within braces, and no digit first"
        return f"dataset {name!r} has braces that are no placeholder", hint
    if not name or name.split() != [name]:
        return f"{name!r} is no name for a dataset: it has spaces", f"write {'_'.join(name.split()) or 'a_name'}:"
    return None
