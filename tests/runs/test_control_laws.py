"""The laws of control flow, over flows and edits that hypothesis draws.

A recorded run gives what plain Python gives (`control_flows.plain`), whoever does the work, whether values are kept or
not, the first time or reused, after an edit or after being killed; and a plan says beforehand what a run will do.

`make stress` draws many times as many examples.
"""

from __future__ import annotations

import itertools
import json
import os
import pickle
import shutil
import subprocess
import sys
import time
from pathlib import Path

import control_flows as drawn
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import effort
import tane
from tane.digest import values
from tane.ledger import connection, read
from tane.project import projects
from tane.runs import preview, running

_numbers = itertools.count()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("FLAKY", str(tmp_path / "attempts"))
    (tmp_path / "attempts").mkdir()
    return tmp_path


class Box:
    """A folder with a drawn flow as a one-file project."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "box"
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir()
        self.file = self.root / "none"
        drawn.forget_attempts()

    def write(self, flow: drawn.Flow, options: dict | None = None) -> None:
        conf = self.root / "conf/base"
        conf.mkdir(parents=True, exist_ok=True)
        self.file.unlink(missing_ok=True)
        sys.modules.pop(self.file.stem, None)
        self.file = self.root / f"law_{os.getpid()}_{next(_numbers)}.py"  # a process imports a module once
        self.file.write_text(drawn.source(flow))
        (conf / "parameters.yml").write_text(yaml.safe_dump(flow.conf))
        (conf / "catalog.yml").write_text(yaml.safe_dump(drawn.catalog(flow)))
        (conf / "run.yml").write_text(yaml.safe_dump(options or {}))

    def open(self) -> projects.Project:
        return projects.open_project(self.file)

    def run(self, **options):
        return running.run(self.open(), **{"keep_going": True, **options})

    def plan(self):
        return {step.node: step for step in preview.preview(self.open()).steps}


def statuses(run):
    return {step.node: {"reused": "succeeded"}.get(str(step.status), str(step.status)) for step in run.steps}


def loaded(run, flow):
    """The digests of the values of a run that can be had when it is over."""
    gone = {flow.full(name) for step in flow.steps if step.entry in ("memory", "unkept") for name in step.made}
    found = {}
    for name in run.versions:
        plain = name.partition("@")[0]
        if plain not in gone:
            found[plain] = values.of(run[name]).digest
    return found


def agrees(run, flow, expected, *, kept=True):
    """Assert that a recorded run is what plain Python makes of the flow."""
    assert statuses(run) == expected.status, told(run)
    assert str(run.status) == ("failed" if expected.fails else "succeeded")
    if kept:
        found, wanted = loaded(run, flow), expected.digests()
        assert found == {name: wanted[name] for name in wanted if name in found}
        gone = {flow.full(name) for step in flow.steps if step.entry in ("memory", "unkept") for name in step.made}
        assert found.keys() == wanted.keys() - gone


def placed(box, flow, expected, *, alone=True):
    """Assert that the files of the workspace hold what was made, and (alone) that nothing else is there."""
    folder = box.root / "out"
    found = {path.name: path for path in folder.iterdir()} if folder.exists() else {}
    entries = {name.partition("@")[0]: entry for name, entry in drawn.catalog(flow).items() if "filepath" in entry}
    made = {name for name in entries if name in expected.made}
    assert found.keys() == made if alone else found.keys() >= made
    for name in made:
        path = found[name]
        data = path.read_bytes()
        value = json.loads(data) if entries[name]["type"].startswith("json") else pickle.loads(data)
        assert values.of(value).digest == values.of(expected.made[name]).digest


def told(run):
    return "\n".join(f"{step.node}: {step.status} {step.error}" for step in run.steps)


def always_again(flow):
    """The steps that are never reused."""
    return {flow.node(step) for step in flow.steps if step.always or not step.cache}


# --- a run equals plain Python


@given(flow=drawn.flows())
@effort.drawn(25)
def test_a_run_equals_plain_python_and_a_second_reuses_it(folder, flow):
    box, expected = Box(folder), drawn.plain(flow)
    box.write(flow)
    agrees(box.run(), flow, expected)
    placed(box, flow, expected)
    planned = box.plan()
    again = box.run()
    agrees(again, flow, expected)
    said_so(planned, again, expected)
    placed(box, flow, expected)
    fresh = {step.node for step in again.steps if str(step.status) == "succeeded"}
    needed = {flow.node(step) for step in flow.steps if step.entry in ("memory", "unkept")}
    assert fresh <= always_again(flow) | needed, told(again)


def said_so(planned, run, expected):
    """Assert that a run did what the plan before it said."""
    assert list(planned) == [step.node for step in run.steps] or set(planned) == {s.node for s in run.steps}
    for step in run.steps:
        action = planned[step.node].action
        could = {
            "reuse": {"reused"},
            "skip": {"skipped"},
            "run": {"succeeded", "failed"},
            "wait": {"reused", "succeeded", "failed", "skipped"},
        }[action]
        if any("is needed by" in str(reason) for reason in planned[step.node].reasons):
            could = could | {"reused"}  # if those that might need it turn out not to
        if step.error.endswith("did not succeed"):
            could = could | {"skipped"}  # a plan reckons with success
        assert str(step.status) in could, f"{step.node}: planned {planned[step.node]}, was {step.status} {step.error}"


@given(flow=drawn.flows(calm=True))
@effort.drawn(12)
def test_when_all_is_kept_a_second_run_reuses_all(folder, flow):
    for step in flow.steps:
        step.cache, step.always, step.entry = True, False, step.entry.replace("memory", "").replace("unkept", "pickle")
    expected, box = drawn.plain(flow), Box(folder)
    box.write(flow)
    first = box.run()
    agrees(first, flow, expected)
    failed = expected.fails
    planned = box.plan()
    if not failed:
        assert {step.action for step in planned.values()} <= {"reuse", "skip"}
    again = box.run()
    assert failed or {str(step.status) for step in again.steps} <= {"reused", "skipped"}
    agrees(again, flow, expected)


@given(flow=drawn.flows())
@effort.drawn(14)
def test_a_run_in_threads_equals_plain_python(folder, flow):
    box, expected = Box(folder), drawn.plain(flow)
    box.write(flow)
    agrees(box.run(jobs=4, executor="threads"), flow, expected)
    agrees(box.run(jobs=4, executor="threads"), flow, expected)


@given(flow=drawn.flows())
@effort.drawn(2)
def test_a_run_in_processes_equals_plain_python(folder, flow):
    box, expected = Box(folder), drawn.plain(flow)
    box.write(flow)
    agrees(box.run(jobs=2), flow, expected)
    agrees(box.run(), flow, expected)


@given(flow=drawn.flows())
@effort.drawn(25)
def test_a_run_in_memory_agrees(folder, flow):
    box, expected = Box(folder), drawn.plain(flow)
    box.write(flow)
    pipeline = box.open().pipelines()["__default__"]
    taken = {name.removeprefix("params:").partition(".")[0] for name in pipeline.parameters()}
    params = {name: value for name, value in flow.conf.items() if name in taken}
    if expected.fails:
        with pytest.raises(tane.errors.TaneError):
            tane.run(pipeline, params=params)
        return
    run = tane.run(pipeline, params=params)
    assert statuses(run) == expected.status
    found = {name.partition("@")[0]: values.of(run[name]).digest for name in run}
    assert found == expected.digests()


@given(flow=drawn.flows())
@effort.drawn(10)
def test_with_nothing_kept_it_is_the_same(folder, flow):
    box, expected = Box(folder), drawn.plain(flow)
    box.write(flow, {"keep": "none"})
    agrees(box.run(), flow, expected, kept=False)
    again = box.run()
    agrees(again, flow, expected, kept=False)
    agrees(box.run(force=True, jobs=2, executor="threads"), flow, expected, kept=False)


@given(flow=drawn.flows())
@effort.drawn(14)
def test_a_run_that_stops_at_a_failure_does_a_part_of_it(folder, flow):
    box, expected = Box(folder), drawn.plain(flow)
    box.write(flow)
    run = box.run(keep_going=False)
    closing = {flow.node(step) for step in flow.steps if step.always}
    for name, status in statuses(run).items():
        assert name in closing or status in (expected.status[name], "skipped")
    assert str(run.status) == ("failed" if expected.fails else "succeeded")
    agrees(box.run(), flow, expected)


# --- after being killed


@given(
    flow=drawn.flows(),
    executor=st.sampled_from([("1", "serial"), ("3", "threads"), ("2", "processes")]),
    data=st.data(),
)
@effort.drawn(2)
def test_after_kill_9_a_run_ends_as_if_undisturbed(folder, flow, executor, data):
    box, expected = Box(folder), drawn.plain(flow)
    box.write(flow)
    jobs, name = executor
    begun = folder / "begun"
    begun.unlink(missing_ok=True)
    command = [sys.executable, "-m", "tane", "run", str(box.file), "--keep-going", "-j", jobs, "--executor", name]
    environment = {**os.environ, "PAUSE": "0.03", "BEGUN": str(begun), "PYTHONDONTWRITEBYTECODE": "1"}
    running = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while running.poll() is None and not begun.exists() and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(data.draw(st.floats(0, 0.4)))
    running.kill()
    running.wait()
    agrees(box.run(), flow, expected)
    placed(box, flow, expected)
    again = box.run()
    agrees(again, flow, expected)


# --- after an edit


CONDITIONS = [None, ("name", "params:flag"), ("not", "params:flag"), ("is", "params:kind", "a")]
edits = st.lists(
    st.one_of(
        st.tuples(st.just("constant"), st.integers(0, 7), st.integers(0, 3)),
        st.tuples(st.just("body"), st.integers(0, 7), st.sampled_from(["number", "list", "text", "fails", "flag"])),
        st.tuples(st.just("helper"), st.integers(0, 1), st.integers(2, 5)),
        st.tuples(st.just("flag"), st.just(0), st.booleans()),
        st.tuples(st.just("kind"), st.just(0), st.sampled_from(["a", "b", "c"])),
        st.tuples(st.just("number"), st.just(0), st.integers(0, 3)),
        st.tuples(st.just("depths"), st.integers(0, 2), st.integers(0, 4)),
        st.tuples(st.just("order"), st.just(0), st.just(0)),
        st.tuples(st.just("pairs"), st.just(0), st.integers(0, 3)),
        st.tuples(st.just("when"), st.integers(0, 7), st.sampled_from(CONDITIONS)),
        st.tuples(st.just("entry"), st.integers(0, 7), st.sampled_from(["", "pickle", "memory", "unkept", "forms"])),
        st.tuples(st.just("over"), st.integers(0, 7), st.just(0)),
        st.tuples(st.just("keep"), st.just(0), st.sampled_from(["all", "none"])),
        st.tuples(st.just("lose a file"), st.integers(0, 50), st.just(0)),
        st.tuples(st.just("spoil a file"), st.integers(0, 50), st.just(0)),
        st.tuples(st.just("lose an object"), st.integers(0, 50), st.just(0)),
        st.tuples(st.just("nothing"), st.just(0), st.just(0)),
    ),
    min_size=1,
    max_size=4,
)


def edit(flow, what, where, value):
    if what in ("flag", "kind", "number"):
        flow.params[what] = value
    elif what == "depths" and where < len(flow.params["depths"]):
        flow.params["depths"][where] = value
    elif what == "order":
        flow.params["depths"].reverse()
    elif what == "pairs":
        flow.params["pairs"]["p"] = value
    elif what == "helper":
        flow.helpers[where] = value
    elif what != "nothing":
        step = flow.steps[where % len(flow.steps)]
        if what == "constant":
            step.constant = value
        elif what == "body" and not step.yields and step.outputs == "one" and step.entry != "json":
            step.body = value
        elif what == "when" and not step.always:
            step.when = value
        elif what == "entry":
            step.entry = value
        elif what == "over" and not step.always:
            step.over = []


def harm(box, what, where):
    """Take away or change a file of the workspace or of the store."""
    folder = box.root / (".tane/objects" if what == "lose an object" else "out")
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "index.db")
    files = [path for path in files if not path.name.startswith("index.db")]
    if not files:
        return
    if what == "spoil a file":
        files[where % len(files)].write_bytes(b"[4")
    else:
        files[where % len(files)].unlink()


@given(flow=drawn.flows(), changes=edits)
@effort.drawn(16)
def test_after_any_edit_a_run_equals_one_from_scratch_and_does_no_more_than_it_must(folder, flow, changes):
    box = Box(folder)
    done: set[str] = set()  # what has succeeded so far
    loose: set[str] = set()  # steps of which not all is kept
    keep = "all"
    for what, where, value in [("nothing", 0, 0), *changes]:
        if what in ("lose a file", "spoil a file", "lose an object"):
            harm(box, what, where)
        elif what == "keep":
            keep = value
        else:
            edit(flow, what, where, value)
        if keep == "none":
            loose |= {flow.node(step) for step in flow.steps if not step.entry}
        loose |= {flow.node(step) for step in flow.steps if step.entry in ("memory", "unkept")}
        if what in ("lose an object", "keep", "entry", "over"):
            done.clear()  # values are gone, or come to those who take them in another way
        expected = drawn.plain(flow)
        box.write(flow, {"keep": keep})
        planned = box.plan()
        run = box.run()
        agrees(run, flow, expected, kept=keep == "all")
        placed(box, flow, expected, alone=False)
        said_so(planned, run, expected)
        for step in run.steps:
            if str(step.status) in ("succeeded", "failed") and "condition" not in step.error:
                assert step.reasons or "failed" in str(step.status), f"{step.node} ran for no reason"
        did_only_what_it_must(box, run, flow, expected, done, loose)
        for name, work in expected.work.items():
            done.update(work)
            if expected.status[name] == "succeeded":
                done.add(expected.whole[name])


def did_only_what_it_must(box, run, flow, expected, done, loose):
    """Assert that no step, and no item, was done again that was done before."""
    again = always_again(flow)
    over = {flow.node(step) for step in flow.steps if step.over}
    ledger = connection.open_ledger(box.open().ledger)
    try:
        for position, step in enumerate(read.steps(ledger, run.id)):
            if step.node in again | loose or step.node not in expected.whole:
                continue
            if str(step.status) == "succeeded":
                assert expected.whole[step.node] not in done, f"{step.node} was done before: {step.reasons}"
            if step.node in over and str(step.status) in ("succeeded", "failed"):
                fresh = [item for item in read.items(ledger, run.id, position) if str(item.status) == "succeeded"]
                known = [work for work in expected.work[step.node] if work in done]
                most = len(expected.work[step.node]) - len(known)
                assert len(fresh) <= most, f"{step.node}: {len(fresh)} items done, {most} are new"
    finally:
        ledger.close()
