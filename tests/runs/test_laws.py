"""The engine's laws, over graphs and edits that hypothesis draws.

A run equals plain Python in topological order with each argument copied, whether it is the first, a reused, a forced or
an unkept one; and running after an edit equals running from scratch.
"""

from __future__ import annotations

import copy
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import effort
from tane.digest import values
from tane.outcomes import StepStatus
from tane.project import projects
from tane.runs import running

# What a node may do with what it takes; {c} is a constant, {h} a helper's number. Some change their arguments.
BODIES = {
    "numbers": "return [{c}, {c} + 1, helper_{h}({c})]",
    "array": "return np.arange({c} + 3.0) * helper_{h}({c})",
    "frame": "return pd.DataFrame({{'a': [{c}, None, 2.5], 'b': ['x', None, 'z']}})"
    ".assign(c=pd.Categorical(list('uvu')))",
    "table": "return {{'k': ({c}, 'text', None), 'taken': [describe(a) for a in args]}}",
    "sum": "return sum(weigh(a) for a in args) + {c} + param",
    "first": "return args[0] if args else {c}",
    "spoil": "return [spoil(a) for a in args] + [{c}]",
    "pair": "return {c}, [describe(a) for a in args]",
    "set": "return {{describe(a) for a in args}} | {{'{c}', 'b', 'c'}}",
}

COMMON = """
import numpy as np
import pandas as pd
from tane import Pipeline, node


def describe(value):
    return f"{type(value).__name__}:{weigh(value):.3f}"


def weigh(value):
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, np.ndarray):
        return float(value.sum())
    if isinstance(value, pd.DataFrame):
        return float(len(value) + value["a"].fillna(0).sum())
    if isinstance(value, (set, frozenset)):
        return float(sum(len(str(v)) for v in value))
    if isinstance(value, dict):
        return float(sum(weigh(v) for v in value.values()))
    if isinstance(value, (list, tuple)):
        return float(sum(weigh(v) for v in value))
    return float(len(str(value)))


def spoil(value):
    if isinstance(value, list):
        value.append("spoilt")
    elif isinstance(value, dict):
        value["spoilt"] = True
    elif isinstance(value, set):
        value.add("spoilt")
    elif isinstance(value, np.ndarray) and value.size:
        value[0] = -1
    elif isinstance(value, pd.DataFrame):
        value["a"] = 0.0
    return describe(value)
"""


@st.composite
def flows(draw):
    """A pipeline in one file as data: nodes as (kind, constant, helper, inputs), and the helpers' numbers."""
    count = draw(st.integers(1, 9))
    found = []
    for at in range(count):
        kind = draw(st.sampled_from(sorted(BODIES)))
        taken = draw(st.lists(st.integers(0, at - 1), max_size=3, unique=True)) if at else []
        found.append([kind, draw(st.integers(0, 3)), draw(st.integers(0, 1)), taken])
    return {"nodes": found, "helpers": [2, 3]}


def outputs_of(flow, at):
    return [f"d{at}", f"d{at}b"] if flow["nodes"][at][0] == "pair" else [f"d{at}"]


def source(flow):
    lines = [COMMON]
    for number, factor in enumerate(flow["helpers"]):
        lines.append(f"def helper_{number}(x):\n    return x * {factor}\n\n")
    described = []
    for at, (kind, constant, helper, taken) in enumerate(flow["nodes"]):
        body = BODIES[kind].format(c=constant, h=helper)
        takes_param = kind == "sum"
        arguments = [f"a{i}" for i in range(len(taken))] + (["param"] if takes_param else [])
        collect = f"args = [{', '.join(f'a{i}' for i in range(len(taken)))}]"
        lines.append(f"def node_{at}({', '.join(arguments)}):\n    {collect}\n    {body}\n\n")
        inputs = [f"d{i}" for i in taken] + (["params:param"] if takes_param else [])
        made = outputs_of(flow, at)
        described.append(f"node(node_{at}, {inputs!r}, {made if len(made) > 1 else made[0]!r})")
    lines.append(f"pipeline = Pipeline([{', '.join(described)}])\n")
    return "\n".join(lines)


def plain(flow, param):
    """What plain Python makes of the flow, each argument copied."""
    space: dict = {}
    exec(compile(source(flow), "<plain>", "exec"), space)
    made: dict = {}
    for at, (kind, _, _, taken) in enumerate(flow["nodes"]):
        arguments = [copy.deepcopy(made[f"d{i}"]) for i in taken] + ([param] if kind == "sum" else [])
        result = space[f"node_{at}"](*arguments)
        names = outputs_of(flow, at)
        made.update(zip(names, result if len(names) > 1 else (result,), strict=True))
    return {name: values.of(value).digest for name, value in made.items()}


def run(folder: Path, flow, param, **options):
    file = folder / "flow.py"
    file.write_text(source(flow))
    (folder / "conf/base").mkdir(parents=True, exist_ok=True)
    (folder / "conf/base/parameters.yml").write_text(f"param: {param}\n")
    sys.modules.pop("flow", None)
    return running.run(projects.open_project(file), **options).raise_for_status()


def digests(found):
    return {name: found.versions[name] for name in found if not name.startswith("?")}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # files are rewritten within the clock's grain
    return tmp_path


def fresh(folder):
    for entry in folder.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    return folder


@given(flow=flows(), param=st.integers(0, 3))
@effort.drawn(40)
def test_a_run_equals_plain_python_first_reused_and_forced(folder, flow, param):
    here, expected = fresh(folder), plain(flow, param)
    first = run(here, flow, param)
    assert digests(first) == expected
    again = run(here, flow, param)
    assert set(again.counts) == {StepStatus.REUSED}
    assert digests(again) == expected
    assert digests(run(here, flow, param, force=True)) == expected
    for name in expected:
        assert values.of(again[name]).digest == expected[name]


edits = st.lists(
    st.one_of(
        st.tuples(st.just("constant"), st.integers(0, 8), st.integers(0, 3)),
        st.tuples(st.just("kind"), st.integers(0, 8), st.sampled_from([k for k in sorted(BODIES) if k != "pair"])),
        st.tuples(st.just("helper"), st.integers(0, 1), st.integers(2, 5)),
        st.tuples(st.just("param"), st.just(0), st.integers(0, 3)),
        st.tuples(st.just("nothing"), st.just(0), st.just(0)),
    ),
    min_size=1,
    max_size=5,
)


@given(flow=flows(), changes=edits)
@effort.drawn(40)
def test_running_after_any_edit_equals_running_from_scratch(folder, flow, changes):
    here, param = fresh(folder), 1
    run(here, flow, param)
    for what, where, value in changes:
        before = source(flow), param
        if what == "param":
            param = value
        elif what == "helper":
            flow["helpers"][where] = value
        elif what != "nothing" and where < len(flow["nodes"]):
            node = flow["nodes"][where]
            if what == "constant":
                node[1] = value
            elif node[0] != "pair":
                node[0] = value
        found = run(here, flow, param)
        assert digests(found) == plain(flow, param)
        worked = [step for step in found.steps if step.status is StepStatus.SUCCEEDED]
        assert all(step.reasons for step in worked), "nothing runs without a reason"
        if (source(flow), param) == before:
            assert not worked, "nothing changed, so nothing may run"


def test_arrays_and_frames_come_back_as_they_were(folder):
    flow = {"nodes": [["array", 1, 0, []], ["frame", 1, 0, []]], "helpers": [2, 3]}
    run(folder, flow, 0)
    again = run(folder, flow, 0)
    assert isinstance(again["d0"], np.ndarray)
    pd.testing.assert_frame_equal(
        again["d1"],
        pd.DataFrame({"a": [1, None, 2.5], "b": ["x", None, "z"]}).assign(c=pd.Categorical(list("uvu"))),
    )
