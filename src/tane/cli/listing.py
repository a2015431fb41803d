"""Runs as a table: which columns it has, and what stands in them. `tane runs` shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tane import errors, outcomes
from tane.cli import facts, tables
from tane.ledger import filters

Brief = Mapping[str, Any]

_METRICS = 3
_PARAMS = 3
_NAMED = 60  # columns that a hint names
_LONGEST = 24  # cells of a parameter that is shown without being asked for
_RIGHT = ("took", "trial", "duration")

_SHOWN: dict[str, Callable[[Brief], str]] = {
    "run": lambda run: str(run["id"]),
    "name": lambda run: str(run["name"]),
    "status": lambda run: str(run["status"]),
    "kind": lambda run: str(run["kind"]),
    "pipeline": lambda run: run["pipeline"] or "(script)",
    "experiment": lambda run: str(run["experiment"]),
    "group": lambda run: str(run["group"]),
    "job_type": lambda run: str(run["job_type"]),
    "parent": lambda run: str(run["parent"]),
    "study": lambda run: str(run["study"]),
    "trial": lambda run: "" if run["trial"] is None else str(run["trial"]),
    "started": lambda run: tables.local(run["started"]),
    "ended": lambda run: tables.local(run["ended"]),
    "took": lambda run: tables.duration(run["seconds"]),
    "steps": lambda run: steps(run),
    "user": lambda run: str(run["user"]),
    "host": lambda run: str(run["host"]),
    "command": lambda run: " ".join(run["command"]),
    "git.commit": lambda run: run["git"].get("commit", "")[:10],
    "git.branch": lambda run: str(run["git"].get("branch", "")),
    "error": lambda run: run["error"].splitlines()[0] if run["error"] else "",
    "deleted": lambda run: tables.local(run["deleted"]),
}
_SAME = {"id": "run", "duration": "took", "seconds": "took", "commit": "git.commit", "branch": "git.branch"}
_OPTIONAL = ("name", "experiment", "study", "trial", "steps", "deleted")  # shown where some run has one


def steps(run: Brief) -> str:
    """How many steps ended in each way; of a backfill how many windows are done."""
    windows = run.get("windows")
    return f"{windows['succeeded']} of {windows['all']} windows" if windows else facts.counted(run["steps"])


Names = Callable[[str], Sequence[str]]  # of all metrics, params or tags that any run has


def columns(
    found: Sequence[Brief], wanted: Sequence[str], metrics: Sequence[str], sort: Sequence[str], names: Names
) -> list[str]:
    """The columns to show: those `wanted`, else what tells most of the runs, with the metrics named, and what they are
    sorted by.
    """
    if wanted:
        return [_column(word, found, names) for word in wanted]
    shown = ["run", "name", "experiment", "study", "trial", "status", "started", "took", "pipeline", "steps", "deleted"]
    shown = [word for word in shown if word not in _OPTIONAL or any(_SHOWN[word](run) for run in found)]
    if all(run["name"].startswith(f"{run['study']}/") for run in found if run["study"]):  # names say it
        shown = [word for word in shown if word not in ("study", "trial")]
    known = _names(found, "metrics")
    for name in metrics:
        if name not in known:
            hint = errors.did_you_mean(name, known, f"they have: {', '.join(known) or 'none'}")
            raise errors.UsageError(f"no run listed here has a metric {name!r}", hint=hint)
    chosen = metrics or facts.metric_names(found, _METRICS)
    told = [f"params.{name}" for name in _telling(found)] + [f"metrics.{name}" for name in chosen]
    sorted_by = [f"{kind}.{name}" for kind in ("params", "metrics", "tags") for name in _names(found, kind)]
    sorted_by = [name for name in sorted_by if {name, name.partition(".")[2]} & set(sort)]
    return list(dict.fromkeys([*shown, *told, *sorted_by]))


def _telling(found: Sequence[Brief]) -> list[str]:
    """The parameters that tell the runs apart best, in order of names: those with the most values, all short."""
    values: dict[str, set[str]] = {}
    for name in _names(found, "params"):
        said = {_cell(run, f"params.{name}") for run in found}
        if len(said) > 1 and max(map(len, said)) <= _LONGEST:
            values[name] = said
    return sorted(sorted(values, key=lambda name: (-len(values[name]), name))[:_PARAMS])


def _names(found: Sequence[Brief], kind: str) -> list[str]:
    return sorted({name for run in found for name in run[kind]})


def _column(word: str, found: Sequence[Brief], names: Names) -> str:
    """The column that a word asks for: an attribute, else a metric, a parameter or a tag that some run has, if possible
    one of those listed.
    """
    name = _SAME.get(word, word)
    if name in _SHOWN:
        return name
    known = [
        f"{kind}.{each}"
        for kind in ("metrics", "params", "tags")
        for each in dict.fromkeys([*_names(found, kind), *names(kind)])
    ]
    if word.partition(".")[0] in ("metrics", "metric", "params", "param", "tags", "tag", "attributes"):
        kind, rest = filters.split(word)
        name = rest if kind == filters.ATTRIBUTES else f"{kind}.{rest}"
        if name in known or _SAME.get(name, name) in _SHOWN:
            return _SAME.get(name, name)
    else:
        bare = [each for each in known if each.partition(".")[2] == word]
        if bare:
            return next((each for each in bare if any(_cell(run, each) for run in found)), bare[0])
    most = [*_SHOWN, *known][:_NAMED]
    more = ", ...: tane runs --json has all" if len(most) < len(_SHOWN) + len(known) else ""
    hint = errors.did_you_mean(word, [*_SHOWN, *known], f"there are {', '.join(most)}{more}")
    raise errors.UsageError(f"no run has {word!r}", hint=hint)


def text(found: Sequence[Brief], shown: Sequence[str]) -> str:
    """The runs as a table for people."""
    heads = [_head(word, shown) for word in shown]
    rows = [[_cell(run, word) for word in shown] for run in found]
    right = {at for at, word in enumerate(shown) if word in _RIGHT or word.startswith(("metrics.", "params."))}
    return tables.table(rows, heads, right)


def _head(word: str, shown: Sequence[str]) -> str:
    """A column's title: without its kind, where that leaves no doubt."""
    kind, _, name = word.partition(".")
    if kind not in ("metrics", "params", "tags"):
        return word
    clash = name in _SHOWN or sum(other.partition(".")[2] == name for other in shown) > 1
    return word if clash else name


def _cell(run: Brief, word: str) -> str:
    if word in _SHOWN:
        return _SHOWN[word](run)
    kind, _, name = word.partition(".")
    held = run.get(kind, {})
    if name not in held:
        return ""
    return tables.number(held[name]) if kind == "metrics" else tables.value(held[name])


def csv(found: Sequence[Brief], shown: Sequence[str]) -> str:
    """The runs as CSV: the columns `shown`, else all there are. Values are whole."""
    if shown:
        return tables.csv(shown, ([_raw(run, word) for word in shown] for run in found))
    plain = ["id", "name", "kind", "status", "pipeline", "experiment", "group", "study", "trial"]
    plain += ["started", "ended", "seconds"]
    counted = [str(each) for each in outcomes.StepStatus]
    named = [f"{kind}.{name}" for kind in ("params", "metrics", "tags") for name in _names(found, kind)]
    return tables.csv(
        [*plain, *(f"steps.{step}" for step in counted), *named],
        (
            [
                *("" if run[name] is None else run[name] for name in plain),
                *(run["steps"][step] for step in counted),
                *(_raw(run, word) for word in named),
            ]
            for run in found
        ),
    )


def _raw(run: Brief, word: str) -> Any:
    if word in _SHOWN:
        return run["seconds"] if word == "took" else _SHOWN[word](run)
    kind, _, name = word.partition(".")
    held = run.get(kind, {}).get(name, "")
    return tables.whole(held) if kind == "params" else held
