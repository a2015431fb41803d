"""What a collection takes, what it leaves, and what it leaves behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from kept_projects import LARGE, NOTHING, KeptProject, kept

from tane import errors, fielded
from tane.ledger import connection, read, records, references, write
from tane.outcomes import RunStatus, StepStatus
from tane.runs import lockfile
from tane.store import collecting, objects, referrers, repacking, trash
from tane.versions import collection, roots

DAY = 86400.0


@pytest.fixture
def project(tmp_path: Path) -> KeptProject:
    return KeptProject(tmp_path / "project")


def ledger_of(project: KeptProject) -> closing[connection.Ledger]:
    return closing(connection.open_ledger(project.place.ledger))


# -- what goes and what stays ----------------------------------------------------------------------------------------


def test_what_a_run_names_stays_and_the_rest_goes_into_the_trash(project: KeptProject) -> None:
    needed = project.put(b"small", b"large" * LARGE)
    garbage = project.put(b"small garbage", b"large garbage" * LARGE)
    project.run(*needed)
    found = project.collect()
    assert (found.thrown.count, found.thrown.bytes) == (2, 13 + 13 * LARGE)
    assert project.lying() == set(needed)
    assert project.states(needed) == {"ok"}
    assert project.states(garbage) == {"ok"}  # asked for, it comes back


def as_it_is(project: KeptProject) -> list[tuple[Path, int]]:
    """Every file but those of SQLite, and when it was written."""
    files = (path for path in project.root.rglob("*") if path.is_file() and ".db" not in path.name)
    return sorted((path, path.stat().st_mtime_ns) for path in files)


def test_nothing_is_changed_without_being_told_to(project: KeptProject) -> None:
    project.run(*project.put(b"needed"))
    project.put(b"garbage", b"garbage" * LARGE)
    before = as_it_is(project)
    found = project.collect(really=False)
    assert found.thrown.count == 2 and not found.done
    after = as_it_is(project)
    assert after == before


def test_a_folder_that_a_run_names_keeps_all_that_is_in_it(project: KeptProject) -> None:
    tree = project.put_tree(b"one", b"two" * LARGE)
    project.run(tree)
    project.put_tree(b"three")
    project.collect(empty_trash=True)
    assert project.states([tree]) == {"ok"}
    assert len(project.lying()) == 4


def test_what_is_young_is_left_alone(project: KeptProject) -> None:
    project.run()
    project.put(b"small", b"large" * LARGE)
    assert project.collect(grace=60.0).young.count == 2
    assert project.collect(grace=60.0, now=time.time() + 61).thrown.count == 2


def test_of_one_pack_the_old_goes_and_the_young_stays(project: KeptProject) -> None:
    project.run()
    with objects.Objects(project.place.store) as store:
        old = store.put(b"old")
        store.flush()
        time.sleep(0.05)
        between = time.time()
        time.sleep(0.05)
        young = store.put(b"young")
    found = project.collect(grace=60.0, now=between + 60)
    assert (found.thrown.count, found.young.count) == (1, 1)
    assert project.lying() == {young} and old != young


def test_what_a_run_at_work_may_be_about_to_name_stays(project: KeptProject) -> None:
    project.put(b"old")
    time.sleep(1.1)  # clocks of file systems lag behind
    run = project.run(status=RunStatus.RUNNING)
    (new,) = project.put(b"new")
    found = project.collect()
    assert (found.thrown.count, found.young.count, found.live) == (1, 1, (run,))
    assert project.lying() == {new}


def named_by_sources(project: KeptProject, run: str, digest: str) -> None:
    with ledger_of(project) as ledger:
        write.add_sources(ledger, run, [records.Kept("s", digest, file=digest)])


def named_as_input_of_a_failed_step(project: KeptProject, run: str, digest: str) -> None:
    with ledger_of(project) as ledger:
        write.add_inputs(ledger, run, 3, [kept("i", digest)])


def named_as_an_item(project: KeptProject, run: str, digest: str) -> None:
    position = records.item_position(1, 7)
    step = records.StepRecord(position, "n[7]", StepStatus.SUCCEEDED, "k", NOTHING, outputs=(kept("d[7]", digest),))
    with ledger_of(project) as ledger:
        write.add_steps(ledger, run, [step])


def named_as_an_artifact(project: KeptProject, run: str, digest: str) -> None:
    with ledger_of(project) as ledger:
        write.add_artifact(ledger, run, None, records.Artifact("a.txt", digest, 1))


def named_as_uncommitted_changes(project: KeptProject, run: str, digest: str) -> None:
    state = {"commit": "c", "branch": "b", "dirty": "yes", "diff": digest}
    with ledger_of(project) as ledger:
        write.start_run(ledger, records.RunRecord("20260101-000000-aaaaaaaa", "p", started=1.0, git=state))
        write.end_run(ledger, "20260101-000000-aaaaaaaa", RunStatus.SUCCEEDED, 2.0)


def named_by_the_pins_of_a_backfill(project: KeptProject, run: str, digest: str) -> None:
    with ledger_of(project) as ledger:
        pins = write.add_document(ledger, {"2026-01": [fielded.asdict(records.Kept("s", digest, file=digest))]})
        config = {"backfill": {"pins": pins}}
        record = records.RunRecord("20260101-000000-bbbbbbbb", "p", "backfill", started=1.0, config=config)
        write.start_run(ledger, record)
        write.end_run(ledger, record.run, RunStatus.SUCCEEDED, 2.0)


def named_by_the_last_loading_of_a_source(project: KeptProject, run: str, digest: str) -> None:
    detail = {"kept": fielded.asdict(kept("s", digest)), "loaded_as": "x"}
    with ledger_of(project) as ledger:
        write.add_event(ledger, records.Event("source loaded", "s", 1.0, "me", detail))


def named_as_what_a_file_held_before(project: KeptProject, run: str, digest: str) -> None:
    with ledger_of(project) as ledger:
        write.add_event(ledger, references.replaced("data/x.csv", digest, run))


def named_by_the_lock_file(project: KeptProject, run: str, digest: str) -> None:
    lockfile.update(project.root, {"d": lockfile.Entry(digest, 1, "data/d.csv")})


def named_by_a_lock_file_in_conflict(project: KeptProject, run: str, digest: str) -> None:
    text = (
        f'<<<<<<< ours\n[dataset.d]\ndigest = "{"0" * 64}"\n=======\n[dataset.d]\ndigest = "{digest}"\n>>>>>>> theirs\n'
    )
    (project.root / lockfile.NAME).write_text(text)


WAYS = [value for name, value in sorted(globals().items()) if name.startswith("named_")]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_every_way_to_be_named_is_a_reason_to_stay(project: KeptProject, way) -> None:
    digest, garbage = project.put(b"named" * LARGE, b"garbage")
    run = project.run()
    way(project, run, digest)
    project.collect(empty_trash=True)
    assert project.states([digest]) == {"ok"}
    assert project.states([garbage]) == {"missing"}


def test_a_ledger_of_another_environment_counts(project: KeptProject) -> None:
    (project.root / "pyproject.toml").write_text('[project]\nname = "p"\n[tool.tane]\npackage = "p"\n')
    (project.root / "src/p").mkdir(parents=True)
    (project.root / "conf/test").mkdir(parents=True)
    (project.root / "conf/test/run.yml").write_text("ledger: .tane/test.db\n")
    (digest,) = project.put(b"of the test environment")
    KeptProject(project.root, ledger=".tane/test.db").run(digest)
    project.run()
    project.collect(empty_trash=True)
    assert project.states([digest]) == {"ok"}


def test_a_project_that_shares_the_store_counts(project: KeptProject, tmp_path: Path) -> None:
    other = KeptProject(tmp_path / "other", store=project.place.store)
    (digest,) = project.put(b"of the other project")
    referrers.note(other.place.store, other.place.ledger, other.root)
    other.run(digest)
    project.run()
    project.collect(empty_trash=True)
    assert project.states([digest]) == {"ok"}
    assert other.collect(empty_trash=True).thrown.count == 0


def test_a_ledger_that_cannot_be_found_stops_the_collection_until_it_is_given_up(
    project: KeptProject, tmp_path: Path
) -> None:
    project.run()
    (digest,) = project.put(b"of the other project")
    gone = tmp_path / "gone/.tane/ledger.db"
    referrers.note(project.place.store, gone, tmp_path / "gone")
    with pytest.raises(errors.StoreError, match="is not there") as told:
        project.collect()
    assert f"--without {gone}" in told.value.hint
    assert project.lying() == {digest}
    assert project.collect(without=(gone,)).thrown.count == 1
    assert project.collect().thrown.count == 0  # it is not looked for again


def test_a_project_that_is_moved_is_not_taken_for_another(project: KeptProject, tmp_path: Path) -> None:
    here = KeptProject(project.root, ledger=".tane/test.db")
    referrers.note(here.place.store, here.place.ledger, here.root)
    here.run(*here.put(b"needed"))
    moved = project.root.rename(tmp_path / "elsewhere")
    assert KeptProject(moved).collect().thrown.count == 0


def test_a_damaged_ledger_stops_the_collection(project: KeptProject) -> None:
    project.run(*project.put(b"needed"))
    project.place.ledger.write_bytes(b"not a ledger" * 1000)
    with pytest.raises(errors.LedgerError):
        project.collect()


# -- Git ---------------------------------------------------------------------------------------------------------------


def git(project: KeptProject, *arguments: str) -> str:
    own = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    done = subprocess.run(
        ["git", *arguments], cwd=project.root, env={**os.environ, **own}, check=True, capture_output=True, text=True
    )
    return done.stdout


def lock(project: KeptProject, digest: str) -> None:
    lockfile.update(project.root, {"d": lockfile.Entry(digest, 1, "d.csv")})
    git(project, "add", "-f", lockfile.NAME)


def test_the_lock_files_of_all_branches_tags_and_stashes_count(project: KeptProject) -> None:
    project.run()
    digests = project.put(*(b"version %d" % number for number in range(7)))
    first, other, merged, stashed, staged, here, garbage = digests
    git(project, "init", "-q", "-b", "main")
    lock(project, first)
    git(project, "commit", "-qm", "one")
    git(project, "checkout", "-qb", "other")
    lock(project, other)
    git(project, "commit", "-qm", "two")
    git(project, "checkout", "-q", "main")
    git(project, "commit", "-qm", "three", "--allow-empty")
    git(project, "merge", "-q", "--no-commit", "--no-ff", "other")
    lock(project, merged)
    git(project, "commit", "-qm", "merged otherwise than either")
    lock(project, stashed)
    git(project, "stash", "-q")
    lock(project, staged)
    (project.root / lockfile.NAME).unlink()
    lockfile.update(project.root, {"d": lockfile.Entry(here, 1, "d.csv")})
    project.collect(git=True, empty_trash=True)
    assert project.states(digests[:-1]) == {"ok"} and project.states([garbage]) == {"missing"}


def test_what_a_merge_passed_over_counts_and_what_only_a_merge_has(project: KeptProject) -> None:
    project.run()
    digests = project.put(b"first", b"passed over", b"of the merge alone", b"last", b"garbage")
    first, over, alone, last, garbage = digests
    git(project, "init", "-q", "-b", "main")
    lock(project, first)
    git(project, "commit", "-qm", "one")
    git(project, "checkout", "-qb", "other")
    lock(project, over)
    git(project, "commit", "-qm", "two")
    git(project, "checkout", "-q", "main")
    git(project, "merge", "-q", "-s", "ours", "-m", "ours", "other")
    git(project, "branch", "-qD", "other")
    git(project, "checkout", "-qb", "third")
    git(project, "commit", "-qm", "three", "--allow-empty")
    git(project, "merge", "-q", "--no-commit", "--no-ff", "-s", "ours", "main")
    git(project, "checkout", "-q", "main")
    git(project, "commit", "-qm", "four", "--allow-empty")
    git(project, "checkout", "-q", "third")
    git(project, "merge", "-q", "--no-commit", "--no-ff", "main")
    lock(project, alone)
    git(project, "commit", "-qm", "merged otherwise than either")
    git(project, "checkout", "-q", "main")
    git(project, "reflog", "expire", "--expire=now", "--all")
    lock(project, last)
    project.collect(git=True, empty_trash=True)
    assert project.states(digests[:-1]) == {"ok"} and project.states([garbage]) == {"missing"}


def test_a_repository_without_a_commit_is_no_obstacle(project: KeptProject) -> None:
    project.run()
    project.put(b"garbage")
    git(project, "init", "-q")
    assert project.collect(git=True).thrown.count == 1


def test_when_git_cannot_be_asked_nothing_is_collected(project: KeptProject, monkeypatch: pytest.MonkeyPatch) -> None:
    project.run()
    project.put(b"garbage")
    git(project, "init", "-q")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(errors.ProjectError, match="Git cannot be asked") as told:
        project.collect(git=True)
    assert "--no-git" in told.value.hint
    assert project.collect(git=False).thrown.count == 1


def test_without_a_repository_git_is_not_needed(project: KeptProject, monkeypatch: pytest.MonkeyPatch) -> None:
    project.run()
    project.put(b"garbage")
    monkeypatch.setenv("PATH", "/nowhere")
    assert project.collect(git=True).thrown.count == 1


# -- old runs ----------------------------------------------------------------------------------------------------------


def test_the_values_of_old_runs_go_only_when_that_is_asked_for(project: KeptProject) -> None:
    old, shared, new = project.put(b"old", b"shared", b"new")
    first, last = project.run(old, shared), project.run(shared, new)
    assert project.collect().thrown.count == 0
    found = project.collect(keep_runs=1)
    assert found.given_up == (first,)
    assert project.lying() == {shared, new}
    with ledger_of(project) as ledger:
        assert [run.run for run in read.runs(ledger)] == [last, first]
        assert len(read.steps(ledger, first)) == 2


def test_what_was_given_up_does_not_come_back_with_the_next_collection(project: KeptProject) -> None:
    old, new = project.put(b"old", b"new" * LARGE)
    project.run(old)
    project.run(new)
    project.collect(keep_runs=1)
    project.collect(empty_trash=True)
    assert project.states([old]) == {"missing"} and project.states([new]) == {"ok"}


def test_a_value_given_up_stays_once_a_run_names_it_again(project: KeptProject) -> None:
    (old,) = project.put(b"old")
    project.run(old)
    project.run()
    project.collect(keep_runs=1)
    project.run(old)
    project.collect(empty_trash=True)
    assert project.states([old]) == {"ok"}


def test_no_command_stands_any_longer_on_a_run_that_was_given_up(project: KeptProject) -> None:
    project.run(*project.put(b"old"))
    standing = project.place.home / "standing"
    standing.mkdir()
    for name in ("latest", "0123abcd"):
        (standing / name).write_text("x")
    project.collect()
    assert len(list(standing.iterdir())) == 2
    project.collect(keep_runs=0)
    assert [path.name for path in standing.iterdir()] == ["latest"]


def test_runs_are_counted_by_pipeline_and_windows_with_their_backfill() -> None:
    def line(run: str, pipeline: str, of: str = "") -> references.Line:
        return references.Line(run, ("run", pipeline), 1.0, of or run)

    lines = [line("c2", "c"), line("b2", "b"), line("b1w", "b", "b1"), line("b1", "b"), line("a1", "a")]
    assert roots.Old(keep_runs=1).among(lines, set(), 2.0) == {"b1", "b1w"}
    assert roots.Old(keep_runs=1).among(lines, {"b1w"}, 2.0) == set()
    assert roots.Old(keep_runs=0, older_than=0.5).among(lines, set(), 2.0) == {"a1", "b1", "b1w", "b2", "c2"}
    assert roots.Old(keep_runs=1, older_than=5.0).among(lines, set(), 2.0) == set()


def test_a_run_at_work_is_never_given_up(project: KeptProject) -> None:
    (digest,) = project.put(b"mine")
    project.run(digest, status=RunStatus.RUNNING)
    assert project.collect(keep_runs=0, empty_trash=True).given_up == ()
    assert project.states([digest]) == {"ok"}


def test_a_run_that_was_resumed_is_given_up_no_longer(project: KeptProject) -> None:
    (digest,) = project.put(b"pinned")
    run = project.run(digest)
    project.collect(keep_runs=0)
    with ledger_of(project) as ledger:
        assert write.resume_run(ledger, read.run(ledger, run), os.uname().nodename, os.getpid())
        write.end_run(ledger, run, RunStatus.SUCCEEDED, time.time())
        assert references.given_up(ledger) == set()


# -- the trash ---------------------------------------------------------------------------------------------------------


def test_a_later_collection_empties_the_trash_after_the_grace_period(project: KeptProject) -> None:
    project.run()
    digests = project.put(b"small", b"large" * LARGE)
    now = time.time()
    project.collect(grace=DAY, now=now + 1.1 * DAY)
    assert project.collect(grace=DAY, now=now + 0.5 * DAY).emptied.count == 0
    assert project.collect(grace=DAY, now=now + 1.1 * DAY).emptied.count == 2
    assert project.states(digests) == {"missing"}
    assert not list((project.place.store / "trash").iterdir())


def test_the_trash_can_be_emptied_at_once(project: KeptProject) -> None:
    project.run()
    project.put(b"small", b"large" * LARGE)
    found = project.collect(empty_trash=True)
    assert (found.thrown.count, found.emptied.count, found.resting.count) == (2, 2, 0)
    assert project.bytes() < 1000


def test_what_is_named_after_it_was_thrown_away_comes_back(project: KeptProject) -> None:
    project.run()
    digests = project.put(b"small", b"large" * LARGE)
    tree = project.put_tree(b"in a folder", b"in a folder" * LARGE)
    project.collect()
    assert not project.lying()
    project.run(*digests, tree)
    project.collect(empty_trash=True)
    assert project.states([*digests, tree]) == {"ok"}


def test_what_a_run_at_work_may_have_seen_stays_in_the_trash(project: KeptProject) -> None:
    project.put(b"seen", b"seen" * LARGE)
    time.sleep(1.1)
    run = project.run(status=RunStatus.RUNNING)
    project.collect()
    assert project.collect(empty_trash=True).emptied.count == 0
    with ledger_of(project) as ledger:
        write.end_run(ledger, run, RunStatus.SUCCEEDED, time.time())
    assert project.collect(empty_trash=True).emptied.count == 2


def test_the_trash_is_not_emptied_while_another_process_has_the_store_open(project: KeptProject) -> None:
    project.run()
    project.put(b"seen by a script")
    program = (
        "import sys\nfrom pathlib import Path\nfrom tane.store import objects\n"
        "store = objects.Objects(Path(sys.argv[1]))\nstore.has('00' * 32)\n"
        "print('here', flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(project.place.store)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None and other.stdout.readline()
        found = project.collect(empty_trash=True)
        assert found.emptied.count == 0 and "another process" in found.notes[0]
    assert project.collect(empty_trash=True).emptied.count == 1


# -- packs -------------------------------------------------------------------------------------------------------------


def pack_names(project: KeptProject) -> list[str]:
    return sorted(path.name for path in (project.place.store / "packs").iterdir())


def test_a_pack_more_than_half_of_which_is_dead_is_written_anew(project: KeptProject) -> None:
    contents = [b"%d" % number * 1000 for number in range(20)]
    digests = project.put(*contents)
    project.run(*digests[::4])
    before = pack_names(project)
    found = project.collect(empty_trash=True)
    assert found.packed > 20_000
    assert pack_names(project) != before
    with objects.Objects(project.place.store) as store:
        assert [store.read(digest) for digest in digests[::4]] == contents[::4]
        assert sum(path.stat().st_size for path in (project.place.store / "packs").iterdir()) < 12_000


def test_a_pack_of_which_most_is_needed_stays(project: KeptProject) -> None:
    digests = project.put(*(b"%d" % number * 1000 for number in range(20)))
    project.run(*digests[5:])
    before = pack_names(project)
    assert project.collect(empty_trash=True).packed == 0
    assert pack_names(project) == before


def test_what_is_in_the_trash_survives_that_its_pack_is_written_anew(project: KeptProject) -> None:
    digests = project.put(*(b"%d" % number * 1000 for number in range(20)))
    project.run(digests[0])
    project.collect(empty_trash=True)
    (thrown,) = project.put(b"thrown" * 1000)
    project.put(*(b"%d more" % number * 1000 for number in range(20)))
    with objects.Objects(project.place.store) as store:
        found = [each for each in collecting.lying(store) if each.digest not in {thrown, digests[0]}]
        collecting.throw(store, found)
        trash.drop(store.index, [each for each in trash.lying(store.index) if each.digest != thrown])
        ages = {each.digest: each.at for each in collecting.lying(store)}
        collecting.throw(store, [each for each in collecting.lying(store) if each.digest == thrown])
        assert repacking.repack(store) > 0
    assert project.states([thrown, digests[0]]) == {"ok"}
    with objects.Objects(project.place.store) as store:
        assert {each.digest: each.at for each in collecting.lying(store)} == ages  # it is as old as it was


def test_a_pack_that_somebody_writes_to_is_left_alone(project: KeptProject) -> None:
    with objects.Objects(project.place.store) as writer:
        needed = writer.put(b"needed" * 100)
        writer.put(b"garbage" * 1000)
        writer.flush()
        project.run(needed)
        with objects.Objects(project.place.store) as store:
            collecting.throw(store, [each for each in collecting.lying(store) if each.digest != needed])
            trash.drop(store.index, trash.lying(store.index))
            assert repacking.repack(store) == 0
        later = writer.put(b"later")
        writer.flush()
    assert project.states([needed, later]) == {"ok"}


def test_a_reader_of_a_pack_that_goes_finds_the_new_one(project: KeptProject) -> None:
    contents = [b"%d" % number * 1000 for number in range(20)]
    digests = project.put(*contents)
    project.run(*digests[::4])
    with objects.Objects(project.place.store, read_only=True) as reader:
        assert reader.read(digests[0]) == contents[0]
        project.collect(empty_trash=True)
        assert [reader.read(digest) for digest in digests[::4]] == contents[::4]
        assert set(reader.check_many(digests[::4]).values()) == {"ok"}


def test_an_index_made_again_knows_the_packs_written_anew(project: KeptProject) -> None:
    digests = project.put(*(b"%d" % number * 1000 for number in range(20)))
    project.run(*digests[::4])
    project.collect(empty_trash=True)
    for path in project.place.store.glob("index.db*"):
        path.unlink()
    assert project.states(digests[::4]) == {"ok"} and project.states(digests[1:2]) == {"missing"}


# -- what lies around --------------------------------------------------------------------------------------------------


def dead_process() -> int:
    with subprocess.Popen(["true"]) as child:
        pass
    return child.pid


def test_temporary_files_of_dead_processes_go_with_their_owner_named(project: KeptProject) -> None:
    project.run(*project.put(b"needed"))
    folder = project.place.store / "tmp"
    folder.mkdir(exist_ok=True)
    host, pid = os.uname().nodename, dead_process()
    (folder / f"{host}-{pid}-00ff").write_bytes(b"x" * 10)
    (folder / f"{host}-{os.getpid()}-00ff").write_bytes(b"mine")
    (folder / "elsewhere-12-00ff").write_bytes(b"another machine's")
    found = project.collect()
    assert [(each.bytes, each.owner) for each in found.left] == [(10, f"process {pid}, which is gone")]
    assert sorted(path.name for path in folder.iterdir()) == sorted([f"{host}-{os.getpid()}-00ff", "elsewhere-12-00ff"])
    assert len(project.collect(now=time.time() + 8 * DAY).left) == 1


def test_damaged_objects_set_aside_go_after_the_grace_period(project: KeptProject) -> None:
    project.run(*project.put(b"needed"))
    folder = project.place.store / "quarantine"
    folder.mkdir()
    (folder / "0123").write_bytes(b"x")
    assert not project.collect(grace=DAY).left
    assert len(project.collect(grace=DAY, now=time.time() + 2 * DAY).left) == 1
    assert not list(folder.iterdir())


def test_folders_of_runs_that_no_ledger_knows_go(project: KeptProject) -> None:
    run = project.run(*project.put(b"needed"))
    for name in (run, "20260101-000000-00000000"):
        (project.place.home / "runs" / name).mkdir(parents=True)
        (project.place.home / "runs" / name / "log.jsonl").write_text("{}\n")
    project.collect(grace=DAY)
    assert len(list((project.place.home / "runs").iterdir())) == 2
    project.collect(grace=DAY, now=time.time() + 2 * DAY)
    assert [path.name for path in (project.place.home / "runs").iterdir()] == [run]


def test_the_pack_of_a_killed_process_is_found_and_collected(project: KeptProject) -> None:
    project.run(*project.put(b"needed"))
    (pack,) = (project.place.store / "packs").iterdir()
    (pack.parent / "0000000000000000-00000000.pack").write_bytes(pack.read_bytes())
    project.collect(empty_trash=True)
    assert pack_names(project) == [pack.name]


def test_two_collections_at_once_do_not_get_in_each_others_way(project: KeptProject) -> None:
    project.run(*project.put(b"needed"))
    with collecting.alone(project.place.store), pytest.raises(errors.StoreError, match="another collection"):
        project.collect()
    project.collect()


def test_where_nothing_was_kept_nothing_is_made(project: KeptProject) -> None:
    assert project.collect() == collection.Collection(True)
    assert not (project.root / ".tane").exists()
