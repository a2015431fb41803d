"""Datasets behind URLs: fetched to and sent from local temporary files."""

import sys
import uuid
import zipfile

import fsspec
import pytest

from tane import errors
from tane.catalog import places, remotes
from tane.config import secret
from tane.testing import Answer, FakeAPI


@pytest.fixture
def url():
    return f"memory://{uuid.uuid4().hex}/deep/x.txt"


def test_what_is_sent_is_fetched_back(dataset, tmp_path, url):
    one = dataset(type="text", filepath=url)
    assert one.local is None and one.place == url and one.filename == "x.txt"
    assert not one.exists()
    one.write("first", tmp_path / "out.txt")
    one.send(tmp_path / "out.txt")
    assert one.exists()
    one.fetch(tmp_path / "in.txt")
    assert one.read(tmp_path / "in.txt") == "first"


def test_sending_again_replaces_and_leaves_no_part_behind(dataset, tmp_path, url):
    one = dataset(type="text", filepath=url)
    for text in ("first", "second"):
        (tmp_path / "out.txt").write_text(text)
        one.send(tmp_path / "out.txt")
    system, path = fsspec.core.url_to_fs(url)
    assert system.cat(path) == b"second"
    assert system.ls(path.rpartition("/")[0], detail=False) == [path]


def test_a_failed_upload_leaves_the_old_file(dataset, tmp_path, url, monkeypatch):
    one = dataset(type="text", filepath=url)
    (tmp_path / "out.txt").write_text("first")
    one.send(tmp_path / "out.txt")
    system, path = fsspec.core.url_to_fs(url)

    def fail(source, target, **_options):
        system.pipe_file(target, b"half")
        raise OSError("the line went dead")

    monkeypatch.setattr(type(system), "put_file", lambda _self, *args, **options: fail(*args, **options))
    with pytest.raises(errors.CatalogError, match="the line went dead"):
        one.send(tmp_path / "out.txt")
    assert system.cat(path) == b"first"
    assert system.ls(path.rpartition("/")[0], detail=False) == [path]


def test_folders_are_sent_and_fetched(dataset, tmp_path, url):
    one = dataset(type="matplotlib", filepath=url.replace("/x.txt", "/plots"))
    (tmp_path / "out" / "by").mkdir(parents=True)
    (tmp_path / "out" / "a.png").write_bytes(b"a")
    (tmp_path / "out" / "by" / "b.png").write_bytes(b"b")
    one.send(tmp_path / "out")
    (tmp_path / "out" / "a.png").unlink()
    one.send(tmp_path / "out")
    one.fetch(tmp_path / "in")
    assert sorted(p.name for p in (tmp_path / "in").rglob("*.png")) == ["b.png"]


def test_nothing_behind_a_url_is_a_clear_error(dataset, tmp_path, url):
    with pytest.raises(errors.CatalogError, match="there is nothing") as raised:
        dataset(type="text", filepath=url).fetch(tmp_path / "in.txt")
    assert raised.value.where == url and raised.value.hint


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("data/x.csv.gz", "x.csv.gz"),
        ("s3://bucket/a/b.parquet/", "b.parquet"),
        ("https://host/a.csv?day=1&x=/y", "a.csv"),
        ("zip://in/a.csv::https://host/b.zip", "a.csv"),
        ("zip://a.csv::data/b.zip", "a.csv"),
        ("simplecache::s3://bucket/a.csv", "a.csv"),
    ],
)
def test_the_file_name_of_a_place(place, name):
    assert places.filename(place) == name


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:pw@host/a.csv?token=abc&day=1", "https://host/a.csv?token=***&day=1"),
        ("zip://a.csv::https://me:pw@host/b.zip", "zip://a.csv::https://host/b.zip"),
        ("https://host/a?X-Amz-Signature=abc&sig=def#top", "https://host/a?X-Amz-Signature=***&sig=***#top"),
        ("s3://bucket/a@b.csv", "s3://bucket/a@b.csv"),
    ],
)
def test_a_url_is_shown_without_its_secrets(dataset, url, shown):
    assert dataset(type="csv", filepath=url).place == shown


def test_a_file_in_an_archive_of_the_project(dataset, tmp_path):
    (tmp_path / "data").mkdir()
    with zipfile.ZipFile(tmp_path / "data" / "all.zip", "w") as archive:
        archive.writestr("in/x.txt", "packed")
    one = dataset(type="text", filepath="zip://in/x.txt::data/all.zip")
    assert one.exists() and one.read_only and one.local is None
    one.fetch(tmp_path / "x.txt")
    assert one.read(tmp_path / "x.txt") == "packed" and one.listing()[""].sign


def test_options_and_credentials_are_put_together(catalog):
    entry = {
        "type": "text",
        "filepath": "s3://bucket/x.txt",
        "fs_args": {"client_kwargs": {"region_name": "eu-north-1"}, "open_args_load": {"mode": "r"}},
        "credentials": "dev",
    }
    made = catalog({"it": entry}, credentials={"dev": {"key": "k", "client_kwargs": {"endpoint_url": "http://e"}}})
    assert made.find("it").remote.options == {
        "client_kwargs": {"region_name": "eu-north-1", "endpoint_url": "http://e"},
        "key": "k",
    }


def test_the_same_url_at_another_server_is_another_place(catalog):
    def at(endpoint, key):
        entry = {"type": "text", "filepath": "s3://bucket/x.txt", "credentials": "dev"}
        known = {"dev": {"key": key, "endpoint_url": secret.Secret(endpoint)}}
        return catalog({"it": entry}, credentials=known).find("it").remote.identity

    assert at("http://a", "k") == at("http://a", "other") != at("http://b", "k")


# -- http ----------------------------------------------------------------------------------------------------


@pytest.fixture
def api():
    pytest.importorskip("aiohttp")
    with FakeAPI() as service:
        yield service


def test_a_file_of_the_web_is_fetched(dataset, tmp_path, api):
    api.gives("/x.txt", b"from the web", ETag='"1"')
    one = dataset(type="text", filepath=f"{api.url}/x.txt?day=1")
    assert one.exists() and one.listing()[""] == remotes.File(12, 'ETag="1" size=12')
    one.fetch(tmp_path / one.filename)
    assert one.read(tmp_path / "x.txt") == "from the web"


def test_nothing_is_written_to_the_web(dataset, tmp_path, api):
    (tmp_path / "x.txt").write_text("x")
    one = dataset(type="text", filepath=f"{api.url}/x.txt")
    assert one.read_only
    with pytest.raises(errors.CatalogError, match="http:// URLs can only be read") as raised:
        one.send(tmp_path / "x.txt")
    assert raised.value.hint


@pytest.mark.parametrize(("status", "said"), [(404, "there is nothing"), (403, "denied access"), (500, "answered 500")])
def test_a_refusal_of_the_web_is_told(catalog, tmp_path, api, status, said):
    api.answers("/x.txt", Answer(status))
    known = {"web": {"token": secret.Secret("hush-hush")}}
    entry = {"type": "text", "filepath": f"{api.url}/x.txt?key=hush-hush", "credentials": "web"}
    one = catalog({"it": entry}, credentials=known).find("it")
    with pytest.raises(errors.CatalogError, match=said) as raised:
        one.fetch(tmp_path / "in.txt")
    assert "hush-hush" not in f"{raised.value}{raised.value.__cause__}{one!r}"
    assert {asked.headers["authorization"] for asked in api.asked} == {"Bearer hush-hush"}


def test_nobody_at_the_address_is_told(dataset, tmp_path):
    pytest.importorskip("aiohttp")
    with pytest.raises(errors.CatalogError, match="cannot be reached"):
        dataset(type="text", filepath="http://127.0.0.1:9/x.txt").fetch(tmp_path / "in.txt")


def test_a_protocol_without_its_package_says_what_to_install(dataset, monkeypatch):
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(errors.MissingExtraError, match="gs://") as raised:
        dataset(type="text", filepath="gs://bucket/x.txt").exists()
    assert raised.value.hint == "pip install gcsfs"


def test_an_unknown_protocol_is_named(dataset):
    with pytest.raises(errors.CatalogError, match="nonsense"):
        dataset(type="text", filepath="nonsense://x.txt").exists()
