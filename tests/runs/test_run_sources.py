"""What a run starts from, where looking costs something: URLs, services, folders of partitions."""

import uuid
from pathlib import Path

import fsspec
import pytest

from tane import errors
from tane.catalog import catalogs, remotes
from tane.ledger import connection, read
from tane.pipeline import graph, nodes
from tane.runs import arguments, fetching, refreshing, sources
from tane.store import filedigests, objects


class Counter:
    """A service of the project: each load gives the next number."""

    loads = 0
    said = None

    def __init__(self, unit=None):
        self.unit = unit

    def load(self):
        Counter.loads += 1
        return {"number": Counter.loads}

    def digest(self):
        return Counter.said


@pytest.fixture
def home(tmp_path):
    """A store, a ledger and a way to resolve the one source "it"."""
    Counter.loads, Counter.said = 0, None
    ledger = connection.open_ledger(tmp_path / "ledger.db")
    store = objects.Objects(tmp_path / "objects")

    class Home:
        root = tmp_path
        clock = 1_000_000.0

        def catalog(self, **entry):
            return catalogs.Catalog.from_config({"it": entry}, {}, tmp_path)

        def resolve(self, *, look_only=False, pinned=None, **entry):
            files = filedigests.FileDigests(store)
            self.parts = sources.Parts(self.catalog(**entry), store, files, ledger)
            pipeline = graph.Pipeline([nodes.node(len, "it", "count")])
            return sources.resolve(pipeline, {}, self.parts, look_only=look_only, pinned=pinned)

        def value(self, **entry):
            found = self.resolve(**entry)
            dataset = self.parts.catalog.find("it")
            return sources.decode(found.kept["it"], dataset, store)

    yield Home()
    store.close()
    ledger.close()


@pytest.fixture
def clock(home, monkeypatch):
    monkeypatch.setattr(refreshing, "now", lambda: home.clock)
    return home


COUNTER = f"{__name__}.Counter"


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)


# -- refresh -----------------------------------------------------------------------------------------------


def test_a_service_is_loaded_for_every_run(clock):
    assert [clock.value(type=COUNTER)["number"] for _ in range(2)] == [1, 2]
    assert read.events(clock.parts.ledger) == []


def test_a_version_loaded_once_is_kept(clock):
    first = clock.resolve(type=COUNTER, refresh="once")
    clock.clock += 10**9
    again = clock.resolve(type=COUNTER, refresh="once")
    assert first.kept == again.kept and Counter.loads == 1
    assert first.notices == [] and "it: the version loaded" in again.notices[0] and "refresh: once" in again.notices[0]
    assert again.pinned_by_stat and not first.pinned_by_stat


def test_a_version_is_good_for_a_while(clock):
    entry = {"type": COUNTER, "refresh": "6h"}
    clock.resolve(**entry)
    clock.clock += 6 * 3600 - 1
    found = clock.resolve(**entry)
    assert "loaded 5h 59m ago is used (refresh: 6h)" in found.notices[0] and not found.pinned_by_stat
    clock.clock += 2
    assert clock.value(**entry) == {"number": 2}
    clock.clock += 6 * 3600 - 1
    assert clock.value(**entry) == {"number": 2}


def test_an_unchanged_version_counts_from_when_it_was_loaded_again(clock, monkeypatch):
    entry = {"type": COUNTER, "refresh": "6h"}
    for _ in range(2):
        Counter.loads = 0
        clock.resolve(**entry)
        clock.clock += 7 * 3600
    clock.clock -= 6 * 3600
    assert clock.resolve(**entry).notices


def test_another_way_of_loading_is_another_version(clock):
    clock.resolve(type=COUNTER, refresh="once")
    assert clock.value(type=COUNTER, refresh="once", unit="kg") == {"number": 2}


def test_a_version_that_was_lost_is_loaded_again(clock):
    kept = clock.resolve(type=COUNTER, refresh="once").kept["it"]
    clock.parts.store.flush()
    for pack in (clock.root / "objects" / "packs").iterdir():
        pack.unlink()
    assert clock.parts.store.check(kept.value) != "ok"
    assert clock.value(type=COUNTER, refresh="once") == {"number": 2}


def test_a_class_that_says_what_it_holds_is_loaded_when_that_changes(clock):
    Counter.said = "one"
    for _ in range(2):
        found = clock.resolve(type=COUNTER)
    assert Counter.loads == 1 and found.notices == [] and not found.pinned_by_stat
    Counter.said = "two"
    assert clock.value(type=COUNTER) == {"number": 2}


def test_looking_only_puts_nothing_on_record(clock):
    clock.resolve(type=COUNTER, refresh="once", look_only=True)
    assert read.events(clock.parts.ledger) == []


def test_chunks_of_a_table_are_read_anew_by_each_taker(home):
    pytest.importorskip("pandas")
    sqlalchemy = pytest.importorskip("sqlalchemy")
    engine = sqlalchemy.create_engine(f"sqlite:///{home.root / 'shop.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("create table orders (id integer)")
        connection.exec_driver_sql("insert into orders values (1), (2), (3)")
    engine.dispose()
    entry = {
        "type": "pandas.SQLQueryDataset",
        "sql": "select id from orders order by id",
        "load_args": {"chunksize": 2},
        "credentials": {"con": f"sqlite:///{home.root / 'shop.db'}"},
    }
    found = home.resolve(**entry)
    assert found.kept["it"].digest == home.resolve(**entry).kept["it"].digest
    for _ in range(2):
        chunks = arguments.handed(found.held["it"])
        assert [chunk["id"].tolist() for chunk in chunks] == [[1, 2], [3]]


# -- URLs --------------------------------------------------------------------------------------------------


@pytest.fixture
def downloads(monkeypatch):
    """The names of all files that are downloaded; the time of its making is the sign of a file in memory."""
    found = []
    fetch = remotes.Remote.fetch_files

    def counted(remote, files, targets):
        found.extend(targets)
        fetch(remote, files, targets)

    monkeypatch.setattr(remotes.Remote, "fetch_files", counted)
    monkeypatch.setattr(remotes, "_sign", lambda info: str(info.get("created")))
    return found


@pytest.fixture
def url():
    return f"memory://{uuid.uuid4().hex}/data"


def put(url, content):
    system, path = fsspec.core.url_to_fs(url)
    system.makedirs(path.rpartition("/")[0], exist_ok=True)
    system.pipe_file(path, content.encode())


def test_what_did_not_change_is_not_downloaded_again(home, url, downloads):
    entry = {"type": "text", "filepath": f"{url}/x.txt"}
    put(entry["filepath"], "first")
    assert [home.value(**entry) for _ in range(2)] == ["first", "first"]
    assert home.resolve(**entry, look_only=True).kept == home.resolve(**entry).kept
    assert downloads == [""]
    put(entry["filepath"], "second")
    assert home.value(**entry) == "second" and downloads == ["", ""]


def test_a_server_that_gives_no_sign_is_asked_every_time(home, url, downloads, monkeypatch):
    monkeypatch.setattr(remotes, "_sign", lambda info: "")
    entry = {"type": "text", "filepath": f"{url}/x.txt"}
    put(entry["filepath"], "first")
    assert [home.value(**entry) for _ in range(2)] == ["first", "first"]
    assert downloads == ["", ""]


def test_what_the_store_lost_is_downloaded_again(home, url, downloads):
    entry = {"type": "text", "filepath": f"{url}/x.txt"}
    put(entry["filepath"], "first")
    home.value(**entry)
    home.parts.store.flush()
    for pack in (home.root / "objects" / "packs").iterdir():
        pack.unlink()
    assert home.value(**entry) == "first" and downloads == ["", ""]


def test_only_changed_partitions_are_downloaded(home, url, downloads):
    entry = {"type": "PartitionedDataset", "path": url, "dataset": "text", "filename_suffix": ".txt"}
    for name in ("a.txt", "b.txt", "north/c.txt", "README.md"):
        put(f"{url}/{name}", name)
    assert {key: load() for key, load in home.value(**entry).items()} == {
        "a": "a.txt",
        "b": "b.txt",
        "north/c": "north/c.txt",
    }
    put(f"{url}/b.txt", "changed")
    assert home.value(**entry)["b"]() == "changed"
    assert downloads == ["a.txt", "b.txt", "north/c.txt", "b.txt"]


def test_what_was_uploaded_need_not_be_downloaded(home, url, downloads, tmp_path):
    entry = {"type": "text", "filepath": f"{url}/x.txt"}
    dataset = home.catalog(**entry).find("it")
    dataset.write("made here", tmp_path / "x.txt")
    home.resolve(type=COUNTER)  # opens the parts
    digest = home.parts.store.put_path(tmp_path / "x.txt")
    dataset.send(tmp_path / "x.txt")
    fetching.note_sent(dataset, digest, home.parts.store)
    assert home.value(**entry) == "made here" and downloads == []


def test_a_file_that_changes_while_it_is_fetched_is_fetched_again(home, url, downloads, monkeypatch):
    entry = {"type": "text", "filepath": f"{url}/x.txt"}
    put(entry["filepath"], "first")
    fetch = remotes.Remote.fetch_files

    def changing(remote, files, targets):
        fetch(remote, files, targets)
        if len(downloads) == 1:
            put(entry["filepath"], "other")

    monkeypatch.setattr(remotes.Remote, "fetch_files", changing)
    assert [home.value(**entry) for _ in range(2)] == ["other", "other"]
    assert downloads == ["", ""]


def test_a_file_that_never_rests_is_an_error(home, url, downloads, monkeypatch):
    entry = {"type": "text", "filepath": f"{url}/x.txt"}
    put(entry["filepath"], "0")
    fetch = remotes.Remote.fetch_files

    def changing(remote, files, targets):
        fetch(remote, files, targets)
        put(entry["filepath"], str(len(downloads)))

    monkeypatch.setattr(remotes.Remote, "fetch_files", changing)
    with pytest.raises(errors.CatalogError, match="changes while it is fetched"):
        home.value(**entry)


def test_a_version_of_a_url_may_be_good_enough(clock, url, downloads):
    entry = {"type": "text", "filepath": f"{url}/x.txt", "refresh": "1d"}
    put(entry["filepath"], "first")
    clock.resolve(**entry)
    put(entry["filepath"], "second")
    assert clock.value(**entry) == "first"
    clock.clock += 86_401
    assert clock.value(**entry) == "second"


# -- folders of partitions ---------------------------------------------------------------------------------

PARTS = {"type": "PartitionedDataset", "path": "parts", "dataset": "text", "filename_suffix": ".txt"}


def lay(root, **files):
    for name, text in files.items():
        target = root / "parts" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


def test_a_folder_is_the_tree_of_its_partitions(home):
    lay(home.root, **{"a.txt": "A", "north/b.txt": "B"})
    first = home.resolve(**PARTS).kept["it"]
    assert first.file == home.parts.store.put_path(home.root / "parts") and first.bytes == 2
    lay(home.root, **{"README.md": "more"})
    assert home.resolve(**PARTS).kept["it"] == first
    assert home.resolve(**PARTS, look_only=True).kept["it"] == first
    lay(home.root, **{"c.txt": "C"})
    assert home.resolve(**PARTS).kept["it"] != first
    assert {key: load() for key, load in home.value(**PARTS).items()} == {"a": "A", "north/b": "B", "c": "C"}


def test_a_folder_without_partitions_says_what_is_there(home):
    lay(home.root, **{"a.csv": "A"})
    with pytest.raises(errors.CatalogError, match=r"no partitions in the folder that end with '\.txt'") as raised:
        home.resolve(**PARTS)
    assert "its files end with .csv" in raised.value.hint


def test_what_was_worked_off_is_not_seen_again(home):
    entry = {**PARTS, "type": "IncrementalDataset"}
    lay(home.root, **{"1.txt": "one", "2.txt": "two"})
    before = home.resolve(**entry)
    dataset = home.parts.catalog.find("it")
    lay(home.root, **{"3.txt": "three"})
    sources.confirm(dataset, before.kept["it"], home.parts.store)
    assert (home.root / "parts" / "CHECKPOINT").read_text() == "2"
    assert dict(home.value(**entry)) == {"3": "three"}
    assert str(home.root / "parts" / "CHECKPOINT") in before.signatures
    sources.confirm(dataset, home.resolve(**entry).kept["it"], home.parts.store)
    assert dict(home.value(**entry)) == {}


def test_a_pinned_version_is_noticed_when_the_folder_has_changed(home):
    lay(home.root, **{"a.txt": "A"})
    pinned = home.resolve(**PARTS).kept
    assert home.resolve(**PARTS, pinned=pinned).notices == []
    lay(home.root, **{"b.txt": "B"})
    assert "has changed since" in home.resolve(**PARTS, pinned=pinned).notices[0]
