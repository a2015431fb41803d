"""The first step of a layered layout: which row each vertex stands in, and the bends that long edges need.

Called by `stacking`; `rows.js` does the same in a page: who changes one changes both. Every edge leads to a lower
row. All edges of one source share one trunk of bends, so that a value taken in many places is one line that branches,
and the number of bends stays near linear.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

from tane import fielded

Link = tuple[int, int]

_BENDS_PER_VERTEX = 8  # beyond this the longest trunks are drawn straight, without bends


@fielded.mutable
class Mesh:
    """Vertices in rows, every edge between neighbouring rows. Vertices from `real` on are bends.

    `above` and `below` are the neighbours of each vertex; `routes` the vertices that each given edge passes. `hold`
    says how far from the centre of its first vertex an edge to the second leaves or enters it, where that is not 0.
    """

    real: int
    row: list[int]
    rows: list[list[int]]
    above: list[list[int]]
    below: list[list[int]]
    routes: list[list[int]]
    hold: dict[Link, float] = fielded.field(default_factory=dict)


def backward(count: int, links: Sequence[Link]) -> list[bool]:
    """Which links lead back, against the others: turned around, none of them closes a circle."""
    follow: list[list[int]] = [[] for _ in range(count)]
    for at, (source, _) in enumerate(links):
        follow[source].append(at)
    back = [False] * len(links)
    state = [0] * count  # 1: on the way down from a root, 2: done
    for root in range(count):
        work = [] if state[root] else [(root, 0)]
        while work:
            vertex, done = work.pop()
            state[vertex] = 1
            if done == len(follow[vertex]):
                state[vertex] = 2
                continue
            work.append((vertex, done + 1))
            link = follow[vertex][done]
            target = links[link][1]
            if state[target] == 1:
                back[link] = True
            elif state[target] == 0:
                work.append((target, 0))
    return back


def stuck(count: int, links: Sequence[Link]) -> list[bool]:
    """Which vertices lie on a circle, or between circles."""
    left = [True] * count
    for reverse in (False, True):
        ways = [(b, a) for a, b in links] if reverse else links
        waiting = [0] * count
        follow: list[list[int]] = [[] for _ in range(count)]
        for source, target in ways:
            if left[source] and left[target]:
                waiting[target] += 1
                follow[source].append(target)
        work = [vertex for vertex in range(count) if left[vertex] and not waiting[vertex]]
        for vertex in work:  # grows while it is walked
            left[vertex] = False
            for target in follow[vertex]:
                waiting[target] -= 1
                if not waiting[target]:
                    work.append(target)
    return left


def rank(
    count: int,
    links: Sequence[Link],
    first: Collection[int] = (),
    last: Collection[int] = (),
    late: Collection[int] = (),
) -> list[int]:
    """The row of each vertex: just below what it needs; what needs nothing, just above its first use.

    Those in `late` stand just above their first use too. Those in `first` have the first row to themselves, those in
    `last` the last.
    """
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
    for vertex in reversed(order):
        if below[vertex] and (vertex in late or not above[vertex]):
            rows[vertex] = min(rows[target] for target in below[vertex]) - 1
    inner = [row for vertex, row in enumerate(rows) if vertex not in first and vertex not in last]
    for vertex in first:
        rows[vertex] = min(inner, default=0) - 1
    for vertex in last:
        rows[vertex] = max(inner, default=0) + 1
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


def mesh(
    count: int,
    links: Sequence[Link],
    groups: Sequence[object],
    first: Collection[int] = (),
    last: Collection[int] = (),
    late: Collection[int] = (),
) -> Mesh:
    """Rows of vertices and bends. Links of one source whose `groups` are equal share a trunk."""
    row = rank(count, links, first, last, late)
    built = Mesh(count, row, [], [[] for _ in range(count)], [[] for _ in range(count)], [])
    reach: dict[tuple[int, object], int] = {}
    for (source, target), group in zip(links, groups, strict=True):
        trunk = (source, group)
        reach[trunk] = max(reach.get(trunk, 0), row[target])
    left = _BENDS_PER_VERTEX * count + 2000
    trunks: dict[tuple[int, object], list[int]] = {}
    for trunk, end in sorted(reach.items(), key=lambda item: item[1] - row[item[0][0]]):
        bends = end - row[trunk[0]] - 1
        if bends <= left:
            left -= bends
            trunks[trunk] = _add_trunk(built, trunk[0], end)
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
