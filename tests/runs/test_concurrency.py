"""Runs of one project at the same time, by the command: each gives what it gives alone, and nothing is lost."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import signal
import time

import at_once
import pytest

import effort
from tane.ledger import read
from tane.outcomes import RunStatus, StepStatus

NODES = """
import time

import tane


def features(table, scale: float):
    return [value * scale + at for at, value in enumerate(table["x"])]


def fit(features, rate: float, fail: bool, pause: float):
    for step, value in enumerate(features):
        tane.log_metric("loss", value * rate, step=step)
    tane.log_params({"fitted": rate})
    time.sleep(pause)
    if fail:
        raise ValueError(f"no model with {rate}")
    return {"weight": sum(features) * rate, "rate": rate}


def score(model, features):
    return {"rate": model["rate"], "scores": [model["weight"] * value for value in features] * 200}


def report(scores, features):
    return {"rate": scores["rate"], "best": max(scores["scores"]), "count": len(features)}


def big(features, rate: float):
    return b"%f" % rate * 40_000
"""

REGISTRY = """
from tane import Pipeline, node

from .nodes import big, features, fit, report, score


def register_pipelines():
    return {"__default__": Pipeline([
        node(features, ["table", "params:scale"], "features"),
        node(fit, ["features", "params:rate", "params:fail", "params:pause"], "model"),
        node(score, ["model", "features"], "scores"),
        node(report, ["scores", "features"], "report"),
        node(big, ["features", "params:rate"], "big"),
    ])}
"""

CATALOG = """
table:
  type: json.JSONDataset
  filepath: data/table.json
model:
  type: json.JSONDataset
  filepath: data/model.json
scores:
  type: json.JSONDataset
  filepath: data/scores.json
report:
  type: json.JSONDataset
  filepath: data/report.json
"""

PARAMETERS = "{scale: 2.0, rate: 0.5, fail: false, pause: 0.0}\n"
TABLE = {"x": [1, 2, 3, 5, 8, 13]}
NODE_NAMES = ["features", "fit", "score", "report", "big"]
PLACED = ["model", "scores", "report"]
MANY = 8


def alone(rate: float) -> dict[str, object]:
    """What plain Python makes."""
    features = [value * 2.0 + at for at, value in enumerate(TABLE["x"])]
    model = {"weight": sum(features) * rate, "rate": rate}
    scores = {"rate": rate, "scores": [model["weight"] * value for value in features] * 200}
    report = {"rate": rate, "best": max(scores["scores"]), "count": len(features)}
    big = b"%f" % rate * 40_000
    return {"features": features, "model": model, "scores": scores, "report": report, "big": big}


@pytest.fixture
def shop(box):
    box.write("src/small/nodes.py", NODES)
    box.write("src/small/pipeline_registry.py", REGISTRY)
    box.write("conf/base/catalog.yml", CATALOG)
    box.write("conf/base/parameters.yml", PARAMETERS)
    box.write("data/table.json", json.dumps(TABLE))
    return box


def cold(shop) -> None:
    """Nothing has run here yet."""
    shutil.rmtree(shop.root / ".tane", ignore_errors=True)
    (shop.root / "tane.lock").unlink(missing_ok=True)


def rate(at: int) -> float:
    return (at + 1) / 16


def command(at: int, *more: str) -> list[str]:
    return ["run", "--json", f"rate={rate(at)}", *more]


def check_whole(kept: at_once.Kept, run: str, wanted: float) -> None:
    """That a run which succeeded left all that it leaves alone, and nothing twice."""
    ledger = kept.ledger
    assert kept.values(run) == alone(wanted)
    record = read.run(ledger, run)
    assert record.status is RunStatus.SUCCEEDED
    assert record.params["rate"] == wanted
    steps = read.steps(ledger, run)
    assert sorted(step.node for step in steps) == sorted(NODE_NAMES)
    assert all(step.status in (StepStatus.SUCCEEDED, StepStatus.REUSED) for step in steps)
    features = alone(wanted)["features"]
    assert [(p.step, p.value) for p in read.series(ledger, run, "loss")] == [
        (at, value * wanted) for at, value in enumerate(features)
    ]
    (fit,) = [step for step in steps if step.node == "fit"]
    if fit.status is StepStatus.SUCCEEDED:
        assert read.params(ledger, run) == {"fitted": wanted}
    assert [kept.name for kept in read.sources(ledger, run)] == ["table"]


def in_turn(published) -> None:
    """That no two that publish were at work at the same time."""
    ordered = sorted(published, key=lambda run: run.started)
    assert all(one.ended <= other.started for one, other in itertools.pairwise(ordered))


def placed_rates(shop) -> set[float]:
    """Whose results lie in the workspace; each file is whole."""
    found = set()
    for name in PLACED:
        path = shop.root / f"data/{name}.json"
        if path.exists():
            content = json.loads(path.read_text())
            assert content == alone(content["rate"])[name]
            found.add(content["rate"])
    assert [path.name for path in (shop.root / "data").iterdir() if path.name.startswith(".")] == []
    return found


def check_lock(shop, kept: at_once.Kept, *, settled: bool) -> None:
    """tane.lock names what exists and, where no run was cut off, what lies there."""
    for name, block in kept.lock().items():
        if settled:
            assert kept.lies(block["path"]) == block["digest"], name


LOOKS = (["status"], ["runs", "--json"], ["show", "last", "--json"], ["plan"])


def test_eight_at_once_each_give_what_they_give_alone(shop, tmp_path):
    """From a cold start, with pools of workers and --force among them, while others look; then while one collects."""
    for round_ in range(effort.times(2)):
        warm = bool(round_ % 2)
        if not warm:
            cold(shop)
        drawn = random.Random(round_)
        rates = [rate(8 * (round_ % 5) + drawn.choice((at, at, 0))) for at in range(MANY)]  # some ask for the same
        more = [["-j", "2"], ["--force"], ["-j", "3", "--force"], *[[]] * 5]
        commands = [["run", "--json", f"rate={rates[at]}", *more[at]] for at in range(MANY)]
        with at_once.Watcher(shop.root, *(LOOKS if not warm else [["runs"]])) as watcher:
            found = at_once.at_once(tmp_path, shop.root, [*commands, *([["data", "gc", "--yes"]] if warm else [])])
        assert watcher.faults == []
        assert [code for code, _, _ in found] == [0] * len(found), found
        runs = [json.loads(out) for _, out, _ in found[:MANY]]
        with at_once.Kept(shop.root) as kept:
            for run, wanted in zip(runs, rates, strict=True):
                check_whole(kept, run["id"], wanted)
                said = any("another run is publishing" in note for note in run["notes"])
                assert said is not run["published"], "who does not publish says so"
                for step in run["steps"]:
                    assert bool(step["reasons"]) is (step["status"] == "succeeded"), "nothing runs without a reason"
            assert len({run["id"] for run in runs}) == MANY
            in_turn([read.run(kept.ledger, run["id"]) for run in runs if run["published"]])
            kept.sound()
            check_lock(shop, kept, settled=True)
        publishers = {run["params"]["rate"] for run in runs if run["published"]}
        assert publishers and len(placed_rates(shop)) == 1 and placed_rates(shop) <= publishers
        assert shop.tane("show", runs[0]["id"], "--json").json["status"] == "succeeded"
    assert shop.run(f"rate={rates[0]}").ran == []


def test_killed_and_failing_runs_among_others_take_nothing_with_them(shop, tmp_path):
    for round_ in range(effort.times(1)):
        drawn = random.Random(100 + round_)
        if round_ % 2 == 0:
            cold(shop)
        base = 40 + 8 * round_
        failing, killed = {1, 4}, {0, 3, 6}
        with at_once.crew(tmp_path) as crew:
            running = [
                crew.start(
                    shop.root,
                    *command(
                        base + at,
                        *(["fail=true"] if at in failing else []),
                        *(["pause=0.3"] if at in killed else []),
                        *(["-j", "2"] if at in (2, 3, 4) else []),
                    ),
                )
                for at in range(MANY)
            ]
            crew.go()
            for at in killed:
                time.sleep(drawn.uniform(0.0, 0.25))
                os.kill(running[at].pid, signal.SIGKILL)
            ends = [at_once.ended(process) for process in running]
        for at, (code, _, err) in enumerate(ends):
            if at not in killed:
                assert code == (1 if at in failing else 0), err
        with at_once.Kept(shop.root) as kept:
            kept.sound()
            by_rate = {run.params["rate"]: run for run in read.runs(kept.ledger)}
            for at in range(MANY):
                run = by_rate.get(rate(base + at))
                if at in killed:
                    for name, value in (kept.values(run.run) if run else {}).items():
                        assert value == alone(rate(base + at))[name]
                    assert run is None or run.status in (RunStatus.KILLED, RunStatus.SUCCEEDED)
                elif at in failing:
                    assert run.status is RunStatus.FAILED
                    states = {step.node: step.status for step in read.steps(kept.ledger, run.run)}
                    assert states["fit"] is StepStatus.FAILED and states["score"] is StepStatus.SKIPPED
                    assert len(read.series(kept.ledger, run.run, "loss")) == len(TABLE["x"])
                else:
                    check_whole(kept, run.run, rate(base + at))
            check_lock(shop, kept, settled=False)
        placed_rates(shop)
        again = json.loads(shop.run(f"rate={rate(base)}").out)
        assert again["published"] and placed_rates(shop) == {rate(base)}
        with at_once.Kept(shop.root) as kept:
            check_whole(kept, again["id"], rate(base))
            check_lock(shop, kept, settled=True)


LINGERING = """    time.sleep(pause)
    import os
    if pause and os.fork() == 0:
        open("forked", "w").close()
        while not os.path.exists("stop"):
            time.sleep(0.01)
        os._exit(0)
"""


@pytest.mark.parametrize("kill", [False, True][: effort.times(1)])
def test_what_a_node_has_forked_does_not_keep_the_right_to_publish(shop, kill):
    shop.write("src/small/nodes.py", NODES.replace("    time.sleep(pause)\n", LINGERING + "    time.sleep(pause)\n"))
    first = shop.start("rate=0.5", "pause=0.2")
    try:
        if kill:
            at_once.wait_until((shop.root / "forked").exists)
            first.kill()
        assert first.wait(timeout=60) == (-signal.SIGKILL if kill else 0)
        assert shop.run("rate=0.25").json["published"]
    finally:
        (shop.root / "stop").touch()
        first.communicate(timeout=60)


# --- two machines, one ledger -----------------------------------------------------------------------------------------

HOSTS = ("north", "south")
TWO = min(effort.times(2), 4)


@pytest.fixture
def machines(shop, tmp_path):
    """Two copies of the project on two machines, as far as their processes can tell, with one ledger."""

    def made(*, one_store: bool):
        store = 'store = "../shared/objects"\n' if one_store else ""
        shop.edit("pyproject.toml", "[tool.tane]\n", f'[tool.tane]\nledger = "../shared/ledger.db"\n{store}')
        roots = [tmp_path / host for host in HOSTS]
        for root in roots:
            shutil.copytree(shop.root, root)
        return roots

    return made


def on(host: str) -> dict[str, str]:
    return {"HOST_NAME": host}


def reasons(run) -> dict[str, list[str]]:
    return {step["node"]: step["reasons"] for step in run["steps"] if step["status"] == "succeeded"}


@pytest.mark.parametrize("one_store", [True, False][: effort.times(1)])
def test_runs_of_two_machines_on_one_ledger_each_give_what_they_give_alone(machines, tmp_path, one_store):
    roots = machines(one_store=one_store)
    for round_ in range(effort.times(1)):
        with at_once.crew(tmp_path) as crew:
            places = [(host, root, at) for at in range(TWO) for host, root in zip(HOSTS, roots, strict=True)]
            running = [
                crew.start(root, *command(8 * round_ + at + (host == "south") * (at % 2)), env=on(host))
                for host, root, at in places
            ]
            crew.go()
            ends = [at_once.ended(process) for process in running]
        assert [code for code, _, _ in ends] == [0] * len(running), ends
        runs = [json.loads(out) for _, out, _ in ends]
        assert len({run["id"] for run in runs}) == len(runs)
        for (host, root, _), run in zip(places, runs, strict=True):
            with at_once.Kept(root) as kept:
                check_whole(kept, run["id"], run["params"]["rate"])
                assert read.run(kept.ledger, run["id"]).host == host
                check_lock_of(root, kept)
        for root in roots:
            rates = {json.loads((root / f"data/{name}.json").read_text())["rate"] for name in PLACED}
            assert len(rates) == 1
            assert any(run["published"] for (_, at, _), run in zip(places, runs, strict=True) if at == root), (
                "each copy has a workspace of its own to publish in"
            )


def check_lock_of(root, kept) -> None:
    for block in kept.lock().values():
        assert kept.lies(block["path"]) == block["digest"]


def test_what_another_machine_made_is_taken_where_its_store_is_and_made_again_where_it_is_not(machines, tmp_path):
    north, south = machines(one_store=False)
    first = at_once.alone(tmp_path, north, *command(3), env=on("north"))
    second = at_once.alone(tmp_path, south, *command(3), env=on("south"))
    assert second["datasets"] == first["datasets"]
    assert reasons(second) == {
        "features": ["output missing: features is not in the store"],
        "fit": ["output missing: model is not in the store"],
        "score": ["output missing: scores is not in the store"],
        "report": ["output missing: report is not in the store"],
        "big": ["output missing: big is not in the store"],
    }
    for root, host in ((north, "north"), (south, "south")):
        again = at_once.alone(tmp_path, root, *command(3), env=on(host))
        assert reasons(again) == {}, "each has what it made, whoever made it last"
        with at_once.Kept(root) as kept:
            check_whole(kept, again["id"], rate(3))
    at_once.alone(tmp_path, north, *command(4), env=on("north"))
    (south / "data/scores.json").unlink()
    ((code, _, err),) = at_once.at_once(tmp_path, south, [command(4, "--from", "report")])
    assert code == 2 and "data/scores.json" in err, "the newest is not here, and another must not stand for it"


def test_each_machine_goes_on_with_what_it_made_where_no_two_make_the_same(shop, machines, tmp_path):
    """A node that draws lots: each machine reuses its own draw, though the other's is the newer one."""
    shop.write(
        "src/small/nodes.py",
        NODES.replace('"rate": rate}\n', '"rate": rate, "lot": os.urandom(8).hex()}\n', 1) + "\n\nimport os\n",
    )
    north, south = machines(one_store=False)
    first = at_once.alone(tmp_path, north, *command(3), env=on("north"))
    second = at_once.alone(tmp_path, south, *command(3), env=on("south"))
    assert second["datasets"]["model"] != first["datasets"]["model"]
    for root, host, made in ((north, "north", first), (south, "south", second)) * 2:
        again = at_once.alone(tmp_path, root, *command(3), env=on(host))
        assert reasons(again) == {} and again["datasets"] == made["datasets"]


def test_with_one_store_a_machine_takes_what_another_has_made(machines, tmp_path):
    north, south = machines(one_store=True)
    first = at_once.alone(tmp_path, north, *command(3), env=on("north"))
    second = at_once.alone(tmp_path, south, *command(3), env=on("south"))
    assert reasons(second) == {} and second["datasets"] == first["datasets"]
    assert second["published"]
    assert json.loads((south / "data/report.json").read_text()) == alone(rate(3))["report"]


def test_each_machine_judges_its_own_processes_alone(machines, tmp_path):
    """A run that was killed on one machine is known as dead there at once, elsewhere when its lease runs out."""
    north, south = machines(one_store=True)
    with at_once.crew(tmp_path) as crew:
        running = crew.start(north, *command(3, "pause=60"), env=on("north"))
        crew.go()
        at_once.wait_until((north / "../shared/ledger.db").exists)
        at_once.wait_until(lambda: at_once.alone(tmp_path, north, "runs", "--json", env=on("north")))
        running.kill()
        at_once.ended(running)

    def status(root, host: str) -> str:
        (run,) = at_once.alone(tmp_path, root, "runs", "--json", env=on(host))
        return run["status"]

    assert status(north, "north") == "killed"
    assert status(south, "south") == "running"
    with at_once.Kept(south) as kept, kept.ledger.writing() as db:
        db.execute("update runs set lease = 1")
    assert status(south, "south") == "killed"


def test_a_run_shows_that_it_lives_from_its_first_step_on(shop, monkeypatch):
    """Other machines know it by its lease alone, and its first step may take hours."""
    from tane.ledger import connection, records, write
    from tane.runs import recording
    from tane.store import objects

    monkeypatch.setattr(recording, "_BEAT", 0.02)
    ledger = connection.open_ledger(shop.root / ".tane/ledger.db")
    store = objects.Objects(shop.root / ".tane/objects")
    write.start_run(ledger, records.RunRecord("run", "p", pid=os.getpid()))
    with ledger.writing() as db:
        db.execute("update runs set lease = 1")
    recorder = recording.Recorder(ledger, store, "run", lambda: None)
    recorder.document("code", {})  # the first step is about to begin
    at_once.wait_until(lambda: ledger.rows("select lease from runs")[0][0] > time.time())
    recorder.close()
    store.close()
    ledger.close()
