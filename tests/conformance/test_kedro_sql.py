"""Tables and queries of databases: what one side saved in SQLite the other loads to the same content."""

import contextlib
import sqlite3

import conftest
import pandas
import plain
import pytest

from tane import errors
from tane.catalog import catalogs

FRAME = pandas.DataFrame(
    {
        "id": [3, 1, 2],
        "name": ["Ærø", "b: c", None],
        "total": [0.5, None, 1e9],
        "day": ["2024-02-29", "2023-01-01", "2023-01-02"],
    }
)
TABLES = {
    "as it is": ({}, {}),
    "replaced": ({}, {"if_exists": "replace"}),
    "with its index": ({"index_col": "row"}, {"index": True, "index_label": "row"}),
    "by columns": ({"columns": ["name", "id"]}, {}),
    "with dates": ({"parse_dates": ["day"]}, {"chunksize": 2}),
}
QUERIES = {
    "plain": ("select id, name from it order by id", {}),
    "with a colon": ("select name from it where name = 'b: c'", {}),
    "with an index": ("select * from it order by day", {"index_col": "id", "parse_dates": ["day"]}),
    "with names": ("select id from it where id > :least", {"params": {"least": 1}}),
    "typed": ("select id, total from it order by id", {"dtype": {"id": "float64"}}),
}


def entry(folder, **more):
    return {**more, "credentials": {"con": f"sqlite:///{folder / 'it.db'}"}}


def table(folder, load_args=None, save_args=None):
    more = {"load_args": load_args or {}, "save_args": save_args or {}}
    return entry(folder, type="pandas.SQLTableDataset", table_name="it", **more)


def ours(config, root):
    return catalogs.Catalog.from_config({"it": config}, {}, root).find("it")


def rows(folder):
    with contextlib.closing(sqlite3.connect(folder / "it.db")) as database:
        columns = [(name, kind) for _, name, kind, *_ in database.execute("pragma table_info(it)")]
        return columns, database.execute("select * from it").fetchall()


@pytest.mark.parametrize("args", TABLES.values(), ids=TABLES)
def test_a_table_is_saved_and_loaded_alike(kedro, args, tmp_path):
    found = []
    for side in ("theirs", "ours"):
        folder = tmp_path / side
        folder.mkdir()
        config = table(folder, *args)
        if side == "ours":
            ours(config, tmp_path).save(FRAME)
        else:
            kedro.ask("save", config, plain.told(FRAME))
        loaded = plain.told(ours(config, tmp_path).load())
        assert loaded == kedro.ask("load", config), f"saved by {side}"
        found.append((loaded, rows(folder)))
    assert found[0] == found[1]


@pytest.mark.parametrize("how", ["fail", "replace", "append"])
def test_saving_a_second_time_does_alike(kedro, how, tmp_path):
    for side in ("theirs", "ours"):
        (tmp_path / side).mkdir()
    first, then = (table(tmp_path / side, save_args={"if_exists": how}) for side in ("theirs", "ours"))
    refused = pytest.raises(conftest.Refusal) if how == "fail" else contextlib.nullcontext()
    also = pytest.raises(errors.TaneError) if how == "fail" else contextlib.nullcontext()
    kedro.ask("save", first, plain.told(FRAME))
    ours(then, tmp_path).save(FRAME)
    with refused:
        kedro.ask("save", first, plain.told(FRAME))
    with also:
        ours(then, tmp_path).save(FRAME)
    assert rows(tmp_path / "theirs") == rows(tmp_path / "ours")


@pytest.mark.parametrize("sql, load_args", QUERIES.values(), ids=QUERIES)
def test_a_query_answers_alike(kedro, sql, load_args, tmp_path):
    kedro.ask("save", table(tmp_path), plain.told(FRAME))
    config = entry(tmp_path, type="pandas.SQLQueryDataset", sql=sql, load_args=load_args)
    assert plain.told(ours(config, tmp_path).load()) == kedro.ask("load", config)


def test_a_query_in_a_file_answers_alike(kedro, tmp_path):
    kedro.ask("save", table(tmp_path), plain.told(FRAME))
    (tmp_path / "query.sql").write_text("select max(id) as most\nfrom it\n")
    config = entry(tmp_path, type="pandas.SQLQueryDataset", filepath=str(tmp_path / "query.sql"))
    assert plain.told(ours(config, tmp_path).load()) == kedro.ask("load", config)
