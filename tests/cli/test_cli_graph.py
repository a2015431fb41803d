"""`tane graph`."""

import pytest


def test_the_drawing_has_nodes_datasets_and_statuses(tiny):
    tiny.run()
    told = tiny.tane("graph").out
    assert "3 nodes, 4 datasets, 2 parameters" in told
    assert "succeeded" in told
    assert "\x1b" not in told


def test_a_part_of_a_pipeline(tiny):
    assert [node["name"] for node in tiny.tane("graph", "--to", "fit", "--json").json["nodes"]] == ["features", "fit"]


def test_json_knows_the_catalog_the_parameters_and_the_last_run(tiny):
    tiny.run()
    drawn = tiny.tane("graph", "--json").json
    model = next(each for each in drawn["datasets"] if each["name"] == "model")
    assert (model["type"], model["place"], model["layer"]) == (
        "json.JSONDataset",
        "data/06_models/model.json",
        "models",
    )
    assert len(model["digest"]) == 64
    assert drawn["parameters"] == {"params:scale": "2.0", "params:model.rate": "0.5"}
    assert {node["status"] for node in drawn["nodes"]} == {"succeeded"}
    assert {"from": "fit", "to": "model", "order": False, "when": ""} in drawn["edges"]


def test_layers_are_taken_from_the_folders_when_no_entry_says(tiny):
    layers = {each["name"]: each["layer"] for each in tiny.tane("graph", "--json").json["datasets"]}
    assert layers == {"table": "01_raw", "features": "", "model": "models", "scores": "07_model_output"}


def test_a_default_that_a_function_declares_is_shown(flow):
    assert flow.tane("graph", "flow.py", "--json").json["parameters"] == {"params:by": "2"}


@pytest.mark.parametrize(("name", "begins"), [("out.svg", "<svg"), ("out.HTML", "<!doctype html>")])
def test_a_file_is_written(tiny, name, begins):
    told = tiny.tane("graph", "-o", name)
    assert told.out == f"drew 3 nodes into {name}\n"
    assert (tiny.root / name).read_text().lower().startswith(begins)


@pytest.mark.parametrize("name", ["out.png", "out"])
def test_an_unknown_suffix_is_refused(tiny, name):
    told = tiny.tane("graph", "-o", name)
    assert told.code == 2
    assert ".html or .svg" in told.err
    assert not (tiny.root / name).exists()


def test_a_misspelt_pipeline_offers_the_nearest(tiny):
    told = tiny.tane("graph", "trainig")
    assert told.code == 2
    assert "did you mean 'training'?" in told.err


REGISTRY = """
from tane import Pipeline, node
from .nodes import features, fit, score


def area(name):
    return Pipeline([
        node(features, ["table", "params:scale"], f"{name}.features", name="features", namespace=name),
        node(fit, [f"{name}.features"], f"{name}.model", name="fit", namespace=f"{name}.train"),
    ])


def register_pipelines():
    whole = area("north") + area("south")
    after = {"when": "params:scale", "after": "south.train.fit"}
    late = node(score, ["north.model", "south.features"], "scores", name="score", **after)
    return {"areas": whole, "__default__": whole + Pipeline([late])}
"""


@pytest.fixture
def areas(tiny):
    tiny.write("src/tiny/pipeline_registry.py", REGISTRY)
    return tiny


def names(told):
    drawn = told.json
    return [node["name"] for node in drawn["nodes"]], [space["name"] for space in drawn["namespaces"]]


def test_everything_is_open_unless_asked_for(areas):
    found = ["north.features", "south.features", "north.train.fit", "south.train.fit", "score"]
    assert names(areas.tane("graph", "--json")) == (found, [])


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (["--fold"], (["score"], ["north", "south"])),
        (["--depth", "0"], (["score"], ["north", "south"])),
        (["--depth", "1"], (["north.features", "south.features", "score"], ["north.train", "south.train"])),
        (["--fold=south"], (["north.features", "north.train.fit", "score"], ["south"])),
        (["--fold=south,north.train"], (["north.features", "score"], ["south", "north.train"])),
        (["--fold=south", "--depth", "1"], (["north.features", "score"], ["south", "north.train"])),
    ],
)
def test_namespaces_are_folded(areas, asked, expected):
    nodes, spaces = names(areas.tane("graph", "--json", *asked))
    assert (nodes, sorted(spaces)) == (expected[0], sorted(expected[1]))


def test_a_folded_namespace_is_one_row(areas):
    told = areas.tane("graph", "--fold").out
    assert "5 nodes, 2 namespaces folded" in told
    assert "table, params:scale → north.model" in told
    assert "(2 nodes)" in told
    assert "(when scale)" in told


@pytest.mark.parametrize("name", ["out.svg", "out.html"])
def test_a_file_is_folded_too(areas, name):
    assert areas.tane("graph", "--fold=north", "-o", name).out == f"drew 5 nodes into {name}\n"
    text = (areas.root / name).read_text()
    assert "namespace south.train" in text
    assert ('"folded":["north"]' in text) == (name == "out.html")
    assert "namespace north.train" not in text.partition('id="items"')[0]


def test_an_unknown_namespace_offers_the_nearest(areas):
    told = areas.tane("graph", "--fold=nroth")
    assert told.code == 2
    assert "there is no namespace 'nroth' to fold" in told.err
    assert "did you mean 'north'?" in told.err


def test_a_pipeline_after_fold_is_explained(areas):
    told = areas.tane("graph", "--fold", "areas")
    assert told.code == 2
    assert "write `tane graph areas --fold`" in told.err


def test_a_pipeline_without_namespaces_has_nothing_to_fold(tiny):
    assert names(tiny.tane("graph", "--json", "--fold"))[1] == []
    assert "no node here has a namespace" in tiny.tane("graph", "--fold=x").err


def test_json_tells_how_nodes_run(areas):
    drawn = areas.tane("graph", "--json").json
    score = next(node for node in drawn["nodes"] if node["name"] == "score")
    assert (score["when"], score["after"], score["namespace"]) == ("params:scale", ["south.train.fit"], "")
    assert {"from": "params:scale", "to": "score", "order": True, "when": "params:scale"} in drawn["edges"]
    assert {"from": "south.train.fit", "to": "score", "order": True, "when": ""} in drawn["edges"]
    box = areas.tane("graph", "--json", "--fold=north").json["namespaces"][0]
    assert (box["nodes"], box["inputs"], box["outputs"]) == (2, ["table", "params:scale"], ["north.model"])
