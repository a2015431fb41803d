"""What comes to a step of a flow from those before it, and how it stands between them.

Description and reading only: `flow_graph` makes a `Route` for each step, `flow_steps` opens what `arrived` for it.
Loops inside of loops are flat lists between nodes; `flattened` and `grouped` go from one to the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tane import errors, fielded
from tane.pipeline import artifacts

CHOSEN, ABSENT = "chosen", "absent"  # facts: the step that a switch chose; that a step was not chosen for an item
INPUT, INDEX = "input", "index"  # facts, with the depth of the loop: its item, and the item's number
STATE = "_state"  # arguments of a task, with numbers: what the steps before it have left
BASE = "_base"  # the argument that is what the step left from which a loop began
GATE = "_gate"  # an argument that only says that the task is to be done at all


@fielded.frozen
class Source:
    """A step that comes directly before another. `decides`: it is a switch, and may have chosen a third; `spared`: it
    is not always done, for a switch before it decides.
    """

    step: str
    decides: bool = False
    spared: bool = False


@fielded.frozen
class Route:
    """Where a step stands in its flow.

    `joins` says what it brings together: "" nothing, "branches", or the items of a "loop". `depth` counts the loops
    around it. `foreach` is the attribute over whose items it begins a loop, of which steps inside of it see all but
    the list itself where `leaves_out` is set, and their numbers where `numbered` is. `regains` is the attribute that a
    joined loop left out. `gated`: another argument says that it is to be done at all. `before` are all steps that
    come before it, for messages.
    """

    flow: str
    step: str
    sources: tuple[Source, ...]
    targets: tuple[str, ...]
    joins: str = ""
    depth: int = 0
    foreach: str = ""
    leaves_out: bool = False
    numbered: bool = False
    regains: str = ""
    gated: bool = False
    condition: str = ""
    cases: tuple[tuple[Any, str], ...] = ()
    parameters: tuple[str, ...] = ()
    publishes: tuple[str, ...] = ()
    before: tuple[str, ...] = ()

    @property
    def beside(self) -> tuple[str, ...]:
        """The arguments that its task takes beside states by number."""
        return (*([BASE] if self.joins == "loop" else ()), *([GATE] if self.gated else ()))

    @property
    def counts(self) -> tuple[Any, ...]:
        """What of it can change a result."""
        names = tuple(source.step for source in self.sources) if self.joins else ()
        loop = (self.foreach, self.leaves_out, self.numbered, self.regains)
        return (self.joins, names, loop, self.condition, self.cases, self.publishes)


# --- what arrives --------------------------------------------------------------------------------------------------


class Arrived:
    """What the steps before have left: `inputs` for a step that joins, else `items` that go on by themselves."""

    def __init__(self, route: Route, given: Mapping[str, Any]) -> None:
        states = [(source, given.get(f"{STATE}{number}")) for number, source in enumerate(route.sources)]
        self.inputs: list[Input] = []
        self.items: Mapping[str, artifacts.Item] = {}
        self.facts: Mapping[str, artifacts.Item] = {}
        self.is_absent = False
        if route.joins == "loop":
            self._loop(route, states, artifacts.content(given[BASE]))
            return
        live = [(source.step, found) for source, state in states if (found := _live(source, state, route.step))]
        self.is_absent = bool(route.sources) and not live
        if not live:
            return
        if route.joins:
            self.inputs = [Input(name, found.items, found.facts, route, given) for name, found in live]
        else:
            self.items = live[0][1].items
        self.facts = live[0][1].facts

    def _loop(self, route: Route, states: Sequence[tuple[Source, Any]], base: artifacts.Content) -> None:
        self.is_absent = ABSENT in base.facts
        self.facts = base.facts
        regained = {route.regains: base.items[route.regains]} if route.regains in base.items else {}
        for at in zip(*(state for _, state in states), strict=True):
            for (source, _), state in zip(states, at, strict=True):
                found = _live(source, state, route.step)
                if found is not None:
                    self.inputs.append(Input(source.step, {**regained, **found.items}, found.facts, route, {}))


def _live(source: Source, state: Any, step: str) -> artifacts.Content | None:
    """What `source` has left for `step`; None when it was not done, or has chosen another."""
    if state is None:
        return None
    found = artifacts.content(state)
    if ABSENT in found.facts or (source.decides and found.facts[CHOSEN].load() != step):
        return None
    return found


class Input:
    """One of the inputs of a step that joins: what the step before it left, as attributes."""

    __slots__ = ("_tane_facts", "_tane_given", "_tane_items", "_tane_loaded", "_tane_route", "_tane_step")

    def __init__(
        self,
        step: str,
        items: Mapping[str, artifacts.Item],
        facts: Mapping[str, artifacts.Item],
        route: Route,
        given: Mapping[str, Any],
    ) -> None:
        self._tane_step = step
        self._tane_items = items
        self._tane_facts = facts
        self._tane_route = route
        self._tane_given = given
        self._tane_loaded: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        if name not in self._tane_loaded:
            self._tane_loaded[name] = self._find(name)
        return self._tane_loaded[name]

    def _find(self, name: str) -> Any:
        if name in self._tane_items:
            return self._tane_items[name].load()
        inside = self._tane_route.depth + (self._tane_route.joins == "loop")
        fact = f"{name} {inside}"
        if name in (INPUT, INDEX) and fact in self._tane_facts:
            return self._tane_facts[fact].load()
        if name in self._tane_route.parameters and name in self._tane_given:
            return self._tane_given[name]
        raise AttributeError(f"step {self._tane_step!r} has left no {name!r}; {near(name, self._tane_items)}")

    def __getitem__(self, name: str) -> Any:
        try:
            return getattr(self, name)
        except AttributeError as error:
            raise KeyError(error.args[0]) from None

    def __contains__(self, name: object) -> bool:
        return name in self._tane_items

    def __repr__(self) -> str:
        return f"<what {self._tane_step} left: {', '.join(sorted(self._tane_items))}>"


class Inputs:
    """What a step joins: `inputs[0].x`, `inputs.step_name.x`, `[each.x for each in inputs]`."""

    __slots__ = ("_tane_all",)

    def __init__(self, inputs: Sequence[Input]) -> None:
        self._tane_all = tuple(inputs)

    def __getitem__(self, index: int) -> Input:
        return self._tane_all[index]

    def __iter__(self) -> Iterator[Input]:
        return iter(self._tane_all)

    def __len__(self) -> int:
        return len(self._tane_all)

    def __getattr__(self, name: str) -> Input:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        for each in self._tane_all:
            if each._tane_step == name:
                return each
        steps = {each._tane_step: each for each in self._tane_all}
        hint = errors.did_you_mean(name, steps, f"there are: {', '.join(steps) or 'none'}")
        raise AttributeError(f"no input is of a step {name!r}; {hint}")

    def __repr__(self) -> str:
        return f"Inputs({', '.join(each._tane_step for each in self._tane_all)})"


def near(name: str, names: Mapping[str, Any]) -> str:
    """What to say of a name that is none of `names`."""
    known = sorted(each for each in names if not each.startswith("_"))
    return errors.did_you_mean(name, known, f"there are: {', '.join(known) or 'none'}")


# --- loops in loops ------------------------------------------------------------------------------------------------


def flattened(lists: Sequence[Sequence[Any]]) -> artifacts.Several:
    """The items of all lists, one list after the other."""
    return artifacts.Several(each for one in lists for each in one)


@fielded.frozen
class Chose:
    """Whether a switch chose `step`."""

    step: str

    def __call__(self, state: Any) -> bool:
        """Ask what the switch has left."""
        return _live(Source("", decides=True), state, self.step) is not None


def grouped(
    sources: Sequence[Source], step: str, lists: Sequence[Sequence[Any]], *states: Sequence[Any]
) -> artifacts.Several:
    """What has arrived at `step`, which joins a loop inside of another: a list for each of `lists`, as long as it."""
    arrived = iter(list(zip(*states, strict=True)))
    groups = artifacts.Several()
    for one in lists:
        group = artifacts.Several()
        for _ in one:
            pairs = zip(sources, next(arrived), strict=True)
            group += [state for source, state in pairs if _live(source, state, step) is not None]
        groups.append(group)
    return groups
