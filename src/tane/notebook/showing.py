"""How notebooks show what has no page of its own: pipelines as drawings, projects as lists. Called by `extension`."""

from __future__ import annotations

from typing import Any

from tane.pipeline import graph
from tane.pipeline.drawing import scene, svg, wording
from tane.runs import figures, pages
from tane.tuning import workspaces


def register(shell: Any) -> None:
    """Tell IPython's display how to show them."""
    html = shell.display_formatter.formatters["text/html"]
    html.for_type(graph.Pipeline, pipeline)
    html.for_type(workspaces.Workspace, project)


def pipeline(shown: graph.Pipeline) -> str:
    """A pipeline, drawn."""
    shown_as = wording.count(len(shown), "node")
    drawn = scene.build(shown, title="pipeline")
    return pages.figure(figures.Figure(shown_as, "image/svg+xml", svg.draw(drawn).encode()))


def project(shown: workspaces.Workspace) -> str:
    """A project: where it is and its pipelines."""
    rows = [
        (f"<b>{wording.xml(name)}</b>", wording.count(len(each), "node"), ", ".join(map(wording.xml, each.by_name)))
        for name, each in shown.pipelines.items()
    ]
    where = wording.xml(str(shown.project.flow or shown.project.root))
    return f"<p><b>{wording.xml(shown.project.name)}</b> in <code>{where}</code></p>" + pages.table(
        ("pipeline", "", "nodes"), rows
    )
