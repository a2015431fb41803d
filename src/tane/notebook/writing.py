"""The module, or the modules of a pipeline, that a converted notebook becomes. Called by `tane notebook to-nodes`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from tane.notebook import converting, definitions, texts

_WIDTH = 100


def flow(converted: converting.Converted) -> str:
    """A one-file project: the functions, and `pipeline`."""
    title = f'"""The nodes of {converted.notebook.name}."""'
    blocks = [_imports(converted.around, "from tane import Pipeline, node"), *_definitions(converted.around)]
    blocks += [_function(made) for made in converted.nodes]
    body = "pipeline = Pipeline(" + _nodes(converted.nodes, "") + ")"
    return _module(title, [*blocks, body])


def package(converted: converting.Converted, name: str) -> dict[str, str]:
    """The files of a pipeline in a project's package."""
    title = f'"""The nodes of {converted.notebook.name}."""'
    blocks = [_imports(converted.around), *_definitions(converted.around), *(_function(m) for m in converted.nodes)]
    names = sorted(made.name for made in converted.nodes)
    listed = ", ".join(names)
    if len(listed) > _WIDTH - 20:
        listed = "(\n" + "".join(f"    {each},\n" for each in names) + ")"
    joined = "    return Pipeline(" + _nodes(converted.nodes, "    ") + ")"
    return {
        "__init__.py": f'"""From the notebook {converted.notebook.name}."""\n\n'
        'from .pipeline import create_pipeline\n\n__all__ = ["create_pipeline"]\n',
        "nodes.py": _module(title, blocks),
        "pipeline.py": '"""The functions joined by the names of what they take and make."""\n\n'
        f"from tane import Pipeline, node\n\nfrom .nodes import {listed}\n\n\n"
        f'def create_pipeline() -> Pipeline:\n    """The pipeline {name}."""\n{joined}\n',
    }


def parameters(converted: converting.Converted, name: str) -> str:
    """The parameters that the notebook brings along, as YAML; empty when there are none."""
    if not converted.parameters:
        return ""
    import yaml

    said = yaml.safe_dump({name: dict(converted.parameters)}, sort_keys=False, allow_unicode=True)
    return f"# The parameters of {converted.notebook.name}.\n\n{said}"


def _module(title: str, blocks: Iterable[str]) -> str:
    there = [block for block in blocks if block]
    return title + "\n\n" + "\n\n\n".join(there) + "\n"


def _imports(around: Sequence[definitions.Definition], *more: str) -> str:
    lines = [line for each in around if each.is_import for line in each.text.split("\n")]
    first = [line for line in lines if line.startswith("from __future__")]
    found = list(dict.fromkeys([*first, *lines]))
    return "\n".join([*found, *([""] if found and more else []), *more])


def _definitions(around: Sequence[definitions.Definition]) -> list[str]:
    """Helpers, each by itself; lines of one cell that follow each other stay together."""
    blocks: list[str] = []
    last: definitions.Definition | None = None
    for each in around:
        if each.is_import:
            continue
        is_line = not each.text.lstrip().startswith(("def ", "class ", "@", "async def ", "#"))
        if last is not None and is_line and not last.text.lstrip().startswith(("def ", "class ", "@", "async def ")):
            blocks[-1] += "\n" + each.text
        else:
            blocks.append(each.text)
        last = each
    return blocks


def _function(made: converting.Made) -> str:
    arguments = ", ".join(name for name, _ in made.takes)
    head = f"def {made.name}({arguments}):"
    if len(head) > _WIDTH:
        head = f"def {made.name}(\n" + "".join(f"    {name},\n" for name, _ in made.takes) + "):"
    about = made.about.replace("\\", "\\\\").replace('"""', "'''").rstrip('"') or f"Cell {made.cell}"
    lines = [head, f'    """{about.rstrip(".")}."""', *(texts.indented(line) for line in made.lines)]
    given_back = [version.variable for version in made.makes for _ in range(max(1, len(version.saved)))]
    if given_back and not made.lines[-1].startswith("return "):
        lines.append(f"    return {', '.join(given_back)}")
    return "\n".join(lines)


def _nodes(nodes: Sequence[converting.Made], indent: str) -> str:
    inner = indent + " " * 8
    lines = [f"{inner}{_node(made, inner)}," for made in nodes]
    return "\n".join([f"\n{indent}    [", *lines, f"{indent}    ]\n{indent}"])


def _node(made: converting.Made, indent: str) -> str:
    takes = _names([held.dataset for _, held in made.takes])
    makes = _names([name for version in made.makes for name in (version.saved or [version.dataset])], single=True)
    line = f"node({made.name}, {takes}, {makes})"
    if len(indent + line) <= _WIDTH + 10:
        return line
    return f"node(\n{indent}    {made.name},\n{indent}    {takes},\n{indent}    {makes},\n{indent})"


def _names(names: Sequence[str], single: bool = False) -> str:
    if not names:
        return "None"
    written = [json.dumps(name, ensure_ascii=False) for name in names]
    return written[0] if single and len(written) == 1 else f"[{', '.join(written)}]"
