"""Datasets in an S3 store: a real server's answers, named credentials, and what is told when it does not answer."""

import gzip
import logging

import pytest

from tane import errors
from tane.config import secret
from tane.testing import Answer, FakeAPI

pytest.importorskip("s3fs")
moto_server = pytest.importorskip("moto.server")

SECRET = "very-secret-key"
BUCKET = "shop"

# the layout of UCI's "Air Quality" file: semicolons, decimal commas, -200 for what is missing, empty columns and rows
# at the end; here with a note before the head and one after the rows
AIR = """\
air quality, an Italian city
Date;Time;CO(GT);C6H6(GT);T;;
10/03/2004;18.00.00;2,6;11,9;13,6;;
10/03/2004;19.00.00;-200;9,4;13,3;;
10/03/2004;20.00.00;2,2;9,0;11,9;;
end of the measurements
"""
LOAD = {"sep": ";", "decimal": ",", "skiprows": 1, "skipfooter": 1, "engine": "python", "na_values": [-200]}


@pytest.fixture(scope="module")
def endpoint():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint):
    """A fresh bucket, seen past our own code."""
    import s3fs

    system = s3fs.S3FileSystem(key="me", secret="other", endpoint_url=endpoint, skip_instance_cache=True)
    system.mkdir(BUCKET)
    yield system
    system.invalidate_cache()
    system.rm(BUCKET, recursive=True)


@pytest.fixture
def stored(catalog, endpoint):
    """Makes a dataset of the bucket with the credentials that an entry of credentials.yml names."""

    def make(filepath, server=endpoint, **entry):
        hidden = {"key": "my-access-key", "secret": SECRET, "client_kwargs": {"endpoint_url": server}}
        known = {"store": secret_leaves(hidden)}
        key = "path" if "Dataset" in entry.get("type", "") and "dataset" in entry else "filepath"
        return catalog(
            {"it": {"type": "text", key: f"s3://{BUCKET}/{filepath}", "credentials": "store", **entry}}, known
        ).find("it")

    return make


def secret_leaves(value):
    if isinstance(value, dict):
        return {key: secret_leaves(item) for key, item in value.items()}
    return secret.Secret(value)


def refused(action, *args):
    with pytest.raises(errors.TaneError) as raised:
        action(*args)
    text = f"{raised.value} {raised.value!r} {raised.value.__cause__!r}"
    assert SECRET not in text and "my-access-key" not in text and raised.value.faults[0].hint
    return str(raised.value)


# -- a table -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["air.csv", "air.csv.gz"])
def test_a_table_with_its_own_ways_is_read_from_the_store(stored, bucket, tmp_path, name):
    pytest.importorskip("pandas")
    content = AIR.encode()
    bucket.pipe_file(f"{BUCKET}/raw/{name}", gzip.compress(content) if name.endswith("gz") else content)
    one = stored(f"raw/{name}", type="pandas.CSVDataset", load_args=LOAD)
    one.fetch(tmp_path / one.filename)
    table = one.read(tmp_path / one.filename).dropna(axis="columns", how="all")
    assert table["C6H6(GT)"].tolist() == [11.9, 9.4, 9.0]
    assert table["CO(GT)"].isna().tolist() == [False, True, False]
    assert list(table.columns) == ["Date", "Time", "CO(GT)", "C6H6(GT)", "T"]


def test_results_are_written_back(stored, bucket, tmp_path):
    pandas = pytest.importorskip("pandas")
    one = stored("out/daily.parquet", type="pandas.ParquetDataset")
    table = pandas.DataFrame({"day": ["10/03/2004"], "C6H6": [10.1]})
    one.write(table, tmp_path / "daily.parquet")
    assert not one.exists()
    one.send(tmp_path / "daily.parquet")
    assert one.exists() and bucket.exists(f"{BUCKET}/out/daily.parquet")
    one.fetch(tmp_path / "back.parquet")
    assert one.read(tmp_path / "back.parquet").equals(table)


# -- signs of change ---------------------------------------------------------------------------------------


def test_the_sign_of_a_file_changes_with_its_content(stored, bucket):
    one = stored("x.txt")
    signs = []
    for content in (b"first", b"other", b"first"):
        bucket.pipe_file(f"{BUCKET}/x.txt", content)
        signs.append(one.listing()[""].sign)
    assert signs[0] == signs[2] != signs[1] and all(signs)


def test_a_folder_is_listed_fetched_and_replaced(stored, bucket, tmp_path):
    for name in ("a.txt", "north/b.txt", "old.txt"):
        bucket.pipe_file(f"{BUCKET}/parts/{name}", name.encode())
    one = stored("parts", type="PartitionedDataset", dataset="text", filename_suffix=".txt")
    files = one.listing()
    assert list(files) == ["a.txt", "north/b.txt", "old.txt"]
    one.fetch_files(files, {name: tmp_path / "in" / name for name in files})
    assert {key: load() for key, load in one.read(tmp_path / "in").items()} == {
        "a": "a.txt",
        "north/b": "north/b.txt",
        "old": "old.txt",
    }
    one.write({"a": "new", "c": "C"}, tmp_path / "out")
    one.send(tmp_path / "out")
    bucket.invalidate_cache()
    assert bucket.find(f"{BUCKET}/parts") == [f"{BUCKET}/parts/a.txt", f"{BUCKET}/parts/c.txt"]
    assert bucket.cat(f"{BUCKET}/parts/a.txt") == b"new"


def test_what_has_been_worked_off_is_noted_in_the_store(stored, bucket):
    for number in "12":
        bucket.pipe_file(f"{BUCKET}/days/{number}.txt", b"x")
    one = stored("days", type="IncrementalDataset", dataset="text", filename_suffix=".txt")
    assert list(one.listing()) == ["1.txt", "2.txt"]
    one.confirm(["1.txt"])
    assert bucket.cat(f"{BUCKET}/days/CHECKPOINT") == b"1" and list(one.listing()) == ["2.txt"]


def test_an_archive_in_the_store_is_looked_into(stored, bucket, tmp_path, catalog, endpoint):
    import io
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("in/x.txt", "packed")
    bucket.pipe_file(f"{BUCKET}/all.zip", packed.getvalue())
    known = {"store": {"key": "me", "secret": SECRET, "client_kwargs": {"endpoint_url": endpoint}}}
    entry = {"type": "text", "filepath": f"zip://in/x.txt::s3://{BUCKET}/all.zip", "credentials": "store"}
    one = catalog({"it": entry}, known).find("it")
    one.fetch(tmp_path / one.filename)
    assert one.filename == "x.txt" and one.read(tmp_path / "x.txt") == "packed"
    assert "can only be read" in refused(one.send, tmp_path / "x.txt")


def test_an_upload_that_arrives_short_is_an_error(stored, bucket, tmp_path, monkeypatch):
    import s3fs

    async def put_half(system, _source, target, **_options):
        await system._pipe_file(target, b"wh")

    monkeypatch.setattr(s3fs.S3FileSystem, "_put_file", put_half)
    s3fs.S3FileSystem.clear_instance_cache()
    (tmp_path / "x.txt").write_text("whole")
    assert "arrived with 2 bytes instead of 5" in refused(stored("x.txt").send, tmp_path / "x.txt")


# -- failures ----------------------------------------------------------------------------------------------


def test_nothing_there_is_told(stored, bucket, tmp_path):
    assert "there is nothing" in refused(stored("none.txt").fetch, tmp_path / "in.txt")


def test_a_bucket_that_does_not_exist_is_named(stored, tmp_path, endpoint):
    (tmp_path / "x.txt").write_text("x")
    one = stored("x.txt")
    assert "there is no bucket 'shop'" in refused(one.fetch, tmp_path / "in.txt")
    assert "there is no bucket 'shop'" in refused(one.send, tmp_path / "x.txt")


def test_nobody_at_the_endpoint_is_told(stored, tmp_path):
    text = refused(stored("x.txt", server="http://127.0.0.1:9").fetch, tmp_path / "in.txt")
    assert "cannot be reached" in text and "http://127.0.0.1:9" in text


def test_wrong_credentials_are_told_by_their_name(stored, tmp_path):
    (tmp_path / "x.txt").write_text("x")
    body = (
        "<Error><Code>InvalidAccessKeyId</Code>"
        f"<Message>The key my-access-key ({SECRET}) is not in our records.</Message></Error>"
    )
    with FakeAPI() as server:
        server.answers(f"/{BUCKET}/x.txt", Answer(403, body.encode(), {"Content-Type": "application/xml"}))
        server.answers(f"/{BUCKET}", Answer(403, body.encode(), {"Content-Type": "application/xml"}))
        one = stored("x.txt", server=server.url)
        for action, path in ((one.fetch, "in.txt"), (one.send, "x.txt")):
            text = refused(action, tmp_path / path)
            assert "denied access" in text and "check the keys of 'store'" in text


def test_a_silent_server_is_not_waited_for(stored, tmp_path):
    with FakeAPI() as server:
        server.answers(f"/{BUCKET}/x.txt", Answer(silent=True))
        config = {"config_kwargs": {"read_timeout": 0.1, "retries": {"max_attempts": 0}}}
        one = stored("x.txt", server=server.url, fs_args=config)
        assert "did not answer in time" in refused(one.fetch, tmp_path / "in.txt")


def test_without_credentials_the_way_to_name_them_is_told(catalog, tmp_path, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    one = catalog(it={"type": "text", "filepath": "s3://somebodys/x.txt"}).find("it")
    text = refused(one.fetch, tmp_path / "in.txt")
    assert "wants credentials" in text and "credentials: my_store" in text
