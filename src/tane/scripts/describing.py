"""`python train.py --help`: how a script is called, and its configuration with types. Called by `commanding`."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from tane.config import compose, origins, trees
from tane.pipeline.drawing import wording
from tane.scripts import performing

_OPTIONS = (
    ("KEY=VALUE", "set a parameter; +KEY=VALUE adds one, ~KEY removes one"),
    ("-m, --multirun", "run once for each combination of values: KEY=a,b KEY=range(1,4)"),
    ("-j, --jobs N", "with -m: so many jobs at once, each in a process of its own"),
    ("--resume SWEEP", "go on with a sweep: what has not succeeded runs"),
    ("--folders DIR", "with -m: where the jobs' folders go (multirun)"),
    ("--params FILE", "a YAML file, or its URL, in place of all parameters"),
    ("--name NAME", "what the run is called (the script's name)"),
    ("--experiment NAME", "the experiment that the run belongs to"),
    ("--config-only, --cfg job", "print the configuration and run nothing"),
    ("--no-record", "run without keeping anything"),
    ("-h, --help", "this page"),
)


def usage(script: performing.Script, overrides: Sequence[str] = (), params: str = "") -> str:
    """The page."""
    about = inspect.getdoc(script) or ""
    name = script.file.name if script.file is not None else script.name
    files = script.files(params)
    config = files.compose(tuple(overrides))
    lines = [f"usage: python {name} [with] [KEY=VALUE ...]", ""]
    if about and not about.startswith("A function with its configuration."):
        lines += [about, ""]
    lines += ["parameters:", *_parameters(config), ""]
    lines += _groups(config, files)
    width = max(len(option) for option, _ in _OPTIONS)
    return "\n".join([*lines, "options:", *(f"  {option:<{width}}  {text}" for option, text in _OPTIONS)])


def _parameters(config: compose.Config) -> list[str]:
    rows = [
        (key, wording.shorten(trees.shown(value), 40), trees.kind(value).removeprefix("a "), _where(config, key))
        for key, value in _flat(config.parameters)
    ]
    if not rows:
        return ["  none"]
    widths = [max(wording.cells(row[at]) for row in rows) for at in range(3)]
    return [
        "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, (*widths, 0), strict=True)).rstrip()
        for row in rows
    ]


def _where(config: compose.Config, key: str) -> str:
    origin = config.origin("parameters", *key.split("."))
    return "" if origin.kind == origins.NOWHERE else str(origin)


def _groups(config: compose.Config, files: performing.Files) -> list[str]:
    lines = [
        f"  {group:<16} {chosen if isinstance(chosen, str) else chosen or 'none'} of {', '.join(files.options(group))}"
        for group, chosen in config.choices.items()
    ]
    return ["groups to choose from:", *lines, ""] if lines else []


def _flat(values: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            found += _flat(value, f"{before}{key}.")
        else:
            found.append((f"{before}{key}", value))
    return found
