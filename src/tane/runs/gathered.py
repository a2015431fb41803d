"""Values made item by item, kept item by item: a list or dict whose items are objects of their own.

What a fanned-out step makes is kept as a tree: an index that says how each item is kept, and the items. So nothing is
written twice, the next step can take one item without reading the others, and an unchanged item keeps its digest.
`load` reads any kept value, gathered or not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from tane.catalog import codecs
from tane.digest import hashing, values
from tane.ledger import records
from tane.runs import artifacts, lanes
from tane.store import objects, trees

CODEC = "gathered"
_INDEX, _KEYS = "index", "keys"


class Gathered(NamedTuple):
    """Items in order; `keys` when they are those of a dict."""

    keys: tuple[Any, ...] | None
    items: tuple[records.Kept, ...]


def keep(name: str, gathered: Gathered, store: objects.Objects) -> records.Kept:
    """Keep `gathered`, whose items are kept as values already, under the name of a dataset."""
    keys, items = gathered
    index = {
        "keys": keys is not None,
        "items": [[item.digest, item.codec, item.value, item.bytes, item.classes, item.libraries] for item in items],
    }
    data = json.dumps(index, separators=(",", ":")).encode()
    entries = [trees.Entry(_INDEX, trees.FILE, store.put(data), len(data))]
    if keys is not None:
        encoded = codecs.encode(list(keys))
        size = sum(memoryview(chunk).nbytes for chunk in encoded.chunks)
        entries.append(trees.Entry(_KEYS, trees.FILE, store.put(encoded.chunks), size))
    for number, item in enumerate(items):
        kind = trees.FOLDER if item.codec in (CODEC, artifacts.CODEC) else trees.FILE
        entries.append(trees.Entry(str(number), kind, item.value, item.bytes))
    return records.Kept(
        name,
        digest(gathered),
        codec=CODEC,
        value=store.put_tree_bytes(trees.encode(entries)),
        bytes=sum(item.bytes for item in items),
        classes=tuple(sorted({each for item in items for each in item.classes})),
        libraries=tuple(sorted({each for item in items for each in item.libraries})),
    )


def digest(gathered: Gathered) -> str:
    """What identifies the whole: its keys, and its items in order."""
    keys = "list" if gathered.keys is None else values.of(list(gathered.keys)).digest
    return hashing.combine("gathered", keys, *(item.digest for item in gathered.items))


def read(tree: str, store: objects.Objects, name: str = "") -> Gathered:
    """What the tree of a gathered value holds, without its items being read. `name` becomes that of the items."""
    entries = {entry.name: entry.digest for entry in store.entries(tree)}
    index: Mapping[str, Any] = json.loads(store.read(entries[_INDEX]))
    keys = tuple(codecs.decode("pickle", store.map(entries[_KEYS]))) if index["keys"] else None
    items = tuple(
        records.Kept(name, digest, codec, value, bytes=size, classes=tuple(classes), libraries=tuple(libraries))
        for digest, codec, value, size, classes, libraries in index["items"]
    )
    return Gathered(keys, items)


def load(codec: str, digest: str, store: objects.Objects) -> Any:
    """The value kept in the format `codec` as the object `digest`."""
    if codec == artifacts.CODEC:
        return artifacts.load(digest, store)
    if codec != CODEC:
        return codecs.decode(codec, store.map(digest))
    keys, items = read(digest, store)
    return lanes.joined(keys, [load(item.codec, item.value, store) for item in items])
