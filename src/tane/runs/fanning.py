"""A step done once for each item of a list, a dict or a folder of partitions: what its items are, and how far it is.

Items are known by content: one that did not change is not done again, whatever happened to the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tane import errors, fielded
from tane.catalog import datasets
from tane.digest import values
from tane.ledger import records
from tane.plan import steps
from tane.runs import arguments, gathered, keeping, keying, lanes


class Item(NamedTuple):
    """One item of an input: what its digest is and where its value comes from."""

    seen: steps.Seen
    argument: arguments.Argument


class Lane(NamedTuple):
    """The items of one input in order, with their keys when they are those of a dict or of partitions."""

    keys: tuple[Any, ...] | None
    items: Sequence[Item]


def of_value(value: Any, name: str, node: str, keys: keying.Keys, place: arguments.Place) -> Lane:
    """The items of a value in memory. One that can be read only once is kept chunk by chunk."""
    if isinstance(value, Iterator):
        return Lane(None, [_stored(item, name, node, keys, place) for item in value])
    names = lanes.keys_of(value, name, node)
    return Lane(tuple(names) if isinstance(value, Mapping) else None, [_held(value[each], keys) for each in names])


def of_gathered(tree: str, name: str, keys: keying.Keys, place: arguments.Place) -> Lane:
    """The items of a value that was made item by item; none of them is read."""
    found = gathered.read(tree, place.store, name)
    return Lane(
        found.keys,
        [Item(keys.seen(kept, ""), arguments.Stored(name, kept.codec, kept.value)) for kept in found.items],
    )


def of_partitions(
    folder: records.Kept,
    dataset: datasets.Dataset,
    keys: keying.Keys,
    place: arguments.Place,
    own: Callable[[arguments.Part], arguments.Argument],
) -> Lane:
    """The partitions of a kept folder; none of them is read. Each rests on the code that any of them does."""
    files = {path: entry.digest for path, entry in place.store.files(folder.file)}
    found = dataset.partition_ids(files)
    items = []
    for filename in found.values():
        digest = files[filename]
        kept = records.Kept(dataset.name, digest, file=digest, classes=folder.classes, libraries=folder.libraries)
        name = filename.rpartition("/")[2]
        items.append(Item(keys.seen(kept, dataset.name), own(arguments.Part(dataset, digest, name))))
    return Lane(tuple(found), items)


def _held(item: Any, keys: keying.Keys) -> Item:
    try:
        print_ = values.of(item)
    except values.CannotDigest:
        return Item(steps.Seen(keeping.unique()), arguments.Held(item))
    kept = records.Kept("", print_.digest, classes=print_.classes, libraries=print_.libraries)
    return Item(keys.seen(kept, ""), arguments.Held(item))


def _stored(item: Any, name: str, node: str, keys: keying.Keys, place: arguments.Place) -> Item:
    made = keeping.keep(keeping.Output(name, None, True), item, place, node).kept
    return Item(keys.seen(made, ""), arguments.Stored(name, made.codec, made.value))


@fielded.mutable
class Fan:
    """How far a fanned-out step is. `made` has the outputs of each item that has ended well."""

    lanes: Mapping[str, Lane]
    keys: tuple[Any, ...] | None
    count: int
    began: float = fielded.field(default_factory=time.time)
    next: int = 0
    ended: int = 0
    made: dict[int, tuple[keeping.Made, ...]] = fielded.field(default_factory=dict)
    failures: dict[int, errors.TaneError] = fielded.field(default_factory=dict)
    cpu: float = 0.0
    peak_memory: int = 0

    @property
    def is_done(self) -> bool:
        """Whether every item has ended, well or not."""
        return self.ended == self.count

    def end(self, index: int, made: tuple[keeping.Made, ...] | errors.TaneError) -> None:
        """One item has ended: with its outputs, or failed."""
        self.ended += 1
        if isinstance(made, errors.TaneError):
            self.failures[index] = made
        else:
            self.made[index] = made

    def seen(self, index: int) -> dict[str, steps.Seen]:
        """What the step sees of the inputs it is fanned out over, for one item."""
        return {name: lane.items[index].seen for name, lane in self.lanes.items()}

    def label(self, node: str, index: int) -> str:
        """What people call the work on one item."""
        return label(node, index if self.keys is None else self.keys[index])

    def error(self, node: str) -> errors.TaneError | None:
        """What went wrong, when some items failed: the first of them, and how many more."""
        if not self.failures:
            return None
        pruned = next((each for each in self.failures.values() if isinstance(each, errors.PrunedTrial)), None)
        return pruned or failed(self.failures, self.count)

    def outcome(self, outputs: Sequence[keeping.Output], place: arguments.Place, node: str) -> tuple[keeping.Made, ...]:
        """All items put together, output by output."""
        return tuple(self._together(at, output, place, node) for at, output in enumerate(outputs))

    def _together(self, at: int, output: keeping.Output, place: arguments.Place, node: str) -> keeping.Made:
        made = [self.made[index][at] for index in range(self.count)]
        if output.dataset is None or output.dataset.kind == "memory":
            if all(each.kept.value for each in made):
                items = tuple(each.kept for each in made)
                return keeping.Made(gathered.keep(output.name, gathered.Gathered(self.keys, items), place.store))
            value = lanes.joined(self.keys, [_value(each, place) for each in made])
            return keeping.keep(output, value, place, node)
        if output.dataset.partitioned:
            keys = self.keys or [f"{index:0{len(str(self.count - 1))}d}" for index in range(self.count)]
            lazily = {str(key): _Lazily(each, place) for key, each in zip(keys, made, strict=True)}
            return keeping.keep(output, lazily, place, node)
        return keeping.keep(output, lanes.joined(self.keys, [_value(each, place) for each in made]), place, node)


@fielded.frozen
class _Lazily:
    """A partition to be written: its value is read when its turn comes."""

    made: keeping.Made
    place: arguments.Place

    def __call__(self) -> Any:
        return _value(self.made, self.place)


def _value(made: keeping.Made, place: arguments.Place) -> Any:
    if made.held:
        return made.value
    return gathered.load(made.kept.codec, made.kept.value, place.store)


def label(node: str, key: Any) -> str:
    """What people call the work on the item of that index or key."""
    text = str(key)
    return f"{node}[{text if len(text) <= 80 else text[:77] + '...'}]"


def failed(failures: Mapping[int, errors.TaneError], count: int) -> errors.UserCodeError:
    """What went wrong with some of `count` items, by index: the first of them, and how many more."""
    error = failures[min(failures)]
    more = len(failures) - 1
    others = f"and {more} more of {count} items" if more else f"1 of {count} items"
    hint = error.hint.replace("what succeeded is kept", "the items that succeeded are kept")
    again = errors.UserCodeError(
        f"{error.what} ({others})", where=error.where, hint=hint, traceback=getattr(error, "traceback", "")
    )
    again.exit_code = error.exit_code
    return again


def fan(given: Mapping[str, Lane], node: str) -> Fan:
    """The fan of the lanes `given`, whose items must go together. Raises `errors.UserCodeError` when they do not."""
    lanes.common_keys(
        {name: range(len(lane.items)) if lane.keys is None else lane.keys for name, lane in given.items()}, node
    )
    lane = next(iter(given.values()))
    return Fan(given, lane.keys, len(lane.items))


def as_item(outputs: Sequence[keeping.Output], label: str) -> tuple[keeping.Output, ...]:
    """How one item's outputs are kept: as values, whatever becomes of the whole. `label` is that of the item's work."""
    which = label[label.index("[") :]
    return tuple(keeping.Output(f"{output.name}{which}", None, _is_kept(output)) for output in outputs)


def _is_kept(output: keeping.Output) -> bool:
    """Whether items are kept: those of a file too, so that one that did not change is not done again."""
    return output.keep or (output.dataset is not None and output.dataset.kind != "memory")
