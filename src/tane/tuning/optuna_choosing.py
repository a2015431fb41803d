"""Choosing points, pruning and weighing parameters by Optuna, on the ledger as its storage.

Loaded through `choices.optunas`. A trial's point depends on the seed, its number and what others have come to, so that
it does not matter which worker chooses it.
"""

from __future__ import annotations

import functools
import importlib
import os
import random
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.samplers._lazy_random_state import LazyRandomState

from tane import errors
from tane.ledger import connection, studies
from tane.tuning import choices, optuna_storage, pruners, samplers, spaces

_SAMPLERS: Mapping[str, str] = {
    "tpe": "TPESampler",
    "cmaes": "CmaEsSampler",
    "gp": "GPSampler",
    "nsgaii": "NSGAIISampler",
    "nsgaiii": "NSGAIIISampler",
    "brute_force": "BruteForceSampler",
    "qmc": "QMCSampler",
}
_PRUNERS: Mapping[str, str] = {
    "median": "MedianPruner",
    "percentile": "PercentilePruner",
    "successive_halving": "SuccessiveHalvingPruner",
    "hyperband": "HyperbandPruner",
    "patient": "PatientPruner",
    "threshold": "ThresholdPruner",
    "wilcoxon": "WilcoxonPruner",
    "none": "NopPruner",
}
_NEEDS = {"cmaes": ("cmaes",), "gp": ("torch", "scipy"), "wilcoxon": ("scipy",)}


def check(choice: choices.Choice) -> None:
    """Raises `errors.ConfigError` when this sampler cannot be made: a setting that it does not have, or a package."""
    _sampler(choice, 0)


def check_pruner(choice: choices.Choice) -> None:
    """Raises `errors.ConfigError` when this pruner cannot be made."""
    _pruner(choice)


def chooser(
    ledger: connection.Ledger,
    study: studies.Study,
    space: spaces.Space,
    sampler: choices.Choice,
    pruner: choices.Choice,
    seed: int,
) -> samplers.Chooser:
    """Chooses points for trials of a study, and puts them down."""
    storage = optuna_storage.LedgerStorage(ledger)
    chosen = _sampler(sampler, seed)
    loaded = optuna.load_study(study_name=study.name, storage=storage, sampler=chosen, pruner=_pruner(pruner))

    def choose(trial: studies.Trial) -> Mapping[str, Any]:
        _reseed(chosen, random.Random(f"{seed}/{trial.number}").getrandbits(32))
        loaded._thread_local.cached_all_trials = None  # as `Study.ask` does: others have come to their ends since
        asked = optuna.trial.Trial(loaded, trial.id)

        def value(index: int, parameter: spaces.Parameter) -> Any:
            found = asked._suggest(parameter.name, optuna_storage.distribution(parameter))
            if parameter.kind == "choice":
                return parameter.choices[parameter.labels.index(found)]
            return parameter.tidy(found)

        return space.point(value)

    return choose


def prunes(watch: pruners.Watch) -> str:
    """Why the trial is to be pruned after its last report; empty when it goes on."""
    study = _watched(watch.ledger, watch.study, watch.pruner.name, repr(watch.pruner.options), os.getpid())
    study.pruner = _pruner(watch.pruner)
    trial = study._storage.get_trial(watch.trial.id)
    return f"{watch.pruner.name} stops it" if study.pruner.prune(study, trial) else ""


@functools.lru_cache(maxsize=4)
def _watched(ledger: str, study: str, pruner: str, options: str, process: int) -> optuna.Study:
    return optuna.load_study(study_name=study, storage=optuna_storage.LedgerStorage(Path(ledger)))


def importances(ledger: connection.Ledger, study: str) -> dict[str, float]:
    """How much each parameter matters, by Optuna's fANOVA."""
    loaded = optuna.load_study(study_name=study, storage=optuna_storage.LedgerStorage(ledger))
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)  # the default is another one since Optuna 5
    return dict(optuna.importance.get_param_importances(loaded, evaluator=evaluator))


def _reseed(sampler: optuna.samplers.BaseSampler, seed: int) -> None:
    """Have a sampler draw as one that was made with this seed: to make one anew takes longer than to choose."""
    for holder in (sampler, *vars(sampler).values()):
        for each in vars(holder).values() if isinstance(holder, optuna.samplers.BaseSampler) else ():
            if isinstance(each, LazyRandomState):
                each.rng.seed(seed)


def _sampler(choice: choices.Choice, seed: int) -> optuna.samplers.BaseSampler:
    kind = getattr(optuna.samplers, _SAMPLERS[choice.name])
    made = _made(kind, choice, f"sampler {choice.name}", seed=seed)
    assert isinstance(made, optuna.samplers.BaseSampler)
    return made


def _pruner(choice: choices.Choice) -> optuna.pruners.BasePruner:
    options = dict(choice.options)
    if choice.name == "patient":
        inner = options.pop("wrapped", "median")
        options["wrapped_pruner"] = None if inner is None else _pruner(choices.Choice(str(inner)))
    kind = getattr(optuna.pruners, _PRUNERS[choice.name])
    made = _made(kind, choices.Choice(choice.name, options), f"pruner {choice.name}")
    assert isinstance(made, optuna.pruners.BasePruner)
    return made


def _made(kind: Any, choice: choices.Choice, what: str, **more: Any) -> Any:
    for package in _NEEDS.get(choice.name, ()):
        try:
            importlib.import_module(package)
        except ImportError:
            raise errors.MissingExtraError(
                f"{what} needs the package {package!r}, which is not installed", hint=f"pip install {package}"
            ) from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is experimental
        try:
            return kind(**{**choice.options, **more})
        except (TypeError, ValueError) as error:
            raise errors.ConfigError(
                f"{what} cannot be set so: {error}", hint=f"its settings are those of optuna's {kind.__name__}"
            ) from error
