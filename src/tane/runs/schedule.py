"""Which step may go next: bookkeeping of what waits on what, linear in nodes and edges. Knows nothing of results."""

from __future__ import annotations

import heapq
from collections.abc import Collection

from tane.pipeline import graph


class Schedule:
    """Positions of steps in topological order; the lowest that is ready goes first.

    Before it go those that take what was made last and is in memory alone: so that it can be let go of soon.
    """

    def __init__(self, pipeline: graph.Pipeline) -> None:
        position = {node.name: at for at, node in enumerate(pipeline.nodes)}
        self._followers: list[list[int]] = [[] for _ in position]
        self._waiting = [0] * len(position)
        for at, node in enumerate(pipeline.nodes):
            for other in pipeline.depends(node):
                self._followers[position[other.name]].append(at)
                self._waiting[at] += 1
        self._ready = [(0, at) for at, count in enumerate(self._waiting) if not count]
        self._urgent = 0
        self._ended: set[int] = set()
        self._parked: dict[int, set[int]] = {}  # a step -> those that must be done again before it
        self._awaited: dict[int, list[int]] = {}

    def next(self) -> int | None:
        """The next step that may be taken, or None when all that is left waits."""
        return heapq.heappop(self._ready)[1] if self._ready else None

    def ended(self, at: int, *, in_memory: bool = False) -> None:
        """Step `at` is done (a second time, perhaps): what waited on it may go. `in_memory`: what it made takes up room
        until that is done.
        """
        if at not in self._ended:
            self._ended.add(at)
            if in_memory:
                self._urgent -= 1
            rank = self._urgent if in_memory else 0
            for follower in self._followers[at]:
                self._waiting[follower] -= 1
                if not self._waiting[follower]:
                    heapq.heappush(self._ready, (rank, follower))
        for parked in self._awaited.pop(at, ()):
            self._parked[parked].discard(at)
            if not self._parked[parked]:
                del self._parked[parked]
                heapq.heappush(self._ready, (0, parked))

    def park(self, at: int, until: Collection[int]) -> None:
        """Take `at` again when each of `until` has been done again; these are made ready unless they wait already."""
        self._parked[at] = set(until)
        for other in until:
            if other not in self._awaited and other not in self._parked:
                heapq.heappush(self._ready, (0, other))
            self._awaited.setdefault(other, []).append(at)
