"""One definition, used twice: each namespace has its own parameters and its own files."""

from tane import Pipeline, node

from .nodes import fit, judge, predict, split


def create_pipeline() -> Pipeline:
    """From the table to the metrics of the active model and of its candidate."""
    model = Pipeline(
        [
            node(split, ["model_input", "params:model"], ["train", "test"]),
            node(fit, "train", "regressor"),
            node(predict, ["regressor", "test"], "predictions"),
            node(judge, "predictions", "metrics"),
        ]
    )
    return Pipeline(
        [Pipeline(model, namespace=namespace, inputs="model_input") for namespace in ("active", "candidate")]
    )
