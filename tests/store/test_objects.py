from __future__ import annotations

import os
import stat
import threading
from itertools import pairwise
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_files import leftovers, loose_files, pack_files

from tane import errors
from tane.digest import hashing
from tane.store import objects

LARGE = os.urandom(300_000)
ABSENT = "0" * 64
sizes = st.sampled_from([0, 1, 100, 65_535, 65_536, 65_537, 200_000])


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(size=sizes, seed=st.binary(min_size=1, max_size=8), cuts=st.lists(st.integers(0, 200_000), max_size=4))
def test_what_is_put_in_any_chunks_comes_back(store: objects.Objects, size: int, seed: bytes, cuts: list[int]) -> None:
    data = (seed * (size // len(seed) + 1))[:size]
    edges = [0, *sorted(min(cut, size) for cut in cuts), size]
    chunks = [data[start:end] for start, end in pairwise(edges)]
    digest = store.put(chunks)
    assert digest == blake3(data).hexdigest()
    assert store.read(digest) == bytes(store.map(digest)) == data
    assert store.size(digest) == size


def test_nothing_is_created_before_the_first_write(root: Path) -> None:
    with objects.Objects(root) as store:
        assert not store.has(ABSENT)
        assert store.check(ABSENT) == "missing"
    assert not root.parent.exists()


def test_a_small_object_is_readable_at_once_and_by_others_after_flush(store: objects.Objects, root: Path) -> None:
    digest = store.put(b"small")
    with objects.Objects(root) as other:
        assert store.read(digest) == b"small"
        assert not other.has(digest)
        store.flush()
        assert other.read(digest) == b"small"


def test_closing_flushes(root: Path) -> None:
    with objects.Objects(root) as store:
        digest = store.put(b"kept")
    with objects.Objects(root) as store:
        assert store.check(digest) == "ok"


def test_buffers_of_other_item_sizes_are_taken_as_bytes(store: objects.Objects) -> None:
    view = memoryview(bytes(range(64))).cast("I")
    assert store.read(store.put(view)) == bytes(range(64))
    assert store.read(store.put([view[:0], view[::2]])) == view[::2].tobytes()


def test_many_values_wait_in_bounded_memory(store: objects.Objects, root: Path) -> None:
    digests = [store.put(number.to_bytes(4, "big") * 15_000) for number in range(300)]
    assert pack_files(root)
    store.flush()
    assert set(store.check_many(digests).values()) == {"ok"}


def test_identical_small_content_is_stored_once(root: Path) -> None:
    for _ in range(3):
        with objects.Objects(root) as store:
            store.put(b"same" * 1000)
    assert sum(path.stat().st_size for path in pack_files(root)) < 2 * 4000


def test_identical_large_content_is_stored_once_from_memory_and_file(
    store: objects.Objects, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(LARGE)
    assert store.put(LARGE) == store.put_file(tmp_path / "a") == store.put_path(tmp_path / "a")
    assert len(loose_files(root)) == 1


def test_later_processes_continue_a_pack(root: Path) -> None:
    for number in range(5):
        with objects.Objects(root) as store:
            store.put(b"%d" % number)
    assert len(pack_files(root)) == 1


def test_two_writers_at_once_do_not_share_a_pack(store: objects.Objects, root: Path) -> None:
    with objects.Objects(root) as other:
        for number in range(4):
            store.put(b"a%d" % number)
            other.put(b"b%d" % number)
            store.flush()
            other.flush()
        assert len(pack_files(root)) == 2
        digests = [hashing.of_bytes(b"%c%d" % (letter, number)) for letter in b"ab" for number in range(4)]
        assert set(store.check_many(digests).values()) == set(other.check_many(digests).values()) == {"ok"}


def test_loose_files_cannot_be_written(store: objects.Objects, root: Path) -> None:
    store.put(LARGE)
    assert stat.S_IMODE(loose_files(root)[0].stat().st_mode) == 0o444


def test_a_map_is_private(store: objects.Objects) -> None:
    digest = store.put(LARGE)
    view = store.map(digest)
    assert not view.readonly
    view[0] ^= 255
    assert store.read(digest) == LARGE


@pytest.mark.parametrize("size", [10, 300_000])
def test_taking_a_file_moves_it(store: objects.Objects, root: Path, size: int) -> None:
    with store.scratch() as folder:
        path = folder / "made"
        path.write_bytes(LARGE[:size])
        digest = store.put_file(path, take=True)
        assert not path.exists()
    assert store.read(digest) == LARGE[:size]
    assert leftovers(root) == []


def test_taking_a_link_leaves_what_it_leads_to(store: objects.Objects, tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(LARGE)
    (tmp_path / "link").symlink_to("real")
    digest = store.put_file(tmp_path / "link", take=True)
    assert store.read(digest) == (tmp_path / "real").read_bytes()
    assert not (tmp_path / "link").is_symlink()


def test_a_file_with_a_second_name_is_copied_when_taken(store: objects.Objects, tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(LARGE)
    os.link(tmp_path / "one", tmp_path / "two")
    digest = store.put_file(tmp_path / "one", take=True)
    (tmp_path / "two").write_bytes(b"edited")
    assert store.read(digest) == LARGE


def test_a_known_digest_spares_reading(store: objects.Objects, tmp_path: Path) -> None:
    digest = store.put(LARGE)
    assert store.put_file(tmp_path / "not there", digest=digest) == digest


def test_a_file_that_is_not_what_it_is_said_to_be_is_refused(store: objects.Objects, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"other")
    with pytest.raises(errors.CatalogError, match="a changed while it was read"):
        store.put_file(tmp_path / "a", digest=ABSENT)


@pytest.mark.parametrize("size", [10, 200_000])
def test_a_file_that_changes_while_it_is_read_is_refused(
    store: objects.Objects, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    path = tmp_path / "growing.csv"
    path.write_bytes(b"x" * size)
    read, readv = os.read, os.readv

    def append() -> None:
        with path.open("ab") as file:
            file.write(b"y")

    monkeypatch.setattr(os, "read", lambda *given: (append(), read(*given))[1])
    monkeypatch.setattr(os, "readv", lambda *given: (append(), readv(*given))[1] if size > 10 else b"")
    with pytest.raises(errors.CatalogError, match=r"growing\.csv changed while it was read"):
        store.put_file(path)
    assert loose_files(root) == leftovers(root) == []


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: None], ids=["folder", "pipe", "nothing"])
def test_what_is_not_a_file_is_refused_by_name(store: objects.Objects, tmp_path: Path, make: object) -> None:
    path = tmp_path / "thing"
    make(path)  # type: ignore[operator]
    with pytest.raises(errors.CatalogError, match="thing"):
        store.put_file(path)


def test_no_digest_names_no_object(store: objects.Objects) -> None:
    store.put(LARGE)
    assert not store.has("")
    assert store.check("") == "missing"


def test_missing_objects_say_so(store: objects.Objects, tmp_path: Path) -> None:
    for ask in (store.read, store.map, store.size, store.is_tree, lambda d: store.place(d, tmp_path / "x")):
        with pytest.raises(errors.MissingObjectError, match="hint: run again"):
            ask(ABSENT)
    with pytest.raises(errors.MissingObjectError):
        store.watched([ABSENT])


@pytest.mark.parametrize("data", [b"a,b\n1,2\n", LARGE], ids=["packed", "loose"])
def test_a_named_path_carries_the_file_name(store: objects.Objects, root: Path, data: bytes) -> None:
    digest = store.put(data)
    with store.named(digest, "cars.csv") as path:
        assert path.name == "cars.csv"
        assert path.read_bytes() == data
    assert leftovers(root) == []


def test_watched_signatures_change_when_a_file_does(store: objects.Objects, root: Path) -> None:
    digests = [store.put(b"small"), store.put(LARGE)]
    before = store.watched(digests)
    assert set(before) == {str(path) for path in pack_files(root) + loose_files(root)}
    assert store.watched(digests) == before
    loose_files(root)[0].touch()
    assert store.watched(digests) != before


def test_threads_share_a_store(store: objects.Objects) -> None:
    faults: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for step in range(50):
                data = b"%d %d" % (step, number % 2)
                assert store.read(store.put(data)) == data
                if step % 10 == 0:
                    store.flush()
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_a_store_opened_for_reading_reads_and_refuses_to_write(root: Path) -> None:
    with objects.Objects(root) as store:
        digests = [store.put(b"small"), store.put(LARGE)]
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*.pack")}
    with objects.Objects(root, read_only=True) as store:
        assert store.read(digests[0]) == b"small"
        assert store.read(digests[1]) == LARGE
        with store.named(digests[0], "x.txt") as path:
            assert path.read_bytes() == b"small"
        for put in (lambda: store.put(b"x"), lambda: store.put_file(__file__), lambda: store.put_tree(".")):
            with pytest.raises(errors.StoreError, match=r"read-only\n  hint"):
                put()
    assert before == {path: path.stat().st_mtime_ns for path in root.rglob("*.pack")}
