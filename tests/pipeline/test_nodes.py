"""Describing nodes: what fits, and what is said of what does not."""

import functools

import pytest

from tane import errors
from tane.pipeline import commands, nodes
from tane.pipeline.nodes import node


def split(table, share=0.2, *, seed=42):
    return table, table


def test_inputs_may_be_a_name_a_list_or_a_dict():
    assert node(split, "raw", ["a", "b"]).inputs == ("raw",)
    assert node(split, ["raw", "params:share"], ["a", "b"]).inputs == ("raw", "params:share")
    by_name = node(split, {"table": "raw", "seed": "params:split.seed"}, ["a", "b"])
    assert by_name.by_name == (("table", "raw"), ("seed", "params:split.seed"))


def test_outputs_may_be_nothing_one_many_or_keys():
    assert node(print, "a", None).returns == "nothing"
    assert node(split, "a", "b").returns == "one"
    assert node(split, "a", ["b", "c"]).outputs == ("b", "c")
    keyed = node(split, "a", {"left": "b", "right": "c"})
    assert (keyed.returns, keyed.keys, keyed.outputs) == ("keys", ("left", "right"), ("b", "c"))


def test_one_output_in_a_list_is_still_many():
    assert node(split, "a", ["b"]).returns == "many"


def test_a_node_is_named_after_its_function():
    assert node(split, "a", "b").name == "split"
    assert node(functools.partial(split, share=0.1), "a", "b").name == "split"
    assert node(split, "a", "b", name="other").name == "other"


def test_parameters_and_data_are_told_apart():
    described = node(split, ["raw", "params:share"], ["a", "b"])
    assert described.data_inputs == ("raw",)
    assert described.parameters == ("params:share",)


def test_one_dataset_for_two_arguments_is_one_input():
    assert node(lambda a, b: a, ["x", "x"], "y", name="same").inputs == ("x",)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (["a", "b", "c"], "takes 2 arguments by position, 3 inputs are given"),
        (None, "also needs table"),
        ({"tabel": "a"}, "has no argument 'tabel'"),
    ],
)
def test_inputs_that_do_not_fit_the_signature_are_refused(inputs, message):
    with pytest.raises(errors.PipelineError, match=message):
        node(split, inputs, "out")


def test_a_near_miss_of_an_argument_is_offered():
    with pytest.raises(errors.PipelineError, match="did you mean 'table'"):
        node(split, {"tabel": "a"}, "out")


@pytest.mark.parametrize("name", ["", "a b", "a/b", "params:x", "parameters", 3])
def test_an_output_needs_a_plain_name(name):
    with pytest.raises(errors.PipelineError):
        node(split, "a", [name])


def test_all_faults_of_a_node_are_told_at_once():
    with pytest.raises(errors.PipelineError) as caught:
        node(split, ["a b", "c/d"], ["x", "x"])
    assert len(caught.value.faults) == 3


def test_what_is_not_callable_is_refused():
    with pytest.raises(errors.PipelineError, match="is not callable"):
        node(3, "a", "b", name="three")


def test_a_bare_function_takes_its_arguments_and_makes_its_name():
    described = nodes.bare(split)
    assert described.positional == ("table",)
    assert described.by_name == (("share", "params:share"), ("seed", "params:seed"))
    assert described.outputs == ("split",)
    assert described.optional == {"params:share", "params:seed"}


def test_a_bare_lambda_has_no_name_for_its_output():
    with pytest.raises(errors.PipelineError, match="no name that an output could take"):
        nodes.bare(lambda x: x)


def test_a_bare_function_must_say_what_it_takes():
    def anything(*args):
        return args

    with pytest.raises(errors.PipelineError, match="cannot be read off"):
        nodes.bare(anything)


class Trainer:
    def __call__(self, table, rounds=3):
        return rounds


def test_objects_with_call_are_nodes():
    assert node(Trainer(), "table", "model").name == "Trainer"
    with pytest.raises(errors.PipelineError, match="also needs table"):
        node(Trainer(), None, "model")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"after": 3}, "after= takes a node or the name of one, or several; 3 is none"),
        ({"after": [3]}, "3 is none"),
        ({"over": True}, "over= takes the name of an input, or several; True is none"),
        ({"tags": 3}, "tags= takes a tag"),
        ({"confirms": 3}, "confirms= takes the name of a dataset"),
        ({"inputs": 3}, "inputs= takes a name, a list of names or a dict; 3 is none"),
        ({"outputs": 3}, "outputs= takes a name, a list of names or a dict; 3 is none"),
        ({"outputs": {"b", "c"}}, "outputs= is a set, which has no order"),
        ({"namespace": 3}, "3 is no namespace"),
        ({"cache": "no"}, "cache= is True or False, not 'no'"),
        ({"always": "yes"}, "always= is True or False, not 'yes'"),
        ({"name": 3}, "name= takes a text, 3 is none"),
        ({"name": "a,b"}, "'a,b' is no name for a node"),
        ({"when": "a == 3"}, "'a == 3' is no name of a dataset or parameter"),
        ({"when": (len, ["a", "b"])}, "when= gives len\\(\\) 2 values: a, b"),
        ({"when": (len, 3)}, "when= takes the name of a dataset or parameter after its function"),
    ],
)
@pytest.mark.parametrize("shell", [False, True])
def test_options_of_another_type_are_refused_at_the_node(options, message, shell):
    given = {"inputs": "a", "outputs": "b", **options}
    with pytest.raises(errors.PipelineError, match=message) as caught:
        commands.command("sort {a}", **given) if shell else node(split, **given)
    assert all(fault.where.startswith("node ") and fault.hint for fault in caught.value.faults)


def test_options_of_another_type_are_told_at_once():
    with pytest.raises(errors.PipelineError) as caught:
        node(split, 3, "b", over=[1, 2], tags=3, cache="no")
    assert len(caught.value.faults) == 5


def test_options_that_say_nothing_may_be_none():
    described = node(split, "a", "b", tags=None, after=None, over=None, confirms=None, namespace=None)
    assert described == node(split, "a", "b")


def test_names_may_come_from_a_generator():
    assert node(split, (name for name in ["a", "params:b"]), "c").inputs == ("a", "params:b")


def test_a_condition_may_have_defaults():
    assert node(split, "a", "b", when=(split, "a")).when.inputs == ("a",)
