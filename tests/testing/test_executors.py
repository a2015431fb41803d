"""The suite for executors, for one of somebody else's; ours are in tests/executors."""

import concurrent.futures
import contextvars

import pytest

from tane.executors import calls
from tane.testing import ExecutorSuite


class Pooled:
    """Threads of Python's own pool."""

    remote = False

    def __init__(self, count):
        self.slots = count
        self._pool = concurrent.futures.ThreadPoolExecutor(count)
        self._under = {}
        self._count = 0

    def submit(self, call, *args, timeout=None):
        self._count += 1
        self._under[self._pool.submit(contextvars.copy_context().run, self._guarded, call, *args)] = self._count
        return self._count

    def as_completed(self, timeout=None):
        if not self._under:
            return
        done, _ = concurrent.futures.wait(self._under, timeout, concurrent.futures.FIRST_COMPLETED)
        for future in done:
            yield calls.Done(self._under.pop(future), *future.result())

    def close(self):
        for future in self._under:
            future.cancel()
        self._under.clear()
        self._pool.shutdown(wait=False)

    @staticmethod
    def _guarded(call, *args):
        try:
            return call(*args), None
        except BaseException as error:
            return None, error


class TestPooled(ExecutorSuite):
    def make(self, count):
        return Pooled(count)


class Careless(Pooled):
    """What its calls raise is lost."""

    @staticmethod
    def _guarded(call, *args):
        try:
            return call(*args), None
        except BaseException:
            return None, None


class TestCareless(ExecutorSuite):
    def make(self, count):
        return Careless(count)

    @pytest.fixture(autouse=True)
    def expected(self, request):
        if "exception" not in request.node.name and "exits" not in request.node.name:
            pytest.skip("as above")
        request.applymarker(pytest.mark.xfail(strict=True))
