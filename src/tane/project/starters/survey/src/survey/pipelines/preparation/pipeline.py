"""The functions joined by the names of what they take and make."""

from tane import Pipeline, node

from .nodes import add_ratios, clean, measure, scale, split


def create_pipeline() -> Pipeline:
    """From the raw table to wines to train and to test with."""
    return Pipeline(
        [
            node(clean, "wines", "clean_wines", name="clean"),
            node(add_ratios, "clean_wines", "wine_features", name="add_ratios"),
            node(
                split,
                ["wine_features", "params:split.test_share", "params:random_state"],
                ["train_part", "test_part"],
                name="split",
            ),
            node(measure, "train_part", "spreads", name="measure"),
            node(scale, ["train_part", "test_part", "spreads"], ["train_wines", "test_wines"], name="scale"),
        ],
        tags="preparation",
    )
