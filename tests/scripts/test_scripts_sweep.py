"""`python train.py -m`: one job for each combination, each a run and a folder."""

from __future__ import annotations

import json
import signal

import pytest

SCRIPT = """
import os, time
import tane


@tane.main
def train(a=1, b=2):
    print("a is", a)
    if a == 13:
        raise ValueError("unlucky")
    if a == 14:
        os.kill(os.getpid(), 9)
    if a == 15:
        print("up", flush=True)
        time.sleep(60)
    return a * b


if __name__ == "__main__":
    train()
"""


@pytest.fixture
def script(folder):
    folder.write("train.py", SCRIPT)
    return folder


def jobs(folder):
    (own,) = (folder.root / "multirun").glob("*/*")
    return own, {path.name: path for path in own.iterdir() if path.is_dir()}


@pytest.mark.parametrize("at_once", [[], ["-j", "2"]])
def test_each_combination_is_a_run_and_a_folder(script, at_once):
    told = script.python("train.py", "-m", "a=1,2", "b=3,5,7", *at_once)
    assert told.code == 0, told.err
    own, folders = jobs(script)
    assert sorted(folders) == ["0", "1", "2", "3", "4", "5"]
    assert json.loads((folders["4"] / "result.json").read_text()) == 10
    assert (folders["4"] / "config.yaml").read_text() == "a: 2\nb: 5\n"
    assert (folders["4"] / "output.txt").read_text() == "a is 2\n"
    assert "6 of 6 jobs succeeded" in told.out
    runs = sorted(script.runs(), key=lambda run: run["trial"])
    assert [run["trial"] for run in runs] == [0, 1, 2, 3, 4, 5] and len({run["study"] for run in runs}) == 1
    assert [run["metrics"]["result"] for run in runs] == [3, 5, 7, 6, 10, 14]
    assert (own / "summary.csv").read_text().splitlines()[0].startswith("job,a,b,status,took,result,run")


@pytest.mark.parametrize("at_once", [[], ["-j", "2"]])
def test_a_failing_job_stops_no_other(script, at_once):
    told = script.python("train.py", "-m", "a=1,13,3", *at_once)
    assert told.code == 1
    assert "2 of 3 jobs succeeded, 1 failed" in told.out and "unlucky" in told.out
    assert sorted(run["status"] for run in script.runs()) == ["failed", "succeeded", "succeeded"]


def test_a_job_that_is_killed_stops_no_other(script):
    told = script.python("train.py", "-m", "a=1,14,3", "-j", "2")
    assert told.code == 1 and "killed by signal 9" in told.out and "2 of 3 jobs succeeded" in told.out


def test_a_sweep_is_one_of_the_ledger_and_goes_on_with_what_is_missing(script):
    script.python("train.py", "-m", "a=1,13,3")
    (study,) = {run["study"] for run in script.runs()}
    script.write("train.py", SCRIPT.replace("a == 13", "a == 0"))
    told = script.python("train.py", "-m", "--resume", "last")
    assert told.code == 0, told.err
    assert "1 job in" in told.out and "#1 a=13" in told.out
    assert [run["study"] for run in script.runs()] == [study] * 4
    again = script.python("train.py", "--resume", study)
    assert "nothing to do, all 3 jobs succeeded before" in again.out


def test_an_interrupted_sweep_says_how_to_go_on(script):
    process = script.start("train.py", "-m", "a=1,15,3")
    while "up" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 130 and "-m --resume" in out
    script.write("train.py", SCRIPT.replace("a == 15", "a == 0"))
    assert "2 of 2 jobs succeeded" in script.python("train.py", "-m", "--resume", "last").out


@pytest.mark.parametrize(
    "words, said",
    [
        (["a=1,2", "c=3"], "no parameter 'c'"),
        (["a="], "a"),
        (["a=range(1,1)"], "range"),
    ],
)
def test_mistakes_are_told_before_any_job_begins(script, words, said):
    told = script.python("train.py", "-m", *words)
    if told.code == 0:
        pytest.fail(told.out)
    assert said in told.err and "Started" not in told.out


def test_mistakes_of_all_jobs_are_told_at_once(script):
    told = script.python("train.py", "-m", "a=1,x,y", "c=3")
    assert told.code == 2
    assert told.err.count("no parameter 'c'") == 1 and "a=x" in told.err and "a=y" in told.err


def test_equal_jobs_are_done_once(script):
    assert "1 job in" in script.python("train.py", "-m", "a=2,2").out


def test_the_results_come_back_by_number(script):
    script.write("train.py", SCRIPT.replace("    train()", "    print('back:', train())"))
    assert "back: {0: 2, 1: 4}" in script.python("train.py", "-m", "a=1,2").out
    assert "back: 6" in script.python("train.py", "a=3").out
