"""Folders of partitions: ids, laziness, names that do not escape, and what has been worked off."""

import pickle
import sys
import textwrap
import uuid

import fsspec
import pytest

from tane import errors
from tane.catalog import partitions


@pytest.fixture
def folder(tmp_path):
    """Writes files below the project's `data/parts`."""
    place = tmp_path / "data" / "parts"

    def write(**files):
        for name, text in files.items():
            target = place / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        return place

    return write


@pytest.fixture
def parts(dataset):
    """Makes a partitioned dataset of texts."""

    def make(kind="PartitionedDataset", **entry):
        return dataset(**{"type": f"partitions.{kind}", "path": "data/parts", "dataset": "text.TextDataset", **entry})

    return make


def loaded(one, place=None):
    return {key: load() for key, load in one.read(place or one.local).items()}


# -- loading -----------------------------------------------------------------------------------------------


def test_partitions_are_functions_by_id_in_order(parts, folder):
    place = folder(**{"b.txt": "B", "a.txt": "A", "north/c.txt": "C"})
    one = parts(filename_suffix=".txt")
    found = one.read(place)
    assert list(found) == ["a", "b", "north/c"]
    assert {key: load() for key, load in found.items()} == {"a": "A", "b": "B", "north/c": "C"}
    assert isinstance(found, dict)


def test_without_a_suffix_ids_are_file_names(parts, folder):
    place = folder(**{"b.txt": "B", ".gitkeep": ""})
    assert loaded(parts(), place) == {"b.txt": "B"}


def test_other_files_are_left_out(parts, folder):
    place = folder(**{"a.txt": "A", "README.md": "read me", "deep/er/b.txt": "B"})
    assert list(loaded(parts(filename_suffix=".txt"), place)) == ["a", "deep/er/b"]
    assert list(loaded(parts(filename_suffix=".txt", load_args={"maxdepth": 1}), place)) == ["a"]


def test_nothing_is_read_before_it_is_asked_for(parts, folder):
    place = folder(**{"a.txt": "A"})
    found = parts().read(place)
    (place / "a.txt").write_text("changed")
    assert found["a.txt"]() == "changed"


def test_the_mapping_can_be_pickled(parts, folder):
    found = parts().read(folder(**{"a.txt": "A"}))
    assert pickle.loads(pickle.dumps(found))["a.txt"]() == "A"


def test_the_suffix_of_a_file_says_how_it_is_compressed(parts, folder, tmp_path):
    one = parts(filename_suffix=".txt.gz")
    one.write({"a": "text"}, tmp_path / "out")
    assert (tmp_path / "out" / "a.txt.gz").read_bytes()[:2] == b"\x1f\x8b"
    assert loaded(one, tmp_path / "out") == {"a": "text"}


def test_arguments_of_the_reader_stand_with_its_type(parts, folder):
    pytest.importorskip("pandas")
    place = folder(**{"a.csv": "x;y\n1;2\n"})
    one = parts(dataset={"type": "pandas.CSVDataset", "load_args": {"sep": ";"}}, filename_suffix=".csv")
    assert one.read(place)["a"]()["y"].tolist() == [2]
    assert one.distributions == ("pandas", "pyarrow")


def test_a_bad_partition_is_named(parts, folder):
    place = folder(**{"a.json": "1", "b.json": "{"})
    one = parts(dataset="json.JSONDataset", filename_suffix=".json")
    found = one.read(place)
    assert found["a"]() == 1
    with pytest.raises(errors.CatalogError, match="dataset 'it', partition 'b'") as raised:
        found["b"]()
    assert raised.value.where.startswith("data/parts/b.json")


def test_a_partition_that_is_gone_says_why(parts, folder):
    place = folder(**{"a.txt": "A"})
    found = parts().read(place)
    (place / "a.txt").unlink()
    with pytest.raises(errors.CatalogError, match=r"partition 'a.txt': its file is no longer there") as raised:
        found["a.txt"]()
    assert "inside of the node" in raised.value.hint


def test_a_folder_that_is_missing_or_a_file_is_told(parts, folder):
    one = parts()
    with pytest.raises(errors.CatalogError, match="there is no such file"):
        one.read(one.local)
    one.local.parent.mkdir(exist_ok=True)
    one.local.write_text("a file")
    with pytest.raises(errors.CatalogError, match="not a folder of partitions"):
        one.read(one.local)


def test_each_partition_can_be_read_by_itself(parts, folder):
    place = folder(**{"a.txt": "A", "north/c.txt": "C", "README.md": ""})
    one = parts(filename_suffix=".txt")
    assert one.partitioned and one.lazy
    assert one.partition_ids(["north/c.txt", "a.txt", "README.md"]) == {"a": "a.txt", "north/c": "north/c.txt"}
    assert one.read_partition(place / "a.txt") == "A"


# -- saving ------------------------------------------------------------------------------------------------


def test_values_and_functions_are_saved(parts, tmp_path):
    one = parts(filename_suffix=".txt")
    one.write({"b": "B", "north/c": lambda: "C"}, tmp_path / "out")
    assert loaded(one, tmp_path / "out") == {"b": "B", "north/c": "C"}


def test_functions_are_called_one_after_the_other(parts, tmp_path):
    out, seen = tmp_path / "out", []

    def make(key):
        def made():
            seen.append((key, sorted(path.name for path in out.iterdir())))
            return key

        return made

    parts().write({key: make(key) for key in "cab"}, out)
    assert seen == [("a", []), ("b", ["a"]), ("c", ["a", "b"])]


def test_values_that_can_be_called_are_kept_when_said(parts, tmp_path):
    one = parts(dataset="pickle.PickleDataset", save_lazily=False)
    one.write({"a": len}, tmp_path / "out")
    assert loaded(one, tmp_path / "out") == {"a": len}


def test_chunks_are_mappings(parts, tmp_path):
    one = parts()
    assert one.streams
    one.write_chunks(iter([{"a": "A"}, {"b": "B", "c": "C"}]), tmp_path / "out")
    assert loaded(one, tmp_path / "out") == {"a": "A", "b": "B", "c": "C"}
    with pytest.raises(errors.CatalogError, match="'a' was given twice"):
        one.write_chunks(iter([{"a": "A"}, {"a": "B"}]), tmp_path / "again")


def test_nothing_is_saved_as_an_empty_folder(parts, tmp_path):
    one = parts()
    one.write({}, tmp_path / "out")
    assert loaded(one, tmp_path / "out") == {}


@pytest.mark.parametrize("key", ["../a", "a/../../b", "/etc/x", "", "a//b", "a\\b", "x/.", ".hidden", 3, None])
def test_ids_do_not_escape(parts, tmp_path, key):
    with pytest.raises(errors.CatalogError, match="partition") as raised:
        parts().write({key: "x"}, tmp_path / "deep" / "out")
    assert raised.value.hint
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_partition_cannot_be_the_folder_of_another(parts, tmp_path):
    with pytest.raises(errors.CatalogError, match="partition 'a/b' lies where another one does"):
        parts().write({"a": "A", "a/b": "B"}, tmp_path / "out")


def test_what_is_no_mapping_is_told(parts, tmp_path):
    with pytest.raises(errors.CatalogError, match="it takes a dict of partitions, but was given a list"):
        parts().write(["a"], tmp_path / "out")


def test_a_failing_function_names_its_partition(parts, tmp_path):
    with pytest.raises(errors.CatalogError, match="partition 'a' failed: ZeroDivisionError"):
        parts().write({"a": lambda: 1 / 0}, tmp_path / "out")


def test_a_value_that_does_not_fit_names_its_partition(parts, tmp_path):
    with pytest.raises(errors.CatalogError, match="partition 'a': it takes text"):
        parts().write({"a": 3}, tmp_path / "out")


def test_a_folder_holds_what_was_made_unless_it_is_added_to(parts, folder, tmp_path):
    place = folder(**{"a.txt": "old", "b.txt": "old"})
    plain, adding = parts(), parts(overwrite=False)
    assert (plain.accumulates, adding.accumulates) == (False, True)
    plain.write({"b.txt": "new"}, tmp_path / "plain")
    adding.write({"b.txt": "new"}, tmp_path / "adding")
    assert loaded(plain, tmp_path / "plain") == {"b.txt": "new"}
    assert loaded(adding, tmp_path / "adding") == {"a.txt": "old", "b.txt": "new"}
    assert (place / "b.txt").read_text() == "old"


# -- classes of others -------------------------------------------------------------------------------------

LINES = """
    from pathlib import Path

    class Lines:
        def __init__(self, path, sep="|"): self.path, self.sep = Path(path), sep
        def load(self): return self.path.read_text().split(self.sep)
        def save(self, data): self.path.write_text(self.sep.join(data))
"""


def test_partitions_of_somebodys_class(parts, tmp_path, monkeypatch):
    (tmp_path / "their_lines.py").write_text(textwrap.dedent(LINES))
    monkeypatch.syspath_prepend(tmp_path)
    one = parts(dataset={"type": "their_lines.Lines", "sep": "+"}, filepath_arg="path", filename_suffix=".ln")
    one.check_ready()
    one.write({"a/b": ["1", "2"]}, tmp_path / "out")
    assert (tmp_path / "out" / "a" / "b.ln").read_text() == "1+2"
    assert loaded(one, tmp_path / "out") == {"a/b": ["1", "2"]}
    assert one.code == "their_lines:Lines" and one.load_spec["dataset"]["sep"] == "+"
    del sys.modules["their_lines"]


def test_a_class_that_is_not_there_is_found_before_work(catalog):
    made = catalog(it={"type": "PartitionedDataset", "path": "x", "dataset": "no_such_module_here.Table"})
    with pytest.raises(errors.CatalogError, match="there is no class no_such_module_here"):
        made.check_ready(["it"])


# -- incremental -------------------------------------------------------------------------------------------


def values(one):
    return dict(one.read(one.local))


def test_only_what_comes_after_the_checkpoint_is_loaded(parts, folder):
    place = folder(**{"1.txt": "one", "2.txt": "two"})
    one = parts("IncrementalDataset", filename_suffix=".txt")
    assert values(one) == {"1": "one", "2": "two"}
    one.confirm()
    assert (place / "CHECKPOINT").read_text() == "2"
    assert values(one) == {}
    folder(**{"3.txt": "three"})
    assert values(one) == {"3": "three"}


def test_what_came_after_loading_is_not_confirmed(parts, folder):
    place = folder(**{"1.txt": "one"})
    one = parts("IncrementalDataset")
    seen = one.select(one.files()).values()
    folder(**{"2.txt": "two"})
    one.confirm(seen)
    assert (place / "CHECKPOINT").read_text() == "1.txt"
    assert values(one) == {"2.txt": "two"}


def test_confirming_nothing_moves_nothing(parts, folder):
    place = folder(**{"1.txt": "one"})
    one = parts("IncrementalDataset")
    one.confirm()
    one.confirm()
    assert (place / "CHECKPOINT").read_text() == "1.txt"


def test_values_are_loaded_when_they_are_asked_for(parts, folder):
    place = folder(**{"1.txt": "one", "2.txt": "two"})
    found = parts("IncrementalDataset").read(place)
    (place / "1.txt").write_text("changed")
    assert list(found) == ["1.txt", "2.txt"] and "1.txt" in found and len(found) == 2
    assert found["1.txt"] == "changed"
    assert pickle.loads(pickle.dumps(found))["2.txt"] == "two"


def test_a_tree_of_chosen_partitions_is_read_as_it_is(parts, folder, tmp_path):
    folder(**{"1.txt": "one", "CHECKPOINT": "1.txt"})
    one = parts("IncrementalDataset")
    other = tmp_path / "other"
    other.mkdir()
    (other / "1.txt").write_text("one")
    assert dict(one.read(other)) == {"1.txt": "one"} and values(one) == {}


def test_the_checkpoint_may_lie_elsewhere(parts, folder, tmp_path):
    place = folder(**{"1.txt": "one"})
    one = parts("IncrementalDataset", checkpoint={"filepath": "data/state/seen", "type": "text.TextDataset"})
    one.confirm()
    assert (tmp_path / "data/state/seen").read_text() == "1.txt"
    assert sorted(path.name for path in place.iterdir()) == ["1.txt"]
    assert one.watched == (tmp_path / "data/state/seen",)


@pytest.mark.parametrize("checkpoint", ["1.txt", {"force_checkpoint": "1.txt"}])
def test_a_checkpoint_may_be_forced(parts, folder, checkpoint):
    folder(**{"1.txt": "one", "2.txt": "two", "CHECKPOINT": "9"})
    assert list(values(parts("IncrementalDataset", checkpoint=checkpoint))) == ["2.txt"]


def test_what_is_newer_may_be_said_by_a_function(parts, folder, tmp_path, monkeypatch):
    (tmp_path / "their_order.py").write_text("def longer(one, last):\n    return len(one) > len(last)\n")
    monkeypatch.syspath_prepend(tmp_path)
    folder(**{"9": "", "10": "", "CHECKPOINT": "9"})
    one = parts("IncrementalDataset", checkpoint={"comparison_func": "their_order.longer"})
    assert list(one.select(one.files())) == ["10"]
    wrong = parts("IncrementalDataset", checkpoint={"comparison_func": "their_order.shorter"})
    with pytest.raises(errors.CatalogError, match=r"there is no function their_order\.shorter"):
        wrong.select(wrong.files())
    del sys.modules["their_order"]


def test_only_incremental_datasets_are_confirmed(parts, folder):
    folder(**{"1.txt": "one"})
    with pytest.raises(errors.CatalogError, match="cannot be confirmed"):
        parts().confirm()


# -- behind URLs -------------------------------------------------------------------------------------------


@pytest.fixture
def url():
    return f"memory://{uuid.uuid4().hex}/parts"


def test_partitions_behind_a_url(parts, tmp_path, url):
    one = parts(path=url, filename_suffix=".txt")
    one.write({"b": "B", "north/c": "C"}, tmp_path / "out")
    one.send(tmp_path / "out")
    files = one.listing()
    assert list(files) == ["b.txt", "north/c.txt"]
    one.fetch_files(files, {name: tmp_path / "in" / name for name in files})
    assert loaded(one, tmp_path / "in") == {"b": "B", "north/c": "C"}


def test_a_checkpoint_behind_a_url(parts, tmp_path, url):
    one = parts("IncrementalDataset", path=url)
    one.write({"1": "one", "2": "two"}, tmp_path / "out")
    one.send(tmp_path / "out")
    one.confirm(["1"])
    assert list(one.listing()) == ["2"]
    system, path = fsspec.core.url_to_fs(url + "/CHECKPOINT")
    assert system.cat(path) == b"1"
    one.confirm()
    assert list(one.listing()) == []


def test_adding_to_a_folder_behind_a_url(parts, tmp_path, url):
    one = parts(path=url, overwrite=False)
    for key in "ab":
        one.write({key: key}, tmp_path / key)
        one.send(tmp_path / key)
    assert list(one.listing()) == ["a", "b"]


# -- entries -----------------------------------------------------------------------------------------------

FAULTS = [
    ({"path": None}, "it has no path"),
    ({"dataset": None}, "does not say what its partitions are"),
    ({"dataset": "pandas.CSVDatast"}, "did you mean 'pandas.CSVDataset'?"),
    ({"dataset": {"type": "csv", "filepath": "x"}}, "given their filepath by the folder in dataset"),
    ({"dataset": {"type": "csv", "load_arg": {}}}, "did you mean 'load_args'?"),
    ({"dataset": "partitions.PartitionedDataset"}, "is no type of a file"),
    ({"dataset": "MemoryDataset"}, "is no type of a file"),
    ({"filename_sufix": ".csv"}, "did you mean 'filename_suffix'?"),
    ({"filename_suffix": 3}, "filename_suffix is a number, not a text"),
    ({"overwrite": "yes"}, "overwrite is 'yes'"),
    ({"load_args": {"sep": ";"}}, "takes no 'sep'"),
    ({"load_args": {"maxdepth": 0}}, "maxdepth is 0"),
    ({"refresh": "6h"}, "says nothing about a local file"),
    ({"path": "https://host/folder"}, "cannot be listed"),
    ({"checkpoint": "a"}, "takes no key 'checkpoint'"),
]


@pytest.mark.parametrize(("entry", "said"), FAULTS)
def test_mistakes_are_told_with_their_place(parts, entry, said):
    with pytest.raises(errors.CatalogError) as raised:
        parts(**entry)
    assert said in str(raised.value) and "conf/base/catalog.yml" in str(raised.value)


@pytest.mark.parametrize(
    "checkpoint", [{"filepth": "x"}, {"type": "pandas.CSVDataset"}, [1], {"comparison_func": 3}, {"credentials": "x"}]
)
def test_mistakes_of_the_checkpoint_are_told(parts, checkpoint):
    with pytest.raises(errors.CatalogError, match="in checkpoint"):
        parts("IncrementalDataset", checkpoint={"filepath": "x", **checkpoint} if checkpoint != [1] else [1])


def test_kedros_spellings(dataset):
    for kind in ("PartitionedDataSet", "partitions.PartitionedDataset", "io.PartitionedDataset", "partitioned"):
        assert dataset(type=kind, path="x", dataset="text").type == partitions.PARTITIONED
    assert dataset(type="incremental", path="x", dataset="text").type == partitions.INCREMENTAL


def test_facts_name_the_type_of_the_partitions(parts):
    facts = parts(dataset={"type": "csv", "load_args": {"sep": ";"}}, layer="raw").facts()
    assert facts["options"]["dataset"]["type"] == "pandas.CSVDataset"
    assert facts["place"] == "data/parts" and facts["options"]["dataset"]["load_args"] == {"sep": ";"}
