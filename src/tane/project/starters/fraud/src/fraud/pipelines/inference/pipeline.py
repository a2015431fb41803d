"""Score new transactions."""

from tane import Pipeline, node

from . import nodes


def create_pipeline() -> Pipeline:
    return Pipeline(
        [node(nodes.score_transactions, ["model", "new_transactions"], "scores", name="score_transactions")],
        tags="inference",
    )
