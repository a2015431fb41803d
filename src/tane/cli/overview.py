"""What a project has, gathered for `tane show`: pipelines, datasets, environments, and how the last run ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tane.catalog import catalogs
from tane.cli import facts, tables
from tane.ledger import connection, read
from tane.pipeline import graph
from tane.project import layout, projects

_ALWAYS = ("base", layout.LOCAL)
_SHOWN = 12


def gather(path: str, environments: Sequence[str]) -> dict[str, Any]:
    """The project at `path` as plain values. Imports its code."""
    project = projects.open_project(path, env=environments)
    pipelines = project.pipelines()
    ledger = connection.open_ledger(project.ledger, create=False)
    try:
        last = facts.briefs(ledger, read.runs(ledger, limit=1))
    finally:
        ledger.close()
    return {
        "name": project.name,
        "root": str(project.root),
        "flow": str(project.flow) if project.flow else "",
        "package": "" if project.flow else project.package,
        "environments": _environments(project),
        "chosen": list(project.environments),
        "pipelines": {name: _pipeline(pipeline) for name, pipeline in pipelines.items()},
        "datasets": _datasets(project.catalog, pipelines),
        "factories": project.catalog.patterns(),
        "last_run": last[0] if last else None,
    }


def _environments(project: projects.Project) -> list[str]:
    if not project.conf.is_dir():
        return []
    found = [entry.name for entry in project.conf.iterdir() if entry.is_dir() and not entry.name.startswith((".", "_"))]
    return sorted(name for name in found if name not in _ALWAYS)


def _pipeline(pipeline: graph.Pipeline) -> dict[str, Any]:
    return {
        "inputs": pipeline.free_inputs(),
        "outputs": sorted(pipeline.outputs()),
        "nodes": [
            {
                "name": node.name,
                "inputs": list(node.inputs),
                "outputs": list(node.outputs),
                "tags": sorted(node.tags),
            }
            for node in pipeline.nodes
        ],
    }


def _datasets(catalog: catalogs.Catalog, pipelines: Mapping[str, graph.Pipeline]) -> list[dict[str, Any]]:
    """Every dataset of the catalog or of a pipeline: its entry's, then what is kept without one."""
    used = sorted({name for pipeline in pipelines.values() for name in pipeline.datasets()})
    found = []
    for name in dict.fromkeys([*catalog.names(), *used]):
        dataset = catalog.entry(name)
        found.append(
            {
                "name": name,
                "type": dataset.type if dataset else "",
                "place": dataset.place if dataset else "",
                "layer": dataset.layer if dataset else "",
                "used": name in used,
            }
        )
    return found


def text(known: Mapping[str, Any]) -> str:
    """The project on a page."""
    named = [each for each in known["datasets"] if each["type"]]
    bare = len(known["datasets"]) - len(named)
    chosen = f" (chosen: {', '.join(known['chosen'])})" if known["chosen"] else ""
    head = {
        "project": known["name"],
        "root": known["root"],
        "flow": known["flow"],
        "package": known["package"],
        "environments": ", ".join(known["environments"]) + chosen,
        "last run": _last_run(known["last_run"]),
    }
    parts = [
        tables.table([(word, said) for word, said in head.items() if said]),
        tables.section("pipelines", _pipelines(known["pipelines"])),
        tables.section(f"datasets: {len(named)} in the catalog, {bare} without an entry", _named(named)),
        tables.section("factories", "\n".join(f"  {pattern}" for pattern in known["factories"])),
    ]
    return "\n".join(part for part in parts if part)


def _pipelines(pipelines: Mapping[str, Any]) -> str:
    rows = [(name, tables.count(len(each["nodes"]), "node")) for name, each in pipelines.items()]
    return tables.table(rows, right={1}, indent="  ")


def _named(datasets: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        (each["name"], each["type"], each["place"], each["layer"], "" if each["used"] else "not used")
        for each in datasets[:_SHOWN]
    ]
    more = len(datasets) - len(rows)
    return tables.table(rows, indent="  ") + (f"\n  and {more} more (--json lists all)" if more > 0 else "")


def _last_run(run: Mapping[str, Any] | None) -> str:
    if run is None:
        return "none yet"
    steps = facts.counted(run["steps"])
    return f"{run['id']} {run['status']}, {tables.local(run['started'])}" + (f", {steps}" if steps else "")


def pipelines_text(known: Mapping[str, Any]) -> str:
    """Each pipeline with its nodes in order, what they take and what they make."""
    blocks = []
    for name, pipeline in known["pipelines"].items():
        rows = [
            (
                node["name"],
                f"{', '.join(node['inputs']) or 'nothing'} -> {', '.join(node['outputs']) or 'nothing'}",
                f"[{', '.join(node['tags'])}]" if node["tags"] else "",
            )
            for node in pipeline["nodes"]
        ]
        head = f"{name}: {tables.count(len(rows), 'node')}"
        ends = [("inputs", ", ".join(pipeline["inputs"])), ("outputs", ", ".join(pipeline["outputs"]))]
        said = tables.table([end for end in ends if end[1]], indent="  ")
        blocks.append("\n".join(part for part in (head, said, tables.table(rows, indent="    ")) if part))
    return "\n\n".join(blocks)
