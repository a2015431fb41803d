"""Assertions about values and runs, which say where a difference is. They work without pytest too."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterator, Mapping, Set
from itertools import islice
from typing import Any

from tane.digest import values
from tane.outcomes import StepStatus
from tane.runs import results

_MOST = 8  # differences told
_DEEPEST = 6
_short = reprlib.Repr()
_short.maxstring = _short.maxother = 60


def assert_same(actual: Any, expected: Any) -> None:
    """Fail unless the two are the same by content, as Tane sees it: of one type, and equal down to the last digit.

    Frames, arrays, models and whatever else can be pickled are compared by digest. Missing values are equal.
    """
    __tracebackhide__ = True
    if not _same(actual, expected):
        found = list(islice(_differences(actual, expected, "value", 0), _MOST + 1))
        told = found[:_MOST] or ["value: their contents differ, though nothing that can be named does"]
        more = [f"- ... and more than these {_MOST}"] if len(found) > _MOST else []
        raise AssertionError("\n".join(["they are not the same:", *(f"- {line}" for line in told), *more]))


def digest(value: Any) -> str | None:
    """What identifies the content of a value; None when nothing does: a generator, an open file."""
    try:
        return values.of(value).digest
    except values.CannotDigest:
        return None


def assert_ran(run: results.Run, *names: str, reason: str = "") -> None:
    """Fail unless the steps of these nodes, or all, worked in `run`; for that `reason`, when one is given ("code")."""
    __tracebackhide__ = True
    _assert_steps(run, names, StepStatus.SUCCEEDED, "run", reason)


def assert_reused(run: results.Run, *names: str) -> None:
    """Fail unless the results of these nodes, or of all, were reused in `run`."""
    __tracebackhide__ = True
    _assert_steps(run, names, StepStatus.REUSED, "been reused")


def _assert_steps(run: results.Run, names: tuple[str, ...], wanted: StepStatus, word: str, reason: str = "") -> None:
    __tracebackhide__ = True
    steps = [run.step(name) for name in names] or list(run.steps)
    wrong = [step for step in steps if step.status is not wanted]
    if wrong:
        names_of = ", ".join(repr(step.node) for step in wrong)
        raise AssertionError(f"{names_of} should have {word}; in {_named(run)}:\n{_told(run)}")
    other = [step for step in steps if not any(reason in each for each in step.reasons)] if reason else []
    if other:
        names_of = ", ".join(repr(step.node) for step in other)
        raise AssertionError(f"{names_of} did not run because of {reason!r}; in {_named(run)}:\n{_told(run)}")


def _named(run: results.Run) -> str:
    return f"run {run.id} of {run.pipeline or 'these nodes'}"


def _told(run: results.Run) -> str:
    """The steps of a run, one a line."""
    width = max((len(step.node) for step in run.steps), default=0)
    return "\n".join(
        f"  {step.status:<9} {step.node:<{width}}  {'; '.join(step.reasons) or step.error}".rstrip()
        for step in run.steps
    )


# --- what differs -----------------------------------------------------------------------------------------------------


def _same(left: Any, right: Any) -> bool:
    if left is right:
        return True
    one, other = digest(left), digest(right)
    if one is None or other is None:
        return type(left) is type(right) and bool(left == right)
    return one == other


def _differences(left: Any, right: Any, path: str, depth: int) -> Iterator[str]:
    """Where two values that are not the same differ, from the outside in."""
    if type(left) is not type(right):
        yield f"{path}: {_kind(left)} {_short.repr(left)}, not {_kind(right)} {_short.repr(right)}"
    elif depth == _DEEPEST:
        yield f"{path}: {_short.repr(left)}, not {_short.repr(right)}"
    else:
        yield from _inside(left, right, path, depth)


def _inside(left: Any, right: Any, path: str, depth: int) -> Iterator[str]:
    package = type(left).__module__.partition(".")[0]
    if package in ("pandas", "polars") and hasattr(left, "columns") and hasattr(left, "shape"):
        yield from _of_frames(left, right, path, depth)
    elif package == "pandas" and hasattr(left, "to_frame") and hasattr(left, "index"):
        yield from _of_series(left, right, path, depth)
    elif package == "numpy" and hasattr(left, "shape"):
        yield from _of_arrays(left, right, path)
    elif isinstance(left, Mapping):
        yield from _of_mappings(left, right, path, depth)
    elif isinstance(left, list | tuple):
        yield from _of_sequences(left, right, path, depth)
    elif isinstance(left, Set):
        yield from (f"{path}: {_short.repr(each)} is missing" for each in right - left)
        yield from (f"{path}: {_short.repr(each)} should not be there" for each in left - right)
    elif isinstance(left, str) and "\n" in left + right:
        lines = difflib.unified_diff(right.splitlines(), left.splitlines(), "expected", "actual", lineterm="", n=1)
        yield f"{path}:\n" + "\n".join(f"    {line}" for line in lines)
    elif not isinstance(left, type) and (vars(left) if hasattr(left, "__dict__") else {}):
        yield from _of_mappings(vars(left), vars(right), path, depth, "{}.{}")
    else:
        yield f"{path}: {_short.repr(left)}, not {_short.repr(right)}"


def _of_mappings(
    left: Mapping[Any, Any], right: Mapping[Any, Any], path: str, depth: int, way: str = "{}[{!r}]"
) -> Iterator[str]:
    for key in right:
        if key not in left:
            yield f"{way.format(path, key)} is missing"
    for key in left:
        if key not in right:
            yield f"{way.format(path, key)} should not be there"
        elif not _same(left[key], right[key]):
            yield from _differences(left[key], right[key], way.format(path, key), depth + 1)
    shared = [key for key in left if key in right]
    if shared != [key for key in right if key in left]:
        yield f"{path}: the keys are in another order: {_short.repr(shared)}"


def _of_sequences(left: Any, right: Any, path: str, depth: int) -> Iterator[str]:
    if len(left) != len(right):
        yield f"{path}: {len(left)} items, not {len(right)}"
    for number, (one, other) in enumerate(zip(left, right, strict=False)):
        if not _same(one, other):
            yield from _differences(one, other, f"{path}[{number}]", depth + 1)


def _of_arrays(left: Any, right: Any, path: str) -> Iterator[str]:
    if left.dtype != right.dtype:
        yield f"{path}: dtype {left.dtype}, not {right.dtype}"
    if left.shape != right.shape:
        yield f"{path}: shape {left.shape}, not {right.shape}"
    if left.dtype != right.dtype or left.shape != right.shape:
        return
    for place in _indices(left.shape):
        if not _same(left[place], right[place]):
            shown = ", ".join(map(str, place))
            yield f"{path}[{shown}]: {_plain(left[place])!r}, not {_plain(right[place])!r}"


def _of_frames(left: Any, right: Any, path: str, depth: int) -> Iterator[str]:
    before, after = list(right.columns), list(left.columns)
    for column in before:
        if column not in after:
            yield f"{path}: column {column!r} is missing"
    for column in after:
        if column not in before:
            yield f"{path}: column {column!r} should not be there"
    if sorted(map(str, before)) == sorted(map(str, after)) and before != after:
        yield f"{path}: the columns are in another order: {_short.repr(after)}, not {_short.repr(before)}"
    if len(left) != len(right):
        yield f"{path}: {len(left)} rows, not {len(right)}"
    if hasattr(left, "index") and not _same(left.index, right.index):
        yield f"{path}: another index: {_short.repr(list(left.index))}, not {_short.repr(list(right.index))}"
    if len(set(after)) == len(after):
        for column in (each for each in after if each in before):
            if not _same(left[column], right[column]):
                yield from _of_series(left[column], right[column], f"{path}[{column!r}]", depth)


def _of_series(left: Any, right: Any, path: str, depth: int) -> Iterator[str]:
    if left.dtype != right.dtype:
        yield f"{path}: dtype {left.dtype}, not {right.dtype}"
        return
    if getattr(left, "name", None) != getattr(right, "name", None):
        yield f"{path}: called {left.name!r}, not {right.name!r}"
    for number, (one, other) in enumerate(zip(left.to_list(), right.to_list(), strict=False)):
        if not _same(one, other):
            yield f"{path}, row {number}: {_short.repr(_plain(one))}, not {_short.repr(_plain(other))}"


def _indices(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    if not shape:
        yield ()
        return
    for first in range(shape[0]):
        for rest in _indices(shape[1:]):
            yield (first, *rest)


def _plain(value: Any) -> Any:
    """A number of NumPy's as one of Python's, which reads better."""
    item = getattr(value, "item", None)
    return item() if callable(item) and getattr(value, "shape", None) == () else value


def _kind(value: Any) -> str:
    kind = type(value)
    if kind.__module__ == "builtins":
        return kind.__name__
    return f"{kind.__module__.partition('.')[0]} {kind.__name__}"
