from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_files import damage, loose_files

from tane import errors
from tane.store import objects, trees

names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda name: name not in {".", ".."}
)
folders = st.recursive(
    st.dictionaries(names, st.binary(max_size=20), max_size=4),
    lambda inner: st.dictionaries(names, st.one_of(st.binary(max_size=20), inner), max_size=4),
    max_leaves=6,
)


def write(folder: Path, content: dict[str, Any]) -> None:
    folder.mkdir()
    for name, value in content.items():
        if isinstance(value, dict):
            write(folder / name, value)
        else:
            (folder / name).write_bytes(value)


def read(folder: Path) -> dict[str, Any]:
    return {path.name: read(path) if path.is_dir() else path.read_bytes() for path in folder.iterdir()}


@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(content=folders)
def test_a_folder_comes_back_whole(
    store: objects.Objects, tmp_path_factory: pytest.TempPathFactory, content: dict[str, Any]
) -> None:
    place = tmp_path_factory.mktemp("tree")
    write(place / "made", content)
    digest = store.put_path(place / "made")
    assert store.is_tree(digest)
    store.place(digest, place / "placed")
    assert read(place / "placed") == content
    assert store.put_tree(place / "placed") == objects.FileDigests(store).of(place / "placed") == digest


@given(
    entries=st.lists(
        st.builds(trees.Entry, names, st.sampled_from("fxd"), st.just("ab" * 32), st.integers(0, 1 << 60)),
        unique_by=lambda entry: entry.name,
    )
)
def test_a_tree_is_canonical_and_reads_back(entries: list[trees.Entry]) -> None:
    data = trees.encode(entries)
    assert data == trees.encode(reversed(entries))
    assert sorted(trees.decode(data)) == sorted(entries)


def test_the_digest_of_a_tree_is_pinned() -> None:
    entry = trees.Entry("a.csv", "f", "12" * 32, 7)
    assert trees.digest_of(trees.encode([entry])).startswith("c8ad55768432969644ef540e")


def test_a_file_with_the_bytes_of_a_tree_is_a_file(store: objects.Objects, tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "a").touch()
    tree = store.put_tree(tmp_path / "f")
    file = store.put(store.read(tree))
    assert file != tree
    assert store.is_tree(tree)
    assert not store.is_tree(file)


def test_one_changed_file_costs_one_file(store: objects.Objects, root: Path, tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / "f").mkdir(exist_ok=True)
        (tmp_path / "f" / str(number)).write_bytes(os.urandom(100_000))
    store.put_tree(tmp_path / "f")
    (tmp_path / "f" / "3").write_bytes(os.urandom(100_000))
    store.put_tree(tmp_path / "f")
    assert len(loose_files(root)) == 6


def test_the_executable_bit_is_kept(store: objects.Objects, tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "run.sh").touch(0o755)
    (tmp_path / "f" / "text").touch(0o644)
    store.place(store.put_tree(tmp_path / "f"), tmp_path / "g")
    assert os.access(tmp_path / "g" / "run.sh", os.X_OK)
    assert not (tmp_path / "g" / "text").stat().st_mode & 0o100


def test_names_that_are_no_text_are_kept(store: objects.Objects, tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    name = os.fsdecode(b"caf\xe9")
    (tmp_path / "f" / name).write_bytes(b"x")
    store.place(store.put_tree(tmp_path / "f"), tmp_path / "g")
    assert [path.name for path in (tmp_path / "g").iterdir()] == [name]


def test_a_large_tree_object_is_loose_and_still_a_tree(root: Path, tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    for number in range(900):
        (tmp_path / "f" / f"{number:04}").touch()
    with objects.Objects(root) as store:
        digest = store.put_tree(tmp_path / "f")
    (root / "index.db").unlink()
    with objects.Objects(root) as store:
        assert store.is_tree(digest)
        assert store.check(digest) == "ok"
        assert len(list(store.files(digest))) == 900


def test_size_counts_all_files(store: objects.Objects, tmp_path: Path) -> None:
    write(tmp_path / "f", {"a": b"123", "inner": {"b": b"45", "deep": {"c": b"6"}}})
    digest = store.put_tree(tmp_path / "f")
    assert store.size(digest) == 6
    assert [name for name, _ in store.files(digest)] == ["a", "inner/b", "inner/deep/c"]


def test_a_link_inside_the_folder_is_followed(store: objects.Objects, tmp_path: Path) -> None:
    write(tmp_path / "f", {"a": b"x", "inner": {"b": b"y"}})
    (tmp_path / "f" / "same").symlink_to("a")
    (tmp_path / "f" / "again").symlink_to("inner")
    store.place(store.put_tree(tmp_path / "f"), tmp_path / "g")
    assert read(tmp_path / "g") == {"a": b"x", "inner": {"b": b"y"}, "same": b"x", "again": {"b": b"y"}}
    assert not (tmp_path / "g" / "same").is_symlink()


@pytest.mark.parametrize("target", ["../secret", "/etc", "."])
def test_a_link_that_leaves_or_loops_is_refused(store: objects.Objects, tmp_path: Path, target: str) -> None:
    (tmp_path / "secret").touch()
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "way").symlink_to(target)
    with pytest.raises(errors.CatalogError, match=r"the link \S+way lea(ds|ves)"):
        store.put_tree(tmp_path / "f")


def test_links_that_lead_up_from_below_are_refused(store: objects.Objects, tmp_path: Path) -> None:
    write(tmp_path / "f", {"a": {"b": {}}})
    (tmp_path / "f" / "a" / "b" / "up").symlink_to(tmp_path / "f" / "a")
    with pytest.raises(errors.CatalogError, match="leads back"):
        store.put_tree(tmp_path / "f")


def test_taking_a_folder_moves_its_files(store: objects.Objects, tmp_path: Path) -> None:
    write(tmp_path / "f", {"a": b"x", "big": b"y" * 100_000, "inner": {"b": b"z"}})
    (tmp_path / "f" / "also").symlink_to("big")
    digest = store.put_path(tmp_path / "f", take=True)
    assert not (tmp_path / "f").exists()
    assert store.check(digest) == "ok"
    assert store.size(digest) == 200_002


def test_a_damaged_file_of_a_tree_is_found(store: objects.Objects, root: Path, tmp_path: Path) -> None:
    write(tmp_path / "f", {"inner": {"big": b"y" * 100_000}})
    digest = store.put_tree(tmp_path / "f")
    damage(loose_files(root)[0])
    assert store.check(digest) == "corrupt"
    assert store.check(digest) == "missing"
    with pytest.raises(errors.MissingObjectError):
        store.place(digest, tmp_path / "g")
    assert not (tmp_path / "g").exists()
    store.put_tree(tmp_path / "f")
    assert store.check(digest) == "ok"
