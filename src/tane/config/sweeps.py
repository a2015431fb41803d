"""What a value of an override may be beside a plain one: several, to sweep over; and the functions that make them.

    1,2,3   choice(1,2,3)   range(0,10,2)   interval(0,1)   glob(*, exclude=big*)      sweeps
    sort(...)   shuffle(...)   tag(name, ...)                                          change them
    int(...)   float(...)   str(...)   bool(...)   json_str(...)                       make values of another type

Called by `grammar`, which reads them, and by `sweeping`, which takes them apart. Values are plain Python here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tane import errors, fielded

MOST = 1_000_000  # values of one sweep: more are a slip


@fielded.frozen
class Choice:
    """These values. `simple` when it was written without `choice(...)`."""

    items: tuple[Any, ...]
    tags: frozenset[str] = frozenset()
    shuffled: bool = False
    simple: bool = False


@fielded.frozen
class Range:
    """From `start` in steps, up to and without `stop`."""

    start: int | float
    stop: int | float
    step: int | float = 1
    tags: frozenset[str] = frozenset()
    shuffled: bool = False


@fielded.frozen
class Interval:
    """Any number from `low` up to and without `high`: only tuning can draw from it."""

    low: int | float
    high: int | float
    tags: frozenset[str] = frozenset()


@fielded.frozen
class Glob:
    """The choices of a group that fit one of `include` and none of `exclude`."""

    include: tuple[str, ...]
    exclude: tuple[str, ...] = ()


Sweep = Choice | Range | Interval | Glob
SWEEPS = (Choice, Range, Interval, Glob)


class Unfit(Exception):
    """A function cannot take what it is given: what is wrong, what to do."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


def call(name: str, positional: Sequence[Any], named: Mapping[str, Any]) -> Any:
    """The plain value or sweep that a function of the grammar gives. Raises `Unfit`."""
    function = _FUNCTIONS.get(name)
    if function is None:
        hint = errors.did_you_mean(name, _FUNCTIONS, "put text with brackets in it in quotes")
        raise Unfit(f"there is no function {name}()", hint)
    return function(name, list(positional), dict(named))


def numbers(sweep: Range) -> list[int | float]:
    """The numbers of a range, in order. Raises `Unfit` for one that is too long to be meant."""
    start, stop, step = sweep.start, sweep.stop, sweep.step
    if (stop - start) / step > MOST:
        raise Unfit(f"range({start}, {stop}, {step}) has more than {MOST:,} values", "take larger steps")
    if type(start) is type(stop) is type(step) is int:
        return list(range(start, stop, step))
    from decimal import Decimal

    at, end, by = Decimal(repr(start)), Decimal(repr(stop)), Decimal(repr(step))  # as written: 0.1 is a tenth
    found: list[int | float] = []
    while (at < end) if by > 0 else (at > end):
        found.append(float(at))
        at += by
    return found


def in_chance_order(items: Sequence[Any]) -> list[Any]:
    """`items` shuffled: the same ones always in the same way, so that a sweep can be resumed."""
    import random

    mixed = list(items)
    random.Random(repr(mixed)).shuffle(mixed)
    return mixed


# --- functions ------------------------------------------------------------------------------------------------


def _only(name: str, named: Mapping[str, Any], allowed: Sequence[str]) -> None:
    for key in named:
        if key not in allowed:
            known = f"its arguments have the names {', '.join(allowed)}" if allowed else "write its values alone"
            raise Unfit(f"{name}() has no argument {key!r}", errors.did_you_mean(key, allowed, known))


def _choice(name: str, positional: list[Any], named: dict[str, Any]) -> Any:
    _only(name, named, ())
    if not positional:
        raise Unfit("choice() of nothing", "name the values: choice(a,b)")
    if len(positional) == 1 and isinstance(positional[0], Choice) and positional[0].simple:
        return fielded.replace(positional[0], simple=False)
    return Choice(_plain(name, positional))


def _plain(name: str, items: Sequence[Any]) -> tuple[Any, ...]:
    for item in items:
        if isinstance(item, SWEEPS):
            raise Unfit(f"a sweep stands within {name}()", "write one sweep for each key")
    return tuple(items)


def _arguments(
    name: str, positional: list[Any], named: dict[str, Any], names: Sequence[str], least: int
) -> dict[str, Any]:
    """The arguments by name, at least the first `least` of `names`."""
    _only(name, named, names)
    if len(positional) > len(names):
        raise Unfit(f"{name}() takes at most {len(names)} values", f"write {name}({', '.join(names)})")
    given = dict(zip(names, positional, strict=False))
    for key in named:
        if key in given:
            raise Unfit(f"{name}() is given {key!r} twice", "take one of them out")
    given.update(named)
    for key in names[:least]:
        if key not in given:
            raise Unfit(f"{name}() lacks {key!r}", f"write {name}({', '.join(names)})")
    return given


def _number(name: str, key: str, value: Any) -> Any:
    if not isinstance(value, int | float):
        raise Unfit(f"{key} of {name}() is {_kind(value)}, not a number", f"give {name}() numbers")
    if value != value or value in (float("inf"), float("-inf")):
        raise Unfit(f"{key} of {name}() is {value}", "give an end that can be reached")
    return value


def _range(name: str, positional: list[Any], named: dict[str, Any]) -> Any:
    given = _arguments(name, positional, named, ("start", "stop", "step"), 1)
    if given.get("stop") is None:
        given["start"], given["stop"] = 0, given["start"]
    start, stop, step = (_number(name, key, given.get(key, 1)) for key in ("start", "stop", "step"))
    if step == 0:
        raise Unfit("the step of range() is 0", "take another step")
    return Range(start, stop, step)


def _interval(name: str, positional: list[Any], named: dict[str, Any]) -> Any:
    given = _arguments(name, positional, named, ("start", "end"), 2)
    low, high = (float(_number(name, key, given[key])) for key in ("start", "end"))
    return Interval(low, high)


def _glob(name: str, positional: list[Any], named: dict[str, Any]) -> Any:
    given = _arguments(name, positional, named, ("include", "exclude"), 1)
    made: list[tuple[str, ...]] = []
    for key in ("include", "exclude"):
        patterns: Any = given.get(key)
        several: list[Any] = patterns if isinstance(patterns, list) else [patterns]
        if patterns is None and key == "exclude":
            several = []
        if not all(isinstance(one, str) for one in several):
            raise Unfit(f"{key} of glob() is no text", "write glob(a*) or glob([a*, b*], exclude=c*)")
        made.append(tuple(several))
    return Glob(*made)


def _tag(name: str, positional: list[Any], named: dict[str, Any]) -> Any:
    _only(name, named, ("sweep",))
    *tags, sweep = [*positional, *named.values()] or [None]
    if not isinstance(sweep, Choice | Range | Interval):
        raise Unfit("the last of tag() is no sweep", "write tag(name, choice(a,b))")
    if not all(isinstance(tag, str) for tag in tags):
        raise Unfit("the tags of tag() are not all text", "write tag(name, choice(a,b))")
    return fielded.replace(sweep, tags=frozenset(tags))


def _given(name: str, positional: list[Any], named: dict[str, Any]) -> list[Any]:
    """What `sort` and `shuffle` are to work on."""
    for key, kinds in (("list", list), ("sweep", (Choice, Range))):
        if key in named:
            if not isinstance(named[key], kinds):
                raise Unfit(f"{key} of {name}() is {_kind(named[key])}", f"write {name}(...) of the values themselves")
            return [named[key]]
    return positional


def _shuffle(name: str, positional: list[Any], named: dict[str, Any]) -> Any:
    _only(name, named, ("sweep", "list"))
    given = _given(name, positional, named)
    if len(given) != 1:
        if not given:
            raise Unfit("shuffle() of nothing", "name the values: shuffle(a,b)")
        return Choice(_plain(name, given), shuffled=True, simple=True)
    only = given[0]
    if isinstance(only, Choice | Range):
        return fielded.replace(only, shuffled=True)
    if isinstance(only, list):
        return in_chance_order(only)
    return [_plain(name, [only])[0]]


def _sort(name: str, positional: list[Any], named: dict[str, Any]) -> Any:
    _only(name, named, ("sweep", "list", "reverse"))
    reverse = named.get("reverse", False)
    if not isinstance(reverse, bool):
        raise Unfit("reverse of sort() is not true or false", "write sort(..., reverse=true)")
    given = _given(name, positional, named)
    if not given:
        raise Unfit("sort() of nothing", "name the values: sort(b,a)")
    only = given[0]
    if len(given) > 1:
        if not all(isinstance(item, int | float | str) for item in given):
            raise Unfit("sort() takes numbers or texts", "leave null, lists and mappings out")
        return Choice(tuple(_sorted(given, reverse)), simple=True)
    if isinstance(only, list):
        return _sorted(only, reverse)
    if isinstance(only, Choice):
        return fielded.replace(only, items=tuple(_sorted(only.items, reverse)))
    if isinstance(only, Range):
        return _sorted_range(only, reverse)
    return _plain(name, [only])[0]


def _sorted(items: Sequence[Any], reverse: bool) -> list[Any]:
    try:
        return sorted(items, reverse=reverse)
    except TypeError:
        raise Unfit("sort() cannot order values of several types", "give it numbers or texts") from None


def _sorted_range(sweep: Range, reverse: bool) -> Range:
    if (sweep.start < sweep.stop) if reverse else (sweep.start > sweep.stop):
        by = -abs(sweep.step) if reverse else abs(sweep.step)
        return fielded.replace(sweep, start=sweep.stop + by, stop=sweep.start + by, step=-sweep.step)
    return sweep


def _cast(name: str, positional: list[Any], named: dict[str, Any]) -> Any:
    _only(name, named, ("value",))
    if positional and named.get("value") is not None:
        raise Unfit(f"{name}() is given values and 'value'", "take one of them out")
    given = positional or [value for value in named.values() if value is not None]
    if not given:
        raise Unfit(f"{name}() of nothing", f"name a value: {name}(1)")
    return _as(name, given[0] if len(given) == 1 else Choice(_plain(name, given), simple=True))


def _as(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as(name, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as(name, item) for item in value]
    if isinstance(value, Choice):
        return Choice(tuple(_as(name, item) for item in value.items), simple=value.simple)
    if isinstance(value, Range) and name in ("int", "float"):
        step = _as(name, value.step)
        if step == 0:
            raise Unfit("the step of range() is 0", "take another step")
        return Range(_as(name, value.start), _as(name, value.stop), step)
    if isinstance(value, Interval) and name in ("int", "float"):
        return Interval(_as(name, value.low), _as(name, value.high), value.tags)
    if value is None and name == "bool":
        return False
    if not isinstance(value, str | int | float):
        raise Unfit(f"{name}() cannot take {_kind(value)}", "give it a plain value")
    try:
        return _CASTS[name](value)
    except (ValueError, OverflowError):
        raise Unfit(f"{name}() cannot take {value!r}", f"give it what reads as {name}") from None


def _bool(value: str | int | float) -> bool:
    if isinstance(value, str):
        if value.lower() not in ("true", "false"):
            raise ValueError(value)
        return value.lower() == "true"
    return bool(value)


def _text(value: str | int | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_CASTS: dict[str, Callable[[Any], Any]] = {"int": int, "float": float, "bool": _bool, "str": _text}


def _json(name: str, positional: list[Any], named: dict[str, Any]) -> Any:
    import json

    _only(name, named, ("value",))
    given = [*positional, *named.values()]
    if not given:
        raise Unfit(f"{name}() of nothing", f"name a value: {name}({{a: 1}})")
    only = given[0]
    if len(given) > 1 or isinstance(only, Choice):
        items = only.items if isinstance(only, Choice) else _plain(name, given)
        return Choice(tuple(map(json.dumps, items)), simple=True)
    return json.dumps(*_plain(name, given))


def _kind(value: Any) -> str:
    if isinstance(value, SWEEPS):
        return f"a sweep ({type(value).__name__.lower()})"
    return "null" if value is None else type(value).__name__


_FUNCTIONS: dict[str, Callable[[str, list[Any], dict[str, Any]], Any]] = {
    "choice": _choice,
    "range": _range,
    "interval": _interval,
    "glob": _glob,
    "tag": _tag,
    "sort": _sort,
    "shuffle": _shuffle,
    **dict.fromkeys(_CASTS, _cast),
    "json_str": _json,
}
