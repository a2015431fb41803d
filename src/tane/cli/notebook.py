"""`tane notebook`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from tane import errors
from tane.cli import tables
from tane.notebook import converting, writing
from tane.project import additions, finding, projects
from tane.store import placing


@click.group()
def command() -> None:
    """Notebooks and projects. In a notebook, `%load_ext tane` gives catalog, params, pipelines and run.

    \b
    Examples:
      tane notebook to-nodes notebooks/explore.ipynb                      print the module it becomes
      tane notebook to-nodes notebooks/explore.ipynb -o explore.py        a pipeline in one file
      tane notebook to-nodes notebooks/explore.ipynb --pipeline explore   a pipeline of the project
    """


@command.command("to-nodes")
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option("-o", "--output", default=None, metavar="FILE", type=click.Path(path_type=Path), help="Write one module.")
@click.option("--pipeline", default="", metavar="NAME", help="Add a pipeline of that name to the project.")
@click.option("--force", is_flag=True, help="Replace FILE where it is there already.")
@click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
def to_nodes(notebook: Path, output: Path | None, pipeline: str, force: bool, as_json: bool) -> None:
    """Turn the cells tagged "node" into functions and a pipeline. The notebook stays as it is.

    What a cell reads and others make is an input, what it makes and others use an output; catalog.load("x"),
    params["x"] and catalog.save("x", value) name datasets and parameters. Cells tagged "imports" and "helpers" are
    kept, those tagged "parameters" become parameters; magics and lines that only show something are left out.

    \b
    Examples:
      tane notebook to-nodes explore.ipynb -o explore.py && tane run explore.py
    """
    if output is not None and pipeline:
        raise errors.UsageError("-o and --pipeline are two ways to write it", hint="give one of them")
    if pipeline:
        made = _into_project(notebook, pipeline)
    elif output is not None:
        made = _into_file(notebook, output, force)
    else:
        converted = converting.convert(notebook, taken=_catalogued(notebook.parent), prefix=notebook.stem)
        made = _Made(converted, [], [])
        if not as_json:
            click.echo(writing.flow(converted), nl=False)
    for notice in made.converted.notices:
        click.echo(f"note: {notice}", err=True)
    if as_json:
        click.echo(tables.as_json(_as_dict(made, notebook)))
    elif made.files:
        nodes = tables.count(len(made.converted.nodes), "node")
        click.echo(f"{nodes} of {notebook.name}: {', '.join(each.name for each in made.converted.nodes)}")
        click.echo("\n".join([*(f"  {_shown(file)}" for file in made.files), "", "next:", *made.next]))


class _Made:
    """What was written, and what to do with it."""

    def __init__(self, converted: converting.Converted, files: list[Path], following: list[str]) -> None:
        self.converted = converted
        self.files = files
        self.next = following


def _into_file(notebook: Path, output: Path, force: bool) -> _Made:
    if output.suffix != ".py" or not output.stem.isidentifier():
        raise errors.UsageError(f"{output.name!r} cannot be imported as a module", hint="name it as in explore.py")
    name, conf = output.stem, output.parent / "conf"
    converted = converting.convert(notebook, taken=_catalogued(output.parent), prefix=name)
    texts = {output: writing.flow(converted)}
    said = writing.parameters(converted, name)
    if said:
        texts[conf / "base" / f"parameters_{name}.yml"] = said
    there = [path for path in texts if os.path.lexists(path)]
    if there and not force:
        shown = " and ".join(_shown(path) for path in there)
        raise errors.UsageError(f"{shown} is there already", hint="name another file, or replace it with --force")
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        data = text.encode()
        placing.file(path.resolve(), lambda opened, data=data: placing.write_all(opened, data))  # type: ignore[misc]
    if not conf.is_dir() and _takes(converted):
        those = ", ".join(_takes(converted))
        click.echo(f"note: {those} are to be in a conf/ folder beside {_shown(output)}; there is none", err=True)
    return _Made(converted, list(texts), [f"  tane run {_shown(output)}"])


def _into_project(notebook: Path, name: str) -> _Made:
    place = finding.find(notebook.resolve().parent)
    project = projects.open_project(place.root)
    nodes = [node for each in project.pipelines().values() for node in each]
    makers = {made: node.name for node in nodes for made in node.outputs}
    taken = {*project.catalog.names(), *makers}
    converted = converting.convert(notebook, taken=taken, prefix=name)
    faults = [
        errors.Fault(
            f"dataset {saved!r}, which the notebook saves, is made by node {makers[saved]!r} already",
            hint="save it under another name",
        )
        for made in converted.nodes
        for version in made.makes
        for saved in version.saved
        if saved in makers
    ]
    if faults:
        raise errors.UsageError.of(faults)
    added = additions.add_pipeline(
        place.root, name, writing.package(converted, name), writing.parameters(converted, name)
    )
    if added.why:
        click.echo(f"note: the project's code does not import: {added.why}", err=True)
    following = [
        f"  {_shown(added.registry)} does not find it by itself: add",
        *(f"    {each}" for each in added.lines),
    ]
    return _Made(converted, list(added.files), [*(following if added.lines else []), f"  tane run {name}"])


def _catalogued(folder: Path) -> list[str]:
    """The datasets in the catalog of the project around a folder; none where there is no project."""
    try:
        return projects.open_project(folder).catalog.names()
    except errors.TaneError:
        return []


def _takes(converted: converting.Converted) -> list[str]:
    """What the nodes take that none of them makes."""
    made = {name for each in converted.nodes for version in each.makes for name in (version.dataset, *version.saved)}
    taken = (held.dataset for each in converted.nodes for _, held in each.takes)
    return list(dict.fromkeys(name for name in taken if name not in made))


def _as_dict(made: _Made, notebook: Path) -> dict[str, object]:
    return {
        "notebook": str(notebook),
        "files": [_shown(file) for file in made.files],
        "nodes": [
            {
                "name": each.name,
                "cell": each.cell,
                "inputs": [held.dataset for _, held in each.takes],
                "outputs": [name for version in each.makes for name in (version.saved or [version.dataset])],
            }
            for each in made.converted.nodes
        ],
        "parameters": dict(made.converted.parameters),
        "notices": list(made.converted.notices),
    }


def _shown(path: Path) -> str:
    """A path as one would type it: from here where it lies below, else whole."""
    here, whole = Path.cwd(), path.resolve()
    return str(whole.relative_to(here)) if whole.is_relative_to(here) else str(whole)
