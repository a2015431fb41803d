"""Studies in the ledger: trials are handed out once, counted over all workers, and come back when a worker is gone."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tane import errors
from tane.ledger import connection, studies
from tane.outcomes import TrialState

WORKER = """
import pathlib, sys
from tane.ledger import connection, studies
from tane.outcomes import TrialState
ledger = connection.open_ledger(pathlib.Path(sys.argv[1]))
study = studies.find(ledger, "s")
sys.stdin.readline()
while (trial := studies.claim(ledger, study, sys.argv[2], fresh=True)) is not None:
    print(trial.number, flush=True)
    if sys.argv[3:]:
        sys.stdin.readline()
    studies.finish(ledger, trial, TrialState.COMPLETE, values=[trial.number])
"""


def worker(path: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(path), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def new(ledger: connection.Ledger, kind: str = "study", total: int | None = None) -> studies.Study:
    return studies.open_study(ledger, "s", kind=kind, directions=["minimize"], space={"x": [0, 1]}, total=total)


def test_a_study_is_found_by_the_beginning_of_its_name(ledger: connection.Ledger) -> None:
    made = studies.open_study(ledger, "training", kind="study")
    assert studies.find(ledger, "train") == made
    with pytest.raises(errors.UsageError, match="did you mean 'training'"):
        studies.find(ledger, "trainign")


def test_a_study_goes_on_under_its_name_and_takes_another_total(ledger: connection.Ledger) -> None:
    first = new(ledger, total=3)
    again = new(ledger, total=5)
    assert (again.id, again.total) == (first.id, 5)


def test_a_changed_space_is_refused(ledger: connection.Ledger) -> None:
    new(ledger)
    with pytest.raises(errors.UsageError, match=r"x was \[0,1\] and is \[0,2\]; y is new"):
        studies.open_study(ledger, "s", kind="study", directions=["minimize"], space={"x": [0, 2], "y": [1]})
    with pytest.raises(errors.UsageError, match="directions"):
        studies.open_study(ledger, "s", kind="study", directions=["maximize"], space={"x": [0, 1]})
    with pytest.raises(errors.UsageError, match="is a study, not a sweep"):
        studies.open_study(ledger, "s", kind="sweep", directions=["minimize"], space={"x": [0, 1]})


def test_a_point_that_was_asked_for_before_comes_back_as_it_is(ledger: connection.Ledger) -> None:
    study = new(ledger, "sweep")
    first, second = studies.enqueue(ledger, study, [{"a": 1, "b": 2}, {"a": 2, "b": 2}])
    claimed = studies.claim(ledger, study)
    assert claimed is not None
    studies.finish(ledger, claimed, TrialState.COMPLETE, values=[0.5], run="r")
    again = studies.enqueue(ledger, study, [{"b": 2, "a": 1}, {"a": 3, "b": 2}])
    assert [trial.number for trial in (first, second, *again)] == [0, 1, 0, 2]
    assert (again[0].state, again[0].values, again[0].run) == (TrialState.COMPLETE, (0.5,), "r")


def test_what_waits_is_handed_out_in_order_and_once(ledger: connection.Ledger) -> None:
    study = new(ledger, "sweep")
    studies.enqueue(ledger, study, [{"a": 1}, {"a": 2}])
    taken = [studies.claim(ledger, study), studies.claim(ledger, study), studies.claim(ledger, study)]
    assert [trial and trial.point for trial in taken] == [{"a": 1}, {"a": 2}, None]


def test_no_more_are_handed_out_than_a_lowered_total_has(ledger: connection.Ledger) -> None:
    study = new(ledger, "sweep")
    studies.enqueue(ledger, study, [{"a": 1}, {"a": 2}, {"a": 3}])
    studies.set_total(ledger, study, 1)
    assert [studies.claim(ledger, study) is None, studies.claim(ledger, study, fresh=True) is None] == [False, True]
    studies.set_total(ledger, study, 2)
    again = studies.claim(ledger, study)
    assert again is not None
    assert again.point == {"a": 2}


def test_nan_and_infinities_of_a_trial_are_kept(ledger: connection.Ledger) -> None:
    study = new(ledger)
    trial = studies.claim(ledger, study, fresh=True)
    assert trial is not None
    studies.report(ledger, trial.id, 0, math.nan)
    studies.report(ledger, trial.id, 1, math.inf)
    studies.finish(ledger, trial, TrialState.COMPLETE, values=[math.inf, math.nan])
    values = studies.trials(ledger, study)[0].values
    assert values[0] == math.inf
    assert math.isnan(values[1])
    said = studies.reports(ledger, study.id)[trial.id]
    assert math.isnan(said[0])
    assert said[1] == math.inf


def test_a_released_trial_waits_again_and_counts_as_no_attempt(ledger: connection.Ledger) -> None:
    study = new(ledger)
    trial = studies.claim(ledger, study, fresh=True)
    assert trial is not None
    trial = studies.choose(ledger, trial, {"x": 1})
    assert studies.release(ledger, trial)
    again = studies.claim(ledger, study)
    assert again is not None
    assert (again.number, again.point, again.attempts) == (0, {"x": 1}, 1)


def test_failed_trials_can_be_done_once_more(ledger: connection.Ledger) -> None:
    study = new(ledger)
    trial = studies.claim(ledger, study, fresh=True)
    assert trial is not None
    studies.finish(ledger, trial, TrialState.FAILED, error="boom")
    assert studies.requeue(ledger, study, [TrialState.FAILED]) == 1
    assert studies.states(ledger, study) == {TrialState.WAITING: 1}


def test_the_total_is_counted_over_all_processes(ledger: connection.Ledger, path: Path) -> None:
    study = new(ledger, total=40)
    workers = [worker(path, str(number)) for number in range(3)]
    for each in workers:
        each.stdin.write("\n") if each.stdin else None
        each.stdin.flush() if each.stdin else None
    done = [int(number) for each in workers for number in each.communicate()[0].split()]
    assert sorted(done) == list(range(40))
    assert studies.states(ledger, study) == {TrialState.COMPLETE: 40}


def test_a_trial_whose_process_was_killed_is_done_by_another_at_once(ledger: connection.Ledger, path: Path) -> None:
    study = new(ledger, total=5)
    killed = worker(path, "0", "wait")
    assert killed.stdin is not None
    assert killed.stdout is not None
    killed.stdin.write("\n")
    killed.stdin.flush()
    assert killed.stdout.readline() == "0\n"
    assert studies.states(ledger, study) == {TrialState.RUNNING: 1}
    other = studies.claim(ledger, study, fresh=True)
    assert other is not None
    assert other.number == 1, "a trial under way is left to its worker"
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    again = studies.claim(ledger, study, fresh=True)
    assert again is not None
    assert (again.number, again.attempts) == (0, 2)


def test_a_trial_that_kills_its_process_each_time_is_put_down_as_failed(ledger: connection.Ledger) -> None:
    study = new(ledger, total=1)
    for _ in range(studies.ATTEMPTS):
        assert studies.claim(ledger, study, fresh=True) is not None
        _forget_process(ledger)
    assert studies.claim(ledger, study, fresh=True) is None
    (trial,) = studies.trials(ledger, study)
    assert (trial.state, trial.error) == (TrialState.FAILED, "its process died 3 times")


def test_who_lost_a_trial_cannot_end_it(ledger: connection.Ledger) -> None:
    study = new(ledger, total=1)
    lost = studies.claim(ledger, study, fresh=True)
    _forget_process(ledger)
    taken = studies.claim(ledger, study)
    assert lost is not None
    assert taken is not None
    assert not studies.finish(ledger, lost, TrialState.FAILED)
    with pytest.raises(errors.UsageError, match="another worker"):
        studies.choose(ledger, lost, {"x": 1})
    assert studies.finish(ledger, taken, TrialState.COMPLETE, values=[1])


def test_a_lease_keeps_a_trial_of_another_machine(ledger: connection.Ledger) -> None:
    study = new(ledger, total=1)
    trial = studies.claim(ledger, study, fresh=True)
    assert trial is not None
    with ledger.writing() as db:
        db.execute("update trials set host = 'elsewhere', process = '', lease = ?", (time.time() - 1,))
    studies.renew(ledger, [trial])
    assert studies.claim(ledger, study) is None
    with ledger.writing() as db:
        db.execute("update trials set lease = ?", (time.time() - 1,))
    assert studies.claim(ledger, study) is not None


def _forget_process(ledger: connection.Ledger) -> None:
    """As if the process that runs all trials had been another one, which is gone."""
    with ledger.writing() as db:
        db.execute(
            "update trials set pid = 0, process = '', lease = 0, host = ? where state = 'running'",
            (os.uname().nodename,),
        )
