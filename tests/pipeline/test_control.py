"""Forms of nodes and graphs beyond data edges: order, conditions, fan-out, namespaces, forms of one dataset."""

from __future__ import annotations

from functools import partial

import pytest

from tane import errors
from tane.pipeline import commands, conditions
from tane.pipeline.graph import Pipeline
from tane.pipeline.nodes import node


def load():
    return [1, 2]


def double(x, factor=2):
    return x * factor


def join(a=None, b=None):
    return a, b


def chunks(x):
    yield x


class Trainer:
    def __init__(self, depth=2):
        self.depth = depth

    def __call__(self, data):
        return data * self.depth


def names(pipeline):
    return [each.name for each in pipeline.nodes]


def hint(error):
    return error.value.faults[0].hint


# --- order


def test_after_orders_without_data():
    built = Pipeline([node(load, None, "b", name="second", after="z_first"), node(load, None, "a", name="z_first")])
    assert names(built) == ["z_first", "second"]


def test_after_takes_nodes_as_well_as_names():
    first = node(load, None, "a", name="z_first")
    assert node(load, None, "b", after=[first]).after == ("z_first",)


def test_a_circle_through_order_is_named():
    with pytest.raises(errors.PipelineError, match="circle.*one after two|circle.*two after one"):
        Pipeline([node(load, None, "a", name="one", after="two"), node(load, None, "b", name="two", after="one")])


def test_a_part_of_a_pipeline_may_be_without_what_it_comes_after():
    built = Pipeline([node(load, None, "a", name="one"), node(load, None, "b", name="two", after="one")])
    assert names(built.filter(nodes="two")) == ["two"]


def test_always_comes_after_everything():
    built = Pipeline([node(load, None, None, name="a_last", always=True), node(load, None, "x"), node(len, "x", "y")])
    assert names(built)[-1] == "a_last"
    assert built.by_name["a_last"].cache is False


def test_always_and_when_exclude_each_other():
    with pytest.raises(errors.PipelineError, match="always=True"):
        node(load, None, "x", always=True, when="params:go")


# --- conditions


@pytest.mark.parametrize(
    ("given", "values", "holds"),
    [
        ("flag", {"flag": 1}, True),
        ("flag", {"flag": ""}, False),
        ("not flag", {"flag": 0}, True),
        ({"coin": "heads"}, {"coin": "heads"}, True),
        ({"coin": "heads"}, {"coin": "tails"}, False),
        ({"n": [1, 2]}, {"n": 2}, True),
        ({"n": 1, "m": 2}, {"n": 1, "m": 3}, False),
        ({"flag": True}, {"flag": 1}, False),
        (lambda n: n > 3, {"n": 4}, True),
        ((lambda a, b: a < b, ["x", "params:y"]), {"x": 1, "params:y": 2}, True),
    ],
)
def test_conditions(given, values, holds):
    condition = conditions.when(given, "it")
    assert set(condition.inputs) == set(values)
    assert condition.holds(values) is holds


def test_a_condition_has_its_own_defaults():
    condition = conditions.when(lambda n, least=3: n > least, "it")
    assert condition.inputs == ("n", "params:least")
    assert condition.optional == {"params:least"}
    assert condition.holds({"n": 4})
    assert not condition.holds({"n": 4, "params:least": 5})


def test_what_a_condition_looks_at_comes_before():
    built = Pipeline([node(load, None, "a", name="a", when="z"), node(load, None, "z", name="z")])
    assert names(built) == ["z", "a"]
    assert [each.name for each in built.consumers("z")] == ["a"]
    assert Pipeline([node(load, None, "a", when="free")]).free_inputs() == ["free"]


def test_no_condition_is_refused():
    with pytest.raises(errors.PipelineError, match="no condition"):
        node(load, None, "a", when=3)


# --- fan-out


def test_over_must_be_an_input():
    with pytest.raises(errors.PipelineError, match="over='itmes'") as error:
        node(double, "items", "twice", over="itmes")
    assert hint(error) == "did you mean 'items'?"


def test_map_fans_out_what_depends_on_it():
    part = Pipeline([node(double, "items", "twice"), node(double, "twice", "four_times"), node(len, "other", "count")])
    mapped = part.map("items")
    assert [mapped.producer(name).over for name in ("twice", "four_times", "count")] == [("items",), ("twice",), ()]


def test_map_over_what_nothing_takes_is_refused():
    with pytest.raises(errors.PipelineError, match="mapped over it") as error:
        Pipeline([node(double, "items", "twice")]).map("itens")
    assert hint(error) == "did you mean 'items'?"


# --- what callables are


def test_functions_that_yield_are_streams():
    assert node(chunks, "x", "y").streams
    assert node(partial(chunks), "x", "y").streams
    assert not node(double, "x", "y").streams


def test_a_partial_binds_the_rest():
    described = node(partial(double, factor=3), "x", "y")
    assert described.name == "double"
    assert described.func(2) == 6


def test_a_class_takes_its_fields_from_parameters():
    described = node(Trainer, "train", "model", settings="params:trainer")
    assert described.inputs == ("train", "params:trainer")
    assert described.func(data=2, settings={"depth": 5}) == 10


def test_settings_are_for_classes_with_a_call():
    with pytest.raises(errors.PipelineError, match="double"):
        node(double, "x", "y", settings="params:trainer")
    with pytest.raises(errors.PipelineError, match="is no parameter") as error:
        node(Trainer, "x", "y", settings="trainer")
    assert hint(error) == 'write settings="params:trainer"'


def test_a_dataset_with_a_default_may_be_left_out_but_a_named_parameter_may_not():
    assert node(join, ["a", "b"], "c").optional == {"a", "b"}
    assert node(double, ["x", "params:factor"], "y").optional == frozenset()


# --- namespaces


def fit(data, lr):
    return data * lr


def model(tags=()):
    return Pipeline(
        [node(fit, ["data", "params:lr"], "model", name="fit"), node(len, "model", "size", name="size", after="fit")],
        tags=tags,
    )


def test_a_namespace_goes_before_every_name():
    built = Pipeline([model()], namespace="north")
    assert names(built) == ["north.fit", "north.size"]
    assert built.inputs() == {"north.data", "params:north.lr"}
    assert built.by_name["north.size"].after == ("north.fit",)
    assert built.by_name["north.fit"].namespace == "north"


def test_one_definition_serves_twice():
    north = Pipeline([model()], namespace="north", inputs="data", parameters="params:lr", outputs={"size": "one"})
    south = Pipeline([model()], namespace="south", inputs={"data": "other"}, parameters={"params:lr": "params:slow"})
    both = north + south
    assert both.inputs() == {"data", "other", "params:lr", "params:slow"}
    assert both.outputs() == {"one", "south.size"}


def test_namespaces_nest():
    built = Pipeline([Pipeline([model()], namespace="inner")], namespace="outer")
    assert names(built) == ["outer.inner.fit", "outer.inner.size"]
    assert built.by_name["outer.inner.fit"].namespace == "outer.inner"
    assert built.filter(namespaces="outer").nodes == built.nodes


def test_renaming_needs_no_namespace():
    assert Pipeline([model()], inputs={"data": "raw"}).free_inputs() == ["raw"]


def test_a_mapping_of_what_is_not_there_is_refused():
    with pytest.raises(errors.PipelineError, match="inputs='dta'") as error:
        Pipeline([model()], namespace="north", inputs={"dta": "raw"})
    assert hint(error) == "did you mean 'data'?"


def test_a_mapping_cannot_join_two_outputs():
    two = Pipeline([node(load, None, "a", name="one"), node(load, None, "b", name="two")])
    with pytest.raises(errors.PipelineError, match="made by two nodes"):
        Pipeline([two], outputs={"a": "same", "b": "same"})


def test_a_mapping_cannot_join_the_outputs_of_one_node():
    one = Pipeline([node(load, None, ["a", "b"], name="one")])
    with pytest.raises(errors.PipelineError, match="two outputs of node 'one' get one name"):
        Pipeline([one], outputs={"a": "same", "b": "same"})


@pytest.mark.parametrize("namespace", ["area-1", "a.b-c", "2024"])
def test_a_namespace_may_have_digits_and_dashes(namespace):
    assert names(Pipeline([model()], namespace=namespace)) == [f"{namespace}.fit", f"{namespace}.size"]


@pytest.mark.parametrize("namespace", ["a b", "a..b", ".a", "-a", "a/b"])
def test_what_is_no_namespace_is_refused(namespace):
    with pytest.raises(errors.PipelineError, match="is no namespace"):
        Pipeline([model()], namespace=namespace)


def test_bare_functions_keep_their_defaults_in_a_namespace():
    built = Pipeline([double], namespace="north", inputs="x")
    assert built.inputs() == {"x", "params:north.factor"}
    assert built.by_name["north.double"].optional == {"params:north.factor"}


def test_conditions_and_lanes_are_renamed_too():
    built = Pipeline([node(double, "items", "twice", over="items", when="flag")], namespace="n", inputs="flag")
    described = built.nodes[0]
    assert described.over == ("n.items",)
    assert described.when.inputs == ("flag",)


# --- forms of one dataset


def test_forms_of_a_dataset_are_one_in_the_graph():
    built = Pipeline([node(load, None, "cars@pandas", name="z_make"), node(len, "cars@polars", "n", name="a_take")])
    assert names(built) == ["z_make", "a_take"]
    assert built.free_inputs() == []
    assert built.datasets() == {"cars@pandas", "cars@polars", "n"}
    assert built.outputs() == {"n"}


def test_two_makers_of_one_dataset_in_two_forms_are_refused():
    with pytest.raises(errors.PipelineError, match="made by two nodes"):
        Pipeline([node(load, None, "cars@pandas", name="one"), node(load, None, "cars@polars", name="two")])


def forms():
    return Pipeline(
        [
            node(load, None, "made@x", name="made"),
            node(len, "made@y", "a", name="of_made"),
            node(len, "cars@x", "b", name="of_x"),
            node(len, "cars@y", "c", name="of_y"),
        ]
    )


@pytest.mark.parametrize(
    "mapped, expected",
    [
        ("cars", {"cars@x", "cars@y"}),
        ({"cars": "z"}, {"z@x", "z@y"}),
        ("cars@x", {"cars@x", "n.cars@y"}),
        ({"cars@x": "z@x"}, {"z@x", "n.cars@y"}),
    ],
)
def test_a_mapping_names_all_forms_or_one(mapped, expected):
    assert Pipeline([forms()], namespace="n", inputs=mapped).inputs() == expected


def test_a_mapping_of_a_form_that_is_not_there_is_refused():
    with pytest.raises(errors.PipelineError, match="inputs='cars@z' names nothing"):
        Pipeline([forms()], namespace="n", inputs="cars@z")


@pytest.mark.parametrize(
    "criterion, expected",
    [
        ({"from_inputs": "cars"}, ["of_x", "of_y"]),
        ({"from_inputs": "cars@x"}, ["of_x"]),
        ({"from_inputs": "made@y"}, ["of_made"]),
        ({"to_outputs": "made"}, ["made"]),
        ({"to_outputs": "made@y"}, ["made"]),
    ],
)
def test_a_selection_names_all_forms_or_one(criterion, expected):
    assert names(forms().filter(**criterion)) == expected


def test_plain_and_formed_names_do_not_mix():
    with pytest.raises(errors.PipelineError, match="named both"):
        Pipeline([node(load, None, "cars"), node(len, "cars@polars", "n")])


# --- misuse


def test_after_takes_bare_functions_too():
    built = Pipeline([node(load, None, "b", name="a_second", after=double), double])
    assert names(built) == ["double", "a_second"]


def test_what_runs_in_any_case_takes_no_condition():
    with pytest.raises(errors.PipelineError, match="it takes no when=") as caught:
        node(load, None, None, always=True, when="params:go")
    assert "take one of them away" in hint(caught)


def test_what_runs_after_all_others_feeds_none_of_them():
    with pytest.raises(errors.PipelineError, match="'z' comes after all others.*'y' takes what it makes") as caught:
        Pipeline([node(load, None, "x", name="z", always=True), node(len, "x", None, name="y")])
    assert "after=" in hint(caught)


def required(x):
    return x


def test_what_runs_in_any_case_has_defaults_for_what_others_make():
    made = node(load, None, "x")
    with pytest.raises(errors.PipelineError, match="'tidy' runs in any case, also when 'x' was not made"):
        Pipeline([made, node(required, "x", None, name="tidy", always=True)])
    for fine in (
        node(join, "x", None, always=True),
        node(required, "source", None, always=True),
        node(required, "x", None, over="x", always=True),
        commands.command("cat {x}", "x", always=True),
    ):
        assert len(Pipeline([made, fine])) == 2


def test_a_mapping_says_which_role_a_name_has():
    with pytest.raises(errors.PipelineError, match="'n' is made in the pipeline") as caught:
        Pipeline([Pipeline([node(len, "x", "n")])], namespace="a", inputs="n")
    assert hint(caught) == "name it in outputs="
    with pytest.raises(errors.PipelineError, match="'x' is only taken") as caught:
        Pipeline([Pipeline([node(len, "x", "n")])], namespace="a", outputs="x")
    assert hint(caught) == "name it in inputs="
