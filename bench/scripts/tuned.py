"""100 trials of (x - 2)^2 by the way named: python tuned.py WAY. One trial before them imports everything."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from watch import Watch

TRIALS = 100
WAY = sys.argv[1]


def square(x: float) -> float:
    return (x - 2) ** 2


def optuna_trials(storage: Any, trials: int, name: str) -> float:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(study_name=name, storage=storage, sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(lambda trial: square(trial.suggest_float("x", -10, 10)), n_trials=trials)
    return float(study.best_params["x"])


def storage() -> Any:
    """An empty storage of that kind."""
    match WAY:
        case "optuna-memory":
            return None
        case "optuna-journal":
            from optuna.storages import JournalStorage, journal

            return JournalStorage(journal.JournalFileBackend("journal.log"))
        case "optuna-sqlite":
            return "sqlite:///optuna.db"
        case _:
            import tane

            return tane.LedgerStorage()


def tune(trials: int, name: str) -> float:
    import tane

    found = tane.tune(square, {"x": {"low": -10.0, "high": 10.0}}, trials=trials, sampler="tpe", study=name)
    return float(found.best_params["x"])


def skopt(trials: int) -> float:
    from skopt import gp_minimize

    found = gp_minimize(lambda point: square(point[0]), [(-10.0, 10.0)], n_calls=trials, random_state=0)
    return float(found.x[0])


def search(trials: int, name: str) -> float:
    if WAY == "skopt":
        return skopt(trials)
    return tune(trials, name) if WAY == "tane.tune" else optuna_trials(storage(), trials, name)


Path("flow.py").touch()
search(12, "warm")
with Watch():
    best = search(TRIALS, "timed")
assert abs(best - 2) < 0.5, best
