"""The first step of a layered layout: which row each vertex stands in, and the bends that long edges need.

Called by `layout`. Every edge leads to a lower row. All edges of one source share one trunk of bends, so that
a value taken in many places is one line that branches, and the number of bends stays near linear.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Link = tuple[int, int]

_BENDS_PER_VERTEX = 8  # beyond this the longest trunks are drawn straight, without bends


@dataclass(slots=True)
class Mesh:
    """Vertices in rows, every edge between neighbouring rows. Vertices from `real` on are bends.

    `above` and `below` are the neighbours of each vertex; `routes` the vertices that each given edge passes.
    """

    real: int
    row: list[int]
    rows: list[list[int]]
    above: list[list[int]]
    below: list[list[int]]
    routes: list[list[int]]


def rank(count: int, links: Sequence[Link]) -> list[int]:
    """The row of each vertex: just below what it needs; what needs nothing, just above its first use."""
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for source, target in links:
        above[target].append(source)
        below[source].append(target)
    order = _sorted(above, below)
    rows = [0] * count
    for vertex in order:
        for source in above[vertex]:
            rows[vertex] = max(rows[vertex], rows[source] + 1)
    for vertex in order:
        if below[vertex] and not above[vertex]:
            rows[vertex] = min(rows[target] for target in below[vertex]) - 1
    used = {row: at for at, row in enumerate(sorted(set(rows)))}
    return [used[row] for row in rows]


def _sorted(above: list[list[int]], below: list[list[int]]) -> list[int]:
    waiting = [len(sources) for sources in above]
    order = [vertex for vertex, number in enumerate(waiting) if not number]
    for vertex in order:  # grows while it is walked
        for target in below[vertex]:
            waiting[target] -= 1
            if not waiting[target]:
                order.append(target)
    return order


def mesh(count: int, links: Sequence[Link], groups: Sequence[object]) -> Mesh:
    """Rows of vertices and bends. Links of one source whose `groups` are equal share a trunk."""
    row = rank(count, links)
    built = Mesh(count, row, [], [[] for _ in range(count)], [[] for _ in range(count)], [])
    reach: dict[tuple[int, object], int] = {}
    for (source, target), group in zip(links, groups, strict=True):
        trunk = (source, group)
        reach[trunk] = max(reach.get(trunk, 0), row[target])
    left = _BENDS_PER_VERTEX * count + 2000
    trunks: dict[tuple[int, object], list[int]] = {}
    for trunk, last in sorted(reach.items(), key=lambda item: item[1] - row[item[0][0]]):
        bends = last - row[trunk[0]] - 1
        if bends <= left:
            left -= bends
            trunks[trunk] = _add_trunk(built, trunk[0], last)
    joined: set[Link] = set()
    for (source, target), group in zip(links, groups, strict=True):
        shared = trunks.get((source, group))
        if shared is None:
            built.routes.append([source, target])
            continue
        route = [*shared[: row[target] - row[source]], target]
        built.routes.append(route)
        for pair in pairwise(route):
            if pair not in joined:
                joined.add(pair)
                built.below[pair[0]].append(pair[1])
                built.above[pair[1]].append(pair[0])
    built.rows = [[] for _ in range(max(row, default=-1) + 1)]
    return built


def _add_trunk(built: Mesh, source: int, last: int) -> list[int]:
    trunk = [source]
    for at in range(built.row[source] + 1, last):
        trunk.append(len(built.row))
        built.row.append(at)
        built.above.append([])
        built.below.append([])
    return trunk
