"""What breaks underneath: damaged, deleted and full places."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from store_files import damage, leftovers, loose_files, pack_files

from tane import errors
from tane.digest import hashing
from tane.store import objects

LARGE = os.urandom(300_000)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 3)


@pytest.mark.parametrize("spoil", [damage, cut, Path.unlink], ids=["bit flip", "truncation", "deletion"])
@pytest.mark.parametrize("data", [b"packed" * 100, LARGE], ids=["packed", "loose"])
def test_damage_is_found_at_once_set_aside_and_healed_by_putting_again(
    store: objects.Objects, root: Path, spoil: Any, data: bytes
) -> None:
    digest = store.put(data)
    store.flush()
    path = (pack_files(root) + loose_files(root))[0]
    spoil(path)
    found = "missing" if not path.exists() else "corrupt"
    assert store.check(digest) == found
    assert store.check(digest) == "missing"
    assert not store.has(digest)
    assert any((root / "quarantine").glob(f"{digest}*")) == (found == "corrupt")
    assert store.put(data) == digest
    store.flush()
    assert store.check(digest) == "ok"
    assert store.read(digest) == data


@pytest.mark.parametrize("data", [b"packed" * 100, LARGE], ids=["packed", "loose"])
@pytest.mark.parametrize("ask", ["read", "map", "size", "is_tree"])
def test_damaged_bytes_are_never_handed_out(store: objects.Objects, root: Path, data: bytes, ask: str) -> None:
    digest = store.put(data)
    store.flush()
    damage((pack_files(root) + loose_files(root))[0])
    with pytest.raises(errors.CorruptObjectError, match="damaged"):
        getattr(store, ask)(digest)


def test_damage_in_a_pack_costs_only_the_object_it_hit(store: objects.Objects, root: Path) -> None:
    first, second = store.put(b"a" * 1000), store.put(b"b" * 1000)
    store.flush()
    damage(pack_files(root)[0], at=-1)
    assert store.check_many([first, second]) == {first: "ok", second: "corrupt"}


def test_a_copied_store_is_verified_anew_and_then_believed(store: objects.Objects, root: Path) -> None:
    digests = [store.put(b"small"), store.put(LARGE)]
    store.close()
    shutil.copytree(root, root.with_name("copy"))
    with objects.Objects(root.with_name("copy")) as copy:
        assert set(copy.check_many(digests).values()) == {"ok"}
        copy.flush()
        before = copy.watched(digests)
    with objects.Objects(root.with_name("copy")) as copy:
        assert set(copy.check_many(digests).values()) == {"ok"}
        assert copy.watched(digests) == before


def test_a_store_opened_for_reading_reports_damage_and_moves_nothing(root: Path) -> None:
    with objects.Objects(root) as store:
        digests = [store.put(b"small"), store.put(LARGE)]
    damage(pack_files(root)[0])
    damage(loose_files(root)[0])
    with objects.Objects(root, read_only=True) as store:
        assert set(store.check_many(digests).values()) == {"corrupt"}
        assert set(store.check_many(digests).values()) == {"corrupt"}
    assert not (root / "quarantine").exists()


def test_a_deleted_index_is_made_again_from_the_packs(root: Path, tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "a").write_bytes(b"inner")
    with objects.Objects(root) as store:
        digests = [store.put(b"small"), store.put(LARGE), store.put_tree(tmp_path / "f")]
    for path in root.glob("index.db*"):
        path.unlink()
    with objects.Objects(root) as store:
        assert set(store.check_many(digests).values()) == {"ok"}
        assert [store.is_tree(digest) for digest in digests] == [False, False, True]


def test_an_index_that_is_no_database_is_named_with_the_cure(root: Path) -> None:
    with objects.Objects(root) as store:
        digest = store.put(b"small")
    (root / "index.db").write_bytes(b"not a database at all" * 100)
    with objects.Objects(root) as store, pytest.raises(errors.StoreError, match=r"index\.db.*\n.*made again"):
        store.check(digest)


def test_an_index_that_was_only_begun_is_read_as_none_and_made(root: Path) -> None:
    root.mkdir(parents=True)
    sqlite3.connect(root / "index.db").execute("pragma journal_mode = wal").connection.close()
    with objects.Objects(root, read_only=True) as store:
        assert store.check("0" * 64) == "missing"
    with objects.Objects(root) as store:
        digest = store.put(b"small")
    with objects.Objects(root, read_only=True) as store:
        assert store.check(digest) == "ok"


@pytest.mark.parametrize("read_only", [False, True])
def test_an_index_of_a_newer_version_is_refused(root: Path, read_only: bool) -> None:
    root.mkdir(parents=True)
    connection = sqlite3.connect(root / "index.db")
    connection.execute("pragma user_version = 99")
    connection.close()
    with objects.Objects(root, read_only=read_only) as store, pytest.raises(errors.StoreError, match="newer Tane"):
        store.check("0" * 64)


@pytest.mark.parametrize("data", [b"small", LARGE], ids=["packed", "loose"])
def test_a_store_deleted_while_in_use_is_an_error_with_a_hint(root: Path, data: bytes) -> None:
    store = objects.Objects(root)
    store.put(b"first")
    store.put(b"first" * 100_000)
    store.flush()
    shutil.rmtree(root.parent)
    with pytest.raises(errors.StoreError, match="hint: its folder was deleted"):
        store.put(data)
        store.flush()
    assert not root.parent.exists()
    digest = store.put(data)
    store.close()
    with objects.Objects(root) as store:
        assert store.read(digest) == data


@contextmanager
def file_limit(size: int) -> Iterator[None]:
    """No file of this process may grow beyond `size`: the kernel stops a write short, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_file_too_large_for_the_place_leaves_nothing_behind(
    store: objects.Objects, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "big").write_bytes(LARGE)
    with file_limit(100_000):
        for put in (lambda: store.put(LARGE), lambda: store.put_file(tmp_path / "big")):
            with pytest.raises(errors.StoreError, match="File too large") as caught:
                put()
            assert caught.value.exit_code == 4
    assert loose_files(root) == leftovers(root) == []
    assert store.check(store.put_file(tmp_path / "big")) == "ok"


def test_a_disk_that_fills_up_under_a_pack_loses_nothing(
    store: objects.Objects, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = store.put(b"first")
    store.flush()
    size = pack_files(root)[0].stat().st_size
    write = os.write

    def full(file: int, data: hashing.Buffer) -> int:
        if len(data) <= 40:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data[:40])

    second = store.put(b"second" * 100)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(errors.StoreError, match=r"\.pack: No space left(.|\n)*hint: free some space"):
            store.flush()
    assert pack_files(root)[0].stat().st_size == size
    assert store.read(second) == b"second" * 100
    store.flush()
    with objects.Objects(root) as other:
        assert other.check_many([first, second]) == {first: "ok", second: "ok"}


def test_a_place_that_cannot_be_written_is_named(
    store: objects.Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = store.put(LARGE)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.csv").write_text("old")

    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "copy_file_range", refuse)
    with pytest.raises(errors.StoreError, match=r"cannot write .*old\.csv: No space left"):
        store.place(digest, tmp_path / "out" / "old.csv")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["old.csv"]
    assert (tmp_path / "out" / "old.csv").read_text() == "old"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True)
    if mounted.returncode:
        pytest.skip("only root may mount")
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def test_a_really_full_disk_is_reported_and_usable_again(small_disk: Path) -> None:
    with objects.Objects(small_disk / "objects") as store:
        kept = store.put(b"kept")
        store.flush()
        with pytest.raises(errors.StoreError, match="No space left"):
            store.put(os.urandom(2_000_000))
        assert leftovers(small_disk / "objects") == []
        for number in range(100):
            store.put(number.to_bytes(4, "big") * 5_000)
        with pytest.raises(errors.StoreError, match=r"No space left|disk is full"):
            store.flush()
        assert store.check(kept) == "ok"
        subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
    with objects.Objects(small_disk / "objects") as store:
        assert store.check(kept) == "ok"
        assert store.check(hashing.of_bytes((7).to_bytes(4, "big") * 5_000)) == "ok"


def test_a_read_only_disk_is_read_and_never_written(small_disk: Path) -> None:
    with objects.Objects(small_disk / "objects") as store:
        digests = [store.put(b"small"), store.put(LARGE)]
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with objects.Objects(small_disk / "objects") as store:
        assert store.read(digests[0]) == b"small"
        assert store.read(digests[1]) == LARGE
        for data in (b"other", LARGE[1:]):
            with pytest.raises(errors.StoreError, match="read-only"):
                store.put(data)
                store.flush()
