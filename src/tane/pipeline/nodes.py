"""Nodes: a callable with the names of what it takes and what it makes. Description only: nothing runs here.

`node(...)` makes one; `signature` says which arguments a callable takes, cheaply, since graphs have thousands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any, Literal, NamedTuple

from tane import errors

Names = str | Sequence[str] | Mapping[str, str] | None
Returns = Literal["nothing", "one", "many", "keys"]

PARAMETERS = "parameters"
PARAM = "params:"


@dataclass(frozen=True, slots=True)
class Node:
    """A step's description.

    `positional` and `by_name` bind dataset names to the callable's arguments; `inputs` are all of them, each once.
    `outputs` are dataset names; with `returns` "keys" the callable returns a dict and `keys` are its keys. `optional`
    are parameters for which the callable has a default. `bare` marks a function given to a pipeline as it is: what
    its arguments mean depends on the other nodes there.
    """

    func: Callable[..., Any]
    name: str
    positional: tuple[str, ...]
    by_name: tuple[tuple[str, str], ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    returns: Returns
    keys: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    cache: bool = True
    optional: frozenset[str] = frozenset()
    named: bool = True
    bare: bool = False

    @property
    def data_inputs(self) -> tuple[str, ...]:
        """The inputs that are datasets, not parameters."""
        return tuple(name for name in self.inputs if not is_parameter(name))

    @property
    def parameters(self) -> tuple[str, ...]:
        """The inputs that are parameters: "params:a.b" or "parameters"."""
        return tuple(name for name in self.inputs if is_parameter(name))

    def __str__(self) -> str:
        takes, makes = ", ".join(self.inputs) or "nothing", ", ".join(self.outputs) or "nothing"
        return f"{self.name}: {takes} -> {makes}"


def is_parameter(name: str) -> bool:
    """Whether an input's name stands for parameters rather than a dataset."""
    return name == PARAMETERS or name.startswith(PARAM)


def parameter_key(name: str) -> str:
    """The dotted key behind "params:a.b"; empty for "parameters", which is all of them."""
    return name[len(PARAM) :] if name.startswith(PARAM) else ""


def node(
    func: Callable[..., Any],
    inputs: Names = None,
    outputs: Names = None,
    *,
    name: str | None = None,
    tags: str | Iterable[str] = (),
    cache: bool = True,
) -> Node:
    """Describe a step: `func` takes `inputs` and makes `outputs`.

    `inputs`: a name, a list of names in the order of the arguments, or a dict from argument to name.
    `outputs`: a name, a list of names for a tuple or list that `func` returns, a dict from returned key to name, or
    None when it returns nothing. "params:a.b" is a parameter, "parameters" all of them. `cache=False` runs the step
    every time. Raises `errors.PipelineError` with all that does not fit.
    """
    label = name or call_name(func)
    faults: list[errors.Fault] = []
    if not callable(func):
        raise errors.PipelineError(
            f"node {label!r}: {func!r} is not callable", hint="give a function, a class or an object with __call__"
        )
    positional, by_name = _bind_inputs(inputs, label, faults)
    made, keys, returns = _bind_outputs(outputs, label, faults)
    if not faults:
        _check_fit(func, positional, by_name, label, faults)
    if faults:
        raise errors.PipelineError.of(faults, f"node {label!r} is not well described")
    taken = positional + tuple(dataset for _, dataset in by_name)
    if len(set(taken)) != len(taken):
        taken = tuple(dict.fromkeys(taken))
    labels = frozenset((tags,)) if isinstance(tags, str) else frozenset(tags)
    return Node(func, label, positional, by_name, taken, made, returns, keys, labels, cache, named=name is not None)


def bare(func: Callable[..., Any]) -> Node:
    """A function as it stands: inputs are its arguments, its output its own name."""
    label = call_name(func)
    if not label.isidentifier():
        raise errors.PipelineError(
            f"{label!r} has no name that an output could take",
            hint="give it one: node(func, inputs, outputs, name=...)",
        )
    takes = signature(func)
    if takes is None or takes.many_positional or takes.many_named:
        raise errors.PipelineError(
            f"the arguments of {label!r} cannot be read off",
            hint="name its inputs: node(func, inputs, outputs)",
        )
    return _bare(func, label, takes, made=None)


def rebind(described: Node, made: Container[str]) -> Node:
    """A bare node among nodes that make `made`: an argument with a default that no node makes is a parameter."""
    takes = signature(described.func)
    if takes is None or not takes.defaulted:
        return described
    return replace(_bare(described.func, described.name, takes, made), tags=described.tags, named=described.named)


def _bare(func: Callable[..., Any], label: str, takes: Signature, made: Container[str] | None) -> Node:
    def dataset(argument: str) -> str:
        is_made = made is not None and argument in made
        return PARAM + argument if argument in takes.defaulted and not is_made else argument

    required = [argument for argument in takes.positional if argument not in takes.defaulted]
    optional_ones = [argument for argument in takes.positional if argument in takes.defaulted]
    positional = tuple(dataset(argument) for argument in required)
    by_name = tuple((argument, dataset(argument)) for argument in (*optional_ones, *takes.keyword))
    taken = positional + tuple(name for _, name in by_name)
    optional = frozenset(name for name in taken if name.startswith(PARAM))
    return Node(func, label, positional, by_name, taken, (label,), "one", optional=optional, named=False, bare=True)


class Signature(NamedTuple):
    """The arguments of a callable: names in order, names by keyword only, and those with a default."""

    positional: tuple[str, ...]
    keyword: tuple[str, ...]
    defaulted: frozenset[str]
    many_positional: bool
    many_named: bool


_VARARGS, _VARKEYWORDS = 0x04, 0x08
_NONE: frozenset[str] = frozenset()


def signature(func: Callable[..., Any]) -> Signature | None:
    """The arguments `func` takes, or None when it does not say (some C functions)."""
    if type(func) is FunctionType and not hasattr(func, "__wrapped__"):
        return _function_signature(func)
    import inspect

    try:
        parameters = inspect.signature(func).parameters.values()
    except (TypeError, ValueError):
        return None
    kinds = inspect.Parameter
    return Signature(
        tuple(p.name for p in parameters if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)),
        tuple(p.name for p in parameters if p.kind is kinds.KEYWORD_ONLY),
        frozenset(p.name for p in parameters if p.default is not kinds.empty),
        any(p.kind is kinds.VAR_POSITIONAL for p in parameters),
        any(p.kind is kinds.VAR_KEYWORD for p in parameters),
    )


def _function_signature(func: FunctionType) -> Signature:
    code = func.__code__
    count, keywords = code.co_argcount, code.co_kwonlyargcount
    positional = code.co_varnames[:count]
    keyword = code.co_varnames[count : count + keywords]
    defaulted = _NONE
    if func.__defaults__:
        defaulted = frozenset(positional[count - len(func.__defaults__) :])
    if func.__kwdefaults__:
        defaulted |= func.__kwdefaults__.keys()
    flags = code.co_flags
    return Signature(positional, keyword, defaulted, bool(flags & _VARARGS), bool(flags & _VARKEYWORDS))


def bound(described: Node) -> list[tuple[str, str]]:
    """Which argument gets which input: (argument, dataset or parameter), as far as the callable says its arguments."""
    takes = signature(described.func)
    arguments = takes.positional if takes is not None else ()
    return [*zip(arguments, described.positional, strict=False), *described.by_name]


def defaults(func: Callable[..., Any]) -> dict[str, Any]:
    """The default values of a callable's arguments, by name."""
    if type(func) is FunctionType and not hasattr(func, "__wrapped__"):
        code, last = func.__code__, func.__defaults__ or ()
        names = code.co_varnames[code.co_argcount - len(last) : code.co_argcount]
        return dict(zip(names, last, strict=True)) | (func.__kwdefaults__ or {})
    import inspect

    try:
        parameters = inspect.signature(func).parameters.values()
    except (TypeError, ValueError):
        return {}
    return {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}


def call_name(func: Any) -> str:
    """The name people know a callable by."""
    named: str | None = getattr(func, "__name__", None)
    if named is not None:
        return named
    inner = getattr(func, "func", None)  # functools.partial
    return call_name(inner) if inner is not None else type(func).__name__


def _bind_inputs(
    inputs: Names, label: str, faults: list[errors.Fault]
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    if inputs is None:
        return (), ()
    if isinstance(inputs, str):
        inputs = (inputs,)
    if isinstance(inputs, Mapping):
        for dataset in inputs.values():
            _check_name(dataset, label, "input", faults)
        return (), tuple(inputs.items())
    for dataset in inputs:
        _check_name(dataset, label, "input", faults)
    return tuple(inputs), ()


def _bind_outputs(
    outputs: Names, label: str, faults: list[errors.Fault]
) -> tuple[tuple[str, ...], tuple[str, ...], Returns]:
    made: tuple[str, ...]
    keys: tuple[str, ...] = ()
    returns: Returns
    if outputs is None:
        return (), (), "nothing"
    if isinstance(outputs, str):
        made, returns = (outputs,), "one"
    elif isinstance(outputs, Mapping):
        made, keys, returns = tuple(outputs.values()), tuple(outputs), "keys"
    else:
        made, returns = tuple(outputs), "many"
    for dataset in made:
        _check_name(dataset, label, "output", faults)
    if len(made) > 1 and len(set(made)) != len(made):
        twice = sorted({name for name in made if made.count(name) > 1})
        faults.append(errors.Fault(f"output {', '.join(twice)} is named twice", f"node {label!r}", "name each once"))
    return made, keys, returns


_PLAIN = re.compile(r"[^\s:@/\\]+(@[\w-]+)?").fullmatch


def _check_name(dataset: object, label: str, role: str, faults: list[errors.Fault]) -> None:
    if isinstance(dataset, str):
        if _PLAIN(dataset):
            if role == "output" and dataset == PARAMETERS:
                faults.append(
                    errors.Fault("'parameters' cannot be an output", f"node {label!r}", "choose another name")
                )
            return
        if role == "input" and dataset.startswith(PARAM) and len(dataset) > len(PARAM):
            return
    hint = "a dataset's name has no spaces, slashes or colons; a parameter is 'params:a.b' and only an input"
    faults.append(errors.Fault(f"{dataset!r} is not a name for an {role}", f"node {label!r}", hint))


def _check_fit(
    func: Callable[..., Any],
    positional: tuple[str, ...],
    by_name: tuple[tuple[str, str], ...],
    label: str,
    faults: list[errors.Fault],
) -> None:
    takes = signature(func)
    if takes is None:
        return
    where = f"node {label!r}"
    accepted = takes.positional
    if len(positional) > len(accepted) and not takes.many_positional:
        faults.append(
            errors.Fault(
                f"{call_name(func)}() takes {len(accepted)} arguments by position, {len(positional)} inputs are given",
                where,
                f"it takes ({', '.join(accepted)}); give as many inputs, or a dict from argument to name",
            )
        )
    given = set(accepted[: len(positional)])
    if by_name:
        known = accepted + takes.keyword
        for argument, _ in by_name:
            if argument not in known and not takes.many_named:
                hint = errors.did_you_mean(argument, known, f"it takes ({', '.join(known)})")
                faults.append(errors.Fault(f"{call_name(func)}() has no argument {argument!r}", where, hint))
            given.add(argument)
    missing = [a for a in accepted + takes.keyword if a not in given and a not in takes.defaulted]
    if missing:
        faults.append(
            errors.Fault(
                f"{call_name(func)}() also needs {', '.join(missing)}", where, "name an input for each of its arguments"
            )
        )
