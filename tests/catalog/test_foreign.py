"""A class of somebody else is a dataset type by its dotted path."""

import sys
import textwrap

import pytest

from tane import errors
from tane.config import secret

PDF = '''
    class PdfDataset:
        """Pages of text, parted by form feeds."""

        def __init__(self, filepath, limit=None, credentials=None):
            self.filepath, self.limit, self.credentials = filepath, limit, credentials

        def load(self):
            with open(self.filepath) as file:
                return file.read().split("\\f")[: self.limit]

        def save(self, data):
            with open(self.filepath, "w") as file:
                file.write("\\f".join(data))
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Writes `source` as the module `their_pkg.datasets` of the project."""
    folder = tmp_path / "src" / "their_pkg"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(folder.parent)

    def write(source):
        (folder / "datasets.py").write_text(textwrap.dedent(source))

    yield write
    for name in [name for name in sys.modules if name.startswith("their_pkg")]:
        del sys.modules[name]


def test_a_class_of_under_twenty_lines_loads_and_saves(dataset, package, tmp_path):
    assert len(PDF.strip().splitlines()) < 20
    package(PDF)
    one = dataset(type="their_pkg.datasets.PdfDataset", filepath="data/x.pdf", limit=1)
    assert (one.kind, one.local, one.place) == ("object", tmp_path / "data/x.pdf", "data/x.pdf")
    assert not one.exists()
    (tmp_path / "data").mkdir()
    one.save(["first", "second"])
    assert one.exists() and one.load() == ["first"] and one.digest() is None
    assert one.code == "their_pkg.datasets:PdfDataset" and one.distributions == ()
    assert not one.faithful and not one.write_only
    assert one.load_spec["options"] == {"limit": 1}


def test_credentials_reach_the_class_and_nothing_else(catalog, package):
    package(PDF.replace("def load(self):", "def load(self):\n            return self.credentials\n"))
    one = catalog(
        {"it": {"type": "their_pkg.datasets.PdfDataset", "filepath": "x", "credentials": "dev"}},
        credentials={"dev": {"key": secret.Secret("hush")}},
    ).find("it")
    assert one.load() == {"key": "hush"}
    assert "hush" not in repr(one) and "credentials" not in str(one.load_spec)


def test_exists_and_digest_are_asked_when_the_class_has_them(dataset, package):
    package(
        """
        class Table:
            def load(self): return 1
            def exists(self): return False
            def digest(self): return 42
        """
    )
    one = dataset(type="their_pkg.datasets.Table")
    assert one.digest() == "42" and one.exists() is False and one.place == "their_pkg.datasets.Table"


def test_a_class_without_load_is_write_only(dataset, package):
    package("class Sink:\n    def save(self, data): pass\n")
    one = dataset(type="their_pkg.datasets.Sink")
    one.save(1)
    assert one.write_only
    with pytest.raises(errors.CatalogError, match=r"no load\(\)"):
        one.load()


FAULTS = [
    ("their_pkg.datasets.PdfDatset", "has no PdfDatset", "did you mean 'PdfDataset'?"),
    ("their_pkg.other.PdfDataset", "no module 'their_pkg.other'", "full path"),
    ("their_pkg.datasets.textwrap", "is no dataset class", "load()"),
]


@pytest.mark.parametrize(("kind", "what", "hint"), FAULTS)
def test_a_class_that_is_not_there_is_found_before_work_begins(catalog, package, kind, what, hint):
    package("import textwrap\n" + textwrap.dedent(PDF))
    made = catalog(it={"type": kind, "filepath": "x"})
    with pytest.raises(errors.CatalogError, match="dataset 'it'") as raised:
        made.check_ready(["it"])
    assert what in raised.value.what and hint in raised.value.hint


def test_a_module_that_needs_another_names_it(dataset, package):
    package("import no_such_package\nclass A:\n    def load(self): return 1\n")
    with pytest.raises(errors.CatalogError, match="needs the module 'no_such_package'"):
        dataset(type="their_pkg.datasets.A").load()


def test_a_module_that_fails_is_named(dataset, package):
    package("1 / 0\n")
    with pytest.raises(errors.CatalogError, match="ZeroDivisionError"):
        dataset(type="their_pkg.datasets.A").load()


def test_a_key_that_the_class_does_not_take_is_named(dataset, package):
    package(PDF)
    with pytest.raises(errors.CatalogError, match="no option 'lmit'") as raised:
        dataset(type="their_pkg.datasets.PdfDataset", filepath="x", lmit=1).load()
    assert raised.value.hint == "did you mean 'limit'?"


def test_what_a_class_raises_does_not_show_its_credentials(catalog, package):
    package(
        """
        class Table:
            def __init__(self, credentials): self.url = f"db://me:{credentials['password']}@host"
            def load(self): raise OSError(f"cannot reach {self.url}")
        """
    )
    one = catalog(
        {"it": {"type": "their_pkg.datasets.Table", "credentials": "dev"}},
        credentials={"dev": {"password": secret.Secret("hush-hush")}},
    ).find("it")
    with pytest.raises(errors.CatalogError, match=r"cannot reach db://me:\*\*\*@host") as raised:
        one.load()
    assert raised.value.__cause__ is None


def test_a_failing_load_names_the_dataset(dataset, package):
    package("class A:\n    def load(self): raise ValueError('page 3 is torn')\n")
    with pytest.raises(errors.CatalogError, match="dataset 'it': it could not be loaded: ValueError: page 3"):
        dataset(type="their_pkg.datasets.A").load()


def test_a_missing_file_of_a_class_is_named(dataset, package):
    package(PDF)
    with pytest.raises(errors.CatalogError, match="there is no such file"):
        dataset(type="their_pkg.datasets.PdfDataset", filepath="x.pdf").load()


def test_types_of_kedro_datasets_work_when_it_is_installed(dataset, tmp_path, monkeypatch):
    folder = tmp_path / "site" / "kedro_datasets" / "pandas"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    (folder / "__init__.py").write_text(
        "class HDFDataset:\n"
        "    def __init__(self, *, filepath, load_args=None): self.it = filepath, load_args\n"
        "    def load(self): return self.it\n"
    )
    monkeypatch.syspath_prepend(tmp_path / "site")
    one = dataset(type="pandas.HDFDataset", filepath="x.h5", load_args={"sheet_name": 1}, versioned=True)
    assert one.load() == (str(tmp_path / "x.h5"), {"sheet_name": 1})
    for name in [name for name in sys.modules if name.startswith("kedro_datasets")]:
        del sys.modules[name]


# a plain name, one with a dot, one of a family of ours, one of a module that exists and has no such class
@pytest.mark.parametrize("name", ["pdf", "acme.PdfDataset", "pandas.PdfDataset", "json.PdfDataset", "their_pkg.Pdf"])
def test_installed_packages_may_offer_names(dataset, package, offers, tmp_path, monkeypatch, name):
    package(PDF)
    offers(name)
    monkeypatch.chdir(tmp_path)
    one = dataset(type=name, filepath="x.pdf")
    one.check_ready()
    one.save(["a"])
    assert one.load() == ["a"]


def test_a_slip_in_an_offered_name_is_told(dataset, package, offers):
    package(PDF)
    offers("acme.PdfDataset")
    with pytest.raises(errors.CatalogError, match="there is no type 'acme.PdfDatset'") as raised:
        dataset(type="acme.PdfDatset", filepath="x.pdf")
    assert raised.value.hint == "did you mean 'acme.PdfDataset'?"


@pytest.fixture
def offers(tmp_path, monkeypatch):
    """Installs a package that offers the class under a name."""

    def install(name):
        info = tmp_path / "site" / "their_pkg-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-pkg\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[tane.datasets]\n{name} = their_pkg.datasets:PdfDataset\n")
        monkeypatch.syspath_prepend(tmp_path / "site")

    return install
