"""The functions joined by the names of what they take and make."""

from tane import Pipeline, node

from .nodes import remove_outliers, scale, split


def create_pipeline() -> Pipeline:
    """From the raw table to flowers to train and to test with."""
    return Pipeline(
        [
            node(
                remove_outliers,
                ["flowers", "params:outliers.max_samples", "params:random_state"],
                "inliers",
                name="remove_outliers",
            ),
            node(scale, "inliers", "scaled_flowers", name="scale"),
            node(
                split,
                ["scaled_flowers", "params:test_data_ratio", "params:random_state"],
                ["train_flowers", "test_flowers"],
                name="split",
            ),
        ],
        tags="data_engineering",
    )
