"""What the class of a flow is made of: steps, parameters, and all else that its steps can use.

`flows` defines the class; here it is read. Bases and mixins count, each name as Python would find it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import FunctionType, MethodType
from typing import Any, NamedTuple, TypeGuard

from tane import errors
from tane.digest import values

REQUIRED: Any = type("Required", (), {"__repr__": lambda self: "required"})()
GOING = "_tane_going"  # the attribute of an instance that says in which step it is

RESERVED = frozenset({"next", "merge_artifacts", "input", "index", GOING})  # what every flow has for itself

_PLAIN = (type(None), bool, int, float, complex, str, list, tuple, dict)
_IMPLIED = frozenset({"__annotate__", "__annotate_func__", "__annotations_cache__"})
_CODE = (FunctionType, staticmethod, classmethod, property)


class Step:
    """A method that is a step. `options` are those of `nodes.node`; `outputs` are artifacts to publish, by name, with
    the datasets that they become.
    """

    def __init__(self, func: FunctionType, outputs: Mapping[str, str], options: Mapping[str, Any]) -> None:
        functools.update_wrapper(self, func)
        self.func = func
        self.outputs = outputs
        self.options = options

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self.func, instance)

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Call the method, on an instance given first."""
        return self.func(*args, **named)


class Parameter:
    """A parameter of a flow: `alpha = Parameter(default=0.1, help="...")`. Steps read it as `self.alpha`.

    Without a `default` it must be given. `name` is its key among the parameters ("model.alpha"), if it is not to be
    that of the attribute; `type` what it must be, if no annotation says so.
    """

    def __init__(
        self,
        name: str = "",
        *,
        default: Any = REQUIRED,
        help: str = "",
        type: Any = None,
        required: bool = False,
    ) -> None:
        self.key = name
        self.default = REQUIRED if required else default
        self.__doc__ = help
        self.type = type
        self.attribute = name

    def __set_name__(self, owner: type, name: str) -> None:
        self.attribute = name
        self.key = self.key or name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        going = None if instance is None else vars(instance).get(GOING)
        if going is not None:
            return going.parameter(self)
        if instance is not None and self.attribute in vars(instance):
            return vars(instance)[self.attribute]
        if self.default is REQUIRED and instance is not None:
            raise AttributeError(f"the parameter {self.attribute!r} has no default: set it first")
        return self if self.default is REQUIRED else self.default

    def __set__(self, instance: Any, value: Any) -> None:
        if GOING in vars(instance):
            raise AttributeError(f"{self.attribute!r} is a parameter: give the artifact another name")
        vars(instance)[self.attribute] = value


class Other(NamedTuple):
    """A member that is neither a step nor a parameter: of the class at `depth` in the order of bases."""

    depth: int
    name: str
    value: Any

    @property
    def functions(self) -> list[FunctionType] | None:
        """The functions it consists of; None when that cannot be told."""
        return _functions(self.value)

    @property
    def is_static(self) -> bool:
        """Whether it is called without the flow."""
        return isinstance(self.value, staticmethod)


class Members(NamedTuple):
    """All that the class of a flow has. `declared` are names that annotations alone announce."""

    steps: Mapping[str, Step]
    parameters: Mapping[str, Parameter]
    others: tuple[Other, ...]
    declared: frozenset[str]


def is_flow(value: Any) -> TypeGuard[Any]:
    """Whether `value` is the class of a flow."""
    return isinstance(value, type) and any(map(_is_root, value.__mro__[1:]))


def read(flow: type) -> Members:
    """The members of the class `flow`."""
    steps: dict[str, Step] = {}
    parameters: dict[str, Parameter] = {}
    others: list[Other] = []
    declared: set[str] = set()
    taken: set[str] = set()
    for depth, kind in enumerate(bases(flow)):
        for name, value in vars(kind).items():
            first = name not in taken
            taken.add(name)
            if isinstance(value, Step):
                if first:
                    steps[name] = value
            elif isinstance(value, Parameter):
                if first:
                    parameters[name] = value
            elif name not in _IMPLIED and (not _is_special(name) or isinstance(value, _CODE)) and name != "_abc_impl":
                others.append(Other(depth, name, value))
        declared |= notes(kind).keys()
    return Members(steps, parameters, tuple(others), frozenset(declared))


def bases(flow: type) -> Iterator[type]:
    """The classes that `flow` is made of, in the order in which Python looks through them, without what all have."""
    return (kind for kind in flow.__mro__ if kind is not object and not _is_root(kind))


def adopt(flow: type) -> None:
    """Make plain class attributes of `flow` parameters. Called when the class is made, for it and its mixins."""
    taken = sorted((RESERVED | {"pipeline"}) & vars(flow).keys())
    if taken:
        raise errors.PipelineError(
            f"flow {flow.__name__!r} defines {', '.join(map(repr, taken))}, which every flow has",
            hint="give it another name",
        )
    seen: set[str] = set()
    for kind in bases(flow):
        if kind is flow or (not is_flow(kind) and values.is_project_module(kind.__module__)):
            written = notes(kind)
            for name, value in list(vars(kind).items()):
                if name not in seen and _is_setting(name, value, written.get(name)):
                    before = _inherited(flow, name)
                    made = (
                        Parameter(before.key, default=value, type=before.type) if before else Parameter(default=value)
                    )
                    made.__set_name__(flow, name)
                    setattr(flow, name, made)
        seen.update(vars(kind))


def _inherited(flow: type, name: str) -> Parameter | None:
    """The parameter that a new default stands for."""
    found = (vars(kind).get(name) for kind in flow.__mro__)
    return next((value for value in found if isinstance(value, Parameter)), None)


def _is_setting(name: str, value: Any, note: Any) -> bool:
    if name.startswith("_") or name.isupper() or isinstance(value, (Step, Parameter)):
        return False
    if note is None:
        return type(value) in _PLAIN
    if any(word in str(note) for word in ("ClassVar", "Final")):
        return False
    return not callable(value) and not hasattr(type(value), "__get__")


def notes(written: type | FunctionType) -> Mapping[str, Any]:
    """The annotations of a class itself, or of a function, as they are written."""
    try:
        return written.__annotations__
    except NameError:  # they are evaluated late, and name what is not there
        import annotationlib  # type: ignore[import-not-found, unused-ignore]

        found: Mapping[str, Any] = annotationlib.get_annotations(written, format=annotationlib.Format.STRING)
        return found


def hints(flow: type, wanted: Iterable[str]) -> dict[str, Any]:
    """The types that annotations give to parameters of `flow`."""
    from typing import get_type_hints

    found: dict[str, Any] = {}
    names = set(wanted)
    for kind in bases(flow):
        if names & notes(kind).keys() - found.keys():
            try:
                resolved = get_type_hints(kind, include_extras=True)
            except (NameError, TypeError, AttributeError, SyntaxError):  # names that are not imported
                continue
            found = {name: note for name, note in resolved.items() if name in names} | found
    return found


def own_function(func: Any) -> FunctionType:
    """The function that decorators stand around."""
    while hasattr(func, "__wrapped__"):
        func = func.__wrapped__
    found: FunctionType = func
    return found


def extras(function: FunctionType) -> dict[str, Any]:
    """The arguments of a step's method beside the flow and its inputs, with their defaults."""
    code, defaults = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    own = dict(zip(names[code.co_argcount - len(defaults) : code.co_argcount], defaults, strict=True))
    own |= function.__kwdefaults__ or {}
    return {name: own.get(name, REQUIRED) for name in names[1:] if name != "inputs"}


def step(
    func: Callable[..., Any] | None = None,
    *,
    outputs: str | Iterable[str] | Mapping[str, str] = (),
    tags: str | Iterable[str] = (),
    cache: bool = True,
    retries: int | Mapping[str, Any] | None = None,
    timeout: float | str | None = None,
    resources: Mapping[str, Any] | None = None,
    executor: str = "",
) -> Any:
    """Mark a method of a flow as a step: `@step`, or `@step(retries=2)`.

    `outputs` are artifacts that become datasets: a name, several, or a dict from artifact to dataset. The other
    options are those of `node`.
    """
    published = outputs if isinstance(outputs, Mapping) else {name: name for name in _listed(outputs)}
    options = {
        "tags": frozenset(_listed(tags)),
        "cache": cache,
        "retries": retries,
        "timeout": timeout,
        "resources": resources,
        "executor": executor,
    }

    def mark(method: Any) -> Step:
        if isinstance(method, Step) or not isinstance(method, FunctionType):
            raise errors.PipelineError(
                f"@step marks methods, and {getattr(method, '__name__', method)!r} is a {type(method).__name__}",
                hint="write it once, directly above `def` or above other decorators",
            )
        return Step(method, dict(published), options)

    return mark if func is None else mark(func)


def _listed(given: str | Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _is_root(kind: type) -> bool:
    return kind.__name__ == "Flow" and kind.__module__ == "tane.pipeline.flows"


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _functions(value: Any) -> list[FunctionType] | None:
    if isinstance(value, FunctionType):
        return [value]
    if isinstance(value, (staticmethod, classmethod)):
        return _functions(value.__func__)
    if isinstance(value, property):
        return _all([value.fget, value.fset, value.fdel])
    if isinstance(value, functools.cached_property):
        return _functions(value.func)
    if callable(value) or hasattr(type(value), "__get__"):
        return [] if isinstance(value, type) else None
    return []


def _all(given: Iterable[Any]) -> list[FunctionType] | None:
    found: list[FunctionType] = []
    for each in given:
        functions = [] if each is None else _functions(each)
        if functions is None:
            return None
        found += functions
    return found
