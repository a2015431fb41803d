"""The edges of control flow: odd values, selections, resuming, catalogued fan-outs, and what commands show of them."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

import tane
from tane import errors
from tane.ledger import connection, read
from tane.outcomes import RunStatus
from tane.project import projects
from tane.runs import opening, preview, running

_numbers = itertools.count()


class Flow:
    """A one-file project in a folder, run in this process or by the command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder

    def write(self, text: str, name: str = "") -> None:
        """Write the code; each time to another module, for this process imports each only once."""
        self.file.is_file() and not name and self.file.unlink()
        self.file = self.folder / (name or f"edge_{next(_numbers)}.py")
        self.file.write_text("import tane\nfrom tane import Pipeline, node\n" + textwrap.dedent(text))

    def conf(self, name: str, text: str) -> None:
        path = self.folder / "conf" / "base" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))

    def open(self, *overrides: str) -> projects.Project:
        return projects.open_project(self.file, overrides=overrides)

    def run(self, *overrides: str, **options):
        return running.run(self.open(*overrides), **options)

    def plan(self, *overrides: str):
        return {step.node: step for step in preview.preview(self.open(*overrides)).steps}

    def items(self, run, position):
        ledger = connection.open_ledger(self.open().ledger)
        try:
            return [str(item.status) for item in read.items(ledger, run.id, position)]
        finally:
            ledger.close()

    def tane(self, *arguments: str):
        return subprocess.run(
            [sys.executable, "-m", "tane", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "COLUMNS": "160"},
        )


@pytest.fixture
def flow(tmp_path: Path) -> Flow:
    return Flow(tmp_path)


def statuses(run):
    return {step.node: str(step.status) for step in run.steps}


FAN = """
def numbers(): return {items}
def one(number):
    {body}
def after(one): return {after}
pipeline = Pipeline([numbers, node(one, "numbers", "one", over="numbers"{options}), after])
"""


def fan(items="[1, 2, 3]", body="return number * 2", after="repr(one)", options=""):
    return FAN.format(items=items, body=body, after=after, options=options)


EVERYWHERE = [{}, {"jobs": 2}, {"jobs": 2, "executor": "threads"}]


# --- values of items


@pytest.mark.parametrize("options", EVERYWHERE)
def test_an_item_that_gives_none_fails_by_its_name(flow, options):
    flow.write(fan(body="return None if number == 2 else number"))
    run = flow.run(**options)
    assert "node 'one[1]' returned None for output 'one[1]'" in str(run.error)
    assert statuses(run) == {"numbers": "succeeded", "one": "failed", "after": "skipped"}


@pytest.mark.parametrize("options", EVERYWHERE)
def test_an_item_that_cannot_be_kept_says_so(flow, options):
    flow.write(fan(body="import threading; return threading.Lock()", after="1"))
    run = flow.run(**options)
    assert "output 'one[0]' of node 'one[0]' cannot be kept" in str(run.error)
    assert "catalogue 'one' as MemoryDataset" in str(run.error)


@pytest.mark.parametrize("options", [{}, {"jobs": 2, "executor": "threads"}])
def test_items_that_cannot_be_kept_pass_through_memory(flow, options):
    flow.conf("catalog.yml", "one: {type: MemoryDataset}")
    flow.write(fan(body="import threading; return threading.Lock()", after="len([each for each in one])"))
    run = flow.run(**options)
    assert run["after"] == 3
    assert flow.run(**options)["after"] == 3


def test_items_in_memory_are_not_kept(flow):
    flow.conf("catalog.yml", "one: {type: MemoryDataset}")
    flow.write(fan(body="return b'secret' * 20_000", after="1"))
    flow.run()
    files = [path for path in (flow.folder / ".tane/objects").rglob("*") if path.is_file()]
    assert files and not any(b"secret" in path.read_bytes() for path in files)


def test_huge_items_come_back_whole(flow):
    flow.write(
        fan(body="import numpy; return numpy.full(2_000_000, number)", after="[int(each.sum()) for each in one]")
    )
    assert flow.run()["after"] == [2_000_000, 4_000_000, 6_000_000]
    assert str(flow.run().step("one").status) == "reused"


def test_dict_keys_of_every_kind(flow):
    flow.write(fan(items="{1: 1, '1': 2, (1, 'a'): 3, None: 4, 2.5: 5}"))
    assert flow.run()["one"] == {1: 2, "1": 4, (1, "a"): 6, None: 8, 2.5: 10}
    assert statuses(flow.run()) == {"numbers": "reused", "one": "reused", "after": "reused"}


def test_equal_items_are_done_once_one_after_the_other(flow):
    flow.write(fan(items="[7, 7, 7]"))
    run = flow.run()
    assert run["one"] == [14, 14, 14]
    assert flow.items(run, 1) == ["succeeded", "reused", "reused"]


@pytest.mark.parametrize("what", ["'text'", "{1, 2}", "b'bytes'", "7", "__import__('pandas').DataFrame({'a': [1]})"])
def test_what_has_no_items_is_told_with_its_type(flow, what):
    flow.write(fan(items=what))
    error = str(flow.run().error)
    kind = {"'": "str", "{": "set", "b": "bytes", "7": "int", "_": "DataFrame"}[what[0]]
    assert f"is fanned out over 'numbers', which is a {kind}" in error or f"which is a {kind}" in error
    assert "make it a list or a dict" in error
    with pytest.raises(errors.UserCodeError, match=kind):
        tane.run(flow.open().pipelines()["__default__"])


def test_an_array_has_no_items_either(flow):
    flow.write(fan(items="__import__('numpy').arange(3)"))
    assert "ndarray" in str(flow.run().error)


def test_a_generator_that_yields_nothing(flow):
    flow.write("""
        def chunks():
            yield from ()
        def count(chunks): return len(chunks)
        pipeline = Pipeline([chunks, count])
    """)
    assert flow.run()["count"] == 0
    assert tane.run(flow.open().pipelines()["__default__"])["count"] == 0


def test_a_generator_that_yields_nothing_for_a_table_is_told(flow):
    flow.conf("catalog.yml", "chunks: {type: pandas.CSVDataset, filepath: chunks.csv}")
    flow.write("""
        def chunks():
            yield from ()
        pipeline = Pipeline([chunks])
    """)
    assert "'chunks' yielded nothing for output 'chunks'" in str(flow.run().error)


@pytest.mark.parametrize("several", [False, True])
def test_a_generator_that_yields_none_is_told(flow, several):
    flow.write(f"""
        def chunks():
            yield {"1, 2" if several else "1"}
            yield {"1, None" if several else "None"}
        pipeline = Pipeline([node(chunks, None, {"['a', 'b']" if several else "'a'"})])
    """)
    assert "returned None for output" in str(flow.run().error)
    with pytest.raises(errors.UserCodeError, match="None"):
        tane.run(flow.open().pipelines()["__default__"])


def test_items_that_yield(flow):
    flow.write(fan(body="yield from range(number)"))
    assert flow.run()["one"] == [[0], [0, 1], [0, 1, 2]]


def test_an_input_fanned_out_over_is_needed_even_if_it_has_a_default(flow):
    flow.write("""
        def numbers(): return [1]
        def others(): return [2]
        def add(number=0, other=5): return number + other
        pipeline = Pipeline([
            node(numbers, None, "numbers", when="params:numbers"),
            others,
            node(add, ["numbers", "others"], "sums", over="numbers"),
            node(add, ["others", "numbers"], "more", name="more", over="others"),
        ])
    """)
    flow.conf("parameters.yml", "numbers: false")
    run = flow.run()
    assert statuses(run) == {"numbers": "skipped", "others": "succeeded", "add": "skipped", "more": "succeeded"}
    assert run["more"] == [7]
    assert {name: step.action for name, step in flow.plan().items()} == {
        "numbers": "skip",
        "others": "reuse",
        "add": "skip",
        "more": "reuse",
    }
    memory = tane.run(flow.open().pipelines()["__default__"], params={"numbers": False})
    assert statuses(memory) == statuses(run) and memory["more"] == [7]


def test_an_item_rests_on_the_other_inputs_too(flow):
    text = """
        def numbers(): return [1, 2]
        def factor(): return {factor}
        def times(number, factor, plus=0): return number * factor + plus
        pipeline = Pipeline([
            numbers, factor, node(times, ["numbers", "factor", "params:plus"], "times", over="numbers")
        ])
    """
    flow.conf("parameters.yml", "plus: 0")
    flow.write(text.format(factor=10))
    assert flow.run()["times"] == [10, 20]
    flow.write(text.format(factor=100))
    assert flow.run()["times"] == [100, 200]
    assert flow.run("plus=1")["times"] == [101, 201]


def test_taking_over_away_is_a_change(flow):
    text = """
        def texts(): return ["ab", "c"]
        pipeline = Pipeline([texts, node(len, "texts", "length"{})])
    """
    for over, length in [("", 2), (", over='texts'", [2, 1]), ("", 2)]:
        flow.write(text.format(over))
        assert flow.run()["length"] == length


def test_the_order_of_items_is_a_change(flow):
    text = """
        def words(): return {words}
        def up(word): return word.upper()
        pipeline = Pipeline([words, node(up, "words", "upper", over="words"), node("".join, "upper", "joined")])
    """
    flow.write(text.format(words=["a", "b"]))
    assert flow.run()["joined"] == "AB"
    flow.write(text.format(words=["b", "a"]))
    assert flow.run()["joined"] == "BA"
    flow.write(text.format(words={"x": "b", "y": "a"}))
    assert flow.run()["joined"] == "xy"


@pytest.mark.parametrize("keep", ["all", "none"])
@pytest.mark.parametrize("options", [{}, {"jobs": 2, "executor": "threads"}])
def test_an_item_that_is_changed_changes_for_nobody_else(flow, keep, options):
    flow.conf("run.yml", f"keep: {keep}")
    flow.conf("parameters.yml", "lists: [[1], [2]]")
    flow.write("""
        def lists():
            one = [0]
            return [one, one, one]
        def shared(): return [5]
        def grown(one, shared):
            one.append(1)
            shared.append(1)
            return one + shared
        def all_of(lists, shared): return lists, shared
        pipeline = Pipeline([
            lists,
            shared,
            node(grown, ["lists", "shared"], "grown", over="lists"),
            node(grown, ["params:lists", "shared"], "more", over="params:lists", name="more"),
            node(all_of, ["lists", "shared"], "last", after=["grown", "more"]),
        ])
    """)
    wanted = {"grown": [[0, 1, 5, 1]] * 3, "more": [[1, 1, 5, 1], [2, 1, 5, 1]], "last": ([[0], [0], [0]], [5])}
    run = flow.run(**options)
    memory = tane.run(flow.open().pipelines()["__default__"], params={"lists": [[1], [2]]})
    for name, value in wanted.items():
        assert run[name] == memory[name] == value


@pytest.mark.parametrize("arguments", ["x=1, *rest", "x=1, y=2, /"])
def test_no_input_is_lost_when_one_before_it_that_has_no_name_was_skipped(flow, arguments):
    flow.conf("parameters.yml", "go: false")
    flow.write(f"""
        def first(): return 1
        def second(): return 2
        def both({arguments}): return x
        pipeline = Pipeline([
            node(first, None, "first", when="params:go"), second, node(both, ["first", "second"], "both")
        ])
    """)
    assert statuses(flow.run()) == {"first": "skipped", "second": "succeeded", "both": "skipped"}
    assert flow.run("go=true")["both"] == 1


# --- conditions


@pytest.mark.parametrize("when", ["'frame'", "{'frame': 1}", "'not frame'"])
def test_a_condition_on_a_frame_says_what_is_wrong_with_it(flow, when):
    flow.write(f"""
        import pandas
        def frame(): return pandas.DataFrame({{"a": [1, 2]}})
        def used(): return 1
        pipeline = Pipeline([frame, node(used, None, "x", when={when})])
    """)
    error = str(flow.run().error)
    assert "the condition of node 'used'" in error and "DataFrame is ambiguous" in error
    assert error.startswith("node 'used'") and "say what counts with a function" in error
    assert {name: step.action for name, step in flow.plan().items()} == {"frame": "reuse", "used": "run"}
    with pytest.raises(errors.UserCodeError, match="the condition of node 'used'"):
        tane.run(flow.open().pipelines()["__default__"])


def test_in_memory_what_is_to_be_done_in_any_case_is_done_when_a_condition_raises_too():
    done = []
    pipeline = tane.Pipeline(
        [
            tane.node(lambda: 1, None, "x", name="x"),
            tane.node(lambda: 2, None, "y", name="y", when=(lambda x: x.missing, "x")),
            tane.node(lambda: done.append(1), None, None, name="tidy", always=True),
        ]
    )
    with pytest.raises(errors.UserCodeError, match="missing"):
        tane.run(pipeline)
    assert done == [1]


def test_a_condition_on_an_input_that_has_a_default_and_was_skipped(flow):
    flow.write("""
        def first(): return 1
        def second(first=3): return first
        pipeline = Pipeline([
            node(first, None, "first", when="params:go"),
            node(second, ["first"], "second", when="first"),
        ])
    """)
    flow.conf("parameters.yml", "go: false")
    assert statuses(flow.run()) == {"first": "skipped", "second": "skipped"}


def test_nothing_changed_knows_the_code_of_a_condition(flow):
    (flow.folder / "tests_of.py").write_text("def big(number): return number > 3\n")
    flow.write(
        """
        from tests_of import big
        def number(): return 5
        def told(number): return f"big {number}"
        pipeline = Pipeline([number, node(told, "number", "told", when=big)])
        """,
        "flow.py",
    )
    assert "2 succeeded" in flow.tane("run", "flow.py").stdout
    assert "nothing changed" in flow.tane("run", "flow.py").stdout
    (flow.folder / "tests_of.py").write_text("def big(number): return number > 33\n")
    assert "1 skipped" in flow.tane("run", "flow.py").stdout
    assert "nothing changed" in flow.tane("run", "flow.py").stdout
    flow.file.write_text(flow.file.read_text().replace("return 5", "return 50"))
    assert "2 succeeded" in flow.tane("run", "flow.py").stdout


def test_nothing_changed_knows_parameters_and_sources_of_a_condition(flow):
    flow.conf("parameters.yml", "least: 3")
    flow.conf("catalog.yml", "limit: {type: json.JSONDataset, filepath: limit.json}")
    (flow.folder / "limit.json").write_text("10")
    flow.write(
        """
        def numbers(): return [1, 2]
        def twice(number): return 2 * number
        def enough(limit, least=0): return limit > least
        pipeline = Pipeline([numbers, node(twice, "numbers", "twice", over="numbers", when=enough)])
        """,
        "flow.py",
    )
    assert "2 succeeded" in flow.tane("run", "flow.py").stdout
    assert "nothing changed" in flow.tane("run", "flow.py").stdout
    (flow.folder / "limit.json").write_text("2")
    assert "1 skipped" in flow.tane("run", "flow.py").stdout
    assert "nothing changed" in flow.tane("run", "flow.py").stdout
    flow.conf("parameters.yml", "least: 1")
    assert "2 reused" in flow.tane("run", "flow.py").stdout


# --- order, in any case


ALWAYS = """
from pathlib import Path
here = Path(__file__).parent
def fails(): raise ValueError("no")
def note(text):
    with open(here / "noted", "a") as file:
        file.write(text)
def first(): note("1")
def second(): note("2")
def spared(x=None): note("s" if x is None else "x")
def over(item): note(item)
"""


def noted(flow):
    file = flow.folder / "noted"
    text = file.read_text() if file.exists() else ""
    file.unlink(missing_ok=True)
    return "".join(sorted(text))


@pytest.mark.parametrize("options", [{}, {"keep_going": True}, {"jobs": 3, "executor": "threads"}])
def test_several_that_run_in_any_case(flow, options):
    flow.conf("parameters.yml", "items: [a, b]")
    flow.write(
        ALWAYS
        + textwrap.dedent("""
        pipeline = Pipeline([
            node(fails, None, "x", name="fails"),
            node(first, None, None, always=True, after="fails"),
            node(second, None, None, always=True),
            node(spared, "x", None, always=True),
            node(over, "params:items", None, over="params:items", always=True),
        ])
        """)
    )
    run = flow.run(**options)
    found = {"fails": "failed", "first": "succeeded", "second": "succeeded"}
    assert statuses(run) == {**found, "spared": "succeeded", "over": "succeeded"}
    assert noted(flow) == "12abs"
    with pytest.raises(errors.UserCodeError):
        tane.run(flow.open().pipelines()["__default__"], params={"items": ["a", "b"]})
    assert noted(flow) == "12abs"


def test_in_any_case_is_also_while_items_of_others_are_left(flow):
    flow.conf("parameters.yml", "items: [a, b]\nmany: [1, 2, 3, 4, 5, 6, 7, 8]")
    flow.write(
        ALWAYS
        + textwrap.dedent("""
        import time
        def slow(item): time.sleep(0.05); return item
        def soon(): time.sleep(0.02); raise ValueError("soon")
        pipeline = Pipeline([
            node(slow, "params:many", "slow", over="params:many"),
            node(soon, None, "soon"),
            node(over, "params:items", None, over="params:items", always=True),
        ])
        """)
    )
    run = flow.run(jobs=2, executor="threads")
    assert statuses(run)["over"] == "succeeded"
    assert noted(flow) == "ab"


def test_a_failure_stops_what_waits_for_resources(flow):
    flow.conf("run.yml", "executor: threads\njobs: 3\nresources: {gpu: 1}")
    flow.write(
        ALWAYS
        + textwrap.dedent("""
        import time
        def holds(): time.sleep(0.2); raise ValueError("no")
        pipeline = Pipeline([
            node(holds, None, "a", resources={"gpu": 1}),
            node(first, None, None, resources={"gpu": 1}, name="z1"),
            node(second, None, None, resources={"gpu": 1}, name="z2"),
        ])
        """)
    )
    run = flow.run()
    assert statuses(run) == {"holds": "failed", "z1": "skipped", "z2": "skipped"}
    assert noted(flow) == ""


def test_order_across_namespaces_and_conditions_within(flow):
    flow.conf("parameters.yml", "area: {go: true}\ngo: false")
    flow.write(
        ALWAYS
        + textwrap.dedent("""
        def made(): return 2
        inner = Pipeline([
            node(first, None, None, name="first"),
            node(made, None, "n", name="made", when="params:go", after="first"),
            node(lambda n: n + 1, "n", "m", name="more", when={"n": [1, 2]}),
        ])
        pipeline = Pipeline([
            Pipeline([inner], namespace="area"),
            Pipeline([inner], namespace="other", parameters="go"),
            node(second, None, None, name="second", after=["area.first", "other.made"]),
        ])
        """)
    )
    run = flow.run()
    assert statuses(run) == {
        "area.first": "succeeded",
        "other.first": "reused",
        "area.made": "succeeded",
        "other.made": "skipped",
        "area.more": "succeeded",
        "other.more": "skipped",
        "second": "succeeded",
    }
    assert run["area.m"] == 3


# --- what is made again


UNKEPT = """
from pathlib import Path
here = Path(__file__).parent
def base():
    if (here / "broken").exists():
        raise ValueError("broken")
    return [1, 2]
def used(base): return {used}
def other(base): return 3
pipeline = Pipeline([base, used, other])
"""


@pytest.mark.parametrize("keep_going", [True, False])
def test_a_step_that_fails_when_its_value_is_made_again_ends_the_run(flow, keep_going):
    flow.conf("catalog.yml", "base: {type: MemoryDataset}")
    flow.write(UNKEPT.format(used="len(base)"))
    assert flow.run().status is RunStatus.SUCCEEDED
    (flow.folder / "broken").touch()
    flow.write(UNKEPT.format(used="len(base) + 1"))
    run = flow.run(keep_going=keep_going)
    assert statuses(run)["base"] == "failed" and statuses(run)["used"] == "skipped"
    assert run.status is RunStatus.FAILED


def test_given_values_that_are_not_kept_serve_twice(flow):
    flow.conf("run.yml", "keep: none")
    text = """
        def first(given): return [given, 1]
        def second(first): return {second}
        pipeline = Pipeline([first, second])
    """
    flow.write(text.format(second="len(first)"))
    assert flow.run(inputs={"given": [5]})["second"] == 2
    flow.write(text.format(second="first"))
    assert flow.run(inputs={"given": [5]})["second"] == [[5], 1]


def test_a_lost_item_is_made_again(flow):
    flow.write(fan(body="return bytes([number]) * 100_000", after="[len(each) for each in one]"))
    flow.run()
    files = [path for path in (flow.folder / ".tane/objects").rglob("*") if path.is_file()]
    [lost] = [path for path in files if b"\2" * 100_000 in path.read_bytes()]
    lost.unlink()
    run = flow.run()
    assert run.status is RunStatus.SUCCEEDED
    assert sorted(flow.items(run, 1)) == ["reused", "reused", "succeeded"]
    assert [len(each) for each in run["one"]] == [100_000] * 3


# --- selections, forcing, resuming


def test_a_fan_out_within_a_selection(flow):
    flow.write(fan())
    flow.run()
    for chosen, nodes in [
        ({"nodes": "one"}, ["one"]),
        ({"from_nodes": "one"}, ["one", "after"]),
        ({"to_nodes": "one"}, ["numbers", "one"]),
        ({"from_inputs": "numbers"}, ["one", "after"]),
    ]:
        run = flow.run(selection=opening.Selection(**chosen))
        assert statuses(run) == dict.fromkeys(nodes, "reused")
    run = flow.run(selection=opening.Selection(nodes="one"), force=True)
    assert run["one"] == [2, 4, 6]
    assert flow.items(run, 0) == ["succeeded"] * 3


COIN = """
def coin(side: str = "heads"): return side
def win(coin): return "you win"
def lose(coin): return "you lose"
def told(won="", lost=""): return won or lost
pipeline = Pipeline([
    coin,
    node(win, "coin", "won", when={"coin": "heads"}),
    node(lose, "coin", "lost", when={"coin": "tails"}),
    node(told, ["won", "lost"], "told"),
])
"""


def test_a_selection_leaves_a_skipped_branch_to_the_defaults_too(flow):
    flow.write(COIN)
    chosen = opening.Selection(nodes="told")
    with pytest.raises(errors.CatalogError, match="'won' of told is made by win"):
        flow.run(selection=chosen)
    flow.run()
    run = flow.run(selection=chosen)
    assert statuses(run) == {"told": "reused"}
    assert "lost was not made before" in run.notes[0]
    run = flow.run(selection=opening.Selection(from_nodes="win"), force=True)
    assert run["told"] == "you win"


def test_a_step_that_went_by_its_default_can_be_looked_into(flow):
    flow.write(COIN)
    flow.run("side=tails")
    replay = tane.open_project(flow.file).replay("told")
    assert replay.arguments == {"lost": "you lose"}
    assert replay.call() == "you lose"


def test_a_forced_fan_out_does_all_its_items(flow):
    flow.write(fan(items="[1, 1, 2]"))
    flow.run()
    run = flow.run(force=["one"])
    assert run.step("one").reasons == ("forced",)
    assert flow.items(run, 1) == ["succeeded"] * 3
    assert str(run.step("after").status) == "reused"


def test_a_run_with_items_is_resumed(flow):
    flow.conf("parameters.yml", "numbers: [1, 2, 3]\nbad: 2")
    text = """
        def one(number, bad):
            if number == bad{}: raise ValueError(number)
            return number * 2
        pipeline = Pipeline([node(one, ["params:numbers", "params:bad"], "one", over="params:numbers")])
    """
    flow.write(text.format(""))
    failed = flow.run()
    assert failed.status is RunStatus.FAILED
    flow.conf("parameters.yml", "numbers: [9]\nbad: 2")
    flow.write(text.format(" + 100"))
    run = flow.run(resume=failed.id)
    assert run["one"] == [2, 4, 6]


@pytest.mark.parametrize("executor", ["serial", "threads", "processes"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_items_that_were_done_before_the_end_are_not_done_again(flow, executor, number):
    flow.write(
        """
        import pathlib, time
        marks = pathlib.Path(__file__).parent / "marks"
        def numbers(): return list(range(8))
        def one(number):
            (marks / str(number)).touch()
            while number > 3 and not (marks / "go").exists():
                time.sleep(0.01)
            return number
        pipeline = Pipeline([numbers, node(one, "numbers", "one", over="numbers")])
        """,
        "flow.py",
    )
    marks = flow.folder / "marks"
    marks.mkdir()
    command = [sys.executable, "-m", "tane", "run", str(flow.file), "-j", "2", "--executor", executor]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(3000):
        if (marks / ("4" if executor == "serial" else "5")).exists():
            break
        time.sleep(0.01)
    time.sleep(0.3)  # what was done is on record within a moment
    running.send_signal(number)
    assert running.wait(60) in (130, -signal.SIGKILL)
    for mark in list(marks.iterdir()):
        mark.unlink()
    (marks / "go").touch()
    assert flow.run()["one"] == list(range(8))
    assert {path.name for path in marks.iterdir()} == {"go", "4", "5", "6", "7"}


# --- catalogued fan-outs


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("{type: json.JSONDataset, filepath: out.json}", [2, 4, 6]),
        ("{type: pickle.PickleDataset, filepath: out.pkl}", [2, 4, 6]),
        ("{type: yaml.YAMLDataset, filepath: out.yml}", [2, 4, 6]),
        ("{type: pickle.PickleDataset, filepath: out.pkl, keep: none}", [2, 4, 6]),
        ("{type: MemoryDataset}", [2, 4, 6]),
        ("{type: partitions.PartitionedDataset, path: out, dataset: json.JSONDataset, filename_suffix: .json}", None),
    ],
)
@pytest.mark.parametrize("options", [{}, {"jobs": 2}])
def test_a_fan_out_in_every_form(flow, entry, value, options):
    flow.conf("catalog.yml", f"one: {entry}")
    told = "sum(one) if isinstance(one, list) else sum(load() for load in one.values())"
    flow.write(fan(after=told))
    run = flow.run(**options)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert run["after"] == 12
    assert statuses(flow.run()) == {"numbers": "reused", "one": "reused", "after": "reused"}
    flow.write(fan(items="[1, 2, 4]", after=told))
    run = flow.run(**options)
    assert run["after"] == 14
    if "keep: none" not in entry and "Memory" not in entry:
        assert sorted(flow.items(run, 1)) == ["reused", "reused", "succeeded"]


def test_a_fan_out_as_a_table(flow):
    flow.conf("catalog.yml", "one: {type: pandas.CSVDataset, filepath: one.csv}")
    flow.write(fan(body="import pandas; return pandas.DataFrame({'n': [number]})", after="1"))
    error = str(flow.run().error)
    assert "output of node 'one' cannot be saved" in error or "output 'one' of node 'one' cannot be saved" in error
    assert "list" in error


def test_partitions_in_and_out(flow):
    flow.conf(
        "catalog.yml",
        """
        parts: {type: partitions.PartitionedDataset, path: parts, dataset: json.JSONDataset, filename_suffix: .json}
        made: {type: partitions.PartitionedDataset, path: made, dataset: json.JSONDataset, filename_suffix: .json}
    """,
    )
    (flow.folder / "parts").mkdir()
    for name, value in {"a": 1, "b": 2}.items():
        (flow.folder / f"parts/{name}.json").write_text(str(value))
    flow.write("""
        def twice(part): return 2 * part
        def told(made): return {name: load() for name, load in made.items()}
        pipeline = Pipeline([node(twice, "parts", "made", over="parts"), told])
    """)
    assert flow.run()["told"] == {"a": 2, "b": 4}
    (flow.folder / "parts/b.json").write_text("5")
    run = flow.run()
    assert run["told"] == {"a": 2, "b": 10}
    assert flow.items(run, 0) == ["reused", "succeeded"]
    assert json.loads((flow.folder / "made/b.json").read_text()) == 10
    (flow.folder / "parts/a.json").unlink()
    assert flow.run()["told"] == {"b": 10}
    assert sorted(path.name for path in (flow.folder / "made").iterdir()) == ["b.json"]


# --- metrics


@pytest.mark.parametrize("options", EVERYWHERE)
def test_a_reused_item_brings_its_metrics(flow, options):
    body = "tane.log_metric(f'm{number}', number); tane.log_metric('all', number); return number"
    flow.write(fan(body=body))
    assert flow.run(**options).metrics["all"].count == 3
    flow.write(fan(items="[2, 3, 4]", body=body))
    run = flow.run(**options)
    assert run.metrics.keys() == {"m2", "m3", "m4", "all"}
    assert (run.metrics["all"].min, run.metrics["all"].max, run.metrics["all"].count) == (2, 4, 3)
    again = flow.run(**options)
    assert again.metrics == run.metrics


# --- commands


def test_commands_show_such_runs_without_drowning_in_items(flow):
    flow.conf("parameters.yml", "go: false")
    flow.write(
        """
        def numbers(): return list(range(200))
        def one(number): return number
        def never(one): return 1
        def fails(number):
            if number % 2: raise ValueError(number)
            return number
        def tidy(): pass
        pipeline = Pipeline([
            numbers,
            node(one, "numbers", "one", over="numbers"),
            node(never, "one", "never", when="params:go"),
            node(fails, "numbers", "failing", over="numbers"),
            node(tidy, None, None, always=True),
        ])
        """,
        "flow.py",
    )
    ran = flow.tane("run", "flow.py", "--keep-going")
    assert ran.returncode == 1
    assert len((ran.stdout + ran.stderr).splitlines()) < 40, ran.stdout + ran.stderr
    assert "node 'fails[1]' failed: ValueError: 1 (and 99 more of 200 items)" in ran.stderr
    for command in (
        ["show", "last"],
        ["status", "flow.py"],
        ["graph", "flow.py"],
        ["runs"],
        ["log"],
        ["plan", "flow.py"],
        ["show", "flow.py"],
        ["log", "one"],
        ["show", "--lineage", "one"],
    ):
        told = flow.tane(*command, *([] if "flow.py" in command else ["-C", "flow.py"]))
        assert told.returncode == 0, (command, told.stdout + told.stderr)
        assert len(told.stdout.splitlines()) < 60, command
    for command in (["show", "last"], ["status", "flow.py"], ["graph", "flow.py"], ["runs"], ["plan", "flow.py"]):
        told = flow.tane(*command, "--json", *([] if "flow.py" in command else ["-C", "flow.py"]))
        assert told.returncode == 0, (command, told.stdout + told.stderr)
        json.loads(told.stdout)
    shown = json.loads(flow.tane("show", "last", "--json", "-C", "flow.py").stdout)
    assert [step["node"] for step in shown["steps"]] == ["numbers", "fails", "one", "never", "tidy"]
