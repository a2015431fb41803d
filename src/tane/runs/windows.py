"""Ranges of time cut into windows: what `--from`, `--to`, `--every` and `--tz` mean. Called by `backfills`.

A window is [start, end), as texts (ISO 8601), so that it is a parameter like any other. Its texts depend on where it
lies alone, not on the range it was cut from. Seconds, minutes and hours are exact, days and longer go by the calendar:
with a time zone, the day on which the clocks change has 23 or 25 hours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any, NamedTuple

from tane import errors, fielded, patterns

MOST = 1_000_000
_SECONDS = {"s": 1, "min": 60, "h": 3600}
_DAYS = {"d": 1, "w": 7}
_EVERY = patterns.lazily(r"(\d+)\s*(s|min|h|d|w|M)")
_HINT = "write it as 15min, 1h, 1d, 1w or 1M (a calendar month)"


class Window(NamedTuple):
    """One window: it begins at `start` and ends before `end`. `label` names it where a file's name may not have ":"."""

    start: str
    end: str
    label: str

    @property
    def parameters(self) -> dict[str, str]:
        """What pipelines take as `params:window`."""
        return {"start": self.start, "end": self.end, "label": self.label}


class Words(NamedTuple):
    """What the parts of a range are called where it was asked for, for messages."""

    start: str = "--from"
    end: str = "--to"
    every: str = "--every"
    zone: str = "--tz"


ON_COMMAND_LINE = Words()


class Every(NamedTuple):
    """The length of a window: `number` of a `unit`."""

    number: int
    unit: str

    def __str__(self) -> str:
        return f"{self.number}{self.unit}"

    @property
    def seconds(self) -> int:
        """Its length where that is the same everywhere; 0 where the calendar decides."""
        return self.number * _SECONDS.get(self.unit, 0)


@fielded.frozen
class Windows:
    """The windows of a range, in order of time; each is made when it is asked for.

    `zone` is the name of a time zone, empty for none.
    """

    every: Every
    zone: str
    _first: datetime
    _place: tzinfo | None
    _count: int

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, at: int) -> Window:
        if not 0 <= at < self._count:
            raise IndexError(at)
        start, end = self.edge(at), self.edge(at + 1)
        return Window(start.isoformat(), end.isoformat(), _label(start))

    def __iter__(self) -> Iterator[Window]:
        return (self[at] for at in range(self._count))

    @property
    def start(self) -> str:
        """Where the range begins."""
        return self.edge(0).isoformat()

    @property
    def end(self) -> str:
        """Where it ends."""
        return self.edge(self._count).isoformat()

    def edge(self, at: int) -> datetime:
        """Where window `at` begins. Counted from the first, so that a month's end does not wander."""
        first, place, every = self._first, self._place, self.every
        if every.seconds:
            length = timedelta(seconds=every.seconds * at)
            if place is None:
                return first + length
            return (_resolved(first, place).astimezone(UTC) + length).astimezone(place)
        steps = every.number * at
        moved = first + timedelta(days=_DAYS[every.unit] * steps) if every.unit in _DAYS else _months_on(first, steps)
        return moved if place is None else _resolved(moved, place)


def cut(start: Any, end: Any, every: str, zone: str = "", *, words: Words = ON_COMMAND_LINE) -> Windows:
    """The range from `start` up to `end` in windows of `every`.

    Both are texts, dates or datetimes; without an offset they are local times of `zone`, or of nowhere in particular.
    Raises `errors.UsageError` for what cannot be read, and for a range that is no whole number of windows.
    """
    length = _every(every, words.every)
    first, last = _moment(start, words.start), _moment(end, words.end)
    if (first.tzinfo is None) != (last.tzinfo is None):
        aware, naive = (words.start, words.end) if first.tzinfo else (words.end, words.start)
        raise errors.UsageError(
            f"{aware} has an offset from UTC, and {naive} has none",
            hint=f"give both one, as in {_example(first, last)}, or none and {words.zone}",
        )
    place = _place(zone, first, words.zone)
    first, last = _in(place, first, words.start), _in(place, last, words.end)
    if first >= last:
        what = "are the same" if first == last else "are in the wrong order"
        raise errors.UsageError(
            f"{words.start} {first.isoformat()} and {words.end} {last.isoformat()} {what}",
            hint=f"{words.end} comes after {words.start}: windows end before it",
        )
    try:
        return _whole(
            Windows(length, zone or getattr(place, "key", ""), first.replace(tzinfo=None), place, 0), last, words
        )
    except OverflowError:
        raise errors.UsageError(
            f"windows of {length} go on after the year 9999", hint=f"let {words.end} be earlier"
        ) from None


def _whole(begun: Windows, last: datetime, words: Words) -> Windows:
    """As many windows as it takes to reach `last`, which must be the end of one."""
    count = _count(begun, last)
    if count > MOST:
        raise errors.UsageError(
            f"{words.every} {begun.every} makes {count:,} windows of that range, more than {MOST:,}",
            hint="take longer windows, or a part of the range",
        )
    found = fielded.replace(begun, _count=count)
    ends = found.edge(count)
    if ends != last:
        begins = found.edge(count - 1).isoformat()
        raise errors.UsageError(
            f"the range is no whole number of windows of {begun.every}: "
            f"the last would begin at {begins} and end at {ends.isoformat()}",
            hint=f"write {words.end} {ends.isoformat()}" + (f" or {words.end} {begins}" if count > 1 else ""),
        )
    return found


# --- reading --------------------------------------------------------------------------------------------------------


def _every(text: str, word: str) -> Every:
    found = _EVERY.fullmatch(text.strip())
    if found is None:
        raise errors.UsageError(f"{word} {text!r} is no length of time", hint=_near_every(text.strip()))
    if not int(found[1]):
        raise errors.UsageError(f"{word} {text!r} makes windows of no length", hint=_HINT)
    return Every(int(found[1]), found[2])


def _near_every(text: str) -> str:
    found = re.fullmatch(r"(\d*)\s*([A-Za-z]+)", text)
    if found is None:
        return _HINT
    count, word = found[1] or "1", found[2]
    if word == "m":
        return f"write {count}min for minutes, {count}M for calendar months"
    for unit, names in _NAMES.items():
        if word.lower() in names:
            return f"write {count}{unit}"
    return _HINT


_NAMES = {
    "s": ("s", "sec", "secs", "second", "seconds"),
    "min": ("min", "mins", "t", "minute", "minutes"),
    "h": ("h", "hr", "hrs", "hour", "hours", "hourly"),
    "d": ("d", "day", "days", "daily"),
    "w": ("w", "wk", "week", "weeks", "weekly"),
    "M": ("mo", "mon", "month", "months", "monthly", "ms", "me"),
}


def _moment(given: Any, word: str) -> datetime:
    if isinstance(given, datetime):
        found = given
    elif isinstance(given, date):
        found = datetime(given.year, given.month, given.day)
    else:
        found = _read(str(given), word)
    if found.microsecond:
        raise errors.UsageError(f"{word} {given} has fractions of a second", hint="give whole seconds")
    return found


def _read(text: str, word: str) -> datetime:
    text = text.strip()
    month = re.fullmatch(r"(\d{4})-(\d\d)", text)
    try:
        return datetime.fromisoformat(f"{text}-01" if month else text)
    except ValueError as error:
        near = _near_date(text)
        why = (
            f": {error}" if near is None and re.match(r"\d{4}-\d\d-\d\d", text) and "Invalid" not in str(error) else ""
        )
        hint = f"did you mean {near}?" if near else "write it as 2026-01-31 or 2026-01-31T06:00, with +01:00 if need be"
        raise errors.UsageError(f"{word} {text!r} is no date{why}", hint=hint) from None


def _near_date(text: str) -> str | None:
    """The date that was probably meant, in the order year, month, day."""
    found = re.match(r"(\d{4})\D+(\d{1,2})\D+(\d{1,2})(?!\d)[T ]*(.*)", text)
    parts = (found[1], found[2], found[3], found[4]) if found else None
    if parts is None:
        found = re.match(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})[T ]*(.*)", text)
        parts = (found[3], found[2], found[1], found[4]) if found else None
    if parts is None:
        return None
    year, month, day, rest = parts
    if int(month) > 12 >= int(day):
        month, day = day, month
    clock = re.match(r"(\d{1,2}):(\d\d)", rest)
    near = f"{year}-{int(month):02}-{int(day):02}" + (f"T{int(clock[1]):02}:{clock[2]}" if clock else "")
    try:
        datetime.fromisoformat(near)
    except ValueError:
        return None
    return near if near != text else None


def _place(zone: str, first: datetime, word: str) -> tzinfo | None:
    """Where the windows' times are told: in the zone asked for, or as the start has it."""
    if not zone:
        offset, has_name = first.utcoffset(), hasattr(first.tzinfo, "key")
        return first.tzinfo if offset is None or has_name else timezone(offset)
    from zoneinfo import ZoneInfo, available_timezones

    try:
        return ZoneInfo(zone)
    except Exception:  # unknown, or no name of a file at all
        known = available_timezones()
        hint = errors.did_you_mean(zone, known, "write it as Europe/Berlin" if known else "pip install tzdata")
        raise errors.UsageError(f"{word}: there is no time zone {zone!r}", hint=hint) from None


def _in(place: tzinfo | None, given: datetime, word: str) -> datetime:
    """A moment as it is told there."""
    if place is None:
        return given
    if given.tzinfo is not None:
        return given.astimezone(place)
    there = _resolved(given, place)
    if there.replace(tzinfo=None) != given:
        raise errors.UsageError(
            f"{word} {given.isoformat()} does not exist in {place}: clocks go forward there",
            hint=f"write {there.replace(tzinfo=None).isoformat()}",
        )
    return there


def _example(first: datetime, last: datetime) -> str:
    naive = first if first.tzinfo is None else last
    return naive.replace(tzinfo=UTC).isoformat()


# --- the calendar ---------------------------------------------------------------------------------------------------


def _resolved(naive: datetime, place: tzinfo) -> datetime:
    """A local time there: of two, the first; of none, what the clocks show instead."""
    return naive.replace(tzinfo=place).astimezone(UTC).astimezone(place)


def _months_on(first: datetime, months: int) -> datetime:
    """The same day some months later, or the last of that month."""
    import calendar

    years, month = divmod(first.month - 1 + months, 12)
    year = first.year + years
    if year > 9999:
        raise OverflowError("no such year")
    return first.replace(year=year, month=month + 1, day=min(first.day, calendar.monthrange(year, month + 1)[1]))


def _count(begun: Windows, last: datetime) -> int:
    """How many windows it takes to reach `last`."""
    first, every = begun.edge(0), begun.every
    if every.seconds:
        between = (last - first) if first.tzinfo is None else last.astimezone(UTC) - first.astimezone(UTC)
        return -(-between // timedelta(seconds=every.seconds))
    days = (last.replace(tzinfo=None) - first.replace(tzinfo=None)).days
    count = max(days // (_DAYS.get(every.unit, 31) * every.number), 1)
    while count <= MOST and begun.edge(count) < last:
        count += 1
    return count


def _label(at: datetime) -> str:
    offset = at.utcoffset()
    clock = f"{at:%H%M%S}" if at.second else f"{at:%H%M}"
    zone = "" if offset is None else at.strftime("%z") if offset else "Z"
    return f"{at.date().isoformat()}T{clock}{zone}"
