import pandas as pd
import pytest
from survey.pipelines.preparation import nodes
from survey.schema import MEASURES, QUALITY


def test_each_wine_is_there_once(wines):
    cleaned = nodes.clean(wines)
    assert len(wines) == 4898
    assert len(cleaned) == 3961
    assert not cleaned.duplicated().any()


def test_missing_columns_are_named(wines):
    with pytest.raises(ValueError, match="alcohol, quality"):
        nodes.clean(wines.drop(columns=["alcohol", QUALITY]))


def test_ratios_stand_beside_the_measures(wines):
    features = nodes.add_ratios(wines)
    assert set(features) == {*MEASURES, QUALITY, "free_share", "sweetness"}
    assert features["free_share"].between(0, 1).all()


def test_each_wine_is_in_one_part(wines):
    train, test = nodes.split(wines, test_share=0.2, random_state=3)
    assert (len(train), len(test)) == (3918, 980)
    columns = list(wines.columns)
    both = pd.concat([train, test]).sort_values(columns, ignore_index=True)
    assert both.equals(wines.sort_values(columns, ignore_index=True))


def test_the_wines_set_aside_have_no_say_in_the_scale(wines):
    train, test = nodes.split(wines, test_share=0.2, random_state=3)
    scaled, aside = nodes.scale(train, test, nodes.measure(train))
    assert scaled.drop(columns=QUALITY).mean().abs().max() < 1e-9
    assert aside.drop(columns=QUALITY).mean().abs().max() > 1e-3
    assert aside[QUALITY].equals(test[QUALITY])
