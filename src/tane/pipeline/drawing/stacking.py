"""Boxes in rows, from top to bottom: where each stands and which way each edge runs between them.

Called by `layout`, which lays out what is within a frame with it, and then the frames; `rows.js` does the same in a
page: who changes one changes both. No edge with bends crosses a box.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from tane.pipeline.drawing import ordering, placing, ranking
from tane.pipeline.drawing.ranking import Link

_ROW_GAP = 34.0
_PART_GAP = 56.0

Size = tuple[float, float]
Stop = tuple[float, float, float]  # an edge runs straight down at x, from top to bottom


class Join(NamedTuple):
    """How an edge meets its boxes: how far right of their centres, and how far from their borders it ends."""

    leaves: float = 0.0
    enters: float = 0.0
    above: float = 0.0
    below: float = 0.0


class Stack(NamedTuple):
    """The centres of the boxes, the stops of each link, and the size of the whole."""

    centers: list[tuple[float, float]]
    routes: list[list[Stop]]
    width: float
    height: float


class Problem(NamedTuple):
    """What to stack: boxes, the links between them, and how these meet them.

    Links of one source and equal group share a trunk. The boxes `first` stand at the very top, `last` at the bottom,
    `late` just above what they lead to.
    """

    sizes: Sequence[Size]
    links: Sequence[Link]
    groups: Sequence[object]
    joins: Sequence[Join]
    first: Collection[int] = ()
    last: Collection[int] = ()
    late: Collection[int] = ()


def stack(given: Problem) -> Stack:
    """Stack all boxes as one."""
    sizes, links, joins = given.sizes, given.links, given.joins
    mesh = ranking.mesh(len(sizes), links, given.groups, given.first, given.last, given.late)
    for route, join in zip(mesh.routes, joins, strict=True):
        if join.leaves:
            mesh.hold[route[0], route[1]] = join.leaves
        if join.enters:
            mesh.hold[route[-1], route[-2]] = join.enters
    ordering.arrange(mesh)
    widths = [width for width, _ in sizes]
    x = placing.place(mesh, widths)
    left = min(min(x[at] - width / 2 for at, width in enumerate(widths)), min(x))
    x = [each - left for each in x]
    tops, tall = _rows(mesh, x, [height for _, height in sizes])
    middle = [top + height / 2 for top, height in zip(tops, tall, strict=True)]
    routes = []
    for route, join in zip(mesh.routes, joins, strict=True):
        first, last = route[0], route[-1]
        upper, lower = mesh.row[first], mesh.row[last]
        tip = middle[lower] - sizes[last][1] / 2 - join.below
        routes.append(
            [
                (x[first] + join.leaves, middle[upper] + sizes[first][1] / 2 + join.above, tops[upper] + tall[upper]),
                *((x[at], tops[mesh.row[at]], tops[mesh.row[at]] + tall[mesh.row[at]]) for at in route[1:-1]),
                (x[last] + join.enters, min(tops[lower], tip), tip),
            ]
        )
    width = max(max(x), max(x[at] + width / 2 for at, width in enumerate(widths)))
    centers = [(x[at], middle[mesh.row[at]]) for at in range(len(sizes))]
    return Stack(centers, routes, width, tops[-1] + tall[-1])


def shelve(given: Problem) -> Stack:
    """Stack what hangs together, and set these parts side by side. Nothing is `first` or `last`."""
    sizes, links, groups, joins, _, _, late = given
    centers = [(0.0, 0.0)] * len(sizes)
    routes: list[list[Stop]] = [[] for _ in links]
    parts = _parts(len(sizes), links)
    stacks = []
    for vertices, own in parts:
        local = {vertex: at for at, vertex in enumerate(vertices)}
        stacks.append(
            stack(
                Problem(
                    [sizes[vertex] for vertex in vertices],
                    [(local[links[at][0]], local[links[at][1]]) for at in own],
                    [groups[at] for at in own],
                    [joins[at] for at in own],
                    late={local[vertex] for vertex in late if vertex in local},
                )
            )
        )
    shifts, width, height = _pack([(one.width, one.height) for one in stacks])
    for (vertices, own), one, (right, down) in zip(parts, stacks, shifts, strict=True):
        for vertex, (x, y) in zip(vertices, one.centers, strict=True):
            centers[vertex] = (x + right, y + down)
        for link, route in zip(own, one.routes, strict=True):
            routes[link] = [(x + right, top + down, bottom + down) for x, top, bottom in route]
    return Stack(centers, routes, width, height)


def _parts(count: int, links: Sequence[Link]) -> list[tuple[list[int], list[int]]]:
    """What hangs together: vertices and links of each part, in order of their first vertex."""
    root = list(range(count))

    def find(vertex: int) -> int:
        while root[vertex] != vertex:
            root[vertex] = root[root[vertex]]
            vertex = root[vertex]
        return vertex

    for source, target in links:
        a, b = find(source), find(target)
        root[max(a, b)] = min(a, b)
    parts: dict[int, tuple[list[int], list[int]]] = {}
    for vertex in range(count):
        parts.setdefault(find(vertex), ([], []))[0].append(vertex)
    for at, (source, _) in enumerate(links):
        parts[find(source)][1].append(at)
    return list(parts.values())


def _pack(sizes: Sequence[Size]) -> tuple[list[tuple[float, float]], float, float]:
    """Shelves of parts, about as wide as a page."""
    area = sum((w + _PART_GAP) * (h + _PART_GAP) for w, h in sizes)
    most = max([*(w for w, _ in sizes), (1.6 * area) ** 0.5], default=0.0)
    shifts: list[tuple[float, float]] = []
    x = y = shelf = width = 0.0
    for w, h in sizes:
        if x and x + w > most:
            x, y, shelf = 0.0, y + shelf + _PART_GAP, 0.0
        shifts.append((x, y))
        x, shelf, width = x + w + _PART_GAP, max(shelf, h), max(width, x + w)
    return shifts, width, y + shelf


def _rows(mesh: ranking.Mesh, x: Sequence[float], heights: Sequence[float]) -> tuple[list[float], list[float]]:
    """The top and height of each row. Rows whose edges run far sideways stand further apart."""
    tall = [max((heights[v] for v in row if v < mesh.real), default=0.0) for row in mesh.rows]
    tops, y = [], 0.0
    for at, row in enumerate(mesh.rows):
        tops.append(y)
        sideways = max((abs(x[v] - x[other]) for v in row for other in mesh.below[v]), default=0.0)
        y += tall[at] + _ROW_GAP + min(80.0, 0.06 * sideways)
    return tops, tall
