"""What people look at."""

import pandas as pd

from spaceflights.pipelines.reporting.nodes import compare, draw_capacity, draw_prices


def test_the_better_model_explains_more():
    assert compare({"r2": 0.5}, {"r2": 0.25}) == {"better": "active", "r2_gain": -0.25}
    assert compare({"r2": 0.5}, {"r2": 0.75}) == {"better": "candidate", "r2_gain": 0.25}


def test_rare_types_are_not_drawn():
    shuttles = pd.DataFrame({"shuttle_type": ["V5", "V5", "F5"], "passenger_capacity": [4, 5, 9]})
    (bars,) = draw_capacity(shuttles, least_shuttles=2).data
    assert (list(bars.x), list(bars.y)) == (["V5"], [4.5])


def test_each_model_has_its_picture():
    predictions = pd.DataFrame({"price": [1.0, 2.0], "predicted": [1.5, 2.5]})
    assert [axes.get_title() for axes in draw_prices(predictions, predictions).axes] == ["active", "candidate"]
