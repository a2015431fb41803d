"""The pipelines hold together, and run on a few flowers: data/ and what earlier runs have kept are left alone."""

import pytest
from blank.pipeline_registry import register_pipelines

from tane.testing import assert_ran, assert_reused


@pytest.fixture
def few_flowers(catalog):
    """Ten of each species."""
    return catalog.load("flowers_raw").groupby("species").head(10)


def test_the_default_goes_from_raw_data_to_metrics():
    pipeline = register_pipelines()["__default__"]
    assert "metrics" in pipeline.outputs()
    assert "flowers_raw" in pipeline.inputs()


def test_a_few_flowers_are_told_apart(tiny_run, few_flowers, catalog):
    run = tiny_run(inputs={"flowers_raw": few_flowers})
    assert_ran(run)
    assert run["metrics"]["flowers"] == 6
    assert run["metrics"]["accuracy"] > 0.5
    assert catalog.load("metrics") == run["metrics"]


def test_another_share_changes_nothing_before_the_split(tiny_run, few_flowers):
    tiny_run(inputs={"flowers_raw": few_flowers})
    run = tiny_run(inputs={"flowers_raw": few_flowers}, params={"split.test_share": 0.5})
    assert_reused(run, "clean")
    assert_ran(run, "split", reason="parameter split.test_share 0.2 -> 0.5")
