"""A project as data: a number for each thing that can be edited, and what each of them reaches.

`files` writes the project that some numbers mean; `views` says what each step's result is a function of, by the kind
of reason that a change of it is. Neither knows anything of how Tane decides.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

AIR = Path(__file__).parents[1] / "catalog" / "data" / "air_quality.csv"  # hourly readings of a real station

State = Mapping[str, int]

# What can be edited, and how many values it has. 0 is how the project begins.
KNOBS: dict[str, int] = {
    # code
    "helper": 3,  # the body of a helper two modules away
    "constant": 3,  # a constant, imported under another name
    "default": 3,  # the default of an argument
    "decorator": 2,  # the body of a decorator
    "limit": 2,  # what a decorator is called with
    "closure": 3,  # what a closure holds
    "method": 3,  # a method of a class whose instances are pickled
    "base": 2,  # a method that it inherits
    "options": 2,  # the default of a field of the dataclass that a parameter becomes
    "rule_method": 2,  # a method of a class of which the project has a pickle
    "body": 2,  # the body of a node's function
    "moved": 2,  # the module that a node's function is in
    "class_moved": 2,  # the module that a pickled class is in
    "lists_save": 2,  # how a dataset class of the project writes
    "lists_load": 2,  # how it reads
    "comment": 3,  # comments, docstrings and annotations that nobody reads
    "unused": 2,  # a helper that nobody calls
    "outer": 2,  # a module outside of the project, which the registry reads
    "mode": 2,  # an environment variable that a module reads
    "level": 2,  # a file that a module reads while it is imported
    # parameters
    "rate": 3,
    "title": 2,
    "override": 3,  # rate, on the command line
    "variable": 3,  # rate, as an environment variable
    "env": 2,  # another environment
    "prod_rate": 2,  # rate in that environment
    # sources
    "raw": 4,
    "weather": 2,
    "limits": 2,
    "rule": 2,
    "parts": 3,  # how many files there are for which the registry makes a node
    # the catalog
    "raw_load": 2,  # load options of a source
    "format": 2,  # of an output that others take: Parquet or CSV
    "indent": 2,  # save options of an output that others take
    "place": 2,  # where an output lies
    "renamed": 2,  # the name of a dataset between nodes
    # the pipeline
    "node_name": 2,
    "extra": 2,  # one more node
    "swapped": 2,  # which input goes to which argument
    # the installation
    "gauge": 3,  # the version of an installed package
}
COMMANDS = ("override", "variable", "env", "mode")  # of these, what is no edit of a file


def fresh() -> dict[str, int]:
    """The project as it begins."""
    return dict.fromkeys(KNOBS, 0)


def arguments(state: State) -> list[str]:
    """The command line that runs the project."""
    found = ["run"]
    if state["env"]:
        found += ["--env", "prod"]
    if state["override"]:
        found.append(f"rate={state['override'] + 10}.5")
    return found


def variables(state: State) -> dict[str, str]:
    """The environment variables of that command."""
    found = {"WARD_MODE": str(state["mode"])}
    if state["variable"]:
        found["TANE_PARAM__rate"] = f"{state['variable'] + 20}.5"
    return found


def rate(state: State) -> float:
    """The parameter that counts: what is said later goes before what is said earlier."""
    if state["override"]:
        return state["override"] + 10.5
    if state["variable"]:
        return state["variable"] + 20.5
    return state["prod_rate"] + 30.5 if state["env"] else state["rate"] + 0.5


# --- what each step rests on ----------------------------------------------------------------------------------------

CODE, PARAMETER, INPUT, ENVIRONMENT = "code changed", "parameter", "input", "environment"
OPTION, MISSING = "option", {"output missing"}
_LINE = ("method", "base")

# step -> code it reaches; inputs it takes with what changes how they come; whether it reaches the installed package
_CODE: dict[str, tuple[str, ...]] = {
    "clean": ("helper", "constant", "mode"),
    "summary": ("decorator", "limit", "default", "level"),
    "fit": (*_LINE, "options"),
    "scores": ("body",),
    "decided": (),
    "tally": (),
    "gauged": (),
    "closed": ("closure",),
    "outer": ("outer",),
    "lines": _LINE,
    "scored": (),
    "notes": (),
    "noted": (),
    "extra": (),
    "part_0": (),
    "part_1": (),
    "difference": (),
    "report": (),
}
_INPUTS: dict[str, dict[str, tuple[str, ...]]] = {
    "clean": {"raw": ("raw_load",), "weather": ()},
    "summary": {"clean": ("format",), "limits": ()},
    "fit": {"clean": ("format",)},
    "scores": {"model": _LINE, "clean": ("format",)},
    "decided": {"rule": ("rule_method",), "summary": ()},
    "tally": {"summary": ()},
    "gauged": {"summary": ()},
    "closed": {"summary": ()},
    "outer": {"summary": ()},
    "lines": {"clean": ("format",)},
    "scored": {"lines": _LINE},
    "notes": {"summary": ()},
    "noted": {"notes": ("lists_load", "lists_save")},
    "extra": {"summary": ()},
    "part_0": {"part_0_json": ()},
    "part_1": {"part_1_json": ()},
    "difference": {"tally": (), "closed": ()},
    "report": dict.fromkeys(("scores", "decided", "difference", "gauged", "outer", "scored", "noted"), ()),
}


class View:
    """What one step rests on, by kind of reason."""

    def __init__(self, kinds: dict[str, Any]) -> None:
        self.kinds = kinds
        self.key = repr(sorted(kinds.items()))

    def differs(self, other: View) -> set[str]:
        """The kinds of reasons for which one is not the other."""
        return {kind for kind in self.kinds if self.kinds[kind] != other.kinds[kind]}


def steps(state: State) -> list[str]:
    """The steps there are, by what they are, whatever they are called."""
    absent = {"part_0", "part_1"} - {f"part_{n}" for n in range(state["parts"])}
    return [name for name in _CODE if name not in absent and (name != "extra" or state["extra"])]


def node_name(step: str, state: State) -> str:
    """What the step is called."""
    return "predict" if step == "scores" and state["node_name"] else step


def dataset_name(step: str, state: State) -> str:
    """What the output of a step is called."""
    if step == "report":
        return "final_text"
    return "tallied" if step == "tally" and state["renamed"] else step


def view(step: str, state: State, digests: Mapping[str, str]) -> View:
    """What a step's result is a function of. `digests` are those of all datasets, as they are now."""
    taken = {
        name: (digests[dataset_name(name, state)], [state[knob] for knob in knobs])
        for name, knobs in _INPUTS[step].items()
    }
    if step == "difference" and state["swapped"]:
        taken = dict(zip(taken, reversed(taken.values()), strict=True))
    code = [state[knob] for knob in _CODE[step]]
    parameters = {"fit": [rate(state)], "report": [state["title"]]}.get(step, [])
    return View(
        {
            CODE: code,
            PARAMETER: parameters,
            INPUT: taken,
            ENVIRONMENT: state["gauge"] if step == "gauged" else 0,
        }
    )


# What is no part of a step's result, and may yet ask for it to be made again; and the kind of reason that this is.
_BESIDE: dict[str, tuple[tuple[str, ...], set[str]]] = {
    "clean": (("format",), {OPTION}),  # a file that holds all of a value is all that is kept of it
    "notes": (("lists_save", "lists_load"), {OPTION}),
    "fit": (("class_moved",), MISSING),  # what is kept is an instance of a class that is gone
    "lines": (("class_moved",), MISSING),
}


def beside(step: str, state: State) -> list[int]:
    """What a step's kept result may no longer do for."""
    return [state[knob] for knob in _BESIDE.get(step, ((), set()))[0]]


def beside_reasons(step: str) -> set[str]:
    """The kinds of reasons for which it is then made again."""
    return _BESIDE.get(step, ((), set()))[1]


def wiring(step: str, state: State) -> list[int]:
    """What the step's inputs and outputs are called, and which argument gets which."""
    return [state[knob] for knob in ("renamed", "swapped") if step in ("tally", "difference")]


def outputs(state: State) -> dict[str, str]:
    """Where the files are that the project makes, by what they are."""
    scores = "prod/scores.json" if state["env"] else ("scores.json", "other/scores.json")[state["place"]]
    clean = ("clean.parquet", "clean.csv")[state["format"]]
    found = {"clean": clean, "summary": "summary.json", "model": "model.pickle", "scores": scores}
    found |= {"notes": "notes.lst", "report": "final.txt"}
    return {name: f"data/made/{path}" for name, path in found.items()}


# --- the project's files --------------------------------------------------------------------------------------------


def files(state: State) -> dict[str, bytes]:
    """Every file of the project, by its path."""
    found = {**_code(state), **_configuration(state)}
    plain = {name: text.lstrip("\n").encode() for name, text in found.items()}
    return {**plain, **_data(state)}


def _code(state: State) -> dict[str, str]:
    said = state["comment"]
    comment = ("", "# a comment", "# another comment, longer")[said]
    documentation = ("Scale one reading.", "Scale a reading.", "Scale.")[said]
    annotation = ("", ": float", ": object")[said]
    factor = ("value * FACTOR", "FACTOR * value * 1.5", "value * FACTOR - 1")[state["helper"]]
    tally = "def tally(summary):\n    return [summary['rows'], len(summary)]\n"
    line = f"""
from dataclasses import dataclass
from ward.shared.shapes import Shape


@dataclass
class Line(Shape):
    slope: float
    start: float

    def predict(self, value):
        return self.bend(self.start + self.slope * value) + {state["method"]}
"""
    home = ("lines", "models")[state["class_moved"]]
    away = ("models", "lines")[state["class_moved"]]
    return {
        "pyproject.toml": '[project]\nname = "ward"\n\n[tool.tane]\npackage = "ward"\n',
        "src/ward/__init__.py": "",
        "src/ward/shared/__init__.py": "",
        "src/ward/shared/deeper.py": f"""
{comment}
import os

FACTOR = 2.0
LEAST = {state["constant"]} * 0.5
MODE = float(os.environ.get("WARD_MODE", "0"))


def scaled(value{annotation}):
    {'"' * 3}{documentation}{'"' * 3}
    return {factor} + MODE


def unused(value):
    return value + {state["unused"]}
""",
        "src/ward/shared/scales.py": "from .deeper import LEAST as SHIFT\nfrom .deeper import *\n",
        "src/ward/shared/shapes.py": f"""
class Shape:
    def bend(self, value):
        return value {("- 0.25", "+ 0.25")[state["base"]]}
""",
        f"src/ward/shared/{home}.py": line,
        f"src/ward/shared/{away}.py": "",
        "src/ward/shared/rules.py": f"""
class Rule:
    def __init__(self, bound):
        self.bound = bound

    def decide(self, value):
        return value {(">", "<=")[state["rule_method"]]} self.bound
""",
        "src/ward/shared/marks.py": f"""
import functools
import pathlib

LEVEL = int((pathlib.Path(__file__).parents[3] / "level.txt").read_text())


def clipped(limit):
    def decorate(func):
        @functools.wraps(func)
        def inner(*args, **kwargs):
            found = func(*args, **kwargs)
            found["mean"] = min(found["mean"], limit + LEVEL) {("", "+ 0.125")[state["decorator"]]}
            return found
        return inner
    return decorate
""",
        "src/ward/shared/options.py": f"""
from dataclasses import dataclass


@dataclass
class Options:
    start: float = {state["options"]}.5
""",
        "src/ward/shared/lists.py": f"""
from pathlib import Path


class ListDataset:
    def __init__(self, filepath):
        self.path = Path(filepath)

    def load(self):
        return {("", "sorted")[state["lists_load"]]}(self.path.read_text().splitlines())

    def save(self, data):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("".join(f"{{line}}\\n" for line in {("data", "reversed(data)")[state["lists_save"]]}))

    def exists(self):
        return self.path.exists()
""",
        "src/ward/tallies.py": "" if state["moved"] else tally,
        "src/ward/counts.py": tally if state["moved"] else "",
        "src/ward/nodes.py": f"""
import gauge

from ward.shared import scales
from ward.shared.marks import clipped
from ward.shared.{home} import Line
from ward.shared.options import Options
from ward.shared.scales import SHIFT, scaled


def clean(raw, weather):
    found = raw.rename(columns={{"C6H6(GT)": "benzene"}})[["benzene"]]
    found["benzene"] = [scaled(value) + SHIFT for value in found["benzene"]]
    found["temperature"] = weather["T"].head(len(found)).to_numpy()
    return found[found["benzene"] > -200].reset_index(drop=True)


@clipped({(40, 2)[state["limit"]]})
def summary(clean, limits, window={state["default"]} + 2):
    return {{
        "rows": len(clean),
        "mean": round(float(clean["benzene"].tail(window).mean()), 6),
        "beyond": int((clean["benzene"] > limits["benzene"]).sum()),
    }}


def fit(clean, rate: float, options: Options):
    return Line(round(rate * float(clean["benzene"].iloc[0]), 6), options.start)


def scores(model, clean):
    {comment}
    return [round(model.predict(value), 6) for value in clean["temperature"].head({state["body"]} + 3)]


def decided(rule, summary):
    return rule.decide(summary["mean"])


def gauged(summary):
    return gauge.measure(summary["rows"])


def closing(number):
    def closed(summary):
        return [summary["rows"] + number]
    return closed


def outer(summary, *, by):
    return summary["rows"] * by


def lines(clean):
    return [Line(float(start), 1.0) for start in clean["temperature"].head(2)]


def scored(line):
    return round(line.predict(2.0), 6)


def notes(summary):
    return [f"{{name}} {{value}}" for name, value in summary.items()]


def noted(notes):
    return "; ".join(notes)


def extra(summary):
    return summary["rows"] + 1


def part(given):
    return given["n"] * 2


def difference(one, other):
    return [one[0] - other[-1], len(one)]


def report(scores, decided, difference, gauged, outer, scored, noted, title):
    return repr([title, scores, decided, difference, gauged, outer, scored, noted])
""",
        "src/ward/pipeline_registry.py": _registry(state),
        "lib/outer_settings.py": f"BY = {state['outer']} + 2\n",
        "level.txt": f"{state['level']}\n",
        "site-packages/gauge.py": f"def measure(value):\n    return [{state['gauge']}, value]\n",
        f"site-packages/gauge-{state['gauge']}.0.dist-info/METADATA": (
            f"Metadata-Version: 2.1\nName: gauge\nVersion: {state['gauge']}.0\n"
        ),
        f"site-packages/gauge-{state['gauge']}.0.dist-info/top_level.txt": "gauge\n",
    }


def _registry(state: State) -> str:
    tallied = dataset_name("tally", state)
    home = ("tallies", "counts")[state["moved"]]
    one, other = ("one", "other") if not state["swapped"] else ("other", "one")
    name = f', name="{node_name("scores", state)}"'
    extra = 'node(n.extra, "summary", "extra"),' if state["extra"] else ""
    return f"""
import functools
from pathlib import Path

from outer_settings import BY
from tane import Pipeline, node

from . import nodes as n
from .{home} import tally

PARTS = sorted(Path(__file__).parents[2].joinpath("data/parts").glob("*.json"))


def register_pipelines():
    parts = [
        node(n.part, f"{{path.stem}}_json", path.stem, name=path.stem) for path in PARTS
    ]
    return {{"__default__": Pipeline([
        node(n.clean, ["raw", "weather"], "clean"),
        node(n.summary, ["clean", "limits"], "summary"),
        node(n.fit, {{"clean": "clean", "rate": "params:rate", "options": "params:options"}}, "model", name="fit"),
        node(n.scores, ["model", "clean"], "scores"{name}),
        node(n.decided, ["rule", "summary"], "decided"),
        node(tally, "summary", "{tallied}", name="tally"),
        node(n.gauged, "summary", "gauged"),
        node(n.closing({state["closure"]}), "summary", "closed", name="closed"),
        node(functools.partial(n.outer, by=BY), "summary", "outer", name="outer"),
        node(n.lines, "clean", "lines"),
        node(n.scored, "lines", "scored", over="lines"),
        node(n.notes, "summary", "notes"),
        node(n.noted, "notes", "noted"),
        {extra}
        node(n.difference, {{"{one}": "{tallied}", "{other}": "closed"}}, "difference"),
        node(
            n.report,
            ["scores", "decided", "difference", "gauged", "outer", "scored", "noted", "params:title"],
            "final_text",
            name="report",
        ),
        *parts,
    ])}}
"""


def _configuration(state: State) -> dict[str, str]:
    made = {**outputs({**state, "env": 0})}
    rows = ("", ", nrows: 30")[state["raw_load"]]
    clean = ("pandas.ParquetDataset", "pandas.CSVDataset")[state["format"]]
    return {
        "conf/base/catalog.yml": f"""
raw:
  type: pandas.CSVDataset
  filepath: data/raw.csv
  load_args: {{sep: ";", decimal: ","{rows}}}
weather: {{type: pandas.ParquetDataset, filepath: data/weather.parquet}}
limits: {{type: json.JSONDataset, filepath: data/limits.json}}
rule: {{type: pickle.PickleDataset, filepath: data/rule.pickle}}
clean: {{type: {clean}, filepath: {made["clean"]}}}
summary: {{type: json.JSONDataset, filepath: {made["summary"]}, save_args: {{indent: {state["indent"] + 1}}}}}
model: {{type: pickle.PickleDataset, filepath: {made["model"]}}}
scores: {{type: json.JSONDataset, filepath: {made["scores"]}}}
notes: {{type: ward.shared.lists.ListDataset, filepath: {made["notes"]}}}
"{{name}}_text": {{type: text.TextDataset, filepath: "data/made/{{name}}.txt"}}
"{{name}}_json": {{type: json.JSONDataset, filepath: "data/parts/{{name}}.json"}}
""",
        "conf/base/parameters.yml": f"""
rate: {state["rate"]}.5
title: report {state["title"]}
options: {{}}
""",
        "conf/prod/parameters.yml": f"rate: {state['prod_rate'] + 30}.5\n",
        "conf/prod/catalog.yml": "scores: {type: json.JSONDataset, filepath: data/made/prod/scores.json}\n",
    }


def _data(state: State) -> dict[str, bytes]:
    lines = AIR.read_bytes().splitlines(keepends=True)[:41]
    if state["raw"]:  # other readings of the same length
        lines[1] = lines[1].replace(b";11,9;", (b";12,9;", b";13,9;", b";14,9;")[state["raw"] - 1])
    found = {
        "data/raw.csv": b"".join(lines),
        "data/weather.parquet": _weather(state["weather"]),
        "data/limits.json": b'{"benzene": %d}' % (state["limits"] + 10),
        "data/rule.pickle": _rule(state["rule"]),
    }
    return found | {f"data/parts/part_{n}.json": b'{"n": %d}' % n for n in range(state["parts"])}


_made: dict[int, bytes] = {}


def _weather(number: int) -> bytes:
    if number not in _made:
        import io

        import pandas as pd

        table = pd.read_csv(AIR, sep=";", decimal=",", nrows=50)[["T", "RH"]]
        held = io.BytesIO()
        (table + number).to_parquet(held)
        _made[number] = held.getvalue()
    return _made[number]


def _rule(number: int) -> bytes:
    """A pickle of an instance of the project's class, as another program would have left it."""
    module = ModuleType("ward.shared.rules")
    kind: Any = type("Rule", (), {"__module__": module.__name__})
    module.Rule = kind  # type: ignore[attr-defined]
    names = ("ward", "ward.shared", "ward.shared.rules")
    before = {name: sys.modules.get(name) for name in names}
    try:
        sys.modules.update(dict.fromkeys(names, module))
        found = kind()
        found.bound = 20.0 + number
        return pickle.dumps(found)
    finally:
        for name, one in before.items():
            if one is None:
                del sys.modules[name]
            else:
                sys.modules[name] = one
