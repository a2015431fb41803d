"""The pipelines hold together, and models share what comes before them."""

from survey.pipeline_registry import register_pipelines

from tane.testing import assert_ran, assert_reused


def test_the_default_is_the_sum_of_both():
    pipelines = register_pipelines()
    assert pipelines["__default__"] == pipelines["preparation"] + pipelines["modelling"]
    assert pipelines["__default__"].free_inputs() == ["wines"]


def test_the_group_chosen_is_the_model_that_is_trained(parameters):
    assert parameters["model"] == {"name": "elastic_net", "alpha": 0.0005, "l1_ratio": 0.9, "random_state": 3}


def test_another_model_changes_nothing_before_training(tiny_run, wines):
    few = {"wines": wines.head(500)}
    first = tiny_run(inputs=few)
    assert_ran(first)
    second = tiny_run(inputs=few, params={"model.l1_ratio": 0.01})
    assert_reused(second, "clean", "add_ratios", "split", "measure", "scale")
    assert_ran(second, "train", "predict")
    assert first["scores"] != second["scores"]
