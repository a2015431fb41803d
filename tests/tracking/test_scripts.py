"""Tracking in plain scripts: with one added line, and however the script ends."""

import math
import os
import signal
import subprocess
import sys
import time

import pytest

from tane.ledger import connection, read
from tane.store import objects


@pytest.fixture
def script(tmp_path):
    """Runs a script in an empty folder; gives its exit code."""

    def run(text, **options):
        (tmp_path / "work.py").write_text(text)
        return subprocess.run(
            [sys.executable, "work.py"], cwd=tmp_path, capture_output=True, text=True, check=False, **options
        )

    return run


@pytest.fixture
def ledger(tmp_path):
    """Opens the folder's ledger when called."""
    opened = []

    def open_it():
        opened.append(connection.open_ledger(tmp_path / ".tane/ledger.db"))
        return opened[-1]

    yield open_it
    for each in opened:
        each.close()


def only_run(ledger):
    [found] = read.runs(ledger)
    return found


def test_a_script_records_with_one_added_line(script, ledger):
    assert script("import tane\ntane.start_run('one line')\nprint('work')\n").returncode == 0
    found = only_run(ledger())
    assert (found.name, str(found.status), found.kind) == ("one line", "succeeded", "script")
    assert found.command == ("work.py",)


def test_everything_logged_is_found_again(script, ledger, tmp_path):
    done = script(
        """
import tane
from pathlib import Path
Path("output.txt").write_text("Hello world!")
with tane.start_run("full", tags={"owner": "me"}, params={"model": {"lr": 0.1, "layers": [8, 4]}}):
    for epoch in range(3):
        tane.log_metrics({"loss": 1 / (epoch + 1), "acc": epoch / 2}, step=epoch)
    tane.log_metric("odd", float("nan"))
    tane.log_metric("odd", float("inf"))
    tane.log_artifact("output.txt")
    tane.log_text("notes", "docs/notes.md")
    tane.set_tag("stage", "lab")
"""
    )
    assert done.returncode == 0, done.stderr
    opened = ledger()
    run = only_run(opened).run
    assert read.params(opened, run) == {"model.lr": 0.1, "model.layers": [8, 4]}
    assert read.tags(opened, run) == {"owner": "me", "stage": "lab"}
    assert [(p.step, round(p.value, 3)) for p in read.series(opened, run, "loss")] == [(0, 1.0), (1, 0.5), (2, 0.333)]
    first, second = (p.value for p in read.series(opened, run, "odd"))
    assert math.isnan(first) and math.isinf(second)
    store = objects.Objects(tmp_path / ".tane/objects")
    kept = {artifact.path: store.read(artifact.file) for artifact in read.artifacts(opened, run)}
    store.close()
    assert kept == {"output.txt": b"Hello world!", "docs/notes.md": b"notes"}


@pytest.mark.parametrize("opening", ["with tane.start_run('x'):\n    ", "tane.start_run('x')\n"])
def test_a_crashed_script_leaves_a_failed_run(script, ledger, opening):
    done = script(f"import tane\n{opening}raise ValueError('broken')\n")
    assert done.returncode == 1
    assert "ValueError: broken" in done.stderr
    found = only_run(ledger())
    assert (str(found.status), found.error) == ("failed", "ValueError: broken")


def test_a_killed_script_reads_as_killed_and_keeps_what_it_logged(tmp_path, ledger):
    (tmp_path / "work.py").write_text(
        "import tane, time, pathlib\n"
        "tane.start_run('x')\n"
        "tane.log_metric('loss', 0.5)\n"
        "pathlib.Path('logged').touch()\n"
        "time.sleep(3600)\n"
    )
    running = subprocess.Popen([sys.executable, "work.py"], cwd=tmp_path)
    while not (tmp_path / "logged").exists():
        assert running.poll() is None
        time.sleep(0.01)
    opened = ledger()
    assert str(only_run(opened).status) == "running"
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    found = only_run(opened)
    assert str(found.status) == "killed"
    assert [p.value for p in read.series(opened, found.run, "loss")] == [0.5]


def test_outside_of_a_run_logging_does_nothing(script, tmp_path):
    done = script("import tane\ntane.log_metric('x', 1)\ntane.log_params({'a': 1})\ntane.set_tag('a', 'b')\n")
    assert done.returncode == 0
    assert not (tmp_path / ".tane").exists()


def test_threads_of_a_script_reach_its_run(script, ledger):
    done = script(
        """
import tane, threading
with tane.start_run("threads"):
    workers = [threading.Thread(target=tane.log_metric, args=("m", i), kwargs={"step": i}) for i in range(8)]
    [w.start() for w in workers]
    [w.join() for w in workers]
"""
    )
    assert done.returncode == 0, done.stderr
    opened = ledger()
    assert [p.step for p in read.series(opened, only_run(opened).run, "m")] == list(range(8))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("tane.log_metric('a', 'text')", "metric 'a' is str, not a number"),
        ("tane.log_artifact('nothing.txt')", "there is no file or folder nothing.txt"),
        ("tane.log_text('x', '../outside')", "cannot name an artifact"),
        ("tane.log_figure('a.png', 3)", "'a.png' is int, not a figure"),
    ],
)
def test_what_cannot_be_logged_is_refused_in_words(script, line, message):
    done = script(f"import tane\nwith tane.start_run('x'):\n    {line}\n")
    assert done.returncode == 1
    assert message in done.stderr and "hint:" in done.stderr


def test_figures_are_kept_as_files(script, ledger, tmp_path):
    done = script(
        """
import tane
from matplotlib.figure import Figure
import plotly.graph_objects as go
figure = Figure()
figure.subplots().plot([1, 2])
with tane.start_run("figures"):
    tane.log_figure("curve", figure)
    tane.log_figure("curve.svg", figure)
    tane.log_figure("page", go.Figure(go.Scatter(y=[1, 2])))
"""
    )
    assert done.returncode == 0, done.stderr
    opened = ledger()
    store = objects.Objects(tmp_path / ".tane/objects")
    starts = {a.path: store.read(a.file)[:5] for a in read.artifacts(opened, only_run(opened).run)}
    store.close()
    assert starts["curve.png"] == b"\x89PNG\r"
    assert starts["curve.svg"].startswith(b"<?xml")
    assert starts["page.html"].startswith((b"<html", b"<!doc"))
