"""The second step of a layered layout: the order within each row, with few crossings.

Called by `stacking`; `rows.js` does the same in a page: who changes one changes both. Rows start in depth-first
order, then are swept down and up by the mean place of their neighbours; the order with the fewest crossings wins. Small
graphs are polished by swapping neighbours.
"""

from __future__ import annotations

from bisect import bisect_right, insort

from tane.pipeline.drawing.ranking import Mesh

_SWEEPS = 24
_WORK = 400_000  # vertices times sweeps, the bound that keeps a thousand nodes quick
_POLISH_UP_TO = 1500


def arrange(mesh: Mesh) -> None:
    """Fill `mesh.rows`."""
    _start(mesh)
    size = len(mesh.row)
    best, fewest = [list(row) for row in mesh.rows], crossings(mesh)
    for sweep in range(max(4, min(_SWEEPS, _WORK // max(size, 1)))):
        if not fewest:
            break
        _sweep(mesh, down=sweep % 2 == 0)
        found = crossings(mesh)
        if found < fewest:
            best, fewest = [list(row) for row in mesh.rows], found
    mesh.rows = best
    if fewest and size <= _POLISH_UP_TO:
        _polish(mesh)


def crossings(mesh: Mesh) -> int:
    """How many pairs of edges cross."""
    total = 0
    place = _places(mesh)
    for row in mesh.rows:
        seen: list[float] = []
        for vertex in row:
            for ends in _bundles(mesh, vertex, place):
                for end in ends:
                    total += len(seen) - bisect_right(seen, end)
                for end in ends:
                    insort(seen, end)
    return total


def _bundles(mesh: Mesh, vertex: int, place: list[int]) -> list[list[float]]:
    """Where the edges down from `vertex` end, those that leave it at one point together, from left to right."""
    below, hold = mesh.below[vertex], mesh.hold
    if not hold:
        return [sorted(map(place.__getitem__, below))]
    points: dict[float, list[float]] = {}
    for other in below:
        points.setdefault(hold.get((vertex, other), 0.0), []).append(_spot(mesh, other, vertex, place))
    return [sorted(points[point]) for point in sorted(points)]


def _spot(mesh: Mesh, vertex: int, other: int, place: list[int]) -> float:
    """Where in its row the edge from or to `other` meets `vertex`; an edge held left of the centre is before it."""
    hold = mesh.hold.get((vertex, other), 0.0)
    return place[vertex] + hold / (2.0 * abs(hold) + 1000.0)


def _start(mesh: Mesh) -> None:
    seen = [False] * len(mesh.row)
    for root in range(mesh.real):
        work = [root]
        while work:
            vertex = work.pop()
            if seen[vertex]:
                continue
            seen[vertex] = True
            mesh.rows[mesh.row[vertex]].append(vertex)
            work.extend(reversed(mesh.below[vertex]))
            work.extend(source for source in reversed(mesh.above[vertex]) if not mesh.above[source])


def _places(mesh: Mesh) -> list[int]:
    place = [0] * len(mesh.row)
    for row in mesh.rows:
        for at, vertex in enumerate(row):
            place[vertex] = at
    return place


def _sweep(mesh: Mesh, *, down: bool) -> None:
    """Sort each row by the mean place of its neighbours in the row before, as a share of its length."""
    share = [0.0] * len(mesh.row)
    for row in mesh.rows:
        for at, vertex in enumerate(row):
            share[vertex] = (at + 0.5) / len(row)
    beside, other = (mesh.above, mesh.below) if down else (mesh.below, mesh.above)
    for row in mesh.rows if down else reversed(mesh.rows):
        wanted: dict[int, tuple[float, float]] = {}
        for vertex in row:
            near = beside[vertex] or other[vertex]
            held = 0.0  # of those that want to be in one place, each stands on its own edge's side
            if mesh.hold and near:
                held = sum(mesh.hold.get((v, vertex), 0.0) for v in near) / len(near)
            wanted[vertex] = (sum(share[v] for v in near) / len(near) if near else share[vertex], held)
        row.sort(key=wanted.__getitem__)
        for at, vertex in enumerate(row):
            share[vertex] = (at + 0.5) / len(row)


def _polish(mesh: Mesh) -> None:
    """Swap neighbours while that removes crossings."""
    for _ in range(4):
        place = _places(mesh)
        swapped = False
        for row in mesh.rows:
            for at in range(len(row) - 1):
                left, right = row[at], row[at + 1]
                gain = 0
                for near in (mesh.above, mesh.below):
                    a = sorted(_spot(mesh, v, left, place) if mesh.hold else place[v] for v in near[left])
                    b = sorted(_spot(mesh, v, right, place) if mesh.hold else place[v] for v in near[right])
                    gain += _inversions(a, b) - _inversions(b, a)
                if gain > 0:
                    row[at], row[at + 1] = right, left
                    place[left], place[right] = at + 1, at
                    swapped = True
        if not swapped:
            return


def _inversions(left: list[float], right: list[float]) -> int:
    """Crossings of the edges to `left` with those to `right`, when the first stands left of the second."""
    return sum(len(left) - bisect_right(left, end) for end in right)
