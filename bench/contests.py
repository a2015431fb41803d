"""Contestants against each other: in turns, so that a noisy minute of the machine falls on all of them."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from timing import Failed, Sample, say

Span = tuple[float, float]
FLOOR, OURS, PEER = "floor", "tane", "peer"


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way of doing the work of a case. `measure` prepares untimed, then times one try."""

    name: str
    measure: Callable[[], Sample]
    role: str = PEER


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the comparison. All figures are seconds for each of `per` items.

    `goal` is what Tane wants to reach. `elsewhere` is what contestants took on another machine, by name. `warm` lets
    everyone have a try first that does not count.
    """

    title: str
    contestants: Sequence[Contestant]
    goal: float | None = None
    elsewhere: Mapping[str, float | Span] = field(default_factory=dict)
    per: int = 1
    repeats: int = 9
    warm: bool = True
    note: str = ""


@dataclass(slots=True)
class Line:
    """What one contestant measured: its tries, or why there are none or no more."""

    name: str
    role: str
    tries: list[Sample] = field(default_factory=list)
    failure: str = ""
    elsewhere: Span | None = None

    @property
    def best(self) -> float:
        return min(sample.wall for sample in self.tries)

    @property
    def median(self) -> float:
        return statistics.median(sample.wall for sample in self.tries)

    @property
    def cpu(self) -> float:
        return statistics.median(sample.cpu for sample in self.tries)

    @property
    def memory(self) -> int:
        return max(sample.memory for sample in self.tries)


@dataclass(slots=True)
class Row:
    """What a case measured. Written to and read from JSON."""

    title: str
    group: str
    goal: float | None
    note: str
    load: Span
    lines: list[Line]

    def of(self, role: str) -> Iterator[Line]:
        return (line for line in self.lines if line.role == role)

    @property
    def ours(self) -> Line:
        return next(self.of(OURS))


def contest(case: Case, group: str, *, quick: bool = False, budget: float = 25.0) -> Row:
    """Let the contestants take turns. One that has used up `budget` seconds after three tries stops early, and one
    that fails is out."""
    repeats, least = (min(3, case.repeats), 1) if quick else (case.repeats, 3)
    lines = [Line(one.name, one.role, elsewhere=_span(case.elsewhere.get(one.name))) for one in case.contestants]
    before = os.getloadavg()[0]
    spent = dict.fromkeys((line.name for line in lines), 0.0)
    for turn in range(-1 if case.warm else 0, repeats):
        for one, line in zip(case.contestants, lines, strict=True):
            if line.failure or (turn >= least and spent[line.name] > budget):
                continue
            began = time.perf_counter()
            try:
                sample = one.measure()
            except Failed as error:
                line.failure = str(error)
            except Exception as error:  # a mistake in one contestant's case must not end the others'
                say(f"{case.title}, {one.name}: {type(error).__name__}: {error}")
                line.failure = f"{type(error).__name__}: {error}"[:100]
            else:
                if turn >= 0:
                    spent[line.name] += time.perf_counter() - began
                    line.tries.append(sample.each(case.per))
    return Row(case.title, group, case.goal, case.note, (before, os.getloadavg()[0]), lines)


def read(content: Mapping[str, Any]) -> Row:
    """A row from its JSON."""
    lines = [
        Line(
            line["name"],
            line["role"],
            [Sample(**one) for one in line["tries"]],
            line["failure"],
            _span(line["elsewhere"]),
        )
        for line in content["lines"]
    ]
    low, high = content["load"]
    return Row(content["title"], content["group"], content["goal"], content["note"], (low, high), lines)


def _span(value: float | Sequence[float] | None) -> Span | None:
    if value is None:
        return None
    if isinstance(value, Sequence):
        low, high = value
        return low, high
    return value, value
