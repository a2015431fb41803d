"""What a run stands on and others may change while it goes: files of code, files of commands, the working folder."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable

from tane import errors, fielded
from tane.plan import scripts, steps
from tane.project import loaded
from tane.runs import jobs, keying, work


class Surroundings:
    """What one run found when it began."""

    def __init__(self, keys: keying.Keys, rests: scripts.Rests) -> None:
        self._keys = keys
        self._rests = rests
        self._folder = work.folder()
        self._imports = loaded.News(sys.modules)
        self._changed = ""  # a file of code that was changed after this run had read it, and imported after that

    def come_back(self) -> None:
        """Undo what a step of this process did to its working folder: none may depend on which others have worked."""
        if self._folder and work.folder() != self._folder:
            with contextlib.suppress(OSError):  # it is gone
                os.chdir(self._folder)

    def other_code(self, job: jobs.Job, imported: Iterable[loaded.Module]) -> errors.UserCodeError | None:
        """The error for a job that may have been done with other code than its record would say."""
        for module in (*imported, *self._imports()):
            if not self._changed and not self._keys.is_of_now(module):
                self._changed = module.file
        if not self._changed:
            return None
        return errors.UserCodeError(
            f"{self._changed} has changed since this run read it: node {job.label!r} may have worked with either",
            where=job.where,
            hint="run again: what was done before is kept, the rest is done with the code as it is now",
        )

    def as_now(self, step: steps.Step) -> steps.Step:
        """A command with its files as they are now: a step before it, or somebody else, may have changed them."""
        found = scripts.of_node(step.node, self._rests)
        return step if found is None or found.digest == step.code.digest else fielded.replace(step, code=found)

    def rewritten(self, step: steps.Step) -> str:
        """Which files of a command are no longer what it began with, in words: it may have worked with either."""
        try:
            now = scripts.of_node(step.node, self._rests)
        except errors.TaneError as error:  # one is gone
            return error.what
        if now is None:
            return ""
        changed = [label for label, part in step.code.parts.items() if now.parts.get(label) != part]
        return f"{', '.join(changed)} changed" if changed else ""
