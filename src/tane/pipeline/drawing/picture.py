"""A scene as SVG elements with places: what `svg` and `page` have in common.

Colours that depend on light or dark are left to the style sheet around; layer and status colours, which do
not, stand in the elements.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from tane import fielded
from tane.pipeline.drawing import layout, palette, wording
from tane.pipeline.drawing.scene import Edge, Item, Scene, common

_NODE, _DATASET, _PARAMETER, _FRAME = 13.0, 12.5, 11.0, 11.5
_SMALL = 10.5
_BOLD = 1.12  # names of nodes are bold
_LONGEST = 44
_STACK = 6.0  # how far the boxes behind a box that stands for many look out
_LOOP = "c0-3.6 4.4-3.6 5.5 0s5.5 3.6 5.5 0s-4.4-3.6-5.5 0s-5.5 3.6-5.5 0z"  # a lying eight, 11 wide

MARKERS = (
    '<marker id="tip" viewBox="0 0 8 8" refX="1" refY="4" markerWidth="7" markerHeight="7" '
    'markerUnits="userSpaceOnUse" orient="auto"><path class="tip" d="M0 0.5L8 4L0 7.5z"/></marker>'
    '<marker id="tip-on" viewBox="0 0 8 8" refX="1" refY="4" markerWidth="8" markerHeight="8" '
    'markerUnits="userSpaceOnUse" orient="auto"><path class="tip on" d="M0 0.5L8 4L0 7.5z"/></marker>'
)


@fielded.frozen
class Box:
    """An item's size and what is written in it."""

    width: float
    height: float
    label: str
    detail: str


class Label(NamedTuple):
    """A condition in words, in the middle of the edges that it is about."""

    text: str
    x: int
    y: int
    target: int


class Plan(NamedTuple):
    """Where the items, edges, frames and labels of a scene are."""

    centers: list[tuple[int, int]]
    paths: list[str]
    frames: list[layout.Frame]
    labels: list[Label]
    width: int
    height: int


def boxes(scene: Scene) -> list[Box]:
    """The boxes of the items, in order. All nodes have room for a second line if one of them needs it."""
    tall = any(_detail(item) for item in scene.items if item.kind == "node")
    frames = layout.frames([item.home for item in scene.items], [(edge.source, edge.target) for edge in scene.edges])
    return [box(item, frames, tall=tall) for item in scene.items]


def box(item: Item, frames: Collection[str], *, tall: bool) -> Box:
    """The box of one item. What a frame around it says is left out of its name."""
    label = wording.shorten(wording.visible(item.label_within(frames)), _LONGEST)
    detail = _detail(item)
    if item.kind == "parameter":
        return Box(round(wording.pixels(label, _PARAMETER)) + 36, 24, label, "")
    size = _NODE * _BOLD if item.works else _DATASET
    width = max(wording.pixels(label, size), wording.pixels(detail, _SMALL) + (12 if item.step.status else 0))
    width = max(84, round(width) + 54) + 20 * item.always
    if item.kind == "dataset":
        return Box(width, 42 if detail else 32, label, detail)
    extra = _STACK if item.over else 0.0
    return Box(width + extra, (46 if tall or item.kind == "namespace" else 36) + extra, label, detail)


def title(name: str) -> tuple[str, int]:
    """What is written on the frame of a namespace, and how wide its tag is."""
    text = wording.shorten(wording.visible(name.rpartition(".")[2]), _LONGEST)
    return text, round(wording.pixels(text, _FRAME)) + 34


def label_size(text: str) -> tuple[int, int]:
    """The room that the label of an edge takes."""
    return round(wording.pixels(text, _SMALL)) + 10, 16


def condition(edge: Edge) -> str:
    """What is written on an edge."""
    return wording.shorten(wording.condition(edge.when), _LONGEST) if edge.when else ""


def arrange(scene: Scene, drawn: list[Box]) -> Plan:
    """The layout of the scene's boxes and edges. A label is a box of its own, half-way."""
    sizes = [(box.width, box.height) for box in drawn]
    homes = [item.home for item in scene.items]
    links: list[tuple[int, int]] = []
    groups: list[bool] = []
    middles: dict[tuple[int, str, str], int] = {}
    parts: list[tuple[int, ...]] = []  # which links make up each edge
    ends: dict[int, int] = {}

    def link(source: int, target: int, order: bool) -> int:
        links.append((source, target))
        groups.append(order)
        return len(links) - 1

    for edge in scene.edges:
        if not edge.when:
            parts.append((link(edge.source, edge.target, edge.order),))
            continue
        # one for each frame that holds both ends: shared, it would lead edges out of a frame and in again
        home = common([homes[edge.target], homes[edge.source]])
        key = edge.target, condition(edge), home
        middle = middles.get(key)
        if middle is None:
            middle = middles[key] = len(sizes)
            sizes.append(label_size(key[1]))
            homes.append(home)
            ends[middle] = link(middle, edge.target, edge.order)
        parts.append((link(edge.source, middle, edge.order), ends[middle]))
    names = {name for home in homes for name in wording.around(home)}
    done = layout.arrange(sizes, links, groups, homes, {name: title(name)[1] + 16 for name in sorted(names)}, ends)
    return Plan(
        done.centers[: len(drawn)],
        ["".join(done.paths[at] for at in pieces) for pieces in parts],
        done.frames,
        [Label(text, *done.centers[at], target) for (target, text, _), at in middles.items()],
        done.width,
        done.height,
    )


def edge(path: str, *, order: bool) -> str:
    """One edge: dashed when it only orders."""
    return f'<path class="edge{" order" if order else ""}" marker-end="url(#tip)" d="{path}"/>'


def label(placed: Label) -> str:
    """The label of an edge."""
    where = f'x="{placed.x}" y="{placed.y + 3.5:g}"'
    return f'<text class="label" {where} text-anchor="middle">{wording.xml(placed.text)}</text>'


def frame(placed: layout.Frame) -> str:
    """The ground of a namespace, which lies below the edges."""
    _, x, y, width, height = placed
    return f'<rect class="frame" x="{x}" y="{y}" width="{width}" height="{height}" rx="14"/>'


def tag(placed: layout.Frame, attributes: str = "") -> str:
    """The name of a namespace on its frame, which lies above the edges; around the frame's upper left corner."""
    name, x, y, _, _ = placed
    text, wide = title(name)
    return (
        f'<g class="tag" transform="translate({x} {y})" {attributes}><title>{wording.xml(f"namespace {name}")}</title>'
        f'<rect class="card" x="8" y="6" width="{wide}" height="20" rx="6"/><path class="fold" d="M15 16h8"/>'
        f'<text class="name" x="29" y="20">{wording.xml(text)}</text></g>'
    )


def element(item: Item, box: Box, colors: dict[str, str], attributes: str) -> str:
    """One item around (0, 0). `attributes` are written into its group as they are."""
    parts = [f'<g class="item {item.kind}" {attributes}><title>{wording.xml(_title(item))}</title>']
    draw = {"dataset": _dataset, "parameter": _parameter}.get(item.kind, _worker)
    return "".join([*parts, *draw(item, box, colors), "</g>"])


def _worker(item: Item, box: Box, _: dict[str, str]) -> list[str]:
    """A node, or a folded namespace."""
    sign = palette.status(item.step.status)
    stroke = f' style="stroke:{sign.color}"' if item.step.status == "failed" else ""
    extra = _STACK if item.over else 0.0
    width, height = box.width - extra, box.height - extra
    left, top = -box.width / 2, -box.height / 2 + extra
    parts = [
        f'<rect class="card behind" x="{left + off:g}" y="{top - off:g}" width="{width:g}" height="{height:g}" rx="9"/>'
        for off in ((extra, extra / 2) if extra else ())
    ]
    middle = top + height / 2
    parts.append(
        f'<rect class="card" x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}" rx="9"{stroke}/>'
        f'<rect class="chip" x="{left + 7:g}" y="{middle - 13:g}" width="26" height="26" rx="7"/>'
    )
    x = left + 20
    if item.kind == "namespace":
        parts.append(f'<path class="fold" d="M{x - 5:g} {middle:g}h10M{x:g} {middle - 5:g}v10"/>')
    else:
        glyph, kind = ("$", "glyph shell") if item.command else ("ƒ", "glyph")
        parts.append(f'<text class="{kind}" x="{x:g}" y="{middle + 5:g}" text-anchor="middle">{glyph}</text>')
    parts += _lines(box, left + 42, indent=12 if item.step.status else 0, middle=middle)
    if item.step.status:
        parts.append(f'<circle cx="{left + 45.5:g}" cy="{middle + 11.5:g}" r="3.5" fill="{sign.color}"/>')
    if item.always:
        parts.append(f'<path class="always" d="M{left + width - 21:g} {middle:g}{_LOOP}"/>')
    return parts


def _dataset(item: Item, box: Box, colors: dict[str, str]) -> list[str]:
    left = -box.width / 2
    x, color = left + 20, colors.get(item.dataset.layer, palette.NO_LAYER)
    return [
        f'<rect class="card" {_sides(box)} rx="{box.height / 2:g}"/>',
        f'<circle cx="{x:g}" cy="0" r="11" fill="{color}"/>',
        f'<path class="icon" d="M{x - 5:g} -3.5a5 2 0 0 1 10 0a5 2 0 0 1 -10 0v7a5 2 0 0 0 10 0v-7'
        f'M{x - 5:g} 0a5 2 0 0 0 10 0"/>',
        *_lines(box, left + 39),
    ]


def _parameter(item: Item, box: Box, _: dict[str, str]) -> list[str]:
    left = -box.width / 2
    x = left + 14
    return [
        f'<rect class="card" {_sides(box)} rx="12"/>',
        f'<path class="icon" d="M{x - 5:g} -3h10M{x - 5:g} 3h10"/>',
        f'<circle class="knob" cx="{x + 2:g}" cy="-3" r="2"/>',
        f'<circle class="knob" cx="{x - 2:g}" cy="3" r="2"/>',
        f'<text class="name" x="{left + 25:g}" y="4">{wording.xml(box.label)}</text>',
    ]


def _sides(box: Box) -> str:
    return f'x="{-box.width / 2:g}" y="{-box.height / 2:g}" width="{box.width:g}" height="{box.height:g}"'


def _lines(box: Box, x: float, indent: float = 0, middle: float = 0) -> list[str]:
    if not box.detail:
        return [f'<text class="name" x="{x:g}" y="{middle + 4.5:g}">{wording.xml(box.label)}</text>']
    return [
        f'<text class="name" x="{x:g}" y="{middle - 2.5:g}">{wording.xml(box.label)}</text>',
        f'<text class="detail" x="{x + indent:g}" y="{middle + 14:g}">{wording.xml(box.detail)}</text>',
    ]


def _detail(item: Item) -> str:
    if item.kind == "dataset":
        return wording.shorten(wording.visible(item.dataset.type), _LONGEST)
    said = []
    if item.kind == "namespace":
        said.append(wording.count(item.holds, "node"))
    if item.works and item.step.status:
        said.append(wording.visible(item.step.status))
        if item.step.seconds is not None:
            said.append(wording.duration(item.step.seconds))
    return " · ".join(said)


def _title(item: Item) -> str:
    """The whole of what a box may have shortened, for the pointer that rests on it and for screen readers."""
    if item.kind == "parameter":
        return f"parameter {item.name}" + (f"\n{item.value}" if item.value else "")
    said = [f"{item.kind} {item.name}"]
    if item.kind == "dataset":
        about = item.dataset
        said += [
            f"{what}: {text}"
            for what, text in (("layer", about.layer), ("type", about.type), ("at", about.place))
            if text
        ]
        return "\n".join(said)
    if detail := _detail(item):
        said.append(detail + (f", {wording.moment(item.step.at)}" if item.step.at is not None else ""))
    said += [item.command] if item.command else []
    said += wording.marks(item.when, item.over, item.always)
    said += [str(reason) for reason in item.step.reasons]
    return "\n".join(said)


SIGNS: Mapping[str, tuple[str, str]] = {
    "over": (
        "once for each item",
        '<rect class="card behind" x="6" y="1" width="14" height="8" rx="2"/>'
        '<rect class="card" x="2" y="4" width="14" height="8" rx="2"/>',
    ),
    "always": ("runs however the others end", f'<path class="always" d="M5 7{_LOOP}"/>'),
    "command": ("shell command", '<text class="glyph shell" x="11" y="12" text-anchor="middle">$</text>'),
    "namespace": ("folded namespace", '<path class="fold" d="M6 7h10M11 2v10"/>'),
}
"""What the signs on boxes mean, and each drawn 22 wide and 14 high."""


def signs(scene: Scene) -> list[str]:
    """Which signs occur."""
    found = {
        "over": any(item.over for item in scene.items),
        "always": any(item.always for item in scene.items),
        "command": any(item.command for item in scene.items),
        "namespace": any(item.kind == "namespace" for item in scene.items),
    }
    return [sign for sign, occurs in found.items() if occurs]


def dashes(scene: Scene) -> list[str]:
    """What dashed lines mean here."""
    order = any(edge.order and not edge.when for edge in scene.edges)
    looked = any(edge.order and edge.when for edge in scene.edges)
    return ["order only"] * order + ["condition"] * looked
