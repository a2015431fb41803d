"""The steps of a run that are done item by item: which are under way, and whose turn it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from tane.plan import steps
from tane.runs import fanning, jobs


class UnderWay(NamedTuple):
    """A fanned-out step: the job of it, its fan, and what it sees of its other inputs."""

    parent: jobs.Job
    fan: fanning.Fan
    seen: Mapping[str, steps.Seen]


class Fans:
    """The fanned-out steps of one run that have begun and not ended, in the order in which they began."""

    def __init__(self) -> None:
        self._found: list[UnderWay] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def begin(self, parent: jobs.Job, fan: fanning.Fan, seen: Mapping[str, steps.Seen]) -> None:
        """A step begins."""
        self._found.append(UnderWay(parent, fan, seen))

    def next(self, may_begin: Callable[[UnderWay], bool]) -> UnderWay | None:
        """The first that has an item left which may begin."""
        return next((one for one in self._found if one.fan.next < one.fan.count and may_begin(one)), None)

    def parent(self, fan: fanning.Fan | None) -> jobs.Job:
        """The step that `fan` belongs to."""
        return next(one.parent for one in self._found if one.fan is fan)

    def end(self, fan: fanning.Fan) -> None:
        """A step has ended."""
        self._found = [one for one in self._found if one.fan is not fan]
