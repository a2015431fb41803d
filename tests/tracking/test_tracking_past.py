"""A finished run as Python reads it, and what survives."""

import math
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import tane
from tane import errors


def test_a_finished_run_tells_all_that_it_logged(here):
    with tane.start_run("told", params={"rate": 0.1}, tags={"by": "me"}, note="# fine", group="g", job_type="train"):
        for step, value in enumerate([3.0, 1.0, math.nan, 2.0]):
            tane.log_metric("loss", value, step)
        tane.log_text("x", "a.txt")
    run = tane.get_run("told")
    assert (run.name, str(run.status), run.error, run.params, run.tags) == (
        "told",
        "succeeded",
        "",
        {"rate": 0.1},
        {"by": "me"},
    )
    loss = run.metrics["loss"]
    assert (loss.last, loss.min, loss.max, len(loss), loss.steps) == (2.0, 1.0, 3.0, 4, [0, 1, 2, 3])
    assert (loss.best().step, loss.best("max").step, float(loss)) == (1, 0, 2.0)
    assert all(abs(point.at - time.time()) < 60 for point in loss.points)
    assert (run.note, list(run.artifacts), run.record.group, run.record.job_type) == ("# fine", ["a.txt"], "g", "train")
    assert run.seconds > 0 and "'told': succeeded" in repr(run)


def test_a_run_of_a_pipeline_tells_its_parameters_too(here):
    (here / "flow.py").write_text(
        "import tane\ndef a(rate: float = 0.5) -> float:\n    tane.log_param('logged', 1)\n    return rate\n"
        "pipeline = tane.Pipeline([a])\n"
    )
    run = tane.open_project("flow.py", overrides=["rate=0.25"]).run()
    assert tane.get_run(run.id, path="flow.py").params == {"rate": 0.25, "logged": 1}


def test_a_run_that_goes_on_shows_what_it_has_got_to(here):
    with tane.start_run() as run:
        tane.log_metric("x", 1)
        other = tane.get_run(run.id)
        assert (str(other.status), other.metrics["x"].last) == ("running", 1)
        tane.log_metric("x", 2)
        assert other.metrics["x"].last == 2


def test_the_best_of_nothing_is_refused(here):
    with tane.start_run() as run:
        tane.log_metric("x", math.nan)
    with pytest.raises(errors.UsageError, match="no number but NaN"):
        run.metrics["x"].best()


def test_all_that_returned_before_a_kill_is_there(here):
    (here / "work.py").write_text(
        "import tane, itertools\n"
        "run = tane.start_run('killed')\n"
        "for i in itertools.count():\n"
        "    tane.log_metric('m', i)\n    tane.log_param(f'p{i}', i)\n    tane.log_text(str(i), f't/{i}.txt')\n"
        "    tane.set_tag('last', str(i))\n    tane.set_note(str(i))\n    print(i, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "work.py"], cwd=here, stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout:
            if int(line) >= 20:
                break
        os.kill(running.pid, signal.SIGKILL)
        said = max([int(line) for line in running.stdout if line.endswith("\n")], default=20)
    run = tane.get_run("killed")
    assert str(run.status) == "killed"
    assert run.metrics["m"].values[: said + 1] == list(range(said + 1))
    assert all(run.params[f"p{i}"] == i for i in range(said + 1))
    assert all(run.artifact(f"t/{i}.txt").load() == str(i) for i in range(said + 1))
    assert int(run.tags["last"]) >= said and int(run.note) >= said


def test_threads_and_processes_log_to_one_run_at_once_and_nothing_is_lost(here):
    with tane.start_run() as run:

        def work(name):
            for step in range(50):
                tane.log_metric(name, step, step)
                tane.log_param(f"{name}.{step}", step)

        code = (
            f"import sys, tane\nwith tane.start_run(run={run.id!r}, join=True):\n    for step in range(50):\n"
            "        tane.log_metric(sys.argv[1], step, step)\n        tane.log_param(f'{sys.argv[1]}.{step}', step)\n"
        )
        others = [subprocess.Popen([sys.executable, "-c", code, f"process{i}"]) for i in range(2)]
        threads = [threading.Thread(target=work, args=(f"thread{i}",)) for i in range(3)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert [other.wait() for other in others] == [0, 0]
    assert {name: each.values for name, each in run.metrics.items()} == {
        f"{kind}{i}": list(range(50)) for kind, count in (("thread", 3), ("process", 2)) for i in range(count)
    }
    assert len(run.params) == 250


def test_an_error_in_a_cell_of_a_notebook_leaves_the_run_open(here):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    cells = [
        "import tane\nrun = tane.start_run('cells')",
        "tane.log_metric('x', 1)",
        "1 / 0",
        "tane.log_metric('x', 2)\nassert str(run.status) == 'running'",
        "with tane.start_run('block'):\n    raise ValueError('in a block')",
        "tane.start_run('forgotten').end()",
        "run.end()",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    nbclient.NotebookClient(book, allow_errors=True, timeout=60, resources={"metadata": {"path": str(here)}}).execute()
    run, block = tane.get_run("cells"), tane.get_run("block")
    assert (str(run.status), run.metrics["x"].values) == ("succeeded", [1, 2])
    assert (str(block.status), block.error, block.parent) == ("failed", "ValueError: in a block", run.id)
    assert "is open still" in str(book.cells[5].outputs)
    assert [str(each.get("ename")) for cell in book.cells for each in cell.outputs if each.output_type == "error"] == [
        "ZeroDivisionError",
        "ValueError",
    ]
