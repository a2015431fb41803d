"""Columns, sizes and JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tane.cli import tables


def test_columns_line_up_whatever_they_hold():
    assert tables.table([("a", "1"), ("日本", "10")], ("name", "n"), right={1}) == "name   n\na      1\n日本  10"


def test_control_characters_do_not_break_a_row():
    assert "\n" not in tables.table([("a\nb\x1b[31m", "c")])


def test_a_name_as_long_as_a_file_floods_nothing():
    assert len(tables.table([("k" * 1_000_000, "1")], ("name", "n"))) < 1000
    assert len(tables.values({"k" * 1_000_000: 1})) < 1000


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (99_950, "100 kB"), (999_600, "1.0 MB"), (5 * 10**18, "5000 PB")],
)
def test_sizes(size, text):
    assert tables.size(size) == text


@given(st.floats())
def test_json_holds_every_number(number):
    def refuse(word):
        raise AssertionError(word)

    json.loads(tables.as_json({"x": [number]}), parse_constant=refuse)


@given(st.floats(min_value=1, max_value=4e9))
def test_times_for_programs_keep_the_millisecond(at):
    from datetime import datetime

    assert abs(datetime.fromisoformat(tables.iso(at)).timestamp() - at) <= 0.00051
