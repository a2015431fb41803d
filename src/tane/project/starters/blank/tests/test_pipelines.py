"""The pipelines hold together."""

from blank.pipeline_registry import register_pipelines


def test_the_default_goes_from_raw_data_to_metrics():
    pipeline = register_pipelines()["__default__"]
    assert "metrics" in pipeline.outputs()
    assert "flowers_raw" in pipeline.inputs()
