"""Train the model that the parameters name."""

from tane import Pipeline, node

from . import nodes


def create_pipeline() -> Pipeline:
    return Pipeline(
        [
            node(
                nodes.train_model,
                ["train", "validation", "params:model", "params:natural_fraud_rate"],
                ["model", "loss_history"],
                name="train_model",
            )
        ],
        tags="training",
    )
