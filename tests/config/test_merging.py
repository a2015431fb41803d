from __future__ import annotations

from functools import reduce
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tane.config import origins, trees

KEYS = st.sampled_from(["a", "b", "c", "d"])
VALUES = st.recursive(
    st.integers(0, 9) | st.none() | st.text(max_size=2) | st.lists(st.integers(0, 3), max_size=2),
    lambda inner: st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(KEYS, VALUES, max_size=4)
calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no fault

HERE = origins.Origin("f", 1, origins.FILE)


def merged(*layers: dict[str, Any]) -> Any:
    return trees.plain(reduce(trees.merge, (trees.of(layer, HERE) for layer in layers)))


def plain_merge(below: Any, above: Any) -> Any:
    if isinstance(below, dict) and isinstance(above, dict):
        both = {key: plain_merge(below[key], above[key]) for key in below.keys() & above.keys()}
        return {**below, **above, **both}
    return above


@calm
@given(st.lists(MAPPINGS, min_size=1, max_size=4))
def test_layers_merge_one_by_one_as_all_at_once(layers):
    assert merged(*layers) == reduce(plain_merge, layers)


@calm
@given(MAPPINGS, MAPPINGS, MAPPINGS)
def test_grouping_does_not_matter_where_the_middle_hides_no_mapping(a, b, c):
    hides = any(
        not isinstance(trees.find(trees.of(b, HERE), keys), trees.Branch | None) for keys in _branches(a) if keys
    )
    if not hides:
        assert merged(merged(a, b), c) == merged(a, merged(b, c))


def _branches(value: Any, before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return []
    return [before, *(keys for key, item in value.items() for keys in _branches(item, (*before, key)))]


@calm
@given(MAPPINGS)
def test_merging_with_nothing_or_itself_changes_nothing(layer):
    assert merged({}, layer) == merged(layer, {}) == merged(layer, layer) == layer


@calm
@given(MAPPINGS, MAPPINGS)
def test_every_leaf_of_the_upper_layer_is_there(below, above):
    tree = trees.of(merged(below, above), HERE)
    for keys, leaf in trees.leaves(trees.of(above, HERE)):
        if not isinstance(leaf, trees.Branch):
            assert trees.plain(trees.find(tree, keys)) == trees.plain(leaf)


@calm
@given(MAPPINGS, MAPPINGS)
def test_each_value_keeps_the_origin_of_its_layer(below, above):
    low, high = origins.Origin("low", 1, origins.FILE), origins.Origin("high", 1, origins.FILE)
    whole = trees.merge(trees.of(below, low), trees.of(above, high))
    upper = trees.of(above, high)
    for keys, leaf in trees.leaves(whole):
        if keys and not isinstance(leaf, trees.Branch):
            assert (leaf.origin == high) is (trees.find(upper, keys) is not None)


@calm
@given(MAPPINGS, st.lists(KEYS, min_size=1, max_size=3), st.integers())
def test_what_is_put_is_found_and_can_be_removed(layer, keys, value):
    tree = trees.of(layer, HERE)
    above = [trees.find(tree, keys[:depth]) for depth in range(len(keys))]
    if any(
        isinstance(part, trees.Items) or (isinstance(part, trees.Leaf) and part.value is not None) for part in above
    ):
        return
    new = trees.put(tree, keys, trees.Leaf(value, HERE))
    assert trees.plain(trees.find(new, keys)) == value
    assert trees.find(trees.remove(new, keys), keys) is None
    assert trees.plain(tree) == layer
