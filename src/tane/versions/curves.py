"""The curves of metrics over each other: for each metric with more than one point the line of each run.

A long line is thinned to as many points as a screen can show; the least and the greatest of each stretch stay, so that
no spike is lost.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tane import fielded
from tane.ledger import connection, read, records

MOST = 1000  # points of one line


@fielded.frozen
class Line:
    """A metric as one run logged it. `run` is the run's place; `at` are seconds since the run's start."""

    run: int
    steps: tuple[int, ...]
    values: tuple[float, ...]
    at: tuple[float, ...]
    count: int


@fielded.frozen
class Curve:
    """A metric and its lines."""

    name: str
    lines: tuple[Line, ...]


def curves(
    ledger: connection.Ledger, runs: Sequence[records.RunRecord], *, most: int = MOST, names: Sequence[str] = ()
) -> list[Curve]:
    """The curves of `runs` by name, of the metrics `names` if any are given. A metric with one point each has none."""
    counts = [{each.name: each.count for each in read.metrics(ledger, run.run)} for run in runs]
    found = []
    for name in sorted({name for each in counts for name in each}):
        if (names and name not in names) or all(each.get(name, 0) < 2 for each in counts):
            continue
        lines = []
        for at, (run, each) in enumerate(zip(runs, counts, strict=True)):
            if each.get(name):
                points = read.series(ledger, run.run, name)
                kept = thinned(points, most)
                lines.append(
                    Line(
                        at,
                        tuple(point.step for point in kept),
                        tuple(point.value for point in kept),
                        tuple(round(point.at - run.started, 3) for point in kept),
                        len(points),
                    )
                )
        found.append(Curve(name, tuple(lines)))
    return found


def thinned(points: Sequence[records.MetricPoint], most: int) -> list[records.MetricPoint]:
    """At most about `most` of the points: the first and last, and of each stretch the least and the greatest."""
    if len(points) <= most:
        return list(points)
    stretches = max(1, most // 2 - 1)
    kept = [0]
    for number in range(stretches):
        first = 1 + (len(points) - 2) * number // stretches
        end = 1 + (len(points) - 2) * (number + 1) // stretches
        inside = [at for at in range(first, end) if math.isfinite(points[at].value)]
        if inside:
            least = min(inside, key=lambda at: points[at].value)
            greatest = max(inside, key=lambda at: points[at].value)
            kept += sorted({least, greatest})
    kept.append(len(points) - 1)
    return [points[at] for at in kept]
