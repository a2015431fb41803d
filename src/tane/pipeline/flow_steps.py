"""Doing one step of a flow: a fresh instance with what earlier steps have set, the method called on it, and what it
leaves taken off again.

`flow_graph` makes a `Task` for each step, which is the callable of its node. Steps share nothing but what is handed
on: each has an instance of its own, and each value is loaded for it alone.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping, Sequence
from types import CodeType, FunctionType
from typing import Any

from tane import errors
from tane.pipeline import artifacts, flow_inputs, flow_members, flow_syntax
from tane.pipeline.flow_inputs import ABSENT, CHOSEN, INDEX, INPUT, STATE, Route
from tane.pipeline.flow_members import REQUIRED, extras, own_function

_FIXED = (bool, int, float, complex, str, bytes, type(None))


class Task:
    """One step of a flow as the callable of a node.

    `py_func` and `__wrapped__` are where the planner finds what a callable stands for: here the step's own method, and
    all else of the class that it can use - never the other steps.
    """

    def __init__(self, flow: type, route: Route, members: flow_members.Members, rests_on: Mapping[str, Any]) -> None:
        step = members.steps[route.step]
        self.flow = flow
        self.route = route
        self.members = members
        self.__name__ = route.step
        self.__qualname__ = f"{route.flow}.{route.step}"
        self.__module__ = flow.__module__
        self.__doc__ = step.__doc__
        self.__wrapped__ = rests_on
        self.py_func: Callable[..., Any] = step.func
        self.own = own_function(step.func)  # without the decorators around it

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Task) and (self.flow, self.route) == (other.flow, other.route)

    def __hash__(self) -> int:
        return hash((self.flow, self.route.step))

    def __reduce__(self) -> tuple[Callable[..., Task], tuple[type, Route, tuple[str, ...]]]:
        return _restored, (self.flow, self.route, tuple(self.__wrapped__))

    @property
    def __self__(self) -> Any:
        """An instance of its flow: what the class holds are its settings, as far as messages go."""
        return object.__new__(self.flow)

    @property
    def __signature__(self) -> Any:
        """States by number, then parameters and what the method takes beside the flow and its inputs."""
        import inspect

        kind, empty = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.empty
        defaults: dict[str, Any] = {
            f"{STATE}{number}": None if source.spared else empty for number, source in enumerate(self.route.sources)
        }
        defaults |= dict.fromkeys(self.route.beside, empty)
        for name in self.route.parameters:
            default = self.members.parameters[name].default
            defaults[name] = empty if default is REQUIRED else default
        for name, default in extras(self.own).items():
            defaults.setdefault(name, empty if default is REQUIRED else default)
        found = {name: inspect.Parameter(name, kind, default=default) for name, default in defaults.items()}
        return inspect.Signature(list(found.values()))

    @property
    def func(self) -> FunctionType:
        """A function that does nothing: its annotations are the types of the arguments, as far as they are known."""
        annotated = FunctionType(_NOTHING, self.own.__globals__, self.route.step)
        wanted = self.route.parameters
        settings = {name for name, default in extras(self.own).items() if default is not REQUIRED}
        types = {name: kind for name in wanted if (kind := self.members.parameters[name].type) is not None}
        types |= {name: note for name, note in flow_members.notes(self.own).items() if name in settings}
        annotated.__annotations__ = types | flow_members.hints(self.flow, wanted)
        return annotated

    def __call__(self, **given: Any) -> Any:
        """Do the step on what those before it left; what it leaves, then what it hands on otherwise."""
        route = self.route
        given = {**self._defaults(), **given}
        arrived = flow_inputs.Arrived(route, given)
        if arrived.is_absent:
            return self._nothing()
        going = Going(self.flow, route, self.members, arrived, given)
        flow = going.instance()
        named = {name: given[name] for name in extras(self.own) if name in given}
        named |= {name: getattr(flow, name) for name in extras(self.own) if name in route.parameters}
        if route.joins:
            named["inputs"] = flow_inputs.Inputs(arrived.inputs)
        self.py_func(flow, **named)
        return going.result(flow)

    def _defaults(self) -> dict[str, Any]:
        """The values of parameters that a run does not set."""
        known = {name: self.members.parameters[name].default for name in self.route.parameters}
        return {name: copy.deepcopy(value) for name, value in known.items() if value is not REQUIRED}

    def _nothing(self) -> Any:
        """What a step leaves that was not chosen for an item."""
        if self.route.publishes:
            raise errors.UserCodeError(
                f"step {self.route.step!r} is to publish {', '.join(self.route.publishes)}, and was not chosen",
                where=flow_syntax.place(self.own),
                hint="publish it in a step that is always done",
            )
        none = artifacts.Artifacts({}, {ABSENT: artifacts.Fresh(True)})
        return (none, artifacts.Several()) if self.route.foreach else none


_NOTHING: CodeType = (lambda: None).__code__
_NONE: Any = object()


def _restored(flow: type, route: Route, names: tuple[str, ...]) -> Task:
    return Task(flow, route, flow_members.read(flow), dict.fromkeys(names))


# --- a step under way ----------------------------------------------------------------------------------------------


class Going:
    """One step under way: what its instance of the flow can read, and what it has done so far."""

    def __init__(
        self,
        flow: type,
        route: Route,
        members: flow_members.Members,
        arrived: flow_inputs.Arrived,
        given: Mapping[str, Any],
    ) -> None:
        self._flow = flow
        self._route = route
        self._members = members
        self._items = dict(arrived.items)
        self._facts = {name: item for name, item in arrived.facts.items() if name != CHOSEN}
        self._given = dict(given)
        self._loaded: dict[str, tuple[artifacts.Item, Any]] = {}
        self._went = False

    def instance(self) -> Any:
        """A new instance of the flow. What the class has under the name of an artifact would hide it: it is set."""
        flow: Any = object.__new__(self._flow)
        vars(flow)[flow_members.GOING] = self
        for name in list(self._items):
            if hasattr(self._flow, name):
                vars(flow)[name] = self._load(name)
        return flow

    def _load(self, name: str) -> Any:
        item = self._items[name]
        value = item.load()
        self._loaded[name] = (item, value)
        return value

    def read(self, flow: Any, name: str) -> Any:
        """The artifact `name`, which the instance has not asked for yet. Raises AttributeError."""
        if name in self._items:
            value = vars(flow)[name] = self._load(name)
            return value
        route, made = self._route, getattr(self._flow, name, None)
        if isinstance(made, property) and made.fget is not None and name not in (INPUT, INDEX):
            return made.fget(flow)  # it has failed: let its own error be seen
        if name in (INPUT, INDEX):
            raise AttributeError(f"step {route.step!r} is in no foreach: it has no self.{name}")
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        before = ", ".join(route.before) or "none"
        near = flow_inputs.near(name, {**self._items, **vars(flow), **self._members.parameters})
        why = "a step that joins begins with none: take it from inputs" if route.joins else near
        raise AttributeError(f"no step before {route.step!r} has set {name!r} (before it: {before}); {why}")

    def fact(self, name: str) -> Any:
        """The item, or its number, of the innermost loop around the step. Raises AttributeError."""
        item = self._facts.get(f"{name} {self._route.depth}")
        if item is None:
            raise AttributeError(name)
        return item.load()

    def parameter(self, parameter: flow_members.Parameter) -> Any:
        """The value of a parameter in this run."""
        name = parameter.attribute
        if name not in self._given:  # its text has changed since it was read
            raise RuntimeError(f"step {self._route.step!r} was not given the parameter {name!r}: import it anew")
        return self._given[name]

    def everything(self, flow: Any) -> dict[str, Any]:
        """All that the instance can read, for one that goes elsewhere: a worker of the step's own, a copy."""
        found = {name: getattr(flow, name) for name in (*self._route.parameters, *self._items)}
        for name in (INPUT, INDEX):
            if f"{name} {self._route.depth}" in self._facts:
                found[name] = self.fact(name)
        return found | {name: value for name, value in vars(flow).items() if name != flow_members.GOING}

    def refuse(self, name: str) -> None:
        """Raise AttributeError if no artifact can be called `name`."""
        if name in self._members.steps:
            raise AttributeError(f"{name!r} is a step: give the artifact another name")
        if name in flow_members.RESERVED:
            raise AttributeError(f"{name!r} is of every flow: give the artifact another name")

    def forget(self, name: str) -> bool:
        """Take an artifact of an earlier step away; whether there was one."""
        self._loaded.pop(name, None)
        return self._items.pop(name, None) is not None

    def go(self, flow: Any, targets: Sequence[Any], foreach: str | None, condition: str | None) -> None:
        """What `self.next(...)` does: note that the step is done, and what it decides."""
        route = self._route
        named = _named(targets, self._members)
        if named != route.targets or (foreach or "", condition or "") != (route.foreach, route.condition):
            raise RuntimeError(f"step {route.step!r} goes elsewhere than its source says: import the flow anew")
        if condition:
            self._facts[CHOSEN] = artifacts.Fresh(self._choose(getattr(flow, condition)))
        self._went = True

    def _choose(self, value: Any) -> str:
        cases: dict[Any, str] = dict(self._route.cases)
        try:
            return cases[value]
        except (KeyError, TypeError):
            known = ", ".join(map(repr, cases))
            raise ValueError(f"self.{self._route.condition} is {value!r}, and there are steps for: {known}") from None

    def merge(self, flow: Any, inputs: Any, exclude: str | Sequence[str], include: str | Sequence[str]) -> None:
        """What `self.merge_artifacts(...)` does."""
        if not self._route.joins or not isinstance(inputs, flow_inputs.Inputs):
            raise ValueError("merge_artifacts merges the inputs of a step that joins: self.merge_artifacts(inputs)")
        if exclude and include:
            raise ValueError("merge_artifacts takes either include= or exclude=")
        exclude, include = _names(exclude), _names(include)
        found: dict[str, artifacts.Item] = {}
        differing: dict[str, list[str]] = {}
        for one in inputs:
            for name, item in one._tane_items.items():
                if name in exclude or (include and name not in include) or name in vars(flow):
                    continue
                other = found.setdefault(name, item)
                if other is not item and other.digest != item.digest:
                    differing.setdefault(name, []).append(one._tane_step)
        lacking = [name for name in include if name not in found and name not in vars(flow)]
        if lacking:
            raise ValueError(f"no input has {', '.join(map(repr, lacking))}, which include= names")
        if differing:
            names = ", ".join(map(repr, sorted(differing)))
            raise ValueError(f"the inputs differ in {names}: set each on self before merging, or name it in exclude=")
        self._items.update(found)
        for name in found:
            if hasattr(self._flow, name):
                vars(flow)[name] = self._load(name)

    # --- the end ---------------------------------------------------------------------------------------------------

    def result(self, flow: Any) -> Any:
        """What the step leaves behind."""
        route = self._route
        if route.targets and not self._went:
            raise errors.UserCodeError(
                f"step {route.step!r} ended without self.next",
                where=flow_syntax.place(own_function(self._members.steps[route.step].func)),
                hint="let every way through it come to its last line",
            )
        left = {name: self._item(name, value) for name, value in vars(flow).items() if self._is_artifact(name)}
        items = {**self._items, **left}
        whole = artifacts.Artifacts(items, self._facts)
        handed: list[Any] = [whole]
        if route.foreach:
            handed.append(self._split(flow, items))
        handed += [self._published(flow, name) for name in route.publishes]
        return handed[0] if len(handed) == 1 else tuple(handed)

    def _is_artifact(self, name: str) -> bool:
        made = getattr(self._flow, name, None)
        return name != flow_members.GOING and not isinstance(made, functools.cached_property)

    def _item(self, name: str, value: Any) -> artifacts.Item:
        item, before = self._loaded.get(name, (None, _NONE))
        if item is None or before is not value:
            return artifacts.Fresh(value)
        return item if type(value) in _FIXED else artifacts.Fresh(value, item)

    def _split(self, flow: Any, items: Mapping[str, artifacts.Item]) -> artifacts.Several:
        """For each item of the list what the steps inside the loop begin with."""
        route = self._route
        inside = {name: item for name, item in items.items() if not (route.leaves_out and name == route.foreach)}
        facts = {name: item for name, item in self._facts.items() if name != CHOSEN}
        found = artifacts.Several()
        for index, value in enumerate(_listed(getattr(flow, route.foreach), route.foreach)):
            own: dict[str, artifacts.Item] = {f"{INPUT} {route.depth + 1}": artifacts.Fresh(value)}
            if route.numbered:
                own[f"{INDEX} {route.depth + 1}"] = artifacts.Fresh(index)
            found.append(artifacts.Artifacts(inside, {**facts, **own}))
        return found

    def _published(self, flow: Any, name: str) -> Any:
        try:
            return getattr(flow, name)
        except AttributeError:
            raise errors.UserCodeError(
                f"step {self._route.step!r} is to publish {name!r}, which is not set",
                where=flow_syntax.place(own_function(self._members.steps[self._route.step].func)),
                hint=f"set self.{name} in it or before, or take it out of outputs=",
            ) from None


def _named(targets: Sequence[Any], members: flow_members.Members) -> tuple[str, ...]:
    """The names of the steps given to self.next, as bound methods or in a dict."""
    given = [each for one in targets for each in (one.values() if isinstance(one, dict) else (one,))]
    names = {id(step.func): name for name, step in members.steps.items()}
    return tuple(dict.fromkeys(names.get(id(getattr(each, "__func__", None)), "") for each in given))


def _names(given: str | Sequence[str]) -> Sequence[str]:
    return (given,) if isinstance(given, str) else tuple(given)


def _listed(value: Any, name: str) -> list[Any]:
    """The items of a list to do something for each. Raises TypeError for what has no items in an order."""
    if isinstance(value, (str, bytes, set, frozenset)):
        raise TypeError(f"foreach={name!r}: self.{name} is a {type(value).__name__}; make it a list")
    try:
        return list(value)
    except TypeError:
        raise TypeError(f"foreach={name!r}: self.{name} is a {type(value).__name__}, not a list") from None
