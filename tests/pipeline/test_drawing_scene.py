from __future__ import annotations

import functools

import drawing_samples as samples

from tane.pipeline import graph, nodes
from tane.pipeline.drawing import scene


def named(drawn: scene.Scene, name: str, kind: str | None = None) -> scene.Item:
    return next(item for item in drawn.items if item.name == name and kind in (None, item.kind))


def edges(drawn: scene.Scene) -> set[tuple[str, str, bool]]:
    return {(drawn.items[e.source].name, drawn.items[e.target].name, e.order) for e in drawn.edges}


def test_every_node_dataset_and_parameter_is_an_item_once():
    drawn = samples.cars()
    assert [item.name for item in drawn.of_kind("node")] == ["load", "split", "fit", "evaluate", "notify"]
    assert [i.name for i in drawn.of_kind("dataset")] == [
        "cars_raw",
        "cars",
        "train",
        "test",
        "model",
        "metrics",
    ]
    assert [i.name for i in drawn.of_kind("parameter")] == ["params:split.seed", "params:model", "parameters"]


def test_data_edges_lead_through_datasets_and_order_edges_do_not():
    drawn = samples.cars()
    assert len(drawn.edges) == 14
    assert ("fit", "model", False) in edges(drawn)
    assert ("model", "evaluate", False) in edges(drawn)
    assert {e for e in edges(drawn) if e[2]} == {("evaluate", "notify", True)}


def test_a_node_and_a_dataset_of_one_name_are_two_items():
    drawn = scene.build(graph.Pipeline([lambda_named("features", "raw"), lambda_named("fit", "features")]))
    assert {item.kind for item in drawn.items if item.name == "features"} == {"node", "dataset"}
    assert ("features", "features", False) in edges(drawn)


def lambda_named(name: str, takes: str) -> nodes.Node:
    return nodes.node(lambda x: x, takes, name, name=name)


def test_parameters_show_their_values():
    drawn = samples.cars()
    assert named(drawn, "params:split.seed").label == "split.seed = 7"
    assert named(drawn, "params:model").value == "lr = 0.1\ndepth = 6"
    assert named(drawn, "params:model").label == "model"
    assert named(drawn, "parameters").value.splitlines()[0] == "split.seed = 7"


def test_a_node_says_of_itself_what_its_step_does_not():
    drawn = samples.cars()
    assert named(drawn, "load").step.doc == "Do the work.\n\nSlowly."
    assert named(drawn, "load").step.module.endswith("drawing_samples.work")
    assert named(drawn, "fit").step.doc == "Fit it."


def test_partials_and_objects_say_what_they_call():
    class Trainer:
        """Trains."""

        def __call__(self) -> None: ...

    pipeline = samples.Pipeline(
        [
            samples.Node("p", func=functools.partial(functools.partial(samples.work))),
            samples.Node("t", func=Trainer()),
        ]
    )
    drawn = scene.build(pipeline)
    assert named(drawn, "p").step.doc.startswith("Do the work.")
    assert named(drawn, "t").step.doc == "Trains."


def test_without_datasets_nodes_meet_directly():
    drawn, kept = scene.reduce(samples.cars(), parameters=False, datasets=False)
    assert {item.kind for item in drawn.items} == {"node"}
    assert edges(drawn) == {
        ("load", "split", False),
        ("split", "fit", False),
        ("split", "evaluate", False),
        ("fit", "evaluate", False),
        ("evaluate", "notify", True),
    }
    assert [samples.cars().items[at].name for at in kept] == [item.name for item in drawn.items]


def test_without_parameters_the_rest_stays():
    drawn, _ = scene.reduce(samples.cars(), parameters=False)
    assert len(drawn.items) == 11
    fit = named(drawn, "fit")
    assert [drawn.items[at].name for at in fit.takes] == ["train"]
