"""What points of a sweep share: a mark for each step that is the same wherever the step will have the same key.

Marks are known before anything runs. A step whose inputs come out alike by chance has another mark and the same key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from tane.digest import hashing
from tane.pipeline import graph, nodes
from tane.plan import steps
from tane.runs import opening


def marks(opened: opening.Opened, source: Callable[[str], steps.Seen]) -> dict[str, str]:
    """The mark of each step that can be shared: its result is kept, and so are those that it rests on.

    `source` gives what steps see of a source.
    """
    found: dict[str, str] = {}
    makers = {nodes.base_name(name): node.name for node in opened.pipeline.nodes for name in node.outputs}
    start = opened.start
    for step in opened.steps:
        node = step.node
        seen: dict[str, steps.Seen] = {}
        shared = node.cache
        for name in step.needs:
            maker = makers.get(nodes.base_name(name))
            if maker is not None and maker in found:
                seen[name] = steps.Seen(hashing.combine("made", found[maker], name))
            elif maker is None and name in start.kept:
                seen[name] = source(name)
            elif maker is None and name in start.left_out:
                continue
            else:
                shared = False
        for other in node.after:
            shared = shared and (other in found or other not in opened.pipeline.by_name)
        if shared:
            own = steps.key(step, {name: seen[name] for name in step.takes if name in seen}, "")
            looked = [part for name in step.looks for part in (name, seen[name].digest)]
            asked = [part for name, value in step.asked.items() for part in (name, repr(value))]
            before = [found[other] for other in node.after if other in found]
            found[node.name] = hashing.combine("mark", own, *looked, "|", *asked, "|", *before)
    return found


class Unit(NamedTuple):
    """Something to be done by itself: the job of a point, or before it the nodes `only` that several points share.

    `points` are those that wait for it, `point` is the one whose configuration it has. `needs` are the places of other
    units in the list.
    """

    point: int
    points: frozenset[int]
    only: frozenset[str] | None
    needs: frozenset[int]


def units(marked: Mapping[int, Mapping[str, str]], pipeline: graph.Pipeline) -> list[Unit]:
    """What is to be done for these points, so that no step is done twice, in an order in which it can be.

    `marked` are the marks of each point's steps. First what most points share, then the jobs.
    """
    sharers: dict[str, set[int]] = {}
    for point, marks in marked.items():
        for mark in marks.values():
            sharers.setdefault(mark, set()).add(point)
    together = {mark: frozenset(points) for mark, points in sharers.items() if len(points) > 1}
    groups = sorted(set(together.values()), key=lambda points: (-len(points), min(points), sorted(points)))
    places = {points: place for place, points in enumerate(groups)}
    found: list[Unit] = []
    for points in groups:
        point = min(points)
        marks = marked[point]
        own = {name for name, mark in marks.items() if together.get(mark) == points}
        whole = _with_what_they_need(own, pipeline)
        needs = {places[together[marks[name]]] for name in whole - own if marks[name] in together}
        found.append(Unit(point, points, frozenset(whole), frozenset(needs - {places[points]})))
    for point, marks in marked.items():
        needs = {places[together[mark]] for mark in marks.values() if mark in together}
        found.append(Unit(point, frozenset((point,)), None, frozenset(needs)))
    return found


def _with_what_they_need(names: Iterable[str], pipeline: graph.Pipeline) -> set[str]:
    """These nodes and all that come before them."""
    found: set[str] = set()
    open_ones = list(names)
    while open_ones:
        name = open_ones.pop()
        if name not in found:
            found.add(name)
            open_ones += [other.name for other in pipeline.depends(pipeline.by_name[name])]
    return found
