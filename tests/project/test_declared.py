from __future__ import annotations

import functools

from tane.pipeline.graph import Pipeline
from tane.pipeline.nodes import node
from tane.project import declared


def fit(features, lr=0.05, *, rounds=10):
    return features


def test_defaults_of_bare_functions_are_declared():
    assert declared.defaults([Pipeline([fit])]) == {"lr": 0.05, "rounds": 10}


def test_an_argument_that_a_node_makes_is_none():
    def lr():
        return 1

    assert declared.defaults([Pipeline([fit, lr])]) == {"rounds": 10}


def test_a_described_node_declares_nothing():
    assert declared.defaults([Pipeline([node(fit, "features", "model")])]) == {}


def test_a_wrapped_function_declares_its_own_defaults():
    @functools.wraps(fit)
    def wrapped(*args, **kwargs):
        return fit(*args, **kwargs)

    assert declared.defaults([Pipeline([wrapped])]) == {"lr": 0.05, "rounds": 10}


def test_where_two_differ_the_first_stands():
    def other(model, lr=1.0):
        return model

    assert declared.defaults([Pipeline([fit]), Pipeline([other])])["lr"] == 0.05
