"""`tane data list` and `tane data describe`."""

import json

import pytest

from tane.cli import glimpse


def rows(told):
    return {line.split()[0]: line for line in told.out.splitlines()[1:] if line.strip()}


def listed(project):
    return {each["name"]: each for each in project.tane("data", "list", "--json").json["datasets"]}


def test_every_dataset_is_listed_with_who_makes_it(tiny):
    tiny.run()
    told = tiny.tane("data", "list")
    assert told.code == 0 and told.err == ""
    assert list(rows(told)) == ["table", "model", "scores", "features"]
    assert rows(told)["model"].split()[1:4] == ["json.JSONDataset", "data/06_models/model.json", "models"]
    assert rows(told)["model"].endswith("  fit")
    assert "(no entry)" in rows(told)["features"] and rows(told)["features"].endswith("  features")


def test_the_layer_is_the_entrys_or_its_folders(tiny):
    found = listed(tiny)
    assert (found["model"]["layer"], found["scores"]["layer"]) == ("models", "07_model_output")


def test_version_and_time_are_those_of_the_last_run(tiny):
    assert (listed(tiny)["model"]["version"], listed(tiny)["model"]["written"]) == ("", None)
    tiny.run()
    first = listed(tiny)
    tiny.run("scale=4.0")
    second = listed(tiny)
    assert first["model"]["version"] != second["model"]["version"]
    assert first["table"]["version"] == second["table"]["version"]
    assert first["features"]["written"] < second["features"]["written"]


def test_looking_makes_nothing(tiny):
    tiny.tane("data", "list")
    tiny.tane("data", "describe", "table")
    assert not (tiny.root / ".tane").exists()


def test_factories_are_listed_with_what_comes_out_of_them(tiny):
    with (tiny.root / "conf/base/catalog.yml").open("a") as file:
        file.write('"{name}tures": {type: json.JSONDataset, filepath: "data/04_feature/{name}.json"}\n')
    known = tiny.tane("data", "list", "--json").json
    assert known["factories"] == [{"pattern": "{name}tures", "matches": ["features"]}]
    assert listed(tiny)["features"]["place"] == "data/04_feature/fea.json"
    assert tiny.tane("data", "describe", "{name}tures", "--json").json["matches"] == ["features"]
    described = tiny.tane("data", "describe", "features", "--json").json
    assert described["factory"] == "{name}tures"


def test_code_that_does_not_import_leaves_the_producers_unknown(tiny):
    tiny.write("src/tiny/nodes.py", "import nowhere_to_be_found\n")
    told = tiny.tane("data", "list")
    assert told.code == 0
    assert "warning: producers and consumers are unknown: " in told.err and "nodes.py:1" in told.err
    assert rows(told)["table"].endswith("unknown")
    described = tiny.tane("data", "describe", "table", "--json")
    assert described.code == 0
    assert json.loads(described.out)["consumers"] is None


def test_a_catalog_that_is_wrong_is_an_error(tiny):
    tiny.write("conf/base/catalog.yml", "table: {type: jsn.JSONDataset, filepath: x}\n")
    assert tiny.tane("data", "list").code == 2


def test_all_of_one_dataset_is_said(tiny):
    tiny.run()
    tiny.run("scale=4.0")
    known = tiny.tane("data", "describe", "model", "--json").json
    assert known["producer"] == "fit" and known["consumers"] == ["score"]
    assert known["pipelines"] == ["training", "scoring", "__default__"]
    assert (known["versions"], known["exists"], known["kind"]) == (2, True, "file")
    assert known["bytes"] == (tiny.root / "data/06_models/model.json").stat().st_size
    assert known["where"] == "conf/base/catalog.yml:3"
    assert known["preview"] == {"is": "dict of 1 entry", "lines": ["weight: 12.0"]}


def test_a_page_for_people(tiny):
    tiny.run()
    out = tiny.tane("data", "describe", "scores").out
    assert "made by    score" in out and "taken by   nobody" in out and "preview\n  list of 3 items" in out


def test_a_value_without_an_entry_is_looked_at_in_the_store(tiny):
    tiny.run()
    known = tiny.tane("data", "describe", "features", "--json").json
    assert known["preview"] == {"is": "list of 3 items", "lines": ["2.0", "4.0", "6.0"]}


def test_of_credentials_the_name_alone_is_said(tiny):
    tiny.write("conf/local/credentials.yml", "bucket: {key: hushhush}\n")
    tiny.write(
        "conf/base/catalog.yml",
        "table:\n  type: json.JSONDataset\n  filepath: s3://bucket/table.json\n  credentials: bucket\n"
        "  load_args: {strict: true}\n  fs_args: {a: 1}\n"
        "model: {type: json.JSONDataset, filepath: s3://b/m.json, credentials: {key: hushhush}}\n",
    )
    table = tiny.tane("data", "describe", "table", "--json")
    assert table.json["credentials"] == "bucket"
    assert (table.json["load_args"], table.json["settings"]) == ({"strict": True}, {"fs_args": {"a": 1}})
    model = tiny.tane("data", "describe", "model", "--json")
    assert "hushhush" not in table.out + model.out


def test_what_cannot_be_loaded_is_said_in_place_of_the_preview(tiny):
    tiny.write("data/01_raw/table.json", "{")
    told = tiny.tane("data", "describe", "table")
    assert told.code == 0
    assert "cannot be shown: " in told.out


def test_without_a_preview_nothing_is_loaded(tiny):
    tiny.write("data/01_raw/table.json", "{")
    assert tiny.tane("data", "describe", "table", "--no-preview", "--json").json["preview"] is None


def test_what_is_large_is_not_loaded(tiny, monkeypatch):
    monkeypatch.setattr(glimpse, "LARGEST", 4)
    known = tiny.tane("data", "describe", "table", "--json").json
    assert known["preview"] == {"is": "file of 16 B; its first lines", "lines": ['{"x": [1, 2, 3]}']}
    tiny.run()
    assert "too large" in tiny.tane("data", "describe", "features", "--json").json["preview"]["is"]


def test_a_dataset_that_is_not_there_yet_says_so(tiny):
    known = tiny.tane("data", "describe", "model", "--json").json
    assert known["exists"] is False
    assert known["preview"]["is"] == "nothing yet: run the pipeline that makes it"


def test_an_unknown_name_offers_the_nearest(tiny):
    told = tiny.tane("data", "describe", "modle")
    assert told.code == 2
    assert "did you mean 'model'?" in told.err


def test_a_parameter_is_shown_elsewhere(tiny):
    told = tiny.tane("data", "describe", "params:model.rate")
    assert told.code == 2
    assert "tane config show model.rate" in told.err


def test_one_file_projects_have_data_too(flow):
    flow.run("flow.py")
    assert [each["name"] for each in flow.tane("data", "list", "flow.py", "--json").json["datasets"]] == [
        "grown",
        "start",
    ]
    assert flow.tane("data", "describe", "flow.py", "grown", "--json").json["preview"]["lines"] == ["3"]


def test_the_items_of_a_fanned_out_step_are_no_versions(empty):
    empty.write(
        "flow.py",
        "from tane import Pipeline, node\n\n\ndef parts():\n    return [1, 2]\n\n\ndef twice(part):\n"
        "    return part * 2\n\n\n"
        "pipeline = Pipeline([node(parts, None, 'parts'), node(twice, 'parts', 'doubled', over='parts')])\n",
    )
    empty.run("flow.py")
    known = empty.tane("data", "describe", "flow.py", "doubled", "--json").json
    assert known["versions"] == 1 and known["preview"]["lines"] == ["2", "4"]


def test_the_group_says_what_it_has(tiny):
    told = tiny.tane("data", "--help")
    assert told.code == 0
    assert "list      list every dataset" in told.out


@pytest.mark.parametrize("words", [("data",), ("data", "lst"), ("data", "describe")])
def test_half_a_command_is_refused(tiny, words):
    assert tiny.tane(*words).code == 2


# --- looks ----------------------------------------------------------------------------------------------------------


def test_a_table_shows_its_first_rows_and_columns():
    import pandas as pd

    seen = glimpse.of_value(pd.DataFrame({f"c{at}": range(9) for at in range(12)}))
    assert seen["is"] == "DataFrame of 9 rows and 12 columns"
    assert len(seen["rows"]) == glimpse.ROWS and len(seen["columns"]) == glimpse.COLUMNS
    assert "and 4 more columns" in glimpse.text(seen)


def test_tables_of_others_show_the_same():
    import polars as pl
    import pyarrow as pa

    given = {"a": [1, 2], "b": ["x", "y"]}
    for frame in (pl.DataFrame(given), pa.table(given)):
        seen = glimpse.of_value(frame)
        assert seen["rows"] == [["1", "x"], ["2", "y"]] and seen["columns"] == ["a", "b"]


def test_an_array_shows_its_shape():
    import numpy as np

    seen = glimpse.of_value(np.zeros((3, 4)))
    assert seen["is"] == "ndarray of 3 x 4, float64" and seen["lines"][0].endswith(", ...")
    assert glimpse.of_value(np.float64(2.5))["lines"] == ["2.5"]


def test_long_values_are_cut():
    assert glimpse.of_value("\n".join("x" * 999 for _ in range(50)))["lines"][-1] == "..."
    assert glimpse.of_value(list(range(50)))["lines"][-1] == "and 45 more"
    assert all(len(line) < 120 for line in glimpse.of_value({"a": "y" * 999})["lines"])


def test_a_folder_shows_the_files_in_it(tmp_path):
    for at in range(7):
        (tmp_path / f"{at}.csv").write_text("")
    assert glimpse.of_file(tmp_path)["lines"][-1] == "and 2 more"
