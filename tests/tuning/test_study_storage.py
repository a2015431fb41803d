"""The ledger as a storage of Optuna."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

optuna = pytest.importorskip("optuna")
pytest_storages = pytest.importorskip("optuna.testing.pytest_storages")

import tane  # noqa: E402
from tane.ledger import connection, studies  # noqa: E402
from tane.outcomes import TrialState  # noqa: E402
from tane.tuning import optuna_storage, spaces  # noqa: E402

OPTIMIZE = """
import pathlib, sys, optuna, tane
optuna.logging.set_verbosity(optuna.logging.ERROR)
study = optuna.load_study(study_name="s", storage=tane.LedgerStorage(sys.argv[1]))
def objective(trial):
    x = trial.suggest_float("x", -10, 10)
    trial.report(x, 0)
    trial.set_user_attr("by", sys.argv[2])
    print(trial.number, flush=True)
    if sys.argv[3:]:
        sys.stdin.readline()
    return x ** 2
study.optimize(objective, n_trials=15)
"""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(optuna.logging.INFO)


@pytest.fixture
def storage(tmp_path: Path) -> optuna_storage.LedgerStorage:
    return optuna_storage.LedgerStorage(tmp_path / "ledger.db")


def new(storage: Any, **more: Any) -> Any:
    return optuna.create_study(storage=storage, study_name="s", **more)


def worker(path: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", OPTIMIZE, str(path), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


class TestLedgerStorage(pytest_storages.StorageTestCase):  # type: ignore[misc,name-defined]
    """Optuna's own suite."""


def test_processes_share_a_study_and_lose_nothing(storage: Any, tmp_path: Path) -> None:
    study = new(storage)
    both = [worker(tmp_path / "ledger.db", name) for name in ("a", "b")]
    study.optimize(lambda trial: trial.suggest_float("x", -10, 10) ** 2, n_trials=10)
    for each in both:
        each.communicate(timeout=60)
    trials = study.get_trials()
    assert [trial.number for trial in trials] == list(range(40))
    assert all(trial.value == trial.params["x"] ** 2 for trial in trials)
    assert sum(trial.user_attrs.get("by") == "a" for trial in trials) == 15
    assert study.best_value == min(trial.value for trial in trials)


def test_threads_share_a_storage(storage: Any) -> None:
    study = new(storage)
    threads = [
        threading.Thread(
            target=study.optimize, args=(lambda trial: trial.suggest_int("x", 0, 9),), kwargs={"n_trials": 10}
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    fresh = optuna_storage.LedgerStorage(storage._path).get_all_trials(study._study_id)
    assert [trial.number for trial in fresh] == list(range(40))
    assert fresh == study.get_trials()


def test_what_a_killed_process_had_finished_stays(storage: Any, tmp_path: Path) -> None:
    study = new(storage)
    process = worker(tmp_path / "ledger.db", "a", "wait")
    assert process.stdin is not None
    assert process.stdout is not None
    for number in range(3):
        assert process.stdout.readline() == f"{number}\n"
        if number < 2:
            process.stdin.write("\n")
            process.stdin.flush()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    states = [trial.state.name for trial in study.get_trials()]
    assert states == ["COMPLETE", "COMPLETE", "RUNNING"]


def test_trials_of_processes_that_are_gone_are_failed_by_who_beats(storage: Any, tmp_path: Path) -> None:
    new(storage)
    gone: list[int] = []
    beating = optuna_storage.LedgerStorage(
        tmp_path / "ledger.db",
        heartbeat_interval=1,
        heartbeat_stale_trial_callback=lambda study, trial: gone.append(trial.number),
    )
    study = optuna.load_study(study_name="s", storage=beating)
    beating.create_new_trial(study._study_id)
    with storage._ledger.writing() as db:
        db.execute("update trials set pid = 0, process = '', lease = 0, host = ?", (os.uname().nodename,))
    study.optimize(lambda trial: 1.0, n_trials=1)
    assert gone == [0]
    assert [trial.state.name for trial in study.get_trials()] == ["FAIL", "COMPLETE"]


def test_a_forked_process_begins_anew(storage: Any) -> None:
    study = new(storage)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    child = os.fork()
    if child == 0:
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
        os._exit(len(study.trials))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 4
    assert len(study.trials) == 4


def test_a_study_of_ours_is_seen_by_optuna_with_its_space(storage: Any) -> None:
    space = spaces.parse({"layers": [[1, 2], [3]], "lr": {"low": 0.1, "high": 1.0, "log": True}})
    ledger = storage._ledger
    ours = studies.open_study(ledger, "ours", kind="study", directions=["maximize"], space=space.plain())
    trial = studies.claim(ledger, ours, fresh=True)
    assert trial is not None
    trial = studies.choose(ledger, trial, {"layers": [3], "lr": 0.5})
    studies.finish(ledger, trial, TrialState.COMPLETE, values=[2.0])
    seen = optuna.load_study(study_name="ours", storage=storage)
    assert seen.best_params == {"layers": "[3]", "lr": 0.5}
    assert seen.best_trial.distributions["lr"] == optuna.distributions.FloatDistribution(0.1, 1.0, log=True)
    asked = seen.ask()
    asked.suggest_categorical("layers", ["[1, 2]", "[3]"])
    assert studies.trials(ledger, ours)[1].point["layers"] in ([1, 2], [3])


def test_points_that_were_enqueued_for_optuna_are_taken_first(storage: Any) -> None:
    study = new(storage)
    study.enqueue_trial({"x": 0.25})
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    assert study.trials[0].params == {"x": 0.25}


def test_a_storage_is_found_by_the_folder_of_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    optuna.create_study(storage=tane.LedgerStorage(), study_name="here")
    with connection.open_ledger(tmp_path / ".tane" / "ledger.db").reading():
        pass
    assert tane.LedgerStorage(tmp_path).get_study_id_from_name("here") == 1


def test_pruners_of_optuna_work_on_it(storage: Any) -> None:
    def objective(trial: Any) -> float:
        x = float(trial.number)
        for step in range(3):
            trial.report(x, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return x

    study = new(storage, pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2))
    study.optimize(objective, n_trials=6)
    states = [trial.state.name for trial in study.get_trials()]
    assert states[0] == "COMPLETE"
    assert "PRUNED" in states
