"""Packs whose writer was killed, or that lost their index: nothing whole is lost, nothing else is believed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from store_files import damage, pack_files

from tane.digest import hashing
from tane.store import health, objects, packs, trees


def record(data: bytes) -> bytes:
    """An object as it lies in a pack."""
    digest = bytes.fromhex(hashing.of_bytes(data))
    return packs._HEADER.pack(packs._MARK, trees.BLOB, digest, len(data)) + data


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let so much time go by that nobody can be at work on a pack any more."""
    now, now_ns = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: now() + seconds)
    monkeypatch.setattr(time, "time_ns", lambda: now_ns() + int(seconds * 1e9))


@pytest.mark.parametrize("half", [1, 30, 60, 90], ids="cut at {}".format)
def test_what_a_killed_writer_left_is_taken_in_or_cut_off(
    root: Path, half: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with objects.Objects(root) as store:
        first = store.put(b"first" * 20)
    [pack] = pack_files(root)
    append(pack, record(b"whole" * 20) + record(b"half" * 20)[:half])
    with objects.Objects(root) as store:
        assert store.read(first) == b"first" * 20
        second = store.put(b"second" * 20)
    later(monkeypatch, 120)
    with objects.Objects(root) as store:
        assert store.check(first) == "ok"
    with objects.Objects(root) as store:
        assert store.read(hashing.of_bytes(b"whole" * 20)) == b"whole" * 20
        assert store.read(second) == b"second" * 20
        assert health.damaged(store) == []
    assert pack.stat().st_size == len(record(b"first" * 20) + record(b"whole" * 20))


def test_a_pack_whose_maker_was_killed_before_he_could_tell_is_found(root: Path) -> None:
    with objects.Objects(root) as store:
        first = store.put(b"first")
    [pack] = pack_files(root)
    (pack.parent / "0-orphan.pack").write_bytes(record(b"orphan") + record(b"half")[:-1])
    pack.unlink()  # so that another is begun
    with objects.Objects(root) as store:
        assert store.check(first) == "missing"
        store.put(b"second")
        store.flush()
        assert store.read(hashing.of_bytes(b"orphan")) == b"orphan"
        assert health.damaged(store) == []


def test_a_damaged_pack_is_not_believed_because_something_was_added_to_it(root: Path) -> None:
    with objects.Objects(root) as store:
        first = store.put(b"first" * 20)
    damage(pack_files(root)[0])
    with objects.Objects(root) as store:
        store.put(b"second" * 20)
    with objects.Objects(root) as store:
        assert store.check(first) == "corrupt"


def test_an_index_made_again_finds_what_lies_behind_damage(root: Path) -> None:
    contents = [b"%d tane " % number * 50 for number in range(4)]
    with objects.Objects(root) as store:
        digests = [store.put(content) for content in contents]
    [pack] = pack_files(root)
    damage(pack, at=len(record(contents[0])))  # the mark of the second
    append(pack, record(b"half" * 20)[:-1] + record(b"last"))
    for path in root.glob("index.db*"):
        path.unlink()
    with objects.Objects(root) as store:
        assert [store.check(digest) for digest in digests] == ["ok", "missing", "ok", "ok"]
        assert store.read(hashing.of_bytes(b"last")) == b"last"


def test_a_pack_that_was_cut_short_is_not_made_longer(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with objects.Objects(root) as store:
        digests = [store.put(b"first" * 20), store.put(b"second" * 20)]
    [pack] = pack_files(root)
    size = pack.stat().st_size
    os.truncate(pack, size - 1)
    later(monkeypatch, 120)
    with objects.Objects(root) as store:
        assert sorted(store.check_many(digests).values()) == ["corrupt", "ok"]
        assert pack.stat().st_size == size - 1
        third = store.put(b"third")
        store.flush()
        assert store.read(third) == b"third"
    assert pack.stat().st_size == size - 1 + len(record(b"third"))
