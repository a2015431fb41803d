"""The types of spreadsheets, columns, XML and polars: what is written is read back, and mistakes are told."""

import zipfile

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal
from PIL import Image

from tane import errors
from tane.catalog.formats import contract

FRAME = pd.DataFrame({"id": [1, 2, 3], "price": [1.5, None, 3.25], "name": ["a", "b,c", "é"]})
POLARS = pl.DataFrame({"id": [1, 2, 3], "price": [1.5, None, 3.25], "name": ["a", "b,c", "é"]})
ARROW = pa.table({"id": [1, 2, 3], "price": [1.5, None, 3.25], "name": ["a", "b,c", "é"]})
LINES = [{"a": 1}, [1, 2.5, None], "é", 7]
SHEETS = {"first": FRAME, "second": FRAME[:1]}


def same(value, again):
    if isinstance(value, dict):
        assert list(value) == list(again)
        for name in value:
            same(value[name], again[name])
    elif isinstance(value, pd.DataFrame):
        assert_frame_equal(value.reset_index(drop=True), again)
    elif isinstance(value, pl.LazyFrame):
        same(value.collect(), again.collect())
    else:
        assert value.equals(again) if hasattr(value, "equals") else value == again


ROUND_TRIPS = [
    ("pandas.ExcelDataset", "x.xlsx", FRAME, {}),
    ("excel", "x.xlsx", FRAME, {"load_args": {"sheet_name": "prices"}, "save_args": {"sheet_name": "prices"}}),
    ("excel", "x.xlsx", SHEETS, {"load_args": {"sheet_name": None}}),
    ("excel", "x.xlsx", SHEETS, {"load_args": {"sheet_name": ["first", "second"]}}),
    ("pandas.FeatherDataset", "x.feather", FRAME, {}),
    ("pandas.XMLDataset", "x.xml", FRAME, {}),
    ("pandas.XMLDataset", "x.xml.gz", FRAME, {}),
    ("arrow.CSVDataset", "x.csv", ARROW, {}),
    ("arrow.CSVDataset", "x.csv.xz", ARROW, {}),
    ("arrow.CSVDataset", "x.tsv", ARROW, {"load_args": {"delimiter": "\t"}, "save_args": {"delimiter": "\t"}}),
    ("arrow.ParquetDataset", "x.parquet", ARROW, {"save_args": {"compression": "zstd"}}),
    ("arrow.FeatherDataset", "x.arrow", ARROW, {}),
    ("polars.JSONDataset", "x.json", POLARS, {}),
    ("polars.JSONDataset", "x.json.gz", POLARS, {}),
    ("polars.CSVDataset", "x.csv.bz2", POLARS, {}),
    ("polars.EagerPolarsDataset", "x.csv", POLARS, {}),
    ("polars.EagerPolarsDataset", "x.data", POLARS, {"file_format": "ipc"}),
    ("polars.LazyPolarsDataset", "x.csv", POLARS.lazy(), {"file_format": "csv"}),
    ("polars.LazyPolarsDataset", "x.csv.gz", POLARS.lazy(), {}),
    ("polars.LazyPolarsDataset", "x.parquet", POLARS.lazy(), {}),
    ("polars.LazyPolarsDataset", "x.arrow", POLARS.lazy(), {}),
    ("polars.LazyPolarsDataset", "x.jsonl", POLARS.lazy(), {}),
    ("json.JSONLinesDataset", "x.jsonl", LINES, {}),
    ("json.JSONLinesDataset", "x.jsonl.gz", [], {}),
]


@pytest.mark.parametrize(("kind", "name", "value", "more"), ROUND_TRIPS)
def test_what_is_written_is_read_back(dataset, tmp_path, kind, name, value, more):
    one = dataset(type=kind, filepath=name, **more)
    one.write(value, tmp_path / name)
    same(value, one.read(tmp_path / name))


@pytest.mark.parametrize(("kind", "name", "value", "more"), ROUND_TRIPS)
def test_the_same_value_gives_the_same_bytes_at_any_time(dataset, tmp_path, monkeypatch, kind, name, value, more):
    one = dataset(type=kind, filepath=name, **more)
    one.write(value, tmp_path / name)
    monkeypatch.setattr("time.time", lambda: 2e9)
    monkeypatch.setattr("openpyxl.writer.excel.datetime.datetime", Later)
    one.write(value, tmp_path / f"another-{name}")
    assert (tmp_path / name).read_bytes() == (tmp_path / f"another-{name}").read_bytes()


class Later(__import__("datetime").datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2033, 5, 18, tzinfo=tz)


def test_an_excel_file_tells_no_time(dataset, tmp_path):
    dataset(type="excel", filepath="x.xlsx").write(FRAME, tmp_path / "x.xlsx")
    with zipfile.ZipFile(tmp_path / "x.xlsx") as book:
        assert {info.date_time[0] for info in book.infolist()} == {1980}
        assert b"1980-01-01T00:00:00Z" in book.read("docProps/core.xml")


def test_a_lazy_frame_reads_only_what_is_asked_for(dataset, tmp_path):
    one = dataset(type="polars.lazy", filepath="x.parquet")
    one.write(POLARS, tmp_path / "x.parquet")
    query = one.read(tmp_path / "x.parquet").filter(pl.col("id") > 1).select("name")
    assert one.format.lazy and isinstance(query, pl.LazyFrame)
    assert query.collect()["name"].to_list() == ["b,c", "é"]


@pytest.mark.parametrize(
    ("name", "more", "what"),
    [
        ("x.docx", {}, "does not say what file it is"),
        ("x.csv", {"file_format": "parqet"}, "no file_format 'parqet'"),
        ("x.json", {}, "cannot be scanned"),
        ("x.csv.bz2", {}, "cannot scan bz2"),
        ("x.csv", {"load_args": {"seprator": ";"}}, "no option 'seprator'"),
    ],
)
def test_a_scan_that_cannot_be_is_a_mistake_of_the_entry(dataset, tmp_path, name, more, what):
    (tmp_path / name).write_text("a\n1\n")
    with pytest.raises(errors.CatalogError) as raised:
        dataset(type="polars.lazy", filepath=name, **more).read(tmp_path / name)
    assert what in raised.value.what and raised.value.where.startswith("conf/base/catalog.yml")


WRONG_VALUES = [
    ("excel", "x.xlsx", {"a": 1}, "takes a pandas data frame, but was given a int"),
    ("excel", "x.xlsx", {}, "no sheet"),
    ("pandas.feather", "x.feather", POLARS, "polars DataFrame"),
    ("pandas.xml", "x.xml", 1, "given a int"),
    ("arrow.parquet", "x.parquet", FRAME, "takes an Arrow table"),
    ("arrow.feather", "x.arrow", [1], "takes an Arrow table"),
    ("arrow.csv", "x.csv", POLARS, "takes an Arrow table"),
    ("polars.json", "x.json", POLARS.lazy(), "LazyFrame"),
    ("polars.lazy", "x.csv", FRAME, "takes a polars data frame"),
    ("jsonl", "x.jsonl", {"a": 1}, "takes a list"),
    ("jsonl", "x.jsonl", [np.int64(1)], "not plain JSON"),
    ("image", "x.png", np.zeros((2, 2)), "takes a Pillow image"),
    ("image", "x.png", Image.new("CMYK", (2, 2)), "no colours of mode CMYK"),
    ("image", "x.jpg", Image.new("RGBA", (2, 2)), "no colours of mode RGBA"),
    ("image", "x.docx", Image.new("RGB", (2, 2)), "cannot write '.docx'"),
    ("zip", "x.zip", [b"a"], "takes a dict of names to bytes"),
    ("zip", "x.zip", {"a.txt": "text"}, "'a.txt': it takes bytes"),
    ("tar", "x.tar", {"../a.txt": b""}, "leads out of the archive"),
]


@pytest.mark.parametrize(("kind", "name", "value", "what"), WRONG_VALUES)
def test_a_value_that_does_not_fit_is_refused_in_words(dataset, tmp_path, kind, name, value, what):
    with pytest.raises(errors.CatalogError) as raised:
        dataset(type=kind, filepath=name).write(value, tmp_path / name)
    assert what in raised.value.what and "dataset 'it'" in raised.value.what and raised.value.hint


BROKEN_FILES = [
    ("excel", "x.xlsx", "nonsense", "not an Excel file", "x.xlsx"),
    ("pandas.feather", "x.feather", "nonsense", "could not be loaded", "x.feather"),
    ("pandas.xml", "x.xml", "<a>\n<b>\n</a>", "not XML: mismatched tag", "x.xml:3"),
    ("pandas.json", "x.json", '{"a": {"0": 1},\n "b" 1}', "not JSON", "x.json:2"),
    ("arrow.csv", "x.csv", "a,b\n1,2\n3,4,5\n", "expected 2 fields, saw 3", "x.csv:3"),
    ("arrow.csv", "x.csv", "\n", "no column", "x.csv"),
    ("arrow.parquet", "x.parquet", "nonsense", "could not be loaded", "x.parquet"),
    ("arrow.feather", "x.arrow", "nonsense", "could not be loaded", "x.arrow"),
    ("polars.json", "x.json", "[{]", "polars could not read it", "x.json"),
    ("polars.lazy", "x.parquet", "nonsense", "polars could not read it", "x.parquet"),
    ("jsonl", "x.jsonl", '{"a": 1}\n{"a"}\n', "not JSON", "x.jsonl:2"),
    ("image", "x.png", "nonsense", "no image that Pillow knows", "x.png"),
    ("zip", "x.zip", "nonsense", "not a zip file", "x.zip"),
    ("tar", "x.tar.gz", "nonsense", "not a tar file", "x.tar.gz"),
]


@pytest.mark.parametrize(("kind", "name", "content", "what", "where"), BROKEN_FILES)
def test_a_broken_file_is_named_with_what_to_do(dataset, tmp_path, kind, name, content, what, where):
    (tmp_path / name).write_text(content)
    with pytest.raises(errors.CatalogError) as raised:
        dataset(type=kind, filepath=name).read(tmp_path / name)
    assert what in raised.value.what and "dataset 'it'" in raised.value.what
    assert raised.value.where == where and raised.value.hint


def test_a_missing_sheet_is_named_with_the_nearest_one(dataset, tmp_path):
    dataset(type="excel", filepath="x.xlsx").write(SHEETS, tmp_path / "x.xlsx")
    with pytest.raises(errors.CatalogError, match="no sheet 'secnd'") as raised:
        dataset(type="excel", filepath="x.xlsx", load_args={"sheet_name": "secnd"}).read(tmp_path / "x.xlsx")
    assert raised.value.hint == "did you mean 'second'?"


@pytest.mark.parametrize(
    ("kind", "name", "module", "extra"),
    [
        ("excel", "x.xlsx", "openpyxl", "excel"),
        ("arrow.csv", "x.csv", "pyarrow", "arrow"),
        ("image", "x.png", "PIL", "pillow"),
        ("polars.lazy", "x.csv", "polars", "polars"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(dataset, monkeypatch, kind, name, module, extra):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == module else find(name, *more))
    with pytest.raises(errors.MissingExtraError) as raised:
        dataset(type=kind, filepath=name).check_ready()
    assert raised.value.hint == f"pip install 'tane[{extra}]'"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_png_gives_the_very_image_back(dataset, tmp_path, mode):
    pixels = np.random.default_rng(0).integers(0, 255, (7, 5, 3), dtype="uint8")
    image = Image.fromarray(pixels)
    image = image.quantize(9) if mode == "P" else image.convert("L").convert(mode)
    one = dataset(type="pillow.ImageDataset", filepath="x.png")
    one.write(image, tmp_path / "x.png")
    again = one.read(tmp_path / "x.png")
    assert again == image and type(again) is Image.Image and one.faithful


def test_a_jpeg_does_not_claim_to(dataset, tmp_path):
    one = dataset(type="image", filepath="x.jpg", save_args={"quality": 60})
    one.write(Image.new("RGB", (5, 4), "red"), tmp_path / "x.jpg")
    assert one.read(tmp_path / "x.jpg").size == (5, 4) and not one.faithful


def test_equal_images_give_equal_bytes(dataset, tmp_path):
    for name in ("x.png", "x.jpg", "x.tiff"):
        one = dataset(type="image", filepath=name)
        one.write(Image.new("RGB", (5, 4), "red"), tmp_path / name)
        one.write(Image.new("RGB", (5, 4), "red"), tmp_path / f"2-{name}")
        assert (tmp_path / name).read_bytes() == (tmp_path / f"2-{name}").read_bytes()


def test_an_image_too_large_to_be_harmless_is_refused(dataset, tmp_path, monkeypatch):
    Image.new("L", (100, 100)).save(tmp_path / "x.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4000)
    with pytest.raises(errors.CatalogError, match="decompression bomb"):
        dataset(type="image", filepath="x.png").read(tmp_path / "x.png")


def test_formats_answer_all_that_is_asked_of_them():
    whole = contract.Whole(contract.Options())
    assert not (whole.lazy or whole.streams or whole.partitioned or whole.folders or whole.write_only)
    with pytest.raises(contract.EntryProblem, match="no partitions"):
        whole.partition_ids(["a"])
    with pytest.raises(contract.EntryProblem, match="no partitions"):
        whole.read_partition("a")
