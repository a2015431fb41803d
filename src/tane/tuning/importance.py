"""How much each parameter matters: the share of the variance of the objective that it explains by itself.

Trials are put into bins of one parameter, and the variance between the bins is set against that of all: the adjusted
correlation ratio, of ranks rather than values, so that a few wild trials do not decide. It needs no library, and shows
no interplay of parameters; where Optuna and scikit-learn are installed, its fANOVA stands beside it on the page.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from tane import errors
from tane.ledger import connection
from tane.tuning import choices, spaces, tuned

LEAST = 8  # complete trials below which nothing is said
_BINS = 8
_PER_BIN = 5


def of(study: tuned.Tuned, goal: int = 0) -> dict[str, float]:
    """The share of each parameter, the greatest first; empty while there are too few trials."""
    there = study.complete
    if len(there) < LEAST:
        return {}
    scores = ranks([one.values[goal] for one in there])
    found = {
        parameter.name: explained(binned(parameter, [one.params for one in there]), scores) for parameter in study.space
    }
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def by_optuna(ledger: connection.Ledger, study: tuned.Tuned) -> dict[str, float]:
    """The same by Optuna's fANOVA; empty where that cannot be had."""
    if len(study.complete) < LEAST or len(study.goals) > 1 or not choices.has_optuna():
        return {}
    if importlib.util.find_spec("sklearn") is None:
        return {}
    try:
        found: dict[str, float] = choices.optunas("fANOVA").importances(ledger, study.name)
    except (errors.TaneError, ValueError, RuntimeError):  # no parameter is in all trials, or all are alike
        return {}
    return found


def ranks(values: Sequence[float]) -> list[float]:
    """The place of each value among all; equal ones share theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found = [0.0] * len(values)
    at = 0
    while at < len(order):
        end = at
        while end < len(order) and values[order[end]] == values[order[at]]:
            end += 1
        for place in order[at:end]:
            found[place] = (at + end - 1) / 2
        at = end
    return found


def binned(parameter: spaces.Parameter, points: Sequence[Mapping[str, Any]]) -> list[Hashable]:
    """The bin of each point; those that do not have the parameter are one of their own."""
    there = [point[parameter.name] for point in points if parameter.name in point]
    if parameter.kind == "choice":
        return [json.dumps(point[parameter.name]) if parameter.name in point else None for point in points]
    count = max(2, min(_BINS, len(there) // _PER_BIN))
    places = iter(ranks(there))
    return [int(next(places) * count / len(there)) if parameter.name in point else None for point in points]


def explained(bins: Sequence[Hashable], scores: Sequence[float]) -> float:
    """The share of the variance of `scores` between bins, corrected for what bins explain by chance."""
    count, mean = len(scores), sum(scores) / len(scores)
    total = sum((score - mean) ** 2 for score in scores)
    groups: dict[Hashable, list[float]] = {}
    for one, score in zip(bins, scores, strict=True):
        groups.setdefault(one, []).append(score)
    if total == 0 or len(groups) < 2 or len(groups) >= count:
        return 0.0
    between = sum(len(group) * (sum(group) / len(group) - mean) ** 2 for group in groups.values())
    return max(0.0, 1 - (1 - between / total) * (count - 1) / (count - len(groups)))
