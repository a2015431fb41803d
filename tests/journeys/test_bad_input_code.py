"""The user's code fails: their frames first, exit code 1, on record as failed; the next run goes on from there."""

import os
import time

import pytest
from builders import MADE, refused

NODES, REGISTRY, CONF = "src/shop/nodes.py", "src/shop/pipeline_registry.py", "conf/base/catalog.yml"
FIT = 'return {"weight": sum(cleaned) * rate}'
CLEAN = "return [value for value in orders if value > 0]"
RESUME = "mend it and run again: what succeeded is kept"
JOBS = pytest.mark.parametrize("jobs", ["1", "2"])


def put(shop, line, body, top=""):
    """Let a function do `body` instead of its `line`; what is given back undoes it."""
    path = shop.root / NODES
    mend = shop.edit(NODES, line, body.strip().replace("\n", "\n    "))
    if top:
        path.write_text(f"{top}\n\n{path.read_text()}")
    return mend


def goes_on(shop, mend):
    """The failure is on record and left nothing behind; mended, only the rest runs."""
    assert shop.runs()[0].status == "failed"
    assert shop.steps() == {"clean": "succeeded", "fit": "failed", "report": "skipped"}
    assert shop.files().isdisjoint(MADE)
    assert shop.leftovers() == []
    mend()
    shop.recovers()
    assert shop.steps()["clean"] == "reused"


# --- code that does not import ----------------------------------------------------------------------------------------

IMPORTS = {
    "a module nobody has": (
        "import pandsa",
        ("import pandsa", "ModuleNotFoundError", "install the package of 'pandsa'"),
    ),
    "a module beside it, misspelt": ("from .node import x", ("ModuleNotFoundError", "did you mean 'nodes'?")),
    "a name nobody has": ("from math import squareroot", ("ImportError: cannot import name 'squareroot'", "misspelt")),
    "a line that raises": ("1 / 0", ("ZeroDivisionError: division by zero", "mend the line named above")),
    "a line that is not Python": ("def x(:", ("SyntaxError", "def x(:", "mend the line 'def x(:'")),
    "a line that ends the process": ("raise SystemExit(0)", ("SystemExit", "importing must not end the process")),
}


@pytest.mark.parametrize("mistake", IMPORTS)
def test_a_module_that_does_not_import_shows_the_users_line(shop, mistake):
    line, fragments = IMPORTS[mistake]
    mend = shop.edit(NODES, "\ndef clean", f"{line}\ndef clean")
    ended = shop.tane("run")
    refused(ended, 1, "src/shop/nodes.py:1: ", "shop.pipeline_registry does not import", *fragments)
    assert ended.err.index('src/shop/nodes.py", line 1') < ended.err.index("error: ")
    assert "importlib" not in ended.err
    shop.nothing_happened()
    mend()
    shop.recovers()


def test_a_registry_that_raises_shows_the_users_line(shop):
    shop.edit(REGISTRY, "    training =", "    raise LookupError('no such thing')\n    training =")
    refused(shop.tane("run"), 1, "pipeline_registry.py:8", "register_pipelines() failed: LookupError: no such thing")
    shop.nothing_happened()


# --- nodes that fail --------------------------------------------------------------------------------------------------


@JOBS
def test_a_node_that_raises_shows_the_users_frames_first(shop, jobs):
    mend = put(shop, FIT, "return deeper(cleaned)", "def deeper(values):\n    return values[99]")
    ended = shop.tane("run", "-j", jobs)
    refused(ended, 1, "node 'fit' failed: IndexError: list index out of range", "src/shop/nodes.py:2: ", RESUME)
    assert ended.err.startswith("Traceback (most recent call last):\n  File ")
    assert ended.err.count("  File ") == 2
    assert "return values[99]" in ended.err
    assert "FAILED   fit" in ended.out
    goes_on(shop, mend)


def test_a_failed_run_is_shown_with_its_error_afterwards(shop):
    put(shop, FIT, "return cleaned[99]")
    shop.tane("run")
    for verb in (["show", shop.runs()[0].run], ["log"], ["status"]):
        ended = shop.tane(*verb)
        assert ended.code == 0, ended
        assert "node 'fit' failed: IndexError: list index out of range" in ended.out, ended
    assert "failed" in shop.tane("runs").out


def test_a_failed_step_is_on_record_with_the_time_it_took(shop):
    put(shop, FIT, "import time\ntime.sleep(0.05)\nreturn cleaned[99]")
    shop.tane("run")
    failed = shop.step_records()["fit"]
    assert failed.ended - failed.started >= 0.05


ENDS = {
    "an exit": ("import sys; sys.exit(0)", "SystemExit: 0"),
    "a cancelled task": ("import asyncio; raise asyncio.CancelledError('late')", "CancelledError: late"),
    "endless recursion": ("again = lambda: again()\nagain()", "RecursionError"),
    "a message that raises": ("raise Odd()", "Odd: (its message cannot be shown: ValueError)"),
    "an exception that does not pickle": ("raise Two(1, 2)", "Two: 1"),
    "no memory": ("return [0] * (1 << 62)", "MemoryError"),
}
ODD = """
class Odd(Exception):
    def __str__(self):
        raise ValueError("no message")


class Two(Exception):
    def __init__(self, first, second):
        super().__init__(first)
"""


@JOBS
@pytest.mark.parametrize("how", ENDS)
def test_a_node_ends_alone_however_it_ends(shop, how, jobs):
    body, line = ENDS[how]
    mend = put(shop, FIT, body, ODD)
    ended = shop.tane("run", "-j", jobs)
    refused(ended, 1, f"node 'fit' failed: {line}", "src/shop/nodes.py", RESUME)
    assert "3 steps: 1 succeeded, 1 failed, 1 skipped" in ended.out
    goes_on(shop, mend)


def test_a_node_that_ends_its_worker_process_ends_alone(shop):
    mend = put(shop, FIT, "import os; os._exit(7)")
    refused(shop.tane("run", "-j", "2"), 1, "worker process died (exit code 7)", "fit")
    goes_on(shop, mend)


# --- what a node gives back -------------------------------------------------------------------------------------------

TWO = ('"params:model.rate"], "model"', '"params:model.rate"], ["model", "spare"]')
KEYS = ('"params:model.rate"], "model"', '"params:model.rate"], {"model": "model", "spare": "spare"}')
RETURNS = {
    "nothing": ("", "", "pass", ("returned None for output 'model'", "outputs=None")),
    "too few": (*TWO, "return ({},)", ("returned 1 values for 2 outputs: model, spare", "one value for each output")),
    "too many": (*TWO, "return {}, {}, {}", ("returned 3 values for 2 outputs: model, spare", "one value for each")),
    "one for two": (*TWO, "return 7", ("returned one int, not the 2 outputs model, spare", "a tuple or list")),
    "one of two is None": (*TWO, "return {}, None", ("returned None for output 'spare'", "on every path")),
    "a dict without a key": (*KEYS, "return {'model': {}}", ("a dict without 'spare'", "it has the keys 'model'")),
    "no dict": (*KEYS, "return 7", ("returned one int, not a dict with model, spare", "a dict with the keys")),
}


@pytest.mark.parametrize("what", RETURNS)
def test_what_a_node_returns_must_fit_its_outputs(shop, what):
    old, new, body, fragments = RETURNS[what]
    wire = shop.edit(REGISTRY, old, new) if old else lambda: None
    mend = put(shop, FIT, body)
    refused(shop.tane("run"), 1, "node 'fit'", *fragments)
    wire()
    goes_on(shop, mend)


KEEPING = {
    "a lock": ("import threading; return threading.Lock()", "it is a _thread.lock"),
    "a generator": ("return (value for value in orders)", "it is a builtins.generator"),
    "an open file": ("return open('pyproject.toml')", "TextIOWrapper"),
    "a list nested too deeply": ("x = []\nfor _ in range(100_000):\n    x = [x]\nreturn x", "nested too deeply"),
    "an object that will not be pickled": ("return Shy()", "shop.nodes.Shy (keep out)"),
}
SHY = """
class Shy:
    def __reduce__(self):
        raise RuntimeError("keep out")
"""


@JOBS
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("what", KEEPING)
def test_a_value_that_cannot_be_kept_is_named(shop, what, jobs):
    body, fragment = KEEPING[what]
    mend = put(shop, CLEAN, body, SHY)
    refused(
        shop.tane("run", "-j", jobs), 1, "output 'cleaned' of node 'clean' cannot be kept", fragment, "MemoryDataset"
    )
    assert shop.steps() == {"clean": "failed", "fit": "skipped", "report": "skipped"}
    mend()
    shop.recovers()


def test_the_way_offered_for_a_value_that_cannot_be_kept_works(shop):
    put(shop, CLEAN, "return Shy([value for value in orders if value > 0])", SHY.replace("Shy:", "Shy(list):"))
    shop.edit(CONF, "\nmodel:", "\ncleaned:\n  type: MemoryDataset\n\nmodel:")
    shop.recovers()


@JOBS
def test_a_value_in_memory_that_cannot_travel_is_told_as_such(shop, jobs):
    put(shop, CLEAN, "return Shy([value for value in orders if value > 0])", SHY.replace("Shy:", "Shy(list):"))
    shop.edit(CONF, "\nmodel:", "\ncleaned:\n  type: MemoryDataset\n\nmodel:")
    ended = shop.tane("run", "-j", jobs)
    if jobs == "1":
        assert ended.code == 0
    else:
        refused(ended, 1, "node 'clean': what it gave cannot be sent back", "keep out", "-j 1")


@pytest.mark.parametrize("body", ["return {1, 2}", "return {'x': object()}"])
def test_a_value_that_does_not_fit_its_file_is_named_with_node_and_file(shop, body):
    mend = put(shop, FIT, body)
    refused(shop.tane("run"), 1, "data/06_models/model.json", "node 'fit'", "dataset 'model'", "not plain JSON")
    goes_on(shop, mend)


def test_a_value_that_cannot_be_read_back_is_named(shop):
    mend = put(shop, CLEAN, "return Two(1, 2)", ODD)
    refused(shop.tane("run"), 1, "dataset 'cleaned'", "could not be read again", "return plain data")
    mend()
    shop.recovers()


# --- what a node does to its surroundings -----------------------------------------------------------------------------


def test_an_edit_of_the_same_size_in_the_same_second_is_run_and_not_the_old_code(shop, monkeypatch):
    """Python by itself would take its compiled module for current, and the old result would stand under the new key."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    soon = time.time() + 60  # a second that lasts long enough for two runs
    os.utime(shop.root / NODES, (soon, soon))
    assert shop.spawn("run").code == 0
    shop.edit(NODES, "* rate", "+ rate")
    os.utime(shop.root / NODES, (soon, soon))
    assert shop.spawn("run").code == 0
    assert shop.json(MADE[0]) == {"weight": 6.5}


def test_a_node_that_changes_the_working_directory_harms_nothing(shop, tmp_path):
    put(shop, CLEAN, f"import os\nos.chdir({str(tmp_path)!r})\n{CLEAN}")
    shop.recovers()
    assert [path.name for path in tmp_path.iterdir()] == ["shop"]


def test_a_log_line_that_does_not_fit_its_arguments_harms_nothing(shop, capsys):
    put(shop, CLEAN, f"import logging\nlogging.getLogger('shop').warning('%d rows', 'many')\n{CLEAN}")
    assert shop.spawn("run").code == 0


def test_a_mistake_is_in_the_json_of_the_run_too(shop):
    import json

    put(shop, FIT, "return cleaned[99]")
    ended = shop.tane("run", "--json")
    refused(ended, 1, "IndexError")
    told = json.loads(ended.out)
    assert told["status"] == "failed"
    assert "node 'fit' failed: IndexError" in told["error"]


def test_with_keep_going_the_failure_still_ends_with_1(shop):
    mend = put(shop, FIT, "return cleaned[99]")
    refused(shop.tane("run", "--keep-going"), 1, "node 'fit' failed")
    goes_on(shop, mend)
