"""`tane graph`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from tane import errors
from tane.catalog import catalogs
from tane.cli import asking, tables
from tane.ledger import connection, read, records
from tane.outcomes import StepStatus
from tane.pipeline import graph, nodes
from tane.pipeline.drawing import folding, page, scene, svg, terminal
from tane.project import declared, layout, projects
from tane.store import placing
from tane.tracking import sinks

_ALL = "*"  # no namespace has that name

_DRAWERS: Mapping[str, Callable[[scene.Scene, Collection[str]], str]] = {
    ".html": page.draw,
    ".svg": lambda drawn, folded: svg.draw(folding.fold(drawn, folded)[0]),
}


@click.command()
@asking.what_to_run
@click.option(
    "-o",
    "--output",
    default=None,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Draw into FILE.html or FILE.svg.",
)
@click.option(
    "--fold",
    multiple=True,
    is_flag=False,
    flag_value=_ALL,
    metavar="[NAMESPACE]",
    help="Draw this namespace as one box; without a name, each outermost one.",
)
@click.option(
    "--depth",
    type=click.IntRange(min=0),
    default=None,
    metavar="N",
    help="Draw namespaces more than N deep as one box each.",
)
@click.option("--json", "as_json", is_flag=True, help="Print nodes, datasets and edges as JSON.")
def command(asked: asking.Asked, output: Path | None, fold: tuple[str, ...], depth: int | None, as_json: bool) -> None:
    """Draw a pipeline: here, or as a page to pan, zoom, search and fold.

    \b
    Examples:
      tane graph training
      tane graph --to evaluate -o pipeline.html
      tane graph flow.py -o flow.svg
      tane graph --fold=area_a --fold=area_b.fit
    """
    draw = _drawer(output)
    drawn = build(asked)
    folded = _folded(drawn, fold, depth, asked)
    if output is not None and draw is not None:
        data = draw(drawn, folded).encode("utf-8")
        placing.file(output.resolve(), lambda opened: placing.write_all(opened, data))
    if as_json:
        click.echo(tables.as_json(_as_dict(folding.fold(drawn, folded)[0])))
    elif output is not None:
        click.echo(f"drew {tables.count(len(drawn.of_kind('node')), 'node')} into {output}")
    else:
        click.echo(_on_terminal(folding.fold(drawn, folded)[0]), nl=False)


def _folded(drawn: scene.Scene, named: Sequence[str], depth: int | None, asked: asking.Asked) -> list[str]:
    """The namespaces to be drawn as boxes."""
    known = folding.namespaces(drawn)
    found = [] if depth is None else folding.below(drawn, depth)
    for name in (part.strip() for each in named for part in each.split(",")):
        if name == _ALL:
            found += folding.below(drawn, 0)
        elif name in known:
            found.append(name)
        else:
            there = f"there are: {', '.join(known)}" if known else "no node here has a namespace"
            hint = errors.did_you_mean(name, known, there)
            if name in asked.project().pipelines():
                hint = f"{name!r} is a pipeline: write `tane graph {name} --fold`"
            raise errors.UsageError(f"there is no namespace {name!r} to fold", hint=hint)
    return list(dict.fromkeys(found))


def _drawer(output: Path | None) -> Callable[[scene.Scene, Collection[str]], str] | None:
    if output is None:
        return None
    draw = _DRAWERS.get(output.suffix.lower())
    if draw is None:
        raise errors.UsageError(
            f"cannot draw into {str(output)!r}", hint=f"give a file that ends in {' or '.join(_DRAWERS)}"
        )
    if output.is_dir():
        raise errors.UsageError(f"{str(output)!r} is a folder", hint="give the name of a file in it")
    return draw


def _on_terminal(drawn: scene.Scene) -> str:
    wide = shutil.get_terminal_size((100, 24)).columns
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return terminal.draw(drawn, wide, color=color, ascii_only=not encoding.startswith("utf"))


def build(asked: asking.Asked) -> scene.Scene:
    """The scene of what was asked for: its datasets, parameters, and how each node ended in the last run."""
    project = asked.project()
    pipelines = project.pipelines()
    if asked.pipeline not in pipelines:
        hint = errors.did_you_mean(asked.pipeline, pipelines, f"there are: {', '.join(pipelines)}")
        raise errors.PipelineError(f"there is no pipeline {asked.pipeline!r}", hint=hint)
    pipeline = asked.selection.of(pipelines[asked.pipeline])
    run, steps, digests = _last_run(project, asked.pipeline)
    return scene.build(
        pipeline,
        datasets={
            name: _dataset(
                project.catalog, name, project.root, digests.get(name) or digests.get(nodes.base_name(name), "")
            )
            for name in sorted(pipeline.datasets())
        },
        steps={step.node: _step(step, run) for step in steps if run is not None},
        title=project.name if asked.pipeline == layout.DEFAULT else f"{project.name}: {asked.pipeline}",
        parameters=_parameters(project, pipeline),
    )


def _last_run(
    project: projects.Project, pipeline: str
) -> tuple[records.RunRecord | None, list[records.StepRecord], dict[str, str]]:
    """The newest run of the pipeline, its steps, and the digests of what it took and made."""
    ledger = connection.open_ledger(project.ledger, create=False)
    try:
        runs = read.runs(ledger, limit=1, pipeline=pipeline, kind="run")
        if not runs:
            return None, [], {}
        steps = read.steps(ledger, runs[0].run)
        kept = [*read.sources(ledger, runs[0].run), *(each for step in steps for each in step.outputs)]
        return runs[0], steps, {each.name: each.digest for each in kept}
    finally:
        ledger.close()


def _dataset(catalog: catalogs.Catalog, name: str, root: Path, digest: str) -> scene.DatasetInfo:
    shown = "" if digest.startswith("?") else digest
    dataset = catalog.entry(name)
    if dataset is None:
        return scene.DatasetInfo(digest=shown)
    place = dataset.place if dataset.kind != "memory" else ""
    parts = dataset.local.relative_to(root).parts if dataset.local and dataset.local.is_relative_to(root) else ()
    layer = dataset.layer or next((part for part in parts if part in layout.LAYERS), "")
    return scene.DatasetInfo(dataset.type, place, layer, shown)


def _step(step: records.StepRecord, run: records.RunRecord | None) -> scene.StepInfo:
    worked = step.status in (StepStatus.SUCCEEDED, StepStatus.FAILED)
    at = step.started or (run.started if run else None)
    return scene.StepInfo(str(step.status), step.ended - step.started if worked else None, at, step.reasons)


def _parameters(project: projects.Project, pipeline: graph.Pipeline) -> dict[str, str]:
    """The texts of parameters by dotted key: as configured, else as functions declare them."""
    known = {**declared.defaults([pipeline]), **sinks.flatten(project.config.plain().get("parameters", {}))}
    return {str(key): tables.value(value) for key, value in known.items()}


def _as_dict(drawn: scene.Scene) -> dict[str, Any]:
    items = drawn.items
    return {
        "title": drawn.title,
        "nodes": [
            {
                "name": item.name,
                "inputs": [items[at].name for at in item.takes],
                "outputs": [items[at].name for at in item.makes],
                "tags": list(item.tags),
                "namespace": item.namespace,
                "after": list(item.after),
                "when": item.when,
                "over": list(item.over),
                "always": item.always,
                "command": item.command,
                "status": item.step.status,
                "seconds": item.step.seconds,
                "at": tables.iso(item.step.at or 0.0),
            }
            for item in drawn.of_kind("node")
        ],
        "namespaces": [
            {
                "name": item.name,
                "nodes": item.holds,
                "inputs": [items[at].name for at in item.takes],
                "outputs": [items[at].name for at in item.makes],
                "status": item.step.status,
                "seconds": item.step.seconds,
            }
            for item in drawn.of_kind("namespace")
        ],
        "datasets": [
            {
                "name": item.name,
                "type": item.dataset.type,
                "place": item.dataset.place,
                "layer": item.dataset.layer,
                "digest": item.dataset.digest,
            }
            for item in drawn.of_kind("dataset")
        ],
        "parameters": {item.name: item.value for item in drawn.of_kind("parameter")},
        "edges": [
            {
                "from": items[edge.source].name,
                "to": items[edge.target].name,
                "order": edge.order,
                "when": edge.when,
            }
            for edge in drawn.edges
        ],
    }
