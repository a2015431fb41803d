"""Runs as a file: out of one project, into another; and files that are damaged, foreign or hostile."""

import json
import random
import zipfile

import pytest

import tane
from tane import errors, outcomes
from tane.digest import hashing
from tane.ledger import connection, read, records, transfer, write
from tane.store import objects, trees
from tane.versions import exporting, importing


class Home:
    """A ledger and a store."""

    def __init__(self, root):
        self.root = root
        self.ledger = connection.open_ledger(root / ".tane/ledger.db")
        self.store = objects.Objects(root / ".tane/objects")

    def close(self):
        self.store.close()
        self.ledger.close()

    def export(self, file, *names, data=False):
        runs = [read.run(self.ledger, name) for name in names]
        return exporting.export(self.ledger, self.store, runs, file, data=data)

    def bring_in(self, file):
        return importing.bring_in(self.ledger, self.store, file)

    def told(self, run):
        return exporting.encoded(transfer.lines(self.ledger, read.run(self.ledger, run)))


@pytest.fixture
def here(tmp_path):
    """Where runs were made: by a pipeline, and by a script with one nested in it."""
    root = tmp_path / "here"
    root.mkdir()
    found = Home(root)
    yield found
    found.close()


@pytest.fixture
def there(tmp_path):
    """An empty place."""
    found = Home(tmp_path / "there")
    yield found
    found.close()


@pytest.fixture
def tracked(here, monkeypatch):
    """A script's run with all that can be logged, and one nested in it."""
    monkeypatch.chdir(here.root)
    (here.root / "folder/inner").mkdir(parents=True)
    (here.root / "folder/inner/a.txt").write_text("a")
    (here.root / "large.bin").write_bytes(random.Random(1).randbytes(3_000_000))
    with tane.start_run("all", params={"rate": 0.1, "model": {"name": "x"}}, tags={"owner": "ada"}) as run:
        for step, value in enumerate((1.0, float("nan"), float("inf"), -float("inf"), 1e-300)):
            tane.log_metric("loss", value, step=step)
        tane.log_metrics({f"m{number}": number for number in range(3)}, step=7)
        tane.log_text("fine", "notes/a.txt")
        tane.log_artifact("folder")
        tane.log_artifact("large.bin")
        with tane.start_run("inner", nested=True):
            tane.log_metric("loss", 0.5)
    write.set_note(here.ledger, run.id, "# Good\n")
    return run.id


FLOW = """
import tane

def start(): return [1, 2, 3]
def total(start, by: int = 2):
    tane.log_metric("total", sum(start) * by)
    return sum(start) * by

pipeline = tane.Pipeline([start, total])
"""


@pytest.fixture
def piped(here, monkeypatch):
    """Two runs of a pipeline, the second of which reuses a step."""
    monkeypatch.chdir(here.root)
    (here.root / "flow.py").write_text(FLOW)
    project = tane.open_project("flow.py")
    return [project.run().id, tane.open_project("flow.py", overrides=["by=3"]).run().id]


def test_a_run_comes_out_as_it_went_in(here, there, tracked, tmp_path):
    file = tmp_path / "runs.tane"
    here.export(file, tracked)
    found = there.bring_in(file)
    assert len(found.added) == 2 and not found.conflicts
    for run in found.added:
        assert there.told(run) == here.told(run)
    assert [repr(point.value) for point in read.series(there.ledger, tracked, "loss")] == [
        "1.0",
        "nan",
        "inf",
        "-inf",
        "1e-300",
    ]
    for artifact in read.artifacts(there.ledger, tracked):
        assert there.store.check(artifact.file) == "ok"


def test_importing_again_adds_nothing(here, there, tracked, tmp_path):
    file = tmp_path / "runs.tane"
    here.export(file, tracked)
    there.bring_in(file)
    before = there.ledger.rows("select (select count(*) from points), (select count(*) from runs)")
    again = there.bring_in(file)
    assert (again.added, len(again.known), again.conflicts, again.objects) == ((), 2, (), 0)
    assert there.ledger.rows("select (select count(*) from points), (select count(*) from runs)") == before
    assert here.bring_in(file).added == ()


def test_what_steps_made_comes_with_data_alone_and_may_come_later(here, there, piped, tmp_path):
    bare, whole = tmp_path / "bare.tane", tmp_path / "whole.tane"
    here.export(bare, *piped)
    here.export(whole, *piped, data=True)
    there.bring_in(bare)
    assert [kept.value for step in read.steps(there.ledger, piped[1]) for kept in step.outputs] == ["", ""]
    again = there.bring_in(whole)
    assert (len(again.known), again.conflicts) == (2, ())
    for step in read.steps(there.ledger, piped[1]):
        for kept in step.outputs:
            assert there.store.check(kept.value) == "ok"


def test_steps_from_elsewhere_never_stand_for_steps_here(here, there, piped, tmp_path):
    file = tmp_path / "runs.tane"
    here.export(file, *piped, data=True)
    there.bring_in(file)
    (there.root / "flow.py").write_text(FLOW)
    done = tane.open_project(there.root / "flow.py").run()
    assert {step.status for step in done.steps} == {outcomes.StepStatus.SUCCEEDED}
    assert read.run(there.ledger, "last").run == done.id


def test_runs_from_elsewhere_are_never_the_newest_and_stand_in_order(here, there, piped, tmp_path):
    own = records.RunRecord(run=records.new_run_id(), pipeline="p", started=5.0, ended=6.0)
    write.start_run(there.ledger, own)
    write.end_run(there.ledger, own.run, outcomes.RunStatus.SUCCEEDED, 6.0)
    for run in piped[::-1]:
        here.export(tmp_path / "one.tane", run)
        there.bring_in(tmp_path / "one.tane")
    assert [run.run for run in read.runs(there.ledger)] == [own.run, *piped[::-1]]


def test_values_from_elsewhere_are_no_versions_of_a_dataset_here(here, there, piped, tmp_path):
    here.export(tmp_path / "data.tane", *piped, data=True)
    there.bring_in(tmp_path / "data.tane")
    made = [kept.name for step in read.steps(there.ledger, piped[0]) for kept in step.outputs]
    assert made and not any(read.versions(there.ledger, name) for name in made)


def test_a_run_that_changed_meanwhile_is_a_conflict_and_stays(here, there, tracked, tmp_path):
    file = tmp_path / "runs.tane"
    here.export(file, tracked)
    there.bring_in(file)
    write.set_tags(there.ledger, tracked, {"owner": "eve"})
    write.set_note(there.ledger, tracked, "other")
    found = there.bring_in(file)
    assert [(each.run, each.parts) for each in found.conflicts] == [(tracked, ("note", "tags"))]
    assert read.tags(there.ledger, tracked) == {"owner": "eve"}


def test_an_object_that_is_gone_is_left_out_and_named(here, there, tracked, tmp_path):
    for pack in (here.root / ".tane/objects/packs").iterdir():
        pack.unlink()
    found = here.export(tmp_path / "runs.tane", tracked)
    assert any(each.startswith("notes/a.txt (") for each in found.missing)
    assert there.bring_in(tmp_path / "runs.tane").missing == found.missing


def test_an_import_that_is_cut_short_is_done_by_the_next(here, there, tracked, tmp_path, monkeypatch):
    file = tmp_path / "runs.tane"
    here.export(file, tracked)
    added = []

    def fail(ledger, told):
        if added:
            raise errors.LedgerError("the disk is full", hint="make room")
        added.append(real(ledger, told))

    real = transfer.add
    monkeypatch.setattr(importing.transfer, "add", fail)
    with pytest.raises(errors.LedgerError):
        there.bring_in(file)
    monkeypatch.undo()
    found = there.bring_in(file)
    assert (len(found.added), len(found.known), found.conflicts) == (1, 1, ())


def test_two_imports_at_once_add_each_run_once(here, there, tracked, tmp_path, monkeypatch):
    file = tmp_path / "runs.tane"
    here.export(file, tracked)
    there.bring_in(file)
    monkeypatch.setattr(importing, "_found", lambda ledger, run: None)  # as it was before the other one wrote it
    found = there.bring_in(file)
    assert (found.added, len(found.known)) == ((), 2)


# --- files that are not what they should be -------------------------------------------------------------------------


@pytest.fixture
def file(here, tracked, tmp_path):
    """An exported file."""
    here.export(tmp_path / "runs.tane", tracked)
    return tmp_path / "runs.tane"


def untouched(home):
    return home.ledger.rows("select count(*) from runs")[0][0] == 0


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04", b"\0" * 100])
def test_a_foreign_file_is_refused(there, tmp_path, content):
    (tmp_path / "x.tane").write_bytes(content)
    with pytest.raises(errors.UsageError, match="no file of exported runs"):
        there.bring_in(tmp_path / "x.tane")


def test_another_archive_is_refused(there, tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(errors.UsageError, match="there is no tane-runs.json"):
        there.bring_in(tmp_path / "x.zip")


@pytest.mark.parametrize("name", ["nowhere.tane", "."])
def test_a_file_that_is_none_says_so(there, tmp_path, name):
    with pytest.raises(errors.UsageError, match="there is no file|is a folder"):
        there.bring_in(tmp_path / name)


def test_no_damage_passes_unnoticed(there, file):
    whole = file.read_bytes()
    chance = random.Random(3)
    for _ in range(25):
        data = bytearray(whole)
        at = chance.randrange(len(data))
        data[at] ^= 1 << chance.randrange(8)
        file.write_bytes(data)
        try:
            there.bring_in(file)
        except errors.UsageError:
            continue
        break  # a byte that says nothing, such as one of a time
    for run in read.runs(there.ledger):
        for artifact in read.artifacts(there.ledger, run.run):
            assert there.store.check(artifact.file) == "ok"


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
def test_a_file_cut_short_is_refused(there, file, share):
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(errors.UsageError):
        there.bring_in(file)
    assert untouched(there)


def rewrite(file, change):
    """The archive with members changed by `change(members)`, its digests made to fit."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    manifest = json.loads(members[exporting.MANIFEST])
    for each in manifest["runs"]:
        each["digest"] = hashing.of_bytes(members.get(f"runs/{each['run']}.jsonl", b""))
    members[exporting.MANIFEST] = json.dumps(manifest).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def lines_of(members, run, change):
    name = f"runs/{run}.jsonl"
    lines = [json.loads(line) for line in members[name].splitlines()]
    members[name] = exporting.encoded(change(lines))


@pytest.mark.parametrize("path", ["../../evil.txt", "/etc/evil", "a/../../b", ""])
def test_an_artifact_cannot_lead_out_of_its_folder(there, file, tracked, path):
    def lead_out(lines):
        for line in lines:
            if "artifact" in line:
                line["artifact"]["path"] = path
        return lines

    rewrite(file, lambda members: lines_of(members, tracked, lead_out))
    with pytest.raises(errors.UsageError, match="outside of its folder"):
        there.bring_in(file)
    assert untouched(there)


@pytest.mark.parametrize("name", ["../evil", "..", "a/b", "a\\b"])
def test_a_folder_cannot_hold_names_that_lead_out_of_it(there, file, name):
    def add(members):
        data = trees.encode([trees.Entry(name, trees.FILE, hashing.of_bytes(b"x"), 1)])
        members[f"trees/{trees.digest_of(data)}"] = data

    rewrite(file, add)
    with pytest.raises(errors.UsageError, match="outside of its folder"):
        there.bring_in(file)
    assert untouched(there)


def test_a_blob_that_is_not_its_digest_is_refused(there, file):
    def swap(members):
        name = next(name for name in members if name.startswith("objects/"))
        members[name] = b"other"

    rewrite(file, swap)
    with pytest.raises(errors.UsageError, match="not what its digest says"):
        there.bring_in(file)
    assert untouched(there)


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [],
        lambda lines: lines[1:],
        lambda lines: [*lines, {"surprise": 1}],
        lambda lines: [{"run": {**lines[0]["run"], "status": "running"}}, *lines[1:]],
        lambda lines: [{"run": {**lines[0]["run"], "run": "20200101-000000-00000000"}}, *lines[1:]],
        lambda lines: [*lines, {"metric": {"node": "", "name": "x"}}],
        lambda lines: [*lines, {"step": {"position": 1}}],
        lambda lines: [{"run": {**lines[0]["run"], "started": "now"}}, *lines[1:]],
        lambda lines: [*lines, {"points": [["1", 2.0, 3.0]]}],
        lambda lines: [*lines, ["no", "mapping"]],
        lambda lines: [{"run": {**lines[0]["run"], "started": 1e300}}, *lines[1:]],
        lambda lines: [*lines, *[line for line in lines if "metric" in line][:1]],
    ],
)
def test_lines_that_make_no_run_are_refused(there, file, tracked, change):
    rewrite(file, lambda members: lines_of(members, tracked, change))
    with pytest.raises(errors.UsageError):
        there.bring_in(file)
    assert untouched(there)


def test_a_newer_form_says_to_update(there, file):
    def renew(members):
        manifest = json.loads(members[exporting.MANIFEST])
        members[exporting.MANIFEST] = json.dumps({**manifest, "form": 99}).encode()

    rewrite(file, renew)
    with pytest.raises(errors.UsageError, match="newer tane"):
        there.bring_in(file)
