from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tane.config import documents, scalars, trees


def read(text: str) -> object:
    faults: list[object] = []
    tree = documents.read(text, "f.yml", faults)
    assert not faults and tree is not None
    return trees.plain(tree)


def faults_of(text: str, **options: bool) -> str:
    faults: list[object] = []
    documents.read(text, "f.yml", faults, **options)
    return "\n".join(str(fault) for fault in faults)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1_000", 1000),
        ("-5", -5),
        ("+1.5", 1.5),
        ("1.", 1.0),
        (".5e2", 50.0),
        ("-.inf", -math.inf),
        ("0x1F", 31),
        ("0o17", 15),
        ("0b101", 5),
        ("012", "012"),
        ("12:30:00", "12:30:00"),
        ("2024-01-31", "2024-01-31"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("True", True),
        ("false", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("!!float 1", 1.0),
        ("1.2.3", "1.2.3"),
        ("=", "="),
    ],
)
def test_scalars_are_what_they_look_like(text, value):
    found = read(f"x: {text}\n")["x"]
    assert (found, type(found)) == (value, type(value))


@settings(deadline=None)
@given(st.floats(allow_nan=False) | st.integers() | st.booleans() | st.none())
def test_what_python_prints_of_a_number_is_read_back(value):
    text = {True: "true", False: "false", None: "null"}[value] if value in (None, True, False) else repr(value)
    text = text.replace("inf", ".inf")
    found = scalars.value(text)
    assert found == value


def test_keys_keep_their_type():
    assert read("w: {0: 1, 1: 25}") == {"w": {0: 1, 1: 25}}


def test_anchors_aliases_and_merge_keys():
    text = "a: &a {x: 1, y: 2}\nb: &b {z: 3}\nc:\n  <<: [*a, *b]\n  y: 5\nd: *a\n"
    assert read(text)["c"] == {"x": 1, "y": 5, "z": 3}
    assert read(text)["d"] == {"x": 1, "y": 2}


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "null"])
def test_an_empty_file_is_an_empty_mapping(text):
    assert read(text) == {}


def test_a_key_that_stands_twice_is_named_with_both_lines():
    told = faults_of("model:\n  lr: 1\n  depth: 2\n  lr: 3\n")
    assert "f.yml:4: the key 'lr' stands twice in one mapping: here and on line 2" in told
    assert "hint: keep one of them" in told


def test_a_syntax_error_tells_line_column_text_and_what_to_do():
    told = faults_of("a: 1\nb: c: d\n")
    assert told.startswith("f.yml:2:5: this is not YAML: mapping values are not allowed")
    assert "'b: c: d'" in told
    assert "hint: put text that contains ': ' in quotes" in told


def test_a_tab_is_told_as_such():
    assert "not tabs" in faults_of("a:\n\tb: 1\n")


def test_a_hidden_file_is_not_quoted():
    told = faults_of("key: hunter2: x\n", hide=True)
    assert "f.yml:1" in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- 1\n- 2\n", "the file holds a list, not keys and values"),
        ("just text\n", "the file holds text, not keys and values"),
        ("a: 1\n---\nb: 2\n", "keep one document in a file"),
        ("a: !!python/object:os.system x\n", "the tag !!python/object:os.system is not allowed"),
        ("a: !secret x\n", "the tag !secret is not allowed"),
        ("a: !!int x\n", "'x' cannot be read as int"),
        ("a: *nothing\n", "define it first with &name"),
        ("a: &a [*a]\n", "the anchor contains itself"),
        ("? [1, 2]\n: x\n", "a list or mapping is used as a key"),
        ("a:\n  <<: 5\n", "`<<` takes a mapping or a list of mappings"),
        ("a: \x01\n", "take out the control character"),
        (f"a: {'9' * 5000}\n", "cannot be read as int"),
        ("1: a\ntrue: b\n", "the key 'true' stands twice"),
    ],
)
def test_what_cannot_be_a_configuration_is_told(text, told):
    assert told in faults_of(text)


def test_all_mistakes_of_a_file_are_told():
    told = faults_of("a: 1\na: 2\nb: !x 1\nc: {d: 1, d: 2}\n")
    assert ["f.yml:2" in told, "f.yml:3" in told, "f.yml:4" in told] == [True] * 3
