"""Calling the user's function, and taking apart what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tane import errors, events
from tane.pipeline import commands, conditions, nodes
from tane.project import tracebacks
from tane.runs import commanding


def call(func: Callable[..., Any], positional: Sequence[Any], by_name: Mapping[str, Any], node: str) -> Any:
    """Call the user's function; what it raises becomes an error that shows the user's frames first."""
    if isinstance(func, commands.Command):
        return commanding.in_memory(func, node, positional)
    try:
        return func(*positional, **by_name)
    except (errors.TaneError, KeyboardInterrupt):
        raise
    except BaseException as error:  # sys.exit() and a cancelled task end the node, not the run
        sink = events.current()
        if sink is not None and sink.pruned is not None:  # a library in between has made an error of its own of it
            raise sink.pruned from None
        raise failed(error, node) from error


def failed(error: BaseException, node: str) -> errors.UserCodeError:
    """What the user's code raised, as the error that shows their frames first."""
    shown = tracebacks.show(error)
    return errors.UserCodeError(
        f"node {node!r} failed: {shown.line}",
        where=shown.where,
        hint="mend it and run again: what succeeded is kept",
        traceback=shown.text,
        raised=tuple(f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__),
    )


def let_go(error: BaseException) -> None:
    """Let go of what the frames of a failed step hold - what it was given, what it was at - which would stay in memory
    as long as the error is known. Where it failed can still be read.
    """
    import traceback

    left, seen = [error], set[int]()
    while left:
        each = left.pop()
        if id(each) not in seen:
            seen.add(id(each))
            traceback.clear_frames(each.__traceback__)
            left += [found for found in (each.__cause__, each.__context__) if found is not None]
            if isinstance(each, BaseExceptionGroup):
                left += each.exceptions


def ask(when: conditions.When, values: Mapping[str, Any], node: str) -> bool:
    """Whether the condition of `node` is true of `values`. Raises `errors.UserCodeError` for what it raises."""
    try:
        return when.holds(values)
    except (errors.TaneError, KeyboardInterrupt):
        raise
    except BaseException as error:
        fault = failed(error, node)
        where, hint, traceback = fault.where, fault.hint, fault.traceback
        if not when.by_function:
            name = when.inputs[0]
            where, traceback = f"node {node!r}", ""
            hint = f"say what counts with a function, as in when=(lambda value: len(value) > 0, {name!r})"
        what = f"the condition of {fault.what}"
        raise errors.UserCodeError(what, where=where, hint=hint, traceback=traceback) from error


def unpack(result: Any, node: str, names: Sequence[str], returns: nodes.Returns, keys: Sequence[str]) -> Sequence[Any]:
    """The returned values, one for each of the outputs `names`.

    Raises `errors.UserCodeError` when they are too few, too many or None.
    """
    if returns == "nothing":
        return ()
    if returns == "one":
        returned: Sequence[Any] = (result,)
    elif returns == "many":
        returned = _many(result, node, names)
    else:
        returned = _by_key(result, node, keys)
    for name, value in zip(names, returned, strict=True):
        if value is None:
            raise errors.UserCodeError(
                f"node {node!r} returned None for output {name!r}",
                hint="return a value on every path, or describe the node with outputs=None",
            )
    return returned


def _many(result: Any, node: str, names: Sequence[str]) -> Sequence[Any]:
    if not isinstance(result, (tuple, list)):
        raise errors.UserCodeError(
            f"node {node!r} returned one {type(result).__name__}, not the {len(names)} outputs {', '.join(names)}",
            hint="return a tuple or list with one value for each output",
        )
    if len(result) != len(names):
        raise errors.UserCodeError(
            f"node {node!r} returned {len(result)} values for {len(names)} outputs: {', '.join(names)}",
            hint="return one value for each output",
        )
    return result


def _by_key(result: Any, node: str, keys: Sequence[str]) -> Sequence[Any]:
    if not isinstance(result, Mapping):
        raise errors.UserCodeError(
            f"node {node!r} returned one {type(result).__name__}, not a dict with {', '.join(keys)}",
            hint="return a dict with the keys that outputs= names",
        )
    missing = [key for key in keys if key not in result]
    if missing:
        raise errors.UserCodeError(
            f"node {node!r} returned a dict without {', '.join(map(repr, missing))}",
            hint=f"it has the keys {', '.join(map(repr, result))}",
        )
    return [result[key] for key in keys]
