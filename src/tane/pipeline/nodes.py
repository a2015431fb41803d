"""Nodes: a callable with the names of what it takes and makes. Description only: nothing runs here.

`node(...)` makes one; `bare` makes one of a function as it stands. What binds names to arguments is in `binding`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any

from tane import errors, fielded
from tane.pipeline import binding, callables, conditions, demands, options
from tane.pipeline.binding import PARAM, PARAMETERS, base_name, is_parameter, parameter_key

__all__ = ["PARAM", "PARAMETERS", "base_name", "is_parameter", "parameter_key"]

Names = binding.Names
Returns = binding.Returns

_NO_DEMANDS = demands.NONE


@fielded.frozen
class Node:
    """A step's description.

    `positional` and `by_name` bind dataset names to the callable's arguments; `inputs` are all of them, each once.
    `outputs` are dataset names; with `returns` "keys" the callable returns a dict and `keys` are its keys. `optional`
    are inputs for which the callable has a default: datasets that may be skipped and, where `bare`, parameters that
    need not be set. `bare` marks a function given to a pipeline as it is: what its arguments mean depends on the other
    nodes there.

    `after` names nodes that must have ended before, whatever they make; `when` is the condition under which it runs;
    `always` says that it runs however those before it ended. `over` are inputs of which it takes one item at a time,
    in lockstep; `streams` says that it yields its output chunk by chunk. `confirms` are incremental datasets to be
    confirmed when it has succeeded. `demands` say how it is to be run, which is no part of its result.
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
    namespace: str = ""
    after: tuple[str, ...] = ()
    when: conditions.When | None = None
    over: tuple[str, ...] = ()
    always: bool = False
    streams: bool = False
    confirms: tuple[str, ...] = ()
    demands: demands.Demands = _NO_DEMANDS

    @property
    def data_inputs(self) -> tuple[str, ...]:
        """The inputs that are datasets, not parameters."""
        return tuple(name for name in self.inputs if not is_parameter(name))

    @property
    def parameters(self) -> tuple[str, ...]:
        """The inputs that are parameters: "params:a.b" or "parameters"."""
        return tuple(name for name in self.inputs if is_parameter(name))

    @property
    def needs(self) -> tuple[str, ...]:
        """All names it must know before it can go: its inputs, and what its condition looks at."""
        if self.when is None:
            return self.inputs
        return tuple(dict.fromkeys((*self.inputs, *self.when.inputs)))

    def __str__(self) -> str:
        takes, makes = ", ".join(self.inputs) or "nothing", ", ".join(self.outputs) or "nothing"
        return f"{self.name}: {takes} -> {makes}"


After = str | Node | Callable[..., Any] | Iterable[str | Node | Callable[..., Any]] | None


def node(
    func: Callable[..., Any],
    inputs: Names = None,
    outputs: Names = None,
    *,
    name: str | None = None,
    tags: str | Iterable[str] | None = (),
    namespace: str | None = "",
    after: After = (),
    when: conditions.Given = None,
    always: bool = False,
    over: str | Iterable[str] | None = (),
    confirms: str | Iterable[str] | None = (),
    settings: str = "",
    cache: bool = True,
    retries: int | Mapping[str, Any] | None = None,
    timeout: float | str | None = None,
    resources: Mapping[str, Any] | None = None,
    executor: str = "",
) -> Node:
    """Describe a step: `func` takes `inputs` and makes `outputs`.

    `inputs`: a name, a list of names in the order of the arguments, or a dict from argument to name.
    `outputs`: a name, a list of names for a tuple or list that `func` returns, a dict from returned key to name, or
    None when it returns nothing. "params:a.b" is a parameter, "parameters" all of them. A function that yields makes
    its output chunk by chunk. `settings` ("params:trainer") makes `func`, a class, with the fields found there, and
    calls what that gives.

    `after`: nodes (or their names, or bare functions) that must have succeeded before, whatever they make. `when`: a
    name, a dict or a function (see `conditions.when`); where it does not hold, the step and what needs it are skipped.
    `always`: run however the steps before it ended (all others, if `after` names none). `over`: inputs that are lists,
    dicts or partitions, to be taken item by item; each output is then a list, or a dict with the same keys.
    `cache=False` runs the step every time. `retries`, `timeout` (seconds, or "10m"), `resources` ({"cpus": 2}) and
    `executor` say how it is run; run.yml may say otherwise.

    Raises `errors.PipelineError` with all that does not fit.
    """
    label = str(name or callables.call_name(func))
    if not callable(func):
        raise errors.PipelineError(
            f"node {label!r}: {func!r} is not callable", hint="give a function, a class or an object with __call__"
        )
    faults: list[errors.Fault] = []
    if name is not None:
        options.name(name, label, faults)
    options.flag(cache, "cache", label, faults)
    options.flag(always, "always", label, faults)
    one_by_one = options.names(over, "over", "the name of an input", label, faults)
    tagged = options.names(tags, "tags", "a tag", label, faults)
    confirmed = options.names(confirms, "confirms", "the name of a dataset", label, faults)
    before = _before(after, label, faults)
    try:
        if settings:
            func, inputs = binding.configured(func, inputs, settings, label)
        bindings = binding.bind(func, inputs, outputs, label)
        condition = conditions.when(when, label) if when is not None else None
        if namespace:
            binding.check_namespace(namespace, f"node {label!r}")
    except errors.PipelineError as error:
        raise errors.PipelineError.of([*faults, *error.faults], f"node {label!r} is not well described") from None
    if not faults:
        faults = binding.check_among(one_by_one, bindings.inputs, "over", label)
    if always is True and when is not None:
        faults.append(
            errors.Fault(
                "always=True runs whatever holds: it takes no when=",
                f"node {label!r}",
                "take one of them away, or ask for the condition within the function",
            )
        )
    if faults:
        raise errors.PipelineError.of(faults, f"node {label!r} is not well described")
    how = _NO_DEMANDS
    if retries is not None or timeout is not None or resources or executor:
        how = demands.read(
            retries=retries, timeout=timeout, resources=resources, executor=executor, where=f"node {label!r}"
        )
    made = Node(
        func,
        label,
        bindings.positional,
        bindings.by_name,
        bindings.inputs,
        bindings.outputs,
        bindings.returns,
        bindings.keys,
        frozenset(tagged),
        cache and not always,
        bindings.optional - set(one_by_one) if one_by_one else bindings.optional,
        name is not None,
        after=before,
        when=condition,
        over=one_by_one,
        always=always,
        streams=callables.yields(func),
        confirms=confirmed,
        demands=how,
    )
    return in_namespace(made, namespace) if namespace else made


def in_namespace(described: Node, namespace: str) -> Node:
    """The node under a name that begins with `namespace`; what it takes and makes keeps its names."""
    binding.check_namespace(namespace)
    return fielded.replace(
        described,
        name=f"{namespace}.{described.name}",
        namespace=f"{namespace}.{described.namespace}" if described.namespace else namespace,
    )


def bare(func: Callable[..., Any]) -> Node:
    """A function as it stands: inputs are its arguments, its output its own name."""
    label = callables.call_name(func)
    if not label.isidentifier():
        raise errors.PipelineError(
            f"{label!r} has no name that an output could take",
            hint="give it one: node(func, inputs, outputs, name=...)",
        )
    takes = callables.signature(func)
    if takes is None or takes.many_positional or takes.many_named:
        raise errors.PipelineError(
            f"the arguments of {label!r} cannot be read off",
            hint="name its inputs: node(func, inputs, outputs)",
        )
    return _bare(func, label, takes, made=None)


def rebind(described: Node, made: Container[str]) -> Node:
    """A bare node among nodes that make `made`: an argument with a default that no node makes is a parameter."""
    takes = callables.signature(described.func)
    if takes is None or not takes.defaulted:
        return described
    again = _bare(described.func, described.name, takes, made)
    return fielded.replace(again, tags=described.tags, named=described.named, over=described.over)


def _bare(func: Callable[..., Any], label: str, takes: callables.Signature, made: Container[str] | None) -> Node:
    def dataset(argument: str) -> str:
        is_made = made is not None and argument in made
        return PARAM + argument if argument in takes.defaulted and not is_made else argument

    required = [argument for argument in takes.positional if argument not in takes.defaulted]
    optional_ones = [argument for argument in takes.positional if argument in takes.defaulted]
    positional = tuple(dataset(argument) for argument in required)
    by_name = tuple((argument, dataset(argument)) for argument in (*optional_ones, *takes.keyword))
    taken = positional + tuple(name for _, name in by_name)
    optional = _NONE
    if takes.defaulted:
        optional = frozenset(name for argument, name in by_name if argument in takes.defaulted)
    streams = callables.yields(func)
    return Node(
        func,
        label,
        positional,
        by_name,
        taken,
        (label,),
        "one",
        optional=optional,
        named=False,
        bare=True,
        streams=streams,
    )


_NONE: frozenset[str] = frozenset()


def bound(described: Node) -> list[tuple[str, str]]:
    """Which argument gets which input: (argument, dataset or parameter), as far as the callable says its arguments."""
    takes = callables.signature(described.func)
    arguments = takes.positional if takes is not None else ()
    return [*zip(arguments, described.positional, strict=False), *described.by_name]


def _before(given: Any, label: str, faults: list[errors.Fault]) -> tuple[str, ...]:
    """The names of the nodes given as `after`; a function stands for its bare node."""
    if given is None or given == ():
        return ()
    if isinstance(given, str | Node) or callable(given):
        given = (given,)
    if isinstance(given, Iterable) and not isinstance(given, bytes | Mapping):
        given = tuple(
            one.name if isinstance(one, Node) else callables.call_name(one) if callable(one) else one for one in given
        )
    return options.names(given, "after", "a node or the name of one", label, faults)
