"""A clock for tests: it stands still until it is told to go on, and whoever sleeps by it does not wait.

While it is in use (the fixture `clock`, or a `with`), the functions of the module `time` ask who is calling: tests, the
project's code and those modules of Tane for which time has a meaning (retries, `refresh`, times on record) get this
clock's time, everybody else the real one. `datetime` and `date` are replaced where such modules have imported them.

Its limits: worker processes have the real time, and so have installed packages (a data frame library's "now", the
timeouts of a client, asyncio); `datetime` that a function imports inside of itself is the real one.
"""

from __future__ import annotations

import datetime as dates
import functools
import sys
import threading
import time
import types
from collections.abc import Callable
from typing import Any

from tane import errors
from tane.digest import values

OF_TANE = (
    "tane.catalog.web.sending",
    "tane.ledger.records",
    "tane.runs.fanning",
    "tane.runs.journal",
    "tane.runs.loop",
    "tane.runs.memory",
    "tane.runs.refreshing",
    "tane.runs.running",
    "tane.runs.work",
    "tane.tracking.destinations",
    "tane.tracking.mirrors",
    "tane.tracking.past",
    "tane.tracking.sessions",
    "tane.tracking.sinks",
)  # not those that wait for processes, files and locks, or compare with what the file system says


class FakeClock:
    """Time as a test wants it; it begins with the real one.

        with FakeClock() as clock:
            clock.advance(3600)
            assert clock.slept == []

    `slept` are the seconds of each sleep so far, in order.
    """

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._lock = threading.Lock()
        self._time: float = _REAL["time"]()
        self._running: float = _REAL["monotonic"]()
        self._bound: list[tuple[dict[str, Any], str, Any]] = []

    # --- what time it is -------------------------------------------------------------------------------------------

    def now(self, tz: dates.tzinfo = dates.UTC) -> dates.datetime:
        """The time as a date, in UTC unless another zone is given."""
        return dates.datetime.fromtimestamp(self._time, tz)

    def time(self) -> float:
        """The time in seconds since 1970, as `time.time()`."""
        return self._time

    def monotonic(self) -> float:
        """Seconds since some moment, as `time.monotonic()`; `set` does not touch them."""
        return self._running

    # --- how it goes on --------------------------------------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """Let so much time pass."""
        if seconds < 0:
            raise errors.UsageError(
                f"time does not go back by advance({seconds:g})", hint="use clock.set(...) to go to an earlier date"
            )
        with self._lock:
            self._time += seconds
            self._running += seconds

    def sleep(self, seconds: float) -> None:
        """Let so much time pass, and note that somebody slept."""
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self.advance(seconds)
        self.slept.append(seconds)

    def set(self, moment: dates.datetime | str) -> None:
        """Go to a date: an aware `datetime`, a naive one in local time, or either as ISO text."""
        there = dates.datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        with self._lock:
            self._time = there.timestamp()

    # --- in use ----------------------------------------------------------------------------------------------------

    def __enter__(self) -> FakeClock:
        global _active
        with _changing:
            if _active is not None:
                raise errors.UsageError(
                    "another fake clock is in use",
                    hint="use one at a time: the fixture `clock`, or a `with` of your own",
                )
            _active = self
            for name in _REAL:
                setattr(time, name, _ASKING[name])
        self.spread()
        return self

    def __exit__(self, *_: object) -> None:
        global _active
        with _changing:
            _active = None
            for name, real in _REAL.items():
                setattr(time, name, real)
            for namespace, name, value in self._bound:
                namespace[name] = value
            self._bound.clear()

    def spread(self) -> None:
        """Replace what modules imported since have by name: `from time import sleep`, `from datetime import date`."""
        for module in list(sys.modules.values()):
            namespace = getattr(module, "__dict__", {})
            if not _counts(str(namespace.get("__name__")), str(namespace.get("__file__") or "")):
                continue
            for attribute, value in list(namespace.items()):
                instead = _INSTEAD.get(id(value))
                if instead is not None:
                    self._bound.append((namespace, attribute, value))
                    namespace[attribute] = instead


def spread() -> None:
    """Tell the clock in use, if there is one, that modules may have been imported."""
    clock = _active
    if clock is not None:
        clock.spread()


_active: FakeClock | None = None
_changing = threading.Lock()


def _counts(module: str, file: str) -> bool:
    """Whether code of that module and file goes by the clock."""
    if module == "tane" or module.startswith("tane."):
        return module in OF_TANE
    return bool(file) and _is_users(file)


@functools.lru_cache(maxsize=4096)
def _is_users(file: str) -> bool:
    return not file.startswith("<") and not values.is_installed_file(file)


# --- the module time ------------------------------------------------------------------------------------------------


def _told(name: str, clock: FakeClock, arguments: tuple[Any, ...]) -> Any:
    """What a function of `time` gives by this clock."""
    match name:
        case "time":
            return clock.time()
        case "time_ns":
            return int(clock.time() * 1e9)
        case "monotonic" | "perf_counter":
            return clock.monotonic()
        case "monotonic_ns" | "perf_counter_ns":
            return int(clock.monotonic() * 1e9)
        case "sleep":
            return clock.sleep(*arguments)
        case "strftime":
            text, when = (*arguments, None)[:2]
            return _REAL[name](text, when or _REAL["localtime"](clock.time()))
        case _:  # gmtime and localtime
            when = arguments[0] if arguments else None
            return _REAL[name](clock.time() if when is None else when)


def _asking(name: str) -> Callable[..., Any]:
    """A stand-in for `time.<name>` that asks who is calling. One that outlives the clock is as the real one."""
    real = _REAL[name]

    def function(*arguments: Any) -> Any:
        clock = _active
        if clock is None:
            return real(*arguments)
        caller = sys._getframe(1)
        if not _counts(caller.f_globals.get("__name__", ""), caller.f_code.co_filename):
            return real(*arguments)
        return _told(name, clock, arguments)

    function.__name__ = function.__qualname__ = name
    function.__module__ = "time"
    function.__doc__ = real.__doc__
    return function


_REAL: dict[str, Callable[..., Any]] = {
    name: getattr(time, name)
    for name in (
        "time",
        "time_ns",
        "monotonic",
        "monotonic_ns",
        "perf_counter",
        "perf_counter_ns",
        "sleep",
        "gmtime",
        "localtime",
        "strftime",
    )
}
_ASKING = {name: _asking(name) for name in _REAL}


# --- the module datetime ----------------------------------------------------------------------------------------------


class _AsReal(type):
    """Makes a stand-in pass for the class it stands for, wherever a class is compared, looked up or asked for."""

    real: type

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.real)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, cls.real)

    def __eq__(cls, other: object) -> bool:
        return other is cls.real or other is cls

    def __hash__(cls) -> int:
        return hash(cls.real)


class _Date(dates.date, metaclass=_AsReal):
    real = dates.date

    def __new__(cls, *arguments: Any, **named: Any) -> Any:
        return dates.date(*arguments, **named)

    @classmethod
    def today(cls) -> Any:
        """The clock's date, here."""
        return dates.date.today() if _active is None else dates.date.fromtimestamp(_active.time())


class _Datetime(dates.datetime, metaclass=_AsReal):
    real = dates.datetime

    def __new__(cls, *arguments: Any, **named: Any) -> Any:
        return dates.datetime(*arguments, **named)

    @classmethod
    def now(cls, tz: dates.tzinfo | None = None) -> Any:
        """The clock's time."""
        return dates.datetime.now(tz) if _active is None else dates.datetime.fromtimestamp(_active.time(), tz)

    @classmethod
    def today(cls) -> Any:
        """The clock's time, here."""
        return cls.now()

    @classmethod
    def utcnow(cls) -> Any:
        """The clock's time in UTC, without saying so."""
        return cls.now(dates.UTC).replace(tzinfo=None)


for _each, _name in ((_Date, "date"), (_Datetime, "datetime")):
    _each.__name__ = _each.__qualname__ = _name
    _each.__module__ = "datetime"


_dates = types.ModuleType("datetime")
vars(_dates).update({**vars(dates), "date": _Date, "datetime": _Datetime})

_INSTEAD: dict[int, Any] = {
    id(dates): _dates,
    id(dates.date): _Date,
    id(dates.datetime): _Datetime,
    **{id(real): _ASKING[name] for name, real in _REAL.items()},
}
