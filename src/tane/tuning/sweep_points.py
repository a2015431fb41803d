"""The points of a sweep: from what was asked for to one list of overrides for each job. Called by `sweeps`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tane import errors
from tane.config import compose, grammar, sweeping, trees
from tane.digest import values
from tane.project import projects

SECTION = "sweep"
SETTINGS = ("pipeline", "metrics", "experiment")  # keys of sweep.yml that say no values to sweep over
MAXIMIZE, MINIMIZE = "maximize", "minimize"

Where = Callable[..., object]


class Point(NamedTuple):
    """One job: its number, all its overrides, those that others do not have, and what these say by key."""

    number: int
    overrides: tuple[str, ...]
    own: tuple[str, ...]
    values: Mapping[str, Any]

    @property
    def text(self) -> str:
        """What is its own, as a reader would write it."""
        return " ".join(self.own)


class Points(NamedTuple):
    """The points of a sweep in order, each once. `twice` are those that were asked for again."""

    points: tuple[Point, ...]
    twice: tuple[str, ...] = ()


class Filed(NamedTuple):
    """What sweep.yml says: the values to sweep over, and what else belongs to the sweep."""

    axes: Mapping[str, Any]
    pipeline: str = ""
    metrics: Mapping[str, str] = {}  # name: "maximize", "minimize"; the first one is what jobs are sorted by
    experiment: str = ""


def filed(section: Mapping[str, Any], where: Where) -> Filed:
    """What sweep.yml says. Raises `errors.ConfigError` with all that is wrong beside the values themselves."""
    faults: list[errors.Fault] = []
    named: dict[str, str] = {}
    for key in ("pipeline", "experiment"):
        said = section.get(key, "")
        if not isinstance(said, str):
            faults.append(errors.Fault(f"{key} is {trees.kind(said)}, not a name", str(where(key)), "write its name"))
        else:
            named[key] = said
    metrics = directions(section.get("metrics", {}), lambda *keys: where("metrics", *keys), faults)
    if faults:
        raise errors.ConfigError.of(faults, f"sweep.yml has {len(faults)} mistakes")
    axes = {key: said for key, said in section.items() if key not in SETTINGS}
    return Filed(axes, named["pipeline"], metrics, named["experiment"])


def directions(said: Any, where: Where, faults: list[errors.Fault]) -> dict[str, str]:
    """Metrics with what is best of each: `{r2: maximize}`, `[r2, rmse]` or one name; the largest if nothing is said."""
    if isinstance(said, str):
        return {said: MAXIMIZE}
    if isinstance(said, list | tuple) and all(isinstance(name, str) for name in said):
        return dict.fromkeys(said, MAXIMIZE)
    if not isinstance(said, Mapping):
        hint = "write metrics: {r2: maximize, rmse: minimize}"
        faults.append(errors.Fault(f"metrics is {trees.kind(said)}, not names of metrics", str(where()), hint))
        return {}
    for name, direction in said.items():
        if direction not in (MAXIMIZE, MINIMIZE):
            hint = errors.did_you_mean(str(direction), (MAXIMIZE, MINIMIZE), "write maximize or minimize")
            faults.append(errors.Fault(f"metric {name!r}: {direction!r} is no direction", str(where(name)), hint))
    return {str(name): str(direction) for name, direction in said.items()}


def read(project: projects.Project) -> tuple[Filed, compose.Section]:
    """What the sweep.yml of a project's environments says, and where."""
    loader = project.loader
    section = compose.section(SECTION, project.root, project.environments, conf=project.conf, loader=loader)
    return filed(section.values, section.place), section


def of_words(
    project: projects.Project, words: Sequence[str], axes: Mapping[str, Any] = {}, where: Where = lambda *keys: ""
) -> Points:
    """The points that overrides and the content of a sweep file ask for.

    Raises `errors.ConfigError` with all mistakes, `errors.UsageError` when they ask for nothing.
    """
    if not words and not axes:
        raise errors.UsageError(
            "there is nothing to sweep over",
            hint="name values: tane sweep model.lr=0.1,0.2 - or write them into conf/base/sweep.yml",
        )
    return of_jobs(sweeping.points(axes, words, options=project.written.options, where=where))


def of_jobs(jobs: Sequence[Sequence[str]]) -> Points:
    """The points of jobs that are given as whole lists of overrides. Each is there once."""
    common: frozenset[str] = frozenset()
    if len(jobs) > 1:
        common = frozenset(jobs[0]).intersection(*jobs[1:])
    faults: list[errors.Fault] = []
    found: dict[str, Point] = {}
    twice: list[str] = []
    for job in jobs:
        own = tuple(word for word in job if word not in common)
        said = _values(own, faults)
        point = Point(len(found), tuple(job), own, said)
        identity = values.of(said).digest
        if identity in found:
            twice.append(point.text)
        else:
            found[identity] = point
    if faults:
        raise errors.ConfigError.of(faults, f"the sweep has {len(faults)} mistakes")
    return Points(tuple(found.values()), tuple(twice))


def of_mapping(given: Mapping[str, Any]) -> list[str]:
    """The overrides that a Python mapping of keys to values, or to lists of them, asks for."""
    words = []
    for key, said in given.items():
        if isinstance(said, str):
            words.append(f"{key}={said}")
            continue
        several = list(said) if isinstance(said, list | tuple | range | set | frozenset) else [said]
        if hasattr(said, "tolist"):  # an array of numbers
            several = said.tolist() if isinstance(said.tolist(), list) else [said.tolist()]
        if not several:
            raise errors.UsageError(f"{key}: there are no values to sweep over", hint=f"name some: {{{key!r}: [1, 2]}}")
        words.append(f"{key}={','.join(grammar.written(_plain(one)) for one in several)}")
    return words


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value  # of NumPy's scalars


_TREES = (trees.Branch, trees.Items, trees.Leaf)


def _values(words: Sequence[str], faults: list[errors.Fault]) -> dict[str, Any]:
    """What overrides say, by what they set."""
    said: dict[str, Any] = {}
    for word in words:
        found = grammar.parse(word, faults)
        if found is not None:
            value = found.value
            said[found.target] = trees.plain(value) if isinstance(value, _TREES) else None
    return said
