"""Entries become datasets, or faults that say where and what to do."""

import pickle
import sys
from pathlib import Path

import pytest

from tane import errors
from tane.catalog import catalogs
from tane.config import secret


def faults_of(raised):
    return "\n".join(str(fault) for fault in raised.value.faults)


def test_an_entry_becomes_a_record(dataset, tmp_path):
    one = dataset(
        type="pandas.CSVDataSet",
        filepath="data/01_raw/x.csv.gz",
        load_args={"sep": ";"},
        save_args={"sep": ";"},
        metadata={"layer": "raw", "owner": "us"},
        versioned=True,
        keep="last",
    )
    assert (one.name, one.type, one.kind) == ("it", "pandas.CSVDataset", "file")
    assert one.local == tmp_path / "data/01_raw/x.csv.gz" and one.place == "data/01_raw/x.csv.gz"
    assert one.filename == "x.csv.gz"
    assert (one.layer, one.keep, one.versioned) == ("raw", "last", True)
    assert one.metadata["owner"] == "us"
    assert one.distributions == ("pandas", "pyarrow")
    assert not one.faithful and not one.write_only and one.code == ""
    assert one.where == "conf/base/catalog.yml:20"


@pytest.mark.parametrize(
    "entry",
    [{"layer": "raw"}, {"metadata": {"layer": "raw"}}, {"metadata": {"kedro-viz": {"layer": "raw"}}}],
)
def test_the_layer_may_stand_where_kedro_has_it(dataset, entry):
    assert dataset(type="csv", filepath="x.csv", **entry).layer == "raw"


def test_what_affects_loading_and_saving_is_in_the_specs(dataset):
    plain = dataset(type="csv", filepath="x.csv")
    elsewhere = dataset(type="pandas.CSVDataset", filepath="other/y.csv")
    packed = dataset(type="csv", filepath="x.csv.gz")
    loading = dataset(type="csv", filepath="x.csv", load_args={"sep": ";"})
    saving = dataset(type="csv", filepath="x.csv", save_args={"sep": ";"})
    assert plain.load_spec == elsewhere.load_spec and plain.save_spec == elsewhere.save_spec
    assert plain.save_spec != packed.save_spec
    assert loading.load_spec != plain.load_spec and loading.save_spec == plain.save_spec
    assert saving.save_spec != plain.save_spec and saving.load_spec == plain.load_spec


def test_a_backend_is_part_of_the_specs(dataset):
    one = dataset(type="pickle", filepath="x.pkl", backend="joblib")
    assert one.load_spec != dataset(type="pickle", filepath="x.pkl").load_spec
    assert one.distributions == ("joblib",) and one.faithful


def test_local_places(dataset, tmp_path):
    assert dataset(type="text", filepath="/tmp/x.txt").local == Path("/tmp/x.txt")
    assert dataset(type="text", filepath="file:///tmp/x.txt").local == Path("/tmp/x.txt")
    above = dataset(type="text", filepath="../x.txt")
    assert above.local == tmp_path.parent / "x.txt" and above.place == str(tmp_path.parent / "x.txt")


def test_names_not_in_the_catalog_are_values_in_memory(catalog):
    made = catalog(a={"type": "csv", "filepath": "a.csv"})
    assert made.find("b") is None and made.find("params:a") is None and made.find("parameters") is None


def test_memory_may_be_said(catalog):
    made = catalog(a={"type": "MemoryDataset", "layer": "feature", "keep": "none"})
    assert made.find("a") is None
    assert (made.entry("a").layer, made.entry("a").keep, made.entry("a").kind) == (
        "feature",
        "none",
        "memory",
    )
    made.check_names(["a"])


def test_entries_that_start_with_an_underscore_only_hold_what_others_repeat(catalog):
    assert catalog(_csv={"sep": ";"}, a={"type": "csv", "filepath": "a.csv"}).names() == ["a"]


def test_all_faults_are_told_at_once_with_their_lines(catalog):
    with pytest.raises(errors.CatalogError) as raised:
        catalog(
            a={"type": "pandas.CSVDataest", "filepath": "a.csv"},
            b={"type": "csv", "filpath": "b.csv"},
            c="text",
            d={"filepath": "x"},
            e={"type": "csv", "filepath": "e.csv", "load_args": [1], "keep": "some", "versioned": "yes"},
        )
    text = faults_of(raised)
    for what in (
        "dataset 'a': there is no type 'pandas.CSVDataest'",
        "did you mean 'pandas.CSVDataset'?",
        "dataset 'b': pandas.CSVDataset takes no key 'filpath'",
        "did you mean 'filepath'?",
        "dataset 'b': it has no filepath",
        "dataset 'c': the entry is text, not a mapping",
        "dataset 'd': it has no type",
        "dataset 'e': load_args is a list, not a mapping",
        "dataset 'e': keep is 'some'",
        "dataset 'e': versioned is 'yes'",
    ):
        assert what in text
    assert "conf/base/catalog.yml:30: dataset 'b'" in text
    assert "catalog has 8 mistakes" in str(raised.value)


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("cvs", "'csv'"),
        ("Parquett", "'parquet'"),
        ("panda.CSVDataset", "'pandas.CSVDataset'"),
        ("pandas.HDFDataset", "kedro-datasets"),
        ("zzz", "pandas.CSVDataset"),
    ],
)
def test_an_unknown_type_is_a_fault_with_the_nearest_one(catalog, written, hint):
    with pytest.raises(errors.CatalogError, match="there is no type") as raised:
        catalog(a={"type": written, "filepath": "a"})
    assert hint in raised.value.hint


def test_an_unknown_backend_or_compression_is_a_fault(catalog):
    with pytest.raises(errors.CatalogError) as raised:
        catalog(a={"type": "pickle", "filepath": "a.pkl", "backend": "jolib", "compression": "zip"})
    assert "did you mean 'joblib'?" in faults_of(raised) and "no compression 'zip'" in faults_of(raised)


def test_unknown_names_are_told_with_the_nearest_ones(catalog):
    made = catalog(companies={"type": "csv", "filepath": "a.csv"})
    made.check_names(["companies"])
    with pytest.raises(errors.CatalogError) as raised:
        made.check_names(["compnies", "zzz", "companies"])
    assert len(raised.value.faults) == 2
    assert raised.value.faults[0].hint == "did you mean 'companies'?"
    assert "conf/base/catalog.yml" in raised.value.faults[1].hint


def test_a_missing_package_names_its_extra_before_work_begins(catalog, monkeypatch):
    made = catalog(a={"type": "plotly.PlotlyDataset", "filepath": "a.json"}, b={"type": "text", "filepath": "b"})
    made.check_ready(["a", "b", "nothing"])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(errors.MissingExtraError, match="needs the package 'plotly'") as raised:
        made.check_ready(["a", "b"])
    assert raised.value.hint == "pip install 'tane[plotly]'"


def test_a_missing_package_names_its_extra_when_it_is_used(dataset, tmp_path, monkeypatch):
    one = dataset(type="joblib", filepath="x.joblib")
    monkeypatch.setitem(sys.modules, "joblib", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(errors.MissingExtraError) as raised:
        one.write(1, tmp_path / "x.joblib")
    assert raised.value.hint == "pip install 'tane[joblib]'"


def test_a_catalog_needs_no_origins(tmp_path):
    with pytest.raises(errors.CatalogError, match="dataset 'a': it has no type") as raised:
        catalogs.Catalog.from_config({"a": {}}, {}, tmp_path)
    assert raised.value.where == ""


def test_an_empty_catalog_knows_nothing():
    assert catalogs.Catalog().find("a") is None and catalogs.Catalog().names() == []


def test_datasets_travel_to_other_processes(dataset, tmp_path):
    one = pickle.loads(pickle.dumps(dataset(type="text", filepath="x.txt")))
    one.write("a", tmp_path / "x.txt")
    assert one.read(tmp_path / "x.txt") == "a"


# factories

CSV = {"type": "csv", "filepath": "data/{name}.csv"}


def test_a_factory_stands_for_the_names_that_fit_it(catalog):
    made = catalog({"{name}_features": {**CSV, "metadata": {"layer": "{name}", "list": ["{name}"]}}})
    one = made.find("car_features")
    assert (one.name, one.place, one.layer) == ("car_features", "data/car.csv", "car")
    assert one.metadata["list"] == ["car"]
    assert made.find("car_features") is one
    assert made.find("cars") is None
    assert made.names() == [] and made.patterns() == ["{name}_features"]
    made.check_names(["bus_features"])


def test_the_most_literal_pattern_wins_and_an_entry_before_all(catalog):
    made = catalog(
        {
            "{default}": {"type": "pickle", "filepath": "{default}.pkl"},
            "{space}.{name}": {"type": "text", "filepath": "{space}/{name}.txt"},
            "{name}_data": {"type": "csv", "filepath": "{name}.csv"},
            "raw_{name}_data": {"type": "parquet", "filepath": "{name}.parquet"},
            "my_data": {"type": "json", "filepath": "my.json"},
        }
    )
    kinds = {name: made.find(name).place for name in ("my_data", "raw_x_data", "x_data", "a.b.c", "else")}
    assert kinds == {
        "my_data": "my.json",
        "raw_x_data": "x.parquet",
        "x_data": "x.csv",
        "a.b.c": "a/b.c.txt",
        "else": "else.pkl",
    }


def test_a_placeholder_that_stands_twice_means_the_same(catalog):
    made = catalog({"{a}_to_{a}": {"type": "text", "filepath": "{a}.txt"}})
    assert made.find("x_to_x").place == "x.txt" and made.find("x_to_y") is None


def test_a_placeholder_may_be_the_type(catalog):
    made = catalog({"{name}.{kind}": {"type": "{kind}", "filepath": "{name}"}})
    assert made.find("a.csv").type == "pandas.CSVDataset"
    with pytest.raises(errors.CatalogError, match="no type 'cvs'"):
        made.find("a.cvs")


def test_faults_of_a_factory_are_found_before_a_name_fits_it(catalog):
    with pytest.raises(errors.CatalogError) as raised:
        catalog({"{name}_x": {"type": "csv", "filepath": "{nme}.csv", "lod_args": {}}})
    text = faults_of(raised)
    assert "the placeholder {nme} is not in its name" in text and "did you mean 'name'?" in text
    assert "takes no key 'lod_args'" in text
    with pytest.raises(errors.CatalogError, match="not a mapping"):
        catalog({"{name}_x": "text"})


def test_only_one_factory_may_stand_for_every_name(catalog):
    with pytest.raises(errors.CatalogError) as raised:
        catalog({"{a}": {"type": "text", "filepath": "{a}"}, "{b}{c}": {"type": "text", "filepath": "{b}"}})
    assert "dataset '{b}{c}': '{a}' stands for every name too" in faults_of(raised)


@pytest.mark.parametrize("name", ["{n:d}_x", "{}_x", "{a}_{", "{a.b}", "{0}.m", "{x.m"])
def test_braces_that_are_no_placeholder_are_refused(catalog, name):
    with pytest.raises(errors.CatalogError, match="has braces that are no placeholder"):
        catalog({name: {"type": "text", "filepath": "x.txt"}})


@pytest.mark.parametrize("name", ["a b", " a", "", "{a} b", 3])
def test_names_with_spaces_are_refused(catalog, name):
    with pytest.raises(errors.CatalogError, match="is no name for a dataset") as raised:
        catalog({name: {"type": "text", "filepath": "x.txt"}})
    assert raised.value.where.startswith("conf/base/catalog.yml")


# encodings as Kedro has them


def test_an_encoding_may_stand_in_fs_args(dataset, tmp_path):
    opened = {"open_args_load": {"encoding": "latin-1"}, "open_args_save": {"encoding": "latin-1", "mode": "w"}}
    one = dataset(type="text", filepath="it.txt", fs_args=opened)
    one.write("Ærø", tmp_path / "it.txt")
    assert (tmp_path / "it.txt").read_bytes() == "Ærø".encode("latin-1")
    assert one.read(tmp_path / "it.txt") == "Ærø"


def test_an_encoding_that_a_type_does_not_have_is_refused(dataset):
    with pytest.raises(errors.CatalogError, match="json.JSONDataset has no encoding but UTF-8"):
        dataset(type="json", filepath="it.json", fs_args={"open_args_load": {"encoding": "latin-1"}})
    dataset(type="json", filepath="it.json", fs_args={"open_args_load": {"encoding": "UTF-8"}})


# credentials


def test_credentials_are_looked_up_and_never_shown(catalog):
    made = catalog(
        {"a": {"type": "text", "filepath": "memory://a.txt", "credentials": "dev", "fs_args": {"x": 1}}},
        credentials={"dev": {"key": secret.Secret("hush"), "nested": {"token": secret.Secret("hush")}}},
    )
    one = made.find("a")
    assert one.remote.options["key"].reveal() == "hush"
    assert "hush" not in repr(one) + repr(one.remote) + str(one.load_spec) + str(one.save_spec)


def test_missing_credentials_are_a_fault_with_the_nearest_name(catalog):
    with pytest.raises(errors.CatalogError, match="no credentials 'dve_s3'") as raised:
        catalog(
            {"a": {"type": "text", "filepath": "s3://b/a.txt", "credentials": "dve_s3"}},
            credentials={"dev_s3": {"key": secret.Secret("hush")}},
        )
    assert raised.value.hint == "did you mean 'dev_s3'?"
    with pytest.raises(errors.CatalogError, match="no mapping"):
        catalog(
            {"a": {"type": "text", "filepath": "a", "credentials": "b"}},
            credentials={"b": secret.Secret("x")},
        )


def test_a_password_in_a_url_is_not_shown(dataset):
    assert dataset(type="text", filepath="ftp://me:hush@host/a.txt").place == "ftp://host/a.txt"
