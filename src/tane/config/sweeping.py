"""Sweeps taken apart: the overrides of each job. Called by whatever runs a pipeline once for each combination.

The order is that of Hydra: the keys in the order in which they are first named, the last one changing fastest; a key
that is named again with the same sign takes the later values.

A sweep file (sweep.yml) says the same as data:

    model: [elastic_net, catboost]        a group or a parameter -> its values,
    model.l1_ratio: range(0.1, 1, 0.2)    or the text that the command line would have,
    seed: {range: [0, 5]}                 or a function by its name: range, choice, glob
    points:                               settings that belong together; each is taken with all of the above
      - {model.lr: 0.1, model.depth: 3}
      - {model.lr: 0.01, model.depth: 6}
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tane import errors
from tane.config import grammar, sweeps, trees

Job = tuple[str, ...]
Options = Callable[[str], Sequence[str]]
Where = Callable[..., object]

POINTS = "points"
MOST = 1_000_000  # jobs of one sweep

_BY_NAME = ("range", "choice", "glob")


def _no_options(group: str) -> Sequence[str]:
    return ()


def expand(overrides: Sequence[str], *, options: Options = _no_options) -> list[Job]:
    """The overrides of each job that `overrides` ask for; without a sweep among them it is one job.

    `options` gives the choices of a group, for `glob(...)`. Raises `errors.ConfigError` with all mistakes.
    """
    return points({}, overrides, options=options)


def points(
    mapping: Mapping[str, Any],
    overrides: Sequence[str] = (),
    *,
    options: Options = _no_options,
    where: Where = lambda *keys: "sweep.yml",
) -> list[Job]:
    """The overrides of each job that the content of a sweep file asks for, with `overrides` on top.

    What `overrides` set is not taken from the file. `where` tells the place of the value at some keys, for messages.
    """
    faults: list[errors.Fault] = []
    read = [(text, grammar.parse(text, faults)) for text in overrides]
    set_above = frozenset(found.place for _, found in read if found is not None)
    axes = _of_file(mapping, set_above, options, where, faults)
    for text, found in read:
        if found is None:
            continue
        if not isinstance(found.value, sweeps.SWEEPS):
            axes[found.target] = [(text,)]
            continue
        values = _values(found.value, found.name, options, str(found.origin), faults)
        axes[found.target] = [(f"{found.target}={grammar.written(value)}",) for value in values]
    count = math.prod(map(len, axes.values()))
    if count > MOST and not faults:
        faults.append(errors.Fault(f"the sweep has {count:,} jobs", "", "leave some of the values out"))
    if faults:
        raise errors.ConfigError.of(faults, f"the sweep has {len(faults)} mistakes")
    jobs: list[Job] = [()]
    for axis in axes.values():
        jobs = [(*job, *one) for job in jobs for one in axis]
    return jobs


def _values(sweep: sweeps.Sweep, name: str, options: Options, where: str, faults: list[errors.Fault]) -> Sequence[Any]:
    """The values of a sweep, at least one unless there is a fault."""
    try:
        found = _enumerated(sweep, name, options)
    except sweeps.Unfit as unfit:
        faults.append(errors.Fault(unfit.what, where, unfit.hint))
        return ()
    if not found:
        faults.append(errors.Fault("the sweep is over nothing", where, _why_nothing(sweep, name, options)))
    return found


def _enumerated(sweep: sweeps.Sweep, name: str, options: Options) -> Sequence[Any]:
    if isinstance(sweep, sweeps.Interval):
        raise sweeps.Unfit("an interval has no values to take one by one", "write range(...), or use `tane tune`")
    if isinstance(sweep, sweeps.Glob):
        return _matching(sweep, options(name))
    found = sweeps.numbers(sweep) if isinstance(sweep, sweeps.Range) else sweep.items
    return sweeps.in_chance_order(found) if sweep.shuffled else found


def _matching(sweep: sweeps.Glob, names: Sequence[str]) -> list[str]:
    from fnmatch import fnmatch

    def fits(name: str, patterns: Sequence[str]) -> bool:
        return any(fnmatch(name, pattern) for pattern in patterns)

    return [name for name in sorted(names) if fits(name, sweep.include) and not fits(name, sweep.exclude)]


def _why_nothing(sweep: sweeps.Sweep, name: str, options: Options) -> str:
    if isinstance(sweep, sweeps.Glob):
        there = sorted(options(name))
        if not there:
            return f"{name} is no group: glob() takes the choices of one"
        return f"{name} has the choices {', '.join(there)}"
    if isinstance(sweep, sweeps.Range):
        return f"range({sweep.start}, {sweep.stop}, {sweep.step}) has no values: mend its ends or its step"
    return "name a value"


# --- sweep files ----------------------------------------------------------------------------------------------


def _of_file(
    mapping: Mapping[str, Any], set_above: frozenset[str], options: Options, where: Where, faults: list[errors.Fault]
) -> dict[str, Sequence[Job]]:
    """The axes of a file, by what their overrides set; without those that are set above it."""
    axes: dict[str, Sequence[Job]] = {}
    for key, said in mapping.items():
        place = str(where(key))
        if key == POINTS:
            axes[POINTS] = _explicit(said, set_above, where, faults)
            continue
        found = _key(key, place, faults)
        if found is None:
            continue
        values = _said(said, found.name, key, options, place, faults)
        if found.place not in set_above:
            axes[found.target] = [(f"{found.target}={grammar.written(value)}",) for value in values]
    return axes


def _key(key: object, where: str, faults: list[errors.Fault]) -> grammar.Override | None:
    """What the key of a file sets."""
    own: list[errors.Fault] = []
    found = grammar.parse(f"{trees.key_text(key)}=", own)
    faults += [errors.Fault(fault.what, where, fault.hint) for fault in own]
    return found


def _said(said: Any, name: str, key: str, options: Options, where: str, faults: list[errors.Fault]) -> Sequence[Any]:
    """The values that a file says for a key."""
    if isinstance(said, Mapping):
        said = _by_name(said, key, where, faults)
        if said is None:
            return ()
        return _values(said, name, options, where, faults)
    if isinstance(said, str):
        try:
            read = grammar.read(said)
        except grammar.Bad as bad:
            faults.append(errors.Fault(bad.what, where, bad.hint))
            return ()
        said = read if isinstance(read, sweeps.SWEEPS) else [read]
    elif not isinstance(said, list | tuple):
        said = [said]
    if isinstance(said, list | tuple):
        said = sweeps.Choice(tuple(said))
    return _values(said, name, options, where, faults)


def _by_name(said: Mapping[str, Any], key: str, where: str, faults: list[errors.Fault]) -> sweeps.Sweep | None:
    """The sweep of `{range: [0, 5]}` or `{range: {start: 0, stop: 5}}`."""
    names = list(said)
    if len(names) != 1 or names[0] not in _BY_NAME:
        wrong = next((str(name) for name in names if name not in _BY_NAME), "")
        hint = errors.did_you_mean(wrong, _BY_NAME, f"write a list, or one of {{{', '.join(_BY_NAME)}: ...}}")
        faults.append(errors.Fault(f"{key} is a mapping, which says no values", where, hint))
        return None
    given = said[names[0]]
    named = dict(given) if isinstance(given, Mapping) else {}
    positional = [] if named else list(given) if isinstance(given, list | tuple) else [given]
    if names[0] == "glob" and not named:
        positional = [positional]
    try:
        made = sweeps.call(names[0], positional, named)
    except sweeps.Unfit as unfit:
        faults.append(errors.Fault(unfit.what, where, unfit.hint))
        return None
    assert isinstance(made, sweeps.SWEEPS)
    return made


def _explicit(said: Any, set_above: frozenset[str], where: Where, faults: list[errors.Fault]) -> list[Job]:
    """The settings that belong together, each once."""
    if not isinstance(said, list | tuple) or not said:
        hint = "write - {model.lr: 0.1, model.depth: 3} for each point"
        faults.append(errors.Fault(f"{POINTS} is {trees.kind(said) if said else 'empty'}", str(where(POINTS)), hint))
        return []
    jobs: list[Job] = []
    for at, point in enumerate(said):
        place = str(where(POINTS, at))
        if not isinstance(point, Mapping) or not point:
            what = f"{POINTS}.{at} is {trees.kind(point) if point else 'empty'}, not parameters with their values"
            faults.append(errors.Fault(what, place, "write - {model.lr: 0.1, model.depth: 3}"))
            continue
        keys = [(_key(key, place, faults), value) for key, value in point.items()]
        jobs.append(
            tuple(
                f"{found.target}={grammar.written(value)}"
                for found, value in keys
                if found is not None and found.place not in set_above
            )
        )
    return list(dict.fromkeys(jobs))
