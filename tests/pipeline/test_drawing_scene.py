from __future__ import annotations

import functools

import drawing_samples as samples

from tane.pipeline import commands, graph, nodes
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


def test_a_condition_is_an_edge_from_what_it_looks_at():
    pipeline = graph.Pipeline(
        [
            nodes.node(lambda a: a, "raw", "clean", name="clean"),
            nodes.node(lambda a: a, "clean", "model", name="fit", when="params:train"),
            nodes.node(lambda a: a, "model", "page", name="publish", when={"model": 1, "params:mode": ["a", "b"]}),
        ]
    )
    drawn = scene.build(pipeline)
    found = {(drawn.items[e.source].name, drawn.items[e.target].name): e for e in drawn.edges}
    assert (found["params:train", "fit"].order, found["params:train", "fit"].when) == (True, "params:train")
    words = "model is 1 and params:mode is 'a' or 'b'"
    assert (found["params:mode", "publish"].order, found["params:mode", "publish"].when) == (True, words)
    assert (found["model", "publish"].order, found["model", "publish"].when) == (False, words)
    assert named(drawn, "publish").when == words
    assert [drawn.items[at].name for at in named(drawn, "fit").takes] == ["clean"]


def test_what_runs_last_of_all_comes_after_those_nobody_follows():
    pipeline = graph.Pipeline(
        [
            nodes.node(lambda a: a, "raw", "clean", name="clean"),
            nodes.node(lambda a: a, "clean", "model", name="fit"),
            nodes.node(lambda a: None, "clean", None, name="show"),
            nodes.node(lambda: None, name="tidy", always=True),
            nodes.node(lambda: None, name="tell", always=True, after="clean"),
        ]
    )
    drawn = scene.build(pipeline)
    assert {e for e in edges(drawn) if e[2]} == {("fit", "tidy", True), ("show", "tidy", True), ("clean", "tell", True)}
    assert [item.name for item in drawn.items if item.always] == ["tell", "tidy"]


def test_the_forms_of_a_dataset_are_one():
    pipeline = graph.Pipeline(
        [
            nodes.node(lambda a: a, "raw", "cars@pandas", name="read"),
            nodes.node(lambda a: a, "cars@polars", "model", name="fit"),
        ]
    )
    drawn = scene.build(
        pipeline,
        datasets={
            "cars@pandas": scene.DatasetInfo("pandas.CSVDataset", "data/cars.csv", "raw"),
            "cars@polars": scene.DatasetInfo("polars.CSVDataset", "data/cars.csv", "", "ab"),
        },
    )
    cars = named(drawn, "cars")
    assert cars.dataset == scene.DatasetInfo("pandas.CSVDataset, polars.CSVDataset", "data/cars.csv", "raw", "ab")
    assert {("read", "cars", False), ("cars", "fit", False)} <= edges(drawn)
    assert not [item for item in drawn.items if "@" in item.name]


def test_signs_are_read_from_nodes():
    pipeline = graph.Pipeline(
        [
            nodes.node(lambda a: a, "files", "tables", name="read", over="files"),
            commands.command("wc -l {tables} > {count}", "tables", "count", name="count"),
        ]
    )
    drawn = scene.build(pipeline)
    assert named(drawn, "read").over == ("files",)
    assert named(drawn, "count", "node").command == "wc -l {tables} > {count}"
    assert named(drawn, "read").command == ""
    assert named(drawn, "count", "node").step.module == ""


def test_items_lie_within_the_namespace_that_makes_and_takes_them():
    drawn = samples.areas()
    homes = {item.name: item.home for item in drawn.items if "south" not in item.name}
    assert homes == {
        "read": "",
        "raw": "",
        "params:rate": "",
        "north.clean": "north",
        "params:north.lr": "north",
        "north.train.fit": "north.train",
        "north.model": "north.train",
        "north.train.check": "north.train",
        "north.errors": "",
        "north.judge": "north",
        "north.metrics": "",
        "merge": "",
        "summary": "",
    }
    inside = {item.name: item.inside for item in drawn.items}
    assert (inside["north.model"], inside["north.clean"], inside["north.errors"]) == ("north", "north", "")


def test_a_pair_of_items_has_one_edge_and_data_outweigh_order():
    merged = scene.merged(
        [scene.Edge(0, 1, True), scene.Edge(0, 1, when="x"), scene.Edge(0, 1, True, "y"), scene.Edge(1, 1)]
    )
    assert merged == (scene.Edge(0, 1, False, "x and y"),)
