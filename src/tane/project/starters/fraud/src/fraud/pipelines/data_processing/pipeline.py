"""Import, check, split."""

from tane import Pipeline, node

from . import nodes


def create_pipeline() -> Pipeline:
    return Pipeline(
        [
            node(nodes.check_transactions, "transactions", "checked_transactions", name="check_transactions"),
            node(
                nodes.split_transactions,
                ["checked_transactions", "params:split"],
                ["train", "validation", "holdout"],
                name="split_transactions",
            ),
        ],
        tags="data_processing",
    )
