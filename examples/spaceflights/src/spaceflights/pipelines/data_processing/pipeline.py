"""The functions joined by the names of what they take and make."""

from tane import Pipeline, node

from .nodes import join, type_companies, type_shuttles


def create_pipeline() -> Pipeline:
    """From companies, shuttles and reviews to the table that models learn from."""
    return Pipeline(
        [
            node(type_companies, "companies", "typed_companies"),
            node(type_shuttles, "shuttles", "typed_shuttles"),
            node(join, ["typed_shuttles", "typed_companies", "reviews"], "model_input", name="join_tables"),
        ]
    )
