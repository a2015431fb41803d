"""A scene as SVG elements with places: what `svg` and `page` have in common.

Colours that depend on light or dark are left to the style sheet around; layer and status colours, which do
not, stand in the elements.
"""

from __future__ import annotations

from dataclasses import dataclass

from tane.pipeline.drawing import layout, palette, wording
from tane.pipeline.drawing.scene import Item, Scene

_NODE, _DATASET, _PARAMETER = 13.0, 12.5, 11.0
_SMALL = 10.5
_BOLD = 1.12  # names of nodes are bold
_LONGEST = 44

MARKERS = (
    '<marker id="tip" viewBox="0 0 8 8" refX="1" refY="4" markerWidth="7" markerHeight="7" '
    'markerUnits="userSpaceOnUse" orient="auto"><path class="tip" d="M0 0.5L8 4L0 7.5z"/></marker>'
    '<marker id="tip-on" viewBox="0 0 8 8" refX="1" refY="4" markerWidth="8" markerHeight="8" '
    'markerUnits="userSpaceOnUse" orient="auto"><path class="tip on" d="M0 0.5L8 4L0 7.5z"/></marker>'
)


@dataclass(frozen=True, slots=True)
class Box:
    """An item's size and what is written in it."""

    width: float
    height: float
    label: str
    detail: str


def boxes(scene: Scene) -> list[Box]:
    """The boxes of the items, in order. All nodes have room for a second line if one of them needs it."""
    tall = any(_detail(item) for item in scene.items if item.kind == "node")
    made = []
    for item in scene.items:
        label, detail = wording.shorten(wording.visible(item.label), _LONGEST), _detail(item)
        if item.kind == "parameter":
            made.append(Box(round(wording.pixels(label, _PARAMETER)) + 36, 24, label, ""))
            continue
        size = _NODE * _BOLD if item.kind == "node" else _DATASET
        width = max(wording.pixels(label, size), wording.pixels(detail, _SMALL) + (12 if item.kind == "node" else 0))
        high = (46 if tall else 36) if item.kind == "node" else (42 if detail else 32)
        made.append(Box(max(84, round(width) + 54), high, label, detail))
    return made


def arrange(scene: Scene, drawn: list[Box]) -> layout.Layout:
    """The layout of the scene's boxes and edges."""
    return layout.arrange(
        [(box.width, box.height) for box in drawn],
        [(edge.source, edge.target) for edge in scene.edges],
        [edge.order for edge in scene.edges],
    )


def edge(path: str, *, order: bool) -> str:
    """One edge: dashed when it only orders."""
    return f'<path class="edge{" order" if order else ""}" marker-end="url(#tip)" d="{path}"/>'


def element(item: Item, box: Box, colors: dict[str, str], attributes: str) -> str:
    """One item around (0, 0). `attributes` are written into its group as they are."""
    left, top = -box.width / 2, -box.height / 2
    rect = f'x="{left:g}" y="{top:g}" width="{box.width:g}" height="{box.height:g}"'
    parts = [f'<g class="item {item.kind}" {attributes}><title>{wording.xml(_title(item))}</title>']
    if item.kind == "node":
        sign = palette.status(item.step.status)
        stroke = f' style="stroke:{sign.color}"' if item.step.status == "failed" else ""
        parts.append(f'<rect class="card" {rect} rx="9"{stroke}/>')
        parts.append(f'<rect class="chip" x="{left + 7:g}" y="-13" width="26" height="26" rx="7"/>')
        parts.append(f'<text class="glyph" x="{left + 20:g}" y="5" text-anchor="middle">ƒ</text>')
        parts += _lines(box, left + 42, indent=12)
        if item.step.status:
            parts.append(f'<circle cx="{left + 45.5:g}" cy="11.5" r="3.5" fill="{sign.color}"/>')
    elif item.kind == "dataset":
        color = colors.get(item.dataset.layer, palette.NO_LAYER)
        parts.append(f'<rect class="card" {rect} rx="{box.height / 2:g}"/>')
        parts.append(f'<circle cx="{left + 20:g}" cy="0" r="11" fill="{color}"/>')
        x = left + 20
        parts.append(
            f'<path class="icon" d="M{x - 5:g} -3.5a5 2 0 0 1 10 0a5 2 0 0 1 -10 0v7a5 2 0 0 0 10 0v-7'
            f'M{x - 5:g} 0a5 2 0 0 0 10 0"/>'
        )
        parts += _lines(box, left + 39)
    else:
        x = left + 14
        parts.append(f'<rect class="card" {rect} rx="12"/>')
        parts.append(f'<path class="icon" d="M{x - 5:g} -3h10M{x - 5:g} 3h10"/>')
        parts.append(f'<circle class="knob" cx="{x + 2:g}" cy="-3" r="2"/>')
        parts.append(f'<circle class="knob" cx="{x - 2:g}" cy="3" r="2"/>')
        parts.append(f'<text class="name" x="{left + 25:g}" y="4">{wording.xml(box.label)}</text>')
    parts.append("</g>")
    return "".join(parts)


def _lines(box: Box, x: float, indent: float = 0) -> list[str]:
    if not box.detail:
        return [f'<text class="name" x="{x:g}" y="4.5">{wording.xml(box.label)}</text>']
    return [
        f'<text class="name" x="{x:g}" y="-2.5">{wording.xml(box.label)}</text>',
        f'<text class="detail" x="{x + indent:g}" y="14">{wording.xml(box.detail)}</text>',
    ]


def _detail(item: Item) -> str:
    if item.kind == "dataset":
        return wording.shorten(wording.visible(item.dataset.type), _LONGEST)
    if item.kind == "node" and item.step.status:
        spent = f" · {wording.duration(item.step.seconds)}" if item.step.seconds is not None else ""
        return wording.visible(item.step.status + spent)
    return ""


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
    if item.step.status:
        said.append(_detail(item) + (f", {wording.moment(item.step.at)}" if item.step.at is not None else ""))
    said += [str(reason) for reason in item.step.reasons]
    return "\n".join(said)
