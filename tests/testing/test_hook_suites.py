"""The suite for hooks: one that is well passes, one that is not is found out."""

import pytest

from tane import errors
from tane.testing import HookSuite


class Counting:
    def __init__(self):
        self.seen = []

    def before_run(self, event):
        self.seen.append(event.pipeline)

    def after_load(self, event):
        self.seen.append(event.load())

    def after_step(self, event):
        self.seen.append((event.node, event.status))

    def on_error(self, event):
        self.seen.append(event.error)


class Careless(Counting):
    def before_run(self, event):
        event.pipeline = "mine"

    def on_error(self, event):
        raise RuntimeError("not now")


class TestCounting(HookSuite):
    def make(self):
        return Counting()


class TestCareless(HookSuite):
    def make(self):
        return Careless()

    @pytest.fixture(autouse=True)
    def expected(self, request):
        if "without_it" not in request.node.name:
            request.applymarker(pytest.mark.xfail(strict=True))


class TestMisspelt(HookSuite):
    def make(self):
        return type("Misspelt", (), {"after_stpe": lambda self, event: None})()

    @pytest.fixture(autouse=True)
    def expected(self, request):
        request.applymarker(pytest.mark.xfail(strict=True, raises=errors.ProjectError))
