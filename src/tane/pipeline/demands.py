"""What a step asks of whoever runs it: attempts, time, resources, an executor. None of it is in a step's key.

Made by `nodes` from what code says and by `project.running` from conf/*/run.yml, and read by the loop. Values are as
people write them: "30s", "1h30m", "4GB", 3.
"""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tane import errors, fielded, patterns

EXECUTORS = ("serial", "threads", "processes")
EXECUTOR_GROUP = "tane.executors"  # entry points by which installed packages offer others
KEYS = ("retries", "timeout", "resources", "executor")
RETRY_KEYS = ("times", "delay", "backoff", "max_delay", "on")


@fielded.frozen
class Retry:
    """How often a step that failed is tried again, and after how long.

    `times` counts the attempts after the first. Before each Tane waits `delay` seconds, each time `backoff` times as
    long, and never longer than `max_delay`. `on` names the exceptions that are worth it, by class name or dotted name;
    subclasses count; without any, all are.
    """

    times: int
    delay: float = 1.0
    backoff: float = 2.0
    max_delay: float = 60.0
    on: tuple[str, ...] = ()

    def wait(self, attempt: int) -> float:
        """Seconds to wait after the attempt of this number, counted from 1, has failed."""
        try:
            grown = self.delay * self.backoff ** max(0, attempt - 1)
        except OverflowError:
            return self.max_delay
        return min(grown, self.max_delay)

    def covers(self, mro_names: Iterable[str]) -> bool:
        """Whether an exception whose class has these bases ("builtins.ValueError") is worth another attempt."""
        if not self.on:
            return True
        names = tuple(mro_names)
        return any(name == wanted or name.endswith(f".{wanted}") for wanted in self.on for name in names)


@fielded.frozen
class Demands:
    """What one step asks for. What is None, 0 or empty is not said; amounts of memory are bytes."""

    retries: Retry | None = None
    timeout: float | None = None
    resources: Mapping[str, float] = fielded.field(default_factory=dict)
    executor: str = ""

    def over(self, other: Demands) -> Demands:
        """These with those that `other` sets in their place; resources one by one."""
        if other == NONE:
            return self
        return Demands(
            self.retries if other.retries is None else other.retries,
            self.timeout if other.timeout is None else other.timeout,
            {**self.resources, **other.resources},
            other.executor or self.executor,
        )

    def __hash__(self) -> int:
        return hash((self.retries, self.timeout, frozenset(self.resources.items()), self.executor))


NONE = Demands()

Place = Callable[..., str]
"""Where the value at some keys was written, for messages."""


def read(
    *, retries: Any = None, timeout: Any = None, resources: Any = None, executor: Any = None, where: str = ""
) -> Demands:
    """Demands from values as they are written in code; `where` names the node.

    `retries`: 3, {"times": 3, "delay": "2s", "on": [ConnectionError]} or a `Retry`. `timeout`: 90 or "1h30m".
    `resources`: {"cpus": 2, "memory": "4GB"}. Raises `errors.PipelineError` with all that is wrong.
    """
    if retries is None and timeout is None and not resources and not executor:
        return NONE
    faults: list[errors.Fault] = []
    values = {"retries": retries, "timeout": timeout, "resources": resources, "executor": executor}
    found = gather({key: value for key, value in values.items() if value is not None}, faults, lambda *keys: where)
    if faults:
        raise errors.PipelineError.of(faults, f"{where or 'the node'} asks for what cannot be given")
    return found


def gather(values: Mapping[Any, Any], faults: list[errors.Fault], place: Place) -> Demands:
    """Demands from a mapping of `KEYS`; mistakes go to `faults`, each at its `place(*keys)`."""
    unknown_keys(values, KEYS, "", faults, place)
    return Demands(
        _retry(values.get("retries"), faults, place),
        _seconds(values.get("timeout"), "timeout", faults, lambda: place("timeout")),
        amounts(values.get("resources"), faults, lambda *keys: place("resources", *keys)),
        executor(values.get("executor"), faults, lambda: place("executor")),
    )


def unknown_keys(
    values: Mapping[Any, Any], known: tuple[str, ...], of: str, faults: list[errors.Fault], place: Place
) -> None:
    """A fault for each key that is none of `known`; `of` says whose keys they are."""
    for key in values:
        if key not in known:
            hint = errors.did_you_mean(str(key), known, f"its keys: {', '.join(known)}")
            faults.append(errors.Fault(f"{of}{' has ' if of else 'there is '}no key {key!r}", place(key), hint))


def executor(value: Any, faults: list[errors.Fault], place: Place) -> str:
    """The name of an executor, ours or an installed one; empty when none is named."""
    if value is None or value == "" or value in EXECUTORS:
        return value or ""
    offered = _offered(tuple(sys.path))
    if value in offered:
        return str(value)
    known = (*EXECUTORS, *offered)
    there = ", ".join(known)
    hint = errors.did_you_mean(value, known, "install the package that offers it") if isinstance(value, str) else there
    faults.append(errors.Fault(f"there is no executor {value!r} (there are: {there})", place(), hint))
    return ""


@functools.lru_cache(maxsize=1)
def _offered(path: tuple[str, ...]) -> tuple[str, ...]:
    """The executors that packages on `path` offer. Asked only for names that are none of ours."""
    from importlib import metadata

    return tuple(sorted({point.name for point in metadata.entry_points(group=EXECUTOR_GROUP)}))


def amounts(value: Any, faults: list[errors.Fault], place: Place) -> dict[str, float]:
    """Amounts of resources by name: {cpus: 2, memory: 4GB}."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        faults.append(errors.Fault(f"resources is {value!r}, not names and amounts", place(), "write {cpus: 2}"))
        return {}
    found: dict[str, float] = {}
    for name, amount in value.items():
        number = _amount(amount)
        if not isinstance(name, str) or not name:
            faults.append(errors.Fault(f"resources: {name!r} is no name", place(name), "name it by text, as in cpus"))
        elif number is None:
            hint = "write a number, 0 or more, or a size such as 4GB"
            faults.append(errors.Fault(f"resources: {name} is {amount!r}, not an amount", place(name), hint))
        else:
            found[name] = number
    return found


def whole(value: Any, name: str, least: int, faults: list[errors.Fault], place: Place, hint: str = "") -> int | None:
    """A whole number of at least `least`, or None with a fault when it is something else; None stays None."""
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and value >= least:
        return value
    what = f"{name} is {value!r}, not a whole number of {least} or more"
    faults.append(errors.Fault(what, place(), hint or f"write {name}: {max(least, 1)}"))
    return None


def _retry(value: Any, faults: list[errors.Fault], place: Place) -> Retry | None:
    if value is None or isinstance(value, Retry):
        return value
    if not isinstance(value, Mapping):
        hint = "write how often, as in 3, or {times: 3, delay: 2s, on: [ConnectionError]}"
        times = whole(value, "retries", 0, faults, lambda: place("retries"), hint)
        return None if times is None else Retry(times)
    before = len(faults)
    unknown_keys(value, RETRY_KEYS, "retries", faults, lambda key: place("retries", key))
    if "times" not in value:
        faults.append(errors.Fault("retries does not say how often", place("retries"), "write times: 3"))
    made: dict[str, Any] = {"times": whole(value.get("times"), "times", 0, faults, lambda: place("retries", "times"))}
    for key in ("delay", "max_delay"):
        if value.get(key) is not None:
            made[key] = _seconds(value[key], key, faults, functools.partial(place, "retries", key), zero=True)
    if value.get("backoff") is not None:
        made["backoff"] = backoff = _number(value["backoff"])
        if backoff is None or backoff < 1:
            what = f"backoff is {value['backoff']!r}, not a number of 1 or more"
            faults.append(errors.Fault(what, place("retries", "backoff"), "write 2 to wait twice as long each time"))
    if value.get("on") is not None:
        made["on"] = _exceptions(value["on"], faults, lambda: place("retries", "on"))
    return Retry(**made) if len(faults) == before else None


def _exceptions(value: Any, faults: list[errors.Fault], place: Place) -> tuple[str, ...]:
    """Exceptions by name; in code they may be given as classes."""
    given = (value,) if isinstance(value, str | type) else value
    names: list[str] = []
    for one in given if isinstance(given, list | tuple | set | frozenset) else (given,):
        if isinstance(one, type) and issubclass(one, BaseException):
            names.append(f"{one.__module__}.{one.__qualname__}")
        elif isinstance(one, str) and one and all(part.isidentifier() for part in one.split(".")):
            names.append(one)
        else:
            hint = "write names of exceptions, as in [ConnectionError, requests.Timeout]"
            faults.append(errors.Fault(f"on: {one!r} is no exception's name", place(), hint))
    return tuple(names)


def _seconds(value: Any, name: str, faults: list[errors.Fault], place: Place, *, zero: bool = False) -> float | None:
    if value is None:
        return None
    found = duration(value)
    if found is not None and (found > 0 or zero):
        return found
    than = "of 0 or more" if zero else "above 0"
    hint = f"write {name}: 90 for seconds, or 30s, 10m, 1h30m"
    faults.append(errors.Fault(f"{name} is {value!r}, not a time {than}", place(), hint))
    return None


_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = patterns.lazily(r"(?:\d+(?:\.\d+)?(?:ms|[dhms]))+")
_PART = patterns.lazily(r"(\d+(?:\.\d+)?)(ms|[dhms])")
_SIZE = patterns.lazily(r"(\d+(?:\.\d+)?)([kmgtp]?)(i?)b?")


def duration(value: Any) -> float | None:
    """Seconds of a time as people write it: 90, "90", "30s", "1h30m"; None when it is none. Never negative."""
    if not isinstance(value, str):
        return _number(value)
    text = value.replace(" ", "").lower()
    if _DURATION.fullmatch(text):
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    return _number(text)


def _amount(value: Any) -> float | None:
    if not isinstance(value, str):
        return _number(value)
    found = _SIZE.fullmatch(value.replace(" ", "").lower())
    if found is None:
        return None
    number, unit, binary = found.groups()
    return float(number) * float((1024 if binary else 1000) ** " kmgtp".index(unit or " "))


def _number(value: Any) -> float | None:
    """A number that is finite and not negative, or text that says one."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and found >= 0 else None
