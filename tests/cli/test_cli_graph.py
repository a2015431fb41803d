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
    assert {"from": "fit", "to": "model", "order": False} in drawn["edges"]


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
