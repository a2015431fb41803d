"""The functions joined by the names of what they take and make."""

from tane import Pipeline, node

from .nodes import compare, draw_capacity, draw_prices


def create_pipeline() -> Pipeline:
    """From shuttles, metrics and predictions to figures and a verdict."""
    return Pipeline(
        [
            node(compare, ["active.metrics", "candidate.metrics"], "comparison"),
            node(draw_capacity, ["typed_shuttles", "params:reporting.least_shuttles"], "capacity_plot"),
            node(draw_prices, ["active.predictions", "candidate.predictions"], "price_plot"),
        ]
    )
