"""The fake clock: what goes by it, what does not, and that nothing of it stays."""

import datetime as dates
import importlib
import pickle
import queue
import threading
import time
from datetime import date, datetime
from multiprocessing.connection import Pipe, wait
from time import sleep

import pytest

from tane import errors, node
from tane.testing import FakeClock, clocks

REAL = (time.time, time.sleep, sleep, datetime, date, dates)


@pytest.fixture(autouse=True)
def nothing_stays():
    yield
    assert (time.time, time.sleep, sleep, datetime, date, dates) == REAL
    assert sleep is time.sleep and datetime is REAL[3] and dates.datetime is datetime


def test_time_stands_still_until_it_is_told_to_go_on(clock):
    before = time.time(), time.monotonic(), time.perf_counter(), time.time_ns(), datetime.now()
    assert (time.time(), time.monotonic(), datetime.now()) == (before[0], before[1], before[4])
    clock.advance(3600)
    assert (time.time(), time.monotonic(), time.perf_counter()) == tuple(moment + 3600 for moment in before[:3])
    assert time.time_ns() - before[3] == pytest.approx(3600e9)
    assert datetime.now() - before[4] == dates.timedelta(hours=1)


def test_nobody_waits_who_sleeps(clock):
    before = clock.now()
    time.sleep(3600)
    sleep(60)
    clock.sleep(1)
    assert clock.slept == [3600, 60, 1]
    assert (clock.now() - before).total_seconds() == 3661


def test_it_goes_to_a_date(clock):
    clock.set("2024-02-29T23:30:00+00:00")
    assert (datetime.now(dates.UTC), dates.datetime.now(dates.UTC)) == (clock.now(), clock.now())
    assert clock.now() == datetime(2024, 2, 29, 23, 30, tzinfo=dates.UTC)
    assert time.gmtime()[:5] == (2024, 2, 29, 23, 30)
    assert time.strftime("%H:%M", time.gmtime()) == "23:30"
    assert date.today() == datetime.now().date() == dates.date.today() == datetime.today().date()
    assert time.strftime("%d") == f"{date.today().day:02}" == f"{time.localtime()[2]:02}"
    clock.set(datetime(2000, 1, 1))
    assert datetime.now() == datetime(2000, 1, 1)
    assert time.gmtime(0)[0] == 1970


def test_it_does_not_go_back_by_mistake(clock):
    with pytest.raises(errors.UsageError, match="does not go back"):
        clock.advance(-1)
    with pytest.raises(ValueError, match="non-negative"):
        time.sleep(-1)


def test_there_is_one_clock_at_a_time(clock):
    with pytest.raises(errors.UsageError, match="another fake clock"), FakeClock():
        pass
    time.sleep(1000)
    assert clock.slept == [1000]


def test_dates_stay_what_they_are(clock):
    made = datetime(2024, 1, 1)
    assert type(made) is type(REAL[3](2024, 1, 1)) and isinstance(made, datetime) and isinstance(made, date)
    assert issubclass(datetime, date) and datetime.fromisoformat("2024-01-01") == made
    assert pickle.loads(pickle.dumps((made, datetime.now()))) == (made, datetime.now())
    assert {REAL[3]: 1}[datetime] == 1 and datetime in (REAL[3],)
    assert dates.timedelta(days=1) + made == datetime.strptime("2024-01-02", "%Y-%m-%d")


def test_parameters_that_are_dates_are_still_converted(clock, tiny_run):
    def told(day: "date", at: "datetime") -> str:
        return f"{day.isoformat()} {at.isoformat()}"

    run = tiny_run(
        [node(told, ["params:day", "params:at"], "told")], params={"day": "2024-01-02", "at": "2024-01-02T03:04:05"}
    )
    assert run["told"] == "2024-01-02 2024-01-02T03:04:05"


def test_libraries_wait_in_earnest(clock):
    with pytest.raises(queue.Empty):
        queue.Queue().get(timeout=0.01)
    one, other = Pipe()
    assert wait([one], 0.01) == []
    one.close()
    other.close()
    assert clock.slept == []


def test_threads_go_by_it_too(clock):
    mine = threading.Thread(target=lambda: time.sleep(5000))
    mine.start()
    mine.join(10)
    assert clock.slept == [5000]


def test_a_module_imported_meanwhile_goes_by_it(clock, tmp_path, monkeypatch):
    (tmp_path / "late_module.py").write_text(
        "from time import sleep\nfrom datetime import date\nimport datetime\n\n"
        "def work():\n    sleep(100)\n    return date.today(), datetime.datetime.now()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    late = importlib.import_module("late_module")
    clock.spread()
    clock.set(datetime(2000, 1, 1))
    assert late.work() == (date(2000, 1, 1), datetime(2000, 1, 1, 0, 1, 40))


@pytest.mark.parametrize("name", clocks.OF_TANE)
def test_the_modules_of_ours_that_go_by_it_are_there(name):
    assert importlib.import_module(name)
