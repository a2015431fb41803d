"""What a step of a flow leaves behind: values by name, each loaded when it is asked for.

Made by `flow_steps`, kept and loaded again by `runs`, read by the next step and by whoever asks a run for its results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from tane import errors
from tane.digest import values


class Item(Protocol):
    """Where one value is. `load` gives it to one taker, who may change it; `digest` identifies its content."""

    @property
    def digest(self) -> str:
        """The digest of the value; unique when it has none."""
        ...

    def load(self) -> Any:
        """The value."""
        ...


class Fresh:
    """A value in memory. `before` is where it was loaded from, if it was; it may have been changed since."""

    __slots__ = ("before", "kept", "value")

    def __init__(self, value: Any, before: Item | None = None) -> None:
        self.value = value
        self.before = before
        self.kept: Any = None  # how it was kept, once it was: several steps may hold this very item

    @property
    def digest(self) -> str:
        """The digest of the value as it is now."""
        try:
            return values.of(self.value).digest
        except values.CannotDigest:
            return f"?{id(self.value)}"

    def load(self) -> Any:
        """The value itself."""
        return self.value


class Content(NamedTuple):
    """What is in `Artifacts`. `facts` are what flows note for themselves: the branch chosen, a loop's item.

    `kept` is how the whole was kept, where that is known.
    """

    items: Mapping[str, Item]
    facts: Mapping[str, Item]
    kept: Any = None


class Artifacts:
    """The artifacts of one step, as attributes (`end.model`) and by name (`end["model"]`); iterating gives the names.

    A value is loaded when it is first asked for. They cannot be changed.
    """

    __slots__ = ("_tane", "_tane_loaded")

    def __init__(self, items: Mapping[str, Item], facts: Mapping[str, Item] | None = None, kept: Any = None) -> None:
        object.__setattr__(self, "_tane", Content(items, facts or {}, kept))
        object.__setattr__(self, "_tane_loaded", {})

    def __getitem__(self, name: str) -> Any:
        found: dict[str, Any] = self._tane_loaded
        if name not in found:
            items = self._tane.items
            if name not in items:
                raise KeyError(missing(name, items))
            found[name] = items[name].load()
        return found[name]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_tane") or (name.startswith("__") and name.endswith("__")):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(error.args[0]) from None

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"artifacts are what a step has left: {name!r} cannot be set")

    def __contains__(self, name: object) -> bool:
        return name in self._tane.items

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._tane.items))

    def __len__(self) -> int:
        return len(self._tane.items)

    def __dir__(self) -> list[str]:
        return list(self)

    def __repr__(self) -> str:
        return f"Artifacts({', '.join(self)})"

    def __reduce__(self) -> tuple[Callable[..., Artifacts], tuple[dict[str, Any], dict[str, Any]]]:
        items, facts, _ = self._tane
        return restored, (_loaded(items), _loaded(facts))


class Several(list[Any]):
    """The artifacts of several steps' work side by side: a list of `Artifacts`, or of such lists."""


def restored(items: Mapping[str, Any], facts: Mapping[str, Any]) -> Artifacts:
    """Artifacts of values in memory."""
    return Artifacts(
        {name: Fresh(value) for name, value in items.items()}, {name: Fresh(value) for name, value in facts.items()}
    )


def content(artifacts: Artifacts) -> Content:
    """What `artifacts` hold; nothing is loaded."""
    found: Content = artifacts._tane
    return found


def missing(name: str, names: Mapping[str, Any]) -> str:
    """What to say of an artifact that is not there."""
    hint = errors.did_you_mean(name, names, f"there are: {', '.join(sorted(names)) or 'none'}")
    return f"there is no artifact {name!r}; {hint}"


def _loaded(items: Mapping[str, Item]) -> dict[str, Any]:
    return {name: items[name].load() for name in sorted(items)}
