"""Parameters, tags and numbers in plain form: any of them is kept, none of them shows a secret."""

import argparse
import dataclasses
import datetime
import enum
import json
import math
import types
from decimal import Decimal
from pathlib import Path

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tane
from tane import errors
from tane.config import secret
from tane.tracking import plain


@dataclasses.dataclass
class Options:
    rate: float = 0.1
    layers: tuple[int, ...] = (8, 4)


class Colour(enum.Enum):
    RED = "red"


class Odd:
    def __str__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (numpy.float64(0.5), 0.5),
        (numpy.int64(3), 3),
        (numpy.bool_(True), True),
        (numpy.array([1, 2]), [1, 2]),
        (Colour.RED, "red"),
        (Path("a/b"), "a/b"),
        (Decimal("1.5"), "1.5"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        ({3, 1, 2}, [1, 2, 3]),
        ((1, "a"), [1, "a"]),
        (b"x", "b'x'"),
        (math.sin, "math.sin"),
        (dict, "dict"),
        (None, None),
        ({}, {}),
        (Odd(), "<Odd, whose text cannot be made: RuntimeError>"),
        (secret.Secret("hush"), "***"),
        ([secret.Secret("hush")], ["***"]),
    ],
)
def test_a_value_gets_its_plain_form(value, expected):
    assert plain.params({"p": value}) == {"p": expected}


@pytest.mark.parametrize(
    "given", [Options(), argparse.Namespace(rate=0.1, layers=[8, 4]), types.SimpleNamespace(rate=0.1, layers=(8, 4))]
)
def test_what_has_fields_is_flattened(given):
    assert plain.params(given) == {"rate": 0.1, "layers": [8, 4]}
    assert plain.params({"model": {"options": given}}) == {"model.options.rate": 0.1, "model.options.layers": [8, 4]}


def test_names_of_any_kind_are_kept():
    assert plain.params({1: "a", None: "b", ("x", 2): "c", "ä ö.ü\n": "d", "": "e"}) == {
        **{"1": "a", "None": "b", "('x', 2)": "c"},
        "ä ö.ü\n": "d",
        "": "e",
    }


def test_two_that_come_under_one_name_are_refused():
    with pytest.raises(errors.UsageError, match=r"two parameters come under the name 'a\.b'"):
        plain.params({"a.b": 1, "a": {"b": 2}})


def test_what_holds_itself_ends():
    loop: dict = {"a": 1}
    loop["self"] = loop
    ring: list = [1]
    ring.append(ring)
    assert plain.params({"loop": loop, "ring": ring}) == {"loop.a": 1, "loop.self": "...", "ring": [1, "..."]}


_leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates()
_values = st.recursive(_leaves, lambda inner: st.lists(inner) | st.dictionaries(st.integers(), inner), max_leaves=8)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.text(), _values))
def test_whatever_is_given_becomes_json(params):
    try:
        found = plain.params(params)
    except errors.UsageError as error:
        assert "under the name" in str(error)
        return
    json.dumps(found)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("password", "hunter2", "***"),
        ("db.PASSWORD", 12345, "***"),
        ("apiKey", "abc", "***"),
        ("aws_secret_access_key", "abc", "***"),
        ("credentials", {"user": "me", "pin": 1}, "***"),
        ("hf_token", "hf_0123456789abcdefgh", "***"),
        ("pad_token", "[PAD]", "[PAD]"),
        ("max_tokens", 512, 512),
        ("token_dim", 64, 64),
        ("primary_key", "id", "id"),
        ("url", "postgres://me:hunter2@host/db?x=1", "postgres://host/db?x=1"),
        ("note", "it is hunter22 all over", "it is *** all over"),
    ],
)
def test_secrets_are_masked_and_what_only_sounds_like_one_is_not(name, value, shown):
    found = plain.params({name: value}, secrets=("hunter22",))
    assert set(found.values()) == {shown}
    assert "hunter2" not in json.dumps(found)


def test_what_credentials_hold_shows_nowhere(here):
    (here / "pyproject.toml").write_text("[tool.tane]\npackage = 'work'\n")
    (here / "src/work").mkdir(parents=True)
    (here / "src/work/pipeline_registry.py").write_text("def register_pipelines():\n    return {}\n")
    (here / "conf/local").mkdir(parents=True)
    (here / "conf/local/credentials.yml").write_text("db: {user: me, password: swordfish}\n")
    with tane.start_run(params={"a": "swordfish"}, tags={"b": "is swordfish"}, sinks="ledger,jsonl:runs") as run:
        tane.log_text("say swordfish", "a.txt")
        tane.log_dict("b.json", {"c": "swordfish"})
        tane.set_note("swordfish!")
    kept = [each.read() for each in run.artifacts.values()]
    shown = f"{run.params} {run.tags} {run.note} {kept}"
    assert "swordfish" not in shown and shown.count("***") == 5
    assert not [path for path in (here / "runs").rglob("*") if path.is_file() and b"swordfish" in path.read_bytes()]


def test_what_an_error_or_a_note_says_has_no_passwords(here):
    with pytest.raises(RuntimeError), tane.start_run("lost", sinks="ledger,jsonl:told") as run:
        tane.set_note("of postgres://me:hunter2@host/db, see https://me@host/a?b:c@d")
        raise RuntimeError("cannot reach postgres://me:hunter2@host/db")
    assert run.error == "RuntimeError: cannot reach postgres://host/db"
    assert run.note == "of postgres://host/db, see https://me@host/a?b:c@d"
    assert "hunter2" not in "".join(path.read_text() for path in here.glob("told/*/log.jsonl"))


def test_passwords_of_a_command_line_are_not_recorded(here):
    import subprocess
    import sys

    (here / "work.py").write_text("import tane\ntane.start_run('x')\n")
    words = ["--password=hunter2", "--token", "0123456789abcdef0", "--rate", "0.1"]
    subprocess.run([sys.executable, "work.py", *words], check=True)
    assert tane.get_run("x").record.command == ("work.py", "--password=***", "--token", "***", "--rate", "0.1")


@pytest.mark.parametrize("value", [True, 3, numpy.float32(2), Decimal("1.5"), float("nan"), 10**400])
def test_numbers_of_any_kind_are_metrics(value):
    assert isinstance(plain.number("m", value), float)


@pytest.mark.parametrize("value", ["0.5", b"1", None, [1], numpy.array([1, 2]), {}, object()])
def test_what_is_no_number_is_no_metric(value):
    with pytest.raises(errors.UsageError, match="metric 'm' is"):
        plain.number("m", value)


def test_a_step_is_a_whole_number():
    assert [plain.whole(step) for step in (None, 3, 3.0, numpy.int64(3), -1)] == [None, 3, 3, 3, -1]
    for step in (1.5, "a", 2**63, float("nan")):
        with pytest.raises(errors.UsageError, match="is no whole number"):
            plain.whole(step)


def test_a_value_of_a_megabyte_is_kept(here):
    with tane.start_run(params={"big": "x" * 1_000_000}) as run:
        pass
    assert run.params == {"big": "x" * 1_000_000}
