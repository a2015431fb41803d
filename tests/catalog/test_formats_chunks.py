"""Tables, texts and lines in chunks: the same as whole, flat in memory, and as clear about what is broken."""

import gzip
import json

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from tane import errors
from tane.catalog import kinds
from tane.catalog.formats import contract

FRAME = pd.DataFrame({"id": range(7), "price": [1.5, None, 3.25, 0.1, 1e9, -2.0, 7.0], "name": list("abcdeé,")})
POLARS = pl.DataFrame({"id": range(7), "price": [1.5, None, 3.25, 0.1, 1e9, -2.0, 7.0], "name": list("abcdeé,")})
ARROW = pa.table({name: POLARS[name].to_list() for name in POLARS.columns})
LINES = [{"a": n, "b": ["é", None]} for n in range(7)]
JSONL = {"load_args": {"orient": "records", "lines": True}, "save_args": {"orient": "records", "lines": True}}


def parts(value, size=3):
    if isinstance(value, pa.Table):
        return [value.slice(i, size) for i in range(0, value.num_rows, size)]
    return [value[i : i + size] for i in range(0, len(value), size)]


def joined(chunks):
    chunks = list(chunks)
    kind = type(chunks[0])
    if kind is pd.DataFrame:
        return pd.concat(chunks)
    if kind is pl.DataFrame:
        return pl.concat(chunks)
    if kind is pa.Table:
        return pa.concat_tables(chunks)
    return "".join(chunks) if kind is str else [item for chunk in chunks for item in chunk]


def same(value, again):
    if isinstance(value, pd.DataFrame):
        assert_frame_equal(value, again)
    else:
        assert value.equals(again) if hasattr(value, "equals") else value == again


# type, name, value, its other keys, the option that reads it in chunks (None: only written so)
CHUNKED = [
    ("pandas.CSVDataset", "x.csv", FRAME, {}, "chunksize"),
    ("pandas.CSVDataset", "x.csv.gz", FRAME, {}, "chunksize"),
    ("pandas.CSVDataset", "x.csv.xz", FRAME, {}, "chunksize"),
    ("pandas.JSONDataset", "x.jsonl", FRAME, JSONL, "chunksize"),
    ("pandas.JSONDataset", "x.jsonl.gz", FRAME, JSONL, "chunksize"),
    ("pandas.ParquetDataset", "x.parquet", FRAME, {}, "batch_size"),
    ("pandas.FeatherDataset", "x.feather", FRAME, {}, "batch_size"),
    ("arrow.CSVDataset", "x.csv", ARROW, {}, "batch_size"),
    ("arrow.CSVDataset", "x.csv.gz", ARROW, {}, "batch_size"),
    ("arrow.ParquetDataset", "x.parquet", ARROW, {}, "batch_size"),
    ("arrow.FeatherDataset", "x.arrow", ARROW, {}, "batch_size"),
    ("json.JSONLinesDataset", "x.jsonl", LINES, {}, "chunksize"),
    ("text.TextDataset", "x.txt", "one\ntwo é\nthree\nfour", {}, "chunksize"),
    ("polars.CSVDataset", "x.csv", POLARS, {}, None),
    ("polars.ParquetDataset", "x.parquet", POLARS, {}, None),
    ("polars.EagerPolarsDataset", "x.jsonl", POLARS, {}, None),
    ("polars.EagerPolarsDataset", "x.arrow", POLARS, {}, None),
]


def whole_and_chunked(dataset, kind, name, more, option):
    whole = dataset(type=kind, filepath=name, **more)
    load_args = {**more.get("load_args", {}), option: 3}
    return whole, dataset(type=kind, filepath=name, **{**more, "load_args": load_args})


@pytest.mark.parametrize(("kind", "name", "value", "more", "option"), CHUNKED)
def test_chunks_written_make_the_whole(dataset, tmp_path, kind, name, value, more, option):
    one = dataset(type=kind, filepath=name, **more)
    assert one.format.streams
    one.format.write_chunks(iter(parts(value)), str(tmp_path / name))
    same(value, one.read(tmp_path / name))


@pytest.mark.parametrize(("kind", "name", "value", "more", "option"), [row for row in CHUNKED if row[4]])
def test_the_chunks_read_make_the_whole(dataset, tmp_path, kind, name, value, more, option):
    whole, chunked = whole_and_chunked(dataset, kind, name, more, option)
    whole.write(value, tmp_path / name)
    assert chunked.format.lazy and not whole.format.lazy
    chunks = list(chunked.read(tmp_path / name))
    assert [len(chunk) for chunk in chunks] == [3, 3, 1] or kind == "text.TextDataset"
    assert len(chunks) > 1
    same(whole.read(tmp_path / name), joined(chunks))


@pytest.mark.parametrize(
    ("kind", "name", "value", "more"),
    [row[:4] for row in CHUNKED if "parquet" not in row[1] and "eather" not in row[0] and "arrow" not in row[1]],
)
def test_text_has_the_same_bytes_whole_and_in_chunks(dataset, tmp_path, kind, name, value, more):
    one = dataset(type=kind, filepath=name, **more)
    one.write(value, tmp_path / f"whole-{name}")
    one.format.write_chunks(iter(parts(value)), str(tmp_path / f"chunks-{name}"))
    assert (tmp_path / f"whole-{name}").read_bytes() == (tmp_path / f"chunks-{name}").read_bytes()


@given(
    rows=st.lists(
        st.tuples(st.integers(-(2**62), 2**62), st.floats(allow_nan=False), st.text(st.characters(codec="utf-8"))),
        min_size=1,
    ),
    size=st.integers(1, 5),
)
def test_a_csv_is_the_same_however_it_is_cut(tmp_path_factory, rows, size):
    folder = tmp_path_factory.mktemp("csv")
    one = kinds.KINDS["pandas.CSVDataset"].make(contract.Options(".csv"))
    frame = pd.DataFrame(rows, columns=["a", "b", "c"])
    one.write(frame, str(folder / "whole.csv"))
    one.write_chunks((frame[i : i + size] for i in range(0, len(frame), size)), str(folder / "chunks.csv"))
    assert (folder / "whole.csv").read_bytes() == (folder / "chunks.csv").read_bytes()


@given(
    frame=st.lists(st.tuples(st.integers(), st.floats(), st.none() | st.text(max_size=3)), min_size=1, max_size=30),
    size=st.integers(1, 9),
    start=st.integers(0, 3),
)
def test_parquet_chunks_continue_the_index_of_the_frame(tmp_path_factory, frame, size, start):
    path = str(tmp_path_factory.mktemp("parquet") / "x.parquet")
    made = pd.DataFrame(frame, columns=["a", "b", "c"]).astype({"a": "float", "c": "str"})
    made.index = pd.RangeIndex(start, start + len(made))
    made.to_parquet(path)
    one = kinds.KINDS["pandas.ParquetDataset"].make(contract.Options(".parquet", load_args={"batch_size": size}))
    assert_frame_equal(pd.concat(list(one.read(path))), made)


def test_an_index_is_written_when_it_is_asked_for(dataset, tmp_path):
    one = dataset(type="csv", filepath="x.csv", save_args={"index": True})
    one.format.write_chunks(iter(parts(FRAME)), str(tmp_path / "x.csv"))
    assert (tmp_path / "x.csv").read_text() == FRAME.to_csv()


def test_an_encoding_with_a_mark_has_it_once(dataset, tmp_path):
    one = dataset(type="csv", filepath="x.csv", save_args={"encoding": "utf-8-sig"})
    one.format.write_chunks(iter(parts(FRAME)), str(tmp_path / "x.csv"))
    assert (tmp_path / "x.csv").read_bytes() == FRAME.to_csv(index=False).encode("utf-8-sig")


def test_parquet_chunks_take_columns_and_filters(dataset, tmp_path):
    FRAME.to_parquet(tmp_path / "x.parquet")
    args = {"batch_size": 2, "columns": ["name"], "filters": [["id", ">", 3]]}
    one = dataset(type="parquet", filepath="x.parquet", load_args=args)
    assert joined(one.read(tmp_path / "x.parquet"))["name"].tolist() == ["e", "é", ","]


def test_a_folder_of_parquet_parts_is_read_in_chunks(dataset, tmp_path):
    (tmp_path / "parts").mkdir()
    for number, part in enumerate(parts(FRAME, 4)):
        part.to_parquet(tmp_path / "parts" / f"{number}.parquet")
    one = dataset(type="parquet", filepath="parts", load_args={"batch_size": 3})
    assert [len(chunk) for chunk in one.read(tmp_path / "parts")] == [3, 1, 3]


@pytest.mark.parametrize(("kind", "name"), [("csv", "x.csv"), ("parquet", "x.parquet"), ("arrow.csv", "x.csv")])
def test_a_table_without_rows_gives_one_chunk_with_its_columns(dataset, tmp_path, kind, name):
    value = ARROW[:0] if "arrow" in kind else FRAME[:0]
    whole, chunked = whole_and_chunked(dataset, kind, name, {}, "chunksize" if kind == "csv" else "batch_size")
    whole.write(value, tmp_path / name)
    (chunk,) = chunked.read(tmp_path / name)
    assert len(chunk) == 0 and list(getattr(chunk, "column_names", chunk.columns)) == ["id", "price", "name"]


BROKEN = [
    ("csv", "x.csv", "a,b\n" + "1,2\n" * 20 + "3,4,5\n", {"chunksize": 3}, "expected 2 fields, saw 3", "x.csv:22"),
    ("csv", "x.csv", "a,b\n" + "1,2\n" * 20 + '3,"4\n', {"chunksize": 3}, "never closed", "x.csv:22"),
    (
        "csv",
        "x.csv",
        "a,b\n" + "1,2\n" * 20 + "x,4\n",
        {"chunksize": 3, "dtype": {"a": "int64"}},
        "a value of the rows 19 to 21 does not fit",
        "x.csv",
    ),
    (
        "pandas.json",
        "x.jsonl",
        '{"a": 1}\n' * 7 + '{"a": \n' + '{"a": 1}\n' * 7,
        {"chunksize": 3, "lines": True},
        "not JSON",
        "x.jsonl:8",
    ),
    ("jsonl", "x.jsonl", '{"a": 1}\n' * 7 + '{"a": \n', {"chunksize": 3}, "not JSON", "x.jsonl:8"),
    (
        "arrow.csv",
        "x.csv",
        "a,b\n" + "1,2\n" * 20 + "3,4,5\n",
        {"batch_size": 3, "block_size": 30},
        "expected 2 fields, saw 3",
        "x.csv:22",
    ),
]


@pytest.mark.parametrize(("kind", "name", "content", "args", "what", "where"), BROKEN)
def test_what_breaks_in_a_later_chunk_is_named_with_its_line(dataset, tmp_path, kind, name, content, args, what, where):
    (tmp_path / name).write_text(content)
    chunks = dataset(type=kind, filepath=name, load_args=args).read(tmp_path / name)
    assert len(next(chunks)) > 0
    with pytest.raises(errors.CatalogError) as raised:
        list(chunks)
    assert what in raised.value.what and "dataset 'it'" in raised.value.what and raised.value.where == where


def test_a_gzip_file_that_is_cut_off_is_named(dataset, tmp_path):
    packed = gzip.compress("".join(f"{n},{n * n}\n" for n in range(200_000)).encode())
    (tmp_path / "x.csv.gz").write_bytes(packed[: len(packed) // 2])
    chunks = dataset(type="csv", filepath="x.csv.gz", load_args={"chunksize": 100}).read(tmp_path / "x.csv.gz")
    with pytest.raises(errors.CatalogError, match="dataset 'it'"):
        list(chunks)


@pytest.mark.parametrize(
    ("kind", "name", "args", "what"),
    [
        ("csv", "x.csv", {"chunksize": "many"}, "chunksize is 'many'"),
        ("csv", "x.csv", {"chunksize": 0}, "chunksize is 0"),
        ("csv", "x.csv", {"chunksize": 3, "enconding": "utf-8"}, "no option 'enconding'"),
        ("csv", "x.csv", {"iterator": True}, "iterator does not say how many"),
        ("csv", "x.csv", {"chunksize": 3, "skipfooter": 1}, "'skipfooter' not supported for iteration"),
        ("pandas.json", "x.csv", {"chunksize": 3}, "only JSON lines"),
        ("parquet", "x.parquet", {"batch_size": 3, "engine": "auto"}, "'engine' does not go with batch_size"),
        ("parquet", "x.parquet", {"batch_size": 3, "columns": ["nme"]}, "names 'nme'"),
        ("arrow.csv", "x.csv", {"batch_size": 3, "delimeter": ";"}, "no option 'delimeter'"),
        ("text", "x.csv", {"chunksize": True}, "chunksize is True"),
    ],
)
def test_a_wrong_option_is_told_before_the_node_begins(dataset, tmp_path, kind, name, args, what):
    FRAME.to_csv(tmp_path / "x.csv", index=False)
    FRAME.to_parquet(tmp_path / "x.parquet")
    with pytest.raises(errors.CatalogError) as raised:
        dataset(type=kind, filepath=name, load_args=args).read(tmp_path / name)
    assert what in raised.value.what and raised.value.where.startswith("conf/base/catalog.yml")


@pytest.mark.parametrize("kind", ["pandas.ParquetDataset", "pandas.FeatherDataset"])
def test_a_column_that_changes_its_type_is_named(dataset, tmp_path, kind):
    one = dataset(type=kind, filepath="x.parquet").format
    chunks = iter([pd.DataFrame({"a": [1], "b": ["x"]}), pd.DataFrame({"a": ["1"], "b": ["x"]})])
    with pytest.raises(contract.Problem, match="column 'a' of chunk 2 is .*string, but was int64") as raised:
        one.write_chunks(chunks, str(tmp_path / "x.parquet"))
    assert "dtype" in raised.value.hint


def test_a_chunk_without_any_value_in_a_column_fits(dataset, tmp_path):
    one = dataset(type="parquet", filepath="x.parquet")
    chunks = iter([pd.DataFrame({"a": [1.5]}), pd.DataFrame({"a": [None]}, dtype=object)])
    one.format.write_chunks(chunks, str(tmp_path / "x.parquet"))
    assert one.read(tmp_path / "x.parquet")["a"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("kind", "name", "first", "second", "what"),
    [
        ("csv", "x.csv", FRAME, FRAME.drop(columns="price"), "a chunk lacks 'price'"),
        ("csv", "x.csv", FRAME, FRAME.assign(more=1), "has 'more' besides"),
        ("csv", "x.csv", FRAME, FRAME[["name", "id", "price"]], "another order"),
        ("parquet", "x.parquet", FRAME, FRAME.drop(columns="price"), "a chunk lacks 'price'"),
        ("polars.csv", "x.csv", POLARS, POLARS.drop("price"), "a chunk lacks 'price'"),
        ("arrow.csv", "x.csv", ARROW, ARROW.drop(["price"]), "a chunk lacks 'price'"),
        ("csv", "x.csv", FRAME, {"a": 1}, "given a dict"),
        ("polars.parquet", "x.parquet", POLARS, FRAME, "given a pandas DataFrame"),
        ("arrow.parquet", "x.parquet", ARROW, FRAME, "given a pandas DataFrame"),
        ("text", "x.txt", "a", 1, "takes text"),
        ("jsonl", "x.jsonl", LINES, object(), "not plain JSON"),
    ],
)
def test_a_chunk_unlike_the_first_is_refused(dataset, tmp_path, kind, name, first, second, what):
    with pytest.raises(contract.Problem, match=what):
        dataset(type=kind, filepath=name).format.write_chunks(iter([first, second]), str(tmp_path / name))


@pytest.mark.parametrize(
    ("kind", "name"), [("csv", "x.csv"), ("parquet", "x.parquet"), ("polars.csv", "x.csv"), ("arrow.csv", "x.csv")]
)
def test_a_table_of_no_chunk_is_refused(dataset, tmp_path, kind, name):
    with pytest.raises(contract.Problem, match="no chunk"):
        dataset(type=kind, filepath=name).format.write_chunks(iter([]), str(tmp_path / name))


@pytest.mark.parametrize(
    ("kind", "name", "more"),
    [("pickle", "x.pkl", {}), ("json", "x.json", {}), ("polars.json", "x.json", {}), ("pandas.json", "x.json", {})],
)
def test_a_type_that_needs_its_value_whole_says_so(dataset, tmp_path, kind, name, more):
    one = dataset(type=kind, filepath=name, **more).format
    assert not one.streams
    with pytest.raises(contract.EntryProblem, match="chunk by chunk") as raised:
        one.write_chunks(iter([POLARS]), str(tmp_path / name))
    assert "lines" in raised.value.hint


def test_a_generator_that_is_returned_is_refused_with_what_to_do(dataset, tmp_path):
    with pytest.raises(errors.CatalogError) as raised:
        dataset(type="csv", filepath="x.csv").write((part for part in parts(FRAME)), tmp_path / "x.csv")
    assert "yield" in raised.value.hint


def test_lines_may_be_given_one_by_one(dataset, tmp_path):
    one = dataset(type="jsonl", filepath="x.jsonl")
    one.format.write_chunks(iter([{"a": 1}, [{"a": 2}, 3]]), str(tmp_path / "x.jsonl"))
    assert [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()] == [{"a": 1}, {"a": 2}, 3]


def test_what_the_node_raises_between_two_chunks_comes_through(dataset, tmp_path):
    def chunks():
        yield FRAME
        raise ZeroDivisionError("in the node")

    for kind, name in (("csv", "x.csv"), ("parquet", "x.parquet"), ("pandas.feather", "x.feather")):
        with pytest.raises(ZeroDivisionError, match="in the node"):
            dataset(type=kind, filepath=name).format.write_chunks(chunks(), str(tmp_path / name))


def test_the_file_is_let_go_when_the_chunks_are_not_all_taken(dataset, tmp_path):
    FRAME.to_csv(tmp_path / "x.csv", index=False)
    chunks = dataset(type="csv", filepath="x.csv", load_args={"chunksize": 2}).read(tmp_path / "x.csv")
    next(chunks)
    chunks.close()
    assert list(chunks) == []
