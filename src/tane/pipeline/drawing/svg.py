"""A scene as an SVG file that stands alone: title, legend and graph, light or dark as its reader's system."""

from __future__ import annotations

from tane.pipeline.drawing import palette, picture, wording
from tane.pipeline.drawing.scene import Scene

_MARGIN = 28
_FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
_STYLE = f"""
text{{font-family:{_FONT};fill:#1d2433}}
.paper{{fill:#f7f8fb}}
.title{{font-size:18px;font-weight:650}}
.legend,.detail{{font-size:10.5px;fill:#68738a}}
.legend{{font-size:11.5px}}
.card{{fill:#fff;stroke:#d3d9e4;stroke-width:1.2}}
.node .card,.namespace .card{{stroke:#a9b4c8}}
.namespace .card{{stroke-width:1.8}}
.chip{{fill:#e8edf7}}
.glyph{{font:italic 600 15px Georgia,serif;fill:#3d5a99}}
.node .name,.namespace .name{{font-size:13px;font-weight:600}}
.dataset .name{{font-size:12.5px}}
.parameter .name{{font-size:11px;fill:#68738a}}
.parameter .card{{fill:#eef0f5;stroke:#dde2eb}}
.icon{{fill:none;stroke:#fff;stroke-width:1.3;stroke-linecap:round}}
.parameter .icon{{stroke:#97a1b5}}
.knob{{fill:#97a1b5}}
.behind{{fill:#eef0f5}}
.shell{{font:600 14px ui-monospace,Menlo,Consolas,monospace}}
.fold,.always{{fill:none;stroke:#3d5a99;stroke-width:1.6;stroke-linecap:round}}
.frame{{fill:#e9edf5;fill-opacity:.55;stroke:#cdd5e3;stroke-width:1.2}}
.tag .name{{font-size:11.5px;font-weight:600;fill:#4b566d}}
.label{{font-size:10.5px;font-style:italic;fill:#68738a}}
.edge{{fill:none;stroke:#b3bccd;stroke-width:1.4}}
.order{{stroke-dasharray:5 4}}
.tip{{fill:#98a3b8}}
@media (prefers-color-scheme:dark){{
text{{fill:#e7ebf3}}
.paper{{fill:#12161f}}
.legend,.detail{{fill:#95a0b5}}
.card{{fill:#1c222e;stroke:#343d4e}}
.node .card,.namespace .card{{stroke:#4b5870}}
.chip{{fill:#2a3347}}
.glyph{{fill:#9db8f5}}
.parameter .name{{fill:#95a0b5}}
.parameter .card{{fill:#171c26;stroke:#2b3342}}
.parameter .icon{{stroke:#6d7890}}
.knob{{fill:#6d7890}}
.behind{{fill:#171c26}}
.fold,.always{{stroke:#9db8f5}}
.frame{{fill:#1a202c;stroke:#2f3849}}
.tag .name{{fill:#b4bfd3}}
.label{{fill:#95a0b5}}
.edge{{stroke:#4a556a}}
.tip{{fill:#66738c}}
}}
"""


def draw(scene: Scene) -> str:
    """The SVG document. Every name is in it whole, in a title where the box shows it shortened."""
    drawn = picture.boxes(scene)
    plan = picture.arrange(scene, drawn)
    colors = palette.layer_colors(scene.layers())
    legend, legend_width = _legend(scene, colors)
    title = wording.shorten(wording.visible(scene.title), 80)
    wide = max(plan.width, legend_width, wording.pixels(title, 18)) + 2 * _MARGIN
    head = 62 if legend else 44
    width, height = round(wide), plan.height + head + 2 * _MARGIN
    right = round((wide - plan.width) / 2)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" '
        'role="img" aria-labelledby="graph-title">',
        f"<style>{_STYLE}</style><defs>{picture.MARKERS}</defs>",
        f'<rect class="paper" width="{width}" height="{height}"/>',
        f'<text id="graph-title" class="title" x="{_MARGIN}" y="{_MARGIN + 16}">{wording.xml(title)}</text>',
        f'<g class="legend" transform="translate({_MARGIN} {_MARGIN + 40})">{legend}</g>' if legend else "",
        f'<g transform="translate({right} {head + _MARGIN})"><g class="frames">',
        *map(picture.frame, plan.frames),
        '</g><g class="edges">',
        *(picture.edge(path, order=edge.order) for edge, path in zip(scene.edges, plan.paths, strict=True)),
        *map(picture.label, plan.labels),
        '</g><g class="items">',
        *map(picture.tag, plan.frames),
    ]
    for item, box, (x, y) in zip(scene.items, drawn, plan.centers, strict=True):
        parts.append(picture.element(item, box, colors, f'transform="translate({x} {y})"'))
    parts.append("</g></g></svg>\n")
    return "\n".join(part for part in parts if part)


def _legend(scene: Scene, colors: dict[str, str]) -> tuple[str, float]:
    """One line: a dot and a word for each layer and each status that occurs, then what signs and dashes mean."""
    parts: list[str] = []
    x = 0.0

    def write(word: str) -> None:
        nonlocal x
        shown = wording.shorten(wording.visible(word), 32)
        parts.append(f'<text class="legend" x="{x:g}" y="0">{wording.xml(shown)}</text>')
        x = round(x + wording.pixels(shown, 11.5) + 18)

    statuses = {status: palette.status(status).color for status in scene.statuses()}
    for entries in (colors, statuses):
        if entries and parts:
            write("|")
        for word, color in entries.items():
            parts.append(f'<circle cx="{x + 4:g}" cy="-4" r="4" fill="{color}"/>')
            x += 14
            write(word)
    for sign in picture.signs(scene):
        meaning, drawn = picture.SIGNS[sign]
        parts.append(f'<g transform="translate({x:g} -11)">{drawn}</g>')
        x += 26
        write(meaning)
    if dashes := picture.dashes(scene):
        write(f"dashed: {' or '.join(dashes)}")
    return "".join(parts), x
