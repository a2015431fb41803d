"""The lines to the left of the rows of nodes, as in `git log --graph`: which node feeds which, top to bottom.

Called by `terminal`. A lane carries what some nodes made to the nodes that still wait for it; lanes with the
same takers become one, so that many nodes feeding one, or one feeding many, need one lane. A node that no
other feeds has a hollow bullet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_LEFT, _RIGHT, _UP, _DOWN = 1, 2, 4, 8
_LINES = {
    _LEFT | _RIGHT: "─",
    _UP | _DOWN: "│",
    _UP: "│",
    _UP | _LEFT: "╯",
    _UP | _RIGHT: "╰",
    _DOWN | _LEFT: "╮",
    _DOWN | _RIGHT: "╭",
    _UP | _DOWN | _LEFT: "┤",
    _UP | _DOWN | _RIGHT: "├",
    _UP | _LEFT | _RIGHT: "┴",
    _DOWN | _LEFT | _RIGHT: "┬",
    _UP | _DOWN | _LEFT | _RIGHT: "┼",
}
PLAIN = str.maketrans("─│╯╰╮╭┤├┴┬┼●○…", "-|''..+++++*o~")


class Row(NamedTuple):
    """The rail beside one line of text. `node` is None where lanes only join; `below` continues the lanes.

    `bullet` is where the node stands in `text`.
    """

    node: int | None
    text: str
    below: str
    bullet: int


def order(followers: Sequence[Sequence[int]]) -> list[int]:
    """A topological order that goes deep first, so that what belongs together stands together."""
    waiting = [0] * len(followers)
    for targets in followers:
        for target in targets:
            waiting[target] += 1
    work = [node for node in reversed(range(len(followers))) if not waiting[node]]
    found = []
    while work:
        node = work.pop()
        found.append(node)
        for target in reversed(followers[node]):
            waiting[target] -= 1
            if not waiting[target]:
                work.append(target)
    return found


def thin(followers: Sequence[Sequence[int]], sequence: Sequence[int]) -> list[list[int]]:
    """The edges that no longer way replaces, nearest first. `sequence` is a topological order."""
    place = {node: at for at, node in enumerate(sequence)}
    reach = [0] * len(followers)  # bit sets
    kept: list[list[int]] = [[] for _ in followers]
    for node in reversed(sequence):
        for target in sorted(set(followers[node]), key=place.__getitem__):
            if not reach[node] >> target & 1:
                kept[node].append(target)
                reach[node] |= reach[target] | 1 << target
    return kept


def rows(followers: Sequence[Sequence[int]], sequence: Sequence[int], most: int) -> list[Row]:
    """The rail's rows for nodes in `sequence`, at most `most` lanes wide; lanes beyond that are not drawn."""
    lanes: list[frozenset[int]] = []  # whom each lane still feeds; an empty lane is free
    made: list[Row] = []
    for node in sequence:
        incoming = [at for at, takers in enumerate(lanes) if node in takers]
        left = [takers - {node} for takers in lanes]
        column = _column(lanes, left, incoming)
        above = [bool(takers) for takers in lanes] + [False] * (column + 1 - len(lanes))
        left += [frozenset()] * (column + 1 - len(left))
        left[column] = frozenset(followers[node])
        text = _draw(above, [bool(takers) for takers in left], incoming, column, "●" if incoming else "○")
        made.append(_row(node, text, left, column, most))
        lanes = left
        for at, other in _same(lanes):
            above = [bool(takers) for takers in lanes]
            lanes = [frozenset() if n == other else takers for n, takers in enumerate(lanes)]
            text = _draw(above, [bool(takers) for takers in lanes], [other], at, "")
            made.append(_row(None, text, lanes, at, most))
        while lanes and not lanes[-1]:
            lanes.pop()
    return made


def _column(lanes: Sequence[frozenset[int]], left: Sequence[frozenset[int]], incoming: Sequence[int]) -> int:
    """Where the node stands: on a lane that ends with it, else on the first free one."""
    for at in incoming:
        if not left[at]:
            return at
    for at, takers in enumerate(lanes):
        if not takers:
            return at
    return len(lanes)


def _same(lanes: Sequence[frozenset[int]]) -> list[tuple[int, int]]:
    """Pairs of lanes that feed the same nodes: the one that stays, the one that joins it."""
    first: dict[frozenset[int], int] = {}
    pairs = []
    for at, takers in enumerate(lanes):
        if takers:
            stays = first.setdefault(takers, at)
            if stays != at:
                pairs.append((stays, at))
    return pairs


def _draw(above: Sequence[bool], below: Sequence[bool], joined: Sequence[int], column: int, bullet: str) -> str:
    """One row: lanes run down, a line from the `joined` lanes to `column`. A lane only passed stays whole."""
    ends = [*joined, column]
    low, high = min(ends), max(ends)
    text = []
    for at in range(max(len(above), len(below))):
        up = at < len(above) and above[at]
        down = at < len(below) and below[at]
        if at == column and bullet:
            sign = bullet
        elif at in ends:
            arms = _UP * up | _DOWN * down | _LEFT * (at > low) | _RIGHT * (at < high)
            sign = _LINES.get(arms, "─")
        elif up or down:
            sign = "│"
        else:
            sign = "─" if low < at < high else " "
        text.append(sign + ("─" if low <= at < high else " "))
    return "".join(text).rstrip()


def _row(node: int | None, text: str, lanes: Sequence[frozenset[int]], column: int, most: int) -> Row:
    below = " ".join("│" if takers else " " for takers in lanes).rstrip()
    wide, bullet = 2 * most - 1, 2 * column
    if len(text) > wide:
        edge = text[bullet] if node is not None and bullet >= wide - 1 else "…"
        text, bullet = text[: wide - 1] + edge, min(bullet, wide - 1)
    if len(below) > wide:
        below = below[: wide - 1] + "…"
    return Row(node, text, below, bullet)
