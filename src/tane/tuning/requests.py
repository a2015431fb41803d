"""What is asked of a study: what to choose from, what is best, how to choose, and when to stop. All of it is data.

`tune.yml` says it, and so do the command line and `tane.tune`; words of the command line go on top of a file:

    maximize: pr_auc                                 or minimize: loss; several: [pr_auc, recall]
    space:
      model: [lightgbm, elastic_net]                 a choice, here of a config group
      model.lr: {low: 0.001, high: 0.3, log: true}   a range of numbers; whole ones where both ends are
      model.l1_ratio: {low: 0, high: 1, step: 0.1, when: {model: elastic_net}}
      model.depth: int(interval(2, 12))              or as the command line has it
    trials: 50
    timeout: 30m
    sampler: tpe                                     or {name: tpe, n_startup_trials: 20}
    pruner: median
    constraints: [latency_ms < 50]
    enqueue: [{model.lr: 0.05}]
    seed: 0
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tane import errors, fielded, patterns
from tane.config import grammar, origins, sweeps, trees
from tane.pipeline import demands
from tane.project import projects
from tane.tuning import choices, pruners, samplers, spaces

SECTION = "tune"
MINIMIZE, MAXIMIZE = "minimize", "maximize"
TRIALS = 50
_KEYS = (
    *("pipeline", "experiment", MINIMIZE, MAXIMIZE, "space", "trials", "timeout", "sampler", "pruner"),
    *("constraints", "enqueue", "seed"),
)
_CONSTRAINT = patterns.lazily(r"\s*(?:metrics\.)?([^<>]*[^<>=\s])\s*(<=|>=|<|>)\s*(\S+)\s*\Z")


class Goal(NamedTuple):
    """A metric, and which of its values are best."""

    metric: str
    direction: str


class Constraint(NamedTuple):
    """A bound that a metric is to keep: a trial that does not is none of the best."""

    metric: str
    sign: str
    bound: float

    def __str__(self) -> str:
        return f"{self.metric} {self.sign} {self.bound:g}"

    def excess(self, metrics: Mapping[str, float]) -> float:
        """By how much it is broken; 0 or less when it is kept. A metric that was not logged breaks it infinitely."""
        value = metrics.get(self.metric, math.nan)
        if math.isnan(value):
            return math.inf
        excess = value - self.bound if self.sign[0] == "<" else self.bound - value
        return math.nextafter(0.0, 1.0) if excess == 0 and len(self.sign) == 1 else min(excess, sys.float_info.max)


@fielded.frozen
class Request:
    """What is asked of a study. `trials` is their number over all workers and sessions, None for no end but time."""

    space: spaces.Space
    goals: tuple[Goal, ...]
    trials: int | None = None
    timeout: float | None = None
    sampler: choices.Choice = samplers.DEFAULT
    pruner: choices.Choice = pruners.NONE
    constraints: tuple[Constraint, ...] = ()
    enqueue: tuple[Mapping[str, Any], ...] = ()
    seed: int = 0
    pipeline: str = ""
    experiment: str = ""

    @property
    def directions(self) -> tuple[str, ...]:
        """The direction of each goal."""
        return tuple(goal.direction for goal in self.goals)

    def spec(self) -> dict[str, Any]:
        """What is kept of it with the study."""
        return {
            "metrics": [goal.metric for goal in self.goals],
            "sampler": self.sampler.plain(),
            "pruner": self.pruner.plain(),
            "constraints": [str(constraint) for constraint in self.constraints],
            "seed": self.seed,
        }


Where = Callable[..., object]


def _nowhere(*keys: object) -> str:
    return ".".join(map(str, keys))


class Words(NamedTuple):
    """Words of a command line, taken apart: what is to be chosen, and overrides that hold for all trials."""

    space: dict[str, Any]
    fixed: tuple[str, ...]
    values: Mapping[str, Any] = {}  # what the fixed ones say


_NO_WORDS = Words({}, ())
_NOWHERE: Mapping[str, str] = {}


def split(words: Sequence[str]) -> Words:
    """Which overrides say a range or list to choose from. Raises `errors.ConfigError` with all mistakes."""
    faults: list[errors.Fault] = []
    space: dict[str, Any] = {}
    fixed: list[str] = []
    values: dict[str, Any] = {}
    for word in words:
        override = grammar.parse(word, faults)
        if override is None:
            continue
        if isinstance(override.value, sweeps.SWEEPS):
            entry = _entry(override.value, override.name, word, faults)
            if entry is not None:
                space[override.name] = entry
        else:
            fixed.append(word)
            if override.value is not None:
                values[override.name] = trees.plain(override.value)
    if faults:
        raise errors.ConfigError.of(faults, f"{len(faults)} overrides cannot be read")
    return Words(space, tuple(fixed), values)


def read(section: Mapping[str, Any], *, words: Words = _NO_WORDS, where: Where = _nowhere) -> Request:
    """What a mapping asks for, with words of the command line on top. Raises `errors.ConfigError` with all mistakes.

    It may have its goals as such.
    """
    faults: list[errors.Fault] = []
    section = dict(section)
    known: tuple[Goal, ...] = tuple(section.pop("goals", ()))
    if not all(isinstance(goal, Goal) for goal in known):
        section["goals"], known = None, ()
    for key in section:
        if key not in _KEYS:
            hint = errors.did_you_mean(str(key), _KEYS, f"there are: {', '.join(_KEYS)}")
            faults.append(errors.Fault(f"tuning has no setting {key!r}", str(where(key)), hint))
    space = _space(section, words, where, faults)
    sampler = samplers.read(section.get("sampler"), lambda *keys: str(where("sampler", *keys)), faults)
    found = Request(
        space=space,
        goals=known or _goals(section, where, faults),
        trials=_whole(section, "trials", 1, where, faults),
        timeout=_timeout(section, where, faults),
        sampler=sampler,
        pruner=pruners.read(section.get("pruner"), lambda *keys: str(where("pruner", *keys)), faults),
        constraints=tuple(_constraints(section, where, faults)),
        enqueue=tuple(_enqueued(section, words.values, where, faults)),
        seed=_whole(section, "seed", 0, where, faults) or 0,
        pipeline=_name(section, "pipeline", where, faults),
        experiment=_name(section, "experiment", where, faults),
    )
    faults += space.check(found.enqueue, lambda *keys: str(where(*keys)))
    if faults:
        raise errors.ConfigError.of(faults, f"{len(faults)} mistakes in what to tune")
    samplers.check(found.sampler, space)
    if len(found.goals) > 1 and found.pruner.name != pruners.NONE.name:
        raise errors.ConfigError(
            "a study with several goals cannot prune its trials",
            hint="leave the pruner away, or choose one goal and bound the others with constraints",
            where=str(where("pruner")),
        )
    if found.trials is None and found.timeout is None:
        return fielded.replace(found, trials=TRIALS)
    return found


def of_project(
    project: projects.Project,
    given: Mapping[str, Any],
    words: Words = _NO_WORDS,
    said_in: Mapping[str, str] = _NOWHERE,
) -> Request:
    """What tune.yml of a project says, with what is `given` instead; `said_in` tells where each of that stands."""

    def where(*keys: object) -> object:
        if not keys:
            return f"{project.conf.name}/*/{SECTION}.yml"
        place = said_in.get(str(keys[0]))
        return place if place is not None else project.config.origin(SECTION, *keys)

    return read(over(project.config.section(SECTION), given), words=words, where=where)


def over(section: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What a mapping asks for, with what is `given` instead, where something is. Goals are given all or none."""
    said = {key: value for key, value in given.items() if value is not None and value != "" and value not in ((), [])}
    found = dict(section)
    if said.keys() & {MAXIMIZE, MINIMIZE}:
        found = {key: value for key, value in found.items() if key not in (MAXIMIZE, MINIMIZE)}
    return {**found, **said}


def override(name: str, value: Any) -> str:
    """A parameter of a point as an override."""
    return f"{name}={grammar.written(value)}"


def _space(section: Mapping[str, Any], words: Words, where: Where, faults: list[errors.Fault]) -> spaces.Space:
    given = section.get("space", {})
    entries = dict(given) if isinstance(given, Mapping) else {}
    if not isinstance(given, Mapping):
        hint = "write space: with one line for each parameter"
        faults.append(errors.Fault(f"space is {trees.kind(given)}", str(where("space")), hint))
    for name, entry in entries.items():
        if isinstance(entry, str):
            entries[name] = _of_text(entry, str(name), str(where("space", name)), faults)
    entries = {name: _given(entry, words.values) for name, entry in entries.items() if name not in words.values}
    for name, entry in words.space.items():
        kept = entries.get(name)
        when = {"when": kept["when"]} if isinstance(kept, Mapping) and "when" in kept else {}
        entries[name] = {**entry, **when}

    def place(*keys: object) -> str:
        return str(where("space", *keys)) if not keys or keys[0] not in words.space else "command line"

    entries = {name: entry for name, entry in entries.items() if entry is not None}
    try:
        return spaces.parse(entries, place)
    except errors.ConfigError as error:
        faults.extend(error.faults)
        return spaces.Space(())


def _given(entry: Any, values: Mapping[str, Any]) -> Any:
    """An entry where some values are given: without conditions that hold then, None where one does not."""
    when = entry.get("when") if isinstance(entry, Mapping) else None
    if not isinstance(when, Mapping):
        return entry
    for name, wanted in when.items():
        if name in values and values[name] not in (wanted if isinstance(wanted, list | tuple) else [wanted]):
            return None
    return {**entry, "when": {name: wanted for name, wanted in when.items() if name not in values}}


def _of_text(text: str, name: str, place: str, faults: list[errors.Fault]) -> Any:
    found = grammar.value(text, origins.Origin(place, 0, origins.FILE), faults)
    if isinstance(found, sweeps.SWEEPS):
        return _entry(found, name, place, faults)
    if found is not None:
        hint = f"write {name}: [a, b] for a choice, {name}: interval(0, 1) for a range"
        faults.append(errors.Fault(f"{name} is {text!r}, nothing to choose from", place, hint))
    return None


def _entry(sweep: sweeps.Sweep, name: str, place: str, faults: list[errors.Fault]) -> dict[str, Any] | None:
    """A sweep of the override grammar as an entry of a space; its tags may be log, int and float."""
    if isinstance(sweep, sweeps.Glob):
        hint = f"list them: {name}=a,b"
        faults.append(errors.Fault(f"{name}: tuning chooses from no glob()", place, hint))
        return None
    unknown = sweep.tags - {"log", "int", "float"}
    if unknown:
        hint = "tags of a range are log, int and float"
        faults.append(errors.Fault(f"{name} has an unknown tag {min(unknown)!r}", place, hint))
        return None
    if isinstance(sweep, sweeps.Choice):
        return {"choices": list(sweep.items)}
    log = {"log": True} if "log" in sweep.tags else {}
    said = next((tag for tag in ("int", "float") if tag in sweep.tags), None)
    kind = {"type": said} if said else {}
    if isinstance(sweep, sweeps.Interval):
        return {"low": sweep.low, "high": sweep.high, **log, **kind}
    numbers = sweeps.numbers(sweep)
    if not numbers:
        faults.append(errors.Fault(f"{name}: the range is empty", place, "a range goes from its start up to its stop"))
        return None
    low, high = min(numbers), max(numbers)
    return {"low": low, "high": high, "step": abs(sweep.step), **log, **kind}


def _goals(section: Mapping[str, Any], where: Where, faults: list[errors.Fault]) -> tuple[Goal, ...]:
    found: list[Goal] = []
    for direction in [key for key in section if key in (MINIMIZE, MAXIMIZE)]:
        said = section[direction]
        names = [said] if isinstance(said, str) else said
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) and name for name in names):
            hint = f"write {direction}: NAME, the name of a metric that the pipeline logs"
            faults.append(errors.Fault(f"{direction} names no metric", str(where(direction)), hint))
            continue
        found += [Goal(name.removeprefix("metrics."), direction) for name in names]
    if not found and not faults:
        hint = (
            "write maximize: NAME or minimize: NAME into tune.yml, or give --maximize NAME: a metric the pipeline logs"
        )
        faults.append(errors.Fault("nothing says which metric is to be tuned for", str(where()), hint))
    twice = {goal.metric for i, goal in enumerate(found) if goal.metric in [other.metric for other in found[:i]]}
    for name in sorted(twice):
        faults.append(errors.Fault(f"metric {name!r} is named twice", str(where(MAXIMIZE)), "name it once"))
    return tuple(found)


def _constraints(section: Mapping[str, Any], where: Where, faults: list[errors.Fault]) -> list[Constraint]:
    said = section.get("constraints", ())
    found = []
    for number, text in enumerate([said] if isinstance(said, str) else said or ()):
        match = _CONSTRAINT.match(text) if isinstance(text, str) else None
        try:
            bound = float(match[3]) if match is not None else math.nan
            if match is None or math.isnan(bound):
                raise ValueError
            found.append(Constraint(match[1], match[2], bound))
        except ValueError:
            hint = "write a metric and its bound: latency_ms < 50; signs are < <= > >="
            faults.append(errors.Fault(f"{text!r} is no constraint", str(where("constraints", number)), hint))
    return found


def _enqueued(
    section: Mapping[str, Any], values: Mapping[str, Any], where: Where, faults: list[errors.Fault]
) -> list[Mapping[str, Any]]:
    """The points to begin with; those that say something else than values that are given fall away."""
    said = section.get("enqueue", ())
    if not isinstance(said, list | tuple) or not all(isinstance(point, Mapping) for point in said):
        hint = "write a list of points: enqueue: [{model.lr: 0.05}]"
        faults.append(errors.Fault("enqueue is no list of points", str(where("enqueue")), hint))
        return []
    fitting = [point for point in said if all(point.get(name, value) == value for name, value in values.items())]
    return [{name: value for name, value in point.items() if name not in values} for point in fitting]


def _whole(section: Mapping[str, Any], key: str, least: int, where: Where, faults: list[errors.Fault]) -> int | None:
    said = section.get(key)
    if said is None:
        return None
    if isinstance(said, bool) or not isinstance(said, int) or said < least:
        faults.append(errors.Fault(f"{key} is {said!r}", str(where(key)), f"write a whole number of {least} or more"))
        return None
    return said


def _timeout(section: Mapping[str, Any], where: Where, faults: list[errors.Fault]) -> float | None:
    said = section.get("timeout")
    if said is None:
        return None
    seconds = demands.duration(said)
    if seconds is None or seconds <= 0:
        faults.append(errors.Fault(f"timeout is {said!r}", str(where("timeout")), "write seconds, or 30m, 2h"))
        return None
    return seconds


def _name(section: Mapping[str, Any], key: str, where: Where, faults: list[errors.Fault]) -> str:
    said = section.get(key, "")
    if not isinstance(said, str):
        faults.append(errors.Fault(f"{key} is {said!r}, not a name", str(where(key)), "write a name"))
        return ""
    return said
