"""Drawn flows of every form of control, their source text, and what plain Python makes of them.

`plain` is a second engine, written from the documentation alone: it knows the flow as data and calls the functions of
its source one after the other. The laws compare the true engine with it.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tane.digest import values

COMMON = '''
import os
import time

import numpy as np
import pandas as pd
from tane import Pipeline, node


def weigh(value):
    """A number for any value."""
    if value is None:
        return 0.5
    if isinstance(value, (bool, int, float)):
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


def describe(value):
    return f"{type(value).__name__}:{weigh(value):.3f}"


def spoil(value):
    """Change it, if it can be changed."""
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


def pause():
    """Take some time, and say that work has begun, where that is asked for."""
    if "PAUSE" in os.environ:
        open(os.environ["BEGUN"], "w").close()
        time.sleep(float(os.environ["PAUSE"]))


def flaky(name, args):
    """Fails the first time that it sees these arguments."""
    told = "".join(c if c.isalnum() else "_" for c in name + "_".join(map(describe, args)))
    try:
        os.close(os.open(os.path.join(os.environ["FLAKY"], told), os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    raise ConnectionError("try again")
'''

# What a node may do with `args`. {c} is its constant, {h} the number of a helper.
BODIES = {
    "number": "return {c} + int(sum(map(weigh, args)))",
    "helped": "return helper_{h}({c}) + int(sum(map(weigh, args)))",
    "text": "return '{c}' + ','.join(map(describe, args))",
    "flag": "return ({c} + int(sum(map(weigh, args)))) % 2 == 0",
    "list": "return [{c}, 'x', {{'k': args and describe(args[0])}}]",
    "pair_list": "return [{c}, {c}]",
    "shared": "one = [{c}]\n    return [one, one, one]",
    "nothing_in_it": "return []",
    "dict": "return {{'a': {c}, 'b': [1, 2], 'c': list(map(describe, args))}}",
    "odd_keys": "return {{1: {c}, 'x': 2, (1, 2): 3}}",
    "array": "return np.arange({c} + 3.0)",
    "frame": "return pd.DataFrame({{'a': [{c}, None, 2.5], 'b': ['x', None, 'z']}})",
    "set": "return {{describe(a) for a in args}} | {{'{c}', 'b'}}",
    "spoil": "return [spoil(a) for a in args] + [{c}]",
    "first": "return args[0] if args and args[0] is not None else {c}",
    "fails": "raise ValueError('no {c}')",
    "fails_if_odd": "if args and int(weigh(args[0])) % 2:\n        raise ValueError('odd')\n    return {c}",
    "none": "return None",
    "none_if_odd": "return None if args and int(weigh(args[0])) % 2 else {c}",
    "yields": "for i in range({c}):\n        yield [i, len(args)]",
    "yields_pairs": "for i in range({c}):\n        yield i, [i, 'x']",
    "yields_and_fails": "yield {c}\n    raise ValueError('half way')",
    "yields_none": "yield {c}\n    yield None",
}
YIELDING = frozenset({"yields", "yields_pairs", "yields_and_fails", "yields_none"})
LISTS = frozenset({"list", "pair_list", "shared", "nothing_in_it", "spoil", "yields", "yields_pairs"})
DICTS = frozenset({"dict", "odd_keys"})
CALM = sorted(set(BODIES) - {"fails", "fails_if_odd", "none", "none_if_odd", "yields_and_fails", "yields_none"})
OFTEN = [*CALM, "spoil", "spoil", "list", "pair_list", "dict", "text", "number"]
JSON = frozenset({"number", "text", "list", "pair_list", "nothing_in_it", "flag", "helped"})
TWO = frozenset({"number", "text", "list", "dict", "flag"})  # bodies that may make two outputs


@dataclass
class Step:
    """One node of a drawn flow."""

    at: int
    body: str
    constant: int
    helper: int = 0
    takes: list[tuple[str, bool]] = field(default_factory=list)  # "d2" or "params:flag", and whether it has a default
    over: list[str] = field(default_factory=list)
    when: tuple[Any, ...] | None = None
    after: list[int] = field(default_factory=list)
    always: bool = False
    cache: bool = True
    outputs: str = "one"  # "one", "two", "keys", "nothing"
    flaky: bool = False
    by_name: bool = False
    entry: str = ""  # "", "pickle", "json", "memory", "forms", "unkept"
    inside: bool = False

    @property
    def yields(self) -> bool:
        return self.body in YIELDING

    @property
    def made(self) -> list[str]:
        return {"one": [f"d{self.at}"], "two": [f"d{self.at}", f"d{self.at}b"], "nothing": []}.get(
            self.outputs, [f"d{self.at}", f"d{self.at}b"]
        )

    @property
    def closes(self) -> bool:
        """Whether it comes after all others."""
        return self.always and not self.after


@dataclass(repr=False)
class Flow:
    """A drawn pipeline with its parameters and helpers."""

    steps: list[Step]
    params: dict[str, Any]
    helpers: list[int] = field(default_factory=lambda: [2, 3])
    mapped: bool = False  # whether the parameters keep their names inside the namespace
    least: bool = False  # whether the parameter of that name is set
    backwards: bool = False  # the order in which nodes are written

    def __repr__(self) -> str:
        return f"{source(self, common='')}\ncatalog: {catalog(self)}\nparameters: {self.conf}\n"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        for line in repr(self).splitlines():
            printer.break_()
            printer.text(line)

    def maker(self, name: str) -> Step:
        return self.steps[int(name[1:].rstrip("b"))]

    def full(self, name: str) -> str:
        """The name of a dataset in the whole pipeline."""
        return f"area.{name}" if self.maker(name).inside else name

    def node(self, step: Step) -> str:
        return f"area.node_{step.at}" if step.inside else f"node_{step.at}"

    def parameter(self, name: str, step: Step) -> Any:
        """The value of "params:name" as `step` gets it."""
        space = self.conf["area"] if step.inside and not self.mapped else self.conf
        return space[name.removeprefix("params:")]

    @property
    def conf(self) -> dict[str, Any]:
        extra = {"least": 4} if self.least else {}
        inside = {**self.params, "flag": not self.params["flag"], "depths": [1, *self.params["depths"]]}
        return {**self.params, **extra, "area": {**inside, **extra}}


PARAMS = ("flag", "kind", "depths", "pairs", "number")
PARAMETERS = frozenset(f"params:{name}" for name in PARAMS)


@st.composite
def flows(draw: st.DrawFn, *, calm: bool = False, most: int = 8) -> Flow:
    """A flow. A calm one has nothing in it that fails by intent."""
    count = draw(st.integers(1, most))
    steps: list[Step] = []
    inside = draw(st.sampled_from([0, 0, 1, 2]))  # nobody, all in a row from somewhere, every other
    start = draw(st.integers(0, count))
    shapes: dict[str, str] = {"params:depths": "list", "params:pairs": "dict"}
    for at in range(count):
        step = _step(draw, at, steps, shapes, calm)
        step.inside = bool(inside) and at >= start and (inside == 1 or at % 2 == 0)
        steps.append(step)
        if step.over:
            shapes.update(dict.fromkeys(step.made, shapes.get(step.over[0], "")))
        else:
            shape = "list" if step.body in LISTS else "dict" if step.body in DICTS else ""
            shapes.update(dict.fromkeys(step.made[:1], shape))
    params = {
        "flag": draw(st.booleans()),
        "kind": draw(st.sampled_from(["a", "b", "c"])),
        "depths": draw(st.lists(st.integers(0, 3), max_size=3)),
        "pairs": {"p": draw(st.integers(0, 3)), "q": 2},
        "number": draw(st.integers(0, 3)),
    }
    return Flow(
        steps,
        params,
        mapped=draw(st.booleans()),
        least=draw(st.booleans()),
        backwards=draw(st.booleans()),
    )


def _step(draw: st.DrawFn, at: int, before: list[Step], shapes: Mapping[str, str], calm: bool) -> Step:
    def rarely() -> bool:
        return draw(st.integers(0, 5)) == 5

    made = [name for step in before if not step.closes for name in step.made]
    body = draw(st.sampled_from(OFTEN if calm or not rarely() else sorted(set(BODIES) - set(CALM))))
    taken = draw(st.lists(st.sampled_from(made), min_size=1, max_size=3, unique=True)) if made else []
    if draw(st.booleans()):
        taken.append(f"params:{draw(st.sampled_from(PARAMS))}")
    step = Step(at, body, draw(st.integers(0, 3)), draw(st.integers(0, 1)))
    with_items = [name for name in taken if shapes.get(name)]
    if with_items and draw(st.booleans()):
        step.over = with_items[: 1 if draw(st.booleans()) else 2]
    elif taken and rarely() and not calm:
        step.over = taken[:1]
    conditional = {name for other in before if other.when is not None for name in other.made}
    # parameters have no default here: one that is set hides it, one that is not set is another law's matter
    spared = {name for name in taken if name in conditional or draw(st.booleans())} - {*step.over, *PARAMETERS}
    step.takes = [(name, name in spared) for name in taken]
    step.takes.sort(key=lambda take: take[1])
    if draw(st.integers(0, 3)) == 3:
        step.when = _when(draw, made, calm)
    others = [other.at for other in before if not other.closes]
    if others and rarely():
        step.after = [draw(st.sampled_from(others))]
    if step.when is None and rarely():
        step.always = True  # which needs a default for what others make, but for what is taken item by item
        own = {*step.over, *PARAMETERS}
        step.takes = [(name, default or name not in own) for name, default in step.takes]
        step.takes.sort(key=lambda take: take[1])
    step.cache = not rarely()
    if body == "yields_pairs":
        step.outputs = "two"
    elif body in TWO and rarely():
        step.outputs = draw(st.sampled_from(["two", "keys"]))
    elif rarely() and not step.yields:
        step.outputs = "nothing"
    step.flaky = rarely()
    step.by_name = draw(st.booleans())
    entries = ["", "", "pickle", "memory", "memory", "forms", "unkept"]
    if body in JSON and not step.over:
        entries.append("json")
    step.entry = draw(st.sampled_from(entries))
    return step


def _when(draw: st.DrawFn, made: list[str], calm: bool) -> tuple[Any, ...]:
    names = ["params:flag", "params:kind", "params:number", *made]
    name, other = draw(st.sampled_from(names)), draw(st.sampled_from(names))

    def wanted(name: str) -> Any:
        return draw(st.sampled_from(["a", "b", "c"] if name == "params:kind" else [0, 1, 2]))

    kinds = ["name", "not", "is", "among", "both", "function", "pair"]
    kind = draw(st.sampled_from(kinds))
    if not calm and draw(st.integers(0, 15)) == 15:
        kind = "raises"
    if kind in ("is", "among"):
        return (kind, name, wanted(name))
    if kind == "both" and name == other:
        kind = "name"
    if kind == "both":
        return (kind, name, wanted(name), other, wanted(other))
    if kind == "function" and name.startswith("params:"):
        kind = "pair"
    return (kind, name)


# --- source text ---------------------------------------------------------------------------------------------------


def source(flow: Flow, *, common: str = COMMON) -> str:
    """The flow as a module."""
    lines = [common]
    for number, factor in enumerate(flow.helpers):
        lines.append(f"\n\ndef helper_{number}(x):\n    return x * {factor}\n")
    lines += [function(step) for step in flow.steps]
    lines += [_condition(step) for step in flow.steps if step.when is not None]
    inside = [step for step in flow.steps if step.inside]
    parts = [_described(flow, step, step.inside) for step in flow.steps if not step.inside]
    if inside:
        parts.append(_namespaced(flow, inside))
    if flow.backwards:
        parts.reverse()
    listed = ",\n    ".join(parts)
    lines.append(f"\n\npipeline = Pipeline([\n    {listed},\n])\n")
    return "".join(lines)


def function(step: Step) -> str:
    """The function of a step."""
    arguments = ", ".join(f"a{i}=None" if default else f"a{i}" for i, (_, default) in enumerate(step.takes))
    listed = ", ".join(f"a{i}" for i in range(len(step.takes)))
    text = f"\n\ndef node_{step.at}({arguments}):\n    pause()\n    args = [{listed}]\n"
    if step.flaky:
        text += f"    flaky('{step.at}_', args)\n"
    body = BODIES[step.body].format(c=step.constant, h=step.helper)
    if step.outputs in ("two", "keys") and not step.yields:
        first = body.removeprefix("return ")
        body = f"return {first}, {step.constant}" if step.outputs == "two" else _keyed(first, step)
    return f"{text}    {body}\n"


def _keyed(first: str, step: Step) -> str:
    return f"return {{'one': {first}, 'other': {step.constant}, 'more': 0}}"


def _condition(step: Step) -> str:
    assert step.when is not None
    kind, name = step.when[:2]
    if kind == "function":
        return f"\n\ndef condition_{step.at}({name}, least=2):\n    return weigh({name}) > least\n"
    if kind == "pair":
        return f"\n\ndef condition_{step.at}(value):\n    return weigh(value) > 2\n"
    if kind == "raises":
        return f"\n\ndef condition_{step.at}(value):\n    return value.there_is_no_such_thing\n"
    return ""


def _described(flow: Flow, step: Step, local: bool) -> str:
    """One `node(...)`; with `local`, in the names of within its namespace."""

    def dataset(name: str, form: str) -> str:
        if name.startswith("params:"):
            return name
        maker = flow.maker(name)
        plain = name if local else flow.full(name)
        return f"{plain}@{form}" if maker.entry == "forms" else plain

    taken = [dataset(name, "two") for name, _ in step.takes]
    inputs: Any = {f"a{i}": name for i, name in enumerate(taken)} if step.by_name else taken
    made = [dataset(name, "one") for name in step.made]
    outputs: Any = {"one": made[0], "nothing": None, "two": made}.get(step.outputs) if made else None
    if step.outputs == "keys":
        outputs = {"one": made[0], "other": made[1]}
    told = [f"node_{step.at}", repr(inputs), repr(outputs), f"name='node_{step.at}'"]
    if step.over:
        told.append(f"over={[dataset(name, 'two') for name in step.over]!r}")
    if step.when is not None:
        told.append(f"when={_told(step, lambda name: dataset(name, 'two'))}")
    if step.after:
        names = [f"node_{at}" if local and flow.steps[at].inside else flow.node(flow.steps[at]) for at in step.after]
        told.append(f"after={names!r}")
    if step.always:
        told.append("always=True")
    elif not step.cache:
        told.append("cache=False")
    if step.flaky:
        told.append("retries={'times': 1, 'delay': 0}")
    return f"node({', '.join(told)})"


def _told(step: Step, dataset: Any) -> str:
    assert step.when is not None
    kind, name, *rest = step.when
    if kind == "name":
        return repr(dataset(name))
    if kind == "not":
        return repr(f"not {dataset(name)}")
    if kind == "is":
        return repr({dataset(name): rest[0]})
    if kind == "among":
        return repr({dataset(name): [rest[0], "none of them"]})
    if kind == "both":
        return repr({dataset(name): rest[0], dataset(rest[1]): rest[2]})
    if kind == "function" and dataset(name) == name:
        return f"condition_{step.at}"
    if kind == "function":
        return f"(condition_{step.at}, [{dataset(name)!r}, 'params:least'])"
    return f"(condition_{step.at}, {dataset(name)!r})"


def _namespaced(flow: Flow, inside: list[Step]) -> str:
    own = {name for step in inside for name in step.made}
    seen = {name for step in inside for name in needs(step)}
    outer: dict[str, str] = {}
    for name in sorted(seen - own):
        if not name.startswith("params:"):
            outer[name] = flow.full(name)
    told = [_described(flow, step, True) for step in inside]
    options = ["namespace='area'", f"inputs={sorted(outer)!r}"]
    if flow.mapped:
        named = {name for name in seen if name.startswith("params:")}
        if any(step.when and step.when[0] == "function" for step in inside):
            named.add("params:least")
        options.append(f"parameters={sorted(named)!r}")
    listed = ", ".join(told)
    return f"Pipeline([{listed}], {', '.join(options)})"


def needs(step: Step) -> list[str]:
    """All names that a step takes or looks at."""
    return list(dict.fromkeys([name for name, _ in step.takes] + looks(step)))


def looks(step: Step) -> list[str]:
    """What its condition looks at."""
    if step.when is None:
        return []
    return [step.when[1]] + ([step.when[3]] if step.when[0] == "both" else [])


def catalog(flow: Flow) -> dict[str, dict[str, str]]:
    """The entries of the flow's catalog."""
    found = {}
    for step in flow.steps:
        for name in step.made:
            full = flow.full(name)
            file = {"filepath": f"out/{full}"}
            if step.entry in ("pickle", "json"):
                kind = {"pickle": "pickle.PickleDataset", "json": "json.JSONDataset"}[step.entry]
                found[full] = {"type": kind, **file}
            elif step.entry == "unkept":
                found[full] = {"type": "pickle.PickleDataset", **file, "keep": "none"}
            elif step.entry == "memory":
                found[full] = {"type": "MemoryDataset"}
            elif step.entry == "forms":
                found[f"{full}@one"] = found[f"{full}@two"] = {"type": "pickle.PickleDataset", **file}
    return found


# --- what plain Python makes of it ---------------------------------------------------------------------------------


@dataclass
class Expected:
    """What becomes of a flow: the value of each dataset, and of each step how it ends.

    `work` are the pieces of work that a step's success or failure rests on, by what they are a function of: one for a
    plain step, one for each item of a fanned-out one.
    """

    made: dict[str, Any] = field(default_factory=dict)
    status: dict[str, str] = field(default_factory=dict)
    work: dict[str, list[str]] = field(default_factory=dict)
    whole: dict[str, str] = field(default_factory=dict)

    def digests(self) -> dict[str, str]:
        return {name: values.of(value).digest for name, value in self.made.items()}

    @property
    def fails(self) -> bool:
        return "failed" in self.status.values()


class _FailedError(Exception):
    pass


def plain(flow: Flow, *, common: str = COMMON) -> Expected:
    """The whole flow with nothing stopped by a failure but what needs what was not made."""
    space: dict[str, Any] = {}
    exec(compile(source(flow, common=common), "<plain>", "exec"), space)
    space["flaky"] = lambda name, args: None
    found = Expected()
    lost: set[str] = set()
    absent: set[str] = set()  # not made, and no failure
    order = [step for step in flow.steps if not step.closes] + [step for step in flow.steps if step.closes]
    for step in order:
        name = flow.node(step)
        data = [one for one, _ in step.takes if not one.startswith("params:")]
        how = _fate(step, data, lost, absent)
        if not how:
            try:
                how = "" if _holds(flow, step, found, space) else "left out"
            except Exception:
                how = "failed"
        if not how:
            try:
                _perform(flow, step, found, space)
            except _FailedError:
                how = "failed"
        found.status[name] = {"left out": "skipped", "lost": "skipped"}.get(how, how or "succeeded")
        if how == "left out":
            absent.update(step.made)
        elif how:
            lost.update([*step.made, f"node {step.at}"])
    return found


def _fate(step: Step, data: list[str], lost: set[str], absent: set[str]) -> str:
    """What keeps a step from running: nothing, a condition somewhere before it, or a failure."""
    spared = {name for name, default in step.takes if default} - set(looks(step))
    needed = [name for name in needs(step) if not name.startswith("params:") and name not in spared]
    if any(name in absent for name in needed):
        return "left out"
    if step.always:
        return "lost" if any(name in lost for name in needed) else ""
    if data and all(name in absent for name in data):
        return "left out"
    if any(name in lost for name in (*needed, *data)):
        return "lost"
    return "lost" if any(f"node {at}" in lost for at in step.after) else ""


def _holds(flow: Flow, step: Step, found: Expected, space: Mapping[str, Any]) -> bool:
    if step.when is None:
        return True

    def value(name: str) -> Any:
        if name.startswith("params:"):
            return flow.parameter(name, step)
        return copy.deepcopy(found.made[flow.full(name)])

    kind, name, *rest = step.when
    if kind == "name":
        return bool(value(name))
    if kind == "not":
        return not bool(value(name))
    if kind in ("is", "among"):
        return bool(value(name) == rest[0]) or (kind == "among" and bool(value(name) == "none of them"))
    if kind == "both":
        return bool(value(name) == rest[0]) and bool(value(rest[1]) == rest[2])
    test = space[f"condition_{step.at}"]
    if kind == "function":
        return bool(test(value(name), 4) if flow.least else test(value(name)))
    return bool(test(value(name)))


def _perform(flow: Flow, step: Step, found: Expected, space: Mapping[str, Any]) -> None:
    given: list[Any] = []
    for name, _ in step.takes:
        if name.startswith("params:"):
            given.append(flow.parameter(name, step))
        else:
            given.append(found.made.get(flow.full(name)))
    work = found.work.setdefault(flow.node(step), [])
    told = function(step) + (str(flow.helpers[step.helper]) if step.body == "helped" else "")
    found.whole[flow.node(step)] = "|".join([told, *step.over, *map(_print, given)])
    if not step.over:
        results = _returned(step, given, space)
        work.append("|".join([told, *map(_print, given)]))
    else:
        at = [index for index, (name, _) in enumerate(step.takes) if name in step.over]
        lanes = [given[index] for index in at]
        if not all(isinstance(lane, (list, dict)) for lane in lanes):
            raise _FailedError("no items")
        ways = [list(lane) if isinstance(lane, dict) else list(range(len(lane))) for lane in lanes]
        if any(way != ways[0] for way in ways) or len({isinstance(lane, dict) for lane in lanes}) > 1:
            raise _FailedError("not in step")
        rows, failed = [], False
        for key in ways[0]:
            items = [given[index][key] if index in at else given[index] for index in range(len(given))]
            try:
                rows.append(_returned(step, items, space))
                work.append("|".join([told, *map(_print, items)]))
            except _FailedError:
                failed = True
        if failed:
            raise _FailedError("some items")
        columns = [[row[place] for row in rows] for place in range(len(step.made))]
        results = columns
        if isinstance(lanes[0], dict):
            results = [dict(zip(ways[0], column, strict=True)) for column in columns]
    found.made.update(zip(map(flow.full, step.made), results, strict=True))


def _print(value: Any) -> str:
    return values.of(value).digest


def _returned(step: Step, given: list[Any], space: Mapping[str, Any]) -> list[Any]:
    """What the function gives for each output."""
    try:
        result = space[f"node_{step.at}"](*map(copy.deepcopy, given))
        if step.yields:
            result = list(result)
    except Exception as error:
        raise _FailedError from error
    if step.yields:
        if any(chunk is None for chunk in result):
            raise _FailedError("None")
        columns = [[one[at] for one in result] for at in (0, 1)] if step.outputs == "two" else [result]
        return copy.deepcopy(columns)
    if step.outputs == "nothing":
        return []
    results = {"one": lambda: [result], "two": lambda: list(result), "keys": lambda: [result["one"], result["other"]]}[
        step.outputs
    ]()
    if any(one is None for one in results):
        raise _FailedError("None")
    return [copy.deepcopy(one) for one in results]


def forget_attempts() -> None:
    """Let flaky functions fail again."""
    folder = os.environ["FLAKY"]
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))
