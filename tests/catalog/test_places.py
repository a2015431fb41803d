"""Datasets behind URLs: fetched to and sent from local temporary files."""

import uuid

import fsspec
import pytest

from tane import errors


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


def test_a_protocol_without_its_package_says_what_to_install(dataset):
    pytest.importorskip("fsspec")
    with pytest.raises(errors.MissingExtraError, match="s3://") as raised:
        dataset(type="text", filepath="s3://bucket/x.txt").exists()
    assert raised.value.hint == "pip install s3fs"


def test_an_unknown_protocol_is_named(dataset):
    with pytest.raises(errors.CatalogError, match="nonsense"):
        dataset(type="text", filepath="nonsense://x.txt").exists()
