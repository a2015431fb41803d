"""The pipelines hold together."""

from spaceflights.pipeline_registry import register_pipelines


def test_the_default_goes_from_raw_tables_to_reports():
    default = register_pipelines()["__default__"]
    assert default.inputs() >= {"companies", "reviews", "shuttles"}
    assert default.outputs() == {"capacity_plot", "comparison", "price_plot"}


def test_each_pipeline_has_a_name():
    assert set(register_pipelines()) == {"data_processing", "data_science", "reporting", "__default__"}
