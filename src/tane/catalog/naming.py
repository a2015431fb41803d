"""What stands behind `type:`: where the class of a type that is not ours may be. Called by `entries`."""

from __future__ import annotations

import importlib.util

from tane import errors
from tane.catalog import foreign, kinds, written


def paths_of(entry: written.Entry, wanted: str, name: str) -> tuple[str, ...]:
    """Where the class of the type `wanted`, `name` in today's spelling, may be.

    Empty, with a fault noted, if it can be nowhere.
    """
    head, dot, _ = name.partition(".")
    if not dot:
        return _offered(entry, wanted)
    if head in kinds.FAMILIES:
        points = foreign.entry_points()
        if wanted in points:
            return (points[wanted],)
        if importlib.util.find_spec("kedro_datasets") is not None:
            return (f"kedro_datasets.{name}",)
        _unknown_of_family(entry, wanted, name, head)
        return ()
    if importlib.util.find_spec(head) is None:
        points = foreign.entry_points()
        if wanted in points:
            return (points[wanted],)
        last = name.rpartition(".")[2]
        near = [known for known in _ours() if known.endswith("." + last) and errors.nearest(head, [_head(known)])]
        if near:
            entry.fault(f"there is no type {wanted!r}", f"did you mean {near[0]!r}?", "type")
            return ()
        close = errors.nearest(wanted, points)
        if close:
            entry.fault(f"there is no type {wanted!r}", f"did you mean {close!r}?", "type")
            return ()
    return (name, f"kedro_datasets.{name}")


def _offered(entry: written.Entry, wanted: str) -> tuple[str, ...]:
    """The class behind a short name that an installed package offers."""
    points = foreign.entry_points()
    if wanted in points:
        return (points[wanted],)
    known = [*kinds.names(), *points]
    otherwise = f"choose one of {', '.join(sorted(_ours()))}, or give your class's dotted path"
    entry.fault(f"there is no type {wanted!r}", errors.did_you_mean(wanted, known, otherwise), "type")
    return ()


def _unknown_of_family(entry: written.Entry, wanted: str, name: str, head: str) -> None:
    import difflib  # only a mistake needs it

    family = [known for known in _ours() if _head(known) == head]
    # all these names end alike: only a slip of the pen is near
    near = difflib.get_close_matches(name, family, n=1, cutoff=0.9)
    otherwise = f"ours are {', '.join(family)}; pip install kedro-datasets for Kedro's others"
    entry.fault(f"there is no type {wanted!r}", f"did you mean {near[0]!r}?" if near else otherwise, "type")


def _ours() -> list[str]:
    return [*kinds.KINDS, *kinds.OBJECTS, *kinds.FOLDERS]


def _head(name: str) -> str:
    return name.partition(".")[0]
