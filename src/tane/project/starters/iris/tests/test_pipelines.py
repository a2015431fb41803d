"""The pipelines hold together."""

from iris.pipeline_registry import register_pipelines


def test_the_default_is_the_sum_of_both():
    pipelines = register_pipelines()
    assert pipelines["__default__"] == pipelines["de"] + pipelines["ds"]
    assert pipelines["__default__"].free_inputs() == ["flowers"]
    assert pipelines["__default__"].outputs() == {"metrics", "confusion_matrix"}


def test_data_science_takes_what_data_engineering_makes():
    pipelines = register_pipelines()
    assert set(pipelines["ds"].free_inputs()) == {"train_flowers", "test_flowers"} <= pipelines["de"].outputs()
