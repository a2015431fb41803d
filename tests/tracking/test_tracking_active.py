"""Which run a call belongs to: nested runs, threads, tasks, nodes."""

import asyncio
import contextvars
import threading

import pytest

import tane
from tane import errors
from tane.tracking import current


def last(run, name):
    return tane.get_run(run.id).metrics[name].last


def test_a_run_inside_of_another_is_nested_in_it_and_the_outer_one_goes_on(here):
    with tane.start_run("outer", experiment="e", group="g") as outer:
        with tane.start_run("inner") as inner:
            tane.log_metric("x", 1)
        tane.log_metric("x", 2)
    assert (last(inner, "x"), last(outer, "x")) == (1, 2)
    found = tane.get_run(inner.id)
    assert (found.parent, found.record.experiment, found.record.group) == (outer.id, "e", "g")
    assert tane.get_run(outer.id).children == [inner.id]


def test_beside_a_run_is_not_nested(here):
    with tane.start_run("one") as one, tane.start_run("two", nested=False) as two:
        tane.log_metric("x", 2)
    assert tane.get_run(two.id).parent == "" and not one.metrics


def test_runs_that_end_out_of_order_leave_the_right_one_active(here):
    outer = tane.start_run("outer")
    inner = tane.start_run("inner")
    outer.end()
    tane.log_metric("x", 1)
    inner.end()
    assert current.active() is None
    assert last(inner, "x") == 1 and not outer.metrics


def test_each_thread_has_its_own_line_of_runs_below_that_of_the_main_one(here):
    met = threading.Barrier(2)
    runs = {}

    def work(name):
        with tane.start_run(name) as run:
            met.wait()
            tane.log_param("mine", name)
            met.wait()
            runs[name] = run

    with tane.start_run("main") as main:
        threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        tane.log_param("mine", "main")
    assert {name: tane.get_run(run.id).params for name, run in runs.items()} == {"a": {"mine": "a"}, "b": {"mine": "b"}}
    assert {tane.get_run(run.id).parent for run in runs.values()} == {main.id}
    assert main.params == {"mine": "main"}


def test_each_task_of_asyncio_has_its_own_run(here):
    async def work(name):
        with tane.start_run(name, nested=False) as run:
            await asyncio.sleep(0)
            tane.log_param("mine", name)
            await asyncio.sleep(0)
        return run

    async def both():
        return await asyncio.gather(work("a"), work("b"))

    assert [run.params for run in asyncio.run(both())] == [{"mine": "a"}, {"mine": "b"}]


def test_a_run_is_active_in_the_next_cell_of_a_notebook_too(here):
    run = contextvars.Context().run(tane.start_run, "cells")  # each cell may come in a context of its own
    contextvars.Context().run(tane.log_metric, "x", 1)
    contextvars.Context().run(run.end)
    assert last(run, "x") == 1 and current.active() is None


def test_a_thread_that_could_mean_several_runs_is_told_to_name_one(here, caplog):
    ready, done = threading.Barrier(3), threading.Event()

    def work():
        with tane.start_run("x", nested=False):
            ready.wait()
            done.wait()

    threads = [threading.Thread(target=work) for _ in range(2)]
    [thread.start() for thread in threads]
    ready.wait()
    tane.log_metric("x", 1)
    done.set()
    [thread.join() for thread in threads]
    assert "several runs are open" in caplog.text


def test_methods_of_a_run_log_to_it_wherever_they_are_called(here):
    with tane.start_run("outer") as outer, tane.start_run("inner"):
        outer.log_metric("x", 5)
        outer.note = "# of the outer"
    assert last(outer, "x") == 5 and tane.get_run(outer.id).note == "# of the outer"


def test_a_run_that_has_ended_takes_nothing_more(here):
    with tane.start_run() as run:
        pass
    with pytest.raises(errors.UsageError, match="has ended"):
        run.log_metric("x", 1)


def nested_in_node(a: int = 1) -> int:
    tane.log_metric("before", 1)
    with tane.start_run("inside") as run:
        tane.log_metric("inside", a)
        worker = threading.Thread(target=tane.log_metric, args=("thread", 3))
        worker.start()
        worker.join()
    tane.log_metric("after", 2)
    tane.set_tag("nested", run.id)
    return a


FLOW = """
import threading
import tane

{source}

pipeline = tane.Pipeline([nested_in_node])
"""


@pytest.mark.parametrize("executor", ["serial", "threads", "processes"])
def test_inside_of_a_node_a_run_is_nested_in_that_of_the_pipeline(here, executor):
    import inspect

    (here / "flow.py").write_text(FLOW.format(source=inspect.getsource(nested_in_node)))
    run = tane.open_project("flow.py").run(executor=executor, jobs=1)
    run.raise_for_status()
    found = tane.get_run(run.id, path="flow.py")
    inside = tane.get_run(found.tags["nested"], path="flow.py")
    assert inside.parent == run.id
    assert set(inside.metrics) == {"inside", "thread"}
    assert set(found.metrics) == {"before", "after"}


def test_a_pipeline_in_memory_is_no_parent_of_a_run_that_is_recorded(here):
    def node() -> int:
        with tane.start_run("kept") as run:
            tane.log_metric("x", 1)
        assert tane.get_run(run.id).parent == ""
        return 1

    tane.run([tane.node(node, None, "x")])
    assert tane.get_run("kept").metrics["x"].last == 1
