"""Many threads over one store and one ledger: steps, items, whole runs, and threads that an interrupt leaves behind."""

from __future__ import annotations

import itertools
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent import futures
from pathlib import Path

import pytest

import tane
from tane import errors
from tane.ledger import connection, read
from tane.outcomes import RunStatus
from tane.project import projects
from tane.runs import resource_use, running
from tane.store import objects

_numbers = itertools.count()


def project(folder: Path, text: str, name: str = "") -> projects.Project:
    """A one-file project with this code; each time another module, for a process imports each only once."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name or f'threads_{next(_numbers)}'}.py"
    file.write_text("import tane\nfrom tane import Pipeline, node\n" + textwrap.dedent(text))
    return projects.open_project(file)


def in_threads(found: projects.Project, jobs: int = 8, **options):
    return running.run(found, jobs=jobs, executor="threads", **options)


STEPS = """
import functools, logging, pathlib

SIZES = [3, 700, 20_000, 66_000, 300_000]
log = logging.getLogger("stress")

def work(number, folder, *before):
    for each, size in zip(before, [len(one) for one in before]):
        assert set(each) <= {each[0]} and size in SIZES
    tane.log_metric("number", number)
    for count in range(3):
        tane.log_metrics({f"own_{number}": count, "all": number}, step=count)
    log.info("I am %d", number)
    if number % 10 == 0:
        file = pathlib.Path(folder, f"file_{number}")
        file.write_bytes(bytes([number % 256]) * (100 if number % 20 else 70_000))
        tane.log_artifact(str(file), name=f"a{number}")
    return bytes([number % 256]) * SIZES[number % len(SIZES)]

def before(number):
    return sorted({number // 2, number // 3, max(0, number - 20)} - {number})

pipeline = Pipeline([
    node(functools.partial(work, n), ["params:folder", *(f"d{b}" for b in before(n))], f"d{n}", name=f"n{n}")
    for n in range(300)
])
"""


def test_three_hundred_steps_over_eight_threads_log_and_keep_what_is_theirs(tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "conf/base").mkdir(parents=True)
    (tmp_path / "conf/base/parameters.yml").write_text(f"folder: {tmp_path / 'files'}")
    found = project(tmp_path, STEPS)
    run = in_threads(found).raise_for_status()
    sizes = [3, 700, 20_000, 66_000, 300_000]
    for number in range(300):
        assert run[f"d{number}"] == bytes([number % 256]) * sizes[number % 5]
    ledger = connection.open_ledger(found.ledger)
    try:
        for number in range(300):
            names = {metric.name: metric for metric in read.metrics(ledger, run.id, node=f"n{number}")}
            assert names.keys() == {"number", "all", f"own_{number}"}
            assert names["number"].last == names["all"].min == names["all"].max == number
            artifacts = [each.path for each in read.artifacts(ledger, run.id, node=f"n{number}")]
            assert artifacts == ([f"a{number}"] if number % 10 == 0 else [])
        assert read.metrics(ledger, run.id)[0].count == 900
    finally:
        ledger.close()
    lines = (tmp_path / f".tane/runs/{run.id}/log.jsonl").read_text().splitlines()
    said = [line for line in lines if '"event": "log"' in line]
    assert len(said) == 300 and all(f'"node": "n{n}"' in one for one in said for n in [one.split("I am ")[1][:-2]])
    assert set(map(str, in_threads(found).counts)) == {"reused"}


def test_a_thousand_items_in_threads(tmp_path):
    (tmp_path / "table.csv").write_text("n\n1\n2\n")
    (tmp_path / "conf/base").mkdir(parents=True)
    (tmp_path / "conf/base/catalog.yml").write_text("table: {type: pandas.CSVDataset, filepath: table.csv}\n")
    found = project(
        tmp_path,
        """
        def numbers(): return list(range(1000))
        def shown(number, table):
            tane.log_metric("number", number)
            table["n"] += 1
            return [number, table["n"].sum(), "x" * (number % 7 * 1000)]
        def total(shown): return sum(one[0] for one in shown), sum(one[1] for one in shown)
        pipeline = Pipeline([numbers, node(shown, ["numbers", "table"], "shown", over="numbers"), total])
        """,
    )
    run = in_threads(found).raise_for_status()
    assert run["total"] == (499_500, 5000)
    assert run.metrics["number"].count == 1000
    assert str(in_threads(found).step("shown").status) == "reused"


TALKING = """
import time
NAME = {name!r}
def first():
    tane.log_metric("mine", {number})
    time.sleep(0.01)
    return [{number}] * 4
def each(one):
    tane.log_metric("item", one)
    return bytes([one]) * 70_000
def told(each):
    return (NAME, len(each), each[0][0])
pipeline = Pipeline([first, node(each, "first", "each", over="first"), told])
"""


def test_runs_of_different_projects_at_the_same_time(tmp_path):
    def one(number):
        found = project(tmp_path / f"p{number}", TALKING.format(name=f"p{number}", number=number))
        runs = [in_threads(found, 4, force=True).raise_for_status() for _ in range(2)]
        return [(run["told"], run.metrics["mine"].last, run.metrics["item"].max) for run in runs]

    with futures.ThreadPoolExecutor(6) as pool:
        for number, told in enumerate(pool.map(one, range(6))):
            assert told == [((f"p{number}", 4, number), number, number)] * 2


def test_runs_of_one_project_at_the_same_time(tmp_path):
    found = project(tmp_path, TALKING.format(name="p", number=5))

    def one(number):
        return in_threads(projects.open_project(found.flow), 3, force=bool(number % 2)).raise_for_status()

    with futures.ThreadPoolExecutor(5) as pool:
        runs = list(pool.map(one, range(10)))
    assert {run["told"] for run in runs} == {("p", 4, 5)}
    assert len({run.id for run in runs}) == 10
    assert any(run.published for run in runs)
    for run in runs:
        assert run.metrics["mine"].last == 5


def test_logging_is_as_before_when_runs_overlap(tmp_path):
    import logging

    root = logging.getLogger()
    before = root.level, list(root.handlers)
    text = """
    import logging, time
    def slow(seconds: float = {seconds}):
        for _ in range(5):
            logging.getLogger("mine").info("{name}")
            time.sleep(seconds)
        return 1
    pipeline = Pipeline([slow])
    """
    opened = [project(tmp_path / name, text.format(name=name, seconds=s)) for name, s in [("a", 0.05), ("b", 0.1)]]
    with futures.ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(in_threads, opened))
    assert (root.level, list(root.handlers)) == before
    for found, run, name in zip(opened, runs, "ab", strict=True):
        lines = (found.home / f"runs/{run.id}/log.jsonl").read_text().splitlines()
        assert [line.split('"message": ')[1][:-1] for line in lines if '"logger": "mine"' in line] == [f'"{name}"'] * 5


def test_objects_that_many_threads_put_read_and_flush_are_never_missed(tmp_path):
    values = [bytes([n]) * size for n in range(6) for size in (1, 900, 70_000)]
    store = objects.Objects(tmp_path / "objects")

    def busy(seed):
        order = random.Random(seed)
        for _ in range(400):
            value = order.choice(values)
            digest = store.put(value)
            assert store.check(digest) == "ok"
            assert bytes(store.map(digest)) == value and store.size(digest) == len(value)
            if order.random() < 0.3:
                store.flush()

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with store, futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(busy, range(8)))
    finally:
        sys.setswitchinterval(before)


# --- threads that an interrupt leaves behind


LEFT = """
import threading, time
going, done, told = threading.Event(), threading.Event(), []

def left():
    going.set()
    done.wait(30)
    for what in (lambda: tane.log_metric("late", 1), lambda: None):
        try:
            what()
        except BaseException as error:
            told.append(error)
    return b"x" * 200_000

def quick():
    return 1

pipeline = Pipeline([left, quick])
"""


def test_a_thread_left_behind_writes_nothing_more(tmp_path):
    found = project(tmp_path, LEFT)
    module = sys.modules[found.flow.stem] if found.pipelines() else None

    def interrupt():
        module.going.wait(30)
        time.sleep(0.2)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    threading.Thread(target=interrupt).start()
    run = in_threads(found, 2)
    assert run.status is RunStatus.INTERRUPTED
    before = sorted(path for path in found.store.rglob("*") if path.is_file())
    module.done.set()
    for thread in threading.enumerate():
        if thread.name.startswith("tane-") and thread.name[5:].isdigit():
            thread.join(30)
    assert [type(error) for error in module.told] == [errors.LedgerError]
    assert sorted(path for path in found.store.rglob("*") if path.is_file()) == before
    again = in_threads(found, 2)
    assert again.status is RunStatus.SUCCEEDED
    assert "late" in again.metrics and "late" not in run.metrics


BUSY = """
import pathlib, time
import numpy as np
import pandas as pd

def busy(number):
    folder = pathlib.Path(__file__).parent / "marks"
    folder.mkdir(exist_ok=True)
    (folder / str(number)).touch()
    frame = pd.DataFrame({"a": np.random.default_rng(number).random(100_000)})
    while not (folder / "go").exists():
        frame = frame.sort_values("a").sample(frac=1.0)
        tane.log_metric("rounds", 1)
    return number

pipeline = Pipeline([node(busy, "params:numbers", "busy", over="params:numbers")])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_threads_at_work_do_not_crash_an_interrupted_command(tmp_path, number):
    (tmp_path / "conf/base").mkdir(parents=True)
    (tmp_path / "conf/base/parameters.yml").write_text("numbers: [1, 2, 3, 4]")
    found = project(tmp_path, BUSY, "busy")
    command = [sys.executable, "-m", "tane", "run", str(found.flow), "-j", "4", "--executor", "threads"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for _ in range(3000):
        if len(list((tmp_path / "marks").glob("*"))) == 4:
            break
        time.sleep(0.01)
    running.send_signal(number)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130, out + err
    assert "interrupted" in err and "Traceback" not in err and "Fatal" not in err
    (tmp_path / "marks/go").touch()
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr


def test_failed_steps_are_watched_no_longer(tmp_path):
    found = project(tmp_path, "def fails(): raise ValueError('no')\npipeline = Pipeline([fails])\n")
    assert in_threads(found, 2).status is RunStatus.FAILED
    assert not resource_use._watches


# --- whose metric it is


def test_a_metric_from_a_thread_that_the_node_starts_is_the_nodes(tmp_path):
    found = project(
        tmp_path,
        """
        import threading
        from concurrent.futures import ThreadPoolExecutor
        def started():
            thread = threading.Thread(target=tane.log_metric, args=("started", 1))
            thread.start()
            thread.join()
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(lambda n: tane.log_metric("pooled", n), range(10)))
            return 1
        def other():
            tane.log_metric("other", 1)
            return 2
        pipeline = Pipeline([started, other])
        """,
    )
    for options in ({"jobs": 1}, {"jobs": 4, "executor": "threads"}):
        run = running.run(found, force=True, **options).raise_for_status()
        own = {"started", "pooled"} if options["jobs"] == 1 else set()  # of several at once the run is known
        assert run.metrics["other"].count == 1
        assert run.metrics["started"].count == 1
        assert run.metrics["pooled"].count == 10
        ledger = connection.open_ledger(found.ledger)
        try:
            assert {metric.name for metric in read.metrics(ledger, run.id, node="started")} >= own
        finally:
            ledger.close()


def test_runs_in_memory_in_several_threads_keep_their_metrics_apart():
    def one(number):
        def made():
            for _ in range(50):
                tane.log_metric("made", number)
            return number

        return tane.run([made])

    with futures.ThreadPoolExecutor(8) as pool:
        for number, run in enumerate(pool.map(one, range(32))):
            assert (run["made"], run.metrics["made"].min, run.metrics["made"].max) == (number, number, number)
            assert run.metrics["made"].count == 50
