"""Which trials are stopped early: as Optuna's pruners of the same name would."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tane.tuning import pruners

MEDIAN = {**pruners.OURS["median"]}
HALVING = {**pruners.OURS["successive_halving"]}
NUMBERS = st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.5, math.nan])


def theirs(pruner: Any, others: list[list[float]], mine: list[float]) -> list[bool]:
    """What a pruner of Optuna says after each of my reports, while others are complete."""
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(pruner=pruner)
    for said in others:
        trial = study.ask()
        for step, value in enumerate(said):
            trial.report(value, step)
            trial.should_prune()  # rungs are noted then
        study.tell(trial, 0.0)
    trial = study.ask()
    found = []
    for step, value in enumerate(mine):
        trial.report(value, step)
        found.append(bool(trial.should_prune()))
    return found


@pytest.mark.filterwarnings("ignore:All-NaN")
@given(
    st.lists(st.lists(NUMBERS, min_size=1, max_size=4), max_size=8),
    st.lists(NUMBERS, min_size=1, max_size=4),
    st.integers(0, 5),
    st.integers(0, 2),
    st.integers(1, 3),
)
@settings(max_examples=60, deadline=None)
def test_median_judges_as_optuna_does(
    others: list[list[float]], mine: list[float], startup: int, warmup: int, interval: int
) -> None:
    optuna = pytest.importorskip("optuna")
    options = {**MEDIAN, "n_startup_trials": startup, "n_warmup_steps": warmup, "interval_steps": interval}
    ours = [
        bool(
            pruners.behind(
                dict(enumerate(mine[: step + 1])),
                [said[step] for said in others if step < len(said)],
                len(others),
                step,
                options,
            )
        )
        for step in range(len(mine))
    ]
    assert ours == theirs(optuna.pruners.MedianPruner(startup, warmup, interval), others, mine)


@given(
    st.lists(st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.5]), min_size=5, max_size=5), max_size=8),
    st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.5]), min_size=5, max_size=5),
    st.integers(2, 4),
)
@settings(max_examples=60, deadline=None)
def test_halving_judges_as_optuna_does(others: list[list[float]], mine: list[float], factor: int) -> None:
    optuna = pytest.importorskip("optuna")
    options = {**HALVING, "reduction_factor": factor}
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=factor)
    ours = []
    for step in range(len(mine)):
        said = dict(enumerate(mine[: step + 1]))
        ours.append(bool(pruners.halved(said, [dict(enumerate(each)) for each in others], step, options)))
    there = theirs(pruner, others, mine)
    first = there.index(True) if True in there else len(there)
    assert ours[: first + 1] == there[: first + 1]  # a trial ends where it is pruned


def test_what_is_not_a_number_is_pruned() -> None:
    assert pruners.halved({1: math.nan}, [], 1, HALVING) == "not a number"
    assert pruners.behind({0: math.nan}, [1.0], 5, 0, MEDIAN) == "not a number"


def test_settings_that_a_pruner_does_not_have_are_told() -> None:
    faults: list[Any] = []
    pruners.read({"name": "median", "n_startup_trial": 3}, lambda *keys: "here", faults)
    assert str(faults[0]) == (
        "here: pruner median has no setting 'n_startup_trial'\n  hint: did you mean 'n_startup_trials'?"
    )
