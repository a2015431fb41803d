"""Graphs: order from names alone, algebra, and errors that name everything at once."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tane import errors
from tane.pipeline import commands
from tane.pipeline.graph import Pipeline
from tane.pipeline.nodes import node


def step(*inputs):
    return inputs


def make(name, inputs, outputs, **options):
    return node(step, inputs, outputs, name=name, **options)


@st.composite
def graphs(draw):
    """Nodes that take outputs of earlier ones, so that there is no circle."""
    count = draw(st.integers(1, 25))
    found = []
    for at in range(count):
        before = [f"d{i}" for i in range(at)]
        taken = draw(st.lists(st.sampled_from([*before, "source"]), max_size=4, unique=True))
        found.append(make(f"n{at}", taken, f"d{at}"))
    return found


@given(graphs(), st.randoms())
def test_every_node_comes_after_those_it_needs(found, shuffled):
    shuffled.shuffle(found)
    done = {"source"}
    for each in Pipeline(found).nodes:
        assert done.issuperset(each.inputs)
        done.update(each.outputs)


@given(graphs(), st.randoms())
def test_the_order_does_not_depend_on_the_listing(found, shuffled):
    listed = Pipeline(found)
    shuffled.shuffle(found)
    assert [each.name for each in Pipeline(found)] == [each.name for each in listed]


@given(graphs(), st.sets(st.integers(0, 24)))
def test_parts_add_up_to_the_whole(found, chosen):
    whole = Pipeline(found)
    part = Pipeline(each for at, each in enumerate(found) if at in chosen)
    rest = whole - part
    assert rest + part == whole == part | rest
    assert len(rest & part) == 0
    assert whole & part == part


@given(graphs(), st.data())
def test_to_nodes_and_from_nodes_meet_in_the_paths_between(found, data):
    whole = Pipeline(found)
    name = data.draw(st.sampled_from([each.name for each in found]))
    upstream = whole.filter(to_nodes=[name])
    downstream = whole.filter(from_nodes=[name])
    assert [each.name for each in upstream & downstream] == [name]
    for each in upstream:
        assert set(whole.depends(each)) <= set(upstream.nodes)


@pytest.mark.parametrize("count", [10_000])
def test_long_chains_have_no_recursion_limit(count):
    chain = [make(f"n{at}", [f"d{at}"], f"d{at + 1}") for at in range(count)]
    random.Random(0).shuffle(chain)
    built = Pipeline(chain)
    assert built.nodes[-1].outputs == (f"d{count}",)
    assert len(built.filter(to_outputs=[f"d{count}"])) == count


def test_a_circle_is_refused_and_drawn():
    with pytest.raises(errors.PipelineError, match="a -> b -> c -> a|b -> c -> a -> b|c -> a -> b -> c"):
        Pipeline([make("a", ["z"], "x"), make("b", ["x"], "y"), make("c", ["y"], "z")])


def test_a_node_that_feeds_itself_is_a_circle():
    with pytest.raises(errors.PipelineError, match="circle: a -> a"):
        Pipeline([make("a", ["x"], "x")])


def test_two_makers_of_one_dataset_and_two_nodes_of_one_name_are_told_together():
    with pytest.raises(errors.PipelineError) as caught:
        Pipeline([make("a", [], "x"), make("b", [], "x"), make("c", [], "y"), make("c", [], "z")])
    text = str(caught.value)
    assert "'x' is made by two nodes: 'a' and 'b'" in text
    assert "two nodes are called 'c'" in text


def test_nodes_nobody_named_are_told_apart_by_outputs():
    built = Pipeline([node(step, ["a"], "x"), node(step, ["a"], "y")])
    assert [each.name for each in built] == ["step -> x", "step -> y"]


def test_a_node_added_twice_is_there_once():
    one = make("a", [], "x")
    assert len(Pipeline([one, one])) == 1
    assert len(Pipeline([one]) + Pipeline([one])) == 1


def test_nodes_added_again_with_others_of_their_name_are_there_once():
    both = Pipeline([node(step, "a", None), node(step, "b", None)])
    assert (both + Pipeline([node(step, "b", None), node(step, "a", None)])).nodes == both.nodes


def test_a_node_is_known_by_name_and_bindings_whatever_its_tags_and_function():
    first, again = (Pipeline([node(lambda a: a, "a", {"k": "b", "l": "c"}, name="it")]) for _ in range(2))
    other = Pipeline([node(step, "a", {"l": "b", "k": "c"}, name="it")])
    assert len(first - again.tag("x")) == 0
    assert (first & again.tag("x")).nodes == first.nodes
    assert (first - other).nodes == first.nodes


def test_the_same_node_with_other_tags_gets_them_all():
    one = make("one", "a", "b", tags="x")
    assert [each.tags for each in Pipeline([one]).tag("y") + Pipeline([one]).tag("z")] == [{"x", "y", "z"}]


def test_a_dataset_is_confirmed_by_one_node():
    with pytest.raises(errors.PipelineError, match="'days' is confirmed by two nodes: 'one' and 'two'"):
        Pipeline([make("one", "days", "a", confirms="days"), make("two", "days", "b", confirms="days@text")])


def raw():
    return 1


def features(raw, scale=2):
    return raw * scale


def scale():
    return 3


def test_bare_functions_join_by_name():
    built = Pipeline([features, raw])
    assert [each.name for each in built] == ["raw", "features"]
    assert built.inputs() == {"params:scale"}


def test_an_argument_with_a_default_that_a_node_makes_is_a_dataset():
    built = Pipeline([features, raw, scale])
    assert built.inputs() == set()
    assert built.by_name["features"].parameters == ()


def test_a_default_becomes_a_dataset_when_pipelines_are_added():
    built = Pipeline([features, raw]) + Pipeline([scale])
    assert "scale" in built.by_name["features"].inputs


def test_free_inputs_parameters_and_outputs():
    built = Pipeline([make("a", ["in", "params:p", "parameters"], "x"), make("b", ["x"], "out")])
    assert built.free_inputs() == ["in"]
    assert built.parameters() == {"params:p", "parameters"}
    assert built.outputs() == {"out"}
    assert built.datasets() == {"in", "x", "out"}
    assert built.producer("x").name == "a"
    assert [each.name for each in built.consumers("x")] == ["b"]


LINE = Pipeline(
    [
        make("a", ["in"], "x", tags="data"),
        make("b", ["x"], "y", tags=["data", "model"]),
        make("c", ["y"], "z", tags="model"),
        make("d", ["x"], "w"),
    ]
)


@pytest.mark.parametrize(
    ("criteria", "names"),
    [
        ({"from_nodes": ["b"]}, "bc"),
        ({"to_nodes": ["b"]}, "ab"),
        ({"from_inputs": ["x"]}, "bdc"),
        ({"to_outputs": ["w"]}, "ad"),
        ({"nodes": ["a", "c"]}, "ac"),
        ({"tags": ["model"]}, "bc"),
        ({"tags": "model"}, "bc"),
        ({"nodes": "a"}, "a"),
        ({"from_nodes": ["b"], "tags": ["data"]}, "b"),
        ({"from_nodes": ["d"], "to_nodes": ["c"]}, ""),
    ],
)
def test_filter_takes_what_meets_every_criterion(criteria, names):
    assert "".join(each.name for each in LINE.filter(**criteria)) == names


def test_unknown_names_in_a_filter_are_told_at_once():
    with pytest.raises(errors.PipelineError) as caught:
        LINE.filter(nodes=["q"], tags=["modle"], from_inputs=["nope"], to_outputs=["in"])
    assert len(caught.value.faults) == 4
    assert "did you mean 'model'" in str(caught.value)


def test_tags_are_added_to_each_node():
    assert all("x" in each.tags for each in LINE.tag("x"))


def test_what_is_not_a_node_is_refused():
    with pytest.raises(errors.PipelineError, match="is not a node"):
        Pipeline(["a"])


def test_a_node_without_outputs_is_listed_once():
    with pytest.raises(errors.PipelineError, match="node 'sleep 1' is listed twice") as caught:
        Pipeline([commands.command("sleep 1", cache=False)] * 2)
    assert "name=" in caught.value.faults[0].hint
    once = Pipeline([node(step, "a", None)])
    assert len(once + once) == len(Pipeline([*once, once])) == 1
