"""The nodes joined by the names of what they take and make."""

from tane import Pipeline, node

from .nodes import draw_errors, evaluate, predict, train


def create_pipeline() -> Pipeline:
    """From wines to a model, and how far off it is."""
    return Pipeline(
        [
            node(train, ["train_wines", "params:model"], "regressor", name="train"),
            node(predict, ["regressor", "test_wines"], "predictions", name="predict"),
            node(evaluate, "predictions", "scores", name="evaluate"),
            node(draw_errors, "predictions", "error_plot", name="draw_errors"),
        ],
        tags="modelling",
    )
