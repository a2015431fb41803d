"""The pipelines. The line below is all that differs between the two."""

from tane import Pipeline, node

from . import nodes


def register_pipelines():
    """All pipelines by name."""
    tables = Pipeline(
        [
            node(nodes.clean_companies, "companies", "clean_companies", name="companies", tags="tables"),
            node(nodes.clean_shuttles, "shuttles", "clean_shuttles", name="shuttles", tags=["tables", "slow"]),
            node(
                nodes.joined,
                {"reviews": "reviews", "shuttles": "clean_shuttles", "companies": "clean_companies"},
                "model_input",
                name="joined",
            ),
            node(nodes.split, ["model_input", "params:split.share"], {"learn": "learn", "test": "test"}, name="split"),
        ]
    )
    model = Pipeline(
        [
            node(nodes.fit, ["learn", "params:features"], "model", name="fit"),
            node(nodes.judge, ["model", "test"], "error_figures", name="judge"),
        ]
    )
    models = Pipeline(model, namespace="cheap", inputs={"learn", "test"}) + Pipeline(
        [model], namespace="dear", inputs={"learn": "learn", "test": "test"}, tags="slow"
    )
    reports = Pipeline(
        [
            node(nodes.ratings, "model_input", "ratings@table", name="ratings"),
            node(nodes.lines, "ratings@text", "lines", name="lines"),
            node(nodes.by_type, "model_input", "by_type", name="by_type"),
            node(nodes.sizes, "by_type", "sizes", name="sizes"),
            node(nodes.scores, ["reviews_in_chunks", "parameters"], "scores", name="scores"),
            node(nodes.prices, "model_input", "prices", name="prices"),
            node(
                nodes.report,
                ["model_input", "cheap.error_figures", "dear.error_figures"],
                "report",
                name="report",
            ),
        ],
        tags=["reports"],
    )
    return {"__default__": tables + models + reports, "tables": tables, "reports": reports - Pipeline([])}
