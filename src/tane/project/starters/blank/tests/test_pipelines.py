"""The pipelines hold together."""

from blank.pipeline_registry import register_pipelines


def test_the_default_goes_from_raw_data_to_metrics():
    pipeline = register_pipelines()["__default__"]
    assert pipeline.outputs() == {"metrics"}
    assert pipeline.free_inputs() == ["flowers_raw"]
