from __future__ import annotations

import drawing_samples as samples
from hypothesis import given
from hypothesis import strategies as st

from tane.pipeline.drawing import folding, scene, terminal


def names(drawn: scene.Scene) -> list[str]:
    return [item.name for item in drawn.items]


def edges(drawn: scene.Scene) -> set[tuple[str, str]]:
    return {(drawn.items[e.source].name, drawn.items[e.target].name) for e in drawn.edges}


def box(drawn: scene.Scene, name: str) -> scene.Item:
    return next(item for item in drawn.of_kind("namespace") if item.name == name)


def test_namespaces_are_known_with_those_around_them():
    assert folding.namespaces(samples.areas()) == ["north", "north.train", "south", "south.train"]


def test_a_folded_namespace_takes_the_place_of_what_lies_within():
    drawn, _ = folding.fold(samples.areas(), ["north"])
    assert [name for name in names(drawn) if name.startswith("north")] == ["north", "north.metrics", "north.errors"]
    assert {("raw", "north"), ("params:rate", "north"), ("north", "north.metrics"), ("north", "north.errors")} == {
        edge for edge in edges(drawn) if "north" in edge
    }
    assert box(drawn, "north").holds == 4
    assert [drawn.items[at].name for at in box(drawn, "north").takes] == ["raw", "params:rate"]
    assert {drawn.items[at].name for at in box(drawn, "north").makes} == {"north.metrics", "north.errors"}


def test_an_inner_namespace_folds_alone_and_vanishes_in_an_outer_one():
    inner, _ = folding.fold(samples.areas(), ["north.train"])
    assert {("north.clean", "north.train"), ("north.train", "north.model")} <= edges(inner)
    assert "north.judge" in names(inner)
    assert box(inner, "north.train").home == "north"
    both, _ = folding.fold(samples.areas(), ["north.train", "north"])
    assert both == folding.fold(samples.areas(), ["north"])[0]


def test_a_box_stands_as_its_most_pressing_node_does():
    drawn, _ = folding.fold(samples.areas(north_clean="reused", north_train_fit="failed"), ["north"])
    assert box(drawn, "north").step == scene.StepInfo("failed", 2.0, 5.0)
    assert box(folding.fold(samples.areas(), ["south"])[0], "south").step == scene.StepInfo()


def test_folding_by_depth():
    drawn = samples.areas()
    assert folding.below(drawn, 0) == ["north", "south"]
    assert folding.below(drawn, 1) == ["north.train", "south.train"]
    assert folding.below(drawn, 2) == []


def test_the_place_of_every_item_is_told():
    drawn = samples.areas()
    folded, kept = folding.fold(drawn, ["south"])
    stood = [
        drawn.items[at].name if at < len(drawn.items) else folding.namespaces(drawn)[at - len(drawn.items)]
        for at in kept
    ]
    assert stood == names(folded)


@given(st.sets(st.sampled_from(folding.namespaces(samples.areas()))))
def test_nodes_and_ways_are_kept_whatever_is_folded(folded):
    whole = samples.areas()
    drawn, kept = folding.fold(whole, folded)
    held = sum(item.holds for item in drawn.of_kind("namespace"))
    assert held + len(drawn.of_kind("node")) == len(whole.of_kind("node"))
    assert len(kept) == len(set(kept)) == len(drawn.items)
    assert all(edge.source != edge.target for edge in drawn.edges)
    fed: dict[str, set[str]] = {}
    for source, target in edges(drawn):
        fed.setdefault(source, set()).add(target)
    reached, work = {"raw"}, ["raw"]
    while work:
        for name in fed.get(work.pop(), ()):
            if name not in reached:
                reached.add(name)
                work.append(name)
    assert "summary" in reached


def test_nothing_folded_changes_nothing():
    drawn = samples.areas()
    assert folding.fold(drawn, []) == (drawn, list(range(len(drawn.items))))


def test_without_datasets_nodes_meet_directly():
    drawn, kept = folding.reduce(samples.cars(), parameters=False, datasets=False)
    assert {item.kind for item in drawn.items} == {"node"}
    found = {(drawn.items[e.source].name, drawn.items[e.target].name, e.order) for e in drawn.edges}
    assert found == {
        ("load", "split", False),
        ("split", "fit", False),
        ("split", "evaluate", False),
        ("fit", "evaluate", False),
        ("evaluate", "notify", True),
    }
    assert [samples.cars().items[at].name for at in kept] == names(drawn)


def test_without_parameters_the_rest_stays():
    drawn, _ = folding.reduce(samples.cars(), parameters=False)
    assert len(drawn.items) == 11
    fit = next(item for item in drawn.items if item.name == "fit")
    assert [drawn.items[at].name for at in fit.takes] == ["train"]


def test_a_namespace_that_feeds_itself_through_others_can_be_folded():
    drawn = scene.build(
        samples.Pipeline(
            [
                samples.Node("a.first", ("raw",), ("x",), namespace="a"),
                samples.Node("between", ("x",), ("y",)),
                samples.Node("a.last", ("y",), ("z",), namespace="a"),
            ]
        )
    )
    folded, _ = folding.fold(drawn, ["a"])
    assert {("a", "x"), ("x", "between"), ("between", "y"), ("y", "a"), ("a", "z")} <= edges(folded)
    text = terminal.draw(folded, 80)
    assert "a " in text and "between" in text
