"""Tables and queries of SQLite and of a real PostgreSQL: saved whole or not at all, mistakes told, secrets kept."""

import contextlib
import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import traceback
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from tane import errors
from tane.catalog.formats import contract
from tane.catalog.sql import queries, tables

PASSWORD = "s3cr3t/w%rd"
FRAME = pd.DataFrame(
    {
        "id": [1, 2, 3],
        "price": [1.5, None, 3.25],
        "name": ["a", None, "é'; drop table shop; --"],
        "day": pd.to_datetime(["2024-01-01", "2024-01-02", None]).astype("datetime64[us]"),
        "ok": [True, False, True],
    }
)


def postgres_binaries():
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return folders[-1] if folders and (folders[-1] / "initdb").exists() else None


@pytest.fixture(scope="session")
def postgres():
    """The URL of a PostgreSQL that lives as long as the tests; its user tane has a password."""
    binaries = postgres_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    pytest.importorskip("psycopg", reason="pip install 'tane[postgres]'")
    who = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}  # it refuses to be root
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="tane-pg-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        (home / "password").write_text(PASSWORD)
        if who:
            shutil.chown(home, "postgres")
            shutil.chown(home / "password", "postgres")
        quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": home, **who}
        make = ["--auth=scram-sha-256", "-U", "tane", f"--pwfile={home / 'password'}", "--no-sync", "-E", "UTF8"]
        subprocess.run([binaries / "initdb", "-D", home / "data", *make], **quiet)
        control = [binaries / "pg_ctl", "-D", home / "data", "-w", "-l", home / "log"]
        subprocess.run([*control, "-o", f"-h 127.0.0.1 -p {port} -k {home} -F", "start"], **quiet)
        try:
            yield f"postgresql://tane:s3cr3t%2Fw%25rd@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **quiet)


@pytest.fixture(params=["sqlite", "postgres"])
def con(request, tmp_path):
    """The URL of an empty database of each kind."""
    if request.param == "sqlite":
        return "sqlite:///data/shop.db"
    url = request.getfixturevalue("postgres")
    import sqlalchemy

    engine = sqlalchemy.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.exec_driver_sql("drop schema public cascade")
        connection.exec_driver_sql("create schema public")
    engine.dispose()
    return url


@pytest.fixture
def table(con, tmp_path):
    """Makes a table dataset of the database."""

    def make(table_name="shop", /, **entry):
        return tables.SQLTable(table_name, {"con": con}, root=tmp_path, **entry)

    return make


@pytest.fixture
def query(con, tmp_path):
    """Makes a query dataset of the database."""
    return lambda sql=None, **entry: queries.SQLQuery(sql, credentials={"con": con}, root=tmp_path, **entry)


REPLACE = {"if_exists": "replace"}


def test_a_table_comes_back(table):
    table().save(FRAME)
    again = table().load()
    assert_frame_equal(again.sort_values("id", ignore_index=True), FRAME, check_dtype=False)
    assert again["day"].dtype.kind == "M" and again["ok"].tolist() == [True, False, True]


def test_a_relative_file_is_below_the_project(tmp_path):
    tables.SQLTable("shop", {"con": "sqlite:///data/shop.db"}, root=tmp_path).save(FRAME)
    assert (tmp_path / "data" / "shop.db").is_file()


def test_a_table_that_is_there_is_not_overwritten_unasked(table):
    table().save(FRAME)
    with pytest.raises(contract.Problem, match="there is a table 'shop' already") as raised:
        table().save(FRAME[:1])
    assert "if_exists: replace" in raised.value.hint and len(table().load()) == 3


@pytest.mark.parametrize(("how", "rows"), [("replace", 1), ("append", 4), ("delete_rows", 1)])
def test_what_becomes_of_the_old_rows_is_said(table, how, rows):
    table().save(FRAME)
    table(save_args={"if_exists": how}).save(FRAME[:1])
    assert len(table().load()) == rows


@pytest.mark.parametrize("how", ["replace", "append", "delete_rows"])
def test_a_save_that_fails_in_the_middle_leaves_the_old_table(table, how):
    table().save(FRAME)

    def chunks():
        yield FRAME
        yield FRAME
        raise ZeroDivisionError("in the node")

    with pytest.raises(ZeroDivisionError):
        table(save_args={"if_exists": how}).save(chunks())
    assert sorted(table().load()["id"]) == [1, 2, 3]


def test_a_first_save_that_fails_leaves_no_table(table):
    bad = pd.DataFrame({"id": [1, 2], "what": ["plain", object()]})
    with pytest.raises(contract.Problem):
        table().save(bad)
    assert not table().exists()


def test_chunks_are_saved_as_one_table(table):
    table().save(FRAME)
    table(save_args=REPLACE).save(FRAME[i : i + 1] for i in range(3))
    assert sorted(table().load()["id"]) == [1, 2, 3]


def test_a_table_of_no_chunk_is_refused(table):
    with pytest.raises(contract.Problem, match="no chunk"):
        table().save(iter([]))


def test_a_table_is_read_in_chunks(table):
    table().save(pd.DataFrame({"n": range(10)}))
    one = table(load_args={"chunksize": 4})
    chunks = list(one.load())
    assert one.lazy and [len(chunk) for chunk in chunks] == [4, 4, 2]
    assert sorted(pd.concat(chunks)["n"]) == list(range(10))


def test_chunks_not_taken_keep_nothing_open(table):
    table().save(pd.DataFrame({"n": range(10)}))
    chunks = table(load_args={"chunksize": 4}).load()
    next(chunks)
    chunks.close()
    table(save_args=REPLACE).save(FRAME)


def test_a_table_is_copied_from_its_own_database_chunk_by_chunk(table):
    table().save(pd.DataFrame({"n": range(1000)}))
    table("copy").save(table(load_args={"chunksize": 100}).load())
    assert len(table("copy").load()) == 1000


def test_columns_and_index_are_chosen(table):
    table().save(FRAME)
    again = table(load_args={"columns": ["price"], "index_col": "id"}).load()
    assert again.index.name == "id" and list(again) == ["price"]


def test_it_is_known_whether_the_table_is_there(table):
    assert not table().exists()
    table().save(FRAME)
    assert table().exists() and not table("other").exists()


def test_looking_makes_no_database(tmp_path):
    one = tables.SQLTable("shop", {"con": "sqlite:///shop.db"}, root=tmp_path)
    assert not one.exists()
    with pytest.raises(contract.Problem, match="no database file"):
        one.load()
    assert not list(tmp_path.iterdir())


def test_an_unknown_table_is_named_with_the_nearest(table):
    table().save(FRAME)
    with pytest.raises(contract.Problem, match="no table 'shopp'") as raised:
        table("shopp").load()
    assert raised.value.hint == "did you mean 'shop'?"


def test_an_unknown_column_is_named_with_the_nearest(table):
    table().save(FRAME)
    for args in ({"columns": ["prize"]}, {"index_col": "prize"}):
        with pytest.raises(contract.EntryProblem, match="'prize', which is no column") as raised:
            table(load_args=args).load()
        assert raised.value.hint == "did you mean 'price'?"


def test_a_query_is_answered(table, query):
    table().save(FRAME)
    assert query("select count(*) as n, sum(price) as total from shop").load().to_dict("list") == {
        "n": [3],
        "total": [4.75],
    }


def test_a_query_may_stand_in_a_file(table, query, tmp_path):
    table().save(FRAME)
    (tmp_path / "ids.sql").write_text("-- all of them\nselect id from shop order by id;\n")
    assert query(filepath="ids.sql").load()["id"].tolist() == [1, 2, 3]
    with pytest.raises(contract.EntryProblem, match="no query file"):
        query(filepath="idz.sql").load()


def test_names_in_a_query_are_filled_by_the_driver(table, query):
    table().save(FRAME)
    args = {"params": {"least": 2, "name": "é'; drop table shop; --"}, "index_col": "id"}
    found = query("select id, name from shop where id >= :least and name = :name", load_args=args).load()
    assert found.index.tolist() == [3] and table().exists()


def test_places_in_a_query_are_filled_in_their_order(table, query):
    dataset = table()
    dataset.save(FRAME)
    mark = "?" if "sqlite" in repr(dataset) else "%s"
    found = query(f"select id from shop where id >= {mark} and id < {mark} order by id", load_args={"params": [2, 3]})
    assert found.load()["id"].tolist() == [2]


def test_colons_and_percents_in_a_query_mean_themselves(table, query):
    table().save(FRAME)
    assert query("select '12:30 %s' as a, '%' as b").load().iloc[0].tolist() == ["12:30 %s", "%"]


def test_an_answer_is_read_in_chunks(table, query):
    table().save(pd.DataFrame({"n": range(10)}))
    one = query("select n from shop order by n", load_args={"chunksize": 4})
    assert one.lazy and [chunk["n"].tolist() for chunk in one.load()] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_a_query_cannot_write(table, query):
    table().save(FRAME)
    for text in ("delete from shop", "drop table shop", "insert into shop (id) values (9)"):
        with pytest.raises(contract.Problem):
            query(text).load()
    assert len(table().load()) == 3


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("selec 1", "refused: .*syntax error", "correct the query"),
        ("select * from shopp", "no table 'shopp'", "did you mean 'shop'"),
        ("select prize from shop", "refused: .*prize", "correct the query"),
    ],
)
def test_a_wrong_query_is_one_clear_error(table, query, text, what, hint):
    table().save(FRAME)
    for args in ({}, {"chunksize": 2}):
        with pytest.raises(contract.Problem, match=what) as raised:
            query(text, load_args=args).load()
        assert hint in raised.value.hint and "sqlalche.me" not in raised.value.what


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        ({}, "no query"),
        ({"sql": "select 1", "filepath": "x.sql"}, "both"),
        ({"sql": " ; "}, "empty"),
        ({"sql": "select 1", "save_args": {"if_exists": "replace"}}, "cannot be saved"),
        ({"sql": "select 1 as a", "load_args": {"index_col": "b"}}, "index_col"),
        ({"sql": "select 1 as a", "load_args": {"chunksise": 3}}, "no option 'chunksise'"),
        ({"sql": "select 1 as a", "load_args": {"con": "sqlite://"}}, "con does not belong here"),
        ({"sql": "select 1 as a", "load_args": {"chunksize": "3"}}, "chunksize is '3'"),
    ],
)
def test_a_mistake_of_the_entry_is_told(query, table, entry, what):
    table().save(FRAME)
    with pytest.raises(contract.EntryProblem, match=what):
        query(**entry).load()


def test_a_wrong_way_to_save_is_told(table):
    with pytest.raises(contract.EntryProblem, match="if_exists is 'replce'") as raised:
        table(save_args={"if_exists": "replce"})
    assert raised.value.hint == "did you mean 'replace'?"
    with pytest.raises(contract.EntryProblem, match="no option 'if_exist'"):
        table(save_args={"if_exist": "replace"}).save(FRAME)
    with pytest.raises(contract.Problem, match="given a dict"):
        table().save({"a": 1})


def test_columns_that_the_table_lacks_are_told(table):
    table().save(FRAME)
    with pytest.raises(contract.Problem, match=r"refused: .*more"):
        table(save_args={"if_exists": "append"}).save(FRAME.assign(more=1))


def test_a_digest_is_what_the_entry_asks_for(table):
    table().save(FRAME)
    one = table(digest_query="select max(id) from shop")
    before = one.digest()
    table(save_args=REPLACE).save(FRAME.assign(price=0.0))
    assert one.digest() == before
    table(save_args={"if_exists": "append"}).save(FRAME[:1].assign(id=4))
    assert one.digest() != before


def test_without_it_the_value_itself_is_digested(table, query):
    table().save(FRAME)
    assert table().digest() is None and query("select 1").digest() is None


def test_a_table_in_chunks_is_digested_chunk_by_chunk(table, query):
    table().save(FRAME)
    for one in (table(load_args={"chunksize": 2}), query("select * from shop", load_args={"chunksize": 2})):
        before = one.digest()
        assert before is not None and one.digest() == before
        table(save_args=REPLACE).save(FRAME.assign(price=7.0))
        assert one.digest() != before
        table(save_args=REPLACE).save(FRAME)


# what may go wrong with the database itself


def told(con, tmp_path, **more):
    """The error of a query there, and everything that a traceback of it would show."""
    try:
        queries.SQLQuery("select * from shop", credentials={"con": con, **more}, root=tmp_path).load()
    except (contract.Problem, errors.TaneError) as error:
        return error, "".join(traceback.format_exception(error))
    raise AssertionError("nothing was raised")


def test_a_wrong_password_is_told_and_not_shown(postgres, tmp_path):
    error, shown = told(postgres.replace("s3cr3t", "wr0ng"), tmp_path)
    assert "does not accept the user or the password" in error.what and "credentials.yml" in error.hint
    assert "wr0ng" not in shown and "w%25rd" not in shown and "w%rd" not in shown


def test_a_database_that_is_not_there_is_told(postgres, tmp_path):
    error, shown = told(postgres.replace("/postgres", "/nowhere"), tmp_path)
    assert "does not exist" in error.what and "s3cr3t" not in shown


def test_a_server_that_does_not_answer_is_told(tmp_path):
    pytest.importorskip("psycopg")
    error, shown = told("postgresql://me:s3cr3t-wrd@127.0.0.1:1/shop", tmp_path)
    assert "cannot be opened" in error.what and "127.0.0.1:1/shop" in error.what
    assert "whether it runs" in error.hint and "s3cr3t-wrd" not in shown


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("nonsense s3cr3t-wrd", "cannot be understood"),
        ("postgresql://me:s3cr3t-wrd@host:port/shop", "cannot be understood"),
        ("postgrsql://me:s3cr3t-wrd@host/shop", "no kind of database 'postgrsql'"),
        ("mysql://me:s3cr3t-wrd@host/shop", "needs the package"),
    ],
)
def test_a_url_that_cannot_be_is_told_without_its_password(tmp_path, url, what):
    error, shown = told(url, tmp_path)
    assert what in error.what and error.hint and "s3cr3t-wrd" not in shown


def test_a_missing_driver_is_told_with_what_installs_it(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "psycopg", None)
    error, _ = told("postgresql+psycopg://me:s3cr3t-wrd@host/shop", tmp_path)
    assert isinstance(error, errors.MissingExtraError) and error.hint == "pip install 'tane[postgres]'"


def test_an_option_that_nobody_knows_is_told_without_its_value(tmp_path):
    error, shown = told("sqlite:///shop.db", tmp_path, token="s3cr3t-wrd")
    assert isinstance(error, contract.EntryProblem | contract.Problem) and "s3cr3t-wrd" not in shown


def test_a_file_that_is_no_database_is_told(tmp_path):
    (tmp_path / "shop.db").write_text("nonsense " * 1000)
    error, _ = told("sqlite:///shop.db", tmp_path)
    assert "no SQLite database" in error.what
    with pytest.raises(contract.Problem, match="SQLite database"):
        tables.SQLTable("shop", {"con": "sqlite:///shop.db"}, root=tmp_path).save(FRAME)


def test_a_locked_database_is_told(tmp_path):
    credentials = {"con": "sqlite:///shop.db", "connect_args": {"timeout": 0}}
    one = tables.SQLTable("shop", credentials, root=tmp_path)
    one.save(FRAME)
    with contextlib.closing(sqlite3.connect(tmp_path / "shop.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(contract.Problem, match="locked by another program") as raised:
            one.save(FRAME)
        assert "WAL" in raised.value.hint


@pytest.mark.parametrize("credentials", [None, {}, {"con": ""}, {"url": "sqlite://"}, ["me", "secret"]])
def test_credentials_without_a_database_are_told(credentials):
    with pytest.raises(contract.EntryProblem, match="no database") as raised:
        tables.SQLTable("shop", credentials)
    assert "con:" in raised.value.hint


def test_nothing_that_is_printed_shows_the_password(tmp_path):
    one = tables.SQLTable("shop", {"con": "postgresql://me:s3cr3t-wrd@host/shop"}, root=tmp_path)
    assert "s3cr3t-wrd" not in repr(one) + str(one) and "host/shop" in repr(one)


# from the catalog


def test_entries_name_a_table_and_a_query(catalog, tmp_path):
    (tmp_path / "dear.sql").write_text("select id from shop where price > :least")
    made = catalog(
        {
            "shop": {"type": "pandas.SQLTableDataset", "table_name": "shop", "credentials": "db"},
            "dear": {
                "type": "pandas.SQLQueryDataset",
                "filepath": "dear.sql",
                "credentials": "db",
                "load_args": {"params": {"least": 2}},
            },
        },
        {"db": {"con": "sqlite:///shop.db"}},
    )
    shop, dear = made.find("shop"), made.find("dear")
    shop.save(FRAME)
    assert shop.exists() and shop.digest() is None and len(shop.load()) == 3
    assert dear.load()["id"].tolist() == [3] and dear.read_only
    with pytest.raises(errors.CatalogError, match="dataset 'shop': there is a table 'shop' already"):
        shop.save(FRAME)


def test_an_entry_without_its_table_is_a_mistake_of_the_catalog(catalog):
    with pytest.raises(errors.CatalogError, match="table_name"):
        catalog(it={"type": "pandas.SQLTableDataset", "credentials": {"con": "sqlite:///shop.db"}})
    with pytest.raises(errors.CatalogError, match="tabel_name"):
        catalog(it={"type": "pandas.SQLTableDataset", "table_name": "shop", "tabel_name": "shop"})


def test_a_missing_sqlalchemy_is_told_with_its_extra(dataset, monkeypatch):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "sqlalchemy" else find(name, *more)
    )
    with pytest.raises(errors.MissingExtraError) as raised:
        dataset(type="sql.table", table_name="shop", credentials={"con": "sqlite:///shop.db"}).check_ready()
    assert raised.value.hint == "pip install 'tane[sql]'"
