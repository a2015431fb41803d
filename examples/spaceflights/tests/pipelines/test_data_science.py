"""Splitting, fitting, judging; and both models side by side, in memory."""

import pandas as pd
import pytest
import tane

from spaceflights.pipelines.data_science import create_pipeline
from spaceflights.pipelines.data_science.nodes import Model, fit, judge, predict, split

TABLE = pd.DataFrame({"engines": range(1, 21), "crew": [3, 1, 2, 5] * 5}).assign(
    price=lambda table: 100 * table["engines"] + 7 * table["crew"], name="not a number"
)


def test_a_share_is_set_aside():
    train, test = split(TABLE, Model(["engines"], test_share=0.25, seed=1))
    assert (len(train), len(test)) == (15, 5)
    assert list(train.columns) == ["engines", "price"]


def test_a_line_is_found_again():
    train, test = split(TABLE, Model(["engines", "crew"]))
    assert judge(predict(fit(train), test)) == pytest.approx(
        {"r2": 1, "mean_absolute_error": 0, "max_error": 0}, abs=1e-9
    )


def test_both_models_are_judged_with_parameters_of_their_own():
    params = {
        "active": {"model": Model(["engines", "crew"])},
        "candidate": {"model": Model(["crew"], seed=2)},
    }
    run = tane.run(create_pipeline(), inputs={"model_input": TABLE}, params=params)
    assert run["active.metrics"]["r2"] == pytest.approx(1)
    assert run["candidate.metrics"]["r2"] < 0.5
