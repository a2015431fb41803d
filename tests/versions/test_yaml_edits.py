"""Changes to the text of YAML files."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tane.config import documents, trees
from tane.versions import yaml_edits

TEXT = """\
# top
a: 1  # one
b:
  c: "x"   # quoted
  d: [1, 2]  # flow
  e:
    - 1  # first
    - 2
  f:
  # behind
g: {h: 1, i: 2}
k: &k {l: 1}
m: *k
n: |
  text
"""


def entry(text, key):
    return next(each for each in yaml_edits._entries(text._root, set()) if each.key.value == key)


def changed(new):
    return [line for line in new.text.splitlines() if line not in TEXT.splitlines()]


@pytest.mark.parametrize(
    ("key", "value", "lines"),
    [
        ("a", 2.5, ["a: 2.5  # one"]),
        ("a", "yes: no", ['a: "yes: no"  # one']),
        ("a", "1e5", ['a: "1e5"  # one']),
        ("a", "", ['a: ""  # one']),
        ("a", None, ["a: null  # one"]),
        ("a", True, ["a: true  # one"]),
        ("a", 1e-7, ["a: 1e-07  # one"]),
        ("a", float("inf"), ["a: .inf  # one"]),
        ("c", "y", ['  c: "y"   # quoted']),
        ("d", [], ["  d: []  # flow"]),
        ("e", [3, 4], ["    - 3  # first", "    - 4"]),
        ("e", [3], ["    - 3"]),
        ("e", 5, ["  e: 5"]),
        ("f", 7, ["  f: 7"]),
        ("b", "gone", ["b: gone"]),
        ("h", {"x": [1]}, ["g: {h: {x: [1]}, i: 2}"]),
    ],
)
def test_a_value_is_changed_and_nothing_else(key, value, lines):
    text = yaml_edits.Text(TEXT)
    assert changed(text.put(entry(text, key), value)) == lines


@pytest.mark.parametrize("key", ["k", "m", "n"])
def test_what_cannot_be_changed_in_place_is_left(key):
    text = yaml_edits.Text(TEXT)
    assert text.put(entry(text, key), 1) is None


@pytest.mark.parametrize(
    ("key", "lines"),
    [("b", ["  new:", "    x: 1"]), ("g", ["g: {h: 1, i: 2, new: {x: 1}}"]), (None, ["new:", "  x: 1"])],
)
def test_an_entry_is_added_behind_the_last(key, lines):
    text = yaml_edits.Text(TEXT)
    assert changed(text.add(entry(text, key) if key else None, "new", {"x": 1})) == lines


@pytest.mark.parametrize(
    ("key", "gone"),
    [
        ("a", ["a: 1  # one"]),
        ("e", ["  e:", "    - 1  # first", "    - 2"]),
        ("f", ["  f:"]),
        ("h", ["g: {h: 1, i: 2}"]),
        ("i", ["g: {h: 1, i: 2}"]),
    ],
)
def test_an_entry_is_removed(key, gone):
    text = yaml_edits.Text(TEXT)
    new = text.remove(entry(text, key))
    assert [line for line in TEXT.splitlines() if line not in new.text.splitlines()] == gone
    assert key not in trees.paths(documents.read(new.text, "", []))


def test_an_item_is_added_to_a_list():
    text = yaml_edits.Text("defaults:\n  - a: b\n  - _self_\nx: 1\n")
    assert text.append(text.at_top("defaults"), {"c": "d"}).text == "defaults:\n  - a: b\n  - _self_\n  - c: d\nx: 1\n"


@pytest.mark.parametrize("text", ["", "# only a comment\n", "a: 1"])
def test_an_entry_is_added_to_any_document(text):
    new = yaml_edits.Text(text).add(None, "b", 2)
    assert trees.plain(documents.read(new.text, "", []))["b"] == 2


_PLAIN = some.recursive(
    some.none()
    | some.booleans()
    | some.integers(-(10**20), 10**20)
    | some.floats(allow_nan=False)
    | some.text(some.characters(exclude_categories=("Cs",)), max_size=12),
    lambda inner: (
        some.lists(inner, max_size=3) | some.dictionaries(some.text("ab1:-# '\"", min_size=1), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(_PLAIN)
def test_a_value_is_read_back_as_it_was_written(value):
    faults = []
    found = documents.read(f"v: {yaml_edits.flow(value)}\nw: [{yaml_edits.flow(value)}]\n", "", faults)
    assert not faults
    read = trees.plain(found)
    assert repr(read["v"]) == repr(value) == repr(read["w"][0])
