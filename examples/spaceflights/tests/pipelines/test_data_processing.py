"""Typing and joining, on a few rows."""

import pandas as pd

from spaceflights.pipelines.data_processing import create_pipeline
from spaceflights.pipelines.data_processing.nodes import join, type_companies, type_shuttles

COMPANIES = pd.DataFrame(
    {
        "id": [1, 2],
        "company_rating": ["100%", "38%"],
        "company_location": ["Niue", "Malta"],
        "iata_approved": ["t", "f"],
    }
)
SHUTTLES = pd.DataFrame(
    {
        "id": [10, 20, 30],
        "price": ["$1,715.0", "$905.5", "$12.0"],
        "d_check_complete": ["f", "t", "f"],
        "moon_clearance_complete": ["t", "t", "f"],
        "company_id": [1, 2, 3],
    }
)
REVIEWS = pd.DataFrame({"shuttle_id": [20, 10, 30], "review_scores_rating": [91.0, None, 80.0]})


def test_ratings_become_shares_and_approvals_truth_values():
    typed = type_companies(COMPANIES)
    assert list(typed["company_rating"]) == [1.0, 0.38]
    assert list(typed["iata_approved"]) == [True, False]


def test_prices_become_numbers():
    typed = type_shuttles(SHUTTLES)
    assert list(typed["price"]) == [1715.0, 905.5, 12.0]
    assert list(typed["d_check_complete"]) == [False, True, False]


def test_only_shuttles_of_which_everything_is_known_are_joined():
    joined = join(type_shuttles(SHUTTLES), type_companies(COMPANIES), REVIEWS)
    assert list(joined["shuttle_id"]) == [20]
    assert joined.loc[0, "company_rating"] == 0.38


def test_the_pipeline_goes_from_raw_tables_to_one():
    pipeline = create_pipeline()
    assert pipeline.inputs() == {"companies", "shuttles", "reviews"}
    assert pipeline.outputs() == {"model_input"}
