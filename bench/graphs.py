"""The same trivial graph for every contestant: a tree that adds numbers up, of any size and of logarithmic depth.

`v0` needs `v1` and `v2`, `v1` needs `v3` and `v4`, and so on; the leaves are numbers of their own.
"""

from __future__ import annotations

import hashlib
from pathlib import Path


def needs(number: int, count: int) -> list[int]:
    """The nodes that node `number` of `count` takes."""
    return [one for one in (2 * number + 1, 2 * number + 2) if one < count]


def functions(count: int) -> str:
    """The nodes as annotated functions, the form that Tane and Hamilton read, and others can call."""
    lines = []
    for number in range(count):
        taken = [f"v{one}" for one in needs(number, count)]
        arguments = ", ".join(f"{name}: int" for name in taken)
        lines.append(f"def v{number}({arguments}) -> int:\n    return {' + '.join([*taken, str(number)])}\n")
    return "\n\n".join(lines)


def tane_flow(count: int) -> str:
    """A one-file project of those functions."""
    names = ", ".join(f"v{number}" for number in range(count))
    return f"from tane import Pipeline\n\n\n{functions(count)}\n\npipeline = Pipeline([{names}])\n"


def kedro_project(folder: Path, count: int) -> None:
    """A Kedro project of those functions, every value kept as JSON."""
    package = folder / "src" / "trivial"
    files = {
        folder / "pyproject.toml": (
            '[tool.kedro]\npackage_name = "trivial"\nproject_name = "trivial"\n'
            'kedro_init_version = "1.0.0"\nsource_dir = "src"\n'
        ),
        folder / "conf/base/catalog.yml": '"{name}":\n  type: json.JSONDataset\n  filepath: data/{name}.json\n',
        folder / "conf/base/parameters.yml": "{}\n",
        folder / "conf/local/credentials.yml": "{}\n",
        package / "__init__.py": "",
        package / "settings.py": "",
        package / "nodes.py": functions(count),
        package / "pipeline_registry.py": (
            "from kedro.pipeline import Pipeline, node\n\nfrom . import nodes\n\n\n"
            "def needs(number, count):\n"
            "    return [f'v{one}' for one in (2 * number + 1, 2 * number + 2) if one < count]\n\n\n"
            "def register_pipelines():\n"
            f"    count = {count}\n"
            "    made = [\n"
            "        node(getattr(nodes, f'v{number}'), needs(number, count) or None, f'v{number}')\n"
            "        for number in range(count)\n"
            "    ]\n"
            "    return {'__default__': Pipeline(made)}\n"
        ),
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
        if taken := needs(number, count):
            lines += ["    deps:", *(f"    - v{one}" for one in taken)]
        lines += ["    outs:", f"    - v{number}"]
    return "\n".join(lines) + "\n"


def dvc_state(folder: Path, count: int) -> None:
    """What `dvc repro` leaves behind, written here: DVC writes its whole lock file anew after each stage."""
    lines = ["schema: '2.0'", "stages:"]
    for number in range(count):
        lines += [f"  s{number}:", f"    cmd: echo {number} > v{number}"]
        for kind, numbers in (("deps", needs(number, count)), ("outs", [number])):
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
        taken = " ".join(f"v{one}" for one in needs(number, count))
        rules.append(f"v{number}: {taken}\n\techo {number} > v{number}\n")
    return "\n".join(rules)


def luigi_flow(count: int) -> str:
    """The same for Luigi: a task class with one number as its parameter."""
    return (
        "import luigi\n\n\n"
        "class Value(luigi.Task):\n"
        "    number = luigi.IntParameter(default=0)\n\n"
        "    def requires(self):\n"
        f"        return [Value(one) for one in (2 * self.number + 1, 2 * self.number + 2) if one < {count}]\n\n"
        "    def output(self):\n"
        "        return luigi.LocalTarget(f'v{self.number}')\n\n"
        "    def run(self):\n"
        "        total = self.number\n"
        "        for target in self.input():\n"
        "            with target.open() as file:\n"
        "                total += int(file.read())\n"
        "        with self.output().open('w') as file:\n"
        "            file.write(str(total))\n"
    )


def hamilton_script() -> str:
    """Runs the functions of nodes.py with Hamilton's cache."""
    return (
        "from hamilton import driver\n\nimport nodes\n\n"
        "made = driver.Builder().with_modules(nodes).with_cache(path='cache').build()\n"
        "print(made.execute(['v0']))\n"
    )


def plain_script(count: int) -> str:
    """Calls the functions in order and writes the result: what a person writes without any tool."""
    calls = [
        f"v{number}_ = v{number}({', '.join(f'v{one}_' for one in needs(number, count))})"
        for number in reversed(range(count))
    ]
    body = "\n".join(calls)
    return f"{functions(count)}\n\n{body}\nwith open('v0.txt', 'w') as file:\n    file.write(str(v0_))\n"
