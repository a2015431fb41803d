"""Datasets: a file that one side saved is loaded by the other to the same content, with the same args."""

import datetime

import pandas
import plain
import pytest
from PIL import Image

from tane.catalog import catalogs

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # pandas' own

FRAME = pandas.DataFrame(
    {
        "id": [1, 2, 3],
        "name": ["Ærø", 'with, comma; and "quotes"', "two\nlines"],
        "rate": [0.1, None, 1e-9],
        "ok": [True, False, True],
        "day": pandas.to_datetime(["2024-02-29 00:00:00", "1999-12-31 23:59:59", "2030-01-01 12:00:00"]),
    }
)
GAPS = pandas.DataFrame({"text": ["a", None, "NA"], "number": [1, 2, 3]}, index=[10, 20, 30])
NESTED = {"b": [1, 2.5, None, {"deep": "Ærø"}], "a": {"yes": True, "no": "no", "empty": {}}, "text": "two\nlines: #"}
DATED = {"day": datetime.date(2024, 2, 29), "at": datetime.datetime(2024, 2, 29, 12, 30), "number": 1}

CSV, PARQUET, JSON, EXCEL = (f"pandas.{kind}Dataset" for kind in ("CSV", "Parquet", "JSON", "Excel"))
LINES = {"orient": "records", "lines": True}

LATIN_1 = {"encoding": "latin-1"}
LATIN = {"open_args_load": LATIN_1, "open_args_save": LATIN_1}

TABLES = {
    "csv": (CSV, "it.csv", {}, {}, FRAME),
    "csv with gaps": (CSV, "it.csv", {}, {}, GAPS),
    "csv with other signs": (CSV, "it.csv", {"sep": ";", "decimal": ","}, {"sep": ";", "decimal": ","}, FRAME),
    "csv with dates": (CSV, "it.csv", {"parse_dates": ["day"]}, {"date_format": "%Y-%m-%d"}, FRAME),
    "csv with its index": (CSV, "it.csv", {"index_col": 0}, {"index": True}, GAPS),
    "csv with its own word for nothing": (CSV, "it.csv", {"na_values": ["-"]}, {"na_rep": "-"}, GAPS),
    "csv by columns": (CSV, "it.csv", {"usecols": ["id", "ok"], "nrows": 2}, {"columns": ["ok", "id"]}, FRAME),
    "csv of texts": (CSV, "it.csv", {"dtype": {"id": "str"}}, {"quoting": 1, "float_format": "%.3f"}, FRAME),
    "csv without header": (CSV, "it.csv", {"header": None, "names": ["x", "y"]}, {"header": False}, GAPS),
    "csv of tabs": (CSV, "it.tsv", {"sep": "\t"}, {"sep": "\t"}, FRAME),
    "csv in latin-1": (CSV, "it.csv", {"encoding": "latin-1"}, {}, FRAME, {"fs_args": {"open_args_save": LATIN_1}}),
    "parquet": (PARQUET, "it.parquet", {}, {}, FRAME),
    "parquet with its index": (PARQUET, "it.parquet", {}, {}, GAPS),
    "parquet without its index": (PARQUET, "it.parquet", {}, {"index": False, "compression": "zstd"}, GAPS),
    "parquet by columns": (PARQUET, "it.parquet", {"columns": ["id", "name"]}, {"compression": None}, FRAME),
    "parquet by rows": (PARQUET, "it.parquet", {"filters": [["id", ">", 1]]}, {"engine": "pyarrow"}, FRAME),
    "json": (JSON, "it.json", {}, {}, FRAME),
    "json with its index": (JSON, "it.json", {}, {}, GAPS),
    "json lines": (JSON, "it.jsonl", LINES, LINES, FRAME),
    "json in parts": (JSON, "it.json", {"orient": "split"}, {"orient": "split", "date_format": "iso"}, FRAME),
    "json indented": (JSON, "it.json", {"convert_dates": ["day"]}, {"indent": 2, "force_ascii": False}, FRAME),
    "excel": (EXCEL, "it.xlsx", {}, {}, FRAME),
    "excel with its index": (EXCEL, "it.xlsx", {"index_col": 0}, {"index": True}, GAPS),
    "excel in a sheet": (EXCEL, "it.xlsx", {"sheet_name": "Two"}, {"sheet_name": "Two", "startrow": 0}, FRAME),
    "excel of all sheets": (EXCEL, "it.xlsx", {"sheet_name": None}, {}, {"One": FRAME, "Two": GAPS}),
    "excel by a writer": (EXCEL, "it.xlsx", {"engine": "openpyxl"}, {"writer": {"engine": "openpyxl"}}, GAPS),
}
OTHERS = {
    "json": ("json.JSONDataset", "it.json", {}, {}, NESTED),
    "json sorted": ("json.JSONDataset", "it.json", {}, {"indent": None, "sort_keys": True}, NESTED),
    "json list": ("json.JSONDataset", "it.json", {}, {"ensure_ascii": False}, [1, "Ærø", None]),
    "yaml": ("yaml.YAMLDataset", "it.yml", {}, {}, NESTED),
    "yaml dates": ("yaml.YAMLDataset", "it.yml", {}, {"default_flow_style": True}, DATED),
    "yaml in order": ("yaml.YAMLDataset", "it.yml", {}, {"sort_keys": False, "indent": 4}, NESTED),
    "text": ("text.TextDataset", "it.txt", {}, {}, "Ærø\nend\n"),
    "text empty": ("text.TextDataset", "it.txt", {}, {}, ""),
    "text in latin-1": ("text.TextDataset", "it.txt", {}, {}, "Ærø", {"fs_args": LATIN}),
    "pickle": ("pickle.PickleDataset", "it.pkl", {}, {}, {"a": (1, 2), "b": [None, 1.5, "x"]}),
    "pickle of a frame": ("pickle.PickleDataset", "it.pkl", {}, {"protocol": 4}, FRAME),
    "pickle by joblib": ("pickle.PickleDataset", "it.joblib", {}, {}, {"rows": [1, 2]}, {"backend": "joblib"}),
    "pickle by cloudpickle": ("pickle.PickleDataset", "it.pkl", {}, {}, {"x": [1]}, {"backend": "cloudpickle"}),
    "image": ("pillow.ImageDataset", "it.png", {}, {}, Image.linear_gradient("L").resize((16, 16))),
    "image in colours": ("pillow.ImageDataset", "it.png", {}, {}, Image.new("RGBA", (8, 5), (1, 2, 3, 128))),
    "image with loss": ("pillow.ImageDataset", "it.jpg", {}, {"quality": 60}, Image.new("RGB", (16, 16), (9, 200, 70))),
}


def entry(case, folder):
    kind, name, load_args, save_args = case[:4]
    more = case[5] if len(case) > 5 else {}
    return {"type": kind, "filepath": str(folder / name), "load_args": load_args, "save_args": save_args, **more}


def dataset(config, root):
    return catalogs.Catalog.from_config({"it": config}, {}, root).find("it")


def check(kedro, case, tmp_path):
    """What each side saved, both load alike; and it is the same from both."""
    told = plain.told(case[4])
    found = []
    for side in ("theirs", "ours"):
        folder = tmp_path / side
        folder.mkdir()
        config = entry(case, folder)
        mine, asked = dataset(config, tmp_path), _for_kedro(config)
        if side == "ours":
            mine.write(plain.made(told), mine.local)
        else:
            kedro.ask("save", asked, told)
        loaded = plain.told(mine.read(mine.local))
        assert loaded == kedro.ask("load", asked), f"saved by {side}"
        found.append(loaded)
    return found


def _for_kedro(config):
    """The entry as Kedro takes it: some of its types have no `load_args`."""
    return {key: value for key, value in config.items() if value or not key.endswith("_args")}


@pytest.mark.parametrize("case", TABLES.values(), ids=TABLES)
def test_a_table_comes_out_alike(kedro, case, tmp_path):
    theirs, ours = check(kedro, case, tmp_path)
    assert ours == theirs


@pytest.mark.parametrize("case", OTHERS.values(), ids=OTHERS)
def test_a_value_comes_out_alike(kedro, case, tmp_path):
    theirs, ours = check(kedro, case, tmp_path)
    assert _unordered(ours) == _unordered(theirs)


def _unordered(told):
    """The same without the order of mappings: Kedro sorts the keys of YAML, and ours stay as they are."""
    if isinstance(told, list):
        return [_unordered(one) for one in told]
    if not isinstance(told, dict):
        return told
    return {
        key: sorted(map(_unordered, one), key=str) if key == "mapping" else _unordered(one) for key, one in told.items()
    }
