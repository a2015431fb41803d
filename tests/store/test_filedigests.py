from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tane import errors
from tane.digest import hashing
from tane.store import filedigests, objects, sources


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were read."""
    seen: list[str] = []
    real = sources.read_small

    def read(path: str) -> object:
        seen.append(Path(path).name)
        return real(path)

    monkeypatch.setattr(sources, "read_small", read)
    return seen


def age(*paths: Path) -> None:
    """Wait until the change of the files lies clearly back."""
    last = max(path.stat().st_ctime_ns for path in paths)
    while time.time_ns() < last + 30_000_000:
        time.sleep(0.005)


def test_the_digest_is_that_of_the_bytes(store: objects.Objects, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one")
    assert objects.FileDigests(store).of(tmp_path / "a") == hashing.of_bytes(b"one")


def test_what_is_missing_has_none(store: objects.Objects, tmp_path: Path) -> None:
    digests = objects.FileDigests(store)
    assert digests.of(tmp_path / "none") is None
    assert digests.keep(tmp_path / "none" / "below") is None


def test_an_unchanged_file_is_read_once(store: objects.Objects, tmp_path: Path, reads: list[str]) -> None:
    (tmp_path / "a").write_bytes(b"one")
    age(tmp_path / "a")
    digests = objects.FileDigests(store)
    assert digests.of(tmp_path / "a") == digests.of(tmp_path / "a")
    assert reads == ["a"]


def test_what_is_remembered_outlives_the_process(root: Path, tmp_path: Path, reads: list[str]) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "a").write_bytes(b"one")
    age(tmp_path / "f" / "a")
    for _ in range(3):
        with objects.Objects(root) as store:
            store.put(b"so that there is a store")
            store.flush()
            objects.FileDigests(store).of(tmp_path / "f")
            objects.FileDigests(store).of(tmp_path / "f" / "a")
    assert reads == ["a"]


def test_a_look_alone_makes_no_store(root: Path, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one")
    with objects.Objects(root) as store:
        objects.FileDigests(store).of(tmp_path / "a")
    assert not root.exists()


def test_a_file_looked_at_too_soon_is_read_again(
    store: objects.Objects, tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    monkeypatch.setattr(time, "time_ns", lambda: path.stat().st_ctime_ns)
    monkeypatch.setattr(filedigests, "now_ns", lambda: path.stat().st_ctime_ns)
    digests = objects.FileDigests(store)
    assert digests.of(path) == digests.of(path) == digests.keep(path)
    assert reads == ["a", "a", "a"]


def test_an_edit_of_the_same_size_within_the_tick_is_seen(store: objects.Objects, tmp_path: Path) -> None:
    path = tmp_path / "a"
    digests = objects.FileDigests(store)
    for number in range(200):
        data = b"%03d" % number
        with path.open("r+b" if path.exists() else "wb") as file:
            file.write(data)
        assert digests.of(path) == hashing.of_bytes(data)


def test_one_changed_file_of_a_folder_is_read(store: objects.Objects, tmp_path: Path, reads: list[str]) -> None:
    folder = tmp_path / "f"
    folder.mkdir()
    for name in "abc":
        (folder / name).write_text(name)
    age(folder / "c")
    digests = objects.FileDigests(store)
    before = digests.of(folder)
    (folder / "b").write_text("B")
    assert digests.of(folder) != before
    assert reads == ["a", "b", "c", "b"] or sorted(reads) == ["a", "b", "b", "c"]


def test_keeping_stores_what_is_not_there_and_reads_nothing_twice(
    store: objects.Objects, tmp_path: Path, reads: list[str]
) -> None:
    folder = tmp_path / "f"
    folder.mkdir()
    (folder / "a").write_text("a")
    (folder / "big").write_bytes(os.urandom(100_000))
    age(folder / "a", folder / "big")
    digests = objects.FileDigests(store)
    looked = digests.of(folder)
    assert looked is not None
    assert store.check(looked) == "missing"
    assert digests.keep(folder) == looked
    assert store.check(looked) == "ok"
    reads.clear()
    assert digests.keep(folder) == digests.of(folder) == looked
    assert reads == []


def test_what_we_wrote_ourselves_is_not_read(store: objects.Objects, tmp_path: Path, reads: list[str]) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "a").write_text("a")
    digest = store.put_tree(tmp_path / "f")
    store.place(digest, tmp_path / "g")
    age(tmp_path / "g" / "a")
    digests = objects.FileDigests(store)
    digests.note(tmp_path / "g", digest)
    reads.clear()
    assert digests.of(tmp_path / "g") == digest
    assert reads == []


def test_a_file_that_may_not_be_read_is_named(store: objects.Objects, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(errors.CatalogError, match=r"cannot read .*loop"):
        objects.FileDigests(store).of(tmp_path / "loop")
