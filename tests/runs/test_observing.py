from __future__ import annotations

from tane import events
from tane.outcomes import Reason, RunStatus, StepStatus, Why
from tane.project import plugins
from tane.runs import observing

STARTED = events.RunStarted("r1", "training", 2)
STEP = events.StepStarted("r1", "fit", 0, [Reason(Why.FIRST_RUN)])
LOADING = events.DatasetMoved("r1", "loading", "table", "json.JSONDataset", "table.json", "fit")
LOADED = events.DatasetMoved("r1", "loaded", "table", "json.JSONDataset", "table.json", "fit", 0.1, "abc", 12)
SAVING = events.DatasetMoved("r1", "saving", "model", "memory", "memory", "fit")
SAVED = events.DatasetMoved("r1", "saved", "model", "memory", "memory", "fit")
DONE = events.StepEnded("r1", "fit", 0, StepStatus.SUCCEEDED, 0.5, outputs={"model": "def"})
FAILED = events.StepEnded("r1", "fit", 0, StepStatus.FAILED, 0.5, "it broke", "Traceback ...")
ENDED = events.RunEnded("r1", RunStatus.SUCCEEDED, {StepStatus.SUCCEEDED: 1}, 2.0)
BROKEN = events.RunEnded("r1", RunStatus.FAILED, {StepStatus.FAILED: 1}, 2.0, "it broke")
ALL = (STARTED, STEP, LOADING, LOADED, SAVING, SAVED, DONE, ENDED)


class Recording:
    """Has every method, and notes each call."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        if name not in plugins.METHODS:
            raise AttributeError(name)
        return lambda event: self.calls.append((name, event))

    def names(self):
        return [name for name, _ in self.calls]


def watched(*targets, told=(), seen=ALL):
    said = []
    hooks = [plugins.Hook(type(target).__name__, target, "") for target in targets]
    observer = observing.Observer(hooks, said.append)
    for event in seen:
        observer(event)
    return said


def test_each_event_has_its_method():
    hook = Recording()
    watched(hook)
    assert hook.names() == [
        "before_run",
        "before_step",
        "before_load",
        "after_load",
        "before_save",
        "after_save",
        "after_step",
        "after_run",
    ]
    assert hook.calls[3][1] == LOADED


def test_what_failed_is_told_for_the_step_and_for_the_run():
    hook = Recording()
    watched(hook, seen=(STARTED, STEP, FAILED, BROKEN))
    assert hook.names() == ["before_run", "before_step", "on_error", "after_step", "on_error", "after_run"]
    of_step, of_run = (event for name, event in hook.calls if name == "on_error")
    assert of_step == events.Failed("r1", "training", "fit", "it broke", "Traceback ...", 0.5)
    assert of_run == events.Failed("r1", "training", "", "it broke", "Traceback ...", 2.0)


def test_after_run_knows_the_pipeline():
    hook = Recording()
    watched(hook)
    assert hook.calls[-1][1].pipeline == "training"


def test_hooks_are_called_in_their_order():
    order = []

    class First:
        def after_step(self, event):
            order.append("first")

    class Second:
        def after_step(self, event):
            order.append("second")

    watched(First(), Second())
    assert order == ["first", "second"]


def test_a_hook_that_fails_is_told_once_at_the_end_and_goes_on():
    class Faulty:
        def __init__(self):
            self.called = 0

        def after_step(self, event):
            self.called += 1
            raise ValueError(f"number {self.called}")

        def after_run(self, event):
            raise SystemExit(3)

    faulty, after = Faulty(), Recording()
    said = watched(faulty, after, seen=(STARTED, DONE, DONE, ENDED))
    assert faulty.called == 2
    assert after.names() == ["before_run", "after_step", "after_step", "after_run"]
    assert len(said) == 2
    assert "the hook Faulty failed in after_step() 2 times, first: ValueError: number 1" in said[0]
    assert f"{__file__}:" in said[0]
    assert "in after_run(): SystemExit: 3" in said[1]


def test_records_cannot_be_changed():
    class Meddling:
        def before_step(self, event):
            event.reasons.append("mine")

        def after_step(self, event):
            event.outputs["model"] = "mine"

        def after_run(self, event):
            event.counts[StepStatus.FAILED] = 3

        def before_load(self, event):
            event.name = "other"

    assert len(watched(Meddling())) == 4
    assert (DONE.outputs, ENDED.counts) == ({"model": "def"}, {StepStatus.SUCCEEDED: 1})
    assert STEP.reasons == [Reason(Why.FIRST_RUN)]
