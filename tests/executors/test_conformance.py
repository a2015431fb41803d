"""Every executor of ours does what an executor must, alone and as a route of `Routed`."""

import pytest

from tane.executors import processes, routing, serial, threads
from tane.testing import ExecutorSuite
from tane.testing.suites.calls import wait_for


class RouteOf:
    """One route of a `Routed` as an executor. A bystander, when there is one, has a call under way all the time."""

    def __init__(self, route, count, bystander=None, gate=None):
        self.routed = routing.Routed(count, route)
        self.slots, self.remote = self.routed.slots, self.routed.is_remote(route)
        self.route, self.aside = route, None
        if bystander:
            self.aside = self.routed.submit(bystander, wait_for, gate)

    def submit(self, call, *args, timeout=None):
        return self.routed.submit(self.route, call, *args, timeout=timeout)

    def as_completed(self, timeout=None):
        if self.aside and not any(route.tickets for name, route in self.routed._routes.items() if name == self.route):
            return
        for done in self.routed.as_completed(timeout):
            assert done.ticket != self.aside
            yield done

    def close(self):
        self.routed.close()


class TestSerial(ExecutorSuite):
    waits_in_submit = True

    def make(self, count):
        return serial.Serial(count)


class TestThreads(ExecutorSuite):
    def make(self, count):
        return threads.Threads(count)


class TestProcesses(ExecutorSuite):
    def make(self, count):
        return processes.Processes(count)


class TestRouteSerial(TestSerial):
    def make(self, count):
        return RouteOf("serial", 1)


class TestRouteThreads(ExecutorSuite):
    def make(self, count):
        return RouteOf("threads", count)


class TestRouteProcesses(ExecutorSuite):
    def make(self, count):
        return RouteOf("processes", count)


class Beside:
    """A route while another one has a call under way: both are waited for together."""

    @pytest.fixture(autouse=True)
    def aside(self, tmp_path_factory):
        self.gate = tmp_path_factory.mktemp("aside") / "gate"
        yield
        self.gate.touch()


class TestRouteThreadsBesideProcesses(Beside, ExecutorSuite):
    def make(self, count):
        return RouteOf("threads", count, "processes", str(self.gate))


class TestRouteProcessesBesideThreads(Beside, ExecutorSuite):
    def make(self, count):
        return RouteOf("processes", count, "threads", str(self.gate))


class TestRouteSerialBesideThreads(Beside, ExecutorSuite):
    waits_in_submit = True

    def make(self, count):
        return RouteOf("serial", 1, "threads", str(self.gate))
