"""Configuration as trees that know where each part was written, and the one rule by which layers merge.

Made by `documents` and `overrides`, merged by `layers` and `compose`. Trees are never changed: every function
here gives a new one. Keys keep their YAML type (`class_weight: {0: 1}`) and are addressed by their text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tane import fielded
from tane.config import origins, scalars

Key = str | int | float | bool | None


@fielded.frozen
class Leaf:
    """A plain value."""

    value: Any
    origin: origins.Origin


@fielded.frozen
class Items:
    """A list."""

    items: tuple[Tree, ...]
    origin: origins.Origin


@fielded.frozen
class Branch:
    """A mapping."""

    entries: Mapping[Key, Tree]
    origin: origins.Origin


Tree = Leaf | Items | Branch


def empty() -> Branch:
    """A mapping of nothing, written nowhere."""
    return Branch({}, origins.Origin())


def of(value: Any, origin: origins.Origin) -> Tree:
    """The tree of a plain Python value, all of it from `origin`."""
    if isinstance(value, Mapping):
        return Branch({key: of(item, origin) for key, item in value.items()}, origin)
    if isinstance(value, list | tuple):
        return Items(tuple(of(item, origin) for item in value), origin)
    return Leaf(value, origin)


def plain(tree: Tree) -> Any:
    """The dicts, lists and values that `tree` stands for, fresh."""
    if isinstance(tree, Branch):
        return {key: plain(item) for key, item in tree.entries.items()}
    if isinstance(tree, Items):
        return [plain(item) for item in tree.items]
    return tree.value


def merge(below: Tree, above: Tree) -> Tree:
    """Mappings merge key by key; anything else of `above` replaces what is `below`, unless it is still to be given."""
    if not (isinstance(below, Branch) and isinstance(above, Branch)):
        return below if isinstance(above, Leaf) and above.value == scalars.MISSING else above
    entries = dict(below.entries)
    for key, item in above.entries.items():
        entries[key] = merge(entries[key], item) if key in entries else item
    return Branch(entries, above.origin if above.entries else below.origin)


def without_other_types(below: Branch, above: Branch) -> Branch:
    """`below` without the entries whose `type` is another in `above`: what they say is about the old type."""

    def type_of(entry: Tree | None) -> Any:
        kind = entry.entries.get("type") if isinstance(entry, Branch) else None
        return kind.value if isinstance(kind, Leaf) else None

    kept = {
        key: entry for key, entry in below.entries.items() if type_of(above.entries.get(key)) in (None, type_of(entry))
    }
    return Branch(kept, below.origin)


def collisions(left: Branch, right: Branch, *, deep: bool) -> Iterator[tuple[tuple[str, ...], Tree, Tree]]:
    """The keys that both have; with `deep` two mappings under one key only collide in what they share.

    Top-level keys that begin with "_" hold YAML anchors and may repeat.
    """
    for key in left.entries:
        if key in right.entries and not key_text(key).startswith("_"):
            yield from _collide((key_text(key),), left.entries[key], right.entries[key], deep)


def _collide(
    keys: tuple[str, ...], left: Tree, right: Tree, deep: bool
) -> Iterator[tuple[tuple[str, ...], Tree, Tree]]:
    if not (deep and isinstance(left, Branch) and isinstance(right, Branch)):
        yield keys, left, right
        return
    for key in [key for key in left.entries if key in right.entries]:
        yield from _collide((*keys, key_text(key)), left.entries[key], right.entries[key], deep)


def find(tree: Tree, keys: Sequence[str]) -> Tree | None:
    """What stands at `keys` (list items by their index), or None."""
    found: Tree | None = tree
    for key in keys:
        if found is None:
            return None
        found = child(found, key)
    return found


def child(tree: Tree, key: str) -> Tree | None:
    """The entry of a mapping, or the item of a list, that `key` names."""
    if isinstance(tree, Branch):
        if key in tree.entries:
            return tree.entries[key]
        return next((item for own, item in tree.entries.items() if key_text(own) == key), None)
    if isinstance(tree, Items) and is_index(key) and int(key) < len(tree.items):
        return tree.items[int(key)]
    return None


def put(tree: Tree | None, keys: Sequence[str], new: Tree) -> Tree:
    """`tree` with `new` at `keys`. Mappings that are missing on the way, or null, are made."""
    if not keys:
        return new
    key, rest = keys[0], keys[1:]
    if isinstance(tree, Items):
        at = int(key)
        return fielded.replace(tree, items=(*tree.items[:at], put(tree.items[at], rest, new), *tree.items[at + 1 :]))
    if not isinstance(tree, Branch):
        return Branch({key: put(None, rest, new)}, new.origin)
    own = _own_key(tree, key)
    return fielded.replace(tree, entries={**tree.entries, own: put(tree.entries.get(own), rest, new)})


def remove(tree: Branch, keys: Sequence[str]) -> Branch:
    """`tree` without the entry at `keys`, which is there and stands in a mapping."""
    parent = find(tree, keys[:-1])
    assert isinstance(parent, Branch)
    entries = {own: item for own, item in parent.entries.items() if key_text(own) != keys[-1]}
    new = put(tree, keys[:-1], fielded.replace(parent, entries=entries))
    assert isinstance(new, Branch)
    return new


def paths(tree: Tree, before: str = "") -> Iterator[str]:
    """The dotted name of every mapping entry in `tree`."""
    if isinstance(tree, Branch):
        for key, item in tree.entries.items():
            name = f"{before}{key_text(key)}"
            yield name
            yield from paths(item, f"{name}.")


def leaves(tree: Tree, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Tree]]:
    """Keys and tree of everything that is no mapping with entries; lists count as one value."""
    if isinstance(tree, Branch) and tree.entries:
        for key, item in tree.entries.items():
            yield from leaves(item, (*before, key_text(key)))
    else:
        yield before, tree


def key_text(key: object) -> str:
    """A key as it is written in YAML and in dotted names."""
    if isinstance(key, str):
        return key
    if isinstance(key, bool):
        return "true" if key else "false"
    return "null" if key is None else str(key)


def is_index(key: str) -> bool:
    """Whether `key` can name an item of a list."""
    return key.isascii() and key.isdigit()


def _own_key(tree: Branch, key: str) -> Key:
    """The key of `tree` that reads as `key`; a new one is a number where all others are."""
    for own in tree.entries:
        if key_text(own) == key:
            return own
    if is_index(key) and tree.entries and all(type(own) is int for own in tree.entries):
        return int(key)
    return key


# --- words for messages ---


def kind(value: Any) -> str:
    """What sort of thing a plain value or a tree is, in words."""
    if isinstance(value, Leaf):
        return kind(value.value)
    if isinstance(value, Branch | Mapping):
        return "a mapping"
    if isinstance(value, Items | list | tuple | set | frozenset):
        return "a list"
    return _KINDS.get(type(value)) or f"a {type(value).__name__}"


_KINDS: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    type(None): "null",
}


def shown(value: Any) -> str:
    """A plain value as a message shows it: short, and in YAML's words."""
    if value is None or isinstance(value, bool):
        return key_text(value)
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
