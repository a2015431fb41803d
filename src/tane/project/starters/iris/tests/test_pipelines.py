"""The pipelines hold together."""

from iris.pipeline_registry import register_pipelines

from tane.testing import assert_ran, assert_reused


def test_the_default_is_the_sum_of_both():
    pipelines = register_pipelines()
    assert pipelines["__default__"] == pipelines["de"] + pipelines["ds"]
    assert pipelines["__default__"].free_inputs() == ["flowers"]
    assert pipelines["__default__"].outputs() == {"metrics", "confusion_matrix"}


def test_data_science_takes_what_data_engineering_makes():
    pipelines = register_pipelines()
    assert set(pipelines["ds"].free_inputs()) == {"train_flowers", "test_flowers"} <= pipelines["de"].outputs()


def test_every_third_flower_goes_all_the_way(tiny_run, catalog, flowers):
    few = flowers.iloc[::3]
    small = {"model.lightgbm.rounds": 5, "model.lightgbm.hyper_parameters.min_data_in_leaf": 2}
    run = tiny_run(inputs={"flowers": few}, params=small)
    assert_ran(run)
    assert 0 < run["metrics"]["total"] < len(few)
    assert catalog.path("confusion_matrix").read_bytes().startswith(b"\x89PNG")


def test_another_model_changes_nothing_before_training(tiny_run, flowers):
    few = {"flowers": flowers.iloc[::3]}
    tiny_run("de", inputs=few)
    run = tiny_run(inputs=few, params={"model.name": "logistic_regression"})
    assert_reused(run, "remove_outliers", "scale", "split")
    assert_ran(run, "train", "predict")
