"""A layered drawing of a directed graph: where each box stands, how each edge runs, which frames are around them.

Called by `picture`; knows nothing of pipelines. Rows run from top to bottom, parts that do not hang together stand side
by side. What lies within a frame is laid out by itself, with a port in the frame's border for each edge that crosses
it; the frame is then one box among others. `layout.js` does the same in a page: who changes one changes both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from tane import fielded
from tane.pipeline.drawing import ranking, stacking
from tane.pipeline.drawing.ranking import Link
from tane.pipeline.drawing.stacking import Join, Size, Stop

_TIP = 7.0  # room for an edge's arrow head
_HEADER = 30.0  # room for a frame's name, where no edge enters from above
_PAD = 16.0

Frame = tuple[str, int, int, int, int]  # its name, left, top, width, height
Value = tuple[int, object, bool]  # what flows: from which box, in which group, whether drawn upwards


class Vertex(NamedTuple):
    """What stands within a frame: a "box" by its index, a "frame" by its name, an "in" or "out" port by its value."""

    kind: Literal["box", "frame", "in", "out"]
    box: int = -1
    frame: str = ""
    value: Value | None = None


@fielded.frozen
class Layout:
    """The centres of the boxes, the edges as SVG paths, the frames, outer ones first, and the size of the whole."""

    centers: list[tuple[int, int]]
    paths: list[str]
    width: int
    height: int
    frames: list[Frame] = fielded.field(default_factory=list)


def arrange(
    sizes: Sequence[Size],
    links: Sequence[Link],
    groups: Sequence[object],
    homes: Sequence[str] = (),
    titles: Mapping[str, float] | None = None,
    late: Collection[int] = (),
) -> Layout:
    """Lay out boxes of `sizes` joined by `links`; links of one source and equal group share a trunk.

    `homes` are the dotted names of the frames around each box. A frame is left out when its edges would have to go
    round in a circle, out of it and in again. `titles` are the least widths of frames. The boxes `late` stand just
    above what they lead to. Links that close a circle run upwards.
    """
    back = ranking.backward(len(sizes), links)
    ways = [(b, a) if turned else (a, b) for (a, b), turned in zip(links, back, strict=True)]
    chains = _chains(homes or [""] * len(sizes), ways)
    levels: dict[str, _Level] = {"": _Level("")}
    for chain in chains:
        for name in chain:
            levels.setdefault(name, _Level(name))
    for vertex, chain in enumerate(chains):
        for outer, inner in zip(("", *chain), chain, strict=False):
            levels[outer].vertex(Vertex("frame", frame=inner))
        levels[chain[-1] if chain else ""].vertex(Vertex("box", vertex))
    segments = [_segments(way, (groups[at], back[at]), levels, chains) for at, way in enumerate(ways)]
    for name in sorted(levels, key=lambda name: -name.count(".") - (name != "")):
        levels[name].plan(sizes, levels, (titles or {}).get(name, 0.0), late)
    centers, drawn = [(0, 0)] * len(sizes), []
    for level, (right, down) in _origins(levels):
        if level.name:
            x, y = right - level.shift, down - level.rise
            drawn.append((level.name, round(x), round(y), round(level.width), round(level.height)))
        for one, (x, y) in zip(level.vertices, level.done.centers, strict=True):
            if one.kind == "box":
                centers[one.box] = (round(x + right), round(y + down))
    paths = []
    for turned, pieces in zip(back, segments, strict=True):
        stops = _joined(pieces)
        paths.append(_path([(x, low, high) for x, high, low in reversed(stops)] if turned else stops))
    root = levels[""]
    return Layout(centers, paths, round(root.width), round(root.height), drawn)


def frames(homes: Sequence[str], links: Sequence[Link]) -> set[str]:
    """The frames that are drawn; `homes` and `links` as `arrange` takes them."""
    back = ranking.backward(len(homes), links)
    ways = [(b, a) if turned else (a, b) for (a, b), turned in zip(links, back, strict=True)]
    return {name for chain in _chains(homes, ways) for name in chain}


def _chains(homes: Sequence[str], links: Sequence[Link]) -> list[tuple[str, ...]]:
    """The frames around each vertex, outermost first, without those that edges leave and enter again."""
    chains = []
    for home in homes:
        parts = home.split(".") if home else []
        chains.append(tuple(".".join(parts[:depth]) for depth in range(1, len(parts) + 1)))
    work = [""]
    for level in work:  # grows while it is walked
        while True:
            names: dict[Vertex, int] = {}
            ends: list[int] = []
            for vertex, chain in enumerate(chains):
                depth = 0 if not level else chain.index(level) + 1 if level in chain else -1
                if depth < 0:
                    ends.append(-1)
                    continue
                ends.append(names.setdefault(_within(chain, depth, vertex), len(names)))
            own = [(ends[a], ends[b]) for a, b in links if ends[a] >= 0 and ends[b] >= 0 and ends[a] != ends[b]]
            stuck = ranking.stuck(len(names), own)
            found = [one.frame for one in names if one.frame]
            gone = {one.frame for one, at in names.items() if one.frame and stuck[at]}
            if not gone:
                work += found
                break
            chains = [tuple(name for name in chain if name not in gone) for chain in chains]
    return chains


def _within(chain: tuple[str, ...], depth: int, vertex: int) -> Vertex:
    """What stands for a vertex in the frame at `depth` - 1 of those around it: the next frame, or its own box."""
    return Vertex("frame", frame=chain[depth]) if depth < len(chain) else Vertex("box", vertex)


class _Level:
    """What stands directly within one frame, or within none: boxes, frames, and ports in its border."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.vertices: list[Vertex] = []
        self.links: list[tuple[int, int, Value]] = []  # from, to, the value that flows
        self.done = stacking.Stack([], [], 0.0, 0.0)
        self.width = self.height = 0.0
        self.shift = self.rise = 0.0  # from the frame's corner to what is within
        self.origin = (0.0, 0.0)
        self._index: dict[Vertex, int] = {}
        self._known: dict[tuple[int, int, Value], int] = {}

    def vertex(self, vertex: Vertex) -> int:
        """The index of a vertex, which is here from now on."""
        at = self._index.get(vertex)
        if at is None:
            at = self._index[vertex] = len(self.vertices)
            self.vertices.append(vertex)
        return at

    def link(self, source: Vertex, target: Vertex, value: Value) -> int:
        """The index of a link, which is here from now on."""
        key = (self.vertex(source), self.vertex(target), value)
        at = self._known.get(key)
        if at is None:
            at = self._known[key] = len(self.links)
            self.links.append(key)
        return at

    def plan(self, sizes: Sequence[Size], levels: Mapping[str, _Level], title: float, late: Collection[int]) -> None:
        """Lay out what is here; frames within are laid out already."""
        boxes = []
        for vertex in self.vertices:
            if vertex.kind == "box":
                boxes.append(sizes[vertex.box])
            elif vertex.kind == "frame":
                boxes.append((levels[vertex.frame].width, levels[vertex.frame].height))
            else:
                boxes.append((0.0, 0.0))
        first = {at for at, vertex in enumerate(self.vertices) if vertex.kind == "in"}
        last = {at for at, vertex in enumerate(self.vertices) if vertex.kind == "out"}
        given = stacking.Problem(
            boxes,
            [(source, target) for source, target, _ in self.links],
            [value for *_, value in self.links],
            [self._join(link, levels) for link in self.links],
            first,
            last,
            {at for at, vertex in enumerate(self.vertices) if vertex.box in late},
        )
        self.done = stacking.stack(given) if first or last else stacking.shelve(given)
        self.width, self.height = self.done.width, self.done.height
        if self.name:
            self.width = max(self.done.width + 2 * _PAD, title)
            self.shift = (self.width - self.done.width) / 2
            self.rise = 0.0 if first else _HEADER
            self.height += self.rise + (0.0 if last else _PAD)

    def port(self, role: Literal["in", "out"], value: Value) -> float:
        """How far right of the frame's centre the value enters ("in") or leaves ("out") it."""
        x, _ = self.done.centers[self._index[Vertex(role, value=value)]]
        return x + self.shift - self.width / 2

    def _join(self, link: tuple[int, int, Value], levels: Mapping[str, _Level]) -> Join:
        source, target, value = self.vertices[link[0]], self.vertices[link[1]], link[2]
        _, _, turned = value
        return Join(
            levels[source.frame].port("out", value) if source.frame else 0.0,
            levels[target.frame].port("in", value) if target.frame else 0.0,
            _TIP if turned and source.kind == "box" else 0.0,
            _TIP if not turned and target.kind == "box" else 0.0,
        )


def _segments(
    way: Link, group: tuple[object, bool], levels: Mapping[str, _Level], chains: Sequence[tuple[str, ...]]
) -> list[tuple[_Level, int]]:
    """The stretches of one edge: out of frames, between them, into frames."""
    source, target = way
    value: Value = (source, *group)
    out, into = chains[source], chains[target]
    shared = 0
    while shared < min(len(out), len(into)) and out[shared] == into[shared]:
        shared += 1
    made = []
    for depth in range(len(out) - 1, shared - 1, -1):
        level = levels[out[depth]]
        made.append((level, level.link(_within(out, depth + 1, source), Vertex("out", value=value), value)))
    level = levels[out[shared - 1] if shared else ""]
    made.append((level, level.link(_within(out, shared, source), _within(into, shared, target), value)))
    for depth in range(shared, len(into)):
        level = levels[into[depth]]
        made.append((level, level.link(Vertex("in", value=value), _within(into, depth + 1, target), value)))
    return made


def _origins(levels: Mapping[str, _Level]) -> Iterator[tuple[_Level, tuple[float, float]]]:
    """Each level, outer ones first, with where what is within begins."""
    work = [levels[""]]
    for level in work:  # grows while it is walked
        yield level, level.origin
        for vertex, (x, y) in zip(level.vertices, level.done.centers, strict=True):
            if vertex.frame:
                inner = levels[vertex.frame]
                inner.origin = (
                    level.origin[0] + x - inner.width / 2 + inner.shift,
                    level.origin[1] + y - inner.height / 2 + inner.rise,
                )
                work.append(inner)


def _joined(pieces: Sequence[tuple[_Level, int]]) -> list[Stop]:
    """The stops of an edge from stretch to stretch."""
    stops: list[Stop] = []
    for level, link in pieces:
        right, down = level.origin
        route = [(x + right, top + down, bottom + down) for x, top, bottom in level.done.routes[link]]
        if stops:  # the port where both meet
            route[0] = (stops[-1][0], *route[0][1:])
        stops += route
    return stops


def _path(route: Sequence[Stop]) -> str:
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
