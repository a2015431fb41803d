"""Several executors as one: where calls go, tickets that are unique over all, one wait for all."""

import os
import threading

import pytest

from tane import errors
from tane.executors import calls, routing
from tane.testing.suites.calls import double, drain, fail, slowly, wait_for


@pytest.fixture
def routed():
    made = routing.Routed(4)
    yield made
    made.close()


class Asked:
    """An executor of others, which cannot be waited for together with ours: its calls end when it is asked again."""

    remote = True

    def __init__(self, count):
        self.slots, self.asked, self.calls = count, 0, {}

    def submit(self, call, *args, timeout=None):
        self.calls[len(self.calls) + 1] = (call, args)
        return len(self.calls)

    def as_completed(self, timeout=None):
        self.asked += 1
        if self.asked > 2:
            for ticket in list(self.calls):
                call, args = self.calls.pop(ticket)
                yield calls.Done(ticket, call(*args), None)

    def close(self):
        self.calls.clear()


class Broken:
    def __init__(self, count):
        raise OSError("no cluster")


@pytest.fixture
def offered(tmp_path, monkeypatch):
    """An installed package that offers two executors."""
    info = tmp_path / "asking-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: asking\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[tane.executors]\nasked = test_routing:Asked\nbroken = test_routing:Broken\n"
    )
    monkeypatch.syspath_prepend(tmp_path)


# --- where a call goes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("jobs", "route"), [(1, "serial"), (2, "processes")])
def test_what_names_none_works_here_for_one_job_and_in_processes_for_more(jobs, route):
    assert routing.Routed(jobs).route() == route


def test_a_default_can_be_named(routed):
    assert routing.Routed(4, "threads").route() == "threads"
    assert routing.Routed(4, "threads").route("serial") == "serial"


@pytest.mark.parametrize("name", ["", "serial", "threads", "processes"])
def test_a_timeout_means_processes(name):
    assert routing.Routed(1).route(name, 30.0) == "processes"


def test_only_processes_are_remote(routed):
    assert [routed.is_remote(name) for name in routing.OURS] == [False, False, True]


@pytest.mark.parametrize(("name", "hint"), [("thread", "did you mean 'threads'?"), ("moon", "there are serial, ")])
def test_an_unknown_name_is_refused_with_what_there_is(routed, name, hint):
    with pytest.raises(errors.UsageError, match=f"there is no executor '{name}'") as raised:
        routed.route(name)
    assert hint in raised.value.hint


def test_an_unknown_default_and_no_jobs_are_refused():
    with pytest.raises(errors.UsageError, match="there is no executor 'procces'"):
        routing.Routed(2, "procces")
    with pytest.raises(errors.UsageError, match="0 is no number"):
        routing.Routed(0)


def test_calls_work_where_they_are_sent(routed):
    where = {routed.submit(name, os.getpid): name for name in routing.OURS}
    here = {where[ticket]: done.result == os.getpid() for ticket, done in drain(routed, 3).items()}
    assert here == {"serial": True, "threads": True, "processes": False}


def test_an_executor_can_be_given_fewer_calls_at_once():
    routed = routing.Routed(4, limits={"threads": 1})
    try:
        for _ in range(4):
            routed.submit("threads", threading.get_ident)
        assert len({done.result for done in drain(routed, 4).values()}) == 1
        assert routed.slots == 4
    finally:
        routed.close()


# --- all together -----------------------------------------------------------------------------------------------------


def test_tickets_are_unique_over_all_and_bring_their_own_ends(routed):
    must = {}
    for value in range(60):
        name = list(routing.OURS)[value % 3]
        must[routed.submit(name, slowly, 0.001 * (value % 5), value)] = value
    assert len(must) == 60
    assert {ticket: done.result for ticket, done in drain(routed, 60).items()} == must


@pytest.mark.parametrize(("quick", "slow"), [("threads", "processes"), ("processes", "threads")])
def test_whichever_ends_first_ends_the_wait(routed, quick, slow, tmp_path):
    last = routed.submit(slow, wait_for, str(tmp_path / "gate"))
    for _ in range(5):
        first = routed.submit(quick, slowly, 0.01)
        assert list(drain(routed, 1)) == [first]
    (tmp_path / "gate").touch()
    assert list(drain(routed, 1)) == [last]


def test_a_wait_for_several_ends_after_its_timeout(routed, tmp_path):
    for name in ("threads", "processes"):
        routed.submit(name, wait_for, str(tmp_path / "gate"))
    assert list(routed.as_completed(0)) == []
    assert list(routed.as_completed(0.05)) == []
    (tmp_path / "gate").touch()
    drain(routed, 2)
    assert list(routed.as_completed()) == []


def test_calls_here_are_given_at_once_while_others_are_under_way(routed, tmp_path):
    routed.submit("processes", wait_for, str(tmp_path / "gate"))
    bad = routed.submit("serial", fail, "no")
    assert isinstance(drain(routed, 1)[bad].error, ValueError)
    (tmp_path / "gate").touch()
    drain(routed, 1)


def test_closing_closes_all_though_one_fails(routed, tmp_path, monkeypatch):
    def refuse():
        raise OSError("it does not close")

    for name in ("threads", "processes"):
        routed.submit(name, wait_for, str(tmp_path / "gate"))
    [worker] = routed._routes["processes"].executor._workers
    monkeypatch.setattr(routed._routes["threads"].executor, "close", refuse)
    with pytest.raises(OSError, match="it does not close"):
        routed.close()
    assert worker.process.returncode is not None
    (tmp_path / "gate").touch()


# --- executors of others ----------------------------------------------------------------------------------------------


def test_packages_may_offer_executors(routed, offered):
    assert routed.route("asked") == "asked"
    assert routed.is_remote("asked")
    ticket = routed.submit("asked", double, 2)
    assert drain(routed, 1)[ticket].result == 4
    assert routed._routes["asked"].executor.slots == 4


def test_one_that_keeps_timeouts_is_given_them(routed, offered):
    assert routed.route("asked", 30.0) == "asked"


def test_near_misses_know_those_too(routed, offered):
    with pytest.raises(errors.UsageError) as raised:
        routed.route("aksed")
    assert raised.value.hint == "did you mean 'asked'?"


def test_one_that_cannot_be_waited_for_is_asked_again(routed, offered, tmp_path):
    other = routed.submit("threads", wait_for, str(tmp_path / "gate"))
    ticket = routed.submit("asked", double, 2)
    assert drain(routed, 1)[ticket].result == 4
    (tmp_path / "gate").touch()
    assert list(drain(routed, 1)) == [other]


def test_one_that_cannot_be_started_says_why(routed, offered):
    with pytest.raises(errors.UsageError, match=r"'broken' \(test_routing:Broken\) cannot be started: OSError: no cl"):
        routed.is_remote("broken")
