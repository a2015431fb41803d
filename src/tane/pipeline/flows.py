"""Pipelines written as classes: steps are methods, and what they hand on are attributes.

`class Hello(tane.Flow)` with methods marked `@tane.step`, of which each names those that come next. The class only
describes: `Hello.pipeline()` gives an ordinary pipeline, a node for each step, and everything else is as with
functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tane.pipeline import flow_graph, flow_members, graph

Parameter = flow_members.Parameter
step = flow_members.step


class Flow:
    """The class that all flows derive from.

    Outside of a run an instance is an ordinary object, so that a step can be tested: `hello = Hello(); hello.start()`.
    """

    def __init_subclass__(cls, **named: Any) -> None:
        super().__init_subclass__(**named)
        flow_members.adopt(cls)

    @classmethod
    def pipeline(cls) -> graph.Pipeline:
        """The flow as a pipeline. Raises `errors.PipelineError` with all that is wrong with its steps."""
        return flow_graph.pipeline(cls)

    def next(self, *steps: Any, foreach: str | None = None, condition: str | None = None) -> None:
        """Say which steps come next; the last statement of every step but `end`.

        `self.next(self.a)`: one. `self.next(self.a, self.b)`: both, joined by a step with an argument `inputs`.
        `self.next(self.a, foreach="items")`: one, for each of `self.items` as its `self.input`.
        `self.next({"x": self.a, "y": self.b}, condition="which")`: the one that `self.which` is the name of.
        """
        going = vars(self).get(flow_members.GOING)
        if going is not None:
            going.go(self, steps, foreach, condition)

    def merge_artifacts(
        self, inputs: Any, exclude: str | Sequence[str] = (), include: str | Sequence[str] = ()
    ) -> None:
        """In a step that joins, take over what the `inputs` agree on: all but `exclude`, or only `include`.

        What was set before stays. Raises ValueError for artifacts in which they differ.
        """
        going = vars(self).get(flow_members.GOING)
        if going is not None:
            going.merge(self, inputs, exclude, include)

    @property
    def input(self) -> Any:
        """Inside of a foreach, the item."""
        return _fact(self, "input")

    @input.setter
    def input(self, value: Any) -> None:
        vars(self)["input"] = value

    @property
    def index(self) -> Any:
        """Inside of a foreach, the number of the item, from 0."""
        return _fact(self, "index")

    @index.setter
    def index(self, value: Any) -> None:
        vars(self)["index"] = value

    def __getstate__(self) -> dict[str, Any]:
        going = vars(self).get(flow_members.GOING)
        found: dict[str, Any] = dict(vars(self)) if going is None else going.everything(self)
        return found

    def __getattr__(self, name: str) -> Any:
        going = vars(self).get(flow_members.GOING)
        if going is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return going.read(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        going = vars(self).get(flow_members.GOING)
        if going is not None:
            going.refuse(name)
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        going = vars(self).get(flow_members.GOING)
        known = going is not None and going.forget(name)
        if not known or name in vars(self):
            object.__delattr__(self, name)


def _fact(flow: Flow, name: str) -> Any:
    going = vars(flow).get(flow_members.GOING)
    if going is not None:
        return going.fact(name)
    if name not in vars(flow):
        raise AttributeError(name)
    return vars(flow)[name]
