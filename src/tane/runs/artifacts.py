"""What the steps of flows leave, kept value by value: a tree of an index and one object for each artifact.

An artifact that a step did not touch keeps its object: it is neither read nor written again. One that is asked for is
loaded then, and only that one. `keeping` keeps them, `gathered` loads them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tane import errors, fielded
from tane.catalog import codecs
from tane.digest import hashing, values
from tane.ledger import records
from tane.pipeline import artifacts
from tane.store import objects, trees

CODEC = "artifacts"
_INDEX = "index"


@fielded.frozen
class Stored:
    """An artifact in a store: `store` if it stays open as long as this is used, else that at `root` is opened."""

    kept: records.Kept
    root: Path
    store: objects.Objects | None = None

    @property
    def digest(self) -> str:
        """The digest of its content."""
        return self.kept.digest

    def load(self) -> Any:
        """The value, for this taker alone."""
        try:
            if self.store is not None:
                return codecs.decode(self.kept.codec, self.store.map(self.kept.value))
            with objects.Objects(self.root, read_only=True) as store:
                return codecs.decode(self.kept.codec, store.map(self.kept.value))
        except codecs.CannotRestore as error:
            where = f"artifact {self.kept.name!r}"
            error.faults = tuple(fault._replace(where=where) for fault in error.faults)
            raise

    def __reduce__(self) -> tuple[type[Stored], tuple[records.Kept, Path]]:
        return Stored, (self.kept, self.root)


@fielded.frozen
class _Copied:
    """An artifact in memory of which each taker gets a copy."""

    item: artifacts.Item

    @property
    def digest(self) -> str:
        return self.item.digest

    def load(self) -> Any:
        value = self.item.load()
        try:
            return codecs.copy(value)
        except codecs.CannotKeep:
            return value


Parts = tuple[dict[str, records.Kept], dict[str, records.Kept]]


def keep(name: str, left: artifacts.Artifacts, store: objects.Objects, node: str) -> records.Kept:
    """Keep what a step has left, under the name of a dataset. Raises `errors.UserCodeError` for what cannot be."""
    items, facts, kept = artifacts.content(left)
    if isinstance(kept, records.Kept) and all(_is_in(store, each) for each in (*items.values(), *facts.values())):
        return fielded.replace(kept, name=name)
    parts = _keep_items(items, store, node), _keep_items(facts, store, node)
    index = [
        [
            [key, each.digest, each.codec, each.value, each.bytes, each.classes, each.libraries]
            for key, each in of.items()
        ]
        for of in parts
    ]
    data = json.dumps(index, separators=(",", ":")).encode()
    entries = [trees.Entry(_INDEX, trees.FILE, store.put(data), len(data))]
    every = [*parts[0].values(), *parts[1].values()]
    entries += [trees.Entry(str(at), trees.FILE, each.value, each.bytes) for at, each in enumerate(every)]
    return _whole(name, parts, store.put_tree_bytes(trees.encode(entries)))


def load(tree: str, store: objects.Objects) -> artifacts.Artifacts:
    """What is kept as the object `tree`; no artifact is read."""
    entries = {entry.name: entry.digest for entry in store.entries(tree)}
    items, facts = (
        {
            name: records.Kept(name, digest, codec, value, "", "", size, tuple(classes), tuple(libraries))
            for name, digest, codec, value, size, classes, libraries in part
        }
        for part in json.loads(store.read(entries[_INDEX]))
    )
    kept = _whole("", (items, facts), tree)
    return artifacts.Artifacts(_stored(items, store), _stored(facts, store), kept)


def _stored(parts: Mapping[str, records.Kept], store: objects.Objects) -> dict[str, artifacts.Item]:
    return {name: Stored(kept, store.root, store) for name, kept in parts.items()}


def _whole(name: str, parts: Parts, tree: str) -> records.Kept:
    """What is known of all artifacts together."""
    words = [word for of in parts for key, each in of.items() for word in (key, each.digest)]
    every = [*parts[0].values(), *parts[1].values()]
    return records.Kept(
        name,
        hashing.combine(CODEC, *(str(len(of)) for of in parts), *words),
        codec=CODEC,
        value=tree,
        bytes=sum(each.bytes for each in every),
        classes=tuple(sorted({one for each in every for one in each.classes})),
        libraries=tuple(sorted({one for each in every for one in each.libraries})),
    )


def _is_in(store: objects.Objects, item: artifacts.Item) -> bool:
    return isinstance(item, Stored) and item.root == store.root


def _keep_items(items: Mapping[str, artifacts.Item], store: objects.Objects, node: str) -> dict[str, records.Kept]:
    return {name: _keep_item(name, items[name], store, node) for name in sorted(items)}


def _keep_item(name: str, item: artifacts.Item, store: objects.Objects, node: str) -> records.Kept:
    while isinstance(item, _Copied):
        item = item.item
    if isinstance(item, Stored) and _is_in(store, item):
        return item.kept
    if not isinstance(item, artifacts.Fresh):
        item = artifacts.Fresh(item.load())
    if not isinstance(item.kept, records.Kept):
        item.kept = _keep_value(name, item, store, node)
    return item.kept


def _keep_value(name: str, item: artifacts.Fresh, store: objects.Objects, node: str) -> records.Kept:
    before = item.before
    try:
        print_ = values.of(item.value)
        if isinstance(before, Stored) and before.digest == print_.digest and _is_in(store, before):
            return before.kept  # it was read, not changed
        encoded = codecs.encode(item.value)
    except (values.CannotDigest, codecs.CannotKeep) as fault:
        raise errors.UserCodeError(
            f"artifact {name!r} of step {node!r} cannot be kept: it is {fault.what}",
            hint="set plain data on self, and keep open files, connections and generators in a local variable",
        ) from None
    size = sum(memoryview(chunk).nbytes for chunk in encoded.chunks)
    stored = store.put(encoded.chunks)
    return records.Kept(
        name, print_.digest, encoded.codec, stored, bytes=size, classes=print_.classes, libraries=print_.libraries
    )


# --- handing on ----------------------------------------------------------------------------------------------------


def are_artifacts(value: Any) -> bool:
    """Whether `value` is of flows: artifacts, or a list of such."""
    if type(value) is list:
        return bool(value) and all(isinstance(each, artifacts.Artifacts) for each in value)
    return isinstance(value, (artifacts.Artifacts, artifacts.Several))


def handed(value: Any) -> Any:
    """What steps have left (see `are_artifacts`), for one taker: each artifact is copied when it is asked for."""
    if isinstance(value, list):
        return artifacts.Several(map(handed, value))
    if not isinstance(value, artifacts.Artifacts):
        return value
    items, facts, kept = artifacts.content(value)
    return artifacts.Artifacts(_copied(items), _copied(facts), kept)


def _copied(items: Mapping[str, artifacts.Item]) -> dict[str, artifacts.Item]:
    return {name: item if isinstance(item, (Stored, _Copied)) else _Copied(item) for name, item in items.items()}


def detached(value: Any) -> Any:
    """`value`, if it is artifacts so that they can be loaded after the store was closed."""
    if isinstance(value, list) and are_artifacts(value):
        return type(value)(map(detached, value))
    if not isinstance(value, artifacts.Artifacts):
        return value
    items, facts, kept = artifacts.content(value)
    return artifacts.Artifacts(_alone(items), _alone(facts), kept)


def _alone(items: Mapping[str, artifacts.Item]) -> dict[str, artifacts.Item]:
    return {name: Stored(item.kept, item.root) if isinstance(item, Stored) else item for name, item in items.items()}
