"""Runs, steps and plans as HTML for notebooks. Every text is escaped; pictures are part of the page.

Called by the `_repr_html_` of results and previews, which Jupyter and its like ask for.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence

from tane.ledger import records
from tane.pipeline.drawing import wording
from tane.runs import figures

_LONG = 12  # steps beyond which the list is folded
_COLOURS = {
    "succeeded": "#1a7f4b",
    "reused": "#68738a",
    "failed": "#c0392b",
    "skipped": "#b7791f",
    "interrupted": "#b7791f",
}


def table(header: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> str:
    """A table; the cells are HTML already."""
    head = "".join(f'<th style="text-align:left">{wording.xml(name)}</th>' for name in header)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td style="text-align:{"right;white-space:nowrap" if at in right else "left"}">{cell}</td>'
            for at, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def status(word: str) -> str:
    """A status in its colour."""
    return f'<span style="color:{_COLOURS.get(word, "inherit")};font-weight:600">{wording.xml(word)}</span>'


def run(
    title: Sequence[str],
    ended: str,
    seconds: float,
    steps: Sequence[Sequence[str]],
    metrics: Mapping[str, records.MetricSummary],
    shown: Sequence[figures.Figure],
    notes: Sequence[str],
    error: str,
) -> str:
    """A run: what it is (`title`: id and pipeline), its steps (rows of `step_row`), metrics, pictures and notes."""
    what, pipeline = title
    of = f" of <b>{wording.xml(pipeline)}</b>" if pipeline else ""
    parts = [f"<p>run <code>{wording.xml(what)}</code>{of} {status(ended)} in {wording.duration(seconds)}</p>"]
    if error:
        parts.append(f'<pre style="color:{_COLOURS["failed"]}">{wording.xml(error)}</pre>')
    parts.append(_folded(f"{wording.count(len(steps), 'step')}", step_table(steps), len(steps) > _LONG))
    if metrics:
        rows = [
            [f"<code>{wording.xml(name)}</code>", *map(_number, (each.last, each.min, each.max)), str(each.count)]
            for name, each in sorted(metrics.items())
        ]
        parts.append(table(("metric", "last", "min", "max", "points"), rows, (1, 2, 3, 4)))
    parts += [figure(each) for each in shown]
    parts += [f"<p>{wording.xml(note)}</p>" for note in notes]
    return f'<div class="tane">{"".join(parts)}</div>'


def step_row(
    node: str, ended: str, reasons: Sequence[str], seconds: float, made: Iterable[str], error: str
) -> list[str]:
    """A step's row: cells of HTML."""
    why = wording.xml(error or "; ".join(reasons))
    names = ", ".join(f"<code>{wording.xml(name)}</code>" for name in made)
    took = wording.duration(seconds) if seconds else ""
    return [f"<b>{wording.xml(node)}</b>", status(ended), why, took, names]


def step_table(rows: Sequence[Sequence[str]]) -> str:
    """Steps, one a row."""
    return table(("step", "ended", "why", "took", "made"), rows, (3,))


def preview(
    pipeline: str, steps: Iterable[tuple[str, str, str]], files: Iterable[tuple[str, str]], notices: Iterable[str]
) -> str:
    """A plan: steps with what would become of them and why, files that would be put right, notices."""
    rows = [
        [f"<b>{wording.xml(node)}</b>", status(_PLANNED.get(action, action)), wording.xml(why)]
        for node, action, why in steps
    ]
    parts = [f"<p>what a run of <b>{wording.xml(pipeline)}</b> would do</p>", table(("step", "would be", "why"), rows)]
    moved = [[f"<code>{wording.xml(path)}</code>", wording.xml(action)] for path, action in files]
    if moved:
        parts.append(table(("file", "would be"), moved))
    parts += [f"<p>{wording.xml(notice)}</p>" for notice in notices]
    return f'<div class="tane">{"".join(parts)}</div>'


_PLANNED = {"run": "run", "reuse": "reused", "skip": "skipped", "wait": "waiting"}


def figure(shown: figures.Figure) -> str:
    """A picture with its name below; a page of its own is shut off from the notebook's."""
    name = wording.xml(shown.name)
    if not shown.data:
        return f"<p><code>{name}</code> is too large to be shown here</p>"
    if shown.media.startswith("image/"):
        data = base64.b64encode(shown.data).decode("ascii")
        inner = f'<img src="data:{shown.media};base64,{data}" alt="{name}" style="max-width:100%">'
    else:
        page = wording.xml(shown.data.decode("utf-8", "replace"))
        inner = (
            f'<iframe srcdoc="{page}" sandbox="allow-scripts" title="{name}" '
            'style="width:100%;height:480px;border:0"></iframe>'
        )
    return f'<figure style="margin:0 0 1em 0">{inner}<figcaption><code>{name}</code></figcaption></figure>'


def _number(value: float) -> str:
    return f"{value:.6g}"


def _folded(summary: str, body: str, fold: bool) -> str:
    return f"<details><summary>{summary}</summary>{body}</details>" if fold else body
