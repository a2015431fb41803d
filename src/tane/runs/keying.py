"""Keys of steps within one run, and what the ledger knows under them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tane.catalog import catalogs, datasets
from tane.digest import hashing, values
from tane.ledger import connection, read, records
from tane.plan import code, environment, steps, transforms
from tane.project import loaded
from tane.runs import recording
from tane.store import objects

Result = read.Result
Versions = dict[frozenset[str], tuple[str, Mapping[str, str]]]  # modules: the digest of the libraries they rest on


class Keys:
    """Joins steps with the digests of their inputs. One for a run: what it has looked up holds for all of it.

    `versions` are libraries that were looked up for other runs and hold for this one as well.
    """

    def __init__(
        self,
        catalog: catalogs.Catalog,
        ledger: connection.Ledger,
        store: objects.Objects,
        recorder: recording.Recorder | None,
        code_cache: code.Cache,
        packages: str,
        active: transforms.Transforms,
        versions: Versions | None = None,
    ) -> None:
        self._catalog = catalog
        self._transforms = active
        self._ledger = ledger
        self._store = store
        self._recorder = recorder
        self._code_cache = code_cache
        self._packages = packages
        self._loads: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._versions: Versions = {} if versions is None else versions
        self._has_results = read.has_results(ledger)  # a new ledger need not be asked again and again

    def seen(self, kept: records.Kept, name: str) -> steps.Seen:
        """What a step sees of `kept` as dataset `name`: its content, how it is loaded, the code it rests on."""
        digest, libraries = kept.digest, kept.libraries
        load, readers = self._load(name)
        if load:
            digest = hashing.combine("loaded", digest, load)
            libraries = libraries + readers
        if kept.classes:
            current = [code.of_class(each, cache=self._code_cache).digest for each in kept.classes]
            digest = hashing.combine("with code", digest, *current)
        if not self._transforms:
            return steps.Seen(digest, libraries)
        kind = self._type(name)
        changed = self._transforms.libraries(name, kind)
        return steps.Seen(digest, libraries + changed, self._transforms.digest(name, kind))

    def of(
        self, step: steps.Step, seen: Mapping[str, steps.Seen], *, item: bool = False
    ) -> tuple[str, records.Basis, Mapping[str, str]]:
        """A step's key, what it was made from, and the versions of the libraries it rests on.

        With `item`, those of its work on one item.
        """
        digest, versions = self._installed(steps.rests_on(step, seen))
        code_digest = step.code.digest
        if self._recorder is not None:
            self._recorder.document(code_digest, step.code.parts)
            self._recorder.document(digest, versions)
        options = self._options(step) if self._transforms else step.options
        basis = records.Basis(code_digest, digest, options, step.params, {name: at.digest for name, at in seen.items()})
        return steps.key(step, seen, digest, item=item), basis, versions

    def _options(self, step: steps.Step) -> Mapping[str, Any]:
        """The options of a step, with the transforms that apply to its inputs."""
        found = {name: self._transforms.described(name, self._type(name)) for name in step.takes}
        applied = {name: described for name, described in found.items() if described}
        return {**step.options, "transforms": applied} if applied else step.options

    def _type(self, name: str) -> str:
        dataset = self._catalog.find(name)
        return dataset.type if dataset is not None else ""

    def result(self, key: str) -> Result | None:
        """What was kept under `key` before this run."""
        return read.result(self._ledger, key) if self._has_results else None

    def result_by_now(self, key: str) -> Result | None:
        """What is kept under `key` now, by whichever process."""
        found = read.result(self._ledger, key)
        self._has_results = self._has_results or found is not None
        return found

    def damage(self, found: read.Result) -> str:
        """What is wrong with the objects of a result; empty when each is whole and the code of now can load it."""
        for kept in found.outputs:
            for name in kept.classes:
                if code.of_class(name, cache=self._code_cache).absent:
                    module, _, qualname = name.partition(":")
                    return f"{kept.name} needs {qualname} of {module}, which is no longer there"
            for digest in (kept.value, kept.file):
                state = self._store.check(digest) if digest else "ok"
                if state == "corrupt":
                    return f"{kept.name} was damaged"
                if state == "missing":
                    return f"{kept.name} is not in the store"
        return ""

    def judged(self, found: Result | None, key: str, node: str) -> tuple[Result | None, str]:
        """A result of `key`, and what is wrong with it.

        Where it is not whole here, an earlier one of the `node` that is takes its place: the ledger may be shared by
        copies of the project with stores of their own.
        """
        damage = self.damage(found) if found is not None else ""
        if damage:
            for other in read.earlier_results(self._ledger, key, node):
                if not self.damage(other):
                    return other, ""
        return found, damage

    def is_whole(self, kept: records.Kept) -> bool:
        """Whether what a consumer would load is there and undamaged."""
        wanted = kept.file or kept.value
        return bool(wanted) and self._store.check(wanted) == "ok"

    def before(self, node: str) -> records.StepRecord | None:
        """The last step of that name that ended well."""
        return read.last_step(self._ledger, node) if self._has_results else None

    def document(self, digest: str) -> Mapping[str, Any]:
        """What a basis names by digest; empty when it is not on record."""
        return read.document(self._ledger, digest)

    def is_of_now(self, module: loaded.Module) -> bool:
        """Whether a module that was imported while steps worked is the code that keys were made from."""
        return self._code_cache.is_of_now(module)

    def _load(self, name: str) -> tuple[str, tuple[str, ...]]:
        known = self._loads.get(name)
        if known is None:
            dataset = self._catalog.find(name)
            if dataset is None or dataset.kind == "memory":
                known = ("", ())
            else:
                known = (self._reader(dataset), tuple(dataset.distributions))
            self._loads[name] = known
        return known

    def _reader(self, dataset: datasets.Dataset) -> str:
        """The digest of how a dataset is loaded: its options, and the code of a class of the project."""
        options = values.of(dict(dataset.load_spec)).digest
        if not dataset.code:
            return options
        return hashing.combine("reader", options, code.of_class(dataset.code, cache=self._code_cache).digest)

    def saver(self, dataset: datasets.Dataset | None) -> str:
        """The digest of the project's class that saves a dataset by itself; empty for all other datasets."""
        if dataset is None or dataset.kind != "object" or not dataset.code:
            return ""
        return code.of_class(dataset.code, cache=self._code_cache).digest

    def _installed(self, libraries: frozenset[str]) -> tuple[str, Mapping[str, str]]:
        known = self._versions.get(libraries)
        if known is None:
            versions = environment.closure(libraries, self._packages)
            parts = [f"{name}=={version}" for name, version in sorted(versions.items())]
            known = (hashing.combine("environment", *parts), versions)
            self._versions[libraries] = known
        return known
