from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

import effort
from tane import errors
from tane.ledger import filters


@pytest.mark.parametrize(
    ("text", "test"),
    [
        ("metrics.auc > 0.8", ("metrics", "auc", ">", (0.8,))),
        ("metric.auc>=1", ("metrics", "auc", ">=", (1,))),
        ("0.8 < metrics.auc", ("metrics", "auc", ">", (0.8,))),
        ("parameters.model.name == 'x'", ("params", "model.name", "=", ("x",))),
        ("params.a <> 'it''s'", ("params", "a", "!=", ("it's",))),
        ('params.a = "double"', ("params", "a", "=", ("double",))),
        ("tags.`mlflow.user` = 'me'", ("tags", "mlflow.user", "=", ("me",))),
        ('metrics."val loss".x < -1e-3', ("metrics", "val loss.x", "<", (-0.001,))),
        ("metrics.f1@0.5/macro-avg < +inf", ("metrics", "f1@0.5/macro-avg", "<", (float("inf"),))),
        ("params.größe = TRUE", ("params", "größe", "=", (True,))),
        ("tags.a IS NOT NULL", ("tags", "a", "not null", ())),
        ("tags.a is None", ("tags", "a", "null", ())),
        ("params.a not in (1, 'b',)", ("params", "a", "not in", (1, "b"))),
        ("name NOT LIKE 'x%'", ("attributes", "name", "not like", ("x%",))),
        ("attributes.run_name ilike 'x%'", ("attributes", "name", "ilike", ("x%",))),
        ("status = 'FINISHED'", ("attributes", "status", "=", ("succeeded",))),
        ("attributes.start_time >= 1664067852747", ("attributes", "started", ">=", (1664067852.747,))),
        ("commit like 'abc%'", ("attributes", "git.commit", "like", ("abc%",))),
        ("run = '2026'", ("attributes", "run", "=", ("2026",))),
        ("name = 5", ("attributes", "name", "=", ("5",))),
    ],
)
def test_one_comparison_is_read(text: str, test: tuple[object, ...]) -> None:
    found = filters.parse(text)
    assert isinstance(found, filters.Test)
    assert found[:4] == test


def test_a_time_is_read_as_local_time() -> None:
    found = filters.parse("started < '2026-11-21 13:45'")
    assert isinstance(found, filters.Test)
    assert found.values == (datetime.datetime(2026, 11, 21, 13, 45).timestamp(),)


def test_and_binds_closer_than_or_and_not_closest() -> None:
    found = filters.parse("trial = 1 or not trial = 2 and (trial = 3 or trial = 4)")
    assert isinstance(found, filters.Some)
    first, second = found.parts
    assert isinstance(first, filters.Test) and isinstance(second, filters.Every)
    assert [type(part) for part in second.parts] == [filters.Not, filters.Some]


@pytest.mark.parametrize("text", ["", "  \n\t"])
def test_an_empty_filter_asks_for_nothing(text: str) -> None:
    assert filters.parse(text) is None


@pytest.mark.parametrize(
    ("text", "column", "what", "hint"),
    [
        ("metrics.auc => 0.8", 13, "=> is no operator", "'>='"),
        ("metrics.a > 1 && tags.b = 'x'", 15, "&& is no operator", "'and'"),
        ("metrics.auc >", 14, "it ends where", "a number or a quoted text"),
        ("metrics.auc", 12, "it ends where a comparison", "= !="),
        ("pramas.x = 1", 1, "a run has no pramas.x", "'params.x'"),
        ("statsu = 'x'", 1, "a run has no statsu", "'status'"),
        ("auc > 0.8", 1, "a run has no auc", "metrics.auc"),
        ("metrics.a > 'x'", 13, "a is a number", "without quotes"),
        ("trial = 'x'", 9, "trial is a number", "without quotes"),
        ("params.a = lightgbm", 12, "lightgbm is not quoted", "'lightgbm'"),
        ("params.a = 'abc", 12, "is not closed", "second '"),
        ("params.a lik 'x'", 10, "lik is no comparison", "'like'"),
        ("params.a = 1 adn params.b = 2", 14, "adn stands where", "'and'"),
        ("(params.a = 1", 1, "not closed", ")"),
        ("params.a = 1)", 13, ") stands where", "the end"),
        ("params.a is 3", 13, "null should follow", "is null"),
        ("params.a = null", 12, "nothing is equal to null", "is null"),
        ("params.a in 'b'", 13, "'b' stands where a list", "('a', 'b')"),
        ("params.a in ()", 14, ") stands where a number", "quoted text"),
        ("params.a like 3", 15, "like takes a text", "'3'"),
        ("duration like '3'", 15, "duration is no text", "= !="),
        ("started > 'soon'", 11, "started is a time", "2026-11-21"),
        ("published = 1", 13, "published is true or false", "true"),
        ("not", 4, "it ends where a name", "metrics.auc"),
        ("metrics > 1", 1, "a run has no metrics", "write metrics."),
        ("a" * 10_000, 1, "a" * 60 + "...", "write metrics."),
        ("params.a = 1 and\nparams.b > §", 29, "'§' is not understood", "quoted"),
        ("params.a = 'x' 'y'", 16, "'y' stands where", "and, or"),
        ("(" * 200 + "trial = 1" + ")" * 200, 101, "too deep", "100"),
        ("name like '" + "x" * 30_000 + "'", 11, "too many", "less"),
    ],
)
def test_a_mistake_is_pointed_at(text: str, column: int, what: str, hint: str) -> None:
    with pytest.raises(errors.UsageError) as caught:
        filters.parse(text)
    error = caught.value
    assert error.where == f"filter, column {column}"
    assert what in error.what
    assert hint in error.hint
    line, caret = error.what.splitlines()[-2:]
    assert max(map(len, (line, caret))) < 140
    assert column > len(text) or text[column - 1].isspace() or line[caret.index("^")] == text[column - 1]


def test_too_many_values_are_refused() -> None:
    with pytest.raises(errors.UsageError, match="too long"):
        filters.parse(f"trial in ({','.join(map(str, range(2000)))})")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("metrics.auc", ("metrics", "auc", False)),
        ("-metrics.auc", ("metrics", "auc", True)),
        ("metrics.auc DESC", ("metrics", "auc", True)),
        ("params.`a b` asc", ("params", "a b", False)),
        ("started desc", ("attributes", "started", True)),
    ],
)
def test_sort_keys_are_read(text: str, key: tuple[str, str, bool]) -> None:
    assert filters.key(text) == key


@pytest.mark.parametrize(("text", "column"), [("metrics.auc down", 13), ("-acu", 2), ("", 1), ("metrics.a, name", 10)])
def test_a_mistake_in_a_sort_key_is_pointed_at(text: str, column: int) -> None:
    with pytest.raises(errors.UsageError) as caught:
        filters.key(text)
    assert caught.value.where == f"sort, column {column}"


PIECES = ["metrics.a", "params.`b c`", "tags.d", "status", "started", ">", "=", "!=", "like", "in", "is", "null", "not"]
PIECES += [
    "and",
    "or",
    "(",
    ")",
    ",",
    "'x'",
    '"y"',
    "0.5",
    "-inf",
    "nan",
    "true",
    "'",
    "`",
    "\\",
    "&",
    "é",
    "\x00",
    "--",
]


@effort.drawn(300)
@given(some.lists(some.sampled_from(PIECES)).map(" ".join) | some.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        filters.parse(text)
    except errors.UsageError as error:
        assert error.hint
