"""Each format gives back what it was given, and writes the same bytes for the same value."""

import gzip
import json
import subprocess
import sys

import matplotlib.figure
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import polars as pl
import pytest
from pandas.testing import assert_frame_equal

from tane import errors

FRAME = pd.DataFrame({"id": [1, 2, 3], "price": [1.5, None, 3.25], "name": ["a", "b,c", "é"]})
POLARS = pl.DataFrame({"id": [1, 2, 3], "price": [1.5, None, 3.25], "name": ["a", "b,c", "é"]})
DOCUMENT = {"z": [1, 2.5, None, True], "a": {"text": "é"}}


class Model:
    def __init__(self, weights):
        self.weights = weights

    def __eq__(self, other):
        return self.weights == other.weights


def same(value, again):
    if isinstance(value, pd.DataFrame):
        assert_frame_equal(value, again)
    elif isinstance(value, pl.DataFrame):
        assert value.equals(again) and value.schema == again.schema
    elif isinstance(value, np.ndarray):
        assert value.dtype == again.dtype and value.tolist() == again.tolist()
    else:
        assert again == value


ROUND_TRIPS = [
    ("pandas.CSVDataset", "x.csv", FRAME, {}),
    ("pandas.CSVDataset", "x.csv.gz", FRAME, {}),
    ("pandas.CSVDataset", "x.csv.bz2", FRAME, {}),
    ("pandas.CSVDataset", "x.tsv", FRAME, {"load_args": {"sep": "\t"}, "save_args": {"sep": "\t"}}),
    ("pandas.CSVDataSet", "x.csv", FRAME, {}),
    ("csv", "x.csv", FRAME, {}),
    ("pandas.ParquetDataset", "x.parquet", FRAME, {}),
    ("pandas.JSONDataset", "x.json", FRAME, {}),
    ("pandas.JSONDataset", "x.json.gz", FRAME, {}),
    ("polars.CSVDataset", "x.csv", POLARS, {}),
    ("polars.CSVDataset", "x.csv.gz", POLARS, {}),
    ("polars.ParquetDataset", "x.parquet", POLARS, {}),
    ("json.JSONDataset", "x.json", DOCUMENT, {}),
    ("json.JSONDataset", "x.json.gz", DOCUMENT, {}),
    ("yaml.YAMLDataset", "x.yml", DOCUMENT, {}),
    ("text.TextDataset", "x.txt", "first\nsecond é\n", {}),
    ("text.TextDataset", "x.txt.xz", "", {}),
    ("pickle.PickleDataset", "x.pkl", Model([1, 2]), {}),
    ("pickle.PickleDataset", "x.pkl.gz", Model([1, 2]), {}),
    ("pickle.PickleDataset", "x.pkl", Model([1, 2]), {"backend": "joblib"}),
    ("pickle.PickleDataset", "x.pkl", Model([1, 2]), {"backend": "cloudpickle", "compression": "bz2"}),
    ("joblib.JoblibDataset", "x.joblib.gz", Model([1, 2]), {}),
    ("numpy.NumpyDataset", "x.npy", np.asfortranarray(np.arange(6.0).reshape(2, 3)), {}),
    ("numpy.NumpyDataset", "x.npy", np.array(["2020-01-01"], dtype="M8[D]"), {}),
]


@pytest.mark.parametrize(("kind", "name", "value", "more"), ROUND_TRIPS)
def test_what_is_written_is_read_back(dataset, tmp_path, kind, name, value, more):
    one = dataset(type=kind, filepath=name, **more)
    one.write(value, tmp_path / name)
    same(value, one.read(tmp_path / name))


@pytest.mark.parametrize(("kind", "name", "value", "more"), ROUND_TRIPS)
def test_the_same_value_gives_the_same_bytes_under_any_name(dataset, tmp_path, kind, name, value, more):
    one = dataset(type=kind, filepath=name, **more)
    one.write(value, tmp_path / name)
    one.write(value, tmp_path / f"another-{name}")
    assert (tmp_path / name).read_bytes() == (tmp_path / f"another-{name}").read_bytes()


def test_gzip_holds_neither_time_nor_name(dataset, tmp_path):
    dataset(type="csv", filepath="x.csv.gz").write(FRAME, tmp_path / "x.csv.gz")
    head = (tmp_path / "x.csv.gz").read_bytes()[:10]
    assert head[3] == 0 and head[4:8] == bytes(4)


def test_csv_defaults_are_those_of_pandas_without_the_index(dataset, tmp_path):
    dataset(type="csv", filepath="x.csv").write(FRAME, tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text() == FRAME.to_csv(index=False)


def test_csv_may_be_compressed_otherwise_than_its_name_says(dataset, tmp_path):
    compression = {"method": "gzip", "compresslevel": 1}
    one = dataset(type="csv", filepath="x.dat", save_args={"compression": compression})
    one.write(FRAME, tmp_path / "x.dat")
    assert gzip.decompress((tmp_path / "x.dat").read_bytes()).decode() == FRAME.to_csv(index=False)


def test_a_dict_of_arrays_goes_to_npz(dataset, tmp_path):
    one = dataset(type="numpy", filepath="x.npz", save_args={"compressed": True})
    one.write({"a": np.arange(3), "b": np.zeros((2, 2))}, tmp_path / "x.npz")
    again = one.read(tmp_path / "x.npz")
    assert list(again) == ["a", "b"] and again["a"].tolist() == [0, 1, 2]


def test_parquet_reads_a_folder_of_parts(dataset, tmp_path):
    one = dataset(type="pandas.ParquetDataset", filepath="parts")
    (tmp_path / "parts").mkdir()
    FRAME[:2].to_parquet(tmp_path / "parts" / "0.parquet")
    FRAME[2:].to_parquet(tmp_path / "parts" / "1.parquet")
    assert one.read(tmp_path / "parts")["id"].tolist() == [1, 2, 3]


def figure(title="A curve"):
    made = matplotlib.figure.Figure()
    made.subplots().plot([1, 3, 2], label="x")
    made.suptitle(title)
    return made


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_equal_figures_give_equal_images(dataset, tmp_path, suffix):
    one = dataset(type="matplotlib.MatplotlibWriter", filepath=f"x.{suffix}")
    one.write(figure(), tmp_path / f"1.{suffix}")
    one.write(figure(), tmp_path / f"2.{suffix}")
    one.write(figure("Another"), tmp_path / f"3.{suffix}")
    first, second, third = ((tmp_path / f"{n}.{suffix}").read_bytes() for n in (1, 2, 3))
    assert first == second != third
    assert one.write_only and one.faithful


def test_many_figures_go_into_a_folder(dataset, tmp_path):
    one = dataset(type="matplotlib", filepath="plots", save_args={"dpi": 20})
    one.write({"roc": figure(), "by/class.svg": figure()}, tmp_path / "dict")
    one.write([figure(), figure()], tmp_path / "list")
    assert (tmp_path / "dict" / "roc.png").exists() and (tmp_path / "dict" / "by" / "class.svg").exists()
    assert sorted(path.name for path in (tmp_path / "list").iterdir()) == ["0.png", "1.png"]


def test_a_figure_may_not_be_named_out_of_its_folder(dataset, tmp_path):
    with pytest.raises(errors.CatalogError, match="no file name"):
        dataset(type="matplotlib", filepath="plots").write({"../x": figure()}, tmp_path / "plots")


def test_an_image_is_not_loaded(dataset, tmp_path):
    (tmp_path / "x.png").write_bytes(b"PNG")
    with pytest.raises(errors.CatalogError, match="cannot be loaded as a figure"):
        dataset(type="matplotlib", filepath="x.png").read(tmp_path / "x.png")


def test_an_axes_stands_for_its_figure(dataset, tmp_path):
    dataset(type="matplotlib", filepath="x.png").write(figure().axes[0], tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def test_plotly_figures_load_back_from_json(dataset, tmp_path):
    one = dataset(type="plotly.PlotlyDataset", filepath="x.json")
    one.write(go.Figure(go.Scatter(y=[1, 2])), tmp_path / "x.json")
    assert list(one.read(tmp_path / "x.json").data[0].y) == [1, 2]
    assert not one.write_only


def test_plotly_pages_need_nothing_else_and_are_the_same_each_time(dataset, tmp_path):
    one = dataset(type="plotly.HTMLDataset", filepath="x.html")
    for name in ("1.html", "2.html"):
        one.write(go.Figure(go.Scatter(y=[1, 2])), tmp_path / name)
    text = (tmp_path / "1.html").read_text()
    assert text == (tmp_path / "2.html").read_text()
    assert "plotly.js v" in text and "<script src=" not in text
    assert one.write_only


WRONG_VALUES = [
    ("csv", "x.csv", {"a": 1}, "takes a pandas data frame, but was given a dict"),
    ("csv", "x.csv", POLARS, "polars DataFrame"),
    ("parquet", "x.parquet", None, "NoneType"),
    ("polars.csv", "x.csv", FRAME, "takes a polars data frame"),
    ("polars.csv", "x.csv", POLARS.lazy(), "LazyFrame"),
    ("json", "x.json", {"a": np.int64(1)}, "not plain JSON"),
    ("yaml", "x.yml", {"a": np.int64(1)}, "not plain YAML"),
    ("text", "x.txt", 1, "takes text"),
    ("pickle", "x.pkl", lambda: 1, "cannot be pickled"),
    ("numpy", "x.npy", [1], "takes a NumPy array"),
    ("numpy", "x.npz", np.zeros(1), "takes a dict of arrays"),
    ("matplotlib", "x.png", 1, "takes a Matplotlib figure"),
    ("matplotlib", "x.docx", figure(), "cannot write 'docx'"),
    ("plotly", "x.json", 1, "takes a Plotly figure"),
]


@pytest.mark.parametrize(("kind", "name", "value", "what"), WRONG_VALUES)
def test_a_value_that_does_not_fit_is_refused_in_words(dataset, tmp_path, kind, name, value, what):
    with pytest.raises(errors.CatalogError) as raised:
        dataset(type=kind, filepath=name).write(value, tmp_path / name)
    assert what in raised.value.what and "dataset 'it'" in raised.value.what
    assert raised.value.hint and raised.value.where == name


BROKEN_FILES = [
    ("csv", "x.csv", "a,b\n1,2\n3,4,5\n", "expected 2 fields, saw 3", "x.csv:3", "on_bad_lines"),
    ("csv", "x.csv", 'a,b\n1,2\n3,"4\n', "never closed", "x.csv:3", "quote"),
    ("csv", "x.csv", "", "the file is empty", "x.csv", "put the file back"),
    ("csv", "x.csv", "\n", "no column", "x.csv", "header"),
    ("csv", "x.csv", b"a\n\xe9\n", "not utf-8 text", "x.csv", "encoding"),
    ("csv", "x.csv.gz", "a,b\n", "not compressed as its name says", "x.csv.gz", "suffix"),
    ("parquet", "x.parquet", "nonsense", "could not be loaded", "x.parquet", "check the file"),
    ("polars.csv", "x.csv", "a,b\n1,2\n3,4,5\n", "expected 2 fields, saw 3", "x.csv:3", "truncate_ragged"),
    ("polars.csv", "x.csv", "a\n" + "1\n" * 200 + "x\n", "could not read it", "x.csv", "mend the file"),
    ("json", "x.json", '{"a": 1,\n "b": }\n', "not JSON", "x.json:2", "mend"),
    ("yaml", "x.yml", "a: 1\nb: [\n", "not YAML", "x.yml:3", "mend"),
    ("pickle", "x.pkl", "nonsense", "not a pickle file", "x.pkl", "backend"),
    ("pickle", "x.pkl", b"cno_such_module\nX\n.", "module 'no_such_module'", "x.pkl", "install"),
    ("numpy", "x.npy", "nonsense", "could not be loaded", "x.npy", "check the file"),
]


@pytest.mark.parametrize(("kind", "name", "content", "what", "where", "hint"), BROKEN_FILES)
def test_a_broken_file_is_named_with_what_to_do(dataset, tmp_path, kind, name, content, what, where, hint):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(errors.CatalogError) as raised:
        dataset(type=kind, filepath=name).read(tmp_path / name)
    assert what in raised.value.what and "dataset 'it'" in raised.value.what
    assert raised.value.where == where
    assert hint in raised.value.hint


def test_a_missing_file_is_named_with_the_nearest_one(dataset, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "companies.csv").touch()
    with pytest.raises(errors.CatalogError) as raised:
        dataset(type="csv", filepath="data/compnies.csv").read(tmp_path / "data" / "compnies.csv")
    assert raised.value.where == "data/compnies.csv"
    assert raised.value.hint == "did you mean data/companies.csv?"


def test_a_missing_folder_is_named(dataset, tmp_path):
    assert "no folder" in dataset(type="csv", filepath="dta/x.csv").missing().hint


def test_a_folder_in_the_place_of_a_file_is_named(dataset, tmp_path):
    (tmp_path / "x.csv").mkdir()
    with pytest.raises(errors.CatalogError, match="it is a folder, not a file"):
        dataset(type="csv", filepath="x.csv").read(tmp_path / "x.csv")


def test_a_file_that_may_not_be_read_is_named(dataset, tmp_path, monkeypatch):
    (tmp_path / "x.txt").write_text("a")

    def refuse(*_args, **_options):
        raise PermissionError(13, "Permission denied", str(tmp_path / "x.txt"))

    monkeypatch.setattr("tane.catalog.formats.streams.open", refuse, raising=False)
    with pytest.raises(errors.CatalogError, match="may not be read") as raised:
        dataset(type="text", filepath="x.txt").read(tmp_path / "x.txt")
    assert "chmod" in raised.value.hint


@pytest.mark.parametrize("number", [28, 30])
def test_a_full_or_read_only_disk_is_no_mistake_of_the_catalog(dataset, tmp_path, monkeypatch, number):
    def refuse(*_args, **_options):
        raise OSError(number, "No space left on device")

    monkeypatch.setattr("tane.catalog.formats.streams.open", refuse, raising=False)
    with pytest.raises(errors.PlaceError, match="No space left") as raised:
        dataset(type="text", filepath="x.txt").write("a", tmp_path / "x.txt")
    assert raised.value.exit_code == 4


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [("csv", "x.csv", FRAME), ("polars.csv", "x.csv", POLARS), ("yaml", "x.yml", {})],
)
def test_a_misspelt_option_is_named_with_the_nearest_one(dataset, tmp_path, kind, name, value):
    near = {
        "csv": ("enconding", "encoding"),
        "polars.csv": ("seprator", "separator"),
        "yaml": ("indnt", "indent"),
    }
    wrong, right = near[kind]
    with pytest.raises(errors.CatalogError) as raised:
        dataset(type=kind, filepath=name, save_args={wrong: "utf-8"}).write(value, tmp_path / name)
    assert repr(wrong) in raised.value.what and repr(right) in raised.value.hint


def test_no_data_library_is_imported_by_the_catalog():
    code = (
        "import sys; from tane.catalog import catalogs, codecs\n"
        "heavy = {'pandas', 'numpy', 'polars', 'pyarrow', 'yaml', 'fsspec', 'matplotlib', 'plotly', 'joblib',"
        " 'cloudpickle', 'importlib.metadata', 'asyncio'}\n"
        "import json; print(json.dumps(sorted(heavy & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
