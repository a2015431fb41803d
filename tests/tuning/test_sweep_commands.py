"""`tane sweep` and `tane run -m`, as a user gives them."""

from __future__ import annotations

import csv
import json
import signal
import time

import sweep_flows
from click.testing import CliRunner

from tane.cli import group

Flow = sweep_flows.Flow


def run(flow: Flow, *arguments: str) -> tuple[int, str, str]:
    """The command in this process, with the flow's own file in place of FLOW."""
    given = [str(flow.root / "flow.py") if word == "FLOW" else word for word in arguments]
    done = CliRunner().invoke(group.tane, [*given], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.return_value or 0, done.stdout, done.stderr


def test_jobs_are_listed_before_they_begin_and_told_as_they_end(flow: Flow) -> None:
    code, out, _ = run(flow, "run", "FLOW", "-m", "model.kind=ridge,lasso", "model.rate=0.01")
    lines = out.splitlines()
    assert code == 0
    assert lines[0].endswith("pipeline __default__, 2 jobs")
    assert [line.split() for line in lines[1:3]] == [["#0", "model.kind=ridge"], ["#1", "model.kind=lasso"]]
    assert "2 steps that all jobs share" in out
    assert out.index("done     #0") < out.index("done     #1")
    assert "2 jobs: 2 succeeded" in lines[-1]


def test_the_table_is_sorted_and_failures_have_their_first_line(flow: Flow) -> None:
    code, out, err = run(flow, "sweep", "FLOW", "model.rate=1,-1,3", "--sort", "error", "--minimize")
    table = out[out.index("job  model.rate") :].splitlines()
    assert code == 1
    assert table[0].split() == ["job", "model.rate", "error", "score", "status", "took", "run"]
    assert [line.split()[0] for line in table[1:4]] == ["#2", "#0", "#1"]
    assert table[4] == "failed:"
    assert "#1" in table[5]
    assert "rate -1 is below 0" in table[5]
    assert "1 of 3 jobs failed" in err


def test_as_json_with_every_job(flow: Flow) -> None:
    code, out, _ = run(flow, "sweep", "FLOW", "model.rate=1,2", "--sort", "score", "--json")
    said = json.loads(out)
    assert (code, said["status"], said["counts"]) == (0, "succeeded", {"succeeded": 2})
    assert [job["values"]["model.rate"] for job in said["points"]] == [2, 1]
    assert said["points"][0]["metrics"]["score"] == 12.0


def test_a_dry_run_lists_the_jobs(flow: Flow) -> None:
    code, out, _ = run(flow, "sweep", "FLOW", "scale=1,2", "model.rate=1,2", "--dry-run")
    assert code == 0
    assert "4 of 4 jobs to do" in out
    assert "#3   scale=2  model.rate=2  clean, features, fit" in out
    assert not flow.calls


def test_each_job_is_laid_out_as_a_folder_of_its_own(flow: Flow) -> None:
    target = flow.root / "jobs"
    run(flow, "sweep", "FLOW", "model.rate=1,2", "--sort", "score", "--folders", str(target))
    (own,) = target.glob("*/*")
    assert sorted(path.name for path in own.iterdir()) == ["0", "1", "summary.csv", "summary.json"]
    assert json.loads((own / "1/data/model.json").read_text())["weight"] == 2
    assert json.loads((own / "0/params.json").read_text())["model"]["rate"] == 1
    with (own / "summary.csv").open(newline="") as file:
        assert [row["number"] for row in csv.DictReader(file)] == ["1", "0"]
    assert len(json.loads((own / "summary.json").read_text())["points"]) == 2


def test_folders_of_a_sweep_that_goes_on_get_the_rest(flow: Flow) -> None:
    target = flow.root / "jobs"
    run(flow, "sweep", "FLOW", "model.rate=1,-1", "--folders", str(target))
    (first,) = target.glob("*/*/0/run.json")
    before = first.stat().st_mtime_ns
    run(flow, "sweep", "FLOW", "model.rate=1,-1", "--folders", str(target))
    assert first.stat().st_mtime_ns == before
    assert (first.parent.parent / "1.before-1/run.json").exists()


def test_sweeps_are_listed_and_shown(flow: Flow) -> None:
    run(flow, "sweep", "FLOW", "model.rate=1,2")
    _, listed, _ = run(flow, "sweep", "FLOW", "--list", "--json")
    (only,) = json.loads(listed)
    assert only["over"] == ["model.rate"]
    code, out, _ = run(flow, "sweep", "FLOW", "--show", only["id"][-8:], "--sort", "score")
    assert code == 0
    assert out.splitlines()[0].startswith(f"sweep {only['id']} succeeded")
    assert [line.split()[0] for line in out.splitlines()[2:4]] == ["#1", "#0"]


def test_what_a_sweep_has_said_is_not_said_anew(flow: Flow) -> None:
    code, _, err = _by_command(flow, "sweep", "flow.py", "model.rate=1,2", "--resume", "x")
    assert code == 2
    assert "--resume takes a sweep as it was asked for, and model.rate=1,2 says it anew" in err


def test_options_about_one_run_do_not_go_with_many(flow: Flow) -> None:
    code, _, err = _by_command(flow, "run", "flow.py", "-m", "model.rate=1,2", "--name", "x")
    assert code == 2
    assert "--multirun runs many jobs, and --name is about one run" in err


def test_values_with_a_comma_without_multirun_say_how_to_sweep(flow: Flow) -> None:
    code, _, err = _by_command(flow, "run", "flow.py", "model.rate=1,2")
    assert code == 2
    assert "sweep" in err


def test_killed_in_the_middle_it_goes_on_where_it_was(flow: Flow) -> None:
    flow.edit("conf/base/parameters.yml", "pause: 0.0", "pause: 0.15")
    words = ("sweep", "flow.py", "scale=1,2", "model.rate=1,2,3", "-j", "2")
    going = flow.start(*words)
    assert going.stdout is not None
    for line in going.stdout:
        if line.startswith("  done     #"):
            break
    going.send_signal(signal.SIGKILL)
    going.communicate()
    time.sleep(0.3)  # until its workers have seen it
    code, out, _ = _by_command(flow, *words, "--json")
    said = json.loads(out)
    assert (code, said["counts"]) == (0, {"succeeded": 6})
    assert 1 <= said["done_before"] < 6
    done = sorted(count for name, count in flow.calls.items() if not name.startswith("fit"))
    assert done[:-1] == [1] * (len(done) - 1)
    assert done[-1] <= 2  # one that some jobs share may have been under way
    assert sum(flow.calls.values()) <= 1 + 2 + 6 + 4  # four were handed out when it was killed


def test_interrupted_it_ends_clean_and_can_be_resumed(flow: Flow) -> None:
    flow.edit("conf/base/parameters.yml", "pause: 0.0", "pause: 0.2")
    going = flow.start("sweep", "flow.py", "model.rate=1,2,3,4", "-j", "2")
    assert going.stdout is not None
    for line in going.stdout:
        if line.startswith("  done     #"):
            break
    going.send_signal(signal.SIGINT)
    _, err = going.communicate(timeout=30)
    assert going.returncode == 130
    assert "was interrupted" in err
    assert "Traceback" not in err
    code, said, _ = _by_command(flow, "sweep", "flow.py", "--resume", "last", "--json")
    assert code == 0
    assert json.loads(said)["counts"] == {"succeeded": 4}
    runs = json.loads(_by_command(flow, "runs", "--json")[1])
    assert not [each for each in (runs if isinstance(runs, list) else runs["runs"]) if each["status"] == "running"]


def test_the_same_command_again_finds_its_sweep_in_any_process(flow: Flow) -> None:
    words = ("sweep", "flow.py", "model.rate=1,2", "model.kind=ridge,lasso", "--json")
    first, again = (json.loads(_by_command(flow, *words)[1]) for _ in range(2))
    assert (again["id"], again["done_before"]) == (first["id"], 4)


def test_a_worker_that_dies_fails_its_job_alone(flow: Flow) -> None:
    flow.edit("flow.py", "    if rate < 0:", "    if rate == 2:\n        os._exit(7)\n    if rate < 0:")
    found = flow.sweep("model.rate=1,2,3,4", jobs=2)
    assert [state.status for state in found] == ["succeeded", "failed", "succeeded", "succeeded"]
    assert "the worker process died (exit code 7)" in found[1].error


def _by_command(flow: Flow, *arguments: str) -> tuple[int, str, str]:
    done = flow.tane(*arguments)
    return done.returncode, done.stdout, done.stderr
