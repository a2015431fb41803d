"""The nodes joined by the names of what they take and make."""

from tane import Pipeline, node

from ...schema import MEASURES, SPECIES
from .models import Trainer
from .nodes import draw_confusion_matrix, evaluate, predict


def create_pipeline() -> Pipeline:
    """From flowers to a model, and how many it gets right."""
    return Pipeline(
        [
            node(
                Trainer(MEASURES, SPECIES),
                ["train_flowers", "params:model", "params:random_state"],
                "classifier",
                name="train",
            ),
            node(predict, ["classifier", "test_flowers"], "predictions", name="predict"),
            node(evaluate, "predictions", "metrics", name="evaluate"),
            node(draw_confusion_matrix, "predictions", "confusion_matrix", name="draw_confusion_matrix"),
        ],
        tags="data_science",
    )
