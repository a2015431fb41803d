"""Conditions: whether a step is to run at all. Description only; the loop asks when the values are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import FunctionType
from typing import Any

from tane import errors, fielded, patterns
from tane.pipeline import callables, options

Given = str | Mapping[str, Any] | Callable[..., Any] | tuple[Callable[..., Any], str | Sequence[str]] | None


@fielded.frozen
class When:
    """A test on datasets and parameters (`inputs`). `words` say it to people."""

    inputs: tuple[str, ...]
    test: Callable[..., Any]
    words: str

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether it is true of `values`, by input name; a parameter not among them has the test's own default.

        Raises what the test raises, and KeyError for a value that is missing and has no default.
        """
        if len(values) == len(self.inputs):
            return bool(self.test(*(values[name] for name in self.inputs)))
        takes, own = callables.signature(self.test), callables.defaults(self.test)
        arguments = takes.positional if takes is not None else ()
        given = [
            values[name] if name in values or argument not in own else own[argument]
            for name, argument in zip(self.inputs, arguments, strict=True)
        ]
        return bool(self.test(*given))

    @property
    def by_function(self) -> bool:
        """Whether the test is a function of the user's."""
        return not isinstance(self.test, (_Truth, _Among))

    @property
    def optional(self) -> frozenset[str]:
        """The parameters for which the test has a default."""
        takes = callables.signature(self.test) if type(self.test) is FunctionType else None
        if takes is None or not takes.defaulted:
            return frozenset()
        pairs = zip(takes.positional, self.inputs, strict=False)
        return frozenset(name for argument, name in pairs if argument in takes.defaulted)

    def renamed(self, new: Callable[[str], str]) -> When:
        """The same test on inputs of other names."""
        return fielded.replace(self, inputs=tuple(map(new, self.inputs)))

    def __str__(self) -> str:
        return self.words


@fielded.frozen
class _Truth:
    """Whether the value counts as true (or, negated, as false)."""

    wanted: bool

    def __call__(self, value: Any) -> bool:
        return bool(value) is self.wanted


@fielded.frozen
class _Among:
    """Whether each value is one of its options."""

    options: tuple[tuple[Any, ...], ...]

    def __call__(self, *values: Any) -> bool:
        pairs = zip(values, self.options, strict=True)
        return all(any(_same(value, option) for option in some) for value, some in pairs)


def _same(value: Any, option: Any) -> bool:
    return type(value) is bool and value is option if type(option) is bool else bool(value == option)


def when(given: Given, label: str) -> When | None:
    """Read the condition of the node `label`.

    A name ("has_rows", "params:train", "not params:dry_run") tests the value's truth; a mapping from names to values,
    or lists of values, that each is equal to (one of) them; a function gets the datasets its arguments name - an
    argument with a default is a parameter -; a pair (function, names) says which. Raises `errors.PipelineError`.
    """
    if given is None:
        return None
    if isinstance(given, str):
        negated, name = given.startswith("not "), given.removeprefix("not ").strip()
        if not _NAME.fullmatch(name):
            raise errors.PipelineError(
                f"when={given!r}: {name!r} is no name of a dataset or parameter",
                where=f"node {label!r}",
                hint="to compare, give a dict, as in {'a': 3}, or a function of named datasets",
            )
        return When((name,), _Truth(not negated), given)
    if isinstance(given, Mapping) and given:
        some = (list, tuple, set, frozenset)
        options = tuple(tuple(one) if isinstance(one, some) else (one,) for one in given.values())
        pairs = zip(given, options, strict=True)
        words = " and ".join(f"{name} is {' or '.join(map(repr, wanted))}" for name, wanted in pairs)
        return When(tuple(given), _Among(options), words)
    if isinstance(given, tuple) and len(given) == 2 and callable(given[0]):
        return _of_pair(*given, label)
    if callable(given):
        takes = callables.signature(given)
        if takes is not None and not takes.many_positional and not takes.keyword and takes.positional:
            inputs = tuple(f"params:{name}" if name in takes.defaulted else name for name in takes.positional)
            return When(inputs, given, _words(given))
    raise errors.PipelineError(
        f"when={given!r} is no condition",
        where=f"node {label!r}",
        hint='give a name ("params:train", "not empty"), a dict {name: value}, or a function of named datasets',
    )


_NAME = patterns.lazily(r"(params:)?[^\s:@/\\=<>!&|()]+(@[\w-]+)?")


def _of_pair(func: Callable[..., Any], given: Any, label: str) -> When:
    """The condition that calls `func` with the datasets and parameters named by `given`."""
    faults: list[errors.Fault] = []
    names = options.names(given, "when", "the name of a dataset or parameter after its function", label, faults)
    takes = callables.signature(func)
    if takes is not None and not faults:
        least = sum(name not in takes.defaulted for name in takes.positional)
        most = len(names) if takes.many_positional else len(takes.positional)
        unnamed = [name for name in takes.keyword if name not in takes.defaulted]
        if not least <= len(names) <= most or unnamed:
            faults.append(
                errors.Fault(
                    f"when= gives {callables.call_name(func)}() {len(names)} values: {', '.join(names) or 'none'}",
                    f"node {label!r}",
                    f"it takes ({', '.join((*takes.positional, *takes.keyword))}): name one for each, in that order",
                )
            )
    if faults:
        raise errors.PipelineError.of(faults, f"node {label!r} is not well described")
    return When(names, func, _words(func))


def _words(func: Callable[..., Any]) -> str:
    name = callables.call_name(func)
    return "its condition" if name == "<lambda>" else f"{name}()"
