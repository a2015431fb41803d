from __future__ import annotations

import copy
import json
import pickle

import pytest

from tane import errors
from tane.config import views

VALUES = {"model": {"lr": 0.1, "layers": [32, {"a": 1}], "depth": "???"}, "items": 3, 7: "seven"}


@pytest.fixture
def cfg():
    return views.of(VALUES)


def test_keys_are_attributes(cfg):
    assert (cfg.model.lr, cfg["model"]["lr"], cfg.model.layers[1].a, cfg[7]) == (0.1, 0.1, 1, "seven")
    assert callable(cfg.items)
    assert cfg["items"] == 3


def test_it_is_a_mapping_for_whoever_takes_one(cfg):
    assert cfg == VALUES
    assert json.loads(json.dumps(cfg.model)) == VALUES["model"]
    assert {**cfg.model}["lr"] == 0.1
    assert pickle.loads(pickle.dumps(cfg)).model.layers == [32, {"a": 1}]


@pytest.mark.parametrize(
    "change",
    [
        lambda cfg: cfg.update(a=1),
        lambda cfg: cfg.model.pop("lr"),
        lambda cfg: cfg.model.__setitem__("lr", 1),
        lambda cfg: setattr(cfg, "a", 1),
        lambda cfg: delattr(cfg, "model"),
        lambda cfg: cfg.model.layers.append(1),
        lambda cfg: cfg.model.layers.__setitem__(0, 1),
        lambda cfg: cfg.model.layers.__iadd__([1]),
    ],
)
def test_it_cannot_be_changed(cfg, change):
    with pytest.raises(TypeError, match="cannot be changed"):
        change(cfg)
    assert cfg == VALUES


def test_a_copy_can_be_changed(cfg):
    made = copy.deepcopy(cfg)
    made["model"]["layers"].append(1)
    made["model"]["lr"] = 2
    assert cfg == VALUES


def test_what_is_not_there_comes_with_the_nearest(cfg):
    with pytest.raises(AttributeError, match=r"model has no 'lrr': did you mean 'lr'\?"):
        _ = cfg.model.lrr
    with pytest.raises(KeyError, match="did you mean 'model'"):
        _ = cfg["modle"]
    assert cfg.get("modle", 1) == 1
    assert not hasattr(cfg, "modle")


def test_a_value_still_to_be_given_is_told_when_it_is_asked_for(cfg):
    with pytest.raises(errors.ConfigError, match="model.depth is still to be given"):
        _ = cfg.model.depth
    assert cfg.model.get("depth", 3) == 3
