"""Ranges of time cut into windows."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tane import errors
from tane.runs import windows


def cut(*given, **more):
    return windows.cut(*given, **more)


def starts(found):
    return [window.start for window in found]


def refusal(*given):
    with pytest.raises(errors.UsageError) as raised:
        windows.cut(*given)
    return raised.value


def test_hours_follow_each_other_without_gap_or_overlap():
    found = list(cut("2018-06-01", "2018-08-01", "1h"))
    assert len(found) == 1464
    assert found[0] == ("2018-06-01T00:00:00", "2018-06-01T01:00:00", "2018-06-01T0000")
    assert found[-1].end == "2018-08-01T00:00:00"
    assert all(one.end == other.start for one, other in pairwise(found))


@pytest.mark.parametrize(
    ("every", "count"), [("15min", 96 * 14), ("30s", 2880 * 14), ("6h", 56), ("1d", 14), ("2w", 1), ("1w", 2)]
)
def test_lengths(every, count):
    assert len(cut("2026-01-01", "2026-01-15", every)) == count


def test_months_are_those_of_the_calendar():
    found = cut("2024-01-31", "2024-05-31", "1M")
    assert starts(found) == [f"2024-{day}T00:00:00" for day in ("01-31", "02-29", "03-31", "04-30")]


def test_a_month_may_be_named_without_a_day():
    assert len(cut("2025-01", "2026-01", "1M")) == 12


@pytest.mark.parametrize(("day", "hours"), [("2018-03-11", 23), ("2018-11-04", 25), ("2018-06-01", 24)])
def test_a_day_has_as_many_hours_as_the_clocks_give_it(day, hours):
    after = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    found = cut(day, after, "1h", "America/New_York")
    assert len(found) == hours == len({window.label for window in found})
    days = list(cut(day, after, "1d", "America/New_York"))
    length = datetime.fromisoformat(days[0].end) - datetime.fromisoformat(days[0].start)
    assert len(days) == 1 and length == timedelta(hours=hours)


def test_without_a_zone_every_day_has_24_hours():
    assert len(cut("2018-03-11", "2018-03-12", "1h")) == 24


def test_an_offset_stays_in_the_texts():
    found = cut("2026-01-01T00:00+05:30", "2025-12-31T23:30Z", "5h")[0]
    assert found == ("2026-01-01T00:00:00+05:30", "2026-01-01T05:00:00+05:30", "2026-01-01T0000+0530")
    assert cut("2026-01-01T00:00Z", "2026-01-02T00:00Z", "1d")[0].label == "2026-01-01T0000Z"


def test_dates_and_datetimes_are_taken_as_they_are():
    assert list(cut(date(2026, 1, 1), date(2026, 1, 3), "1d")) == list(cut("2026-01-01", "2026-01-03", "1d"))
    zone = ZoneInfo("Europe/Berlin")
    begin, end = datetime(2026, 3, 29, tzinfo=zone), datetime(2026, 3, 30, tzinfo=zone)
    found = cut(begin, end, "1d")
    assert found.zone == "Europe/Berlin"
    assert found[0].end == "2026-03-30T00:00:00+02:00"


def test_what_is_recorded_of_a_range_gives_the_same_windows():
    found = cut("2018-03-10", "2018-03-13", "1d", "America/New_York")
    assert list(cut(found.start, found.end, str(found.every), found.zone)) == list(found)


@settings(max_examples=60, deadline=None)
@given(
    st.datetimes(datetime(1975, 1, 1), datetime(2035, 1, 1)),
    st.integers(1, 40),
    st.sampled_from(["1h", "7h", "1d", "3d", "1w", "1M", "5min"]),
    st.sampled_from(["", "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
)
def test_a_range_is_the_sum_of_its_windows_wherever_it_is_cut(first, count, every, zone):
    first = first.replace(second=0, microsecond=0, tzinfo=UTC)
    whole = windows.Windows(windows._every(every, ""), zone, *_local(first, zone), count)
    found = list(windows.cut(whole.edge(0), whole.edge(count), every, zone))
    assert len(found) == count == len({window.label for window in found})
    assert found[0].start == whole.start and found[-1].end == whole.end
    middle = windows.cut(whole.edge(0), whole.edge(max(count // 2, 1)), every, zone)
    assert list(middle) == found[: len(middle)]


def _local(first, zone):
    if not zone:
        return first.replace(tzinfo=None), None
    there = first.astimezone(ZoneInfo(zone))
    return there.replace(tzinfo=None), ZoneInfo(zone)


# --- what cannot be meant ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "what", "hint"),
    [
        (("2026-02-01", "2026-01-01", "1h"), "wrong order", "--to comes after --from"),
        (("2026-01-01", "2026-01-01", "1h"), "are the same", "--to comes after --from"),
        (("2026-01-01", "2026-02-01", "1w"), "no whole number of windows of 1w", "--to 2026-02-05T00:00:00 or --to"),
        (("2026-01-01", "2026-02-01", "7m"), "'7m' is no length", "7min for minutes, 7M"),
        (("2026-01-01", "2026-02-01", "2 hours"), "no length of time", "write 2h"),
        (("2026-01-01", "2026-02-01", "daily"), "no length of time", "write 1d"),
        (("2026-01-01", "2026-02-01", "0h"), "no length", "15min"),
        (("2026-01-01", "2026-02-01", "often"), "no length of time", "15min"),
        (("31.1.2026", "2026-02-01", "1h"), "'31.1.2026' is no date", "did you mean 2026-01-31?"),
        (("2026/1/5 7:30", "2026-02-01", "1h"), "no date", "did you mean 2026-01-05T07:30?"),
        (("2026-01-01", "2026-02-30", "1h"), "day is out of range", "write it as"),
        (("today", "2026-02-01", "1h"), "no date", "2026-01-31"),
        (("2026-01-01T00:00Z", "2026-02-01", "1h"), "--from has an offset from UTC, and --to has none", "--tz"),
        (("1926-01-01", "2026-01-01", "1s"), "more than 1,000,000", "longer windows"),
        (("2026-01-01", "2026-02-01", "1h", "Europe/Berln"), "no time zone", "did you mean 'Europe/Berlin'?"),
        (("2026-01-01", "2026-02-01", "1h", "../../etc/passwd"), "no time zone", "Europe/Berlin"),
        (("2018-03-11T02:30", "2018-03-12T02:30", "1d", "America/New_York"), "does not exist", "03:30"),
        (("2026-01-01T00:00:00.5", "2026-02-01", "1h"), "fractions of a second", "whole seconds"),
        (("9999-12-01", "9999-12-31", "1M"), "after the year 9999", "earlier"),
    ],
)
def test_a_range_that_cannot_be_meant_is_refused(given, what, hint):
    error = refusal(*given)
    assert what in error.what and hint in error.hint


def test_the_words_are_those_of_the_caller():
    with pytest.raises(errors.UsageError, match="end .* start"):
        windows.cut("2026-02-01", "2026-01-01", "1h", words=windows.Words("start", "end", "every", "tz"))
