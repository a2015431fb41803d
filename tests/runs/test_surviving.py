"""What a run survives: kill -9, interrupts, failures, other runs at the same time."""

import json
import os
import signal
import subprocess
import time

import pytest

SLOW = """
import pathlib, time

from .helpers import scaled

MARK = pathlib.Path("marks")


def features(table, scale: float):
    return [scaled(row, scale) for row in table["x"]]


def fit(features, rate: float = 0.5):
    MARK.mkdir(exist_ok=True)
    (MARK / "fit").touch()
    while not (MARK / "go").exists():
        time.sleep(0.01)
    return {"weight": sum(features) * rate}


def score(model, features):
    return [model["weight"] * value for value in features]
"""


@pytest.fixture
def slow(box):
    """The project with a step `fit` that waits until a file called marks/go appears."""
    box.write("src/small/nodes.py", SLOW)
    return box


def wait_for(path):
    for _ in range(3000):
        if path.exists():
            return
        time.sleep(0.01)
    raise AssertionError(f"{path} did not appear")


def go(box):
    (box.root / "marks").mkdir(exist_ok=True)
    (box.root / "marks/go").touch()


def status(box, run="last"):
    from tane.ledger import connection, read

    ledger = connection.open_ledger(box.root / ".tane/ledger.db")
    try:
        return str(read.run(ledger, run).status)
    finally:
        ledger.close()


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_after_kill_9_the_next_run_goes_on_where_it_stopped(slow, jobs):
    running = slow.start("-j", jobs)
    wait_for(slow.root / "marks/fit")
    time.sleep(0.3)  # what was done is on record within a moment
    running.kill()
    running.communicate()
    assert status(slow) == "killed"
    go(slow)
    again = slow.run("-j", jobs)
    assert again.ran == ["fit", "score"]
    assert slow.read("data/06_models/model.json") == {"weight": 12.0}


def test_an_interrupt_leaves_a_clean_state_and_130(slow):
    running = slow.start()
    wait_for(slow.root / "marks/fit")
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "interrupted" in err and "Traceback" not in err
    assert status(slow) == "interrupted"
    go(slow)
    assert slow.run().ran == ["fit", "score"]


def test_sigterm_is_an_interrupt(slow):
    running = slow.start("-j", "2")
    wait_for(slow.root / "marks/fit")
    running.terminate()
    running.communicate(timeout=60)
    assert running.returncode == 130
    assert status(slow) == "interrupted"


def test_a_failed_run_keeps_what_succeeded(box):
    box.edit("src/small/nodes.py", "    return [model", "    raise ValueError(model)\n    return [model")
    failed = box.tane("run")
    assert failed.code == 1
    assert failed.err.index('nodes.py", line') < failed.err.index("error:")
    assert "node 'score' failed: ValueError: {'weight': 13.5}" in failed.err
    assert status(box) == "failed"
    assert 'nodes.py", line' in box.tane("show", "last", "--log").out, "the traceback can be read later"
    box.edit("src/small/nodes.py", "    raise ValueError(model)\n", "")
    assert box.run().ran == ["score"]


BRANCHES = """
from tane import Pipeline, node


def bad():
    raise ValueError("no")


def after_bad(bad):
    return bad


def good():
    return 1


def after_good(good):
    return good + 1


def register_pipelines():
    return {"__default__": Pipeline([bad, after_bad, good, after_good])}
"""


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_keep_going_does_all_that_does_not_need_the_failed_step(box, jobs):
    box.write("src/small/pipeline_registry.py", BRANCHES)
    ended = box.tane("run", "--keep-going", "--json", "-j", jobs)
    assert ended.code == 1
    found = {step["node"]: step["status"] for step in json.loads(ended.out)["steps"]}
    assert found == {"bad": "failed", "after_bad": "skipped", "good": "succeeded", "after_good": "succeeded"}


def test_without_it_the_run_stops_at_the_failure(box):
    box.write("src/small/pipeline_registry.py", BRANCHES)
    found = {s["node"]: s["status"] for s in json.loads(box.tane("run", "--json").out)["steps"]}
    assert found["bad"] == "failed"
    assert found["after_good"] == "skipped"


def test_only_one_of_two_runs_publishes(slow):
    first = slow.start("model.rate=0.25")
    wait_for(slow.root / "marks/fit")
    go(slow)
    hold = subprocess.Popen(
        ["flock", str(slow.root / ".tane/publishing.lock"), "sleep", "3600"], start_new_session=True
    )
    first.communicate(timeout=60)
    wait = 0
    while wait < 500 and not _is_locked(slow.root / ".tane/publishing.lock"):
        time.sleep(0.02)
        wait += 1
    second = slow.run("model.rate=2.0")
    os.killpg(hold.pid, signal.SIGKILL)
    hold.wait()
    assert second.json["published"] is False
    assert "another run is publishing" in second.json["notes"][0]
    assert slow.read("data/06_models/model.json") == {"weight": 6.0}
    assert slow.run("model.rate=2.0").ran == []
    assert slow.read("data/06_models/model.json") == {"weight": 48.0}


def _is_locked(path):
    import fcntl

    with open(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_runs_at_the_same_time_each_give_what_they_give_alone(box):
    rates = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    commands = [box.command("run", "--json", f"model.rate={rate}") for rate in rates]
    running = [subprocess.Popen(c, cwd=box.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for c in commands]
    found = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0] * len(rates), found
    together = [json.loads(out)["datasets"] for out, _ in found]
    alone = [box.run(f"model.rate={rate}").json["datasets"] for rate in rates]
    assert together == alone
    for rate in rates:
        assert box.run(f"model.rate={rate}").ran == []


MUTATING = """
from tane import Pipeline


def made():
    return {"items": [1, 2, 3]}


def first(made):
    made["items"].clear()
    return len(made["items"])


def second(made):
    made["items"].append(4)
    return list(made["items"])


def register_pipelines():
    return {"__default__": Pipeline([made, first, second])}
"""


@pytest.mark.parametrize("options", [(), ("-j", "2"), ("--force",)])
@pytest.mark.parametrize("keep", ["all", "none"])
def test_a_node_that_changes_its_argument_changes_it_for_nobody_else(box, options, keep):
    box.edit("pyproject.toml", "[tool.tane]", f'[tool.tane]\nkeep = "{keep}"')
    box.write("src/small/pipeline_registry.py", MUTATING)
    from tane.digest import values

    datasets = box.run(*options).json["datasets"]
    assert datasets["first"] == values.of(0).digest
    assert datasets["second"] == values.of([1, 2, 3, 4]).digest


def test_values_that_are_not_kept_are_made_again_when_they_are_needed(box):
    box.edit("pyproject.toml", "[tool.tane]", '[tool.tane]\nkeep = "none"')
    assert box.run().ran == ["features", "fit", "score"]
    assert box.run().ran == []
    changed = box.run("model.rate=0.25")
    assert changed.ran == ["features", "fit", "score"]
    assert changed.reasons["features"] == ["never kept: features is needed by fit"]


UNKEEPABLE = """
from tane import Pipeline, node


def lines():
    return (number for number in range(3))


def total(lines):
    return sum(lines)


def register_pipelines():
    return {"__default__": Pipeline([lines, total])}
"""


def test_a_value_that_cannot_be_kept_says_so_or_stays_in_memory_by_entry(box):
    box.write("src/small/pipeline_registry.py", UNKEEPABLE)
    refused = box.tane("run")
    assert refused.code == 1
    assert "output 'lines' of node 'lines' cannot be kept" in refused.err
    assert "MemoryDataset" in refused.err
    box.write("conf/base/catalog.yml", "lines:\n  type: MemoryDataset\n")
    assert box.run().ran == ["lines", "total"]
    assert box.run().ran == ["lines", "total"]


def test_a_node_without_cache_runs_every_time(box):
    box.edit("src/small/pipeline_registry.py", '"scores")])', '"scores", cache=False)])')
    box.run()
    assert box.run().reasons == {"score": ["never kept: cache=False"]}


MODEL = """
from tane import Pipeline


class Model:
    def __init__(self, weight):
        self.weight = weight

    def predict(self, x):
        return self.weight * x


def train():
    return Model(2)


def predict(train):
    return train.predict(21)


def register_pipelines():
    return {"__default__": Pipeline([train, predict])}
"""


def test_the_code_of_a_kept_objects_class_counts(box):
    box.write("src/small/pipeline_registry.py", MODEL)
    assert box.run().ran == ["train", "predict"]
    box.edit("src/small/pipeline_registry.py", "return self.weight * x", "return self.weight * x + 1")
    changed = box.run()
    assert "predict" in changed.ran
    from tane.digest import values

    assert changed.json["datasets"]["predict"] == values.of(43).digest


LOGGING = """
import logging

from tane import Pipeline

log = logging.getLogger("my.code")


def talkative():
    log.info("I have %d things to say", 2)
    log.debug("not this")
    return 1


def register_pipelines():
    return {"__default__": Pipeline([talkative])}
"""


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_what_nodes_log_is_in_the_runs_log_with_run_and_node(box, jobs):
    box.write("src/small/pipeline_registry.py", LOGGING)
    box.edit("pyproject.toml", "[tool.tane]", "[tool.tane]\n")
    run = box.run("-j", jobs).json["id"]
    lines = [json.loads(line) for line in (box.root / f".tane/runs/{run}/log.jsonl").read_text().splitlines()]
    assert all(line["run"] == run for line in lines)
    [said] = [line for line in lines if line["event"] == "log"]
    assert (said["node"], said["logger"], said["level"]) == ("talkative", "my.code", "info")
    assert said["message"] == "I have 2 things to say"
    assert [line["event"] for line in lines if line["event"] != "log"] == [
        "run started",
        "step started",
        "step ended",
        "run ended",
    ]


DEAF = """
import pathlib, time

from tane import Pipeline


def deaf():
    try:
        pathlib.Path("marks").mkdir(exist_ok=True)
        pathlib.Path("marks/fit").touch()
        time.sleep(3600)
    except KeyboardInterrupt:
        pass  # as the interpreter itself does in callbacks
    time.sleep(3600)


def register_pipelines():
    return {"__default__": Pipeline([deaf])}
"""


def test_an_interrupt_that_was_swallowed_comes_again(box):
    box.write("src/small/pipeline_registry.py", DEAF)
    running = box.start()
    wait_for(box.root / "marks/fit")
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode == 130
    assert status(box) == "interrupted"
