"""What a study may choose from: parameters and config groups, each with a range or a list, as plain data.

`space:` of tune.yml, a file, a mapping from Python and the words of a command line all become a `Space` here, which
samplers draw points from. A parameter with `when` is chosen only while others have been chosen so.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from tane import errors, fielded

Kind = Literal["int", "float", "choice"]
Where = Callable[..., str]

_KINDS = {"int": "int", "float": "float", "choice": "choice", "categorical": "choice"}
_RANGE = ("low", "high", "step", "log")
_KEYS = ("type", *_RANGE, "choices", "when")
GRID = 10  # values that a grid takes from a range without steps
_MANY = 100_000  # points of a grid: more than anybody waits for


@fielded.frozen
class Parameter:
    """One thing to choose. `when` names others, with the values they must have for this one to be chosen at all."""

    name: str
    kind: Kind
    low: float = 0
    high: float = 0
    step: float | None = None
    log: bool = False
    choices: tuple[Any, ...] = ()
    when: tuple[tuple[str, tuple[Any, ...]], ...] = ()

    @property
    def labels(self) -> tuple[str | int | float | bool | None, ...]:
        """Its choices as libraries take them."""
        return tuple(map(label, self.choices))

    def plain(self) -> dict[str, Any]:
        """As it is written in a file."""
        found: dict[str, Any] = {"type": self.kind}
        if self.kind == "choice":
            found["choices"] = list(self.choices)
        else:
            found |= {"low": self.low, "high": self.high}
            found |= {"step": self.step} if self.step is not None else {}
            found |= {"log": True} if self.log else {}
        if self.when:
            found["when"] = {name: list(values) for name, values in self.when}
        return found

    def at(self, share: float) -> Any:
        """The value at `share` (from 0 up to 1) of the way through: equal shares for equal parts."""
        share = min(max(share, 0.0), math.nextafter(1.0, 0.0))
        if self.kind == "choice":
            return self.choices[int(share * len(self.choices))]
        if self.step is not None and not self.log:
            return self._stepped(int(share * self.count))
        if self.log:
            low, high = (self.low - 0.5, self.high + 0.5) if self.kind == "int" else (self.low, self.high)
            value = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
        else:
            value = self.low + share * (self.high - self.low)
        value = min(max(value, self.low), self.high)
        return int(min(max(round(value), self.low), self.high)) if self.kind == "int" else value

    @property
    def count(self) -> int:
        """How many values there are; 0 for a range without steps."""
        if self.kind == "choice":
            return len(self.choices)
        if self.step is None or (self.log and self.kind == "float"):
            return 0
        return math.floor((self.high - self.low) / self.step + 1e-9) + 1

    def _stepped(self, index: int) -> Any:
        assert self.step is not None
        if self.kind == "int":
            return int(self.low + index * self.step)
        return self.tidy(self.low + index * self.step)

    def tidy(self, value: Any) -> Any:
        """A number that steps came to, without what adding them up has left over: 0.3, not 0.30000000000000004."""
        if self.kind != "float" or self.step is None:
            return value
        return min(max(round(value, 12), self.low), self.high)

    def grid(self, count: int = GRID) -> list[Any]:
        """Its values in order; `count` of them for a range without steps, evenly from end to end."""
        if self.kind == "choice":
            return list(self.choices)
        if self.count and not self.log:
            return [self._stepped(index) for index in range(self.count)]
        if self.low == self.high or count == 1:
            return [int(self.low) if self.kind == "int" else float(self.low)]
        shares = [index / (count - 1) for index in range(count)]
        if self.log:
            ratio = math.log(self.high / self.low)
            values = [self.low * math.exp(ratio * share) for share in shares]
        else:
            values = [self.low + (self.high - self.low) * share for share in shares]
        values[-1] = self.high
        return list(dict.fromkeys(round(value) if self.kind == "int" else float(value) for value in values))

    def share(self, value: Any) -> float:
        """How far through its range `value` lies, from 0 to 1: for drawing and for measuring."""
        if self.kind == "choice":
            return self.index(value) / max(len(self.choices) - 1, 1)
        if self.high == self.low:
            return 0.5
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return float((value - self.low) / (self.high - self.low))

    def index(self, value: Any) -> int:
        """Which of the choices `value` is."""
        return next(i for i, choice in enumerate(self.choices) if _same(choice, value))

    def fault(self, value: Any) -> str:
        """What is wrong with `value` for this parameter; empty when nothing is."""
        if self.kind == "choice":
            if any(_same(choice, value) for choice in self.choices):
                return ""
            return f"{value!r} is none of {', '.join(map(repr, self.choices))}"
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"{value!r} is no number"
        if self.kind == "int" and value != int(value):
            return f"{value!r} is no whole number"
        return "" if self.low <= value <= self.high else f"{value!r} is not between {self.low} and {self.high}"

    def applies(self, point: Mapping[str, Any]) -> bool:
        """Whether it is to be chosen, given what has been chosen."""
        return all(name in point and any(_same(point[name], each) for each in values) for name, values in self.when)


@fielded.frozen
class Space:
    """All that may be chosen, those first that others depend on."""

    parameters: tuple[Parameter, ...]

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.parameters)

    def __len__(self) -> int:
        return len(self.parameters)

    def plain(self) -> dict[str, Any]:
        """As it is written in a file, and kept with a study."""
        return {parameter.name: parameter.plain() for parameter in self.parameters}

    def by_name(self) -> dict[str, Parameter]:
        """Its parameters by name."""
        return {parameter.name: parameter for parameter in self.parameters}

    def point(self, value: Callable[[int, Parameter], Any], given: Mapping[str, Any] = {}) -> dict[str, Any]:
        """A point: what is `given`, and for the rest that applies `value(index, parameter)`."""
        point: dict[str, Any] = {}
        for index, parameter in enumerate(self.parameters):
            if parameter.applies(point):
                chosen = given[parameter.name] if parameter.name in given else value(index, parameter)
                point[parameter.name] = chosen
        return point

    def grid(self, count: int = GRID) -> list[dict[str, Any]]:
        """Every point of a grid; the last parameter changes fastest. Raises `errors.ConfigError` for too many."""
        points: list[dict[str, Any]] = [{}]
        for parameter in self.parameters:
            values = parameter.grid(count)
            points = [
                {**point, parameter.name: value} if parameter.applies(point) else point
                for point in points
                for value in (values if parameter.applies(point) else [None])
            ]
            if len(points) > _MANY:
                raise errors.ConfigError(
                    f"the grid has more than {_MANY:,} points",
                    hint="give fewer choices, larger steps, or another sampler: random, sobol, tpe",
                )
        return points

    def check(self, points: Sequence[Mapping[str, Any]], where: Where) -> list[errors.Fault]:
        """What is wrong with known-good points; they may leave parameters open."""
        known, faults = self.by_name(), []
        for number, point in enumerate(points):
            for name, value in point.items():
                if name not in known:
                    hint = errors.did_you_mean(name, known, f"the space has: {', '.join(known)}")
                    faults.append(errors.Fault(f"{name!r} is not in the space", where("enqueue", number, name), hint))
                elif said := known[name].fault(value):
                    faults.append(
                        errors.Fault(f"{name}: {said}", where("enqueue", number, name), "points lie in the space")
                    )
        return faults


def parse(entries: Mapping[str, Any], where: Where = lambda *keys: ".".join(map(str, keys))) -> Space:
    """The space that a mapping describes. Raises `errors.ConfigError` with all its mistakes.

    `where(name, key)` says where an entry was written.
    """
    faults: list[errors.Fault] = []
    if not isinstance(entries, Mapping) or not entries:
        raise errors.ConfigError(
            "there is nothing to choose: the search space is empty",
            hint="give space: in conf/base/tune.yml, as in  model.lr: {low: 0.001, high: 0.1, log: true}",
            where=where(),
        )
    found = {}
    for name, entry in entries.items():
        parameter = _parameter(str(name), entry, lambda *keys, name=name: where(name, *keys), faults)
        if parameter is not None:
            found[parameter.name] = parameter
    _check_when(found, entries, where, faults)
    ordered, circle = _sorted(found.values())
    if circle and not faults:
        names = ", ".join(parameter.name for parameter in circle)
        hint = "take one of the conditions out"
        faults.append(errors.Fault(f"conditions run in a circle: {names}", where(circle[0].name, "when"), hint))
    if faults:
        raise errors.ConfigError.of(faults, f"{len(faults)} mistakes in the search space")
    return Space(tuple(ordered))


def _parameter(name: str, entry: Any, where: Where, faults: list[errors.Fault]) -> Parameter | None:
    if isinstance(entry, list | tuple):
        entry = {"choices": list(entry)}
    if not isinstance(entry, Mapping):
        hint = f"write {name}: [a, b] for a choice, {name}: {{low: 0, high: 1}} for a range"
        faults.append(errors.Fault(f"{name} is {entry!r}, nothing to choose from", where(), hint))
        return None
    unknown = [key for key in entry if key not in _KEYS]
    for key in unknown:
        hint = errors.did_you_mean(str(key), _KEYS, f"there are: {', '.join(_KEYS)}")
        if isinstance(entry[key], Mapping):
            hint = f"names are written with dots: {name}.{key}"
        faults.append(errors.Fault(f"{name} has an unknown key {key!r}", where(key), hint))
    kind = _kind(name, entry, where, faults)
    if kind is None or unknown:
        return None
    when = _when(name, entry.get("when", {}), where, faults)
    if kind == "choice":
        choices = entry.get("choices")
        if not isinstance(choices, list | tuple) or not choices:
            faults.append(errors.Fault(f"{name} has no choices", where("choices"), "list at least one"))
            return None
        if any(_same(a, b) for i, a in enumerate(choices) for b in choices[:i]):
            faults.append(errors.Fault(f"{name} lists a choice twice", where("choices"), "take one of them out"))
            return None
        return Parameter(name, "choice", choices=tuple(choices), when=when)
    return _range(name, kind, entry, when, where, faults)


def _kind(name: str, entry: Mapping[str, Any], where: Where, faults: list[errors.Fault]) -> Kind | None:
    said = entry.get("type")
    if said is not None and said not in _KINDS:
        faults.append(
            errors.Fault(
                f"{name} is of an unknown type {said!r}",
                where("type"),
                errors.did_you_mean(str(said), _KINDS, "there are: int, float, choice"),
            )
        )
        return None
    if "choices" in entry or said in ("choice", "categorical"):
        mixed = [key for key in _RANGE if key in entry]
        if mixed or said in ("int", "float"):
            what = ", ".join(mixed) or f"type: {said}"
            faults.append(errors.Fault(f"{name} has choices and {what}", where(), "give choices, or low and high"))
            return None
        return "choice"
    for key in ("low", "high"):
        if key not in entry:
            hint = "give low and high for a range, choices for a list"
            faults.append(errors.Fault(f"{name} has no {key}", where(), hint))
            return None
        if isinstance(entry[key], bool) or not isinstance(entry[key], int | float) or not math.isfinite(entry[key]):
            faults.append(errors.Fault(f"{name}: {key} is {entry[key]!r}, no number", where(key), "write a number"))
            return None
    if said is not None:
        return "int" if said == "int" else "float"
    numbers = [entry[key] for key in ("low", "high", "step") if entry.get(key) is not None]
    return "int" if all(isinstance(each, int) for each in numbers) else "float"


def _range(
    name: str,
    kind: Kind,
    entry: Mapping[str, Any],
    when: tuple[tuple[str, tuple[Any, ...]], ...],
    where: Where,
    faults: list[errors.Fault],
) -> Parameter | None:
    low, high, step, log = entry["low"], entry["high"], entry.get("step"), entry.get("log", False)
    said = ""
    key, hint = "low", "low is the least value, high the greatest"
    if low > high:
        said = f"low {low} is greater than high {high}"
    elif kind == "int" and (low != int(low) or high != int(high)):
        said, hint = f"{low} to {high} is no range of whole numbers", "write whole numbers, or type: float"
    elif not isinstance(log, bool):
        key, said, hint = "log", f"log is {log!r}", "write true or false"
    elif log and low <= 0:
        said, hint = f"low {low} has no logarithm", "with log: true, low must be greater than 0"
    elif step is not None and (isinstance(step, bool) or not isinstance(step, int | float) or not step > 0):
        key, said, hint = "step", f"step is {step!r}", "write a number greater than 0"
    elif step is not None and kind == "int" and step != int(step):
        key, said, hint = "step", f"step {step} is no whole number", "write a whole number, or type: float"
    elif step is not None and log and not (kind == "int" and step == 1):
        key, said, hint = "step", "step and log exclude each other", "take one of them out"
    if said:
        faults.append(errors.Fault(f"{name}: {said}", where(key), hint))
        return None
    if kind == "int":
        return Parameter(name, kind, int(low), int(high), int(step or 1), log, when=when)
    return Parameter(name, kind, float(low), float(high), None if step is None else float(step), log, when=when)


def _when(name: str, said: Any, where: Where, faults: list[errors.Fault]) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    if not isinstance(said, Mapping):
        faults.append(
            errors.Fault(
                f"{name}: when is {said!r}", where("when"), "write when: {model: lightgbm}, or a list of values"
            )
        )
        return ()
    return tuple(
        (str(other), tuple(values) if isinstance(values, list | tuple) else (values,)) for other, values in said.items()
    )


def _check_when(
    found: Mapping[str, Parameter], entries: Mapping[str, Any], where: Where, faults: list[errors.Fault]
) -> None:
    for parameter in found.values():
        for other, values in parameter.when:
            place = where(parameter.name, "when", other)
            if other not in entries:
                hint = errors.did_you_mean(
                    other, [str(name) for name in entries], "conditions name others of the space"
                )
                faults.append(errors.Fault(f"{parameter.name} depends on {other!r}, not in the space", place, hint))
            elif other in found:
                for value in values:
                    if said := found[other].fault(value):
                        hint = "the condition would never hold"
                        faults.append(errors.Fault(f"{parameter.name} depends on {other}: {said}", place, hint))


def _sorted(parameters: Iterable[Parameter]) -> tuple[list[Parameter], list[Parameter]]:
    """Those first that others depend on, else as written; and those that depend on each other in a circle."""
    left, found, known = list(parameters), [], set[str]()
    while ready := next((each for each in left if all(other in known for other, _ in each.when)), None):
        left.remove(ready)
        found.append(ready)
        known.add(ready.name)
    return found, left


def _same(one: Any, other: Any) -> bool:
    """Equal and of one kind: True is not 1, but 1.0 is."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def label(value: Any) -> str | int | float | bool | None:
    """A choice as libraries take it: plain values as they are, all others as JSON."""
    return value if value is None or isinstance(value, str | int | float | bool) else json.dumps(value)


def guessed(points: Sequence[Mapping[str, Any]]) -> Space:
    """The space that points came from, where nobody has written it down: as far as they show."""
    seen: dict[str, list[Any]] = {}
    for point in points:
        for name, value in point.items():
            seen.setdefault(name, []).append(value)
    found = []
    for name, values in seen.items():
        numbers = [each for each in values if isinstance(each, int | float) and not isinstance(each, bool)]
        if len(numbers) == len(values):
            whole = all(isinstance(each, int) for each in numbers)
            low, high = min(numbers), max(numbers)
            log = low > 0 and high / low > 1000
            found.append(Parameter(name, "int" if whole else "float", low, high, 1 if whole else None, log))
        else:
            unique = {json.dumps(value, default=str, sort_keys=True): value for value in values}
            found.append(Parameter(name, "choice", choices=tuple(unique[key] for key in sorted(unique))))
    return Space(tuple(found))
