"""A scene as one HTML file: the graph to pan, zoom, search, fold and ask. It needs no network and no server.

The graph is in the page as SVG, so it is seen without JavaScript too. How it looks with other namespaces folded, or
without parameters or datasets, is laid out in the page when it is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from tane import fielded
from tane.pipeline import nodes
from tane.pipeline.drawing import folding, layout, palette, picture, wording
from tane.pipeline.drawing.scene import Item, Scene


def draw(drawn: Scene, folded: Collection[str] = ()) -> str:
    """The HTML document; the namespaces `folded` are so at first."""
    items = [*drawn.items, *(fielded.replace(one, takes=(), makes=()) for one in folding.boxes(drawn))]
    frames = layout.frames([item.home for item in drawn.items], [(edge.source, edge.target) for edge in drawn.edges])
    tall = any(item.step.status for item in drawn.items if item.kind == "node")
    boxes = [picture.box(item, frames, tall=tall) for item in items]
    part, kept = folding.fold(drawn, folded)
    plan = picture.arrange(part, [boxes[at] for at in kept])
    places: list[tuple[int, int] | None] = [None] * len(items)
    for at, center in zip(kept, plan.centers, strict=True):
        places[at] = center
    view = {
        "w": plan.width,
        "h": plan.height,
        "at": places,
        "edges": [
            [kept[edge.source], kept[edge.target], int(edge.order), path]
            for edge, path in zip(part.edges, plan.paths, strict=True)
        ],
        "frames": plan.frames,
        "labels": [[text, x, y, kept[target]] for text, x, y, target in plan.labels],
    }
    colors = palette.layer_colors(drawn.layers())
    elements = []
    for at, (item, box, place) in enumerate(zip(items, boxes, places, strict=True)):
        where = f'transform="translate({place[0]} {place[1]})"' if place else 'hidden=""'
        elements.append(picture.element(item, box, colors, f'data-i="{at}" {where} tabindex="0" role="button"'))
    return _fill(
        _asset("page.html"),
        {
            "title": wording.xml(drawn.title),
            "style": _asset("page.css"),
            "viewbox": f"-30 -80 {plan.width + 60} {plan.height + 110}",
            "markers": picture.MARKERS,
            "frames": "\n".join(map(picture.frame, plan.frames)),
            "edges": "\n".join(
                picture.edge(path, order=edge.order) for edge, path in zip(part.edges, plan.paths, strict=True)
            ),
            "labels": "\n".join(map(picture.label, plan.labels)),
            "tags": "\n".join(map(picture.tag, plan.frames)),
            "items": "\n".join(elements),
            "summary": wording.xml(_summary(drawn)),
            "legend": _legend(drawn, colors),
            "data": _json(_data(drawn, items, boxes, colors) | {"folded": sorted(folded), "view": view}),
            "script": "\n".join(map(_asset, ("rows.js", "layout.js", "folding.js", "page.js"))),
        },
    )


def _fill(template: str, parts: dict[str, str]) -> str:
    """The template with its `@name@` places filled; what is filled in is not looked at again."""
    pieces = template.split("@")
    return "".join(parts[piece] if at % 2 else piece for at, piece in enumerate(pieces))


def _asset(name: str) -> str:
    from importlib import resources

    return resources.files("tane.pipeline.drawing").joinpath(name).read_text(encoding="utf-8")


def _json(value: Any) -> str:
    """JSON that no HTML parser can take for markup."""
    text = json.dumps(value, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _summary(drawn: Scene) -> str:
    said = [wording.count(len(drawn.of_kind("node")), "node")]
    for kind in ("dataset", "parameter"):
        number = sum(item.kind == kind for item in drawn.items)
        if number:
            said.append(wording.count(number, kind))
    times = [item.step.at for item in drawn.items if item.step.at is not None]
    if times:
        said.append(f"last run {wording.moment(max(times))}")
    return " · ".join(said)


def _legend(drawn: Scene, colors: dict[str, str]) -> str:
    parts = []
    for heading, key, entries in (
        ("Layers", "layer", colors),
        ("Status", "status", {status: palette.status(status).color for status in drawn.statuses()}),
    ):
        if entries:
            parts.append(f"<h2>{heading}</h2>")
        for word, color in entries.items():
            number = sum((i.dataset.layer if key == "layer" else i.step.status) == word for i in drawn.items)
            pick = wording.xml(json.dumps([key, wording.visible(word)], separators=(",", ":"), ensure_ascii=False))
            parts.append(
                f'<button aria-pressed="false" data-pick="{pick}"><i style="background:{color}"></i>'
                f"{wording.xml(word)}<small>{number}</small></button>"
            )
    names = folding.namespaces(drawn)
    if names:
        parts.append("<h2>Namespaces</h2>")
    for item in folding.boxes(drawn):
        text, _ = picture.title(item.name)
        parts.append(
            f'<button class="space" aria-expanded="true" data-space="{len(drawn.items) + names.index(item.name)}" '
            f'style="padding-left:{8 + 12 * item.name.count(".")}px"><b></b>{wording.xml(text)}'
            f"<small>{item.holds}</small></button>"
        )
    dashes, signs = picture.dashes(drawn), [sign for sign in picture.signs(drawn) if sign != "namespace"]
    if dashes or signs:
        line = '<svg viewBox="0 0 22 6" aria-hidden="true"><path class="edge{}" d="M0 3H22"/></svg>'
        parts.append("<h2>Signs</h2>")
        parts += [f"<p>{line.format('')}data</p>"] if dashes else []
        parts += [f"<p>{line.format(' order')}{' or '.join(dashes)}</p>"] if dashes else []
        for sign in signs:
            meaning, shape = picture.SIGNS[sign]
            parts.append(f'<p class="item node"><svg viewBox="0 0 22 14" aria-hidden="true">{shape}</svg>{meaning}</p>')
    return "".join(parts)


def _data(drawn: Scene, items: list[Item], boxes: list[picture.Box], colors: dict[str, str]) -> dict[str, Any]:
    """All that the page knows: items with their sizes, edges, and how wide labels and names of frames are."""
    names = folding.namespaces(drawn)
    told = [_item(item, colors) | {"size": [box.width, box.height]} for item, box in zip(items, boxes, strict=True)]
    texts = [picture.condition(edge) for edge in drawn.edges]
    return {
        "items": told,
        "edges": [
            [edge.source, edge.target, int(edge.order), text] for edge, text in zip(drawn.edges, texts, strict=True)
        ],
        "boxes": {name: len(drawn.items) + at for at, name in enumerate(names)},
        "titles": {name: picture.title(name)[1] + 16 for name in names},
        "tags": {name: picture.title(name) for name in names},
        "labels": {text: picture.label_size(text) for text in dict.fromkeys(texts) if text},
    }


def _item(item: Item, colors: dict[str, str]) -> dict[str, Any]:
    """What the panel tells of an item; what is empty is left out."""
    told: dict[str, Any] = {
        "kind": item.kind,
        "name": item.name,
        "label": item.label,
        "home": item.home,
        "inside": item.inside,
        "sought": " ".join([item.name, *item.tags]).lower(),
    }
    if item.works:
        step = item.step
        told |= {
            "takes": item.takes,
            "makes": item.makes,
            "tags": item.tags,
            "namespace": item.namespace,
            "module": step.module,
            "doc": step.doc,
            "status": wording.visible(step.status),
            "color": palette.status(step.status).color if step.status else "",
            "spent": wording.duration(step.seconds) if step.seconds is not None else "",
            "at": step.at,
            "reasons": [str(reason) for reason in step.reasons],
            "command": item.command,
            "runs": wording.marks(item.when, item.over, item.always),
        }
    elif item.kind == "dataset":
        about = item.dataset
        told |= {"type": about.type, "place": about.place, "digest": about.digest}
        told |= {"layer": wording.visible(about.layer), "color": colors.get(about.layer, palette.NO_LAYER)}
    else:
        told |= {"key": nodes.parameter_key(item.name) or item.name, "value": item.value}
    return {key: value for key, value in told.items() if value not in ("", None, (), [])}
