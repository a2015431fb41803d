"""Arguments from the configuration, by name and by type."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import pytest

import tane


@dataclass
class Model:
    alpha: float = 0.0005
    l1_ratio: float = 0.9


@tane.inject
def get_model(alpha, l1_ratio, depth=4):
    return alpha, l1_ratio, depth


@tane.inject("model")
def nested(alpha, l1_ratio=1):
    return alpha, l1_ratio


@tane.inject
def by_type(made: Model):
    return made


FLAT = {"alpha": 0.0005, "l1_ratio": 0.9}
DEEP = {"model": FLAT, "seed": 3}


def within(function, values):
    return tane.main(defaults=values)(lambda: function())()


def test_arguments_come_by_name(folder):
    assert within(get_model, FLAT) == (0.0005, 0.9, 4)
    assert within(get_model, {**FLAT, "depth": 9}) == (0.0005, 0.9, 9)


def test_what_is_passed_wins(folder):
    assert within(lambda: get_model(1, depth=2), FLAT) == (1, 0.9, 2)
    assert get_model(1, 2, 3) == (1, 2, 3)


def test_a_prefix_names_the_part(folder):
    assert within(nested, DEEP) == (0.0005, 0.9)


def test_outside_of_a_run_the_defaults_of_the_script_are_taken(folder):
    tane.main(defaults=FLAT)(lambda: None)
    assert get_model() == (0.0005, 0.9, 4)


def test_overrides_reach_injected_functions(folder):
    assert tane.main(defaults=FLAT)(lambda: get_model()).run("l1_ratio=0.01").result == (0.0005, 0.01, 4)


def test_what_main_is_called_with_reaches_injected_functions(folder):
    main = tane.main(defaults=FLAT)(lambda cfg: get_model())
    assert main({"alpha": 7, "l1_ratio": 8}) == (7, 8, 4)


def test_a_class_is_found_by_its_fields(folder):
    by_type.__wrapped__.__annotations__["made"] = Model
    assert within(by_type, DEEP) == Model()
    assert within(by_type, {"first": {"alpha": 1.0}, "other": {"beta": 1}}) == Model(1.0, 0.9)
    assert within(by_type, {"alpha": 2.0, "beta": 3}) == Model(2.0, 0.9)


def test_two_parts_of_one_class_must_be_told_apart(folder):
    by_type.__wrapped__.__annotations__["made"] = Model
    with pytest.raises(tane.TaneError, match="may be 'a' or 'b'"):
        within(by_type, {"a": FLAT, "b": FLAT})


def test_missing_arguments_are_told_together_with_the_nearest_key(folder):
    with pytest.raises(tane.TaneError) as told:
        within(get_model, {"alpah": 1, "l1_ration": 2})
    assert "has no 'alpha'" in str(told.value) and "did you mean 'alpah'" in str(told.value)
    assert "did you mean 'l1_ration'" in str(told.value)


def test_a_key_that_lies_deeper_is_pointed_at(folder):
    with pytest.raises(tane.TaneError, match=r"there is 'model.alpha': write @tane.inject\('model'\)"):
        within(get_model, DEEP)


def test_a_prefix_that_is_not_there_is_told(folder):
    with pytest.raises(tane.TaneError, match="did you mean 'modle'"):
        within(nested, {"modle": FLAT})


def test_values_fit_annotations(folder):
    @tane.inject
    def whole(depth: int):
        return depth

    with pytest.raises(tane.TaneError, match="depth is 1.5"):
        tane.main(defaults={"depth": 1.5})(lambda: whole())()


def test_without_any_configuration_it_says_so(folder):
    with pytest.raises(tane.TaneError, match="there is no configuration to take it from"):
        get_model()


def test_threads_of_a_script_get_its_configuration(folder):
    def main():
        found = []
        thread = threading.Thread(target=lambda: found.append(get_model()))
        thread.start()
        thread.join()
        return found[0]

    assert tane.main(defaults=FLAT)(main).run("alpha=3").result == (3, 0.9, 4)


def test_methods_are_given_arguments_too(folder):
    class Trainer:
        @tane.inject
        def fit(self, alpha):
            return alpha

    assert tane.main(defaults=FLAT)(lambda: Trainer().fit())() == 0.0005


def test_a_class_cannot_be_decorated():
    with pytest.raises(tane.TaneError, match="its __init__"):
        tane.inject(Model)
