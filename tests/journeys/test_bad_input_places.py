"""The place fails: disk, folders, ledger, store, lock file. Exit code 4, what and where, and nothing is lost."""

import os
import shutil
import sqlite3

import pytest
from builders import MADE, refused

NODES = "src/shop/nodes.py"
LEDGER = ".tane/ledger.db"
FIT = 'return {"weight": sum(cleaned) * rate}'
BIG = "return [1, 2, 3] + [0.1 * value for value in range(2_000_000)]"
CLEAN = "return [value for value in orders if value > 0]"
JOBS = pytest.mark.parametrize("jobs", ["1", "2"])


# --- full and read-only disks -----------------------------------------------------------------------------------------


@JOBS
def test_a_full_disk_under_the_store_is_told_and_nothing_is_half_written(shop, mount, jobs):
    (shop.root / ".tane").mkdir()
    mount(shop.root / ".tane", "-t", "tmpfs", "-o", "size=2m", "tmpfs")
    mend = shop.edit(NODES, CLEAN, BIG)
    ended = shop.tane("run", "-j", jobs)
    refused(ended, 4, ".tane/objects", "No space left on device", "free some space there, then run again")
    assert shop.steps() == {"clean": "failed", "fit": "skipped", "report": "skipped"}
    assert shop.files().isdisjoint(MADE)
    assert shop.leftovers() == []
    mend()
    shop.recovers()


def test_a_full_disk_under_the_data_leaves_the_old_file_whole(shop, mount):
    models = shop.root / "data/06_models"
    models.mkdir()
    mount(models, "-t", "tmpfs", "-o", "size=64k", "tmpfs")
    shop.recovers()
    mend = shop.edit(NODES, FIT, 'return {"weight": 3.0, "spare": ["x" * 80] * 2000}')
    refused(shop.tane("run"), 4, "data/06_models/model.json", "No space left on device", "free some space")
    assert shop.json(MADE[0]) == {"weight": 3.0}
    assert shop.leftovers() == []
    assert shop.runs()[0].status == "failed"
    mend()
    shop.recovers()


def test_a_disk_without_room_for_a_ledger(shop, mount):
    (shop.root / ".tane").mkdir()
    mount(shop.root / ".tane", "-t", "tmpfs", "-o", "size=8k", "tmpfs")
    refused(shop.tane("run"), 4, ".tane", "hint: ")
    assert shop.files().isdisjoint(MADE)


def test_a_disk_that_fills_up_in_the_middle_keeps_what_was_done(shop, mount):
    """The node itself fills the disk, some time after the one before it has ended and was put on record."""
    (shop.root / ".tane").mkdir()
    mount(shop.root / ".tane", "-t", "tmpfs", "-o", "size=2m", "tmpfs")
    fill = "import contextlib, pathlib, time\n    time.sleep(0.3)\n    with contextlib.suppress(OSError):"
    fill += "\n        pathlib.Path('.tane/ballast').write_bytes(bytes(4 << 20))"
    mend = shop.edit(NODES, FIT, f"{fill}\n    {FIT}")
    refused(shop.spawn("run"), 4, ".tane", "hint: ")
    (shop.root / ".tane/ballast").unlink()
    mend()
    shop.recovers()
    assert shop.steps()["clean"] == "reused"


def test_a_read_only_file_system_is_told_before_anything_runs(shop, mount):
    mount(shop.root, "--bind", str(shop.root))
    mount(shop.root, "-o", "remount,bind,ro")
    refused(shop.spawn("run"), 4, ".tane", "Read-only file system", "mount it writable")
    shop.nothing_happened()


def test_a_project_that_may_not_be_written_is_told_before_anything_runs(mortal):
    mortal.root.chmod(0o555)
    try:
        refused(mortal.spawn("run"), 4, ".tane", "Permission denied", "writable for you")
        mortal.nothing_happened()
    finally:
        mortal.root.chmod(0o755)
    mortal.recovers()


def test_a_data_folder_that_may_not_be_written_keeps_the_result_in_the_store(mortal):
    models = mortal.root / "data/06_models"
    models.mkdir()
    models.chmod(0o555)
    try:
        refused(mortal.spawn("run"), 4, MADE[0], "Permission denied", "make the folder writable for you")
    finally:
        models.chmod(0o755)
    assert mortal.leftovers() == []
    mortal.recovers()
    assert mortal.steps()["fit"] == "reused"


def test_a_project_that_was_run_can_be_looked_at_where_nothing_may_be_written(shop, mount):
    shop.recovers()
    mount(shop.root, "--bind", str(shop.root))
    mount(shop.root, "-o", "remount,bind,ro")
    ended = shop.spawn("plan")
    assert ended.code == 0, ended
    assert "3 to reuse" in ended.out
    refused(shop.spawn("run", "--force"), 4, ".tane", "read-only", "writable")


# --- files in the way -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [".tane", ".tane/objects", "data/06_models"])
def test_a_file_where_a_folder_is_needed_is_named(shop, place):
    shop.write(place, "mine")
    refused(shop.tane("run"), 4, place, "move")
    assert (shop.root / place).read_text() == "mine"
    (shop.root / place).unlink()
    shop.recovers()


def test_a_folder_where_a_result_goes_is_kept_before_it_is_replaced(shop):
    shop.write(f"{MADE[0]}/mine.txt", "mine")
    ended = shop.tane("run")
    assert ended.code == 0
    assert f"{MADE[0]} was changed by hand; it is replaced" in ended.out
    shop.recovers()


# --- ledger and store -------------------------------------------------------------------------------------------------


def test_a_ledger_from_a_newer_version_is_left_alone(shop):
    shop.recovers()
    with sqlite3.connect(shop.root / LEDGER) as database:
        database.execute("pragma user_version = 99")
    database.close()
    refused(shop.tane("run"), 4, LEDGER, "written by a newer tane (layout 99", "pip install --upgrade tane")
    for verb in ("plan", "status", "runs", "show", "log"):
        refused(shop.tane(verb), 4, LEDGER, "newer tane")
    with sqlite3.connect(shop.root / LEDGER) as database:
        assert database.execute("select count(*) from runs").fetchone() == (1,)
        assert database.execute("pragma user_version").fetchone() == (99,)
    database.close()


def another_database(path):
    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("create table mine (x)")
    database.close()


def overwrite(path, begin):
    content = bytearray(path.read_bytes())
    content[begin:] = b"\xa5" * (len(content) - begin)
    path.write_bytes(content)


DAMAGE = {
    "no database": (lambda path: path.write_bytes(b"no database at all " * 500), "file is not a database"),
    "pages overwritten": (lambda path: overwrite(path, 4096), "malformed"),
    "somebody else's database": (another_database, "not one of tane's"),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_ledger_is_told_with_the_way_on_and_the_way_on_works(shop, how):
    damage, fragment = DAMAGE[how]
    shop.recovers()
    ledger = shop.root / LEDGER
    damage(ledger)
    damaged = ledger.read_bytes()
    refused(shop.tane("run"), 4, f"the ledger {ledger} is damaged", fragment, f"mv {ledger} {ledger}.damaged")
    for verb in ("plan", "status", "runs", "show", "log"):
        refused(shop.tane(verb), 4, f"the ledger {ledger} is damaged", fragment)
    assert ledger.read_bytes() == damaged
    assert shop.files() >= set(MADE)
    ledger.rename(f"{ledger}.damaged")
    shop.recovers()


def test_a_damaged_index_of_the_store_is_told_with_the_way_on_and_the_way_on_works(shop):
    shop.recovers()
    index = shop.root / ".tane/objects/index.db"
    index.write_bytes(b"no database at all " * 500)
    refused(shop.tane("run"), 4, f"{index} is damaged", "no object is lost", f"delete {index}")
    for path in index.parent.glob("index.db*"):
        path.unlink()
    shop.recovers()
    assert set(shop.steps().values()) == {"reused"}


def test_damaged_objects_are_made_again_and_told_as_missing(shop):
    shop.recovers()
    for pack in (shop.root / ".tane/objects/packs").iterdir():
        overwrite(pack, 8)
    (shop.root / MADE[0]).unlink()
    ended = shop.tane("run")
    assert ended.code == 0, ended
    assert "output missing: cleaned" in ended.out
    shop.recovers()


@JOBS
@pytest.mark.parametrize("place", [".tane", ".tane/objects", LEDGER])
def test_a_store_deleted_from_inside_a_node_is_told_and_made_anew(shop, place, jobs):
    path = shop.root / place
    remove = f"import shutil, os\n    shutil.rmtree({str(path)!r}, ignore_errors=True)"
    remove += f"\n    os.path.exists({str(path)!r}) and os.unlink({str(path)!r})"
    mend = shop.edit(NODES, FIT, f"{remove}\n    {FIT}")
    ended = shop.spawn("run", "-j", jobs)
    refused(ended, 4, ".tane", "what is missing is made anew")
    assert "report.json" not in str(shop.files())
    mend()
    shop.recovers()
    shop.recovers()


def test_a_store_deleted_between_runs_is_made_anew(shop):
    shop.recovers()
    shutil.rmtree(shop.root / ".tane")
    shop.recovers()
    assert set(shop.steps().values()) == {"succeeded"}


# --- tane.lock --------------------------------------------------------------------------------------------------------


def in_conflict(text, change):
    """The lock file as Git leaves it when both sides changed one line."""
    changed = change(text)
    lines = []
    for ours, theirs in zip(text.splitlines(), changed.splitlines(), strict=True):
        lines += [ours] if ours == theirs else ["<<<<<<< HEAD", ours, "=======", theirs, ">>>>>>> other"]
    return "\n".join(lines) + "\n"


def other_bytes(name):
    """A change of one dataset's size."""

    def change(text):
        before, block, after = text.partition(f'[dataset."{name}"]')
        return before + block + after.replace("bytes = ", "bytes = 9", 1)

    return change


def test_a_conflict_in_the_lock_file_that_the_run_settles(shop):
    shop.recovers()
    lock = shop.root / "tane.lock"
    settled = lock.read_text()
    lock.write_text(in_conflict(settled, other_bytes("model")))
    ended = shop.spawn("run")
    assert ended.code == 0, ended
    assert "warning: the Git conflict in tane.lock is settled" in ended.out
    assert lock.read_text() == settled


def test_a_conflict_in_the_lock_file_that_the_run_cannot_settle_is_left_as_it_is(shop):
    shop.recovers()
    lock = shop.root / "tane.lock"
    settled = lock.read_text()
    conflict = in_conflict(settled, other_bytes("report"))
    lock.write_text(conflict)
    for _ in range(2):
        ended = shop.spawn("run", "training")
        assert ended.code == 0, ended
        assert "warning: tane.lock holds a Git conflict about report, which this run does not settle" in ended.out
        assert "run the pipeline that makes them" in ended.out
        assert lock.read_text() == conflict
    shop.recovers()
    assert lock.read_text() == settled


def test_datasets_that_one_side_alone_has_stay_after_a_conflict(shop):
    shop.recovers()
    lock = shop.root / "tane.lock"
    settled = lock.read_text()
    theirs = '[dataset."theirs"]\ndigest = "aa"\nbytes = 1\npath = "data/theirs.json"\n'
    lock.write_text(f"{settled}<<<<<<< HEAD\n||||||| base\n=======\n\n\n{theirs}>>>>>>> other\n")
    shop.recovers()
    assert lock.read_text() == f"{settled}\n\n{theirs}"


BROKEN_LOCKS = {
    "not TOML": (b"[dataset.\n", "not TOML"),
    "not text": (b"\xff\xfe\x00", "not text"),
    "another shape": (b"dataset = 3\n", "dataset is not a table"),
    "a block without its keys": (b"[dataset.x]\nbytes = 'many'\n", "dataset 'x' is not digest, bytes and path"),
}


@pytest.mark.parametrize("how", BROKEN_LOCKS)
def test_a_lock_file_that_cannot_be_understood_is_told_and_left_as_it_is(shop, how):
    content, fragment = BROKEN_LOCKS[how]
    lock = shop.root / "tane.lock"
    lock.write_bytes(content)
    for _ in range(2):
        ended = shop.spawn("run")
        assert ended.code == 0, ended
        assert "warning: tane.lock: it is" in ended.out or f"warning: tane.lock: {fragment}" in ended.out
        assert fragment in ended.out
        assert "git checkout tane.lock" in ended.out
        assert lock.read_bytes() == content
    lock.unlink()
    shop.recovers()
    assert b"[dataset." in lock.read_bytes()


def test_a_folder_in_place_of_the_lock_file_fails_the_run_in_words(shop):
    (shop.root / "tane.lock").mkdir()
    refused(shop.tane("run"), 4, "tane.lock", "Is a directory", "move it away")
    assert shop.runs()[0].status == "failed"
    os.rmdir(shop.root / "tane.lock")
    shop.recovers()


def test_a_deleted_lock_file_is_written_again(shop):
    shop.spawn("run")
    lock = shop.root / "tane.lock"
    text = lock.read_text()
    lock.unlink()
    assert shop.spawn("run").code == 0
    assert lock.read_text() == text
