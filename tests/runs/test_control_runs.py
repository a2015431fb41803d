"""Order, conditions, fan-out, chunks, forms, retries and time-outs in recorded runs of one-file projects."""

from __future__ import annotations

import itertools
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

import tane
from tane import errors
from tane.executors import calls
from tane.ledger import connection, read
from tane.outcomes import RunStatus
from tane.project import projects
from tane.runs import preview, running

_numbers = itertools.count()


class Flow:
    """A one-file project in a folder, run in this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder

    def write(self, text: str) -> None:
        """Write the code; each time to another module, for this process imports each only once."""
        self.file = self.folder / f"flow_{next(_numbers)}.py"
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
        return {step.node: step.action for step in preview.preview(self.open(*overrides)).steps}


@pytest.fixture
def flow(tmp_path: Path) -> Flow:
    made = Flow(tmp_path)
    made.conf("parameters.yml", f"folder: {tmp_path}")
    return made


def statuses(run):
    return {step.node: str(step.status) for step in run.steps}


COIN = """
def coin(side: str = "heads"):
    return side

def heads(coin):
    return "H"

def tails(coin):
    return "T"

def told(h=None, t=None):
    return [h, t]

pipeline = Pipeline([
    coin,
    node(heads, "coin", "h", when={"coin": "heads"}),
    node(tails, "coin", "t", when={"coin": "tails"}),
    node(told, ["h", "t"], "told"),
    node(len, "t", "length"),
])
"""


# --- conditions


def test_a_condition_chooses_a_branch_and_what_needs_the_other_is_skipped(flow):
    flow.write(COIN)
    run = flow.run()
    assert run["told"] == ["H", None]
    found = {"coin": "succeeded", "heads": "succeeded", "tails": "skipped", "told": "succeeded", "len": "skipped"}
    assert statuses(run) == found
    assert run.step("tails").error == "when coin is 'tails' does not hold"
    assert run.step("len").error == "t was skipped"
    assert run.status is RunStatus.SUCCEEDED


def test_each_branch_is_kept_for_when_it_is_chosen_again(flow):
    flow.write(COIN)
    flow.run()
    assert flow.run("side=tails")["told"] == [None, "T"]
    again = flow.run()
    assert statuses(again)["heads"] == "reused"
    assert again["told"] == ["H", None]


def test_a_plan_knows_what_a_condition_will_skip(flow):
    flow.write(COIN)
    assert flow.plan() == {"coin": "run", "heads": "wait", "tails": "wait", "told": "wait", "len": "wait"}
    flow.run()
    assert flow.plan() == {"coin": "reuse", "heads": "reuse", "tails": "skip", "told": "reuse", "len": "skip"}


def test_a_condition_that_raises_fails_its_step(flow):
    flow.write("""
        def one(): return 1
        pipeline = Pipeline([one, node(len, "one", "x", when=lambda one: one.missing)])
    """)
    run = flow.run()
    assert statuses(run) == {"one": "succeeded", "len": "failed"}
    assert "no attribute 'missing'" in str(run.error)


def test_a_missing_parameter_of_a_condition_is_told_before_anything_runs(flow):
    flow.conf("parameters.yml", "train: true")
    flow.write("""
        def one(): return 1
        pipeline = Pipeline([node(one, None, "x", when="params:trian")])
    """)
    with pytest.raises(errors.ConfigError, match="trian") as error:
        flow.run()
    assert "train" in error.value.faults[0].hint


def test_a_condition_on_a_value_that_was_not_kept_makes_it_again(flow):
    flow.conf("catalog.yml", "flag: {type: MemoryDataset}")
    flow.write("""
        def flag(): return True
        def done(): return 1
        pipeline = Pipeline([flag, node(done, None, "x", when="flag")])
    """)
    flow.run()
    again = flow.run()
    assert statuses(again) == {"flag": "succeeded", "done": "reused"}


# --- order


ORDER = """
from pathlib import Path

def write(folder: str):
    Path(folder, "order").write_text("w")

def read(folder: str):
    return Path(folder, "order").read_text()

pipeline = Pipeline([
    node(read, "params:folder", "order", name="a_read", after="z_write"),
    node(write, "params:folder", None, name="z_write"),
])
"""


def test_after_waits_for_what_makes_nothing(flow):
    flow.write(ORDER)
    assert flow.run()["order"] == "w"


def test_what_comes_after_a_failure_is_skipped(flow, tmp_path):
    flow.write(ORDER)
    flow.conf("parameters.yml", f"folder: {tmp_path / 'nowhere'}")
    run = flow.run(keep_going=True)
    assert statuses(run) == {"z_write": "failed", "a_read": "skipped"}
    assert run.step("a_read").error == "z_write did not succeed"


def test_a_misspelt_order_is_told_before_anything_runs(flow):
    flow.write(ORDER.replace('after="z_write"', 'after="z_wirte"'))
    with pytest.raises(errors.ConfigError, match="z_wirte") as error:
        flow.run()
    assert error.value.faults[0].hint == "did you mean 'z_write'?"


def test_always_runs_after_a_failure_too_and_every_time(flow):
    flow.write("""
        def fails(): raise ValueError("no")
        def needs(x): return x
        def tidy(folder: str):
            with open(folder + "/tidy", "a") as file: file.write("t")
        pipeline = Pipeline([
            node(fails, None, "x"), node(needs, "x", "y"), node(tidy, "params:folder", None, always=True)
        ])
    """)
    for _ in range(2):
        run = flow.run()
        assert statuses(run) == {"fails": "failed", "needs": "skipped", "tidy": "succeeded"}
        assert run.status is RunStatus.FAILED
    assert (flow.folder / "tidy").read_text() == "tt"


# --- fan-out


FAN = """
from pathlib import Path

def names():
    return ["a", "bb", "ccc"]

def length(item, folder: str):
    with open(folder + "/seen", "a") as file:
        file.write(item + " ")
    if item.startswith("x"):
        raise ValueError(f"no {item}")
    return len(item)

def total(lengths):
    return sum(lengths)

pipeline = Pipeline([names, node(length, ["names", "params:folder"], "lengths", over="names"), total])
"""


def seen(flow):
    file = flow.folder / "seen"
    words = file.read_text().split() if file.exists() else []
    file.unlink(missing_ok=True)
    return words


@pytest.mark.parametrize("options", [{}, {"jobs": 2}, {"jobs": 2, "executor": "threads"}])
def test_items_in_order_whoever_does_them(flow, options):
    flow.write(FAN)
    run = flow.run(**options)
    assert run["lengths"] == [1, 2, 3]
    assert run["total"] == 6
    assert sorted(seen(flow)) == ["a", "bb", "ccc"]


def test_only_new_items_are_done(flow):
    flow.write(FAN)
    flow.run()
    seen(flow)
    flow.write(FAN.replace('["a", "bb", "ccc"]', '["bb", "dddd", "a"]'))
    run = flow.run()
    assert run["lengths"] == [2, 4, 1]
    assert seen(flow) == ["dddd"]


def test_a_failing_item_fails_the_step_after_the_others_are_done(flow):
    flow.write(FAN.replace('["a", "bb", "ccc"]', '["x", "bb", "xy", "a"]'))
    run = flow.run()
    assert seen(flow) == ["x", "bb", "xy", "a"]
    assert "length[0]" in str(run.error) and "1 more of 4 items" in str(run.error)
    assert statuses(run) == {"names": "succeeded", "length": "failed", "total": "skipped"}
    flow.write(FAN.replace('["a", "bb", "ccc"]', '["bb", "a"]'))
    assert flow.run()["lengths"] == [2, 1]
    assert seen(flow) == []


def test_items_of_a_dict_keep_their_keys(flow):
    flow.write("""
        def areas(): return {"north": 1, "south": 2}
        def twice(x): return 2 * x
        pipeline = Pipeline([areas, node(twice, "areas", "twice", over="areas"), node(len, "twice", "count")])
    """)
    run = flow.run()
    assert run["twice"] == {"north": 2, "south": 4}
    assert run["count"] == 2


def test_lanes_go_in_lockstep(flow):
    flow.write("""
        def xs(): return [1, 2, 3]
        def ys(n: int = 3): return list(range(n))
        def add(x, y): return x + y
        pipeline = Pipeline([xs, ys, node(add, ["xs", "ys"], "sums", over=["xs", "ys"])])
    """)
    assert flow.run()["sums"] == [1, 3, 5]
    run = flow.run("n=2")
    assert "3 items and 2 items" in str(run.error)


def test_a_parameter_can_be_fanned_out_over(flow):
    flow.conf("parameters.yml", "depths: [1, 2]")
    flow.write("""
        def fit(depth): return {"depth": depth}
        pipeline = Pipeline([node(fit, "params:depths", "models", over="params:depths")])
    """)
    assert flow.run()["models"] == [{"depth": 1}, {"depth": 2}]
    run = flow.run("depths=[2,3]")
    assert run["models"] == [{"depth": 2}, {"depth": 3}]
    with_items = connection.open_ledger(flow.open().ledger)
    items = read.items(with_items, run.id, 0)
    with_items.close()
    assert [str(item.status) for item in items] == ["reused", "succeeded"]


def test_a_chain_of_mapped_nodes_reads_only_the_items_it_does(flow):
    flow.write("""
        def names(): return ["a", "bb"]
        def up(name): return name.upper()
        def twice(name): return name * 2
        pipeline = Pipeline([names]) + Pipeline([
            node(up, "names", "upper"), node(twice, "upper", "doubled")
        ]).map("names")
    """)
    assert flow.run()["doubled"] == ["AA", "BBBB"]
    flow.write(flow.file.read_text().replace('"bb"', '"c"'))
    run = flow.run()
    assert run["doubled"] == ["AA", "CC"]


def test_nothing_to_fan_out_over_gives_an_empty_list(flow):
    flow.write(FAN.replace('["a", "bb", "ccc"]', "[]"))
    run = flow.run()
    assert run["lengths"] == []
    assert run["total"] == 0


def test_what_has_no_items_is_told(flow):
    flow.write(FAN.replace('["a", "bb", "ccc"]', "7"))
    assert "fanned out over 'names', which is a int" in str(flow.run().error)


def test_metrics_of_items_stay_when_the_step_is_reused(flow):
    flow.write("""
        def names(): return ["a", "bb"]
        def length(item): tane.log_metric("length", len(item)); return len(item)
        pipeline = Pipeline([names, node(length, "names", "lengths", over="names")])
    """)
    first = flow.run()
    again = flow.run()
    assert statuses(again) == {"names": "reused", "length": "reused"}
    assert again.metrics.keys() == first.metrics.keys() == {"length"}


# --- chunks


def test_a_generator_makes_a_list_of_its_chunks(flow):
    flow.write("""
        def pieces():
            for n in range(3):
                yield [n] * n
        pipeline = Pipeline([pieces, node(len, "pieces", "count")])
    """)
    run = flow.run()
    assert run["pieces"] == [[], [1], [2, 2]]
    assert statuses(flow.run()) == {"pieces": "reused", "len": "reused"}


def test_chunks_are_written_one_by_one(flow):
    flow.conf("catalog.yml", "table: {type: pandas.CSVDataset, filepath: table.csv}")
    flow.write("""
        import pandas
        def table():
            for n in range(3):
                yield pandas.DataFrame({"n": [n, n]})
        pipeline = Pipeline([table])
    """)
    assert flow.run().status is RunStatus.SUCCEEDED
    assert (flow.folder / "table.csv").read_text().split() == ["n", "0", "0", "1", "1", "2", "2"]


def test_a_generator_of_several_outputs(flow):
    flow.write("""
        def halves():
            for n in range(3):
                yield n, -n
        pipeline = Pipeline([node(halves, None, ["up", "down"])])
    """)
    run = flow.run()
    assert (run["up"], run["down"]) == ([0, 1, 2], [0, -1, -2])


def test_a_failure_between_chunks_leaves_nothing_behind(flow):
    flow.conf("catalog.yml", "table: {type: pandas.CSVDataset, filepath: table.csv}")
    flow.write("""
        import pandas
        def table():
            yield pandas.DataFrame({"n": [1]})
            raise ValueError("half way")
        pipeline = Pipeline([table])
    """)
    run = flow.run()
    assert "half way" in str(run.error) and flow.file.name in str(run.error)
    assert not (flow.folder / "table.csv").exists()


def test_a_type_that_cannot_take_chunks_is_told_before_anything_runs(flow):
    flow.conf("catalog.yml", "table: {type: json.JSONDataset, filepath: table.json}")
    flow.write("""
        def table():
            yield 1
        pipeline = Pipeline([table])
    """)
    with pytest.raises(errors.ConfigError, match="chunk by chunk"):
        flow.run()


# --- forms


def test_one_file_in_two_forms(flow):
    flow.conf(
        "catalog.yml",
        """
        cars@pandas: {type: pandas.CSVDataset, filepath: cars.csv}
        cars@text: {type: text.TextDataset, filepath: cars.csv}
    """,
    )
    flow.write("""
        import pandas
        def make(): return pandas.DataFrame({"n": [1, 2]})
        pipeline = Pipeline([node(make, None, "cars@pandas"), node(len, "cars@text", "size")])
    """)
    assert flow.run()["size"] == len("n\n1\n2\n")
    assert statuses(flow.run()) == {"make": "reused", "len": "reused"}


def test_a_form_without_a_file_is_told(flow):
    flow.write("""
        def make(): return 1
        pipeline = Pipeline([node(make, None, "cars@pandas")])
    """)
    with pytest.raises(errors.ConfigError, match="cars@pandas"):
        flow.run()


# --- retries and time-outs


FLAKY = """
from pathlib import Path

class Flaky(OSError): pass

def flaky(folder: str, good: int = 3):
    file = Path(folder) / "attempts"
    count = len(file.read_text()) + 1 if file.exists() else 1
    file.write_text("x" * count)
    if count < good:
        raise Flaky(f"attempt {count}")
    return count

pipeline = Pipeline([node(flaky, ["params:folder", "params:good"], "x", %s)])
"""


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_step_is_tried_again(flow, jobs):
    flow.write(FLAKY % "retries={'times': 3, 'delay': 0.01}")
    flow.conf("parameters.yml", f"folder: {flow.folder}\ngood: 3")
    run = flow.run(jobs=jobs)
    assert run["x"] == 3
    assert run.step("flaky").attempts == 3
    assert any("attempt 2 of 4" in note for note in run.notes)


def test_attempts_end(flow):
    flow.write(FLAKY % "retries={'times': 1, 'delay': 0.01}")
    flow.conf("parameters.yml", f"folder: {flow.folder}\ngood: 9")
    run = flow.run()
    assert "attempt 2" in str(run.error)
    assert run.step("flaky").attempts == 2


@pytest.mark.parametrize(("on", "tried"), [("OSError", 2), ("ValueError", 1), ("builtins.OSError", 2)])
def test_only_some_errors_are_worth_another_attempt(flow, on, tried):
    flow.write(FLAKY % f"retries={{'times': 1, 'delay': 0.01, 'on': ['{on}']}}")
    flow.conf("parameters.yml", f"folder: {flow.folder}\ngood: 9")
    assert flow.run().step("flaky").attempts == tried


def test_run_yml_gives_retries_without_touching_code(flow):
    flow.write(FLAKY % "")
    flow.conf("parameters.yml", f"folder: {flow.folder}\ngood: 2")
    flow.conf("run.yml", "nodes: {flaky: {retries: {times: 1, delay: 0.01}}}")
    assert flow.run()["x"] == 2


SLOW = """
import time

def slow():
    time.sleep(60)

def quick():
    return 1

pipeline = Pipeline([node(slow, None, "x"%s), quick])
"""


def test_a_step_that_takes_too_long_is_stopped(flow):
    flow.write(SLOW % ", timeout=0.5")
    run = flow.run(keep_going=True)
    assert isinstance(run.error, calls.TimedOut)
    assert "stopped after 0.5 s" in str(run.error)
    assert statuses(run) == {"slow": "failed", "quick": "succeeded"}


def test_run_yml_gives_timeouts_by_tag(flow):
    flow.write((SLOW % "").replace('"x")', '"x", tags="long")'))
    flow.conf("run.yml", "nodes: {'tag:long': {timeout: 500ms}}")
    assert isinstance(flow.run().error, calls.TimedOut)


def test_a_timeout_can_be_tried_again(flow):
    flow.write(SLOW % ", timeout=0.3, retries={'times': 1, 'delay': 0, 'on': ['TimeoutError']}")
    assert flow.run(keep_going=True).step("slow").attempts == 2


def test_a_resource_lets_one_at_a_time_in(flow):
    flow.conf("run.yml", "executor: threads\njobs: 4\nresources: {gpu: 1}")
    flow.write("""
        import threading, time
        working, most = [0], [0]
        lock = threading.Lock()
        def busy():
            with lock:
                working[0] += 1
                most[0] = max(most[0], working[0])
            time.sleep(0.05)
            with lock:
                working[0] -= 1
            return most[0]
        pipeline = Pipeline([
            node(busy, None, f"x{n}", name=f"n{n}", resources={"gpu": 1}, cache=False) for n in range(4)
        ])
    """)
    run = flow.run()
    assert [run[f"x{n}"] for n in range(4)] == [1, 1, 1, 1]


# --- settings


def test_a_class_with_settings_from_yaml(flow):
    flow.conf("parameters.yml", "trainer: {depth: 3}")
    flow.write("""
        from dataclasses import dataclass
        @dataclass
        class Trainer:
            depth: int = 1
            rate: float = 0.5
            def __call__(self, data): return data * self.depth * self.rate
        def data(): return 4
        pipeline = Pipeline([data, node(Trainer, "data", "model", settings="params:trainer")])
    """)
    assert flow.run()["model"] == 6.0
    assert flow.run("trainer.depth=5")["model"] == 10.0
    with pytest.raises(errors.ConfigError, match="depth"):
        flow.run("trainer.depth=deep")


# --- looking into failures


def test_a_failed_step_can_be_done_again_on_its_inputs(flow):
    flow.conf("catalog.yml", "'{any}': {type: MemoryDataset}")
    flow.write("""
        def data(): return [1, 0]
        def divide(data): return data[0] / data[1]
        pipeline = Pipeline([data, divide])
    """)
    run = flow.run()
    replay = tane_project(flow).replay()
    assert (replay.run, replay.step, replay.arguments) == (run.id, "divide", {"data": [1, 0]})
    with pytest.raises(ZeroDivisionError):
        replay.call()


def test_a_failed_item_can_be_done_again(flow):
    flow.write(FAN.replace('["a", "bb", "ccc"]', '["bb", "x"]'))
    flow.run()
    replay = tane_project(flow).replay()
    assert (replay.step, replay.arguments) == ("length[1]", {"item": "x", "folder": str(flow.folder)})


def test_an_item_that_succeeded_is_looked_into_as_one(flow):
    flow.write(FAN)
    flow.run()
    assert tane_project(flow).replay("length[1]").arguments["item"] == "bb"
    assert tane_project(flow).replay("length").call() == 1


def test_a_step_that_succeeded_can_be_looked_into_too(flow):
    flow.write(FAN)
    flow.run()
    replay = tane_project(flow).replay("total")
    assert replay.call() == 6
    with pytest.raises(errors.UsageError, match="totl"):
        tane_project(flow).replay("totl")


def tane_project(flow):
    return tane.open_project(flow.file)


# --- datasets in parts


PARTS = """
def count(parts):
    return {name: len(text) for name, text in parts.items()}

pipeline = Pipeline([node(count, "parts", "counts", %s)])
"""


def test_an_incremental_dataset_gives_what_is_not_yet_confirmed(flow):
    flow.conf("catalog.yml", "parts: {type: partitions.IncrementalDataset, path: parts, dataset: text.TextDataset}")
    flow.write(PARTS % "confirms='parts'")
    (flow.folder / "parts").mkdir()
    (flow.folder / "parts" / "a").write_text("1")
    (flow.folder / "parts" / "b").write_text("22")
    assert flow.run()["counts"] == {"a": 1, "b": 2}
    (flow.folder / "parts" / "c").write_text("333")
    assert flow.run()["counts"] == {"c": 3}


def test_what_fails_confirms_nothing(flow):
    flow.conf("catalog.yml", "parts: {type: partitions.IncrementalDataset, path: parts, dataset: text.TextDataset}")
    flow.write(
        (PARTS % "confirms='parts'").replace("return {", "raise ValueError({").replace("}\n\npipe", "})\n\npipe")
    )
    (flow.folder / "parts").mkdir()
    (flow.folder / "parts" / "a").write_text("1")
    assert flow.run().status is RunStatus.FAILED
    flow.write(PARTS % "confirms='parts'")
    assert flow.run()["counts"] == {"a": 1}


def test_only_what_keeps_count_can_be_confirmed(flow):
    flow.conf("catalog.yml", "parts: {type: partitions.PartitionedDataset, path: parts, dataset: text.TextDataset}")
    flow.write(PARTS % "confirms='parts'")
    (flow.folder / "parts").mkdir()
    (flow.folder / "parts" / "a").write_text("1")
    with pytest.raises(errors.ConfigError, match="confirms='parts'"):
        flow.run()


def test_partitions_are_done_one_by_one_and_only_when_new(flow):
    flow.conf(
        "catalog.yml",
        """
        parts: {type: partitions.PartitionedDataset, path: parts, dataset: text.TextDataset}
        upper: {type: partitions.PartitionedDataset, path: upper, dataset: text.TextDataset}
    """,
    )
    flow.write("""
        def up(part, folder: str):
            with open(folder + "/seen", "a") as file: file.write(part + " ")
            return part.upper()
        pipeline = Pipeline([node(up, ["parts", "params:folder"], "upper", over="parts")])
    """)
    (flow.folder / "parts").mkdir()
    for name in "ab":
        (flow.folder / "parts" / name).write_text(name)
    assert flow.run().status is RunStatus.SUCCEEDED
    assert {path.name: path.read_text() for path in (flow.folder / "upper").iterdir()} == {"a": "A", "b": "B"}
    assert seen(flow) == ["a", "b"]
    (flow.folder / "parts" / "c").write_text("c")
    assert flow.run(jobs=2).status is RunStatus.SUCCEEDED
    assert seen(flow) == ["c"]
    assert sorted(path.name for path in (flow.folder / "upper").iterdir()) == ["a", "b", "c"]


# --- names that nothing defines


def test_a_forgotten_import_is_told_before_anything_runs(flow):
    flow.write("""
        def search(space): return gp_minimize(space)
        def space():
            import json
            class Local:
                one = 1
                two = one
            global later
            later = [json for json in [1]]
            return len(later)
        pipeline = Pipeline([space, search])
    """)
    notices = preview.preview(flow.open()).notices
    assert [notice for notice in notices if "nothing defines" in notice] == [
        f"helper search() in {flow.file.name} uses the name 'gp_minimize', which nothing defines: is an import missing?"
    ]


def test_a_fanned_out_parameter_is_checked_item_by_item(flow):
    flow.conf("parameters.yml", "depths: [1, 2]")
    flow.write("""
        def fit(depth: int): return depth
        pipeline = Pipeline([node(fit, "params:depths", "fits", over="params:depths")])
    """)
    assert flow.run()["fits"] == [1, 2]
    with pytest.raises(errors.ConfigError, match="depths"):
        flow.run("depths=[1,deep]")


@dataclass
class Model:
    depth: int = 1


def depth_of(model: Model):
    return model.depth


def test_parameters_are_checked_and_converted_in_memory_too():
    pipeline = tane.Pipeline([tane.node(depth_of, "params:model", "depth")])
    assert tane.run(pipeline, params={"model": {"depth": 3}})["depth"] == 3
    with pytest.raises(errors.ConfigError, match="depth"):
        tane.run(pipeline, params={"model": {"depth": "deep"}})
