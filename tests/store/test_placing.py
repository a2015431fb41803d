from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from store_files import damage, loose_files

from tane import errors
from tane.store import objects, placing

LARGE = os.urandom(300_000)
both = pytest.mark.parametrize("data", [b"small", LARGE], ids=["packed", "loose"])


@both
def test_a_placed_file_is_the_users_own(store: objects.Objects, tmp_path: Path, data: bytes) -> None:
    digest = store.put(data)
    target = tmp_path / "data" / "08_reporting" / "out.bin"
    store.place(digest, target)
    assert target.read_bytes() == data
    assert stat.S_IMODE(target.stat().st_mode) & stat.S_IWUSR
    target.write_bytes(b"edited")
    assert store.read(digest) == data


@both
def test_placing_replaces_what_is_there_whole(store: objects.Objects, tmp_path: Path, data: bytes) -> None:
    target = tmp_path / "out"
    target.write_bytes(b"old")
    with target.open("rb") as reader:
        store.place(store.put(data), target)
        assert reader.read() == b"old"
    assert target.read_bytes() == data
    assert [path.name for path in tmp_path.iterdir() if path.name != ".tane"] == ["out"]


def test_a_hard_link_shares_the_bytes_and_stays_believed(store: objects.Objects, tmp_path: Path) -> None:
    digest = store.put(LARGE)
    store.place(digest, tmp_path / "out", link=True)
    store.place(digest, tmp_path / "out", link=True)
    assert (tmp_path / "out").samefile(loose_files(store.root)[0])
    assert [path.name for path in tmp_path.iterdir() if path.name != ".tane"] == ["out"]
    os.chmod(loose_files(store.root)[0], 0o444)
    assert store.check(digest) == "ok"


def test_writing_through_a_hard_link_is_noticed(store: objects.Objects, tmp_path: Path) -> None:
    digest = store.put(LARGE)
    store.place(digest, tmp_path / "out", link=True)
    damage(tmp_path / "out")
    assert store.check(digest) == "corrupt"


def test_what_lies_in_a_pack_is_copied_where_a_link_is_asked_for(store: objects.Objects, tmp_path: Path) -> None:
    store.place(store.put(b"small"), tmp_path / "out", link=True)
    assert (tmp_path / "out").read_bytes() == b"small"


def test_a_folder_is_swapped_in(store: objects.Objects, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "a").write_text("new")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "stale").write_text("old")
    store.place(store.put_tree(tmp_path / "new"), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "out"]


def test_file_and_folder_replace_each_other(store: objects.Objects, tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "a").touch()
    tree, file = store.put_tree(tmp_path / "f"), store.put(b"x")
    for digest in (tree, file, tree):
        store.place(digest, tmp_path / "out")
        assert (tmp_path / "out").is_dir() == (digest == tree)


def test_a_folder_that_cannot_be_built_leaves_the_old_one(
    store: objects.Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("old")
    digest = store.put_tree(tmp_path / "out")
    rename = os.rename

    def refuse(source: Path, target: Path) -> None:
        if Path(target).name == "out" and "old" not in seen:
            seen.append("old")
            raise PermissionError(1, "Operation not permitted")
        rename(source, target)

    seen: list[str] = []
    monkeypatch.setattr(placing, "exchange", lambda *_: False)
    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(errors.StoreError, match="out: Operation not permitted"):
        store.place(digest, tmp_path / "out")
    assert (tmp_path / "out" / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_is_never_missing_while_another_takes_its_place(
    store: objects.Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in ("old", "new"):
        (tmp_path / text).mkdir()
        (tmp_path / text / "a").write_text(text)
    seen: list[str] = []
    remove = placing.remove

    def removed(path: Path) -> None:
        seen.append((tmp_path / "old" / "a").read_text())
        remove(path)

    monkeypatch.setattr(placing, "remove", removed)
    monkeypatch.setattr(os, "rename", lambda *_: pytest.fail("there is a moment without the folder"))
    if not placing.exchange(tmp_path / "old", tmp_path / "old"):
        pytest.skip("this system cannot exchange names")
    placing.folder(tmp_path / "old", lambda folder: (folder / "a").write_text("newer") and None)
    assert seen == ["newer"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "old"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_was_left_beside_a_place_is_cleared_away_and_nothing_else(tmp_path: Path, kind: str) -> None:
    target = tmp_path / ("a long name" * 12)
    left = placing.beside(target)
    if kind == "folder":
        (left / "inner").mkdir(parents=True)
    else:
        left.touch()
    others = [placing.beside(tmp_path / "other"), tmp_path / f"{left.name}0", target]
    for other in others:
        other.touch()
    placing.clear_beside(target)
    assert sorted(tmp_path.iterdir()) == sorted(others)
    placing.clear_beside(tmp_path / "nowhere" / "file")


def test_copying_falls_back_where_the_kernel_cannot(
    store: objects.Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placing, "clone", lambda *_: False)
    monkeypatch.setattr(placing, "_copy_in_kernel", lambda *_: False)
    digest = store.put(LARGE)
    store.place(digest, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == LARGE


def test_removing_spares_what_links_lead_to(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "a").touch()
    (tmp_path / "gone" / "inner").mkdir(parents=True)
    (tmp_path / "gone" / "inner" / "link").symlink_to(tmp_path / "kept")
    placing.remove(tmp_path / "gone")
    placing.remove(tmp_path / "gone")
    assert [path.name for path in tmp_path.rglob("*")] == ["kept", "a"]
