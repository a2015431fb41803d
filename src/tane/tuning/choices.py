"""Samplers and pruners by name, with their settings: how they are written, and where those of Optuna come from."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tane import errors, extras


class Choice(NamedTuple):
    """A sampler or pruner by name, and how it is set."""

    name: str
    options: Mapping[str, Any] = {}

    def plain(self) -> dict[str, Any]:
        """As it is written in a file."""
        return {"name": self.name, **self.options}


def read(
    said: Any,
    what: str,
    ours: Mapping[str, Mapping[str, Any]],
    theirs: Sequence[str],
    where: Callable[..., str],
    faults: list[errors.Fault],
) -> Choice | None:
    """What a name, or a mapping with a name and settings, asks for; settings are checked where they are ours."""
    if isinstance(said, str):
        said = {"name": said}
    name = said.get("name") if isinstance(said, Mapping) else said
    if not isinstance(name, str) or (name not in ours and name not in theirs):
        names = [*ours, *theirs]
        hint = errors.did_you_mean(str(name), names, f"there are: {', '.join(names)}")
        faults.append(errors.Fault(f"there is no {what} {name!r}", where(), hint))
        return None
    options = {str(key): value for key, value in said.items() if key != "name"}
    for key, value in options.items() if name in ours else ():
        if key not in ours[name]:
            hint = errors.did_you_mean(key, ours[name], f"its settings are: {', '.join(ours[name]) or 'none'}")
            faults.append(errors.Fault(f"{what} {name} has no setting {key!r}", where(key), hint))
        elif isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            faults.append(errors.Fault(f"{what} {name}: {key} is {value!r}", where(key), "write a number, 0 or more"))
    return Choice(name, options)


def has_optuna() -> bool:
    """Whether Optuna is installed."""
    return importlib.util.find_spec("optuna") is not None


def optunas(why: str) -> Any:
    """What chooses and prunes by Optuna. Raises `errors.MissingExtraError` where it is not installed."""
    extras.require("optuna", "tune", why)
    return importlib.import_module("tane.tuning.optuna_choosing")  # it imports Optuna, which takes its time
