"""A study as one page of HTML that needs nothing else: what is best, how the search went, which parameters matter.

Figures are SVG, drawn here; each point tells its trial when it is pointed at.
"""

from __future__ import annotations

import html
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tane.config import grammar
from tane.outcomes import TrialState
from tane.tuning import importance, spaces, tuned

_WIDE, _HIGH, _LEFT, _BELOW, _MARGIN = 640, 260, 64, 36, 12


class _Axis(NamedTuple):
    """Values along one side of a figure: where each is, from 0 to 1, and what is written at which of them."""

    name: str
    share: Callable[[Any], float]
    ticks: Sequence[tuple[float, str]]


def page(study: tuned.Tuned, fanova: Mapping[str, float] | None = None) -> str:
    """The whole page. `fanova` are importances by Optuna, to stand beside ours."""
    parts = [_summary(study)]
    if study.complete:
        parts += [_section("History", "".join(_history(study, at) for at in range(len(study.goals))))]
    if len(study.goals) > 1 and study.complete:
        parts.append(_section("Pareto front", _pareto(study)))
    if any(one.reports for one in study.trials):
        parts.append(_section("Reported on the way", _curves(study)))
    if len(study.complete) >= importance.LEAST:
        parts.append(_section("Importance of parameters", _importances(study, fanova or {})))
    if study.complete:
        parts.append(_section("Each parameter by itself", _slices(study)))
        if len(study.space) > 1:
            parts.append(_section("All parameters together", _parallel(study)))
    parts.append(_section("Trials", _table(study)))
    name = html.escape(study.name)
    return (
        f"<!doctype html>\n<html lang=en><head><meta charset=utf-8><title>study {name}</title>"
        f"<meta name=viewport content='width=device-width'><style>{_STYLE}</style></head>"
        f"<body><h1>Study {name}</h1>{''.join(parts)}</body></html>\n"
    )


_STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#222, #ddd); --dim: light-dark(#999, #777);
  --line: light-dark(#ddd, #444); --mark: light-dark(#1f6feb, #6cb6ff); --best: light-dark(#d1242f, #ff938a); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1000px; margin: 2em auto; padding: 0 1em; color: var(--ink); }
svg { max-width: 100%; height: auto; } svg text { font: 11px system-ui, sans-serif; fill: var(--ink); }
.axis { stroke: var(--line); fill: none; } .dot { fill: var(--mark); fill-opacity: .65; }
.pruned { fill: var(--dim); fill-opacity: .6; } .best { fill: var(--best); fill-opacity: 1; }
.path { stroke: var(--mark); fill: none; stroke-opacity: .35; }
.step { stroke: var(--best); fill: none; stroke-width: 1.5; }
.chosen { stroke: var(--best); stroke-width: 2; stroke-opacity: 1; }
.bar { fill: var(--mark); } .other { fill: var(--dim); }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(320px, 1fr)); gap: 1em; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .15em .8em .15em 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
.is-best td { font-weight: 600; } .quiet { color: var(--dim); }
"""


def _section(title: str, body: str) -> str:
    return f"<section><h2>{html.escape(title)}</h2>{body}</section>"


def _summary(study: tuned.Tuned) -> str:
    counts = ", ".join(f"{count} {state}" for state, count in study.counts().items()) or "none"
    goals = ", ".join(f"{goal.direction} {goal.metric}" for goal in study.goals)
    found = [f"<p>{html.escape(goals)}. Trials: {html.escape(counts)}.</p>"]
    for one in study.front[:10]:
        values = ", ".join(f"{goal.metric} = {value:.6g}" for goal, value in zip(study.goals, one.values, strict=True))
        point = ", ".join(f"{name} = {_text(value)}" for name, value in one.params.items())
        found.append(f"<p><b>Trial {one.number}: {html.escape(values)}</b><br>{html.escape(point)}</p>")
    if study.error is not None:
        found.append(f"<p>{html.escape(str(study.error))}</p>")
    return "".join(found)


# -- figures -----------------------------------------------------------------------------------------------------------


def _history(study: tuned.Tuned, goal: int) -> str:
    there = study.complete
    axis = _numbers(study.goals[goal].metric, [one.values[goal] for one in there])
    last = max(one.number for one in there)
    along = _numbers("trial", [0, max(last, 1)])
    sign = study.better(goal)
    best, path = math.inf, []
    for one in there:
        value = sign * one.values[goal]
        if one.feasible and value < best:
            best = value
            path.append((along.share(one.number), axis.share(one.values[goal])))
    steps = [(x, y) for at, (x, y) in enumerate(path) for x, y in ([(x, path[at - 1][1])] if at else []) + [(x, y)]]
    if path:
        steps.append((along.share(last), path[-1][1]))
    dots = [
        _dot(along.share(one.number), axis.share(one.values[goal]), _title(study, one), _kind(study, one))
        for one in there
    ]
    return _figure(along, axis, _line(steps, "step") + "".join(dots))


def _pareto(study: tuned.Tuned) -> str:
    one, other = (_numbers(study.goals[at].metric, [each.values[at] for each in study.complete]) for at in (0, 1))
    dots = [
        _dot(one.share(each.values[0]), other.share(each.values[1]), _title(study, each), _kind(study, each))
        for each in study.complete
    ]
    return _figure(one, other, "".join(dots))


def _curves(study: tuned.Tuned) -> str:
    said = [one for one in study.trials if one.reports]
    along = _numbers("step", [step for one in said for step in one.reports])
    axis = _numbers(study.goals[0].metric, [value for one in said for value in one.reports.values()])
    best = {one.number for one in study.front}
    lines = [
        _line(
            [(along.share(step), axis.share(value)) for step, value in one.reports.items() if math.isfinite(value)],
            "path chosen" if one.number in best else "path",
            _title(study, one),
        )
        for one in sorted(said, key=lambda one: one.number in best)
    ]
    return _figure(along, axis, "".join(lines))


def _importances(study: tuned.Tuned, fanova: Mapping[str, float]) -> str:
    found = []
    for at, goal in enumerate(study.goals):
        ours = importance.of(study, at)
        rows = []
        for row, (name, share) in enumerate(ours.items()):
            y = row * 26 + 4
            rows.append(f'<text x="0" y="{y + 13}">{html.escape(name)}</text>')
            rows.append(f'<rect class="bar" x="180" y="{y}" width="{share * 380:.1f}" height="9"/>')
            rows.append(f'<text x="{188 + share * 380:.1f}" y="{y + 9}">{share:.0%}</text>')
            if name in fanova:
                rows.append(f'<rect class="other" x="180" y="{y + 10}" width="{fanova[name] * 380:.1f}" height="6"/>')
        wide = f'<svg viewBox="0 0 {_WIDE} {len(ours) * 26 + 8}" width="{_WIDE}">{"".join(rows)}</svg>'
        found.append(f"<p>{html.escape(goal.metric)}</p>{wide}")
    how = "The share of the variance (of ranks) that each parameter explains by itself."
    if fanova:
        how += " Below each in grey: Optuna's fANOVA."
    return f"<p class=quiet>{how}</p>{''.join(found)}"


def _slices(study: tuned.Tuned) -> str:
    axis = _numbers(study.goals[0].metric, [one.values[0] for one in study.complete])
    found = []
    for parameter in study.space:
        along = _parameter(parameter)
        dots = [
            _dot(
                along.share(one.params[parameter.name]),
                axis.share(one.values[0]),
                _title(study, one),
                _kind(study, one),
            )
            for one in study.complete
            if parameter.name in one.params and math.isfinite(one.values[0])
        ]
        found.append(_figure(along, axis, "".join(dots), wide=360, high=220))
    return f"<div class=grid>{''.join(found)}</div>"


def _parallel(study: tuned.Tuned) -> str:
    axes = [_parameter(parameter) for parameter in study.space]
    axes += [_numbers(goal.metric, [one.values[at] for one in study.complete]) for at, goal in enumerate(study.goals)]
    wide = max(_WIDE, 130 * len(axes))
    gap = (wide - 140) / max(len(axes) - 1, 1)
    best = {one.number for one in study.front}
    drawn = []
    for one in sorted(study.complete, key=lambda one: one.number in best):
        values = [one.params.get(parameter.name) for parameter in study.space] + list(one.values)
        points = [
            (60 + at * gap, 30 + (1 - axis.share(value)) * 240)
            for at, (axis, value) in enumerate(zip(axes, values, strict=True))
            if value is not None
        ]
        kind = "path chosen" if one.number in best else "path"
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        drawn.append(f'<polyline class="{kind}" points="{path}">{_said(_title(study, one))}</polyline>')
    for at, axis in enumerate(axes):
        x = 60 + at * gap
        drawn.append(f'<path class="axis" d="M{x:.1f} 30V270"/>')
        drawn.append(f'<text x="{x:.1f}" y="16" text-anchor="middle">{html.escape(axis.name)}</text>')
        drawn += [
            f'<text x="{x + 4:.1f}" y="{34 + (1 - share) * 240:.1f}">{html.escape(text)}</text>'
            for share, text in axis.ticks
        ]
    return f'<div class=wide><svg viewBox="0 0 {wide:.0f} 285" width="{wide:.0f}">{"".join(drawn)}</svg></div>'


def _table(study: tuned.Tuned) -> str:
    names = [parameter.name for parameter in study.space]
    heads = ["trial", "state", *(goal.metric for goal in study.goals), *names, "time", "run"]
    best = {one.number for one in study.front}
    lines = []
    for one in study.trials:
        values = [f"{value:.6g}" for value in one.values] or [""] * len(study.goals)
        cells = [str(one.number), str(one.state), *values]
        cells += [_text(one.params[name]) if name in one.params else "" for name in names]
        cells += [f"{one.seconds:.2f} s", one.run]
        mark = " class=is-best" if one.number in best else ""
        hint = f' title="{html.escape(one.error)}"' if one.error else ""
        lines.append(f"<tr{mark}{hint}>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>")
    head = "".join(f"<th>{html.escape(each)}</th>" for each in heads)
    return f"<div class=wide><table><tr>{head}</tr>{''.join(lines)}</table></div>"


# -- parts of figures --------------------------------------------------------------------------------------------------


def _figure(along: _Axis, up: _Axis, inside: str, wide: int = _WIDE, high: int = _HIGH) -> str:
    """A frame with two axes; what is inside has its places from 0 to 1, the origin below on the left."""
    across, tall = wide - _LEFT - _MARGIN, high - _BELOW - _MARGIN
    found = [f'<path class="axis" d="M{_LEFT} {_MARGIN}V{high - _BELOW}H{wide - _MARGIN}"/>']
    for share, text in along.ticks:
        x = _LEFT + share * across
        found.append(f'<text x="{x:.1f}" y="{high - _BELOW + 14}" text-anchor="middle">{html.escape(text)}</text>')
    for share, text in up.ticks:
        y = high - _BELOW - share * tall
        found.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{html.escape(text)}</text>')
    found.append(
        f'<text x="{_LEFT + across / 2:.0f}" y="{high - 6}" text-anchor="middle">{html.escape(along.name)}</text>'
    )
    found.append(f'<text x="4" y="{_MARGIN - 2}">{html.escape(up.name)}</text>')
    return (
        f'<svg viewBox="0 0 {wide} {high}" width="{wide}">{"".join(found)}'
        f'<svg x="{_LEFT}" y="{_MARGIN}" width="{across}" height="{tall}" overflow="visible">{inside}</svg></svg>'
    )


def _dot(x: float, y: float, title: str, kind: str) -> str:
    return f'<circle class="{kind}" cx="{x:.2%}" cy="{1 - y:.2%}" r="3.5">{_said(title)}</circle>'


def _line(points: Sequence[tuple[float, float]], kind: str, title: str = "") -> str:
    pairs = itertools.pairwise(points)
    lines = "".join(f'<line x1="{a:.2%}" y1="{1 - b:.2%}" x2="{c:.2%}" y2="{1 - d:.2%}"/>' for (a, b), (c, d) in pairs)
    return f'<g class="{kind}">{_said(title) if title else ""}{lines}</g>'


def _said(title: str) -> str:
    return f"<title>{html.escape(title)}</title>"


def _title(study: tuned.Tuned, one: tuned.Tried) -> str:
    values = [f"{goal.metric} = {value:.6g}" for goal, value in zip(study.goals, one.values, strict=False)]
    return "\n".join([f"trial {one.number}", *values, *(f"{name} = {_text(v)}" for name, v in one.params.items())])


def _kind(study: tuned.Tuned, one: tuned.Tried) -> str:
    if any(one is each for each in study.front):
        return "dot best"
    return "dot" if one.feasible and one.state is TrialState.COMPLETE else "pruned"


def _numbers(name: str, values: Iterable[float]) -> _Axis:
    """An axis for these numbers; infinities stand at its ends."""
    there = [float(value) for value in values if math.isfinite(value)] or [0.0]
    low, high = min(there), max(there)
    if low == high:
        low, high = low - 0.5, high + 0.5

    def share(value: float) -> float:
        if not math.isfinite(value):
            return 1.0 if value > 0 else 0.0
        return (value - low) / (high - low)

    step = 10 ** math.floor(math.log10((high - low) / 3))
    step *= next(factor for factor in (1, 2, 5, 10, 20, 50) if (high - low) / (step * factor) <= 6)
    first = math.ceil(low / step - 1e-9)
    marks = [(first + at) * step for at in range(math.floor(high / step + 1e-9) - first + 1)]
    return _Axis(name, share, [(share(mark), f"{mark:.6g}") for mark in marks])


def _parameter(parameter: spaces.Parameter) -> _Axis:
    """An axis for the values of a parameter."""
    if parameter.kind == "choice":
        count = len(parameter.choices)
        marks = [((at + 0.5) / count, _text(choice)) for at, choice in enumerate(parameter.choices)]
        return _Axis(parameter.name, lambda value: (parameter.index(value) + 0.5) / count, marks)
    if not parameter.log or parameter.low == parameter.high:
        return _numbers(parameter.name, [parameter.low, parameter.high])._replace(name=parameter.name)
    first, last = math.ceil(math.log10(parameter.low) - 1e-9), math.floor(math.log10(parameter.high) + 1e-9)
    powers = [10.0**power for power in range(first, last + 1)]
    ends = powers if len(powers) > 1 else [parameter.low, parameter.high]
    return _Axis(f"{parameter.name} (log)", parameter.share, [(parameter.share(end), f"{end:g}") for end in ends])


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else grammar.written(value)
