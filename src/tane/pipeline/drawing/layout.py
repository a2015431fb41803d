"""A layered drawing of a directed graph without cycles: where each box stands and how each edge runs.

Called by `picture`. Boxes and edges in, coordinates out; knows nothing of pipelines. Rows run from top to
bottom, parts that do not hang together stand side by side, no edge with bends crosses a box.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tane.pipeline.drawing import ordering, placing, ranking
from tane.pipeline.drawing.ranking import Link

_ROW_GAP = 34.0
_PART_GAP = 56.0
_TIP = 7.0  # room for an edge's arrow head

Size = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Layout:
    """The centres of the boxes, the edges as SVG paths, and the size of the whole."""

    centers: list[tuple[int, int]]
    paths: list[str]
    width: int
    height: int


def arrange(sizes: Sequence[Size], links: Sequence[Link], groups: Sequence[object]) -> Layout:
    """Lay out boxes of `sizes` joined by `links`; links of one source and equal group share a trunk."""
    parts = _parts(len(sizes), links)
    drawn = [_Part(vertices, own, sizes, links, groups) for vertices, own in parts]
    shifts, width, height = _pack([(part.width, part.height) for part in drawn])
    centers = [(0, 0)] * len(sizes)
    paths = [""] * len(links)
    for part, (right, down) in zip(drawn, shifts, strict=True):
        for vertex, (x, y) in part.centers.items():
            centers[vertex] = (round(x + right), round(y + down))
        for link, route in part.routes.items():
            paths[link] = _path([(x + right, top + down, bottom + down) for x, top, bottom in route])
    return Layout(centers, paths, round(width), round(height))


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


class _Part:
    """One part, laid out from (0, 0)."""

    def __init__(
        self,
        vertices: Sequence[int],
        own: Sequence[int],
        sizes: Sequence[Size],
        links: Sequence[Link],
        groups: Sequence[object],
    ) -> None:
        local = {vertex: at for at, vertex in enumerate(vertices)}
        mesh = ranking.mesh(
            len(vertices),
            [(local[links[at][0]], local[links[at][1]]) for at in own],
            [groups[at] for at in own],
        )
        ordering.arrange(mesh)
        widths = [sizes[vertex][0] for vertex in vertices]
        heights = [sizes[vertex][1] for vertex in vertices]
        x = placing.place(mesh, widths)
        left = min(x[at] - width / 2 for at, width in enumerate(widths))
        left = min(left, min(x))
        x = [each - left for each in x]
        tops, tall = _rows(mesh, x, heights)
        self.width = max(max(x), max(x[at] + width / 2 for at, width in enumerate(widths)))
        self.height = tops[-1] + tall[-1]
        middle = [top + height / 2 for top, height in zip(tops, tall, strict=True)]
        self.centers = {vertex: (x[at], middle[mesh.row[at]]) for at, vertex in enumerate(vertices)}
        self.routes: dict[int, list[tuple[float, float, float]]] = {}
        for link, route in zip(own, mesh.routes, strict=True):
            first, last = route[0], route[-1]
            start, end = middle[mesh.row[first]], middle[mesh.row[last]]
            self.routes[link] = [
                (x[first], start + heights[first] / 2, tops[mesh.row[first]] + tall[mesh.row[first]]),
                *((x[at], tops[mesh.row[at]], tops[mesh.row[at]] + tall[mesh.row[at]]) for at in route[1:-1]),
                (x[last], min(tops[mesh.row[last]], tip := end - heights[last] / 2 - _TIP), tip),
            ]


def _rows(mesh: ranking.Mesh, x: Sequence[float], heights: Sequence[float]) -> tuple[list[float], list[float]]:
    """The top and height of each row. Rows whose edges run far sideways stand further apart."""
    tall = [max((heights[v] for v in row if v < mesh.real), default=0.0) for row in mesh.rows]
    tops, y = [], 0.0
    for at, row in enumerate(mesh.rows):
        tops.append(y)
        sideways = max((abs(x[v] - x[other]) for v in row for other in mesh.below[v]), default=0.0)
        y += tall[at] + _ROW_GAP + min(80.0, 0.06 * sideways)
    return tops, tall


def _path(route: Sequence[tuple[float, float, float]]) -> str:
    """Straight down through each row, an S from row to row; stretches that are straight are one line."""
    x, top, bottom = route[0]
    text = [f"M{round(x)} {round(top)}"]
    y = bottom
    for next_x, next_top, next_bottom in route[1:]:
        if round(next_x) != round(x):
            if round(y) != round(top):
                text.append(f"V{round(y)}")
            half = (y + next_top) / 2
            text.append(f"C{round(x)} {half:.0f} {round(next_x)} {half:.0f} {round(next_x)} {round(next_top)}")
            x, top = next_x, next_top
        y = next_bottom
    if round(y) != round(top):
        text.append(f"V{round(y)}")
    return "".join(text)
