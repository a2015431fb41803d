"""A comparison of runs as one HTML file that needs no network: tables, lines of code, and the curves of metrics over
each other, to sort, hide and read off. Light and dark; everything can be reached with the keyboard.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from tane.pipeline.drawing import wording
from tane.versions import comparing, curves

ABSENT = comparing.ABSENT
_FEW = 6  # runs that have a column each
_LONGEST = 200
_TAB, _BREAKS = "\t", "\n\t"
_COLORS = ("#3f7fe0", "#e8833a", "#35a06a", "#d6494f", "#9a6bd6", "#b0813f", "#dd6fb0", "#4aa6b5", "#8a8f2f", "#7385a3")
_TURN = 137.508  # degrees between colours when there are more runs than colours: the next is always far from the last


def draw(found: comparing.Comparison, drawn: Sequence[curves.Curve]) -> str:
    """The HTML document."""
    few = len(found.sides) <= _FEW
    parts = [
        _section("curves", "Curves", _curves(drawn), f"{len(drawn)}" if drawn else ""),
        *(_in_columns(found) if few else _in_lines(found)),
        _section("code", "Code", _code(found)),
        _section("sources", "Sources", _data(found.sources, found), _said(found.sources)),
        _section("results", "Results", _data(found.outputs, found), _said(found.outputs)),
        _section("environment", "Environment", _environment(found), _said(found.environment)),
        _section("notes", "Notes", _notes(found)),
    ]
    return _fill(
        _asset("comparison.html"),
        {
            "title": f"{len(found.sides)} runs compared",
            "style": _asset("comparison.css"),
            "runs": "".join(_card(at, side) for at, side in enumerate(found.sides)),
            "sections": "\n".join(part for part in parts if part),
            "data": _json(_points(found, drawn)),
            "script": _asset("comparison.js"),
        },
    )


def color(at: int) -> str:
    """The colour of the run at that place."""
    return _COLORS[at] if at < len(_COLORS) else f"hsl({at * _TURN % 360:.0f} 55% 52%)"


def _fill(template: str, parts: dict[str, str]) -> str:
    """The template with its `@name@` places filled; what is filled in is not looked at again."""
    pieces = template.split("@")
    return "".join(parts[piece] if at % 2 else piece for at, piece in enumerate(pieces))


def _asset(name: str) -> str:
    from importlib import resources

    return resources.files("tane.versions").joinpath(name).read_text(encoding="utf-8")


def _json(value: Any) -> str:
    """JSON that no HTML parser can take for markup."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _text(given: Any) -> str:
    """A value in words, safe in HTML."""
    text = given if isinstance(given, str) else json.dumps(given, default=str, ensure_ascii=False)
    return wording.xml(wording.visible(wording.shorten(text, _LONGEST)))


def _number(given: float) -> str:
    return f"{given:.6g}"


# --- the runs -------------------------------------------------------------------------------------------------------


def _card(at: int, side: comparing.Side) -> str:
    run = side.run
    said = [run.pipeline or "script", wording.moment(run.started)]
    if run.ended:
        said.append(wording.duration(max(run.ended - run.started, 0.0)).replace(" ", "\N{NO-BREAK SPACE}"))
    if run.experiment:
        said.append(run.experiment)
    name = f"<b>{_text(run.name)}</b> " if run.name else ""
    return (
        f'<li><button type="button" class="run" aria-pressed="true" data-run="{at}" title="Show or hide this run">'
        f'<i style="background:{color(at)}"></i><span>{name}<code>{_text(run.run)}</code>'
        f'<small><em class="{run.status}">{run.status}</em> · {" · ".join(map(_text, said))}</small></span>'
        "</button></li>"
    )


def _mark(at: int, found: comparing.Comparison) -> str:
    run = found.sides[at].run
    return f'<i style="background:{color(at)}"></i><span title="{_text(run.run)}">{_text(_label(at, found))}</span>'


def _label(at: int, found: comparing.Comparison) -> str:
    """What a run is called here: by its name, and by its id where that does not tell it from the others."""
    run = found.sides[at].run
    if not run.name:
        return run.run[9:]
    alone = sum(side.run.name == run.name for side in found.sides) == 1
    return run.name if alone else f"{run.name} {run.run[-8:]}"


def _marks(runs: Sequence[int], found: comparing.Comparison) -> str:
    return "".join(f'<span class="mark">{_mark(at, found)}</span>' for at in runs)


def _section(name: str, title: str, body: str, said: str = "") -> str:
    note = f" <small>{wording.xml(said)}</small>" if said else ""
    return f'<section id="{name}"><h2>{title}{note}</h2>{body}</section>' if body else ""


def _said(rows: Sequence[comparing.Row]) -> str:
    differing = sum(row.differs for row in rows)
    return f"{differing} of {len(rows)} differ" if rows else ""


# --- values ---------------------------------------------------------------------------------------------------------


def _in_columns(found: comparing.Comparison) -> list[str]:
    """Parameters, metrics and tags with a column for each run."""
    pair = len(found.sides) == 2
    return [
        _section("parameters", "Parameters", _columns(found.params, found, _text), _said(found.params)),
        _section(
            "metrics", "Metrics", _columns(found.metrics, found, _number, gap=pair, hide=False), _said(found.metrics)
        ),
        _section("tags", "Tags", _columns(found.tags, found, _text)),
    ]


def _columns(
    rows: Sequence[comparing.Row],
    found: comparing.Comparison,
    show: Callable[[Any], str],
    *,
    gap: bool = False,
    hide: bool = True,
) -> str:
    if not rows:
        return ""
    head = "".join(f'<th scope="col" data-column="{at}">{_mark(at, found)}</th>' for at in range(len(found.sides)))
    lines = []
    for row in rows:
        cells = "".join(
            f'<td data-column="{at}"{_odd(value, row)}>{_value(value, show)}</td>'
            for at, value in enumerate(row.values)
        )
        more = f"<td>{_gap(*row.values)}</td>" if gap else ""
        lines.append(
            f'<tr class="{_class(row) if hide else ""}"><th scope="row">{_text(row.name)}</th>{cells}{more}</tr>'
        )
    more = '<th scope="col">difference</th>' if gap else ""
    alike = hide and all(not row.differs for row in rows)
    return _table(f'<tr><th scope="col"></th>{head}{more}</tr>', lines, alike)


def _class(row: comparing.Row) -> str:
    return "differs" if row.differs else "same"


def _odd(value: Any, row: comparing.Row) -> str:
    """A mark for a value that is not that of the first run."""
    return "" if comparing.same(value, row.values[0]) else ' class="odd"'


def _value(value: Any, show: Callable[[Any], str]) -> str:
    return '<span class="none">none</span>' if value is ABSENT else show(value)


def _gap(one: Any, other: Any) -> str:
    if one is ABSENT or other is ABSENT or not (math.isfinite(one) and math.isfinite(other)) or one == other:
        return ""
    share = 100 * (other - one) / abs(one) if one else math.inf
    part = f"{share:+.3g}%" if abs(share) < 100 else f"{share:+.0f}%" if abs(share) < 1e6 else ""
    return f"{other - one:+.6g}" + (f" <small>({part})</small>" if part else "")


def _table(head: str, lines: Sequence[str], alike: bool, kind: str = "") -> str:
    """A table that can hide what does not differ; where nothing does, all of it is folded away."""
    body = f'<div class="wide"><table class="{kind}"><thead>{head}</thead><tbody>{"".join(lines)}</tbody></table></div>'
    return f"<details><summary>Show what is the same in all runs</summary>{body}</details>" if alike else body


def _in_lines(found: comparing.Comparison) -> list[str]:
    """Parameters that differ and metrics, with a line for each run, to be sorted."""
    params = [row for row in found.params if row.differs]
    tags = [row for row in found.tags if row.differs]
    columns = [
        *((row, "parameter", _text) for row in params),
        *((row, "metric", _number) for row in found.metrics),
        *((row, "tag", _text) for row in tags),
    ]
    if not columns:
        return []
    head = "".join(
        f'<th scope="col" class="{kind}"><button type="button" class="sort">{_text(row.name)}</button></th>'
        for row, kind, _ in columns
    )
    lines = []
    for at in range(len(found.sides)):
        cells = "".join(
            f'<td class="{kind}" data-sort="{_sorting(row.values[at])}">{_value(row.values[at], show)}</td>'
            for row, kind, show in columns
        )
        lines.append(f'<tr data-line="{at}"><th scope="row">{_mark(at, found)}</th>{cells}</tr>')
    table = _table(f'<tr><th scope="col">run</th>{head}</tr>', lines, False, "lines")
    said = f"{len(params)} of {len(found.params)} parameters differ"
    same = [row for row in found.params if not row.differs]
    more = "".join(f"<tr><th scope='row'>{_text(row.name)}</th><td>{_text(row.values[0])}</td></tr>" for row in same)
    rest = (
        f'<details><summary>Parameters that are the same in all runs</summary><div class="wide"><table>{more}</table>'
        "</div></details>"
        if same
        else ""
    )
    return [_section("runs-table", "Parameters and metrics", table + rest, said)]


def _sorting(value: Any) -> str:
    if value is ABSENT:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "" if value != value else repr(float(value))
    return _text(value)


# --- curves ---------------------------------------------------------------------------------------------------------


def _curves(drawn: Sequence[curves.Curve]) -> str:
    if not drawn:
        return ""
    figures = "".join(
        f'<figure data-curve="{at}"><figcaption>{_text(curve.name)}</figcaption>'
        f'<svg viewBox="0 0 560 250" tabindex="0" role="img" aria-label="{_text(curve.name)}: a line for each run. '
        'Arrow keys read off values."></svg><output aria-live="polite"></output></figure>'
        for at, curve in enumerate(drawn)
    )
    thinned = any(line.count != len(line.values) for curve in drawn for line in curve.lines)
    note = "<p class='hint'>Long lines are thinned; the least and the greatest values stay.</p>" if thinned else ""
    return f"{_CONTROLS}{note}<div class='figures'>{figures}</div>"


_CONTROLS = (
    '<div class="controls"><span role="group" aria-label="Horizontal axis">'
    '<button type="button" data-axis="step" aria-pressed="true">by step</button>'
    '<button type="button" data-axis="time" aria-pressed="false">by time</button></span>'
    '<button type="button" id="log" aria-pressed="false">logarithmic</button>'
    '<label>smooth <input id="smooth" type="range" min="0" max="99" value="0"></label></div>'
    "<noscript><p class='hint'>Curves are drawn by a script.</p></noscript>"
)


def _points(found: comparing.Comparison, drawn: Sequence[curves.Curve]) -> dict[str, Any]:
    """What the script draws; a value that is no number is null."""
    return {
        "runs": [_label(at, found) for at in range(len(found.sides))],
        "colors": [color(at) for at in range(len(found.sides))],
        "curves": [
            {
                "name": curve.name,
                "lines": [
                    {
                        "run": line.run,
                        "step": line.steps,
                        "time": [at if math.isfinite(at) else 0.0 for at in line.at],
                        "value": [value if math.isfinite(value) else None for value in line.values],
                    }
                    for line in curve.lines
                ],
            }
            for curve in drawn
        ],
    }


# --- code, data, packages, notes ------------------------------------------------------------------------------------


def _code(found: comparing.Comparison) -> str:
    if not any(state.git for state in found.states) and not found.nodes:
        return ""
    parts = []
    for state in found.states:
        commit = state.git.get("commit", "")[:10] or ("no commit yet" if state.git else "not in Git")
        branch = f" ({_text(state.git['branch'])})" if state.git.get("branch") else ""
        dirty = ", with uncommitted changes" if state.git.get("dirty") == "yes" else ""
        why = f' <small class="hint">{_text(state.why)}</small>' if state.why else ""
        parts.append(f"<p>{_marks(state.runs, found)} <code>{_text(commit)}</code>{branch}{dirty}{why}</p>")
        parts.append(_diff(state.diff))
    if len(found.states) == 1 and not found.nodes and not found.states[0].why:
        parts.append("<p>The code is the same.</p>")
    lines = [
        f'<tr><th scope="row">{_text(node.node)}</th><td>{_marks(runs, found)}</td>'
        f"<td>{_text('; '.join(each))}</td></tr>"
        for node in found.nodes
        for each, runs in comparing.grouped(node.parts).items()
        if each
    ]
    if lines:
        head = (
            '<tr><th scope="col">node</th><th scope="col">run</th><th scope="col">differs from the first in</th></tr>'
        )
        parts.append(_table(head, lines, False))
    return "".join(parts)


def _diff(text: str) -> str:
    """A unified diff, each file to be folded."""
    files: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith("diff --git ") or not files:
            files.append([])
        files[-1].append(line)
    return "".join(
        f"<details open><summary>{_diff_title(lines)}</summary>{_diff_lines(lines)}</details>" for lines in files
    )


def _diff_title(lines: Sequence[str]) -> str:
    name = lines[0].rpartition(" b/")[2] or lines[0]
    within = [line for line in lines if not line.startswith(("+++", "---"))]
    added, gone = (sum(line.startswith(sign) for line in within) for sign in "+-")
    return f"<code>{_text(name)}</code> <b class='added'>+{added}</b> <b class='gone'>-{gone}</b>"


def _diff_lines(lines: Sequence[str]) -> str:
    kinds = {"+": "added", "-": "gone", "@": "at"}
    start = next((at for at, line in enumerate(lines) if line.startswith(("@@", "GIT binary", "Binary"))), 1)
    shown = "".join(
        f'<span class="{kinds.get(line[:1], "")}">{wording.xml(wording.visible(line, _TAB))}\n</span>'
        for line in lines[start:]
    )
    return f'<pre class="diff">{shown}</pre>' if shown else ""


def _data(rows: Sequence[comparing.Row], found: comparing.Comparison) -> str:
    if not rows:
        return ""
    if len(found.sides) <= _FEW:
        return _columns(rows, found, _datum)
    return _grouped(rows, found, _datum)


def _grouped(rows: Sequence[comparing.Row], found: comparing.Comparison, show: Callable[[Any], str]) -> str:
    """Each distinct value with the runs that have it: for many runs."""
    lines = []
    for row in rows:
        groups = comparing.grouped(row.values)
        for value, runs in groups.items():
            which = _marks(runs, found) if len(groups) > 1 else "all runs"
            lines.append(
                f'<tr class="{_class(row)}"><th scope="row">{_text(row.name)}</th><td>{_value(value, show)}</td>'
                f"<td>{which}</td></tr>"
            )
    head = '<tr><th scope="col">name</th><th scope="col">is</th><th scope="col">in</th></tr>'
    return _table(head, lines, all(not row.differs for row in rows))


def _datum(given: comparing.Datum) -> str:
    digest = "no digest" if given.digest.startswith("?") else given.digest[:12]
    shape = f"<br><small>{given.rows} × {given.columns}</small>" if given.rows is not None else ""
    return f"<code>{_text(digest)}</code> <small>{_size(given.bytes)}</small>{shape}"


def _size(given: int) -> str:
    scaled, unit = float(given), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if scaled < 1000:
            break
        scaled, unit = scaled / 1000, larger
    return f"{scaled:.3g} {unit}" if unit != "B" else f"{given} B"


def _environment(found: comparing.Comparison) -> str:
    if not found.environment:
        return ""
    if len(found.sides) <= _FEW:
        return _columns(found.environment, found, _text)
    return _grouped(found.environment, found, _text)


def _notes(found: comparing.Comparison) -> str:
    return "".join(
        f'<article><h3>{_mark(at, found)}</h3><pre class="note">'
        f"{wording.xml(wording.visible(side.note, _BREAKS))}</pre></article>"
        for at, side in enumerate(found.sides)
        if side.note.strip()
    )
