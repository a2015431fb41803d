"""Backfills: one run for each window, in any order and in several processes, to be gone on with after anything."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import tane
from tane import errors
from tane.executors import routing
from tane.ledger import connection, read
from tane.outcomes import RunStatus
from tane.project import projects
from tane.runs import backfill_leading, backfills, opening, publishing, windows

FLOW = '''
import os
import time
from pathlib import Path

import tane
from tane import Pipeline, node

CALLS = Path(__file__).with_name("calls.log")


def note(what):
    """One line in one write: several processes write to the file."""
    at = os.open(CALLS, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(at, f"{what}\\n".encode())
    os.close(at)


def clean(load):
    note("clean")
    time.sleep(0.05)
    return dict(load)


def level(clean, factor: float):
    note("level")
    return factor * sum(clean.values()) / len(clean)


def features(clean, start: str):
    """The three values before the window; none that came later."""
    return [clean[key] for key in sorted(clean) if key < start][-3:]


def forecast(features, level, start: str, end: str, bad: list, pause: float):
    note(start)
    time.sleep(pause)
    if start in bad:
        raise ValueError(f"no forecast for {start}")
    value = (sum(features) + level) / (len(features) + 1)
    tane.log_metric("value", value)
    return {"from": start, "to": end, "value": value}


pipeline = Pipeline([
    node(clean, "load", "clean"),
    node(level, ["clean", "params:factor"], "level"),
    node(features, ["clean", "params:window.start"], "features"),
    node(
        forecast,
        ["features", "level", "params:window.start", "params:window.end", "params:bad", "params:pause"],
        "forecast",
    ),
])
'''

CATALOG = """
load:
  type: json.JSONDataset
  filepath: data/load.json
forecast:
  type: json.JSONDataset
  filepath: data/forecasts/${params:window.label}.json
"""

PARAMETERS = """
factor: 1.0
bad: []
pause: 0.0
window: {start: 2026-01-01T00:00:00, end: 2026-01-01T01:00:00, label: 2026-01-01T0000}
"""

DAY = windows.cut("2026-01-02", "2026-01-03", "1h")
SHORT = windows.cut("2026-01-02", "2026-01-02T06:00", "1h")


class Flow:
    """A one-file project on disk, and backfills of it in this process or by the command."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name, text in (
            ("flow.py", FLOW),
            ("conf/base/catalog.yml", CATALOG),
            ("conf/base/parameters.yml", PARAMETERS),
        ):
            self.write(name, text)
        self.load(lambda at: at % 24)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    def load(self, value) -> None:
        hours = windows.cut("2026-01-01", "2026-01-04", "1h")
        self.write("data/load.json", json.dumps({hour.start: value(at) for at, hour in enumerate(hours)}))

    def project(self, *overrides: str) -> projects.Project:
        return projects.open_project(self.root / "flow.py", overrides=overrides)

    def backfill(self, cut: windows.Windows = SHORT, *overrides: str, pipeline=opening.DEFAULT, **how):
        return backfills.backfill(self.project(*overrides), cut, pipeline, how=backfills.How(**how))

    def resume(self, prefix: str, **how):
        return backfills.resume(self.project(), prefix, how=backfills.How(**how))

    def command(self, cut: windows.Windows, *arguments: str) -> list[str]:
        ranged = ["--from", cut.start, "--to", cut.end, "--every", str(cut.every)]
        return [sys.executable, "-m", "tane", "backfill", "flow.py", *ranged, *arguments]

    def tane(self, cut: windows.Windows = SHORT) -> dict[str, Any]:
        """What the command says: in a process of its own, which imports the code as it is now."""
        done = subprocess.run(self.command(cut, "--json"), cwd=self.root, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1), done.stderr
        return json.loads(done.stdout)

    def start(self, *arguments: str, **more) -> subprocess.Popen[str]:
        """The command on its way, in a session of its own."""
        return subprocess.Popen(
            self.command(DAY, *arguments),
            cwd=self.root,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            **more,
        )

    @property
    def calls(self) -> list[str]:
        path = self.root / "calls.log"
        return path.read_text().split() if path.exists() else []

    @property
    def files(self) -> dict[str, bytes]:
        folder = self.root / "data/forecasts"
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())} if folder.is_dir() else {}

    @contextlib.contextmanager
    def ledger(self):
        opened = connection.open_ledger(self.root / ".tane/ledger.db", create=False)
        try:
            yield opened
        finally:
            opened.close()

    def expected(self, cut: windows.Windows = SHORT) -> dict[str, bytes]:
        """What the windows give when they are done one after the other, somewhere else."""
        other = Flow(self.root.with_name(f"{self.root.name}-expected"))
        shutil.copytree(self.root / "conf", other.root / "conf", dirs_exist_ok=True)
        shutil.copytree(self.root / "data", other.root / "data", dirs_exist_ok=True)
        shutil.rmtree(other.root / "data/forecasts", ignore_errors=True)
        assert other.backfill(cut).status is RunStatus.SUCCEEDED
        assert len(other.files) == len(cut)
        return other.files


@pytest.fixture(autouse=True)
def imports():
    """What a test imports is forgotten again."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if "/pytest-" in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]


@pytest.fixture
def flow(tmp_path: Path) -> Flow:
    return Flow(tmp_path / "box")


def wait_until(holds, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.01)


# --- what it gives ----------------------------------------------------------------------------------------------------


def test_each_window_sees_its_own_start_and_end(flow):
    found = flow.backfill()
    assert found.status is RunStatus.SUCCEEDED and found.counts == {"succeeded": 6}
    made = json.loads(flow.files["2026-01-02T0300.json"])
    assert (made["from"], made["to"]) == ("2026-01-02T03:00:00", "2026-01-02T04:00:00")
    assert made["value"] == (0 + 1 + 2 + 11.5) / 4
    assert found.load("2026-01-02T0300", "forecast") == made
    assert found["2026-01-02T0300"].run


def test_in_several_processes_and_backwards_it_is_the_same_byte_for_byte(flow):
    expected = flow.expected(DAY)
    flow.backfill(DAY, jobs=3, latest_first=True)
    assert flow.files == expected


def test_in_any_order_it_is_the_same_byte_for_byte(flow, monkeypatch):
    expected = flow.expected(DAY)
    shuffled = random.Random(7)
    monkeypatch.setattr(backfill_leading, "in_order", lambda at, how: shuffled.sample(list(at), len(at)))
    flow.backfill(DAY)
    assert sorted(flow.calls[2:]) != flow.calls[2:]
    assert flow.files == expected


def test_what_windows_share_is_done_once_also_when_many_begin_at_the_same_time(flow):
    flow.backfill(DAY, jobs=4)
    assert flow.calls.count("clean") == flow.calls.count("level") == 1
    assert len(flow.calls) == 2 + len(DAY)


def test_a_window_is_what_a_plain_run_with_its_parameters_gives(flow):
    flow.backfill()
    state = windows.cut("2026-01-02T02:00", "2026-01-02T03:00", "1h")[0]
    run = tane.open_project(flow.root / "flow.py").run(
        overrides=[f"window.{name}={value}" for name, value in state.parameters.items()]
    )
    assert {str(step.status) for step in run.steps} == {"reused"}


def test_days_are_those_of_the_time_zone(flow):
    cut = windows.cut("2018-11-04", "2018-11-06", "1d", "America/New_York")
    assert flow.backfill(cut).status is RunStatus.SUCCEEDED
    assert list(flow.files) == ["2018-11-04T0000-0400.json", "2018-11-05T0000-0500.json"]


def test_a_project_needs_no_placeholder_for_the_window(flow):
    flow.edit("conf/base/parameters.yml", PARAMETERS.splitlines()[-1], "")
    assert flow.backfill(jobs=2).counts == {"succeeded": 6}


# --- what is on record ------------------------------------------------------------------------------------------------


def test_a_window_is_a_run_with_its_own_lineage(flow):
    found = flow.backfill()
    with flow.ledger() as ledger:
        run = read.run(ledger, f"{found.id}/2026-01-02T0100")
        assert run.kind == "window" and run.params["window"]["label"] == "2026-01-02T0100"
        steps = {step.node: step for step in read.steps(ledger, run.run)}
        assert str(steps["clean"].status) == "reused" and str(steps["forecast"].status) == "succeeded"
        assert steps["forecast"].basis.params["params:window.start"] == "2026-01-02T01:00:00"
        assert [kept.name for kept in read.sources(ledger, run.run)] == ["load"]
        assert read.metrics(ledger, run.run)[0].name == "value"


def test_windows_are_no_newest_version_of_anything(flow):
    flow.backfill()
    with flow.ledger() as ledger:
        assert read.versions(ledger, "features") == []
        assert [run.kind for run in read.runs(ledger)] == ["backfill"]
        assert len(read.runs(ledger, windows=True)) == 8  # with the backfill itself and what is shared


def test_the_status_is_told_without_running_anything(flow):
    found = flow.backfill()
    with flow.ledger() as ledger:
        looked = backfills.status(ledger, "last")
    assert looked.id == found.id and looked.windows == tuple(
        state._replace(seconds=seen.seconds) for state, seen in zip(found, looked, strict=True)
    )


# --- doing no more than there is to do --------------------------------------------------------------------------------


def test_the_same_again_does_nothing(flow):
    first = flow.backfill()
    again = flow.backfill()
    assert again.id == first.id and again.done_before == 6
    assert len(flow.calls) == 8
    with flow.ledger() as ledger:
        assert len(read.windows(ledger, first.id)) == 7


def test_a_limit_is_gone_on_from(flow):
    first = flow.backfill(limit=2)
    assert first.counts == {"succeeded": 2, "not run": 4} and first.error is None
    second = flow.backfill(limit=3, latest_first=True)
    assert second.id == first.id and second["2026-01-02T0500"].status == "succeeded"
    assert flow.backfill().counts == {"succeeded": 6}
    assert len(flow.calls) == 8


def test_code_that_does_not_concern_a_step_leaves_it_reused(flow):
    first = flow.tane()
    flow.edit("flow.py", "(sum(features) + level)", "1 * (sum(features) + level)")
    second = flow.tane()
    assert second["id"] != first["id"] and "begins anew" in second["notes"][0]
    assert flow.calls.count("clean") == 1 and flow.calls.count("2026-01-02T00:00:00") == 2
    assert flow.backfill(SHORT, "factor=1.0").id == second["id"]


def test_another_order_of_the_file_is_reused_entirely(flow):
    flow.backfill()
    flow.write("data/load.json", json.dumps(json.loads((flow.root / "data/load.json").read_text()), indent=3))
    again = flow.backfill()
    assert again.counts == {"reused": 6} and flow.calls.count("clean") == 2


def test_force_does_all_again(flow):
    first = flow.backfill()
    second = flow.backfill(force=True)
    assert second.id != first.id and second.counts == {"succeeded": 6}
    assert flow.calls.count("clean") == 2 and len(flow.calls) == 16


def test_a_result_that_is_gone_is_made_again(flow):
    first = flow.backfill()
    with flow.ledger() as ledger:
        made = {kept.name: kept for _, kept in read.outputs(ledger, [first.windows[1].run])[first.windows[1].run]}
    shutil.rmtree(flow.root / ".tane/objects")
    (flow.root / "data/forecasts/2026-01-02T0100.json").unlink()
    again = flow.backfill()
    assert again.counts == {"succeeded": 6} and again.done_before == 0
    assert again.load("2026-01-02T0100", "forecast")["from"] == "2026-01-02T01:00:00"
    assert made["forecast"].file and len(flow.files) == 6


# --- pinned when it begins --------------------------------------------------------------------------------------------


def test_a_source_overwritten_meanwhile_is_not_seen(flow):
    expected = flow.expected()

    def overwrite(told):
        if isinstance(told, backfill_leading.WindowEnded) and told.ended == 2:
            flow.load(lambda at: 1000)

    flow.backfill(tell=overwrite)
    assert flow.files == expected


def test_resuming_takes_the_sources_and_parameters_it_began_with(flow):
    expected = flow.expected()
    first = flow.backfill(limit=2)
    flow.load(lambda at: 1000)
    flow.edit("conf/base/parameters.yml", "factor: 1.0", "factor: 5.0")
    found = flow.resume(first.id, jobs=2)
    assert found.id == first.id and flow.files == expected
    assert any("has changed since: the kept version" in note for note in found.notes)
    anew = flow.backfill()
    assert anew.id != first.id and flow.files != expected


def test_code_edited_meanwhile_is_seen_by_no_window_and_no_late_worker_works_on_it(flow):
    flow.edit("conf/base/parameters.yml", "pause: 0.0", "pause: 0.05")
    expected = flow.expected(DAY)
    flow.edit("conf/base/parameters.yml", "bad: []", "bad: []  ")
    workers = set()

    def edit_and_kill(told):
        if isinstance(told, backfill_leading.WindowEnded) and told.ended == 4:
            flow.edit("flow.py", "(len(features) + 1)", "(len(features) + 2)")
            workers.update(children(os.getpid()))
            os.kill(min(workers), signal.SIGKILL)

    found = flow.backfill(DAY, jobs=2, tell=edit_and_kill)
    assert found.status is RunStatus.FAILED and "the code has changed" in str(found.error)
    done = [state for state in found if state.status == "succeeded"]
    assert 0 < len(done) < len(DAY)
    assert {name: expected[name] for name in flow.files} == flow.files


def children(process: int) -> list[int]:
    """The workers of this process, the youngest last."""
    listed = subprocess.run(["pgrep", "-P", str(process), "-f", "executors.worker"], capture_output=True, text=True)
    return sorted(map(int, listed.stdout.split()))


# --- failures and ends ------------------------------------------------------------------------------------------------

BAD = "bad=['2026-01-02T02:00:00']"


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_window_that_fails_keeps_no_other_from_its_end(flow, jobs):
    found = flow.backfill(SHORT, BAD, jobs=jobs)
    assert found.counts == {"succeeded": 5, "failed": 1}
    assert found.status is RunStatus.FAILED and found.error.exit_code == 1
    assert "no forecast for 2026-01-02T02:00:00" in found["2026-01-02T0200"].error
    assert "2026-01-02T0200.json" not in flow.files and len(flow.files) == 5
    again = flow.backfill(SHORT, BAD, jobs=jobs)
    assert again.id == found.id and flow.calls.count("2026-01-02T02:00:00") == 2 and len(flow.calls) == 9


def test_mended_it_does_what_has_to_be_done(flow):
    flow.edit("flow.py", "if start in bad:", 'if start == "2026-01-02T02:00:00":')
    assert flow.tane()["counts"] == {"succeeded": 5, "failed": 1}
    flow.edit("flow.py", 'if start == "2026-01-02T02:00:00":', "if start in bad:")
    assert flow.tane()["status"] == "succeeded"
    assert len(flow.files) == 6


def test_it_can_stop_at_the_first_failure(flow):
    found = flow.backfill(SHORT, BAD, keep_going=False)
    assert found.counts == {"succeeded": 2, "failed": 1, "not run": 3}


def test_when_what_they_share_fails_no_window_begins(flow):
    flow.write("data/load.json", "[1, 2]")
    found = flow.backfill()
    assert found.counts == {"not run": 6} and found.error.exit_code == 1
    assert "node 'clean' failed" in str(found.error)


def test_a_worker_that_is_killed_loses_its_window_alone(flow):
    flow.edit("flow.py", "if start in bad:", "if start in bad and not CALLS.with_name('mended').exists():")
    flow.edit("flow.py", 'raise ValueError(f"no forecast for {start}")', "os.kill(os.getpid(), 9)")
    found = flow.backfill(SHORT, BAD, jobs=2)
    assert found.counts == {"succeeded": 5, "failed": 1}
    assert "SIGKILL" in found["2026-01-02T0200"].error
    flow.write("mended", "")
    assert flow.backfill(SHORT, BAD, jobs=2).counts == {"succeeded": 6}
    assert len(flow.calls) == 9


def test_killed_as_a_whole_it_goes_on_where_it_was(flow):
    flow.edit("conf/base/parameters.yml", "pause: 0.0", "pause: 0.05")
    expected = flow.expected(DAY)
    begun = flow.start("-j", "2")
    wait_until(lambda: len(flow.calls) > 8)
    os.killpg(begun.pid, signal.SIGKILL)
    begun.communicate()
    with flow.ledger() as ledger:
        killed = backfills.status(ledger, "last")
    done = killed.counts["succeeded"]
    assert killed.status is RunStatus.KILLED and 0 < done < 24
    wait_until(lambda: not [run for run in standing(flow) if run is RunStatus.RUNNING])
    found = flow.backfill(DAY, jobs=2)
    assert found.id == killed.id and found.done_before >= done
    assert found.counts == {"succeeded": 24} and flow.files == expected
    assert len(flow.calls) <= 2 + 24 + 2  # at most those two that were under way, again


def standing(flow: Flow) -> list[RunStatus]:
    with flow.ledger() as ledger:
        return [run.status for run in read.runs(ledger, windows=True)]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_interrupted_it_ends_cleanly_and_goes_on(flow, jobs):
    flow.edit("conf/base/parameters.yml", "pause: 0.0", "pause: 0.05")
    begun = flow.start("-j", jobs)
    wait_until(lambda: len(flow.calls) > 6)
    os.kill(begun.pid, signal.SIGINT)
    _, err = begun.communicate(timeout=60)
    assert begun.returncode == 130 and "Traceback" not in err and "was interrupted" in err
    with flow.ledger() as ledger:
        stopped = backfills.status(ledger, "last")
    assert stopped.status is RunStatus.INTERRUPTED
    assert set(stopped.counts) <= {"succeeded", "interrupted", "not run"} and stopped.counts["succeeded"] < 24
    assert flow.backfill(DAY).counts == {"succeeded": 24}
    assert len(flow.calls) <= 2 + 24 + int(jobs)


def test_two_of_the_same_at_once_are_refused(flow):
    flow.edit("conf/base/parameters.yml", "pause: 0.0", "pause: 0.3")
    begun = flow.start()
    try:
        wait_until(lambda: len(flow.calls) > 3)
        with pytest.raises(errors.UsageError, match="is at work"):
            flow.backfill(DAY)
    finally:
        begun.kill()
        begun.communicate()


def test_with_a_full_disk_it_stops_at_once(flow, monkeypatch):
    from tane.runs import keeping

    real = keeping.keep

    def full(output, value, place, node):
        if output.name == "forecast" and "T01:00" in value["from"]:
            raise errors.StoreError("no space left", hint="make room")
        return real(output, value, place, node)

    monkeypatch.setattr(keeping, "keep", full)
    found = flow.backfill()
    assert found.error.exit_code == 4 and found.counts == {"succeeded": 1, "failed": 1, "not run": 4}


# --- places -----------------------------------------------------------------------------------------------------------


def test_a_path_that_all_windows_share_is_left_alone(flow):
    flow.edit("conf/base/catalog.yml", "forecasts/${params:window.label}.json", "forecast.json")
    flow.write("data/forecast.json", "mine")
    found = flow.backfill()
    assert (flow.root / "data/forecast.json").read_text() == "mine"
    assert any("one path for all windows" in note for note in found.notes)
    assert found.load("2026-01-02T0100", "forecast")["from"] == "2026-01-02T01:00:00"


def test_files_put_away_or_changed_are_put_right(flow):
    expected = flow.expected()
    flow.backfill()
    (flow.root / "data/forecasts/2026-01-02T0100.json").unlink()
    flow.write("data/forecasts/2026-01-02T0200.json", "my own")
    again = flow.backfill()
    assert flow.files == expected and len(flow.calls) == 8
    assert again.done_before == 6


def test_while_another_run_publishes_files_wait_for_the_next_time(flow):
    lease = publishing.Lease.acquire(flow.root / ".tane")
    found = flow.backfill()
    assert found.counts == {"succeeded": 6} and flow.files == {}
    assert any("another run is publishing" in note for note in found.notes)
    lease.release()
    flow.backfill()
    assert len(flow.files) == 6 and len(flow.calls) == 8


PARTS = """
load:
  type: json.JSONDataset
  filepath: data/load.json
forecast:
  type: partitions.PartitionedDataset
  path: data/forecasts
  dataset: json.JSONDataset
  filename_suffix: .json
"""


def with_parts(flow: Flow, key: str) -> None:
    flow.write("conf/base/catalog.yml", PARTS)
    flow.edit("flow.py", 'return {"from": start, "to": end, "value": value}', f"return {{{key}: value}}")


@pytest.mark.parametrize("how", [{}, {"jobs": 3, "latest_first": True}])
def test_partitions_of_windows_lie_side_by_side(flow, how):
    with_parts(flow, "start.replace(':', '')")
    flow.write("data/forecasts/note.txt", "kept")
    flow.backfill(**how)
    assert len(flow.files) == 7 and flow.files["note.txt"] == b"kept"
    assert json.loads(flow.files["2026-01-02T030000.json"]) == (0 + 1 + 2 + 11.5) / 4


@pytest.mark.parametrize("how", [{}, {"latest_first": True}, {"jobs": 3}])
def test_of_one_partition_made_by_several_windows_the_latest_stands(flow, how):
    with_parts(flow, "start[:10]")
    found = flow.backfill(**how)
    assert json.loads(flow.files["2026-01-02.json"]) == (2 + 3 + 4 + 11.5) / 4
    assert any("made by several windows" in note for note in found.notes)


def test_sources_of_single_windows_are_pinned_and_one_that_is_missing_fails_its_window_alone(flow):
    flow.edit("conf/base/catalog.yml", "filepath: data/load.json", "filepath: data/in/${params:window.label}.json")
    for at, window in enumerate(SHORT):
        if at != 4:
            flow.write(f"data/in/{window.label}.json", json.dumps({"2026-01-01": at}))

    def overwrite(told):
        if isinstance(told, backfill_leading.WindowEnded) and told.ended == 1:
            flow.write("data/in/2026-01-02T0100.json", json.dumps({"2026-01-01": 99}))

    found = flow.backfill(tell=overwrite)
    assert found.counts == {"succeeded": 5, "failed": 1}
    assert "there is no such file" in found["2026-01-02T0400"].error
    assert found.load("2026-01-02T0100", "features") == [1]
    flow.write("data/in/2026-01-02T0400.json", json.dumps({"2026-01-01": 4}))
    resumed = flow.resume(found.id)
    assert resumed.status is RunStatus.SUCCEEDED and resumed.load("2026-01-02T0100", "features") == [1]


# --- steps of all kinds -----------------------------------------------------------------------------------------------


def test_steps_with_a_timeout_work_in_workers_too(flow):
    flow.write("conf/base/run.yml", "nodes: {forecast: {timeout: 30s}}\n")
    assert flow.backfill(windows.cut("2026-01-02", "2026-01-02T02:00", "1h"), jobs=2).counts == {"succeeded": 2}


def test_what_there_is_to_share_out_limits_how_many_windows_go_at_once(flow, monkeypatch):
    flow.write("conf/base/run.yml", "resources: {gpu: 2}\nnodes: {forecast: {resources: {gpu: 1.5}}}\n")
    used = set()
    real = routing.Routed.submit

    def seen(self, route, *call, **more):
        used.add(route)
        return real(self, route, *call, **more)

    monkeypatch.setattr(routing.Routed, "submit", seen)
    assert flow.backfill(jobs=4).counts == {"succeeded": 6}
    assert used == {"serial"}


def test_hooks_see_each_window_as_a_run(flow):
    flow.edit(
        "flow.py",
        "pipeline = Pipeline([",
        """class Watching:
    def before_run(self, run):
        note(f"hook-{run.pipeline}")


hooks = [Watching]

pipeline = Pipeline([""",
    )
    flow.backfill(jobs=2)
    assert flow.calls.count("hook-__default__") == 7


# --- what cannot be meant ---------------------------------------------------------------------------------------------


def test_a_pipeline_that_takes_no_window_is_refused(flow):
    flow.edit("conf/base/catalog.yml", "forecasts/${params:window.label}.json", "forecast.json")
    flow.edit("flow.py", "params:window.", "params:other.")
    flow.edit("conf/base/parameters.yml", "window: {", "other: {")
    with pytest.raises(errors.PipelineError, match="every one would be the same") as raised:
        flow.backfill()
    assert "params:window.start" in raised.value.hint


def test_a_pipeline_that_is_not_there_is_refused(flow):
    with pytest.raises(errors.PipelineError, match="no pipeline 'forcast'"):
        flow.backfill(pipeline="forcast")


@pytest.mark.parametrize("override", ["window.start=2026-01-01T00:00:00", "++window.label=x", "~window.end"])
def test_the_window_itself_cannot_be_overridden(flow, override):
    with pytest.raises(errors.UsageError, match="a backfill sets window.start"):
        flow.backfill(SHORT, override)


def test_a_parameter_called_window_that_is_something_else_is_refused(flow):
    flow.edit("conf/base/parameters.yml", PARAMETERS.splitlines()[-1], "window: 24")
    with pytest.raises(errors.ConfigError, match=r"parameters.yml:5: parameter 'window' is 24"):
        flow.backfill()


def test_a_folder_that_keeps_what_lies_there_is_refused(flow):
    with_parts(flow, "start[:10]")
    flow.edit("conf/base/catalog.yml", "  filename_suffix", "  overwrite: false\n  filename_suffix")
    with pytest.raises(errors.CatalogError, match="would depend on those before it"):
        flow.backfill()


def test_a_dataset_of_its_own_class_at_one_place_is_refused(flow):
    flow.write("own.py", "class Own:\n    def load(self): return 1\n    def save(self, data): pass\n")
    flow.write("conf/base/catalog.yml", CATALOG.split("forecast:")[0] + "forecast: {type: own.Own}\n")
    with pytest.raises(errors.CatalogError, match="saved by every window to the same place"):
        flow.backfill()


def test_missing_parameters_are_told_before_anything_is_recorded(flow):
    flow.edit("conf/base/parameters.yml", "factor: 1.0", "")
    with pytest.raises(errors.ConfigError, match="factor"):
        flow.backfill()
    with flow.ledger() as ledger:
        assert read.runs(ledger, windows=True) == []


def test_a_run_is_no_backfill(flow):
    run = tane.open_project(flow.root / "flow.py").run()
    with pytest.raises(errors.UsageError, match="is a run, no backfill"):
        flow.resume(run.id)


# --- a plan, and Python -----------------------------------------------------------------------------------------------


def test_a_plan_says_what_would_run_and_touches_nothing(flow):
    planned = backfills.plan(flow.project(), SHORT)
    assert [window.label for window, _ in planned] == [window.label for window in SHORT]
    assert {step.action for step in planned[0][1].steps} == {"run", "wait"}
    assert not (flow.root / ".tane").exists() and flow.calls == []
    flow.backfill(limit=2)
    assert [found is None for _, found in backfills.plan(flow.project(), SHORT)] == [True] * 2 + [False] * 4


def test_from_python(flow):
    workspace = tane.open_project(flow.root / "flow.py")
    found = workspace.backfill(start="2026-01-02", end="2026-01-02T02:00", every="1h", overrides=["factor=2.0"], jobs=2)
    assert found.raise_for_status().counts == {"succeeded": 2}
    assert [found.load(state.window.label, "level") for state in found] == [23.0, 23.0]
    with pytest.raises(errors.UsageError, match="did you mean|they go from"):
        found["2026-01-09"]
    with pytest.raises(errors.UsageError, match="made no dataset 'forcast'"):
        found.load("2026-01-02T0000", "forcast")
    with pytest.raises(errors.UsageError, match="jobs is 0"):
        workspace.backfill(start="2026-01-02", end="2026-01-03", every="1h", jobs=0)
    with pytest.raises(errors.UsageError, match="start 2026-01-02T00:00:00 and end"):
        workspace.backfill(start="2026-01-02", end="2026-01-01", every="1h")


# --- two months of real hours -----------------------------------------------------------------------------------------

EXAMPLE = Path(__file__).parents[2] / "examples" / "backfill"
MONTHS = ("--from", "2018-06-01", "--to", "2018-08-01", "--every", "1h", "-j", "2")


@pytest.mark.slow
def test_1464_hours_killed_in_the_middle_give_what_plain_python_gives(tmp_path):
    pd = pytest.importorskip("pandas")
    root = tmp_path / "pjm"
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns(".tane", "07_model_output", "__pycache__"))
    command = [sys.executable, "-m", "tane", "backfill", "flow.py", *MONTHS]
    placed = root / "data/07_model_output"
    begun = subprocess.Popen(command, cwd=root, start_new_session=True, stdout=subprocess.DEVNULL)
    wait_until(lambda: placed.is_dir() and len(list(placed.iterdir())) > 400, 120)
    os.killpg(begun.pid, signal.SIGKILL)
    begun.wait()
    load = root / "data/01_raw/dayton_hourly.csv"
    before = load.read_text()
    load.write_text("Datetime,DAYTON_MW\n2018-05-01 00:00:00,1.0\n")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tane",
            "backfill",
            "flow.py",
            "--resume",
            "last",
            "-j",
            "2",
            "--latest-first",
            "--json",
        ],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert set(found["counts"]) <= {"succeeded", "reused"}  # reused: it was killed after its last step
    load.write_text(before)
    spec = importlib.util.spec_from_file_location("example_flow", root / "flow.py")
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    hourly = example.clean(pd.read_csv(load))
    profile = example.profile(hourly, "2018-06-01")
    for window in found["windows"]:
        features = example.features(hourly, window["start"], 24)
        made = example.forecast(features, profile, window["start"], window["end"])
        assert (placed / f"{window['label']}.csv").read_text() == made.to_csv(index=False)
