"""A scene as one HTML file: the graph to pan, zoom, search and ask. It needs no network and no server.

The graph is in the page as SVG, so it is seen without JavaScript too; how it looks without parameters or
without datasets is laid out here and carried along as data.
"""

from __future__ import annotations

import json
from typing import Any

from tane.pipeline import nodes
from tane.pipeline.drawing import palette, picture, scene, wording
from tane.pipeline.drawing.scene import Item, Scene


def draw(drawn: Scene) -> str:
    """The HTML document."""
    boxes = picture.boxes(drawn)
    colors = palette.layer_colors(drawn.layers())
    full = picture.arrange(drawn, boxes)
    elements = [
        picture.element(item, box, colors, f'data-i="{at}" transform="translate({x} {y})" tabindex="0" role="button"')
        for at, (item, box, (x, y)) in enumerate(zip(drawn.items, boxes, full.centers, strict=True))
    ]
    title = wording.xml(drawn.title)
    return _fill(
        _asset("page.html"),
        {
            "title": title,
            "style": _asset("page.css"),
            "viewbox": f"-30 -80 {full.width + 60} {full.height + 110}",
            "markers": picture.MARKERS,
            "edges": "\n".join(
                picture.edge(path, order=edge.order) for edge, path in zip(drawn.edges, full.paths, strict=True)
            ),
            "items": "\n".join(elements),
            "summary": wording.xml(_summary(drawn)),
            "legend": _legend(drawn, colors),
            "data": _json(_data(drawn, boxes, colors)),
            "script": _asset("page.js"),
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
    if any(edge.order for edge in drawn.edges):
        line = '<svg viewBox="0 0 22 6" aria-hidden="true"><path class="edge{}" d="M0 3H22"/></svg>'
        parts.append("<h2>Edges</h2>")
        parts.append(f"<p>{line.format('')}data</p><p>{line.format(' order')}order only</p>")
    return "".join(parts)


def _data(drawn: Scene, boxes: list[picture.Box], colors: dict[str, str]) -> dict[str, Any]:
    views: dict[str, Any] = {}
    for parameters in (True, False):
        for datasets in (True, False):
            views["p" * parameters + "d" * datasets] = _view(drawn, boxes, parameters, datasets)
    return {
        "items": [_item(item, colors) for item in drawn.items],
        "order": [[edge.source, edge.target] for edge in drawn.edges if edge.order],
        "views": views,
    }


def _view(drawn: Scene, boxes: list[picture.Box], parameters: bool, datasets: bool) -> dict[str, Any]:
    """The places of the items (null where not shown) and the edges as [source, target, order, path]."""
    part, kept = scene.reduce(drawn, parameters=parameters, datasets=datasets)
    plan = picture.arrange(part, [boxes[at] for at in kept])
    places: list[tuple[int, int] | None] = [None] * len(boxes)
    for at, center in zip(kept, plan.centers, strict=True):
        places[at] = center
    edges = [
        [kept[edge.source], kept[edge.target], int(edge.order), path]
        for edge, path in zip(part.edges, plan.paths, strict=True)
    ]
    return {"w": plan.width, "h": plan.height, "at": places, "edges": edges}


def _item(item: Item, colors: dict[str, str]) -> dict[str, Any]:
    """What the panel tells of an item; what is empty is left out."""
    told: dict[str, Any] = {
        "kind": item.kind,
        "name": item.name,
        "label": item.label,
        "sought": " ".join([item.name, *item.tags]).lower(),
    }
    if item.kind == "node":
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
        }
    elif item.kind == "dataset":
        about = item.dataset
        told |= {"type": about.type, "place": about.place, "digest": about.digest}
        told |= {"layer": wording.visible(about.layer), "color": colors.get(about.layer, palette.NO_LAYER)}
    else:
        told |= {"key": nodes.parameter_key(item.name) or item.name, "value": item.value}
    return {key: value for key, value in told.items() if value not in ("", None, (), [])}
