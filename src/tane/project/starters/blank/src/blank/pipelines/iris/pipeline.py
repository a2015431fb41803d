"""The functions joined by the names of what they take and make."""

from tane import Pipeline, node

from .nodes import clean, evaluate, fit, predict, split


def create_pipeline() -> Pipeline:
    """From the raw table to the share of flowers that are recognised."""
    return Pipeline(
        [
            node(clean, "flowers_raw", "flowers", name="clean"),
            node(
                split,
                ["flowers", "params:split.test_share", "params:split.seed"],
                ["train", "test"],
                name="split",
            ),
            node(fit, ["train", "params:model.standardise"], "model", name="fit"),
            node(predict, ["model", "test"], "predictions", name="predict"),
            node(evaluate, "predictions", "metrics", name="evaluate"),
        ]
    )
