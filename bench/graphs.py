"""The trivial graphs of scripts/shapes.py in the form that each tool reads, for those that read no script of ours."""

from __future__ import annotations

import hashlib
from pathlib import Path

from scripts import shapes

KEDRO = '[tool.kedro]\npackage_name = "{0}"\nproject_name = "{0}"\nkedro_init_version = "1.0.0"\nsource_dir = "src"\n'
REGISTRY = """
from kedro.pipeline import Pipeline, node
from shapes import names

from . import nodes

COUNT = {count}


def register_pipelines():
    made = [node(getattr(nodes, f"v{{n}}"), names(n, COUNT) or None, f"v{{n}}") for n in range(COUNT)]
    return {{"__default__": Pipeline(made)}}
"""


def functions(count: int, shape: str = "tree") -> str:
    """The nodes as annotated functions, the form that Tane and Hamilton read, and others can call."""
    lines = []
    for number in range(count):
        taken = shapes.names(number, count, shape)
        arguments = ", ".join(f"{name}: int" for name in taken)
        lines.append(f"def v{number}({arguments}) -> int:\n    return {' + '.join([*taken, str(number)])}\n")
    return "\n\n".join(lines)


def tane_flow(count: int, shape: str = "tree") -> str:
    """A one-file project of those functions."""
    names = ", ".join(f"v{number}" for number in range(count))
    return f"from tane import Pipeline\n\n\n{functions(count, shape)}\n\npipeline = Pipeline([{names}])\n"


def kedro_project(folder: Path, count: int) -> None:
    """A Kedro project of those functions, every value kept as JSON."""
    package = folder / "src" / "trivial"
    files = {
        folder / "pyproject.toml": KEDRO.format("trivial"),
        folder / "conf/base/catalog.yml": '"{name}":\n  type: json.JSONDataset\n  filepath: data/{name}.json\n',
        folder / "conf/base/parameters.yml": "{}\n",
        folder / "conf/local/credentials.yml": "{}\n",
        package / "__init__.py": "",
        package / "settings.py": "",
        package / "nodes.py": functions(count),
        package / "pipeline_registry.py": REGISTRY.format(count=count),
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "data").mkdir(exist_ok=True)


def dvc_pipeline(count: int) -> str:
    """`dvc.yaml` with a stage for each node. A stage is one line of shell: DVC pays for no Python process."""
    lines = ["stages:"]
    for number in range(count):
        lines += [f"  s{number}:", f"    cmd: echo {number} > v{number}"]
        if taken := shapes.names(number, count):
            lines += ["    deps:", *(f"    - {name}" for name in taken)]
        lines += ["    outs:", f"    - v{number}"]
    return "\n".join(lines) + "\n"


def dvc_state(folder: Path, count: int) -> None:
    """What `dvc repro` leaves behind, written here: DVC writes its whole lock file anew after each stage."""
    lines = ["schema: '2.0'", "stages:"]
    for number in range(count):
        lines += [f"  s{number}:", f"    cmd: echo {number} > v{number}"]
        for kind, numbers in (("deps", shapes.needs(number, count)), ("outs", [number])):
            lines += [f"    {kind}:"] * bool(numbers)
            for one in numbers:
                content = f"{one}\n".encode()
                digest = hashlib.md5(content).hexdigest()
                lines += [
                    f"    - path: v{one}",
                    "      hash: md5",
                    f"      md5: {digest}",
                    f"      size: {len(content)}",
                ]
                kept = folder / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
                if kind == "outs" and not kept.exists():
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    kept.write_bytes(content)
                    kept.chmod(0o444)
                    (folder / f"v{one}").write_bytes(content)
    (folder / "dvc.lock").write_text("\n".join(lines) + "\n")


def makefile(count: int) -> str:
    """The same for make."""
    rules = []
    for number in range(count):
        taken = " ".join(shapes.names(number, count))
        rules.append(f"v{number}: {taken}\n\techo {number} > v{number}\n")
    return "\n".join(rules)


def plain_script(count: int) -> str:
    """Calls the functions in order and writes the result: what a person writes without any tool."""
    calls = [
        f"v{number}_ = v{number}({', '.join(f'{name}_' for name in shapes.names(number, count))})"
        for number in reversed(range(count))
    ]
    body = "\n".join(calls)
    return f"{functions(count)}\n\n{body}\nwith open('v0.txt', 'w') as file:\n    file.write(str(v0_))\n"
