"""The third step of a layered layout: how far right each vertex stands.

Called by `stacking`; `rows.js` does the same in a page: who changes one changes both. Each row is placed at the least
squared distance from where its neighbours want it, with room between boxes kept (pool adjacent violators, linear in the
row); then what can run straight does.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from tane.pipeline.drawing.ranking import Mesh

_GAP = 26.0
_LINE_GAP = 16.0
_ROUNDS = 60
_WORK = 200_000


def place(mesh: Mesh, widths: Sequence[float]) -> list[float]:
    """The centre of each vertex. `widths` are those of real vertices; bends take no room but their gap."""
    wide = [*widths, *([0.0] * (len(mesh.row) - mesh.real))]
    room = [_room(mesh, row, wide) for row in mesh.rows]
    x = [0.0] * len(mesh.row)
    for row, offsets in zip(mesh.rows, room, strict=True):
        for vertex, offset in zip(row, offsets, strict=True):
            x[vertex] = offset - offsets[-1] / 2
    order = list(range(len(mesh.rows)))
    rounds = max(6, min(_ROUNDS, _WORK // max(len(x), 1)))
    for turn in range(rounds):
        both = turn >= rounds // 2
        for at in order if turn % 2 == 0 else reversed(order):
            near = (mesh.above, mesh.below) if both else ((mesh.above,) if turn % 2 == 0 else (mesh.below,))
            _settle(mesh, mesh.rows[at], room[at], near, x)
    _straighten(mesh, wide, x)
    return x


def _gap(mesh: Mesh, left: int, right: int, wide: Sequence[float]) -> float:
    """The least distance of the centres of two neighbours."""
    lines = left >= mesh.real or right >= mesh.real
    return (wide[left] + wide[right]) / 2 + (_LINE_GAP if lines else _GAP)


def _room(mesh: Mesh, row: Sequence[int], wide: Sequence[float]) -> list[float]:
    """Where each of a row stands when the row is as narrow as can be."""
    offsets = [0.0]
    for left, right in pairwise(row):
        offsets.append(offsets[-1] + _gap(mesh, left, right, wide))
    return offsets


def _settle(
    mesh: Mesh, row: Sequence[int], offsets: Sequence[float], near: Sequence[list[list[int]]], x: list[float]
) -> None:
    hold = mesh.hold
    blocks: list[tuple[float, float, int]] = []  # mean, weight, how many
    for vertex, offset in zip(row, offsets, strict=True):
        total = weight = 0.0
        for neighbours in near:
            for other in neighbours[vertex]:
                pull = _pull(mesh, vertex, other)
                side = hold.get((other, vertex), 0.0) - hold.get((vertex, other), 0.0) if hold else 0.0
                total += pull * (x[other] + side)
                weight += pull
        if not weight:
            total, weight = 0.05 * x[vertex], 0.05
        mean, size = total / weight - offset, 1
        while blocks and blocks[-1][0] >= mean:
            before, heavy, number = blocks.pop()
            mean = (before * heavy + mean * weight) / (heavy + weight)
            weight, size = heavy + weight, size + number
        blocks.append((mean, weight, size))
    at = 0
    for mean, _, size in blocks:
        for step in range(at, at + size):
            x[row[step]] = mean + offsets[step]
        at += size


def _pull(mesh: Mesh, a: int, b: int) -> float:
    """Lines want to be straight more than boxes want to be near."""
    bends = (a >= mesh.real) + (b >= mesh.real)
    if bends:
        return 8.0 if bends == 2 else 2.0
    alone = len(mesh.below[min(a, b, key=mesh.row.__getitem__)]) == 1
    return 2.0 if alone else 1.0


def _straighten(mesh: Mesh, wide: Sequence[float], x: list[float]) -> None:
    """Move each run of vertices that follow one another alone to one x, where their neighbours leave room."""
    where = [0] * len(x)
    for row in mesh.rows:
        for at, vertex in enumerate(row):
            where[vertex] = at
    following = _runs(mesh)
    inner = set(following.values())
    for row in mesh.rows:
        for head in row:
            if head not in following or head in inner:
                continue
            run: list[int] = []
            low, high, at = float("-inf"), float("inf"), head
            while True:
                left, right = _free(mesh, at, where[at], wide, x)
                if max(low, left) > min(high, right) + 1e-9:
                    _align(run, low, high, x)
                    run, low, high = [], left, right
                    left, right = _free(mesh, at, where[at], wide, x)
                run.append(at)
                low, high = max(low, left), min(high, right)
                if at not in following:
                    break
                at = following[at]
            _align(run, low, high, x)


def _align(run: list[int], low: float, high: float, x: list[float]) -> None:
    if len(run) > 1:
        mean = sum(x[vertex] for vertex in run) / len(run)
        for vertex in run:
            x[vertex] = max(low, min(high, mean))


def _runs(mesh: Mesh) -> dict[int, int]:
    """Which vertex should stand straight below which: bend below bend, only target below only source."""
    following: dict[int, int] = {}
    for vertex, below in enumerate(mesh.below):
        bends = [other for other in below if other >= mesh.real]
        if vertex >= mesh.real and bends:
            following[vertex] = bends[0]
        elif len(below) == 1 and len(mesh.above[below[0]]) == 1:
            pair = vertex, below[0]
            if pair not in mesh.hold and pair[::-1] not in mesh.hold:
                following[vertex] = below[0]
    return following


def _free(mesh: Mesh, vertex: int, at: int, wide: Sequence[float], x: Sequence[float]) -> tuple[float, float]:
    row = mesh.rows[mesh.row[vertex]]
    low, high = float("-inf"), float("inf")
    if at:
        low = x[row[at - 1]] + _gap(mesh, row[at - 1], vertex, wide)
    if at + 1 < len(row):
        high = x[row[at + 1]] - _gap(mesh, vertex, row[at + 1], wide)
    return low, high
