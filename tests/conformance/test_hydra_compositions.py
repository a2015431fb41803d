"""Composition: files with defaults lists, and overrides, make with Tane what they make with Hydra; or both refuse.

What is different on purpose is listed in docs/composition.md, and is not drawn here.
"""

import conftest
import hydra_drawn
import pytest
import tane_compositions
import yaml
from hypothesis import given

from tane import errors


def written(files):
    """The files as text; a content is [package header or None, mapping]."""
    return {
        f"{name}.yaml": (f"# @package {header}\n" if header is not None else "")
        + yaml.safe_dump(content, sort_keys=False)
        for name, (header, content) in files.items()
    }


def answers(hydra, files, overrides):
    """What each side makes of it; "refused" where it refuses."""
    texts = written(files)
    try:
        theirs = hydra.ask("compose", texts, overrides)
    except conftest.Refusal as refusal:
        theirs = "refused", str(refusal)
    try:
        ours = tane_compositions.compose(texts, overrides)
    except errors.ConfigError as error:
        ours = "refused", str(error)
    return ours, theirs


def agree(hydra, files, overrides):
    """Both say the same, or both refuse."""
    ours, theirs = answers(hydra, files, overrides)
    if isinstance(ours, tuple) or isinstance(theirs, tuple):
        assert isinstance(ours, tuple) and isinstance(theirs, tuple), (ours, theirs)
    else:
        assert ours == theirs


@given(hydra_drawn.files(), hydra_drawn.overrides())
def test_compositions_agree(hydra, files, overrides):
    agree(hydra, files, overrides)


PLAIN = {
    "config": [None, {"defaults": [{"db": "a"}, {"more": ["a", "b"]}, "_self_"], "seed": 1, "kind": "linear"}],
    "db/a": [None, {"x": 1, "y": {"z": 2}}],
    "db/b": [None, {"x": 3}],
    "db/engine/a": [None, {"n": 1}],
    "more/a": [None, {"m": 1}],
    "more/b": [None, {"m": 2}],
    "kind/a": [None, {"k": 1}],
    "late/a": ["_group_", {"l": 1}],
}

AGREED = [
    [],
    ["db=b"],
    ["db=b", "db.x=4"],
    ["+db/engine=a"],
    ["+db@other=b"],
    ["db@other=b"],
    ["~db"],
    ["~db=a"],
    ["~db=b"],
    ["more=b"],
    ["more=[b]"],
    ["db=nowhere"],
    ["++db=b"],
    ["db=1"],
    ["+kind=a"],
    ["db={x: 7}"],
    ["db.y={z: 8}"],
    ["nothing/at/all=x"],
]


@pytest.mark.parametrize("overrides", AGREED, ids=" ".join)
def test_choices_agree(hydra, overrides):
    agree(hydra, PLAIN, overrides)


def test_the_tree_of_the_survey_agrees(hydra):
    files = {
        "config": [None, {"defaults": [{"model": "elastic_net"}]}],
        "model/elastic_net": [None, {"alpha": 0.0005, "l1_ratio": 0.9, "random_state": 3}],
        "model/catboost": [None, {"iterations": 1000, "learning_rate": 0.02, "depth": 5, "random_state": 3}],
    }
    for overrides in ([], ["model.l1_ratio=0.01"], ["model=catboost"], ["model=catboost", "model.depth=4"]):
        agree(hydra, files, overrides)


def test_an_experiment_agrees(hydra):
    """The usual layout: one file that overrides groups and values from the top."""
    files = {
        "config": [None, {"defaults": ["_self_", {"data": "small"}, {"model": "tree"}, {"experiment": None}], "lr": 1}],
        "data/small": [None, {"rows": 10}],
        "data/large": [None, {"rows": 1000, "name": "${model.name}_${lr}"}],
        "model/tree": [None, {"defaults": ["base", {"leaf": "deep"}], "name": "tree"}],
        "model/line": [None, {"defaults": ["base"], "name": "line"}],
        "model/base": [None, {"name": "none", "kept": True}],
        "model/leaf/deep": [None, {"depth": 9}],
        "model/leaf/flat": [None, {"depth": 1}],
        "experiment/big": [
            "_global_",
            {"defaults": [{"override /data": "large"}, {"override /model": "line"}, "_self_"], "lr": 2},
        ],
        "experiment/flat": ["_global_", {"defaults": [{"override /model/leaf": "flat"}]}],
    }
    for overrides in (
        [],
        ["+experiment=big"],
        ["experiment=big"],
        ["experiment=flat"],
        ["experiment=big", "model=tree"],
    ):
        agree(hydra, files, overrides)


REFUSED_THERE = {  # docs/composition.md says so
    "nothing chosen": (["db=null"], {"more": {"m": 2}, "seed": 1, "kind": "linear"}),
    "several taken away": (["~more"], {"db": {"x": 1, "y": {"z": 2}}, "seed": 1, "kind": "linear"}),
    "a value named as a group": (["kind=tree", "~db", "~more"], {"seed": 1, "kind": "tree"}),
}


@pytest.mark.parametrize("case", REFUSED_THERE)
def test_what_hydra_refuses_and_tane_takes(hydra, case):
    overrides, expected = REFUSED_THERE[case]
    ours, theirs = answers(hydra, PLAIN, overrides)
    assert ours == tane_compositions.told(expected)
    assert theirs[0] == "refused"


def test_dotted_names_choose_options(hydra):
    files = {
        "config": [None, {"defaults": [{"db/engine": "a"}]}],
        "db/engine/a": [None, {}],
        "db/engine/b": [None, {"n": 1}],
    }
    ours, theirs = answers(hydra, files, ["db.engine=b"])
    assert ours == tane_compositions.told({"db": {"engine": {"n": 1}}})
    assert theirs == tane_compositions.told({"db": {"engine": "b"}})


def test_the_word_group_in_a_header_is_the_groups_name(hydra):
    ours, theirs = answers(hydra, PLAIN, ["+late=a"])
    assert ["late", tane_compositions.told({"l": 1})] in ours["mapping"]
    assert ["_group_", tane_compositions.told({"l": 1})] in theirs["mapping"]


def test_a_circle_is_told(hydra):
    files = {"config": [None, {"defaults": [{"db": "a"}]}], "db/a": [None, {"defaults": [{"/db": "a"}]}]}
    ours, theirs = answers(hydra, files, [])
    assert "defaults lists go in a circle: db/a -> db/a" in ours[1]
    assert theirs[0] == "refused"
