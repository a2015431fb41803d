"""Whatever values a pipeline passes on, however its steps treat them: a run gives what plain Python gives.

Plain Python here is: the functions called one after the other, each with deep copies of what it takes. Sameness is
judged by `drawn_values.difference`, which is written apart from the engine's own digests.
"""

from __future__ import annotations

import ast
import copy
import itertools
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import drawn_values as drawn
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import effort
import tane
from tane import errors
from tane.catalog import codecs
from tane.digest import values
from tane.executors import wire
from tane.project import projects
from tane.runs import arguments, running

_numbers = itertools.count()

COMMON = '''
import functools
import os
import time

import numpy as np
import pandas as pd
from drawn_values import make, spoil
from tane import Pipeline, node


def pause(at):
    """Wait to be killed, where that is asked for."""
    if os.environ.get("STOP_AT") == str(at):
        open(os.environ["BEGUN"], "w").close()
        time.sleep(60)


def part(value):
    """A view of what has any, else the value."""
    if isinstance(value, np.ndarray) and value.ndim and type(value) is np.ndarray:
        return value[::-2]
    if isinstance(value, (pd.DataFrame, pd.Series)):
        return value.iloc[1:]
    if isinstance(value, (list, tuple)):
        return value[:2]
    return value


def named(value):
    """What can be seen of it, as text."""
    text = [type(value).__name__]
    if isinstance(value, np.ndarray):
        text.append(f"{value.dtype} {value.shape} {value.flags.writeable}")
        if value.dtype.kind in "f" and value.size:
            text.append(float(value.sum(axis=0).sum()).hex())
    elif isinstance(value, pd.DataFrame):
        text.append(str(value.dtypes.tolist()) + str(value.columns.tolist()) + str(value.index.dtype))
    elif isinstance(value, (list, tuple, dict)):
        text.append(str(len(value)))
    return " ".join(text)


class Tagger:
    """A node with settings, which it is not to change."""

    def __init__(self, tag):
        self.tag = [tag]

    def __call__(self, *args):
        return {"tag": list(self.tag), "args": list(args)}


def closed_over(n):
    more = [n]

    def joined(*args):
        return [*args, *more]

    return joined
'''

# What a node may do with `args`; {v!r} is the name of a drawn value.
BODIES = {
    "make": "return make({v!r})",
    "make too": "return [make({v!r}), args]",
    "itself": "return args[0] if args else make({v!r})",
    "part": "return part(args[0]) if args else part(make({v!r}))",
    "spoil": "for each in args:\n        spoil(each)\n    return list(args)",
    "spoil and give back": "spoil(args)\n    return args[0] if args else [make({v!r})]",
    "aliased": "one = [args, make({v!r})]\n    return {{'a': one, 'b': [one, one[0]]}}",
    "not aliased": "return {{'a': [args, make({v!r})], 'b': [[args, make({v!r})], args]}}",
    "named": "return [named(each) for each in args]",
    "spoil twice": "one = make({v!r})\n    both = [one, one]\n    spoil(both[0])\n    return both",
    "two": "one = args[0] if args else make({v!r})\n    return one, one",
    "two parts": "one = args[0] if args else make({v!r})\n    return part(one), one",
    "keys": "one = make({v!r})\n    return {{'x': one, 'y': [one, args], 'z': 0}}",
    "yields": "for each in args:\n        yield each\n    yield make({v!r})",
    "yields two": "yield make({v!r}), len(args)\n    yield [args], args[0] if args else 1",
    "tagger": "",
    "closed over": "",
    "partial": "",
}
TWO = frozenset({"two", "two parts", "keys", "yields two"})
LISTS = frozenset({"spoil", "named", "yields", "closed over", "spoil twice"})


@dataclass
class Step:
    at: int
    body: str
    value: str
    takes: list[int] = field(default_factory=list)
    over: bool = False
    entry: str = ""

    @property
    def made(self) -> list[str]:
        return [f"d{self.at}", f"e{self.at}"] if self.body in TWO else [f"d{self.at}"]


@st.composite
def flows(draw: st.DrawFn, most: int = 7) -> list[Step]:
    """Steps that make drawn values, hand them on, change them, share them."""
    steps: list[Step] = []
    for at in range(draw(st.integers(1, most))):
        step = Step(at, draw(st.sampled_from(sorted(BODIES))), draw(st.sampled_from(sorted(drawn.MAKERS))))
        if at:
            step.takes = draw(st.lists(st.integers(0, at - 1), max_size=3, unique=True))
        if step.takes and draw(st.integers(0, 5)) == 5:
            first = steps[step.takes[0]]
            step.over = first.body in LISTS and step.body not in TWO and not step.body.startswith("yields")
        step.entry = draw(st.sampled_from(["", "", "", "memory", "pickle"]))
        steps.append(step)
    return steps


def source(flow: list[Step]) -> str:
    lines, listed = [COMMON], []
    for step in flow:
        names = [f"a{i}" for i in range(len(step.takes))]
        func = f"node_{step.at}"
        if step.body == "tagger":
            lines.append(f"\n\n{func} = Tagger({step.value!r})\n")
        elif step.body == "closed over":
            lines.append(f"\n\n{func} = closed_over({step.value!r})\n")
        elif step.body == "partial":
            lines.append(f"\n\n{func} = functools.partial(closed_over(0), [{step.value!r}])\n")
        else:
            body = BODIES[step.body].format(v=step.value)
            taken = f"args = [{', '.join(names)}]"
            lines.append(f"\n\ndef {func}({', '.join(names)}):\n    pause({step.at})\n    {taken}\n    {body}\n")
        made: Any = step.made if len(step.made) > 1 else step.made[0]
        if step.body == "keys":
            made = {"x": step.made[0], "y": step.made[1]}
        over = f", over=['d{step.takes[0]}']" if step.over else ""
        listed.append(f"node({func}, {[f'd{i}' for i in step.takes]!r}, {made!r}, name='node_{step.at}'{over})")
    return "".join([*lines, "\n\npipeline = Pipeline([\n    ", ",\n    ".join(listed), ",\n])\n"])


def catalog(flow: list[Step]) -> dict[str, dict[str, str]]:
    found = {}
    by_value = any(step.value in drawn.BY_VALUE for step in flow)  # which a plain pickle cannot hold
    for step in flow:
        for name in step.made:
            if step.entry == "memory":
                found[name] = {"type": "MemoryDataset"}
            elif step.entry == "pickle" and not by_value:
                found[name] = {"type": "pickle.PickleDataset", "filepath": f"out/{name}.pickle"}
    return found


def plain(flow: list[Step]) -> dict[str, Any]:
    """What plain Python makes of the flow."""
    space: dict[str, Any] = {}
    exec(compile(source(flow), "<plain>", "exec"), space)
    made: dict[str, Any] = {}
    for step in flow:
        given = [made[f"d{i}"] for i in step.takes]
        if step.over:
            result: Any = [returned(space, step, [item, *given[1:]]) for item in given[0]]
        else:
            result = returned(space, step, given)
        if step.body == "keys":
            result = result["x"], result["y"]
        for name, value in zip(step.made, result if len(step.made) > 1 else [result], strict=True):
            made[name] = copy.deepcopy(value)
            if catalog(flow).get(name, {}).get("type") == "pickle.PickleDataset":
                made[name] = pickle.loads(pickle.dumps(value, 5))  # who takes it, takes what loading it gives
    return made


def returned(space: dict[str, Any], step: Step, given: list[Any]) -> Any:
    result = space[f"node_{step.at}"](*(copy.deepcopy(each) for each in given))
    if step.body == "yields two":
        return tuple(map(list, zip(*(copy.deepcopy(each) for each in result), strict=True)))
    return list(result) if step.body.startswith("yields") else result


class Box:
    """A folder with a flow as a one-file project."""

    def __init__(self, folder: Path, text: str, entries: dict[str, Any], options: dict[str, Any] | None = None) -> None:
        self.root = folder / "box"
        shutil.rmtree(self.root, ignore_errors=True)
        (self.root / "conf/base").mkdir(parents=True)
        self.file = self.root / f"equal_{os.getpid()}_{next(_numbers)}.py"  # a process imports a module once
        self.file.write_text(text)
        (self.root / "conf/base/catalog.yml").write_text(yaml.safe_dump(entries))
        (self.root / "conf/base/run.yml").write_text(yaml.safe_dump(options or {}))

    def run(self, **options: Any) -> Any:
        return running.run(projects.open_project(self.file), **options).raise_for_status()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return tmp_path


def agrees(run: Any, expected: dict[str, Any], *, leaving_out: frozenset[str] = frozenset()) -> None:
    """Assert that what can be had of a run is what plain Python made."""
    names = [name for name in expected if name not in leaving_out]
    found = {name: drawn.difference(expected[name], copy.deepcopy(run[name])) for name in names}
    assert not {name: told for name, told in found.items() if told}
    assert not set(expected) - set(run)


def unkept(flow: list[Step]) -> frozenset[str]:
    return frozenset(name for step in flow if step.entry == "memory" for name in step.made)


def last(flow: list[Step]) -> list[Step]:
    """The flow with a step at its end that takes all there is, so that all can be seen of what is not kept."""
    return [*flow, Step(len(flow), "tagger", "int", [step.at for step in flow])]


@given(flow=flows())
@effort.drawn(30)
def test_first_and_reused_values_are_those_of_plain_python(folder, flow):
    expected, box = plain(flow), Box(folder, source(flow), catalog(flow))
    agrees(box.run(), expected, leaving_out=unkept(flow))
    again = box.run()
    agrees(again, expected, leaving_out=unkept(flow))
    if not unkept(flow):
        assert {str(step.status) for step in again.steps} == {"reused"}


@given(flow=flows().map(last), executor=st.sampled_from(["serial", "threads"]))
@effort.drawn(15)
def test_values_that_are_not_kept_are_the_same(folder, flow, executor):
    for step in flow:
        step.entry = ""
    expected, box = plain(flow), Box(folder, source(flow), {}, {"keep": "none"})
    name = flow[-1].made[0]
    run = box.run(executor=executor, jobs=1 if executor == "serial" else 3)
    assert not drawn.difference(expected[name], run[name])


@given(flow=flows())
@effort.drawn(30)
def test_values_in_memory_are_the_same(folder, flow):
    expected, box = plain(flow), Box(folder, source(flow), {})
    run = tane.run(projects.open_project(box.file).pipelines()["__default__"])
    agrees(run, expected)


@given(flow=flows())
@effort.drawn(8)
def test_values_are_the_same_in_threads(folder, flow):
    expected, box = plain(flow), Box(folder, source(flow), catalog(flow))
    agrees(box.run(jobs=3, executor="threads"), expected, leaving_out=unkept(flow))
    agrees(box.run(jobs=3, executor="threads"), expected, leaving_out=unkept(flow))


@given(flow=flows(), data=st.data())
@effort.drawn(2)
def test_values_are_the_same_wherever_each_step_works(folder, flow, data):
    where = st.sampled_from(["serial", "threads", "processes"])
    nodes = {f"node_{step.at}": {"executor": data.draw(where)} for step in flow}
    expected, box = plain(flow), Box(folder, source(flow), catalog(flow), {"nodes": nodes, "jobs": 2})
    agrees(box.run(), expected, leaving_out=unkept(flow))
    agrees(box.run(), expected, leaving_out=unkept(flow))


@given(flow=flows(), data=st.data())
@effort.drawn(2)
def test_a_run_that_was_killed_half_way_ends_with_the_same_values(folder, flow, data):
    expected, box = plain(flow), Box(folder, source(flow), catalog(flow))
    at = data.draw(st.sampled_from([step.at for step in flow]))
    begun = folder / "begun"
    begun.unlink(missing_ok=True)
    paths = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "STOP_AT": str(at), "BEGUN": str(begun), "PYTHONPATH": paths}
    command = [sys.executable, "-m", "tane", "run", str(box.file)]
    working = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while working.poll() is None and not begun.exists():
        time.sleep(0.01)
    working.send_signal(signal.SIGKILL)
    working.wait()
    agrees(box.run(), expected, leaving_out=unkept(flow))
    agrees(box.run(), expected, leaving_out=unkept(flow))


# --- every value there is


def handing_on(names: list[str]) -> str:
    """A flow that makes each value, spoils a copy of it, gives it back, takes a part, and puts it into another."""
    listed = []
    for at, name in enumerate(names):
        listed.append(f"node(functools.partial(make, {name!r}), None, 'made{at}', name='make_{at}')")
        for order, what in enumerate(("spoiled", "same", "parted", "packed")):  # those that are ready go by their names
            listed.append(f"node({what}, 'made{at}', '{what}{at}', name='hand_{order}_{what}_{at}')")
        listed.append(f"node(spoiled, 'packed{at}', 'both{at}', name='both_{at}')")
    return COMMON + HANDS + "pipeline = Pipeline([\n    " + ",\n    ".join(listed) + ",\n])\n"


HANDS = """

def spoiled(value):
    spoil(value)
    return value


def same(value):
    return value


def parted(value):
    return part(value)


def packed(value):
    return {"one": value, "again": (value, [value])}


"""


def handed_on(names: list[str]) -> dict[str, Any]:
    space: dict[str, Any] = {}
    exec(compile(handing_on(names), "<plain>", "exec"), space)
    made: dict[str, Any] = {}
    for at, name in enumerate(names):
        made[f"made{at}"] = value = drawn.make(name)
        for what in ("spoiled", "same", "parted", "packed"):
            made[f"{what}{at}"] = space[what](copy.deepcopy(value))
        made[f"both{at}"] = space["spoiled"](copy.deepcopy(made[f"packed{at}"]))
    return made


GROUPS = {
    "plain": [*drawn.PLAIN, *drawn.BY_VALUE],
    "numpy": list(drawn.NUMPY),
    "pandas": list(drawn.PANDAS),
    "others": [*drawn.LIBRARIES, *drawn.MODELS],
}


HOW = ["kept", "unkept", "threads", "processes", "memory"]


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("how", HOW)
def test_every_value_is_handed_on_as_it_is(folder, group, how):
    names = GROUPS[group] if effort.FACTOR > 1 else GROUPS[group][HOW.index(how) :: len(HOW)]
    options = {"keep": "none"} if how == "unkept" else {}
    expected, box = handed_on(names), Box(folder, handing_on(names), {}, options)
    if how == "memory":
        agrees(tane.run(projects.open_project(box.file).pipelines()["__default__"]), expected)
        return
    hands = {"executor": how, "jobs": 2} if how in ("threads", "processes") else {}
    taken = frozenset(name for name in expected if how == "unkept" and name.startswith(("made", "packed")))
    agrees(box.run(**hands), expected, leaving_out=taken)
    if how != "unkept":
        again = box.run(**hands)
        assert not [f"{step.node}: {step.reasons}" for step in again.steps if str(step.status) != "reused"]
        agrees(again, expected)


@pytest.mark.parametrize("group", GROUPS)
def test_digests_are_the_same_in_another_process(group):
    """Whatever the seed of its hashes, what else it has made, and where things lie in its memory."""
    names = [name for name in GROUPS[group] if name not in ("local class", "own frame")]
    program = f"""
import random
from drawn_values import make
from tane.digest import values
names = {names!r}
random.shuffle(names)
print({{name: values.of(make(name)).digest for name in names}})
"""
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found = ast.literal_eval(done.stdout)
    here = {name: values.of(drawn.make(name)).digest for name in names}
    assert not [name for name in names if found[name] != here[name]]
    copies = {name: values.of(codecs.copy(drawn.make(name))).digest for name in names}
    assert not [name for name in names if copies[name] != here[name]]


@pytest.mark.parametrize("name", drawn.UNKEEPABLE)
def test_what_cannot_be_kept_is_refused_in_words_or_passed_on_in_memory(folder, name):
    """An iterator is kept as what it is; it can be read once by each taker."""
    text = f"""
import drawn_values
from tane import Pipeline, node


def made():
    return drawn_values.UNKEEPABLE[{name!r}]()


def seen(value):
    return type(value).__name__


pipeline = Pipeline([node(made, None, "value"), node(seen, "value", "kind")])
"""
    kind = type(drawn.UNKEEPABLE[name]()).__name__
    refused = name != "iterator"
    box = Box(folder, text, {})
    run = running.run(projects.open_project(box.file))
    assert bool(run.error) == refused
    if refused:
        assert isinstance(run.error, errors.UserCodeError) and "cannot be kept" in str(run.error)
        assert run.error.hint
    unkept = Box(folder, text, {"value": {"type": "MemoryDataset"}}).run()
    assert unkept["kind"] == kind


@pytest.mark.parametrize("group", GROUPS)
def test_every_value_travels_between_processes_as_it_is(group):
    for name in GROUPS[group]:
        head, buffers = wire.pack([drawn.make(name)])
        (found,) = wire.unpack(head, [bytearray(buffer) for buffer in buffers])
        assert not drawn.difference(copy.deepcopy(drawn.make(name)), found), name


def test_a_value_that_came_alone_from_another_process_is_not_copied_again():
    one, other = [[1]], {"a": 2}
    held, more = arguments.Held(one), arguments.Held(other)
    (found, number) = arguments.travelled([held, arguments.Held(3)])
    assert isinstance(found, arguments.Own) and found.value is one and number == arguments.Held(3)
    for taken in ([held, more], [held, held], [held, arguments.Transformed(more, "other", ())]):
        assert arguments.travelled(taken) == tuple(taken), "they may share something"


@pytest.mark.parametrize("name", drawn.MODELS)
def test_models_predict_the_same_to_the_last_bit(name):
    features, _ = drawn.examples()
    features = pd.DataFrame(features, columns=list("abcd")) if name == "pipe" else features
    model = drawn.make(name)
    encoded = codecs.encode(model)
    kept = codecs.decode(encoded.codec, memoryview(bytearray(b"".join(encoded.chunks))))
    ask = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    wanted = getattr(model, ask)(features).tobytes()
    for again in (kept, codecs.copy(model)):
        assert getattr(again, ask)(features).tobytes() == wanted
