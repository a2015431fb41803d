"""Where Tane means to be other than Kedro: what each of them does. The table of docs/kedro.md, row by row."""

import gzip

import conftest
import pandas
import plain
import pytest
import tane_side
from test_kedro_datasets import dataset

import tane
from tane import errors
from tane.catalog import catalogs

TEXT = "text.TextDataset"


def one(name="it", inputs=None, outputs=None, **more):
    count = 0 if inputs is None else 1 if isinstance(inputs, str) else len(inputs)
    returns = None if outputs is None else "one"
    return {"name": name, "inputs": inputs, "outputs": outputs, "call": [count, returns], **more}


def nodes(*described):
    return ["nodes", list(described)]


def refused_by_kedro(kedro, what, *arguments):
    with pytest.raises(conftest.Refusal) as refusal:
        kedro.ask(what, *arguments)
    return str(refusal.value)


def names(said):
    return [each.name for each in tane_side.SIDE.build(said).nodes]


# --- pipelines


def test_a_node_that_nobody_named_is_called_as_its_function(kedro):
    said = nodes({**one(inputs="a"), "name": None})
    assert kedro.ask("pipeline", said)["nodes"][0]["name"].startswith("<lambda>__")
    assert names(said) == ["<lambda>"]


def test_a_node_may_take_and_make_nothing(kedro):
    said = nodes(one())
    assert "must have some 'inputs' or 'outputs'" in refused_by_kedro(kedro, "pipeline", said)
    assert names(said) == ["it"]


def test_a_node_may_come_in_twice(kedro):
    said = ["wrap", [nodes(one(inputs="a")), nodes(one(inputs="a"))], {}]
    assert "must have unique names" in refused_by_kedro(kedro, "pipeline", said)
    assert names(said) == ["it"]


def test_tags_are_united(kedro):
    said = ["+", ["tag", nodes(one(inputs="a")), "x"], ["tag", nodes(one(inputs="a")), "y"]]
    assert len(kedro.ask("pipeline", said)["nodes"][0]["tags"]) == 1
    assert tane_side.SIDE.build(said).nodes[0].tags == {"x", "y"}


def test_a_selection_may_be_empty(kedro):
    whole = nodes(one(inputs="a", tags=["x"]), one("other", "b"))
    said = ["filter", whole, {"tags": ["x"], "node_names": ["other"]}]
    assert "contains no nodes" in refused_by_kedro(kedro, "pipeline", said)
    assert len(tane_side.SIDE.build(whole).filter(tags="x", nodes="other")) == 0


def test_a_namespace_may_be_left_out_in_a_selection(kedro):
    said = ["filter", ["wrap", [nodes(one(inputs="a"))], {"namespace": "ns"}], {"node_names": ["it"]}]
    assert "Did you mean: ['ns.it']" in refused_by_kedro(kedro, "pipeline", said)
    assert names(said) == ["ns.it"]


def test_each_name_of_a_selection_must_be_there(kedro):
    said = ["filter", nodes(one(inputs="a", tags=["x"])), {"tags": ["x", "typo"]}]
    assert len(kedro.ask("pipeline", said)["nodes"]) == 1
    with pytest.raises(errors.PipelineError, match="no tag 'typo'"):
        tane_side.SIDE.build(said)


def test_a_namespace_and_one_within_may_both_be_selected(kedro):
    whole = ["wrap", [nodes(one(inputs="a"))], {"namespace": "outer.inner"}]
    said = ["filter", whole, {"node_namespaces": ["outer", "outer.inner"]}]
    assert "must have unique names" in refused_by_kedro(kedro, "pipeline", said)
    assert names(said) == ["outer.inner.it"]


def test_a_dataset_is_made_whichever_form_of_it_is_asked_for(kedro):
    said = ["filter", nodes(one("make", "a", "t@x"), one("take", "t@y")), {"to_outputs": ["t@y"]}]
    assert "contains no nodes" in refused_by_kedro(kedro, "pipeline", said)
    assert names(said) == ["make"]


def test_a_mapped_parameter_takes_along_what_is_below_it(kedro):
    whole = nodes(one(inputs=["params:m", "params:m.lr"]))
    said = ["wrap", [whole], {"namespace": "ns", "parameters": {"params:m": "params:x"}}]
    assert kedro.ask("pipeline", said)["parameters"] == ["params:ns.m.lr", "params:x"]
    assert tane_side.SIDE.build(said).parameters() == {"params:x", "params:x.lr"}


def test_a_mapped_form_must_be_there(kedro):
    said = ["wrap", [nodes(one(inputs="t@x"))], {"namespace": "ns", "inputs": "t@typo"}]
    assert kedro.ask("pipeline", said)["inputs"] == ["ns.t@x"]
    with pytest.raises(errors.PipelineError, match="inputs='t@typo' names nothing"):
        tane_side.SIDE.build(said)


@pytest.mark.parametrize("name", ["two words", "a/b", "a:b"])
def test_names_of_datasets_have_no_spaces_slashes_and_colons(kedro, name):
    assert kedro.ask("pipeline", nodes(one(inputs=name)))["inputs"] == [name]
    with pytest.raises(errors.PipelineError, match="is not a name"):
        tane_side.SIDE.build(nodes(one(inputs=name)))


def test_datasets_that_keep_their_names_in_a_namespace_are_named(kedro):
    whole = nodes(one("first", "a", "b"), one("then", ["b", "params:p"], "c"))
    theirs = kedro.ask("pipeline", ["wrap", [whole], {"namespace": "ns", "prefix_datasets_with_namespace": False}])
    kept = {"inputs": ["a"], "outputs": ["b", "c"], "parameters": ["params:p"]}
    assert tane_side.pipeline_told(["wrap", [whole], {"namespace": "ns", **kept}]) == theirs


# --- the catalog


def entries(config, root):
    return catalogs.Catalog.from_config(config, {}, root)


def test_case_matters_in_a_factory(kedro, tmp_path):
    config = {"{name}_Table": {"type": TEXT, "filepath": "{name}.txt"}}
    assert kedro.ask("factories", config, ["a_table"])[1][0]["filepath"] == "a.txt"
    assert entries(config, tmp_path).find("a_table") is None


def test_a_placeholder_is_a_name_and_nothing_else(kedro, tmp_path):
    config = {"x_{n:d}": {"type": TEXT, "filepath": "x.txt"}}
    assert kedro.ask("factories", config, ["x_1"])[1][0]["filepath"] == "x.txt"
    with pytest.raises(errors.CatalogError, match="braces that are no placeholder"):
        entries(config, tmp_path)


def test_mappings_keep_their_order_in_yaml(kedro, tmp_path):
    config = {"type": "yaml.YAMLDataset", "filepath": str(tmp_path / "it.yml")}
    kedro.ask("save", config, plain.told({"b": 1, "a": 2}))
    assert (tmp_path / "it.yml").read_text() == "a: 2\nb: 1\n"
    dataset(config, tmp_path).write({"b": 1, "a": 2}, tmp_path / "it.yml")
    assert (tmp_path / "it.yml").read_text() == "b: 1\na: 2\n"


def test_a_path_that_ends_in_gz_is_compressed(kedro, tmp_path):
    config = {"type": "pandas.CSVDataset", "filepath": str(tmp_path / "it.csv.gz")}
    frame = pandas.DataFrame({"a": [1]})
    kedro.ask("save", config, plain.told(frame))
    assert (tmp_path / "it.csv.gz").read_text() == "a\n1\n"
    dataset(config, tmp_path).write(frame, tmp_path / "it.csv.gz")
    assert gzip.decompress((tmp_path / "it.csv.gz").read_bytes()) == b"a\n1\n"
    assert kedro.ask("load", config) == plain.told(frame)


def test_the_places_of_a_query_may_be_filled_from_a_list(kedro, tmp_path):
    credentials = {"con": f"sqlite:///{tmp_path / 'it.db'}"}
    sql = {"type": "pandas.SQLQueryDataset", "sql": "select ? as a", "credentials": credentials}
    config = {**sql, "load_args": {"params": [5]}}
    (tmp_path / "it.db").touch()
    assert "must consist only of tuples" in refused_by_kedro(kedro, "load", config)
    assert dataset(config, tmp_path).load()["a"].tolist() == [5]


def test_hidden_files_are_no_partitions(kedro, tmp_path):
    folder = tmp_path / "parts"
    folder.mkdir()
    (folder / "a").write_text("1")
    (folder / ".gitkeep").write_text("")
    config = {"type": "partitions.PartitionedDataset", "path": str(folder), "dataset": TEXT}
    assert kedro.ask("load", config) == plain.told({".gitkeep": "", "a": "1"})
    assert list(dataset(config, tmp_path).read(folder)) == ["a"]


FLOW = """import tane


def parts(made):
    return made


pipeline = tane.Pipeline([tane.node(parts, "params:made", "parts")])
"""


def partitions(folder):
    return {path.name for path in folder.iterdir()}


def test_a_folder_holds_what_its_step_made(kedro, tmp_path):
    entry = {"type": "partitions.PartitionedDataset", "dataset": TEXT}
    theirs, ours, conf = tmp_path / "theirs", tmp_path / "ours", tmp_path / "conf/base"
    conf.mkdir(parents=True)
    (tmp_path / "flow.py").write_text(FLOW)
    (conf / "catalog.yml").write_text(f"parts: {{type: partitioned, path: ours, dataset: {TEXT}}}\n")
    for made in ({"a": "1", "b": "1"}, {"c": "1"}):
        kedro.ask("save", {**entry, "path": str(theirs)}, plain.told(made))
        (conf / "parameters.yml").write_text(f"made: {made}\n")
        tane.open_project(tmp_path / "flow.py").run().raise_for_status()
    assert partitions(theirs) == {"a", "b", "c"}
    assert partitions(ours) == {"c"}


# --- runs


def test_more_keys_than_are_named_may_be_returned(kedro):
    said = nodes({"name": "it", "inputs": "a", "outputs": {"k": "x"}, "call": [1, ["k", "l"]]})
    assert "do not match" in refused_by_kedro(kedro, "run", said, {"a": "A"}, {})
    assert tane_side.run(said, {"a": "A"}, {}) == {"x": "k(A)"}


def test_all_chunks_are_handed_on_in_memory(kedro):
    assert kedro.ask("chunks", 3) == 2
    assert tane.run([tane.node(lambda: (yield from range(3)), None, "x", name="it")])["x"] == [0, 1, 2]


def test_all_chunks_are_written(kedro, tmp_path):
    config = {"type": "pandas.CSVDataset", "filepath": str(tmp_path / "it.csv")}
    frames = [pandas.DataFrame({"n": [n]}) for n in range(3)]
    for frame in frames:
        kedro.ask("save", config, plain.told(frame))
    assert (tmp_path / "it.csv").read_text() == "n\n2\n"
    dataset(config, tmp_path).write_chunks(iter(frames), tmp_path / "it.csv")
    assert (tmp_path / "it.csv").read_text() == "n\n0\n1\n2\n"


# --- configuration

WRITTEN = {"flag": "yes", "code": "012", "time": "12:30:00", "mode": "0o17", "other": "${n}", "n": "1"}
BASE = "".join(f"{key}: {value}\n" for key, value in WRITTEN.items()) + "model: {kind: tree, depth: 3}\n"


def parameters(tmp_path, env=None):
    files = {"base": BASE, "prod": "model: {depth: 5}\n", "local": "n: 2\n"}
    for layer, text in files.items():
        (tmp_path / "conf" / layer).mkdir(parents=True, exist_ok=True)
        (tmp_path / "conf" / layer / "parameters.yml").write_text(text)
    (tmp_path / "flow.py").write_text("import tane\n\npipeline = tane.Pipeline([])\n")
    return tane.open_project(tmp_path / "flow.py", **({"env": env} if env else {})).parameters


def test_scalars_mean_what_they_say(kedro, tmp_path):
    ours = parameters(tmp_path)
    theirs = kedro.ask("parameters", str(tmp_path / "conf"), None)
    assert [theirs[key] for key in ("flag", "code", "time", "mode", "other")] == [True, 10, 45000, "0o17", 1]
    assert [ours[key] for key in ("flag", "code", "time", "mode", "other")] == ["yes", "012", "12:30:00", 15, 2]
    assert theirs["model"] == ours["model"] and theirs["n"] == ours["n"] == 2


def test_environments_are_merged_key_by_key_and_local_comes_last(kedro, tmp_path):
    ours = parameters(tmp_path, "prod")
    theirs = kedro.ask("parameters", str(tmp_path / "conf"), "prod")
    assert (theirs["model"], theirs["n"]) == ({"depth": 5}, 1)
    assert (ours["model"], ours["n"]) == ({"kind": "tree", "depth": 5}, 2)
