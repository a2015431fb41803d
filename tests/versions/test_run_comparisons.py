"""What differs between runs: values, code, data, packages, curves."""

import subprocess
from pathlib import Path

import numpy
import pandas
import polars
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as some

from tane.catalog import codecs, shapes
from tane.ledger import connection, records, write
from tane.outcomes import RunStatus
from tane.store import objects
from tane.versions import code_states, comparing, curves


@pytest.fixture
def place(tmp_path):
    """A ledger and a store for records made by hand."""
    ledger = connection.open_ledger(tmp_path / ".tane/ledger.db")
    store = objects.Objects(tmp_path / ".tane/objects")
    yield comparing.Place(ledger, store, tmp_path, (tmp_path / "src",), tmp_path / "conf")
    store.close()
    ledger.close()


def record(place, **more):
    """A run that has ended, on record."""
    run = records.RunRecord(run=records.new_run_id(), pipeline="p", started=10.0, ended=11.0, **more)
    write.start_run(place.ledger, run)
    write.end_run(place.ledger, run.run, RunStatus.SUCCEEDED, 11.0)
    return run


def row(rows, name):
    return next(each for each in rows if each.name == name)


def test_parameters_differ_by_value_and_by_being_there(place):
    one = record(place, params={"model": {"rate": 0.5, "depth": 3}, "seed": 1})
    other = record(place, params={"model": {"rate": 0.25, "depth": 3}})
    found = comparing.compare(place, [one, other]).params
    assert row(found, "model.rate").values == (0.5, 0.25)
    assert [each.name for each in found if each.differs] == ["model.rate", "seed"]
    assert row(found, "seed").values[1] is comparing.ABSENT


def test_logged_parameters_and_tags_count_too(place):
    one, other = record(place), record(place)
    write.log_params(place.ledger, one.run, {"depth": 3})
    write.set_tags(place.ledger, other.run, {"owner": "ada"})
    found = comparing.compare(place, [one, other])
    assert row(found.params, "depth").differs and row(found.tags, "owner").differs


def test_nan_is_the_same_as_nan_and_true_is_not_one(place):
    one, other = record(place, params={"a": True}), record(place, params={"a": 1})
    for run in (one, other):
        write.log_metrics(place.ledger, run.run, None, [records.MetricPoint("auc", float("nan"), 0, 1.0)])
    found = comparing.compare(place, [one, other])
    assert not row(found.metrics, "auc").differs
    assert row(found.params, "a").differs


def test_packages_that_differ(place):
    old = write.add_document(place.ledger, {"numpy": "1.0", "same": "2"})
    new = write.add_document(place.ledger, {"numpy": "2.0", "same": "2", "more": "1"})
    found = comparing.compare(place, [record(place, environment=old), record(place, environment=new)]).environment
    assert [each.name for each in found if each.differs] == ["more", "numpy"]


# --- code -----------------------------------------------------------------------------------------------------------


def git(root, *arguments):
    done = subprocess.run(
        ["git", "-c", "user.email=a@b.c", "-c", "user.name=a", *arguments],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repository(place):
    """A repository with one commit: a file of code, a file of data, a secret."""
    for name, text in {
        ".gitignore": ".tane/\n",
        "src/a.py": "def a():\n    return 1\n",
        "data.txt": "1\n",
        "conf/base/parameters.yml": "rate: 1\n",
        "conf/local/credentials.yml": "key: hidden\n",
    }.items():
        path = place.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(place.root, "init", "-q")
    git(place.root, "add", ".")
    git(place.root, "commit", "-qm", "one")
    return place


def state(place, patch=b""):
    """What a run's record says of Git, now."""
    diff = place.store.put(patch) if patch else ""
    return {
        "commit": git(place.root, "rev-parse", "HEAD"),
        "branch": "main",
        "dirty": "yes" if patch else "no",
        "diff": diff,
    }


def change(place, text):
    (place.root / "src/a.py").write_text(text)
    patch = subprocess.run(["git", "diff"], cwd=place.root, check=True, capture_output=True).stdout
    git(place.root, "checkout", "-q", ".")
    return patch


def test_code_is_compared_between_a_commit_and_a_patch_on_another(repository):
    first = record(repository, git=state(repository))
    for name in ("src/a.py", "data.txt", "conf/local/credentials.yml"):
        path = repository.root / name
        path.write_text(path.read_text() + "# more\n")
    git(repository.root, "commit", "-qam", "two")
    patch = change(repository, "def a():\n    return 2\n# more\n")
    second = record(repository, git=state(repository, patch))
    one, other = comparing.compare(repository, [first, second]).states
    assert (one.runs, one.diff, other.runs) == ((0,), "", (1,))
    changed = [line for line in other.diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert changed == ["-    return 1", "+    return 2", "+# more"]


def test_commits_that_differ_in_nothing_that_is_code_are_one_state(repository):
    first = record(repository, git=state(repository))
    (repository.root / "data.txt").write_text("2\n")
    git(repository.root, "commit", "-qam", "two")
    (found,) = comparing.compare(repository, [first, record(repository, git=state(repository))]).states
    assert found.runs == (0, 1)


def test_comparing_changes_nothing_in_the_repository(repository):
    def seen():
        return sorted((str(path), path.stat().st_mtime_ns) for path in (repository.root / ".git").rglob("*"))

    first = record(repository, git=state(repository))
    second = record(repository, git=state(repository, change(repository, "def a():\n    return 2\n")))
    before = seen()
    assert comparing.compare(repository, [first, second]).states[1].diff
    assert seen() == before


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"commit": "0" * 40}, "is not in this repository"),
        ({"dirty": "yes", "diff": "f" * 64}, "no longer in the store"),
        ({"dirty": "yes"}, "too large to be kept"),
    ],
)
def test_code_that_is_not_known_says_why(repository, more, why):
    known = state(repository)
    found = comparing.compare(repository, [record(repository, git=known), record(repository, git={**known, **more})])
    assert why in found.states[1].why
    assert found.states[1].diff == ""


def test_each_state_says_why_it_is_not_known_itself(repository):
    found = comparing.compare(repository, [record(repository), record(repository, git=state(repository))])
    assert [each.why for each in found.states] == [
        "it was not made in a Git repository",
        "the code of the first run is not known",
    ]


def test_without_git_nothing_is_said_of_lines(place):
    found = comparing.compare(place, [record(place), record(place)])
    assert [each.runs for each in found.states] == [(0, 1)]


def test_the_work_tree_is_a_state_too_with_files_git_does_not_know(repository):
    (repository.root / "src/new.py").write_text("x = 1\n")
    with code_states.opened(repository.root, repository.code, repository.conf) as opened:
        patch = opened.diff(opened.of_head(), opened.of_work_tree(), to_apply=True).decode()
    assert "+x = 1" in patch
    assert git(repository.root, "status", "--porcelain") == "?? src/new.py"


# --- data -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        (numpy.zeros((3, 2)), (3, 2, ())),
        (numpy.zeros(4), (4, 1, ())),
        (polars.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]}), (3, 2, ("a", "b"))),
        (pyarrow.table({"a": [1, 2]}), (2, 1, ("a",))),
        (pandas.DataFrame({"a": [1]}), None),
        ([1, 2, 3], None),
    ],
)
def test_values_say_their_shape_without_being_loaded(value, shape):
    encoded = codecs.encode(value)
    assert shapes.of_value(encoded.codec, b"".join(map(bytes, encoded.chunks))) == shape


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        (b"a,b\n1,2\n3,4\n", (2, 2, ("a", "b"))),
        (b"a,b\r\n1,2\r\n3,4", (2, 2, ("a", "b"))),
        (b'a,b\n"one\nrow",2\n', (1, 2, ("a", "b"))),
        (b"", None),
        (b"a\xff\n", None),
    ],
)
def test_lines_of_csv_are_counted(text, shape):
    found = shapes.of_file(".csv", text)
    assert found == shape or (shape is None and found in (None, (0, 0, ())))


def test_a_parquet_file_says_its_shape(tmp_path):
    pandas.DataFrame({"a": [1, 2], "b": [3, 4]}).to_parquet(tmp_path / "x.parquet", index=False)
    assert shapes.of_file(".parquet", Path(tmp_path / "x.parquet").read_bytes()) == (2, 2, ("a", "b"))
    assert shapes.of_file(".parquet", b"PAR1 no more") is None


# --- curves ---------------------------------------------------------------------------------------------------------


def test_curves_are_those_of_metrics_with_several_points(place):
    one, other = record(place), record(place)
    for run, count in ((one, 3), (other, 1)):
        points = [records.MetricPoint("loss", 1 / (step + 1), step, 10.5) for step in range(count)]
        write.log_metrics(place.ledger, run.run, None, [*points, records.MetricPoint("auc", 0.9, 0, 10.5)])
    (found,) = curves.curves(place.ledger, [one, other])
    assert (found.name, [line.steps for line in found.lines]) == ("loss", [(0, 1, 2), (0,)])
    assert found.lines[0].at == (0.5, 0.5, 0.5)


@given(some.lists(some.floats(allow_nan=True), min_size=1, max_size=300), some.integers(4, 40))
def test_thinned_lines_keep_their_ends_and_their_extremes(values, most):
    points = [records.MetricPoint("m", value, step, 0.0) for step, value in enumerate(values)]
    kept = curves.thinned(points, most)
    assert len(kept) <= most
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert [point.step for point in kept] == sorted({point.step for point in kept})
    numbers = [value for value in values if abs(value) < float("inf")]
    if numbers:
        assert {min(numbers), max(numbers)} <= {point.value for point in kept}
