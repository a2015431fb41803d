"""How the steps of a flow hang together: what each says comes next checked against the others, the splits around each,
and what each can use.

Called by `flow_graph`. Every mistake is told with the line of the step that makes it.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tane import errors
from tane.pipeline import flow_members, flow_syntax

START, END = "start", "end"
INPUTS = "inputs"
_MANY = 0x04 | 0x08  # flags of code that takes any number of arguments
_WAITS = 0x20 | 0x80 | 0x200  # flags of generators and coroutines


class Open(NamedTuple):
    """A way that has been split and not joined yet: by the step `at`, of which `branch` is the next on this way."""

    kind: str  # "branches" or "loop"
    at: str
    branch: str


Stack = tuple[Open, ...]


def plan(flow: type) -> Plan:
    """The steps of a flow in order. Raises `errors.PipelineError` with all that is wrong with it."""
    faults: list[errors.Fault] = []
    members = flow_members.read(flow)
    written = _read(flow, members, faults)
    _check_targets(written, members, faults)
    _refuse(flow, faults)
    order = _order(flow, written, faults)
    _refuse(flow, faults)
    made = Plan(flow, members, order)
    made.check(faults)
    _refuse(flow, faults)
    return made


def _refuse(flow: type, faults: Sequence[errors.Fault]) -> None:
    if faults:
        raise errors.PipelineError.of(faults, f"flow {flow.__name__!r} does not hold together")


# --- reading -------------------------------------------------------------------------------------------------------


def _read(
    flow: type, members: flow_members.Members, faults: list[errors.Fault]
) -> dict[str, flow_syntax.Written | None]:
    """The steps as they are written; None for one whose mistakes are noted."""
    found: dict[str, flow_syntax.Written | None] = {}
    for name, step in members.steps.items():
        function = flow_members.own_function(step.func)
        found[name] = flow_syntax.step(name, function, last=name == END, faults=faults)
        _check_method(name, function, members, faults)
    for other in members.others:
        if other.name == "__init__":
            what = f"flow {flow.__name__!r} has an __init__, which no step would call"
            faults.append(errors.Fault(what, _place(other), "set what all steps need in start, or as class attributes"))
        if isinstance(getattr(other.value, "__wrapped__", None), flow_members.Step):
            what = f"@step stands below another decorator of {other.name!r}, so that it is no step"
            faults.append(errors.Fault(what, f"flow {flow.__name__!r}", "write @step above all others"))
    hint = "write it: @tane.step, def {0}(self)"
    for name in (START, END):
        if name not in found:
            near = errors.did_you_mean(name, found, hint.format(name))
            plain = next((other for other in members.others if other.name == name), None)
            faults.append(
                errors.Fault(
                    f"flow {flow.__name__!r} has no step {name!r}",
                    _place(plain) if plain else "",
                    "mark it as one: @tane.step" if plain else near,
                )
            )
    return found


def _place(other: flow_members.Other) -> str:
    functions = other.functions
    return flow_syntax.place(functions[0]) if functions else ""


def _check_method(name: str, function: Any, members: flow_members.Members, faults: list[errors.Fault]) -> None:
    """Whether a step's method can be called as one."""
    where, code = flow_syntax.place(function), function.__code__
    if not code.co_argcount:
        faults.append(errors.Fault(f"step {name!r} takes no argument", where, f"write def {name}(self)"))
    if code.co_posonlyargcount > 1 or code.co_flags & _MANY:
        what = f"step {name!r} takes arguments that have no name"
        faults.append(errors.Fault(what, where, "name each: they are datasets and parameters"))
    if code.co_flags & _WAITS:
        what = f"step {name!r} is a generator or a coroutine"
        faults.append(errors.Fault(what, where, "set what it makes as attributes, and end with self.next(...)"))
    for argument in flow_members.extras(function):
        if argument in members.steps:
            what = f"step {name!r} takes {argument!r}, which is a step"
            faults.append(errors.Fault(what, where, "what earlier steps have set is in self"))


def _check_targets(
    written: Mapping[str, flow_syntax.Written | None],
    members: flow_members.Members,
    faults: list[errors.Fault],
) -> None:
    for step in filter(None, written.values()):
        for target in step.targets:
            if target not in written:
                hint = errors.did_you_mean(target, written, f"the steps are: {', '.join(written)}")
                if target in {other.name for other in members.others}:
                    hint = f"mark {target!r} as a step: @tane.step"
                faults.append(errors.Fault(f"step {step.name!r} goes to {target!r}, which is no step", step.at, hint))
        for called in sorted(step.uses.calls & written.keys()):
            what = f"step {step.name!r} uses the step {called!r} outside of its self.next"
            faults.append(errors.Fault(what, step.where, "move what both need into a method that is no step"))


def _order(
    flow: type, written: Mapping[str, flow_syntax.Written | None], faults: list[errors.Fault]
) -> list[flow_syntax.Written]:
    """The steps in an order in which none comes before one that leads to it."""
    known = {name: step for name, step in written.items() if step is not None}
    done: list[flow_syntax.Written] = []
    state: dict[str, bool] = {}  # False: on the way that is being followed
    path = [START]
    ways = [reversed(known[START].targets)]
    state[START] = False
    while path:
        following = next(ways[-1], None)
        if following is None:
            state[path[-1]] = True
            done.append(known[path.pop()])
            ways.pop()
        elif following not in state:
            state[following] = False
            path.append(following)
            ways.append(reversed(known[following].targets))
        elif not state[following]:
            circle = " -> ".join([*path[path.index(following) :], following])
            what = f"flow {flow.__name__!r} goes in a circle: {circle}"
            faults.append(errors.Fault(what, known[path[-1]].at, "repeat inside of one step: for ..., while ..."))
            return []
    for name, step in known.items():
        if name not in state:
            hint = "name it in the self.next of a step that comes before it, or take its @step away"
            faults.append(errors.Fault(f"no step leads to {name!r}", step.where, hint))
    return done[::-1]


# --- the plan ------------------------------------------------------------------------------------------------------


class Plan:
    """The steps of one flow in order, with the splits around each."""

    def __init__(
        self,
        flow: type,
        members: flow_members.Members,
        order: Sequence[flow_syntax.Written],
    ) -> None:
        self.flow = flow
        self.members = members
        self.written = {step.name: step for step in order}
        self.stacks: dict[str, Stack] = {}
        self.joined: dict[str, Open] = {}  # what a step that joins brings together
        self.sources = {step.name: [other for other in order if step.name in other.targets] for step in order}
        self.before = self._before()
        self._others: dict[int, flow_syntax.Uses] = {}  # by the identity of members, which `members` keeps
        self.reach = {step.name: self._uses(step) for step in order}

    def _before(self) -> dict[str, list[str]]:
        """For each step all that come before it, in order."""
        found: dict[str, set[str]] = {}
        for name, sources in self.sources.items():
            found[name] = {other for source in sources for other in (source.name, *found[source.name])}
        return {name: [other for other in self.sources if other in before] for name, before in found.items()}

    def takes_inputs(self, name: str) -> bool:
        """Whether a step joins."""
        code = flow_members.own_function(self.members.steps[name].func).__code__
        return INPUTS in code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]

    def extras(self, name: str) -> dict[str, Any]:
        """The arguments of a step beside the flow and its inputs, with their defaults."""
        return flow_members.extras(flow_members.own_function(self.members.steps[name].func))

    # --- checks ----------------------------------------------------------------------------------------------------

    def check(self, faults: list[errors.Fault]) -> None:
        """Follow the splits and find their joins; look for lists and conditions that nobody sets."""
        for name, step in self.written.items():
            arriving = {source.name: self.arrive(source, name) for source in self.sources[name]}
            fault = self._enter(step, arriving)
            if fault is not None:
                faults.append(fault)
                return
        if self.stacks[END]:
            last = self.stacks[END][-1]
            faults.append(
                errors.Fault(
                    f"the split in {last.at!r} is not joined before {END!r}",
                    self.written[last.at].at,
                    f"let a step with an argument `inputs` come between, or be {END!r}: def {END}(self, inputs)",
                )
            )
        for step in self.written.values():
            for option, name in (("foreach", step.foreach), ("condition", step.condition)):
                if name:
                    self._check_set(step, option, name, faults)

    def arrive(self, source: flow_syntax.Written, name: str) -> Stack:
        """The open splits on the way from `source` to the step `name`."""
        stack = self.stacks[source.name]
        if source.foreach:
            return (*stack, Open("loop", source.name, name))
        if len(source.targets) > 1 and not source.cases:
            return (*stack, Open("branches", source.name, name))
        return stack

    def _enter(self, step: flow_syntax.Written, arriving: Mapping[str, Stack]) -> errors.Fault | None:
        """Note the open splits around a step; what is wrong with the ways that lead to it."""
        name, stacks = step.name, list(arriving.values())
        if not self.takes_inputs(name):
            if len(set(stacks)) > 1:
                ways = " and ".join(arriving)
                what = f"step {name!r} comes after {ways}, which are done side by side, and does not join them"
                return errors.Fault(what, step.where, f"give it an argument `inputs`: def {name}(self, inputs)")
            self.stacks[name] = stacks[0] if stacks else ()
            return None
        if not stacks or not all(stacks):
            what = f"step {name!r} takes `inputs`, and there is nothing split before it to be joined"
            return errors.Fault(what, step.where, f"write def {name}(self), or split before: self.next(self.a, self.b)")
        tops = {(stack[-1].kind, stack[-1].at, stack[:-1]) for stack in stacks}
        if len(tops) > 1:
            ways = ", ".join(f"{other} (split in {stack[-1].at})" for other, stack in arriving.items())
            what = f"step {name!r} joins ways that were not split in one place: {ways}"
            return errors.Fault(what, step.where, "join the inner split first, in a step of its own")
        top = stacks[0][-1]
        lacking = sorted({*self.written[top.at].targets} - {stack[-1].branch for stack in stacks})
        if lacking:
            what = f"step {name!r} does not join {', '.join(lacking)}, to which {top.at!r} goes as well"
            return errors.Fault(what, step.where, f"let all branches of {top.at!r} come to {name!r}")
        self.joined[name] = top
        self.stacks[name] = stacks[0][:-1]
        return None

    def _check_set(self, step: flow_syntax.Written, option: str, name: str, faults: list[errors.Fault]) -> None:
        """Whether an attribute that decides where to go is set by some step that comes before."""
        members = self.members
        earlier = [self.written[other] for other in (*self.before[step.name], step.name)]
        uses = [each.uses for each in earlier] + [self._other_uses(other) for other in members.others]
        known = {*members.parameters, *(other.name for other in members.others), *members.declared}
        known = known.union(*(each.sets for each in uses))
        if name in known:
            return
        what = f"step {step.name!r}: {option}={name!r}, and neither it nor a step before it sets self.{name}"
        if any(each.opaque for each in uses):  # setattr, or a function that is given the flow, may set it
            declare = f"if something else sets it, declare it in the class: {name}: list"
            warnings.warn(f"{step.at}: {what}; {declare}", stacklevel=2)
            return
        near = errors.nearest(name, known)
        hint = f"did you mean {near!r}?" if near else f"set it: self.{name} = ..."
        faults.append(errors.Fault(what, step.at, hint))

    # --- what steps use --------------------------------------------------------------------------------------------

    def _other_uses(self, other: flow_members.Other) -> flow_syntax.Uses:
        known = self._others.get(id(other))
        if known is None:
            functions = other.functions
            known = flow_syntax.OPAQUE
            if functions is not None:
                known = _together(flow_syntax.uses(function, static=other.is_static) for function in functions)
            self._others[id(other)] = known
        return known

    def _uses(self, step: flow_syntax.Written) -> tuple[flow_syntax.Uses, list[flow_members.Other]]:
        """All that a step uses, itself and through other methods, and those of the class's members that it reaches."""
        own = step.uses
        asked = filter(None, (step.foreach, step.condition, *self.members.steps[step.name].outputs))
        own = own._replace(names=own.names.union(asked))
        if flow_members.own_function(self.members.steps[step.name].func) is not self.members.steps[step.name].func:
            own = own._replace(opaque=True)  # what stands around it is given the flow
        reached: list[flow_members.Other] = []
        while not own.opaque:
            names = self._spelt(own.names)
            more = [
                other
                for other in self.members.others
                if (other.name in names or other.name.startswith("__")) and not any(other is one for one in reached)
            ]
            if not more:
                return own, reached
            reached += more
            own = _together([own, *map(self._other_uses, more)])
        return own, list(self.members.others)

    def _spelt(self, names: Collection[str]) -> set[str]:
        """Attributes with what Python makes of private ones."""
        private = [name for name in names if name.startswith("__") and not name.endswith("__")]
        kinds = [kind.__name__.lstrip("_") for kind in flow_members.bases(self.flow)]
        return {*names, *(f"_{kind}{name}" for kind in kinds for name in private)}

    def parameters(self, name: str) -> tuple[str, ...]:
        """The parameters that a step can read."""
        uses, _ = self.reach[name]
        taken = self.extras(name)
        known = self.members.parameters
        names = uses.names | uses.words if self.takes_inputs(name) else uses.names
        return tuple(sorted(each for each in known if uses.opaque or each in names or each in taken))

    def used_inside(self, at: str, word: str) -> bool:
        """Whether a step inside of the loop that `at` begins can read the attribute `word`."""
        for name, stack in self.stacks.items():
            if any(each.kind == "loop" and each.at == at for each in stack):
                uses, _ = self.reach[name]
                if uses.opaque or word in uses.names or (word in uses.words and self.takes_inputs(name)):
                    return True
        return False

    def depth(self, name: str) -> int:
        """How many loops there are around a step."""
        return sum(each.kind == "loop" for each in self.stacks[name])


def _together(several: Iterable[flow_syntax.Uses]) -> flow_syntax.Uses:
    found = list(several)
    return flow_syntax.Uses(
        frozenset().union(*(each.names for each in found)),
        frozenset().union(*(each.words for each in found)),
        frozenset().union(*(each.sets for each in found)),
        frozenset().union(*(each.calls for each in found)),
        any(each.opaque for each in found),
    )
