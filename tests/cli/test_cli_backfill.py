"""`tane backfill`, and how `tane runs` and `tane show` tell of it."""

from __future__ import annotations

import io
import json

import pytest

from tane.cli import backfilling, many
from tane.outcomes import RunStatus
from tane.runs import backfill_leading, backfill_records, windows

FLOW = """
from tane import Pipeline, node

def doubled(number: int):
    return 2 * number

def told(doubled, start: str, bad: list):
    if start in bad:
        raise ValueError("no good")
    return f"{start} {doubled}"

pipeline = Pipeline([
    node(doubled, "params:number", "doubled"),
    node(told, ["doubled", "params:window.start", "params:bad"], "told"),
])
"""

CATALOG = """
told:
  type: text.TextDataset
  filepath: data/told/${params:window.label}.txt
"""

RANGE = ("--from", "2026-01-01", "--to", "2026-01-05", "--every", "1d")
BAD = "bad=['2026-01-03T00:00:00']"


@pytest.fixture
def box(empty):
    empty.write("flow.py", FLOW)
    empty.write("conf/base/catalog.yml", CATALOG)
    empty.write("conf/base/parameters.yml", "number: 3\nbad: []\n")
    return empty


def test_lines_tell_how_it_goes_and_a_table_how_it_ended(box):
    ended = box.tane("backfill", "flow.py", *RANGE, BAD)
    assert ended.code == 1
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert lines[0].endswith("pipeline __default__, 4 windows of 1d from 2026-01-01T00:00:00 to 2026-01-05T00:00:00")
    assert lines[1] == "1 step that all windows share:"
    assert any(line.startswith("done 2026-01-02T0000") for line in lines)
    assert any(line.startswith("FAILED 2026-01-03T0000") and "no good" in line for line in lines)
    assert any(line.startswith("2026-01-01T0000 .. 2026-01-02T0000 2 succeeded") for line in lines)
    assert lines[-1].startswith("4 windows: 3 succeeded, 1 failed in ")
    assert 'raise ValueError("no good")' in ended.err and "1 of 4 windows failed; the first was" in ended.err


def test_the_same_again_says_that_there_is_nothing_to_do(box):
    assert box.tane("backfill", "flow.py", *RANGE).code == 0
    again = box.tane("backfill", "flow.py", *RANGE)
    assert again.code == 0 and again.out.splitlines()[-1] == "nothing to do: 4 windows succeeded before"


def test_json_has_every_window(box):
    found = box.tane("backfill", "flow.py", *RANGE, "--json").json
    assert [window["label"] for window in found["windows"]] == [f"2026-01-0{day}T0000" for day in (1, 2, 3, 4)]
    assert found["counts"] == {"succeeded": 4} and found["status"] == "succeeded"
    assert (box.root / "data/told/2026-01-04T0000.txt").read_text() == "2026-01-04T00:00:00 6"


def test_a_dry_run_lists_windows_and_records_nothing(box):
    ended = box.tane("backfill", "flow.py", *RANGE, "--dry-run")
    assert "4 of 4 windows to do" in ended.out and "doubled, told" in ended.out
    assert not (box.root / ".tane").exists()
    box.tane("backfill", "flow.py", *RANGE, "--limit", "1")
    planned = box.tane("backfill", "flow.py", *RANGE, "--dry-run", "--json").json
    assert [window["done"] for window in planned["windows"]] == [True, False, False, False]
    assert [step["action"] for step in planned["windows"][1]["steps"]] == ["reuse", "run"]


def test_its_status_is_told_and_it_is_gone_on_with(box):
    first = box.tane("backfill", "flow.py", *RANGE, "-n", "1", "--latest-first", "--json").json
    status = box.tane("backfill", "flow.py", "--status", "last")
    assert "4 windows: 3 not run, 1 succeeded" in status.out
    assert box.tane("backfill", "flow.py", "--status", first["id"], "--json").json["counts"]["not run"] == 3
    ended = box.tane("backfill", "flow.py", "--resume", first["id"])
    assert ended.code == 0 and f"backfill {first['id']} goes on" in ended.out


def test_runs_show_a_backfill_as_one_line(box):
    box.tane("run", "flow.py", "+window.start=2026-01-01", "+window.label=one")
    box.tane("backfill", "flow.py", *RANGE, BAD)
    listed = box.tane("runs", "flow.py")
    assert len(listed.out.splitlines()) == 3 and "3 of 4 windows" in listed.out
    assert len(box.tane("runs", "flow.py", "--all", "--json").json) == 7
    windows_of = box.tane("runs", "flow.py", "--backfill", "last", "--status", "failed", "--json").json
    assert [run["name"].partition("/")[2] for run in windows_of] == ["2026-01-03T0000"]
    shown = box.tane("show", windows_of[0]["name"], "-C", "flow.py")
    assert "no good" in shown.out and "another run was publishing" not in shown.out


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--from", "2026-01-01", "--every", "1d"), "--to is not said"),
        ((), "--from and --to and --every are not said"),
        ((*RANGE, "--status", "last"), "--status takes a backfill as it was asked for"),
        (("--resume", "last", "number=4"), "number=4 says it anew"),
        (("--from", "2026-01-01", "--to", "2026-01-04", "--every", "2d"), "no whole number of windows of 2d"),
        (("--from", "1/2/2026", "--to", "2026-01-04", "--every", "1d"), "did you mean 2026-02-01?"),
        (("nosuch", *RANGE), "there is no pipeline 'nosuch'"),
        (("--status", "last"), "there has been no backfill yet"),
        ((*RANGE, "window.start=2026-01-01"), "a backfill sets window.start"),
    ],
)
def test_what_cannot_be_meant_is_refused(box, arguments, what):
    ended = box.tane("backfill", "flow.py", *arguments)
    assert ended.code == 2 and what in ended.err


def test_many_windows_have_a_line_every_few_seconds(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(many.time, "monotonic", lambda: now[0])
    out = io.StringIO()
    shown = backfilling.Lines(out)
    cut = windows.cut("2026-01-01", "2026-01-11", "1h")
    shown.observe(backfill_leading.Began("ID", "p", cut, len(cut), False))
    for at, window in enumerate(cut):
        now[0] += 0.125
        status = "failed" if at == 5 else "reused" if at == 7 else "succeeded"
        state = backfill_records.State(window, status, "run", 0.1, "boom\n  hint: mend" if at == 5 else "")
        shown.observe(backfill_leading.WindowEnded(state, at + 1, len(cut)))
    lines = out.getvalue().splitlines()
    assert lines[1].split() == ["FAILED", "2026-01-01T0500", "boom"]
    assert lines[2] == "  16 of 240 windows, 1 failed, 1 reused, about 28.0 s left"
    assert len(lines) == 16


def test_windows_that_stand_alike_have_one_line():
    cut = windows.cut("2026-01-01", "2026-01-02", "1h")
    states = tuple(
        backfill_records.State(window, "failed" if at == 4 else "succeeded", "run", 1.0, "boom" if at == 4 else "")
        for at, window in enumerate(cut)
    )
    found = backfill_records.Backfill("ID", "p", RunStatus.FAILED, "1h", states, 9.0)
    rows = [line.split() for line in backfilling.ended_text(found).splitlines()]
    assert rows[1:4] == [
        ["2026-01-01T0000", "..", "2026-01-01T0300", "4", "succeeded", "4.0", "s"],
        ["2026-01-01T0400", "1", "failed", "1.0", "s", "boom"],
        ["2026-01-01T0500", "..", "2026-01-01T2300", "19", "succeeded", "19.0", "s"],
    ]
    assert json.loads(json.dumps(found.as_dict()))["windows"][4]["error"] == "boom"
