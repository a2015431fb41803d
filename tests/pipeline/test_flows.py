"""Flows as classes: what their source says, as nodes, and what is wrong with it."""

from __future__ import annotations

import enum
import pickle
import re
from typing import ClassVar

import pytest

from tane import errors
from tane.pipeline import artifacts, flow_members
from tane.pipeline.flows import Flow, Parameter, step
from tane.pipeline.graph import Pipeline


class Linear(Flow):
    rate: float = 0.5
    names = ["a", "b"]
    LIMIT = 3

    @step
    def start(self, table):
        self.rows = table[: self.LIMIT]
        self.next(self.fit)

    @step(retries=2, tags="heavy", resources={"cpus": 2}, outputs={"model": "model_file"})
    def fit(self, depth: int = 3):
        self.model = self.scaled(self.rows)
        self.next(self.end)

    @step
    def end(self):
        pass

    def scaled(self, rows):
        return [self.rate * row for row in rows]


class Branching(Flow):
    @step
    def start(self):
        self.next(self.left, self.right)

    @step
    def left(self):
        self.next(self.join)

    @step
    def right(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass


class Looping(Flow):
    @step
    def start(self):
        self.items = [1, 2]
        self.next(self.one, foreach="items")

    @step
    def one(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass


class Nested(Flow):
    @step
    def start(self):
        self.outer = [1, 2]
        self.next(self.middle, foreach="outer")

    @step
    def middle(self):
        self.inner = [self.input]
        self.next(self.deep, foreach="inner")

    @step
    def deep(self):
        self.next(self.inner_join)

    @step
    def inner_join(self, inputs):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass


class Switching(Flow):
    @step
    def start(self):
        self.size = "big"
        self.next({"big": self.big, "small": self.end}, condition="size")

    @step
    def big(self):
        self.next(self.end)

    @step
    def end(self):
        pass


def nodes(flow):
    return {name: (node.inputs, node.outputs) for name, node in flow.pipeline().by_name.items()}


def faults(flow):
    with pytest.raises(errors.PipelineError) as error:
        flow.pipeline()
    return error.value.faults


def fault(flow):
    (only,) = faults(flow)
    return only


# --- nodes


def test_steps_are_nodes_that_hand_on_what_they_leave():
    assert nodes(Linear) == {
        "Linear.start": (("table",), ("Linear.start",)),
        "Linear.fit": (("Linear.start", "params:rate", "params:depth"), ("Linear.fit", "model_file")),
        "Linear.end": (("Linear.fit",), ("Linear.end",)),
    }


def test_options_of_a_step_are_those_of_its_node():
    fit = Linear.pipeline().by_name["Linear.fit"]
    assert fit.demands.retries.times == 2
    assert fit.demands.resources == {"cpus": 2}
    assert fit.tags == {"heavy"}
    assert fit.namespace == "Linear"


def test_only_steps_that_can_read_a_parameter_take_it():
    class Uses(Flow):
        one = 1
        two = 2
        three = 3

        @step
        def start(self):
            self.x = self.through()
            self.next(self.middle)

        @step
        def middle(self):
            self.y = [getattr(self, name) for name in ("x",)]
            self.next(self.end)

        @step
        def end(self):
            self.z = 0

        def through(self):
            return self.further

        @property
        def further(self):
            return self.two

    taken = {name: set(inputs) for name, (inputs, _) in nodes(Uses).items()}
    assert taken["Uses.start"] == {"params:two"}
    assert taken["Uses.middle"] == {"Uses.start", "params:one", "params:two", "params:three"}
    assert taken["Uses.end"] == {"Uses.middle"}


def test_parameters_need_not_be_set():
    assert Linear.pipeline().by_name["Linear.fit"].optional == {"params:rate", "params:depth"}


def test_what_is_a_parameter():
    class Kind(enum.Enum):
        ONE = 1

    class Settings(Flow):
        plain = 1
        kind: Kind = Kind.ONE
        required = Parameter(type=int)
        deep = Parameter("model.deep", default=2)
        constant: ClassVar[int] = 3
        CONSTANT = 4
        _own = 5
        announced: list
        other = Kind.ONE

        def method(self):
            pass

    found = flow_members.read(Settings)
    assert {name: each.key for name, each in found.parameters.items()} == {
        "plain": "plain",
        "kind": "kind",
        "required": "required",
        "deep": "model.deep",
    }
    assert found.declared == {"kind", "constant", "announced"}
    assert (Settings.plain, Settings.constant) == (1, 3)


def test_a_subclass_changes_the_default_of_a_parameter():
    class First(Flow):
        deep = Parameter("model.deep", default=2, type=int)

    class Second(First):
        deep = 3

    found = flow_members.read(Second).parameters["deep"]
    assert (found.key, found.default, found.type) == ("model.deep", 3, int)


def test_branches_are_joined():
    assert nodes(Branching)["Branching.join"] == (("Branching.left", "Branching.right"), ("Branching.join",))


def test_a_loop_is_fanned_out():
    built = Looping.pipeline()
    assert built.by_name["Looping.start"].outputs == ("Looping.start", "Looping.start.items")
    assert built.by_name["Looping.one"].over == ("Looping.start.items",)
    assert built.by_name["Looping.join"].inputs == ("Looping.one", "Looping.start")
    assert built.by_name["Looping.join"].over == ()


def test_a_loop_in_a_loop_works_on_a_flat_list():
    built = Nested.pipeline()
    assert built.by_name["Nested.deep"].over == ("Nested.middle.inner.flat",)
    assert built.by_name["Nested.inner_join"].over == ("Nested.inner_join.inputs", "Nested.middle")
    assert built.by_name["Nested.join"].over == ()


def test_a_switch_is_a_condition():
    built = Switching.pipeline()
    assert str(built.by_name["Switching.big"].when) == "size is 'big'"
    assert built.by_name["Switching.end"].when is None
    assert built.by_name["Switching.end"].optional == {"Switching.start", "Switching.big"}


def test_steps_come_from_bases_and_mixins():
    class Mixin:
        level = 2

        @step
        def end(self):
            self.done = self.level

    class Whole(Mixin, Linear):
        @step
        def fit(self):
            self.next(self.end)

    assert nodes(Whole)["Whole.end"] == (("Whole.fit", "params:level"), ("Whole.end",))
    assert nodes(Whole)["Whole.start"] == (("table",), ("Whole.start",))


def test_two_flows_fit_into_one_pipeline():
    assert len(Linear.pipeline() + Branching.pipeline()) == 8


def test_the_same_flow_is_the_same_pipeline():
    assert Linear.pipeline() == Linear.pipeline()
    assert len(Pipeline([Linear.pipeline(), Linear.pipeline()])) == 3


def test_a_flow_serves_twice_under_namespaces():
    both = Pipeline([Linear.pipeline()], namespace="north") + Pipeline([Linear.pipeline()], namespace="south")
    assert "north.Linear.fit" in both.by_name
    assert "params:south.rate" in both.inputs()


def test_tasks_travel():
    func = Linear.pipeline().by_name["Linear.fit"].func
    assert pickle.loads(pickle.dumps(func)) == func


def test_nodes_are_chosen_without_their_namespace():
    assert [each.name for each in Linear.pipeline().filter(from_nodes="fit").nodes] == ["Linear.fit", "Linear.end"]


# --- instances outside of a run


def test_a_step_can_be_called_in_a_test():
    flow = Linear()
    flow.start([1, 2, 3, 4])
    flow.rate = 2
    flow.fit()
    assert flow.rows == [1, 2, 3]
    assert flow.model == [2, 4, 6]
    assert Linear().rate == 0.5


def test_an_item_can_be_given_in_a_test():
    flow = Nested()
    flow.input = 7
    flow.middle()
    assert flow.inner == [7]


def test_what_an_instance_lacks_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = Linear().nothing


# --- artifacts


def test_artifacts_are_attributes_and_items():
    left = artifacts.restored({"x": 1, "items": [2]}, {"hidden": 3})
    assert (left.x, left["items"], list(left), "x" in left, len(left)) == (1, [2], ["items", "x"], True, 2)
    assert dir(left) == ["items", "x"]
    assert repr(left) == "Artifacts(items, x)"
    assert pickle.loads(pickle.dumps(left)).items == [2]


def test_artifacts_tell_near_misses():
    left = artifacts.restored({"model": 1}, {})
    with pytest.raises(AttributeError, match="did you mean 'model'"):
        _ = left.modle
    with pytest.raises(KeyError, match="no artifact 'modle'"):
        left["modle"]


def test_artifacts_cannot_be_set():
    with pytest.raises(AttributeError, match="cannot be set"):
        artifacts.restored({}, {}).x = 1


# --- mistakes


def test_a_flow_has_a_start_and_an_end():
    class Headless(Flow):
        @step
        def begin(self):
            pass

        def end(self):
            pass

    found = faults(Headless)
    assert any(each.what == "flow 'Headless' has no step 'start'" for each in found)
    no_end = next(each for each in found if each.what == "flow 'Headless' has no step 'end'")
    assert no_end.hint == "mark it as one: @tane.step"
    assert re.search(r"test_flows\.py:\d+$", no_end.where)


def test_unknown_steps_are_told_with_the_near_miss():
    class Misspelt(Flow):
        @step
        def start(self):
            self.next(self.ened)

        @step
        def end(self):
            pass

    found = fault(Misspelt)
    assert found.what == "step 'start' goes to 'ened', which is no step"
    assert found.hint == "did you mean 'end'?"
    assert re.search(r"test_flows\.py:\d+$", found.where)


def test_a_helper_is_no_step():
    class Unmarked(Flow):
        @step
        def start(self):
            self.next(self.middle)

        def middle(self):
            self.next(self.end)

        @step
        def end(self):
            pass

    assert fault(Unmarked).hint == "mark 'middle' as a step: @tane.step"


def test_a_step_that_is_never_reached():
    class Lonely(Linear):
        @step
        def extra(self):
            self.next(self.end)

    assert fault(Lonely).what == "no step leads to 'extra'"


def test_a_step_without_next():
    class Stuck(Linear):
        @step
        def fit(self):
            self.model = 1

    assert fault(Stuck).what == "step 'fit' does not say where it goes next"


def test_the_last_step_goes_nowhere():
    class Endless(Linear):
        @step
        def end(self):
            self.next(self.start)

    assert fault(Endless).what == "step 'end' is the last: nothing comes after it"


def test_next_is_called_once():
    class Twice(Linear):
        @step
        def fit(self):
            if self.rows:
                self.next(self.end)
            self.next(self.end)

    assert fault(Twice).what.startswith("step 'fit' calls self.next 2 times")
    assert "condition=" in fault(Twice).hint


def test_next_is_not_inside_of_a_condition():
    class Inside(Linear):
        @step
        def fit(self):
            if self.rows:
                self.next(self.end)

    assert fault(Inside).what == "self.next is not the last statement of step 'fit'"


def test_next_is_the_last_statement():
    class Early(Linear):
        @step
        def fit(self):
            self.next(self.end)
            self.model = 1

    assert fault(Early).what == "self.next is not the last statement of step 'fit'"


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ("self.next()", "names no step"),
        ("self.next(self.end, self.end)", "names 'end' twice"),
        ("self.next('end')", "'end' is no step"),
        ("self.next(*steps)", r"\*steps is no step"),
        ("self.next(self.a, self.b, foreach='x')", "foreach= goes with one step"),
        ("self.next(self.a, foreach=x)", "foreach= is x, not the name of an attribute"),
        ("self.next(self.a, num_parallel=3)", "takes no num_parallel="),
        ("self.next(self.a, forech='x')", "takes no forech="),
        ("self.next({'x': self.a})", "needs the name of the attribute that decides"),
        ("self.next(self.a, condition='x')", "condition= goes with a dict"),
        ("self.next({x: self.a}, condition='x')", "the case x is no plain value"),
        ("self.next({}, condition='x')", "there are no cases"),
        ("self.next({'x': self.a}, self.b, condition='x')", "either one dict or steps"),
    ],
)
def test_calls_of_next_that_say_nothing(written, what, tmp_path, monkeypatch):
    text = f"from tane import Flow, step\nclass Odd(Flow):\n    @step\n    def start(self):\n        {written}\n"
    text += "    @step\n    def end(self):\n        pass\n"
    (tmp_path / "odd_flow.py").write_text(text)
    space = {"__name__": "odd_flow", "__file__": str(tmp_path / "odd_flow.py")}
    exec(compile(text, str(tmp_path / "odd_flow.py"), "exec"), space)
    found = faults(space["Odd"])
    assert any(re.search(what, each.what) for each in found), found
    assert all(each.where.endswith("odd_flow.py:5") for each in found if each.where)


def test_a_circle_is_named():
    class Circle(Linear):
        @step
        def fit(self):
            self.next(self.again)

        @step
        def again(self):
            self.next(self.fit)

    assert fault(Circle).what == "flow 'Circle' goes in a circle: fit -> again -> fit"


def test_branches_must_be_joined():
    class Loose(Branching):
        @step
        def join(self):
            self.next(self.end)

    assert (
        fault(Loose).what
        == "step 'join' comes after left and right, which are done side by side, and does not join them"
    )
    assert "def join(self, inputs)" in fault(Loose).hint


def test_a_join_without_branches():
    class Alone(Linear):
        @step
        def fit(self, inputs):
            self.next(self.end)

    assert fault(Alone).what == "step 'fit' takes `inputs`, and there is nothing split before it to be joined"


def test_a_join_of_some_branches():
    class Half(Branching):
        @step
        def right(self):
            self.next(self.other)

        @step
        def other(self, inputs):
            self.next(self.end)

    assert "does not join" in fault(Half).what


def test_a_loop_that_is_not_joined():
    class Open(Looping):
        @step
        def one(self):
            self.next(self.end)

        join = None

    assert fault(Open).what == "the split in 'start' is not joined before 'end'"


def test_splits_are_joined_from_the_inside():
    class Crossed(Branching):
        @step
        def left(self):
            self.next(self.up, self.down)

        @step
        def up(self):
            self.next(self.join)

        @step
        def down(self):
            self.next(self.join)

    assert "joins ways that were not split in one place" in fault(Crossed).what


def test_a_list_that_nobody_sets():
    class Unset(Looping):
        @step
        def start(self):
            self.itmes = [1]
            self.next(self.one, foreach="items")

    found = fault(Unset)
    assert found.what == "step 'start': foreach='items', and neither it nor a step before it sets self.items"
    assert found.hint == "did you mean 'itmes'?"


def test_a_list_that_somebody_may_set():
    class Dynamic(Looping):
        @step
        def start(self):
            setattr(self, "it" + "ems", [1])
            self.next(self.one, foreach="items")

    with pytest.warns(UserWarning, match="declare it in the class: items: list"):
        Dynamic.pipeline()


def test_a_list_that_is_announced():
    class Announced(Looping):
        items: list

        @step
        def start(self):
            setattr(self, "it" + "ems", [1])
            self.next(self.one, foreach="items")

    assert len(Announced.pipeline()) == 4


def test_a_step_is_not_called_by_another():
    class Calling(Linear):
        @step
        def end(self):
            self.fit()

    assert fault(Calling).what == "step 'end' uses the step 'fit' outside of its self.next"


def test_a_step_neither_yields_nor_waits():
    class Yielding(Linear):
        @step
        def end(self):
            yield 1

    assert "generator" in fault(Yielding).what


def test_an_init_would_never_be_called():
    class Initial(Linear):
        def __init__(self):
            self.x = 1

    assert "__init__" in fault(Initial).what


def test_names_of_every_flow_are_taken():
    with pytest.raises(errors.PipelineError, match="defines 'next', which every flow has"):

        class Taking(Flow):
            next = 1


def test_step_is_the_outermost_decorator():
    import functools

    def timed(func):
        @functools.wraps(func)
        def wrapper(self):
            return func(self)

        return wrapper

    class Wrapped(Linear):
        @timed
        @step
        def end(self):
            pass

    assert any("below another decorator" in each.what for each in faults(Wrapped))


def test_step_marks_methods_only():
    with pytest.raises(errors.PipelineError, match="a property"):
        step(property(lambda self: 1))


def test_all_mistakes_are_told_at_once():
    class Bad(Flow):
        @step
        def start(self):
            self.next(self.middl)

        @step
        def middle(self):
            pass

        @step
        def end(self):
            self.next(self.start)

    assert len(faults(Bad)) == 3


def test_source_that_cannot_be_read():
    space: dict = {"__name__": "nowhere", "step": step, "Flow": Flow}
    exec("class Odd(Flow):\n    @step\n    def start(self): pass\n    @step\n    def end(self): pass", space)
    assert "cannot be read" in faults(space["Odd"])[0].what
