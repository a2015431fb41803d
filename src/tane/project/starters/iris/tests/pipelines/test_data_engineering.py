import pandas as pd
import pytest
from iris.pipelines.data_engineering import nodes
from iris.schema import MEASURES


def test_outliers_are_left_out(flowers, parameters):
    kept = nodes.remove_outliers(flowers, parameters["outliers"]["max_samples"], parameters["random_state"])
    assert len(kept) == 113
    assert set(kept["species"]) == set(flowers["species"])


def test_a_small_table_needs_no_other_settings(flowers):
    assert 0 < len(nodes.remove_outliers(flowers.head(20), max_samples=150, random_state=3)) < 20


def test_missing_columns_are_named(flowers):
    with pytest.raises(ValueError, match="petal_width, species"):
        nodes.remove_outliers(flowers.drop(columns=["petal_width", "species"]), 150, 3)


def test_each_measure_goes_from_0_to_1(flowers):
    scaled = nodes.scale(flowers)
    assert list(scaled.columns) == list(flowers.columns)
    assert (scaled[list(MEASURES)].min() == 0).all()
    assert (scaled[list(MEASURES)].max() == 1).all()


def test_a_measure_that_never_varies_is_0(flowers):
    assert (nodes.scale(flowers.assign(sepal_width=3.0))["sepal_width"] == 0).all()


def test_each_flower_is_in_one_part(flowers):
    train, test = nodes.split(flowers, test_data_ratio=0.2, random_state=3)
    assert (len(train), len(test)) == (120, 30)
    columns = list(flowers.columns)
    both = pd.concat([train, test]).sort_values(columns, ignore_index=True)
    assert both.equals(flowers.sort_values(columns, ignore_index=True))


def test_the_state_decides_the_draw(flowers):
    draws = [nodes.split(flowers, 0.2, random_state)[1] for random_state in (3, 3, 4)]
    assert draws[0].equals(draws[1])
    assert not draws[0].equals(draws[2])
