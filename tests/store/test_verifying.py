"""Reading everything again finds what is damaged, whatever was remembered of it."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_files import loose_files, pack_files

import effort
from tane.store import collecting, objects, trash, verifying


def flip(path: Path, at: int) -> None:
    """Change a byte, and set the times back."""
    before = path.stat()
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@effort.drawn(15)
@given(sizes=st.lists(st.sampled_from([0, 1, 5000, 40_000, 70_000, 1_200_000]), min_size=1, max_size=8), data=st.data())
def test_exactly_the_damaged_objects_are_found_and_set_aside(sizes: list[int], data: st.DataObject) -> None:
    contents = [b"%d" % at * (size // len(b"%d" % at)) for at, size in enumerate(sizes)]
    with tempfile.TemporaryDirectory() as folder, objects.Objects(Path(folder)) as store:
        digests = [store.put(content) for content in contents]
        store.flush()
        spoilt = set(data.draw(st.lists(st.sampled_from(digests)))) - {store.put(b"")}
        for digest in spoilt:
            row = store.index.locate(digest)
            path = Path(store._packs.file_of(row) or "") if row else store.root / digest[:2] / digest[2:]
            length = row.length if row else path.stat().st_size
            flip(path, (row.offset if row else 0) + data.draw(st.integers(0, length - 1)))
        told: list[int] = []
        found = verifying.verify(store, progress=told.append)
        assert set(found.damaged) == spoilt and found.missing == ()
        assert sum(told) >= sum(map(len, set(contents)))
        assert len([path for path in (store.root / "quarantine").glob("*") if path.suffix != ".txt"]) == len(spoilt)
        assert verifying.verify(store, digests).missing == tuple(sorted(spoilt))
        again = [store.put(content) for content in contents]
        assert set(store.check_many(again).values()) == {"ok"}


def test_what_is_in_the_trash_is_not_missing(store: objects.Objects) -> None:
    digests = [store.put(b"small"), store.put(b"large" * 20_000)]
    store.flush()
    collecting.throw(store, collecting.lying(store))
    assert verifying.verify(store, digests) == verifying.Verified(2, verifying.verify(store).bytes, (), ())


def test_a_file_that_cannot_be_read_is_damaged_or_gone(store: objects.Objects, root: Path) -> None:
    gone = store.put(b"gone" * 20_000)
    loose_files(root)[0].unlink()
    assert verifying.verify(store, [gone]).missing == (gone,)


def test_an_index_of_the_first_version_is_brought_up_to_date(root: Path) -> None:
    with objects.Objects(root) as store:
        small = store.put(b"small")
    with sqlite3.connect(root / "index.db") as old:
        old.execute("drop table trashed")
        old.execute("drop table appended")
        old.execute("pragma user_version = 1")
    old.close()
    with objects.Objects(root) as store:
        assert store.read(small) == b"small"
        (each,) = collecting.lying(store)
        assert each.at > 1e9
        collecting.throw(store, [each])
        assert store.check(small) == "ok"


def test_an_index_of_the_first_version_can_be_looked_at(root: Path) -> None:
    with objects.Objects(root) as store:
        store.put(b"small")
    with sqlite3.connect(root / "index.db") as old:
        old.execute("drop table trashed")
        old.execute("drop table appended")
        old.execute("pragma user_version = 1")
    old.close()
    with objects.Objects(root, read_only=True) as store:
        assert len(collecting.lying(store)) == 1 and trash.lying(store.index) == []


@pytest.mark.parametrize("large", [False, True])
def test_what_was_thrown_away_comes_back_to_a_store_that_is_only_read(root: Path, large: bool) -> None:
    content = b"content" * (20_000 if large else 1)
    with objects.Objects(root) as store:
        digest = store.put(content)
        store.flush()
        collecting.throw(store, collecting.lying(store))
        assert not collecting.lying(store) and len(trash.lying(store.index)) == 1
    with objects.Objects(root, read_only=True) as store:
        assert store.read(digest) == content
        assert bytes(store.map(digest)) == content
    assert pack_files(root) or large
