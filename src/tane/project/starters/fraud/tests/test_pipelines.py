import re
from pathlib import Path

import yaml
from fraud import pipeline_registry

ROOT = Path(__file__).parents[1]


def catalog():
    return yaml.safe_load((ROOT / "conf/base/catalog.yml").read_text(encoding="utf-8"))


def test_the_default_pipeline_goes_from_the_raw_table_to_the_report():
    default = pipeline_registry.register_pipelines()["__default__"]
    assert default.free_inputs() == ["transactions"]
    assert {"metrics", "loss_curve", "roc_curve", "pr_curve", "confusion_matrix"} <= default.outputs()


def test_inference_needs_only_a_model_and_new_transactions():
    inference = pipeline_registry.register_pipelines()["inference"]
    assert set(inference.free_inputs()) == {"model", "new_transactions"}


def test_the_catalog_and_the_pipelines_name_the_same_datasets():
    pipelines = pipeline_registry.register_pipelines()
    used = set().union(*(pipeline.datasets() for pipeline in pipelines.values()))
    assert used == set(catalog())


def test_every_parameter_taken_exists(parameters):
    taken = set().union(*(each.parameters() for each in pipeline_registry.register_pipelines().values()))
    taken |= set(re.findall(r"params:[\w.]+", (ROOT / "conf/base/catalog.yml").read_text(encoding="utf-8")))
    for name in taken:
        value = parameters
        for key in name.removeprefix("params:").split("."):
            value = value[key]
