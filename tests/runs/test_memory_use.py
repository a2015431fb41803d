"""What runs hold in memory: values until their last consumer is done, kept ones as maps of their files.

Each measurement is made in a process of its own, by the system's figures: the greatest and the present resident size,
and how much of that is anonymous, so not the page cache of a file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tane.project import projects
from tane.runs import resource_use, running

MB = 1 << 20

PRELUDE = f"""
import gc, json, os, sys
import numpy as np, pandas as pd
from pathlib import Path
from tane.project import projects
from tane.runs import running

MB = {MB}


def size(what):
    for line in open("/proc/self/status"):
        if line.startswith(what + ":"):
            return int(line.split()[1]) / 1024
    raise KeyError(what)


def folder(name, text, options=""):
    root = Path.cwd() / name
    (root / "conf/base").mkdir(parents=True)
    (root / "conf/base/run.yml").write_text(options)
    (root / f"{{name}}.py").write_text(text)
    return projects.open_project(root / f"{{name}}.py")


WARM = '''
import numpy as np, pandas as pd
from tane import Pipeline, node

def one():
    return pd.DataFrame(np.zeros((100_000, 2)))

def two(frame):
    return frame + 1

pipeline = Pipeline([node(one, None, "a"), node(two, "a", "b", name="t1"), node(two, "b", "c", name="t2")])
'''


def warm(options, **how):
    "All modules are in, and the allocator has what it always has."
    running.run(folder("warm", WARM, options), **how).raise_for_status()
    gc.collect()
    return size("VmRSS")
"""

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not say")


def measured(folder: Path, code: str) -> Any:
    """What `code` prints, as JSON, when it runs in a process of its own."""
    script = folder / "measure.py"
    script.write_text(PRELUDE + code)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


CHAIN = """
FLOW = '''
import numpy as np, pandas as pd
from tane import Pipeline, node

def first():
    return pd.DataFrame(np.zeros((ROWS, 4)), columns=list("abcd"))

def other(frame):
    return frame + 1

def changed(frame):
    frame["a"] += 1
    return frame

pipeline = Pipeline([node(first, None, "d0")] + [
    node(changed if i % 2 else other, f"d{i}", f"d{i + 1}", name=f"n{i}") for i in range(STEPS)])
'''.replace("ROWS", str(FRAME * MB // 32)).replace("STEPS", str(STEPS))
base = warm(OPTIONS, executor=EXECUTOR, jobs=JOBS)
run = running.run(folder("chain", FLOW, OPTIONS), executor=EXECUTOR, jobs=JOBS).raise_for_status()
print(json.dumps([size("VmHWM") - base, size("VmRSS") - base, max(step.peak_memory for step in run.steps) / MB]))
"""


def chain(folder: Path, *, steps: int, frame: int, executor: str, keep: str) -> list[float]:
    settings = f"STEPS, FRAME, EXECUTOR, JOBS = {steps}, {frame}, {executor!r}, {1 if executor == 'serial' else 2}\n"
    return [each / frame for each in measured(folder, f"{settings}OPTIONS = 'keep: {keep}'\n{CHAIN}")]


def test_a_chain_of_frames_that_are_not_kept_holds_fewer_than_four(tmp_path):
    peak, _, _ = chain(tmp_path, steps=60, frame=20, executor="serial", keep="none")
    assert peak < 4


@pytest.mark.stress
@pytest.mark.parametrize("executor", ["serial", "threads", "processes"])
def test_a_chain_of_300_frames_that_are_not_kept_holds_fewer_than_four(tmp_path, executor):
    peak, _, _ = chain(tmp_path, steps=300, frame=20, executor=executor, keep="none")
    assert peak < (4.5 if executor == "threads" else 4), "threads have pools of memory of their own"


@pytest.mark.parametrize(
    "executor", ["processes", *(pytest.param(e, marks=pytest.mark.stress) for e in ("serial", "threads"))]
)
def test_a_chain_of_frames_that_are_kept_holds_what_one_step_does(tmp_path, executor):
    peak, left, _ = chain(tmp_path, steps=12, frame=20, executor=executor, keep="all")
    assert peak < (1 if executor == "processes" else 4)
    assert left < 2.5, "what the allocator has not given back"


@pytest.mark.stress
def test_wide_graphs_let_go_of_a_value_when_its_last_consumer_is_done(tmp_path):
    held = measured(
        tmp_path,
        """
FLOW = '''
import numpy as np
from tane import Pipeline, node

def made():
    return np.ones(4 * 1024 * 1024)

def summed(a):
    return float(a.sum())

def all_of(*sums):
    return sum(sums)

pipeline = Pipeline([each for i in range(20) for each in (
    node(made, None, f"a{i}", name=f"made_{i}"), node(summed, f"a{i}", f"s{i}", name=f"sum_{i}"),
    node(summed, f"a{i}", f"t{i}", name=f"again_{i}"))] + [node(all_of, [f"s{i}" for i in range(20)], "end")])
'''
base = warm("keep: none")
run = running.run(folder("wide", FLOW, "keep: none"), executor="serial").raise_for_status()
print(json.dumps([(size("VmHWM") - base) / 32, (size("VmRSS") - base) / 32, run["end"]]))
""",
    )
    assert held[0] < 4 and held[1] < 1.5


@pytest.mark.stress
def test_a_fan_out_over_200_items_holds_few_of_them(tmp_path):
    peak, gathered, touched, left = measured(
        tmp_path,
        """
FLOW = '''
import numpy as np
from tane import Pipeline, node

def size(what):
    for line in open("/proc/self/status"):
        if line.startswith(what + ":"):
            return int(line.split()[1]) / 1024

def made(number):
    return np.full(5 * 1024 * 1024 // 8, float(number))

def some(items):
    at = size("RssAnon")
    return [len(items), float(items[7][0]), size("RssAnon") - at]

def before():
    return size("VmHWM")

pipeline = Pipeline([node(made, "params:numbers", "items", over="params:numbers"), node(some, "items", "seen")])
'''
base = warm("keep: all")
(Path.cwd() / "fan/conf/base").mkdir(parents=True)
root = Path.cwd() / "fan"
(root / "conf/base/parameters.yml").write_text("numbers: " + json.dumps(list(range(200))))
(root / "fan.py").write_text(FLOW)
run = running.run(projects.open_project(root / "fan.py")).raise_for_status()
seen = run["seen"]
gc.collect()
print(json.dumps([(size("VmHWM") - base) / 5, seen[0], seen[2], (size("VmRSS") - base) / 5]))
""",
    )
    assert gathered == 200
    assert peak < 40, "five items' worth of memory and some for their rows, not two hundred"
    assert touched < 5 and left < 10


MAPPED = """
FLOW = '''
import numpy as np, pandas as pd, polars as pl, pyarrow as pa
from tane import Pipeline, node

def size(what):
    for line in open("/proc/self/status"):
        if line.startswith(what + ":"):
            return int(line.split()[1]) / 1024

COUNT = 25 * 1024 * 1024

def array():
    return np.arange(COUNT, dtype="f8")

def inside():
    return {"a": np.arange(COUNT, dtype="f8")}

def frame():
    return pl.DataFrame({"a": np.arange(COUNT, dtype="f8")})

def table():
    return pa.table({"a": np.arange(COUNT, dtype="f8")})

def start():
    return size("RssAnon")

'''
"""
LOOKS = {
    "array": "value[1000], None",
    "inside": "value['a'][1000], None",
    "frame": "value['a'][1000], None",
    "table": "value['a'][1000].as_py(), None",
    "array, changed": "value.__setitem__(slice(None), 7.0), value[5]",
}


QUICK = ("array", "array, changed")


@pytest.mark.parametrize(
    "kind", [each if each in QUICK else pytest.param(each, marks=pytest.mark.stress) for each in LOOKS]
)
def test_kept_arrays_and_frames_are_mapped_not_read(tmp_path, kind):
    name = kind.partition(",")[0]
    first, second, third, after = measured(
        tmp_path,
        MAPPED
        + f"""
FLOW += '''
def look(value):
    before = size("RssAnon"), size("VmRSS")
    found = {LOOKS[kind]}
    return size("RssAnon"), size("VmRSS"), found

pipeline = Pipeline([node({name}, None, "value"), node(look, "value", ["anonymous", "resident", "found"])])
'''
warm("keep: all")
project = folder("mapped", FLOW)
first = running.run(project).raise_for_status()
del first
gc.collect()
here = size("RssAnon")
again = running.run(projects.open_project(project.root / "mapped.py"), force=["look"]).raise_for_status()
value = again["value"]
value = value["a"] if {name!r} != "array" else value
cell = value[5]
cell = float(cell.as_py() if hasattr(cell, "as_py") else cell)
print(json.dumps([here, again["anonymous"], again["found"][0], cell]))
""",
    )
    if "changed" in kind:
        assert second - first > 150, "what is written to is copied"
    else:
        assert second - first < 20, "touching one cell reads a page, not 200 MB"
        assert third == 1000.0
    assert after == 5.0, "what is in the store stays as it was"


def test_a_failed_step_leaves_nothing_in_memory(tmp_path):
    found = measured(
        tmp_path,
        """
FLOW = '''
import numpy as np
from tane import Pipeline, node

def made():
    return np.ones(4 * 1024 * 1024)

def fails(a):
    more = a + 1
    def inner(value):
        raise ValueError("no")
    return inner(more)

pipeline = Pipeline([each for i in range(8) for each in (
    node(made, None, f"a{i}", name=f"made_{i}"), node(fails, f"a{i}", f"b{i}", name=f"fails_{i}"))])
'''
results = {}
warm("keep: all")
for executor in ("serial", "threads"):
    project = folder("failing_" + executor, FLOW)
    gc.collect()
    gc.disable()
    base = size("RssAnon")
    run = running.run(project, executor=executor, jobs=1, keep_going=True)
    results[executor] = [size("RssAnon") - base, str(run.status), run.error.traceback.count("inner(more)")]
    gc.enable()
    del run
print(json.dumps(results))
""",
    )
    for held, status, shown in found.values():
        assert held < 25, "what its frames held was 64 MB"
        assert status == "failed" and shown == 1


@pytest.mark.stress
def test_a_run_does_not_hold_what_the_store_has(tmp_path):
    left = measured(
        tmp_path,
        """
FLOW = '''
import numpy as np
from tane import Pipeline, node

def made():
    return np.ones(4 * 1024 * 1024)

pipeline = Pipeline([node(made, None, f"a{i}", name=f"made_{i}") for i in range(10)])
'''
base = warm("keep: all")
run = running.run(folder("held", FLOW)).raise_for_status()
for name in run:
    run[name].sum()
gc.collect()
print(json.dumps((size("VmRSS") - base) / 32))
""",
    )
    assert left < 2


# --- the figures on record

STEPS = """
import time
import numpy as np
from tane import Pipeline, node


def big():
    kept = np.ones(120 * 1024 * 1024 // 8)
    time.sleep(0.05)
    return float(kept.sum())


def small(big):
    time.sleep(0.06)
    return big + 1


def middle(small):
    time.sleep(0.03)
    kept = np.ones(60 * 1024 * 1024 // 8)
    time.sleep(0.05)
    return float(kept.sum())


def trivial(middle):
    return middle


def last(trivial):
    time.sleep(0.06)
    return 1


pipeline = Pipeline([big, small, middle, trivial, last])
"""


@pytest.mark.parametrize("executor", ["serial", "threads", "processes"])
def test_each_step_has_its_own_peak(tmp_path, executor):
    (tmp_path / f"peaks_{executor}.py").write_text(STEPS)
    project = projects.open_project(tmp_path / f"peaks_{executor}.py")
    run = running.run(project, executor=executor, jobs=1).raise_for_status()
    peak = {step.node: step.peak_memory / MB for step in run.steps}
    floor = peak["small"]
    assert 110 < peak["big"] - floor < 140
    assert 50 < peak["middle"] - floor < 80
    assert abs(peak["last"] - floor) < 10
    assert peak["trivial"] == 0, "too short to matter"
    shown = subprocess.run(
        [sys.executable, "-m", "tane", "show", run.id, "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    told = {step["node"]: step["peak_memory"] / MB for step in json.loads(shown.stdout)["steps"]}
    assert told == peak


def test_a_peak_within_one_tick_is_seen_when_it_is_the_greatest_so_far():
    with resource_use.watch() as use:
        kept = np.ones(resource_use.resident() // 8 + 50 * MB)
        size = kept.nbytes
        del kept
        _, peak = use.stop(1.0)
    assert peak > size


def test_watching_ends_and_begins_again(monkeypatch):
    monkeypatch.setattr(resource_use, "_TICK", 0.01)
    monkeypatch.setattr(resource_use, "_IDLE", 0.02)
    for _ in range(3):
        with resource_use.watch() as use:
            while not use.peak:
                time.sleep(0.001)
            use.stop(1.0)
        while resource_use._sampling:
            time.sleep(0.01)


# --- isolation by copies that cost no more than they must


def test_a_copy_of_a_large_frame_is_made_once_over(tmp_path):
    peak = measured(
        tmp_path,
        """
from tane.catalog import codecs
frame = pd.DataFrame(np.zeros((1_000_000, 4)), columns=list("abcd"))
frame["a"] = 1.0
codecs.copy(frame[:10])
base = size("VmRSS")
copied = codecs.copy(frame)
print(json.dumps((size("VmHWM") - base) / 32))
""",
    )
    assert peak < 1.4
