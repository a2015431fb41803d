"""Zip and tar files as mappings of names to bytes: lazy, harmless, the same bytes each time."""

import io
import stat
import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tane import errors
from tane.catalog import kinds
from tane.catalog.formats import contract

FILES = {"b.txt": b"second", "a/x.bin": bytes(range(256)), "empty": b""}
NAMES = st.lists(st.text("abc._-", min_size=1, max_size=4), min_size=1, max_size=3).map("/".join)
PLAIN = NAMES.filter(lambda name: not {".", ".."} & set(name.split("/")))


@pytest.fixture(params=["zip", "tar", "tar.gz", "tgz", "tar.xz"])
def name(request):
    return f"x.{request.param}"


@pytest.fixture
def archive(dataset, name):
    return dataset(type="zip" if name.endswith("zip") else "tar", filepath=name)


def test_what_is_packed_is_unpacked(archive, tmp_path, name):
    archive.write(FILES, tmp_path / name)
    again = archive.read(tmp_path / name)
    assert dict(again) == FILES and list(again) == sorted(FILES) and "b.txt" in again and "c" not in again
    with pytest.raises(KeyError):
        again["c"]


@given(files=st.dictionaries(PLAIN, st.binary(max_size=50)))
def test_any_files_come_back(tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("archive")
    for kind, suffix in (("archive.ZipDataset", ".zip"), ("archive.TarDataset", ".tar")):
        made = kinds.KINDS[kind].make(contract.Options(suffix))
        made.write(files, str(folder / f"x{suffix}"))
        assert dict(made.read(str(folder / f"x{suffix}"))) == files


def test_the_same_files_give_the_same_bytes(archive, tmp_path, name, monkeypatch):
    archive.write(FILES, tmp_path / name)
    monkeypatch.setattr("time.time", lambda: 2e9)
    archive.write(dict(reversed(FILES.items())), tmp_path / f"2-{name}")
    archive.format.write_chunks(({key: FILES[key]} for key in sorted(FILES)), str(tmp_path / f"3-{name}"))
    assert len({(tmp_path / f"{n}{name}").read_bytes() for n in ("", "2-", "3-")}) == 1


def test_an_archive_read_can_be_written_again(archive, tmp_path, name):
    archive.write(FILES, tmp_path / name)
    archive.write(archive.read(tmp_path / name), tmp_path / f"2-{name}")
    assert (tmp_path / name).read_bytes() == (tmp_path / f"2-{name}").read_bytes()


def test_one_member_is_not_written_twice(archive, tmp_path, name):
    with pytest.raises(contract.Problem, match="no name for a new member"):
        archive.format.write_chunks(iter([{"a": b""}, {"a": b""}]), str(tmp_path / name))


def zipped(path, entries):
    with zipfile.ZipFile(path, "w") as file:
        for written, mode in entries:
            info = zipfile.ZipInfo(written)
            info.external_attr = mode << 16
            file.writestr(info, b"x")


def tarred(path, entries):
    with tarfile.open(path, "w") as file:
        for written, kind in entries:
            info = tarfile.TarInfo(written)
            info.type, info.size, info.linkname = kind, 1 if kind == tarfile.REGTYPE else 0, "target"
            file.addfile(info, io.BytesIO(b"x"))


@pytest.mark.parametrize("written", ["../x", "a/../../x", "/etc/passwd", "C:\\x", "..\\x"])
def test_a_name_that_leads_out_is_refused(dataset, tmp_path, written):
    zipped(tmp_path / "x.zip", [(written, 0)])
    tarred(tmp_path / "x.tar", [(written, tarfile.REGTYPE)])
    for kind in ("zip", "tar"):
        with pytest.raises(errors.CatalogError, match="leads out of the archive"):
            dataset(type=kind, filepath=f"x.{kind}").read(tmp_path / f"x.{kind}")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(dataset, tmp_path, kind):
    tarred(tmp_path / "x.tar", [("a", kind)])
    with pytest.raises(errors.CatalogError, match="link or a device"):
        dataset(type="tar", filepath="x.tar").read(tmp_path / "x.tar")


def test_a_link_in_a_zip_is_refused(dataset, tmp_path):
    zipped(tmp_path / "x.zip", [("a", stat.S_IFLNK | 0o777)])
    with pytest.raises(errors.CatalogError, match="link or a device"):
        dataset(type="zip", filepath="x.zip").read(tmp_path / "x.zip")


def test_folders_inside_are_passed_over(dataset, tmp_path):
    zipped(tmp_path / "x.zip", [("a/", stat.S_IFDIR), ("a/b", 0)])
    tarred(tmp_path / "x.tar", [("./a", tarfile.DIRTYPE), ("./a/b", tarfile.REGTYPE)])
    for kind in ("zip", "tar"):
        assert dict(dataset(type=kind, filepath=f"x.{kind}").read(tmp_path / f"x.{kind}")) == {"a/b": b"x"}


def test_more_than_the_limit_is_refused_before_it_is_unpacked(dataset, tmp_path, archive, name):
    archive.write({"a": bytes(2_000_000), "b": bytes(2_000_000)}, tmp_path / name)
    kind = "zip" if name.endswith("zip") else "tar"
    with pytest.raises(errors.CatalogError, match="larger together than 3000000 bytes") as raised:
        dataset(type=kind, filepath=name, load_args={"max_bytes": 3_000_000}).read(tmp_path / name)
    assert "max_bytes: 12000000" in raised.value.hint
    with pytest.raises(errors.CatalogError, match="more than 1 files"):
        dataset(type=kind, filepath=name, load_args={"max_files": 1}).read(tmp_path / name)


def test_a_member_twice_is_refused(dataset, tmp_path):
    tarred(tmp_path / "x.tar", [("a", tarfile.REGTYPE), ("./a", tarfile.REGTYPE)])
    with pytest.raises(errors.CatalogError, match="in it twice"):
        dataset(type="tar", filepath="x.tar").read(tmp_path / "x.tar")


def test_a_damaged_member_names_the_dataset_when_it_is_read(dataset, tmp_path):
    one = dataset(type="zip", filepath="x.zip", save_args={"compression": "stored"})
    one.write({"a": b"original content"}, tmp_path / "x.zip")
    content = (tmp_path / "x.zip").read_bytes()
    (tmp_path / "x.zip").write_bytes(content.replace(b"original", b"0riginal"))
    members = one.read(tmp_path / "x.zip")
    with pytest.raises(errors.CatalogError, match="dataset 'it': its member 'a' is damaged"):
        members["a"]


def test_an_archive_that_is_cut_off_is_named(dataset, tmp_path):
    one = dataset(type="tar", filepath="x.tar.gz")
    one.write({str(n): bytes(str(n * n), "ascii") * 99 for n in range(99)}, tmp_path / "x.tar.gz")
    content = (tmp_path / "x.tar.gz").read_bytes()
    (tmp_path / "x.tar.gz").write_bytes(content[: len(content) // 2])
    with pytest.raises(errors.CatalogError, match="damaged"):
        one.read(tmp_path / "x.tar.gz")


@pytest.mark.parametrize(("key", "what"), [("load_args", "no option 'level'"), ("save_args", "no compression 'best'")])
def test_a_wrong_option_is_a_mistake_of_the_entry(dataset, tmp_path, key, what):
    zipped(tmp_path / "x.zip", [("a", 0)])
    one = dataset(type="zip", filepath="x.zip", **{key: {"level": 9, "compression": "best"}})
    with pytest.raises(errors.CatalogError) as raised:
        one.read(tmp_path / "x.zip") if key == "load_args" else one.write({"a": b""}, tmp_path / "x.zip")
    assert what in raised.value.what and raised.value.where.startswith("conf/base")
