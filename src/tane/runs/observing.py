"""Calls the methods of hooks as a run goes on. An observer of the run's events, made by `running`.

Promises that a hook cannot change the run: it gets records that cannot be changed, and what it raises is kept until the
end, told once for each hook and method, and otherwise forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any

from tane import events, fielded
from tane.outcomes import RunStatus, StepStatus
from tane.project import plugins, tracebacks

_OF_VERBS = {
    "loading": "before_load",
    "loaded": "after_load",
    "saving": "before_save",
    "saved": "after_save",
    "restored": "after_save",
    "replaced": "after_save",
}


class Observer:
    """Passes the events of one run to hooks, in the order of the hooks.

    `tell_fault` gets a warning for each hook and method that failed, when the run has ended.
    """

    def __init__(self, hooks: Sequence[plugins.Hook], tell_fault: Callable[[str], None]) -> None:
        self._tell_fault = tell_fault
        self._methods = {
            name: [(hook, getattr(hook.target, name)) for hook in hooks if hasattr(hook.target, name)]
            for name in plugins.METHODS
        }
        self._faults: dict[tuple[str, str], tuple[str, int]] = {}
        self._pipeline = ""
        self._traceback = ""

    def __call__(self, event: events.Event) -> None:
        """Call what the event calls for."""
        match event:
            case events.RunStarted():
                self._pipeline = event.pipeline
                self._call("before_run", event)
            case events.StepStarted():
                self._call("before_step", fielded.replace(event, reasons=tuple(event.reasons)))
            case events.DatasetMoved():
                method = _OF_VERBS.get(event.verb)
                if method is not None:
                    self._call(method, event)
            case events.StepEnded():
                self._step_ended(event)
            case events.RunEnded():
                self._run_ended(event)

    def _step_ended(self, event: events.StepEnded) -> None:
        if event.status is StepStatus.FAILED:
            self._traceback = self._traceback or event.traceback
            failed = events.Failed(event.run, self._pipeline, event.node, event.error, event.traceback, event.seconds)
            self._call("on_error", failed)
        self._call("after_step", fielded.replace(event, outputs=MappingProxyType(dict(event.outputs))))

    def _run_ended(self, event: events.RunEnded) -> None:
        if event.status is RunStatus.FAILED:
            failed = events.Failed(event.run, self._pipeline, "", event.error, self._traceback, event.seconds)
            self._call("on_error", failed)
        ended = fielded.replace(
            event, counts=MappingProxyType(dict(event.counts)), pipeline=event.pipeline or self._pipeline
        )
        self._call("after_run", ended)
        for (hook, method), (first, count) in self._faults.items():
            times = f" {count} times, first" if count > 1 else ""
            self._tell_fault(f"the hook {hook} failed in {method}(){times}: {first}; the run itself is as it would be")
        self._faults.clear()

    def _call(self, name: str, event: Any) -> None:
        for hook, method in self._methods[name]:
            try:
                method(event)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # sys.exit() in a hook is no reason to end the run
                known = self._faults.get((hook.name, name))
                first, count = known or (_shown(error), 0)
                self._faults[hook.name, name] = (first, count + 1)


def _shown(error: BaseException) -> str:
    shown = tracebacks.show(error)
    return f"{shown.line} ({shown.where})" if shown.where else shown.line
